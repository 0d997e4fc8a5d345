"""Who asks: a person, by user name (or address) and password, or by a key of theirs; and what kind of person a row is for.

A password that was proved lately costs indexed reads alone, as a key does; both are asked anew at each request.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

from helpdeskd.desk import sight
from helpdeskd.desk.accounts import Lockout
from helpdeskd.desk.sight import Sight
from helpdeskd.errors import Refused
from helpdeskd.guard.login import Why
from helpdeskd.http.dialect import Asked, Caller, Denied, Route
from helpdeskd.http.here import Here
from helpdeskd.model.people import Person

NAME = "jitbit"
LOCKOUT = Lockout(attempts=3, minutes=5)

TECHNICIAN, ADMINISTRATOR = "technician", "administrator"
_FOREIGN = frozenset({"cross-site", "same-site"})
# What a row's `permission` asks of its caller. What they may do to a ticket is desk.sight's to say.
NEEDS: Mapping[str, Callable[[Sight], bool]] = {
    "": lambda _: True,
    TECHNICIAN: lambda who: who.staff,
    ADMINISTRATOR: lambda who: who.everything,
}


def recall(here: Here, asked: Asked) -> Caller | None:
    """Whoever has a key, or a password that was proved lately. Raises Denied."""
    header, by_key = _header(asked)
    if by_key:
        return _by_key(here, asked, header)
    person = here.logins.recall_basic(header, asked.client, LOCKOUT)
    return None if person is None else _caller(here, person)


def admit(here: Here, asked: Asked) -> Caller:
    """Raises Denied: no-credential, bad-credential, address, locked. One that asks for a one-time code as well takes a key."""
    header, by_key = _header(asked)
    if by_key:
        return _by_key(here, asked, header)
    ended = here.logins.by_basic(header, asked.client, LOCKOUT)
    if ended.why is Why.IN and ended.person is not None:
        return _caller(here, ended.person)
    if ended.why is Why.LOCKED:
        raise Denied("locked", seconds=ended.seconds)
    raise Denied("code" if ended.why is Why.CODE_MISSING else "bad-credential")


def permit(caller: Caller, route: Route) -> None:
    """Raises Denied("permission")."""
    if not NEEDS[route.permission](caller.role):
        raise Denied("permission", permission=route.permission)


def is_foreign(asked: Asked) -> bool:
    """Has a page of another site made a browser ask this? To whatever asks here, it adds the password that it remembers; a key it never
    adds by itself. https://www.w3.org/TR/fetch-metadata/"""
    by_password = asked.headers.get("authorization", "").strip().lower().startswith("basic")
    return by_password and asked.headers.get("sec-fetch-site", "") in _FOREIGN


def _header(asked: Asked) -> tuple[str, bool]:
    """The header Authorization, and whether it brings a key. Raises Denied where it brings neither key nor password, and where a
    foreign page posts."""
    header = asked.headers.get("authorization", "").strip()
    scheme, _, credential = header.partition(" ")
    if scheme.lower() not in {"basic", "bearer"} or not credential.strip():
        raise Denied("no-credential")
    if asked.method not in {"GET", "HEAD"} and is_foreign(asked):
        raise Denied("foreign-page")
    return header, scheme.lower() == "bearer"


def _caller(here: Here, person: Person) -> Caller:
    return Caller(person.email, person_id=person.id, role=here.read(lambda conn: sight.of(conn, person)))


def _by_key(here: Here, asked: Asked, header: str) -> Caller:
    try:
        key, person = here.logins.by_bearer(NAME, header, asked.client)
    except Refused as error:
        raise Denied("address" if error.reason == "address" else "bad-credential", str(error)) from None
    if person is None:  # a key of nobody's carries nobody's rights
        raise Denied("bad-credential")
    found = _caller(here, person)
    return replace(found, name=key.name or found.name, key_id=key.id)
