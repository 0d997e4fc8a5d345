"""`#pending 3d` ends by itself."""

from __future__ import annotations

from helpdeskd.desk.rules.rule import Rule, Since
from helpdeskd.model.ticket import State

RULE = Rule(
    number=1,
    name="pending-over",
    words="A pending ticket awaits staff again when its time is over.",
    on=True,
    state=State.PENDING,
    since=Since.PENDING_UNTIL,
    days=lambda _: 0,
    becomes=State.AWAITING_STAFF,
)
