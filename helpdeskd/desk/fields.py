"""Custom fields: what tickets, people, companies and assets are asked besides. A team has a few dozen at most."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Select, bindparam, func, insert, select, update

from helpdeskd.desk import departments as houses
from helpdeskd.desk import given
from helpdeskd.desk.context import Desk
from helpdeskd.errors import NotFound, Refused
from helpdeskd.model.fields import Access, Field, FieldKind, Option, Owner
from helpdeskd.model.people import Person
from helpdeskd.store import schema

MOST_FIELDS = 200  # of one kind of owner
MOST_OPTIONS = 500

_f, _o, _d = schema.custom_field.c, schema.custom_option.c, schema.custom_field_department.c
_COLUMNS = (_f.id, _f.owner, _f.name, _f.kind, _f.mandatory, _f.position, _f.in_grid, _f.access)
_IDS: Any = bindparam("ids", expanding=True)
_THERE = select(*_COLUMNS).where(_f.removed_at.is_(None))
_BY_ID = _THERE.where(_f.id == bindparam("field_id"))
_ALL = _THERE.order_by(_f.owner, _f.position, _f.id)
_OF_OWNER = _THERE.where(_f.owner == bindparam("owner")).order_by(_f.position, _f.id)
_OPTIONS = select(_o.field_id, _o.id, _o.words).where(_o.field_id.in_(_IDS)).order_by(_o.position, _o.id)
_DEPARTMENTS = select(_d.field_id, _d.department_id).where(_d.field_id.in_(_IDS))


def get(conn: Connection, field_id: int, owner: Owner | None = None) -> Field:
    """With `owner`, one of such owners. Raises NotFound."""
    found = _read(conn, _BY_ID, field_id=given.row_id("field", field_id))
    if not found or owner not in {None, found[0].owner}:
        raise NotFound("field", field_id)
    return found[0]


def list(conn: Connection, owner: Owner | None = None) -> tuple[Field, ...]:  # noqa: A001 - fields.list reads as what it is
    """Those of one kind of owner in their order, or all."""
    return _read(conn, _ALL) if owner is None else _read(conn, _OF_OWNER, owner=owner.value)


def of_ticket(conn: Connection, department_id: int) -> tuple[Field, ...]:
    """Those that tickets of this department have."""
    every = list(conn, Owner.TICKET)
    return tuple(field for field in every if not field.departments or department_id in field.departments)


def named(conn: Connection, owner: Owner, name: str) -> Field:
    """Whatever the case. Raises NotFound."""
    wanted = given.key(name)
    for field in list(conn, owner):
        if given.key(field.name) == wanted:
            return field
    raise NotFound("field", name)


def add(
    conn: Connection,
    desk: Desk,
    now: datetime,
    *,
    owner: Owner,
    name: str,
    kind: FieldKind,
    options: Iterable[str] = (),
    departments: Iterable[int] = (),
    mandatory: bool = False,
    in_grid: bool = False,
    access: Access = Access.EVERYONE,
    position: int | None = None,
    actor: Person | None,
) -> Field:
    """A new one; without a `position` it comes last. `departments`: ids, of fields of tickets.

    Raises Refused: bad-name, name-taken, too-many-fields, bad-options, bad-position, departments-without-tickets, no-such-department.
    """
    name = given.line(name, what="a name", most=200, reason="bad-name")
    others = list(conn, owner)
    if any(given.key(other.name) == given.key(name) for other in others):
        raise Refused("name-taken", f"there is a field {name} of every {owner} already")
    if len(others) >= MOST_FIELDS:
        raise Refused("too-many-fields", f"there are {len(others)} fields of every {owner}: that is the limit")
    words = _options(kind, options)
    houses_of = [houses.get(conn, each).id for each in dict.fromkeys(departments)]
    if houses_of and owner is not Owner.TICKET:
        raise Refused("departments-without-tickets", f"only tickets belong to departments, not every {owner}")
    if position is None:
        last: int | None = conn.execute(select(func.max(_f.position)).where(_f.owner == owner.value)).scalar()
        position = 0 if last is None else last + 1
    if not 0 <= position < 2**31:
        raise Refused("bad-position", "a position is a number from 0 on")
    values = {
        "owner": owner.value,
        "name": name,
        "kind": kind.value,
        "mandatory": mandatory,
        "position": position,
        "in_grid": in_grid,
        "access": access.value,
        "created_at": now,
    }
    field_id: int = conn.execute(insert(schema.custom_field).returning(_f.id), values).scalar_one()
    if words:
        lines = [{"field_id": field_id, "position": n, "words": each} for n, each in enumerate(words)]
        conn.execute(insert(schema.custom_option), lines)
    if houses_of:
        rows = [{"field_id": field_id, "department_id": each} for each in houses_of]
        conn.execute(insert(schema.custom_field_department), rows)
    return get(conn, field_id)


def remove(conn: Connection, desk: Desk, now: datetime, *, field: Field, actor: Person | None) -> None:
    """It is asked no more and shown no more. What it held stays in the store, in case that was a mistake. Raises NotFound."""
    get(conn, field.id)
    conn.execute(update(schema.custom_field).where(_f.id == field.id).values(removed_at=now))


def _options(kind: FieldKind, options: Iterable[str]) -> tuple[str, ...]:
    words = [given.line(each, what="an option", most=200, reason="bad-options") for each in options]
    if kind is not FieldKind.CHOICE:
        if words:
            raise Refused("bad-options", f"a field of kind {kind} has no options")
        return ()
    if not words or len(words) > MOST_OPTIONS:
        raise Refused("bad-options", f"a choice has 1 to {MOST_OPTIONS} options")
    if len({given.key(each) for each in words}) < len(words):
        raise Refused("bad-options", "an option stands twice among them")
    return tuple(words)


def _read(conn: Connection, found: Select[Any], **values: object) -> tuple[Field, ...]:
    """Three statements at most, however many fields."""
    lines = conn.execute(found, values).all()
    choices = [row.id for row in lines if row.kind == FieldKind.CHOICE.value]
    options: dict[int, tuple[Option, ...]] = {}
    for field_id, option_id, words in conn.execute(_OPTIONS, {"ids": choices}) if choices else ():
        options[field_id] = (*options.get(field_id, ()), Option(option_id, words))
    of_tickets = [row.id for row in lines if row.owner == Owner.TICKET.value]
    departments = _departments(conn, of_tickets) if of_tickets else {}
    return tuple(
        Field(
            id=row.id,
            owner=Owner(row.owner),
            name=row.name,
            kind=FieldKind(row.kind),
            mandatory=row.mandatory,
            position=row.position,
            in_grid=row.in_grid,
            access=Access(row.access),
            options=options.get(row.id, ()),
            departments=frozenset(departments.get(row.id, ())),
        )
        for row in lines
    )


def _departments(conn: Connection, ids: Iterable[int]) -> Mapping[int, set[int]]:
    found: dict[int, set[int]] = {}
    for field_id, department_id in conn.execute(_DEPARTMENTS, {"ids": [*ids]}):
        found.setdefault(field_id, set()).add(department_id)
    return found
