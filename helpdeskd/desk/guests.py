"""Guests of departments: where there are any, they alone open tickets in it, beside staff. A guest is a person or a whole company."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ColumnElement, Connection, bindparam, delete, insert, select

from helpdeskd.desk import companies, people
from helpdeskd.desk.companies import Company
from helpdeskd.desk.context import Desk
from helpdeskd.errors import Refused
from helpdeskd.model.people import Department, Person
from helpdeskd.store import schema

Guest = Person | Company

_g, _d = schema.department_guest.c, schema.department.c
_ALL = (
    select(_g.department_id, schema.person.c.email, schema.company.c.name)
    .outerjoin(schema.person, schema.person.c.id == _g.person_id)
    .outerjoin(schema.company, schema.company.c.id == _g.company_id)
    .order_by(_g.id)
)
_LOCK = select(_d.id).where(_d.id == bindparam("department_id")).with_for_update()


def meant(conn: Connection, words: str) -> Guest:
    """By an address, or a company's name. Raises NotFound (person, company)."""
    return people.at(conn, words) if "@" in words else companies.at(conn, words)


def names(conn: Connection) -> dict[int, tuple[str, ...]]:
    """Addresses of people and names of companies, by department; those without guests are missing."""
    found: dict[int, tuple[str, ...]] = {}
    for department_id, email, company in conn.execute(_ALL):
        found[department_id] = (*found.get(department_id, ()), email or company)
    return found


def add(
    conn: Connection, desk: Desk, now: datetime, *, department: Department, guest: Guest, actor: Person | None
) -> None:
    """With the first one, the department is no longer everybody's."""
    conn.execute(_LOCK, {"department_id": department.id})  # two writers at once: one of them finds what the other did
    if conn.execute(select(_g.id).where(*_is(department, guest))).first() is None:
        values = {"department_id": department.id, _column(guest): guest.id}
        conn.execute(insert(schema.department_guest), values)


def remove(
    conn: Connection, desk: Desk, now: datetime, *, department: Department, guest: Guest, actor: Person | None
) -> None:
    """With the last one, the department is everybody's again, unless it is private. Raises Refused("not-a-guest")."""
    gone = conn.execute(delete(schema.department_guest).where(*_is(department, guest)))
    if not gone.rowcount:
        name = guest.name if isinstance(guest, Company) else guest.email
        raise Refused("not-a-guest", f"{name} is no guest of the department {department.name}")


def _column(guest: Guest) -> str:
    return "company_id" if isinstance(guest, Company) else "person_id"


def _is(department: Department, guest: Guest) -> tuple[ColumnElement[bool], ...]:
    return _g.department_id == department.id, _g[_column(guest)] == guest.id
