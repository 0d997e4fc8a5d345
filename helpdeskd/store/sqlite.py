"""How we talk to SQLite: the driver, the promises of a connection, and how its transactions begin."""

from __future__ import annotations

import contextlib
import errno
import os
import sqlite3
import time
from pathlib import Path
from types import ModuleType
from typing import Any

from sqlalchemy import URL, Connection, Engine, create_engine, event
from sqlalchemy.pool import NullPool

from helpdeskd import durable
from helpdeskd.errors import ConfigError, StoreDown
from helpdeskd.store.failures import words

# https://sqlite.org/wal.html#the_wal_reset_bug: committed pages may be lost when two connections write or checkpoint at
# once. Fixed in 3.51.3 and in these backports.
_SOUND = (3, 51, 3)
_BACKPORTS = {(3, 44): 6, (3, 50): 7}

_LOOK_SECONDS = 0.01  # between two tries for a lock that SQLite does not wait for


def driver() -> ModuleType:
    """pysqlite3, which brings a current SQLite, where it can be imported; else the standard module."""
    try:
        from pysqlite3 import dbapi2
    except ImportError:
        return sqlite3
    module: ModuleType = dbapi2
    return module


def has_wal_bug(version: tuple[int, ...]) -> bool:
    """Whether this SQLite may lose committed pages when two processes write at once."""
    if version >= _SOUND:
        return False
    fixed_in = _BACKPORTS.get((version[0], version[1]))
    return fixed_in is None or version[2] < fixed_in


def create_file(path: Path) -> None:
    """Make an empty database file that only its owner reads (people's mail stands in it); WAL files inherit its mode."""
    if not path.parent.is_dir():
        raise ConfigError((f"store.url: {path}: the folder {path.parent} does not exist (`helpdeskd init` makes it)",))
    try:
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))
    except FileExistsError:
        # Not opened: closing it would take away the locks of this process's other connections to it (fcntl(2)).
        if not os.access(path, os.R_OK | os.W_OK):
            raise StoreDown(f"{path}: {os.strerror(errno.EACCES)}") from None
    except OSError as error:
        raise StoreDown(f"{path}: {error.strerror}") from error


def engine(
    path: Path,
    *,
    begin: str,
    busy_seconds: float,
    foreign_keys: bool = True,
    read_only: bool = False,
    risk_losing_mail: bool = False,
) -> Engine:
    """An engine whose every transaction starts with `begin` ("BEGIN IMMEDIATE" for writers, "BEGIN" for readers).

    Connections are not pooled: whoever wants to keep one holds it. They may be used by any thread, one at a time.
    A connection that is not safe (`dangers`) is refused with ConfigError, unless `risk_losing_mail`.
    """
    made = create_engine(
        URL.create("sqlite", database=str(path)),
        module=driver(),
        poolclass=NullPool,
        hide_parameters=True,  # parameters are people's mail, and errors go to logs
        connect_args={"check_same_thread": False, "timeout": busy_seconds, "isolation_level": None},
    )

    @event.listens_for(made, "connect")
    def _promise(raw: Any, _record: Any) -> None:
        raw.execute("PRAGMA synchronous = FULL")
        _write_ahead(raw, busy_seconds)
        raw.execute(f"PRAGMA foreign_keys = {int(foreign_keys)}")
        if raw.execute("PRAGMA foreign_keys").fetchone()[0] != foreign_keys:
            raise ConfigError((f"store.url: {path}: this SQLite was built without foreign keys",))
        if raw.execute("SELECT 1 FROM pragma_module_list WHERE name = 'fts5'").fetchone() is None:
            raise ConfigError((f"store.url: {path}: this SQLite was built without full-text search (FTS5)",))
        found = dangers(raw, f"SQLite {path}")
        if found and not risk_losing_mail:
            raise ConfigError(tuple(f"store.url: {each}" for each in found))
        raw.execute(f"PRAGMA journal_size_limit = {64 << 20}")
        raw.execute("PRAGMA trusted_schema = OFF")
        if read_only:
            raw.execute("PRAGMA query_only = ON")

    # With isolation_level None the driver begins nothing by itself. A write transaction takes its lock at the start:
    # a lock taken half way cannot wait (its snapshot may be stale), busy_timeout or not.
    @event.listens_for(made, "begin")
    def _begin(connection: Connection) -> None:
        connection.exec_driver_sql(begin)

    return made


def _write_ahead(raw: Any, busy_seconds: float) -> None:
    """WAL mode, waited for as for any other lock.

    SQLite itself does not wait where two connections turn a new file to WAL at once: each holds a read lock and wants the
    exclusive one, so its busy handler would wait for ever (https://sqlite.org/c3ref/busy_handler.html).
    """
    until = time.monotonic() + busy_seconds
    while True:
        try:
            raw.execute("PRAGMA journal_mode = WAL").fetchall()
        except driver().OperationalError as error:
            if "locked" not in str(error) or time.monotonic() > until:
                raise
            time.sleep(_LOOK_SECONDS)
        else:
            return


def copy(made: Engine, target: Path) -> None:
    """VACUUM INTO: whole and consistent, whoever writes meanwhile. Durable, or not there. Errors: StoreDown."""
    raw = made.raw_connection()
    try:
        raw.cursor().execute("VACUUM INTO ?", (str(target),))  # it only reads, and wants to be in no transaction
        target.chmod(0o600)
        durable.sync_file(str(target))
        durable.sync_dir(str(target.parent))
    except BaseException as error:
        with contextlib.suppress(OSError):
            target.unlink()
        if isinstance(error, driver().Error):
            raise StoreDown(f"{target}: {words(error)}") from error
        raise
    finally:
        raw.close()


def dangers(raw: Any, where: str) -> tuple[str, ...]:
    """Why this connection may forget what it has committed, in words; none is as it must be.

    https://sqlite.org/pragma.html#pragma_synchronous: below FULL, a COMMIT in WAL mode does not wait for the disk.
    """
    asked = (("synchronous", 2, "2 (FULL)"), ("journal_mode", "wal", "wal"))
    return tuple(
        f"{where}: {name} is {answer} where {words} is needed (a local file system that SQLite can lock), "
        "or mail said to be kept could be lost"
        for name, safe, words in asked
        if (answer := raw.execute(f"PRAGMA {name}").fetchone()[0]) != safe
    )
