"""Changes of a ticket that say nothing to the customer by themselves: state, assignee, priority, department, subject,
merges, participants.

Each is rows + history + outbox rows in the caller's transaction, on the ticket as it is now (read again under a lock), and
returns the ticket after it; a change to what already is leaves no trace. A merged ticket is refused with the reason "merged".
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection, update

from helpdeskd.desk import (
    addresses,
    assets,
    field_values,
    history,
    messages,
    notices,
    people,
    relations,
    search,
    tags,
    tickets,
)
from helpdeskd.desk import participants as circle
from helpdeskd.desk.case import ADMINISTRATOR
from helpdeskd.desk.context import Desk, LinkKind
from helpdeskd.desk.history import Entry
from helpdeskd.desk.notices import Event
from helpdeskd.errors import Refused
from helpdeskd.model.mail import Address
from helpdeskd.model.people import Department, Person
from helpdeskd.model.ticket import History, Priority, State, Ticket
from helpdeskd.store import schema

_t = schema.ticket.c


def set_state(
    conn: Connection,
    desk: Desk,
    now: datetime,
    *,
    ticket: Ticket,
    state: State,
    actor: Person | None,
    until: datetime | None = None,
    tell: bool = True,
) -> Ticket:
    """`until` (aware, in the future) goes with PENDING and nothing else. Closed by staff: the requester is told, unless `tell`
    says that an answer goes out in the same act.

    Raises Refused: merged, use-merge, pending-needs-until, until-past, until-without-pending.
    """
    if state is State.MERGED:
        raise Refused("use-merge", "a ticket is merged into another one, not set to merged")
    if state is State.PENDING and until is None:
        raise Refused("pending-needs-until", "pending until when?")
    if state is not State.PENDING and until is not None:
        raise Refused("until-without-pending", f"a time goes with pending, not with {state}")
    if until is not None and until <= now:
        raise Refused("until-past", "pending needs a time in the future")
    ticket = tickets.current(conn, ticket)
    if (ticket.state, ticket.pending_until) == (state, until):
        return ticket
    ticket, entries = tickets.step(conn, now, ticket, state, _id(actor), until)
    history.write(conn, now, *entries)
    if state is State.CLOSED and tell and actor is not None and actor.is_staff:
        notices.enqueue_for(conn, desk, now, tickets.scene(conn, Event.CLOSED, ticket, actor))
    return ticket


def assign(
    conn: Connection,
    desk: Desk,
    now: datetime,
    *,
    ticket: Ticket,
    assignee: Person | None,
    actor: Person | None,
    tell: bool = True,
) -> Ticket:
    """To a member of staff, who is told unless it is themselves, or (None) to nobody. Raises Refused: merged, not-staff, disabled."""
    ticket = tickets.current(conn, ticket)
    if assignee is not None:
        assignee = people.get(conn, assignee.id)
        if assignee.disabled_at is not None:
            raise Refused("disabled", f"{assignee.shown} is disabled")
        if not assignee.is_staff:
            raise Refused("not-staff", f"{assignee.shown} is not staff")
    if ticket.assignee_id == _id(assignee):
        return ticket
    entry = _assigned(ticket, _id(assignee), actor)
    ticket = tickets.touch(conn, now, ticket, assignee_id=_id(assignee))
    history.write(conn, now, entry)
    if assignee is not None and tell:
        opening = messages.first(conn, ticket.id)
        scene = tickets.scene(conn, Event.ASSIGNED, ticket, actor, tell=assignee, message_id=opening)
        notices.enqueue_for(conn, desk, now, scene)
    return ticket


def set_priority(
    conn: Connection,
    desk: Desk,
    now: datetime,
    *,
    ticket: Ticket,
    priority: Priority,
    actor: Person | None,
) -> Ticket:
    """Raises Refused("merged")."""
    ticket = tickets.current(conn, ticket)
    if ticket.priority is priority:
        return ticket
    detail = {"from": ticket.priority.value, "to": priority.value}
    ticket = tickets.touch(conn, now, ticket, priority=priority)
    history.write(conn, now, Entry(ticket.id, History.PRIORITY_CHANGED, _id(actor), None, detail))
    return ticket


def set_department(
    conn: Connection,
    desk: Desk,
    now: datetime,
    *,
    ticket: Ticket,
    department: Department,
    actor: Person | None,
) -> Ticket:
    """Its staff are told as of a new ticket. An assignee who neither belongs to it nor administrates loses the ticket, or nobody
    there would be told of replies. Raises Refused("merged")."""
    ticket = tickets.current(conn, ticket)
    if ticket.department_id == department.id:
        return ticket
    detail = {"from": ticket.department_id, "to": department.id, "name": department.name}
    entries = [Entry(ticket.id, History.DEPARTMENT_CHANGED, _id(actor), None, detail)]
    keeper = ticket.assignee_id
    if keeper is not None and not _keeps(conn, keeper, department):
        entries.append(_assigned(ticket, None, actor))
        keeper = None
    ticket = tickets.touch(conn, now, ticket, department_id=department.id, assignee_id=keeper)
    history.write(conn, now, *entries)
    opening = messages.first(conn, ticket.id)
    notices.enqueue_for(conn, desk, now, tickets.scene(conn, Event.MOVED, ticket, actor, message_id=opening))
    return ticket


def _keeps(conn: Connection, assignee_id: int, department: Department) -> bool:
    """Tickets of this department can be theirs, as catalogue.staff_of has it."""
    assignee = people.get(conn, assignee_id)
    everywhere = assignee.is_staff and assignee.level >= ADMINISTRATOR
    return everywhere or department.id in people.staff_departments(conn, assignee_id)


def set_subject(
    conn: Connection,
    desk: Desk,
    now: datetime,
    *,
    ticket: Ticket,
    subject: str,
    actor: Person | None,
) -> Ticket:
    """Raises Refused: merged, bad-subject (empty, or over 500 characters)."""
    subject = " ".join(subject.split())
    if not subject or len(subject) > 500:
        raise Refused("bad-subject", "a subject has 1 to 500 characters")
    ticket = tickets.current(conn, ticket)
    if ticket.subject == subject:
        return ticket
    detail = {"from": ticket.subject, "to": subject}
    ticket = tickets.touch(conn, now, ticket, subject=subject)
    history.write(conn, now, Entry(ticket.id, History.SUBJECT_CHANGED, _id(actor), None, detail))
    search.rebuild(conn, ticket.id)
    return ticket


def merge(
    conn: Connection,
    desk: Desk,
    now: datetime,
    *,
    ticket: Ticket,
    into: Ticket,
    actor: Person | None,
) -> Ticket:
    """`ticket` becomes part of `into`, or of where that one's merges lead; returns the target.

    Its messages stay with it; its requester, participants, tags and assets become the target's, and its custom values where the target
    has none; what was merged into it now leads straight to the target. Raises Refused: merged, merge-into-itself.
    """
    # In the order of their ids, so that two merges the other way round do not wait for each other.
    for each in sorted({ticket.id, into.id}):
        tickets.resolve(conn, each, locked=True)
    source, target = tickets.current(conn, ticket), tickets.resolve(conn, into.id, locked=True)
    if source.id == target.id:
        raise Refused("merge-into-itself", f"ticket {source.number} cannot be merged into itself")
    joining = (people.get(conn, source.requester_id), *circle.of(conn, source.id))
    joined = circle.add(conn, now, target.id, target.requester_id, joining)
    present = set(tags.of(conn, target.id))
    new_tags = [each for each in tags.of(conn, source.id) if each not in present]
    tags.put(conn, target.id, new_tags)
    relations.follow_merge(conn, source, target)
    assets.follow_merge(conn, source.id, target.id)
    field_values.follow_merge(conn, source.id, target.id)
    tickets.connect(conn, source, target, LinkKind.MERGED, _id(actor))  # the merge is the history entry of it
    conn.execute(update(schema.ticket).where(_t.merged_into == source.id).values(merged_into=target.id))
    closed_at = source.closed_at or now
    tickets.touch(conn, now, source, state=State.MERGED, merged_into=target.id, pending_until=None, closed_at=closed_at)
    history.write(
        conn,
        now,
        Entry(source.id, History.MERGED, _id(actor), None, {"into": target.number, "from": source.state.value}),
        Entry(target.id, History.MERGED, _id(actor), None, {"source": source.number, "tags": new_tags}),
        *(_joined(target, person, actor) for person in joined),
    )
    search.rebuild(conn, target.id)
    return tickets.touch(conn, now, target)


def add_participant(
    conn: Connection,
    desk: Desk,
    now: datetime,
    *,
    ticket: Ticket,
    address: Address,
    actor: Person | None,
) -> Ticket:
    """From now on they receive each public answer and may reply. Raises Refused: merged, bad-address, own-address."""
    ticket = tickets.current(conn, ticket)
    if addresses.ours(conn, (address.email,)):
        raise Refused("own-address", f"{address.email} is one of our own addresses")
    person = people.customer(conn, desk, now, address)
    added = circle.add(conn, now, ticket.id, ticket.requester_id, (person,))
    if not added:
        return ticket
    history.write(conn, now, *(_joined(ticket, each, actor) for each in added))
    search.rebuild(conn, ticket.id)
    return tickets.touch(conn, now, ticket)


def remove_participant(
    conn: Connection,
    desk: Desk,
    now: datetime,
    *,
    ticket: Ticket,
    person: Person,
    actor: Person | None,
) -> Ticket:
    """They hear no more of it. Raises Refused: merged, not-a-participant."""
    ticket = tickets.current(conn, ticket)
    if not circle.remove(conn, ticket.id, person.id):
        raise Refused("not-a-participant", f"{person.shown} takes no part in ticket {ticket.number}")
    detail = {"person": person.id, "email": person.email}
    history.write(conn, now, Entry(ticket.id, History.PARTICIPANT_REMOVED, _id(actor), None, detail))
    search.rebuild(conn, ticket.id)
    return tickets.touch(conn, now, ticket)


def _id(person: Person | None) -> int | None:
    return None if person is None else person.id


def _assigned(ticket: Ticket, to: int | None, actor: Person | None) -> Entry:
    return Entry(ticket.id, History.ASSIGNED, _id(actor), None, {"from": ticket.assignee_id, "to": to})


def _joined(ticket: Ticket, person: Person, actor: Person | None) -> Entry:
    detail = {"person": person.id, "email": person.email}
    return Entry(ticket.id, History.PARTICIPANT_ADDED, _id(actor), None, detail)
