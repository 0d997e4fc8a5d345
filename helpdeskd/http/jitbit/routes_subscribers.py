"""Who hears of a ticket, and what else is tied to it."""

from __future__ import annotations

from helpdeskd.http.dialect import Route
from helpdeskd.http.jitbit import asks, asks_subscribers, shapes_subscribers, views_subscribers

# fmt: off
ROUTES: tuple[Route, ...] = (
    Route("GET POST", "/Subscribers /Subscribers/{id}", views_subscribers.list_subscribers, params=asks.OneById, result=(list[shapes_subscribers.Subscriber],)),
    Route("POST",     "/AddSubscriber /AddSubscriber/{id}",                 views_subscribers.add_subscriber, params=asks_subscribers.OneSubscriber),
    Route("POST",     "/RemoveSubscriber /RemoveSubscriber/{id}",              views_subscribers.remove_subscriber, params=asks_subscribers.OneSubscriber),
    Route("GET POST", "/TicketIntegrationData /TicketIntegrationData/{id}",         views_subscribers.show_integrations, params=asks.OneById, result=(dict[str, str],), inline=True),
)
# fmt: on
