"""Threads that bear their names for the system too: `top -H`, `ps -L` and strace show which is which. And a few for work that is dear."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar

from helpdeskd.errors import Busy

T = TypeVar("T")

BUSY_SECONDS = 10  # after which it is worth another try


def tell_name() -> None:
    """Give the calling thread's name to the system (Linux keeps 15 characters), as Python does by itself from 3.14 on."""
    with contextlib.suppress(OSError):  # another system
        Path("/proc/thread-self/comm").write_text(threading.current_thread().name[:15])


class Few:
    """`threads` for what takes long, and room for `waiting` more: beyond, one hears so at once."""

    def __init__(self, name: str, threads: int, waiting: int) -> None:
        self._name = name
        self._room = threading.BoundedSemaphore(threads + waiting)
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix=name, initializer=tell_name)

    def submit(self, fn: Callable[..., T], *args: Any) -> Future[T]:
        """Raises Busy."""
        if not self._room.acquire(blocking=False):
            raise Busy(f"{self._name}: too many wait already", BUSY_SECONDS)
        try:
            future = self._pool.submit(fn, *args)
        except RuntimeError:  # it is shut down
            self._room.release()
            raise
        future.add_done_callback(lambda _done: self._room.release())  # what is cancelled is done, too
        return future

    def shutdown(self, *, wait: bool) -> None:
        """What waits is cancelled."""
        self._pool.shutdown(wait=wait, cancel_futures=True)
