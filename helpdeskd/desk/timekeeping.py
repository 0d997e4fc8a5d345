"""Time spent on tickets: entries that are only added to, and their sum in the ticket."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, insert, select

from helpdeskd.desk import changes, history, tickets
from helpdeskd.desk.context import Desk
from helpdeskd.desk.history import Entry
from helpdeskd.errors import Refused
from helpdeskd.model.people import Person
from helpdeskd.model.ticket import History, State, Ticket
from helpdeskd.store import schema

MAX_SECONDS = 10**9  # of one entry either way, and of a ticket

_c = schema.time_entry.c


@dataclass(frozen=True, slots=True)
class Spent:
    """One entry; a correction is negative."""

    id: int
    person_id: int | None
    seconds: int
    at: datetime


def spend(
    conn: Connection,
    desk: Desk,
    now: datetime,
    *,
    ticket: Ticket,
    seconds: int,
    state: State | None = None,
    actor: Person | None,
) -> Ticket:
    """`seconds` more (fewer, where negative), and with `state` the ticket goes there in the same act. Zero leaves no entry.

    Raises Refused: merged, bad-time (beyond MAX_SECONDS, or less than nothing in all), and what changes.set_state does.
    """
    ticket = _spend(conn, now, tickets.current(conn, ticket), seconds, actor)
    if state is None:
        return ticket
    return changes.set_state(conn, desk, now, ticket=ticket, state=state, actor=actor)


def set_total(
    conn: Connection, desk: Desk, now: datetime, *, ticket: Ticket, seconds: int, actor: Person | None
) -> Ticket:
    """The sum is to be this: the difference is an entry. Raises Refused: merged, bad-time."""
    ticket = tickets.current(conn, ticket)
    return _spend(conn, now, ticket, seconds - ticket.seconds_spent, actor)


def _spend(conn: Connection, now: datetime, ticket: Ticket, seconds: int, actor: Person | None) -> Ticket:
    total = ticket.seconds_spent + seconds
    if abs(seconds) > MAX_SECONDS or not 0 <= total <= MAX_SECONDS:
        raise Refused("bad-time", f"the time spent on a ticket is 0 to {MAX_SECONDS} seconds, not {total}")
    if seconds == 0:
        return ticket
    actor_id = None if actor is None else actor.id
    conn.execute(
        insert(schema.time_entry), {"ticket_id": ticket.id, "person_id": actor_id, "seconds": seconds, "at": now}
    )
    history.write(conn, now, Entry(ticket.id, History.TIME_SPENT, actor_id, None, {"seconds": seconds, "total": total}))
    return tickets.touch(conn, now, ticket, seconds_spent=total)


def entries(conn: Connection, ticket_id: int) -> tuple[Spent, ...]:
    """The oldest first."""
    found = select(_c.id, _c.person_id, _c.seconds, _c.at).where(_c.ticket_id == ticket_id).order_by(_c.id)
    return tuple(Spent(*row) for row in conn.execute(found))
