"""Where does what the author wrote end and what they quote begin? A scanner that reads each line once.

Nothing is deleted: text and quote together are the whole text. Patterns are matched on single lines of bounded
length and have no nested quantifiers, so that hostile text costs no more than any other of its size.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from helpdeskd.mail.quotewords import FORWARDED, HEADER_LABELS, OPENERS, ORIGINAL_MESSAGE, VERBS
from helpdeskd.mail.tokens import ADDRESS_LIKE

_LONGEST = 400  # characters of a line that are looked at; an attribution over three lines is no longer either
_FRAME = 3  # written lines between the head of a quote and our marker in it
_FRAGMENT = 20  # characters of the marker's words, and the word they end in: they give one of our notices away
_QUOTED = re.compile(r"[ \t\xa0]{0,8}>")
_NOT_WORD = re.compile(r"[\W_]+")
_DIGIT = re.compile(r"[0-9]")
_TIME = re.compile(r"[0-9]{1,2}[:.h\u6642\u65f6][0-9]{2}")
_DATE = re.compile(r"\b(?:19|20)[0-9]{2}\b|[0-9]{1,2}[./-][0-9]{1,2}[./-]|[0-9]{4}[\u5e74\ub144]")
_LABEL = re.compile(r"[ \t\xa0*_]{0,8}([^\W\d_][^:\uff1a<>@]{0,24}?)[ \t\xa0*_]{0,4}[:\uff1a]")
_RULE = re.compile(r"[ \t\xa0]*(?:[-_=*\u2500\u2014]{5,}|\u2026)[ \t\xa0]*\Z")
_DASHED = re.compile(r"[ \t\xa0>*]*-{2,20}[ \t\xa0]*([^-].{2,60}?)[ \t\xa0]*-{2,20}[ \t\xa0]*\Z")
_SIGNATURE = re.compile(r"--[ \t\xa0]?\Z")
_ENDS = (":", "\uff1a", ":*", "\uff1a*", ": ", ":\xa0")


@dataclass(frozen=True, slots=True)
class Split:
    """`text` + `quote` is the whole text, always."""

    text: str
    quote: str
    marker_cut: bool = False
    own_text_found: bool = False


def split(text: str, marker: str, *, forward: bool = False) -> Split:
    """`text` cut where the quote begins.

    The marker line of our notices decides first. Then, unless the mail is a forward (whose quote is its content), a
    localised "On ... wrote:" over up to three lines, a block of mail headers, "-----Original Message-----", or a
    trailing block of `>` lines. Answers between quoted lines stay whole, and so does a text with nothing before
    the quote: somebody wrote it for us to read. `own_text_found`: a text of ours stands in what is left.
    """
    if not text:
        return Split("", "")
    page = _Page(text)
    at = _marker_line(page, marker)
    if at is not None:
        cut = _cut_at_marker(page, at)
        if cut is not None and not (forward and page.is_blank(0, cut)):
            return _made(page, cut, marker, marker_cut=True)
        return Split(text, "", own_text_found=True)
    head = None if forward else _quote_start(page)
    return _made(page, len(page.lines) if head is None or page.is_blank(0, head.start) else head.start, marker)


def has_own_text(text: str, marker: str) -> bool:
    """Does a line hold a reply address with a token, or the first words (twenty letters) of the marker?"""
    wanted = _words(marker)
    fragment = wanted[: _end_of_word(wanted, _FRAGMENT)]
    if fragment and fragment.split(" ", 1)[0] in text.casefold() and fragment in _words(text):
        return True
    return bool(ADDRESS_LIKE.search(text))


def _made(page: _Page, cut: int, marker: str, *, marker_cut: bool = False) -> Split:
    if cut < len(page.lines):
        while cut and page.blank[cut - 1]:  # empty lines above a quote belong to it
            cut -= 1
        place = page.starts[cut]
    else:
        place = len(page.text)
    kept = page.text[:place]
    return Split(kept, page.text[place:], marker_cut, has_own_text(kept, marker))


class _Page:
    """The lines of a text with what is asked of each of them."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.lines = text.split("\n")
        self.starts: list[int] = []
        place = 0
        for line in self.lines:
            self.starts.append(place)
            place += len(line) + 1
        self.blank = [not line or line.isspace() for line in self.lines]
        any_quoted = ">" in text
        self.quoted = [any_quoted and bool(_QUOTED.match(line)) for line in self.lines]
        if any_quoted:
            for number in range(1, len(self.lines)):
                # "On ... <ann@example.org" was wrapped before its bracket closes: "> wrote:" quotes nothing.
                if self.quoted[number] and self.opens(number - 1) and self.lines[number].rstrip().endswith(_ENDS):
                    self.quoted[number] = False

    def opens(self, number: int) -> bool:
        """Does the line hold a bracket that the next one closes?"""
        line = self.lines[number]
        return not self.quoted[number] and len(line) <= _LONGEST and line.rfind("<") > line.rfind(">")

    def is_blank(self, start: int, end: int) -> bool:
        return all(self.blank[start:end])

    def next_written(self, start: int) -> int:
        """The first line from `start` on that is not blank; the number of lines where there is none."""
        end = len(self.lines)
        while start < end and self.blank[start]:
            start += 1
        return start

    def unquoted_after(self, start: int) -> bool:
        """Does anybody write, without `>`, after `start`? A signature ends the search: programs put it last."""
        for number in range(start, len(self.lines)):
            if self.quoted[number] or self.blank[number]:
                continue
            return not _SIGNATURE.match(self.lines[number])
        return False


def _words(text: str) -> str:
    """For comparing: letters and digits in lower case with single spaces. Programs drop or add #, *, > and line ends."""
    return _NOT_WORD.sub(" ", text).strip().casefold()


def _end_of_word(words: str, place: int) -> int:
    end = words.find(" ", place)
    return len(words) if end < 0 else end


# --- our marker -----------------------------------------------------------------------------------------------


def _marker_line(page: _Page, marker: str) -> int | None:
    """The line in which our marker begins, quoted or not, whole or wrapped over up to three lines."""
    wanted = _words(marker)
    first = wanted.split(" ", 1)[0]
    if not first or first not in page.text.casefold():
        return None
    for number, line in enumerate(page.lines):
        if first in line[:_LONGEST].casefold():
            here = _words(line[:_LONGEST])
            if wanted in here:
                return number
            # Wrapped: this line ends with the marker's beginning.
            begins = here.rfind(first)
            if wanted.startswith(here[begins:]):
                following = " ".join(one[:_LONGEST] for one in page.lines[number : number + 3])
                if wanted in _words(following):
                    return number
    return None


def _cut_at_marker(page: _Page, at: int) -> int | None:
    """Where to cut for a marker in line `at`; None where no cut is sure: the answer may stand among or below the
    quoted lines."""
    cut = at
    began = _quote_start(page, until=at + 1)
    if began is not None and began.start < at:
        written = [n for n in range(began.end, at) if not page.blank[n] and not _label(page.lines[n])]
        answers = [n for n in written if not page.quoted[n]]
        if any(page.quoted[n] for n in written) and answers and answers[-1] > min(n for n in written if page.quoted[n]):
            return None
        # A gateway's warning or a picture's name may stand above our marker.
        if len(answers) <= _FRAME:
            cut = began.start
    while cut and (page.quoted[cut - 1] or page.blank[cut - 1]) and page.quoted[at]:
        cut -= 1
    if page.quoted[at]:
        return None if page.unquoted_after(at) else cut
    return None if page.is_blank(0, cut) else cut


# --- anybody's quote ------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Head:
    """The lines that introduce a quote: [start, end)."""

    start: int
    end: int


def _quote_start(page: _Page, until: int | None = None) -> _Head | None:
    """Where the quote begins; None where there is none, or where somebody answers between its lines. With `until`
    only the lines before it are asked, and answers below are the caller's business."""
    for number in range(len(page.lines) if until is None else until):
        if page.blank[number]:
            continue
        if page.quoted[number]:
            if until is None and page.unquoted_after(number):
                return None
            return _Head(_with_attribution(page, number), number)
        line = page.lines[number]
        if len(line) > _LONGEST:
            continue
        stripped = line.rstrip()
        if stripped.endswith(_ENDS):
            start, sure = _attribution(page, number)
            if start is not None:
                after = page.next_written(number + 1)
                if after < len(page.lines) and page.quoted[after]:
                    return None if until is None and page.unquoted_after(after) else _Head(start, number + 1)
                if sure:
                    return _Head(start, number + 1)
        dashed = _between_dashes(stripped) if "--" in stripped else ""
        if dashed in ORIGINAL_MESSAGE:
            return _Head(number, number + 1)
        if dashed in FORWARDED or (stripped.endswith(_ENDS) and stripped.strip(" \xa0*:\uff1a").lower() in FORWARDED):
            return None  # what is forwarded is what the mail is about
        if (":" in stripped or "\uff1a" in stripped) and _header_block(page, number):
            return _Head(_with_rule(page, number), number + 1)
    return None


def _with_rule(page: _Page, number: int) -> int:
    """A line of dashes or underscores above a quote belongs to it."""
    above = number - 1
    while above >= 0 and page.blank[above]:
        above -= 1
    return above if above >= 0 and number - above <= 3 and _RULE.match(page.lines[above][:_LONGEST]) else number


def _with_attribution(page: _Page, number: int) -> int:
    """A quote begins with who said it, if the lines above say so in a way the tables do not know: `Bob:`."""
    above = number - 1
    while above >= 0 and page.blank[above]:
        above -= 1
    if above < 0 or number - above > 3:
        return number
    line = page.lines[above].strip()
    if len(line) <= 200 and line.endswith(_ENDS) and (_DIGIT.search(line) or "@" in line):
        return above - 1 if above and page.opens(above - 1) else above
    return number


def _attribution(page: _Page, last: int) -> tuple[int | None, bool]:
    """(first line, is it sure without `>` below it) of an "On ... wrote:" that ends in line `last`."""
    joined = ""
    found: tuple[int | None, bool] = (None, False)
    for first in range(last, max(-1, last - 3), -1):
        line = page.lines[first]
        if page.quoted[first] or page.blank[first] or len(line) + len(joined) > _LONGEST:
            break
        joined = f"{line.strip().lower()} {joined}"
        opened = joined.lstrip("*_ ").startswith(OPENERS)
        if not any(verb in joined for verb in VERBS):
            continue
        strong = "@" in joined or bool(_TIME.search(joined) and _DATE.search(joined))
        if opened and (strong or _DIGIT.search(joined)):
            return first, strong
        if found[0] is None and (strong or opened):
            found = (first, strong)
    if found[0] and page.opens(found[0] - 1):
        return found[0] - 1, found[1]
    return found


def _between_dashes(line: str) -> str:
    """The words of "-----Original Message-----", in lower case."""
    match = _DASHED.match(line[:_LONGEST])
    return match.group(1).strip().lower() if match else ""


def _label(line: str) -> str:
    """Which header a line claims to be: from, date, to, subject, cc; empty for none."""
    match = _LABEL.match(line[:80])
    return HEADER_LABELS.get(match.group(1).strip(" *\xa0").lower(), "") if match else ""


def _header_block(page: _Page, number: int) -> bool:
    """Does a block of mail headers begin here, as Outlook puts it above a quote? From, and two of date, to, subject,
    within eight written lines; labels in any of the languages of the table."""
    first = _label(page.lines[number])
    if first != "from":
        return False
    kinds = {first}
    written = 0
    place = number + 1
    while place < len(page.lines) and written < 8 and place - number < 16:
        if not page.blank[place]:
            written += 1
            kind = _label(page.lines[place])
            if kind == "from":
                break
            if kind:
                kinds.add(kind)
            elif written > 1 and not page.lines[place].startswith((" ", "\t", "<")) and "@" not in page.lines[place]:
                break
        place += 1
    return len(kinds & {"date", "to", "subject"}) >= 2
