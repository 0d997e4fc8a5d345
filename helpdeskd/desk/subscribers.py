"""Who hears of a ticket: its requester, whoever it is assigned to, and those who take part. The last ones come and go."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection

from helpdeskd.desk import changes, directory, participants, people, sight, tickets
from helpdeskd.desk.context import Desk
from helpdeskd.desk.directory import Entry
from helpdeskd.desk.sight import Act
from helpdeskd.errors import NotFound, Refused
from helpdeskd.model.mail import Address
from helpdeskd.model.people import Person
from helpdeskd.model.ticket import Ticket


def of(conn: Connection, ticket: Ticket) -> tuple[Entry, ...]:
    """In that order, each once."""
    ids = [ticket.requester_id, ticket.assignee_id, *(each.id for each in participants.of(conn, ticket.id))]
    found = directory.several(conn, [each for each in ids if each is not None])
    return tuple(found[each] for each in dict.fromkeys(ids) if each is not None)


def add(conn: Connection, desk: Desk, now: datetime, *, ticket: Ticket, person_id: int, actor: Person) -> Ticket:
    """Themselves: everybody who sees the ticket; others: who works on it. Raises NotFound, Refused("not-permitted")."""
    ticket = _theirs(conn, ticket, person_id, actor)
    person = people.get(conn, person_id)
    address = Address(person.name, person.email)
    return changes.add_participant(conn, desk, now, ticket=ticket, address=address, actor=actor)


def remove(conn: Connection, desk: Desk, now: datetime, *, ticket: Ticket, person_id: int, actor: Person) -> Ticket:
    """As `add`. Raises NotFound where they take no part; Refused: not-permitted, always-told (requester and assignee are)."""
    ticket = _theirs(conn, ticket, person_id, actor)
    person = people.get(conn, person_id)
    if any(each.id == person.id for each in participants.of(conn, ticket.id)):
        return changes.remove_participant(conn, desk, now, ticket=ticket, person=person, actor=actor)
    if person.id in {ticket.requester_id, ticket.assignee_id}:
        raise Refused("always-told", f"{person.shown} is told of ticket {ticket.id}, which is theirs")
    raise NotFound("subscriber", person_id)


def _theirs(conn: Connection, ticket: Ticket, person_id: int, actor: Person) -> Ticket:
    ticket = tickets.resolve(conn, ticket.id, locked=True)
    sight.check(conn, sight.of(conn, actor), ticket, Act.SEE if person_id == actor.id else Act.WORK)
    return ticket
