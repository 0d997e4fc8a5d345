"""Where does what the author wrote end and what they quote begin? A scanner that reads each line once.

Nothing is deleted: text and quote together are the whole text. What introduces a quote is told by mail.heads, what ends a
letter by mail.signatures; both look at a bounded number of characters and lines, so that hostile text costs no more than
any other of its size.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from dataclasses import dataclass, replace
from enum import StrEnum
from itertools import zip_longest

from helpdeskd.mail import heads, signatures
from helpdeskd.mail.heads import Head
from helpdeskd.mail.page import LONGEST, Page
from helpdeskd.mail.tokens import ADDRESS_LIKE

_FRAME = 3  # written lines between the head of a quote and our marker in it
_BELOW = 8  # lines from where the HTML says that a quote begins to its first quoted line
_NEAR = 3  # lines from where the HTML says that a quote begins to quoted lines that bear it out
_FRAGMENT = 20  # characters of the marker's words, and the word they end in: they give one of our notices away
_NOT_WORD = re.compile(r"[\W_]+")


class Why(StrEnum):
    """By what a quote is known: what it begins with."""

    MARKER = "marker"  # the marker line of our notices stands in it
    QUOTED = "quoted"  # lines with `>`
    ATTRIBUTION = "attribution"  # "On ... wrote:"
    HEADERS = "headers"  # a block of From, Sent, To, Subject
    RULE = "rule"  # "-----Original Message-----", or the marker line of another desk
    MARKUP = "markup"  # its HTML says so


@dataclass(frozen=True, slots=True)
class Split:
    """`text` + `quote` is the whole text, always."""

    text: str
    quote: str
    marker_cut: bool = False
    own_text_found: bool = False


def split(text: str, marker: str, *, forward: bool = False, quote_at: int | None = None, boxed: bool = False) -> Split:
    """`text` cut where the quote begins, and where that is sure: what is cut off is neither sent on nor told.

    The marker line of our notices decides first. Then, unless the mail is a forward (whose quote is its content), a
    localised "On ... wrote:" over several lines, a block of mail headers, "-----Original Message-----", a block of `>`
    lines at the end, or the character `quote_at` at which the HTML says that its quote begins (`boxed`: and ends). Answers
    between quoted lines stay whole, and so does a text with nothing before the quote: somebody wrote it for us to read. Below
    a head that is not sure only what holds words of ours is cut off; what else may be a quote is for mail.reply to fold.
    `own_text_found`: a text of ours stands in what is left.
    """
    if not text:
        return Split("", "")
    page = Page(text)
    at = _marker_line(page, marker)
    if at is not None:
        cut = _cut_at_marker(page, at)
        if cut is not None and not (forward and page.is_blank(0, cut)):
            return _made(page, cut, marker, marker_cut=True)
        return Split(text, "", own_text_found=True)
    head = None if forward else _sure_start(page, marker, _line_of(page, quote_at), boxed=boxed)
    return _made(page, len(page.lines) if head is None else head.start, marker)


def why(quote: str, *, marker_cut: bool) -> Why | None:
    """What shows that this (Split.quote) is one; None where there is none."""
    page = Page(quote)
    first = page.next_written(0)
    if first == len(page.lines):
        return None
    if marker_cut:
        return Why.MARKER
    head = next(
        (found for at in range(first, len(page.lines)) if not page.blank[at] and (found := heads.find(page, at))), None
    )
    if page.quoted[first]:
        return Why.QUOTED
    if head is None or head.start > first:
        return Why.MARKUP
    if heads.label(page.lines[first]):
        return Why.HEADERS
    return Why.RULE if heads.is_rule(page.lines[first]) else Why.ATTRIBUTION


def has_own_text(text: str, marker: str) -> bool:
    """Does a line hold a reply address with a token, or the first words (twenty letters) of the marker?"""
    wanted = _words(marker)
    fragment = wanted[: _end_of_word(wanted, _FRAGMENT)]
    if fragment and fragment.split(" ", 1)[0] in text.casefold() and fragment in _words(text):
        return True
    return bool(ADDRESS_LIKE.search(text))


def _made(page: Page, cut: int, marker: str, *, marker_cut: bool = False) -> Split:
    if cut < len(page.lines):
        while cut and page.blank[cut - 1]:  # empty lines above a quote belong to it
            cut -= 1
        place = page.starts[cut]
    else:
        place = len(page.text)
    kept = page.text[:place]
    return Split(kept, page.text[place:], marker_cut, has_own_text(kept, marker))


def _line_of(page: Page, place: int | None) -> int | None:
    """The first written line from a character on."""
    return None if place is None else page.next_written(max(0, bisect_right(page.starts, place) - 1))


def _words(text: str) -> str:
    """For comparing: letters and digits in lower case with single spaces. Programs drop or add #, *, > and line ends."""
    return _NOT_WORD.sub(" ", text).strip().casefold()


def _end_of_word(words: str, place: int) -> int:
    end = words.find(" ", place)
    return len(words) if end < 0 else end


# --- our marker -----------------------------------------------------------------------------------------------


def _marker_line(page: Page, marker: str) -> int | None:
    """The line in which our marker begins, quoted or not, whole or wrapped over up to three lines."""
    wanted = _words(marker)
    first = wanted.split(" ", 1)[0]
    if not first or first not in page.text.casefold():
        return None
    for number, line in enumerate(page.lines):
        if first in line[:LONGEST].casefold():
            here = _words(line[:LONGEST])
            if wanted in here:
                return number
            # Wrapped: this line ends with the marker's beginning.
            begins = here.rfind(first)
            if wanted.startswith(here[begins:]):
                following = " ".join(one[:LONGEST] for one in page.lines[number : number + 3])
                if wanted in _words(following):
                    return number
    return None


def _cut_at_marker(page: Page, at: int) -> int | None:
    """Where to cut for a marker in line `at`; None where no cut is sure: the answer may stand among or below the
    quoted lines."""
    cut = at
    began, nearest = _heads_before(page, at + 1)
    if began is not None and nearest is not None and began.start < at:
        written = [n for n in range(began.end, at) if not page.blank[n] and not heads.label(page.lines[n])]
        answers = [n for n in written if not page.quoted[n]]
        if any(page.quoted[n] for n in written) and answers and answers[-1] > min(n for n in written if page.quoted[n]):
            return None
        # A gateway's warning or a picture's name may stand above our marker.
        if sum(n >= nearest.end for n in answers) <= _FRAME:
            cut = nearest.start
    while cut and (page.quoted[cut - 1] or page.blank[cut - 1]) and page.quoted[at]:
        cut -= 1
    if page.quoted[at]:
        return None if answered(page, at, signatures.ending(page, sure=True), sure=True) else cut
    return None if page.is_blank(0, cut) else cut


# --- anybody's quote ------------------------------------------------------------------------------------------


def perhaps(text: str) -> int | None:
    """The character of a text (Split.text) from which on it may be a quote; None where nothing looks so. To be folded, not to be
    left out."""
    page = Page(text)
    head = _start(page, signatures.ending(page), None, [], sure=False)
    if head is None:
        return None
    cut = head.start
    while cut and page.blank[cut - 1]:
        cut -= 1
    return page.starts[cut]


def _sure_start(page: Page, marker: str, told: int | None, *, boxed: bool) -> Head | None:
    """What introduces the quote that ends the text for sure; None where there is none, where somebody answers between its lines,
    where something is forwarded, and where nothing stands above it. `told`: the line in which a quote begins, says the HTML."""
    doubtful: list[Head] = []
    if told is not None and not boxed:
        boxed = any(page.quoted[told : told + _NEAR + 1])
    head = _start(page, signatures.ending(page, sure=True), told, doubtful, sure=True, boxed=boxed)
    end = len(page.lines) if head is None else head.start
    for one, below in zip_longest(doubtful, doubtful[1:]):
        if has_own_text("\n".join(page.lines[one.start : below.start if below else end]), marker):
            return one
    return head


def _start(
    page: Page, tail: int, told: int | None, doubtful: list[Head], *, sure: bool, boxed: bool = False
) -> Head | None:
    """The first head of a quote that ends the text. Where it has to be sure, those that are not are noted in `doubtful`."""
    number = page.next_written(0)
    written = False  # has anybody written yet, above?
    while number < len(page.lines):
        if page.blank[number]:
            number += 1
            continue
        head = heads.find(page, number)
        if number == told and boxed and head is not None and not head.sure:
            head = replace(head, sure=True)
        if head is None and number == told and not _answered_soon(page, number, tail, sure=sure):
            head = Head(number, number + 1, sure=boxed)
        if head is None:
            written = True
            number += 1
            continue
        if head.forwards:
            return None  # what is forwarded is what the mail is about
        body = page.next_written(head.end)
        if body < len(page.lines) and page.quoted[body]:
            if written and not answered(page, body, tail, sure=sure):
                return _above(head, page)
            end = page.block_end(body)
            written = written or page.next_unquoted(body) < tail
        else:
            above = written and not page.is_blank(0, head.start)
            if above and (head.sure or not sure):
                return head
            if above:
                doubtful.append(head)
            end = head.end
        # Answered, or nothing above it: it is part of what is said, and a quote may yet follow.
        number = max(end, number + 1)
    return None


def _answered_soon(page: Page, start: int, tail: int, *, sure: bool) -> bool:
    """Do answers stand between the quoted lines that begin within a few lines of `start`?"""
    near = next((at for at in range(start, min(start + _BELOW, len(page.lines))) if page.quoted[at]), None)
    return near is not None and answered(page, near, tail, sure=sure)


def _above(head: Head, page: Page) -> Head | None:
    return None if page.is_blank(0, head.start) else head


def _heads_before(page: Page, end: int) -> tuple[Head | None, Head | None]:
    """What introduces the first quote before line `end`, whatever is answered below, and what introduces the last one: words
    may stand between a block of headers that somebody pasted and the head of the quote."""
    first = nearest = None
    number = 0
    while number < end:
        head = None if page.blank[number] else heads.find(page, number)
        if head is None:
            number += 1
            continue
        if first is None:
            if head.forwards:
                return None, None
            first = nearest = head
        elif head.start < end - 1 and head.end > head.start and not head.forwards:  # our marker is no head of itself
            nearest = head
        if page.quoted[number]:
            break
        number = max(head.end, number + 1)
    return first, nearest


def answered(page: Page, start: int, tail: int, *, sure: bool = False) -> bool:
    """Does anybody write, without `>`, after `start`? A signature ends the search: programs put it last. `tail`: where the
    one begins that ends the text. `sure`: whatever may be somebody's words is taken for an answer."""
    number = page.next_unquoted(start)
    if sure:
        while number < tail and signatures.is_program(page.lines[number]):
            number = page.next_unquoted(number + 1)
        return number < tail
    return number < tail and not signatures.is_delimiter(page.lines[number])
