"""A client in a process of its own: requests over raw sockets, one in flight on each connection, as lean as Python allows.

`python -m tests.bench.api_client HOST PORT CONNECTIONS SECONDS` reads the requests, one JSON list of latin-1 texts, from standard input,
says `ready`, begins at the next line, and ends with one line of JSON.
"""

from __future__ import annotations

import itertools
import json
import selectors
import socket
import sys
import time
from collections.abc import Iterator


class _Connection:
    def __init__(self, host: str, port: int) -> None:
        self.sock = socket.create_connection((host, port))
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.held = b""
        self.begun = 0.0

    def ask(self, requests: Iterator[bytes]) -> None:
        self.begun = time.perf_counter()
        self.sock.sendall(next(requests))

    def answered(self) -> bytes | None:
        """The status line of a whole answer, or None while more is to come."""
        data = self.sock.recv(1 << 18)
        if not data:
            raise SystemExit("the server hung up")
        self.held += data
        head, mark, body = self.held.partition(b"\r\n\r\n")
        if not mark:
            return None
        at = head.lower().index(b"content-length:") + 15
        length = int(head[at:].partition(b"\r\n")[0])
        if len(body) < length:
            return None
        self.held = body[length:]
        return head.partition(b"\r\n")[0]


def main() -> None:
    host, port, connections, seconds = sys.argv[1], *map(float, sys.argv[2:5])
    requests = itertools.cycle([text.encode("latin-1") for text in json.loads(sys.stdin.readline())])
    opened = [_Connection(host, int(port)) for _ in range(int(connections))]
    print("ready", flush=True)
    sys.stdin.readline()
    waits: list[float] = []
    wrong: list[str] = []
    with selectors.DefaultSelector() as selector:
        for each in opened:
            selector.register(each.sock, selectors.EVENT_READ, each)
            each.ask(requests)
        begun = time.perf_counter()
        while (now := time.perf_counter()) < begun + seconds:
            for key, _ in selector.select(1):
                each = key.data
                status = each.answered()
                if status is None:
                    continue
                now = time.perf_counter()
                waits.append(now - each.begun)
                if b" 200 " not in status:
                    wrong.append(status.decode("latin-1"))
                each.ask(requests)
    print(json.dumps({"seconds": now - begun, "waits": waits, "wrong": wrong[:3]}), flush=True)


if __name__ == "__main__":
    main()
