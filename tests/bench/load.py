"""A load of mails for SMTP doors: a mix like a help desk's, and a client that sends it over several connections.

The mix: 70 % small multipart/alternative (4 to 8 KB), 15 % plain text, 10 % with an attachment of 50 to 300 KB, 5 %
replies. The same seed gives the same bytes; each round gets Message-IDs of its own.
"""

from __future__ import annotations

import asyncio
import base64
import os
import random
import time
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

RECIPIENT = "support@desk.example"
_TEXT = (
    "the printer on floor two stopped working after this morning's update and now every invoice comes out blank please "
    "help us before noon because the customers are waiting at the counter we restarted it twice changed the cable and "
    "tried another driver nothing changed the display shows error 49 regards order account password server mailbox"
)
WORDS = _TEXT.split()


def _text(rng: random.Random, size: int) -> str:
    lines, line, total = [], "", 0
    while total < size:
        word = rng.choice(WORDS)
        if len(line) + len(word) > 70:
            lines.append(line)
            total += len(line) + 2
            line = ""
        line = f"{line} {word}" if line else word
    return "\r\n".join([*lines, line]) + "\r\n"


def _head(rng: random.Random, number: int, stamp: str, kind: str, extra: str = "") -> str:
    who = rng.choice(["ada", "ben", "cho", "dana", "eli", "fay", "gus", "hana"])
    hops = "".join(
        f"Received: from out{hop}.client.example (out{hop}.client.example [192.0.2.{hop + 1}])\r\n"
        f"\tby mx{hop}.client.example with ESMTPS id {rng.randrange(1 << 40):x};\r\n"
        f"\tSun, 22 Nov 2026 08:{number % 60:02}:0{hop} +0000\r\n"
        for hop in range(3)
    )
    return (
        f"{hops}From: {who.title()} <{who}{number}@client.example>\r\nTo: Support <{RECIPIENT}>\r\n"
        f"Subject: {' '.join(rng.sample(WORDS, 4))} {number}\r\nDate: Sun, 22 Nov 2026 08:{number % 60:02}:00 +0000\r\n"
        f"Message-ID: <{number}.{stamp}@client.example>\r\nMIME-Version: 1.0\r\n{extra}Content-Type: {kind}\r\n"
    )


def _alternative(rng: random.Random, number: int, stamp: str, extra: str = "") -> str:
    text = _text(rng, rng.randrange(1500, 3200))
    html = "".join(f"<p>{line}</p>\r\n" for line in text.split("\r\n"))
    mark = f"=_{number}_{rng.randrange(1 << 32):x}"
    head = _head(rng, number, stamp, f'multipart/alternative; boundary="{mark}"', extra)
    return (
        f"{head}\r\n--{mark}\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n{text}"
        f"--{mark}\r\nContent-Type: text/html; charset=utf-8\r\n\r\n<html><body>\r\n{html}</body></html>\r\n--{mark}--\r\n"
    )


def mail(seed: str, number: int, stamp: str) -> bytes:
    """One mail of the mix, lines ended by CRLF, not dot-stuffed."""
    rng = random.Random(f"{seed}-{number}")
    place = number % 20
    if place == 19 and number > 20:
        extra = f"In-Reply-To: <{number - 19}.{stamp}@client.example>\r\nReferences: <{number - 19}.{stamp}@client.example>\r\n"
        return _alternative(rng, number, stamp, extra).encode()
    if place in {3, 13}:
        data = base64.encodebytes(rng.randbytes(rng.randrange(50_000, 300_000))).replace(b"\n", b"\r\n")
        mark = f"=_{number}"
        head = _head(rng, number, stamp, f'multipart/mixed; boundary="{mark}"')
        body = _text(rng, 600)
        return (
            (
                f"{head}\r\n--{mark}\r\nContent-Type: text/plain\r\n\r\n{body}--{mark}\r\nContent-Type: application/pdf; "
                f'name="scan{number}.pdf"\r\nContent-Transfer-Encoding: base64\r\n\r\n'
            ).encode()
            + data
            + f"--{mark}--\r\n".encode()
        )
    if place in {5, 10, 16}:
        return (
            _head(rng, number, stamp, "text/plain; charset=utf-8") + "\r\n" + _text(rng, rng.randrange(300, 2000))
        ).encode()
    return _alternative(rng, number, stamp).encode()


def wire(raw: bytes) -> bytes:
    """What goes over the line after DATA (RFC 5321 section 4.5.2)."""
    return (b"\r\n" + raw).replace(b"\r\n.", b"\r\n..")[2:] + b".\r\n"


def mails(count: int, stamp: str, seed: str = "1") -> list[bytes]:
    """`count` mails as they go over the line."""
    return [wire(mail(seed, number, stamp)) for number in range(count)]


class Refused(Exception):
    """The server did not take what it should have taken."""


class _Line(asyncio.Protocol):
    """A connection that waits for one reply at a time; lean, so that the client is not what is measured."""

    def __init__(self) -> None:
        self._buffer = b""
        self._waiter: asyncio.Future[bytes] | None = None
        self.transport: asyncio.Transport | None = None
        self._lost = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        self._look()

    def connection_lost(self, exc: Exception | None) -> None:
        self._lost = True
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_exception(ConnectionError("the server hung up"))

    def _look(self) -> None:
        while self._waiter is not None:
            line, end, rest = self._buffer.partition(b"\r\n")
            if not end:
                return
            self._buffer = rest
            if line[3:4] != b"-":
                waiter, self._waiter = self._waiter, None
                if not waiter.done():
                    waiter.set_result(line)

    async def ask(self, data: bytes, wanted: bytes) -> None:
        assert self.transport is not None
        if self._lost:
            raise ConnectionError("the server hung up")
        if data:
            self.transport.write(data)
        self._waiter = asyncio.get_running_loop().create_future()
        waiter = self._waiter
        self._look()
        line = await waiter
        if not line.startswith(wanted):
            raise Refused(f"{data[:20]!r}: {line.decode(errors='replace')}")


@dataclass
class Run:
    """What one round gave: mails and bytes accepted, seconds in all, and from DATA to 250 for each mail."""

    accepted: int = 0
    sent_bytes: int = 0
    seconds: float = 0.0
    waits: list[float] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)

    @property
    def rate(self) -> float:
        return self.accepted / self.seconds


async def run(host: str, port: int, batch: Iterable[bytes], *, connections: int = 8, per_connection: int = 20) -> Run:
    """Send the batch: each connection sends its next mail when the last one is answered, and is renewed after
    `per_connection` mails. What fails is in `failures`."""
    result = Run()
    todo = iter(batch)
    loop = asyncio.get_running_loop()

    async def connection() -> bool:
        """One connection's worth; False when nothing was left to send."""
        line: _Line | None = None
        try:
            for _ in range(per_connection):
                content = next(todo, None)
                if content is None:
                    return False
                if line is None:
                    _, line = await loop.create_connection(_Line, host, port)
                    await line.ask(b"", b"220")
                    await line.ask(b"EHLO load.example\r\n", b"250")
                await line.ask(b"MAIL FROM:<load@client.example>\r\n", b"250")
                await line.ask(f"RCPT TO:<{RECIPIENT}>\r\n".encode(), b"250")
                begun = time.perf_counter()
                await line.ask(b"DATA\r\n", b"354")
                await line.ask(content, b"250")
                result.waits.append(time.perf_counter() - begun)
                result.accepted += 1
                result.sent_bytes += len(content)
            return True
        finally:
            if line is not None and line.transport is not None:
                line.transport.write(b"QUIT\r\n")
                line.transport.close()

    async def worker() -> None:
        while True:
            try:
                if not await connection():
                    return
            except (Refused, OSError) as error:
                result.failures.append(str(error))

    begun = time.perf_counter()
    await asyncio.gather(*(worker() for _ in range(connections)))
    result.seconds = time.perf_counter() - begun
    return result


def cpu_seconds(pid: int) -> float:
    """User and system time that a process and its descendants have used, in seconds (proc(5))."""
    children: dict[int, list[int]] = defaultdict(list)
    used: dict[int, int] = {}
    for place in Path("/proc").iterdir():
        if place.name.isdigit():
            try:
                fields = (place / "stat").read_text().rpartition(")")[2].split()
            except OSError:
                continue
            children[int(fields[1])].append(int(place.name))
            used[int(place.name)] = sum(int(ticks) for ticks in fields[11:15])
    total, todo = 0, [pid]
    while todo:
        one = todo.pop()
        total += used.get(one, 0)
        todo += children[one]
    return total / os.sysconf("SC_CLK_TCK")


def peak_mb(pid: int) -> float:
    """The most memory a process has had resident, in MB; 0.0 when it is gone."""
    try:
        for line in Path(f"/proc/{pid}/status").read_text().splitlines():
            if line.startswith("VmHWM"):
                return int(line.split()[1]) / 1024
    except OSError:
        pass
    return 0.0
