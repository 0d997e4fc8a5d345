"""Locks that outlive no process: one daemon on SQLite, one watcher of a mailbox and one clock among many nodes, one at a time
with what a Message-ID names."""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Self

from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import DBAPIError

from helpdeskd.errors import Refused, StoreDown
from helpdeskd.store.failures import words

_LOOKS, _LOOK_SECONDS = 5, 0.02


class DaemonLock:
    """flock(2) on the file at `path`, which is never deleted; the kernel lets go when the process ends, however it does."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._handle: int | None = None

    def acquire(self) -> None:
        """Take the lock or raise Refused("already-running"); OSError where the file cannot be made."""
        if self._handle is not None:
            return
        handle = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o640)
        try:
            _lock(handle)
        except BlockingIOError:
            holder = os.pread(handle, 20, 0).decode("ascii", "replace").strip()
            os.close(handle)
            raise Refused(
                "already-running", f"helpdeskd runs already (process {holder or 'unknown'}, {self._path})"
            ) from None
        except OSError:
            os.close(handle)
            raise
        os.ftruncate(handle, 0)
        os.pwrite(handle, f"{os.getpid()}\n".encode("ascii"), 0)
        self._handle = handle

    def release(self) -> None:
        handle, self._handle = self._handle, None
        if handle is not None:
            os.ftruncate(handle, 0)
            os.close(handle)

    def __enter__(self) -> Self:
        self.acquire()
        return self

    def __exit__(self, *_: object) -> None:
        self.release()


def _lock(handle: int) -> None:
    """Raises BlockingIOError. Somebody who only looks (`is_held`) has it for a moment: that is no holder."""
    for _ in range(_LOOKS):
        with contextlib.suppress(BlockingIOError):
            return fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        time.sleep(_LOOK_SECONDS)
    return fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)


def is_held(path: Path) -> bool:
    """Does a process have the DaemonLock at `path`? Any number may ask at once. False where it cannot be asked."""
    try:
        handle = os.open(path, os.O_RDONLY)
    except OSError:
        return False
    try:
        fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return False
    else:
        return False
    finally:
        os.close(handle)


class NamedLock:
    """PostgreSQL: at most one holder of `name` ("mailbox:support", "clock") in the whole database.

    An advisory lock on a connection of its own: it is lost with the connection, so ask `held` before each piece of work.
    """

    def __init__(self, engine: Engine, name: str) -> None:
        self._engine = engine
        self._name = name
        self._key = _key(name)
        self._connection: Connection | None = None

    def acquire(self) -> bool:
        """Whether the lock is ours now. Never waits for its holder. Errors: StoreDown."""
        if self.held():
            return True
        self.release()
        connection: Connection | None = None
        try:
            connection = self._engine.connect().execution_options(isolation_level="AUTOCOMMIT")
            took = connection.execute(text("SELECT pg_try_advisory_lock(:key)"), {"key": self._key}).scalar_one()
        except DBAPIError as error:
            if connection is not None:
                connection.close()
            raise StoreDown(f"the lock {self._name}: {words(error)}") from error
        if not took:
            connection.close()
            return False
        self._connection = connection
        return True

    def held(self) -> bool:
        """Whether it is still ours: asks the server."""
        if self._connection is None:
            return False
        try:
            self._connection.execute(text("SELECT 1"))
        except DBAPIError:
            self.release()
            return False
        return True

    def release(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            with contextlib.suppress(DBAPIError):
                connection.invalidate()  # closing it for good is what lets go of the lock
                connection.close()


_ONE_AT_A_TIME = text("SELECT pg_advisory_xact_lock(key) FROM unnest(CAST(:keys AS bigint[])) AS key")


def one_at_a_time(conn: Connection, names: Iterable[str]) -> None:
    """Wait for every other node that is busy with one of these names, and keep the rest waiting until this transaction ends.

    SQLite has one writer: nothing to wait for. Two nodes in each other's way are a deadlock, which the writer runs again.
    """
    if conn.dialect.name != "postgresql":
        return
    keys = sorted({_key(name) for name in names})
    if keys:
        conn.execute(_ONE_AT_A_TIME, {"keys": keys})


def _key(name: str) -> int:
    """Advisory locks are named by 64 signed bits."""
    digest = hashlib.sha256(f"helpdeskd:{name}".encode("utf-8", "replace")).digest()
    return int.from_bytes(digest[:8], "big", signed=True)
