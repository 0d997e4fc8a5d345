"""Pages of people as programs ask for them: with their profile, firm, division and login, each page one statement."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from enum import StrEnum
from functools import cache
from typing import Any, TypeVar

from sqlalchemy import ColumnElement, Connection, Select, bindparam, select

from helpdeskd.desk import accounts, directory, given, people, rows
from helpdeskd.desk.case import ADMINISTRATOR
from helpdeskd.desk.directory import Entry
from helpdeskd.desk.sight import Sight
from helpdeskd.errors import NotFound, Refused
from helpdeskd.model.people import PersonKind
from helpdeskd.store import schema

K = TypeVar("K")

_p, _f, _l = schema.person.c, schema.profile.c, schema.login.c
_LINES = directory.ENTRIES.where(_p.removed_at.is_(None))
_BY_ID = _LINES.where(_p.id == bindparam("person_id"))
_BY_ADDRESS = _LINES.where(_p.id == people.AT_ADDRESS)
_BY_USERNAME = _LINES.where(_p.id == select(_l.person_id).where(_l.username_key == bindparam("key")).scalar_subquery())


class Which(StrEnum):
    """Whom a list shows. Only ALL and DISABLED have people who are disabled, and nobody has those who were removed or merged."""

    ALL = "all"
    TECHS = "techs"  # staff, administrators among them
    ADMINS = "admins"
    CUSTOMERS = "customers"
    DISABLED = "disabled"


_STAFF = (_p.kind == PersonKind.STAFF.value, _p.disabled_at.is_(None))
_WHICH: Mapping[Which, tuple[ColumnElement[bool], ...]] = {
    Which.ALL: (),
    Which.TECHS: _STAFF,
    Which.ADMINS: (*_STAFF, _p.level >= ADMINISTRATOR),
    Which.CUSTOMERS: (_p.kind == PersonKind.CUSTOMER.value, _p.disabled_at.is_(None)),
    Which.DISABLED: (_p.disabled_at.is_not(None),),
}


def page(
    conn: Connection,
    *,
    which: Which = Which.ALL,
    company_id: int | None = None,
    division_id: int | None = None,
    limit: int,
    offset: int,
) -> tuple[Entry, ...]:
    """In the order of their ids; the disabled in that in which they were. All that is given must hold."""
    if any(each is not None and not 0 < each < 2**63 for each in (company_id, division_id)):
        return ()
    statement = _page(which, company=company_id is not None, division=division_id is not None)
    values = {"company_id": company_id, "division_id": division_id, **given.window(limit, offset)}
    return tuple(directory.entry(row) for row in conn.execute(statement, values))


@cache
def _page(which: Which, *, company: bool, division: bool) -> Select[Any]:
    found: Select[Any] = _LINES.where(*_WHICH[which])
    if company:
        found = found.where(_f.company_id == bindparam("company_id"))
    if division:
        found = found.where(_f.division_id == bindparam("division_id"))
    # Each the order of the index that finds them.
    if company or division:
        found = found.order_by(_f.person_id)
    elif which is Which.DISABLED:
        found = found.order_by(_p.disabled_at, _p.id)
    else:
        found = found.order_by(_p.id)
    return found.limit(bindparam("most")).offset(bindparam("skip"))


def one(conn: Connection, person_id: int) -> Entry:
    """By id; of one who was merged into another, that other. Raises NotFound."""
    person_id = given.row_id("person", person_id)
    row = conn.execute(_BY_ID, {"person_id": person_id}).one_or_none()
    if row is None and (kept := people.kept(conn, (person_id,))):
        row = conn.execute(_BY_ID, {"person_id": kept[person_id]}).one_or_none()
    return _entry(row, person_id)


def at(conn: Connection, email: str) -> Entry:
    """By address, whatever the case; of one who was merged too. Raises NotFound."""
    return _entry(conn.execute(_BY_ADDRESS, {"email": email.strip().lower()}).one_or_none(), email)


def named(conn: Connection, username: str) -> Entry:
    """By what they log in by, whatever the case; by their address, where they chose none. Raises NotFound."""
    row = conn.execute(_BY_USERNAME, {"key": accounts.name_key(username)}).one_or_none()
    if row is None:
        row = conn.execute(_BY_ADDRESS.where(_l.username.is_(None)), {"email": username.strip().lower()}).one_or_none()
    return _entry(row, username)


def seen(conn: Connection, sight: Sight, look: Callable[[Connection, K], Entry], key: K) -> Entry:
    """One by `one`, `at` or `named`: staff see everybody, others themselves alone.

    Raises NotFound, Refused("not-permitted"); to others always the latter, so that no word tells who is known.
    """
    try:
        found = look(conn, key)
    except NotFound:
        if sight.staff:
            raise
    else:
        if sight.staff or found.person.id == sight.person_id:
            return found
    raise Refused("not-permitted", "you may see no account but your own")


def _entry(row: rows.Row | None, key: object) -> Entry:
    if row is None:
        raise NotFound("person", key)
    return directory.entry(row)
