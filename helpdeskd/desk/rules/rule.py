"""What a rule is: which tickets it looks at, when their time is over, and what becomes of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from helpdeskd import config
from helpdeskd.model.ticket import State, Ticket


class Since(StrEnum):
    """The time of a ticket that a rule counts from."""

    PENDING_UNTIL = "pending_until"
    UPDATED_AT = "updated_at"  # the last word or change


@dataclass(frozen=True, slots=True)
class Rule:
    """Nobody is mailed of what it does, for it is nobody's doing; the history says that it did it."""

    number: int  # for programs; never given to another rule
    name: str
    words: str  # what it does
    on: bool  # until somebody says otherwise
    state: State  # of the tickets that it looks at
    since: Since
    days: Callable[[config.Desk], int]  # how long after that it waits
    becomes: State
    arrived: bool = False  # only tickets of which no mail waits, failed or may have failed to arrive

    def before(self, settings: config.Desk, now: datetime) -> datetime:
        """The latest time to count from that is over now."""
        return now - timedelta(days=self.days(settings))

    def holds(self, ticket: Ticket, settings: config.Desk, now: datetime) -> bool:
        """Has this ticket's time come?"""
        at = ticket.pending_until if self.since is Since.PENDING_UNTIL else ticket.updated_at
        gone = ticket.removed_at is not None
        return ticket.state is self.state and not gone and at is not None and at <= self.before(settings, now)
