"""What several tests of the store need."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

from sqlalchemy import Connection, insert, select

from helpdeskd.store.engine import Store
from helpdeskd.store.schema import department, setting

NOON = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
PATIENCE = 30.0  # seconds; only reached when something is broken


@contextmanager
def busy_writer(store: Store) -> Iterator[None]:
    """The writer is kept inside a command meanwhile: what is submitted here becomes one group."""
    entered, leave = threading.Event(), threading.Event()

    def wait(_: Connection) -> None:
        entered.set()
        assert leave.wait(PATIENCE)

    future = store.writer.submit(wait)
    assert entered.wait(PATIENCE)
    try:
        yield
    finally:
        leave.set()
        future.result(PATIENCE)


def put(key: str, value: object = 1) -> Callable[[Connection], str]:
    """A command that inserts a setting: a second one of that key is a conflict."""

    def command(conn: Connection) -> str:
        conn.execute(insert(setting).values(key=key, value=value))
        return key

    return command


def keys(store: Store) -> list[str]:
    return store.read(lambda conn: list(conn.scalars(select(setting.c.key).order_by(setting.c.key))))


def add_department(store: Store, name: str = "Support") -> int:
    def command(conn: Connection) -> int:
        statement = insert(department).values(name=name, sender_name=name, created_at=NOON).returning(department.c.id)
        return int(conn.execute(statement).scalar_one())

    return store.writer.run(command)
