"""Who asks: the key whose token stands in the header `Token`. One indexed read, so it is asked anew at each request.

The documentation says in its sentence that "the Authorization HTTP header can be specified with Token: `<your-access-token>`", and in
each of its samples `Token: <token>`. Whoever kept to the sentence comes in too: `Authorization: Token: xyz`, `Authorization: Token xyz`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from helpdeskd.errors import Refused
from helpdeskd.http.dialect import Asked, Caller, Denied, Route
from helpdeskd.http.here import Here
from helpdeskd.model.api import PERMISSIONS

NAME = "helpdeskz"
_AUTHORIZATION = re.compile(r"Token(?::[ \t]*|[ \t]+)(\S+)", re.IGNORECASE)


def recall(here: Here, asked: Asked) -> Caller | None:
    """Raises Denied."""
    return admit(here, asked)


def admit(here: Here, asked: Asked) -> Caller:
    """Raises Denied: no-credential, address."""
    try:
        key, _ = here.logins.by_key(NAME, token_of(asked.headers), asked.client)
    except Refused as error:
        raise Denied(error.reason, str(error)) from None
    return Caller(key.name or f"key {key.id}", key.permissions, key.person_id, key.id)


def token_of(headers: Mapping[str, str]) -> str:
    """Empty where there is none. The header `Token` counts first."""
    if token := headers.get("token", "").strip():
        return token
    found = _AUTHORIZATION.fullmatch(headers.get("authorization", "").strip())
    return found.group(1) if found is not None else ""


def permit(caller: Caller, route: Route) -> None:
    """Raises Denied("permission")."""
    if route.permission and route.permission not in caller.permissions:
        raise Denied("permission", PERMISSIONS[NAME][route.permission], permission=route.permission)
