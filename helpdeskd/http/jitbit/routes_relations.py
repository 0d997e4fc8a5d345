"""Tickets that know of each other: links, parents and children."""

from __future__ import annotations

from helpdeskd.http.dialect import Route
from helpdeskd.http.jitbit import asks, asks_relations, shapes_tickets, views_relations

# fmt: off
ROUTES: tuple[Route, ...] = (
    Route("POST",     "/LinkTickets",                       views_relations.link, params=asks_relations.TwoTickets),
    Route("POST",     "/UnlinkTickets",                     views_relations.unlink, params=asks_relations.TwoTickets),
    Route("GET POST", "/LinkedTickets /LinkedTickets/{id}", views_relations.list_linked, params=asks.OneById, result=(list[shapes_tickets.TicketSummary],)),
    Route("POST",     "/AddSubTicket",                      views_relations.add_child, params=asks_relations.ParentAndChild),
    Route("POST",     "/RemoveSubTicket",                   views_relations.remove_child, params=asks_relations.Child),
    Route("GET POST", "/SubTickets /SubTickets/{id}",       views_relations.list_children, params=asks.OneById, result=(list[shapes_tickets.TicketSummary],)),
)
# fmt: on
