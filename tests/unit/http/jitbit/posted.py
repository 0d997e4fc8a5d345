"""Tickets of a test's own in a house that others use too, and what is mailed of them."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, select

from helpdeskd.desk import history, tickets
from helpdeskd.model.ticket import Ticket
from helpdeskd.outgoing import letter
from helpdeskd.store import outbox, schema
from tests.unit.http.jitbit.conftest import House

# By any of four ways, in any case of names.
STYLES = {
    "query": lambda given: {"params": given},
    "form": lambda given: {"data": given},
    "multipart": lambda given: {"files": [(name, (None, str(value))) for name, value in given.items()]},
    "json": lambda given: {"json": given},
}


def a_ticket(house: House, who: str = "carol", place: str = "support") -> int:
    """Carol wants no mail, Dan does."""
    return house.opened(place, who, "Printer", "It burns.")


def ticket(house: House, number: int) -> Ticket:
    found: Ticket = house.read(tickets.get, number)
    return found


def kinds(house: House, number: int) -> list[str]:
    return [entry.kind.value for entry in house.read(history.of, number)]


def all_mails(house: House, number: int) -> list[tuple[str, str, list[str]]]:
    """As `mails`, with those of its opening."""
    found: list[tuple[str, str, list[str]]] = house.read(_mails, number)
    return found


def mails(house: House, number: int) -> list[tuple[str, str, list[str]]]:
    """(notice, recipient, files that go along) of a ticket, oldest first; those of its opening are left out."""
    return all_mails(house, number)[1:]


def _mails(conn: Connection, number: int) -> list[Any]:
    _o = schema.outbox.c
    found = conn.execute(select(_o.id).where(_o.ticket_id == number).order_by(_o.id)).scalars().all()
    rows = [outbox.get(conn, each) for each in found]
    return [
        (row.notice.value, row.recipient, [file.name for file in letter.gather(conn, row).attachments]) for row in rows
    ]


def comments(house: House, who: str, number: int) -> list[dict[str, Any]]:
    found = house.ask(who, "GET", f"comments?id={number}")
    assert found.status_code == 200, found.text
    said: list[dict[str, Any]] = found.json()
    return said


def comment(house: House, who: str, number: int, body: str = "Pull the plug.", **more: Any) -> int:
    """The comment's number."""
    found = house.ask(who, "POST", "comment", data={"id": number, "body": body, **more})
    assert (found.status_code, found.text) == (200, str(number))
    return int(comments(house, "ada", number)[-1]["CommentID"])


def shown(house: House, number: int, who: str = "ada") -> dict[str, Any]:
    found: dict[str, Any] = house.ask(who, "GET", f"ticket/{number}").json()
    return found


def created(house: House, who: str, **given: Any) -> int:
    asked = {"categoryId": house.places["support"].id, "subject": "Fax", "body": "It beeps."} | given
    found = house.ask(who, "POST", "ticket", data=asked)
    assert found.status_code == 200, found.text
    assert found.text.isdigit()
    return int(found.text)


def updated(house: House, who: str, number: int, **given: Any) -> None:
    found = house.ask(who, "POST", "UpdateTicket", data={"id": number} | given)
    assert (found.status_code, found.content) == (200, b""), found.text
