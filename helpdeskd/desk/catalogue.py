"""The departments as lists show them to somebody: with the sections they stand in, and who may open tickets there."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection, bindparam, exists, or_, select

from helpdeskd.desk import departments, rows
from helpdeskd.desk.case import ADMINISTRATOR
from helpdeskd.desk.sight import Sight
from helpdeskd.errors import NotFound
from helpdeskd.model.people import Department, Person, PersonKind
from helpdeskd.store import schema

_d, _s, _g, _p = schema.department.c, schema.section.c, schema.department_guest.c, schema.person.c
_prof, _sd = schema.profile.c, schema.staff_department.c

# Only guests and staff open tickets in the department (a row of `department`).
GUESTED = exists().where(_g.department_id == _d.id).correlate(schema.department)
_ALL = (
    select(_d.id, _s.id, _s.name, _d.staff_only, GUESTED)
    .outerjoin(schema.section, _s.id == _d.section_id)
    .where(_d.removed_at.is_(None))
    .order_by(_s.position, _s.id, _d.position, _d.id)
)
_ONE = (
    select(_d.id, _s.id, _s.name, _d.staff_only, GUESTED)
    .outerjoin(schema.section, _s.id == _d.section_id)
    .where(_d.id == bindparam("department_id"))
)
_WELCOME = select(_g.department_id).where(
    or_(
        _g.person_id == bindparam("person_id"),
        _g.company_id.in_(select(_prof.company_id).where(_prof.person_id == bindparam("person_id"))),
    )
)
_STAFF_OF = (
    select(*rows.PERSON)
    .outerjoin(schema.staff_department, (_sd.person_id == _p.id) & (_sd.department_id == bindparam("department_id")))
    .where(
        _p.kind == PersonKind.STAFF.value,
        _p.disabled_at.is_(None),
        or_(_sd.person_id.is_not(None), _p.level >= bindparam("level")),
    )
    .order_by(_p.name, _p.id)
)


@dataclass(frozen=True, slots=True)
class Place:
    """One department, and where it stands. `guested`: only guests (desk/guests.py) open tickets in it, beside staff."""

    department: Department
    section_id: int | None
    section: str
    staff_only: bool
    guested: bool

    @property
    def for_staff(self) -> bool:
        """No customer is shown it. A private one is shown to its guests."""
        return self.staff_only or (self.department.private and not self.guested)


def every(conn: Connection) -> tuple[Place, ...]:
    """By section, then as the house orders them."""
    known = {each.id: each for each in departments.list(conn)}
    return tuple(Place(known[row[0]], row[1], row[2] or "", row[3], row[4]) for row in conn.execute(_ALL))


def shown(conn: Connection, sight: Sight) -> tuple[Place, ...]:
    """Those in which they may open tickets: staff in all, others in those they are guests of, and in those without guests that are
    neither private nor for staff. In the order of `every`."""
    places = every(conn)
    if sight.staff:
        return places
    welcome: frozenset[int] = frozenset()
    if any(each.guested for each in places):
        welcome = frozenset(conn.execute(_WELCOME, {"person_id": sight.person_id}).scalars())
    return tuple(each for each in places if not each.for_staff and (not each.guested or each.department.id in welcome))


def of(conn: Connection, department_id: int) -> Place:
    """Whoever asks. Raises NotFound."""
    row = conn.execute(_ONE, {"department_id": department_id}).one_or_none()
    if row is None:
        raise NotFound("department", department_id)
    return Place(departments.get(conn, department_id), row[1], row[2] or "", row[3], row[4])


def place(conn: Connection, sight: Sight, department_id: int) -> Place:
    """Raises NotFound where there is none they may open tickets in."""
    for each in shown(conn, sight):
        if each.department.id == department_id:
            return each
    raise NotFound("department", department_id)


def enter(conn: Connection, sight: Sight, department_id: int) -> Department:
    """The department, where they may open tickets. Raises NotFound, for those they are not shown too: no word tells their names."""
    found = departments.there(conn, department_id)
    hidden = not sight.staff and all(each.department.id != department_id for each in shown(conn, sight))
    if found is None or hidden:
        raise NotFound("department", department_id)
    return departments.get(conn, department_id)


def staff_of(conn: Connection, department_id: int) -> tuple[Person, ...]:
    """Who can be given its tickets: its staff, and administrators. By name."""
    found = conn.execute(_STAFF_OF, {"department_id": department_id, "level": ADMINISTRATOR})
    return tuple(rows.person(row) for row in found)
