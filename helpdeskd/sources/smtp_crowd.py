"""Whom a full door lets go, so that mail gets in beside a thousand clients that only sit there.

Slow clients (slow loris) cost nothing but their places, so only a door without a free one has to choose. Somebody who comes gets
the place of whoever has been longest without a step that brings a mail nearer; what is no step keeps no place: single bytes, NOOP,
a second greeting. Whoever was let go comes again, and again: their address is known for a while, and those who are not known go
before them. A mail that is being made durable is never let go, nor is a unix socket, which is a server of our own.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable
from enum import IntEnum
from typing import Protocol, TypeVar

STALE_SECONDS = 3.0  # without a step: whatever it is in, others come first
SLOW_SECONDS = 600.0  # that a client is known for having been let go, unless it brings a mail
MOST_SLOW = 10_000  # of them are known
PIECE = 16 * 1024  # bytes of content that are a step: 5.5 KB a second keep one's place


class Stage(IntEnum):
    """How far one has come since the last mail. Only the first time at each counts, so nobody lives by saying MAIL and RSET."""

    MET = 0
    GREETED = 1
    KNOWN = 2  # by AUTH
    MAIL = 3
    RECIPIENT = 4
    DATA = 5


class Guest(Protocol):
    """A connection, as far as this is about it."""

    @property
    def unix(self) -> bool: ...

    @property
    def stage(self) -> Stage: ...

    @property
    def known_slow(self) -> bool:
        """Was its client, as it came?"""

    @property
    def moved_at(self) -> float:
        """When it made its last step."""

    @property
    def stays(self) -> bool:
        """Is a mail of it being made durable?"""


G = TypeVar("G", bound=Guest)


def whom(guests: Iterable[G], now: float, *, known_slow: bool) -> G | None:
    """Who has to go for somebody new; None: nobody, and the new one is told to come again. `known_slow`: so is the new one."""
    may = sorted((guest for guest in guests if not (guest.unix or guest.stays)), key=_since)
    stale = [guest for guest in may[:1] if now - guest.moved_at >= STALE_SECONDS]
    known = [guest for guest in may if guest.known_slow]
    if known_slow:  # it has had its chance: who is new here, or at a mail, is not sent away for it
        choice = [*stale, *(guest for guest in known if guest.stage < Stage.MAIL)]
    else:
        choice = [*known, *stale, *(guest for guest in may if guest.stage < Stage.MAIL)]
    return choice[0] if choice else None


def _since(guest: Guest) -> float:
    return guest.moved_at


class KnownSlow:
    """Whose connections were let go lately, and who has brought no mail since. Bounded: whoever was noted first is forgotten first."""

    def __init__(self) -> None:
        self._until: OrderedDict[str, float] = OrderedDict()

    def note(self, client: str, now: float) -> None:
        self._until[client] = now + SLOW_SECONDS
        self._until.move_to_end(client)
        if len(self._until) > MOST_SLOW:
            self._until.popitem(last=False)

    def forget(self, client: str) -> None:
        self._until.pop(client, None)

    def has(self, client: str, now: float) -> bool:
        return self._until.get(client, now) > now
