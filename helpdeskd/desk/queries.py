"""Reading for people: lists, one ticket whole, search, and the figures of the status screen. Changes nothing."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, Connection, bindparam, exists, func, or_, select

from helpdeskd.desk import departments, history, people, relations, rows, tags, tickets
from helpdeskd.desk import participants as circle
from helpdeskd.desk import search as index
from helpdeskd.desk.context import LinkKind
from helpdeskd.desk.relations import Linked
from helpdeskd.model.outgoing import OutboxRow, OutboxState
from helpdeskd.model.people import Department, Person
from helpdeskd.model.ticket import Attachment, HistoryEntry, Message, Priority, State, Ticket
from helpdeskd.store import outbox, schema
from helpdeskd.store.outbox import Attempt

MAX_PAGE = 500

_t, _m, _p, _a, _o = schema.ticket.c, schema.message.c, schema.person.c, schema.attachment.c, schema.outbox.c
_part, _tag, _link = schema.participant.c, schema.ticket_tag.c, schema.ticket_link.c

_MESSAGES = select(*rows.MESSAGE).where(_m.ticket_id == bindparam("ticket_id")).order_by(_m.id)
_FILES = (
    select(*rows.ATTACHMENT)
    .join(schema.message, _m.id == _a.message_id)
    .where(_m.ticket_id == bindparam("ticket_id"))
    .order_by(_a.message_id, _a.position)
)


@dataclass(frozen=True, slots=True)
class Filters:
    """What a list is narrowed to; all that is given must hold. `text` is searched for as in `search`."""

    states: tuple[State, ...] = ()  # empty: all but merged
    department_id: int | None = None
    assignee_id: int | None = None
    unassigned: bool = False
    requester_id: int | None = None
    person_id: int | None = None  # requester or participant
    tag: str = ""
    priorities: tuple[Priority, ...] = ()
    updated_since: datetime | None = None
    text: str = ""


OPEN = Filters(states=(State.NEW, State.AWAITING_STAFF, State.AWAITING_CUSTOMER, State.IN_PROGRESS, State.PENDING))


@dataclass(frozen=True, slots=True)
class Line:
    """One ticket of a list."""

    ticket: Ticket
    department: str
    requester: Person
    assignee: Person | None
    tags: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ShownMessage:
    message: Message
    attachments: tuple[Attachment, ...]
    mails: tuple[OutboxRow, ...]  # what carries it to people, and how far each came

    @property
    def author_shown(self) -> str:
        """The author's name, else the address, else what a message of nobody is: the system's."""
        return self.message.author_name or self.message.author_email or "helpdeskd"


@dataclass(frozen=True, slots=True)
class Shown:
    """One ticket, whole."""

    ticket: Ticket
    department: Department
    requester: Person
    assignee: Person | None
    participants: tuple[Person, ...]
    tags: tuple[str, ...]
    links: tuple[Linked, ...]
    messages: tuple[ShownMessage, ...]
    history: tuple[HistoryEntry, ...]
    outbox: tuple[OutboxRow, ...]
    attempts: Mapping[int, tuple[Attempt, ...]]  # at each of these, by its id
    merged_into: Ticket | None


@dataclass(frozen=True, slots=True)
class ShownMail:
    """One mail of the outbox, and the number of the ticket it belongs to."""

    mail: OutboxRow
    number: int | None


@dataclass(frozen=True, slots=True)
class Counts:
    """For the status screen. Every state has its figure."""

    tickets: Mapping[State, int]
    outbox: Mapping[OutboxState, int]
    oldest_waiting: datetime | None  # when the oldest mail still to go out was put there


def list_tickets(
    conn: Connection,
    filters: Filters = Filters(),
    *,
    limit: int = 50,
    offset: int = 0,
) -> tuple[Line, ...]:
    """A page of tickets, the latest touched first (with `text`: the latest opened); `limit` is at most MAX_PAGE."""
    requester, assignee = schema.person.alias("requester"), schema.person.alias("assignee")
    found = (
        select(
            *rows.TICKET,
            schema.department.c.name,
            *(requester.c[column.name] for column in rows.PERSON),
            *(assignee.c[column.name] for column in rows.PERSON),
        )
        .join(schema.department, schema.department.c.id == _t.department_id)
        .join(requester, requester.c.id == _t.requester_id)
        .outerjoin(assignee, assignee.c.id == _t.assignee_id)
        .where(*_conditions(filters))
        .order_by(*(() if filters.text.strip() else (_t.updated_at.desc(),)), _t.id.desc())
        .limit(max(0, min(limit, MAX_PAGE)))
        .offset(max(0, offset))
    )
    page = conn.execute(found).all()
    tagged = _tags(conn, [row[0] for row in page])
    start = len(rows.TICKET)
    middle = start + 1 + len(rows.PERSON)
    return tuple(
        Line(
            rows.ticket(row),
            row[start],
            rows.person(row[start + 1 :]),
            None if row[middle] is None else rows.person(row[middle:]),
            tagged[row[0]],
        )
        for row in page
    )


def count_tickets(conn: Connection, filters: Filters = Filters()) -> int:
    """How many there are in all pages."""
    found = select(func.count()).select_from(schema.ticket).where(*_conditions(filters))
    number: int = conn.execute(found).scalar_one()
    return number


def search(conn: Connection, text: str, *, limit: int = 50, offset: int = 0) -> tuple[Line, ...]:
    """Tickets in which every word of `text` stands, in what desk.search indexes, internal words too; merged ones too. The latest opened
    first."""
    return list_tickets(conn, Filters(states=tuple(State), text=text), limit=limit, offset=offset)


def _conditions(filters: Filters) -> list[ColumnElement[bool]]:
    states = [state.value for state in filters.states]
    found: list[ColumnElement[bool]] = [_t.state.in_(states) if states else _t.state != State.MERGED.value]
    found.append(_t.removed_at.is_(None))
    for column, value in (
        (_t.department_id, filters.department_id),
        (_t.assignee_id, filters.assignee_id),
        (_t.requester_id, filters.requester_id),
    ):
        if value is not None:
            found.append(column == value)
    if filters.unassigned:
        found.append(_t.assignee_id.is_(None))
    if filters.person_id is not None:
        takes_part = exists().where(_part.ticket_id == _t.id, _part.person_id == filters.person_id)
        found.append(or_(_t.requester_id == filters.person_id, takes_part))
    if filters.tag:
        found.append(exists().where(_tag.ticket_id == _t.id, _tag.tag == tags.name(filters.tag)))
    if filters.priorities:
        found.append(_t.priority.in_([priority.value for priority in filters.priorities]))
    if filters.updated_since is not None:
        found.append(_t.updated_at >= filters.updated_since)
    if filters.text.strip():
        found.append(index.matching(filters.text, internal=True))
    return found


def _tags(conn: Connection, ids: list[int]) -> defaultdict[int, tuple[str, ...]]:
    tagged: defaultdict[int, tuple[str, ...]] = defaultdict(tuple)
    if ids:
        found = select(_tag.ticket_id, _tag.tag).where(_tag.ticket_id.in_(ids)).order_by(_tag.tag)
        for ticket_id, name in conn.execute(found):
            tagged[ticket_id] += (name,)
    return tagged


def show(conn: Connection, number: int) -> Shown:
    """One ticket by its number, merged or not. Raises NotFound."""
    ticket = tickets.by_number(conn, number)
    persons = people.several(conn, {ticket.requester_id, ticket.assignee_id or ticket.requester_id})
    mails = outbox_of(conn, ticket.id)
    return Shown(
        ticket=ticket,
        department=departments.get(conn, ticket.department_id),
        requester=persons[ticket.requester_id],
        assignee=None if ticket.assignee_id is None else persons[ticket.assignee_id],
        participants=circle.of(conn, ticket.id),
        tags=tags.of(conn, ticket.id),
        links=_related(conn, ticket.id),
        messages=_messages(conn, ticket.id, mails),
        history=history.of(conn, ticket.id),
        outbox=mails,
        attempts=outbox.attempts_of(conn, ticket.id),
        merged_into=None if ticket.merged_into is None else tickets.resolve(conn, ticket.id),
    )


def _messages(conn: Connection, ticket_id: int, mails: Iterable[OutboxRow]) -> tuple[ShownMessage, ...]:
    files: defaultdict[int | None, list[Attachment]] = defaultdict(list)
    for row in conn.execute(_FILES, {"ticket_id": ticket_id}):
        file = rows.attachment(row)
        files[file.message_id].append(file)
    carried: defaultdict[int | None, list[OutboxRow]] = defaultdict(list)
    for mail in mails:
        carried[mail.message_id].append(mail)
    messages = (rows.message(row) for row in conn.execute(_MESSAGES, {"ticket_id": ticket_id}))
    return tuple(ShownMessage(message, tuple(files[message.id]), tuple(carried[message.id])) for message in messages)


def _related(conn: Connection, ticket_id: int) -> tuple[Linked, ...]:
    above = relations.parent(conn, ticket_id)
    return (
        *relations.linked(conn, ticket_id),
        *(Linked(each, LinkKind.PARENT.value) for each in (above,) if each is not None),
        *(Linked(each, relations.CHILD) for each in relations.children(conn, ticket_id)),
    )


def counts(conn: Connection) -> Counts:
    """Tickets and mails by state."""
    in_state = {
        row[0]: row[1]
        for row in conn.execute(select(_t.state, func.count()).where(_t.removed_at.is_(None)).group_by(_t.state))
    }
    waiting = [each.value for each in (OutboxState.QUEUED, OutboxState.DEFERRED, OutboxState.SENDING)]
    oldest: datetime | None = conn.execute(select(func.min(_o.created_at)).where(_o.state.in_(waiting))).scalar()
    return Counts(
        {state: in_state.get(state.value, 0) for state in State},
        outbox.counts(conn),
        oldest,
    )


def outbox_of(conn: Connection, ticket_id: int) -> tuple[OutboxRow, ...]:
    """The mails of a ticket, oldest first, each with its state."""
    return tuple(outbox.list_rows(conn, ticket_id=ticket_id))


def mails(
    conn: Connection, states: Iterable[OutboxState] = (), *, number: int | None = None, limit: int = 50
) -> tuple[ShownMail, ...]:
    """Mails of the outbox, the latest first; `number` is a ticket's. No `states` means all. Raises NotFound."""
    ticket_id = None if number is None else tickets.by_number(conn, number).id
    return _numbered(
        conn, outbox.list_rows(conn, states=states, ticket_id=ticket_id, limit=min(limit, MAX_PAGE), latest_first=True)
    )


def mail(conn: Connection, outbox_id: int) -> tuple[ShownMail, tuple[Attempt, ...]]:
    """One mail of the outbox, and every attempt at it, oldest first. Raises NotFound."""
    (shown,) = _numbered(conn, [outbox.get(conn, outbox_id)])
    return shown, tuple(outbox.attempts(conn, outbox_id))


def _numbered(conn: Connection, found: list[OutboxRow]) -> tuple[ShownMail, ...]:
    ids = {row.ticket_id for row in found if row.ticket_id is not None}
    numbers = {row.id: row.number for row in conn.execute(select(_t.id, _t.number).where(_t.id.in_(ids)))}
    return tuple(ShownMail(row, numbers.get(row.ticket_id or 0)) for row in found)
