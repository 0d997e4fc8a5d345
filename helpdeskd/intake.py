"""From the spool to the desk: claim, parse, keep every byte, hand over, and only after COMMIT forget the spool's copy.

One thread. Mails are parsed one after the other in order of arrival while the writer commits those before them.
Whose fault a failure is decides what happens next (DESIGN: the protocol):

    the mail's own (BadMail, a bug of ours that this mail meets)   a strike; the third parks it
    anything else (store, disk, memory, threads, shutdown)         the strike is taken back; wait and try again
"""

from __future__ import annotations

import threading
import traceback
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import wait as wait_for
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from time import monotonic

from sqlalchemy import Connection

from helpdeskd import log, metrics, spool, tray
from helpdeskd.config import Config
from helpdeskd.desk import receive
from helpdeskd.desk.address_book import AddressBook
from helpdeskd.desk.context import Desk, Part
from helpdeskd.errors import BadMail, NotFound, Temporary
from helpdeskd.log import Event
from helpdeskd.mail import ids, parse
from helpdeskd.model.clock import Clock
from helpdeskd.model.mail import Door, Inbound, Kind
from helpdeskd.model.routing import Outcome
from helpdeskd.store import arrivals, settings
from helpdeskd.store.blobs import Blobs
from helpdeskd.store.engine import Store
from helpdeskd.store.line import Line
from helpdeskd.threads import tell_name

STRIKES = 3
RETRY_SECONDS = (1, 2, 5, 10, 30)  # after temporary trouble, the last one again and again
HELD_BYTES = 8 << 20  # of mails of one batch on their way to the disk: beyond, each is waited for
POLL_SECONDS = 2.0  # a bell may be missed; nothing waits longer than this
STUCK_SECONDS = 300.0  # a mail takes seconds, and a store that is down says so within a minute or two

CHECK_DETAIL = "check-"  # the +detail of mails that `check mail` sends to ourselves begins so
PLUS_SEEN = "plus_seen"  # setting: the +detail of the last such mail that came in

_log = log.get("intake")

_EVENTS = {
    Outcome.OPENED: Event.OPENED,
    Outcome.APPENDED: Event.APPENDED,
    Outcome.COMMAND: Event.COMMANDED,
    Outcome.DUPLICATE: Event.DUPLICATE,
}


@dataclass(slots=True)
class Counts:
    """What passes over the spool came to: mails received, parked, and those that must wait."""

    received: int = 0
    struck: int = 0
    parked: int = 0
    waiting: int = 0
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
    ) -> None:
        self._config = config
        self._root = spool_root
        self._store = store
        self._blobs = blobs
        self._desk = desk
        self._book = book
        self._clock = clock
        self._bell = threading.Event()
        self._stop = threading.Event()
        self._pool = ThreadPoolExecutor(4, thread_name_prefix="blobs", initializer=tell_name)
        self._line = Line(store.writer)  # one for each pass
        self._owed: set[str] = set()  # mails whose strike the disk did not let us take back yet
        self.counts = Counts()
        self._last_step = monotonic()

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
        self._pool.shutdown()

    def once(self) -> Counts:
        """One pass over what is in the spool now. Returns this pass's counts (`counts` adds them up)."""
        passed = Counts()
        self._line = Line(self._store.writer)
        flying: list[_Work] = []
        for batch in _batches(tray.scan(self._root), self._config.intake.batch):
            if self._stop.is_set() or passed.halted:
                break
            ready: list[_Work] = []
            for entries in self._claimed(batch, passed):
                if entries[0].strikes:
                    self._finish([*flying, *ready], passed)  # a suspect goes alone: what it may break is its own
                    flying, ready = [], []
                ready += self._started(entries, passed)
            self._finish(flying, passed)
            flying = ready
        self._finish(flying, passed)
        self.counts.received += passed.received
        self.counts.struck += passed.struck
        self.counts.parked += passed.parked
        self.counts.waiting = passed.waiting
        return passed

    def _claimed(self, batch: list[str], passed: Counts) -> Iterator[list[tray.Entry]]:
        """The batch's entries in order of arrival, in groups that may be begun together: a suspect is one of its own."""
        group: list[tray.Entry] = []
        for spool_id in batch:
            try:
                entry = tray.claim(self._root, spool_id)
                if entry is not None and spool_id in self._owed:
                    entry = tray.forgive(entry)
                    self._owed.discard(spool_id)
            except BadMail as error:
                self._park(spool_id, spool_id, f"unreadable: {error}", "", passed)
                continue
            except OSError as error:
                self._wait(spool_id, error, passed)  # one bad sector holds back one mail
                continue
            if entry is None:
                continue
            if entry.strikes >= STRIKES:
                self._park(
                    entry, entry.id, "killed", f"{entry.strikes} attempts at this mail were never finished", passed
                )
            elif entry.strikes:
                if group:
                    yield group
                    group = []
                yield [entry]
            else:
                group.append(entry)
        if group:
            yield group

    def _started(self, entries: list[tray.Entry], passed: Counts) -> list[_Work]:
        """Parse each, then give all to the writer together: one COMMIT. A suspect is waited for before this returns."""
        try:
            begun = tray.begin_all(entries)
        except OSError as error:
            self._wait(entries[0].id, error, passed, halt=True)
            return []
        parsed: list[tuple[tray.Entry, receive.Arrived, list[Future[str]]]] = []
        held = 0
        for entry in begun:
            self._last_step = monotonic()
            if passed.halted or self._stop.is_set():
                self._take_back(entry)
                continue
            try:
                raw = entry.raw()
            except (OSError, MemoryError) as error:
                self._forgive(entry, error, passed, halt=False)
                continue
            except NotFound:
                continue  # somebody else has finished it
            try:
                read = self._read(entry, raw)
                # Here a mail may bring the process down, and it is over. From now on a kill is nobody's fault: were it counted,
                # a few of them in a row would park whatever mail was in hand.
                parsed.append((tray.forgive(entry, flush=False), *read))
            except (Temporary, OSError) as error:
                self._forgive(entry, error, passed)
            except MemoryError as error:  # the machine's, most likely; should it be this mail, it holds back no other
                self._forgive(entry, error, passed, halt=False)
            except Exception as error:
                self._strike(entry, error, passed)
            else:
                held += len(raw)
                if held > HELD_BYTES:
                    wait_for(parsed[-1][2])
        works = []
        for entry, arrived, keeping in parsed:
            if passed.halted:
                break  # the next pass takes them in their order
            try:
                for kept in keeping:
                    kept.result()
            except Exception as error:  # bytes that do not get to the disk are never the mail's fault
                self._wait(entry.id, error, passed, halt=True)
            else:
                works.append(self._submitted(entry, arrived))
        if entries[0].strikes:
            self._finish(works, passed)
            works = []
        return works

    def _submitted(self, entry: tray.Entry, arrived: receive.Arrived) -> _Work:
        desk = self._desk(arrived.door)

        def act(conn: Connection) -> tuple[receive.Received, ...]:
            return receive.receive(conn, desk, self._clock(), arrived)

        future = self._line.submit(act, conflict_retries=3)
        metrics.until_done(metrics.Stage.COMMIT, future)
        return _Work(entry, arrived, future)

    @metrics.timed(metrics.Stage.PARSE)
    def _read(self, entry: tray.Entry, raw: bytes) -> tuple[receive.Arrived, list[Future[str]]]:
        """Parse, and begin to put the raw mail and its parts where the store may name them, once the futures are done."""
        envelope = entry.envelope
        metrics.took(metrics.Stage.SPOOL, (self._clock() - _moment(envelope.received)).total_seconds())
        sender = envelope.sender if envelope.sender_known else None
        inbound = parse.parse(
            raw,
            sender=sender,
            instance=self._desk(Door(envelope.door)).instance,
            own_addresses=self._book.is_ours,
            marker=self._config.desk.marker,
            limits=self._config.intake,
        )
        keeping = [self._keep(data) for data in (raw, *(part.data for part in inbound.parts))]
        self._notice_check(envelope, inbound)
        arrived = arrived_from(envelope, inbound, self._config)
        # The bytes of the parts become blobs; memory is not for waiting.
        return replace(arrived, inbound=replace(inbound, parts=())), keeping

    def _keep(self, data: bytes) -> Future[str]:
        try:
            return self._pool.submit(self._blobs.put, data)
        except RuntimeError as error:  # the system gives us no thread, or we are being shut down
            raise Temporary(str(error)) from error

    def _notice_check(self, envelope: spool.Envelope, inbound: Inbound) -> None:
        """Does this mail prove that plus-addresses reach us? `check mail` waits for the answer."""
        recipients = envelope.recipients or tuple(address.email for address in (*inbound.to, *inbound.cc))
        for recipient in recipients:
            detail = ids.split_detail(recipient)[1]
            if detail.startswith(CHECK_DETAIL) and inbound.kind is Kind.OWN:

                def seen(conn: Connection, detail: str = detail) -> None:
                    settings.put(conn, PLUS_SEEN, detail)

                self._store.writer.run(seen)

    def _finish(self, flying: list[_Work], passed: Counts) -> None:
        """Wait for COMMIT, then forget the spool's copies."""
        for work in flying:
            self._last_step = monotonic()
            try:
                results = work.future.result()
            except (Temporary, OSError, MemoryError) as error:
                self._wait(work.entry.id, error, passed, halt=True)
            except Exception as error:
                try:
                    begun = tray.begin(work.entry)
                except (OSError, NotFound) as trouble:  # a strike that cannot be written down is none
                    self._wait(work.entry.id, trouble, passed)
                else:
                    self._strike(begun, error, passed)
            else:
                passed.received += 1
                self._tell(work, results)
                try:
                    tray.done(work.entry)
                except OSError as error:  # it meets its own arrival at the next pass
                    self._wait(work.entry.id, error, passed)

    def _tell(self, work: _Work, results: tuple[receive.Received, ...]) -> None:
        """The mail's story, once it is true: for each ticket the decision and what came of it, then the mails it caused."""
        arrived = work.arrived
        mail = {"spool": arrived.spool_id, "message": arrived.inbound.message_id}
        if arrived.door is Door.PIPE and not results[0].replayed:  # the other doors say so themselves, when it is true
            metrics.received(arrived.door.value)
            _log.info(
                Event.RECEIVED,
                spool=arrived.spool_id,
                door=arrived.door.value,
                sender=arrived.sender,
                recipients=len(arrived.recipients),
                size=arrived.inbound.size,
            )
        for result in results:
            if result.replayed:
                _log.info(Event.DUPLICATE, **mail, reason="replay", outcome=result.outcome.value, ticket=result.number)
            else:
                metrics.settled(arrived.door.value, result.outcome.value)
            for done in result.done:
                decision = done.decision
                known = {
                    **mail,
                    "department": result.department,
                    "ticket": done.number,
                    "reason": decision.reason.value,
                }
                evidence = ", ".join(decision.evidence)
                _log.info(
                    Event.ROUTED, **known, door=arrived.door.value, action=decision.action.value, evidence=evidence
                )
                _log.info(_EVENTS.get(done.outcome, Event.KEPT), **known, outcome=done.outcome.value)
            for mail_out in result.told.queued:
                _log.info(
                    Event.QUEUED,
                    spool=arrived.spool_id,
                    ticket=mail_out.number,
                    notice=mail_out.notice.value,
                    recipient=mail_out.recipient,
                    message=mail_out.mail_id,
                )
            for skip in result.told.skipped:
                _log.debug(
                    Event.SKIPPED,
                    spool=arrived.spool_id,
                    ticket=result.number,
                    notice=skip.notice.value,
                    recipient=skip.recipient,
                    reason=skip.why.value,
                )

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

    def _strike(self, entry: tray.Entry, error: Exception, passed: Counts) -> None:
        trace = "".join(traceback.format_exception(error))
        passed.struck += 1
        _log.error(Event.STRUCK, spool=entry.id, strikes=entry.strikes, error=repr(error))
        if entry.strikes >= STRIKES:
            self._park(entry, entry.id, type(error).__name__, trace, passed)
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
        passed.parked += 1
        metrics.settled(entry.envelope.door if isinstance(entry, tray.Entry) else "unknown", Outcome.PARKED.value)
        _log.error(Event.PARKED, spool=spool_id, reason=reason)

    def _record_parked(self, entry: tray.Entry, reason: str) -> None:
        envelope = entry.envelope
        raw_sha256 = self._blobs.put(entry.raw())

        def act(conn: Connection) -> None:
            if not arrivals.all_by_spool(conn, entry.id):
                arrivals.record(
                    conn,
                    spool_id=entry.id,
                    door=Door(envelope.door),
                    outcome=Outcome.PARKED,
                    reason=reason,
                    raw_sha256=raw_sha256,
                    size=entry.size,
                    received_at=_moment(envelope.received),
                    decided_at=self._clock(),
                    sender=envelope.sender,
                    account=envelope.account,
                    folder=envelope.folder,
                    uidvalidity=envelope.uidvalidity,
                    uid=envelope.uid,
                )

        self._store.writer.run(act)


def arrived_from(envelope: spool.Envelope, inbound: Inbound, config: Config) -> receive.Arrived:
    """What the desk is told of one mail. Blobs of its raw bytes and parts must be durable already."""
    received = _moment(envelope.received)
    box = next((box for box in config.mailbox if box.name == envelope.account), None)
    return receive.Arrived(
        spool_id=envelope.id,
        door=Door(envelope.door),
        sender=envelope.sender,
        recipients=envelope.recipients,
        original=envelope.original,
        inbound=inbound,
        parts=tuple(
            Part(
                name=part.name,
                content_type=part.content_type,
                size=len(part.data),
                sha256=part.sha256,
                content_id=part.content_id,
                inline=part.inline,
                ours=part.ours,
            )
            for part in inbound.parts
        ),
        raw_sha256=inbound.raw_sha256,
        received_at=received,
        account=envelope.account,
        folder=envelope.folder,
        uidvalidity=envelope.uidvalidity,
        uid=envelope.uid,
        old_mail=_is_old(envelope, config.intake.backlog_hours),
        default_department=box.department if box else "",
    )


def _is_old(envelope: spool.Envelope, hours: int) -> bool:
    """Had it been in its mailbox for long when we saw it, though we were looking?"""
    if not envelope.internaldate or envelope.internaldate >= envelope.looked:
        return False
    return envelope.received - envelope.internaldate > hours * 3_600_000_000


def _moment(microseconds: int) -> datetime:
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=microseconds)


def _batches(ids: list[str], size: int) -> Iterator[list[str]]:
    for start in range(0, len(ids), size):
        yield ids[start : start + size]
