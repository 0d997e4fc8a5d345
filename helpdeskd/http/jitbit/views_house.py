"""Who asks, and the house: decode, call the desk, encode."""

from __future__ import annotations

from sqlalchemy import Connection

from helpdeskd.desk import catalogue, directory
from helpdeskd.desk.directory import Entry
from helpdeskd.desk.sight import Sight
from helpdeskd.http.dialect import Call
from helpdeskd.http.jitbit import shapes_house, shapes_users
from helpdeskd.http.jitbit.reach import seeing


def authorization(call: Call) -> shapes_users.User:
    """The caller."""
    who = seeing(call)
    return shapes_users.user(call.read(directory.get, who.person_id), who)


def list_categories(call: Call) -> list[shapes_house.Category]:
    """The categories in which the caller may open tickets."""
    return [shapes_house.category(each) for each in call.read(catalogue.shown, seeing(call))]


def list_technicians(call: Call) -> list[shapes_users.User]:
    """Who can be given a category's tickets."""
    who = seeing(call)
    return [shapes_users.user(each, who) for each in call.read(_technicians, who, call.params.id)]


def _technicians(conn: Connection, who: Sight, department_id: int) -> list[Entry]:
    department = catalogue.place(conn, who, department_id).department
    found = catalogue.staff_of(conn, department.id)
    known = directory.several(conn, [each.id for each in found])
    return [known[each.id] for each in found]
