"""Who asks: the key whose token stands in the header `Token`. One indexed read, so it is asked anew at each request."""

from __future__ import annotations

from sqlalchemy import Connection

from helpdeskd.desk import api_keys
from helpdeskd.guard import addresses
from helpdeskd.http.dialect import Asked, Caller, Denied, Route
from helpdeskd.http.here import Here
from helpdeskd.model.api import PERMISSIONS

NAME = "helpdeskz"


def recall(here: Here, asked: Asked) -> Caller | None:
    """At once where the store never lets one wait. Raises Denied."""
    return admit(here, asked) if here.may_inline else None


def admit(here: Here, asked: Asked) -> Caller:
    """Raises Denied: no-credential (none, unknown, revoked or expired: no word tells which), address."""
    token = asked.headers.get("token", "").strip()
    key = here.read(lambda conn: api_keys.find(conn, NAME, token)) if token else None
    now = here.clock()
    if key is None or not key.is_good(now):
        raise Denied("no-credential")
    if not addresses.allowed(asked.client, key.allow_ip):
        raise Denied("address", asked.client)
    if api_keys.is_due(key, now):

        def note(conn: Connection) -> None:
            api_keys.note_use(conn, here.desk, now, key_id=key.id)

        here.store.writer.submit(note)  # nobody waits for it
    return Caller(key.name or f"key {key.id}", key.permissions, key.person_id, key.id)


def permit(caller: Caller, route: Route) -> None:
    """Raises Denied("permission")."""
    if route.permission and route.permission not in caller.permissions:
        raise Denied("permission", PERMISSIONS[NAME][route.permission], permission=route.permission)
