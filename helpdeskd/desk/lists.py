"""Pages of tickets, messages and files as programs ask for them: by number of row, in the order they came, with exact totals.

Each is one statement that an index answers, however many tickets there are; totals come from counters, or from an index of the one
person or ticket that was asked for.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, and_, bindparam, func, literal_column, or_, select, union_all
from sqlalchemy.sql import Executable

from helpdeskd.desk import counters, rows
from helpdeskd.model.people import Person
from helpdeskd.model.ticket import Attachment, Message, State, Ticket, Visibility
from helpdeskd.store import schema

_t, _m, _p, _d, _a = schema.ticket.c, schema.message.c, schema.person.c, schema.department.c, schema.attachment.c
_THERE = (_t.removed_at.is_(None), _d.removed_at.is_(None))

_LINES = (
    select(*rows.TICKET, _d.name, _p.name, _p.email, _p.customer_no)
    .join(schema.department, _d.id == _t.department_id)
    .join(schema.person, _p.id == _t.requester_id)
    .where(*_THERE)
)
_LINE = _LINES.where(_t.id == bindparam("ticket_id"))


@dataclass(frozen=True, slots=True)
class Line:
    """One ticket with the names that lists show."""

    ticket: Ticket
    department: str
    requester_name: str
    requester_email: str
    customer_no: int | None


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a list is narrowed to; all that is given must hold. No states: all of them."""

    states: tuple[State, ...] = ()
    department_id: int | None = None
    customer_no: int | None = None


def ticket(conn: Connection, ticket_id: int) -> Line | None:
    """One, merged or not; None where there is none (any more)."""
    row = conn.execute(_LINE, {"ticket_id": ticket_id}).one_or_none()
    return None if row is None else _line(row)


def _nobody(wanted: Wanted) -> bool:
    """Is it a number that no customer can have? PostgreSQL refuses to look for it."""
    return wanted.customer_no is not None and not 0 < wanted.customer_no < 2**31


def tickets(conn: Connection, wanted: Wanted, *, limit: int, offset: int) -> tuple[Line, ...]:
    """The newest first."""
    if _nobody(wanted):
        return ()
    page = _page(conn.dialect.name, **_kind(wanted))
    values = _values(wanted) | {"most": limit, "skip": offset, "upto": limit + offset}
    return tuple(_line(row) for row in conn.execute(page, values))


def total(conn: Connection, wanted: Wanted) -> int:
    """How many tickets there are in all pages."""
    if _nobody(wanted):
        return 0
    if wanted.customer_no is None:
        return counters.tickets(conn, wanted.states, () if wanted.department_id is None else (wanted.department_id,))
    return int(conn.execute(_count(**_kind(wanted)), _values(wanted)).scalar_one())


# Made once for each kind of question: SQLAlchemy's own work on a statement costs more than the answer.


@cache
def _page(dialect: str, states: int, *, department: bool, customer: bool) -> Executable:
    if states > 1 and not customer:
        return _merged(dialect, states, department)
    ordered: Select[Any] = _LINES.where(*_conditions(states, department, customer)).order_by(_t.id.desc())
    return ordered.limit(bindparam("most")).offset(bindparam("skip"))


def _merged(dialect: str, states: int, department: bool) -> Executable:
    """One page of several states. An index holds the tickets of one state in order, so each is read by itself and they are merged as
    they come: sorting would read every ticket of them all. SQLite sees this by itself; PostgreSQL must be told that each is in order.
    """
    each: list[Select[Any]] = [
        _LINES.where(_t.state == bindparam(f"state{n}"), *_conditions(0, department, customer=False))
        for n in range(states)
    ]
    if dialect == "postgresql":
        each = [one.order_by(_t.id.desc()).limit(bindparam("upto")) for one in each]
    # Its first column is the id; SQLite knows none of the names in a union.
    return union_all(*each).order_by(literal_column("1").desc()).limit(bindparam("most")).offset(bindparam("skip"))


@cache
def _count(states: int, *, department: bool, customer: bool) -> Select[Any]:
    all_of: Select[Any] = select(func.count()).select_from(schema.ticket).join(schema.person, _p.id == _t.requester_id)
    all_of = all_of.join(schema.department, _d.id == _t.department_id)
    return all_of.where(*_THERE, *_conditions(states, department, customer))


def _conditions(states: int, department: bool, customer: bool) -> list[ColumnElement[bool]]:
    found: list[ColumnElement[bool]] = []
    if states:
        found.append(_t.state.in_([bindparam(f"state{n}") for n in range(states)]))
    if department:
        found.append(_t.department_id == bindparam("department_id"))
    if customer:
        found.append(_p.customer_no == bindparam("customer_no"))
    return found


def _kind(wanted: Wanted) -> dict[str, Any]:
    """What decides which statement answers."""
    return {
        "states": len(wanted.states),
        "department": wanted.department_id is not None,
        "customer": wanted.customer_no is not None,
    }


def _values(wanted: Wanted) -> dict[str, Any]:
    return {
        **{f"state{n}": state.value for n, state in enumerate(wanted.states)},
        "department_id": wanted.department_id,
        "customer_no": wanted.customer_no,
    }


def _line(row: rows.Row) -> Line:
    return Line(rows.ticket(row), *row[len(rows.TICKET) :])


@dataclass(frozen=True, slots=True)
class Said:
    """One message, and its author's number among customers or staff. `by_staff`: said as one of staff; who is staff and writes in a
    ticket of their own is its customer."""

    message: Message
    customer_no: int | None
    staff_no: int | None
    by_staff: bool


_OF_TICKET = _m.ticket_id.in_(bindparam("parts", expanding=True))
_PUBLIC = (_OF_TICKET, _m.visibility == Visibility.PUBLIC.value)
_SAID = (
    select(*rows.MESSAGE, _p.customer_no, _p.staff_no, and_(_p.kind == "staff", _p.id != _t.requester_id))
    .join(schema.ticket, _t.id == _m.ticket_id)
    .outerjoin(schema.person, _p.id == _m.author_id)
    .where(*_PUBLIC)
)
_NEWEST = _SAID.order_by(_m.id.desc()).limit(bindparam("most")).offset(bindparam("skip"))
_SAID_TOTAL = select(func.count()).select_from(schema.message).where(*_PUBLIC)


# With itself, the tickets that were merged into it.
_PARTS = select(_t.id, _t.merged_into).where(
    or_(_t.id == bindparam("ticket_id"), _t.merged_into == bindparam("ticket_id")), _t.removed_at.is_(None)
)


def parts(conn: Connection, ticket_id: int) -> tuple[int, ...]:
    """The tickets whose messages are its: itself and what was merged into it; of a merged one, those of where it went."""
    seen: set[int] = set()
    while True:
        seen.add(ticket_id)
        found = {row.id: row.merged_into for row in conn.execute(_PARTS, {"ticket_id": ticket_id})}
        into = found.get(ticket_id)
        if into is None or into in seen:
            return tuple(sorted({ticket_id, *found}))
        ticket_id = into


def public_messages(conn: Connection, of: Sequence[int], *, limit: int, offset: int) -> tuple[Said, ...]:
    """What was said in public in these `parts`, the newest first."""
    found = conn.execute(_NEWEST, {"parts": of, "most": limit, "skip": offset})
    return tuple(Said(rows.message(row), row[-3], row[-2], bool(row[-1])) for row in found)


def public_total(conn: Connection, of: Sequence[int]) -> int:
    """How many public messages there are in these `parts`, the first among them."""
    return int(conn.execute(_SAID_TOTAL, {"parts": of}).scalar_one())


# Files of notes, of mails without a voice and of removed tickets are not for these lists, nor are those of articles and assets.
_FILES = (
    select(*rows.ATTACHMENT)
    .join(schema.message, _m.id == _a.message_id)
    .join(schema.ticket, _t.id == _m.ticket_id)
    .join(schema.department, _d.id == _t.department_id)
    .where(_m.visibility == Visibility.PUBLIC.value, *_THERE)
)
_FILE = _FILES.where(_a.id == bindparam("attachment_id"))
_BY_MESSAGE = _m.id == bindparam("message_id")


def public_file(conn: Connection, attachment_id: int) -> Attachment | None:
    """One file of what was said in public."""
    row = conn.execute(_FILE, {"attachment_id": attachment_id}).one_or_none()
    return None if row is None else rows.attachment(row)


def public_files(
    conn: Connection, *, of: Sequence[int] | None = None, message_id: int | None = None
) -> tuple[Attachment, ...]:
    """Files of what was said in public, in the order they came: of a message, of a ticket's `parts` (of both, where both are given), or
    all."""
    values = ({} if of is None else {"parts": of}) | {"message_id": message_id}
    found = conn.execute(_files(ticket=of is not None, message=message_id is not None), values)
    return tuple(rows.attachment(row) for row in found)


@cache
def _files(*, ticket: bool, message: bool) -> Select[Any]:
    chosen = _FILES.where(*([_OF_TICKET] if ticket else []), *([_BY_MESSAGE] if message else []))
    return chosen.order_by(_m.id, _a.id) if ticket or message else chosen.order_by(_a.id)


_STAFF = (
    select(*rows.PERSON, _p.staff_no, _p.created_at, schema.login.c.username, schema.login.c.last_at)
    .outerjoin(schema.login, schema.login.c.person_id == _p.id)
    .where(_p.kind == "staff", _p.removed_at.is_(None))
    .order_by(_p.staff_no)
)
_STAFF_BY_NO = _STAFF.where(_p.staff_no == bindparam("number"))


@dataclass(frozen=True, slots=True)
class StaffLine:
    """A member of staff as lists show them. `username` is what they log in by."""

    person: Person
    staff_no: int
    created_at: datetime
    username: str
    last_at: datetime | None


def staff(conn: Connection) -> tuple[StaffLine, ...]:
    """All of them, disabled ones too, by number."""
    return tuple(_staff_line(row) for row in conn.execute(_STAFF))


def staff_member(conn: Connection, number: int) -> StaffLine | None:
    """By their number."""
    row = conn.execute(_STAFF_BY_NO, {"number": number}).one_or_none() if 0 < number < 2**31 else None
    return None if row is None else _staff_line(row)


def _staff_line(row: rows.Row) -> StaffLine:
    person = rows.person(row)
    number, created_at, username, last_at = row[len(rows.PERSON) :]
    return StaffLine(person, number, created_at, username or person.email, last_at)
