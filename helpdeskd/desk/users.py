"""People as an administrator sets them up: address, login, profile and firm in one act."""

from __future__ import annotations

from datetime import datetime
from typing import Unpack

from sqlalchemy import Connection

from helpdeskd.desk import accounts, companies, customers, people, profiles
from helpdeskd.desk.context import Desk
from helpdeskd.desk.profiles import Values
from helpdeskd.errors import Refused
from helpdeskd.model.people import Person


def create(
    conn: Connection,
    desk: Desk,
    now: datetime,
    *,
    email: str,
    username: str,
    password_hash: str = "",
    company: str = "",
    division: str = "",
    welcome: bool = False,
    actor: Person | None,
    **values: Unpack[Values],
) -> Person:
    """A new customer with a login; without a hash (of guard.passwords) no password is set yet. Company and division by name, made
    where there are none; without a company, it is that of their mail domain.

    Raises Refused: bad-address, address-taken, own-address, bad-username, username-taken, bad-name (of the company or division), and
    as profiles.change does.
    """
    name = " ".join(filter(None, (values.get("given_name", "").strip(), values.get("family_name", "").strip())))
    person = customers.add(conn, desk, now, name=name, email=email, welcome=welcome).person
    accounts.set_username(conn, desk, now, person=person, username=username)
    if password_hash:
        accounts.set_password(conn, desk, now, person=person, password_hash=password_hash)
    _settle(conn, desk, now, person, company or None, division or None, actor, values)
    return people.get(conn, person.id)


def change(
    conn: Connection,
    desk: Desk,
    now: datetime,
    *,
    person: Person,
    email: str | None = None,
    username: str | None = None,
    password_hash: str | None = None,
    company: str | None = None,
    division: str | None = None,
    disabled: bool | None = None,
    actor: Person | None,
    **values: Unpack[Values],
) -> Person:
    """What is not given stays; an empty company or division takes it away. Another password ends sessions and keys.

    Raises as `create`, and Refused("own-account"): nobody disables themselves.
    """
    if disabled and actor is not None and actor.id == person.id:
        raise Refused("own-account", "nobody disables their own account")
    if email is not None:
        person = customers.move(conn, now, person, email)
    if username is not None:
        accounts.set_username(conn, desk, now, person=person, username=username)
    if password_hash is not None:
        accounts.set_password(conn, desk, now, person=person, password_hash=password_hash)
    _settle(conn, desk, now, person, company, division, actor, values)
    person = people.get(conn, person.id)
    if disabled is None:
        return person
    if not disabled:
        return people.enable(conn, desk, now, person=person)
    return people.disable(conn, desk, now, person=person)


def _settle(
    conn: Connection,
    desk: Desk,
    now: datetime,
    person: Person,
    company: str | None,
    division: str | None,
    actor: Person | None,
    values: Values,
) -> None:
    wanted: Values = {**values}
    if company is not None:
        named = companies.named(conn, desk, now, name=company, actor=actor) if company.strip() else None
        wanted["company_id"] = None if named is None else named.id
    if division is not None:
        part = companies.division_named(conn, desk, now, name=division, actor=actor) if division.strip() else None
        wanted["division_id"] = None if part is None else part.id
    profiles.change(conn, desk, now, person=person, actor=actor, **wanted)
