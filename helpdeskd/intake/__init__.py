"""From the spool to the desk: claim, parse, keep every byte, hand over, and only after COMMIT forget the spool's copy.

One thread. Mails are parsed one after the other in order of arrival, by a process of their own, while the writer commits those
before them; one whose verdict takes long lets others pass, if they have nothing to do with it (turns.py). Whose fault a failure is decides what happens next (DESIGN: the protocol):

    the mail's own (BadMail, a bug of ours that this mail meets)   a strike; the third parks it
    it is too large or too intricate to be parsed in bounds        none: its headers make the ticket, with the whole as a file
    nobody's: commands hang on a verdict that DNS withholds        none: it is put off, alone (later.py)
    anything else (store, disk, memory, threads, shutdown)         the strike is taken back; wait and try again

The strike is durable before the attempt. Once a mail is parsed it is taken back, so that a daemon that is killed now and then
parks nobody's mail. What is found in cur/ was in hand when a daemon died: such a suspect goes alone, and for it alone the write
counts as an attempt too, so that a mail at which the daemon dies is parked, and healthy ones beside it are not. The last attempt
waits for a daemon that has lived for a while: one that is killed every few seconds proves nothing against the mail in hand.
"""

from __future__ import annotations

import threading
import traceback
from collections import deque
from collections.abc import Callable, Generator, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import wait as wait_for
from contextlib import closing
from dataclasses import dataclass, replace
from time import monotonic

from sqlalchemy import Connection

from helpdeskd import log, metrics, tray
from helpdeskd.config import Config
from helpdeskd.desk import receive
from helpdeskd.desk.address_book import AddressBook
from helpdeskd.desk.arrived import arrived_from, believe, moment, record_parked
from helpdeskd.desk.context import Desk
from helpdeskd.errors import BadMail, NotFound, PutOff, Temporary
from helpdeskd.intake import plus
from helpdeskd.intake.checking import Checker, files_of
from helpdeskd.intake.later import Later
from helpdeskd.intake.story import tell
from helpdeskd.intake.turns import Parsed, in_turn
from helpdeskd.log import Event
from helpdeskd.mail.parse import claimed
from helpdeskd.model.clock import Clock
from helpdeskd.model.mail import Door, Inbound
from helpdeskd.model.routing import Outcome
from helpdeskd.parser.wire import Mail
from helpdeskd.parser.worker import Crashed, Parser
from helpdeskd.store.blobs import Blobs
from helpdeskd.store.engine import Store
from helpdeskd.store.line import Line
from helpdeskd.threads import tell_name

STRIKES = 3
RETRY_SECONDS = (1, 2, 5, 10, 30)  # after temporary trouble, the last one again and again
HELD_BYTES = 8 << 20  # of mails of one batch on their way to the disk: beyond, each is waited for
CALM_SECONDS = 10.0  # of life before a mail that two daemons died with is tried for the last time
POLL_SECONDS = 2.0  # a bell may be missed; nothing waits longer than this
STUCK_SECONDS = 300.0  # a mail takes seconds, and a store that is down says so within a minute or two

_log = log.get("intake")


@dataclass(slots=True)
class Counts:
    """What passes over the spool came to: mails received, parked, and those that must wait."""

    received: int = 0
    struck: int = 0
    parked: int = 0
    waiting: int = 0
    put_off: int = 0
    halted: bool = False  # the pass broke off: the trouble was not one mail's


@dataclass(frozen=True, slots=True)
class _Work:
    entry: tray.Entry
    arrived: receive.Arrived
    future: Future[tuple[receive.Received, ...]]


class Intake:
    """Takes what is in one spool to one store. `once` drains; `run` goes on until `stop`."""

    def __init__(
        self,
        *,
        config: Config,
        spool_root: str,
        store: Store,
        blobs: Blobs,
        desk: Callable[[Door], Desk],
        book: AddressBook,
        clock: Clock,
        parser: Parser,
        checker: Checker,
    ) -> None:
        self._config = config
        self._root = spool_root
        self._store = store
        self._blobs = blobs
        self._desk = desk
        self._book = book
        self._clock = clock
        self._parser = parser
        self._checker = checker
        self._bell = threading.Event()
        self._stop = threading.Event()
        self._pool = ThreadPoolExecutor(4, thread_name_prefix="blobs", initializer=tell_name)
        self._line = Line(store.writer)  # one for each pass
        self._later = Later(clock)
        self._owed: set[str] = set()  # mails whose strike the disk did not let us take back yet
        self.counts = Counts()
        self._last_step = monotonic()
        self._calm_at = 0.0  # when this daemon has lived for CALM_SECONDS; `once` alone has no time to wait
        self._struck: set[str] = set()  # those whose last strike is of this life

    @property
    def is_stuck(self) -> bool:
        """Has nothing moved for STUCK_SECONDS? Then a mail or the store holds us up for ever. Any thread."""
        return monotonic() - self._last_step > STUCK_SECONDS

    def wake(self) -> None:
        """There may be something in the spool. Any thread."""
        self._bell.set()

    def stop(self) -> None:
        """Finish the mails in hand, then return from `run`. Any thread."""
        self._stop.set()
        self._bell.set()

    def run(self) -> None:
        """Until `stop`. Runs in a thread of its own."""
        trouble = 0
        self._calm_at = monotonic() + CALM_SECONDS
        self._later.lives()
        while not self._stop.is_set():
            self._bell.clear()
            try:
                passed = self.once()
            except Exception as error:
                _log.error(Event.TROUBLE, error=str(error), exc_info=not isinstance(error, OSError))
                passed = Counts(waiting=1, halted=True)
            self._last_step = monotonic()
            if passed.waiting:
                # What holds back one mail only does not hold back those that come meanwhile.
                ended = self._stop if passed.halted else self._bell
                ended.wait(RETRY_SECONDS[min(trouble, len(RETRY_SECONDS) - 1)])
                trouble += 1
            else:
                trouble = 0
                self._bell.wait(POLL_SECONDS)
                self._parser.rest()
        self.close()

    def close(self) -> None:
        """End what `once` has started. `run` does so itself."""
        self._parser.close()
        self._pool.shutdown()
        self._checker.close()

    def once(self) -> Counts:
        """One pass over what is in the spool now. Returns this pass's counts (`counts` adds them up)."""
        passed = Counts()
        self._line = Line(self._store.writer)
        waiting = deque(self._later.due(tray.scan(self._root)))
        if waiting:
            try:
                self._parser.start()  # before any attempt begins: it takes longer than most mails
            except Temporary as error:
                self._wait(waiting[0], error, passed, halt=True)
        while waiting and not self._ends(passed):
            self._take(self._fresh(waiting, passed), passed)
            self._take(self._suspect(waiting, passed), passed, alone=True)
        self.counts.received += passed.received
        self.counts.struck += passed.struck
        self.counts.parked += passed.parked
        self.counts.waiting = passed.waiting
        self.counts.put_off = passed.put_off = len(self._later)
        return passed

    def _ends(self, passed: Counts) -> bool:
        return passed.halted or self._stop.is_set()

    def _fresh(self, waiting: deque[str], passed: Counts) -> Iterator[tray.Entry]:
        """Entries begun, in order of arrival, as far as the first suspect. Drawn as the parser gets to them."""
        while waiting and not self._ends(passed):
            batch: list[tray.Entry] = []
            while waiting and len(batch) < self._config.intake.batch:
                entry = self._claimed(waiting[0], passed)
                if entry is not None and entry.tried:
                    break
                waiting.popleft()
                batch += [entry] if entry is not None else []
            if not batch:
                return
            yield from self._begun(batch, passed)

    def _suspect(self, waiting: deque[str], passed: Counts) -> Iterator[tray.Entry]:
        """The next one, which stopped `_fresh`: it goes alone, for what it may break is its own."""
        entry = self._claimed(waiting.popleft(), passed) if waiting and not self._ends(passed) else None
        if entry is not None:
            yield from self._begun([entry], passed)

    def _claimed(self, spool_id: str, passed: Counts) -> tray.Entry | None:
        """None where it cannot be taken now, or is not to be tried again."""
        try:
            entry = tray.claim(self._root, spool_id)
            if entry is not None and spool_id in self._owed:
                entry = tray.forgive(entry)
                self._owed.discard(spool_id)
        except BadMail as error:
            self._park(spool_id, spool_id, f"unreadable: {error}", "", passed)
            return None
        except OSError as error:
            self._wait(spool_id, error, passed)  # one bad sector holds back one mail
            return None
        if entry is not None and entry.strikes >= STRIKES:
            self._park(entry, entry.id, "killed", f"{entry.strikes} attempts at this mail were never finished", passed)
            return None
        last = entry is not None and entry.strikes == STRIKES - 1 and entry.id not in self._struck
        if last and monotonic() < self._calm_at:
            self._wait(spool_id, Temporary("daemons died with it in hand: it is tried in a quiet moment"), passed)
            return None
        return entry

    def _begun(self, batch: list[tray.Entry], passed: Counts) -> Iterator[tray.Entry]:
        """Each, its strike durable. Those that are not asked for before the pass ends get theirs back."""
        try:
            begun = deque(tray.begin_all(batch))
        except OSError as error:
            self._wait(batch[0].id, error, passed, halt=True)
            return
        try:
            while begun and not self._ends(passed):
                yield begun.popleft()
        finally:
            for entry in begun:
                self._take_back(entry)

    def _take(self, entries: Iterator[tray.Entry], passed: Counts, *, alone: bool = False) -> None:
        """Parse each, and give them to the writer a batch at a time: one COMMIT. Those whose verdict takes long let others pass. All are
        finished when this returns."""
        flying: list[_Work] = []
        parsed: list[Parsed] = []
        fresh = held = 0
        batch = self._config.intake.batch
        with closing(self._parsed(entries, passed)) as outcomes:
            for entry, raw, outcome in outcomes:
                try:
                    if isinstance(outcome, Crashed):
                        raise outcome
                    parsed.append(self._kept(entry, raw, outcome))
                except (Temporary, OSError) as error:
                    self._forgive(entry, error, passed)
                except MemoryError as error:
                    # The machine's, most likely; should it be this mail's, it holds back no other.
                    self._forgive(entry, error, passed, halt=False)
                except Exception as error:
                    self._strike(entry, error, passed)
                else:
                    fresh += 1
                    held += len(raw)
                    if held > HELD_BYTES:
                        wait_for(parsed[-1].keeping)
                if fresh == batch:
                    now, parsed = in_turn(parsed, fresh, batch)
                    ready = self._given(now, passed, alone=alone)
                    self._finish(flying, passed)
                    flying, fresh, held = ready, 0, 0
                if self._ends(passed):  # those sent ahead might each take its whole time
                    break
        for last in in_turn(parsed, fresh, batch):
            flying += self._given(last, passed, alone=alone)
            self._finish(flying, passed)
            flying = []

    def _parsed(
        self, entries: Iterator[tray.Entry], passed: Counts
    ) -> Generator[tuple[tray.Entry, bytes, Inbound | Crashed]]:
        """Each mail as the parser reads it. Those that cannot be had are left out."""
        sent: deque[tuple[tray.Entry, bytes, float]] = deque()

        def mails() -> Iterator[Mail]:
            for entry in entries:
                self._last_step = monotonic()
                try:
                    raw = entry.raw()
                except (OSError, MemoryError) as error:
                    self._forgive(entry, error, passed, halt=False)
                except NotFound:
                    continue  # somebody else has finished it
                else:
                    received = moment(entry.envelope.received)
                    metrics.took(metrics.Stage.SPOOL, (self._clock() - received).total_seconds())
                    sent.append((entry, raw, monotonic()))
                    yield Mail(raw, entry.envelope.sender if entry.envelope.sender_known else None)

        try:
            with closing(self._parser.parse(mails())) as outcomes:
                for outcome in outcomes:
                    self._last_step = monotonic()
                    entry, raw, begun = sent.popleft()
                    metrics.took(metrics.Stage.PARSE, self._last_step - begun)
                    yield entry, raw, outcome
        except Temporary as error:  # there is no parser
            self._wait(sent[0][0].id, error, passed, halt=True)
        finally:
            for entry, _, _ in sent:
                self._take_back(entry)

    def _given(self, parsed: list[Parsed], passed: Counts, *, alone: bool) -> list[_Work]:
        """To the writer, once the blobs are durable that the store will name."""
        works: list[_Work] = []
        for entry, arrived, keeping, checking in parsed:
            if passed.halted:
                break
            try:
                kept = [blob.result() for blob in keeping]
            except Exception as error:  # bytes that do not get to the disk are never the mail's fault
                self._wait(entry.id, error, passed, halt=True)
                break  # the next pass takes those behind it in their order
            try:
                believe(arrived.inbound, kept)
                judged = arrived.judged(checking.result(), patient=self._later.patient(entry.envelope))
                works.append(self._submitted(tray.begin(entry) if alone else entry, judged))
            except NotFound:
                continue  # somebody else has finished it
            except (Temporary, OSError) as error:
                self._wait(entry.id, error, passed, halt=True)
            except Exception as error:
                self._strike_late(entry, error, passed)
        return works

    def _submitted(self, entry: tray.Entry, arrived: receive.Arrived) -> _Work:
        desk = self._desk(arrived.door)

        def act(conn: Connection) -> tuple[receive.Received, ...]:
            return receive.receive(conn, desk, self._clock(), arrived)

        future = self._line.submit(act, conflict_retries=3)
        metrics.until_done(metrics.Stage.COMMIT, future)
        return _Work(entry, arrived, future)

    def _kept(self, entry: tray.Entry, raw: bytes, inbound: Inbound) -> Parsed:
        """Begin to put the raw mail and its parts where the store may name them, and take the strike back."""
        inbound = claimed(inbound, self._book.is_ours)
        keeping = [self._keep(data) for data in (raw, *(part.data for part in inbound.files))]
        plus.notice(self._store, entry.envelope, inbound)
        arrived = arrived_from(entry.envelope, inbound, self._config)
        if arrived.cut:
            _log.warning(Event.WARNING, spool=entry.id, warning="the mail was cut", cut="; ".join(arrived.cut))
        # The bytes of the parts become blobs; memory is not for waiting.
        lean = inbound.without_bytes()
        checking = self._checker.begin(entry.envelope, raw, lean, files_of(inbound))
        return Parsed(tray.forgive(entry, flush=False), replace(arrived, inbound=lean), keeping, checking)

    def _keep(self, data: bytes) -> Future[str]:
        try:
            return self._pool.submit(self._blobs.put, data)
        except RuntimeError as error:  # the system gives us no thread, or we are being shut down
            raise Temporary(str(error)) from error

    def _finish(self, flying: list[_Work], passed: Counts) -> None:
        """Wait for COMMIT, then forget the spool's copies."""
        for work in flying:
            self._last_step = monotonic()
            try:
                results = work.future.result()
            except PutOff as error:
                self._take_back(work.entry)
                self._later.put_off(work.entry.id, str(error))
            except (Temporary, OSError, MemoryError) as error:
                self._forgive(work.entry, error, passed)
            except Exception as error:
                if work.entry.strikes:
                    self._strike(work.entry, error, passed)
                else:
                    self._strike_late(work.entry, error, passed)
            else:
                self._struck.discard(work.entry.id)
                self._later.over(work.entry.id)
                passed.received += 1
                tell(work.arrived, results)
                try:
                    tray.done(work.entry)
                except OSError as error:  # it meets its own arrival at the next pass
                    self._forgive(work.entry, error, passed, halt=False)

    def _forgive(self, entry: tray.Entry, error: Exception, passed: Counts, *, halt: bool = True) -> None:
        self._take_back(entry)
        self._wait(entry.id, error, passed, halt=halt)

    def _take_back(self, entry: tray.Entry) -> None:
        """Forgive this attempt; where the disk refuses now, before the next one."""
        try:
            tray.forgive(entry)
        except OSError:
            self._owed.add(entry.id)

    def _wait(self, spool_id: str, error: Exception, passed: Counts, *, halt: bool = False) -> None:
        """`halt`: the trouble is everybody's (store, disk), so this pass ends here."""
        passed.waiting += 1
        passed.halted |= halt
        _log.warning(Event.WAITING, spool=spool_id, error=str(error) or type(error).__name__)

    def _strike_late(self, entry: tray.Entry, error: Exception, passed: Counts) -> None:
        """A fault that shows after its strike was taken back. One that cannot be written down is none."""
        try:
            begun = tray.begin(entry)
        except (OSError, NotFound) as trouble:
            self._wait(entry.id, trouble, passed)
        else:
            self._strike(begun, error, passed)

    def _strike(self, entry: tray.Entry, error: Exception, passed: Counts) -> None:
        if isinstance(error, Crashed):
            reason, trace = error.reason, error.trace
        else:
            reason, trace = type(error).__name__, "".join(traceback.format_exception(error))
        passed.struck += 1
        self._struck.add(entry.id)
        _log.error(Event.STRUCK, spool=entry.id, strikes=entry.strikes, error=repr(error))
        if entry.strikes >= STRIKES:
            self._park(entry, entry.id, reason, trace, passed)
        else:
            self._bell.set()

    def _park(self, entry: tray.Entry | str, spool_id: str, reason: str, trace: str, passed: Counts) -> None:
        """Set it aside. The spool's parked/ is the record that counts; the ledger's row is for those who look there."""
        if isinstance(entry, tray.Entry):
            try:
                self._record_parked(entry, reason)
            except Exception as error:  # what breaks the desk may break the ledger too; unparked it would block all
                _log.warning(Event.TROUBLE, spool=spool_id, error=repr(error))
        try:
            tray.park(self._root, entry, reason, trace)
        except OSError as error:
            self._wait(spool_id, error, passed)
            return
        self._struck.discard(spool_id)
        passed.parked += 1
        metrics.settled(entry.envelope.door if isinstance(entry, tray.Entry) else "unknown", Outcome.PARKED.value)
        _log.error(Event.PARKED, spool=spool_id, reason=reason)

    def _record_parked(self, entry: tray.Entry, reason: str) -> None:
        raw_sha256 = self._blobs.put(entry.raw())

        def act(conn: Connection) -> None:
            record_parked(conn, self._clock(), entry.envelope, reason, raw_sha256, entry.size)

        self._store.writer.run(act)
