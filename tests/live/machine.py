"""What live tests need of the machine: a free port, a folder every user may enter, and waiting for what no event tells."""

from __future__ import annotations

import shutil
import socket
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any


def free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


def wait_until(condition: Callable[[], Any], seconds: float = 60, what: str = "") -> Any:
    """The condition's first true value: for other processes, which only a look can tell about. AssertionError when it never comes."""
    end = time.monotonic() + seconds
    while not (value := condition()):
        if time.monotonic() > end:
            raise AssertionError(f"in vain for {seconds} s: {what or condition}")
        time.sleep(0.02)
    return value


@contextmanager
def public_folder() -> Iterator[Path]:
    """A temporary folder that every user of the machine may enter, unlike pytest's own."""
    folder = Path(tempfile.mkdtemp(prefix="helpdeskd-test-"))
    folder.chmod(0o755)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
