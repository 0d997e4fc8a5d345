"""What commands of one transaction remember for each other, and when they stop."""

from __future__ import annotations

import pytest
from sqlalchemy import Connection, delete, insert, select, text, update

from helpdeskd.store import memo
from helpdeskd.store.engine import Store
from helpdeskd.store.schema import address, department, person, setting, staff_department
from tests.unit.store.helpers import NOON, PATIENCE, add_department, busy_writer, put

_PERSON = {
    "kind": "customer",
    "name": "Ada",
    "email": "Ada@example.org",
    "email_key": "ada@example.org",
    "created_at": NOON,
}


class Reader:
    """Asks for the departments' names by way of the memo; `reads` counts how often the store was asked."""

    def __init__(self) -> None:
        self.reads = 0

    def read(self, conn: Connection) -> tuple[str, ...]:
        self.reads += 1
        return tuple(conn.scalars(select(department.c.name).order_by(department.c.id)))

    def __call__(self, conn: Connection) -> tuple[str, ...]:
        return memo.remembered(conn, "names", self.read)


def test_read_once_in_a_transaction_and_again_in_the_next(store: Store) -> None:
    add_department(store, "One")
    names = Reader()
    with busy_writer(store):
        futures = [store.writer.submit(names) for _ in range(3)]
    assert [future.result(PATIENCE) for future in futures] == [("One",)] * 3
    assert names.reads == 1
    add_department(store, "Two")
    assert store.writer.run(names) == ("One", "Two")


def test_two_keys_are_two_memories(store: Store) -> None:
    def both(conn: Connection) -> tuple[int, int]:
        return memo.remembered(conn, "a", lambda _: 1), memo.remembered(conn, ("a", 2), lambda _: 2)

    assert store.writer.run(both) == (1, 2)


def test_other_connections_remember_nothing(store: Store) -> None:
    names = Reader()
    store.read(lambda conn: (names(conn), names(conn)))
    with store.engine.begin() as conn:
        names(conn)
        names(conn)
    assert names.reads == 4


@pytest.mark.parametrize(
    "change",
    [
        insert(department).values(name="Two", sender_name="Two", created_at=NOON),
        update(department).values(sender_name="Other"),
        insert(address).values(email="two@example.org", department_id=1, position=1),
        delete(staff_department),
        update(person).values(name="Other"),
        text("UPDATE department SET language = 'de'"),
    ],
    ids=["new department", "department", "address", "staff", "person", "text"],
)
def test_a_change_to_the_house_ends_it(store: Store, change: object) -> None:
    add_department(store, "One")
    names = Reader()
    with busy_writer(store):
        first = store.writer.submit(names)
        store.writer.submit(lambda conn: conn.execute(change))  # type: ignore[call-overload]  # any statement
        last = [store.writer.submit(names) for _ in range(2)]
    assert first.result(PATIENCE) == ("One",)
    assert last[0].result(PATIENCE) == last[1].result(PATIENCE)
    assert names.reads == 3


def test_a_change_taken_back_ends_it_too(store: Store) -> None:
    """What was read between the change and its end was never true."""
    names = Reader()

    def broken(conn: Connection) -> None:
        conn.execute(insert(department).values(name="Never", sender_name="Never", created_at=NOON))
        assert names(conn) == ("Never",)
        raise ValueError

    with busy_writer(store):
        failed = store.writer.submit(broken)
        after = store.writer.submit(names)
    with pytest.raises(ValueError):
        failed.result(PATIENCE)
    assert after.result(PATIENCE) == ()


def _to_the_index(conn: Connection) -> None:
    conn.exec_driver_sql("UPDATE setting SET value = value WHERE key = 'none'", None, memo.ELSEWHERE)


@pytest.mark.parametrize(
    "change",
    [put("x"), lambda conn: conn.execute(insert(person), _PERSON), _to_the_index],
    ids=["setting", "customer", "the index of words"],
)
def test_what_comes_with_every_mail_does_not(store: Store, change: object) -> None:
    names = Reader()
    with busy_writer(store):
        store.writer.submit(names)
        store.writer.submit(change)  # type: ignore[arg-type]  # any command
        store.writer.submit(names)
    store.writer.run(lambda conn: conn.execute(select(setting)).all())
    assert names.reads == 1
