"""A dialect at work: from a request to the row that answers it, to its view, and back in the dialect's own shape.

The order is one for all: row, who asks, may they, how often, body, parameters, view. Everything but reading the body is plain functions;
they run on the loop where the row says they are short (and the store is one that never lets us wait), else in a thread.
"""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from starlette.types import Receive, Send

from helpdeskd import log, metrics
from helpdeskd.errors import HelpdeskdError
from helpdeskd.http import body, params
from helpdeskd.http.dialect import Answer, Asked, Call, Caller, Dialect, Malformed, NoParams, Route, TooMany
from helpdeskd.http.given import Given, Values, pairs
from helpdeskd.http.here import Here
from helpdeskd.http.match import Table
from helpdeskd.log import Event

_HAVE_BODIES = frozenset({"POST", "PUT", "PATCH", "DELETE"})
# JSON and files are no pages: nothing in them may run, be framed, or be kept by a cache on the way.
_ALWAYS = (
    (b"x-content-type-options", b"nosniff"),
    (b"cache-control", b"no-store, max-age=0, no-cache"),
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'; sandbox"),
    (b"referrer-policy", b"no-referrer"),
)
_PIECE = 1 << 16  # bytes of an answer sent at once
_CONTROLS = re.compile("[\x00-\x1f\x7f]")
_log = log.get("http")


class Speaker:
    """Answers the requests of one dialect."""

    def __init__(self, dialect: Dialect, here: Here) -> None:
        self.dialect = dialect
        self._here = here
        self._table = Table(dialect.routes, fold=dialect.fold)
        set_here = {name.partition("."): rate for name, rate in here.settings.rates.items()}
        own = {kind: rate for (name, _, kind), rate in set_here.items() if name == dialect.name}
        self._rates = {kind: rate for kind, rate in {**dialect.rates, **own}.items() if rate != "none"}

    async def answer(self, asked: Asked, query: str, receive: Receive) -> Answer:
        """Never raises: what goes wrong is answered in the dialect's words, and logged where it is ours."""
        began = time.perf_counter()
        route: Route | None = None
        caller: Caller | None = None
        try:
            route, path = self._table.find(asked.method, asked.path)
            caller = self.dialect.recall(self._here, asked) if self._here.may_inline else None
            if caller is not None and route.inline and asked.method not in _HAVE_BODIES:
                found = self._serve(
                    route, self._admitted(route, caller), asked, Given(path, self._values(pairs(query)))
                )
            else:
                caller, found = await self._in_threads(route, caller, asked, path, query, receive)
            if found.sha256:
                loop = asyncio.get_running_loop()
                data = await loop.run_in_executor(self._here.threads, self._here.blobs.get, found.sha256)
                found = replace(found, body=data, sha256="")
        except Exception as error:
            found = self._refused(error, asked, route)
        who = caller.name if caller is not None else ""
        note(asked, self.dialect.name, route.name if route is not None else "", found.status, began, who=who)
        return found

    async def _in_threads(
        self, route: Route, caller: Caller | None, asked: Asked, path: Mapping[str, str], query: str, receive: Receive
    ) -> tuple[Caller, Answer]:
        loop, threads = asyncio.get_running_loop(), self._here.threads
        if caller is None and not self._here.may_inline:
            caller = await loop.run_in_executor(threads, self.dialect.recall, self._here, asked)
        if caller is None:
            caller = await asyncio.wrap_future(self._here.log_ins.submit(self.dialect.admit, self._here, asked))
        caller = self._admitted(route, caller)
        sent = body.Body()
        if asked.method in _HAVE_BODIES or asked.headers.get("content-length", "0") != "0":
            sent = await body.read(receive, asked.headers, self._here, files=route.files)

        def act() -> Answer:
            fields = sent.fields(self._here)
            files = sent.keep(self._here)
            given = Given(path, self._values(pairs(query)), self._values(fields), files)
            return self._serve(route, caller, asked, given)

        try:
            if route.hashes:
                return caller, await asyncio.wrap_future(self._here.log_ins.submit(act))
            return caller, await loop.run_in_executor(threads, act)
        finally:
            sent.close()

    def _admitted(self, route: Route, caller: Caller) -> Caller:
        """Raises Denied, TooMany."""
        self.dialect.permit(caller, route)
        rate = self._rates.get(route.rate)
        if rate is not None:
            who = f"person {caller.person_id}" if caller.person_id else f"key {caller.key_id}"
            wait = self._here.rates.count(rate, self.dialect.name, route.rate, who)
            if wait:
                raise TooMany(wait)
        return caller

    def _serve(self, route: Route, caller: Caller, asked: Asked, given: Given) -> Answer:
        call = Call(self._here, asked, caller, given)
        if route.decode is not None:
            call.params = route.decode(given)
        elif route.params is not NoParams:
            call.params = params.read(route.params, given, self.dialect.reading, self._here.read)
        found = route.view(call)
        if isinstance(found, Answer):
            return found
        return self.dialect.encode(found)

    def _values(self, found: list[tuple[str, str]]) -> Values:
        return Values(found, fold=self.dialect.fold)

    def _refused(self, error: Exception, asked: Asked, route: Route | None) -> Answer:
        if isinstance(error, TimeoutError):
            error = Malformed(408, "the request took too long")
        elif not isinstance(error, HelpdeskdError | params.Invalid):
            # A fault of ours: who asks learns only its number, the log has the rest.
            _log.error(Event.TROUBLE, id=asked.request_id, route=route.name if route else "", exc_info=error)
        return self.dialect.refuse(error, asked)


def note(asked: Asked, dialect: str, route: str, status: int, began: float, **more: Any) -> None:
    """Count what was answered, and say so in the log. `began` is of time.perf_counter(). The path is never logged: a link to set a
    password is one."""
    seconds = time.perf_counter() - began
    metrics.served(dialect, route, status, seconds)
    _log.info(
        Event.SERVED,
        dialect=dialect,
        route=route,
        method=asked.method,
        status=status,
        ms=round(seconds * 1000, 1),
        **more,
        client=asked.client,
        id=asked.request_id,
    )


async def respond(send: Send, found: Answer, asked: Asked) -> None:
    """Send an answer, a piece at a time so that a slow reader costs no memory; HEAD gets its headers alone."""
    data = memoryview(found.body)
    headers = [
        (b"content-type", _fit(found.content_type)),
        (b"content-length", b"%d" % len(data)),
        (b"x-request-id", asked.request_id.encode("latin-1")),
        *_ALWAYS,
        *((name.encode("latin-1"), _fit(value)) for name, value in found.headers),
    ]
    await send({"type": "http.response.start", "status": found.status, "headers": headers})
    if asked.method == "HEAD":
        await send({"type": "http.response.body"})
        return
    for start in range(0, len(data), _PIECE):
        piece = bytes(data[start : start + _PIECE]) if len(data) > _PIECE else found.body
        await send({"type": "http.response.body", "body": piece, "more_body": start + _PIECE < len(data)})
    if not data:
        await send({"type": "http.response.body"})


def _fit(value: str) -> bytes:
    """A header's value: what a mail or a form has brought ends no line of ours (RFC 9110 section 5.5)."""
    return _CONTROLS.sub(" ", value).encode("latin-1", "replace")
