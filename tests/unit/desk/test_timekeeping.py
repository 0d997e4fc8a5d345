"""Time spent: entries and their sum."""

from __future__ import annotations

import pytest

from helpdeskd.desk import changes, removal, tickets, timekeeping
from helpdeskd.desk.timekeeping import MAX_SECONDS
from helpdeskd.errors import Refused
from helpdeskd.model.ticket import State


def act(house, change, ticket, **more):
    more.setdefault("actor", house.ada)
    after = change(house.conn, house.desk, house.now, ticket=ticket, **more)
    assert after == tickets.get(house.conn, after.id), "the record returned is the row written"
    return after


def test_time_adds_up(house):
    ticket = house.open().ticket
    act(house, timekeeping.spend, ticket, seconds=90)
    after = act(house, timekeeping.spend, ticket, seconds=-30, actor=None)
    assert after.seconds_spent == 60
    assert act(house, timekeeping.spend, ticket, seconds=0) == after
    assert act(house, timekeeping.set_total, ticket, seconds=60) == after
    house.later(hours=1)
    after = act(house, timekeeping.set_total, ticket, seconds=3600)
    assert (after.seconds_spent, after.updated_at) == (3600, house.now)
    assert [(each.person_id, each.seconds) for each in timekeeping.entries(house.conn, ticket.id)] == [
        (house.ada.id, 90),
        (None, -30),
        (house.ada.id, 3540),
    ]
    assert house.history(ticket)[1:] == [
        ("time-spent", {"seconds": 90, "total": 90}),
        ("time-spent", {"seconds": -30, "total": 60}),
        ("time-spent", {"seconds": 3540, "total": 3600}),
    ]
    after = act(house, timekeeping.spend, ticket, seconds=1, state=State.CLOSED)
    assert (after.state, after.seconds_spent) == (State.CLOSED, 3601)
    removal.ticket(house.conn, house.desk, house.now, ticket=after, actor=None)
    assert timekeeping.entries(house.conn, ticket.id) == ()


def test_what_is_refused(house):
    ticket, other = house.open().ticket, house.open().ticket
    ticket = act(house, timekeeping.spend, ticket, seconds=MAX_SECONDS)
    for change, more, reason in (
        (timekeeping.spend, {"seconds": 1}, "bad-time"),
        (timekeeping.spend, {"seconds": -MAX_SECONDS - 1}, "bad-time"),
        (timekeeping.spend, {"seconds": 10**30}, "bad-time"),
        (timekeeping.set_total, {"seconds": -1}, "bad-time"),
        (timekeeping.set_total, {"seconds": MAX_SECONDS + 1}, "bad-time"),
        (timekeeping.spend, {"seconds": -1, "state": State.MERGED}, "use-merge"),
    ):
        with pytest.raises(Refused) as error, house.conn.begin_nested():
            act(house, change, ticket, **more)
        assert error.value.reason == reason, more
    assert tickets.get(house.conn, ticket.id) == ticket
    changes.merge(house.conn, house.desk, house.now, ticket=ticket, into=other, actor=None)
    for change in (timekeeping.spend, timekeeping.set_total):
        with pytest.raises(Refused) as error:
            act(house, change, ticket, seconds=5)
        assert error.value.reason == "merged"
