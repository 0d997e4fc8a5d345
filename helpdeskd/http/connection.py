"""uvicorn's connection with the patience it lacks: nobody holds one, or the memory behind it, by being slow.

uvicorn times nothing but the pause between two requests. Here a request's head must be whole `idle_seconds` after the connection (or
its first byte, on one that was used before), whatever is left of a body that nobody reads must have come by then too, a reader must
take each 64 KB of its answer within that time, and a head has a largest size. What a body may take is body_seconds, in body.py.
"""

from __future__ import annotations

import asyncio
import sys
from typing import Any

from uvicorn.protocols.http.flow_control import service_unavailable
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

MOST_HEAD = 1 << 16  # bytes of request line and headers
SPARE = 64  # connections beyond max_connections that still hear a 503; more are cut off

_TOO_LARGE = (
    b"HTTP/1.1 431 Request Header Fields Too Large\r\ncontent-type: text/plain\r\ncontent-length: 26\r\nconnection: close\r\n\r\n"
    b"the headers are too large\n"
)


class Connection(HttpToolsProtocol):
    """One for each connection; made by uvicorn."""

    _deadline: asyncio.TimerHandle | None = None
    _head = 0  # bytes of the head that is coming
    _in_head = True
    _broken = False  # what came is no HTTP

    def __init__(self, *args: Any, **more: Any) -> None:
        super().__init__(*args, **more)
        # uvicorn would refuse each request while so many are connected, those of long-known clients too; here it is who came last.
        self._most, self.limit_concurrency = self.limit_concurrency or sys.maxsize, None
        self._waiting: list[RequestResponseCycle] = []  # requests that have no answer yet; uvicorn knows the last one

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)  # type: ignore[arg-type]  # a Transport, as uvicorn says too
        if len(self.connections) > self._most + SPARE:
            self.transport.abort()
            return
        if len(self.connections) > self._most:
            self.app = service_unavailable
        self._begin()

    def connection_lost(self, exc: Exception | None) -> None:
        self._end()
        self._unset_keepalive_if_required()
        self._let_go()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self._broken:
            return
        if self._in_head:
            self._head += len(data)
            if self._head > MOST_HEAD + len(data):  # what came before this read is too much already
                self.transport.write(_TOO_LARGE)
                self._leave()
                return
        if not self._waiting:
            self._begin()
        super().data_received(data)

    def on_headers_complete(self) -> None:
        self._end()
        self._in_head = False
        super().on_headers_complete()
        self._waiting.append(self.cycle)

    def on_message_complete(self) -> None:
        super().on_message_complete()
        self._in_head, self._head = True, 0
        if not self._waiting:
            # The rest of a body nobody wanted is through, and uvicorn stopped its own clock when it came.
            self._end()
            self._begin()

    def on_response_complete(self) -> None:
        self._waiting = [each for each in self._waiting if not each.response_complete]
        super().on_response_complete()
        if self.transport.is_closing():
            self._leave()

    def send_400_response(self, msg: str) -> None:
        """Uvicorn would say so at once, and who pipelines would take it for the answer to an earlier request."""
        self._broken = True
        if self._waiting and not self.cycle.more_body:
            self.cycle.keep_alive = False  # the last of them; after its answer we hang up
            return
        self._let_go()
        if len(self._waiting) > 1:
            self.transport.abort()
        else:
            super().send_400_response(msg)

    def pause_writing(self) -> None:
        super().pause_writing()
        self._begin()

    def resume_writing(self) -> None:
        self._end()
        super().resume_writing()

    def timeout_keep_alive_handler(self) -> None:
        self._leave()

    def _begin(self) -> None:
        """From here on idle_seconds, and not anew with each byte."""
        if self._deadline is None:
            self._deadline = self.loop.call_later(self.timeout_keep_alive, self.transport.abort)

    def _end(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _let_go(self) -> None:
        """Nobody hears the answers to these."""
        for cycle in self._waiting:
            cycle.disconnected = True
            cycle.message_event.set()

    def _leave(self) -> None:
        """Close, once what was written is read, or is not."""
        if not self.transport.is_closing():
            self.transport.close()
        self._end()
        if self.transport.get_write_buffer_size():
            self._begin()
