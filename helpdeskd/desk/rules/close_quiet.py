"""Tickets that were answered and of which nothing is heard. A reply opens them again, as it does any closed ticket."""

from __future__ import annotations

from helpdeskd.desk.rules.rule import Rule, Since
from helpdeskd.model.ticket import State

RULE = Rule(
    number=2,
    name="close-quiet",
    words="A ticket that awaits its customer is closed after desk.quiet_days without a word or a change.",
    on=False,
    state=State.AWAITING_CUSTOMER,
    since=Since.UPDATED_AT,
    days=lambda settings: settings.quiet_days,
    becomes=State.CLOSED,
    arrived=True,  # who never had the answer is not quiet
)
