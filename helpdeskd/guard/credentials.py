"""Passwords that were proved lately, so that a client which sends its password with each request pays for the hash once."""

from __future__ import annotations

import hashlib
import secrets
import threading
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from time import monotonic

SECONDS = 300.0
MOST = 10_000


@dataclass(frozen=True, slots=True)
class Proved:
    """`stamp` is what must still be so for it to count: the hash that was verified."""

    person_id: int
    stamp: str
    until: float


class Credentials:
    """Remembers under a keyed hash; the key is this process's own and the secret itself is never kept. Any thread.

    Who asks compares `stamp` with the row of today, which is read anyway: a changed password, a disabled person or another
    process's change count at once.
    """

    def __init__(self, clock: Callable[[], float] = monotonic) -> None:
        self._key = secrets.token_bytes(32)
        self._clock = clock
        self._gate = threading.Lock()
        self._known: OrderedDict[bytes, Proved] = OrderedDict()

    def name(self, username: str, password: str) -> bytes:
        """What these two are remembered under."""
        first, second = (each.encode("utf-8", "surrogatepass") for each in (username, password))
        return hashlib.blake2b(b"%d:" % len(first) + first + second, key=self._key, digest_size=32).digest()

    def recall(self, name: bytes) -> Proved | None:
        with self._gate:
            found = self._known.get(name)
            if found is not None and found.until <= self._clock():
                del self._known[name]
                return None
            return found

    def remember(self, name: bytes, person_id: int, stamp: str) -> None:
        with self._gate:
            self._known[name] = Proved(person_id, stamp, self._clock() + SECONDS)
            self._known.move_to_end(name)
            while len(self._known) > MOST:
                self._known.popitem(last=False)

    def forget(self, name: bytes) -> None:
        with self._gate:
            self._known.pop(name, None)
