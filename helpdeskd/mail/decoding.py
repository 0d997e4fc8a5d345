"""Transfer encodings of parts (RFC 2045 section 6), and uuencode, in every state mails bring them in. Linear; never raises."""

from __future__ import annotations

import binascii
import itertools
import re
from collections.abc import Iterator
from dataclasses import dataclass

_NOT_BASE64 = bytes(set(range(256)) - set(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/="))
_PADDED = re.compile(rb"=+")
_BASE64_LINE = re.compile(rb"[A-Za-z0-9+/ \t\r]*+={0,2}[ \t\r]*+")
UU_NAMES = frozenset({"x-uuencode", "x-uue", "uuencode", "uue"})
_BEGIN = re.compile(rb"(?m)^begin(?:-base64)? [0-7]{3,4} ([^\r\n]{1,255}?)[ \t]{0,20}\r?$")
_END = re.compile(rb"(?m)^(?:end|====)[ \t]{0,20}\r?$")
_MAX_BEGINS = 1000
_PIECE = 1 << 20  # bytes that are decoded at once
_UU_LINE = re.compile(rb"[ -`]{1,90}\r?\n?")


def name_of(header: str) -> str:
    """The encoding a header names, without comment, quotes and what follows it: `base64 ; x=y` is base64."""
    return re.split(r"[\s;(,]", header.strip().strip("\"'").lower()[:80], maxsplit=1)[0].strip("\"'")


def decode(data: bytes, start: int, end: int, encoding: str) -> bytes:
    """The bytes that this stretch of a mail stands for. What does not fit an encoding is skipped; an unknown encoding is
    none. A large file is not copied on the way."""
    if encoding == "base64":
        pad = data.find(b"=", start, end)
        if pad < 0 or not data[pad:end].strip(b"= \t\r\n"):
            try:
                return binascii.a2b_base64(memoryview(data)[start:end])
            except binascii.Error:
                pass
        body = data[start:end]
        return body if _is_prose(body) else from_base64(body)
    if encoding == "quoted-printable":
        return binascii.a2b_qp(memoryview(data)[start:end])
    body = data[start:end]
    if encoding in UU_NAMES:
        found = next((found.data for found in uuencoded(body)), None)
        return found if found is not None else _uu(body) or body
    return body


def from_base64(body: bytes) -> bytes:
    """Several encodings behind one another (each with its padding) are read as such."""
    out: list[bytes] = []
    begun = b""  # letters whose padding, or fourth, has not come yet
    for start in range(0, len(body), _PIECE):
        letters = begun + body[start : start + _PIECE].translate(None, _NOT_BASE64)
        *ended, begun = _PADDED.split(letters)
        out += map(_quads, ended)
        whole = len(begun) - len(begun) % 4
        out.append(binascii.a2b_base64(begun[:whole]))
        begun = begun[whole:]
    out.append(_quads(begun))
    return b"".join(out)


def _quads(letters: bytes) -> bytes:
    if len(letters) % 4 == 1:
        letters = letters[:-1]
    return binascii.a2b_base64(letters + b"=" * (-len(letters) % 4))


def base64_and_tail(body: bytes) -> tuple[bytes, bytes]:
    """(decoded, the plain lines behind it): list servers put their footer under a text whatever its encoding is."""
    place = 0
    while place < len(body):
        end = body.find(b"\n", place) + 1 or len(body)
        if not _BASE64_LINE.fullmatch(body[place:end].rstrip(b"\n")) or _is_words(body[place:end]):
            break
        place = end
    return from_base64(body[:place]), body[place:]


def _is_prose(body: bytes) -> bool:
    """Is it words, whatever its header says? No line of base64 has blanks within it."""
    lines = body[:4096].split()
    return bool(lines) and len(lines) > 2 * (body[:4096].strip().count(b"\n") + 1)


def _is_words(line: bytes) -> bool:
    """`see you` is base64 to the letter."""
    return b" " in line.strip() and len(line.split()) > 1


@dataclass(frozen=True, slots=True)
class Uuencoded:
    name: str  # as it stands there, undecoded
    data: bytes
    start: int  # where its `begin` line starts, and where the line after its `end` does
    end: int


def uuencoded(text: bytes) -> Iterator[Uuencoded]:
    """The files within a text, between `begin 644 name` and `end`. One that is cut off is none."""
    begins = list(itertools.islice(_BEGIN.finditer(text), _MAX_BEGINS))
    stop: re.Match[bytes] | None = None
    for match, following in itertools.pairwise([*begins, None]):
        if match is None:
            continue
        if stop is None or stop.start() < match.end():
            stop = _END.search(text, match.end())
            if stop is None:
                return
        if following is not None and following.start() < stop.start():
            continue  # a file does not begin within another: each stretch is looked at once
        lines = text[match.end() : stop.start()].lstrip(b"\r\n")
        data = _uu(lines) if not text.startswith(b"begin-base64", match.start()) else from_base64(lines)
        if data is not None:
            after = text.find(b"\n", stop.end()) + 1 or len(text)
            yield Uuencoded(match.group(1).decode("ascii", "surrogateescape"), data, match.start(), after)


def _uu(lines: bytes) -> bytes | None:
    """None where a line is not uuencoded: then the words `begin` and `end` only stood there."""
    out: list[bytes] = []
    for line in lines.splitlines():
        if not line.strip():
            continue
        if not _UU_LINE.fullmatch(line):
            return None
        length = (line[0] - 32) & 63
        needed = 1 + (length * 8 + 5) // 6
        try:
            out.append(binascii.a2b_uu(line[:1] + line[1:needed].ljust(needed - 1, b" ")))
        except binascii.Error:
            return None
    return b"".join(out) or None
