"""argon2id, and the hashes of other systems until it replaces them. A hash takes tens of milliseconds and megabytes on purpose: never
on an event loop, never on the writer.

What is stored is one of three:

    $argon2id$...                       ours
    argon2id+KIND:HOW:$argon2id$...     ours, over the digest of an old hash that is too weak to be kept (guard.hashes)
    $2y$10$...                          bcrypt that is not
"""

from __future__ import annotations

import hmac
import re
import threading
import unicodedata

from argon2 import PasswordHasher
from argon2.exceptions import VerificationError

from helpdeskd.errors import Refused
from helpdeskd.guard import hashes
from helpdeskd.guard.hashes import Old

SHORTEST = 8  # characters; NIST SP 800-63B section 3.1.1.2
LONGEST = 1024  # bytes

_OVER = re.compile(r"argon2id\+([a-z0-9-]+):([^:]*):(\$argon2id\$.+)", re.ASCII)


class Passwords:
    """`hash`, `take` and `verify` block; at most `at_once` run at a time, so that many log-ins cannot take all memory.

    The parameters are OWASP's: 19 MiB, 2 passes, 1 lane.
    """

    def __init__(self, *, memory_kib: int = 19456, passes: int = 2, at_once: int = 2) -> None:
        self._hasher = PasswordHasher(time_cost=passes, memory_cost=memory_kib, parallelism=1)
        self._turn = threading.Semaphore(at_once)
        self._nobody: str | None = None

    def hash(self, password: str) -> str:
        """Raises Refused("bad-password")."""
        check(password)
        return self.anew(password)

    def anew(self, password: str) -> str:
        """As `hash`, for one that may be shorter than a new one."""
        with self._turn:
            return self._hasher.hash(_bytes(password))

    def take(self, old: str) -> str:
        """What is stored of a hash that another system made. Raises Refused: unknown-hash, dear-hash."""
        found = hashes.read(old)
        if not hashes.KINDS[found.kind].weak(found.how):
            return found.how + found.digest
        with self._turn:
            return f"argon2id+{found.kind}:{found.how}:{self._hasher.hash(found.digest)}"

    def verify(self, password_hash: str, password: str, *, like: str = "") -> bool:
        """For no hash (nobody of that name, or no password set) it takes as long as for `like`, somebody else's, or one of ours."""
        if len(password.encode("utf-8", "surrogatepass")) > LONGEST:
            return False
        with self._turn:
            if self._nobody is None:
                self._nobody = self._hasher.hash("nobody has this password")
            right = self._is(password_hash or like or self._nobody, password)
        return right and bool(password_hash)

    def today(self, password_hash: str, password: str) -> str:
        """The hash of the same password as we would make it today, which may be the same. `password` was right a moment ago."""
        return (
            self.anew(password)
            if self.is_old(password_hash) or self._is_raw(password_hash, password)
            else password_hash
        )

    def is_old(self, password_hash: str) -> bool:
        """Was it made by somebody else, or with other parameters than today's?"""
        return not password_hash.startswith("$argon2id$") or self._hasher.check_needs_rehash(password_hash)

    def _is_raw(self, password_hash: str, password: str) -> bool:
        """Does it open to the password as it was typed, and not composed?"""
        if _is_composed(password):
            return False
        with self._turn:
            try:
                return not self._hasher.verify(password_hash, _bytes(password))
            except VerificationError:
                return True

    def _is(self, stored: str, password: str) -> bool:
        try:
            raw = password.encode()
            if (over := _OVER.fullmatch(stored)) and over[1] in hashes.KINDS:
                digest = hashes.make(over[1], over[2], raw)
                self._hasher.verify(over[3], digest or "")
                return digest is not None
            if old := _kept(stored):
                digest = hashes.make(old.kind, old.how, raw)
                return digest is not None and hmac.compare_digest(digest, old.digest)
            return self._ours(stored, password)
        except (VerificationError, ValueError, Refused):  # no hash, none of such parameters, or no text
            return False

    def _ours(self, stored: str, password: str) -> bool:
        """Composed, and as it was typed: one that was set before all were composed is kept so. How much is reckoned hangs on what was
        typed alone."""
        try:
            return self._hasher.verify(stored, _bytes(password))
        except VerificationError:
            if _is_composed(password):
                raise
            return self._hasher.verify(stored, password.encode())


def _kept(stored: str) -> Old | None:
    """A hash of another system that is stored as it is; one that is weak never counts, whoever put it there."""
    if stored.startswith("$argon2id$"):
        return None
    try:
        old = hashes.read(stored)
    except Refused:
        return None
    return None if hashes.KINDS[old.kind].weak(old.how) else old


def _bytes(password: str) -> bytes:
    """One spelling for what looks and means the same: keyboards differ in how they compose an accent (RFC 8265 section 4.2.1, rule 4)."""
    return unicodedata.normalize("NFC", password).encode()


def _is_composed(password: str) -> bool:
    return unicodedata.is_normalized("NFC", password)


def check(password: str) -> None:
    """Raises Refused("bad-password"). Length is all that is asked for: rules about characters make passwords worse."""
    try:
        size = len(password.encode())
    except UnicodeEncodeError:
        raise Refused("bad-password", "a password is text") from None
    if len(password) < SHORTEST or size > LONGEST:
        raise Refused("bad-password", f"a password has at least {SHORTEST} characters, and at most {LONGEST} bytes")
