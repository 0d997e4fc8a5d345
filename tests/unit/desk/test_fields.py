"""Custom fields: what may be asked, and what is taken as an answer."""

from __future__ import annotations

import pytest

from helpdeskd.desk import changes, companies, field_values, fields, removal, tickets
from helpdeskd.errors import NotFound, Refused
from helpdeskd.model.fields import Access, Field, FieldKind, Option, Owner, Value
from tests.unit.desk.plans import indexed

CHOICE = Field(
    1,
    Owner.TICKET,
    "Colour",
    FieldKind.CHOICE,
    False,
    0,
    False,
    Access.EVERYONE,
    (Option(7, "Red"), Option(8, "7"), Option(9, "Dark  blue")),
)


def of_kind(kind, mandatory=False):
    return Field(1, Owner.TICKET, "X", kind, mandatory, 0, False, Access.EVERYONE)


@pytest.mark.parametrize(
    ("kind", "given", "kept"),
    [
        (FieldKind.TEXT, "  two \n words ", "two words"),
        (FieldKind.MULTILINE, " a\r\n  b ", "a\n  b"),
        (FieldKind.CHECKBOX, "True", "true"),
        (FieldKind.CHECKBOX, "1", "true"),
        (FieldKind.CHECKBOX, "on", "true"),
        (FieldKind.CHECKBOX, "0", "false"),
        (FieldKind.CHECKBOX, "FALSE", "false"),
        (FieldKind.DATE, "2026-02-03", "2026-02-03"),
        (FieldKind.DATE, "20260203", "2026-02-03"),
        (FieldKind.DATE, "2026-02-03T23:59:59.999Z", "2026-02-03"),
        (FieldKind.DATE, "2026-02-03 10:00", "2026-02-03"),
        (FieldKind.DATE, "2026/2/3", "2026-02-03"),
        (FieldKind.DATE, "3.2.2026", "2026-02-03"),
        (FieldKind.DATE, "2/3/2026", "2026-02-03"),
        (FieldKind.DATE, "23/2/2026", "2026-02-23"),
        (FieldKind.DATE, "Tue, 03 Feb 2026 10:00:00 +0000", "2026-02-03"),
        (FieldKind.TEXT, "", ""),
        (FieldKind.DATE, "  ", ""),
    ],
)
def test_a_value_is_kept_in_one_form(kind, given, kept):
    assert field_values.judge(of_kind(kind), given).words == kept


@pytest.mark.parametrize(
    ("given", "option"),
    [("7", 7), ("8", 8), ("red", 7), (" dark blue ", 9)],
)
def test_a_choice_by_number_or_words(given, option):
    assert field_values.judge(CHOICE, given).option_id == option


@pytest.mark.parametrize(
    ("field", "given", "says"),
    [
        (of_kind(FieldKind.TEXT), "x" * 1001, "X: expected at most 1000 characters"),
        (of_kind(FieldKind.MULTILINE), "x" * 50_001, "X: expected at most 50000 characters"),
        (of_kind(FieldKind.CHECKBOX), "maybe", "X: expected true or false"),
        (of_kind(FieldKind.DATE), "2026-02-30", "X: expected a date as YYYY-MM-DD"),
        (of_kind(FieldKind.DATE), "31.31.2026", "X: expected a date as YYYY-MM-DD"),
        (of_kind(FieldKind.DATE), "soon", "X: expected a date as YYYY-MM-DD"),
        (of_kind(FieldKind.DATE), "1 Jan 99999999999999999999 00:00:00", "X: expected a date as YYYY-MM-DD"),
        (CHOICE, "green", "Colour: expected one of Red, 7, Dark  blue"),
        (CHOICE, "10", "Colour: expected one of Red, 7, Dark  blue"),
        (CHOICE, "\N{SUPERSCRIPT SEVEN}", "Colour: expected one of Red, 7, Dark  blue"),
        (of_kind(FieldKind.TEXT, mandatory=True), " ", "X must not be empty"),
    ],
)
def test_what_is_expected_is_said(field, given, says):
    with pytest.raises(Refused, match=f"^{says}"):
        field_values.judge(field, given)


def add(house, name, kind=FieldKind.TEXT, owner=Owner.TICKET, **more):
    return fields.add(house.conn, house.desk, house.now, owner=owner, name=name, kind=kind, actor=None, **more)


def put(house, field, owner_id, value):
    return field_values.put(
        house.conn, house.desk, house.now, field=field, owner_id=owner_id, value=value, actor=house.ada
    )


def test_fields_are_listed_in_their_order(house):
    sales = house.department("Sales", "sales@example.org")
    colour = add(house, "Colour", FieldKind.CHOICE, options=("Red", "Blue"), departments=(sales.id,), in_grid=True)
    serial = add(house, "Serial", mandatory=True, access=Access.STAFF)
    first = add(house, "First", position=0)
    theirs = add(house, "Colour", owner=Owner.COMPANY)
    conn = house.conn
    assert fields.list(conn, Owner.TICKET) == (colour, first, serial)
    assert fields.list(conn) == (theirs, colour, first, serial)
    assert fields.get(conn, colour.id) == colour
    assert [option.words for option in colour.options] == ["Red", "Blue"]
    assert (colour.departments, serial.mandatory, serial.access) == (frozenset({sales.id}), True, Access.STAFF)
    assert fields.of_ticket(conn, house.support.id) == (first, serial)
    assert fields.of_ticket(conn, sales.id) == (colour, first, serial)
    assert fields.named(conn, Owner.TICKET, "serial") == serial
    fields.remove(conn, house.desk, house.now, field=serial, actor=None)
    assert fields.list(conn, Owner.TICKET) == (colour, first)
    for missing in (lambda: fields.get(conn, serial.id), lambda: fields.named(conn, Owner.TICKET, "serial")):
        with pytest.raises(NotFound):
            missing()
    add(house, "Serial")


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        ({"name": " "}, "bad-name"),
        ({"name": "COLOUR"}, "name-taken"),
        ({"name": "x", "options": ("a",)}, "bad-options"),
        ({"name": "x", "kind": FieldKind.CHOICE}, "bad-options"),
        ({"name": "x", "kind": FieldKind.CHOICE, "options": ("a", " A ")}, "bad-options"),
        ({"name": "x", "departments": (4711,)}, "no-such-department"),
        ({"name": "x", "owner": Owner.ASSET, "departments": (1,)}, "departments-without-tickets"),
        ({"name": "x", "position": -1}, "bad-position"),
    ],
)
def test_fields_that_cannot_be(house, given, reason):
    add(house, "Colour")
    if given.get("departments") == (1,):
        given = given | {"departments": (house.support.id,)}
    with pytest.raises(Refused) as refused:
        add(house, **given)
    assert refused.value.reason == reason


def test_values_of_a_ticket(house):
    sales = house.department("Sales", "sales@example.org")
    serial, due = add(house, "Serial", in_grid=True), add(house, "Due", FieldKind.DATE)
    theirs = add(house, "Theirs", departments=(sales.id,))
    ticket = house.open().ticket
    conn, entries = house.conn, len(house.history(ticket))

    def held(**more):
        return [(value.field.name, value.words) for value in field_values.of(conn, Owner.TICKET, ticket.id, **more)]

    assert held() == []
    assert held(unset=True, department_id=house.support.id) == [("Serial", ""), ("Due", "")]
    house.later(hours=1)
    assert put(house, serial, ticket.id, "A1") == Value(serial, "A1")
    put(house, serial, ticket.id, " A1 ")
    assert house.history(ticket)[entries:] == [("field-changed", {"field": "Serial", "from": "", "to": "A1"})]
    assert tickets.get(conn, ticket.id).updated_at == house.now
    assert held() == [("Serial", "A1")]
    put(house, due, ticket.id, "3.2.2026")
    assert held(unset=True) == [("Serial", "A1"), ("Due", "2026-02-03"), ("Theirs", "")]
    several = field_values.several(conn, Owner.TICKET, (ticket.id, 4711))
    assert several == {ticket.id: (Value(serial, "A1"), Value(due, "2026-02-03"))}
    put(house, serial, ticket.id, "")
    assert held() == [("Due", "2026-02-03")]
    with pytest.raises(Refused) as refused:
        put(house, theirs, ticket.id, "x")
    assert refused.value.reason == "not-asked"
    removal.ticket(conn, house.desk, house.now, ticket=ticket, actor=house.ada)
    assert held() == []


@pytest.mark.parametrize(
    ("access", "shown", "may_set"),
    [(Access.EVERYONE, True, True), (Access.READ_ONLY, True, False), (Access.STAFF, False, False)],
)
def test_what_customers_see_and_set(house, access, shown, may_set):
    field = add(house, "X", access=access)
    ticket = house.open().ticket
    put(house, field, ticket.id, "1")
    assert bool(field_values.of(house.conn, Owner.TICKET, ticket.id, staff=False)) is shown
    assert field_values.of(house.conn, Owner.TICKET, ticket.id)
    given = {"field": field, "owner_id": ticket.id, "value": "2", "actor": house.carol}
    if may_set:
        assert field_values.put(house.conn, house.desk, house.now, **given).words == "2"
        return
    with pytest.raises(Refused) as refused:
        field_values.put(house.conn, house.desk, house.now, **given)
    assert refused.value.reason == "for-staff"


def test_all_or_none(house):
    serial, due = add(house, "Serial"), add(house, "Due", FieldKind.DATE)
    ticket = house.open().ticket
    with pytest.raises(Refused):
        field_values.put_several(
            house.conn,
            house.desk,
            house.now,
            values=((serial, "A1"), (due, "soon")),
            owner_id=ticket.id,
            actor=house.ada,
        )
    assert field_values.of(house.conn, Owner.TICKET, ticket.id) == ()


def test_a_merged_ticket_and_one_that_is_not_there(house):
    serial = add(house, "Serial")
    one, two = house.open().ticket, house.open().ticket
    changes.merge(house.conn, house.desk, house.now, ticket=one, into=two, actor=house.ada)
    for ticket_id, reason in ((one.id, "merged"), (4711, "no-such-ticket")):
        with pytest.raises(Refused) as refused:
            put(house, serial, ticket_id, "x")
        assert refused.value.reason == reason


def test_values_of_others_and_what_is_asked_of_the_store(house):
    """The same number may be a ticket's, a person's and a company's."""
    size = add(house, "Size", FieldKind.CHOICE, owner=Owner.COMPANY, options=("Small", "Big"))
    vip = add(house, "VIP", FieldKind.CHECKBOX, owner=Owner.PERSON)
    acme = companies.add(house.conn, house.desk, house.now, name="Acme", actor=None)
    put(house, size, acme.id, "big")
    put(house, vip, house.carol.id, "on")
    (of_acme,) = field_values.of(house.conn, Owner.COMPANY, acme.id)
    assert (of_acme.words, of_acme.option_id) == ("Big", size.options[1].id)
    put(house, vip, 4712, "1")
    field_values.hand_over(house.conn, Owner.PERSON, 4712, 4713)
    field_values.hand_over(house.conn, Owner.PERSON, house.carol.id, 4713)
    assert field_values.several(house.conn, Owner.PERSON, (house.carol.id, 4712, 4713)) == {4713: (Value(vip, "true"),)}
    field_values.take_away(house.conn, Owner.COMPANY, acme.id)
    assert field_values.of(house.conn, Owner.COMPANY, acme.id) == ()
    assert len(field_values.of(house.conn, Owner.PERSON, 4713)) == 1
    many = range(1, 50)
    known = fields.list(house.conn, Owner.PERSON)
    assert indexed(house.conn, lambda: field_values._held(house.conn, known, many)) == 1
