"""Links that lead to a password of one's own: an invitation's, and one that was asked for because the old password is forgotten.

Of a link only its hash is kept. It is good once and for its LIFE; a newer one of the same purpose, another password, and disabling or
removing the person make it void.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from enum import StrEnum

from sqlalchemy import ColumnElement, Connection, and_, insert, select, update

from helpdeskd.desk import bearer, rows
from helpdeskd.desk.context import Desk
from helpdeskd.errors import Refused
from helpdeskd.model.people import Person
from helpdeskd.store import schema

_k, _p = schema.person_token.c, schema.person.c


class Purpose(StrEnum):
    """What somebody got a link for."""

    INVITATION = "set-password"
    RESET = "reset-password"


# The mails say so too: templates/mail/welcome, customer_welcome, password_reset.
LIFE: Mapping[Purpose, timedelta] = {Purpose.INVITATION: timedelta(days=7), Purpose.RESET: timedelta(hours=4)}


def make(conn: Connection, desk: Desk, now: datetime, person: Person, purpose: Purpose) -> str:
    """The token of a new link; earlier ones of this purpose are void."""
    _void(conn, now, _k.person_id == person.id, _k.purpose == purpose.value)
    token = bearer.draw(desk.rng)
    conn.execute(
        insert(schema.person_token),
        {
            "token_sha256": bearer.hashed(token),
            "person_id": person.id,
            "purpose": purpose.value,
            "expires_at": now + LIFE[purpose],
        },
    )
    return token


def of(conn: Connection, now: datetime, token: str) -> Person:
    """Whose link it is, and it stays good: what scans mails opens links. Raises as `use` does."""
    return _linked(conn, conn.execute(select(_k.person_id).where(_is_good(now, token))).scalar())


def use(conn: Connection, now: datetime, token: str) -> Person:
    """Whose link it is; from now on it is used. Who sets a password by it makes the others void: desk.accounts.set_password.

    Raises Refused("bad-link"): unknown, used, void, too old, or of a person who is disabled or gone.
    """
    used = update(schema.person_token).where(_is_good(now, token)).values(used_at=now).returning(_k.person_id)
    return _linked(conn, conn.execute(used).scalar())


def void(conn: Connection, now: datetime, *, person_id: int) -> None:
    """All that this person has."""
    _void(conn, now, _k.person_id == person_id)


def purge(conn: Connection, before: datetime) -> None:
    """Those that have led nowhere since `before`."""
    conn.execute(schema.person_token.delete().where(_k.expires_at < before))


def _void(conn: Connection, now: datetime, *which: ColumnElement[bool]) -> None:
    conn.execute(update(schema.person_token).where(*which, _k.used_at.is_(None)).values(used_at=now))


def _is_good(now: datetime, token: str) -> ColumnElement[bool]:
    return and_(
        _k.token_sha256 == bearer.hashed(token),
        _k.purpose.in_([each.value for each in Purpose]),
        _k.used_at.is_(None),
        _k.expires_at > now,
    )


def _linked(conn: Connection, person_id: int | None) -> Person:
    there = select(*rows.PERSON).where(_p.id == person_id, _p.disabled_at.is_(None), _p.removed_at.is_(None))
    row = None if person_id is None else conn.execute(there).one_or_none()
    if row is None:
        raise Refused("bad-link", "this link is unknown, too old or was used already")
    return rows.person(row)
