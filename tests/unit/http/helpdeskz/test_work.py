"""What its routes change, and who is mailed: each test has a desk of its own."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pyotp
import pytest
from sqlalchemy import Connection, select

from helpdeskd import config
from helpdeskd.desk import accounts, changes, counters, lists, people, queries, tickets
from helpdeskd.desk.context import Words
from helpdeskd.http.helpdeskz import HELPDESKZ, views_tickets
from helpdeskd.http.openapi import document
from helpdeskd.http.written import words_of
from helpdeskd.model.outgoing import NoticeName, OutboxState
from helpdeskd.model.ticket import State
from helpdeskd.store import schema
from tests.unit.http.helpdeskz.conftest import AT, PASSWORD, TOKEN, House

N = NoticeName


def mailed(house: House) -> list[tuple[str, str]]:
    """What stands in the outbox beyond what furnishing the house has put there: (notice, recipient)."""
    rows = house.store.read(lambda conn: conn.execute(select(schema.outbox.c.notice, schema.outbox.c.recipient)).all())
    return [(row[0], row[1]) for row in rows][3:]


def counted(house: House) -> None:
    """The totals of the counters are those of counting."""
    for state in State:
        assert house.read(counters.tickets, (state,)) == len(house.read(_in, state)), state
    assert house.read(counters.total, (counters.CUSTOMERS,)) == len(house.read(_customers))


def _in(conn: Connection, state: State) -> Sequence[Any]:
    there = schema.ticket.c
    return conn.execute(select(there.id).where(there.state == state.value, there.removed_at.is_(None))).all()


def _customers(conn: Connection) -> Sequence[Any]:
    return conn.execute(select(schema.person.c.id).where(schema.person.c.customer_no.is_not(None))).all()


def test_users_come_and_go(fresh: House) -> None:
    api = fresh.client
    made = api.post("users/create/", data={"fullname": "Eve <b>", "email": "eve@client.example", "notify": "1"})
    assert made.text == '{"success":1,"user_id":3,"message":"User account was created."}'
    assert api.post("users/", data={"fullname": "Fay", "email": "fay@client.example"}).json()["user_id"] == 4
    assert mailed(fresh) == [(N.CUSTOMER_WELCOME, "eve@client.example")]
    assert api.get("users").json()["total_users"] == 4
    assert api.get("users/show/3").json()["user_data"]["fullname"] == "Eve &lt;b&gt;"
    assert api.post("users/update/3", data={"new_email": "eva@client.example"}).text == (
        '{"success":1,"message":"Email was changed."}'
    )
    assert api.post("users/delete/1").text == '{"success":1,"message":"Account was removed."}'
    assert api.get("tickets/show/1").json()["message"] == "Ticket not found."
    assert api.get("users?email=carol@client.example").json()["message"] == "User not found."
    again = api.post("users/create", data={"fullname": "Carol", "email": "carol@client.example"})
    assert again.json()["user_id"] == 5  # a number is never given twice
    counted(fresh)


def test_departments_come_and_go(fresh: House) -> None:
    api = fresh.client
    made = api.post("departments/create/", data={"name": "R&D", "private": "1"})
    assert made.text == '{"success":1,"department_id":3,"message":"Department was created."}'
    assert api.post("departments/update/3", data={"name": "Research", "private": "0"}).json()["success"] == 1
    assert api.post("departments/delete/2").text == '{"success":1,"message":"Department and its tickets were removed."}'
    assert [each["id"] for each in api.get("departments").json()["departments"]] == ["1", "3"]
    assert api.get("tickets").json()["total_tickets"] == 1
    assert api.post("departments/create", data={"name": "Sales", "private": "0"}).json()["success"] == 1
    for number in (1, 3):
        assert api.post(f"departments/delete/{number}").json()["success"] == 1
    assert api.post("departments/delete/4").json() == {"error": 1, "message": "The last department can not be removed."}
    counted(fresh)


def test_a_ticket_by_its_user_and_its_replies(fresh: House) -> None:
    api = fresh.client
    given = {
        "opener": "user",
        "user_id": "1",
        "department_id": "2",
        "subject": "Re: S",
        "body": "<p>Hi<script>x</script></p>",
    }
    made = api.post(
        "tickets/create/", data={**given, "notify": "1"}, files={"attachment[]": ("ä.txt", b"file", "text/plain")}
    )
    assert made.text == '{"success":1,"ticket_id":3,"message":"Ticket was created."}'
    assert sorted(mailed(fresh)) == [
        (N.ACKNOWLEDGEMENT, "carol@client.example"),
        (N.NEW_TICKET, "ada@staff.example"),
        (N.NEW_TICKET, "bob@staff.example"),
    ]
    shown = api.get("tickets/show/3").json()["ticket"]
    assert (shown["subject"], shown["status"], shown["replies"]) == ("Re: S", "1", "0")
    assert api.get("messages/show/3").json()["messages"][0]["message"] == "<p>Hi</p>"
    assert [each["name"] for each in api.get("attachments?ticket_id=3").json()["files"]] == ["ä.txt"]

    def say(**more: str) -> tuple[str, str]:
        assert api.post("messages/create/", data={"ticket_id": "3", "message": "m", **more}).text == (
            '{"success":1,"message":"Message was created and added to ticket."}'
        )
        ticket = api.get("tickets/show/3").json()["ticket"]
        return ticket["status"], ticket["replies"]

    ada = {"replier": "staff", "staff_id": "1"}
    assert say(**ada) == ("2", "1")
    assert mailed(fresh)[3:] == [(N.STAFF_REPLY, "carol@client.example")]
    assert say(replier="user") == ("3", "2")
    assert mailed(fresh)[4:] == [(N.CUSTOMER_REPLIED, "ada@staff.example")]
    assert say(**ada, close="1") == ("5", "3")
    assert say(**ada) == ("5", "4")
    assert say(replier="user", close="1") == ("3", "5")
    api.post("tickets/update/3", data={"status_id": "4"})
    assert say(**ada) == ("4", "6")
    assert say(replier="user") == ("4", "7")
    counted(fresh)


@pytest.mark.parametrize(("path", "words"), [("departments", "Department"), ("users", "User")])
def test_who_or_what_goes_while_one_asks_gets_no_ticket(
    fresh: House, monkeypatch: pytest.MonkeyPatch, path: str, words: str
) -> None:
    api = fresh.client

    def gone(*given: Any) -> Words:
        assert api.post(f"{path}/delete/2").json()["success"] == 1
        return words_of(*given)

    monkeypatch.setattr(views_tickets, "words_of", gone)
    given = {"opener": "user", "user_id": "2", "department_id": "2", "subject": "S", "body": "B"}
    assert api.post("tickets/create", data=given).json() == {"error": 1, "message": f"{words} not found."}
    assert api.get("tickets").json()["total_tickets"] == 1
    counted(fresh)


def test_what_was_merged_is_read_with_its_target(fresh: House) -> None:
    api = fresh.client
    source, target = (fresh.read(tickets.get, number) for number in (2, 1))
    fresh.write(changes.merge, ticket=source, into=target, actor=None)
    for number in (1, 2):
        said = api.get(f"messages/show/{number}").json()
        assert (said["total_replies"], [each["message"] for each in said["messages"]]) == (
            2,
            ["Here it is.", "It burns."],
        )
        assert [each["name"] for each in api.get(f"attachments?ticket_id={number}").json()["files"]] == ["a.png"]


def test_how_often_an_operator_lets_one_ask(fresh: House) -> None:
    settings = config.Http(rates={"helpdeskz.default": "1/minute"})
    client = fresh.serving(fresh.store, HELPDESKZ, settings=settings)
    one, other = (client.get("/helpdeskz/api/staff", headers={"Token": TOKEN}) for _ in range(2))
    assert (one.status_code, other.status_code) == (200, 429)
    assert other.json()["error"] == 1
    assert 0 < int(other.headers["retry-after"]) <= 60
    assert "429" in document(HELPDESKZ)["paths"]["/staff"]["get"]["responses"]


def test_a_ticket_by_staff_reaches_its_user_as_an_answer(fresh: House) -> None:
    given = {
        "opener": "staff",
        "staff_id": "1",
        "user_id": "2",
        "department_id": "2",
        "subject": "S",
        "body": "Dear Dan",
    }
    assert fresh.client.post("tickets/create", data={**given, "notify": "1"}).json()["success"] == 1
    assert mailed(fresh) == [(N.STAFF_REPLY, "dan@client.example")]


def test_inputs_are_taken_wherever_the_documentation_may_be_read_to_put_them(fresh: House) -> None:
    given = {"opener": "user", "user_id": "1", "department_id": "1", "subject": "S", "body": "B"}
    assert fresh.client.post("tickets/create", params=given).json()["success"] == 1
    assert fresh.client.post("tickets/create", json={**given, "user_id": 1, "department_id": 1}).json()["success"] == 1
    parts = [(name, (None, value)) for name, value in given.items()]
    assert fresh.client.post("tickets/create", files=parts).json()["success"] == 1


def test_a_ticket_that_is_removed_leaves_a_tombstone(fresh: House) -> None:
    api = fresh.client
    ticket = fresh.read(lists.ticket, 2)
    assert ticket is not None
    assert api.post("tickets/delete/2").text == '{"success":1,"message":"Ticket was removed."}'
    assert api.get("attachments").json()["files"] == []
    assert api.get("tickets?user_id=2").json()["total_tickets"] == 0
    assert api.get("messages/show/2").json()["message"] == "Ticket not found."
    said = {"ticket_id": "2", "message": "m", "replier": "user"}
    assert api.post("messages/create", data=said).json()["message"] == "Ticket not found."
    rows = fresh.store.read(
        lambda conn: conn.execute(select(schema.outbox.c.state).where(schema.outbox.c.ticket_id == 2)).scalars().all()
    )
    assert set(rows) == {OutboxState.CANCELLED}
    assert ticket.ticket.number not in [line.ticket.number for line in fresh.read(queries.list_tickets)]
    words = fresh.store.read(
        lambda conn: str(conn.execute(select(schema.message).where(schema.message.c.ticket_id == 2)).all())
    )
    assert "Here it is" not in words
    counted(fresh)


def test_a_file_is_taken_away(fresh: House) -> None:
    assert fresh.client.post("attachments/delete/1").text == '{"success":1,"message":"File was removed from servers."}'
    assert fresh.client.get("attachments/show/1").json()["message"] == "Attachment not found."


def test_a_file_whose_bytes_are_gone(fresh: House) -> None:
    for path in (fresh.serving.tmp_path / "blobs").rglob("*"):
        if path.is_file():
            path.unlink()
    assert fresh.client.get("attachments/show/1").json()["message"] == "File was removed from servers."


def test_a_key_in_the_name_of_somebody_who_is_disabled_opens_nothing(fresh: House) -> None:
    bob = fresh.read(people.at, "bob@staff.example")
    fresh.key("token-of-bob-4711-4711", person_id=bob.id)
    bobs = {"Token": "token-of-bob-4711-4711"}
    unknown = fresh.client.get("departments", headers={"Token": "x" * 30})
    assert fresh.client.get("departments", headers=bobs).json()["success"] == 1
    fresh.write(people.disable, person=bob)
    answer = fresh.client.get("departments", headers=bobs)
    assert (answer.status_code, answer.text) == (unknown.status_code, unknown.text)


def test_staff_log_in_and_are_locked_out(fresh: House) -> None:
    api = fresh.client
    given = {"username": "ada", "password": PASSWORD, "ip_address": "192.0.2.9"}
    assert api.post("staff/auth/", data=given).text == '{"success":1,"message":"You have been logged in."}'
    assert api.get("staff/show/1").json()["staff_data"]["last_login"] != "0"
    for n in (1, 2, 3):
        answer = api.post("staff/auth", data={**given, "password": "wrong"}).json()
        assert answer["message"] == f"Invalid username or password. (attempt: {n} of 3)"
    answer = api.post("staff/auth", data=given).json()
    assert answer["message"] == "Login locked for 5 minutes. (attempt: 3 of 3%)"
    assert api.post("staff/auth", data={**given, "ip_address": "192.0.2.10"}).json()["success"] == 1


def test_what_is_said_to_who_cannot_log_in(fresh: House) -> None:
    ada, seed = fresh.read(people.at, "ada@staff.example"), pyotp.random_base32()
    fresh.write(accounts.set_totp, person=ada, seed=seed)
    given = {"username": "ada@staff.example", "password": PASSWORD, "ip_address": "192.0.2.9"}

    def said(**more: str) -> str:
        return str(fresh.client.post("staff/auth", data={**given, **more}).json()["message"])

    assert said() == "Two-Factor code is missing."
    assert said(two_factor="000000") == "Two-Factor authentication failed. (attempt: 1 of 3)"
    code = pyotp.TOTP(seed).at(int(AT.timestamp()))
    assert said(two_factor=code) == "You have been logged in."
    assert said(two_factor=code) == "Two-Factor authentication failed. (attempt: 1 of 3)"  # each counts once
    fresh.write(people.disable, person=ada)
    assert said(two_factor=code) == "Account is locked."
    created = {"opener": "staff", "staff_id": "1", "user_id": "1", "department_id": "1", "subject": "S", "body": "B"}
    assert fresh.client.post("tickets/create", data=created).json()["message"] == "Staff ID not found."
    assert len(fresh.client.get("staff").json()["users"]) == 2
