"""Doubles of rspamd and clamd: one answer for every question, late, or none; and the real ones, where they are installed."""

from __future__ import annotations

import getpass
import re
import shutil
import socket
import socketserver
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from tests.live.machine import free_port, wait_until

# In two pieces, so that no scanner takes this file for it (https://www.eicar.org).
EICAR = rb"X5O!P%@AP[4\PZX54(P^)7CC)7}$EICAR" + rb"-STANDARD-ANTIVIRUS-TEST-FILE!$H+H*"
GTUBE = "XJS*C4JDBQADN1.NSBN3*2IDNEN*GTUBE" + "-STANDARD-ANTI-UBE-TEST-EMAIL*C.34X"

CLAMD = Path("/usr/sbin/clamd")
RSPAMD = shutil.which("rspamd")


@contextmanager
def answering(answer: Callable[[bytes], bytes | None]) -> Iterator[tuple[str, list[bytes]]]:
    """host:port of a server that reads what comes until it may answer, and what it was sent. `answer` None: not yet."""
    said: list[bytes] = []

    class Handler(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            got = bytearray()
            while (answered := answer(bytes(got))) is None:
                piece = self.request.recv(65536)
                if not piece:
                    break
                got += piece
            said.append(bytes(got))
            self.request.sendall(answered or b"")

    class Server(socketserver.ThreadingTCPServer):
        daemon_threads = True
        block_on_close = False

    with Server(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        thread.start()
        try:
            yield f"127.0.0.1:{server.server_address[1]}", said
        finally:
            server.shutdown()
            thread.join(5)


def http(body: bytes, status: str = "200 OK") -> Callable[[bytes], bytes | None]:
    """One answer over HTTP, once the whole request is there."""
    answer = f"HTTP/1.1 {status}\r\nConnection: close\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body

    def answered(got: bytes) -> bytes | None:
        head, end, sent = got.partition(b"\r\n\r\n")
        length = re.search(rb"(?i)\r\ncontent-length: (\d+)", head)
        return answer if end and len(sent) >= int(length[1] if length else 0) else None

    return answered


def virus(name: bytes = b"") -> Callable[[bytes], bytes | None]:
    """clamd that finds this in everything, or nothing."""
    found = b"stream: " + (name + b" FOUND" if name else b"OK") + b"\0"
    return lambda got: found if got.endswith(b"\0\0\0\0") else b"PONG\0" if got == b"zPING\0" else None


@contextmanager
def silent() -> Iterator[str]:
    """host:port of one who takes connections and never says anything."""
    with socket.socket() as door:
        door.bind(("127.0.0.1", 0))
        door.listen(100)
        yield f"127.0.0.1:{door.getsockname()[1]}"


def nobody() -> str:
    """host:port where nobody is."""
    return f"127.0.0.1:{free_port()}"


@contextmanager
def real_clamd(folder: Path) -> Iterator[str]:
    """clamd with one signature of our own. Yields where it is."""
    base = folder / "clamav"
    base.mkdir()
    (base / "test.ndb").write_text(f"Test.File:0:*:{EICAR.hex()}\n")
    place = folder / "clamd.ctl"
    config = folder / "clamd.conf"
    config.write_text(
        f"LocalSocket {place}\nDatabaseDirectory {base}\nForeground yes\nStreamMaxLength 1M\nTemporaryDirectory {folder}\n"
    )
    with _running([str(CLAMD), "-c", str(config)], folder / "clamd.log"):
        wait_until(place.exists, what="clamd's socket")
        yield f"unix:{place}"


@contextmanager
def real_rspamd(folder: Path) -> Iterator[tuple[str, str]]:
    """rspamd without rules, network and Redis; what it learns lies in the folder. Yields (a worker, the controller).

    Each has an rspamd of its own: two workers that make the same files for what they learn get in each other's way."""
    with _rspamd(folder / "rspamd-worker", "normal", "") as worker:
        learns = f"""
classifier "bayes" {{ tokenizer {{ name = "osb"; }} backend = "sqlite3"; min_learns = 0;
    cache {{ path = "{folder}/learnt"; }}
    statfile {{ symbol = "BAYES_HAM"; spam = false; path = "{folder}/ham"; }}
    statfile {{ symbol = "BAYES_SPAM"; spam = true; path = "{folder}/spam"; }} }}
"""
        with _rspamd(folder / "rspamd-controller", "controller", learns) as controller:
            yield worker, controller


@contextmanager
def _rspamd(folder: Path, kind: str, more: str) -> Iterator[str]:
    folder.mkdir()
    place = f"127.0.0.1:{free_port()}"
    (folder / "tld").write_text("com\nexample\n")  # all of them take ten seconds to load
    config = folder / "rspamd.conf"
    config.write_text(
        f"""
options {{ filters = ""; tempdir = "{folder}"; hs_cache_dir = "{folder}"; pidfile = "{folder}/pid"; url_tld = "{folder}/tld";
    dns {{ nameserver = ["127.0.0.1:{free_port()}"]; timeout = 0.1s; }} }}
logging {{ type = "console"; level = "info"; }}
actions {{ reject = 15; add_header = 6; greylist = 4; }}
worker "{kind}" {{ bind_socket = "{place}"; count = 1; secure_ip = "127.0.0.1"; }}
{more}
"""
    )
    words = [str(RSPAMD), "-c", str(config), "-f", "--insecure", "-u", getpass.getuser()]
    with _running(words, folder / "log"):
        wait_until(partial(_takes, place), what="rspamd")
        yield f"http://{place}"


def _takes(place: str) -> bool:
    host, _, port = place.partition(":")
    try:
        socket.create_connection((host, int(port)), 1).close()
    except OSError:
        return False
    return True


@contextmanager
def _running(words: list[str], log: Path) -> Iterator[None]:
    with log.open("wb") as out:
        process = subprocess.Popen(words, stdout=out, stderr=out)
        try:
            yield
        finally:
            process.terminate()
            process.wait(30)
