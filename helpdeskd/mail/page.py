"""A text as its lines, with what quotes and signatures ask of each of them. Each line is read once, and of a long one
only its beginning."""

from __future__ import annotations

import re

LONGEST = 400  # characters of a line that are looked at; an attribution over several lines is no longer either
ENDS = (":", "\uff1a", ":*", "\uff1a*", ":_")
_OPEN_TAG = re.compile(r"<[A-Za-z/][^<>]*\Z")
_PROMPT = ">>> "
_INDENT = 8  # characters before the `>` of a quoted line
_SPACES = " \t\xa0"
# Marks that turn the direction of reading, and others that nobody sees: programs put them into dates and around names.
_INVISIBLE = dict.fromkeys(map(ord, "\u200b\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\ufeff"))
_ANY_INVISIBLE = re.compile("[\u200b\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff]")
# GroupWise: ">>> Ann <ann@example.org> 30.11.2026 10:00 >>>" quotes nothing, it says who is quoted.
_GROUPWISE = re.compile(r">>> ?[^>\s].{0,200}\d[:.]\d\d.{0,40} ?>>>\s*\Z")
_FULL = 70  # characters of a line that was full and had to be wrapped


class Page:
    """The lines of a text."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.lines = text.split("\n")
        self.starts: list[int] = []
        place = 0
        for line in self.lines:
            self.starts.append(place)
            place += len(line) + 1
        if not text.isascii() and _ANY_INVISIBLE.search(text):
            self.lines = [line.translate(_INVISIBLE) for line in self.lines]
        self.blank = [not line or line.isspace() for line in self.lines]
        any_quoted = ">" in text
        self.quoted = [any_quoted and is_quoted(line) for line in self.lines]
        if any_quoted:
            self._mend_wrapped()
            if _PROMPT in text:
                self._mend_prompts()
        # The next written line that nobody quotes, from each line on.
        self._unquoted = [len(self.lines)] * (len(self.lines) + 1)
        for number in range(len(self.lines) - 1, -1, -1):
            free = not self.blank[number] and not self.quoted[number]
            self._unquoted[number] = number if free else self._unquoted[number + 1]

    def _mend_wrapped(self) -> None:
        """Of "On ... <ann@example.org" was wrapped before its bracket closes: "> wrote:" quotes nothing."""
        for number in range(1, len(self.lines)):
            above = self.lines[number - 1]
            if self.quoted[number - 1] and len(above) >= _FULL and above.endswith("="):
                self.quoted[number] = not self.blank[
                    number
                ]  # a soft line break of quoted-printable that nobody decoded
            if self.lines[number].startswith(">From ") and not self._amid_quoted(number):
                self.quoted[number] = False  # as mailboxes in one file protect a line that begins with "From "
            if self.quoted[number] and not self.quoted[number - 1] and _OPEN_TAG.search(above[-LONGEST:]):
                self.quoted[number] = False  # the `>` ends a tag of HTML that somebody pasted, or an address
            if not self.quoted[number] or not self.lines[number][:LONGEST].rstrip().endswith(ENDS):
                continue
            if any(self.opens(above) for above in range(number - 1, max(-1, number - 3), -1)):
                self.quoted[number] = False

    def _mend_prompts(self) -> None:
        """Lines that all begin with ">>> " are what somebody typed into Python: a quote of the third depth stands among others, or below
        the line that says whose it is."""
        number = 0
        while number < len(self.lines):
            if not self.quoted[number]:
                number += 1
                continue
            start = number
            while number < len(self.lines) and self.quoted[number]:
                number += 1
            if all(self.lines[n].lstrip(_SPACES).startswith(_PROMPT) for n in range(start, number)):
                above = self.last_written(start)
                if above < 0 or "@" not in self.lines[above][:LONGEST]:
                    self.quoted[start:number] = [False] * (number - start)

    def _amid_quoted(self, number: int) -> bool:
        return self.quoted[number - 1] or (number + 1 < len(self.lines) and self.quoted[number + 1])

    def opens(self, number: int) -> bool:
        """Does the line hold a bracket that a later one closes?"""
        line = self.lines[number]
        return not self.quoted[number] and len(line) <= LONGEST and line.rfind("<") > line.rfind(">")

    def is_blank(self, start: int, end: int) -> bool:
        return all(self.blank[start:end])

    def next_written(self, start: int) -> int:
        """The first line from `start` on that is not blank; the number of lines where there is none."""
        end = len(self.lines)
        while start < end and self.blank[start]:
            start += 1
        return start

    def last_written(self, end: int) -> int:
        """The last line before `end` that is not blank; -1 where there is none."""
        end -= 1
        while end >= 0 and self.blank[end]:
            end -= 1
        return end

    def next_unquoted(self, start: int) -> int:
        """The first line from `start` on in which somebody writes, without `>`; the number of lines where there is none."""
        return self._unquoted[min(start, len(self.lines))]

    def block_end(self, start: int) -> int:
        """Where the quoted lines that begin at `start` end: blank lines among them are theirs."""
        end = start
        while end < len(self.lines) and (self.quoted[end] or self.blank[end]):
            end += 1
        return self.last_written(end) + 1


def is_quoted(line: str) -> bool:
    """`> so`. Not `| so`, which is a table, nor `AB> so`, which may be anything's prompt."""
    place = line.find(">", 0, _INDENT + 1)
    return place >= 0 and not line[:place].strip(_SPACES) and not is_groupwise(line)


def is_groupwise(line: str) -> bool:
    return line.startswith(">>>") and len(line) <= LONGEST and _GROUPWISE.match(line) is not None
