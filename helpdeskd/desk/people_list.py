"""Pages of people as programs ask for them: with their profile, firm, division and login, each page one statement."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from functools import cache
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, bindparam, select

from helpdeskd.desk import given, people, profiles, rows
from helpdeskd.desk.profiles import Profile
from helpdeskd.model.people import Person, PersonKind
from helpdeskd.store import schema

ADMINISTRATOR = 3  # the level of staff who may do everything

_p, _f, _l, _c, _v = schema.person.c, schema.profile.c, schema.login.c, schema.company.c, schema.division.c
_MORE = (
    _p.created_at,
    _p.customer_no,
    _p.staff_no,
    _l.username,
    _l.last_at,
    _l.last_address,
    _c.name,
    _c.notes,
    _v.name,
)
_LINES = (
    select(*rows.PERSON, *_MORE, *profiles.COLUMNS)
    .outerjoin(schema.profile, _f.person_id == _p.id)
    .outerjoin(schema.login, _l.person_id == _p.id)
    .outerjoin(schema.company, _c.id == _f.company_id)
    .outerjoin(schema.division, _v.id == _f.division_id)
    .where(_p.removed_at.is_(None))
)
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


@dataclass(frozen=True, slots=True)
class Line:
    """One person. `username` is empty, and the last log-in None, where they cannot log in; `last_address`: from which IP address."""

    person: Person
    profile: Profile
    created_at: datetime
    customer_no: int | None
    staff_no: int | None
    username: str
    last_at: datetime | None
    last_address: str
    company: str
    company_notes: str
    division: str

    @property
    def names(self) -> tuple[str, str]:
        """Given and family name."""
        return profiles.names(self.person, self.profile)


def page(
    conn: Connection,
    *,
    which: Which = Which.ALL,
    company_id: int | None = None,
    division_id: int | None = None,
    limit: int,
    offset: int,
) -> tuple[Line, ...]:
    """In the order of their ids; the disabled in that in which they were. All that is given must hold."""
    if any(each is not None and not 0 < each < 2**63 for each in (company_id, division_id)):
        return ()
    statement = _page(which, company=company_id is not None, division=division_id is not None)
    values = {"company_id": company_id, "division_id": division_id, **given.window(limit, offset)}
    return tuple(_line(row) for row in conn.execute(statement, values))


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


def one(conn: Connection, person_id: int) -> Line | None:
    """By id; of one who was merged into another, that other."""
    if not 0 < person_id < 2**63:
        return None
    row = conn.execute(_BY_ID, {"person_id": person_id}).one_or_none()
    if row is None and (kept := people.kept(conn, (person_id,))):
        row = conn.execute(_BY_ID, {"person_id": kept[person_id]}).one_or_none()
    return None if row is None else _line(row)


def at(conn: Connection, email: str) -> Line | None:
    """By address, whatever the case; of one who was merged too."""
    row = conn.execute(_BY_ADDRESS, {"email": email.strip().lower()}).one_or_none()
    return None if row is None else _line(row)


def named(conn: Connection, username: str) -> Line | None:
    """By what they log in by, whatever the case."""
    row = conn.execute(_BY_USERNAME, {"key": username.strip().casefold()}).one_or_none()
    return None if row is None else _line(row)


def _line(row: rows.Row) -> Line:
    person = rows.person(row)
    more, start = row[len(rows.PERSON) :], len(_MORE)
    created_at, customer_no, staff_no, username, last_at, last_address, company, company_notes, division = more[:start]
    return Line(
        person=person,
        profile=profiles.from_row(person.id, more[start:]),
        created_at=created_at,
        customer_no=customer_no,
        staff_no=staff_no,
        username=username or "",
        last_at=last_at,
        last_address=last_address or "",
        company=company or "",
        company_notes=company_notes or "",
        division=division or "",
    )
