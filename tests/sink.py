"""A scripted SMTP server on loopback that keeps what it is given. For tests: every stage can say, drop or withhold what you like.

async with Sink() as sink:                    # in the test's own loop
    sink.say("rcpt", "450 4.2.0 later")       # the next RCPT only
    sink.refuse("gone@example.org", "550 5.1.1 no such user")
    sink.say("dot", DROP)                     # takes the mail, then the line goes dead
    ...
    await sink.arrived(1)

with threaded(Sink()) as sink:                # for synchronous tests: a loop in a thread of its own
    ...
    sink.wait(1)
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import ssl
import threading
from collections import defaultdict, deque
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Self

TLS = Path(__file__).parent / "tls"  # a self-signed certificate for localhost and 127.0.0.1, good for a hundred years
CERTIFICATE = TLS / "certificate.pem"

DROP = "\0drop"  # reset the connection instead of an answer
HANG_UP = "\0hang-up"  # close it in an orderly way instead of an answer
HALF = "\0half"  # half a line of a good answer, then close
SILENCE = "\0silence"  # never answer; the client has to leave


def server_context() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(CERTIFICATE, TLS / "key.pem")
    return context


@dataclass(frozen=True)
class Caught:
    """One mail as it came: `data` has its dots unstuffed and CRLF line ends."""

    sender: str
    recipients: tuple[str, ...]
    data: bytes
    options: str  # what stood behind MAIL FROM
    tls: bool
    user: str
    connection: int  # counted from 1


class Sink:
    """Stages for `say`: greeting ehlo starttls auth mail rcpt data dot rset noop quit."""

    def __init__(
        self,
        *,
        starttls: bool = False,
        tls: bool = False,
        users: dict[str, str] | None = None,
        extensions: tuple[str, ...] = ("PIPELINING", "SIZE 50000000", "8BITMIME", "SMTPUTF8"),
        host: str = "127.0.0.1",
    ) -> None:
        self.starttls = starttls
        self.tls = tls
        self.users = users
        self.extensions = extensions
        self.host = host
        self.port = 0
        self.mails: list[Caught] = []
        self.commands: list[str] = []  # every command line, in order
        self.connections = 0
        self._script: dict[str, deque[str]] = defaultdict(deque)
        self._always: dict[str, str] = {}
        self._refusals: dict[str, str] = {}
        self._news = threading.Condition()
        self._async_news = asyncio.Event()
        self._gate: asyncio.Event | None = None
        self._writers: set[asyncio.StreamWriter] = set()
        self._server: asyncio.Server | None = None

    # The script

    def say(self, stage: str, *replies: str) -> None:
        """The next answers at this stage, one each; then the usual one again."""
        self._script[stage].extend(replies)

    def always(self, stage: str, reply: str | None) -> None:
        """Every answer at this stage; None: the usual one."""
        if reply is None:
            self._always.pop(stage, None)
        else:
            self._always[stage] = reply

    def refuse(self, recipient: str, reply: str) -> None:
        """The answer to RCPT for this recipient, every time."""
        self._refusals[recipient] = reply

    def hold(self) -> asyncio.Event:
        """Mails are kept, but their final answer waits until the event is set."""
        self._gate = asyncio.Event()
        return self._gate

    # What came

    @property
    def relay(self) -> str:
        return f"{self.host}:{self.port}"

    def to(self, recipient: str) -> list[Caught]:
        return [m for m in self.mails if recipient in m.recipients]

    async def arrived(self, count: int) -> list[Caught]:
        """Waits until so many mails have come (in the sink's own loop)."""
        while len(self.mails) < count:
            self._async_news.clear()
            await self._async_news.wait()
        return self.mails

    def wait(self, count: int, timeout: float = 60.0) -> list[Caught]:
        """The same from another thread. AssertionError after `timeout` seconds."""
        with self._news:
            assert self._news.wait_for(lambda: len(self.mails) >= count, timeout), f"{len(self.mails)} of {count} mails"
        return self.mails

    async def kick(self) -> None:
        """Closes every connection from the server's side, and waits until the client can have seen it."""
        writers = list(self._writers)
        for writer in writers:
            writer.close()
        for writer in writers:
            with contextlib.suppress(OSError):
                await writer.wait_closed()

    # The server

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(
            self._serve, self.host, self.port, limit=1 << 20, ssl=server_context() if self.tls else None
        )
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._server is not None
        self._server.close()
        for writer in list(self._writers):
            writer.transport.abort()
        await self._server.wait_closed()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        self._writers.add(writer)
        try:
            await _Session(self, reader, writer, self.connections).run()
        except (OSError, asyncio.IncompleteReadError, _Over):  # SSLError is an OSError
            pass
        finally:
            self._writers.discard(writer)
            writer.close()  # no wait_closed: after a failed handshake nobody ever says that it is

    def _answer(self, stage: str, usual: str) -> str:
        if self._script[stage]:
            return self._script[stage].popleft()
        return self._always.get(stage, usual)

    def _keep(self, mail: Caught) -> None:
        with self._news:
            self.mails.append(mail)
            self._news.notify_all()
        self._async_news.set()


class _Over(Exception):
    pass


class _Session:
    def __init__(self, sink: Sink, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, number: int) -> None:
        self.sink, self.reader, self.writer, self.number = sink, reader, writer, number
        self.secure = sink.tls
        self.user = ""

    async def say(self, stage: str, usual: str) -> str:
        """Gives the scripted answer, or the usual one; returns it."""
        reply = self.sink._answer(stage, usual)
        if reply == DROP:
            self.writer.transport.abort()
            raise _Over
        if reply == HANG_UP:
            raise _Over
        if reply == HALF:
            self.writer.write(usual[: len(usual) // 2].encode())
            await self.writer.drain()
            raise _Over
        if reply == SILENCE:
            while await self.reader.read(65536):
                pass
            raise _Over
        self.writer.write(reply.encode("utf-8", "surrogateescape") + b"\r\n")
        await self.writer.drain()
        if reply.startswith("421"):
            raise _Over
        return reply

    async def run(self) -> None:
        await self.say("greeting", "220 sink ready")
        sender, options, recipients = "", "", list[str]()
        while True:
            line = (await self.reader.readuntil(b"\r\n")).decode("utf-8").strip()
            self.sink.commands.append(line)
            verb = line.split(" ", 1)[0].upper()
            if verb in {"EHLO", "HELO"}:
                await self.say("ehlo", self._ehlo())
            elif verb == "STARTTLS" and self.sink.starttls and not self.secure:
                if (await self.say("starttls", "220 go ahead")).startswith("220"):
                    await self.writer.start_tls(server_context())
                    self.secure = True
            elif verb == "AUTH" and self.sink.users is not None:
                await self._auth(line)
            elif verb == "MAIL":
                path, _, options = line[len("MAIL FROM:") :].partition(" ")
                if self.sink.users is not None and not self.user:
                    await self.say("mail", "530 5.7.0 Authentication required")
                elif (await self.say("mail", "250 2.1.0 Ok")).startswith("250"):
                    sender, recipients = path.strip("<>"), []
            elif verb == "RCPT":
                recipient = line[len("RCPT TO:") :].partition(" ")[0].strip("<>")
                usual = self.sink._refusals.get(recipient, "250 2.1.5 Ok")
                if (await self.say("rcpt", usual)).startswith("250"):
                    recipients.append(recipient)
            elif verb == "DATA":
                if (await self.say("data", "354 go ahead")).startswith("354"):
                    data = await self._data()
                    self.sink._keep(
                        Caught(sender, tuple(recipients), data, options, self.secure, self.user, self.number)
                    )
                    if self.sink._gate is not None:
                        await self.sink._gate.wait()
                    await self.say("dot", f"250 2.0.0 Ok: queued as SINK{len(self.sink.mails):04d}")
            elif verb in {"RSET", "NOOP"}:
                await self.say(verb.lower(), "250 2.0.0 Ok")
            elif verb == "QUIT":
                await self.say("quit", "221 2.0.0 Bye")
                return
            else:
                await self.say(verb.lower(), "502 5.5.1 not here")

    def _ehlo(self) -> str:
        words = ["sink", *self.sink.extensions]
        if self.sink.starttls and not self.secure:
            words.append("STARTTLS")
        if self.sink.users is not None:
            words.append("AUTH PLAIN")
        return "\r\n".join(f"250{'-' if i < len(words) - 1 else ' '}{w}" for i, w in enumerate(words))

    async def _auth(self, line: str) -> None:
        _, user, password = base64.b64decode(line.split(" ")[2]).decode().split("\0")
        assert self.sink.users is not None
        good = self.sink.users.get(user) == password
        if (await self.say("auth", "235 2.7.0 ok" if good else "535 5.7.8 bad credentials")).startswith("235"):
            self.user = user

    async def _data(self) -> bytes:
        lines: list[bytes] = []
        while True:
            line = await self.reader.readuntil(b"\r\n")
            if line == b".\r\n":
                return b"".join(lines)
            lines.append(line[1:] if line.startswith(b".") else line)


@contextlib.contextmanager
def threaded(sink: Sink) -> Iterator[Sink]:
    """The sink in a loop and thread of its own; `hold` and `arrived` are not for use here."""
    ready, loop = threading.Event(), asyncio.new_event_loop()
    stop = asyncio.Event()

    async def serve() -> None:
        async with sink:
            ready.set()
            await stop.wait()

    thread = threading.Thread(target=loop.run_until_complete, args=(serve(),), name="sink", daemon=True)
    thread.start()
    try:
        assert ready.wait(30)
        yield sink
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join(30)
        loop.close()
