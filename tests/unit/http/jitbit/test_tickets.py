"""Lists of tickets and their figures: to the letter, each filter, who sees what, what is wrong."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import Connection, insert, update

from helpdeskd.desk import changes, participants, people, relations, tags, tickets
from helpdeskd.desk.context import Desk, Words
from helpdeskd.model.ticket import State
from helpdeskd.store import schema
from tests.unit.http.jitbit.conftest import AT, NOON, OFFER, PRINTER, House

CLOSED, ANSWERED, MERGED = 3, 4, 5
DAYS = {PRINTER: 0, OFFER: 3, CLOSED: 5, ANSWERED: 9, MERGED: 9}  # before AT: when each was opened


@pytest.fixture(scope="module")
def town(house: House) -> Iterator[House]:
    """Beside the two of the house: CLOSED of Dan in Support, ANSWERED of Carol in Sales, who answered again, and MERGED into it."""
    house.opened("support", "dan", "Old", "Is it closed?")
    house.opened("sales", "carol", "Answered", "How much?")
    house.opened("sales", "carol", "Again", "How much?")
    ada, sven = house.people["ada"], house.people["sven"]
    closed, answered, merged = (house.read(tickets.get, each) for each in (CLOSED, ANSWERED, MERGED))
    house.write(changes.set_state, ticket=closed, state=State.CLOSED, actor=ada, tell=False)
    house.write(changes.assign, ticket=answered, assignee=sven, actor=ada, tell=False)
    house.write(tickets.staff_reply, ticket=answered, author=sven, words=Words(text="Ten."))
    house.write(tickets.customer_reply, ticket=answered, author=house.people["carol"], words=Words("?"), reopen=True)
    house.write(changes.merge, ticket=merged, into=answered, actor=ada)
    house.write(tags.add, ticket=closed, tags=["red", "blue"], actor=ada)
    house.write(relations.add_child, ticket=answered, child=closed, actor=ada)
    house.write(furnished)
    yield house


def furnished(conn: Connection, desk: Desk, now: Any) -> None:
    t = schema.ticket.c
    for ticket_id, days in DAYS.items():
        then = AT - timedelta(days=days)
        conn.execute(update(schema.ticket).where(t.id == ticket_id).values(created_at=then, updated_at=then))
    conn.execute(update(schema.ticket).where(t.id == OFFER).values(due_at=AT + timedelta(days=2)))
    conn.execute(update(schema.ticket).where(t.id == PRINTER).values(due_at=AT + timedelta(days=20)))
    section = conn.execute(insert(schema.section).returning(schema.section.c.id), {"name": "Money"}).scalar_one()
    place = schema.department.c
    conn.execute(update(schema.department).where(place.name == "Sales").values(section_id=section))
    participants.add(conn, now, CLOSED, 6, [people.get(conn, 5)])


def listed(house: House, who: str, **params: Any) -> list[int]:
    found = house.ask(who, "GET", "Tickets", params=params)
    assert found.status_code == 200, found.text
    return [each["IssueID"] for each in found.json()]


def test_a_row_to_the_letter(town: House) -> None:
    carol, sven = town.people["carol"], town.people["sven"]
    (row,) = town.ask("ada", "GET", "Tickets", params={"fromUserId": carol.id, "handledByUserID": sven.id}).json()
    assert row == {
        "IssueID": ANSWERED,
        "TicketID": ANSWERED,
        "Priority": 0,
        "StatusID": 2,
        "IssueDate": "2026-02-20T12:00:00Z",
        "Subject": "Answered",
        "Status": "In progress",
        "UpdatedByUser": True,
        "UpdatedByPerformer": False,
        "UpdatedForTechView": False,
        "CategoryID": town.places["sales"].id,
        "Category": "Sales",
        "UserID": carol.id,
        "UserName": "carol",
        "FirstName": "Carol Ann",
        "LastName": "Jones",
        "Email": "carol@client.example",
        "AssignedToUserID": sven.id,
        "Technician": "sven",
        "TechFirstName": "Sven",
        "TechLastName": "",
        "DueDate": None,
        "LastUpdated": "2026-02-20T12:00:00Z",
        "ResolvedDate": None,
        "CompanyID": town.acme,
        "CompanyName": "Acme",
        "SectionID": 1,
        "Origin": "API",
        "HasChildren": True,
        "LastUpdatedByUserID": carol.id,
        "LastUpdatedUsername": "carol",
        "StartDate": NOON,
        "TimeSpentInSeconds": 0,
        "StatusColor": None,
    }


EVERYTHING = [ANSWERED, CLOSED, OFFER, PRINTER]

FILTERS: list[tuple[dict[str, Any], list[int]]] = [
    ({}, EVERYTHING),
    ({"mode": "all"}, EVERYTHING),
    ({"mode": "Unclosed"}, [ANSWERED, OFFER, PRINTER]),
    ({"mode": "unanswered"}, [ANSWERED, OFFER, PRINTER]),
    ({"mode": "handledbyme"}, []),
    ({"mode": "handledbyme", "handledByUserID": 2}, []),
    ({"mode": "unclosed", "statusId": 3}, []),
    ({"statusId": 1}, [OFFER, PRINTER]),
    ({"statusId": [2, 3]}, [ANSWERED, CLOSED]),
    ({"statusid": 3}, [CLOSED]),
    ({"statusId": 17051}, []),
    ({"statusId": ""}, EVERYTHING),
    ({"statuses": "1, closed"}, [CLOSED, OFFER, PRINTER]),
    ({"statuses": ["1", "closed"]}, [CLOSED, OFFER, PRINTER]),
    ({"statuses": "In Progress"}, [ANSWERED]),
    ({"statuses": "99"}, []),
    ({"statuses": ","}, EVERYTHING),
    ({"categoryId": "SUPPORT"}, [CLOSED, PRINTER]),
    ({"categoryId": ["SUPPORT", "SALES"], "statusId": [1, 3]}, [CLOSED, OFFER, PRINTER]),
    ({"categoryId": 999}, []),
    ({"sectionId": 1}, [ANSWERED, OFFER]),
    ({"sectionId": 9}, []),
    ({"fromUserId": "DAN"}, [CLOSED, OFFER]),
    ({"fromCompanyId": "ACME"}, [ANSWERED, PRINTER]),
    ({"handledByUserID": "TINA"}, [PRINTER]),
    ({"handledByUserID": "TINA", "mode": "unclosed", "categoryId": "SUPPORT"}, [PRINTER]),
    ({"tagName": "Red"}, [CLOSED]),
    ({"tagName": "green"}, []),
    ({"tagName": "no\x00tag"}, []),
    ({"dateFrom": "2026-02-24"}, [CLOSED, OFFER, PRINTER]),
    ({"dateFrom": "2026-02-20", "dateTo": "2026-02-24"}, [ANSWERED, CLOSED]),
    ({"dateTo": "2026-02-24T12:00:00Z"}, [ANSWERED, CLOSED]),
    ({"dateTo": "2026-02-24T11:59:59Z"}, [ANSWERED]),
    ({"dateTo": "9999-12-31"}, EVERYTHING),
    ({"updatedFrom": "2026-02-26"}, [OFFER, PRINTER]),
    ({"updatedTo": "02/26/2026"}, [ANSWERED, CLOSED, OFFER]),
    ({"updatedByType": "tech"}, [OFFER]),
    ({"updatedByType": "Cust"}, [ANSWERED, CLOSED, PRINTER]),
    ({"dueInDays": 2}, []),
    ({"dueInDays": 3}, [OFFER]),
    ({"dueInDays": -1}, []),
    ({"includeCustomFields": "True"}, EVERYTHING),
    ({"subscribedOnly": "false"}, EVERYTHING),
    ({"subscribedOnly": "true"}, []),
    ({"count": 2}, [ANSWERED, CLOSED]),
    ({"count": 2, "offset": 1}, [CLOSED, OFFER]),
    ({"count": 2, "offset": 4}, []),
    ({"count": 0}, []),
    ({"count": 1000}, EVERYTHING),
    ({"offset": 999999999}, []),
]


@pytest.mark.parametrize(("params", "right"), FILTERS, ids=lambda each: str(each) if isinstance(each, dict) else "")
def test_filters(town: House, params: dict[str, Any], right: list[int]) -> None:
    meant: dict[Any, Any] = {
        "SUPPORT": town.places["support"].id,
        "SALES": town.places["sales"].id,
        "ACME": town.acme,
        "TINA": town.people["tina"].id,
        "DAN": town.people["dan"].id,
    }
    asked = {
        name: [meant.get(each, each) for each in value] if isinstance(value, list) else meant.get(value, value)
        for name, value in params.items()
    }
    assert listed(town, "ada", **asked) == right


@pytest.mark.parametrize(
    ("who", "params", "right"),
    [
        ("ada", {}, EVERYTHING),
        ("tina", {}, [CLOSED, PRINTER]),
        ("tina", {"mode": "handledbyme"}, [PRINTER]),
        ("tina", {"subscribedOnly": "true"}, [PRINTER]),
        ("sven", {}, [ANSWERED, OFFER]),
        ("sven", {"categoryId": 1}, []),
        ("mona", {}, [ANSWERED, PRINTER]),
        ("mona", {"subscribedOnly": "1"}, []),
        ("carol", {}, [ANSWERED, CLOSED, PRINTER]),
        ("carol", {"mode": "unclosed"}, [ANSWERED, PRINTER]),
        ("carol", {"fromUserId": 6}, [CLOSED]),
        ("carol", {"subscribedOnly": "true"}, [ANSWERED, CLOSED, PRINTER]),
        ("dan", {}, [CLOSED, OFFER]),
        ("dan", {"tagName": "blue"}, [CLOSED]),
        ("dan", {"fromUserId": 5}, []),
    ],
)
def test_who_sees_which(town: House, who: str, params: dict[str, Any], right: list[int]) -> None:
    assert listed(town, who, **params) == right


@pytest.mark.parametrize("style", ["data", "json", "files"])
def test_a_list_is_asked_for_by_post_too(town: House, style: str) -> None:
    given: dict[str, Any] = {"STATUSID": "3", "Count": "5"}
    more = {style: {name: (None, value) for name, value in given.items()} if style == "files" else given}
    assert [each["IssueID"] for each in town.ask("ada", "POST", "tickets", **more).json()] == [CLOSED]


@pytest.mark.parametrize(
    ("params", "words"),
    [
        ({"mode": "open"}, "Parameter mode is wrong, expected all, unanswered, updated, unclosed or handledbyme."),
        ({"statusId": "new"}, "Parameter statusId is wrong, expected a number from 0."),
        ({"statuses": "waiting"}, "Parameter statuses is wrong, expected statuses divided by commas."),
        ({"categoryId": ["1", "x"]}, "Parameter categoryId is wrong, expected a number from 0."),
        ({"sectionId": "0"}, "Parameter sectionId is wrong, expected a number from 1."),
        ({"fromUserId": "carol"}, "Parameter fromUserId is wrong, expected a number from 1."),
        ({"dateFrom": "yesterday"}, "Parameter dateFrom is wrong, expected a date such as 2026-03-01 or"),
        ({"dateTo": "2026-02-30"}, "Parameter dateTo is wrong, expected a date such as 2026-03-01 or"),
        ({"updatedByType": "admin"}, "Parameter updatedByType is wrong, expected tech or cust."),
        ({"dueInDays": "99999"}, "Parameter dueInDays is wrong, expected a number of days."),
        ({"includeCustomFields": "maybe"}, "Parameter includeCustomFields is wrong, expected true or false."),
        ({"count": "-1"}, "Parameter count is wrong, expected a number from 0."),
        ({"offset": "9999999999"}, "Parameter offset is wrong, expected a number from 0."),
        ({"count": "x", "mode": "y"}, "; parameter count is wrong, expected a number from 0."),
    ],
)
def test_what_is_wrong_with_a_filter_is_said(town: House, params: dict[str, Any], words: str) -> None:
    found = town.ask("ada", "GET", "Tickets", params=params)
    assert found.status_code == 400
    assert words in found.text


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize("path", ["Tickets", "Stats"])
def test_nobody_in_particular_sees_nothing(town: House, method: str, path: str) -> None:
    assert town.ask("", method, path).status_code == 401


@pytest.mark.parametrize(
    ("who", "figures"),
    [
        # total, new, in progress, closed, unclosed, unanswered, unassigned
        ("ada", [4, 2, 1, 1, 3, 3, 1]),
        ("tina", [2, 1, 0, 1, 1, 1, 0]),
        ("sven", [2, 1, 1, 0, 2, 2, 1]),
        ("mona", [2, 1, 1, 0, 2, 2, 0]),
        ("carol", [3, 1, 1, 1, 2, 2, 0]),
        ("dan", [2, 1, 0, 1, 1, 1, 1]),
    ],
)
def test_figures(town: House, who: str, figures: list[int]) -> None:
    names = ["TotalTickets", "NewTickets", "InProcess", "Closed", "Unclosed", "Unanswered", "Unassigned"]
    assert town.ask(who, "GET", "stats").json() == dict(zip(names, figures, strict=True))
