"""What a team sets at run time and what the daemon itself must remember: plain JSON values by key."""

from __future__ import annotations

from typing import Any, TypeVar

from sqlalchemy import Connection, select
from sqlalchemy.dialects import postgresql, sqlite

from helpdeskd.store.schema import setting

T = TypeVar("T")


def get(conn: Connection, key: str, default: T) -> T:
    """The value of `key`, or `default` where none was ever put."""
    row = conn.execute(select(setting.c.value).where(setting.c.key == key)).first()
    if row is None:
        return default
    value: T = row[0]
    return value


def put(conn: Connection, key: str, value: Any) -> None:
    """Set `key`, whatever it was."""
    statement = _insert(conn).values(key=key, value=value)
    conn.execute(statement.on_conflict_do_update(index_elements=["key"], set_={"value": statement.excluded.value}))


def once(conn: Connection, key: str, value: T) -> T:
    """Set `key` unless it is set, and return what holds now: safe where several nodes make a secret at the same time."""
    conn.execute(_insert(conn).values(key=key, value=value).on_conflict_do_nothing(index_elements=["key"]))
    return get(conn, key, value)


def _insert(conn: Connection) -> postgresql.Insert | sqlite.Insert:
    return postgresql.insert(setting) if conn.dialect.name == "postgresql" else sqlite.insert(setting)
