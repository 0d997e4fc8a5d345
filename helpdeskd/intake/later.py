"""Mails that are put off: commands or a forward hang on whose they are, and DNS did not say. They stay in the spool, and nobody waits for them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from helpdeskd import log
from helpdeskd.desk.arrived import moment
from helpdeskd.log import Event
from helpdeskd.model.clock import Clock
from helpdeskd.spool import Envelope

# Longer than a silent domain is left alone (lookups.SILENT_TTL); the last one again and again.
PAUSES = tuple(timedelta(seconds=each) for each in (150, 300, 600))
PATIENCE = timedelta(hours=1)  # since it came, or since this daemon runs; then it is decided by what is known

_log = log.get("intake")


@dataclass(slots=True)
class _Turn:
    tries: int
    next: datetime


class Later:
    """Kept in memory: after a restart each is tried at once, for the spool has them all. One thread."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._since: Callable[[datetime], datetime] = lambda received: received
        self._turns: dict[str, _Turn] = {}

    def __len__(self) -> int:
        return len(self._turns)

    def lives(self) -> None:
        """A daemon runs from now on. What waited while none did has its hour all the same; what cron takes in has it since it came."""
        begun = self._clock()
        self._since = lambda received: max(received, begun)

    def patient(self, envelope: Envelope) -> bool:
        """May it still be put off?"""
        return self._clock() < self._since(moment(envelope.received)) + PATIENCE

    def put_off(self, spool_id: str, why: str) -> None:
        tries = self._turns[spool_id].tries + 1 if spool_id in self._turns else 1
        until = self._clock() + PAUSES[min(tries, len(PAUSES)) - 1]
        self._turns[spool_id] = _Turn(tries, until)
        _log.warning(Event.WAITING, spool=spool_id, error=why, tries=tries, until=until.isoformat(timespec="seconds"))

    def over(self, spool_id: str) -> None:
        self._turns.pop(spool_id, None)

    def due(self, waiting: Iterable[str]) -> Iterable[str]:
        """Those of the spool whose turn it is. A clock that was set back makes none wait longer than the longest pause."""
        if not self._turns:
            return waiting
        there = list(waiting)
        now = self._clock()
        self._turns = {each: self._turns[each] for each in there if each in self._turns}
        for turn in self._turns.values():
            turn.next = min(turn.next, now + PAUSES[-1])
        return [each for each in there if each not in self._turns or self._turns[each].next <= now]
