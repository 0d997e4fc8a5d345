"""The content after DATA: found its end, taken its dots off, kept in memory or, when large, in a nameless file.

aiosmtpd reads line by line, which costs more than the durable write does. Here the content is read in the largest
pieces there are, by StreamReader's public calls, so that a command pipelined after the dot stays in the buffer.
"""

from __future__ import annotations

import asyncio
import os
import tempfile
from collections.abc import Callable, Iterator
from typing import IO

from helpdeskd.errors import NoRoom

# RFC 5321 section 4.1.1.4: this and nothing else ends the content. What others have taken for it (bare LF, bare CR,
# in any mixture) is SMTP smuggling, and stays content here.
END = b"\r\n.\r\n"
_BEGINNINGS = tuple(END[:length] for length in range(1, len(END)))

SPILL = 1024 * 1024  # bytes of one mail that may stay in memory
PIECE = 256 * 1024  # bytes read back at a time
LOOK = 4 * 1024 * 1024  # bytes on the disk after which one looks again whether there is room
OPENING = 4096  # bytes of a strange beginning held back before they are fed


class Overflow(Exception):
    """Twice the limit was sent, and still no end."""


class Content:
    """Takes the bytes of one DATA as sent, keeps them without the added dots. `size` counts what is kept.

    The first two bytes are the CRLF of the DATA command itself and not kept: a dot that comes first stands after it.
    Before bytes go to the disk `check_room` may object (NoRoom, OSError): what waits for its end must not use up the reserve either.
    Past `limit` bytes, or when the disk fails, nothing more is kept: `too_large` or `trouble` say so, and the rest
    may still be fed, until it is twice the limit.
    """

    __slots__ = (
        "_begun",
        "_carry",
        "_check_room",
        "_file",
        "_folder",
        "_look_at",
        "_pieces",
        "fed",
        "limit",
        "size",
        "too_large",
        "trouble",
    )

    def __init__(self, limit: int, folder: str, check_room: Callable[[], None] = lambda: None) -> None:
        self.limit = limit
        self.fed = 0
        self.size = 0
        self.too_large = False
        self.trouble: OSError | NoRoom | None = None
        self._folder = folder
        self._check_room = check_room
        self._look_at = 0
        self._file: IO[bytes] | None = None
        self._pieces: list[bytes] = []
        self._carry = b""
        self._begun = False

    def feed(self, data: bytes) -> None:
        """Take what came next, cut anywhere. Overflow."""
        self.fed += len(data)
        if self.fed > 2 * self.limit:
            self.too_large = True
            self.close()
            raise Overflow
        data = self._carry + data
        # A CRLF at the cut waits for the dot that may follow.
        waits = 2 if data.endswith(b"\r\n") else 1 if data.endswith(b"\r") else 0
        self._carry = data[len(data) - waits :]
        # RFC 5321 section 4.5.2: the first dot of a line goes, and a line starts after CRLF only.
        self._keep(data[: len(data) - waits].replace(b"\r\n.", b"\r\n"))

    def end(self) -> None:
        """All has been fed."""
        self._keep(self._carry)
        self._carry = b""

    def _keep(self, data: bytes) -> None:
        if not self._begun and data:
            self._begun = True
            data = data[2:]
        if not data or self.too_large or self.trouble:
            return
        self.size += len(data)
        if self.size > self.limit:
            self.too_large = True
            self.close()
            return
        if self._file is None:
            self._pieces.append(data)
            if self.size > SPILL:
                self._spill()
            return
        try:
            self._look()
            self._file.write(data)
        except (OSError, NoRoom) as error:
            self._fail(error)

    def _spill(self) -> None:
        try:
            self._look()
            self._file = tempfile.TemporaryFile(dir=self._folder, buffering=PIECE)  # noqa: SIM115 - close() closes it
            self._file.writelines(self._pieces)
        except (OSError, NoRoom) as error:
            self._fail(error)
        self._pieces.clear()

    def _look(self) -> None:
        """Is there room? Asked now and then."""
        if self.size >= self._look_at:
            self._check_room()
            self._look_at = self.size + LOOK

    def _fail(self, error: OSError | NoRoom) -> None:
        self.trouble = error
        self.close()

    def chunks(self) -> Iterator[bytes]:
        """What was kept, in pieces. OSError of the disk."""
        if self._file is None:
            yield from self._pieces
            return
        self._file.seek(0, os.SEEK_SET)
        while piece := self._file.read(PIECE):
            yield piece

    def close(self) -> None:
        """Forget what was kept."""
        self._pieces.clear()
        file, self._file = self._file, None
        if file is not None:
            try:
                file.close()
            except OSError as error:  # the buffer's last flush; nobody needs these bytes any more
                self.trouble = self.trouble or error


async def read_content(reader: asyncio.StreamReader, content: Content) -> None:
    """Read up to and including the end of data; whatever follows stays in the reader.

    asyncio.IncompleteReadError when the peer hangs up before; Overflow when it sends on and on past the limit.
    """
    # An empty mail is a dot at once: the end's first CRLF is then that of the DATA command itself, so the reader
    # cannot look for the whole end before a byte has come that is no part of one. Nearly always three bytes do.
    opening = b"\r\n" + await reader.readexactly(3)  # the shortest content there is: dot CR LF
    while opening.endswith(_BEGINNINGS) and not opening.endswith(END):
        if len(opening) > OPENING:
            content.feed(opening[:-4])
            opening = opening[-4:]
        opening += await reader.readexactly(1)
    if opening.endswith(END):
        content.feed(opening[:-3])
        content.end()
        return
    while True:
        try:
            last = await reader.readuntil(END)
        except asyncio.LimitOverrunError as overrun:
            # `consumed` never reaches into an end that has begun
            content.feed(opening + await reader.readexactly(overrun.consumed))
            opening = b""
        else:
            content.feed(opening + last[:-3])
            content.end()
            return
