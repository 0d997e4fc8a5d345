"""A dialect that exists for tests: plain words, and one row for each thing a row can do."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any

import msgspec
from sqlalchemy import Connection, select

from helpdeskd.errors import NotFound, Refused
from helpdeskd.http.dialect import Answer, Asked, Call, Caller, Denied, Dialect, Malformed, NoRoute, Route
from helpdeskd.http.here import Here
from helpdeskd.http.params import Also, Ignored, Invalid, Known, Named, Reading, Required, Where, natural, one_of
from helpdeskd.store.schema import setting


def truth(text: str) -> bool:
    if text.lower() not in {"true", "false", "1", "0"}:
        raise ValueError("expected true or false")
    return text.lower() in {"true", "1"}


def integer(text: str) -> int:
    if not text.isascii() or not text.lstrip("-").isdigit():
        raise ValueError("expected a number")
    return int(text)


READING = Reading(integer, truth, lambda text: datetime.fromisoformat(text).replace(tzinfo=UTC))


@dataclass(frozen=True, slots=True)
class Everything:
    name: Annotated[str, Required("Name is missing."), Also("title")]
    kind: Annotated[str, Required("Kind is missing."), one_of("a b", "Kind is a or b.")]
    owner: Annotated[int, Ignored(lambda text: text == "0"), natural("Owner is no number.")] = 0
    if_b: Annotated[str, Required("B needs it.", when=lambda given: given.text("kind") == "b")] = ""
    ids: tuple[int, ...] = ()
    loud: bool = False
    due: datetime | None = None
    page: Annotated[int, Where.QUERY] = 1
    key: Annotated[str, Named("the-key"), Known("There is no such key.", lambda conn, text: _known(conn, text))] = ""


def _known(conn: Connection, key: str) -> bool:
    return conn.execute(select(setting.c.key).where(setting.c.key == key)).first() is not None


class Shown(msgspec.Struct):
    """What came of the parameters."""

    name: str
    kind: str
    owner: int
    if_b: str
    ids: list[int]
    loud: bool
    due: str | None
    page: int
    key: str


class Found(msgspec.Struct):
    path: dict[str, str]


def everything(call: Call) -> Any:
    plain = msgspec.to_builtins(call.params)
    return Shown(**plain | {"due": call.params.due.isoformat() if call.params.due else None})


def read_inline(call: Call) -> Any:
    return {"path": dict(call.given.path)}


def refused(_call: Call) -> Any:
    raise Refused("too-late", "It is too late.")


def broken(_call: Call) -> Any:
    raise ZeroDivisionError("a secret stands here")


class Uploaded(msgspec.Struct, array_like=True):
    part: str
    name: str
    content_type: str
    size: int
    sha256: str


def upload(call: Call) -> Any:
    return [Uploaded(each.part, each.name, each.content_type, each.size, each.sha256) for each in call.files]


def download(call: Call) -> Answer:
    return Answer(sha256=call.given.path["sha"], content_type="application/octet-stream")


def odd(_call: Call) -> Answer:
    return Answer(b"odd", 900, "text/plain")


ROUTES = (
    Route("GET POST", "/everything", everything, params=Everything, result=(Shown,)),
    Route("GET", "/things/{id}", read_inline, inline=True, result=(Found,)),
    Route("GET", "/things/new", odd),
    Route("POST", "/refused", refused),
    Route("GET", "/broken", broken),
    Route("POST", "/files", upload, files=True, result=(list[Uploaded],)),
    Route("POST", "/no-files", upload, result=(list[Uploaded],)),
    Route("GET", "/files/{sha}", download, result=(bytes,)),
    Route("GET", "/admin", read_inline, permission="admin", inline=True, result=(Found,)),
)


def recall(_here: Here, asked: Asked) -> Caller | None:
    return Caller("fast") if asked.headers.get("token") == "fast" else None


def admit(_here: Here, asked: Asked) -> Caller:
    token = asked.headers.get("token", "")
    if token not in {"let-me-in", "admin"}:
        raise Denied("bad-credential")
    return Caller(token, frozenset({"admin"} if token == "admin" else ()))


def permit(caller: Caller, route: Route) -> None:
    if route.permission and route.permission not in caller.permissions:
        raise Denied("permission", permission=route.permission)


def refuse(error: Exception, _asked: Asked) -> Answer:
    status, words = 500, "broken"
    if isinstance(error, Invalid):
        status, words = 400, " ".join(each.words or f"{each.name}: {each.expected}" for each in error.problems)
    elif isinstance(error, Denied):
        status, words = (403, "permission") if error.reason == "permission" else (401, "who are you?")
    elif isinstance(error, NoRoute):
        status, words = (405, " ".join(error.allowed)) if error.allowed else (404, "nothing")
    elif isinstance(error, Malformed):
        status, words = error.status, str(error)
    elif isinstance(error, Refused):
        status, words = 404 if isinstance(error, NotFound) else 409, str(error)
    return Answer(words.encode(), status, "text/plain")


def encode(found: Any) -> Answer:
    return Answer(msgspec.json.encode(found))


PLAIN = Dialect(
    name="plain",
    title="Plain",
    roots=("/api", "/helpdesk/api"),
    routes=ROUTES,
    recall=recall,
    admit=admit,
    permit=permit,
    reading=READING,
    encode=encode,
    refuse=refuse,
    statuses=(200, 400, 401, 403, 404, 405, 408, 409, 413, 900),
    security={"token": {"type": "apiKey", "in": "header", "name": "token"}},
)
