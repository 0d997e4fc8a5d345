"""Puts the HTTP layer together: the dialects, the guard, the threads, the server."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from helpdeskd import config
from helpdeskd.desk.context import Desk
from helpdeskd.guard.login import Logins
from helpdeskd.guard.rates import Rates
from helpdeskd.http import forgot_password, pages, set_password
from helpdeskd.http.app import App
from helpdeskd.http.dialect import Dialect
from helpdeskd.http.helpdeskz import HELPDESKZ
from helpdeskd.http.here import Here
from helpdeskd.http.jitbit import JITBIT
from helpdeskd.http.server import Server
from helpdeskd.model.clock import Clock
from helpdeskd.store.blobs import Blobs
from helpdeskd.store.engine import Store
from helpdeskd.threads import tell_name

DIALECTS: tuple[Dialect, ...] = (HELPDESKZ, JITBIT)


def build(
    settings: config.Http,
    store: Store,
    blobs: Blobs,
    clock: Clock,
    desk_now: Callable[[], Desk],
    room: Callable[[], bool],
    logins: Logins,
    templates: Path | None = None,
) -> Server:
    """Not listening yet: see Server.open. For `desk_now` and `room` see Here; `templates` is the operator's folder.

    Raises ConfigError where templates cannot be read.
    """
    here = Here(
        store=store,
        blobs=blobs,
        clock=clock,
        settings=settings,
        desk_now=desk_now,
        threads=ThreadPoolExecutor(settings.threads, thread_name_prefix="http", initializer=tell_name),
        room=room,
        logins=logins,
        rates=Rates(),
    )
    return serving(here, DIALECTS, templates)


def serving(here: Here, dialects: Sequence[Dialect], templates: Path | None = None) -> Server:
    """These dialects, and the pages beside them."""
    shown = pages.Pages(here, templates)
    elsewhere = pages.build(shown, dialects, [set_password.route(shown), forgot_password.route(shown)])
    return Server(App(here, dialects, elsewhere), here, shown.reload)
