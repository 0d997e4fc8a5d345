"""A whole, consistent copy of a store in use, and the way back from it: VACUUM INTO on SQLite, pg_dump on PostgreSQL."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import quote

from sqlalchemy import URL, Connection, Engine, create_engine, inspect, make_url, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import NullPool

from helpdeskd import durable
from helpdeskd.errors import Refused, StoreDown
from helpdeskd.store import postgres, sqlite
from helpdeskd.store.engine import Store
from helpdeskd.store.failures import translate

T = TypeVar("T")

_BUSY_SECONDS = 5.0


def take(store: Store, url: str, copy: Path, look: Callable[[Connection], T]) -> T:
    """Copy the store at `url` into the new file `copy`, durably, and return what `look` sees in exactly what was copied.

    Nobody has to stop writing. Errors: StoreDown; Refused where a program of PostgreSQL's is missing.
    """
    try:
        if store.path is not None:
            sqlite.copy(store.engine, copy)
            with _reading(copy).connect() as connection:
                return look(connection)
        return _dump(store, make_url(url), copy, look)
    except DBAPIError as error:
        raise translate(error, store.where) from error


def put_back(url: str, copy: Path) -> None:
    """Make the store at `url`, which is empty, what `copy` holds. Errors: StoreDown, Refused."""
    address = make_url(url)
    if address.get_backend_name() == "sqlite":
        path = Path(address.database or "")
        beside = path.with_name(f"{path.name}.part")
        try:
            shutil.copyfile(copy, beside)
            beside.chmod(0o600)
            durable.sync_file(str(beside))
            beside.rename(path)
        except BaseException:
            beside.unlink(missing_ok=True)
            raise
        durable.sync_dir(str(path.parent))
        return
    options = ("--exit-on-error", "--single-transaction", "--no-owner", "--no-privileges")
    _run("pg_restore", address, *options, str(copy))


def is_empty(url: str) -> bool:
    """Is there no store at `url` yet? Errors: ConfigError, StoreDown (no server)."""
    address = make_url(url)
    if address.get_backend_name() == "sqlite":
        path = address.database or ""
        return not any(os.path.lexists(f"{path}{suffix}") for suffix in ("", "-wal", "-shm", "-journal"))
    try:
        with postgres.engine(_psycopg(address), lock_seconds=_BUSY_SECONDS).connect() as connection:
            return not inspect(connection).get_table_names()
    except DBAPIError as error:
        raise translate(error, "PostgreSQL") from error


def skip_ids(conn: Connection, table: str, count: int) -> None:
    """The next `count` ids of this table are never given."""
    if conn.dialect.name == "postgresql":
        sequence = "pg_get_serial_sequence(:name, 'id')"
        conn.execute(text(f"SELECT setval({sequence}, nextval({sequence}) + :count)"), {"name": table, "count": count})
        return
    values = {"name": table, "count": count}
    if not conn.execute(text("UPDATE sqlite_sequence SET seq = seq + :count WHERE name = :name"), values).rowcount:
        conn.execute(text("INSERT INTO sqlite_sequence (name, seq) VALUES (:name, :count)"), values)


def _reading(copy: Path) -> Engine:
    """Looks into a copy without leaving anything beside it."""

    def connect() -> Any:
        return sqlite.driver().connect(f"file:{quote(str(copy))}?mode=ro&immutable=1", uri=True)

    return create_engine("sqlite://", module=sqlite.driver(), creator=connect, poolclass=NullPool, hide_parameters=True)


def _dump(store: Store, url: URL, copy: Path, look: Callable[[Connection], T]) -> T:
    """pg_dump and `look` share one snapshot, which lives as long as the transaction that exported it."""
    with store.engine.connect() as plain:
        connection = plain.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
        for limit in ("statement_timeout", "idle_in_transaction_session_timeout"):
            connection.execute(text(f"SET LOCAL {limit} = 0"))
        snapshot = connection.execute(text("SELECT pg_export_snapshot()")).scalar_one()
        try:
            os.close(
                os.open(copy, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            )  # pg_dump writes into it; its mode is ours
            _run("pg_dump", url, "--format=custom", f"--snapshot={snapshot}", f"--file={copy}")
            durable.sync_file(str(copy))
            durable.sync_dir(str(copy.parent))
        except BaseException:
            copy.unlink(missing_ok=True)
            raise
        seen = look(connection)
        connection.rollback()
    return seen


def _run(program: str, url: URL, *words: str) -> None:
    """The password travels in the environment, never in the arguments, which every user of the machine may read."""
    found = shutil.which(program)
    if found is None:
        raise Refused(
            "no-program", f"{program} is needed and not installed (Debian: apt-get install postgresql-client)"
        )
    target, environment = _libpq(url)
    command = [found, "--no-password", f"--dbname={target}", *words]
    done = subprocess.run(  # noqa: S603 - a program of the operator's PATH, no shell
        command, env=os.environ | environment, stdin=subprocess.DEVNULL, capture_output=True, check=False
    )
    if done.returncode:
        said = done.stderr.decode("utf-8", "replace").strip().splitlines()
        raise StoreDown(f"{said[0] if said else f'{program} ended with status {done.returncode}'}")


def _libpq(url: URL) -> tuple[str, dict[str, str]]:
    """What a program of PostgreSQL's needs to reach the same database: a conninfo without a secret, and its environment."""
    from psycopg.conninfo import make_conninfo

    given = {key: value if isinstance(value, str) else ",".join(value) for key, value in url.query.items()}
    if "sslpassword" in given:
        raise Refused("sslpassword", "store.url: sslpassword cannot be handed to pg_dump unseen: use a key without one")
    plain = {"host": url.host, "port": url.port, "user": url.username, "dbname": url.database, **given}
    secrets = {"PGPASSWORD": plain.pop("password", None) or url.password, "PGPASSFILE": plain.pop("passfile", None)}
    return (
        make_conninfo(**{key: value for key, value in plain.items() if value}),  # type: ignore[arg-type]  # libpq's keys are any text
        {key: str(value) for key, value in secrets.items() if value},
    )


def _psycopg(url: URL) -> URL:
    return url.set(drivername="postgresql+psycopg")
