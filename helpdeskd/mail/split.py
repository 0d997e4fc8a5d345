"""Bytes to the tree of parts (RFC 2046), in one pass and without recursion.

Not the standard library's parser: it reads line by line, recurses, takes time times depth for nesting, goes into attached mails
and writes them anew, and loses the parts behind a folded boundary. Here a part is a slice of the mail, found by looking for the
lines that may be delimiters; the headers of each part are read into the library's Message, which knows parameters well.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from email._policybase import Compat32
from email.message import Message
from typing import TYPE_CHECKING

from helpdeskd.config import Intake
from helpdeskd.mail import decoding, prepare

if TYPE_CHECKING:
    _Message = Message[str, str]  # generic for mypy only
else:
    _Message = Message

_FOLD = re.compile(r"\r?\n")
_MAX_PARAMETERS = 100
_MAX_STRUCTURED = 16384  # bytes of one Content-Type or Content-Disposition
_MAX_PART_HEAD = 65536
_MAX_WORK = 20_000_000  # candidate lines times levels they may have to be compared with
_MAX_BOUNDARY = _MAX_STRUCTURED  # RFC 2046 allows 70; nobody is harmed by more
_MAX_GUESSES = 10
_GUESS_WITHIN = 65536  # bytes of a multipart without boundary in which one is looked for
_DELIMITER = re.compile(rb"(?m)^--([!-~][ -~]{0,98}[!-~])[ \t]{0,20}\r?$")


class _AsItStands(Compat32):
    """Values as they are in the mail, eight-bit bytes as surrogates: the standard library would replace them."""

    def header_fetch_parse(self, name: str, value: str) -> str:  # noqa: ARG002 - the library's signature
        return value


class Tree(_Message):
    """One part: its headers by the library's accessors, its bytes (`body`, still encoded), the parts `below` it."""

    def __init__(self) -> None:
        super().__init__(policy=_AsItStands())
        self.stretch: tuple[bytes, int, int] = (b"", 0, 0)  # the mail, and where in it the body is
        self.begins = 0  # where its headers do
        self.ends = 0  # of one among others: behind all that is below it
        self.below: list[Tree] = []
        self.too_deep = False

    def encoding(self) -> str:
        return decoding.name_of(self.get("content-transfer-encoding", ""))

    @property
    def body(self) -> bytes:
        return self.start_of_body(len(self.stretch[0]))

    def start_of_body(self, most: int) -> bytes:
        """The first bytes of it."""
        data, start, end = self.stretch
        return data[start : min(end, start + most)]

    def is_blank(self) -> bool:
        data, start, end = self.stretch
        return not data[start : min(end, start + _MAX_PART_HEAD)].strip()

    def content(self) -> bytes:
        """The decoded bytes."""
        return decoding.decode(*self.stretch, self.encoding())

    def whole(self) -> bytes:
        """Of a part among others: its headers and all that is below it, as they came."""
        return self.stretch[0][self.begins : self.ends or len(self.stretch[0])]

    def walk_parts(self) -> Iterator[Tree]:
        pending = [self]
        while pending:
            one = pending.pop()
            yield one
            pending += reversed(one.below)


@dataclass(slots=True)
class Split:
    root: Tree
    notes: list[str] = field(default_factory=list)
    cut: bool = False  # was anything left out?


@dataclass(slots=True)
class _Open:
    """A multipart whose end has not come yet."""

    boundary: bytes
    part: Tree


@dataclass(slots=True)
class _Line:
    """A delimiter: where its line starts and what follows it starts, whose it is, and whether it closes."""

    start: int
    after: int
    level: int
    closes: bool


class _Scan:
    def __init__(self, data: bytes, limits: Intake) -> None:
        self.data = data
        self.limits = limits
        self.stack: list[_Open] = []
        self.levels: dict[bytes, int] = {}  # the innermost level of each boundary
        self.notes: dict[str, None] = {}
        self.cut = False
        lines = data.count(b"\n--") + 1
        self.deepest = max(10, min(limits.max_depth, _MAX_WORK // lines))
        self.parts = 1
        self.guesses = 0

    def lose(self, note: str) -> None:
        self.notes[note] = None
        self.cut = True

    def run(self, root: Tree, place: int) -> None:
        data = self.data
        part: Tree | None = root
        while True:
            start = place
            if part is not None:
                self._open(part, place)
            line = self._next(place, attached=part is not None and part.get_content_maintype() == "message")
            if part is not None:
                part.stretch = (data, start, self._end_of_body(start, line.start) if line else len(data))
            if line is None:
                return
            place = line.after
            whole = self.stack[line.level].part
            if whole.below and not whole.below[-1].ends:
                whole.below[-1].ends = self._end_of_body(whole.below[-1].begins, line.start)
            self._close(line.level + 1)
            part = None
            if line.closes and (whole.below or not whole.is_blank()):
                self._close(line.level)
                continue
            # One that closes what has no part yet, and no words before it, was meant to open one.
            if place == len(data):
                return
            if self.parts >= self.limits.max_parts:
                self.lose(f"more than {self.limits.max_parts} parts: the rest was left out")
                return
            self.parts += 1
            part = Tree()
            if whole.get_content_type() == "multipart/digest":
                part.set_default_type("message/rfc822")  # RFC 2046 section 5.1.5
            whole.below.append(part)
            part.begins = place
            place = self._headers(part, place)

    def _open(self, part: Tree, place: int) -> None:
        """A multipart with a boundary waits for its parts."""
        boundary = self._boundary(part, place) if part.get_content_maintype() == "multipart" else b""
        if boundary and len(self.stack) >= self.deepest:
            part.too_deep = True
        elif boundary:
            self.levels[boundary] = len(self.stack)
            self.stack.append(_Open(boundary, part))

    def _boundary(self, part: Tree, place: int) -> bytes:
        found = part.get_param("boundary", "")
        text = found[2] if isinstance(found, tuple) else str(found or "")
        boundary = _FOLD.sub("", text).encode("utf-8", "surrogateescape")[:_MAX_BOUNDARY]
        if not boundary.strip():
            self.guesses += 1
            if self.guesses > _MAX_GUESSES:
                return b""
            # None named: the first line that looks like a delimiter and has a closing one further down.
            window = self.data[place : place + _GUESS_WITHIN]
            match = _DELIMITER.search(window)
            boundary = match.group(1) if match and b"\n--%b--" % match.group(1) in window else b""
        elif boundary != boundary.rstrip() and b"--" + boundary not in self.data[place : place + _GUESS_WITHIN]:
            boundary = boundary.rstrip()
        return boundary

    def _close(self, level: int) -> None:
        """Everything from this level inwards ends."""
        while len(self.stack) > level:
            gone = self.stack.pop()
            del self.levels[gone.boundary]
            for number in range(len(self.stack) - 1, -1, -1):
                if self.stack[number].boundary == gone.boundary:
                    self.levels[gone.boundary] = number
                    break

    def _next(self, place: int, *, attached: bool) -> _Line | None:
        if not self.stack:
            return None
        data = self.data
        lengths = sorted({len(one.boundary) for one in self.stack}, reverse=True)
        shortest = lengths[-1]
        at = place if data.startswith(b"--", place) and data[place - 1 : place] in {b"\n", b""} else -1
        while True:
            if at < 0:
                at = data.find(b"\n--", place) + 1
                if not at:
                    return None
            end = data.find(b"\n", at)
            end = len(data) if end < 0 else end
            if end - at - 2 >= shortest:
                # A line longer than any delimiter is only looked at as far as one may reach.
                found = self._delimiter(
                    data[at + 2 : min(end, at + 2 * _MAX_BOUNDARY)].rstrip(b"\r"), lengths, attached
                )
                if found is not None:
                    return _Line(at, min(end + 1, len(data)), *found)
            place = end
            at = -1

    def _delimiter(self, text: bytes, lengths: list[int], attached: bool) -> tuple[int, bool] | None:
        """(level, closes). The whole line first; then one that begins with a boundary (RFC 2046 section 5.1.1: "an exact
        match of the entire candidate line is not required"), where no attached mail may have such boundaries of its own."""
        levels = self.levels
        for line in (text, text.rstrip(b" \t")):
            if line in levels:
                return levels[line], False
            if line.endswith(b"--") and line[:-2] in levels:
                return levels[line[:-2]], True
        for length in lengths:
            level = levels.get(text[:length])
            if level is not None:
                rest = text[length:]
                closes = rest.startswith(b"--")
                if not attached or rest[2 * closes :][:1] in {b" ", b"\t"}:
                    return level, closes
        return None

    def _end_of_body(self, start: int, line: int) -> int:
        """The line end before a delimiter belongs to it (RFC 2046 section 5.1.1)."""
        end = line - 1 if line > start else line
        return end - 1 if end > start and self.data[end - 1 : end] == b"\r" else end

    def _headers(self, part: Tree, place: int) -> int:
        """Where the body of the part starts that begins here."""
        end = prepare.headers_end(self.data, place)
        line = self._next_among(place, end)
        end = line if line is not None else end
        kept = end
        if end - place > _MAX_PART_HEAD:
            kept = place + prepare.fitting(self.data[place : place + _MAX_PART_HEAD], self.limits)
            self.lose("the headers of a part are longer than the limit and were cut")
        self.fill(part, self.data[place:kept])
        return end + 2 if self.data.startswith(b"\r\n", end) else end + 1 if self.data.startswith(b"\n", end) else end

    def _next_among(self, place: int, end: int) -> int | None:
        """A delimiter that looks like a header: `--=_part:1`."""
        if self.data.find(b"--", place, end) < 0:
            return None
        line = self._next(place, attached=False)
        return line.start if line is not None and line.start < end else None

    def fill(self, part: Tree, head: bytes) -> None:
        for name, value in prepare.raw_headers(head, lower=False):
            kept = value
            if name.lower() in {b"content-type", b"content-disposition"} and (
                value.count(b";") > _MAX_PARAMETERS or len(value) > _MAX_STRUCTURED
            ):
                kept = _first_parameters(value)
                self.lose("a header with too many parameters was cut")
            text = kept.decode("ascii", "surrogateescape").lstrip(" \t").rstrip("\r\n")
            if name.lower().startswith(b"content-"):
                text = _FOLD.sub("", text)
            part.set_raw(name.decode("ascii"), text)


def flat(data: bytes, body_at: int, limits: Intake) -> Tree:
    """The last resort: the headers, and the body as one text whatever it holds."""
    root = Tree()
    _Scan(b"", limits).fill(root, data[:body_at])
    for name in ("Content-Type", "Content-Transfer-Encoding", "Content-Disposition"):
        del root[name]
    root.stretch = (data, body_at, len(data))
    return root


def split(data: bytes, body_at: int, limits: Intake) -> Split:
    """The tree of a mail whose headers end before `body_at`."""
    scan = _Scan(data, limits)
    root = Tree()
    scan.fill(root, data[:body_at])
    scan.run(root, body_at)
    return Split(root, list(scan.notes), scan.cut)


def _first_parameters(value: bytes) -> bytes:
    found = 0
    for _ in range(_MAX_PARAMETERS):
        found = value.find(b";", found + 1, _MAX_STRUCTURED)
        if found < 0:
            return value[:_MAX_STRUCTURED]
    return value[:found]
