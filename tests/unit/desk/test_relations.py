"""Links, parents and children: what they write, what they refuse."""

from __future__ import annotations

import pytest

from helpdeskd.desk import changes, relations, removal, tickets
from helpdeskd.desk.context import LinkKind, Words
from helpdeskd.errors import Refused


@pytest.fixture
def four(house):
    return [house.open(words=Words(f"number {n}")).ticket for n in range(4)]


def act(house, change, ticket, **more):
    after = change(house.conn, house.desk, house.now, ticket=ticket, actor=house.ada, **more)
    assert after == tickets.get(house.conn, after.id), "the record returned is the row written"
    return after


def refused(house, change, ticket, **more):
    before = house.history(ticket)
    with pytest.raises(Refused) as error:
        act(house, change, ticket, **more)
    assert house.history(ticket) == before
    return error.value.reason


def ids(found):
    return [each.id for each in found]


def parent_id(house, ticket):
    found = relations.parent(house.conn, ticket.id)
    return None if found is None else found.id


def links(house, ticket):
    return [(each.ticket.id, each.kind) for each in relations.linked(house.conn, ticket.id)]


def test_links_come_and_go(house, four):
    a, b, c, _ = four
    house.later(hours=1)
    a = act(house, relations.link, a, other=b)
    assert (a.updated_at, links(house, a), links(house, b)) == (house.now, [(b.id, "related")], [(a.id, "related")])
    act(house, relations.link, a, other=c, kind=LinkKind.FOLLOW_UP)
    house.later(hours=1)
    b = act(house, relations.unlink, b, other=a)
    assert (b.updated_at, tickets.get(house.conn, a.id).updated_at) == (house.now, house.now)
    assert links(house, a) == [(c.id, "follow-up")]
    assert act(house, relations.unlink, b, other=a) == b, "not linked: no trace"
    assert house.history(b)[1:] == [
        ("linked", {"other": a.number, "kind": "related"}),
        ("unlinked", {"other": a.number, "kind": "related"}),
    ]
    assert house.kinds(a)[-1] == "unlinked"


def test_a_family(house, four):
    a, b, c, d = four
    house.later(hours=1)
    act(house, relations.link, c, other=a)
    a = act(house, relations.add_child, a, child=c)
    act(house, relations.add_child, a, child=b)
    assert a.updated_at == tickets.get(house.conn, c.id).updated_at == house.now
    assert ids(relations.children(house.conn, a.id)) == [b.id, c.id]
    assert (parent_id(house, c), parent_id(house, a)) == (a.id, None)
    assert links(house, a) == [], "a child is a child, not linked as well"
    act(house, relations.add_child, c, child=d)
    before = house.history(a)
    act(house, relations.add_child, tickets.get(house.conn, a.id), child=c)
    assert house.history(a) == before, "again: no trace"
    for parent, child, reason in ((a, a, "child-of-itself"), (b, c, "has-parent"), (d, a, "cycle"), (c, a, "cycle")):
        assert refused(house, relations.add_child, parent, child=child) == reason
    act(house, relations.unlink, a, other=c)
    assert ids(relations.children(house.conn, a.id)) == [b.id, c.id], "a child is not unlinked"
    act(house, relations.remove_child, a, child=c)
    again = act(house, relations.remove_child, a, child=c)
    assert act(house, relations.remove_child, c, child=again) == tickets.get(house.conn, c.id)
    assert ids(relations.children(house.conn, a.id)) == [b.id]
    assert house.history(c)[2:] == [
        ("linked", {"other": a.number, "kind": "parent"}),
        ("linked", {"other": d.number, "kind": "child"}),
        ("unlinked", {"other": a.number, "kind": "parent"}),
    ]


def test_a_child_is_detached_from_whoever_is_its_parent(house, four):
    a, b, _, _ = four
    act(house, relations.add_child, a, child=b)
    given = {"child": b, "actor": house.ada}
    detached = relations.detach(house.conn, house.desk, house.now, **given)
    assert (detached.id, parent_id(house, b), house.history(b)[-1][0]) == (b.id, None, "unlinked")
    before = house.history(b)
    relations.detach(house.conn, house.desk, house.now, **given)
    assert house.history(b) == before, "again: no trace"


def test_merges_and_removals(house, four):
    a, b, c, d = four
    act(house, relations.add_child, a, child=b)
    act(house, relations.add_child, a, child=c)
    act(house, relations.add_child, c, child=d)
    act(house, relations.link, b, other=d)
    act(house, changes.merge, a, into=d)  # b becomes d's child; c, which is above d, stands alone
    assert ids(relations.children(house.conn, d.id)) == [b.id]
    assert parent_id(house, c) is None
    assert parent_id(house, d) == c.id
    for change, more in (
        (relations.link, {"other": b}),
        (relations.unlink, {"other": b}),
        (relations.add_child, {"child": b}),
        (relations.remove_child, {"child": b}),
    ):
        assert refused(house, change, a, **more) == "merged"
        (name,) = more
        assert refused(house, change, b, **{name: a}) == "merged"
    removal.ticket(house.conn, house.desk, house.now, ticket=tickets.get(house.conn, d.id), actor=None)
    assert parent_id(house, b) is None
    assert relations.children(house.conn, c.id) == ()
