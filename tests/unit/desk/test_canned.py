"""Canned responses: the team's and one's own."""

from __future__ import annotations

from dataclasses import replace

import pytest

from helpdeskd.desk import bodies, canned
from helpdeskd.errors import Refused

BODY = bodies.of("Have you tried <b>water</b>?")


def add(house, title="Water", owner=None, **more):
    return canned.create(
        house.conn, house.desk, house.now, title=title, body=BODY, owner=owner, actor=house.ada, **more
    )


def change(house, one, actor, **more):
    return canned.change(house.conn, house.desk, house.now, canned_id=one.id, actor=actor, **more)


def test_who_sees_which_in_what_order(house):
    add(house, "ada's", house.ada)
    add(house, "bob's second", house.bob, position=1)
    add(house, "bob's first", house.bob)
    add(house, "last", position=9)
    add(house, "first")
    for person, titles in (
        (None, ["first", "last"]),
        (house.ada, ["first", "last", "ada's"]),
        (house.bob, ["first", "last", "bob's first", "bob's second"]),
        (house.carol, ["first", "last"]),
    ):
        assert [each.title for each in canned.list(house.conn, person)] == titles


def test_changes(house):
    one = add(house, " Use \n water ")
    assert (one.title, one.body, one.created_at) == ("Use water", BODY, house.now)
    house.later(hours=1)
    assert change(house, one, house.bob, title="Use  water") == one
    other = bodies.of("Sand.")
    changed = change(house, one, house.bob, title="Use sand", body=other, position=2)
    assert changed == replace(one, title="Use sand", body=other, position=2, updated_at=house.now)
    assert canned.list(house.conn, None) == (changed,)


@pytest.mark.parametrize(
    ("owner", "actor", "refused"),
    [
        (None, "bob", False),
        ("bob", "bob", False),
        ("bob", "ada", False),  # an administrator
        ("ada", "bob", True),
        ("ada", None, False),  # the command line
    ],
)
def test_whose_they_are_to_change(house, owner, actor, refused):
    one = add(house, owner=owner and getattr(house, owner))
    by = actor and getattr(house, actor)
    acts = (
        lambda: change(house, one, by, title="Sand"),
        lambda: canned.remove(house.conn, house.desk, house.now, canned_id=one.id, actor=by),
    )
    for act in acts:
        if refused:
            with pytest.raises(Refused) as error:
                act()
            assert error.value.reason == "not-yours"
        else:
            assert act().title == "Sand"
    assert len(canned.list(house.conn, one.owner_id and getattr(house, owner))) == refused


def test_what_cannot_be(house):
    one = add(house)
    for act, reason in (
        (lambda: add(house, " "), "bad-title"),
        (lambda: add(house, owner=house.carol), "not-staff"),
        (lambda: change(house, one, None, title="x" * 501), "bad-title"),
        (lambda: change(house, replace(one, id=one.id + 1), None), "no-such-canned-response"),
    ):
        with pytest.raises(Refused) as refused:
            act()
        assert refused.value.reason == reason
