"""The composition root: builds every part, owns threads, tasks and signals, and the order of stopping.

Roles: doors (SMTP, LMTP), imap, intake, outgoing, http. One process runs them all; with PostgreSQL they may run apart
(`run --role`). Stopping goes with the mail: first the doors close, then intake finishes what it has in hand, then
the sender, then the store.
"""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import threading
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING

from sqlalchemy import Connection

from helpdeskd import housekeeping, log, spool, tray
from helpdeskd.config import Config
from helpdeskd.config.check import AT_RISK
from helpdeskd.errors import Refused, Temporary
from helpdeskd.installation import ROLES, Installation, held, node, open_installation
from helpdeskd.intake import Intake
from helpdeskd.log import Event
from helpdeskd.monitoring import Monitoring
from helpdeskd.outgoing.render import Renderer
from helpdeskd.outgoing.sender import Sender
from helpdeskd.outgoing.signing import Signer
from helpdeskd.outgoing.transport import Relay
from helpdeskd.resources import version
from helpdeskd.scheduler import Ticker
from helpdeskd.sources.imap import Watcher
from helpdeskd.sources.smtp import Doors
from helpdeskd.store import arrivals
from helpdeskd.store.engine import Store
from helpdeskd.store.lock import NamedLock
from helpdeskd.threads import tell_name

if TYPE_CHECKING:
    from helpdeskd.guard.login import Logins
    from helpdeskd.guard.submission import LoggedIn
    from helpdeskd.http.server import Server

REFRESH_SECONDS = 2
SWEEP_SECONDS = 3600
RULES_SECONDS = 60
DAY_SECONDS = 3600  # between two looks whether a day is over
RESTART_SECONDS = (1, 5, 15, 60)  # a part that dies is started again after so long

_log = log.get("daemon")


class StoreLedger:
    """What the IMAP watchers ask the store: which UIDs of a folder have arrived, and whether a mailbox is this node's."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._locks: dict[str, NamedLock] = {}

    def known(self, account: str, folder: str, uidvalidity: int) -> set[int]:
        def read(conn: Connection) -> set[int]:
            return arrivals.known_uids(conn, account, folder, uidvalidity)

        return self._store.read(read)

    def ours(self, account: str) -> bool:
        """SQLite has one node; on PostgreSQL each mailbox has one watcher among all nodes."""
        if self._store.dialect != "postgresql":
            return True
        return self._locks.setdefault(account, NamedLock(self._store.engine, f"mailbox:{account}")).acquire()

    def release(self) -> None:
        """Let other nodes have them. After the watchers have stopped."""
        for lock in self._locks.values():
            lock.release()


@dataclass(slots=True)
class Daemon:
    """`await run()` serves until SIGTERM or SIGINT, or until `stop` is called. `ready` is set once all doors are open."""

    config: Config
    roles: tuple[str, ...] = ROLES
    ready: threading.Event = field(default_factory=threading.Event)
    listening: tuple[str, ...] = ()
    _died: list[str] = field(default_factory=list)  # parts without which we may not go on
    _stopping: asyncio.Event | None = None
    _loop: asyncio.AbstractEventLoop | None = None

    def stop(self) -> None:
        """End `run` in good order. Any thread."""
        if self._loop is not None and self._stopping is not None:
            self._loop.call_soon_threadsafe(self._stopping.set)

    async def run(self) -> None:
        """Raises ConfigError, Refused (another daemon runs) or Temporary before it is ready; later trouble is logged.

        Temporary after a stop in good order where a part has died: the exit code tells systemd to start us again.
        """
        self._loop = asyncio.get_running_loop()
        self._stopping = asyncio.Event()
        if set(self.roles) != set(ROLES) and not self.config.store_url.startswith("postgresql"):
            raise Refused("roles-need-postgresql", "roles can run apart on PostgreSQL only; SQLite has one daemon")
        with held(self.config, self.roles):
            installation = await asyncio.to_thread(open_installation, self.config)
            try:
                await asyncio.to_thread(_check_blobs, installation)
                await self._serve(installation, self._stopping)
            finally:
                await asyncio.to_thread(installation.close)
        if self._died:
            raise Temporary(f"{', '.join(self._died)} has died, as the log tells")

    async def _serve(self, installation: Installation, stopping: asyncio.Event) -> None:
        loop = asyncio.get_running_loop()
        chosen = (AT_RISK,) if self.config.store.risk_losing_mail else ()
        for warning in (*chosen, *installation.store.warnings):
            _log.warning(Event.WARNING, warning=warning)
        ticker = Ticker()
        ticker.every(REFRESH_SECONDS, "refresh", _forgiving(installation.refresh))
        ticker.every(SWEEP_SECONDS, "sweep", lambda: _sweep(installation))
        reloads: list[Callable[[], None]] = []
        closing: list[Callable[[], Awaitable[None]]] = []  # in the order of stopping
        threads: list[threading.Thread] = []
        stuck: list[Callable[[], bool]] = []

        ledger = StoreLedger(installation.store)
        logins = build_logins(installation) if self.config.submission.listen or self.config.http.listen else None
        watch = Monitoring(installation, self.roles, ledger, notify)
        watch.open(version(), lambda: _moves(threads, stuck), lambda: self._not_ready(stopping))
        if "doors" in self.roles:
            doors = Doors(
                smtp=self.config.smtp,
                lmtp=self.config.lmtp,
                spool_root=installation.spool_root,
                accepts=installation.book.accepts,
                submission=self.config.submission,
                log_in=None if logins is None else _submitters(logins),
            )
            await doors.start()
            reloads.append(doors.reload)
            closing.append(doors.stop)
            self.listening = tuple(doors.listening)
        if "imap" in self.roles:
            watchers = [
                Watcher(box, installation.spool_root, ledger, installation.clock) for box in self.config.mailbox
            ]
            for watcher in watchers:
                watcher.start()
            closing.append(lambda: asyncio.to_thread(_stop_watchers, watchers, ledger))
        woken: list[Callable[[], None]] = []
        if "intake" in self.roles:
            intake = build_intake(installation)
            threads.append(self._thread("intake", intake.run, stopping, loop))
            woken.append(intake.wake)
            ticker.every(RULES_SECONDS, "rules", _forgiving(lambda: housekeeping.automate(installation)))
            ticker.every(DAY_SECONDS, "daily", _forgiving(lambda: housekeeping.once_a_day(installation)))
            stuck.append(lambda: intake.is_stuck)
            closing.append(lambda: _stop_intake(intake, threads[0]))
        if "outgoing" in self.roles:
            renderer = build_renderer(installation)
            relay = Relay(self.config.outgoing)
            sender = build_sender(installation, renderer, relay)
            reloads += [renderer.reload, sender.signer.reload, relay.reload]
            installation.store.writer.after_commit(sender.wake)
            woken.append(sender.wake)
            ended = asyncio.Event()
            task = asyncio.create_task(_kept_alive("outgoing", lambda: sender.run(ended), ended), name="outgoing")
            closing.append(lambda: _stop_task(ended, task))
        if "http" in self.roles and self.config.http.listen and logins is not None:
            server = build_http(installation, logins)
            server.open()
            reloads.append(server.reload)
            threads.append(server.thread)
            closing.insert(0, lambda: asyncio.to_thread(server.close))  # an API's answer may still need all the others
            self.listening += server.listening
        bell = _answer_bell(installation.spool_root, loop, woken)
        for sig in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(sig, stopping.set)
        loop.add_signal_handler(signal.SIGHUP, lambda: _reload(reloads))
        ticker.every(watchdog_seconds() or 3600, "watchdog", lambda: _watchdog(threads, stuck))
        watch.begin(ticker)
        ticker.start()
        _log.info(Event.STARTED, roles=",".join(self.roles), store=installation.store.dialect, pid=os.getpid())
        if not self.config.outgoing.relay:
            _log.warning(Event.WARNING, warning="outgoing.relay is not set: answers are queued and not sent")
        notify("READY=1")
        self.ready.set()
        try:
            await stopping.wait()
        finally:
            notify("STOPPING=1")
            _log.info(Event.STOPPING)
            ticker.stop()
            loop.remove_reader(bell)
            os.close(bell)
            for close in closing:
                await close()
            await asyncio.to_thread(watch.close)
            _log.info(Event.STOPPED)

    def _not_ready(self, stopping: asyncio.Event) -> str:
        if stopping.is_set():
            return "stopping"
        return "" if self.ready.is_set() else "starting"

    def _thread(
        self, name: str, act: Callable[[], None], stopping: asyncio.Event, loop: asyncio.AbstractEventLoop
    ) -> threading.Thread:
        """A part in its own thread. Should it die, the whole daemon stops (systemd starts it again): never limp silently."""

        def guarded() -> None:
            tell_name()
            try:
                act()
            except BaseException:
                self._died.append(name)
                loop.call_soon_threadsafe(stopping.set)
                _log.exception(Event.TROUBLE, died=name)

        thread = threading.Thread(target=guarded, name=name, daemon=True)
        thread.start()
        return thread


def build_intake(installation: Installation) -> Intake:
    """Intake over this installation's spool, for the daemon and for `fetch --through`."""
    return Intake(
        config=installation.config,
        spool_root=installation.spool_root,
        store=installation.store,
        blobs=installation.blobs,
        desk=installation.desk_at,
        book=installation.book,
        clock=installation.clock,
        parser=installation.parser(),
        checker=installation.checker(),
    )


def build_renderer(installation: Installation) -> Renderer:
    """Our templates, under the operator's own."""
    return Renderer(installation.templates, installation.config.paths.templates, installation.config.desk.language)


def build_sender(installation: Installation, renderer: Renderer, relay: Relay) -> Sender:
    """The sender over this installation's outbox. Its owner is this node: a restart takes its rows back, and nobody else's.

    Raises ConfigError where a key of [[dkim]] cannot be used.
    """
    return Sender(
        store=installation.store,
        blobs=installation.blobs,
        renderer=renderer,
        signer=Signer(installation.config),
        relay=relay,
        settings=installation.config.outgoing,
        desk=installation.desk,
        clock=installation.clock,
        rng=installation.desk.rng,
        owner=node(installation.config.paths.data),
    )


def build_logins(installation: Installation) -> Logins:
    """One for the process, whichever door is knocked at."""
    from helpdeskd.guard.login import (
        Logins,
    )  # argon2 and the rest: an installation without such a door need not load them
    from helpdeskd.guard.passwords import Passwords

    return Logins(installation.store, lambda: installation.desk, installation.clock, Passwords())


def _submitters(logins: Logins) -> Callable[[str, str, str], LoggedIn | None]:
    from helpdeskd.guard.submission import log_in

    return partial(log_in, logins)


def build_http(installation: Installation, logins: Logins) -> Server:
    """The APIs over this installation; `logins` are one for the process. Raises ConfigError where it cannot be listened on."""
    from helpdeskd.http.build import build  # an installation without an API need not load it

    return build(
        installation.config.http,
        installation.store,
        installation.blobs,
        installation.clock,
        lambda: installation.desk,
        lambda: spool.room(installation.spool_root).ok,
        logins,
        installation.config.paths.templates,
    )


def notify(state: str) -> None:
    """Tell systemd (sd_notify(3)): a datagram to $NOTIFY_SOCKET, or nothing without one."""
    path = os.environ.get("NOTIFY_SOCKET")
    if not path:
        return
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock:
        try:
            sock.connect("\0" + path[1:] if path.startswith("@") else path)
            sock.sendall(state.encode())
        except OSError as error:
            _log.warning(Event.WARNING, warning="systemd cannot be told", error=str(error))


def watchdog_seconds() -> float | None:
    """Half of what systemd allows between two signs of life (sd_watchdog_enabled(3)), or None."""
    microseconds = os.environ.get("WATCHDOG_USEC", "")
    return int(microseconds) / 2_000_000 if microseconds.isdigit() else None


def _watchdog(threads: Iterable[threading.Thread], stuck: Iterable[Callable[[], bool]] = ()) -> None:
    """A sign of life, unless a thread that must live is dead or does not move: systemd starts us again, and a mail at which
    that happens three times is parked."""
    if any(asked() for asked in stuck):
        _log.error(Event.TROUBLE, part="intake", error="nothing moves; systemd is not told that we live")
    elif _moves(threads):
        notify("WATCHDOG=1")


def _moves(threads: Iterable[threading.Thread], stuck: Iterable[Callable[[], bool]] = ()) -> bool:
    return all(thread.is_alive() for thread in threads) and not any(asked() for asked in stuck)


def _reload(reloads: Iterable[Callable[[], None]]) -> None:
    notify("RELOADING=1")
    for reload in reloads:
        try:
            reload()
        except Exception as error:
            _log.error(Event.TROUBLE, error=str(error), reload=getattr(reload, "__qualname__", "?"))
    notify("READY=1")
    _log.info(Event.RELOADED)


def _forgiving(refresh: Callable[[], None]) -> Callable[[], None]:
    """A store that is down for a moment is said once per tick and is no failure of the clock."""

    def act() -> None:
        try:
            refresh()
        except Temporary as error:
            _log.warning(Event.TROUBLE, part="store", error=str(error))

    return act


def _sweep(installation: Installation) -> None:
    tray.sweep(installation.spool_root, installation.clock().timestamp())


def _check_blobs(installation: Installation) -> None:
    """Settings that can keep no blob are found before a mail is. One that is down is not: mail waits in the spool until it is back."""
    try:
        installation.blobs.check()
    except Temporary as error:
        _log.warning(Event.WARNING, warning="raw mails and attachments cannot be kept now", error=str(error))


def _answer_bell(root: str, loop: asyncio.AbstractEventLoop, woken: Iterable[Callable[[], None]]) -> int:
    bell = spool.open_bell(root)

    def rung() -> None:
        try:
            os.read(bell, 4096)
        except BlockingIOError:
            return
        for wake in woken:
            wake()

    loop.add_reader(bell, rung)
    return bell


async def _stop_intake(intake: Intake, thread: threading.Thread) -> None:
    intake.stop()
    await asyncio.to_thread(thread.join)


async def _stop_task(ended: asyncio.Event, task: asyncio.Task[None]) -> None:
    ended.set()
    await task


def _stop_watchers(watchers: Sequence[Watcher], ledger: StoreLedger) -> None:
    for watcher in watchers:
        watcher.halt()  # all at once: a silent server costs its time-out
    for watcher in watchers:
        watcher.stop()
    ledger.release()


async def _kept_alive(name: str, run: Callable[[], Awaitable[None]], ended: asyncio.Event) -> None:
    """Run a part until it ends by itself; when it dies, say so and start it again, later each time."""
    deaths = 0
    while not ended.is_set():
        try:
            await run()
            return
        except Exception:
            _log.exception(Event.TROUBLE, died=name)
            delay = RESTART_SECONDS[min(deaths, len(RESTART_SECONDS) - 1)]
            deaths += 1
            try:
                await asyncio.wait_for(ended.wait(), delay)
            except TimeoutError:
                continue
