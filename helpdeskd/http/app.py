"""The ASGI application: which dialect a host and a path mean, and what stands outside them all."""

from __future__ import annotations

import secrets
from collections.abc import Sequence

from starlette.types import ASGIApp, Receive, Scope, Send

from helpdeskd.http.dialect import Asked, Dialect
from helpdeskd.http.endpoint import Speaker, respond
from helpdeskd.http.here import Here

LOCAL = "127.0.0.1"  # who comes by a unix socket: whoever may open it stands on this machine


class App:
    """One for the process. Any number of requests at once; nothing is kept between them. `elsewhere` answers what no dialect owns."""

    def __init__(self, here: Here, dialects: Sequence[Dialect], elsewhere: ASGIApp) -> None:
        self._here = here
        self._elsewhere = elsewhere
        speakers = {dialect.name: Speaker(dialect, here) for dialect in dialects}
        self._mounts = [
            (mount, dialect.fold, speakers[dialect.name]) for dialect in dialects for mount in dialect.mounts
        ]
        self._root = speakers.get(here.settings.root)
        self._hosts = {host.lower(): speakers[name] for host, name in here.settings.hosts.items()}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        peer = scope.get("client")
        client, secure = self._here.client(peer[0] if peer else LOCAL, headers, tls=scope.get("scheme") == "https")
        speaker, path = self._choose(headers.get("host", ""), scope["path"])
        asked = Asked(scope["method"], path, headers, client, secrets.token_hex(8), secure)
        if speaker is None:
            scope["helpdeskd.asked"] = asked
            await self._elsewhere(scope, receive, send)
        else:
            found = await speaker.answer(asked, scope["query_string"].decode("latin-1"), receive)
            await respond(send, found, asked)

    def _choose(self, host: str, path: str) -> tuple[Speaker | None, str]:
        """The dialect meant, and the path below where it is served."""
        for mount, fold, speaker in self._mounts:
            if (below := _below(mount, path, fold=fold)) is not None:
                return speaker, below
        alone = self._hosts.get(_bare(host), self._root)
        if alone is not None:
            for root in alone.dialect.roots:
                if (below := _below(root, path, fold=alone.dialect.fold)) is not None:
                    return alone, below
        return None, path


def _bare(host: str) -> str:
    """Without its port, RFC 3986 section 3.2.2: [::1]:8080, example.org:8080."""
    name, colon, port = host.rpartition(":")
    return (name if colon and port.isdigit() else host).lower()


def _below(mount: str, path: str, *, fold: bool) -> str | None:
    head, rest = path[: len(mount)], path[len(mount) :]
    if (head.lower() if fold else head) == mount and (not rest or rest.startswith("/")):
        return rest
    return None
