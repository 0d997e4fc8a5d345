"""Tickets: one, lists, and what is done to them."""

from __future__ import annotations

from helpdeskd.http.dialect import Route
from helpdeskd.http.jitbit import asks, asks_tickets, shapes_tickets, views_tickets

# fmt: off
ROUTES: tuple[Route, ...] = (
    Route("GET POST", "/Tickets",                 views_tickets.list_tickets, params=asks_tickets.Tickets, result=(list[shapes_tickets.TicketSummary],)),
    Route("GET",  "/ticket /ticket/{id}",         views_tickets.show_ticket, params=asks.OneById, result=(shapes_tickets.TicketDetail,)),
    Route("POST", "/ticket",                      views_tickets.create_ticket, params=asks_tickets.NewTicket, result=(int,), files=True),
    Route("POST", "/UpdateTicket /UpdateTicket/{id}", views_tickets.update_ticket, params=asks_tickets.ChangedTicket),
    Route("GET POST", "/Close /Close/{id}",       views_tickets.close_ticket, params=asks_tickets.ClosedTicket),
    Route("POST", "/deleteTicket /deleteTicket/{id}", views_tickets.delete_ticket, params=asks.OneById),
    Route("GET POST", "/Stats",                   views_tickets.show_stats, result=(shapes_tickets.Stats,)),
    Route("POST", "/MergeTickets",                views_tickets.merge_tickets, params=asks_tickets.MergedTickets),
)
# fmt: on
