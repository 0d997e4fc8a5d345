"""Who sees which tickets, and what they may do there: one table, one condition in SQL, for whoever asks in somebody's name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from sqlalchemy import ColumnElement, Connection, bindparam, or_, select, true

from helpdeskd.desk import people, tickets
from helpdeskd.desk.case import ADMINISTRATOR
from helpdeskd.errors import NotFound, Refused
from helpdeskd.model.people import Person
from helpdeskd.model.ticket import Ticket
from helpdeskd.store import schema

_t, _part, _prof = schema.ticket.c, schema.participant.c, schema.profile.c

_MANAGED = select(_prof.company_id).where(
    _prof.person_id == bindparam("person_id"), _prof.manages == true(), _prof.company_id.is_not(None)
)
_COMPANY = select(_prof.company_id).where(_prof.person_id == bindparam("person_id"))
_PARTICIPANT = select(_part.person_id).where(
    _part.ticket_id == bindparam("ticket_id"), _part.person_id == bindparam("person_id")
)


class Standing(StrEnum):
    """What somebody is to a ticket; the first that fits."""

    ADMINISTRATOR = "administrator"
    TECHNICIAN = "technician"  # of its department, or it is assigned to them
    REQUESTER = "requester"
    MANAGER = "manager"  # of the requester's company
    PARTICIPANT = "participant"
    STRANGER = "stranger"


class Act(StrEnum):
    SEE = "see"
    REPLY = "reply"
    CLOSE = "close"
    EDIT = "edit"  # subject, words, priority
    WORK = "work"  # notes, state, assignee, department, tags, time, relations, fields
    ERASE = "erase"


_STAFF = frozenset({Standing.ADMINISTRATOR, Standing.TECHNICIAN})
_EVERYBODY = frozenset(Standing) - {Standing.STRANGER}

MAY: Mapping[Act, frozenset[Standing]] = {
    Act.SEE: _EVERYBODY,
    Act.REPLY: _EVERYBODY,
    Act.CLOSE: _STAFF | {Standing.REQUESTER, Standing.MANAGER},
    Act.EDIT: _STAFF | {Standing.REQUESTER},
    Act.WORK: _STAFF,
    Act.ERASE: frozenset({Standing.ADMINISTRATOR}),
}


@dataclass(frozen=True, slots=True)
class Sight:
    """Of one person, as of now. Everybody sees their own tickets and those they take part in."""

    person_id: int
    everything: bool = False  # an administrator
    staff: bool = False
    departments: frozenset[int] = field(default_factory=frozenset)  # handled as staff
    companies: frozenset[int] = field(default_factory=frozenset)  # managed


def of(conn: Connection, person: Person) -> Sight:
    """Staff without departments see what is assigned to them, as mail has it; a disabled person is nobody's staff."""
    if person.is_staff:
        everything = person.level >= ADMINISTRATOR
        handled = frozenset[int]() if everything else people.staff_departments(conn, person.id)
        return Sight(person.id, everything=everything, staff=True, departments=handled)
    managed = conn.execute(_MANAGED, {"person_id": person.id}).scalars()
    return Sight(person.id, companies=frozenset(managed))


def handles(sight: Sight, ticket: Ticket) -> bool:
    """Is it theirs to work on? Then they see notes too."""
    return sight.everything or (
        sight.staff and (ticket.department_id in sight.departments or ticket.assignee_id == sight.person_id)
    )


def standing(conn: Connection, sight: Sight, ticket: Ticket) -> Standing:
    """The store is asked only where the ticket itself does not say."""
    if handles(sight, ticket):
        return Standing.ADMINISTRATOR if sight.everything else Standing.TECHNICIAN
    if ticket.requester_id == sight.person_id:
        return Standing.REQUESTER
    if sight.companies and conn.execute(_COMPANY, {"person_id": ticket.requester_id}).scalar() in sight.companies:
        return Standing.MANAGER
    present = conn.execute(_PARTICIPANT, {"ticket_id": ticket.id, "person_id": sight.person_id}).first()
    return Standing.STRANGER if present is None else Standing.PARTICIPANT


def sees(conn: Connection, sight: Sight, ticket: Ticket) -> bool:
    return standing(conn, sight, ticket) is not Standing.STRANGER


def ticket(conn: Connection, sight: Sight, ticket_id: int, act: Act = Act.SEE) -> Ticket:
    """The ticket, or where its merges lead, if they may do that to it.

    Raises NotFound where there is none they see (no word tells which), Refused("not-permitted").
    """
    try:
        found = tickets.resolve(conn, ticket_id)
        check(conn, sight, found, act)
    except NotFound as error:  # by the number that was asked for: another would tell where its merges lead
        raise NotFound("ticket", ticket_id) from error
    return found


def check(conn: Connection, sight: Sight, ticket: Ticket, act: Act) -> None:
    """Raises as `ticket` does."""
    who = standing(conn, sight, ticket)
    if who is Standing.STRANGER:
        raise NotFound("ticket", ticket.id)
    if who not in MAY[act]:
        raise Refused("not-permitted", f"you may not {act.value} ticket {ticket.id}")


def where(sight: Sight) -> ColumnElement[bool]:
    """The tickets they see, as a condition on the table `ticket`; each of its parts is answered by an index."""
    if sight.everything:
        return true()
    found: list[ColumnElement[bool]] = [
        _t.requester_id == sight.person_id,
        _t.id.in_(select(_part.ticket_id).where(_part.person_id == sight.person_id)),
    ]
    if sight.staff:
        found.append(_t.assignee_id == sight.person_id)
    if sight.departments:
        found.append(_t.department_id.in_(sorted(sight.departments)))
    if sight.companies:
        found.append(_t.requester_id.in_(select(_prof.person_id).where(_prof.company_id.in_(sorted(sight.companies)))))
    return or_(*found)
