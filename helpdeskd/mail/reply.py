"""What of a text is shown folded, and left out where it is passed on: who is quoted above it, a quote it answers as a whole, its
signature. The text itself stays as it is."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from enum import StrEnum

from helpdeskd.mail import heads, signatures
from helpdeskd.mail.page import Page


class Kind(StrEnum):
    HEAD = "head"  # "On ... wrote:" or a block of headers with nothing above it
    QUOTE = "quote"  # what is quoted above one answer
    SIGNATURE = "signature"
    BELOW = "below"  # the line of a telephone, and words below it that nothing marks as a quote: perhaps the author's


@dataclass(frozen=True, slots=True)
class Fold:
    """The characters [start, end) of a text."""

    start: int
    end: int
    kind: Kind


def folds(text: str) -> tuple[Fold, ...]:
    """What of `text` (Split.text) folds, in its order; nothing where nothing else would be left. Answers between quoted lines
    stay whole, with what they answer."""
    page = Page(text)
    tail = signatures.start(page)
    found: list[Fold] = []
    head, body = _above(page, tail)
    if head is not None:
        found.append(Fold(page.starts[head.start], page.starts[head.end], Kind.HEAD))
        if body > head.end:
            found.append(Fold(page.starts[head.end], page.starts[body], Kind.QUOTE))
    if tail < len(page.lines):
        kind = Kind.SIGNATURE if signatures.ending(page) == tail else Kind.BELOW
        found.append(Fold(page.starts[tail], len(text), kind))
    return tuple(found)


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
