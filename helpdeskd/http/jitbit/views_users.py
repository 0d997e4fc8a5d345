"""People: decode, call the desk, encode. Passwords are hashed here, in the thread of the request."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from helpdeskd.desk import people, people_list, people_merge, removal, users
from helpdeskd.desk.context import Desk
from helpdeskd.http.dialect import Call
from helpdeskd.http.jitbit.asks_users import MODES, PAGE
from helpdeskd.http.jitbit.reach import actor, seeing
from helpdeskd.http.jitbit.shapes_users import User, user
from helpdeskd.model.people import Person


def show_user(call: Call) -> User:
    """One person; of others than oneself, technicians see it."""
    who = seeing(call)
    return user(call.read(people_list.seen, who, people_list.one, call.params.id), who)


def find_by_email(call: Call) -> User:
    """As `show_user`."""
    who = seeing(call)
    return user(call.read(people_list.seen, who, people_list.at, call.params.email), who)


def find_by_username(call: Call) -> User:
    """As `show_user`."""
    who = seeing(call)
    return user(call.read(people_list.seen, who, people_list.named, call.params.username), who)


def list_users(call: Call) -> list[User]:
    """A page of people."""
    asked, who = call.params, seeing(call)
    most = min(asked.count, PAGE)
    found = call.read(
        people_list.page,
        which=MODES[asked.mode.strip().lower()],
        company_id=asked.company_id,
        division_id=asked.division_id,
        limit=most,
        offset=(asked.page - 1) * most,
    )
    return [user(each, who) for each in found]


def create_user(call: Call) -> int:
    """A new customer. Their number."""
    given = asdict(call.params)
    password_hash = call.here.logins.hash(given.pop("password"))
    person: Person = call.write(users.create, **given, password_hash=password_hash, actor=actor(call))
    return person.id


def update_user(call: Call) -> None:
    """Change what is known of a person."""
    given = {name: value for name, value in asdict(call.params).items() if value is not None}
    call.read(people_list.one, given["id"])  # nothing is hashed for nobody
    if "password" in given:
        given["password_hash"] = call.here.logins.hash(given.pop("password"))
    call.write(_change, given.pop("id"), **given, actor=actor(call))


def _change(conn: Connection, desk: Desk, now: datetime, person_id: int, **given: Any) -> Person:
    return users.change(conn, desk, now, person=people_list.one(conn, person_id).person, **given)


def delete_user(call: Call) -> None:
    """Erase a person, and what they asked for; it is done when this answers."""
    person = call.read(people.get, call.params.id)  # who was merged into another is there no more
    removal.person(call.here.store, call.desk, call.here.clock, person=person, actor=actor(call))


def merge_users(call: Call) -> None:
    """Let a person become another one."""
    gone, into = call.read(_both, call.params.gone_id, call.params.into_id)
    call.write(people_merge.merge, person=gone, into=into, actor=actor(call))


def _both(conn: Connection, gone_id: int, into_id: int) -> tuple[Person, Person]:
    return people.get(conn, gone_id), people.get(conn, into_id)
