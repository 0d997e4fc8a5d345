"""How we talk to PostgreSQL: its address, the limits of a connection, and what must be true of a server."""

from __future__ import annotations

from typing import Any

from sqlalchemy import URL, Connection, Engine, create_engine, event
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import NullPool

from helpdeskd.errors import ConfigError

OLDEST = 13  # the oldest PostgreSQL we accept; tested with 15


def is_unknown_option(error: DBAPIError) -> bool:
    """Does libpq know nothing of a parameter in our address? It says so before it connects, with no code."""
    return "invalid connection option" in str(error.orig)


def engine(url: URL, *, lock_seconds: float, read_only: bool = False) -> Engine:
    """An engine whose connections never wait for ever: for a server, for a lock, for an answer.

    Readers see one snapshot for a whole transaction, as on SQLite, and cannot write.
    """
    try:
        import psycopg  # noqa: F401 - an optional part: pip install helpdeskd[postgres]
    except ImportError as error:
        raise ConfigError(
            (f"store.url: PostgreSQL needs psycopg (`pip install helpdeskd[postgres]`): {error}",)
        ) from error
    options = [
        *str(url.query.get("options", "")).split(),
        f"-c lock_timeout={int(lock_seconds * 1000)}",
        "-c statement_timeout=60000",
        "-c timezone=UTC",
        # The server asks as well: a node whose machine is gone lets go of its locks within a minute, not after two hours.
        "-c tcp_keepalives_idle=30",
        "-c tcp_keepalives_interval=10",
        "-c tcp_keepalives_count=3",
        "-c tcp_user_timeout=60000",
    ]
    defaults: dict[str, Any] = {
        "connect_timeout": 5,
        "keepalives_idle": 30,
        "keepalives_interval": 10,
        "keepalives_count": 3,
        "tcp_user_timeout": 30000,
        "application_name": "helpdeskd",
        "client_encoding": "utf8",
    }
    made = create_engine(
        url.difference_update_query(["options"]),
        poolclass=NullPool,
        hide_parameters=True,  # parameters are people's mail, and errors go to logs
        isolation_level="REPEATABLE READ" if read_only else "READ COMMITTED",
        connect_args={key: value for key, value in defaults.items() if key not in url.query}
        | {"options": " ".join(options)},
    )
    if read_only:

        @event.listens_for(made, "connect")
        def _promise(raw: Any, _record: Any) -> None:
            raw.read_only = True

    return made


# What makes a COMMIT durable, the values that do, and what happens without (PostgreSQL's manual, "Write Ahead Log").
_DURABLE = (
    ("synchronous_commit", ("on", "remote_apply"), "a crash of the server forgets the last commits"),
    ("fsync", ("on",), "a crash of its machine may lose commits or the whole database"),
    ("full_page_writes", ("on",), "a crash of its machine in the middle of a page may ruin the database"),
)


def check(connection: Connection, where: str, *, risk_losing_mail: bool) -> tuple[str, ...]:
    """Refuse a server that cannot hold our text, or would say COMMIT before the data is safe.

    With `risk_losing_mail` the latter is returned instead, in words. Errors: ConfigError.
    """

    def show(name: str) -> str:
        return str(connection.exec_driver_sql(f"SHOW {name}").scalar_one())

    problems = []
    if int(show("server_version_num")) < OLDEST * 10000:
        problems.append(f"store.url: {where}: PostgreSQL {OLDEST} or later is needed, this is {show('server_version')}")
    if show("server_encoding") != "UTF8":
        problems.append(f"store.url: {where}: the encoding is {show('server_encoding')}; it must be UTF8")
    dangers = [
        f"{where}: {name} is {show(name)} where on is needed, or mail said to be kept could be lost: {risk}"
        for name, safe, risk in _DURABLE
        if show(name) not in safe
    ]
    if not risk_losing_mail:
        problems += [f"store.url: {danger}" for danger in dangers]
    if problems:
        raise ConfigError(tuple(problems))
    return tuple(dangers)
