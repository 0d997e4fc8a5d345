"""Tickets changed, closed, merged and removed: what becomes of them, whom it is told, who may, what is wrong."""

from __future__ import annotations

from typing import Any

import pytest

from tests.unit.http.jitbit.conftest import NOON, House
from tests.unit.http.jitbit.posted import STYLES, a_ticket, all_mails, created, kinds, shown, updated

EVERY_CHANGE: dict[str, Any] = {
    "priority": 1,
    "date": "2026-02-01",
    "dueDate": "2026-03-05T10:00:00",
    "closeDate": "2026-02-20T08:30:00Z",
    "timeSpentInSeconds": 90,
    "statusId": 3,
    "tags": "paper,loud",
    "subject": "Fax  again",
    "body": "It <i>hums</i>.",
}


@pytest.mark.parametrize("style", STYLES)
def test_everything_is_changed_by_any_way(house: House, style: str) -> None:
    number = created(house, "dan", tags="old")
    carol, sven, sales = house.people["carol"], house.people["sven"], house.places["sales"]
    given = {"ID": number, "USERID": carol.id, "categoryid": sales.id, "assignedUserId": sven.id} | EVERY_CHANGE
    found = house.ask("ada", "POST", "updateticket", **STYLES[style](given))
    assert (found.status_code, found.content) == (200, b"")
    ticket = shown(house, number)
    assert {name: ticket[name] for name in CHANGED} == CHANGED | {
        "UserID": carol.id,
        "CategoryID": sales.id,
        "AssignedToUserID": sven.id,
    }
    assert [each["Name"] for each in ticket["Tags"]] == ["loud", "paper"]
    assert kinds(house, number) == [
        "opened",
        "tagged",
        "dated",
        "requester-changed",
        "department-changed",
        "assigned",
        "priority-changed",
        "subject-changed",
        "edited",
        "untagged",
        "tagged",
        "time-spent",
        "dated",
        "state-changed",
        "dated",
    ]
    house.ask("ada", "POST", "updateticket", **STYLES[style](given))
    assert len(kinds(house, number)) == 15  # what is so already leaves no trace
    assert house.ask("dan", "GET", f"ticket/{number}").status_code == 404  # it is Carol's now


CHANGED = {
    "UserID": 0,
    "CategoryID": 0,
    "AssignedToUserID": 0,
    "IssueDate": "2026-02-01T00:00:00Z",
    "Subject": "Fax again",
    "Body": "<!--html-->It <i>hums</i>.",
    "Priority": 1,
    "StatusID": 3,
    "DueDate": "2026-03-05T10:00:00Z",
    "ResolvedDate": "2026-02-20T08:30:00Z",
    "TimeSpentInSeconds": 90,
}


def test_what_is_not_given_stays_and_nothing_takes_away(house: House) -> None:
    number = created(house, "dan", tags="old")
    updated(house, "tina", number, dueDate="2026-03-05", assignedUserId=house.people["tina"].id)
    before = shown(house, number)
    updated(house, "tina", number)
    updated(house, "tina", number, subject="", body=" ", priority="", statusId="", date="", categoryId="")
    assert shown(house, number) == before
    updated(house, "tina", number, dueDate="", assignedUserId="0", tags="")
    ticket = shown(house, number)
    assert (ticket["DueDate"], ticket["AssignedToUserID"], ticket["Tags"]) == (None, None, [])


@pytest.mark.parametrize(
    "more",
    [
        {"json": {"tags": ["paper", "Old, loud"]}},
        {"data": {"tags": ["paper", "old,loud"]}},
        {"data": {"tags": "tags=paper,old,loud"}},
        {"params": {"tags": ["tags=paper", "old", "", "loud"]}},
    ],
)
def test_repeated_tags_are_all_there(house: House, more: dict[str, Any]) -> None:
    new = {"categoryId": house.places["support"].id, "subject": "S", "body": "B"}
    (where, given), *_ = more.items()
    opened = house.ask("tina", "POST", "ticket", **{where: given | new})
    changed = created(house, "dan", tags="gone")
    done = house.ask("tina", "POST", f"UpdateTicket/{changed}", **more)
    assert (opened.status_code, done.status_code) == (200, 200), (opened.text, done.text)
    for number in (opened.json(), changed):
        assert [each["Name"] for each in shown(house, number)["Tags"]] == ["loud", "old", "paper"]


def test_whom_changes_are_told(house: House) -> None:
    number = created(house, "dan", suppressConfirmation="1")
    tina, sales = house.people["tina"], house.places["sales"].id
    updated(house, "ada", number, assignedUserId=tina.id)
    updated(house, "ada", number, categoryId=sales)
    updated(house, "ada", number, statusId=3)
    assert all_mails(house, number)[1:] == [
        ("assigned", "tina@staff.example", []),
        ("new_ticket", "sven@staff.example", []),
        ("ticket_closed", "dan@client.example", []),
    ]


def test_a_status_stays_where_it_counts_as_that_already(house: House) -> None:
    number = created(house, "dan")
    for asked, happened in ((1, []), (2, ["state-changed"]), (2, []), (3, ["state-changed"]), (1, ["reopened"])):
        before = len(kinds(house, number))
        updated(house, "tina", number, statusId=asked)
        assert kinds(house, number)[before:] == happened
        assert shown(house, number)["StatusID"] == asked


def test_several_are_changed_at_once(house: House) -> None:
    one, two = created(house, "dan"), created(house, "dan")
    found = house.ask("ada", "POST", "UpdateTicket", json={"id": [one, two], "priority": 2})
    assert found.status_code == 200
    assert [shown(house, each)["Priority"] for each in (one, two)] == [2, 2]


def test_the_number_may_end_the_path(house: House) -> None:
    number = created(house, "dan")
    assert house.ask("ada", "POST", f"UpdateTicket/{number}?priority=-1").status_code == 200
    assert shown(house, number)["Priority"] == -1


@pytest.mark.parametrize(
    ("who", "given", "status", "words"),
    [
        ("", {}, 401, ""),
        ("tina", {"id": None}, 400, "Parameter id is missing."),
        ("tina", {"id": "x"}, 400, "Parameter id is wrong, expected a number from 1."),
        ("tina", {"id": "9999"}, 404, "There is no ticket 9999."),
        ("tina", {"priority": "5"}, 400, "Parameter priority is wrong, expected -1, 0, 1 or 2."),
        ("tina", {"statusId": "4"}, 400, "Parameter statusId is wrong, expected 1, 2 or 3."),
        ("tina", {"date": "soon"}, 400, "Parameter date is wrong, expected a date such as"),
        ("tina", {"dueDate": "31.12.2026 noon"}, 400, "Parameter dueDate is wrong, expected a date, or nothing."),
        ("tina", {"dueDate": "0001-01-01T00:00:00+14:00"}, 400, "Parameter dueDate is wrong"),
        ("tina", {"timeSpentInSeconds": "-5"}, 400, "Parameter timeSpentInSeconds is wrong, expected a number from 0."),
        ("tina", {"categoryId": "99"}, 404, "There is no department 99."),
        ("tina", {"userId": "99"}, 404, "There is no person 99."),
        ("tina", {"assignedUserId": "99"}, 404, "There is no person 99."),
        ("tina", {"assignedUserId": "6"}, 400, "Dan is not staff."),
        ("tina", {"subject": "x" * 501}, 400, "A subject has 1 to 500 characters."),
        ("tina", {"tags": "a\x00b"}, 400, "is no tag"),
        ("tina", {"date": "2027-01-01"}, 400, "A ticket is created before it is closed, and not in the future."),
        ("tina", {"closeDate": "2026-02-01"}, 400, "is not closed."),
        ("tina", {"closeDate": "2026-02-01", "statusId": 3}, 400, "A ticket is closed after it was created"),
        ("dan", {"statusId": 2}, 403, "You may not work ticket"),
        ("dan", {"tags": "x"}, 403, "You may not work ticket"),
        ("dan", {"subject": "New", "categoryId": 2}, 403, "You may not work ticket"),
        ("carol", {"subject": "New"}, 404, "There is no ticket"),
        ("sven", {"subject": "New"}, 404, "There is no ticket"),
    ],
)
def test_what_is_wrong_with_a_change_is_said(
    house: House, who: str, given: dict[str, Any], status: int, words: str
) -> None:
    number = house.opened("support", "dan", "Fax", "It beeps.")
    asked = {"id": number, "priority": 1} | given
    found = house.ask(
        who, "POST", "UpdateTicket", data={name: each for name, each in asked.items() if each is not None}
    )
    assert (found.status_code, words in found.text) == (status, True), found.text
    assert kinds(house, number) == ["opened"]  # nothing of it happened


def test_a_requester_changes_words_and_priority_and_closes(house: House) -> None:
    number = created(house, "dan")
    updated(house, "dan", number, subject="Fax!", body="It hums.", priority=2, statusId=3)
    ticket = shown(house, number)
    assert [ticket[name] for name in ("Subject", "Body", "Priority", "StatusID")] == ["Fax!", "It hums.", 2, 3]


def test_a_requester_does_not_change_the_words_of_who_opened_it_for_them(house: House) -> None:
    number = created(house, "tina", userId=house.people["dan"].id)
    found = house.ask("dan", "POST", "UpdateTicket", data={"id": number, "body": "I never said that."})
    assert found.status_code == 403


# Closing, merging, removing


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize(("who", "told"), [("tina", True), ("dan", False)])
def test_a_ticket_is_closed(house: House, method: str, who: str, told: bool) -> None:
    number = created(house, "dan")
    for _ in range(2):
        found = house.ask(who, method, f"close?ID={number}")
        assert (found.status_code, found.content) == (200, b"")
    ticket = shown(house, number)
    assert (ticket["StatusID"], ticket["StatusStopTimeSpent"], ticket["ResolvedDate"]) == (3, True, NOON)
    assert [mail for mail in all_mails(house, number) if mail[0] == "ticket_closed"] == (
        [("ticket_closed", "dan@client.example", [])] if told else []
    )


def test_a_ticket_is_closed_quietly(house: House) -> None:
    number = created(house, "dan", suppressConfirmation="true")
    before = all_mails(house, number)
    assert house.ask("tina", "GET", f"Close/{number}?suppressNotification=true").status_code == 200
    assert all_mails(house, number) == before


def test_tickets_are_merged(house: House) -> None:
    one, two = created(house, "dan"), created(house, "carol")
    found = house.ask("tina", "POST", "MergeTickets", data={"id": one, "id2": two})
    assert (found.status_code, found.content) == (200, b"")
    assert shown(house, two)["TicketID"] == one  # clients keep its number
    assert two not in [each["IssueID"] for each in house.ask("ada", "GET", "Tickets?count=300").json()]
    again = house.ask("tina", "POST", "MergeTickets", json={"ID": one, "ID2": two})
    assert (again.status_code, again.text) == (404, f"There is no ticket {two}.")


def test_a_ticket_is_removed(house: House) -> None:
    number, other = created(house, "dan"), created(house, "dan")
    house.ask("ada", "POST", "MergeTickets", data={"id": other, "id2": number})
    assert house.ask("ada", "POST", f"deleteTicket?id={number}").status_code == 404  # it went into another one
    assert shown(house, other)["TicketID"] == other
    found = house.ask("ada", "POST", "DeleteTicket", data={"id": other})
    assert (found.status_code, found.content) == (200, b"")
    for each in (number, other):
        assert house.ask("ada", "GET", f"ticket/{each}").status_code == 404


@pytest.mark.parametrize(
    ("who", "path", "status", "words"),
    [
        ("", "Close?id={0}", 401, ""),
        ("tina", "Close", 400, "Parameter id is missing."),
        ("tina", "Close?id={0}&suppressNotification=2", 400, "is wrong, expected true or false."),
        ("tina", "Close?id=9999", 404, "There is no ticket 9999."),
        ("sven", "Close?id={0}", 404, "There is no ticket"),
        ("", "deleteTicket?id={0}", 401, ""),
        ("ada", "deleteTicket", 400, "Parameter id is missing."),
        ("ada", "deleteTicket?id=9999", 404, "There is no ticket 9999."),
        ("tina", "deleteTicket?id={0}", 403, "You may not erase ticket"),
        ("dan", "deleteTicket?id={0}", 403, "You may not erase ticket"),
        ("", "MergeTickets?id={0}&id2=1", 401, ""),
        ("ada", "MergeTickets?id={0}", 400, "Parameter id2 is missing."),
        ("ada", "MergeTickets?id={0}&id2={0}", 400, "cannot be merged into itself."),
        ("ada", "MergeTickets?id={0}&id2=9999", 404, "There is no ticket 9999."),
        ("tina", "MergeTickets?id={0}&id2=2", 404, "There is no ticket 2."),
        ("dan", "MergeTickets?id={0}&id2=2", 403, "You may not work ticket"),
    ],
)
def test_who_may_and_what_is_wrong(house: House, who: str, path: str, status: int, words: str) -> None:
    number = a_ticket(house, "dan")
    found = house.ask(who, "POST", path.format(number))
    assert (found.status_code, words in found.text) == (status, True), found.text
    assert kinds(house, number) == ["opened"]


def test_who_takes_part_does_not_close(house: House) -> None:
    number = created(house, "dan")
    house.ask("ada", "POST", "AddSubscriber", data={"id": number, "userId": house.people["carol"].id})
    assert house.ask("carol", "GET", f"Close?id={number}").status_code == 403


@pytest.mark.parametrize("path", ["UpdateTicket", "deleteTicket", "MergeTickets"])
def test_nothing_else_is_written_by_get(house: House, path: str) -> None:
    found = house.ask("ada", "GET", f"{path}?id=1&id2=2")
    assert (found.status_code, found.headers["allow"]) == (405, "POST")
