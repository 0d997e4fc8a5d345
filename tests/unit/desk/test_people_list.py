"""Users as administrators see and set them: pages, create, change, merge, remove."""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest
from sqlalchemy import select

from helpdeskd.desk import (
    accounts,
    api_keys,
    assets,
    changes,
    companies,
    customers,
    field_values,
    fields,
    lists,
    people,
    people_list,
    people_merge,
    profiles,
    removal,
    tickets,
    users,
)
from helpdeskd.desk.people_list import Which
from helpdeskd.errors import NotFound, Refused
from helpdeskd.model.fields import FieldKind, Owner
from helpdeskd.model.mail import Address
from helpdeskd.model.outgoing import NoticeName
from helpdeskd.model.routing import Outcome
from helpdeskd.store import schema
from tests.unit.desk.conftest import NOW, House
from tests.unit.desk.plans import indexed
from tests.unit.desk.street import Street


def act(house, what, **given):
    given.setdefault("actor", house.ada)
    return what(house.conn, house.desk, house.now, **given)


def create(house, email="new@customer.example", username="new", **more):
    return act(house, users.create, email=email, username=username, **more)


def test_a_user_is_made_with_everything(house):
    person = create(house, password_hash="$argon", given_name="Nora", family_name="New", phone="1", location="Here",
                    company="Acme", division="Works", welcome=True)  # fmt: skip
    line = people_list.one(house.conn, person.id)
    assert (person.name, line.given_name, line.family_name, line.username) == ("Nora New", "Nora", "New", "new")
    assert (line.phone, line.location, line.company, line.division) == ("1", "Here", "Acme", "Works")
    assert house.told(NoticeName.CUSTOMER_WELCOME) == ["new@customer.example"]
    assert people_list.at(house.conn, " NEW@customer.example ") == people_list.named(house.conn, "NEW") == line
    again = create(house, "b@customer.example", "b", company="ACME")
    assert profiles.of(house.conn, again.id).company_id == line.company_id
    login = accounts.of(house.conn, again.id)
    assert login is not None
    assert login.password_hash == ""


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        ({"email": "Carol@customer.example"}, "address-taken"),
        ({"email": "ada@staff.example"}, "address-taken"),
        ({"email": "help@example.org"}, "own-address"),
        ({"email": "nonsense"}, "bad-address"),
        ({"username": "CAROL"}, "username-taken"),
        ({"username": " "}, "bad-username"),
        ({"phone": "x" * 101}, "bad-phone"),
        ({"company": "x" * 201}, "bad-name"),
    ],
)
def test_users_that_cannot_be(house, given, reason):
    accounts.set_username(house.conn, house.desk, house.now, person=house.carol, username="carol")
    there = create(house, "there@customer.example", "there")
    for attempt in (lambda: create(house, **given), lambda: act(house, users.change, person=there, **given)):
        with pytest.raises(Refused) as refused, house.conn.begin_nested():
            attempt()
        assert refused.value.reason == reason


def test_changed(house):
    person = create(house, given_name="Nora", company="Acme", password_hash="one")
    key = api_keys.create(
        house.conn, house.desk, house.now, dialect="jitbit", name="k", token="t" * 20, person_id=person.id
    )
    same = act(house, users.change, person=person)
    assert same == person
    person = act(house, users.change, person=person, email="NEW@customer.example", username="nora", company="",
                 division="Works", family_name="Old", wants_mail=False, notes="n")  # fmt: skip
    line = people_list.one(house.conn, person.id)
    assert (person.email, person.name, person.wants_mail) == ("NEW@customer.example", "Nora Old", False)
    assert (line.username, line.company, line.division, line.notes) == ("nora", "", "Works", "n")
    assert api_keys.get(house.conn, key.id).revoked_at is None
    act(house, users.change, person=person, password_hash="two")
    assert api_keys.get(house.conn, key.id).revoked_at == house.now
    assert act(house, users.change, person=person, disabled=True).disabled_at == house.now
    assert act(house, users.change, person=person, disabled=False).disabled_at is None
    with pytest.raises(Refused) as refused:
        act(house, users.change, person=house.ada, disabled=True)
    assert refused.value.reason == "own-account"
    moved = act(house, users.change, person=house.bob, email="bobby@staff.example")
    assert (moved.id, people.find(house.conn, "bob@staff.example")) == (house.bob.id, None)


def test_pages(house):
    ada, bob, carol = house.ada, house.bob, house.carol
    dan = create(house, "dan@customer.example", "dan", company="Acme", division="Works")
    eve = create(house, "eve@customer.example", "eve", company="Acme")
    gone = house.staff("Gone", "gone@staff.example")
    acme, works = companies.find(house.conn, "acme"), companies.divisions(house.conn)[0]
    assert acme is not None
    act(house, users.change, person=gone, disabled=True)
    house.later(hours=1)
    act(house, users.change, person=eve, disabled=True)
    table: list[tuple[dict[str, Any], list[Any]]] = [
        ({}, [ada, bob, carol, dan, eve, gone]),
        ({"which": Which.TECHS}, [ada, bob]),
        ({"which": Which.ADMINS}, [ada]),
        ({"which": Which.CUSTOMERS}, [carol, dan]),
        ({"which": Which.DISABLED}, [gone, eve]),
        ({"company_id": acme.id}, [dan, eve]),
        ({"company_id": acme.id, "which": Which.CUSTOMERS}, [dan]),
        ({"division_id": works.id}, [dan]),
        ({"division_id": works.id, "company_id": acme.id, "which": Which.DISABLED}, []),
        ({"company_id": 2**70}, []),
        ({"limit": 2, "offset": 1}, [bob, carol]),
    ]
    for given, expected in table:
        ask = partial(people_list.page, house.conn, **{"limit": 10, "offset": 0, **given})
        assert [line.person.id for line in ask()] == [person.id for person in expected], given
        assert indexed(house.conn, ask, "person") <= 1
    assert indexed(house.conn, partial(people_list.at, house.conn, carol.email)) == 1
    assert indexed(house.conn, partial(people_list.named, house.conn, "dan")) == 1
    for missing in (partial(people_list.one, house.conn, 2**70), partial(people_list.named, house.conn, "x")):
        with pytest.raises(NotFound):
            missing()
    assert people_list.named(house.conn, "Carol@customer.example").person == carol


def merge(house, person, into, **more):
    return act(house, people_merge.merge, person=person, into=into, **more)


def test_two_become_one(house):
    field = act(house, fields.add, owner=Owner.PERSON, name="VIP", kind=FieldKind.CHECKBOX)
    dan = create(house, "dan@work.example", "dan", given_name="Dan", phone="1", company="Acme", password_hash="x")
    old = house.customer("dan@home.example", "Danny")
    key = api_keys.create(
        house.conn, house.desk, house.now, dialect="jitbit", name="k", token="t" * 20, person_id=dan.id
    )
    asset = act(house, assets.create, model="X1")
    for who in (dan, old):
        act(house, assets.assign, asset=asset, person=who)
    act(house, field_values.put, field=field, owner_id=dan.id, value="1")
    asked = house.open(requester=dan, participants=(Address("", old.email),)).ticket
    taking_part = house.open(participants=(Address("", dan.email),)).ticket
    both = house.open(participants=(Address("", dan.email), Address("", old.email))).ticket
    house.reply(taking_part, author=dan)
    before = customers.total(house.conn)

    kept = merge(house, dan, old)

    assert (kept.id, kept.name, customers.total(house.conn)) == (old.id, "Danny", before - 1)
    line = people_list.one(house.conn, old.id)
    assert (line.company, line.phone, line.username) == ("Acme", "1", old.email)
    assert people_list.one(house.conn, dan.id) == people_list.at(house.conn, "DAN@work.example") == line
    with pytest.raises(NotFound):
        people_list.named(house.conn, "dan")
    assert api_keys.get(house.conn, key.id).revoked_at == house.now
    assert assets.holders(house.conn, (asset.id,))[asset.id][0].id == old.id
    assert [value.words for value in field_values.of(house.conn, Owner.PERSON, old.id)] == ["true"]
    asked = tickets.get(house.conn, asked.id)
    assert (asked.requester_id, asked.last_author_id) == (old.id, old.id)
    assert house.history(asked)[-1] == ("requester-changed", {"from": dan.id, "to": old.id})
    part = schema.participant.c
    found = house.conn.execute(select(part.ticket_id, part.person_id).order_by(part.ticket_id)).all()
    assert found == [(taking_part.id, old.id), (both.id, old.id)]
    authors = select(schema.message.c.author_id).where(schema.message.c.ticket_id == taking_part.id)
    assert house.conn.execute(authors.order_by(schema.message.c.id)).scalars().all() == [house.carol.id, old.id]
    named, _ = people.customers(house.conn, house.desk, house.now, (Address("", dan.email), Address("", old.email)))
    assert named == (kept,)
    with pytest.raises(Refused) as refused:
        create(house, "dan@work.example", "again")
    assert refused.value.reason == "address-taken"
    third = house.customer("third@customer.example")
    merge(house, old, third)
    assert people.at(house.conn, "dan@work.example").id == people.at(house.conn, "dan@home.example").id == third.id
    moved = act(house, users.change, person=third, email="dan@work.example")
    assert people.find(house.conn, "dan@work.example") == moved


@pytest.mark.parametrize(
    ("who", "into", "reason"),
    [
        ("carol", "carol", "merge-into-itself"),
        ("bob", "carol", "staff-into-customer"),
        ("ada", "bob", "own-account"),
        ("gone", "carol", "no-such-person"),
        ("carol", "gone", "no-such-person"),
    ],
)
def test_merges_that_cannot_be(house, who, into, reason):
    gone = house.customer("gone@customer.example")
    merge(house, gone, house.carol)
    known = {"carol": house.carol, "bob": house.bob, "ada": house.ada, "gone": gone}
    with pytest.raises(Refused) as refused:
        merge(house, known[who], known[into])
    assert refused.value.reason == reason


def test_a_customer_becomes_staff_and_staff_become_one(house):
    other = house.staff("Ada L.", "ada@home.example", 2, department=house.department("Sales", "sales@example.org"))
    ticket = changes.assign(
        house.conn, house.desk, house.now, ticket=house.open().ticket, assignee=other, actor=house.bob
    )
    merge(house, other, house.ada, actor=house.bob)
    assert tickets.get(house.conn, ticket.id).assignee_id == house.ada.id
    assert len(people.staff_departments(house.conn, house.ada.id)) == 2
    assert people.list_staff(house.conn) == (house.ada, house.bob)
    total = customers.total(house.conn)
    number = customers.of(house.conn, house.carol.id)
    kept = merge(house, house.carol, house.bob)
    assert kept == house.bob
    assert customers.total(house.conn) == total
    moved = customers.of(house.conn, house.bob.id)
    assert number is not None
    assert moved is not None
    assert moved.number == number.number


def test_mail_to_and_from_a_merged_address_is_the_kept_person_s(house):
    street = Street(house)
    ticket = street.ticket(street.send())
    house.answer(ticket)
    told = street.last(NoticeName.STAFF_REPLY)
    kept = house.customer("carol@new.example", "Carol")
    merge(house, house.carol, kept)
    for author in ("carol@customer.example", "carol@new.example"):
        (received,) = street.take(street.answer(told, author, f"Again from {author}."))
        assert (received.outcome, street.ticket(received).id) == (Outcome.APPENDED, ticket.id), author
    assert street.ticket(street.send()).requester_id == kept.id


def test_staff_are_removed(store, desk):
    with store.engine.begin() as conn:
        house = House(conn, desk)
        mine = changes.assign(conn, desk, NOW, ticket=house.open().ticket, assignee=house.bob, actor=house.ada)
        house.answer(mine, author=house.bob)
        asked = house.open(requester=house.bob).ticket
        done = house.open().ticket
        changes.assign(conn, desk, NOW, ticket=done, assignee=house.bob, actor=house.ada)
        changes.merge(conn, desk, NOW, ticket=done, into=mine, actor=house.ada)
    with pytest.raises(Refused) as refused:
        removal.person(store, desk, lambda: NOW, person=house.bob, actor=house.bob)
    assert refused.value.reason == "own-account"
    removal.person(store, desk, lambda: NOW, person=house.bob, actor=house.ada)
    with store.engine.begin() as conn:
        house.conn = conn
        assert tickets.get(conn, mine.id).assignee_id is None
        assert tickets.get(conn, done.id).assignee_id is None
        assert house.history(mine)[-1] == ("assigned", {"from": house.bob.id, "to": None})
        assert tickets.get(conn, asked.id).removed_at == NOW
        with pytest.raises(NotFound):
            people_list.one(conn, house.bob.id)
        assert people.list_staff(conn) == (house.ada,)
        assert lists.staff(conn)[-1].person == house.ada
        assert people.get(conn, house.bob.id).name == "Bob"
        assert people.find(conn, "bob@staff.example") is None
    with pytest.raises(NotFound):
        removal.person(store, desk, lambda: NOW, person=house.bob, actor=house.ada)
    assert removal.unfinished(store, lambda: NOW) == 0


def test_whoever_was_merged_into_a_removed_customer_is_forgotten_too(store, desk):
    with store.engine.begin() as conn:
        house = House(conn, desk)
        kept = house.customer("kept@customer.example")
        merge(house, house.carol, kept)
    removal.person(store, desk, lambda: NOW, person=kept, actor=house.ada)
    with store.engine.begin() as conn:
        assert people.find(conn, house.carol.email) is None
        assert people.get(conn, house.carol.id).name == ""
        again = people.customer(conn, desk, NOW, Address("Carol", house.carol.email))
        assert again.id not in {house.carol.id, kept.id}
