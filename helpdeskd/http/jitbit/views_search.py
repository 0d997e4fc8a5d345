"""Search: decode, call the desk, encode."""

from __future__ import annotations

from helpdeskd.desk import ticket_list
from helpdeskd.desk.ticket_list import Wanted
from helpdeskd.http.dialect import Call
from helpdeskd.http.jitbit import asks_search, asks_tickets, shapes_tickets, words
from helpdeskd.http.jitbit.reach import seeing


def search(call: Call) -> list[shapes_tickets.TicketSummary]:
    """Tickets that the caller sees, in which every word stands; the newest first."""
    asked = call.params
    found = call.read(ticket_list.page, seeing(call), _wanted(asked), limit=asked.count, offset=asked.offset)
    return [shapes_tickets.summary(each) for each in found]


def _wanted(asked: asks_search.Search) -> Wanted:
    return Wanted(
        text=asked.query,
        states=words.states(frozenset(asked.numbers)),
        departments=frozenset(asked.departments) or None,
        requester_id=asked.requester_id,
        assignee_id=asked.assignee_id,
        created_from=asked.created_from,
        created_before=None if asked.created_to is None else asks_tickets.end(asked.created_to),
    )
