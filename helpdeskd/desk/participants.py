"""Who takes part in a ticket besides its requester: they receive every public answer and may reply."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import Connection, bindparam, delete, insert, select

from helpdeskd.desk import addresses, people, rows, withholding
from helpdeskd.desk.context import Desk
from helpdeskd.desk.history import Entry
from helpdeskd.errors import Refused
from helpdeskd.model.mail import Address
from helpdeskd.model.people import Person
from helpdeskd.model.ticket import History, Ticket
from helpdeskd.store import schema

# A mail to half a town must not make half a town receive every answer.
MAX_OF_ONE_MAIL = 100

_c = schema.participant.c
_OF = (
    select(*rows.PERSON)
    .join(schema.participant, _c.person_id == schema.person.c.id)
    .where(_c.ticket_id == bindparam("ticket_id"))
    .order_by(_c.added_at, _c.person_id)
)
_INSERT = insert(schema.participant)


def of(conn: Connection, ticket_id: int) -> tuple[Person, ...]:
    """In the order in which they joined; the requester is not one of them."""
    return tuple(rows.person(row) for row in conn.execute(_OF, {"ticket_id": ticket_id}))


def join(
    conn: Connection,
    desk: Desk,
    now: datetime,
    ticket: Ticket,
    actor: Person,
    found: tuple[Address, ...],
    *,
    fresh: bool = False,
) -> tuple[tuple[Person, ...], list[Entry]]:
    """Those who take part from now on by a mail of `actor`, and the history entries for it. The ticket tells how many were left out."""
    persons, left_out = named(conn, desk, now, actor, found)
    added = add(conn, now, ticket.id, ticket.requester_id, persons, fresh=fresh)
    if left_out:
        withholding.left_out(conn, now, ticket, left_out)
    left = [Entry(ticket.id, History.LEFT_OUT, actor.id, None, {"people": left_out})] if left_out else []
    return added, left + [
        Entry(ticket.id, History.PARTICIPANT_ADDED, actor.id, None, {"person": person.id, "email": person.email})
        for person in added
    ]


def named(
    conn: Connection, desk: Desk, now: datetime, actor: Person, found: Iterable[Address]
) -> tuple[tuple[Person, ...], int]:
    """The people behind addresses of a mail of `actor`, and how many a ceiling keeps out. Customers are made of the unknown, our own addresses and
    what is no address are left out."""
    wanted = tuple(found)[:MAX_OF_ONE_MAIL]
    if not wanted:
        return (), 0
    ours = addresses.ours(conn, {address.email for address in wanted})
    known = actor.is_staff or actor.known
    return people.customers(conn, desk, now, [each for each in wanted if each.email not in ours], by_known=known)


def add(
    conn: Connection,
    now: datetime,
    ticket_id: int,
    requester_id: int,
    found: Iterable[Person],
    *,
    fresh: bool = False,
) -> tuple[Person, ...]:
    """Those of `found` who were not taking part yet; now they do. `fresh`: the ticket is new, nobody can be there already."""
    wanted = {person.id: person for person in found if person.id != requester_id}
    if wanted and not fresh:
        present = conn.execute(select(_c.person_id).where(_c.ticket_id == ticket_id, _c.person_id.in_(wanted)))
        for person_id in present.scalars().all():
            del wanted[person_id]
    if wanted:
        conn.execute(_INSERT, [{"ticket_id": ticket_id, "person_id": each, "added_at": now} for each in wanted])
    return tuple(wanted.values())


def check(ticket: Ticket, others: Iterable[Person], chosen: frozenset[int] | None) -> None:
    """May an answer be meant for these alone? The requester, whoever it is assigned to, those who take part. Raises
    Refused("not-a-recipient")."""
    strangers = (chosen or frozenset()) - {ticket.requester_id, ticket.assignee_id, *(each.id for each in others)}
    if strangers:
        raise Refused("not-a-recipient", f"person {min(strangers)} takes no part in ticket {ticket.id}")


def remove(conn: Connection, ticket_id: int, person_id: int) -> bool:
    """False where they took no part."""
    gone = conn.execute(delete(schema.participant).where(_c.ticket_id == ticket_id, _c.person_id == person_id))
    return gone.rowcount > 0
