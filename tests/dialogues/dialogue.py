"""A scripted client for the doors, and doors that can be waited on. What the dialogue tests share."""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

from helpdeskd import config, spool, tray
from helpdeskd.errors import Temporary
from helpdeskd.sources.smtp import Doors
from helpdeskd.sources.smtp_rules import LoggedIn

OURS = "support@desk.example"
ALSO_OURS = "sales@desk.example"
MAIL = b"From: ada@client.example\r\nSubject: printer\r\n\r\nIt burns.\r\n"


def accepts(recipient: str) -> bool:
    """Whose mail we take: two departments with their +detail, and addresses that stand for trouble of ours."""
    local, _, domain = recipient.lower().rpartition("@")
    if local == "later":
        raise Temporary("the store is down")
    if local == "broken":
        raise RuntimeError("a bug")
    return domain == "desk.example" and local.partition("+")[0] in {"support", "sales", "jörg"}


class WatchedDoors(Doors):
    """Doors whose news can be awaited instead of slept for."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        self.news = asyncio.Event()
        self.most = 0  # connections at once, those not counted that are shown out

    def arrived(self, talk):
        answer = super().arrived(talk)
        self.most = max(self.most, self.places + (answer is None))
        self.news.set()
        return answer

    def left(self, talk):
        super().left(talk)
        self.news.set()

    def refused(self, reason):
        super().refused(reason)
        self.news.set()

    def _kept(self, jobs):
        super()._kept(jobs)
        self.news.set()

    async def until(self, condition: Callable[[], bool]) -> None:
        while not condition():
            self.news.clear()
            await self.news.wait()

    @property
    def connections(self) -> int:
        return len(self._talks)

    @property
    def places(self) -> int:
        """Taken by whoever may talk."""
        return sum(talk.has_place for talk in self._talks)

    @property
    def smtp_at(self) -> str:
        return next(place.partition(" ")[2] for place in self.listening if place.startswith("smtp "))

    @property
    def lmtp_at(self) -> str:
        return next(place.partition(" ")[2] for place in self.listening if place.startswith("lmtp "))

    @property
    def submission_at(self) -> str:
        return next(place.partition(" ")[2] for place in self.listening if place.startswith("submission "))

    def mails(self) -> list[tuple[spool.Envelope, bytes]]:
        """What stands in the spool, oldest first."""
        found = []
        for spool_id in tray.scan(self.spool_root):
            entry = tray.claim(self.spool_root, spool_id)
            assert entry is not None
            found.append((entry.envelope, entry.raw()))
        return found

    def only_mail(self) -> tuple[spool.Envelope, bytes]:
        (mail,) = self.mails()
        return mail


def make_doors(
    root: Path,
    *,
    lmtp: str = "",
    submission: str = "",
    log_in: Callable[[str, str, str], LoggedIn | None] | None = None,
    **smtp: Any,
) -> WatchedDoors:
    spool.make(str(root))
    spool.set_reserve(str(root), 0.0, 0)
    smtp.setdefault("listen", ("127.0.0.1:0",))
    smtp.setdefault("hostname", "mx.desk.example")
    return WatchedDoors(
        smtp=config.Smtp(**smtp),
        lmtp=config.Lmtp(listen=(lmtp,) if lmtp else ()),
        submission=config.Submission(listen=(submission,) if submission else ()),
        log_in=log_in,
        spool_root=str(root),
        accepts=accepts,
        put_threads=2,
    )


@asynccontextmanager
async def open_doors(root: Path, **settings: Any) -> AsyncIterator[WatchedDoors]:
    doors = make_doors(root, **settings)
    await doors.start()
    try:
        yield doors
    finally:
        await doors.stop()


class Client:
    """One connection. Replies are lists of lines, without their line ends."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer
        self.hello = "EHLO"

    @classmethod
    async def connect(cls, at: str, *, source: str = "") -> Client:
        if at.startswith("unix:"):
            return cls(*await asyncio.open_unix_connection(at.removeprefix("unix:")))
        host, _, port = at.rpartition(":")
        return cls(*await asyncio.open_connection(host, int(port), local_addr=(source, 0) if source else None))

    @classmethod
    async def greeted(cls, at: str, hello: str = "EHLO", *, source: str = "") -> Client:
        client = await cls.connect(at, source=source)
        client.hello = hello
        await client.expect("220")
        await client.ask(f"{hello} client.example", "250")
        return client

    async def send(self, data: bytes) -> None:
        self.writer.write(data)
        await self.writer.drain()

    async def reply(self) -> list[str]:
        lines = []
        while True:
            line = (await self.reader.readuntil(b"\r\n")).decode().rstrip("\r\n")
            lines.append(line)
            if line[3:4] != "-":
                return lines

    async def expect(self, *starts: str) -> list[str]:
        """The next replies, which must start like this, one each; the last one's lines."""
        lines: list[str] = []
        for start in starts:
            lines = await self.reply()
            assert lines[-1].startswith(start), (start, lines)
        return lines

    async def ask(self, line: str | bytes, *starts: str) -> list[str]:
        await self.send((line if isinstance(line, bytes) else line.encode()) + b"\r\n")
        return await self.expect(*starts)

    async def envelope(self, *recipients: str, sender: str = "ada@client.example") -> None:
        await self.ask(f"MAIL FROM:<{sender}>", "250 2.1.0")
        for recipient in recipients or (OURS,):
            await self.ask(f"RCPT TO:<{recipient}>", "250 2.1.5")

    async def begin_data(self, *recipients: str, sender: str = "ada@client.example") -> None:
        await self.envelope(*recipients, sender=sender)
        await self.ask("DATA", "354")

    async def mail(self, wire: bytes = MAIL, *starts: str, recipients: tuple[str, ...] = (OURS,)) -> list[str]:
        """A whole mail, its content as on the wire but for the end of data."""
        await self.begin_data(*recipients)
        await self.send(wire + b".\r\n")
        return await self.expect(*(starts or ("250 2.0.0",)))

    async def closed(self) -> None:
        """The server has closed, and said nothing more."""
        with suppress(ConnectionError):
            assert await self.reader.read() == b""
        await self.close()

    async def close(self) -> None:
        self.writer.close()
        with suppress(ConnectionError, BrokenPipeError):
            await self.writer.wait_closed()

    def reset(self) -> None:
        """Hang up the rude way: RST instead of FIN."""
        sock = self.writer.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.writer.transport.abort()
