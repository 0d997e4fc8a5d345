"""An HTTP layer to talk to over real sockets.

serve     starts a server over a store: serve(store, dialect, ...) gives an httpx client whose base URL is its address
desk      what every desk function is given
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

import httpx2 as httpx
import msgspec
import pytest

from helpdeskd import config
from helpdeskd.desk.context import Desk
from helpdeskd.guard.login import Logins
from helpdeskd.guard.passwords import Passwords
from helpdeskd.guard.rates import Rates
from helpdeskd.http.build import serving
from helpdeskd.http.dialect import Dialect
from helpdeskd.http.here import Here
from helpdeskd.http.server import Server
from helpdeskd.model.clock import Clock, now
from helpdeskd.store.blobs import FolderBlobs
from helpdeskd.store.engine import Store
from tests.desks import a_desk

DEFAULTS = config.Http()

# A server looks ten times a second whether it is to end: nobody needs to wait for one that a test is done with.
_ENDING = ThreadPoolExecutor(4, "ending")
_ENDED: list[Future[None]] = []


def all_ended() -> None:
    """Wait for the servers of the tests before: for who counts what this process has open."""
    while _ENDED:
        _ENDED.pop().result(30)


@pytest.fixture(scope="module", autouse=True)
def _servers_end() -> Iterator[None]:
    yield
    all_ended()


@pytest.fixture
def desk() -> Desk:
    return a_desk()


@dataclass
class Serving:
    """Everything a test can turn: `room` is whether uploads find room on the disk."""

    tmp_path: Path
    desk: Desk
    stack: ExitStack
    room: bool = True
    clock: Clock = now
    blobs: FolderBlobs = field(init=False)
    server: Server = field(init=False)  # the last one started
    here: Here = field(init=False)  # what it stands on
    passwords: Passwords = field(default_factory=lambda: Passwords(memory_kib=64, passes=1))

    def __post_init__(self) -> None:
        self.blobs = FolderBlobs(self.tmp_path / "blobs")

    def __call__(
        self, store: Store, *dialects: Dialect, settings: config.Http = DEFAULTS, templates: Path | None = None
    ) -> httpx.Client:
        self.here = here = Here(
            store=store,
            blobs=self.blobs,
            clock=lambda: self.clock(),
            settings=msgspec.structs.replace(settings, listen=settings.listen or ("127.0.0.1:0",)),
            desk_now=lambda: self.desk,
            threads=ThreadPoolExecutor(4),
            room=lambda: self.room,
            logins=Logins(store, lambda: self.desk, lambda: self.clock(), self.passwords),
            rates=Rates(),
        )
        self.server = server = serving(here, dialects, templates)
        server.open()
        self.stack.callback(lambda: _ENDED.append(_ENDING.submit(server.close)))
        # Nothing here is TLS; reading the world's certificates would take longer than most tests.
        client = httpx.Client(base_url=f"http://{server.listening[0]}", trust_env=False, verify=False)
        return self.stack.enter_context(client)


@pytest.fixture
def serve(tmp_path: Path, desk: Desk) -> Iterator[Callable[..., httpx.Client]]:
    with ExitStack() as stack:
        yield Serving(tmp_path, desk, stack)
