"""Whom a full door lets go, so that mail gets in beside a thousand clients that only sit there.

Slow clients (slow loris) cost nothing but their places, so only a door without a free one has to choose. Somebody who comes gets
the place of whoever has been longest without a step that brings a mail nearer; what is no step keeps no place: single bytes, NOOP,
a second greeting. A mail that is being made durable is never let go, nor is a unix socket, which is a server of our own.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import IntEnum
from typing import Protocol, TypeVar

STALE_SECONDS = 5.0  # without a step: whatever it is in, others come first
PIECE = 32 * 1024  # bytes of content that are a step: 6.5 KB a second keep one's place


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
    def moved_at(self) -> float:
        """When it made its last step."""

    @property
    def stays(self) -> bool:
        """Is a mail of it being made durable?"""


G = TypeVar("G", bound=Guest)


def whom(guests: Iterable[G], now: float) -> G | None:
    """Who has to go for somebody new; None: nobody, all are busy with a mail. Then the new one is told to come again."""
    may = [guest for guest in guests if not (guest.unix or guest.stays)]
    quiet = min(may, key=_since, default=None)
    if quiet is not None and now - quiet.moved_at >= STALE_SECONDS:
        return quiet
    return min((guest for guest in may if guest.stage < Stage.MAIL), key=_since, default=None)


def _since(guest: Guest) -> float:
    return guest.moved_at
