"""What a ticket says of itself, put right by somebody: whose it is, and its dates. Nobody is mailed.

Each is rows + history in the caller's transaction, as in changes.py; a merged ticket is refused with the reason "merged".
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection

from helpdeskd.desk import history, people, search, tickets
from helpdeskd.desk import participants as circle
from helpdeskd.desk.context import Desk
from helpdeskd.desk.history import Entry
from helpdeskd.errors import Refused
from helpdeskd.model.people import Person
from helpdeskd.model.ticket import History, Ticket


def set_requester(
    conn: Connection, desk: Desk, now: datetime, *, ticket: Ticket, requester: Person, actor: Person | None
) -> Ticket:
    """From now on it is theirs: they are answered, and whose it was hears no more of it. Raises Refused: merged, disabled."""
    ticket = tickets.current(conn, ticket)
    if ticket.requester_id == requester.id:
        return ticket
    requester = people.get(conn, requester.id)
    if requester.disabled_at is not None:
        raise Refused("disabled", f"{requester.shown} is disabled")
    detail = {"from": ticket.requester_id, "to": requester.id, "email": requester.email}
    circle.remove(conn, ticket.id, requester.id)
    ticket = tickets.touch(conn, now, ticket, requester_id=requester.id)
    search.rebuild(conn, ticket.id)
    history.write(conn, now, Entry(ticket.id, History.REQUESTER_CHANGED, _id(actor), None, detail))
    return ticket


def set_due(
    conn: Connection, desk: Desk, now: datetime, *, ticket: Ticket, due_at: datetime | None, actor: Person | None
) -> Ticket:
    """By when it is to be solved, in the past too; None: by no time. Raises Refused("merged")."""
    return _date(conn, now, tickets.current(conn, ticket), "due_at", due_at, actor)


def set_created(
    conn: Connection, desk: Desk, now: datetime, *, ticket: Ticket, created_at: datetime, actor: Person | None
) -> Ticket:
    """Raises Refused: merged, bad-date (in the future, or after it was closed)."""
    ticket = tickets.current(conn, ticket)
    if created_at > now or (ticket.closed_at is not None and created_at > ticket.closed_at):
        raise Refused("bad-date", "a ticket is created before it is closed, and not in the future")
    return _date(conn, now, ticket, "created_at", created_at, actor)


def set_closed(
    conn: Connection, desk: Desk, now: datetime, *, ticket: Ticket, closed_at: datetime, actor: Person | None
) -> Ticket:
    """When it was closed. Raises Refused: merged, not-closed, bad-date (in the future, or before it was created)."""
    ticket = tickets.current(conn, ticket)
    if not ticket.is_closed:
        raise Refused("not-closed", f"ticket {ticket.number} is not closed")
    if not ticket.created_at <= closed_at <= now:
        raise Refused("bad-date", "a ticket is closed after it was created, and not in the future")
    return _date(conn, now, ticket, "closed_at", closed_at, actor)


def _date(
    conn: Connection, now: datetime, ticket: Ticket, name: str, at: datetime | None, actor: Person | None
) -> Ticket:
    before: datetime | None = getattr(ticket, name)
    if before == at:
        return ticket
    detail = {"date": name.removesuffix("_at"), "from": _words(before), "to": _words(at)}
    ticket = tickets.touch(conn, now, ticket, **{name: at})
    history.write(conn, now, Entry(ticket.id, History.DATED, _id(actor), None, detail))
    return ticket


def _words(at: datetime | None) -> str | None:
    return None if at is None else at.isoformat()


def _id(person: Person | None) -> int | None:
    return None if person is None else person.id
