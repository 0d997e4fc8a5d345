"""Bringing a database's schema up to this code's, under a lock and after a snapshot.

Alembic runs without an ini file, and is imported only where there is something to do (its import costs most of a second).
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, inspect, text
from sqlalchemy.exc import DBAPIError

from helpdeskd import durable
from helpdeskd.errors import ConfigError, StoreDown
from helpdeskd.model.clock import Clock
from helpdeskd.store import migrations
from helpdeskd.store import sqlite as driver
from helpdeskd.store.failures import translate

_one_at_a_time = threading.Lock()  # alembic.op is one for the whole process
_PG_LOCK = 0x68656C7064_01  # "helpd", 1: taken by whoever migrates; released with the transaction


def sqlite(engine: Callable[..., Engine], path: Path, where: str, *, snapshots: int, apply: bool, clock: Clock) -> None:
    """Bring the SQLite file at `path` up to date in one transaction that holds the write lock from before the snapshot.

    `engine` makes engines for that file (store.sqlite.engine). The snapshot lies in `snapshots/` beside it; the newest
    `snapshots` are kept (0: none is made).
    Errors: ConfigError (newer than this code, or old where `apply` is false), StoreDown (locked, full).
    """
    # Foreign keys are off while tables are rebuilt (a pragma that no transaction can change), and checked before COMMIT.
    writing, reading = engine(begin="BEGIN IMMEDIATE", foreign_keys=False), engine(begin="BEGIN")
    try:
        with reading.connect() as connection:
            if _is_current(connection, where, apply=apply):
                return
        with writing.begin() as connection:
            if _is_current(connection, where, apply=apply):  # another process was faster
                return
            old = _revision(connection)
            if old is not None and snapshots > 0:
                _snapshot(reading, path, old, clock(), keep=snapshots)
            _upgrade(connection)
            broken = connection.exec_driver_sql("PRAGMA foreign_key_check").fetchall()
            if broken:
                raise StoreDown(f"{where}: rows would lose what they refer to ({broken[:3]}); nothing was changed")
    except DBAPIError as error:
        raise translate(error, where) from error


def postgres(engine: Engine, where: str, *, apply: bool) -> None:
    """The same for PostgreSQL, under an advisory lock. No snapshot: docs/store.md says how to take one."""
    with engine.begin() as connection:
        if _is_current(connection, where, apply=apply):
            return
    with engine.begin() as connection:
        connection.execute(text("SET LOCAL lock_timeout = '60s'"))
        connection.execute(text("SET LOCAL statement_timeout = 0"))
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _PG_LOCK})
        if not _is_current(connection, where, apply=apply):
            _upgrade(connection)


def _is_current(connection: Connection, where: str, *, apply: bool) -> bool:
    revision = _revision(connection)
    if revision == migrations.HEAD:
        return True
    if revision is not None and revision not in _known():
        problem = (
            f"store.url: {where}: written by a newer helpdeskd (schema {revision}, this one knows {migrations.HEAD}): install that "
            "version again, or go back to the snapshot made before it (docs/store.md)"
        )
        raise ConfigError((problem,))
    if not apply:
        problem = (
            f"store.url: {where}: the schema is {revision or 'not there'}, this helpdeskd needs {migrations.HEAD}: start the daemon "
            "or run `helpdeskd init`"
        )
        raise ConfigError((problem,))
    return False


def _revision(connection: Connection) -> str | None:
    """What Alembic's own table says, or None for a database without our tables."""
    if not inspect(connection).has_table("alembic_version"):
        return None
    found: str | None = connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
    return found


def _known() -> set[str]:
    """Revisions are named by the start of their file's name: 0001_first.py is 0001."""
    return {script.name.partition("_")[0] for script in (migrations.SCRIPTS / "versions").glob("[0-9]*.py")}


def _upgrade(connection: Connection) -> None:
    from alembic.config import Config
    from alembic.runtime.environment import EnvironmentContext
    from alembic.script import ScriptDirectory

    config = Config()
    config.set_main_option("script_location", str(migrations.SCRIPTS).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    script = ScriptDirectory.from_config(config)

    def steps(revision: Any, _context: Any) -> Any:
        return script._upgrade_revs(migrations.HEAD, revision)  # noqa: SLF001 - as alembic.command.upgrade does

    with _one_at_a_time, EnvironmentContext(config, script, fn=steps, destination_rev=migrations.HEAD) as environment:
        environment.configure(connection=connection, render_as_batch=True, transactional_ddl=True)
        environment.run_migrations()


def _snapshot(engine: Engine, path: Path, revision: str, at: datetime, *, keep: int) -> Path:
    """A whole, consistent copy, durable before anything is changed. The caller holds the write lock."""
    folder = path.parent / "snapshots"
    folder.mkdir(mode=0o700, exist_ok=True)
    copy = folder / f"{path.stem}-{at:%Y%m%dT%H%M%S%f}-schema-{revision}.sqlite3"
    try:
        driver.copy(engine, copy)
        durable.sync_dir(str(path.parent))
    except StoreDown as error:
        raise StoreDown(f"{error}: no snapshot, so nothing was changed") from error
    for old in sorted(folder.glob(f"{path.stem}-*-schema-*.sqlite3"))[:-keep]:
        old.unlink(missing_ok=True)
    return copy
