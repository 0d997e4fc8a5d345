"""Whose a ticket is, and its dates, put right: what is written, who is told nothing, what is refused."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from helpdeskd.desk import changes, corrections, participants, people, queries, tickets
from helpdeskd.errors import Refused
from helpdeskd.model.mail import Address
from helpdeskd.model.people import Person
from helpdeskd.model.ticket import State, Ticket
from tests.unit.desk.conftest import House


@pytest.fixture
def ticket(house: House) -> Ticket:
    return house.open().ticket


@pytest.fixture
def dan(house: House) -> Person:
    return house.customer("dan@customer.example", "Dan")


def act(house: House, change: Any, ticket: Ticket, **more: Any) -> Ticket:
    before = len(house.mails())
    after: Ticket = change(house.conn, house.desk, house.now, ticket=ticket, actor=house.ada, **more)
    assert after == tickets.get(house.conn, after.id), "the record returned is the row written"
    assert len(house.mails()) == before, "nobody is mailed"
    return after


def refused(house: House, change: Any, ticket: Ticket, **more: Any) -> str:
    before = house.history(ticket)
    with pytest.raises(Refused) as found:
        act(house, change, ticket, **more)
    assert house.history(ticket) == before
    return found.value.reason


def test_a_ticket_gets_another_requester(house: House, ticket: Ticket, dan: Person) -> None:
    given = (house.conn, house.desk, house.now)
    changes.add_participant(*given, ticket=ticket, address=Address("Dan", dan.email), actor=house.ada)
    for _ in range(2):
        after = act(house, corrections.set_requester, ticket, requester=dan)
    assert after.requester_id == dan.id
    assert participants.of(house.conn, ticket.id) == ()  # who asked takes no part besides
    assert house.history(ticket)[-1] == (
        "requester-changed",
        {"from": house.carol.id, "to": dan.id, "email": "dan@customer.example"},
    )
    assert house.kinds(ticket).count("requester-changed") == 1
    house.answer(after)
    assert house.mails()[-1].recipient == dan.email
    found = [line.ticket.id for line in queries.search(house.conn, "dan")]
    assert found == [ticket.id]


def test_who_is_disabled_gets_no_ticket(house: House, ticket: Ticket, dan: Person) -> None:
    people.change(house.conn, dan, disabled_at=house.now)
    assert refused(house, corrections.set_requester, ticket, requester=dan) == "disabled"


def test_a_ticket_is_due(house: House, ticket: Ticket) -> None:
    until = house.now + timedelta(days=2)
    assert act(house, corrections.set_due, ticket, due_at=until).due_at == until
    act(house, corrections.set_due, ticket, due_at=until)
    assert act(house, corrections.set_due, ticket, due_at=None).due_at is None
    assert house.history(ticket)[1:] == [
        ("dated", {"date": "due", "from": None, "to": "2026-03-06T09:30:00+00:00"}),
        ("dated", {"date": "due", "from": "2026-03-06T09:30:00+00:00", "to": None}),
    ]


def test_a_ticket_was_created_and_closed_at_other_times(house: House, ticket: Ticket) -> None:
    early = house.now - timedelta(days=3)
    act(house, corrections.set_created, ticket, created_at=early)
    closed = act(house, changes.set_state, ticket, state=State.CLOSED, tell=False)
    then = house.now - timedelta(days=1)
    for _ in range(2):
        after = act(house, corrections.set_closed, closed, closed_at=then)
    assert (after.created_at, after.closed_at, after.state) == (early, then, State.CLOSED)
    assert [detail["date"] for kind, detail in house.history(ticket) if kind == "dated"] == ["created", "closed"]


def test_dates_that_cannot_be(house: House, ticket: Ticket) -> None:
    soon, early = house.now + timedelta(seconds=1), house.now - timedelta(seconds=1)
    assert refused(house, corrections.set_created, ticket, created_at=soon) == "bad-date"
    assert refused(house, corrections.set_closed, ticket, closed_at=house.now) == "not-closed"
    closed = act(house, changes.set_state, ticket, state=State.CLOSED, tell=False)
    assert refused(house, corrections.set_closed, closed, closed_at=soon) == "bad-date"
    assert refused(house, corrections.set_closed, closed, closed_at=early) == "bad-date"
    act(house, corrections.set_created, closed, created_at=early)
    act(house, corrections.set_closed, closed, closed_at=early)
    assert refused(house, corrections.set_created, closed, created_at=house.now) == "bad-date"


def test_a_merged_ticket_is_not_put_right(house: House, ticket: Ticket, dan: Person) -> None:
    other = house.open().ticket
    act(house, changes.merge, ticket, into=other)
    for change, given in (
        (corrections.set_requester, {"requester": dan}),
        (corrections.set_due, {"due_at": house.now}),
        (corrections.set_created, {"created_at": house.now}),
        (corrections.set_closed, {"closed_at": house.now}),
    ):
        assert refused(house, change, ticket, **given) == "merged"
