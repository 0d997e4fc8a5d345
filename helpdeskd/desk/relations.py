"""Tickets that know of each other: links, which have no direction, and parents of children.

A child has one parent, and nobody is their own ancestor. Two tickets are related in one way: who becomes the child of a ticket that
they were linked to is its child, and linked no more.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, Connection, and_, delete, insert, or_, select

from helpdeskd.desk import history, rows, tickets
from helpdeskd.desk.context import Desk, LinkKind
from helpdeskd.desk.history import Entry
from helpdeskd.errors import Refused
from helpdeskd.model.people import Person
from helpdeskd.model.ticket import History, Ticket
from helpdeskd.store import schema

CHILD = "child"  # what a parent's link to its child is called from its side

_c, _t = schema.ticket_link.c, schema.ticket.c
_PARENT = _c.kind == LinkKind.PARENT.value
_LOOSE = _c.kind.not_in([LinkKind.PARENT.value, LinkKind.MERGED.value])  # what `unlink` undoes


@dataclass(frozen=True, slots=True)
class Linked:
    ticket: Ticket
    kind: str  # desk.context.LinkKind, or CHILD


def link(
    conn: Connection,
    desk: Desk,
    now: datetime,
    *,
    ticket: Ticket,
    other: Ticket,
    actor: Person | None,
    kind: LinkKind = LinkKind.RELATED,
) -> Ticket:
    """Let two tickets know of each other. Raises Refused: merged, link-to-itself."""
    ticket, other = _both(conn, ticket, other, "link-to-itself")
    entries = tickets.connect(conn, ticket, other, kind, _id(actor))
    history.write(conn, now, *entries)
    return tickets.touch(conn, now, ticket) if entries else ticket


def unlink(
    conn: Connection, desk: Desk, now: datetime, *, ticket: Ticket, other: Ticket, actor: Person | None
) -> Ticket:
    """Not linked any more; a parent stays one, a merge stays. Raises Refused: merged, link-to-itself."""
    ticket, other = _both(conn, ticket, other, "link-to-itself")
    gone = conn.execute(delete(schema.ticket_link).where(_between(ticket.id, other.id), _LOOSE).returning(_c.kind))
    kinds = gone.scalars().all()
    if not kinds:
        return ticket
    return _parted(conn, now, ticket, other, (kinds[0], kinds[0]), actor)


def add_child(
    conn: Connection, desk: Desk, now: datetime, *, ticket: Ticket, child: Ticket, actor: Person | None
) -> Ticket:
    """`ticket` becomes the parent of `child`. Raises Refused: merged, child-of-itself, has-parent (another one), cycle."""
    ticket, child = _both(conn, ticket, child, "child-of-itself")
    present = _parent_id(conn, child.id)
    if present == ticket.id:
        return ticket
    if present is not None:
        raise Refused("has-parent", f"ticket {child.number} has a parent: {tickets.get(conn, present).number}")
    if child.id in _ancestors(conn, ticket.id):
        raise Refused("cycle", f"ticket {child.number} is above ticket {ticket.number}")
    conn.execute(delete(schema.ticket_link).where(_between(ticket.id, child.id)))
    row = {"ticket_id": ticket.id, "other_id": child.id, "kind": LinkKind.PARENT.value}
    conn.execute(insert(schema.ticket_link), row)
    entries = _told(History.LINKED, ticket, child, (CHILD, LinkKind.PARENT.value), actor)
    history.write(conn, now, *entries)
    tickets.touch(conn, now, child)
    return tickets.touch(conn, now, ticket)


def remove_child(
    conn: Connection, desk: Desk, now: datetime, *, ticket: Ticket, child: Ticket, actor: Person | None
) -> Ticket:
    """`child` stands alone; where it was none of this ticket's, nothing changes. Raises Refused: merged, child-of-itself."""
    ticket, child = _both(conn, ticket, child, "child-of-itself")
    of_it = and_(_c.ticket_id == ticket.id, _c.other_id == child.id, _PARENT)
    if not conn.execute(delete(schema.ticket_link).where(of_it)).rowcount:
        return ticket
    return _parted(conn, now, ticket, child, (CHILD, LinkKind.PARENT.value), actor)


def detach(conn: Connection, desk: Desk, now: datetime, *, child: Ticket, actor: Person | None) -> Ticket:
    """`child` stands alone, whoever its parent was; where it had none, nothing changes. Raises Refused: merged."""
    above = parent(conn, child.id)
    if above is not None:
        remove_child(conn, desk, now, ticket=above, child=child, actor=actor)
    return tickets.current(conn, child)


def follow_merge(conn: Connection, source: Ticket, target: Ticket) -> None:
    """The children of a ticket that is merged become the target's, but for the target and what is above it."""
    mine = and_(_c.ticket_id == source.id, _PARENT)
    children = conn.execute(select(_c.other_id).where(mine).order_by(_c.other_id)).scalars().all()
    conn.execute(delete(schema.ticket_link).where(or_(mine, and_(_c.other_id == source.id, _PARENT))))
    above = {target.id, *_ancestors(conn, target.id)}
    moved = [each for each in children if each not in above]
    if moved:
        conn.execute(delete(schema.ticket_link).where(or_(*(_between(target.id, each) for each in moved))))
        rows_of = [{"ticket_id": target.id, "other_id": each, "kind": LinkKind.PARENT.value} for each in moved]
        conn.execute(insert(schema.ticket_link), rows_of)


def linked(conn: Connection, ticket_id: int) -> tuple[Linked, ...]:
    """In the order in which they were opened; neither parent nor children."""
    other = or_(
        and_(_c.ticket_id == ticket_id, _c.other_id == _t.id),
        and_(_c.other_id == ticket_id, _c.ticket_id == _t.id),
    )
    found = select(*rows.TICKET, _c.kind).join(schema.ticket_link, other).where(~_PARENT).order_by(_t.id)
    return tuple(Linked(rows.ticket(row), row[-1]) for row in conn.execute(found))


def children(conn: Connection, ticket_id: int) -> tuple[Ticket, ...]:
    """In the order in which they were opened."""
    found = select(*rows.TICKET).join(schema.ticket_link, _c.other_id == _t.id)
    mine = found.where(_c.ticket_id == ticket_id, _PARENT).order_by(_t.id)
    return tuple(rows.ticket(row) for row in conn.execute(mine))


def parent(conn: Connection, ticket_id: int) -> Ticket | None:
    found = _parent_id(conn, ticket_id)
    return None if found is None else tickets.get(conn, found)


def _parent_id(conn: Connection, ticket_id: int) -> int | None:
    found: int | None = conn.execute(select(_c.ticket_id).where(_c.other_id == ticket_id, _PARENT)).scalar()
    return found


def _ancestors(conn: Connection, ticket_id: int) -> list[int]:
    """The nearest first. A loop, which only a damaged import could hold, ends where it began."""
    found: list[int] = []
    above = _parent_id(conn, ticket_id)
    while above is not None and above not in found:
        found.append(above)
        above = _parent_id(conn, above)
    return found


def _both(conn: Connection, ticket: Ticket, other: Ticket, itself: str) -> tuple[Ticket, Ticket]:
    """Both as they are now, locked in the order of their ids, so that two acts the other way round do not wait for each other."""
    if ticket.id == other.id:
        raise Refused(itself, f"ticket {ticket.number} cannot stand beside itself")
    first, second = (tickets.current(conn, each) for each in sorted((ticket, other), key=lambda each: each.id))
    return (first, second) if first.id == ticket.id else (second, first)


def _between(one: int, two: int) -> ColumnElement[bool]:
    return or_(and_(_c.ticket_id == one, _c.other_id == two), and_(_c.ticket_id == two, _c.other_id == one))


def _parted(
    conn: Connection, now: datetime, ticket: Ticket, other: Ticket, kinds: tuple[str, str], actor: Person | None
) -> Ticket:
    history.write(conn, now, *_told(History.UNLINKED, ticket, other, kinds, actor))
    tickets.touch(conn, now, other)
    return tickets.touch(conn, now, ticket)


def _told(
    kind: History, ticket: Ticket, other: Ticket, kinds: tuple[str, str], actor: Person | None
) -> tuple[Entry, Entry]:
    """What the histories of both say: of each, the other, and what that is to it."""
    first, second = kinds
    return (
        Entry(ticket.id, kind, _id(actor), None, {"other": other.number, "kind": first}),
        Entry(other.id, kind, _id(actor), None, {"other": ticket.number, "kind": second}),
    )


def _id(person: Person | None) -> int | None:
    return None if person is None else person.id
