"""Tickets as forms fill them in: opened, and changed in several ways at once, by whoever may; all of it happens, or nothing.

What a form may change, by which right and by which act of the desk, is the table FIELDS.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import Any, TypeVar

from sqlalchemy import Connection

from helpdeskd.desk import (
    catalogue,
    changes,
    corrections,
    departments,
    edits,
    field_access,
    messages,
    people,
    removal,
    tags,
    tickets,
    timekeeping,
)
from helpdeskd.desk import sight as seeing
from helpdeskd.desk.context import Desk, Posted, Words
from helpdeskd.desk.sight import Act, Sight
from helpdeskd.errors import NotFound, Refused
from helpdeskd.model.people import Person
from helpdeskd.model.ticket import Origin, Priority, State, Ticket

T = TypeVar("T")


class Keep(Enum):
    """What a form says nothing of stays."""

    KEEP = "keep"


KEEP = Keep.KEEP


@dataclass(frozen=True, slots=True)
class NewTicket:
    """`requester_id`: for whom; None: for who asks. `tell`: the requester gets a mail of it."""

    department_id: int
    words: Words
    requester_id: int | None = None
    assignee_id: int | None = None
    priority: Priority = Priority.NORMAL
    origin: Origin = Origin.API
    tags: tuple[str, ...] = ()
    fields: tuple[tuple[int, str], ...] = ()  # custom ones, by id
    tell: bool = True


@dataclass(frozen=True, slots=True)
class Text:
    """`html` is clean already."""

    text: str
    html: str


@dataclass(frozen=True, slots=True)
class Status:
    """The state to set, unless the ticket is in one that counts as the same."""

    state: State
    alike: tuple[State, ...] = ()


@dataclass(frozen=True, slots=True)
class Changed:
    """What is to be different; in this order it is done."""

    created_at: datetime | Keep = KEEP
    requester_id: int | Keep = KEEP
    department_id: int | Keep = KEEP
    assignee_id: int | Keep | None = KEEP  # None: nobody
    priority: Priority | Keep = KEEP
    subject: str | Keep = KEEP
    opening: Text | Keep = KEEP  # the first message's words
    tags: tuple[str, ...] | Keep = KEEP  # exactly these
    seconds_spent: int | Keep = KEEP
    due_at: datetime | Keep | None = KEEP
    status: Status | Keep = KEEP
    closed_at: datetime | Keep = KEEP


def open(  # noqa: A001  # forms.open reads as what it is
    conn: Connection, desk: Desk, now: datetime, *, sight: Sight, actor: Person, form: NewTicket
) -> Posted:
    """For others, and with an assignee, staff alone.

    Raises NotFound (department, person, field); Refused: not-permitted, disabled (the requester, the assignee), and what tags.add,
    field_values.put and changes.assign refuse.
    """
    department = catalogue.enter(conn, sight, form.department_id)
    for_another = form.requester_id not in {None, actor.id}
    if not sight.staff and (for_another or form.assignee_id is not None):
        raise Refused("not-permitted", "only staff open tickets for others, or assign them")
    requester = people.get(conn, form.requester_id) if form.requester_id is not None and for_another else actor
    if requester.disabled_at is not None:
        raise Refused("disabled", f"{requester.shown} is disabled")
    posted = tickets.open(
        conn,
        desk,
        now,
        department=department,
        requester=requester,
        words=form.words,
        acknowledge=form.tell,
        priority=form.priority,
        origin=form.origin,
        opened_by=actor if for_another else None,
        tell=form.tell,
    )
    ticket = posted.ticket
    if form.tags:
        ticket = tags.add(conn, desk, now, ticket=ticket, tags=form.tags, actor=actor)
    if form.fields:
        ticket = field_access.fill(conn, desk, now, sight=sight, actor=actor, ticket=ticket, values=dict(form.fields))
    if form.assignee_id is not None:
        assignee = people.get(conn, form.assignee_id)
        ticket = changes.assign(conn, desk, now, ticket=ticket, assignee=assignee, actor=actor)
    return Posted(ticket, posted.message_id, posted.told)


def change(
    conn: Connection, desk: Desk, now: datetime, *, sight: Sight, actor: Person, ticket_id: int, form: Changed
) -> Ticket:
    """Every right is asked for before anything changes.

    Raises NotFound (the ticket, where they do not see it; a department, a person); Refused: not-permitted, and what the acts of
    FIELDS refuse.
    """
    wanted = [(each, getattr(form, each.name)) for each in FIELDS if getattr(form, each.name) is not KEEP]
    ticket = seeing.ticket(conn, sight, ticket_id)
    for field, value in wanted:
        seeing.check(conn, sight, ticket, field.right(value))
    act = _Change(conn, desk, now, sight, actor)
    for field, value in wanted:
        ticket = field.act(act, ticket, value)
    return ticket


def close(
    conn: Connection,
    desk: Desk,
    now: datetime,
    *,
    sight: Sight,
    actor: Person,
    ticket_id: int,
    tell: bool = True,
) -> Ticket:
    """`tell`: the requester, where it was not their own doing. Raises NotFound, Refused("not-permitted")."""
    ticket = seeing.ticket(conn, sight, ticket_id, Act.CLOSE)
    return changes.set_state(conn, desk, now, ticket=ticket, state=State.CLOSED, actor=actor, tell=tell)


def spend(
    conn: Connection,
    desk: Desk,
    now: datetime,
    *,
    sight: Sight,
    actor: Person,
    ticket_id: int,
    seconds: int,
    status: Status | None = None,
) -> Ticket:
    """So much time more, and with `status` the ticket goes there. Raises NotFound; Refused: not-permitted, bad-time."""
    ticket = seeing.ticket(conn, sight, ticket_id, Act.WORK)
    state = None if status is None or ticket.state in status.alike else status.state
    return timekeeping.spend(conn, desk, now, ticket=ticket, seconds=seconds, state=state, actor=actor)


def work(
    conn: Connection,
    desk: Desk,
    now: datetime,
    act: Callable[..., T],
    *,
    sight: Sight,
    actor: Person,
    tickets: Mapping[str, int],
    **values: Any,
) -> T:
    """`act`, which takes these tickets by name, where they may work on each. Raises NotFound, Refused("not-permitted"), and as `act`."""
    found = {name: seeing.ticket(conn, sight, each, Act.WORK) for name, each in tickets.items()}
    return act(conn, desk, now, **found, **values, actor=actor)


def merge(
    conn: Connection, desk: Desk, now: datetime, *, sight: Sight, actor: Person, ticket_id: int, into_id: int
) -> Ticket:
    """One that was merged before is there no more. Raises NotFound; Refused: not-permitted, merge-into-itself."""
    into = seeing.ticket(conn, sight, into_id, Act.WORK)
    return changes.merge(conn, desk, now, ticket=_itself(conn, sight, ticket_id, Act.WORK), into=into, actor=actor)


def remove(conn: Connection, desk: Desk, now: datetime, *, sight: Sight, actor: Person, ticket_id: int) -> None:
    """Raises NotFound, for one that was merged too; Refused("not-permitted")."""
    removal.ticket(conn, desk, now, ticket=_itself(conn, sight, ticket_id, Act.ERASE), actor=actor)


def _itself(conn: Connection, sight: Sight, ticket_id: int, act: Act) -> Ticket:
    """For what cannot be undone: this very ticket, not the one its merges lead to. Raises NotFound, Refused("not-permitted")."""
    ticket = seeing.ticket(conn, sight, ticket_id, act)
    if ticket.id != ticket_id:
        raise NotFound("ticket", ticket_id)
    return ticket


@dataclass(frozen=True, slots=True)
class _Change:
    conn: Connection
    desk: Desk
    now: datetime
    sight: Sight
    actor: Person

    def __call__(self, act: Callable[..., Ticket], ticket: Ticket, **values: Any) -> Ticket:
        return act(self.conn, self.desk, self.now, ticket=ticket, actor=self.actor, **values)


def _requester(do: _Change, ticket: Ticket, person_id: int) -> Ticket:
    return do(corrections.set_requester, ticket, requester=people.get(do.conn, person_id))


def _department(do: _Change, ticket: Ticket, department_id: int) -> Ticket:
    department = departments.there(do.conn, department_id)
    if department is None:
        raise NotFound("department", department_id)
    return do(changes.set_department, ticket, department=department)


def _assignee(do: _Change, ticket: Ticket, person_id: int | None) -> Ticket:
    return do(changes.assign, ticket, assignee=None if person_id is None else people.get(do.conn, person_id))


def _opening(do: _Change, ticket: Ticket, words: Text) -> Ticket:
    first = messages.first(do.conn, ticket.id)
    if first is None:
        raise NotFound("message", ticket.id)
    edits.editable(do.conn, do.sight, first)  # a requester's own words, not those of whoever opened it for them
    return edits.rewrite(do.conn, do.desk, do.now, message_id=first, text=words.text, html=words.html, actor=do.actor)


def _status(do: _Change, ticket: Ticket, wanted: Status) -> Ticket:
    return ticket if ticket.state in wanted.alike else do(changes.set_state, ticket, state=wanted.state)


def _by(act: Callable[..., Ticket], name: str) -> Callable[[_Change, Ticket, Any], Ticket]:
    return lambda do, ticket, value: do(act, ticket, **{name: value})


@dataclass(frozen=True, slots=True)
class Field:
    name: str
    right: Callable[[Any], Act]
    act: Callable[[_Change, Ticket, Any], Ticket]


def _edit(_: object) -> Act:
    return Act.EDIT


def _work(_: object) -> Act:
    return Act.WORK


def _by_status(wanted: Status) -> Act:
    return Act.CLOSE if wanted.state is State.CLOSED else Act.WORK


# fmt: off
FIELDS: tuple[Field, ...] = (
    Field("created_at",    _work,      _by(corrections.set_created, "created_at")),
    Field("requester_id",  _work,      _requester),
    Field("department_id", _work,      _department),
    Field("assignee_id",   _work,      _assignee),
    Field("priority",      _edit,      _by(changes.set_priority, "priority")),
    Field("subject",       _edit,      _by(changes.set_subject, "subject")),
    Field("opening",       _edit,      _opening),
    Field("tags",          _work,      _by(tags.replace, "tags")),
    Field("seconds_spent", _work,      _by(timekeeping.set_total, "seconds")),
    Field("due_at",        _work,      _by(corrections.set_due, "due_at")),
    Field("status",        _by_status, _status),
    Field("closed_at",     _work,      _by(corrections.set_closed, "closed_at")),
)
# fmt: on
