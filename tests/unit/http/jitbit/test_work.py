"""Tags and time: what becomes of them, who may, what is wrong."""

from __future__ import annotations

from typing import Any

import pytest

from helpdeskd.desk import changes
from helpdeskd.http.dialect import Call
from helpdeskd.http.jitbit import reach
from helpdeskd.model.people import Person
from tests.unit.http.jitbit.conftest import NOON, OFFER, PRINTER, House
from tests.unit.http.jitbit.posted import a_ticket, comment, kinds, mails, ticket


def done(house: House, who: str, path: str, **given: Any) -> None:
    found = house.ask(who, "POST", path, data=given)
    assert (found.status_code, found.content) == (200, b""), found.text


def shown(house: House, number: int) -> dict[str, Any]:
    found: dict[str, Any] = house.ask("ada", "GET", f"ticket/{number}").json()
    return found


def test_tags_have_numbers_of_their_own(house: House) -> None:
    one, other = a_ticket(house), a_ticket(house)
    for number, name in ((one, "Red hot"), (one, "alarm"), (one, "#red hot"), (other, "RED-HOT")):
        done(house, "tina", "TagTicket", ticketId=number, name=name)
    alarm, hot = shown(house, one)["Tags"]
    assert (alarm["Name"], hot["Name"], alarm["TagCount"]) == ("alarm", "red-hot", 0)
    assert hot["TagID"] != alarm["TagID"] > 0
    assert shown(house, other)["Tags"] == [hot]
    assert kinds(house, one)[1:] == ["tagged", "tagged"]
    assert [each["IssueID"] for each in house.ask("ada", "GET", "Search?query=red+hot").json()] == [other, one]


RIGHTS = {
    "TagTicket": {"ticketId": "{}", "name": "red"},
    "LinkTickets": {"id": "{}", "id2": str(OFFER)},
    "UnlinkTickets": {"id": "{}", "id2": str(OFFER)},
    "AddSubTicket": {"parentId": "{}", "childId": str(OFFER)},
    "RemoveSubTicket": {"childId": "{}"},
    "AddAssetToTicket": {"assetId": "1", "ticketId": "{}"},
}


@pytest.mark.parametrize("path", RIGHTS)
def test_a_right_that_goes_while_one_asks_is_gone(alone: House, monkeypatch: pytest.MonkeyPatch, path: str) -> None:
    alone.write(changes.set_department, ticket=ticket(alone, OFFER), department=alone.places["support"], actor=None)
    if path == "AddAssetToTicket" and not alone.ask("ada", "GET", "Assets").json():
        made = {"modelName": "M", "manufacturer": "F", "type": "T", "supplier": "S"}
        assert alone.ask("ada", "POST", "Asset", data=made).status_code == 200
    number, right = a_ticket(alone), reach.actor

    def moved(call: Call) -> Person:
        """The last that is read before the write."""
        alone.write(changes.set_department, ticket=ticket(alone, number), department=alone.places["sales"], actor=None)
        return right(call)

    given = {name: value.format(number) for name, value in RIGHTS[path].items()}
    monkeypatch.setattr(reach, "actor", moved)
    found = alone.ask("tina", "POST", path, data=given)
    assert (found.status_code, found.text) == (404, f"There is no ticket {number}.")
    assert "tagged" not in kinds(alone, number)
    assert "linked" not in kinds(alone, number)


def test_time_is_added_and_noted(house: House) -> None:
    number = a_ticket(house)
    assert house.ask("carol", "GET", "TimeSpentLog", params={"ticketId": number}).json() == []
    done(house, "tina", "AddTimeSpent", ticketId=number, timeSpentInSeconds=90)
    done(house, "ada", "addtimespent", TicketID=number, TimeSpentInSeconds=-30)
    done(house, "ada", "AddTimeSpent", id=number, timeSpentInSeconds=0)
    first, second = house.ask("carol", "POST", "timespentlog", json={"id": number}).json()
    tina, ada = house.people["tina"], house.people["ada"]
    assert first == {
        "TimeSpentID": first["TimeSpentID"],
        "IssueID": number,
        "UserID": tina.id,
        "UserName": "tina",
        "FirstName": "Tina",
        "LastName": "",
        "TimeSpentInSeconds": 90,
        "Date": NOON,
    }
    assert [second[name] for name in ("UserID", "FirstName", "LastName", "TimeSpentInSeconds")] == [
        ada.id,
        "Ada",
        "King",
        -30,
    ]
    assert (shown(house, number)["TimeSpentInSeconds"], shown(house, number)["StatusID"]) == (60, 1)
    done(house, "ada", "UpdateTicket", id=number, timeSpentInSeconds=100)
    log = house.ask("ada", "GET", f"TimeSpentLog?ticketId={number}").json()
    assert [each["TimeSpentInSeconds"] for each in log] == [90, -30, 40]
    refused = house.ask("ada", "POST", "AddTimeSpent", data={"ticketId": number, "timeSpentInSeconds": -101})
    assert (refused.status_code, refused.text) == (
        400,
        "The time spent on a ticket is 0 to 1000000000 seconds, not -1.",
    )


def test_a_ticket_goes_where_the_time_says(house: House) -> None:
    number = a_ticket(house, "dan")
    for status, state in ((2, "In progress"), ("", "In progress"), (3, "Closed"), (3, "Closed")):
        done(house, "tina", "AddTimeSpent", ticketId=number, timeSpentInSeconds=10, statusId=status)
        assert shown(house, number)["Status"] == state
    assert shown(house, number)["TimeSpentInSeconds"] == 40
    assert mails(house, number)[-1:] == [("ticket_closed", "dan@client.example", [])]
    assert kinds(house, number)[1:] == [
        "time-spent",
        "state-changed",
        "time-spent",
        "time-spent",
        "state-changed",
        "time-spent",
    ]


def test_a_status_that_it_has_already_stays(house: House) -> None:
    number = a_ticket(house)
    comment(house, "tina", number)
    before = kinds(house, number)
    done(house, "tina", "AddTimeSpent", ticketId=number, timeSpentInSeconds=10, statusId=2)
    assert kinds(house, number) == [*before, "time-spent"]  # it waits for its requester as before


@pytest.mark.parametrize(
    ("path", "given"), [("TagTicket", {"name": "red"}), ("AddTimeSpent", {"timeSpentInSeconds": 1})]
)
def test_who_works_on_a_ticket_may(house: House, path: str, given: dict[str, Any]) -> None:
    number = a_ticket(house)
    answers = {who: house.ask(who, "POST", path, data=given | {"ticketId": number}) for who in ("carol", "mona", "sven", "dan", "")}  # fmt: skip
    assert {who: (answer.status_code, answer.text) for who, answer in answers.items()} == {
        **dict.fromkeys(("carol", "mona"), (403, f"You may not work ticket {number}.")),
        **dict.fromkeys(("sven", "dan"), (404, f"There is no ticket {number}.")),
        "": (401, "Say who you are: a user name and password, or a token."),
    }


def test_who_sees_a_ticket_sees_its_time(house: House) -> None:
    statuses = {
        who: house.ask(who, "GET", f"TimeSpentLog?ticketId={PRINTER}").status_code
        for who in ("ada", "tina", "mona", "carol", "sven", "dan", "")
    }
    assert statuses == dict.fromkeys(("ada", "tina", "mona", "carol"), 200) | {"sven": 404, "dan": 404, "": 401}


@pytest.mark.parametrize(
    ("method", "path", "given", "status", "words"),
    [
        ("POST", "TagTicket", {"ticketId": PRINTER}, 400, "Parameter name is missing."),
        ("POST", "TagTicket", {"name": "red"}, 400, "Parameter ticketId is missing."),
        ("POST", "TagTicket", {"ticketId": PRINTER, "name": "a,b"}, 400, "'a,b' is no tag: 1 to 50 printable characters"),
        ("POST", "TagTicket", {"ticketId": PRINTER, "name": "x" * 51}, 400, f"'{'x' * 51}' is no tag: "),
        ("POST", "TagTicket", {"ticketId": 9999, "name": "red"}, 404, "There is no ticket 9999."),
        ("POST", "TimeSpentLog", {}, 400, "Parameter ticketId is missing."),
        ("POST", "TimeSpentLog", {"ticketId": 9999}, 404, "There is no ticket 9999."),
        ("POST", "AddTimeSpent", {"ticketId": PRINTER}, 400, "Parameter timeSpentInSeconds is missing."),
        ("POST", "AddTimeSpent", {"ticketId": PRINTER, "timeSpentInSeconds": "1h"}, 400, "Parameter timeSpentInSeconds is wrong, expected a whole number."),
        ("POST", "AddTimeSpent", {"ticketId": PRINTER, "timeSpentInSeconds": 10**18}, 400, "The time spent on a ticket is 0 to 1000000000 seconds, not 1000"),
        ("POST", "AddTimeSpent", {"ticketId": PRINTER, "timeSpentInSeconds": 1, "statusId": 4}, 400, "Parameter statusId is wrong, expected 1, 2 or 3."),
        ("POST", "AddTimeSpent", {"ticketId": 9999, "timeSpentInSeconds": 1}, 404, "There is no ticket 9999."),
        ("GET", "TagTicket", {}, 405, "This method is not allowed here."),
        ("GET", "AddTimeSpent", {}, 405, "This method is not allowed here."),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said(
    house: House, method: str, path: str, given: dict[str, Any], status: int, words: str
) -> None:
    found = house.ask("ada", method, path, **({"data": given} if given else {}))
    assert (found.status_code, found.text[: len(words)]) == (status, words)
