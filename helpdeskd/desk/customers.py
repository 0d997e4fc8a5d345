"""Customers as lists and forms know them: added by others, found by their number, given another address, removed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, String, bindparam, cast, literal, select, update

from helpdeskd.desk import addresses, counters, departments, links, notices, people, rows
from helpdeskd.desk.context import Desk
from helpdeskd.errors import NotFound, Refused
from helpdeskd.model.mail import Address
from helpdeskd.model.people import Person
from helpdeskd.store import schema

_p = schema.person.c
_THERE = (_p.customer_no.is_not(None), _p.removed_at.is_(None))
_COLUMNS = (*rows.PERSON, _p.customer_no)
_BY_NO = select(*_COLUMNS).where(_p.customer_no == bindparam("number"), *_THERE)
_BY_EMAIL = select(*_COLUMNS).where(_p.id == people.AT_ADDRESS, *_THERE)
_PAGE = (
    select(*_COLUMNS).where(*_THERE).order_by(_p.customer_no.desc()).limit(bindparam("most")).offset(bindparam("skip"))
)


@dataclass(frozen=True, slots=True)
class Customer:
    """A person and their number among customers, which they keep when they become staff."""

    number: int
    person: Person


def get(conn: Connection, number: int) -> Customer:
    """By their number. Raises NotFound."""
    row = conn.execute(_BY_NO, {"number": number}).one_or_none() if 0 < number < 2**31 else None
    if row is None:
        raise NotFound("customer", number)
    return _customer(row)


def of(conn: Connection, person_id: int) -> Customer | None:
    """By the person; None where they are none."""
    row = conn.execute(select(*_COLUMNS).where(_p.id == person_id, *_THERE)).one_or_none()
    return None if row is None else _customer(row)


def find(conn: Connection, email: str) -> Customer | None:
    """By address, whatever the case."""
    row = conn.execute(_BY_EMAIL, {"email": email.strip().lower()}).one_or_none()
    return None if row is None else _customer(row)


def page(conn: Connection, *, limit: int, offset: int) -> tuple[Customer, ...]:
    """The newest first."""
    return tuple(_customer(row) for row in conn.execute(_PAGE, {"most": limit, "skip": offset}))


def total(conn: Connection) -> int:
    """How many there are in all pages."""
    return counters.total(conn, (counters.CUSTOMERS,))


def add(conn: Connection, desk: Desk, now: datetime, *, name: str, email: str, welcome: bool) -> Customer:
    """A new one. With `welcome` they are told by mail, with a link to choose a password where there is a page for it.

    Raises Refused: bad-address, address-taken, own-address.
    """
    email = _free(conn, email)
    person = people.customer(conn, desk, now, Address(name, email))
    if welcome:
        link = ""
        if desk.settings.public_url:
            link = notices.set_password_url(desk, links.make(conn, desk, now, person, links.Purpose.INVITATION))
        scene = notices.Scene(
            notices.Event.CUSTOMER_ADDED, departments.sending(conn), tell=person, extra={"link": link}
        )
        notices.enqueue_for(conn, desk, now, scene)
    found = find(conn, email)
    assert found is not None
    return found


def change_email(conn: Connection, desk: Desk, now: datetime, *, customer: Customer, email: str) -> Customer:
    """Another address; the present one again, whatever the case, is no fault. Raises Refused: bad-address, address-taken, own-address."""
    move(conn, now, customer.person, email)
    return get(conn, customer.number)


def move(conn: Connection, now: datetime, person: Person, email: str) -> Person:
    """`change_email` of anybody, staff too; links to set a password end. An address of one who was merged into them may become their own. Raises as it does."""
    email = email.strip()
    if email == person.email:
        return person
    if email.lower() != person.email.lower():
        owner = people.find(conn, email)
        if owner is not None and owner.id == person.id:
            alias = (_p.email_key == email.lower(), _p.merged_into == person.id)
            conn.execute(
                update(schema.person).where(*alias).values(email="", email_key=literal("#") + cast(_p.id, String))
            )
        email = _free(conn, email)
    links.void(conn, now, person_id=person.id)  # they went to the address before
    return people.change(conn, person, email=email, email_key=email.lower())


def _free(conn: Connection, email: str) -> str:
    email = addresses.clean(email)
    if addresses.ours(conn, (email,)):
        raise Refused("own-address", f"{email} is the address of a department")
    if people.find(conn, email) is not None:
        raise Refused("address-taken", f"{email} is the address of somebody already")
    return email


def _customer(row: rows.Row) -> Customer:
    return Customer(row[len(rows.PERSON)], rows.person(row))
