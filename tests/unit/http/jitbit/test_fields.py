"""Custom fields of tickets, people, companies and assets: which are asked, who sees them, who sets them, and by any way."""

from __future__ import annotations

from typing import Any

import pytest

from helpdeskd.desk import changes, fields, tickets
from helpdeskd.model.fields import Access, Field, FieldKind, Owner
from tests.unit.http.jitbit.conftest import House
from tests.unit.http.jitbit.test_users import NOT_PERMITTED, NOT_YOURS, WAYS, said, sent


@pytest.fixture(scope="module")
def known(house: House) -> dict[str, Field]:
    """By name. Colour is asked in Sales alone, Cost is for staff, Serial is set by staff and read by all."""
    sales = (house.places["sales"].id,)

    def add(name: str, kind: FieldKind, owner: Owner = Owner.TICKET, **more: Any) -> Field:
        added: Field = house.write(fields.add, owner=owner, name=name, kind=kind, actor=None, **more)
        return added

    every = [
        add("Room", FieldKind.TEXT, in_grid=True),
        add("Due", FieldKind.DATE),
        add("Colour", FieldKind.CHOICE, options=("Red", "Blue"), departments=sales),
        add("Urgent", FieldKind.CHECKBOX),
        add("Story", FieldKind.MULTILINE, mandatory=True),
        add("Cost", FieldKind.TEXT, access=Access.STAFF),
        add("Serial", FieldKind.TEXT, access=Access.READ_ONLY),
        add("Size", FieldKind.CHOICE, options=("S", "XL")),
        add("Badge", FieldKind.TEXT, Owner.PERSON),
        add("Rank", FieldKind.TEXT, Owner.PERSON, access=Access.STAFF),
        add("Contract", FieldKind.DATE, Owner.COMPANY),
        add("Weight", FieldKind.TEXT, Owner.ASSET),
    ]
    return {field.name: field for field in every}


def a_ticket(house: House, who: str = "carol", place: str = "support") -> int:
    return house.opened(place, who, "Lamp", "It is out.")


def held(house: House, who: str, ticket: int, more: str = "") -> dict[str, str | None]:
    found = house.ask(who, "GET", f"TicketCustomFields?id={ticket}{more}")
    assert found.status_code == 200, found.text
    return {each["FieldName"]: each["Value"] for each in found.json()}


def test_a_field_to_the_letter(house: House, known):
    ticket, size = a_ticket(house), known["Size"]
    values = {"ticketId": ticket, "fieldId": size.id, "value": "xl"}
    assert said(house.ask("tina", "POST", "SetCustomField", data=values)) == (200, "")
    expected = {
        "FieldID": size.id,
        "FieldName": "Size",
        "Type": 3,
        "UsageType": 0,
        "Value": "XL",
        "ValueWithOption": "XL",
        "OptionID": size.options[1].id,
        "Mandatory": False,
        "OrderByNumber": size.position,
        "ShowInGrid": False,
        "ForTechsOnly": False,
        "AccessType": 0,
        "SelectionComboOptions": [{"OptionID": each.id, "Value": each.words} for each in size.options],
    }
    found = house.ask("carol", "GET", f"TicketCustomFields/{ticket}").json()
    assert found == [expected]
    assert list(found[0]) == list(expected)
    asked = house.ask("carol", "POST", "customfieldsforcategory", json={"categoryid": house.places["support"].id})
    empty = {"Value": None, "ValueWithOption": None, "OptionID": None}
    assert [each for each in asked.json() if each["FieldName"] == "Size"] == [expected | empty]


def test_what_a_category_asks(house: House, known):
    def asked(who: str, place: str) -> list[str]:
        found = house.ask(who, "GET", f"CustomFieldsForCategory?id={house.places[place].id}")
        return [each["FieldName"] for each in found.json()]

    for who in ("ada", "tina", "sven"):
        assert asked(who, "support") == ["Room", "Due", "Urgent", "Story", "Cost", "Serial", "Size"]
    assert asked("dan", "sales") == ["Room", "Due", "Colour", "Urgent", "Story", "Serial", "Size"]
    path = "CustomFieldsForCategory"
    assert said(house.ask("dan", "GET", path)) == (400, "Parameter id is missing.")
    assert said(house.ask("dan", "GET", f"{path}/99")) == (404, "There is no department 99.")


@pytest.mark.parametrize("way", WAYS)
def test_a_value_is_set_by_any_way(house: House, known, way):
    ticket = a_ticket(house)
    values = {"TicketID": ticket, "fieldid": known["Room"].id, "Value": "4 b"}
    assert said(house.ask("tina", "POST", "SetCustomField", **sent(way, values))) == (200, "")
    assert held(house, "tina", ticket) == {"Room": "4 b"}
    several = {"ticketId": ticket, f"cf{known['Urgent'].id}": "True", f"CF{known['Due'].id}": "03/01/2026"}
    assert said(house.ask("tina", "POST", "SetCustomFields", **sent(way, several))) == (200, "")
    assert held(house, "carol", ticket) == {"Room": "4 b", "Due": "2026-03-01", "Urgent": "true"}


def test_a_value_is_taken_away_and_shown_empty(house: House, known):
    ticket = a_ticket(house)
    several = {f"cf{known['Room'].id}": "4", f"cf{known['Size'].id}": str(known["Size"].options[0].id)}
    house.ask("tina", "POST", "SetCustomFields", json={"ticketId": ticket, **several})
    house.ask("tina", "POST", "SetCustomField", json={"ticketId": ticket, "fieldId": known["Room"].id, "value": ""})
    assert held(house, "carol", ticket) == {"Size": "S"}
    unset = held(house, "carol", ticket, "&returnUnset=true")
    assert unset == {"Room": None, "Due": None, "Urgent": None, "Story": None, "Serial": None, "Size": "S"}


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("Due", "soon", "Due: expected a date as YYYY-MM-DD."),
        ("Size", "M", "Size: expected one of S, XL."),
        ("Urgent", "x", "Urgent: expected true or false."),
        ("Room", "x" * 1001, "Room: expected at most 1000 characters."),
        ("Story", "", "Story must not be empty."),
        ("Colour", "Red", "Tickets of this department have no Colour."),
        ("Room", None, "Parameter value is missing."),
    ],
)
def test_a_value_that_cannot_be(house: House, known, field, value, words):
    values = {"ticketId": 1, "fieldId": known[field].id} | ({} if value is None else {"value": value})
    assert said(house.ask("tina", "POST", "SetCustomField", data=values)) == (400, words)
    assert held(house, "tina", 1) == {}


def test_all_of_several_or_none(house: House, known):
    ticket = a_ticket(house)
    several = {"ticketId": ticket, f"cf{known['Room'].id}": "4", f"cf{known['Due'].id}": "soon"}
    assert house.ask("tina", "POST", "SetCustomFields", data=several).status_code == 400
    assert held(house, "tina", ticket) == {}
    path = "SetCustomFields"
    assert said(house.ask("tina", "POST", path, data={"ticketId": ticket})) == (
        400,
        "Parameter cf and a field's number is missing.",
    )
    assert said(house.ask("tina", "POST", path, data={"cf1": "4"})) == (400, "Parameter ticketId is missing.")
    assert said(house.ask("tina", "POST", path, data={"ticketId": ticket, "cf9999": "4"})) == (
        404,
        "There is no field 9999.",
    )


def test_who_sets_what(house: House, known):
    """Those who work on the ticket all of it, who asked for it what is everybody's; a field one does not see is not there."""
    ticket = a_ticket(house)
    said_by = {}
    for who in ("ada", "tina", "carol", "mona", "sven", "dan"):
        for name in ("Room", "Serial", "Cost", "Badge"):
            values = {"ticketId": ticket, "fieldId": known[name].id, "value": who}
            said_by[who, name] = house.ask(who, "POST", "SetCustomField", data=values).status_code
    names = ("Room", "Serial", "Cost", "Badge")
    found = {who: [said_by[who, name] for name in names] for who in ("ada", "tina", "carol", "mona", "sven", "dan")}
    assert found == {
        "ada": [200, 200, 200, 404],
        "tina": [200, 200, 200, 404],
        "carol": [200, 403, 404, 404],
        "mona": [403, 403, 403, 403],  # sees it, and changes nothing
        "sven": [404, 404, 404, 404],
        "dan": [404, 404, 404, 404],
    }
    assert held(house, "tina", ticket) == {"Room": "carol", "Cost": "tina", "Serial": "tina"}
    assert held(house, "carol", ticket) == held(house, "mona", ticket) == {"Room": "carol", "Serial": "tina"}
    assert said(house.ask("sven", "GET", f"TicketCustomFields?id={ticket}")) == (404, f"There is no ticket {ticket}.")


def test_fields_of_people(house: House, known):
    carol = house.people["carol"].id
    for name in ("Badge", "Rank"):
        values = {"userId": carol, "fieldId": known[name].id, "value": f"{name}!"}
        assert said(house.ask("ada", "POST", "SetCustomFieldForUser", data=values)) == (200, "")

    def seen(who: str) -> Any:
        found = house.ask(who, "GET", f"UserCustomFields?userId={carol}")
        return {each["FieldName"]: each["Value"] for each in found.json()} if found.status_code == 200 else said(found)

    assert seen("ada") == seen("sven") == {"Badge": "Badge!", "Rank": "Rank!"}
    assert seen("carol") == {"Badge": "Badge!"}
    assert seen("mona") == seen("dan") == NOT_YOURS
    mine = house.ask("dan", "GET", f"UserCustomFields?userId={house.people['dan'].id}").json()
    assert [(each["FieldName"], each["Value"], each["UsageType"]) for each in mine] == [("Badge", None, 1)]
    path = "SetCustomFieldForUser"
    given = {"userId": carol, "fieldId": known["Badge"].id, "value": "1"}
    assert said(house.ask("carol", "POST", path, data=given)) == NOT_PERMITTED
    assert house.ask("ada", "POST", path, data=given | {"userId": 9999}).status_code == 404
    assert house.ask("ada", "POST", path, data=given | {"fieldId": known["Room"].id}).status_code == 404
    assert said(house.ask("ada", "GET", "UserCustomFields?userId=9999")) == (404, "There is no person 9999.")


def test_fields_of_companies(house: House, known):
    given = {"id": house.acme, "fieldId": known["Contract"].id, "value": "2026-12-31T00:00:00"}
    assert said(house.ask("ada", "POST", "SetCustomFieldForCompany", json=given)) == (200, "")
    (found,) = house.ask("sven", "GET", f"CompanyCustomFields/{house.acme}").json()
    assert (found["FieldName"], found["Value"], found["Type"], found["UsageType"]) == ("Contract", "2026-12-31", 2, 3)
    assert said(house.ask("sven", "POST", "SetCustomFieldForCompany", json=given)) == NOT_PERMITTED
    assert said(house.ask("mona", "GET", f"CompanyCustomFields?id={house.acme}")) == NOT_PERMITTED
    assert said(house.ask("ada", "GET", "CompanyCustomFields?id=99")) == (404, "There is no company 99.")
    refused = house.ask("ada", "POST", "SetCustomFieldForCompany", json=given | {"value": "soon"})
    assert said(refused) == (400, "Contract: expected a date as YYYY-MM-DD.")


NEW = {"categoryId": 1, "subject": "Lamp", "body": "It is out.", "priorityId": 0}


@pytest.mark.parametrize("way", ["text", "object"])
def test_fields_of_a_new_ticket(house: House, known, way):
    """As an object in JSON, or as one written in a text."""
    room, urgent, cost = (str(known[name].id) for name in ("Room", "Urgent", "Cost"))
    if way == "text":
        text = f'{{"{room}": "4", "{urgent}": true, "{cost}": 7.5}}'
        answer = house.ask("sven", "POST", "ticket", data=NEW | {"customFields": text})
    else:
        answer = house.ask(
            "sven", "POST", "ticket", json=NEW | {"customFields": {room: "4", urgent: "on", cost: "7.5"}}
        )
    assert answer.status_code == 200, answer.text
    assert held(house, "ada", answer.json()) == {"Room": "4", "Urgent": "true", "Cost": "7.5"}


@pytest.mark.parametrize(
    ("who", "field", "value", "status", "words"),
    [
        ("carol", "Due", '"soon"', 400, "Due: expected a date as YYYY-MM-DD."),
        ("carol", "Serial", '"1"', 403, "Serial is set by staff."),
        ("carol", "Cost", '"1"', 404, "There is no field {}."),
        ("carol", "Colour", '"Red"', 400, "Tickets of this department have no Colour."),
        (
            "tina",
            "Room",
            "[",
            400,
            "Parameter customFields is wrong, expected a JSON object of values by field number.",
        ),
    ],
)
def test_no_ticket_with_what_cannot_be(house: House, known, who, field, value, status, words):
    before = len(house.ask("ada", "GET", "Tickets?count=300").json())
    text = f'{{"{known[field].id}": {value}}}'
    answer = house.ask(who, "POST", "ticket", data=NEW | {"customFields": text})
    assert said(answer) == (status, words.format(known[field].id))
    assert len(house.ask("ada", "GET", "Tickets?count=300").json()) == before


def test_fields_in_lists(house: House, known):
    ticket, bare = a_ticket(house), a_ticket(house)
    several = {f"cf{known['Room'].id}": "4", f"cf{known['Cost'].id}": "7"}
    house.ask("tina", "POST", "SetCustomFields", data={"ticketId": ticket, **several})

    def listed(who: str, more: str) -> dict[int, Any]:
        found = house.ask(who, "GET", f"Tickets?count=2{more}").json()
        return {
            each["IssueID"]: each.get("CustomFields")
            and {one["FieldName"]: one["Value"] for one in each["CustomFields"]}
            for each in found
        }

    assert listed("tina", "&includeCustomFields=true") == {bare: [], ticket: {"Room": "4", "Cost": "7"}}
    assert listed("carol", "&includeCustomFields=true") == {bare: [], ticket: {"Room": "4"}}
    assert listed("tina", "") == {bare: None, ticket: None}


def test_a_merged_tickets_values_go_with_it(house: House, known):
    source, target = a_ticket(house), a_ticket(house)
    room, urgent, due = (known[name].id for name in ("Room", "Urgent", "Due"))
    for ticket, values in ((source, {room: "4", urgent: "true"}), (target, {room: "5", due: "2026-03-01"})):
        several = {f"cf{field}": value for field, value in values.items()}
        house.ask("tina", "POST", "SetCustomFields", data={"ticketId": ticket, **several})
    into = house.read(tickets.get, target)
    house.write(changes.merge, ticket=house.read(tickets.get, source), into=into, actor=house.people["tina"])
    assert (
        held(house, "tina", source)
        == held(house, "tina", target)
        == {
            "Room": "5",
            "Due": "2026-03-01",
            "Urgent": "true",
        }
    )
