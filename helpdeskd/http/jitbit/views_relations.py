"""Links, parents and children: decode, call the desk, encode."""

from __future__ import annotations

from sqlalchemy import Connection

from helpdeskd.desk import relations, ticket_list
from helpdeskd.desk.context import LinkKind
from helpdeskd.desk.sight import Sight
from helpdeskd.desk.ticket_list import Line
from helpdeskd.http.dialect import Call
from helpdeskd.http.jitbit import shapes_tickets
from helpdeskd.http.jitbit.reach import seeing, ticket, work


def link(call: Call) -> None:
    """Let two tickets know of each other."""
    work(call, relations.link, {"ticket": call.params.id, "other": call.params.other_id})


def unlink(call: Call) -> None:
    """Let them know of each other no more; what is no link stays."""
    work(call, relations.unlink, {"ticket": call.params.id, "other": call.params.other_id})


def list_linked(call: Call) -> list[shapes_tickets.TicketSummary]:
    """The tickets that this one is linked to, as far as the caller sees them."""
    there = ticket(call, call.params.id)
    return [shapes_tickets.summary(each) for each in call.read(_linked, seeing(call), there.id)]


def _linked(conn: Connection, who: Sight, ticket_id: int) -> tuple[Line, ...]:
    found = relations.linked(conn, ticket_id)
    return ticket_list.several(conn, who, (each.ticket.id for each in found if each.kind != LinkKind.MERGED.value))


def add_child(call: Call) -> None:
    """Let a ticket become another one's child."""
    work(call, relations.add_child, {"ticket": call.params.parent_id, "child": call.params.child_id})


def remove_child(call: Call) -> None:
    """Let a ticket be nobody's child."""
    work(call, relations.detach, {"child": call.params.child_id})


def list_children(call: Call) -> list[shapes_tickets.TicketSummary]:
    """The children of a ticket, not theirs, as far as the caller sees them."""
    there = ticket(call, call.params.id)
    return [shapes_tickets.summary(each) for each in call.read(_children, seeing(call), there.id)]


def _children(conn: Connection, who: Sight, ticket_id: int) -> tuple[Line, ...]:
    return ticket_list.several(conn, who, (each.id for each in relations.children(conn, ticket_id)))
