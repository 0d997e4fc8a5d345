"""What is noted of the work on a ticket: tags and time."""

from __future__ import annotations

from helpdeskd.http.dialect import Route
from helpdeskd.http.jitbit import asks_work, shapes_work, views_work

# fmt: off
ROUTES: tuple[Route, ...] = (
    Route("POST",     "/TagTicket",    views_work.tag, params=asks_work.NewTag),
    Route("GET POST", "/TimeSpentLog", views_work.list_time, params=asks_work.OneTicket, result=(list[shapes_work.TimeSpent],)),
    Route("POST",     "/AddTimeSpent", views_work.add_time, params=asks_work.MoreTime),
)
# fmt: on
