"""Tickets: decode, call the desk, encode."""

from __future__ import annotations

from helpdeskd.desk import notices, sheets
from helpdeskd.http.dialect import Call
from helpdeskd.http.jitbit import shapes_tickets
from helpdeskd.http.jitbit.reach import root, seeing


def show_ticket(call: Call) -> shapes_tickets.TicketDetail:
    """One ticket; comments and custom fields have calls of their own."""
    who = seeing(call)
    found = call.read(sheets.sheet, who, call.params.id)
    base = root(call)
    url = notices.ticket_url(call.desk, found.ticket.number) or f"{base}/ticket/{found.ticket.id}"
    return shapes_tickets.detail(found, who, base, url)
