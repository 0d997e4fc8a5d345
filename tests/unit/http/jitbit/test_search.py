"""Search: what finds a ticket, each filter, who finds what by which words, what is wrong."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import Connection, update

from helpdeskd.desk import changes, participants, people, tags, tickets
from helpdeskd.desk.context import Desk, Words
from helpdeskd.http.jitbit import JITBIT
from helpdeskd.model.ticket import State
from helpdeskd.store import schema
from tests.unit.http.jitbit.conftest import AT, OFFER, PRINTER, House, basic

CLOSED, TONER, LEASE, MERGED = 3, 4, 5, 6
DAYS = {PRINTER: 0, OFFER: 3, CLOSED: 5, TONER: 9, LEASE: 9}  # before AT: when each was opened
EVERYTHING = [LEASE, TONER, CLOSED, OFFER, PRINTER]


@pytest.fixture(scope="module")
def town(house: House) -> Iterator[House]:
    """Beside the two of the house: CLOSED of Dan in Support; in Sales TONER of Carol, in which Tina takes part, LEASE of Dan, which
    is assigned to Tina, and MERGED into it. Both have notes."""
    house.opened("support", "dan", "Old", "Is the cable closed?")
    house.opened("sales", "carol", "Printer", "How much is toner?")
    house.opened("sales", "dan", "Lease", "How long?")
    house.opened("sales", "dan", "Contract", "Forever?")
    ada, sven, tina = (house.people[name] for name in ("ada", "sven", "tina"))
    closed, toner, lease, merged = (house.read(tickets.get, each) for each in (CLOSED, TONER, LEASE, MERGED))
    house.write(changes.set_state, ticket=closed, state=State.CLOSED, actor=ada, tell=False)
    house.write(tags.add, ticket=closed, tags=["Red hot"], actor=ada)
    house.write(tickets.staff_reply, ticket=toner, author=sven, words=Words(text="Ten euros."))
    house.write(tickets.note, ticket=toner, author=sven, words=Words(text="A zebra pays.", reason="api"))
    house.write(tickets.note, ticket=lease, author=sven, words=Words(text="For a giraffe.", reason="api"))
    house.write(changes.assign, ticket=lease, assignee=tina, actor=ada, tell=False)
    house.write(changes.merge, ticket=merged, into=house.read(tickets.get, LEASE), actor=ada)
    house.write(_furnished, tina.id)
    yield house


def _furnished(conn: Connection, _desk: Desk, now: Any, tina: int) -> None:
    t = schema.ticket.c
    for ticket_id, days in DAYS.items():
        conn.execute(update(schema.ticket).where(t.id == ticket_id).values(created_at=AT - timedelta(days=days)))
    participants.add(conn, now, TONER, 5, [people.get(conn, tina)])


def found(house: House, who: str, query: str, **params: Any) -> list[int]:
    answer = house.ask(who, "GET", "Search", params={"query": query} | params)
    assert answer.status_code == 200, answer.text
    return [each["IssueID"] for each in answer.json()]


def test_a_row_is_that_of_lists(town: House) -> None:
    (row,) = town.ask("ada", "GET", "Search", params={"query": "lease"}).json()
    assert row == town.ask("ada", "GET", "Tickets", params={"count": 1}).json()[0]
    assert (row["IssueID"], row["Subject"], row["Technician"]) == (LEASE, "Lease", "tina")


@pytest.mark.parametrize(
    ("query", "right"),
    [
        ("TONER", [TONER]),
        ("ton", [TONER]),
        ("to", []),
        ("printer", [TONER, PRINTER]),
        ("euros printer ten", [TONER]),
        ("printer offer", []),
        ("red-hot", [CLOSED]),
        ("a.png", [OFFER, PRINTER]),
        ("dan@client.example", [LEASE, CLOSED, OFFER]),
        ("forever", [LEASE]),  # what was merged into it
        ("%", []),
        ("toner OR offer", []),
        ('"toner"* | <&', [TONER]),
        ("\x00toner'", [TONER]),
    ],
)
def test_words(town: House, query: str, right: list[int]) -> None:
    assert found(town, "ada", query) == right


@pytest.mark.parametrize(
    ("params", "right"),
    [
        ({}, EVERYTHING),
        ({"fromUserId": "DAN"}, [LEASE, CLOSED, OFFER]),
        ({"fromUserId": 99}, []),
        ({"fromUserId": ""}, EVERYTHING),
        ({"categoryId": "SUPPORT"}, [CLOSED, PRINTER]),
        ({"categoryId": ["SUPPORT", "SALES"], "statusId": [2, 3]}, [TONER, CLOSED]),
        ({"categoryid": 999}, []),
        ({"statusId": 1}, [LEASE, OFFER, PRINTER]),
        ({"StatusID": 17051}, []),
        ({"statusId": ""}, EVERYTHING),
        ({"assignedToUserId": "TINA"}, [LEASE, PRINTER]),
        ({"assignedToUserId": "TINA", "fromUserId": "DAN"}, [LEASE]),
        ({"handledByUserID": "DAN"}, EVERYTHING),  # that is its name in lists, and not here
        ({"dateFrom": "2026-02-24"}, [CLOSED, OFFER, PRINTER]),
        ({"dateFrom": "2026-02-20", "dateTo": "2026-02-24"}, [LEASE, TONER, CLOSED]),
        ({"dateTo": "2026-02-20T11:59:59Z"}, []),
        ({"dateFrom": "", "dateTo": " "}, EVERYTHING),
        ({"count": 2}, [LEASE, TONER]),
        ({"count": 2, "offset": 1}, [TONER, CLOSED]),
        ({"count": 0}, []),
        ({"count": 1000, "offset": 4}, [PRINTER]),
        ({"offset": 999999999}, []),
    ],
)
def test_filters(town: House, params: dict[str, Any], right: list[int]) -> None:
    meant: dict[Any, Any] = {place.upper(): of.id for place, of in town.places.items()}
    meant |= {name.upper(): person.id for name, person in town.people.items()}
    asked = {
        name: [meant.get(each, each) for each in (value if isinstance(value, list) else [value])]
        for name, value in params.items()
    }
    assert found(town, "ada", "client", **asked) == right


@pytest.mark.parametrize(
    ("query", "finders"),
    [
        ("client", {"ada": EVERYTHING, "tina": [LEASE, TONER, CLOSED, PRINTER], "sven": [LEASE, TONER, OFFER]}),
        ("toner", {who: [TONER] for who in ("ada", "tina", "sven", "mona", "carol")}),
        ("offer", {who: [OFFER] for who in ("ada", "sven", "dan")}),
        # Of notes: an administrator, who handles the category, who is the assignee.
        ("zebra", {"ada": [TONER], "sven": [TONER]}),
        ("toner zebra", {"ada": [TONER], "sven": [TONER]}),
        ("zeb", {"ada": [TONER], "sven": [TONER]}),
        ("giraffe", {"ada": [LEASE], "sven": [LEASE], "tina": [LEASE]}),
        ("cable", {"ada": [CLOSED, PRINTER], "tina": [CLOSED, PRINTER], "dan": [CLOSED]}),
        ("a.png", {"ada": [OFFER, PRINTER], "tina": [PRINTER], "sven": [OFFER], "dan": [OFFER]}),
    ],
)
def test_who_finds_what(town: House, query: str, finders: dict[str, list[int]]) -> None:
    everybody = ("ada", "tina", "sven", "mona", "carol", "dan")
    right: dict[str, list[int]] = {who: finders.get(who, []) for who in everybody}
    if query == "client":
        right |= {"mona": [TONER, PRINTER], "carol": [TONER, PRINTER], "dan": [LEASE, CLOSED, OFFER]}
    assert {who: found(town, who, query) for who in everybody} == right


@pytest.mark.parametrize("style", ["params", "data", "json", "files"])
def test_parameters_come_by_any_way(town: House, style: str) -> None:
    given: dict[str, Any] = {"QUERY": "client", "statusID": "3", "Count": "5"}
    if style == "files":
        given = {name: (None, value) for name, value in given.items()}
    answer = town.ask("ada", "POST", "search", **{style: given})
    assert [each["IssueID"] for each in answer.json()] == [CLOSED]


@pytest.mark.parametrize(
    ("who", "params", "status", "words"),
    [
        ("", {"query": "x"}, 401, "Say who you are: a user name and password, or a token."),
        ("ada", {}, 400, "Parameter query is missing."),
        ("ada", {"query": " "}, 400, "Parameter query is missing."),
        ("ada", {"query": "x", "count": "-1"}, 400, "Parameter count is wrong, expected a number from 0."),
        ("ada", {"query": "x", "offset": "x"}, 400, "Parameter offset is wrong, expected a number from 0."),
        ("ada", {"query": "x", "fromUserId": "dan"}, 400, "Parameter fromUserId is wrong, expected a number from 1."),
        ("ada", {"query": "x", "statusId": "new"}, 400, "Parameter statusId is wrong, expected a number from 0."),
        ("ada", {"query": "x", "dateTo": "soon"}, 400, "Parameter dateTo is wrong, expected a date such as 2026-03-01"),
    ],
)
def test_what_is_wrong_is_said(town: House, who: str, params: dict[str, str], status: int, words: str) -> None:
    answer = town.ask(who, "GET", "Search", params=params)
    assert (answer.status_code, answer.text[: len(words)]) == (status, words)


def test_searches_have_a_rate_of_their_own(town: House) -> None:
    limited = town.serving(town.store, replace(JITBIT, rates={"default": "9/minute", "search": "2/minute"}))
    limited.base_url = limited.base_url.join("/jitbit/api/")
    headers = {"Authorization": basic("dan")}
    answers = [limited.get("Search", params={"query": "x"}, headers=headers) for _ in range(3)]
    assert [each.status_code for each in answers] == [200, 200, 429]
    assert int(answers[-1].headers["retry-after"]) > 0
    assert limited.get("Tickets", headers=headers).status_code == 200
