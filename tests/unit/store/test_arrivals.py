"""The ledger of arrivals."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import Connection, insert

from helpdeskd.errors import Conflict
from helpdeskd.model.mail import Door
from helpdeskd.model.routing import Outcome
from helpdeskd.store import arrivals
from helpdeskd.store.engine import Store
from helpdeskd.store.schema import person, ticket
from tests.unit.store.helpers import NOON, add_department


def record(store: Store, spool_id: str, **more: Any) -> int:
    values: dict[str, Any] = {
        "spool_id": spool_id,
        "door": Door.SMTP,
        "outcome": Outcome.OPENED,
        "reason": "new",
        "raw_sha256": "raw",
        "size": 10,
        "received_at": NOON,
        "decided_at": NOON,
    }
    return store.writer.run(lambda conn: arrivals.record(conn, **(values | more)))


def test_what_is_recorded_can_be_asked_for(store: Store) -> None:
    arrival_id = record(
        store,
        "spool-1",
        department_id=7,
        door=Door.IMAP,
        evidence=("reply-token", "subject-tag"),
        identity_sha256="same",
        mail_id="a@b",
        sender="a@b.example",
        author="c@b.example",
        subject="Grüße \x00",
        account="box",
        folder="INBOX",
        uidvalidity=2**32 - 1,
        uid=2**32 - 1,
    )
    (found,) = store.read(lambda conn: arrivals.all_by_spool(conn, "spool-1"))
    assert (found.id, found.department_id) == (arrival_id, 7)
    assert (found.door, found.outcome, found.evidence) == (Door.IMAP, Outcome.OPENED, ["reply-token", "subject-tag"])
    assert (found.subject, found.uid, found.received_at) == ("Grüße �", 2**32 - 1, NOON)
    assert store.read(lambda conn: arrivals.all_by_spool(conn, "spool-2")) == []


def test_one_row_for_each_spool_entry_and_department(store: Store) -> None:
    record(store, "spool-1", department_id=1)
    record(store, "spool-1", department_id=2)
    with pytest.raises(Conflict):
        record(store, "spool-1", department_id=1)
    found = store.read(lambda conn: arrivals.all_by_spool(conn, "spool-1"))
    assert [one.department_id for one in found] == [1, 2]


def test_known_uids_are_those_of_that_folder_and_generation(store: Store) -> None:
    place: dict[str, Any] = {"account": "box", "folder": "INBOX", "uidvalidity": 3}
    variants: list[dict[str, Any]] = [{}, {"uid": 9}, {"folder": "Other"}, {"account": "other"}, {"uidvalidity": 4}]
    for n, more in enumerate(variants):
        record(store, f"s{n}", **({**place, "uid": 5} | more))
    record(store, "s0", department_id=2, **place, uid=5)  # one mail for two departments
    record(store, "smtp")
    assert store.read(lambda conn: arrivals.known_uids(conn, "box", "INBOX", 3)) == {5, 9}
    assert store.read(lambda conn: arrivals.known_uids(conn, "box", "INBOX", 5)) == set()


def test_what_became_of_it_may_be_said_later(store: Store) -> None:
    department = add_department(store)
    first = record(store, "s1", department_id=department)

    def fill(conn: Connection) -> None:
        values: Any = {"created_at": NOON, "updated_at": NOON, "department_id": department, "requester_id": 1}
        conn.execute(insert(person).values(kind="customer", email="a@b", email_key="a@b", created_at=NOON))
        conn.execute(insert(ticket).values(number=1, subject="", state="new", priority="low", **values))
        arrivals.settle(conn, first, outcome=Outcome.APPENDED, reason="reply-token", ticket_id=1)

    store.writer.run(fill)
    (settled,) = store.read(lambda conn: arrivals.all_by_spool(conn, "s1"))
    assert (settled.outcome, settled.reason, settled.ticket_id) == (Outcome.APPENDED, "reply-token", 1)
