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
    """`stamp` is what must still be so for it to count: of the row that was verified, not of one read later."""

    person_id: int
    stamp: bytes
    until: float


class Credentials:
    """Remembers under a keyed hash; the key is this process's own and the secret itself is never kept. Any thread.

    Who asks compares `stamp` with the row of today, which is read anyway: a changed password, one-time codes switched on, a disabled
    person or another node's change count at once.
    """

    def __init__(self, clock: Callable[[], float] = monotonic) -> None:
        self._key = secrets.token_bytes(32)
        self._clock = clock
        self._gate = threading.Lock()
        self._known: OrderedDict[bytes, Proved] = OrderedDict()

    def digest(self, *texts: str) -> bytes:
        """What these are remembered under, or compared by."""
        found = hashlib.blake2b(key=self._key, digest_size=32)
        for text in texts:
            data = text.encode("utf-8", "surrogatepass")
            found.update(b"%d:" % len(data) + data)
        return found.digest()

    def recall(self, name: bytes) -> Proved | None:
        with self._gate:
            found = self._known.get(name)
            if found is not None and found.until <= self._clock():
                del self._known[name]
                return None
            return found

    def remember(self, name: bytes, person_id: int, stamp: bytes) -> None:
        with self._gate:
            self._known[name] = Proved(person_id, stamp, self._clock() + SECONDS)
            self._known.move_to_end(name)
            while len(self._known) > MOST:
                self._known.popitem(last=False)

    def forget(self, name: bytes) -> None:
        with self._gate:
            self._known.pop(name, None)
