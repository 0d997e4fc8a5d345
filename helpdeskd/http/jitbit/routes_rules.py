"""What tickets do by themselves."""

from __future__ import annotations

from helpdeskd.http.dialect import Route
from helpdeskd.http.jitbit import asks, shapes_rules, views_rules
from helpdeskd.http.jitbit.access import ADMINISTRATOR

# fmt: off
ROUTES: tuple[Route, ...] = (
    Route("GET POST", "/Rule /Rule/{id}",               views_rules.show_rule, ADMINISTRATOR, asks.OneById, (shapes_rules.Rule,), inline=True),
    Route("GET POST", "/EnableRule /EnableRule/{id}",   views_rules.enable_rule, ADMINISTRATOR, asks.OneById),
    Route("GET POST", "/DisableRule /DisableRule/{id}", views_rules.disable_rule, ADMINISTRATOR, asks.OneById),
)
# fmt: on
