"""What a dialect is made of: rows of routes, and the few ways in which its original has a will of its own."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from sqlalchemy import Connection

from helpdeskd.desk.context import Desk
from helpdeskd.errors import HelpdeskdError
from helpdeskd.http.given import Given, Upload
from helpdeskd.http.here import Here
from helpdeskd.http.params import Reading

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Answer:
    """What goes back. `sha256` names a blob that is the body, in place of `body`."""

    body: bytes = b""
    status: int = 200
    content_type: str = "application/json; charset=UTF-8"
    headers: tuple[tuple[str, str], ...] = ()
    sha256: str = ""


@dataclass(frozen=True, slots=True)
class Asked:
    """A request before its body. `client` is the address of who asks, beyond the proxies that are trusted."""

    method: str
    path: str  # below the dialect's mount, undecoded escapes decoded, as ASGI gives it
    headers: Mapping[str, str]  # lower case; the last one of a name counts
    client: str
    request_id: str
    secure: bool = False


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks, once that is proved: a person, a key, or a key of a person. `person_id` is None for a key that belongs to nobody."""

    name: str  # for the log: what a person or key is called, never a secret
    permissions: frozenset[str] = frozenset()
    person_id: int | None = None
    key_id: int | None = None
    role: Any = None  # the dialect's own: what this person may see and do


class Denied(HelpdeskdError):
    """Nobody comes in like this. `reason`: no-credential, bad-credential, address, permission, locked, and a dialect's own."""

    def __init__(self, reason: str, words: str = "", *, permission: str = "", seconds: int = 0) -> None:
        super().__init__(words or reason)
        self.reason = reason
        self.permission = permission
        self.seconds = seconds  # until one may try again


class TooMany(HelpdeskdError):
    """The rate is passed. `seconds` until one may ask again."""

    def __init__(self, seconds: int) -> None:
        super().__init__(f"too many requests; again in {seconds} s")
        self.seconds = seconds


class Malformed(HelpdeskdError):
    """The body cannot be read: too large, no valid JSON, no valid multipart. `status` is what HTTP says to that."""

    def __init__(self, status: int, words: str) -> None:
        super().__init__(words)
        self.status = status


class NoRoute(HelpdeskdError):
    """There is no such path, or (`allowed` is not empty) not by this method."""

    def __init__(self, path: str, allowed: tuple[str, ...] = ()) -> None:
        super().__init__(f"{path}: there is nothing here")
        self.allowed = allowed


@dataclass(slots=True)
class Call:
    """One request as its view sees it. `params` is the record of the route's `params`, judged already."""

    here: Here
    asked: Asked
    caller: Caller
    given: Given
    params: Any = None

    @property
    def desk(self) -> Desk:
        return self.here.desk

    @property
    def files(self) -> tuple[Upload, ...]:
        return self.given.files

    def read(self, fn: Callable[..., T], *args: Any, **more: Any) -> T:
        """`fn(conn, ...)` in a short transaction that sees one snapshot."""
        return self.here.read(lambda conn: fn(conn, *args, **more))

    def write(self, fn: Callable[..., T], *args: Any, **more: Any) -> T:
        """`fn(conn, desk, now, ...)` on the writer, committed when this returns."""
        here = self.here

        def act(conn: Connection) -> T:
            return fn(conn, here.desk, here.clock(), *args, **more)

        return here.store.writer.run(act, conflict_retries=3)

    def note(self, fn: Callable[..., Any], *args: Any, **more: Any) -> None:
        """As `write`, without waiting: what is answered does not hang on it, so whether it was kept is not said."""
        here = self.here
        here.store.writer.submit(lambda conn: fn(conn, here.desk, here.clock(), *args, **more))


@dataclass(frozen=True, slots=True)
class NoParams:
    """For routes that take none."""


@dataclass(frozen=True, slots=True)
class Route:
    """One row of a dialect's table.

    `paths` are below the mount; `{name}` stands for one segment. `result` lists the records a view may return (for the OpenAPI document; the
    view returns one of them, or an Answer); the view's docstring is the summary there. `inline`: only short indexed reads, however large
    the tables are, so it may run on the loop. `hashes`: it proves a password. `decode` puts parameters together where no record can say how.
    """

    methods: str
    paths: str
    view: Callable[[Call], Any]
    permission: str = ""
    params: type = NoParams
    result: tuple[Any, ...] = ()
    rate: str = "default"
    inline: bool = False
    files: bool = False
    hashes: bool = False
    decode: Callable[[Given], Any] | None = None

    @property
    def name(self) -> str:
        return self.view.__name__


@dataclass(frozen=True, slots=True)
class Dialect:
    """`recall` knows who asks without a hash, by indexed reads, or raises Denied; where it gives None, `admit` proves it, or raises
    Denied: it may hash, so it runs among those who log in.

    `refuse` turns every error into the dialect's own shape; it must know them all. `encode` does so for what views return.
    """

    name: str  # as in settings and tokens
    title: str
    roots: tuple[
        str, ...
    ]  # where the original has its API: /api; ours is below /NAME, and there where it serves a host alone
    routes: tuple[Route, ...]
    recall: Callable[[Here, Asked], Caller | None]
    admit: Callable[[Here, Asked], Caller]
    permit: Callable[[Caller, Route], None]
    reading: Reading
    encode: Callable[[Any], Answer]
    refuse: Callable[[Exception, Asked], Answer]
    rates: Mapping[str, str] = field(default_factory=dict)  # class -> "90/minute"; none: unlimited
    fold: bool = False  # names and paths ignore case
    statuses: tuple[int, ...] = (200,)  # every one it answers with
    security: Mapping[str, Any] = field(default_factory=dict)  # OpenAPI securitySchemes
    failure: Any = None  # the record its errors are; None: plain text
    soft: bool = False  # what is wrong with a request is answered 200 all the same

    @property
    def mounts(self) -> tuple[str, ...]:
        return tuple(f"/{self.name}{root}" for root in self.roots)
