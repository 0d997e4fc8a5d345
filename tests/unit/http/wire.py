"""Bytes to and from an HTTP server, as a client that keeps to nothing would send them."""

from __future__ import annotations

import socket
import ssl
from typing import Any, Self

SECONDS = 30.0  # after which a test has failed


class Wire:
    """One connection. Whatever is sent is sent as it stands."""

    def __init__(self, address: Any, *, tls: ssl.SSLContext | None = None, small: bool = False) -> None:
        unix = isinstance(address, str)
        sock = socket.socket(socket.AF_UNIX if unix else socket.AF_INET)
        if small:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        sock.settimeout(SECONDS)
        sock.connect(address)
        self.sock: socket.socket = tls.wrap_socket(sock, server_hostname="localhost") if tls is not None else sock
        self._held = b""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.sock.close()

    def send(self, data: bytes) -> None:
        self.sock.sendall(data)

    def answer(self) -> tuple[int, dict[str, str], bytes]:
        """Status, headers and body of the next answer, which must say its length. EOFError where the server has hung up."""
        head = self._until(b"\r\n\r\n")
        first, *lines = head.decode("latin-1").split("\r\n")
        headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines if line)}
        length = int(headers.get("content-length", "0"))
        while len(self._held) < length:
            self._more()
        body, self._held = self._held[:length], self._held[length:]
        return int(first.split()[1]), headers, body

    def ask(self, data: bytes) -> tuple[int, dict[str, str], bytes]:
        self.send(data)
        return self.answer()

    def ended(self) -> bool:
        """The server hangs up, whatever it says before."""
        try:
            while self.sock.recv(65536):
                pass
        except ConnectionError:
            pass
        return True

    def trickles(self, data: bytes) -> bool:
        """Send a byte now and then until the server hangs up."""
        self.sock.settimeout(0.1)
        while True:
            try:
                self.sock.sendall(data)
                if not self.sock.recv(65536):
                    return True
            except TimeoutError:
                continue
            except ConnectionError:
                return True

    def _until(self, mark: bytes) -> bytes:
        while mark not in self._held:
            self._more()
        head, _, self._held = self._held.partition(mark)
        return head

    def _more(self) -> None:
        data = self.sock.recv(65536)
        if not data:
            raise EOFError(self._held)
        self._held += data
