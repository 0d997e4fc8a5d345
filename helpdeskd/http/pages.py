"""Pages for people, outside the dialects: each API's document and description, and those that mails lead to.

They are rendered here from templates/http (an operator's own win over ours) and need no script. Whatever they show is theirs: no
request goes anywhere else.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

import msgspec
from jinja2 import Environment
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from helpdeskd import log, resources
from helpdeskd.http import docs
from helpdeskd.http.dialect import Asked, Dialect
from helpdeskd.http.endpoint import note
from helpdeskd.http.here import Here
from helpdeskd.http.openapi import document
from helpdeskd.log import Event
from helpdeskd.outgoing.render import environments, resolve

# Our own style sheet and forms that come back to us; nothing else, and nobody's frame.
CSP = (
    "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
_HEADERS = {
    "Content-Security-Policy": CSP,
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-store",
}
_log = log.get("http")


class Pages:
    """Templates in every language there is. Raises ConfigError where they cannot be read."""

    def __init__(self, here: Here, override: Path | None = None) -> None:
        self.here = here
        self._override = override
        self._by_language = self._read()
        self.edition = 0  # grows when they are read again

    def reload(self) -> None:
        """Read them again. On a ConfigError what was loaded stays."""
        self._by_language = self._read()
        self.edition += 1

    def _read(self) -> dict[str, Environment]:
        return environments(resources.find("templates"), self._override, "http")

    def show(self, name: str, languages: Iterable[str], *, status: int = 200, **values: Any) -> Response:
        """The page templates/http/NAME.html in the first of these languages that there is, else the team's."""
        desk = self.here.desk.settings
        language = resolve((*languages, desk.language), self._by_language)
        found = self._by_language[language].get_template(f"{name}.html")
        html = found.render(locale=language, desk=desk.name, **values)
        return HTMLResponse(html, status, _HEADERS)


def languages(request: Request) -> tuple[str, ...]:
    """Those a browser asks for, the dearest first (RFC 9110 section 12.5.4)."""
    wanted = []
    for each in request.headers.get("accept-language", "")[:200].split(","):
        language, _, weight = each.strip().partition(";q=")
        try:
            wanted.append((-float(weight or 1), language))
        except ValueError:
            continue
    return tuple(language for _, language in sorted(wanted, key=lambda each: each[0]))


def build(pages: Pages, dialects: Sequence[Dialect], more: Iterable[BaseRoute] = ()) -> ASGIApp:
    """What answers where no dialect does."""
    routes: list[BaseRoute] = [
        *more,
        Mount("/assets", StaticFiles(directory=resources.find("templates") / "http" / "assets")),
    ]
    for dialect in dialects:
        routes += [
            Route(f"/{dialect.name}/openapi.json", _document_of(dialect)),
            Route(f"/{dialect.name}/docs", _page_of(pages, dialect)),
        ]

    def missing(request: Request, error: Exception) -> Response:
        status = error.status_code if isinstance(error, HTTPException) else 500
        return pages.show(
            "nothing", languages(request), status=status, up="../" * (request.scope["path"].count("/") - 1)
        )

    def failed(_request: Request, _error: Exception) -> Response:
        return PlainTextResponse("This did not work, and it is our fault.\n", 500, _HEADERS)

    return _watched(Starlette(routes=routes, exception_handlers={HTTPException: missing, Exception: failed}))


def _watched(app: ASGIApp) -> ASGIApp:
    """Log and count what `app` answers, and answer where it fails."""

    async def watched(scope: Scope, receive: Receive, send: Send) -> None:
        asked: Asked = scope["helpdeskd.asked"]
        began, status = time.perf_counter(), 0

        async def noted(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [*message["headers"], (b"x-request-id", asked.request_id.encode())]
            await send(message)

        try:
            await app(scope, receive, noted)
        except Exception as error:
            _log.error(Event.TROUBLE, id=asked.request_id, exc_info=error)
        note(asked, "pages", getattr(scope.get("endpoint"), "__name__", ""), status, began)

    return watched


def _document_of(dialect: Dialect) -> Callable[[Request], Response]:
    @lru_cache
    def written() -> bytes:
        return msgspec.json.encode(document(dialect))

    def openapi(_request: Request) -> Response:
        return Response(written(), media_type="application/json", headers=_HEADERS)

    return openapi


def _page_of(pages: Pages, dialect: Dialect) -> Callable[[Request], Response]:
    @lru_cache(maxsize=1)
    def shown(base: str, _edition: int) -> Response:
        told = document(dialect)
        return pages.show("docs", ("en",), told=told, sections=docs.sections(told, base), up="../")

    def described(_request: Request) -> Response:
        url = pages.here.desk.settings.public_url.rstrip("/")
        return shown(url or "https://desk.example.com", pages.edition)

    return described
