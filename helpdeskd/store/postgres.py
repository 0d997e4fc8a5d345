"""How we talk to PostgreSQL: its address, the limits of a connection, and what must be true of a server."""

from __future__ import annotations

from typing import Any

from sqlalchemy import URL, Connection, Engine, create_engine, event
from sqlalchemy.pool import NullPool

from helpdeskd.errors import ConfigError

OLDEST = 13  # the oldest PostgreSQL we accept; tested with 15


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


def check(connection: Connection, where: str) -> None:
    """Refuse a server that would say COMMIT before the data is safe, or that cannot hold our text."""

    def show(name: str) -> str:
        return str(connection.exec_driver_sql(f"SHOW {name}").scalar_one())

    problems = []
    if int(show("server_version_num")) < OLDEST * 10000:
        problems.append(f"store.url: {where}: PostgreSQL {OLDEST} or later is needed, this is {show('server_version')}")
    if show("synchronous_commit") not in {"on", "remote_apply"}:
        problems.append(
            f"store.url: {where}: synchronous_commit is {show('synchronous_commit')}; it must be on, "
            "or mail said to be kept could be lost"
        )
    if show("fsync") != "on":
        problems.append(f"store.url: {where}: fsync is off; it must be on, or mail said to be kept could be lost")
    if show("server_encoding") != "UTF8":
        problems.append(f"store.url: {where}: the encoding is {show('server_encoding')}; it must be UTF8")
    if problems:
        raise ConfigError(tuple(problems))
