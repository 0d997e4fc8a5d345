"""Tickets found by their words."""

from __future__ import annotations

from helpdeskd.http.dialect import Route
from helpdeskd.http.jitbit import asks_search, shapes_tickets, views_search

# fmt: off
ROUTES: tuple[Route, ...] = (
    Route("GET POST", "/Search", views_search.search, params=asks_search.Search, result=(list[shapes_tickets.TicketSummary],), rate="search"),
)
# fmt: on
