"""Removing tickets, customers and departments. What stays is a tombstone: that there was a mail, when, and what became of it.

Words, files, raw mails and names go; arrivals, history and the rows of the outbox stay, so that a retry of a removed mail is still
known, and nothing is lost from the ledger. A reply that comes later opens a new ticket. Blobs go with the next sweep.

A customer's or a department's tickets go with them, page by page, so that a large removal holds up no mail; `unfinished` finds what a
crash left of one.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from sqlalchemy import (
    ColumnElement,
    Connection,
    String,
    and_,
    bindparam,
    cast,
    delete,
    exists,
    literal,
    or_,
    select,
    update,
)

from helpdeskd.desk import api_keys, articles, counters, customers, field_values, history, rows, search, tickets
from helpdeskd.desk.context import Desk
from helpdeskd.desk.customers import Customer
from helpdeskd.desk.history import Entry
from helpdeskd.errors import NotFound, Refused
from helpdeskd.model.clock import Clock
from helpdeskd.model.fields import Owner
from helpdeskd.model.outgoing import OutboxState
from helpdeskd.model.people import Department, Person, PersonKind
from helpdeskd.model.ticket import History, Ticket
from helpdeskd.store import schema
from helpdeskd.store.arrivals import REMOVED
from helpdeskd.store.engine import Store

PAGE = 50  # tickets of one transaction

_t, _m, _f, _o, _a = (
    schema.ticket.c,
    schema.message.c,
    schema.attachment.c,
    schema.outbox.c,
    schema.arrival.c,
)
_WAITING = (OutboxState.QUEUED.value, OutboxState.DEFERRED.value)
_GONE_DEPARTMENT = exists().where(
    schema.department.c.id == _t.department_id, schema.department.c.removed_at.is_not(None)
)
# One who was merged into another is no reason: should a ticket of theirs have come in meanwhile, it stays.
_GONE_REQUESTER = exists().where(
    schema.person.c.id == _t.requester_id,
    schema.person.c.removed_at.is_not(None),
    schema.person.c.merged_into.is_(None),
)
_GONE_ASSIGNEE = _t.assignee_id.in_(
    select(schema.person.c.id).where(
        schema.person.c.kind == PersonKind.STAFF.value, schema.person.c.removed_at.is_not(None)
    )
)
_MERGED = select(*rows.TICKET).where(_t.merged_into == bindparam("target"), _t.removed_at.is_(None))
_UNFINISHED = and_(_t.removed_at.is_(None), or_(_GONE_DEPARTMENT, _GONE_REQUESTER))


def ticket(conn: Connection, desk: Desk, now: datetime, *, ticket: Ticket, actor: Person | None) -> None:
    """Remove it, and those that were merged into it."""
    _with_merged(conn, now, ticket, None if actor is None else actor.id)


def _with_merged(conn: Connection, now: datetime, gone: Ticket, actor_id: int | None) -> None:
    """What was merged into it, whosever and wherever it was, is read and answered as this one: alone nobody could reach it."""
    _one(conn, now, gone, actor_id)
    for row in conn.execute(_MERGED, {"target": gone.id}).all():
        _one(conn, now, rows.ticket(row), actor_id)


def _one(conn: Connection, now: datetime, gone: Ticket, actor_id: int | None) -> None:
    messages = select(_m.id).where(_m.ticket_id == gone.id)
    conn.execute(delete(schema.attachment).where(_f.message_id.in_(messages)))
    conn.execute(
        update(schema.message)
        .where(_m.ticket_id == gone.id)
        .values(text="", quote="", html="", subject="", author_name="", author_email="", raw_sha256=None, gone_at=now)
    )
    conn.execute(
        update(schema.arrival)
        .where(_a.ticket_id == gone.id, _a.raw_gone_at.is_(None))
        .values(raw_gone_at=now, raw_gone_by=REMOVED, subject="", author="", sender="")
    )
    free = or_(_o.owner == "", _o.lease_until < now)  # what is being sent at this moment is out of our hands
    conn.execute(
        update(schema.outbox)
        .where(_o.ticket_id == gone.id, _o.state.in_(_WAITING), free)
        .values(state=OutboxState.CANCELLED.value)
    )
    conn.execute(
        update(schema.outbox)
        .where(_o.ticket_id == gone.id, _o.state.not_in([*_WAITING, OutboxState.SENDING.value]))
        .values(context={}, raw_gone_at=now)
    )
    for table, column in (
        (schema.participant, schema.participant.c.ticket_id),
        (schema.ticket_tag, schema.ticket_tag.c.ticket_id),
        (schema.ticket_link, schema.ticket_link.c.ticket_id),
        (schema.ticket_link, schema.ticket_link.c.other_id),
        (schema.asset_ticket, schema.asset_ticket.c.ticket_id),
        (schema.time_entry, schema.time_entry.c.ticket_id),
    ):
        conn.execute(delete(table).where(column == gone.id))
    search.drop(conn, gone.id)
    field_values.take_away(conn, Owner.TICKET, gone.id)
    history.write(conn, now, Entry(gone.id, History.REMOVED, actor_id))
    tickets.touch(conn, now, gone, removed_at=now, subject="", pending_until=None)


def customer(store: Store, desk: Desk, clock: Clock, *, customer: Customer) -> None:
    """Their account, and their tickets. One who is staff as well stays staff. Raises Temporary."""

    def leave(conn: Connection) -> None:
        _leave(conn, clock(), customer)

    store.writer.run(leave)
    _tickets(store, clock, _t.requester_id == customer.person.id)


def person(store: Store, desk: Desk, clock: Clock, *, person: Person, actor: Person | None) -> None:
    """Anybody. A member of staff's answers keep their name; their work is assigned to nobody, the tickets that they asked for
    themselves go with them. Raises Refused("own-account"), NotFound, Temporary."""
    if actor is not None and actor.id == person.id:
        raise Refused("own-account", "nobody removes their own account")

    def leave(conn: Connection) -> None:
        there = schema.person.c
        if conn.execute(select(there.id).where(there.id == person.id, there.removed_at.is_(None))).first() is None:
            raise NotFound("person", person.id)
        if (number := customers.of(conn, person.id)) is not None:
            _leave(conn, clock(), number)
        if person.kind is PersonKind.STAFF:
            _forget(conn, clock(), person.id, name=person.name)

    store.writer.run(leave)
    if person.kind is PersonKind.STAFF:
        _unassign(store, clock, _t.assignee_id == person.id, None if actor is None else actor.id)
    _tickets(store, clock, _t.requester_id == person.id, None if actor is None else actor.id)


def _leave(conn: Connection, now: datetime, customer: Customer) -> None:
    person = schema.person.c
    left = conn.execute(
        update(schema.person)
        .where(person.id == customer.person.id, person.customer_no == customer.number)
        .values(customer_no=None)
    )
    if left.rowcount:
        counters.add(conn, counters.CUSTOMERS, -1)
    if customer.person.kind is PersonKind.CUSTOMER:
        _forget(conn, now, customer.person.id)


def _forget(conn: Connection, now: datetime, person_id: int, *, name: str = "") -> None:
    """All that is theirs but tickets. `name`: what is left of it."""
    part = schema.participant.c
    shared = conn.execute(select(part.ticket_id).where(part.person_id == person_id)).scalars().all()
    for table in (
        schema.profile,
        schema.login,
        schema.session,
        schema.recovery_code,
        schema.person_token,
        schema.participant,
        schema.asset_person,
        schema.staff_department,
        schema.department_guest,
        schema.unreached,
        schema.mute,
    ):
        conn.execute(delete(table).where(table.c.person_id == person_id))
    field_values.take_away(conn, Owner.PERSON, person_id)
    api_keys.revoke_all(conn, now, person_id=person_id)
    person = schema.person.c
    gone = {"email": "", "email_key": literal("#") + cast(person.id, String), "disabled_at": now, "removed_at": now}
    conn.execute(update(schema.person).where(person.id == person_id).values(name=name, **gone))
    conn.execute(update(schema.person).where(person.merged_into == person_id).values(name=name, **gone))
    search.rebuild(conn, *shared)


def _unassign(store: Store, clock: Clock, which: ColumnElement[bool], actor_id: int | None) -> int:
    """Page by page, each with its entry in the history."""
    page = select(_t.id).where(which).order_by(_t.id).limit(PAGE)

    def act(conn: Connection) -> int:
        found = conn.execute(page).scalars().all()
        for each in (tickets.get(conn, ticket_id) for ticket_id in found):
            now = clock()
            tickets.touch(conn, now, each, assignee_id=None, updated_at=each.updated_at)
            detail = {"from": each.assignee_id, "to": None}
            history.write(conn, now, Entry(each.id, History.ASSIGNED, actor_id, None, detail))
        return len(found)

    return _all_pages(store, act)


def department(store: Store, desk: Desk, clock: Clock, *, department: Department) -> None:
    """It, its addresses, and its tickets; its articles stay, of no department. Raises Refused("last-department"), Temporary."""

    def leave(conn: Connection) -> None:
        now = clock()
        there = schema.department.c
        others = select(there.id).where(there.removed_at.is_(None), there.id != department.id).limit(1)
        if conn.execute(others).first() is None:
            raise Refused("last-department", "mail needs a department to go to: this is the last one")
        conn.execute(delete(schema.address).where(schema.address.c.department_id == department.id))
        articles.leave_department(conn, department.id)  # asks for its guests
        for table in (schema.staff_department, schema.department_guest, schema.custom_field_department):
            conn.execute(delete(table).where(table.c.department_id == department.id))
        conn.execute(
            update(schema.department)
            .where(there.id == department.id, there.removed_at.is_(None))
            .values(name=f"{department.name} (removed {department.id})", removed_at=now)
        )

    store.writer.run(leave)
    _tickets(store, clock, _t.department_id == department.id)


def unfinished(store: Store, clock: Clock) -> int:
    """Go on with removals that were cut off; how many tickets that concerned. Raises Temporary."""
    return _unassign(store, clock, _GONE_ASSIGNEE, None) + _tickets(store, clock, _UNFINISHED)


def _tickets(store: Store, clock: Clock, which: ColumnElement[bool], actor_id: int | None = None) -> int:
    page = select(_t.id).where(which, _t.removed_at.is_(None)).order_by(_t.id).limit(PAGE)

    def act(conn: Connection) -> int:
        found = conn.execute(page).scalars().all()
        for ticket_id in found:
            each = tickets.get(conn, ticket_id)  # one of this page may have gone with another, which it was merged into
            if each.removed_at is None:
                _with_merged(conn, clock(), each, actor_id)
        return len(found)

    return _all_pages(store, act)


def _all_pages(store: Store, act: Callable[[Connection], int]) -> int:
    total = 0
    while done := store.writer.run(act):
        total += done
    return total
