"""Tags of tickets: what they are called, and who has which."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import Connection, delete, insert, select
from sqlalchemy.dialects import postgresql, sqlite

from helpdeskd.desk import history, search, tickets
from helpdeskd.desk.context import Desk
from helpdeskd.desk.history import Entry
from helpdeskd.errors import Refused
from helpdeskd.model.people import Person
from helpdeskd.model.ticket import History, Ticket
from helpdeskd.store import schema

MAX_TAG = 50
MAX_TAGS = 50

_c, _n = schema.ticket_tag.c, schema.tag.c


def add(
    conn: Connection, desk: Desk, now: datetime, *, ticket: Ticket, tags: Iterable[str], actor: Person | None
) -> Ticket:
    """Add tags, as `name` writes them. Raises Refused: merged, bad-tag, too-many-tags."""
    return _change(conn, now, ticket, actor, add={name(each) for each in tags})


def remove(
    conn: Connection, desk: Desk, now: datetime, *, ticket: Ticket, tags: Iterable[str], actor: Person | None
) -> Ticket:
    """Take tags away; those it does not have are no error. Raises Refused: merged, bad-tag."""
    return _change(conn, now, ticket, actor, take={name(each) for each in tags})


def replace(
    conn: Connection, desk: Desk, now: datetime, *, ticket: Ticket, tags: Iterable[str], actor: Person | None
) -> Ticket:
    """From now on exactly these. Raises Refused: merged, bad-tag, too-many-tags."""
    wanted = {name(each) for each in tags}
    return _change(conn, now, ticket, actor, add=wanted, take=set(of(conn, ticket.id)) - wanted)


def _change(
    conn: Connection,
    now: datetime,
    ticket: Ticket,
    actor: Person | None,
    add: Iterable[str] = (),
    take: Iterable[str] = (),
) -> Ticket:
    ticket = tickets.current(conn, ticket)
    present = set(of(conn, ticket.id))
    gone, added = sorted(present & set(take)), sorted(set(add) - present)
    if added and len(present) - len(gone) + len(added) > MAX_TAGS:
        raise Refused("too-many-tags", f"a ticket has at most {MAX_TAGS} tags")
    if not gone and not added:
        return ticket
    actor_id = None if actor is None else actor.id
    if gone:
        conn.execute(delete(schema.ticket_tag).where(_c.ticket_id == ticket.id, _c.tag.in_(gone)))
        history.write(conn, now, Entry(ticket.id, History.UNTAGGED, actor_id, None, {"tags": gone}))
    if added:
        put(conn, ticket.id, added)
        history.write(conn, now, Entry(ticket.id, History.TAGGED, actor_id, None, {"tags": added}))
    search.rebuild(conn, ticket.id)
    return tickets.touch(conn, now, ticket)


def put(conn: Connection, ticket_id: int, names: Iterable[str]) -> None:
    """Rows of tags that the ticket does not have; history and index are the caller's."""
    wanted = list(names)
    if wanted:
        numbered(conn, wanted)
        conn.execute(insert(schema.ticket_tag), [{"ticket_id": ticket_id, "tag": each} for each in wanted])


def name(words: str) -> str:
    """A tag as it is stored: lower case, words joined by hyphens, no leading #. Raises Refused("bad-tag")."""
    found = "-".join(unicodedata.normalize("NFC", words).lower().lstrip("# ").split())
    if not found or len(found) > MAX_TAG or not found.isprintable() or "," in found:
        raise Refused("bad-tag", f"{words!r} is no tag: 1 to {MAX_TAG} printable characters without commas")
    return found


def of(conn: Connection, ticket_id: int) -> tuple[str, ...]:
    """In alphabetical order."""
    found = select(_c.tag).where(_c.ticket_id == ticket_id).order_by(_c.tag)
    return tuple(conn.execute(found).scalars())


def numbered(conn: Connection, names: Iterable[str]) -> dict[str, int]:
    """The ids of tags, as `name` writes them; those that had none are given one. On the writer."""
    wanted = sorted(set(names))
    if not wanted:
        return {}
    known = _ids(conn, wanted)
    fresh = [each for each in wanted if each not in known]
    if not fresh:
        return known
    kind = postgresql if conn.dialect.name == "postgresql" else sqlite
    # Another node may name it at the same time.
    conn.execute(kind.insert(schema.tag).on_conflict_do_nothing(), [{"name": each} for each in fresh])
    return _ids(conn, wanted)


def _ids(conn: Connection, names: list[str]) -> dict[str, int]:
    return {row.name: row.id for row in conn.execute(select(_n.name, _n.id).where(_n.name.in_(names)))}
