"""Bodies as DKIM hashes them (RFC 6376 section 3.4.3 and 3.4.4), piece by piece: other threads get their turn, memory stays
bounded, and base64, which most of a large mail is, holds nothing to change. Line ends are CRLF; a bare CR is a character."""

from __future__ import annotations

import re
from collections.abc import Iterator

PIECE = 1 << 16  # bytes

_SPACES = re.compile(rb"[ \t]+")
_BLANK = re.compile(rb"[ \t\r]*\n?")


def simple(body: bytes) -> Iterator[bytes | memoryview]:
    """As it is, with one line end at its end."""
    end = _end(body, b"\r\n")
    seen = memoryview(body)
    for at in range(0, end, PIECE):
        yield seen[at : min(at + PIECE, end)]
    yield b"\r\n"


def relaxed(body: bytes) -> Iterator[bytes]:
    """White space is one space, none at the end of a line."""
    end = _end(body, b" \t\r\n")
    at = 0
    while at < end:
        until = _until(body, at, end)
        piece = body[at:until]
        if b"\t" in piece or b"  " in piece or b" \r\n" in piece:
            piece = _SPACES.sub(b" ", piece).replace(b" \r\n", b"\r\n")
        yield piece
        at = until
    if end:
        yield b"\r\n"


def _end(body: bytes, blank: bytes) -> int:
    """Where the last line ends that is not empty."""
    end = len(body.rstrip(blank))
    tail = body[end:]
    if tail.count(b"\r") == tail.count(b"\r\n"):
        return end
    return end + tail.replace(b"\r\n", b"\n\n").rfind(b"\r") + 1


def _until(body: bytes, at: int, end: int) -> int:
    """The end of a piece: no white space is cut in two."""
    if end - at <= PIECE:
        return end
    line = body.rfind(b"\n", at, at + PIECE) + 1
    if line > at:
        return line
    words = len(body[at : at + PIECE].rstrip(b" \t\r"))
    if words:
        return at + words
    blank = _BLANK.match(body, at, end)
    return blank.end() if blank and blank.end() > at else end
