"""What is known of a person beyond what mail needs: names in two halves, firm, telephone, what staff sign with."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any, TypedDict, Unpack

from sqlalchemy import Connection, bindparam, insert, select, update

from helpdeskd.desk import companies, given, people
from helpdeskd.desk.context import Desk
from helpdeskd.errors import Refused
from helpdeskd.model.people import Person
from helpdeskd.store import schema

_f = schema.profile.c


@dataclass(frozen=True, slots=True)
class Profile:
    """Whoever has no row has this, empty. Whether they want mail stands in the person: mail asks for that."""

    person_id: int
    given_name: str = ""
    family_name: str = ""
    company_id: int | None = None
    division_id: int | None = None
    manages: bool = False  # sees the tickets of their company
    phone: str = ""
    location: str = ""
    notes: str = ""  # of staff, about them
    greeting: str = ""  # what answers of theirs begin with
    signature: str = ""  # and what they end with
    out_of_office: bool = False


class Values(TypedDict, total=False):
    """What `change` takes. `wants_mail` is the person's; all else as in Profile."""

    given_name: str
    family_name: str
    company_id: int | None
    division_id: int | None
    manages: bool
    phone: str
    location: str
    notes: str
    greeting: str
    signature: str
    out_of_office: bool
    wants_mail: bool


# How long each text may be (characters), and how it is made fit.
LIMITS: Mapping[str, tuple[Callable[..., str], int]] = {
    "given_name": (given.line, 100),
    "family_name": (given.line, 100),
    "phone": (given.line, 100),
    "location": (given.line, 200),
    "notes": (given.block, 20_000),
    "greeting": (given.block, 2_000),
    "signature": (given.block, 10_000),
}

_COLUMNS = tuple(_f[field.name] for field in fields(Profile))
_BY_ID = select(*_COLUMNS).where(_f.person_id == bindparam("person_id"))


def of(conn: Connection, person_id: int) -> Profile:
    """An empty one where nothing is known, or nobody is there."""
    row = conn.execute(_BY_ID, {"person_id": person_id}).one_or_none()
    return Profile(person_id) if row is None else Profile(*row)


def names(person: Person, given_name: str, family_name: str) -> tuple[str, str]:
    """Given and family name. Mail brings one name only: its last word is the family's, where the profile says nothing of it."""
    return (given_name, family_name) if _joined(given_name, family_name) == person.name else halves(person.name)


def halves(name: str) -> tuple[str, str]:
    """Of a name of which nothing else is known, as `names`."""
    first, _, last = " ".join(name.split()).rpartition(" ")
    return (first, last) if first else (last, "")


def change(
    conn: Connection, desk: Desk, now: datetime, *, person: Person, actor: Person | None, **values: Unpack[Values]
) -> Profile:
    """What is not given stays; but who goes to another company manages it only where that is said. With a given or a family name
    the person's own becomes the two of them.

    Raises NotFound (company, division); Refused: bad-<name of the value> (too long), no-company and is-staff (of who is to manage).
    """
    before = of(conn, person.id)
    wanted: dict[str, Any] = {name: _fit(name, value) for name, value in values.items() if name != "wants_mail"}
    if wanted.get("company_id") is not None:
        companies.get(conn, wanted["company_id"])
    if wanted.get("division_id") is not None:
        companies.division(conn, wanted["division_id"])
    company_id = wanted.get("company_id", before.company_id)
    if company_id != before.company_id:
        wanted.setdefault("manages", False)
    if wanted.get("manages"):
        _check_manager(person, company_id)
    of_person: dict[str, object] = {}
    if {"given_name", "family_name"} & wanted.keys():
        first, last = names(person, before.given_name, before.family_name)
        wanted = {"given_name": first, "family_name": last} | wanted
        of_person["name"] = _joined(wanted["given_name"], wanted["family_name"])
    if "wants_mail" in values:
        of_person["wants_mail"] = values["wants_mail"]
    if any(getattr(person, name) != value for name, value in of_person.items()):
        people.change(conn, person, **of_person)
    if any(getattr(before, name) != value for name, value in wanted.items()):
        known = conn.execute(update(schema.profile).where(_f.person_id == person.id).values(**wanted))
        if known.rowcount == 0:
            conn.execute(insert(schema.profile), {"person_id": person.id, **wanted})
    return of(conn, person.id)


def _check_manager(person: Person, company_id: int | None) -> None:
    if person.is_staff:
        raise Refused("is-staff", f"{person.shown} is staff: they see what their departments have")
    if company_id is None:
        raise Refused("no-company", f"{person.shown} belongs to no company that they could manage")


def _fit(name: str, value: Any) -> Any:
    if name not in LIMITS:
        return value
    fit, most = LIMITS[name]
    what = name.replace("_", " ")
    more = {"empty": True} if fit is given.line else {}
    return fit(value, what=f"a {what}", most=most, reason=f"bad-{name.replace('_', '-')}", **more)


def _joined(first: str, last: str) -> str:
    return " ".join(filter(None, (first, last)))
