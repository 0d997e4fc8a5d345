"""Whose custom fields somebody sees, and which of a ticket they may set: one place for whoever asks in somebody's name.

Of a ticket, who handles it is staff; who asked for it sets what is everybody's. Who is not shown a field never learns of it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime

from sqlalchemy import Connection

from helpdeskd.desk import catalogue, field_values, fields, people_list, tickets
from helpdeskd.desk import sight as seeing
from helpdeskd.desk.context import Desk
from helpdeskd.desk.sight import Act, Sight
from helpdeskd.errors import NotFound, Refused
from helpdeskd.model.fields import Field, Owner, Value
from helpdeskd.model.people import Person
from helpdeskd.model.ticket import Ticket


def of_department(conn: Connection, sight: Sight, department_id: int) -> tuple[Field, ...]:
    """What new tickets there are asked. Raises NotFound where they may open none."""
    place = catalogue.place(conn, sight, department_id)
    found = fields.of_ticket(conn, place.department.id)
    return tuple(field for field in found if field.shown_to(staff=sight.staff))


def of_ticket(conn: Connection, sight: Sight, ticket_id: int, *, unset: bool) -> tuple[Value, ...]:
    """With `unset`, the empty ones too. Raises NotFound."""
    ticket = seeing.ticket(conn, sight, ticket_id)
    return field_values.of(
        conn,
        Owner.TICKET,
        ticket.id,
        unset=unset,
        department_id=ticket.department_id,
        staff=seeing.handles(sight, ticket),
    )


def of_tickets(conn: Connection, sight: Sight, found: Iterable[Ticket]) -> dict[int, tuple[Value, ...]]:
    """By ticket, without the empty ones; they see the tickets."""
    known = {ticket.id: ticket for ticket in found}
    held = field_values.several(conn, Owner.TICKET, known)
    return {
        ticket_id: tuple(
            value for value in held.get(ticket_id, ()) if value.field.shown_to(staff=seeing.handles(sight, ticket))
        )
        for ticket_id, ticket in known.items()
    }


def of_person(conn: Connection, sight: Sight, person_id: int) -> tuple[Value, ...]:
    """The empty ones too. Raises as people_list.seen."""
    person = people_list.seen(conn, sight, people_list.one, person_id).person
    return field_values.of(conn, Owner.PERSON, person.id, unset=True, staff=sight.staff)


def set_of_ticket(
    conn: Connection,
    desk: Desk,
    now: datetime,
    *,
    sight: Sight,
    actor: Person,
    ticket_id: int,
    values: Mapping[int, str],
) -> None:
    """By the fields' ids: all of them, or none. Raises NotFound (ticket, field); Refused: not-permitted, and as field_values.put."""
    ticket = seeing.ticket(conn, sight, ticket_id, Act.EDIT)
    staff = seeing.handles(sight, ticket)
    _put(conn, desk, now, ticket.id, values, staff, actor)


def fill(
    conn: Connection,
    desk: Desk,
    now: datetime,
    *,
    sight: Sight,
    actor: Person,
    ticket: Ticket,
    values: Mapping[int, str],
) -> Ticket:
    """Of a ticket that they open just now: staff fill in everything, wherever it is opened. Raises as `set_of_ticket`."""
    _put(conn, desk, now, ticket.id, values, sight.staff, actor)
    return tickets.get(conn, ticket.id)


def _put(
    conn: Connection,
    desk: Desk,
    now: datetime,
    ticket_id: int,
    values: Mapping[int, str],
    staff: bool,
    actor: Person,
) -> None:
    known = {field.id: field for field in fields.list(conn, Owner.TICKET)}
    wanted = [(_settable(known, field_id, staff=staff), value) for field_id, value in values.items()]
    field_values.put_several(conn, desk, now, values=wanted, owner_id=ticket_id, actor=actor)


def _settable(known: Mapping[int, Field], field_id: int, *, staff: bool) -> Field:
    field = known.get(field_id)
    if field is None or not field.shown_to(staff=staff):
        raise NotFound("field", field_id)
    if not field.set_by(staff=staff):
        raise Refused("not-permitted", f"{field.name} is set by staff")
    return field
