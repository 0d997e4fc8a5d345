"""What every request stands on: the installation, the settings of [http], and who keeps watch."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TypeVar

from sqlalchemy import Connection

from helpdeskd import config
from helpdeskd.desk.context import Desk
from helpdeskd.guard import addresses
from helpdeskd.guard.login import Logins
from helpdeskd.guard.rates import Rates
from helpdeskd.model.clock import Clock
from helpdeskd.store.blobs import Blobs
from helpdeskd.store.engine import Store
from helpdeskd.threads import Few

T = TypeVar("T")

LOG_IN_THREADS = 4
# Two hashes run at a time: the last of these waits for a second with our hashes, and a quarter of a minute with the dearest.
LOG_INS_WAITING = 50


def _log_ins() -> Few:
    return Few("http-log-in", LOG_IN_THREADS, LOG_INS_WAITING)


@dataclass(slots=True)
class Here:
    """Built once by the daemon. `desk_now` is asked at each use: the installation reads it anew every few seconds."""

    store: Store
    blobs: Blobs
    clock: Clock
    settings: config.Http
    desk_now: Callable[[], Desk]
    threads: ThreadPoolExecutor
    room: Callable[[], bool]  # may uploads still be kept, or is the disk at its reserve?
    logins: Logins
    rates: Rates
    log_ins: Few = field(
        default_factory=_log_ins
    )  # for what hashes a password that anybody may type: nobody else waits for those

    @property
    def desk(self) -> Desk:
        return self.desk_now()

    @property
    def may_inline(self) -> bool:
        """SQLite answers an indexed read sooner than a thread could be woken; a server may let one wait."""
        return self.store.dialect == "sqlite"

    def client(self, peer: str, headers: Mapping[str, str], *, tls: bool) -> tuple[str, bool]:
        """The address of who asks, and whether they came by TLS: as trusted proxies say, else as the connection does."""
        trusted = self.settings.trusted_proxies
        if not trusted or not addresses.allowed(peer, trusted):
            return peer, tls
        found = addresses.client(peer, headers.get("x-forwarded-for", ""), trusted)
        return found, headers.get("x-forwarded-proto", "") == "https"

    def read(self, fn: Callable[[Connection], T]) -> T:
        return self.store.read(fn)
