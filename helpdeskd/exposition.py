"""/metrics, /health/live and /health/ready: a small HTTP listener on a thread and an event loop of its own.

Whoever connects can hold up nobody: a request has SECONDS from its first byte to the last byte of its answer, at most MOST
are served at once, and the store is asked at most once in FRESH seconds, however often somebody looks.
"""

from __future__ import annotations

import asyncio
import math
import socket
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from time import monotonic

from helpdeskd import listening, log, metrics
from helpdeskd.alarms.conditions import AlarmKind, judge, standing
from helpdeskd.alarms.facts import Facts
from helpdeskd.audit.differences import Kind
from helpdeskd.errors import ConfigError
from helpdeskd.log import Event
from helpdeskd.model.outgoing import Ceiling, OutboxState

SECONDS = 10.0
MOST = 50
FRESH = 2.0
HEAD = 8192  # bytes of a request

_TEXT = "text/plain; charset=utf-8"
_log = log.get("metrics")


@dataclass(frozen=True, slots=True)
class Health:
    """`live`: what must move moves. `not_ready`: why no mail would be taken now; empty when it would. Any thread, quick."""

    live: Callable[[], bool]
    not_ready: Callable[[], str]


class Exposition:
    """`open` binds and begins to answer, `close` ends. `facts` is called in a thread."""

    def __init__(self, listen: Sequence[str], health: Health, facts: Callable[[], Facts]) -> None:
        self._listen = listen
        self._health = health
        self._facts = facts
        self._sockets: list[socket.socket] = []
        self._thread = threading.Thread(target=lambda: asyncio.run(self._answering()), name="metrics", daemon=True)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._up = threading.Event()
        self._stop = asyncio.Event()
        self._talks = 0
        self._shown: tuple[float, bytes] = (-math.inf, b"")
        self._one = asyncio.Lock()

    @property
    def listening(self) -> tuple[str, ...]:
        """host:port of each socket, with its real port."""
        return tuple(map(listening.name, self._sockets))

    def open(self) -> None:
        """Raises ConfigError naming every place that cannot be listened on."""
        self._sockets, problems = listening.bound("metrics", self._listen)
        if problems:
            for sock in self._sockets:
                sock.close()
            raise ConfigError(tuple(problems))
        self._thread.start()
        for place in self.listening:
            _log.info(Event.LISTENING, door="metrics", at=place)

    def close(self) -> None:
        """Answer nobody any more. Does not wait for slow clients."""
        if not self._up.wait(SECONDS) or self._loop is None:
            return  # it never came up, as the log says
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join()

    async def _answering(self) -> None:
        self._loop = asyncio.get_running_loop()
        servers = [await asyncio.start_server(self._serve, sock=sock, limit=HEAD) for sock in self._sockets]
        self._up.set()
        await self._stop.wait()
        for server in servers:
            server.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.transport.set_write_buffer_limits(0)  # so that drain waits for the last byte
        self._talks += 1
        try:
            if self._talks <= MOST:
                async with asyncio.timeout(SECONDS):
                    writer.write(await self._answer(await reader.readuntil(b"\r\n\r\n")))
                    await writer.drain()
        except (TimeoutError, OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            pass  # a client's own trouble, and nobody's news
        finally:
            self._talks -= 1
            if writer.transport.get_write_buffer_size():
                writer.transport.abort()  # it does not read: what is left is dropped
            else:
                writer.close()

    async def _answer(self, request: bytes) -> bytes:
        method, _, rest = request.partition(b"\r\n")[0].decode("latin-1").partition(" ")
        path = rest.partition(" ")[0].partition("?")[0]
        status, kind, body = "200 OK", _TEXT, b""
        if method not in {"GET", "HEAD"}:
            status, body = "405 Method Not Allowed", b"GET and HEAD only\n"
        elif path == "/metrics":
            kind, body = metrics.CONTENT_TYPE, await self._metrics()
        elif path == "/health/live":
            live = self._health.live()
            status, body = (status, b"live\n") if live else ("503 Service Unavailable", b"nothing moves\n")
        elif path == "/health/ready":
            why = self._health.not_ready()
            status, body = ("503 Service Unavailable", f"{why}\n".encode()) if why else (status, b"ready\n")
        else:
            status, body = "404 Not Found", b"/metrics, /health/live, /health/ready\n"
        head = f"HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
        return head.encode() + (b"" if method == "HEAD" else body)

    async def _metrics(self) -> bytes:
        async with self._one:
            if monotonic() - self._shown[0] > FRESH:
                show(await asyncio.to_thread(self._facts))
                self._shown = monotonic(), metrics.exposed()
            return self._shown[1]


def show(facts: Facts) -> None:
    """Set the gauges."""
    now, lying, kept = facts.now, facts.spool, facts.kept
    unknown = metrics.NOT_KNOWN
    metrics.STORE_UP.set(kept is not None)
    metrics.SPOOL_WAITING.set(lying.waiting if lying else unknown)
    metrics.SPOOL_OLDEST.set(_age(now, lying.oldest) if lying else unknown)
    metrics.PARKED.set(lying.parked if lying else unknown)
    metrics.DISK_FREE.set(lying.free if lying else unknown)
    metrics.DISK_RESERVE.set(lying.reserve if lying else unknown)
    for state in OutboxState:
        metrics.OUTBOX.labels(state.value).set(kept.outbox[state] if kept else unknown)
    metrics.OUTBOX_OLDEST.set(_age(now, kept.oldest) if kept else unknown)
    metrics.MUTED.set(kept.muted.count if kept else unknown)
    for ceiling in Ceiling:
        metrics.WITHHELD.labels(ceiling.value).set(kept.withheld.get(ceiling, 0) if kept else unknown)
    audit = kept.audit if kept else None
    metrics.AUDITED.set(audit.at.timestamp() if audit else 0 if kept else unknown)
    for kind in Kind:
        metrics.DIFFERENCES.labels(kind.value).set(audit.counts.get(kind, 0) if audit else 0 if kept else unknown)
    metrics.POLLED.clear()  # another node may watch one by now
    for box in facts.boxes:
        metrics.POLLED.labels(box.name).set(box.last_good.timestamp() if box.last_good else 0)
    alarms = {key.kind for key in standing(judge(facts))}
    for alarm in AlarmKind:
        metrics.ALARM.labels(alarm.value).set(alarm in alarms)


def _age(now: datetime, since: datetime | None) -> float:
    return max(0.0, (now - since).total_seconds()) if since else 0.0
