"""Where does what the author wrote end and what they quote begin? A scanner that reads each line once.

Nothing is deleted: text and quote together are the whole text. What introduces a quote is told by mail.heads, what ends a
letter by mail.signatures; both look at a bounded number of characters and lines, so that hostile text costs no more than
any other of its size.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from dataclasses import dataclass

from helpdeskd.mail import heads, signatures
from helpdeskd.mail.heads import Head
from helpdeskd.mail.page import LONGEST, Page
from helpdeskd.mail.tokens import ADDRESS_LIKE

_FRAME = 3  # written lines between the head of a quote and our marker in it
_BELOW = 8  # lines from where the HTML says that a quote begins to its first quoted line
_FRAGMENT = 20  # characters of the marker's words, and the word they end in: they give one of our notices away
_NOT_WORD = re.compile(r"[\W_]+")


@dataclass(frozen=True, slots=True)
class Split:
    """`text` + `quote` is the whole text, always."""

    text: str
    quote: str
    marker_cut: bool = False
    own_text_found: bool = False


def split(text: str, marker: str, *, forward: bool = False, quote_at: int | None = None) -> Split:
    """`text` cut where the quote begins.

    The marker line of our notices decides first. Then, unless the mail is a forward (whose quote is its content), a
    localised "On ... wrote:" over several lines, a block of mail headers, "-----Original Message-----", a block of `>`
    lines at the end, or the character `quote_at` at which the HTML says that its quote begins. Answers between quoted lines
    stay whole, and so does a text with nothing before the quote: somebody wrote it for us to read. `own_text_found`: a
    text of ours stands in what is left.
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
    head = None if forward else quote_start(page, told=_line_of(page, quote_at))
    return _made(page, len(page.lines) if head is None else head.start, marker)


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
    began = _head_before(page, at + 1)
    if began is not None and began.start < at:
        written = [n for n in range(began.end, at) if not page.blank[n] and not heads.label(page.lines[n])]
        answers = [n for n in written if not page.quoted[n]]
        if any(page.quoted[n] for n in written) and answers and answers[-1] > min(n for n in written if page.quoted[n]):
            return None
        # A gateway's warning or a picture's name may stand above our marker.
        if len(answers) <= _FRAME:
            cut = began.start
    while cut and (page.quoted[cut - 1] or page.blank[cut - 1]) and page.quoted[at]:
        cut -= 1
    if page.quoted[at]:
        return None if answered(page, at, signatures.ending(page)) else cut
    return None if page.is_blank(0, cut) else cut


# --- anybody's quote ------------------------------------------------------------------------------------------


def quote_start(page: Page, *, told: int | None = None) -> Head | None:
    """What introduces the quote that ends the text; None where there is none, where somebody answers between its lines,
    where something is forwarded, and where nothing stands above it. `told`: the line in which a quote begins for sure."""
    number = page.next_written(0)
    tail = signatures.ending(page)
    written = False  # has anybody written yet, above?
    while number < len(page.lines):
        if page.blank[number]:
            number += 1
            continue
        head = heads.find(page, number)
        if head is None and number == told and not _answered_soon(page, number, tail):
            head = Head(number, number + 1)
        if head is None:
            written = True
            number += 1
            continue
        if head.forwards:
            return None  # what is forwarded is what the mail is about
        body = page.next_written(head.end)
        if body < len(page.lines) and page.quoted[body]:
            if written and not answered(page, body, tail):
                return _above(head, page)
            end = page.block_end(body)
            written = written or page.next_unquoted(body) < tail
        else:
            if written:
                return head
            end = head.end
        # Answered, or nothing above it: it is part of what is said, and a quote may yet follow.
        number = max(end, number + 1)
    return None


def _answered_soon(page: Page, start: int, tail: int) -> bool:
    """Do answers stand between the quoted lines that begin within a few lines of `start`?"""
    near = next((at for at in range(start, min(start + _BELOW, len(page.lines))) if page.quoted[at]), None)
    return near is not None and answered(page, near, tail)


def _above(head: Head, page: Page) -> Head | None:
    return None if page.is_blank(0, head.start) else head


def _head_before(page: Page, end: int) -> Head | None:
    """What introduces the first quote before line `end`, whatever is answered below."""
    for number in range(end):
        if not page.blank[number]:
            head = heads.find(page, number)
            if head is not None:
                return None if head.forwards else head
    return None


def answered(page: Page, start: int, tail: int) -> bool:
    """Does anybody write, without `>`, after `start`? A signature ends the search: programs put it last. `tail`: where the
    one begins that ends the text."""
    number = page.next_unquoted(start)
    return number < tail and not signatures.is_delimiter(page.lines[number])
