"""Tickets: one, lists, and what is done to them."""

from __future__ import annotations

from helpdeskd.http.dialect import Route
from helpdeskd.http.jitbit import asks, shapes_tickets, views_tickets

# fmt: off
ROUTES: tuple[Route, ...] = (
    Route("GET", "/ticket /ticket/{id}", views_tickets.show_ticket, params=asks.OneById, result=(shapes_tickets.TicketDetail,), inline=True),
)
# fmt: on
