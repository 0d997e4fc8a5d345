"""Links, parents and children: decode, call the desk, encode."""

from __future__ import annotations

from sqlalchemy import Connection

from helpdeskd.desk import relations, ticket_list
from helpdeskd.desk.context import LinkKind
from helpdeskd.desk.sight import Act, Sight
from helpdeskd.desk.ticket_list import Line
from helpdeskd.http.dialect import Call
from helpdeskd.http.jitbit import shapes_tickets
from helpdeskd.http.jitbit.reach import actor, seeing, ticket


def link(call: Call) -> None:
    """Let two tickets know of each other."""
    one, other = (ticket(call, each, Act.WORK) for each in (call.params.id, call.params.other_id))
    call.write(relations.link, ticket=one, other=other, actor=actor(call))


def unlink(call: Call) -> None:
    """Let them know of each other no more; what is no link stays."""
    one, other = (ticket(call, each, Act.WORK) for each in (call.params.id, call.params.other_id))
    call.write(relations.unlink, ticket=one, other=other, actor=actor(call))


def list_linked(call: Call) -> list[shapes_tickets.TicketSummary]:
    """The tickets that this one is linked to, as far as the caller sees them."""
    there = ticket(call, call.params.id)
    return [shapes_tickets.summary(each) for each in call.read(_linked, seeing(call), there.id)]


def _linked(conn: Connection, who: Sight, ticket_id: int) -> tuple[Line, ...]:
    found = relations.linked(conn, ticket_id)
    return ticket_list.several(conn, who, (each.ticket.id for each in found if each.kind != LinkKind.MERGED.value))


def add_child(call: Call) -> None:
    """Let a ticket become another one's child."""
    parent, child = (ticket(call, each, Act.WORK) for each in (call.params.parent_id, call.params.child_id))
    call.write(relations.add_child, ticket=parent, child=child, actor=actor(call))


def remove_child(call: Call) -> None:
    """Let a ticket be nobody's child."""
    child = ticket(call, call.params.child_id, Act.WORK)
    call.write(relations.detach, child=child, actor=actor(call))


def list_children(call: Call) -> list[shapes_tickets.TicketSummary]:
    """The children of a ticket, not theirs, as far as the caller sees them."""
    there = ticket(call, call.params.id)
    return [shapes_tickets.summary(each) for each in call.read(_children, seeing(call), there.id)]


def _children(conn: Connection, who: Sight, ticket_id: int) -> tuple[Line, ...]:
    return ticket_list.several(conn, who, (each.id for each in relations.children(conn, ticket_id)))
