"""Pages of tickets as somebody sees them, the newest first: one statement for the page, one for the people on it.

Of each way in which one sees tickets (a department, being the assignee, ...) an index holds them in order; each way is a leg, read only
as far as the page goes, and the legs are merged as they come. What narrows a list to few tickets takes the place of the legs, and
so do words, which another index finds.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Select,
    Subquery,
    and_,
    exists,
    func,
    literal_column,
    or_,
    select,
    true,
    union,
)

from helpdeskd.desk import counters, directory, rows, search, tags
from helpdeskd.desk import sight as seeing
from helpdeskd.desk.context import LinkKind
from helpdeskd.desk.directory import Entry
from helpdeskd.desk.sight import Sight
from helpdeskd.errors import Refused
from helpdeskd.model.ticket import Side, State, Ticket
from helpdeskd.store import schema

MAX_PAGE = 300
MAX_LEGS = 100  # SQLite takes 500 parts of a union; whoever has that many departments waits for a sort
OPEN = frozenset(State) - {State.CLOSED, State.MERGED}
UNANSWERED = frozenset({State.NEW, State.AWAITING_STAFF})

_t, _d = schema.ticket.c, schema.department.c
_part, _prof, _tag, _link = schema.participant.c, schema.profile.c, schema.ticket_tag.c, schema.ticket_link.c

_THERE = (_t.removed_at.is_(None), _t.state != State.MERGED.value)
_NOBODYS = func.coalesce(_t.assignee_id, 0) == 0  # not by its index: most tickets of nobody are closed
_PARENT = exists().where(_link.ticket_id == _t.id, _link.kind == LinkKind.PARENT.value)
_LINES = select(*rows.TICKET, _d.name, _d.section_id, _PARENT).join(schema.department, _d.id == _t.department_id)


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a list is narrowed to; all that is given must hold. Merged tickets and removed ones are in none."""

    states: frozenset[State] | None = None
    departments: frozenset[int] | None = None
    section_id: int | None = None
    requester_id: int | None = None
    company_id: int | None = None  # the requester's
    assignee_id: int | None = None
    subscriber_id: int | None = None  # who hears of it: requester, assignee, those who take part
    tag: str = ""
    text: str = ""  # all of its words; those of notes find a ticket for who works on it
    last_side: Side | None = None
    created_from: datetime | None = None
    created_before: datetime | None = None
    updated_from: datetime | None = None
    updated_before: datetime | None = None
    due_before: datetime | None = None


@dataclass(frozen=True, slots=True)
class Line:
    """One ticket with the names that lists show. `last`: who wrote last in public."""

    ticket: Ticket
    department: str
    section_id: int | None
    has_children: bool
    requester: Entry
    assignee: Entry | None
    last: Entry | None


def page(conn: Connection, sight: Sight, wanted: Wanted, *, limit: int, offset: int) -> tuple[Line, ...]:
    """At most MAX_PAGE."""
    if wanted.tag:
        try:
            wanted = replace(wanted, tag=tags.name(wanted.tag))
        except Refused:
            return ()  # no ticket has what is no tag
    legs = _legs(sight, wanted)
    ids = _merged(conn.dialect.name, legs, max(0, min(limit, MAX_PAGE)), max(0, offset))
    return () if ids is None else _read(conn, _LINES.join(ids, ids.c.id == _t.id))


def several(conn: Connection, sight: Sight, ticket_ids: Iterable[int]) -> tuple[Line, ...]:
    """Those of these that they see, the newest first."""
    wanted = sorted(set(ticket_ids))
    return _read(conn, _LINES.where(_t.id.in_(wanted), seeing.where(sight), *_THERE)) if wanted else ()


def _read(conn: Connection, lines: Select[Any]) -> tuple[Line, ...]:
    found = [(rows.ticket(row), row[len(rows.TICKET) :]) for row in conn.execute(lines)]
    people = {each for ticket, _ in found for each in (ticket.requester_id, ticket.assignee_id, ticket.last_author_id)}
    known = directory.several(conn, (each for each in people if each is not None))
    made = []
    for ticket, (department, section_id, has_children) in found:
        assignee, last = (known.get(each or 0) for each in (ticket.assignee_id, ticket.last_author_id))
        requester = known[ticket.requester_id]
        made.append(Line(ticket, department, section_id, bool(has_children), requester, assignee, last))
    return tuple(sorted(made, key=lambda line: line.ticket.id, reverse=True))


def _merged(dialect: str, legs: list[ColumnElement[bool]], limit: int, offset: int) -> Subquery | None:
    """The ids of a page. SQLite sees by itself that each leg is in order; PostgreSQL must be told."""
    each: list[Any] = [select(_t.id).where(leg, *_THERE) for leg in legs]
    if not each:
        return None
    if len(each) == 1:
        one: Select[Any] = each[0].order_by(_t.id.desc())
        return one.limit(limit).offset(offset).subquery()
    if dialect == "postgresql":
        each = [one.order_by(_t.id.desc()).limit(limit + offset) for one in each]
    # SQLite knows none of the names in a union.
    return union(*each).order_by(literal_column("1").desc()).limit(limit).offset(offset).subquery()


def _legs(sight: Sight, wanted: Wanted) -> list[ColumnElement[bool]]:
    """Conditions of which one must hold, each answered by an index in the order of ids; none: there is nothing to find."""
    if wanted.states is not None:
        wanted = replace(wanted, states=wanted.states - {State.MERGED})
    if wanted.states == frozenset() or wanted.departments == frozenset():
        return []
    rest = and_(true(), *_narrowed(wanted))
    of, within = _of(wanted.departments), _in(wanted.states)
    beside = and_(_of(wanted.departments, _aside), _in(wanted.states, _aside), rest)
    few = [_found(sight, wanted.text)] if wanted.text else _few(wanted)
    if few:
        return [and_(leg, seeing.where(sight), beside) for leg in few]
    states = [true()] if wanted.states is None else [_in(frozenset({state})) for state in wanted.states]
    legs = [and_(way, state, rest) for way in _wide(sight, wanted.departments) for state in states]
    if len(legs) > MAX_LEGS:
        return [and_(seeing.where(sight), of, within, rest)]
    if _is_handled(sight, wanted.departments):
        return legs
    return legs + [and_(way, beside) for way in _own(sight)]


def _found(sight: Sight, text: str) -> ColumnElement[bool]:
    """Who works on a ticket finds it by its notes too, anybody else only by what they may read."""
    if not sight.staff:
        return search.matching(text, internal=False)
    anywhere = search.matching(text, internal=True)
    if sight.everything:
        return anywhere
    handled = or_(_aside(_t.assignee_id) == sight.person_id, _of(sight.departments, _aside))
    return and_(anywhere, or_(handled, search.matching(text, internal=False)))


def _few(wanted: Wanted) -> list[ColumnElement[bool]]:
    """What narrows a list so far that who sees what is asked of each ticket."""
    if wanted.subscriber_id is not None:
        return [*_taking_part(wanted.subscriber_id), _t.assignee_id == wanted.subscriber_id]
    if wanted.requester_id is not None:
        return [_t.requester_id == wanted.requester_id]
    if wanted.assignee_id is not None:
        return [_t.assignee_id == wanted.assignee_id]
    if wanted.tag:
        return [_tagged(wanted.tag)]
    return [] if wanted.company_id is None else [_of_company(wanted.company_id)]


def _is_handled(sight: Sight, departments: frozenset[int] | None) -> bool:
    """Do they see every ticket there is in these departments (None: in all)?"""
    return sight.everything or (departments is not None and departments <= sight.departments)


def _wide(sight: Sight, departments: frozenset[int] | None) -> list[ColumnElement[bool]]:
    """What they see whole, of these departments or of all."""
    if sight.everything and departments is None:
        return [true()]
    handled = (
        departments
        if departments is not None and sight.everything
        else sight.departments & (departments or sight.departments)
    )
    return [_t.department_id == each for each in sorted(handled)]


def _own(sight: Sight) -> list[ColumnElement[bool]]:
    """What they see because of who they are to it."""
    ways = [*_taking_part(sight.person_id)]
    if sight.staff:
        ways.append(_t.assignee_id == sight.person_id)
    return ways + [_of_company(each) for each in sorted(sight.companies)]


def _taking_part(person_id: int) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    joined = select(_part.ticket_id).where(_part.person_id == person_id)
    return _t.requester_id == person_id, _t.id.in_(joined)


def _of_company(company_id: int) -> ColumnElement[bool]:
    return _t.requester_id.in_(select(_prof.person_id).where(_prof.company_id == company_id))


def _tagged(tag: str) -> ColumnElement[bool]:
    return _t.id.in_(select(_tag.ticket_id).where(_tag.tag == tag))


def _aside(column: ColumnElement[Any]) -> ColumnElement[Any]:
    """The column, where its index is not the one to answer."""
    return func.coalesce(column, column)


def _plain(column: ColumnElement[Any]) -> ColumnElement[Any]:
    return column


def _of(
    departments: frozenset[int] | None, by: Callable[[ColumnElement[Any]], ColumnElement[Any]] = _plain
) -> ColumnElement[bool]:
    return true() if departments is None else by(_t.department_id).in_(sorted(departments))


def _in(
    states: frozenset[State] | None, by: Callable[[ColumnElement[Any]], ColumnElement[Any]] = _plain
) -> ColumnElement[bool]:
    return true() if states is None else by(_t.state).in_(sorted(each.value for each in states))


def _narrowed(wanted: Wanted) -> list[ColumnElement[bool]]:
    """What is asked of each ticket; a condition that a leg is made of already does no harm here."""
    asked = ((getattr(wanted, name), condition) for name, condition in _ASKED)
    return [condition(value) for value, condition in asked if value not in {None, ""}]


_ASKED: tuple[tuple[str, Callable[[Any], ColumnElement[bool]]], ...] = (
    ("requester_id", lambda person_id: _t.requester_id == person_id),
    ("assignee_id", lambda person_id: _t.assignee_id == person_id),
    ("company_id", _of_company),
    ("tag", _tagged),
    ("section_id", lambda section_id: _t.department_id.in_(select(_d.id).where(_d.section_id == section_id))),
    ("last_side", lambda side: _t.last_side == side.value),
    ("created_from", lambda at: _t.created_at >= at),
    ("created_before", lambda at: _t.created_at < at),
    ("updated_from", lambda at: _t.updated_at >= at),
    ("updated_before", lambda at: _t.updated_at < at),
    ("due_before", lambda at: _t.due_at < at),
)


@dataclass(frozen=True, slots=True)
class Counts:
    """Of the tickets that somebody sees; merged ones count nowhere."""

    states: dict[State, int]
    unassigned: int  # of those that are open


def counts(conn: Connection, sight: Sight) -> Counts:
    """What the counters know is not counted: an administrator's tickets, and those of the departments that one handles."""
    if sight.everything:
        states = counters.by_state(conn)
        return Counts(states, _unassigned(conn, true()))
    handled = sorted(sight.departments)
    states = counters.by_state(conn, handled) if handled else dict.fromkeys(State, 0)
    elsewhere = _t.department_id.not_in(handled) if handled else true()
    ids = union(*(select(_t.id).where(way) for way in _own(sight))).subquery()
    theirs = select(_t.state, _NOBODYS, func.count()).join(ids, ids.c.id == _t.id).where(elsewhere, *_THERE)
    unassigned = _unassigned(conn, _t.department_id.in_(handled)) if handled else 0
    for state, nobodys, n in conn.execute(theirs.group_by(_t.state, _NOBODYS)):
        states[State(state)] += n
        unassigned += n if nobodys and State(state) in OPEN else 0
    return Counts(states, unassigned)


def _unassigned(conn: Connection, of: ColumnElement[bool]) -> int:
    found = select(func.count()).where(of, _in(OPEN), _NOBODYS, *_THERE)
    return int(conn.execute(found).scalar_one())
