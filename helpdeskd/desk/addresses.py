"""Which addresses are ours, and what an address must look like to be stored."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from sqlalchemy import Connection, select

from helpdeskd.errors import Refused
from helpdeskd.mail import ids
from helpdeskd.store import memo, schema

# RFC 5321 section 4.5.3.1: 64 octets of local part, 255 of domain. Quoted local parts, spaces and controls are not for us.
_LOCAL = re.compile(r"[^\s@<>\"(),:;\[\]\\\x00-\x1f\x7f]{1,64}")
_DOMAIN = re.compile(r"(?!-)[\w-]+(\.[\w-]+)*|\[[0-9A-Fa-f.:]+\]")

_BOOK = select(schema.address.c.email, schema.address.c.department_id)


def clean(email: str) -> str:
    """The address without surrounding blanks, checked. Raises Refused("bad-address")."""
    email = email.strip()
    local, at, domain = email.rpartition("@")
    if not (at and _LOCAL.fullmatch(local) and len(domain) <= 255 and _DOMAIN.fullmatch(domain)):
        raise Refused("bad-address", f"{email!r} is not a mail address")
    return email


def key(email: str) -> str:
    """What our own addresses are compared by: lower case, without +detail."""
    return ids.split_detail(email.strip().lower())[0]


def book(conn: Connection) -> Mapping[str, int]:
    """Each of our addresses (lower case, without +detail) with its department's id."""
    return memo.remembered(conn, "addresses.book", _read_book)


def _read_book(conn: Connection) -> Mapping[str, int]:
    return {row.email: row.department_id for row in conn.execute(_BOOK)}


def ours(conn: Connection, emails: Iterable[str]) -> frozenset[str]:
    """Those of `emails` (as given) that reach one of our departments, with +detail or without."""
    keys = {email: {email.strip().lower(), key(email)} for email in emails}
    if not keys:
        return frozenset()
    known = book(conn).keys()
    return frozenset(email for email, names in keys.items() if names & known)
