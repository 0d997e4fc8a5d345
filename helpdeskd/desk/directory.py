"""People with all that is known of them, as address books and forms show them: one statement for any number of them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, bindparam, select

from helpdeskd.desk import profiles, rows
from helpdeskd.errors import NotFound
from helpdeskd.model.people import Person
from helpdeskd.store import schema

_p, _l, _f, _c, _v = schema.person.c, schema.login.c, schema.profile.c, schema.company.c, schema.division.c

_COLUMNS = (
    _l.username,
    _l.last_at,
    _l.last_address,
    _l.totp_seed,
    _f.given_name,
    _f.family_name,
    _f.company_id,
    _c.name,
    _c.notes,
    _f.division_id,
    _v.name,
    _f.manages,
    _f.phone,
    _f.location,
    _f.notes,
    _f.greeting,
    _f.signature,
    _f.out_of_office,
)
# For lists of others to narrow, order and cut.
ENTRIES = (
    select(*rows.PERSON, *_COLUMNS)
    .outerjoin(schema.login, _l.person_id == _p.id)
    .outerjoin(schema.profile, _f.person_id == _p.id)
    .outerjoin(schema.company, _c.id == _f.company_id)
    .outerjoin(schema.division, _v.id == _f.division_id)
)
_BY_IDS = ENTRIES.where(_p.id.in_(bindparam("ids", expanding=True)))


@dataclass(frozen=True, slots=True)
class Entry:
    """One person. `username` is what they log in by, their address where they chose none; the names are the two halves of the
    person's own, where the profile does not tell them apart."""

    person: Person
    username: str
    last_at: datetime | None  # the last log-in
    last_address: str
    has_totp: bool
    given_name: str
    family_name: str
    company_id: int | None
    company: str
    company_notes: str
    division_id: int | None
    division: str
    manages: bool
    phone: str
    location: str
    notes: str
    greeting: str
    signature: str
    out_of_office: bool

    @property
    def wants_mail(self) -> bool:
        return self.person.wants_mail


def several(conn: Connection, ids: Iterable[int]) -> dict[int, Entry]:
    """Those of `ids` that exist, by id."""
    wanted = sorted(set(ids))
    return {row[0]: entry(row) for row in conn.execute(_BY_IDS, {"ids": wanted})} if wanted else {}


def get(conn: Connection, person_id: int) -> Entry:
    """Raises NotFound."""
    found = several(conn, (person_id,))
    if person_id not in found:
        raise NotFound("person", person_id)
    return found[person_id]


def entry(row: rows.Row) -> Entry:
    """From a row of ENTRIES; more columns may follow."""
    person = rows.person(row)
    start = len(rows.PERSON)
    (
        username, last_at, last_address, seed, given, family, company_id, company, company_notes, division_id, division,
        manages, phone, location, notes, greeting, signature, out,
    ) = row[start : start + len(_COLUMNS)]  # fmt: skip
    given, family = profiles.names(person, given or "", family or "")
    return Entry(
        person=person,
        username=username or person.email,
        last_at=last_at,
        last_address=last_address or "",
        has_totp=bool(seed),
        given_name=given,
        family_name=family,
        company_id=company_id,
        company=company or "",
        company_notes=company_notes or "",
        division_id=division_id,
        division=division or "",
        manages=bool(manages),
        phone=phone or "",
        location=location or "",
        notes=notes or "",
        greeting=greeting or "",
        signature=signature or "",
        out_of_office=bool(out),
    )
