"""Links, parents and children: what becomes of them, who sees which, who may, what is wrong."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import Connection

from helpdeskd.desk import changes, participants, people
from helpdeskd.desk.context import Desk
from tests.unit.http.jitbit.conftest import OFFER, PRINTER, House
from tests.unit.http.jitbit.posted import a_ticket, kinds, mails, ticket

STYLES = {
    "query": lambda given: {"params": given},
    "form": lambda given: {"data": given},
    "multipart": lambda given: {"files": [(name, (None, str(value))) for name, value in given.items()]},
    "json": lambda given: {"json": given},
}
SETTERS = ("LinkTickets", "UnlinkTickets", "AddSubTicket")


def done(house: House, who: str, path: str, **given: Any) -> None:
    found = house.ask(who, "POST", path, data=given)
    assert (found.status_code, found.content) == (200, b""), found.text


def listed(house: House, path: str, number: int, who: str = "ada") -> list[int]:
    found = house.ask(who, "GET", f"{path}?id={number}")
    assert found.status_code == 200, found.text
    return [each["IssueID"] for each in found.json()]


@pytest.mark.parametrize("style", STYLES)
def test_two_tickets_are_linked_by_any_way(house: House, style: str) -> None:
    one, other = a_ticket(house), a_ticket(house)
    answer = house.ask("tina", "POST", "linktickets", **STYLES[style]({"ID": one, "iD2": other}))
    assert (answer.status_code, answer.content) == (200, b"")
    assert (listed(house, "LinkedTickets", one), listed(house, "LinkedTickets", other)) == ([other], [one])


def test_links_have_no_direction(house: House) -> None:
    one, other, third = (a_ticket(house) for _ in range(3))
    done(house, "tina", "LinkTickets", id=one, id2=other)
    done(house, "tina", "LinkTickets", id=other, id2=one)
    done(house, "tina", "LinkTickets", id=third, id2=one)
    assert kinds(house, one) == ["opened", "linked", "linked"]
    assert listed(house, "linkedtickets", one) == [third, other]
    assert house.ask("ada", "POST", f"LinkedTickets/{one}").json() == house.ask("ada", "GET", "Tickets").json()[:2]
    done(house, "tina", "UnlinkTickets", id=other, id2=one)
    done(house, "tina", "UnlinkTickets", id=other, id2=one)  # what is gone is gone
    assert (listed(house, "LinkedTickets", one), listed(house, "LinkedTickets", other)) == ([third], [])
    assert kinds(house, other)[1:] == ["linked", "unlinked"]
    assert mails(house, one) == []


def test_a_family(house: House) -> None:
    parent, child, grandchild, other = (a_ticket(house) for _ in range(4))
    done(house, "tina", "LinkTickets", id=child, id2=parent)
    done(house, "tina", "AddSubTicket", parentId=parent, childId=child)
    done(house, "tina", "AddSubTicket", ParentID=child, childid=grandchild)
    done(house, "tina", "AddSubTicket", parentId=parent, childId=other)
    assert [listed(house, "SubTickets", each) for each in (parent, child, other)] == [[other, child], [grandchild], []]
    assert listed(house, "LinkedTickets", parent) == [], "a child is a child, not linked as well"
    assert [each["HasChildren"] for each in house.ask("ada", "POST", f"subtickets/{parent}").json()] == [False, True]
    for wrong, words in (
        ({"parentId": grandchild, "childId": parent}, f"Ticket {ticket(house, parent).number} is above ticket "),
        ({"parentId": other, "childId": child}, f"Ticket {ticket(house, child).number} has a parent: "),
        ({"parentId": other, "childId": other}, f"Ticket {ticket(house, other).number} cannot stand beside itself."),
    ):
        refused = house.ask("tina", "POST", "AddSubTicket", data=wrong)
        assert (refused.status_code, refused.text[: len(words)]) == (400, words)
    for _ in range(2):
        done(house, "tina", "RemoveSubTicket", childId=child)
    assert [listed(house, "SubTickets", each) for each in (parent, child)] == [[other], [grandchild]]
    assert kinds(house, child)[-1] == "unlinked"


def test_one_that_was_merged_answers_as_what_it_went_into(house: House) -> None:
    whole, part, other = (a_ticket(house) for _ in range(3))
    done(house, "tina", "LinkTickets", id=part, id2=other)
    house.write(changes.merge, ticket=ticket(house, part), into=ticket(house, whole), actor=house.people["ada"])
    done(house, "tina", "AddSubTicket", parentId=part, childId=other)
    assert listed(house, "SubTickets", part) == listed(house, "SubTickets", whole) == [other]
    assert listed(house, "LinkedTickets", whole) == []
    refused = house.ask("tina", "POST", "LinkTickets", data={"id": part, "id2": whole})
    assert (refused.status_code, refused.text[-27:]) == (400, "cannot stand beside itself.")


def test_nobody_sees_more_because_of_a_link(house: House) -> None:
    here, parent, there, mine = (
        a_ticket(house),
        a_ticket(house),
        a_ticket(house, "dan", "sales"),
        a_ticket(house, "dan"),
    )
    for other in (there, mine):
        done(house, "ada", "LinkTickets", id=here, id2=other)
        done(house, "ada", "AddSubTicket", parentId=parent, childId=other)
    for path, number in (("LinkedTickets", here), ("SubTickets", parent)):
        assert {who: listed(house, path, number, who) for who in ("ada", "tina", "mona", "carol")} == {
            "ada": [mine, there],
            "tina": [mine],
            "mona": [],
            "carol": [],
        }
        for who in ("dan", "sven"):
            refused = house.ask(who, "GET", f"{path}?id={number}")
            assert (refused.status_code, refused.text) == (404, f"There is no ticket {number}.")


def _joined(conn: Connection, _desk: Desk, now: Any, ticket_id: int, person_id: int) -> None:
    participants.add(conn, now, ticket_id, 1, [people.get(conn, person_id)])


@pytest.mark.parametrize("path", SETTERS)
def test_who_works_on_both_may_and_nobody_else(house: House, path: str) -> None:
    names = ("parentId", "childId") if path == "AddSubTicket" else ("id", "id2")
    mine, theirs = a_ticket(house), a_ticket(house, "dan", "sales")
    house.write(_joined, theirs, house.people["tina"].id)
    for who, answers in {
        "carol": [(403, f"You may not work ticket {mine}."), (404, f"There is no ticket {theirs}.")],
        "mona": [(403, f"You may not work ticket {mine}."), (404, f"There is no ticket {theirs}.")],
        "dan": [(404, f"There is no ticket {mine}."), (403, f"You may not work ticket {theirs}.")],
        "tina": [(403, f"You may not work ticket {theirs}.")] * 2,
        "sven": [(404, f"There is no ticket {mine}.")] * 2,
        "": [(401, "Say who you are: a user name and password, or a token.")] * 2,
    }.items():
        for pair, answer in zip(((mine, theirs), (theirs, mine)), answers, strict=True):
            found = house.ask(who, "POST", path, data=dict(zip(names, pair, strict=True)))
            assert (found.status_code, found.text) == answer, (who, pair)
    for who, status in (("carol", 403), ("sven", 404), ("", 401)):
        assert house.ask(who, "POST", "RemoveSubTicket", data={"childId": mine}).status_code == status
    assert house.ask("ada", "POST", path, data=dict(zip(names, (mine, theirs), strict=True))).status_code == 200


@pytest.mark.parametrize(
    ("method", "path", "given", "status", "words"),
    [
        ("POST", "LinkTickets", {"id": PRINTER}, 400, "Parameter id2 is missing."),
        ("POST", "LinkTickets", {"id": "x", "id2": ""}, 400, "Parameter id is wrong, expected a number from 1; parameter"),
        ("POST", "LinkTickets", {"id": PRINTER, "id2": 9999}, 404, "There is no ticket 9999."),
        ("POST", "UnlinkTickets", {"id": 9999, "id2": PRINTER}, 404, "There is no ticket 9999."),
        ("POST", "AddSubTicket", {"parentId": OFFER}, 400, "Parameter childId is missing."),
        ("POST", "AddSubTicket", {"parentId": 9999, "childId": OFFER}, 404, "There is no ticket 9999."),
        ("POST", "RemoveSubTicket", {}, 400, "Parameter childId is missing."),
        ("POST", "RemoveSubTicket", {"childId": 9999}, 404, "There is no ticket 9999."),
        ("POST", "LinkedTickets", {}, 400, "Parameter id is missing."),
        ("POST", "LinkedTickets", {"id": 9999}, 404, "There is no ticket 9999."),
        ("POST", "SubTickets", {"id": "-1"}, 400, "Parameter id is wrong, expected a number from 1."),
        ("POST", "SubTickets", {"id": 9999}, 404, "There is no ticket 9999."),
        ("GET", "LinkTickets", {}, 405, "This method is not allowed here."),
        ("GET", "UnlinkTickets", {}, 405, "This method is not allowed here."),
        ("GET", "AddSubTicket", {}, 405, "This method is not allowed here."),
        ("GET", "RemoveSubTicket", {}, 405, "This method is not allowed here."),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said(
    house: House, method: str, path: str, given: dict[str, Any], status: int, words: str
) -> None:
    found = house.ask("ada", method, path, **({"data": given} if given else {}))
    assert (found.status_code, found.text[: len(words)]) == (status, words)
