"""argon2id. A hash takes tens of milliseconds and megabytes on purpose: never on an event loop, never on the writer."""

from __future__ import annotations

import threading

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from helpdeskd.errors import Refused

SHORTEST = 8  # characters; NIST SP 800-63B section 3.1.1.2
LONGEST = 1024  # bytes


class Passwords:
    """`hash` and `verify` block; at most `at_once` run at a time, so that many log-ins cannot take all memory.

    The parameters are OWASP's: 19 MiB, 2 passes, 1 lane.
    """

    def __init__(self, *, memory_kib: int = 19456, passes: int = 2, at_once: int = 2) -> None:
        self._hasher = PasswordHasher(time_cost=passes, memory_cost=memory_kib, parallelism=1)
        self._turn = threading.Semaphore(at_once)
        self._nobody: str | None = None

    def hash(self, password: str) -> str:
        """Raises Refused("bad-password")."""
        check(password)
        with self._turn:
            return self._hasher.hash(password)

    def verify(self, password_hash: str, password: str) -> bool:
        """For no hash (nobody of that name, or no password set) it takes as long as for one."""
        if len(password.encode("utf-8", "surrogatepass")) > LONGEST:
            return False
        with self._turn:
            if self._nobody is None:
                self._nobody = self._hasher.hash("nobody has this password")
            try:
                self._hasher.verify(password_hash or self._nobody, password)
            except (VerificationError, InvalidHashError, UnicodeError):
                return False
        return bool(password_hash)

    def is_old(self, password_hash: str) -> bool:
        """Was it made with other parameters than today's?"""
        return self._hasher.check_needs_rehash(password_hash)


def check(password: str) -> None:
    """Raises Refused("bad-password"). Length is all that is asked for: rules about characters make passwords worse."""
    try:
        size = len(password.encode())
    except UnicodeEncodeError:
        raise Refused("bad-password", "a password is text") from None
    if len(password) < SHORTEST or size > LONGEST:
        raise Refused("bad-password", f"a password has at least {SHORTEST} characters, and at most {LONGEST} bytes")
