"""What of a text is shown folded: who is quoted above it, a quote it answers as a whole, its signature, and whatever else may
be a signature or a quote. Where it is passed on, only SURE is left out: the rest may be its author's words. The text itself
stays as it is."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from enum import StrEnum

from helpdeskd.mail import heads, quoting, signatures
from helpdeskd.mail.page import Page


class Kind(StrEnum):
    HEAD = "head"  # "On ... wrote:" or a block of headers with nothing above it
    QUOTE = "quote"  # what is quoted above one answer
    SIGNATURE = "signature"  # below `-- `
    ENDING = "ending"  # what may be one: below a dash, a line of underscores, "Sent from my iPhone"
    BELOW = "below"  # the line of a telephone, and words below it that nothing marks as a quote: perhaps the author's
    PERHAPS = "perhaps"  # a head and all below it, without `>`: a quote, or what somebody pasted, and wrote on


SURE = frozenset({Kind.QUOTE, Kind.SIGNATURE})


@dataclass(frozen=True, slots=True)
class Fold:
    """The characters [start, end) of a text."""

    start: int
    end: int
    kind: Kind


def folds(text: str, *, forward: bool = False) -> tuple[Fold, ...]:
    """What of `text` (Split.text) folds, in its order; nothing where nothing else would be left. Answers between quoted lines
    stay whole, with what they answer, and so does what a `forward` is about."""
    place = None if forward else quoting.perhaps(text)
    if place is None:
        return tuple(_folds(text))
    above = _folds(text[:place])
    if any(Page(text[place:]).quoted):  # an answer may stand between its lines and those above
        above = [one for one in above if one.kind not in {Kind.HEAD, Kind.QUOTE}]
    return (*above, Fold(place, len(text), Kind.PERHAPS))


def _folds(text: str) -> list[Fold]:
    page = Page(text)
    sure = signatures.start(page, sure=True)
    tail = min(signatures.start(page), sure)
    found: list[Fold] = []
    head, body = _above(page, tail)
    if head is not None:
        found.append(Fold(page.starts[head.start], page.starts[head.end], Kind.HEAD))
        if body > head.end:
            found.append(Fold(page.starts[head.end], page.starts[body], Kind.QUOTE))
    end = page.starts[sure] if sure < len(page.lines) else len(text)
    if tail < sure:
        found.append(Fold(page.starts[tail], end, Kind.ENDING if signatures.ending(page) == tail else Kind.BELOW))
    if sure < len(page.lines):
        found.append(Fold(end, len(text), Kind.SIGNATURE))
    return found


def said(text: str, leave_out: Collection[Kind] = tuple(Kind)) -> str:
    """`text` without its folds of these kinds and without empty lines around it."""
    pieces: list[str] = []
    place = 0
    for fold in folds(text):
        if fold.kind in leave_out:
            pieces.append(text[place : fold.start])
            place = fold.end
    return _trimmed("".join([*pieces, text[place:]]))


def _above(page: Page, tail: int) -> tuple[heads.Head | None, int]:
    """The head with which a text begins, and the line where what it introduces ends as far as that is folded."""
    first = page.next_written(0)
    for number in range(first, min(first + heads.WRAPPED + 1, tail)):
        head = heads.find(page, number)
        if head is None:
            continue
        if head.start > first or head.end == head.start:
            return None, 0
        if head.forwards:
            block = heads.find(page, page.next_written(head.end)) if page.next_written(head.end) < tail else None
            head = heads.Head(first, block.end) if block is not None and block.end > head.end else head
        if page.next_written(head.end) >= tail:
            return None, 0
        body = page.next_written(head.end)
        if not page.quoted[body]:
            if not head.sure and not heads.label(page.lines[first]) and not heads.is_rule(page.lines[first]):
                return None, 0  # somebody may write that somebody wrote
            return heads.Head(first, head.end), head.end
        end = page.block_end(body)
        if page.next_unquoted(end) >= tail:
            return None, 0  # nothing but a quote
        if any(page.quoted[end:tail]):
            return None, 0  # answers between its lines
        return heads.Head(first, head.end), end
    return None, 0


def _trimmed(text: str) -> str:
    """Without blank lines around it; the spaces that indent its first line are its own."""
    lines = text.split("\n")
    first, last = 0, len(lines)
    while first < last and not lines[first].strip():
        first += 1
    while last > first and not lines[last - 1].strip():
        last -= 1
    return "\n".join(lines[first:last])
