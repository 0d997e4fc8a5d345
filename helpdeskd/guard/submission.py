"""Who may submit mail: staff, by a key made for it or by their password. No SMTP in it."""

from __future__ import annotations

from helpdeskd.desk.accounts import Lockout
from helpdeskd.errors import Refused, Temporary
from helpdeskd.guard.login import Logins, Why
from helpdeskd.model.api import SUBMISSION

LOCKOUT = Lockout(attempts=3, minutes=5)  # as at the APIs, with which failures are counted together


def log_in(logins: Logins, name: str, password: str, address: str) -> str | None:
    """The address of the staff member whose these are, or None, whatever is wrong with them. Blocks.

    A key of `submission` stands in the place of a password; whoever has one-time codes needs one, since a mail program cannot ask for
    a code. Raises Temporary where the address or the account is locked, or the store is down.
    """
    try:
        _, person = logins.by_key(SUBMISSION, password, address)
    except Refused:
        ended = logins.prove(name, password, address, LOCKOUT)
        if ended.why is Why.LOCKED:
            raise Temporary("too many failures") from None
        person = ended.person if ended.why is Why.IN else None
    else:
        if person is not None and person.email.lower() != name.strip().lower():
            person = None
    return person.email if person is not None and person.is_staff else None
