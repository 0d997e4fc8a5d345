"""Sections: groups of departments. A department is in one, or in none."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, insert, select, update

from helpdeskd.desk.context import Desk
from helpdeskd.errors import Refused
from helpdeskd.model.people import Department, Person
from helpdeskd.store import schema

MAX_NAME = 200  # characters

_s, _d = schema.section.c, schema.department.c
_ALL = select(_s.id, _s.name, _s.position).order_by(_s.position, _s.id)


@dataclass(frozen=True, slots=True)
class Section:
    id: int
    name: str
    position: int  # in lists; then by age


def list(conn: Connection) -> tuple[Section, ...]:  # noqa: A001  # sections.list reads as what it is
    """All of them, in their order."""
    return tuple(Section(*row) for row in conn.execute(_ALL))


def named(conn: Connection, name: str) -> Section | None:
    """By its name, whatever the case."""
    wanted = " ".join(name.split()).casefold()
    return next((each for each in list(conn) if each.name.casefold() == wanted), None)


def create(conn: Connection, desk: Desk, now: datetime, *, name: str, actor: Person | None) -> Section:
    """The section of that name, made where there is none. Raises Refused("bad-name")."""
    name = " ".join(name.split())
    if not name or len(name) > MAX_NAME:
        raise Refused("bad-name", f"a section needs a name of at most {MAX_NAME} characters")
    there = named(conn, name)
    if there is not None:
        return there
    conn.execute(insert(schema.section), {"name": name})
    made = named(conn, name)
    assert made is not None
    return made


def put(
    conn: Connection,
    desk: Desk,
    now: datetime,
    *,
    department: Department,
    section: Section | None,
    actor: Person | None,
) -> None:
    """The department into that section, or (None) into no section."""
    section_id = None if section is None else section.id
    conn.execute(update(schema.department).where(_d.id == department.id).values(section_id=section_id))
