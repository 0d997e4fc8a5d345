"""Topics of the knowledge base: a tree of names. What is below a private topic is private too."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Select, bindparam, delete, false, insert, select, update

from helpdeskd.desk.context import Desk
from helpdeskd.errors import NotFound, Refused
from helpdeskd.model.people import Person
from helpdeskd.store import schema

MAX_NAME = 200  # characters

_t, _a = schema.topic.c, schema.article.c

_ROOTS = select(_t.id).where(_t.parent_id.is_(None), _t.private == false()).cte("open_topic", recursive=True)
_OPEN = _ROOTS.union(select(_t.id).join(_ROOTS, _t.parent_id == _ROOTS.c.id).where(_t.private == false()))
OPEN = select(_OPEN.c.id)  # ids of those that customers see

_ALL = select(_t.id, _t.name, _t.parent_id, _t.position, _t.private).order_by(_t.position, _t.id)
_BY_ID = _ALL.where(_t.id == bindparam("topic_id"))
_FOR_CUSTOMERS = _ALL.where(_t.id.in_(OPEN))


@dataclass(frozen=True, slots=True)
class Topic:
    id: int
    name: str
    parent_id: int | None
    position: int  # among its neighbours; then by age
    private: bool


def list(conn: Connection, *, staff: bool) -> tuple[Topic, ...]:  # noqa: A001  # topics.list reads as what it is
    """All that staff see, or that customers do, in their order."""
    return _read(conn, _ALL if staff else _FOR_CUSTOMERS)


def get(conn: Connection, topic_id: int) -> Topic:
    """Raises NotFound."""
    found = _read(conn, _BY_ID, topic_id=topic_id)
    if not found:
        raise NotFound("topic", topic_id)
    return found[0]


def named(conn: Connection, name: str, parent_id: int | None = None) -> Topic | None:
    """By its name below that parent, whatever the case."""
    wanted = " ".join(name.split()).casefold()
    every = list(conn, staff=True)
    return next((each for each in every if each.parent_id == parent_id and each.name.casefold() == wanted), None)


def create(
    conn: Connection,
    desk: Desk,
    now: datetime,
    *,
    name: str,
    parent_id: int | None = None,
    private: bool = False,
    position: int = 0,
    actor: Person | None,
) -> Topic:
    """Raises Refused: bad-name, name-taken (by a neighbour), no-such-topic (its parent)."""
    name = _name(conn, None, name, parent_id)
    if parent_id is not None:
        get(conn, parent_id)
    values = {"name": name, "parent_id": parent_id, "private": private, "position": position}
    made: int = conn.execute(insert(schema.topic).returning(_t.id), values).scalar_one()
    return get(conn, made)


def change(
    conn: Connection,
    desk: Desk,
    now: datetime,
    *,
    topic: Topic,
    actor: Person | None,
) -> Topic:
    """It becomes as `topic` says (`dataclasses.replace` of what `get` told). Raises Refused: bad-name, name-taken, no-such-topic,
    below-itself."""
    get(conn, topic.id)
    name = _name(conn, topic.id, topic.name, topic.parent_id)
    parents = {each.id: each.parent_id for each in list(conn, staff=True)}
    above = topic.parent_id
    while above is not None:
        if above not in parents:
            raise NotFound("topic", above)
        if above == topic.id:
            raise Refused("below-itself", f"{topic.name} cannot stand below itself")
        above = parents[above]
    conn.execute(
        update(schema.topic)
        .where(_t.id == topic.id)
        .values(name=name, parent_id=topic.parent_id, private=topic.private, position=topic.position)
    )
    return get(conn, topic.id)


def remove(conn: Connection, desk: Desk, now: datetime, *, topic_id: int, actor: Person | None) -> None:
    """Its articles and what stands below it move up. Out of a private topic nothing gets into the open: articles become staff's,
    topics private. Raises NotFound."""
    topic = get(conn, topic_id)
    hidden = topic_id not in {each.id for each in list(conn, staff=False)}
    staff_only = {"staff_only": True} if hidden else {}
    private = {"private": True} if hidden else {}
    conn.execute(update(schema.article).where(_a.topic_id == topic_id).values(topic_id=topic.parent_id, **staff_only))
    conn.execute(update(schema.topic).where(_t.parent_id == topic_id).values(parent_id=topic.parent_id, **private))
    conn.execute(delete(schema.topic).where(_t.id == topic_id))


def _name(conn: Connection, topic_id: int | None, name: str, parent_id: int | None) -> str:
    name = " ".join(name.split())
    if not name or len(name) > MAX_NAME:
        raise Refused("bad-name", f"a topic needs a name of at most {MAX_NAME} characters")
    other = named(conn, name, parent_id)
    if other is not None and other.id != topic_id:
        raise Refused("name-taken", f"there is a topic {other.name} already")
    return name


def _read(conn: Connection, found: Select[Any], **values: object) -> tuple[Topic, ...]:
    return tuple(Topic(*row) for row in conn.execute(found, values))
