"""The outbox, emptied: rows claimed under a lease, frozen, sent, and the truth about each written down."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Protocol, TypeVar

from sqlalchemy import Connection

from helpdeskd import config, log, metrics
from helpdeskd.desk import delivery
from helpdeskd.desk.context import Desk
from helpdeskd.errors import Conflict, Temporary
from helpdeskd.log import Event
from helpdeskd.model.clock import Clock
from helpdeskd.model.outgoing import Ended, OutboxRow, OutboxState, Sent
from helpdeskd.outgoing import letter
from helpdeskd.outgoing.backoff import settle
from helpdeskd.outgoing.render import BrokenTemplate, Renderer
from helpdeskd.outgoing.signing import Signer
from helpdeskd.store import outbox
from helpdeskd.store.blobs import Blobs
from helpdeskd.store.engine import Store
from helpdeskd.threads import tell_name

T = TypeVar("T")

POLL_SECONDS = 2.0  # every loop also looks by itself: a bell can be missed, another process has none for us
_PAUSE_SECONDS = 2.0  # while the store or the disk is in trouble
_ONCE_TRIES = 15  # of writing an end down before `once` gives up: half a minute

_EVENTS = {
    OutboxState.SENT: Event.SENT,
    OutboxState.DEFERRED: Event.DEFERRED,
    OutboxState.QUEUED: Event.DEFERRED,
    OutboxState.FAILED: Event.FAILED,
    OutboxState.UNKNOWN: Event.UNKNOWN,
}

_log = log.get("outgoing")


class Transport(Protocol):
    """What the sender needs of transport.Relay."""

    @property
    def configured(self) -> bool: ...
    async def send(
        self, sender: str, recipient: str, raw: bytes, before_dot: Callable[[], Awaitable[None]]
    ) -> Sent: ...
    async def close(self) -> None: ...


@dataclass(frozen=True, slots=True)
class Counts:
    """What became of the mails of one pass. `deferred` will be tried again."""

    sent: int = 0
    deferred: int = 0
    failed: int = 0
    unknown: int = 0


class Sender:
    """One per process and event loop. `owner` names this node: rows it had in hand when it died are its own again at its start."""

    def __init__(
        self,
        *,
        store: Store,
        blobs: Blobs,
        renderer: Renderer,
        signer: Signer,
        relay: Transport,
        settings: config.Outgoing,
        desk: Desk,
        clock: Clock,
        rng: Callable[[int], bytes],
        owner: str,
    ) -> None:
        self.store = store
        self.blobs = blobs
        self.renderer = renderer
        self.signer = signer
        self.relay = relay
        self.settings = settings
        self.clock = clock
        self.rng = rng
        self.owner = owner
        self.counts: Counter[OutboxState] = Counter()  # ends since the start
        self._desk = desk
        self._lines = max(1, settings.connections)
        self._line = asyncio.Semaphore(self._lines)
        self._bell = asyncio.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._threads: ThreadPoolExecutor | None = None
        self._held: dict[int, asyncio.Task[None]] = {}  # rows in hand, by id
        self._talking: set[int] = set()  # of these: in a dialogue with the relay
        self._begun: set[int] = set()  # of these: committed as sending
        self._dropped: set[int] = set()  # claimed and given back, once the store can be told
        self._unsent: set[int] = set()  # of these: no dot went out, but the store may say `sending`
        self._trouble: Temporary | None = None
        self._stopping = False
        self._once = False

    @property
    def idle_because(self) -> str:
        """Why nothing can be sent, in words; empty when it can."""
        if self.settings.hold:
            return "outgoing.hold is set: mails are queued and not sent"
        if not self.relay.configured:
            return "outgoing.relay is not set: mails are queued and not sent"
        return ""

    def wake(self) -> None:
        """Something may be due. Any thread, any time; quick."""
        loop = self._loop
        if loop is None or self._bell.is_set():
            return
        try:
            loop.call_soon_threadsafe(self._bell.set)
        except RuntimeError:  # the loop has ended, and with it our work
            return

    async def run(self, stop: asyncio.Event) -> None:
        """Send until `stop`. Mails in a dialogue at that moment are finished, as long as outgoing.timeout_seconds allow."""
        async with self._working(once=False) as keeper:
            ended = asyncio.ensure_future(stop.wait())
            for task in (ended, keeper):
                task.add_done_callback(lambda _: self._bell.set())
            try:
                await self._recover_until(stop)
                if self.idle_because:
                    _log.warning(Event.WARNING, warning=self.idle_because)
                    await ended
                while not stop.is_set():
                    if keeper.done():  # without renewed leases nothing may be sent
                        keeper.result()
                    self._bell.clear()
                    await _until(self._bell, await self._round())
            finally:
                ended.cancel()

    async def once(self) -> Counts:
        """Send what is due now, and return what became of it. For hosts without a daemon: nobody else may be sending.

        Raises Temporary when the store or the disk stopped it; what was not sent stays queued.
        """
        before = Counter(self.counts)
        async with self._working(once=True):
            self._tell_recovered(await self._commit(lambda conn: self._recover(conn, self.clock(), starting=True)))
            if self.idle_because:
                _log.warning(Event.WARNING, warning=self.idle_because)
                return Counts()
            while self._trouble is None:
                claimed = await self._claim()
                if not claimed and not self._held:
                    break
                if self._held and (not claimed or len(self._held) >= self._room):
                    await asyncio.wait(self._held.values(), return_when=asyncio.FIRST_COMPLETED)
            while self._held:
                await asyncio.wait(self._held.values())
            if self._trouble is not None:
                raise self._trouble
        done = {state: self.counts[state] - before[state] for state in OutboxState}
        return Counts(
            sent=done[OutboxState.SENT],
            deferred=done[OutboxState.DEFERRED] + done[OutboxState.QUEUED],
            failed=done[OutboxState.FAILED],
            unknown=done[OutboxState.UNKNOWN],
        )

    @asynccontextmanager
    async def _working(self, *, once: bool) -> AsyncIterator[asyncio.Task[None]]:
        """What both ways of running share: threads, leases kept, and an end in good order. Yields the keeper of leases."""
        self._stopping, self._once, self._trouble = False, once, None
        self._bell, self._line = asyncio.Event(), asyncio.Semaphore(self._lines)
        self._loop = asyncio.get_running_loop()
        self._threads = ThreadPoolExecutor(self._lines, thread_name_prefix="render", initializer=tell_name)
        keeper = asyncio.create_task(self._keep(), name="outgoing-leases")
        try:
            yield keeper
        finally:
            self._stopping = True
            await self._finish(self.settings.timeout_seconds)
            keeper.cancel()
            await asyncio.gather(keeper, return_exceptions=True)
            await self.relay.close()
            self._threads.shutdown(wait=False)
            self._loop = None

    # The loop

    @property
    def _room(self) -> int:
        """Rows in hand at most: each line's, and as many being rendered, so that no line waits."""
        return 2 * self._lines

    async def _round(self) -> float:
        """Take what is due into hand. Returns the seconds until it may be worth looking again."""
        if len(self._held) >= self._room:
            return POLL_SECONDS
        if self._trouble is not None:
            self._trouble = None
            return _PAUSE_SECONDS
        try:
            due = await asyncio.to_thread(self.store.read, outbox.next_due)
            wait = POLL_SECONDS if due is None else (due - self.clock()).total_seconds()
            # Asked before it is claimed: a claim is a write, which rings every bell of this process, ours too.
            if (wait <= 0 or self._dropped) and await self._claim():
                return 0.0
            return min(max(wait, 0.05), POLL_SECONDS)
        except Temporary as error:
            _log.warning(Event.TROUBLE, error=str(error))
            return _PAUSE_SECONDS

    async def _claim(self) -> int:
        room = self._room - len(self._held)
        if room <= 0:
            return 0
        claimed = await self._commit_given_back(
            lambda conn: outbox.claim_due(conn, self.clock(), self.owner, self.settings.lease_seconds, room)
        )
        if self._stopping:  # `_finish` gives them back
            self._dropped.update(row.id for row in claimed)
            return 0
        for row in claimed:
            task = asyncio.create_task(self._guarded(row), name=f"outgoing-{row.id}")
            self._held[row.id] = task
            task.add_done_callback(lambda _, row_id=row.id: self._done(row_id))  # type: ignore[misc]  # mypy knows no defaults
        return len(claimed)

    def _done(self, row_id: int) -> None:
        self._held.pop(row_id, None)
        self._talking.discard(row_id)
        self._begun.discard(row_id)
        self._bell.set()

    async def _keep(self) -> None:
        """Renew the leases of what is in hand; then decide about rows whose holder is gone (on other nodes, mostly)."""
        while True:
            await asyncio.sleep(self.settings.lease_seconds / 3)
            held = list(self._held)

            def keep(conn: Connection, held: list[int] = held) -> list[OutboxRow]:
                now = self.clock()  # one for both: a clock that jumps between them must not take from us what we hold
                if held:
                    outbox.renew(conn, held, self.owner, self._lease(now))
                return self._recover(conn, now)

            try:
                self._tell_recovered(await self._commit_given_back(keep))
                if not (self._stopping or self._once or self.idle_because):
                    await self._claim()  # what a dead node had claimed and not begun is due without being free
            except Temporary as error:
                _log.warning(Event.TROUBLE, error=str(error))

    async def _finish(self, seconds: float) -> None:
        """Mails before their dialogue are given back, those in it may end; what takes longer is cut and found as uncertain."""
        for row_id, task in list(self._held.items()):
            if row_id not in self._talking:
                task.cancel()
        if self._held:
            _, late = await asyncio.wait(self._held.values(), timeout=seconds)
            for task in late:
                task.cancel()
            if late:
                await asyncio.wait(late)
        if self._dropped:
            try:
                await self._commit_given_back(lambda _: None)
            except Temporary as error:  # they come free at our next start, or with their lease
                _log.warning(Event.TROUBLE, error=str(error))

    # One row

    async def _guarded(self, row: OutboxRow) -> None:
        """An edge: whatever one mail does, the others go on."""
        try:
            try:
                await self._deliver(row)
            except (Conflict, Temporary):
                raise
            except Exception as error:
                _log.exception(Event.TROUBLE, **_story(row))
                ended = Ended.UNCERTAIN if row.id in self._begun else Ended.REFUSED
                await self._end(row, Sent(ended, 0, _words(error)))
        except asyncio.CancelledError:
            self._dropped.add(row.id)  # released where it was not begun; one that was is found as uncertain
            raise
        except Conflict:
            _log.warning(Event.TROUBLE, error="the lease was lost", **_story(row))
        except Temporary as error:
            self._trouble = error
            self._dropped.add(row.id)
            if row.id not in self._begun:
                self._unsent.add(row.id)
            _log.warning(Event.TROUBLE, error=str(error), **_story(row))
        except Exception:
            _log.exception(Event.TROUBLE, **_story(row))

    async def _deliver(self, row: OutboxRow) -> None:
        try:
            sender, raw, sha256 = await self._in_thread(self._prepare, row)
        except BrokenTemplate as error:
            # It cannot become a mail: failed, with the place in the template, for people to see. The ticket stands.
            await self._end(row, Sent(Ended.REFUSED, 0, " ".join(str(error).split())[:500]))
            return
        except (OSError, MemoryError) as error:  # the machine's trouble, never the mail's
            raise Temporary(_words(error)) from error

        async def before_dot() -> None:
            # From here on a crash leaves the row uncertain, so it comes as late as it can.
            self._begun.add(row.id)
            try:
                await self._commit(
                    lambda conn: outbox.sending(conn, row.id, sha256, self.owner, self._lease(self.clock()))
                )
            except (Conflict, Temporary):
                self._begun.discard(row.id)
                raise

        async with self._line:
            self._talking.add(row.id)
            sent = await self.relay.send(sender, row.recipient, raw, before_dot)
        await self._end(row, sent, sha256)

    def _prepare(self, row: OutboxRow) -> tuple[str, bytes, str]:
        """(envelope sender, bytes, their SHA-256), the bytes durable. In a thread."""
        material = self.store.read(lambda conn: letter.gather(conn, row))
        sender = letter.envelope_sender(row, material.department)
        if row.raw_sha256 is not None:  # tried before: the same bytes again, whatever the templates say by now
            return sender, self.blobs.get(row.raw_sha256), row.raw_sha256
        raw = letter.write(
            row,
            material,
            renderer=self.renderer,
            blobs=self.blobs,
            desk=self._desk,
            signer=self.signer,
            attachments_mb=self.settings.attachments_mb,
        )
        return sender, raw, self.blobs.put(raw)

    async def _end(self, row: OutboxRow, sent: Sent, raw_sha256: str | None = None) -> None:
        """Write the truth down, and which bytes it is about. The relay's answer exists nowhere else, so this is tried until the store takes it."""
        turn, at = 0, self.clock()

        hard = sent.ended is Ended.REFUSED and sent.to_rcpt and _blames_address(row.recipient, sent.words)

        def end(conn: Connection) -> tuple[OutboxState, datetime | None, bool, bool]:
            tries = outbox.attempts(conn, row.id) if turn > 1 or sent.ended in {Ended.RETRY, Ended.UNCERTAIN} else []
            if turn > 1 and outbox.Attempt(at, sent.ended, sent.code, sent.words) in tries:
                stands = outbox.get(conn, row.id)  # it is written down already: what was lost is COMMIT's answer
                return stands.state, stands.next_at, True, False
            state, then = settle(row, sent, outbox.first_try(tries) or at, at, self.rng, self.settings.give_up_days)
            ours = outbox.ended(conn, row.id, sent, at, then, state, owner=self.owner, raw_sha256=raw_sha256)
            dead = hard and not outbox.refuses_us(conn, row.recipient, at)
            muted = ours and delivery.record(conn, self._desk, self.clock(), row, state, sent.words, hard=dead)
            return state, then, ours, muted

        while True:
            turn += 1
            try:
                state, then, ours, muted = await self._commit(end)
                break
            except Temporary as error:
                _log.warning(Event.TROUBLE, error=str(error), words=sent.words, **_story(row))
                if self._stopping or (self._once and turn >= _ONCE_TRIES):
                    raise
                await asyncio.sleep(_PAUSE_SECONDS)
        self._tell(row, sent.words, state, then, sent.server_id, ours=ours, muted=muted)

    async def _recover_until(self, stop: asyncio.Event) -> None:
        """What we had in hand when we died, before anything else."""
        while not stop.is_set():
            try:
                self._tell_recovered(await self._commit(lambda conn: self._recover(conn, self.clock(), starting=True)))
                return
            except Temporary as error:
                _log.warning(Event.TROUBLE, error=str(error))
                await _until(stop, _PAUSE_SECONDS)

    def _recover(self, conn: Connection, now: datetime, *, starting: bool = False) -> list[OutboxRow]:
        """Rows cut off after the dot, by a crash or a lost lease. On the writer's thread, and perhaps more than once."""
        found = outbox.recover(conn, self.owner, now, starting=starting)
        for row in found:
            delivery.record(conn, self._desk, now, row, row.state, row.last_reply)
        return found

    def _tell_recovered(self, found: list[OutboxRow]) -> None:
        for row in found:
            self._tell(row, row.last_reply, row.state, row.next_at)

    def _tell(
        self,
        row: OutboxRow,
        words: str,
        state: OutboxState,
        then: datetime | None,
        server_id: str = "",
        *,
        ours: bool = True,
        muted: bool = False,
    ) -> None:
        facts: dict[str, Any] = {**_story(row), "reason": words}
        if server_id:
            facts["server_id"] = server_id
        if then is not None and state is not OutboxState.UNKNOWN:
            facts["next"] = then.isoformat(timespec="seconds")
        if not ours:
            facts["lease"] = "lost"
        if muted:
            facts["muted"] = True
        self.counts[state] += 1
        metrics.sent(state.value)
        if state is OutboxState.SENT:
            metrics.took(metrics.Stage.SEND, (self.clock() - row.created_at).total_seconds())
        tell = _log.info if state is OutboxState.SENT else _log.warning
        tell(_EVENTS[state], **facts)

    # Small things

    def _lease(self, now: datetime) -> datetime:
        return now + timedelta(seconds=self.settings.lease_seconds)

    async def _commit(self, fn: Callable[[Connection], T]) -> T:
        """On the writer's thread, awaited until after COMMIT: what many rows ask for at once becomes one transaction."""
        return await asyncio.wrap_future(self.store.writer.submit(fn))

    async def _commit_given_back(self, fn: Callable[[Connection], T]) -> T:
        """The same, once the rows that were claimed and not sent are free again."""
        dropped, unsent = set(self._dropped), set(self._unsent)

        def given_back(conn: Connection) -> T:
            if dropped:
                outbox.release(conn, dropped, self.owner, unsent)
            return fn(conn)

        value = await self._commit(given_back)
        self._dropped -= dropped
        self._unsent -= unsent
        return value

    async def _in_thread(self, fn: Callable[[OutboxRow], T], row: OutboxRow) -> T:
        try:
            running = asyncio.get_running_loop().run_in_executor(self._threads, fn, row)
        except RuntimeError as error:  # the system gives us no thread
            raise Temporary(str(error)) from error
        return await running


def _blames_address(recipient: str, words: str) -> bool:
    from helpdeskd.mail.bounce.judge import blames_address  # the tables of words, which most daemons' lives do without

    return blames_address(recipient, words)


def _story(row: OutboxRow) -> dict[str, Any]:
    """What every line of the log says of a row."""
    ticket = row.context.get("ticket") or {}
    facts: dict[str, Any] = {
        "outbox": row.id,
        "notice": row.notice.value,
        "message": row.mail_id,
        "recipient": row.recipient,
    }
    if ticket.get("number") is not None:
        facts["ticket"] = ticket["number"]
    return facts


def _words(error: Exception) -> str:
    return " ".join(f"{type(error).__name__}: {error}".split())[:500]


async def _until(event: asyncio.Event, seconds: float) -> None:
    """Wait for the event, at most so long."""
    try:
        await asyncio.wait_for(event.wait(), seconds)
    except TimeoutError:
        return
