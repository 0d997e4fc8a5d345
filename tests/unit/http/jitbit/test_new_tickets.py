"""Tickets opened: what becomes of them, whom it is told, who may, what is wrong."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import select

from helpdeskd.desk import departments
from helpdeskd.store import schema
from tests.unit.http.jitbit.conftest import NOON, House
from tests.unit.http.jitbit.posted import STYLES, all_mails, created, kinds, shown


@pytest.mark.parametrize("style", STYLES)
def test_a_ticket_is_opened_by_any_way(house: House, style: str) -> None:
    given = {
        "CategoryID": house.places["support"].id,
        "subject": "Re: Fax",
        "BODY": "<!--html--><p>It <b>beeps</b><script>x()</script>.</p>",
        "priorityid": 2,
        "Tags": "Loud, old ,",
        "origin": 6,
    }
    found = house.ask("dan", "POST", "ticket", **STYLES[style](given))
    assert (found.status_code, found.headers["content-type"]) == (200, "application/json; charset=UTF-8")
    number = int(found.text)
    assert found.text == str(number)  # an integer alone
    ticket = shown(house, number)
    names = (
        "Subject",
        "Body",
        "Priority",
        "StatusID",
        "CategoryID",
        "UserID",
        "Origin",
        "IssueDate",
        "AssignedToUserID",
    )
    assert [ticket[name] for name in names] == [
        "Re: Fax",
        "<!--html--><p>It <b>beeps</b>.</p>",
        2,
        1,
        house.places["support"].id,
        house.people["dan"].id,
        "Phone",
        NOON,
        None,
    ]
    assert [(tag["Name"], tag["TagID"] > 0) for tag in ticket["Tags"]] == [("loud", True), ("old", True)]
    assert all_mails(house, number) == [
        ("acknowledgement", "dan@client.example", []),
        ("new_ticket", "tina@staff.example", []),
    ]
    assert kinds(house, number) == ["opened", "tagged"]


def test_what_is_left_out_has_its_default(house: House) -> None:
    ticket = shown(house, created(house, "dan", priorityId="", origin="", userId="", tags="", assignedToUserId="0"))
    assert [ticket[name] for name in ("Priority", "Origin", "Tags", "OnBehalfUserName")] == [0, "API", [], None]


def test_no_confirmation_where_none_is_wanted(house: House) -> None:
    number = created(house, "dan", suppressConfirmation="True")
    assert all_mails(house, number) == [("new_ticket", "tina@staff.example", [])]


def test_files_of_any_name_stand_in_the_ticket_and_go_out_with_the_mail(house: House) -> None:
    dan = house.people["dan"]
    files = [
        ("uploadFile", ("a.txt", b"one", "text/plain")),
        ("uploadFile", ("b.txt", b"two", "text/plain")),
        ("a.png", ("c.png", b"three", "image/png")),
        ("empty", ("", b"", "application/octet-stream")),
    ]
    given = {"categoryId": house.places["support"].id, "subject": "Fax", "body": "See here.", "userId": dan.id}
    number = house.ask("tina", "POST", "ticket", data=given, files=files).json()
    ticket = shown(house, number, "dan")
    assert [(each["FileName"], each["FileSize"]) for each in ticket["Attachments"]] == [
        ("a.txt", 3),
        ("b.txt", 3),
        ("c.png", 5),
    ]
    assert all_mails(house, number) == [("staff_reply", "dan@client.example", ["a.txt", "b.txt", "c.png"])]


def test_technicians_open_tickets_for_others_and_assign_them(house: House) -> None:
    dan, sven = house.people["dan"], house.people["sven"]
    number = created(house, "tina", userId=dan.id, assignedToUserId=sven.id, categoryId=house.places["sales"].id)
    ticket = shown(house, number)
    assert (ticket["UserID"], ticket["AssignedToUserID"], ticket["OnBehalfUserName"]) == (dan.id, sven.id, "Tina")
    assert all_mails(house, number) == [
        ("staff_reply", "dan@client.example", []),
        ("assigned", "sven@staff.example", []),
    ]
    quiet = created(house, "tina", userId=dan.id, suppressConfirmation="true")
    assert all_mails(house, quiet) == []


@pytest.mark.parametrize(
    ("who", "given", "status", "words"),
    [
        ("", {}, 401, "Say who you are: a user name and password, or a token."),
        ("dan", {"categoryId": None}, 400, "Parameter categoryId is missing."),
        ("dan", {"subject": None, "body": " "}, 400, "Parameter body is missing; parameter subject is missing."),
        ("dan", {"categoryId": "Support"}, 400, "Parameter categoryId is wrong, expected a number from 1."),
        ("dan", {"categoryId": "99"}, 404, "There is no department 99."),
        ("dan", {"priorityId": "3"}, 400, "Parameter priorityId is wrong, expected -1, 0, 1 or 2."),
        ("dan", {"origin": "9"}, 400, "Parameter origin is wrong, expected 0 to 8."),
        ("dan", {"userId": "x"}, 400, "Parameter userId is wrong, expected a number from 0."),
        ("dan", {"tags": "a" * 51}, 400, "is no tag: 1 to 50 printable characters without commas."),
        ("dan", {"customFields": "[1]"}, 400, "Parameter customFields is wrong, expected a JSON object of values"),
        ("dan", {"customFields": '{"x": "1"}'}, 400, "Parameter customFields is wrong, expected a JSON object of"),
        ("dan", {"suppressConfirmation": "perhaps"}, 400, "is wrong, expected true or false."),
        ("dan", {"userId": "5"}, 403, "Only staff open tickets for others, or assign them."),
        ("dan", {"assignedToUserId": "3"}, 403, "Only staff open tickets for others, or assign them."),
        ("tina", {"userId": "99"}, 404, "There is no person 99."),
        ("tina", {"assignedToUserId": "99"}, 404, "There is no person 99."),
        ("tina", {"assignedToUserId": "6"}, 400, "Dan is not staff."),
    ],
)
def test_what_is_wrong_with_a_new_ticket_is_said(
    house: House, who: str, given: dict[str, Any], status: int, words: str
) -> None:
    before = house.read(_tickets)
    asked = {"categoryId": house.places["support"].id, "subject": "Fax", "body": "It beeps."} | given
    found = house.ask(who, "POST", "ticket", data={name: each for name, each in asked.items() if each is not None})
    assert found.status_code == status
    assert words in found.text
    assert house.read(_tickets) == before


def _tickets(conn: Any) -> list[Any]:
    return list(conn.execute(select(schema.ticket.c.id)).scalars())


def test_customers_do_not_post_in_a_private_category(fresh: House) -> None:
    support = fresh.places["support"]
    fresh.write(departments.change, department=support, name="Support", private=True)
    given = {"categoryId": support.id, "subject": "Fax", "body": "It beeps."}
    found = fresh.ask("dan", "POST", "ticket", json=given)
    none = fresh.ask("dan", "POST", "ticket", json={**given, "categoryId": 4711})
    assert (found.status_code, found.text) == (404, none.text.replace("4711", str(support.id)))
    assert fresh.ask("sven", "POST", "ticket", json=given).status_code == 200
