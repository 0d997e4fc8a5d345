"""Sockets to listen on, bound before anybody is told that we are up: host:port, [v6]:port, *:port, unix:/path."""

from __future__ import annotations

import errno
import os
import socket
from collections.abc import Iterable
from pathlib import Path

_UNIX_MODE = 0o660  # for a proxy's group
_BACKLOG = 512


def bound(section: str, places: Iterable[str]) -> tuple[list[socket.socket], list[str]]:
    """A listening socket for each place, and a problem in words for each that cannot be had."""
    sockets, problems = [], []
    for place in places:
        try:
            sockets.append(_bound(place))
        except (OSError, OverflowError, ValueError) as error:
            problems.append(f"[{section}] listen: {place}: {_words(error)}")
    return sockets, problems


def _bound(place: str) -> socket.socket:
    if place.startswith("unix:"):
        sock = unix_socket(place.removeprefix("unix:"), _UNIX_MODE)
        sock.listen(_BACKLOG)
        return sock
    host, _, port = place.rpartition(":")
    host = host.strip("[]")
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    return socket.create_server(("" if host == "*" else host, int(port)), family=family, backlog=_BACKLOG)


def _words(error: Exception) -> str:
    """The system's; a name that cannot be resolved has none of them."""
    number = getattr(error, "errno", None)
    return os.strerror(number) if number is not None and number > 0 else str(error)


def unix_socket(path: str, mode: int) -> socket.socket:
    """A bound socket at `path`, not listening yet; one left by a process that is gone is replaced. OSError."""
    place = Path(path)
    if place.is_socket():
        with socket.socket(socket.AF_UNIX) as probe:
            probe.settimeout(1.0)
            try:
                probe.connect(path)
            except (ConnectionRefusedError, FileNotFoundError):
                place.unlink(missing_ok=True)
            else:
                raise OSError(errno.EADDRINUSE, "somebody listens there already")
    sock = socket.socket(socket.AF_UNIX)
    try:
        sock.bind(path)
        place.chmod(mode)  # before anybody listens, so before anybody can connect
    except BaseException:
        sock.close()
        raise
    return sock


def name(sock: socket.socket) -> str:
    """host:port with its real port; the path of a unix socket."""
    if sock.family == socket.AF_UNIX:
        return str(sock.getsockname())
    host, port = sock.getsockname()[:2]
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
