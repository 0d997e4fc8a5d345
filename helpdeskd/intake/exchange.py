"""One question to a scanner and its whole answer, over TCP or a unix socket, within a deadline."""

from __future__ import annotations

import socket
from collections.abc import Iterable
from time import monotonic

MAX_ANSWER = 4 << 20  # bytes


class Unreachable(TimeoutError):
    """Not even a connection came about in time."""


def exchange(place: str, pieces: Iterable[bytes], until: float) -> bytes:
    """Send these to `place` (unix:/path or host:port) and read what comes back until the other side has said all. Raises OSError;
    TimeoutError once monotonic() is past `until`,
    Unreachable where nobody had taken the connection by then."""
    with _connected(place, until) as sock:
        try:
            for piece in pieces:
                sock.settimeout(_left(until))
                sock.sendall(piece)
        except (BrokenPipeError, ConnectionResetError):
            pass  # it wants no more: what it says about that may be there to read
        said = bytearray()
        while len(said) < MAX_ANSWER:
            sock.settimeout(_left(until))
            try:
                got = sock.recv(65536)
            except ConnectionResetError:
                break  # it has closed with bytes of ours unread: what it had said came before
            if not got:
                break
            said += got
        return bytes(said)


def _connected(place: str, until: float) -> socket.socket:
    try:
        return _connect(place, until)
    except (TimeoutError, BlockingIOError) as error:  # a unix socket whose queue is full
        raise Unreachable("no answer in time") from error


def _connect(place: str, until: float) -> socket.socket:
    if not place.startswith("unix:"):
        host, _, port = place.rpartition(":")
        return socket.create_connection((host.strip("[]"), int(port)), timeout=_left(until))
    sock = socket.socket(socket.AF_UNIX)
    try:
        sock.settimeout(_left(until))
        sock.connect(place.removeprefix("unix:"))
    except OSError:
        sock.close()
        raise
    return sock


def _left(until: float) -> float:
    left = until - monotonic()
    if left <= 0:
        raise TimeoutError("no answer in time")
    return left
