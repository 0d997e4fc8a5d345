"""Canned responses: texts to answer with, the team's and those that a member of staff keeps for themselves."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, bindparam, delete, insert, or_, select, update

from helpdeskd.desk import bodies
from helpdeskd.desk.bodies import Body
from helpdeskd.desk.context import Desk
from helpdeskd.errors import NotFound, Refused
from helpdeskd.model.people import Person
from helpdeskd.store import schema

ADMINISTRATOR = 3  # the level of staff who may tidy up what others keep

_c = schema.canned_response.c
_ALL = select(_c.id, _c.title, _c.html, _c.text, _c.position, _c.owner_id, _c.created_at, _c.updated_at)
_BY_ID = _ALL.where(_c.id == bindparam("canned_id")).with_for_update()
_VISIBLE = _ALL.where(or_(_c.owner_id.is_(None), _c.owner_id == bindparam("person_id"))).order_by(
    _c.owner_id.is_not(None), _c.position, _c.id
)


@dataclass(frozen=True, slots=True)
class Canned:
    id: int
    title: str
    body: Body
    position: int  # in lists; then by age
    owner_id: int | None  # None: the team's
    created_at: datetime
    updated_at: datetime


def list(conn: Connection, person: Person | None) -> tuple[Canned, ...]:  # noqa: A001  # canned.list reads as what it is
    """The team's, then their own, each in its order; of nobody (None): the team's."""
    asked = {"person_id": None if person is None else person.id}
    return tuple(_canned(row) for row in conn.execute(_VISIBLE, asked))


def create(
    conn: Connection,
    desk: Desk,
    now: datetime,
    *,
    title: str,
    body: Body,
    owner: Person | None = None,
    position: int = 0,
    actor: Person | None,
) -> Canned:
    """`body` is made by `bodies.of` before the writer is asked. Raises Refused: bad-title, not-staff."""
    if owner is not None and not owner.is_staff:
        raise Refused("not-staff", f"{owner.shown} is not staff: nobody else answers")
    values = _values(title, body, position) | {
        "owner_id": None if owner is None else owner.id,
        "created_at": now,
        "updated_at": now,
    }
    made: int = conn.execute(insert(schema.canned_response).returning(_c.id), values).scalar_one()
    return _get(conn, made)


def change(
    conn: Connection,
    desk: Desk,
    now: datetime,
    *,
    canned_id: int,
    title: str | None = None,
    body: Body | None = None,
    position: int | None = None,
    actor: Person | None,
) -> Canned:
    """What is None stays. Raises NotFound; Refused: not-yours, bad-title."""
    before = _of_theirs(conn, canned_id, actor)
    values = _values(
        before.title if title is None else title,
        before.body if body is None else body,
        before.position if position is None else position,
    )
    if values == _values(before.title, before.body, before.position):
        return before
    conn.execute(update(schema.canned_response).where(_c.id == canned_id).values(**values, updated_at=now))
    return _get(conn, canned_id)


def remove(conn: Connection, desk: Desk, now: datetime, *, canned_id: int, actor: Person | None) -> Canned:
    """What it was. Raises Refused: no-such-canned-response, not-yours."""
    gone = _of_theirs(conn, canned_id, actor)
    conn.execute(delete(schema.canned_response).where(_c.id == canned_id))
    return gone


def _get(conn: Connection, canned_id: int) -> Canned:
    row = conn.execute(_BY_ID, {"canned_id": canned_id}).one_or_none()
    if row is None:
        raise NotFound("canned-response", canned_id)
    return _canned(row)


def _of_theirs(conn: Connection, canned_id: int, actor: Person | None) -> Canned:
    """The team's are everybody's to change; one of somebody's own is theirs, an administrator's and the house's (None)."""
    found = _get(conn, canned_id)
    if actor is not None and found.owner_id not in {None, actor.id} and actor.level < ADMINISTRATOR:
        raise Refused("not-yours", f"canned response {canned_id} belongs to somebody else")
    return found


def _values(title: str, body: Body, position: int) -> dict[str, Any]:
    return {"title": bodies.title(title), "html": body.html, "text": body.text, "position": position}


def _canned(row: Any) -> Canned:
    canned_id, title, html, text, *rest = row
    return Canned(canned_id, title, Body(html, text), *rest)
