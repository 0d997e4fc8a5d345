"""All routes of Jitbit, by noun. Each noun has its rows (`routes_NOUN`), what they are asked with (`asks_NOUN`), their JSON
(`shapes_NOUN`) and their views (`views_NOUN`).

Reads are answered by GET and POST alike, since clients use both; so is what the original lets one do by GET.
"""

from __future__ import annotations

from helpdeskd.http.dialect import Route
from helpdeskd.http.jitbit import (
    routes_assets,
    routes_comments,
    routes_companies,
    routes_fields,
    routes_files,
    routes_house,
    routes_knowledge,
    routes_relations,
    routes_rules,
    routes_search,
    routes_subscribers,
    routes_tickets,
    routes_users,
    routes_work,
)

ROUTES: tuple[Route, ...] = (
    *routes_house.ROUTES,
    *routes_tickets.ROUTES,
    *routes_comments.ROUTES,
    *routes_files.ROUTES,
    *routes_subscribers.ROUTES,
    *routes_search.ROUTES,
    *routes_relations.ROUTES,
    *routes_work.ROUTES,
    *routes_knowledge.ROUTES,
    *routes_rules.ROUTES,
    *routes_users.ROUTES,
    *routes_companies.ROUTES,
    *routes_fields.ROUTES,
    *routes_assets.ROUTES,
)
