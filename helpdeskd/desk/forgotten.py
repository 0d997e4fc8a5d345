"""A link to set another password, for who has forgotten theirs: by mail to the address that we know, never to one that was typed."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from sqlalchemy import Connection, func, select

from helpdeskd.desk import accounts, departments, links, notices, people
from helpdeskd.desk.accounts import Lockout
from helpdeskd.desk.context import Desk, Told
from helpdeskd.errors import Refused
from helpdeskd.model.people import Person, PersonKind
from helpdeskd.store import schema

MOST = Lockout(attempts=3, minutes=60)  # mails in a row to one account: anybody can ask for them
LONGEST = 320  # characters of what may be an address
_LAST = select(func.max(schema.person.c.id))


def ask(conn: Connection, desk: Desk, now: datetime, *, email: str) -> None:
    """Somebody says that they are whose address this is. Whether there is anybody is for nobody to learn: who asks hears nothing of
    what was done, and does not wait for it. For nobody the same is done, and taken back: nor does it show in what others wait for."""
    person = people.find(conn, email if len(email) <= LONGEST and email.strip().isprintable() else "")
    may = accounts.asked(conn, desk, now, account=accounts.account(email[:LONGEST], person), most=MOST)
    last = conn.execute(_LAST).scalar()
    with conn.begin_nested() as made:
        if person is not None and person.disabled_at is None:
            if may:
                send(conn, desk, now, person=person)
            return
        if may and last is not None:
            nobody = Person(last, PersonKind.CUSTOMER, "", "nobody@nowhere.invalid", 0, "")
            send(conn, replace(desk, hear=lambda _told: None), now, person=nobody)
        made.rollback()


def send(conn: Connection, desk: Desk, now: datetime, *, person: Person) -> Told:
    """The mail with the link. Raises as `link` does."""
    scene = notices.Scene(
        notices.Event.PASSWORD_ASKED,
        departments.sending(conn),
        tell=person,
        extra={"link": link(conn, desk, now, person=person)},
    )
    return notices.enqueue_for(conn, desk, now, scene)


def link(conn: Connection, desk: Desk, now: datetime, *, person: Person) -> str:
    """It alone, for who hands it over by other means. Raises Refused: no-public-url, disabled."""
    if not desk.settings.public_url:
        raise Refused("no-public-url", "a link needs an address to lead to: set desk.public_url")
    if person.disabled_at is not None:
        raise Refused("disabled", f"{person.email} is disabled")
    return notices.set_password_url(desk, links.make(conn, desk, now, person, links.Purpose.RESET))
