"""ClamAV's daemon, as clamd(8) describes its commands: a mail is streamed to it, and the answer is one line."""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence

from helpdeskd.intake.exchange import exchange
from helpdeskd.mail.spamsigns import plain
from helpdeskd.model.spam import By, Sign, Spam

CHUNK = 1 << 16


def scan(place: str, raw: bytes, files: Sequence[bytes], until: float) -> Sign:
    """The mail as it came, and then each file as we took it out of it: whoever writes mails can have two programs read them in two
    ways, and it is our files that people open. Raises OSError."""
    for data in (raw, *files):
        said = exchange(place, _stream(data), until).rstrip(b"\0\n").decode("utf-8", "replace")
        words = said.removeprefix("stream: ")
        if words.endswith(" FOUND"):
            return Sign(By.CLAMD, Spam.VIRUS, plain(words.removesuffix(" FOUND")))
        if words != "OK":
            return Sign(By.CLAMD, None, plain(words) or "no answer")
    return Sign(By.CLAMD, Spam.HAM, "no virus")


def ping(place: str, until: float) -> None:
    """Raises OSError where it does not answer."""
    exchange(place, (b"zPING\0",), until)


def _stream(data: bytes) -> Iterator[bytes]:
    """INSTREAM: pieces with their lengths, and an empty one."""
    yield b"zINSTREAM\0"
    for start in range(0, len(data), CHUNK):
        piece = data[start : start + CHUNK]
        yield struct.pack(">I", len(piece)) + piece
    yield struct.pack(">I", 0)
