"""Who asks: the key whose token stands in the header `Token`. One indexed read, so it is asked anew at each request."""

from __future__ import annotations

from helpdeskd.errors import Refused
from helpdeskd.http.dialect import Asked, Caller, Denied, Route
from helpdeskd.http.here import Here
from helpdeskd.model.api import PERMISSIONS

NAME = "helpdeskz"


def recall(here: Here, asked: Asked) -> Caller | None:
    """At once where the store never lets one wait. Raises Denied."""
    return admit(here, asked) if here.may_inline else None


def admit(here: Here, asked: Asked) -> Caller:
    """Raises Denied: no-credential, address."""
    try:
        key, _ = here.logins.by_key(NAME, asked.headers.get("token", "").strip(), asked.client)
    except Refused as error:
        raise Denied(error.reason, str(error)) from None
    return Caller(key.name or f"key {key.id}", key.permissions, key.person_id, key.id)


def permit(caller: Caller, route: Route) -> None:
    """Raises Denied("permission")."""
    if route.permission and route.permission not in caller.permissions:
        raise Denied("permission", PERMISSIONS[NAME][route.permission], permission=route.permission)
