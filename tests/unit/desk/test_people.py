"""People: customers come by writing, staff are added; ids and numbers stay."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial

import msgspec
import pytest
from sqlalchemy import select

from helpdeskd.desk import links, people
from helpdeskd.errors import NotFound, Refused
from helpdeskd.model.mail import Address
from helpdeskd.model.outgoing import NoticeName
from helpdeskd.model.people import PersonKind
from helpdeskd.store import schema
from helpdeskd.store.engine import open_store

NOW = datetime(2026, 3, 4, 9, 30, tzinfo=UTC)


def with_url(desk):
    return replace(desk, settings=msgspec.structs.replace(desk.settings, public_url="https://desk.example/"))


def test_a_customer_is_one_person_whatever_the_case(house):
    again = people.customer(house.conn, house.desk, house.now, Address("Carola", "CAROL@Customer.example"))
    assert again == house.carol
    assert again.kind is PersonKind.CUSTOMER
    assert again.email == "Carol@customer.example"
    assert people.get(house.conn, again.id) == again
    assert people.find(house.conn, " carol@CUSTOMER.example") == again
    assert people.find(house.conn, "nobody@customer.example") is None
    with pytest.raises(NotFound):
        people.get(house.conn, 4711)


def test_a_name_is_remembered_where_there_was_none(house):
    dan = house.customer("dan@customer.example")
    assert house.customer("dan@customer.example", "dan@customer.example").name == ""
    named = house.customer("dan@customer.example", " Dan \n Brown ")
    assert (named.id, named.name) == (dan.id, "Dan Brown")
    assert house.customer("dan@customer.example", "Dan Green").name == "Dan Brown"


@pytest.mark.parametrize(
    "email", ["", "carol", "@customer.example", "carol@", "a b@c.example", "a@b@c.example", "a@b.example\r\nX: y"]
)
def test_what_is_no_address_makes_no_customer(house, email):
    with pytest.raises(Refused) as refused:
        house.customer(email)
    assert refused.value.reason == "bad-address"


@pytest.mark.parametrize("email", ["o'neill+x@müller.example", "a@localhost", "x@[192.0.2.1]", "почта@пример.example"])
def test_unusual_addresses_are_people_too(house, email):
    assert house.customer(email).email == email


def numbers(conn, person_id):
    there = schema.person.c
    return conn.execute(select(there.customer_no, there.staff_no).where(there.id == person_id)).one()


def test_customers_are_counted_apart_and_numbers_never_come_back(house):
    conn = house.conn
    dan, eve = house.customer("dan@customer.example"), house.customer("eve@customer.example")
    assert numbers(conn, house.carol.id) == (1, None)
    assert numbers(conn, dan.id) == (2, None)
    assert numbers(conn, eve.id) == (3, None)
    assert numbers(conn, house.bob.id) == (None, 2)
    conn.execute(schema.person.delete().where(schema.person.c.id == eve.id))
    fay = house.customer("fay@customer.example")
    assert numbers(conn, fay.id) == (4, None)
    assert fay.id > eve.id


def test_many_customers_each_once_in_order_without_the_unusable(house):
    found, left_out = people.customers(
        house.conn,
        house.desk,
        house.now,
        (
            Address("Dan", "dan@customer.example"),
            Address("", "carol@customer.example"),
            Address("", "no address"),
            Address("Dan again", "DAN@customer.example"),
            Address("Ada?", "ada@staff.example"),
        ),
    )
    assert [person.email for person in found] == ["dan@customer.example", "Carol@customer.example", "ada@staff.example"]
    assert found[2].is_staff
    assert left_out == 0
    assert people.customers(house.conn, house.desk, house.now, ()) == ((), 0)


def test_two_writers_at_once_make_one_person_and_no_number_twice(store_url, desk):
    """Two daemons on PostgreSQL, or the daemon and the command line on SQLite, meet the same new customers."""
    stores = [open_store(store_url) for _ in range(2)]
    emails = [f"c{n}@customer.example" for n in range(30)]
    try:
        together = [
            store.writer.submit(
                partial(people.customer, desk=desk, now=NOW, address=Address("", email)), conflict_retries=10
            )
            for email in emails
            for store in stores
        ]
        found = [each.result(60) for each in together]
        assert [one.id for one in found[::2]] == [other.id for other in found[1::2]]
        numbers = stores[0].read(
            lambda conn: (
                conn.execute(select(schema.person.c.customer_no).order_by(schema.person.c.customer_no)).scalars().all()
            )
        )
        assert numbers == list(range(1, 31))
    finally:
        for store in stores:
            store.close()


def test_staff_are_welcomed_by_mail(house):
    dora, token = people.add_staff(
        house.conn, house.desk, house.now, "Dora", "dora@staff.example", 2, (house.support.id,)
    )
    assert token is None
    assert (dora.level, dora.is_staff) == (2, True)
    assert people.staff_departments(house.conn, dora.id) == {house.support.id}
    (mail,) = house.mails(NoticeName.WELCOME)
    assert (mail.recipient, mail.person_id, mail.automatic, mail.ticket_id) == (
        "dora@staff.example",
        dora.id,
        True,
        None,
    )
    assert mail.reply_token == ""
    assert mail.context["link"] == ""
    assert mail.context["departments"] == ["Support"]
    assert mail.context["department"]["address"] == "support@example.org"


def test_the_link_to_set_a_password_is_good_once_and_for_seven_days(house):
    desk, conn = with_url(house.desk), house.conn
    dora, token = people.add_staff(conn, desk, house.now, "Dora", "dora@staff.example", 1, (house.support.id,))
    assert token
    (mail,) = house.mails(NoticeName.WELCOME)
    assert mail.context["link"] == f"https://desk.example/set-password/{token}"
    (stored,) = conn.execute(select(schema.person_token))
    assert stored.token_sha256 == hashlib.sha256(token.encode()).hexdigest()
    assert token not in map(str, stored)
    assert stored.expires_at == house.now + timedelta(days=7)

    for bad in ("", token[:-1], token.swapcase()):
        with pytest.raises(Refused):
            links.use(conn, house.now, bad)
    assert links.use(conn, house.now + timedelta(days=6), token) == dora
    with pytest.raises(Refused) as refused:
        links.use(conn, house.now + timedelta(days=6), token)
    assert refused.value.reason == "bad-link"

    late = links.make(conn, desk, house.now, dora, links.Purpose.INVITATION)
    assert late != token
    with pytest.raises(Refused):
        links.use(conn, house.now + timedelta(days=7), late)
    people.disable(conn, desk, house.now, person=dora)
    with pytest.raises(Refused):
        links.use(conn, house.now, late)


def test_without_a_department_nobody_can_be_welcomed_by_mail(conn, desk):
    dora, _ = people.add_staff(conn, desk, NOW, "Dora", "dora@staff.example", 3)
    assert dora.is_staff
    assert conn.execute(select(schema.outbox)).all() == []


def test_a_customer_who_becomes_staff_keeps_the_id(house):
    number, _ = numbers(house.conn, house.carol.id)
    carol, _ = people.add_staff(house.conn, house.desk, house.now, "", "carol@customer.example", 1, (house.support.id,))
    assert (carol.id, carol.name, carol.is_staff) == (house.carol.id, "Carol", True)
    assert numbers(house.conn, carol.id) == (number, 3)


@pytest.mark.parametrize(
    ("email", "level", "departments", "reason"),
    [
        ("dora", 1, (), "bad-address"),
        ("dora@staff.example", 0, (), "bad-level"),
        ("dora@staff.example", 4, (), "bad-level"),
        ("Support+x@example.org", 1, (), "own-address"),
        ("ADA@staff.example", 1, (), "already-staff"),
        ("dora@staff.example", 1, (4711,), "no-such-department"),
    ],
)
def test_staff_refused(house, email, level, departments, reason):
    with pytest.raises(Refused) as refused:
        people.add_staff(house.conn, house.desk, house.now, "Dora", email, level, departments)
    assert refused.value.reason == reason


def test_disabled_and_taken_back(house):
    conn, desk = house.conn, house.desk
    bob = people.disable(conn, desk, house.now, person=house.bob)
    assert bob.disabled_at == house.now
    assert not bob.is_staff
    assert people.disable(conn, desk, house.later(days=1), person=bob).disabled_at == bob.disabled_at
    assert people.list_staff(conn) == (house.ada, bob)
    assert people.list_staff(conn, disabled=False) == (house.ada,)
    assert people.enable(conn, desk, house.now, person=bob) == house.bob
    people.disable(conn, desk, house.now, person=house.bob)
    again, _ = people.add_staff(conn, desk, house.now, "", "bob@staff.example", 2, ())
    assert (again.id, again.name, again.level, again.disabled_at) == (house.bob.id, "Bob", 2, None)
    assert people.staff_departments(conn, again.id) == frozenset()


def test_nobody_is_enabled_under_an_address_that_became_ours(house):
    bob = people.disable(house.conn, house.desk, house.now, person=house.bob)
    house.department("Bob's", "bob@staff.example")
    with pytest.raises(Refused) as refused:
        people.enable(house.conn, house.desk, house.now, person=bob)
    assert refused.value.reason == "own-address"


@pytest.mark.parametrize("words", ["Ada Lovelace", "ada@STAFF.example", "lovelace", "ADA", " ada  lovelace "])
def test_staff_are_found_by_any_of_their_names(house, words):
    assert people.staff_named(house.conn, words) == house.ada


def test_staff_named_says_when_it_cannot_tell(house):
    house.staff("Ada Byron", "byron@staff.example")
    assert people.staff_named(house.conn, "byron").email == "byron@staff.example"
    with pytest.raises(Refused) as refused:
        people.staff_named(house.conn, "ada")
    assert refused.value.reason == "ambiguous"
    for nobody in ("carol", "", "ada.lovelace"):
        with pytest.raises(NotFound):
            people.staff_named(house.conn, nobody)
