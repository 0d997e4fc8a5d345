"""Who may submit mail: staff, by a key made for it or by their password. No SMTP in it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from helpdeskd.desk.accounts import Lockout
from helpdeskd.errors import Refused, Temporary
from helpdeskd.guard.login import Logins, Why
from helpdeskd.model.api import SUBMISSION

LOCKOUT = Lockout(attempts=3, minutes=5)  # as at the APIs, with which failures are counted together


@dataclass(frozen=True, slots=True)
class LoggedIn:
    """Who has come in, by their address; and whether what they came in by is still good: their password or key, and they themselves.
    `holds` blocks, for indexed reads, and may raise Temporary."""

    address: str
    holds: Callable[[], bool]


def log_in(logins: Logins, name: str, password: str, address: str) -> LoggedIn | None:
    """The staff member whose these are, or None, whatever is wrong with them. Blocks.

    A key of `submission` stands in the place of a password; whoever has one-time codes needs one, since a mail program cannot ask for
    a code. Raises Temporary where the address or the account is locked, or the store is down.
    """
    try:
        key, person = logins.by_key(SUBMISSION, password, address)
    except Refused:
        ended = logins.prove(name, password, address, LOCKOUT)
        if ended.why is Why.LOCKED:
            raise Temporary("too many failures") from None
        if ended.why is not Why.IN or ended.person is None or not ended.person.is_staff:
            return None
        return LoggedIn(ended.person.email, partial(logins.holds, ended.person.id, ended.stamp))
    if person is None or not person.is_staff or person.email.lower() != name.strip().lower():
        return None
    return LoggedIn(person.email, partial(logins.key_holds, key.id, person.email))
