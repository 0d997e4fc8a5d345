"""Opening a store: one writer, a few readers, on SQLite or PostgreSQL."""

from __future__ import annotations

import contextlib
import queue
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TypeVar

from sqlalchemy import URL, Connection, Engine, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError

from helpdeskd.errors import ConfigError, StoreDown
from helpdeskd.model.clock import Clock, now
from helpdeskd.store import migrate as migrations
from helpdeskd.store import postgres, sqlite
from helpdeskd.store.failures import Fault, judge, translate, words
from helpdeskd.store.writer import Writer

T = TypeVar("T")

_READER_WAIT = 30.0  # seconds until a caller that finds every reader busy is told so


def open_store(
    url: str,
    *,
    readers: int = 4,
    snapshots: int = 3,
    migrate: bool = True,
    clock: Clock = now,
    busy_seconds: float = 5.0,
    risk_losing_mail: bool = False,
) -> Store:
    """Open the store at `url`: `sqlite:///PATH`, or `postgresql://...` (psycopg).

    With `migrate` the schema is brought up to date under a lock, after a snapshot on SQLite (`snapshots` copies are
    kept); without it an old schema is refused. `busy_seconds`: how long to wait for another process's lock.
    A database that may forget what it has committed is refused, or with `risk_losing_mail` only warned of.
    Errors: ConfigError (what is wrong with the address, the server or the schema), StoreDown (cannot be reached).
    """
    address = _address(url)
    if address.get_backend_name() == "sqlite":
        return _open_sqlite(
            address,
            readers,
            snapshots,
            migrate=migrate,
            clock=clock,
            busy_seconds=busy_seconds,
            risk_losing_mail=risk_losing_mail,
        )
    return _open_postgres(
        address, readers, migrate=migrate, busy_seconds=busy_seconds, risk_losing_mail=risk_losing_mail
    )


class Store:
    """One database. Reads may come from any thread; writes go through `writer`.

    `engine` opens a connection of its own for each use, whose transactions write (BEGIN IMMEDIATE on SQLite): for
    migrations, locks and tests. `where` names the store in logs, without a password. `path` is SQLite's file.
    `warnings` are sentences for the log and `status`; `wal_bug` says that this SQLite must not be written by two
    processes at once.
    """

    def __init__(
        self,
        engine: Engine,
        reading: Engine,
        *,
        readers: int,
        where: str,
        path: Path | None = None,
        warnings: tuple[str, ...] = (),
        wal_bug: bool = False,
    ) -> None:
        self.engine = engine
        self.dialect = engine.dialect.name
        self.where = where
        self.path = path
        self.warnings = warnings
        self.wal_bug = wal_bug
        self.writer = Writer(engine, where)
        self._readers = _Readers(reading, max(1, readers), where)

    def read(self, fn: Callable[[Connection], T]) -> T:
        """Run `fn` in a short transaction that sees one snapshot and cannot write; from any thread.

        The transaction ends before this returns, so fetch what you need inside `fn`, and a caller sees what it wrote.
        Where the connection turns out to be lost, `fn` runs once more on a fresh one. Errors: StoreDown.
        """
        return self._readers.run(fn)

    def close(self) -> None:
        """Finish what was submitted, then let go of every connection."""
        self.writer.close()
        self._readers.close()


class _Readers:
    """A few connections, each held open (three times the reads of a connection per use) and used by one thread at a time."""

    def __init__(self, engine: Engine, size: int, where: str) -> None:
        self._engine = engine
        self._where = where
        self._size = size
        self._closed = False
        self._free: queue.LifoQueue[Connection | None] = queue.LifoQueue()
        for _ in range(size):
            self._free.put(None)

    def run(self, fn: Callable[[Connection], T]) -> T:
        try:
            return self._once(fn)
        except DBAPIError as error:
            if not error.connection_invalidated:
                raise translate(error, self._where) from error
        try:
            return self._once(fn)
        except DBAPIError as error:
            raise translate(error, self._where) from error

    def _once(self, fn: Callable[[Connection], T]) -> T:
        if self._closed:
            raise StoreDown(f"{self._where}: the store is closed")
        try:
            held = self._free.get(timeout=_READER_WAIT)
        except queue.Empty as error:
            raise StoreDown(f"{self._where}: all {self._size} readers are busy") from error
        keep: Connection | None = None
        try:
            connection = self._engine.connect() if held is None else held
            try:
                value = fn(connection)
                connection.rollback()
                keep = connection
            except BaseException:
                keep = self._end(connection)
                raise
            return value
        finally:
            self._free.put(keep)

    @staticmethod
    def _end(connection: Connection) -> Connection | None:
        """End a failed reader's transaction; a connection that cannot even do that is given up."""
        try:
            if not connection.invalidated:
                connection.rollback()
                return connection
            connection.close()
        except DBAPIError:
            connection.invalidate()
            connection.close()
        return None

    def close(self) -> None:
        """Close each connection as it comes back; one that never does is left to the end of the process."""
        if self._closed:
            return
        self._closed = True
        with contextlib.suppress(queue.Empty):
            for _ in range(self._size):
                held = self._free.get(timeout=_READER_WAIT)
                if held is not None:
                    held.close()


def _address(url: str) -> URL:
    try:
        address = make_url(url)
    except ArgumentError as error:
        raise ConfigError(("store.url: expected sqlite:///PATH or postgresql://USER@HOST/DATABASE",)) from error
    if address.drivername in {"sqlite", "sqlite+pysqlite"}:
        if not address.database or address.database == ":memory:" or address.database.startswith("file:"):
            raise ConfigError(("store.url: SQLite needs a file: sqlite:///PATH",))
        return address
    if address.drivername in {"postgresql", "postgres", "postgresql+psycopg"}:
        return address.set(drivername="postgresql+psycopg")
    raise ConfigError((f"store.url: {address.drivername}: expected sqlite:///PATH or postgresql://USER@HOST/DATABASE",))


def _open_sqlite(
    address: URL,
    readers: int,
    snapshots: int,
    *,
    migrate: bool,
    clock: Clock,
    busy_seconds: float,
    risk_losing_mail: bool,
) -> Store:
    assert address.database is not None
    path = Path(address.database)
    where = f"SQLite {path}"
    sqlite.create_file(path)
    engine = partial(sqlite.engine, path, busy_seconds=busy_seconds, risk_losing_mail=risk_losing_mail)
    migrations.sqlite(engine, path, where, snapshots=snapshots, apply=migrate, clock=clock)
    version = sqlite.driver().sqlite_version_info
    bug = sqlite.has_wal_bug(version)
    warning = (
        f"SQLite {'.'.join(map(str, version))} has the WAL-reset bug (fixed in 3.51.3): committed data can be lost when two "
        "processes write at once, so only one may write while the daemon runs"
    )
    writing = engine(begin="BEGIN IMMEDIATE")
    with contextlib.closing(writing.raw_connection()) as raw:
        dangers = sqlite.dangers(raw, where)
    return Store(
        writing,
        engine(begin="BEGIN", read_only=True),
        readers=readers,
        where=where,
        path=path,
        warnings=(*dangers, warning) if bug else dangers,
        wal_bug=bug,
    )


def _open_postgres(address: URL, readers: int, *, migrate: bool, busy_seconds: float, risk_losing_mail: bool) -> Store:
    where = f"PostgreSQL {address.host or 'local'}/{address.database or ''}"
    writing = postgres.engine(address, lock_seconds=busy_seconds)
    try:
        with writing.connect() as connection:
            dangers = postgres.check(connection, where, risk_losing_mail=risk_losing_mail)
        migrations.postgres(writing, where, apply=migrate)
    except DBAPIError as error:
        if judge(error) is Fault.OWN and postgres.is_unknown_option(error):
            raise ConfigError((f"store.url: {words(error)}",)) from error
        raise translate(error, where) from error
    reading = postgres.engine(address, lock_seconds=busy_seconds, read_only=True)
    return Store(writing, reading, readers=readers, where=where, warnings=dangers)
