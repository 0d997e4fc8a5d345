"""The IMAP door: one watcher thread per mailbox, and a single pass for cron. Each mail ends in the spool first."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime

from helpdeskd import log, spool
from helpdeskd.config import Mailbox
from helpdeskd.errors import NoRoom, Temporary
from helpdeskd.log import Event
from helpdeskd.model.clock import Clock
from helpdeskd.sources.imap_choice import back_off
from helpdeskd.sources.imap_client import Connection, IdleLost
from helpdeskd.sources.imap_login import LoginFailed
from helpdeskd.sources.imap_pass import Ledger, Memory, Pass, Result
from helpdeskd.sources.imap_state import (
    Book,
    MailboxLock,
    MailboxStatus,
    WatchState,
    asked_again,
    micros,
    moment,
    read_status,
)
from helpdeskd.threads import tell_name

__all__ = ["LOCKED", "FetchResult", "Ledger", "MailboxStatus", "WatchState", "Watcher", "fetch_once", "read_status"]

LOCKED = "another process is watching or fetching this mailbox"
_ELSEWHERE = "another node is watching or fetching this mailbox"
_LOCK_AGAIN = 30.0  # seconds at most until a locked mailbox is tried again
_WRITE_DOWN = 30  # seconds; a quiet pass is written to the state file no more often
_PASSES = 5  # in a row, until the folder is quiet: what arrives during a pass is taken before IDLE begins
_IDLE_REFUSALS = 3  # in a row; then the server is only polled, for
_WITHOUT_IDLE = 3600.0  # seconds
_SHORT_IDLE = 30.0  # seconds; an IDLE that ends sooner was refused, a later end is a network's or a server's restart
_FALSE_NEWS = 3  # in a row; then the next IDLE begins after
_FALSE_NEWS_PAUSE = 10.0  # seconds

_log = log.get("imap")


@dataclass(frozen=True, slots=True)
class FetchResult:
    """What one `fetch` did. `error` is for people, empty when all went well; mails may have been fetched all the same."""

    name: str
    fetched: int
    error: str = ""


def fetch_once(mailbox: Mailbox, spool_root: str, ledger: Ledger, clock: Clock) -> FetchResult:
    """One pass over a mailbox, under its lock. Never raises: one mailbox's trouble must not stop the next (see `error`)."""
    result = Result()
    book = Book(spool_root, mailbox.name)
    try:
        lock = MailboxLock.take(spool_root, mailbox.name)
        if lock is None:
            return FetchResult(mailbox.name, 0, LOCKED)
        with lock:
            book.load()
            book.state.fetched = 0
            try:
                if not ledger.ours(mailbox.name):
                    return FetchResult(mailbox.name, 0, _ELSEWHERE)
                with _connected(mailbox) as connection:
                    one = Pass(mailbox, connection, spool_root, ledger, clock, book, Memory(), lambda: False)
                    one.run(result)
                error = _joined(result.troubles)
            except Exception as trouble:  # an edge, as the watcher's loop is
                error = _joined([*result.troubles, _told(mailbox, trouble)])
            book.state.fetched = result.fetched
            _note(book, error, WatchState.TROUBLE if error else WatchState.STOPPED, clock)
            book.save()
    except Exception as trouble:  # as above: lock and state file
        error = _told(mailbox, trouble)
    if error:
        _log.warning(Event.TROUBLE, mailbox=mailbox.name, error=error)
    _log.info(Event.POLLED, mailbox=mailbox.name, fetched=result.fetched)
    return FetchResult(mailbox.name, result.fetched, error)


@contextmanager
def _connected(mailbox: Mailbox) -> Iterator[Connection]:
    connection = Connection.open(mailbox)
    try:
        yield connection
    except BaseException:
        connection.drop()
        raise
    connection.close()


def _told(mailbox: Mailbox, trouble: Exception) -> str:
    """For people. What is no trouble of server, spool or ledger is a bug of ours, and its traceback is logged."""
    if isinstance(trouble, (Temporary, OSError)):
        return str(trouble)
    text = f"{type(trouble).__name__}: {trouble}"
    _log.error(Event.TROUBLE, mailbox=mailbox.name, error=text, exc_info=trouble)
    return text


def _joined(troubles: list[str]) -> str:
    shown = "; ".join(troubles[:3])
    return shown + (f"; and {len(troubles) - 3} more" if len(troubles) > 3 else "")


def _note(book: Book, error: str, state: WatchState, clock: Clock) -> None:
    book.state.state = state
    if error != book.state.last_error:
        book.state.last_error = error
        book.state.error_at = micros(clock()) if error else 0


class _Elsewhere(Temporary):
    """Another node has this mailbox."""


class Watcher:
    """Watches one mailbox in a thread of its own until `stop`. Nothing that happens in it stops another mailbox."""

    def __init__(
        self,
        mailbox: Mailbox,
        spool_root: str,
        ledger: Ledger,
        clock: Clock,
        *,
        chance: Callable[[], float] = random.random,
    ) -> None:
        self._box = mailbox
        self._spool = spool_root
        self._ledger = ledger
        self._clock = clock
        self._chance = chance
        self._stop = threading.Event()
        self._memory = Memory()
        self._connection: Connection | None = None
        self._idle_refusals = 0
        self._idle_again = 0.0  # by time.monotonic(): not before
        self._served = False  # this session saw a whole pass
        self._saved_at: datetime | None = None
        self._status = MailboxStatus(mailbox.name, None, "", 0, WatchState.STARTING)
        self._thread = threading.Thread(target=self._run, name=f"imap-{mailbox.name}", daemon=True)

    @property
    def status(self) -> MailboxStatus:
        return self._status

    @property
    def alive(self) -> bool:
        return self._thread.is_alive()

    def start(self) -> None:
        self._thread.start()

    def halt(self) -> None:
        """Ask the watcher to end, from any thread, waking it wherever it waits. Does not wait: for stopping many."""
        self._stop.set()
        connection = self._connection
        if connection is not None:
            connection.kick()

    def stop(self, seconds: float = 15.0) -> None:
        """`halt`, then wait until it has ended, for `seconds` at most: a server that does not answer while a connection
        is being made holds it for the mailbox's timeout, and a command that prints a token for as long."""
        self.halt()
        if self._thread.ident is not None:
            self._thread.join(seconds)

    def _run(self) -> None:
        tell_name()
        while not self._stop.is_set():
            try:
                lock = MailboxLock.take(self._spool, self._box.name)
                if lock is None:
                    self._show(WatchState.LOCKED, error=LOCKED)
                    self._stop.wait(min(self._box.poll_seconds, _LOCK_AGAIN))
                    continue
                with lock:
                    self._hold(Book(self._spool, self._box.name).load())
            except Exception as error:  # the edge of this thread: no trouble may end it
                self._trouble(None, error)
                self._stop.wait(min(self._box.poll_seconds, _LOCK_AGAIN))
        self._show(WatchState.STOPPED)

    def _hold(self, book: Book) -> None:
        """With the lock: sessions with the server until we are stopped."""
        self._show(WatchState.STARTING, last_good=moment(book.state.last_good))
        book.state.fetched = 0
        tries = 0
        while not self._stop.is_set():
            self._served = False
            delay = 0.0
            began = time.monotonic()
            try:
                self._session(book)
            except NoRoom as error:
                self._trouble(book, error, WatchState.NO_ROOM)
                delay = float(self._box.poll_seconds)
            except _Elsewhere:
                if self._status.state is not WatchState.LOCKED:
                    self._show(WatchState.LOCKED, error=_ELSEWHERE)
                    self._write_down(book, WatchState.LOCKED)  # audit and alarms leave it to that node
                delay = min(self._box.poll_seconds, _LOCK_AGAIN)
            except Exception as error:  # the edge of this thread: no trouble may end it
                if self._stop.is_set():
                    break  # it was our own kick
                lasted = time.monotonic() - began
                tries = 1 if self._served and lasted > max(60, self._box.poll_seconds) else tries + 1
                self._trouble(book, error)
                delay = back_off(
                    tries,
                    self._chance(),
                    login=isinstance(error, LoginFailed),
                    served=self._served,
                    poll_seconds=self._box.poll_seconds,
                )
            self._stop.wait(delay)
        self._write_down(book, WatchState.STOPPED)

    def _session(self, book: Book) -> None:
        """One connection: pass, wait, pass, ... Returns when stopped; raises whatever ends it."""
        spool.check_room(self._spool)
        self._check_ours()
        self._show(WatchState.CONNECTING)
        with _connected(self._box) as connection:
            self._connection = connection
            try:
                one = Pass(
                    self._box, connection, self._spool, self._ledger, self._clock, book, self._memory, self._stop.is_set
                )
                news, false_news = False, 0
                while not self._stop.is_set():
                    self._check_ours()
                    quiet = self._passes(one, book)
                    # Some servers tell of mail at each IDLE; without a pause we would only ask and idle, ask and idle.
                    false_news = false_news + 1 if news and quiet else 0
                    if false_news >= _FALSE_NEWS:
                        self._show(WatchState.WAITING)
                        self._stop.wait(min(self._box.poll_seconds, _FALSE_NEWS_PAUSE))
                    news = self._wait(connection)
            finally:
                self._connection = None

    def _check_ours(self) -> None:
        """A lock in the database is lost with its connection, so it is asked for before each piece of work."""
        if not self._ledger.ours(self._box.name):
            raise _Elsewhere(_ELSEWHERE)

    def _passes(self, one: Pass, book: Book) -> bool:
        """Pass until the folder is quiet, so that IDLE misses nothing. True: it was so from the start."""
        self._show(WatchState.POLLING)
        if asked_again(self._spool, self._box.name):
            self._memory.forget()
        for n in range(_PASSES):
            result = Result()
            try:
                one.run(result)
            finally:
                book.state.fetched += result.fetched
                self._show(fetched=book.state.fetched)
            self._passed(book, result)
            if result.quiet:
                return n == 0
            if result.failed or result.troubles or self._stop.is_set():
                break
        return False

    def _wait(self, connection: Connection) -> bool:
        """Until the next pass is due, the server has news (then True), or we are stopped."""
        if not (self._box.idle and connection.can("IDLE")) or time.monotonic() < self._idle_again:
            self._show(WatchState.WAITING)
            self._stop.wait(self._box.poll_seconds)
            return False
        self._show(WatchState.IDLING)
        began = time.monotonic()
        try:
            news = not self._stop.is_set() and connection.idle(self._box.poll_seconds)
        except IdleLost:
            if not self._stop.is_set() and time.monotonic() - began < _SHORT_IDLE:
                self._idle_refusals += 1
                if self._idle_refusals >= _IDLE_REFUSALS:
                    self._idle_refusals = 0
                    self._idle_again = time.monotonic() + _WITHOUT_IDLE
            raise
        self._idle_refusals = 0
        return news

    def _passed(self, book: Book, result: Result) -> None:
        """After a pass: the log, the status, the state file."""
        if self._stop.is_set() and result.failed and not result.troubles:
            return
        error = _joined(result.troubles)
        if error and error != self._status.last_error:
            _log.warning(Event.TROUBLE, mailbox=self._box.name, error=error)
        (_log.info if result.fetched else _log.debug)(Event.POLLED, mailbox=self._box.name, fetched=result.fetched)
        changed = bool(result.fetched) or not result.quiet or error != book.state.last_error
        self._served = not result.failed or self._served
        self._show(last_good=moment(book.state.last_good), error=error)
        if changed or self._saved_at is None or abs((self._clock() - self._saved_at).total_seconds()) >= _WRITE_DOWN:
            _note(book, error, WatchState.TROUBLE if result.failed else WatchState.WAITING, self._clock)
            book.save()
            self._saved_at = self._clock()

    def _trouble(self, book: Book | None, error: Exception, state: WatchState = WatchState.TROUBLE) -> None:
        known = isinstance(error, (Temporary, OSError))
        text = str(error) if known else _told(self._box, error)
        if known and text != self._status.last_error:
            _log.warning(Event.TROUBLE, mailbox=self._box.name, error=text)
        self._show(state, error=text)
        if book is not None:
            self._write_down(book, state)

    def _write_down(self, book: Book, state: WatchState) -> None:
        _note(book, self._status.last_error, state, self._clock)
        try:
            book.save()
        except OSError as error:
            # Not being able to note it changes nothing: the state on disk is the last one that was true.
            _log.warning(Event.TROUBLE, mailbox=self._box.name, error=f"the state file cannot be written: {error}")

    def _show(
        self,
        state: WatchState | None = None,
        *,
        error: str | None = None,
        last_good: datetime | None = None,
        fetched: int | None = None,
    ) -> None:
        status = self._status
        self._status = replace(
            status,
            state=state or status.state,
            last_error=status.last_error if error is None else error,
            last_good=last_good or status.last_good,
            fetched=status.fetched if fetched is None else fetched,
        )
