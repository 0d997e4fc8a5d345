"""The caller, the categories (our departments) and their technicians."""

from __future__ import annotations

from helpdeskd.http.dialect import Route
from helpdeskd.http.jitbit import asks, shapes_house, shapes_users, views_house
from helpdeskd.http.jitbit.access import TECHNICIAN

# fmt: off
ROUTES: tuple[Route, ...] = (
    Route("GET POST", "/Authorization",                         views_house.authorization, result=(shapes_users.User,), inline=True),
    Route("GET POST", "/categories",                            views_house.list_categories, result=(list[shapes_house.Category],), inline=True),
    Route("GET POST", "/TechsForCategory /TechsForCategory/{id}", views_house.list_technicians, TECHNICIAN, asks.OneById, (list[shapes_users.User],), inline=True),
)
# fmt: on
