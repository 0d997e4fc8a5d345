"""A mail as signatures see it: raw header lines, and the body with CRLF line ends. Nothing is repaired."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property

from helpdeskd.mail.prepare import strip_envelope_line

MAX_HEADERS = 5000
MAX_HEAD = 1 << 20  # bytes

# One line ends the head: the first empty one. A line that is no header does, too, and makes the head unsound.
_END = re.compile(rb"\r?\n\r?\n")
_NAME = re.compile(rb"([!-9;-~]+)[ \t]*:")
_FOLD = re.compile(rb"\r?\n(?=[^ \t])")
# What stands once in a mail (RFC 5322 section 3.6). Programs differ in which one of two they show, and a signature covers the
# lowest: with a second one above it a signed mail would say something else.
_SINGLE = frozenset(
    {b"from", b"sender", b"reply-to", b"to", b"cc", b"subject", b"date", b"message-id", b"in-reply-to"}
) | {
    b"references",
    b"content-type",
}


@dataclass(frozen=True)
class Wire:
    """`headers`: (name as written, value as it stands, folding included, without its last line end), from the top."""

    headers: tuple[tuple[bytes, bytes], ...]
    sound: bool  # do all programs read the same headers?
    _raw: bytes
    _body_at: int

    @cached_property
    def body(self) -> bytes:
        body = self._raw[self._body_at :]
        # Doors other than SMTP bring LF.
        return (
            body if body.count(b"\n") == body.count(b"\r\n") else body.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")
        )

    @cached_property
    def digests(self) -> dict[bool, tuple[bytes, int]]:
        """SHA-256 and length of the canonical body, by `relaxed`: kept by who computes them, for the next signature."""
        return {}

    def all(self, name: bytes) -> list[tuple[bytes, bytes]]:
        return [header for header in self.headers if header[0].lower() == name]


def read(raw: bytes) -> Wire:
    """Never raises."""
    raw = strip_envelope_line(raw)
    if raw.startswith((b"\n", b"\r\n")):
        return Wire((), sound=False, _raw=raw, _body_at=0)
    end = _END.search(raw, 0, MAX_HEAD)
    sound = end is not None or len(raw) < MAX_HEAD
    head = raw[: end.start()] if end else raw[:MAX_HEAD]
    headers: list[tuple[bytes, bytes]] = []
    for line in _FOLD.split(head.removesuffix(b"\n").removesuffix(b"\r"), MAX_HEADERS):
        name = _NAME.match(line)
        if name is None or len(headers) == MAX_HEADERS:
            sound = False
            break
        headers.append((name[1], line[name.end() :].replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")))
    values = [value.replace(b"\r\n", b"") for _, value in headers]
    names = [name.lower() for name, _ in headers]
    sound = sound and not any(b"\r" in value or b"\0" in value for value in values)
    sound = sound and not any(names.count(name) > 1 for name in _SINGLE - {b"from"})
    return Wire(tuple(headers), sound=sound, _raw=raw, _body_at=end.end() if end else len(raw))
