"""A store with many tickets, made in seconds: straight through the schema, past the desk."""

from __future__ import annotations

import random
from collections import Counter
from datetime import UTC, datetime, timedelta

from sqlalchemy import Connection, func, insert, select

from helpdeskd.desk import api_keys, counters, people, search
from helpdeskd.installation import Installation
from helpdeskd.model.api import PERMISSIONS
from helpdeskd.model.people import PersonKind
from helpdeskd.model.ticket import Priority, State
from helpdeskd.store import schema
from helpdeskd.store.engine import Store
from tests.bench.house import STAFF
from tests.bench.load import WORDS

_CHUNK = 5000
_BEGAN = datetime(2026, 1, 1, tzinfo=UTC)
_STATES = (State.NEW, State.AWAITING_STAFF, State.AWAITING_CUSTOMER, State.IN_PROGRESS, State.CLOSED, State.CLOSED)


def fill(store: Store, count: int, seed: int = 1) -> None:
    """So many tickets in the first department, two messages each, of a customer for every five."""
    rng = random.Random(seed)
    numbers = rng.sample(range(100_000, 900_000), count)

    def last(conn: Connection, table: object) -> int:
        return int(conn.execute(select(func.coalesce(func.max(table.c.id), 0))).scalar_one())  # type: ignore[attr-defined]

    def act(conn: Connection) -> None:
        department = conn.execute(select(func.min(schema.department.c.id))).scalar_one()
        persons, tickets, messages = (last(conn, each) for each in (schema.person, schema.ticket, schema.message))
        customers = max(1, count // 5)
        for start in range(0, customers, _CHUNK):
            conn.execute(insert(schema.person), [_person(persons + n + 1, n) for n in _range(start, customers)])
        states: Counter[str] = Counter()
        for start in range(0, count, _CHUNK):
            chunk = _range(start, count)
            made = [
                _ticket(rng, tickets + n + 1, numbers[n], department, persons + n % customers + 1, n) for n in chunk
            ]
            states.update(str(each["state"]) for each in made)
            conn.execute(insert(schema.ticket), made)
            conn.execute(
                insert(schema.message),
                [
                    _message(rng, messages + 2 * n + part + 1, tickets + n + 1, persons + n % customers + 1, n)
                    for n in chunk
                    for part in (0, 1)
                ],
            )
            search.rebuild(conn, *(tickets + n + 1 for n in chunk))
        for state, n in states.items():
            counters.add(conn, counters.ticket(department, state), n)
        counters.add(conn, counters.CUSTOMERS, customers)

    store.writer.run(act)


def keys(house: Installation, token: str) -> None:
    """A key with every permission in each dialect: `token` behind its name."""

    def act(conn: Connection) -> None:
        staff = people.at(conn, STAFF)
        for dialect, known in PERMISSIONS.items():
            person = None if known else staff.id
            api_keys.create(
                conn,
                house.desk,
                house.clock(),
                dialect=dialect,
                name="bench",
                token=f"{dialect}-{token}",
                permissions=known,
                person_id=person,
            )

    house.store.writer.run(act)


def _range(start: int, end: int) -> range:
    return range(start, min(start + _CHUNK, end))


def _person(row: int, n: int) -> dict[str, object]:
    email = f"customer{n}@client.example"
    return {
        "id": row,
        "kind": PersonKind.CUSTOMER.value,
        "customer_no": row,
        "name": f"Customer {n}",
        "email": email,
        "email_key": email,
        "created_at": _BEGAN,
    }


def _ticket(rng: random.Random, row: int, number: int, department: int, requester: int, n: int) -> dict[str, object]:
    at = _BEGAN + timedelta(minutes=n)
    return {
        "id": row,
        "number": number,
        "subject": " ".join(rng.sample(WORDS, 5)),
        "state": rng.choice(_STATES).value,
        "priority": Priority.NORMAL.value,
        "department_id": department,
        "requester_id": requester,
        "created_at": at,
        "updated_at": at,
    }


def _message(rng: random.Random, row: int, ticket: int, author: int, n: int) -> dict[str, object]:
    return {
        "id": row,
        "ticket_id": ticket,
        "visibility": "public",
        "author_id": author,
        "text": " ".join(rng.choices(WORDS, k=60)),
        "kind": "personal",
        "reason": "api",
        "verdict": "none",
        "created_at": _BEGAN + timedelta(minutes=n),
    }
