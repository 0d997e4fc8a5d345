"""A line to a database that can be cut at the worst moment: the server has committed, and its answer never comes."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from tests.live.machine import free_port


class Proxy:
    """Everything passes, in both directions. While `cut` is set, each COMMIT reaches the server and its answer nobody."""

    def __init__(self, port: int) -> None:
        self.port = free_port()
        self.cut = False
        self.lost = 0  # answers
        self._server = port
        self._listener = socket.create_server(("127.0.0.1", self.port))
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        with suppress(OSError), client, socket.create_connection(("127.0.0.1", self._server)) as server:
            committing = threading.Event()
            threading.Thread(target=self._back, args=(server, client, committing), daemon=True).start()
            while data := client.recv(65536):
                if self.cut and b"COMMIT" in data:
                    committing.set()
                server.sendall(data)

    def _back(self, server: socket.socket, client: socket.socket, committing: threading.Event) -> None:
        with suppress(OSError):
            while data := server.recv(65536):
                if committing.is_set():
                    self.lost += 1
                    break
                client.sendall(data)
        for end in (client, server):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)


@contextmanager
def proxied(port: int) -> Iterator[Proxy]:
    proxy = Proxy(port)
    try:
        yield proxy
    finally:
        proxy.close()
