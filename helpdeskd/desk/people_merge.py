"""Two people turn out to be one: what one of them has becomes the other's, and what is written from the old address is the other's too.

The one who goes is a tombstone that keeps its address and name. Mail from there, and reply tokens that were sent there, count as the
kept person's; what history says of it stays true.
"""

from __future__ import annotations

from dataclasses import fields
from datetime import datetime

from sqlalchemy import Connection, Table, delete, insert, literal, null, select, update
from sqlalchemy.sql.elements import ColumnElement

from helpdeskd.desk import api_keys, counters, field_values, people, profiles, search
from helpdeskd.desk.context import Desk
from helpdeskd.errors import NotFound, Refused
from helpdeskd.model.fields import Owner
from helpdeskd.model.people import Person, PersonKind
from helpdeskd.model.ticket import History
from helpdeskd.store import schema

_p, _t, _m, _part = schema.person.c, schema.ticket.c, schema.message.c, schema.participant.c

# Pairs of a person and something else: what the kept one has already stays as it is.
_PAIRS = (
    (schema.participant, "ticket_id"),
    (schema.asset_person, "asset_id"),
    (schema.staff_department, "department_id"),
)
_COLUMNS = (
    (schema.department_guest, "person_id"),
    (schema.article, "author_id"),
    (schema.canned_response, "owner_id"),
)
_ENDS = (schema.login, schema.session, schema.recovery_code, schema.person_token, schema.profile, schema.unreached)


def merge(conn: Connection, desk: Desk, now: datetime, *, person: Person, into: Person, actor: Person | None) -> Person:
    """`person` becomes `into`, who is returned. Their logins, sessions and keys end. Messages by them in tickets that they had no part
    in keep the tombstone as their author, whose name is shown as before.

    Raises NotFound (one was removed) and Refused: merge-into-itself, own-account, staff-into-customer.
    """
    if person.id == into.id:
        raise Refused("merge-into-itself", f"{person.shown} cannot be merged into themselves")
    if actor is not None and actor.id == person.id:
        raise Refused("own-account", "nobody merges their own account away")
    for each in sorted((person.id, into.id)):
        there = select(_p.id).where(_p.id == each, _p.removed_at.is_(None)).with_for_update()
        if conn.execute(there).first() is None:
            raise NotFound("person", each)
    if person.kind is PersonKind.STAFF and into.kind is not PersonKind.STAFF:
        raise Refused("staff-into-customer", f"{person.shown} is staff: merge the other way round")
    gone, kept = person.id, into.id
    search.rename(conn, into, of=gone)
    _tickets(conn, now, gone, kept, actor)
    for table, other in _PAIRS:
        if table is not schema.staff_department or person.kind is PersonKind.STAFF:
            _pairs(conn, table, other, gone, kept)
    requested = select(_t.id).where(_t.requester_id == kept)
    conn.execute(delete(schema.participant).where(_part.person_id == kept, _part.ticket_id.in_(requested)))
    for table, column in _COLUMNS:
        conn.execute(update(table).where(table.c[column] == gone).values({column: kept}))
    field_values.hand_over(conn, Owner.PERSON, gone, kept)
    _profile(conn, desk, now, person, into, actor)
    for table in _ENDS:
        conn.execute(delete(table).where(table.c.person_id == gone))
    api_keys.revoke_all(conn, now, person_id=gone)
    _tombstone(conn, now, gone, kept)
    after = people.get(conn, kept)
    search.rename(conn, after)
    return after


def _tickets(conn: Connection, now: datetime, gone: int, kept: int, actor: Person | None) -> None:
    # What they wrote is looked for where they had a part: no index finds messages by their author.
    theirs = select(_t.id).where(_t.requester_id == gone)
    theirs_too = select(_t.id).where(_t.assignee_id == gone)
    part = theirs.union(theirs_too, select(_part.ticket_id).where(_part.person_id == gone))

    def hand(table: Table, column: str, where: ColumnElement[bool]) -> None:
        conn.execute(update(table).where(table.c[column] == gone, where).values({column: kept}))

    hand(schema.message, "author_id", _m.ticket_id.in_(part))
    hand(schema.time_entry, "person_id", schema.time_entry.c.ticket_id.in_(part))
    hand(schema.ticket, "opened_by_id", _t.id.in_(part))
    hand(schema.ticket, "last_author_id", _t.id.in_(part))
    history = schema.history.c
    entries = select(
        _t.id,
        literal(now, history.at.type),
        literal(History.REQUESTER_CHANGED.value),
        null() if actor is None else literal(actor.id, history.actor_id.type),
        literal({"from": gone, "to": kept}, history.detail.type),
    ).where(_t.requester_id == gone, _t.removed_at.is_(None))
    columns = ["ticket_id", "at", "kind", "actor_id", "detail"]
    conn.execute(insert(schema.history).from_select(columns, entries.order_by(_t.id)))
    conn.execute(update(schema.ticket).where(_t.requester_id == gone).values(requester_id=kept))
    conn.execute(update(schema.ticket).where(_t.assignee_id == gone).values(assignee_id=kept))


def _pairs(conn: Connection, table: Table, other: str, gone: int, kept: int) -> None:
    mine = table.alias()
    present = select(mine.c[other]).where(mine.c.person_id == kept)
    conn.execute(delete(table).where(table.c.person_id == gone, table.c[other].in_(present)))
    conn.execute(update(table).where(table.c.person_id == gone).values(person_id=kept))


def _profile(conn: Connection, desk: Desk, now: datetime, person: Person, into: Person, actor: Person | None) -> None:
    """What is not known of the kept one is taken from the other."""
    theirs, ours = profiles.of(conn, person.id), profiles.of(conn, into.id)
    known = {field.name for field in fields(ours) if getattr(ours, field.name)} | {
        "person_id",
        "given_name",
        "family_name",
    }
    values = {field.name: getattr(theirs, field.name) for field in fields(theirs) if field.name not in known}
    given_name, family_name = profiles.names(person, theirs.given_name, theirs.family_name)
    if not into.name and person.name:
        values |= {"given_name": given_name, "family_name": family_name}
    values = {name: value for name, value in values.items() if value}
    # a manager's sight is not inherited: it was given for the company of the other
    values.pop("manages", None)
    if values:
        profiles.change(conn, desk, now, person=into, actor=actor, **values)


def _tombstone(conn: Connection, now: datetime, gone: int, kept: int) -> None:
    number = conn.execute(select(_p.customer_no).where(_p.id == gone)).scalar()
    has_number = conn.execute(select(_p.customer_no).where(_p.id == kept)).scalar() is not None
    columns = {"customer_no": None, "merged_into": kept, "removed_at": now}
    conn.execute(update(schema.person).where(_p.id == gone).values(**columns))
    conn.execute(update(schema.person).where(_p.id == gone, _p.disabled_at.is_(None)).values(disabled_at=now))
    conn.execute(update(schema.person).where(_p.merged_into == gone).values(merged_into=kept))
    if number is not None and has_number:
        counters.add(conn, counters.CUSTOMERS, -1)
    elif number is not None:
        conn.execute(update(schema.person).where(_p.id == kept).values(customer_no=number))
