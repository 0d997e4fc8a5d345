"""Things that customers have: what they are, who has them, which tickets are about them. Each change leaves a line in its log."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, TypedDict, Unpack

from sqlalchemy import ColumnElement, Connection, and_, bindparam, delete, func, insert, select, update

from helpdeskd.desk import companies, given, rows, tickets
from helpdeskd.desk import sight as seeing
from helpdeskd.desk.context import Desk
from helpdeskd.desk.sight import Sight
from helpdeskd.errors import NotFound, Refused
from helpdeskd.model.people import Person
from helpdeskd.model.ticket import Ticket
from helpdeskd.store import schema

PAGE = 50
MOST_QUANTITY = 1_000_000

_a, _w, _p, _t, _l = (
    schema.asset.c,
    schema.asset_word.c,
    schema.asset_person.c,
    schema.asset_ticket.c,
    schema.asset_log.c,
)


class Word(StrEnum):
    """What many assets share, by name."""

    MANUFACTURER = "manufacturer"
    TYPE = "type"
    SUPPLIER = "supplier"


@dataclass(frozen=True, slots=True)
class Named:
    """A maker, a kind or a supplier; one that is not known has no id and no name."""

    id: int | None = None
    name: str = ""


@dataclass(frozen=True, slots=True)
class Asset:
    id: int
    model: str
    manufacturer: Named
    type: Named
    supplier: Named
    serial_number: str
    location: str
    comments: str
    quantity: int
    company_id: int | None
    company: str
    created_at: datetime
    updated_at: datetime
    disabled_at: datetime | None
    tickets: int  # how many are about it


@dataclass(frozen=True, slots=True)
class LogLine:
    """`actor_id`: nobody, where the system or the command line did it."""

    at: datetime
    actor_id: int | None
    words: str


class Values(TypedDict, total=False):
    """What `create` and `change` take. Maker, kind and supplier are names, made where there are none; an empty one takes it away."""

    model: str
    manufacturer: str
    type: str
    supplier: str
    serial_number: str
    location: str
    comments: str
    quantity: int
    company_id: int | None


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a page is narrowed to; all that is given must hold."""

    holder_id: int | None = None  # person.id
    company_id: int | None = None  # its own, or a holder's
    division_id: int | None = None  # a holder's
    ticket_id: int | None = None
    prefix: str = ""  # of the model, whatever the case
    disabled: bool = False  # those too


_LIMITS: Mapping[str, int] = {"model": 200, "serial_number": 200, "location": 200, "comments": 20_000}
_WORDS = {word: schema.asset_word.alias(word.value) for word in Word}
_SOURCE = schema.asset.outerjoin(schema.company, schema.company.c.id == _a.company_id)
for _kind, _alias in _WORDS.items():
    _SOURCE = _SOURCE.outerjoin(_alias, _alias.c.id == _a[f"{_kind.value}_id"])
_TICKETS = select(func.count()).where(_t.asset_id == _a.id).scalar_subquery()
_LINES = select(
    _a.id,
    _a.model,
    *(column for alias in _WORDS.values() for column in (alias.c.id, alias.c.name)),
    _a.serial_number,
    _a.location,
    _a.comments,
    _a.quantity,
    _a.company_id,
    schema.company.c.name,
    _a.created_at,
    _a.updated_at,
    _a.disabled_at,
    _TICKETS,
).select_from(_SOURCE)
_BY_ID = _LINES.where(_a.id == bindparam("asset_id"))
_HOLDERS = (
    select(*rows.PERSON, _p.asset_id)
    .join(schema.asset_person, _p.person_id == schema.person.c.id)
    .where(_p.asset_id.in_(bindparam("ids", expanding=True)))
)
_WORD = select(_w.id).where(_w.kind == bindparam("kind"), _w.name_key == bindparam("key"))


def get(conn: Connection, asset_id: int) -> Asset:
    """Disabled or not. Raises NotFound."""
    row = conn.execute(_BY_ID, {"asset_id": given.row_id("asset", asset_id)}).one_or_none()
    if row is None:
        raise NotFound("asset", asset_id)
    return _asset(row)


def page(conn: Connection, wanted: Wanted, *, limit: int = PAGE, offset: int = 0) -> tuple[Asset, ...]:
    """In the order in which they were made."""
    statement = _LINES.where(*_conditions(conn, wanted)).order_by(_a.id).limit(bindparam("most"))
    found = conn.execute(statement.offset(bindparam("skip")), given.window(limit, offset))
    return tuple(_asset(row) for row in found)


def _conditions(conn: Connection, wanted: Wanted) -> list[ColumnElement[bool]]:
    found: list[ColumnElement[bool]] = []
    profile = schema.profile.c
    held = select(_p.asset_id)
    of_profile = held.join(schema.profile, profile.person_id == _p.person_id)
    if wanted.holder_id is not None:
        found.append(_a.id.in_(held.where(_p.person_id == _number(wanted.holder_id))))
    if wanted.company_id is not None:
        company_id = _number(wanted.company_id)
        own = select(_a.id).where(_a.company_id == company_id)
        found.append(_a.id.in_(own.union(of_profile.where(profile.company_id == company_id))))
    if wanted.division_id is not None:
        found.append(_a.id.in_(of_profile.where(profile.division_id == _number(wanted.division_id))))
    if wanted.ticket_id is not None:
        found.append(_a.id.in_(select(_t.asset_id).where(_t.ticket_id == _number(wanted.ticket_id))))
    if prefix := given.key(wanted.prefix):
        # SQLite's LIKE knows no index; PostgreSQL compares by its locale, where a range is no prefix.
        if conn.dialect.name == "sqlite":
            found.append(and_(_a.model_key >= prefix, _a.model_key < prefix + "\U0010ffff"))
        else:
            found.append(_a.model_key.startswith(prefix, autoescape=True))
    if not wanted.disabled:
        found.append(_a.disabled_at.is_(None))
    return found


def _number(row_id: int) -> int:
    """Nothing has the number 0, and databases refuse numbers that no row can have."""
    return row_id if 0 < row_id < 2**63 else 0


def holders(conn: Connection, asset_ids: Iterable[int]) -> dict[int, tuple[Person, ...]]:
    """Who has each of these; those whom nobody has are missing."""
    found: dict[int, tuple[Person, ...]] = {}
    ids = sorted(set(asset_ids))
    for row in conn.execute(_HOLDERS, {"ids": ids}) if ids else ():
        found[row[-1]] = (*found.get(row[-1], ()), rows.person(row))
    return {each: tuple(sorted(people, key=lambda person: person.id)) for each, people in found.items()}


def ticket_ids(conn: Connection, asset_id: int, sight: Sight | None = None) -> tuple[int, ...]:
    """The tickets about it, the newest first; with `sight`, those that they see."""
    found = select(_t.ticket_id).where(_t.asset_id == asset_id).order_by(_t.ticket_id.desc())
    if sight is not None:
        found = found.join(schema.ticket, schema.ticket.c.id == _t.ticket_id).where(seeing.where(sight))
    return tuple(conn.execute(found).scalars())


def follow_merge(conn: Connection, ticket_id: int, into_id: int) -> None:
    """What a ticket that is merged was about, the one it goes into is about."""
    present = select(_t.asset_id).where(_t.ticket_id == into_id).subquery()
    conn.execute(delete(schema.asset_ticket).where(_t.ticket_id == ticket_id, _t.asset_id.in_(select(present))))
    conn.execute(update(schema.asset_ticket).where(_t.ticket_id == ticket_id).values(ticket_id=into_id))


def log(conn: Connection, asset_id: int) -> tuple[LogLine, ...]:
    """What was done with it, oldest first."""
    found = select(_l.at, _l.actor_id, _l.words).where(_l.asset_id == asset_id).order_by(_l.id)
    return tuple(LogLine(*row) for row in conn.execute(found))


def create(conn: Connection, desk: Desk, now: datetime, *, actor: Person | None, **values: Unpack[Values]) -> Asset:
    """A new one; it needs a model. Raises Refused: bad-<name of the value>, no-such-company."""
    columns = _fit(conn, {"model": "", **values}) | {"created_at": now, "updated_at": now}
    asset_id: int = conn.execute(insert(schema.asset).returning(_a.id), columns).scalar_one()
    _note(conn, now, asset_id, actor, "created")
    return get(conn, asset_id)


def change(
    conn: Connection, desk: Desk, now: datetime, *, asset: Asset, actor: Person | None, **values: Unpack[Values]
) -> Asset:
    """What is not given stays. Raises as `create`."""
    columns = _fit(conn, values)
    before = conn.execute(select(*(_a[name] for name in columns)).where(_a.id == asset.id)).one() if columns else ()
    changed = sorted(name for name, old in zip(columns, before, strict=True) if old != columns[name])
    if not changed:
        return get(conn, asset.id)
    conn.execute(update(schema.asset).where(_a.id == asset.id).values(**columns, updated_at=now))
    names = (name.removesuffix("_id").replace("_", " ") for name in changed if name != "model_key")
    _note(conn, now, asset.id, actor, f"changed: {', '.join(names) or 'model'}")
    return get(conn, asset.id)


def disable(conn: Connection, desk: Desk, now: datetime, *, asset: Asset, actor: Person | None) -> Asset:
    """It is in use no more; it stays with those who have it, and in its tickets."""
    if get(conn, asset.id).disabled_at is None:
        conn.execute(update(schema.asset).where(_a.id == asset.id).values(disabled_at=now, updated_at=now))
        _note(conn, now, asset.id, actor, "disabled")
    return get(conn, asset.id)


def assign(conn: Connection, desk: Desk, now: datetime, *, asset: Asset, person: Person, actor: Person | None) -> Asset:
    """They have it, beside those who have it already."""
    there = conn.execute(select(_p.asset_id).where(_p.asset_id == asset.id, _p.person_id == person.id)).first()
    if there is None:
        conn.execute(insert(schema.asset_person), {"asset_id": asset.id, "person_id": person.id})
        _touch(conn, now, asset, actor, f"assigned to {person.shown}")
    return get(conn, asset.id)


def unassign(
    conn: Connection, desk: Desk, now: datetime, *, asset: Asset, person: Person, actor: Person | None
) -> Asset:
    """They have it no more. Raises Refused("not-assigned")."""
    gone = conn.execute(delete(schema.asset_person).where(_p.asset_id == asset.id, _p.person_id == person.id))
    if not gone.rowcount:
        raise Refused("not-assigned", f"{person.shown} does not have the asset {asset.id}")
    _touch(conn, now, asset, actor, f"taken from {person.shown}")
    return get(conn, asset.id)


def add_ticket(
    conn: Connection, desk: Desk, now: datetime, *, asset: Asset, ticket: Ticket, actor: Person | None
) -> Asset:
    """The ticket is about it. Raises Refused("merged")."""
    current = tickets.resolve(conn, ticket.id, locked=True)
    if current.id != ticket.id:
        raise Refused("merged", f"ticket {ticket.number} was merged into {current.number}")
    there = conn.execute(select(_t.asset_id).where(_t.asset_id == asset.id, _t.ticket_id == ticket.id)).first()
    if there is None:
        conn.execute(insert(schema.asset_ticket), {"asset_id": asset.id, "ticket_id": ticket.id})
        _touch(conn, now, asset, actor, f"added to ticket {ticket.number}")
    return get(conn, asset.id)


def _fit(conn: Connection, values: Mapping[str, Any]) -> dict[str, Any]:
    """Columns and what stands in them."""
    columns: dict[str, Any] = {}
    for name, value in values.items():
        if name in _LIMITS:
            fit = given.block if name == "comments" else given.line
            what, reason = f"a {name.replace('_', ' ')}", f"bad-{name.replace('_', '-')}"
            more = {"empty": True} if fit is given.line and name != "model" else {}
            columns[name] = fit(value, what=what, most=_LIMITS[name], reason=reason, **more)
        elif name in list(Word):
            columns[f"{name}_id"] = _word(conn, Word(name), value)
        elif name == "quantity":
            if not 0 <= value <= MOST_QUANTITY:
                raise Refused("bad-quantity", f"a quantity is a number from 0 to {MOST_QUANTITY}")
            columns[name] = value
        else:
            columns[name] = None if value is None else companies.get(conn, value).id
    if "model" in columns:
        columns["model_key"] = given.key(columns["model"])
    return columns


def _word(conn: Connection, kind: Word, words: str) -> int | None:
    name = given.line(words, what=f"a {kind}", most=200, reason=f"bad-{kind}", empty=True)
    if not name:
        return None
    key = {"kind": kind.value, "key": given.key(name)}
    known: int | None = conn.execute(_WORD, key).scalar()
    if known is None:
        values = {"kind": kind.value, "name": name, "name_key": given.key(name)}
        known = conn.execute(insert(schema.asset_word).returning(_w.id), values).scalar_one()
    return known


def _touch(conn: Connection, now: datetime, asset: Asset, actor: Person | None, words: str) -> None:
    conn.execute(update(schema.asset).where(_a.id == asset.id).values(updated_at=now))
    _note(conn, now, asset.id, actor, words)


def _note(conn: Connection, now: datetime, asset_id: int, actor: Person | None, words: str) -> None:
    line = {"asset_id": asset_id, "at": now, "actor_id": None if actor is None else actor.id, "words": words}
    conn.execute(insert(schema.asset_log), line)


def _asset(row: rows.Row) -> Asset:
    return Asset(
        id=row[0],
        model=row[1],
        manufacturer=Named(row[2], row[3] or ""),
        type=Named(row[4], row[5] or ""),
        supplier=Named(row[6], row[7] or ""),
        serial_number=row[8],
        location=row[9],
        comments=row[10],
        quantity=row[11],
        company_id=row[12],
        company=row[13] or "",
        created_at=row[14],
        updated_at=row[15],
        disabled_at=row[16],
        tickets=row[17],
    )
