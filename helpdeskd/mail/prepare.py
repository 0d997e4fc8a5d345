"""Raw bytes made fit to be split into parts: limits, hostile shapes and small defects of the header block.

What is changed here is changed in a copy: the stored raw mail, its digests and the attached original are of the bytes as they
came.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from helpdeskd.config import Intake

_MBOX = re.compile(rb"\s*(?:\xef\xbb\xbf)?>?From [^\r\n]*(?:\r\n|\n|\r)", re.ASCII)
_LEAD = re.compile(rb"(?:\xef\xbb\xbf)?[\r\n]*")
# RFC 5322 section 2.2: a header is printable ASCII without a colon, a colon, the rest; folded lines follow. Both patterns look
# for the end: a group repeated for each line costs memory for each, and a possessive one is wrong in CPython before 3.11.4.
_NO_HEADER = re.compile(rb"(?m)^(?![!-9;-~]++[ \t]*+:|[ \t])")
_HEADER_END = re.compile(rb"\n(?![ \t])")
_KNOWN = re.compile(
    rb"(?:from|to|cc|subject|date|message-id|mime-version|content-[a-z-]+|received|return-path|delivered-to|reply-to"
    rb"|sender|references|in-reply-to|x-[a-z0-9-]+|dkim-signature|authentication-results|list-[a-z]+)[ \t]*:",
    re.IGNORECASE,
)
_BARE_CR = re.compile(rb"\r(?!\n)")
HEAD_BYTES = 65536
_MAX_STRAYS = 60  # lines that are no headers among those that are
_FEW_STRAYS = 3


@dataclass(slots=True)
class Prepared:
    """`data` is what is read; the headers end before `body_at`."""

    data: bytes
    body_at: int
    notes: list[str] = field(default_factory=list)
    cut: bool = False  # was anything left out?
    headers_cut: bool = False  # and was that what a program without our limits may read?


def strip_envelope_line(raw: bytes) -> bytes:
    """`raw` without a leading mbox `From ` line, byte order mark and empty lines."""
    place = 0
    while match := _MBOX.match(raw, place):  # in place: a mail of nothing but such lines is read once
        place = match.end()
    match = _LEAD.match(raw, place)
    place = match.end() if match else place
    return raw[place:] if place else raw


def prepare(raw: bytes, limits: Intake) -> Prepared:
    """A copy of `raw` with headers within the limits. Never raises."""
    made = Prepared(with_line_ends(strip_envelope_line(raw)), 0)
    _tend_headers(made, limits)
    return made


def with_line_ends(data: bytes) -> bytes:
    """Where CR alone ends lines, LF does."""
    return data if b"\n" in data else data.replace(b"\r", b"\n")


def head(raw: bytes, limits: Intake) -> bytes:
    """The headers alone, of the first HEAD_BYTES of a mail: enough to know whose it is and where it belongs."""
    made = Prepared(strip_envelope_line(raw[:HEAD_BYTES]), 0)
    _tend_headers(made, limits)
    return made.data[: made.body_at]


def split_head(data: bytes) -> tuple[int, int]:
    """(where the headers end, where the body starts) of a mail without envelope line."""
    end = headers_end(data, 0)
    if data.startswith(b"\r\n", end):
        return end, end + 2
    return end, end + 1 if data.startswith(b"\n", end) else end


def headers_end(data: bytes, start: int) -> int:
    """Where the lines that are headers, or folded from them, end; `start` is the start of a line."""
    match = _NO_HEADER.search(data, start)
    return match.start() if match else len(data)


def _header_end(data: bytes, start: int) -> int:
    """Where the header that starts here ends, its folded lines and its line end included."""
    match = _HEADER_END.search(data, start)
    return match.end() if match else len(data)


def _tend_headers(made: Prepared, limits: Intake) -> None:
    """Cuts the header block to its limits, joins what a stray line tears apart, and takes bare CRs out of it: parsers
    disagree on whether they end a line."""
    data = made.data
    end, body = split_head(data)
    pieces = [data[:end]]
    strays = 0
    while end == body and end < len(data) and strays < _MAX_STRAYS:
        after, lines = _after_strays(data, end)
        if not lines:
            break
        strays += lines
        end = headers_end(data, after)
        pieces.append(data[after:end])
        body = end + 2 if data.startswith(b"\r\n", end) else end + 1 if data.startswith(b"\n", end) else end
    head = b"".join(pieces)
    changed = bool(strays)
    if strays:
        made.notes.append(
            f"{strays} line{'s' if strays > 1 else ''} among the headers that are no headers were left out"
        )
        made.cut = True
    if head.count(b"\r") != head.count(b"\r\n"):
        head = _BARE_CR.sub(b" ", head)
        changed = True
    fits = fitting(head, limits)
    if fits < len(head):
        made.notes.append(f"the headers are longer than the limit: the first {fits} of {len(head)} bytes were read")
        made.cut = made.headers_cut = changed = True
        head = head[:fits]
    if changed:
        made.data = b"".join([head, b"\r\n", memoryview(data)[body:]])
        made.body_at = len(head) + 2
    else:
        made.body_at = body


def _after_strays(data: bytes, end: int) -> tuple[int, int]:
    """(where the headers go on behind lines that are none, how many those are); 0 lines where the body starts here.

    They go on where one that everybody knows follows, or where up to the empty line nothing but headers follows.
    """
    place = end
    for lines in range(1, _MAX_STRAYS + 1):
        place = data.find(b"\n", place) + 1
        if not place or data.startswith((b"\n", b"\r\n"), place):
            return end, 0
        if _KNOWN.match(data, place):
            return place, lines
        if not end:
            return end, 0  # nothing above was a header
        on = headers_end(data, place)
        if on > place and data.startswith((b"\n", b"\r\n"), on) and lines <= _FEW_STRAYS:
            return place, lines
    return end, 0


def fitting(head: bytes, limits: Intake) -> int:
    """How many bytes of the header block are within the limits, at the end of a header."""
    most = limits.max_header_kb * 1024
    if len(head) <= most and head.count(b"\n") <= limits.max_headers:
        return len(head)
    place = 0
    for _ in range(limits.max_headers):
        end = _header_end(head, place)
        if end == place or end > most:
            break
        place = end
    return place


_NAME = re.compile(rb"(?m)^([!-9;-~]++)[ \t]*+:")


def raw_headers(head: bytes, *, lower: bool = True) -> Iterator[tuple[bytes, bytes]]:
    """(name, in lower case unless told otherwise; value as it stands) of each header of a block."""
    for match in _NAME.finditer(head):
        name = match.group(1).lower() if lower else match.group(1)
        yield name, head[match.end() : _header_end(head, match.end())].removesuffix(b"\n")
