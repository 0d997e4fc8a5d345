"""What custom fields hold: judged by their kind, kept in one form whatever form they came in."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from datetime import date, datetime
from email.utils import parsedate_to_datetime
from typing import Any

from sqlalchemy import Connection, bindparam, delete, insert, literal, select, update

from helpdeskd.desk import fields, given, history, tickets
from helpdeskd.desk.context import Desk
from helpdeskd.desk.history import Entry
from helpdeskd.errors import Refused
from helpdeskd.model.fields import Field, FieldKind, Owner, Value
from helpdeskd.model.people import Person
from helpdeskd.model.ticket import History, Ticket
from helpdeskd.store import schema

MOST_LINE = 1_000
MOST_TEXT = 50_000
_SHOWN = 200  # characters of a value in a ticket's history

_v = schema.custom_value.c
_IDS: Any = bindparam("fields", expanding=True)
_OF = select(_v.owner_id, _v.field_id, _v.value, _v.option_id).where(
    _v.field_id.in_(_IDS), _v.owner_id.in_(bindparam("owners", expanding=True))
)


def of(
    conn: Connection,
    owner: Owner,
    owner_id: int,
    *,
    unset: bool = False,
    department_id: int | None = None,
    staff: bool = True,
) -> tuple[Value, ...]:
    """What one owner's fields hold, in the order of the fields; with `unset`, the empty ones too.

    `department_id`: the ticket's, whose empty fields are only those its department asks. What was set elsewhere is shown all the same.
    `staff`: is it staff who asks? Others see less.
    """
    known = tuple(field for field in fields.list(conn, owner) if field.shown_to(staff=staff))
    held = _held(conn, known, (owner_id,)).get(owner_id, {})
    return tuple(
        held.get(field.id) or Value(field)
        for field in known
        if field.id in held or (unset and _asked(field, department_id))
    )


def several(conn: Connection, owner: Owner, owner_ids: Iterable[int]) -> dict[int, tuple[Value, ...]]:
    """As `of` for many, without the empty ones. Those who have none are missing."""
    known = fields.list(conn, owner)
    held = _held(conn, known, owner_ids)
    return {each: tuple(of[field.id] for field in known if field.id in of) for each, of in held.items()}


def put(
    conn: Connection,
    desk: Desk,
    now: datetime,
    *,
    field: Field,
    owner_id: int,
    value: str,
    actor: Person | None,
) -> Value:
    """Set one; an empty value takes it away. The owner is there. A ticket's history says so.

    Raises Refused: bad-value (it says what was expected), mandatory, not-asked (the ticket's department has no such field), merged,
    for-staff (who acts is a customer, and the field is not theirs to set).
    """
    return put_several(conn, desk, now, values=((field, value),), owner_id=owner_id, actor=actor)[0]


def put_several(
    conn: Connection,
    desk: Desk,
    now: datetime,
    *,
    values: Iterable[tuple[Field, str]],
    owner_id: int,
    actor: Person | None,
) -> tuple[Value, ...]:
    """All of them, or none where one is refused: fields of the same owner. Raises as `put`."""
    wanted = [judge(field, value) for field, value in values]
    if not wanted:
        return ()
    known = tuple({value.field.id: value.field for value in wanted}.values())
    for field in known:
        if actor is not None and not field.set_by(staff=actor.is_staff):
            raise Refused("for-staff", f"{field.name} is set by staff")
    ticket = _ticket(conn, owner_id, known) if known[0].owner is Owner.TICKET else None
    before = _held(conn, known, (owner_id,)).get(owner_id, {})
    entries: list[Entry] = []
    for value in wanted:
        old = before.get(value.field.id) or Value(value.field)
        if value == old:
            continue
        _write(conn, owner_id, value)
        before[value.field.id] = value
        detail = {"field": value.field.name, "from": old.words[:_SHOWN], "to": value.words[:_SHOWN]}
        entries.append(Entry(owner_id, History.FIELD_CHANGED, None if actor is None else actor.id, None, detail))
    if ticket is not None and entries:
        history.write(conn, now, *entries)
        tickets.touch(conn, now, ticket)
    return tuple(wanted)


def _ticket(conn: Connection, ticket_id: int, known: Iterable[Field]) -> Ticket:
    """As it is now, locked."""
    ticket = tickets.resolve(conn, ticket_id, locked=True)
    if ticket.id != ticket_id:
        raise Refused("merged", f"this ticket was merged into {ticket.number}")
    for field in known:
        if not _asked(field, ticket.department_id):
            raise Refused("not-asked", f"tickets of this department have no {field.name}")
    return ticket


def judge(field: Field, value: str) -> Value:
    """The value as it is kept. Raises Refused: bad-value, mandatory."""
    value = value.strip()
    if not value:
        if field.mandatory:
            raise Refused("mandatory", f"{field.name} must not be empty")
        return Value(field)
    return _KINDS[field.kind](field, value)


def take_away(conn: Connection, owner: Owner, owner_id: int) -> None:
    """The owner is gone."""
    theirs = select(schema.custom_field.c.id).where(schema.custom_field.c.owner == owner.value)
    conn.execute(delete(schema.custom_value).where(_v.owner_id == owner_id, _v.field_id.in_(theirs)))


def hand_over(conn: Connection, owner: Owner, owner_id: int, to_id: int) -> None:
    """What `to_id` does not have yet becomes theirs; the rest goes."""
    theirs = select(schema.custom_field.c.id).where(schema.custom_field.c.owner == owner.value)
    present = select(_v.field_id).where(_v.owner_id == to_id)
    free = conn.execute(
        select(_v.field_id).where(_v.owner_id == owner_id, _v.field_id.in_(theirs), _v.field_id.not_in(present))
    )
    for field_id in free.scalars().all():
        conn.execute(
            update(schema.custom_value).where(_v.owner_id == owner_id, _v.field_id == field_id).values(owner_id=to_id)
        )
    take_away(conn, owner, owner_id)


def follow_merge(conn: Connection, ticket_id: int, into_id: int) -> None:
    """Where the ticket that another is merged into has nothing, it has what that one had, which keeps its own."""
    theirs = select(schema.custom_field.c.id).where(schema.custom_field.c.owner == Owner.TICKET.value)
    present = select(_v.field_id).where(_v.owner_id == into_id)
    free = (_v.owner_id == ticket_id, _v.field_id.in_(theirs), _v.field_id.not_in(present))
    found = select(_v.field_id, literal(into_id, _v.owner_id.type), _v.value, _v.option_id).where(*free)
    conn.execute(insert(schema.custom_value).from_select(["field_id", "owner_id", "value", "option_id"], found))


def _asked(field: Field, department_id: int | None) -> bool:
    return department_id is None or not field.departments or department_id in field.departments


def _held(conn: Connection, known: tuple[Field, ...], owners: Iterable[int]) -> dict[int, dict[int, Value]]:
    """By owner and field."""
    by_id = {field.id: field for field in known}
    wanted = sorted(set(owners))
    found: dict[int, dict[int, Value]] = {}
    if by_id and wanted:
        for owner_id, field_id, words, option_id in conn.execute(_OF, {"fields": [*by_id], "owners": wanted}):
            found.setdefault(owner_id, {})[field_id] = Value(by_id[field_id], words, option_id)
    return found


def _write(conn: Connection, owner_id: int, value: Value) -> None:
    here = (_v.field_id == value.field.id, _v.owner_id == owner_id)
    if not value.words:
        conn.execute(delete(schema.custom_value).where(*here))
        return
    columns = {"value": value.words, "option_id": value.option_id}
    if conn.execute(update(schema.custom_value).where(*here).values(**columns)).rowcount == 0:
        conn.execute(insert(schema.custom_value), {"field_id": value.field.id, "owner_id": owner_id, **columns})


# ---------------------------------------------------------------- each kind


def _bad(field: Field, expected: str) -> Refused:
    return Refused("bad-value", f"{field.name}: expected {expected}")


def _text(field: Field, value: str) -> Value:
    found = " ".join(value.split())
    if len(found) > MOST_LINE:
        raise _bad(field, f"at most {MOST_LINE} characters")
    return Value(field, found)


def _multiline(field: Field, value: str) -> Value:
    found = value.replace("\r\n", "\n")
    if len(found) > MOST_TEXT:
        raise _bad(field, f"at most {MOST_TEXT} characters")
    return Value(field, found)


_TRUE = frozenset({"true", "1", "on", "yes", "checked", "\N{CHECK MARK}"})
_FALSE = frozenset({"false", "0", "off", "no", "unchecked"})


def _checkbox(field: Field, value: str) -> Value:
    if value.casefold() in _TRUE:
        return Value(field, "true")
    if value.casefold() in _FALSE:
        return Value(field, "false")
    raise _bad(field, "true or false")


def _choice(field: Field, value: str) -> Value:
    """An option's number first, then its words: an option that is called by another's number is still to be had by its own."""
    wanted = given.key(value)
    by_id = (option for option in field.options if value.isascii() and value.isdigit() and str(option.id) == value)
    by_words = (option for option in field.options if given.key(option.words) == wanted)
    option = next(by_id, None) or next(by_words, None)
    if option is None:
        shown = ", ".join(option.words for option in field.options[:20])
        raise _bad(field, f"one of {shown}{', ...' if len(field.options) > 20 else ''}")
    return Value(field, option.words, option.id)


_DAY_FIRST = re.compile(r"(\d{1,2})\.(\d{1,2})\.(\d{4})")
_MONTH_FIRST = re.compile(r"(\d{1,2})/(\d{1,2})/(\d{4})")
_YEAR_FIRST = re.compile(r"(\d{4})[/.](\d{1,2})[/.](\d{1,2})")


def _iso(value: str) -> date:
    return datetime.fromisoformat(value).date()


def _with_dots(value: str) -> date:
    found = _DAY_FIRST.fullmatch(value)
    return date(int(found[3]), int(found[2]), int(found[1])) if found else _no()


def _with_slashes(value: str) -> date:
    """As in the United States: month first. What can only be day first is read so."""
    found = _MONTH_FIRST.fullmatch(value)
    if not found:
        return _no()
    first, second, year = int(found[1]), int(found[2]), int(found[3])
    return date(year, second, first) if first > 12 else date(year, first, second)


def _year_first(value: str) -> date:
    found = _YEAR_FIRST.fullmatch(value)
    return date(int(found[1]), int(found[2]), int(found[3])) if found else _no()


def _in_words(value: str) -> date:
    return parsedate_to_datetime(value).date()


def _no() -> date:
    raise ValueError("not of this form")


_DATES: tuple[Callable[[str], date], ...] = (_iso, _with_dots, _with_slashes, _year_first, _in_words)


def _date(field: Field, value: str) -> Value:
    for read in _DATES:
        try:
            return Value(field, read(value).isoformat())
        except (ValueError, OverflowError):
            continue
    raise _bad(field, "a date as YYYY-MM-DD")


_KINDS: Mapping[FieldKind, Callable[[Field, str], Value]] = {
    FieldKind.TEXT: _text,
    FieldKind.MULTILINE: _multiline,
    FieldKind.CHECKBOX: _checkbox,
    FieldKind.CHOICE: _choice,
    FieldKind.DATE: _date,
}
