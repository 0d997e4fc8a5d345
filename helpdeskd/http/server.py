"""uvicorn on a thread and an event loop of its own: the doors' loop never waits for HTTP, and signals stay the daemon's."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
import ssl
import threading
from collections.abc import Callable, Iterator

import uvicorn
import uvloop
from uvicorn.protocols.http import httptools_impl

from helpdeskd import listening, log
from helpdeskd.errors import ConfigError
from helpdeskd.http.app import App
from helpdeskd.http.connection import Connection
from helpdeskd.http.here import Here
from helpdeskd.log import Event
from helpdeskd.threads import tell_name

_LAST_SECONDS = 5  # for tasks that are cancelled
_log = log.get("http")

# uvicorn keeps its status lines in a table that ends at 599; one of the originals answers 900 where it has failed.
httptools_impl.STATUS_LINE.setdefault(900, b"HTTP/1.1 900 Framework Error\r\n")


class _Server(uvicorn.Server):
    loop: asyncio.AbstractEventLoop | None = None

    async def serve(self, sockets: list[socket.socket] | None = None) -> None:
        self.loop = asyncio.get_running_loop()
        await super().serve(sockets)
        await self._cut_off()

    async def _cut_off(self) -> None:
        """Whoever is still there after stop_seconds: uvicorn leaves them to a loop that ends."""
        for connection in list(self.server_state.connections):
            connection.transport.abort()
        if self.server_state.tasks:
            await asyncio.wait(self.server_state.tasks, timeout=_LAST_SECONDS)

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


class Server:
    """`open` binds and begins to answer, `close` lets requests in flight end and then stops. `pages` reads the templates of pages again."""

    def __init__(self, app: App, here: Here, pages: Callable[[], None]) -> None:
        self._app = app
        self._pages = pages
        self._settings = here.settings
        self._threads = here.threads
        self._log_ins = here.log_ins
        self._sockets: list[socket.socket] = []
        self._server: _Server | None = None
        self.thread = threading.Thread(target=self._run, name="http", daemon=True)

    @property
    def listening(self) -> tuple[str, ...]:
        """host:port of each socket, with its real port; the path of a unix socket."""
        return tuple(map(listening.name, self._sockets))

    def open(self) -> None:
        """Raises ConfigError naming every place that cannot be listened on, and a certificate that cannot be read."""
        self._sockets, problems = listening.bound("http", self._settings.listen)
        _hear_libraries()
        chosen = uvicorn.Config(
            self._app,
            http=Connection,
            ws="none",
            lifespan="off",
            access_log=False,
            log_config=None,
            proxy_headers=False,  # ours: guard/addresses
            server_header=False,
            timeout_keep_alive=self._settings.idle_seconds,
            timeout_graceful_shutdown=self._settings.stop_seconds,
            limit_concurrency=self._settings.max_connections,
            ssl_certfile=self._settings.tls_certificate,
            ssl_keyfile=self._settings.tls_key,
        )
        try:
            chosen.load()
        except (OSError, ssl.SSLError) as error:
            problems.append(f"[http] tls_certificate, tls_key: {error}")
        if problems:
            for sock in self._sockets:
                sock.close()
            raise ConfigError(tuple(problems))
        self._server = _Server(chosen)
        self.thread.start()
        for place in self.listening:
            _log.info(Event.LISTENING, door="http", at=place)

    def reload(self) -> None:
        """Read templates and certificate again (SIGHUP). Raises ConfigError, OSError where they cannot be read: what was loaded stays."""
        self._pages()
        certificate, key = self._settings.tls_certificate, self._settings.tls_key
        if certificate is None or self._server is None or self._server.loop is None:
            return
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(certificate, key)  # a wrong one would be half loaded
        context = self._server.config.ssl
        assert context is not None
        self._server.loop.call_soon_threadsafe(context.load_cert_chain, certificate, key)

    def close(self) -> None:
        """Any thread. Returns when the last answer has left, or stop_seconds are over. What then still runs in a thread is not waited for."""
        if self._server is not None:
            self._server.should_exit = True
            self.thread.join()
        self._threads.shutdown(wait=False, cancel_futures=True)
        self._log_ins.shutdown(wait=False)

    def _run(self) -> None:
        tell_name()
        assert self._server is not None
        try:
            with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
                runner.run(self._server.serve(self._sockets))
        except BaseException:
            _log.exception(Event.TROUBLE, died="http")
            raise


class _Told(logging.Handler):
    """What uvicorn has to say, in our log. Its warnings are about what clients send, and there is no end of those."""

    def emit(self, record: logging.LogRecord) -> None:
        if record.exc_info and isinstance(record.exc_info[1], asyncio.CancelledError):
            return  # one line for each that was cut off at the stop; their number is told
        _log.error(Event.TROUBLE, error=record.getMessage().strip(), exc_info=record.exc_info)


def _hear_libraries() -> None:
    logging.getLogger("python_multipart").setLevel(
        logging.CRITICAL
    )  # it remarks on what clients send; body.py answers that
    said = logging.getLogger("uvicorn")
    said.handlers, said.propagate = [_Told(logging.ERROR)], False
    said.setLevel(logging.ERROR)
