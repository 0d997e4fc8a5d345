"""Rules: whose time has come, what is done to them, which are on."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import msgspec
import pytest
from sqlalchemy import update

from helpdeskd import config
from helpdeskd.desk import automation, changes, tickets
from helpdeskd.desk.context import Words
from helpdeskd.desk.rules import RULES, close_quiet, pending_over
from helpdeskd.errors import NotFound
from helpdeskd.model.outgoing import OutboxState
from helpdeskd.model.ticket import State
from helpdeskd.store import schema
from tests.unit.desk.conftest import NOW
from tests.unit.desk.plans import indexed

TEAM = config.Desk(quiet_days=7)
DAY, MOMENT = timedelta(days=1), timedelta(microseconds=1)
PENDING, QUIET = pending_over.RULE, close_quiet.RULE


@pytest.mark.parametrize(
    ("rule", "values", "holds"),
    [
        (PENDING, {"state": State.PENDING, "pending_until": NOW}, True),
        (PENDING, {"state": State.PENDING, "pending_until": NOW - DAY}, True),
        (PENDING, {"state": State.PENDING, "pending_until": NOW + MOMENT}, False),
        (PENDING, {"state": State.PENDING, "pending_until": None}, False),
        (PENDING, {"state": State.CLOSED, "pending_until": NOW}, False),
        (PENDING, {"state": State.PENDING, "pending_until": NOW, "removed_at": NOW}, False),
        (QUIET, {"state": State.AWAITING_CUSTOMER, "updated_at": NOW - 7 * DAY}, True),
        (QUIET, {"state": State.AWAITING_CUSTOMER, "updated_at": NOW - 7 * DAY + MOMENT}, False),
        (QUIET, {"state": State.AWAITING_STAFF, "updated_at": NOW - 30 * DAY}, False),
        (QUIET, {"state": State.AWAITING_CUSTOMER, "updated_at": NOW - 30 * DAY, "removed_at": NOW}, False),
    ],
)
def test_whose_time_has_come(house, rule, values, holds):
    ticket = replace(house.open().ticket, **values)
    assert rule.holds(ticket, TEAM, NOW) is holds


def test_the_table():
    assert [(each.number, each.name, each.on) for each in RULES] == [
        (1, "pending-over", True),
        (2, "close-quiet", False),
    ]


@pytest.fixture
def ticket(house):
    return house.open().ticket


def another(house):
    return house.open(words=Words("x", subject="other", mail_id="other@customer.example")).ticket


def turn(house, rule, *, on):
    given = (house.conn, house.desk, house.now)
    return automation.switch(*given, number=rule.number, on=on, actor=house.ada)


def due(house, now):
    return automation.is_due(house.conn, house.desk.settings, now)


def run(house, now):
    done = automation.run(house.conn, house.desk, now)
    for each in done:
        assert each.ticket == tickets.get(house.conn, each.ticket.id), "the record returned is the row written"
    return [(each.rule.name, each.ticket.number, each.ticket.state) for each in done]


def mails_are(house, state=OutboxState.SENT):
    house.conn.execute(update(schema.outbox).values(state=state.value))


def put(house, ticket, state, **more):
    given = (house.conn, house.desk, house.now)
    return changes.set_state(*given, ticket=ticket, state=state, actor=house.ada, tell=False, **more)


def test_pending_ends_by_itself(house, ticket):
    other = another(house)
    put(house, ticket, State.PENDING, until=house.now + timedelta(hours=12))
    put(house, other, State.PENDING, until=house.now + 3 * DAY)
    mails = len(house.mails())
    assert not due(house, house.now)
    assert run(house, house.now) == []
    now = house.later(hours=12)
    assert due(house, now)
    assert run(house, now) == [("pending-over", ticket.number, State.AWAITING_STAFF)]
    assert tickets.get(house.conn, ticket.id).pending_until is None
    detail = {"from": "pending", "to": "awaiting_staff", "rule": "pending-over"}
    assert house.history(ticket)[-1] == ("state-changed", detail)
    assert tickets.get(house.conn, other.id).state is State.PENDING
    assert not due(house, now)
    assert len(house.mails()) == mails


def test_pending_stays_where_nobody_wants_it_to_end(house, ticket):
    put(house, ticket, State.PENDING, until=house.now + DAY)
    turn(house, PENDING, on=False)
    now = house.later(days=2)
    assert not due(house, now)
    assert run(house, now) == []
    assert tickets.get(house.conn, ticket.id).state is State.PENDING
    turn(house, PENDING, on=True)
    assert run(house, now) == [("pending-over", ticket.number, State.AWAITING_STAFF)]


def test_quiet_tickets_are_closed_where_somebody_wants_it(house, ticket):
    put(house, ticket, State.AWAITING_CUSTOMER)
    put(house, another(house), State.AWAITING_STAFF)
    mails_are(house)
    mails, now = len(house.mails()), house.later(days=14)
    assert not due(house, now)
    turn(house, QUIET, on=True)
    assert not due(house, now - MOMENT)
    assert due(house, now)
    assert run(house, now) == [("close-quiet", ticket.number, State.CLOSED)]
    closed = tickets.get(house.conn, ticket.id)
    assert closed.closed_at == now
    detail = {"from": "awaiting_customer", "to": "closed", "rule": "close-quiet"}
    assert house.history(ticket)[-1] == ("state-changed", detail)
    assert len(house.mails()) == mails
    assert not due(house, now)


def test_quiet_means_as_long_as_the_team_says(house, ticket):
    house.desk = replace(house.desk, settings=msgspec.structs.replace(house.desk.settings, quiet_days=1))
    put(house, ticket, State.AWAITING_CUSTOMER)
    mails_are(house)
    turn(house, QUIET, on=True)
    assert run(house, house.later(days=1)) == [("close-quiet", ticket.number, State.CLOSED)]


@pytest.mark.parametrize(
    "state", [each for each in OutboxState if each not in {OutboxState.SENT, OutboxState.CANCELLED}]
)
def test_nobody_is_quiet_who_never_had_the_answer(house, ticket, state):
    put(house, ticket, State.AWAITING_CUSTOMER)
    turn(house, QUIET, on=True)
    mails_are(house, state)
    assert run(house, house.later(days=30)) == []
    mails_are(house, OutboxState.CANCELLED)
    assert run(house, house.later(days=30)) == [("close-quiet", ticket.number, State.CLOSED)]


def test_in_pages(house, monkeypatch):
    monkeypatch.setattr(automation, "PAGE", 2)
    opened = [house.open().ticket, another(house), another(house)]
    for each in opened:
        put(house, each, State.AWAITING_CUSTOMER)
    mails_are(house)
    turn(house, QUIET, on=True)
    now = house.later(days=30)
    pages = [[number for _, number, _ in run(house, now)] for _ in range(3)]
    assert [len(page) for page in pages] == [2, 1, 0]
    assert {number for page in pages for number in page} == {each.number for each in opened}


def test_on_and_off(house):
    assert [each.on for each in automation.list(house.conn)] == [True, False]
    assert turn(house, QUIET, on=True) == automation.get(house.conn, 2) == automation.Switch(QUIET, on=True)
    assert turn(house, QUIET, on=True).on
    assert not turn(house, PENDING, on=False).on
    assert [each.on for each in automation.list(house.conn)] == [False, True]
    assert automation.named(" Close-Quiet ") is QUIET
    for ask in (lambda: automation.get(house.conn, 3), lambda: automation.named("close")):
        with pytest.raises(NotFound):
            ask()


def test_an_index_finds_them(house):
    turn(house, QUIET, on=True)
    assert indexed(house.conn, lambda: due(house, house.now)) == 4
