r"""Raw bytes made fit for a parser: limits, hostile shapes and small defects, before anything recurses into them.

The parsers of the standard library need quadratic time for some headers (`\\";` in a quoted parameter), time times
depth for nesting, and an object for each part. What is changed here is changed in a copy: the stored raw mail, its
digests and the attached original are of the bytes as they came.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from email.message import Message

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
_NESTS = re.compile(rb"content-type:\s*(multipart|message)/")
HEAD_BYTES = 65536
_MAX_PARAMETERS = 100
_MAX_STRUCTURED = 16384  # bytes of one Content-Type or Content-Disposition
_MAX_WORK = 20_000_000  # lines times levels a parser may have to compare with boundaries


@dataclass(slots=True)
class Prepared:
    """`data` is what parsers read. `hidden` stands before the type of each part they must not descend into."""

    data: bytes
    hidden: str
    body_at: int
    notes: list[str] = field(default_factory=list)
    cut: bool = False  # was anything left out?

    def shown(self, part: bytes) -> bytes:
        """Bytes of a part as they were in the mail."""
        mark = self.hidden.encode("ascii")
        return part.replace(mark, b"") if mark in part else part


def strip_envelope_line(raw: bytes) -> bytes:
    """`raw` without a leading mbox `From ` line, byte order mark and empty lines."""
    place = 0
    while match := _MBOX.match(raw, place):  # in place: a mail of nothing but such lines is read once
        place = match.end()
    match = _LEAD.match(raw, place)
    place = match.end() if match else place
    return raw[place:] if place else raw


def prepare(raw: bytes, limits: Intake) -> Prepared:
    """A copy of `raw` that any parser reads in time that grows with its size. Never raises."""
    data = strip_envelope_line(raw)
    if b"\n" not in data:
        data = data.replace(b"\r", b"\n")
    made = Prepared(data, _free_mark(data), 0)
    _tend_headers(made, limits)
    _tame(made, limits)
    if made.data.count(b"\n--") > min(limits.max_parts, 200) or len(made.data) > limits.max_header_kb * 1024:
        _bound_parts(made, limits)
    return made


def head(raw: bytes, limits: Intake) -> bytes:
    """The headers alone, of the first HEAD_BYTES of a mail: enough to know whose it is and where it belongs."""
    made = Prepared(strip_envelope_line(raw[:HEAD_BYTES]), "", 0)
    _tend_headers(made, limits)
    return made.data[: made.body_at]


def split_head(data: bytes) -> tuple[int, int]:
    """(where the headers end, where the body starts) of a mail without envelope line."""
    end = _headers_end(data, 0)
    if data.startswith(b"\r\n", end):
        return end, end + 2
    return end, end + 1 if data.startswith(b"\n", end) else end


def _headers_end(data: bytes, start: int) -> int:
    """Where the lines that are headers, or folded from them, end; `start` is the start of a line."""
    match = _NO_HEADER.search(data, start)
    return match.start() if match else len(data)


def _header_end(data: bytes, start: int) -> int:
    """Where the header that starts here ends, its folded lines and its line end included."""
    match = _HEADER_END.search(data, start)
    return match.end() if match else len(data)


def _free_mark(data: bytes) -> str:
    number = 0
    while f"x-unread-{number}-".encode("ascii") in data:
        number += 1
    return f"x-unread-{number}-"


def _tend_headers(made: Prepared, limits: Intake) -> None:
    """Cuts the header block to its limits, joins what a stray line tears apart, and takes bare CRs out of it: parsers
    disagree on whether they end a line."""
    data = made.data
    end, body = split_head(data)
    pieces = [data[:end]]
    strays = 0
    while end == body and end < len(data) and strays < 20:
        after = data.find(b"\n", end) + 1
        if not after or not _KNOWN.match(data, after):
            break
        strays += 1
        end = _headers_end(data, after)
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
    fits = _fitting(head, limits)
    if fits < len(head):
        made.notes.append(f"the headers are longer than the limit: the first {fits} of {len(head)} bytes were read")
        made.cut = changed = True
        head = head[:fits]
    if changed:
        made.data = head + b"\r\n" + data[body:]
        made.body_at = len(head) + 2
    else:
        made.body_at = body


def _fitting(head: bytes, limits: Intake) -> int:
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


def _tame(made: Prepared, limits: Intake) -> None:
    """Hides attached mails (and what nests too deep) from the parser, so that their bytes stay whole, and cuts
    structured headers with more parameters than anybody needs."""
    data = made.data
    low = data.lower()
    place = low.find(b"content-")
    if place < 0:
        return
    deepest = max(10, min(limits.max_depth, _MAX_WORK // (data.count(b"\n") + 1)))
    edits: list[tuple[int, int, bytes]] = []
    nested = 0
    while place >= 0:
        if (place == 0 or data[place - 1] in b"\r\n") and low.startswith((b"type:", b"disposition:"), place + 8):
            end = _header_end(data, place)
            match = _NESTS.match(low, place)
            if match:
                nested += match.group(1) == b"multipart"
                if match.group(1) == b"message" or nested > deepest:
                    edits.append((match.start(1), match.start(1), made.hidden.encode("ascii")))
            if data.count(b";", place, end) > _MAX_PARAMETERS or end - place > _MAX_STRUCTURED:
                kept = _first_parameters(data, place, end)
                edits.append((kept, end, b"\r\n"))
                made.notes.append("a header with too many parameters was cut")
                made.cut = True
            place = end - 1
        place = low.find(b"content-", place + 1)
    if edits:
        out: list[bytes] = []
        done = 0
        for start, end, new in edits:
            out += [data[done:start], new]
            done = end
            if end <= made.body_at:
                made.body_at += len(new) - (end - start)
        made.data = b"".join([*out, data[done:]])


def _first_parameters(data: bytes, place: int, end: int) -> int:
    found = place
    for _ in range(_MAX_PARAMETERS):
        found = data.find(b";", found + 1, min(end, place + _MAX_STRUCTURED))
        if found < 0:
            return min(end, place + _MAX_STRUCTURED)
    return found


def _bound_parts(made: Prepared, limits: Intake) -> None:
    """Cuts the mail before the first part too many, and part headers beyond their limit."""
    data = made.data
    starts: list[int] = []
    for boundary in _boundaries(data, limits):
        mark = b"\n--" + boundary
        place = data.find(mark)
        while place >= 0 and len(starts) <= 4 * limits.max_parts:
            starts.append(place)
            place = data.find(mark, place + 1)
    if not starts:
        return
    starts.sort()
    if len(starts) > limits.max_parts:
        data = data[: starts[limits.max_parts]]
        starts = starts[: limits.max_parts]
        made.notes.append(f"more than {limits.max_parts} parts: the rest was left out")
        made.cut = True
    out: list[bytes] = []
    done = 0
    for start in starts:
        head = data.find(b"\n", start + 1) + 1
        end = _headers_end(data, head) if head else 0
        if end - head > 65536:
            kept = data[head : head + _fitting(data[head : head + 65536], limits)]
            ended = data.startswith((b"\n", b"\r\n"), end)
            out += [data[done:head], kept, b"" if ended else b"\r\n"]
            done = end
            made.notes.append("the headers of a part are longer than the limit and were cut")
            made.cut = True
    made.data = b"".join([*out, data[done:]]) if out else data


def _boundaries(data: bytes, limits: Intake) -> list[bytes]:
    """The boundaries the parser will look for, read as it reads them."""
    low = data.lower()
    found: dict[bytes, None] = {}
    place = low.find(b"content-type:")
    for _ in range(4 * limits.max_parts):
        if place < 0:
            break
        whole = data[place : _header_end(data, place)]
        if b"multipart/" in whole.lower():
            message: Message[str, str] = Message()
            message["Content-Type"] = whole[13:].decode("ascii", "surrogateescape").strip()
            boundary = message.get_boundary()
            if boundary:
                found[boundary.encode("utf-8", "surrogateescape")] = None
                if len(found) > limits.max_depth:
                    break
        place = low.find(b"content-type:", place + 1)
    return list(found)


_NAME = re.compile(rb"(?m)^([!-9;-~]++)[ \t]*+:")


def raw_headers(head: bytes) -> list[tuple[bytes, bytes]]:
    """(lower-case name, value as it stands) of each header of a block."""
    return [
        (match.group(1).lower(), head[match.end() : _header_end(head, match.end())].removesuffix(b"\n"))
        for match in _NAME.finditer(head)
    ]
