"""A help desk to act on: a connection inside a transaction that is never committed, a held clock, seeded chance.

desk      what every desk function is given
conn      a connection to a fresh store (SQLite, then PostgreSQL)
house     a department, staff and a customer, and shorthand to act with
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Connection, select, text

from helpdeskd.desk import departments, people, tickets
from helpdeskd.desk.context import Desk, Posted, Words
from helpdeskd.model.mail import Address
from helpdeskd.model.outgoing import NoticeName
from helpdeskd.model.people import Department, Person
from helpdeskd.model.ticket import Ticket
from helpdeskd.store import schema
from helpdeskd.store.engine import Store, open_store
from tests.desks import a_desk
from tests.postgres import Postgres

NOW = datetime(2026, 3, 4, 9, 30, tzinfo=UTC)


@pytest.fixture
def desk() -> Desk:
    return a_desk()


_FROM_ONE = text("SELECT setval(oid::regclass, 1, false) FROM pg_class WHERE relkind = 'S'")


@pytest.fixture(scope="session")
def common_url(postgres: Postgres, postgres_template: str) -> str:
    """One database for all transactions that are rolled back: making one takes longer than most tests."""
    return postgres.url(postgres.create(template=postgres_template))


@pytest.fixture(scope="module")
def common_postgres(common_url: str) -> Iterator[Store]:
    # Opened for each file: between two of them others may have stopped the server.
    opened = open_store(common_url)
    yield opened
    opened.close()


@pytest.fixture
def conn(request: pytest.FixtureRequest, database: str) -> Iterator[Connection]:
    common = database == "postgresql" and "store" not in request.fixturenames
    store: Store = request.getfixturevalue("common_postgres" if common else "store")
    with store.engine.connect() as connection, connection.begin() as transaction:
        if common:
            connection.execute(_FROM_ONE)  # what no rollback takes back
        yield connection
        transaction.rollback()


@pytest.fixture
def house(conn: Connection, desk: Desk) -> House:
    return House(conn, desk)


@dataclass
class House:
    """Support (support@example.org) with Ada (assigned to nothing, notified) and Bob (notified); Carol writes from outside."""

    conn: Connection
    desk: Desk
    now: datetime = NOW
    support: Department = field(init=False)
    ada: Person = field(init=False)
    bob: Person = field(init=False)
    carol: Person = field(init=False)

    def __post_init__(self) -> None:
        self.support = self.department("Support", "support@example.org", "help@example.org")
        self.ada = self.staff("Ada Lovelace", "ada@staff.example", level=3)
        self.bob = self.staff("Bob", "bob@staff.example")
        self.carol = people.customer(self.conn, self.desk, self.now, Address("Carol", "Carol@customer.example"))

    def department(self, name: str, *addresses: str, **more: Any) -> Department:
        return departments.add(self.conn, self.desk, self.now, name=name, addresses=addresses, **more)

    def staff(
        self, name: str, email: str, level: int = 1, *, department: Department | None = None, notify: bool = True
    ) -> Person:
        home = department or self.support
        return people.add_staff(self.conn, self.desk, self.now, name, email, level, (home.id,), notify, welcome=False)[
            0
        ]

    def customer(self, email: str, name: str = "") -> Person:
        return people.customer(self.conn, self.desk, self.now, Address(name, email))

    def later(self, **span: float) -> datetime:
        self.now += timedelta(**span)
        return self.now

    def open(self, text: str = "It burns.", *, acknowledge: bool = True, **more: Any) -> Posted:
        words = more.pop("words", None) or Words(
            text, subject="My printer", mail_id="first@customer.example", reason="new"
        )
        more.setdefault("department", self.support)
        more.setdefault("requester", self.carol)
        return tickets.open(self.conn, self.desk, self.now, words=words, acknowledge=acknowledge, **more)

    def reply(self, ticket: Ticket, text: str = "Still burning.", **more: Any) -> Posted:
        words = more.pop("words", None) or Words(
            text, subject="Re: My printer", reason="reply-token", mail_id=more.pop("mail_id", None)
        )
        more.setdefault("author", self.carol)
        more.setdefault("reopen", True)
        return tickets.customer_reply(self.conn, self.desk, self.now, ticket=ticket, words=words, **more)

    def answer(self, ticket: Ticket, text: str = "Use water.", **more: Any) -> Posted:
        words = more.pop("words", None) or Words(text, reason="cli", mail_id=more.pop("mail_id", None))
        more.setdefault("author", self.ada)
        return tickets.staff_reply(self.conn, self.desk, self.now, ticket=ticket, words=words, **more)

    def mails(self, notice: NoticeName | None = None) -> list[Any]:
        """Rows of the outbox, oldest first."""
        found = select(schema.outbox).order_by(schema.outbox.c.id)
        if notice is not None:
            found = found.where(schema.outbox.c.notice == notice.value)
        return list(self.conn.execute(found))

    def told(self, notice: NoticeName) -> list[str]:
        """Whom a notice went to, sorted."""
        return sorted(mail.recipient for mail in self.mails(notice))

    def history(self, ticket: Ticket) -> list[tuple[str, dict[str, Any]]]:
        found = select(schema.history.c.kind, schema.history.c.detail).where(schema.history.c.ticket_id == ticket.id)
        return [(row.kind, row.detail) for row in self.conn.execute(found.order_by(schema.history.c.id))]

    def kinds(self, ticket: Ticket) -> list[str]:
        return [kind for kind, _ in self.history(ticket)]
