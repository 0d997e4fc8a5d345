"""Forms: who may change what, and that a form is done whole or not at all."""

from __future__ import annotations

from dataclasses import fields
from datetime import timedelta
from typing import Any

import pytest

from helpdeskd.desk import changes, forms, participants, people, sight, tickets
from helpdeskd.desk.context import Words
from helpdeskd.desk.forms import Changed, NewTicket, Status, Text
from helpdeskd.desk.sight import MAY, Standing
from helpdeskd.errors import NotFound, Refused
from helpdeskd.model.people import Person
from helpdeskd.model.ticket import Priority, State, Ticket
from tests.unit.desk.conftest import NOW, House

WORDS = Words("It beeps.", subject="Fax", reason=tickets.API)

# What a form asks for, and whether the ticket's requester may ask for it; staff of its department may all.
ASKED: dict[str, tuple[Any, bool]] = {
    "created_at": (NOW - timedelta(days=1), False),
    "requester_id": (1, False),
    "department_id": (1, False),
    "assignee_id": (None, False),
    "priority": (Priority.HIGH, True),
    "subject": ("Fax", True),
    "opening": (Text("It hums.", ""), True),
    "tags": (("red",), False),
    "seconds_spent": (60, False),
    "due_at": (None, False),
    "status": (Status(State.CLOSED), True),
    "closed_at": (NOW, False),
}


def test_every_field_has_its_row() -> None:
    names = [each.name for each in fields(Changed)]
    assert [each.name for each in forms.FIELDS] == names == list(ASKED)
    for field in forms.FIELDS:
        value, by_requester = ASKED[field.name]
        may = MAY[field.right(value)]
        assert Standing.TECHNICIAN in may
        assert (Standing.REQUESTER in may) == by_requester, field.name
        assert Standing.PARTICIPANT not in may
    assert Standing.REQUESTER not in MAY[forms.FIELDS[-2].right(Status(State.NEW))]  # it is not theirs to open again


def change(house: House, who: Person, ticket: Ticket, **values: Any) -> Ticket:
    given: dict[str, Any] = {
        "sight": sight.of(house.conn, who),
        "actor": who,
        "ticket_id": ticket.id,
        "form": Changed(**values),
    }
    return forms.change(house.conn, house.desk, house.now, **given)


def test_a_right_that_is_missing_leaves_everything_as_it_is(house: House) -> None:
    ticket = house.open().ticket
    with pytest.raises(Refused) as found:
        change(house, house.carol, ticket, subject="New", tags=("red",))
    assert found.value.reason == "not-permitted"
    assert tickets.get(house.conn, ticket.id) == ticket
    stranger = house.customer("eve@customer.example")
    with pytest.raises(NotFound):
        change(house, stranger, ticket, subject="New")


def test_who_takes_part_only_reads(house: House) -> None:
    ticket, eve = house.open().ticket, house.customer("eve@customer.example")
    participants.add(house.conn, house.now, ticket.id, ticket.requester_id, [eve])
    for field in forms.FIELDS:
        with pytest.raises(Refused) as found:
            change(house, eve, ticket, **{field.name: ASKED[field.name][0]})
        assert found.value.reason == "not-permitted", field.name


def test_a_state_that_counts_as_the_same_stays(house: House) -> None:
    ticket = house.answer(house.open().ticket).ticket
    after = change(house, house.ada, ticket, status=Status(State.IN_PROGRESS, (State.AWAITING_CUSTOMER,)))
    assert after.state is State.AWAITING_CUSTOMER
    assert change(house, house.ada, ticket, status=Status(State.IN_PROGRESS)).state is State.IN_PROGRESS


def opened(house: House, who: Person, **values: Any) -> Ticket:
    form = NewTicket(department_id=house.support.id, words=WORDS, **values)
    return forms.open(house.conn, house.desk, house.now, sight=sight.of(house.conn, who), actor=who, form=form).ticket


def test_a_ticket_for_oneself_is_opened_by_nobody_else(house: House) -> None:
    for who in (house.carol, house.bob):
        ticket = opened(house, who, requester_id=who.id)
        assert (ticket.requester_id, ticket.opened_by_id) == (who.id, None)


def test_who_is_disabled_is_given_no_ticket(house: House) -> None:
    eve = house.customer("eve@customer.example")
    people.change(house.conn, eve, disabled_at=house.now)
    with pytest.raises(Refused) as found:
        opened(house, house.ada, requester_id=eve.id)
    assert found.value.reason == "disabled"


def test_what_cannot_be_undone_is_done_to_that_very_ticket(house: House) -> None:
    one, two, three = (house.open().ticket for _ in range(3))
    given = (house.conn, house.desk, house.now)
    changes.merge(*given, ticket=one, into=two, actor=house.ada)
    asked: dict[str, Any] = {"sight": sight.of(house.conn, house.ada), "actor": house.ada}
    with pytest.raises(NotFound):
        forms.merge(*given, **asked, ticket_id=one.id, into_id=three.id)
    assert forms.merge(*given, **asked, ticket_id=three.id, into_id=one.id).id == two.id
