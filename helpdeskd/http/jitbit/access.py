"""Who asks: a person, by user name (or address) and password, or by a key of theirs; and what kind of person a row is for.

A password that was proved lately costs one indexed read, as a key does; both are asked anew at each request.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Mapping

from sqlalchemy import Connection

from helpdeskd.desk import api_keys, people, sight
from helpdeskd.desk.accounts import Lockout
from helpdeskd.desk.sight import Sight
from helpdeskd.guard import addresses
from helpdeskd.guard.login import Why
from helpdeskd.http.dialect import Asked, Caller, Denied, Route
from helpdeskd.http.here import Here
from helpdeskd.model.api import ApiKey
from helpdeskd.model.people import Person

NAME = "jitbit"
LOCKOUT = Lockout(attempts=3, minutes=5)

TECHNICIAN, ADMINISTRATOR = "technician", "administrator"
# What a row's `permission` asks of its caller. What they may do to a ticket is desk.sight's to say.
NEEDS: Mapping[str, Callable[[Sight], bool]] = {
    "": lambda _: True,
    TECHNICIAN: lambda who: who.staff,
    ADMINISTRATOR: lambda who: who.everything,
}


def recall(here: Here, asked: Asked) -> Caller | None:
    """At once where the store never lets one wait and no password must be hashed. Raises Denied."""
    if not here.may_inline:
        return None
    scheme, credential = _credential(asked)
    return _by_key(here, asked, credential) if scheme == "bearer" else _recalled(here, credential)


def admit(here: Here, asked: Asked) -> Caller:
    """Raises Denied: no-credential, bad-credential, address, locked. One that asks for a one-time code as well takes a key."""
    scheme, credential = _credential(asked)
    if scheme == "bearer":
        return _by_key(here, asked, credential)
    known = _recalled(here, credential)
    if known is not None:
        return known
    ended = here.logins.prove(*_name_and_password(credential), asked.client, LOCKOUT)
    if ended.why is Why.IN and ended.person is not None:
        return _caller(here, ended.person)
    if ended.why is Why.LOCKED:
        raise Denied("locked", seconds=LOCKOUT.minutes * 60)
    raise Denied("code" if ended.why is Why.CODE_MISSING else "bad-credential")


def permit(caller: Caller, route: Route) -> None:
    """Raises Denied("permission")."""
    if not NEEDS[route.permission](caller.role):
        raise Denied("permission", permission=route.permission)


def _credential(asked: Asked) -> tuple[str, str]:
    """(basic or bearer, what follows). Raises Denied."""
    scheme, _, credential = asked.headers.get("authorization", "").strip().partition(" ")
    if scheme.lower() not in {"basic", "bearer"} or not credential.strip():
        raise Denied("no-credential")
    return scheme.lower(), credential.strip()


def _name_and_password(credential: str) -> tuple[str, str]:
    """RFC 7617 section 2. Raises Denied."""
    try:
        data = base64.b64decode(credential, validate=True)
    except (binascii.Error, ValueError) as error:
        raise Denied("bad-credential") from error
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        text = data.decode("latin-1")  # what older clients send
    name, colon, password = text.partition(":")
    if not colon:
        raise Denied("bad-credential")
    return name, password


def _recalled(here: Here, credential: str) -> Caller | None:
    person = here.logins.recall(*_name_and_password(credential))
    return None if person is None else _caller(here, person)


def _caller(here: Here, person: Person) -> Caller:
    return Caller(person.email, person_id=person.id, role=here.read(lambda conn: sight.of(conn, person)))


def _by_key(here: Here, asked: Asked, token: str) -> Caller:
    found = here.read(lambda conn: _key(conn, token))
    now = here.clock()
    if found is None or not found[0].is_good(now):
        raise Denied("bad-credential")
    key, person, role = found
    if not addresses.allowed(asked.client, key.allow_ip):
        raise Denied("address", asked.client)
    if api_keys.is_due(key, now):

        def note(conn: Connection) -> None:
            api_keys.note_use(conn, here.desk, now, key_id=key.id)

        here.store.writer.submit(note)  # nobody waits for it
    return Caller(key.name or person.email, person_id=person.id, key_id=key.id, role=role)


def _key(conn: Connection, token: str) -> tuple[ApiKey, Person, Sight] | None:
    """The key, whose it is and what they see; None where it opens nothing, or nothing any more since they are disabled."""
    key = api_keys.find(conn, NAME, token)
    if key is None or key.person_id is None:
        return None
    person = people.get(conn, key.person_id)
    return None if person.disabled_at is not None else (key, person, sight.of(conn, person))
