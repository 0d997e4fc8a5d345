"""Assets: made, found, given to people and tickets; each change leaves a line."""

from __future__ import annotations

from functools import partial

import pytest

from helpdeskd.desk import assets, companies, customers, people, profiles, removal
from helpdeskd.desk.assets import Wanted
from helpdeskd.errors import NotFound, Refused
from tests.unit.desk.plans import indexed, plans


def act(house, what, **given):
    given.setdefault("actor", house.ada)
    return what(house.conn, house.desk, house.now, **given)


def make(house, model="ThinkPad X1", **values):
    return act(house, assets.create, model=model, **values)


def words(house, asset):
    return [line.words for line in assets.log(house.conn, asset.id)]


def test_made_and_changed(house):
    acme = companies.add(house.conn, house.desk, house.now, name="Acme", actor=None)
    one = make(house, " ThinkPad  X1", manufacturer="Lenovo", type="Laptop", supplier="Shop", serial_number="S1", location="Here",
               comments="a\r\nb", quantity=3, company_id=acme.id)  # fmt: skip
    other = make(house, "Yoga", manufacturer=" LENOVO ")
    assert (one.model, one.serial_number, one.location, one.comments, one.quantity) == (
        "ThinkPad X1",
        "S1",
        "Here",
        "a\nb",
        3,
    )
    assert (one.manufacturer.name, one.type.name, one.supplier.name, one.company) == (
        "Lenovo",
        "Laptop",
        "Shop",
        "Acme",
    )
    assert other.manufacturer == one.manufacturer
    assert (other.type, other.quantity, other.company_id, other.company) == (assets.Named(), 1, None, "")
    house.later(hours=1)
    same = act(house, assets.change, asset=one, model="ThinkPad X1", manufacturer="lenovo")
    assert same == one
    assert act(house, assets.change, asset=one) == one
    changed = act(house, assets.change, asset=one, model="X2", supplier="", company_id=None, actor=None)
    assert (changed.model, changed.supplier, changed.company_id) == ("X2", assets.Named(), None)
    assert (changed.created_at, changed.updated_at) == (one.created_at, house.now)
    assert words(house, one) == ["created", "changed: company, model, supplier"]
    assert [line.actor_id for line in assets.log(house.conn, one.id)] == [house.ada.id, None]


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        ({"model": " "}, "bad-model"),
        ({"model": "x" * 201}, "bad-model"),
        ({"type": "x" * 201}, "bad-type"),
        ({"serial_number": "x" * 201}, "bad-serial-number"),
        ({"comments": "x" * 20_001}, "bad-comments"),
        ({"quantity": -1}, "bad-quantity"),
        ({"company_id": 4711}, "no-such-company"),
    ],
)
def test_assets_that_cannot_be(house, values, reason):
    there = make(house)
    for attempt in (lambda: make(house, **values), lambda: act(house, assets.change, asset=there, **values)):
        with pytest.raises(Refused) as refused:
            attempt()
        assert refused.value.reason == reason
    with pytest.raises(NotFound):
        assets.get(house.conn, 2**70)


def test_who_has_it_and_what_it_is_in(house):
    asset, ticket = make(house), house.open().ticket
    for _ in range(2):
        act(house, assets.assign, asset=asset, person=house.carol)
        act(house, assets.add_ticket, asset=asset, ticket=ticket)
        act(house, assets.disable, asset=asset)
    act(house, assets.assign, asset=asset, person=house.bob)
    assert assets.get(house.conn, asset.id).tickets == 1
    assert assets.ticket_ids(house.conn, asset.id) == (ticket.id,)
    assert assets.holders(house.conn, (asset.id, 4711)) == {asset.id: (house.bob, house.carol)}
    act(house, assets.unassign, asset=asset, person=house.carol)
    assert assets.get(house.conn, asset.id).disabled_at == house.now
    assert words(house, asset) == [
        "created",
        "assigned to Carol",
        f"added to ticket {ticket.number}",
        "disabled",
        "assigned to Bob",
        "taken from Carol",
    ]
    with pytest.raises(Refused) as refused:
        act(house, assets.unassign, asset=asset, person=house.carol)
    assert refused.value.reason == "not-assigned"


def test_pages(house):
    acme = companies.add(house.conn, house.desk, house.now, name="Acme", actor=None)
    works = companies.division_named(house.conn, house.desk, house.now, name="Works", actor=None)
    carol = people.get(house.conn, house.carol.id)
    act(house, profiles.change, person=carol, company_id=acme.id, division_id=works.id)
    own, hers, off, plain = (
        make(house, "Own", company_id=acme.id),
        make(house, "Hers 50%"),
        make(house, "OWNED"),
        make(house, "Ärmel"),
    )
    ticket = house.open().ticket
    act(house, assets.assign, asset=hers, person=carol)
    act(house, assets.assign, asset=off, person=carol)
    act(house, assets.add_ticket, asset=plain, ticket=ticket)
    act(house, assets.disable, asset=off)
    conn = house.conn
    for wanted, expected in (
        (Wanted(), [own, hers, plain]),
        (Wanted(disabled=True), [own, hers, off, plain]),
        (Wanted(holder_id=carol.id), [hers]),
        (Wanted(holder_id=carol.id, disabled=True), [hers, off]),
        (Wanted(company_id=acme.id), [own, hers]),
        (Wanted(division_id=works.id), [hers]),
        (Wanted(ticket_id=ticket.id), [plain]),
        (Wanted(prefix="OWN", disabled=True), [own, off]),
        (Wanted(prefix="hers 50%"), [hers]),
        (Wanted(prefix="%"), []),
        (Wanted(prefix="äR"), [plain]),
        (Wanted(prefix="own", holder_id=carol.id), []),
        (Wanted(holder_id=2**70), []),
        (Wanted(company_id=-1), []),
    ):
        assert [asset.id for asset in assets.page(conn, wanted)] == [asset.id for asset in expected], wanted
    assert [asset.id for asset in assets.page(conn, Wanted(), limit=1, offset=1)] == [hers.id]
    assert indexed(conn, lambda: assets.page(conn, Wanted()), "asset") == 1
    for wanted in (
        Wanted(holder_id=1),
        Wanted(company_id=1),
        Wanted(division_id=1),
        Wanted(ticket_id=1),
        Wanted(prefix="x"),
    ):
        found = "\n".join(plans(conn, partial(assets.page, conn, wanted)))
        assert "SCAN asset\n" not in found, found
        assert "Seq Scan" not in found, found


def test_what_a_removed_person_had_is_free(house):
    asset = make(house)
    dave = house.customer("dave@customer.example")
    act(house, assets.assign, asset=asset, person=dave)
    found = customers.of(house.conn, dave.id)
    assert found is not None
    removal._leave(house.conn, house.now, found)
    assert assets.holders(house.conn, (asset.id,)) == {}
