"""Letting go: what [keep] says is kept no longer. The ledger and a tombstone stay, and say when and by which setting.

Nothing here deletes a blob: a row that was let go needs its blob no more (store.blobs), and the sweep takes what nobody needs.
Whoever is asked about bytes that are gone says so (Arrival.let_go) instead of failing to find them.

Decided by one query each, asked a page at a time on a reader; the write asks the same of each row again.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from sqlalchemy import ColumnElement, Connection, Table, and_, delete, exists, func, or_, select, update

from helpdeskd.config import Keep
from helpdeskd.desk import search
from helpdeskd.model.outgoing import OutboxState
from helpdeskd.model.routing import Outcome, Reason
from helpdeskd.model.ticket import Visibility
from helpdeskd.store import schema, settings
from helpdeskd.store.engine import Store

PAGE = 200  # rows of one transaction: it holds up the mail that comes in meanwhile
EVERY = timedelta(days=1)
LAST = "let_go_at"  # setting: when somebody last looked

_a, _m, _o, _f = schema.arrival.c, schema.message.c, schema.outbox.c, schema.attachment.c
_UNFINISHED = [state.value for state in (OutboxState.QUEUED, OutboxState.SENDING, OutboxState.DEFERRED)]


class By(StrEnum):
    """What said so: the settings of [keep]."""

    RAW_DAYS = "raw_days"
    AUTOMATIC_DAYS = "automatic_days"
    OUTBOX_DAYS = "outbox_days"
    SPAM_DAYS = "spam_days"


@dataclass(frozen=True, slots=True)
class LetGo:
    """How many of each in one look: raw mails, automatic messages (and held mails), mails that had gone out, spam."""

    raw: int = 0
    automatic: int = 0
    outbox: int = 0
    spam: int = 0

    def __bool__(self) -> bool:
        return any((self.raw, self.automatic, self.outbox, self.spam))


_OF_ARRIVAL = _m.arrival_id == _a.id
# An answer to this mail, or a notice that speaks of it, is still on its way.
_AWAITED = exists().where(_OF_ARRIVAL, _o.message_id == _m.id, _o.state.in_(_UNFINISHED))
# Nor is what somebody may release yet.
_SETTLED = and_(_a.outcome != Outcome.PARKED.value, _a.held.is_(None), ~_AWAITED)
# In a ticket unseen by its customer; or held, if not for want of an author, who may be a person.
_MACHINE = or_(
    _a.outcome == Outcome.AUTOMATIC.value,
    and_(_a.outcome == Outcome.HELD.value, _a.reason != Reason.NULL_SENDER.value),
)
_WORDS = and_(_m.visibility == Visibility.INTERNAL.value, _m.gone_at.is_(None))
_WORDS_LEFT = exists().where(_OF_ARRIVAL, _WORDS)


def raw_over(before: datetime) -> ColumnElement[bool]:
    """Arrivals whose raw bytes are over: decided about before then, and nothing waits for them."""
    return and_(_a.raw_gone_at.is_(None), _a.decided_at < before, _SETTLED)


def automatic_over(before: datetime) -> ColumnElement[bool]:
    """Machines' mails, in a ticket or held, of which anything is left."""
    return and_(_MACHINE, or_(_a.raw_gone_at.is_(None), _WORDS_LEFT), _a.decided_at < before, _SETTLED)


def outbox_over(before: datetime) -> ColumnElement[bool]:
    """Mails that ended before then and whose bytes are there. One that did not go out ended with its last try."""
    ended = func.coalesce(_o.sent_at, _o.next_at)
    return and_(_o.raw_gone_at.is_(None), _o.raw_sha256.is_not(None), _o.state.not_in(_UNFINISHED), ended < before)


def spam_over(before: datetime) -> ColumnElement[bool]:
    """Mails held as spam that nobody has released."""
    return and_(_a.held.is_not(None), _a.decided_at < before)


def is_due(conn: Connection, now: datetime) -> bool:
    """Has nobody looked for a day? Then the caller is to: among several nodes one. On the writer."""
    last = settings.get(conn, LAST, "")
    if (
        last and timedelta(0) <= now - datetime.fromisoformat(last) < EVERY
    ):  # one of the future is of a clock that was wrong
        return False
    settings.put(conn, LAST, now.isoformat())
    return True


def let_go(store: Store, keep: Keep, now: datetime, busy: Collection[str]) -> LetGo:
    """Let go of everything that is over. `busy`: spool ids that are still in the spool, parked ones too. Raises Temporary."""

    def by_pages(table: Table, over: ColumnElement[bool], act: Callable[[Connection, list[int]], int]) -> int:
        return _by_pages(store, table, over, act, busy)

    raw = automatic = gone = spam = 0
    if keep.automatic_days:
        machines = automatic_over(now - timedelta(days=keep.automatic_days))
        automatic = by_pages(schema.arrival, machines, lambda conn, ids: _let_go_automatic(conn, now, machines, ids))
    if keep.raw_days:
        older = raw_over(now - timedelta(days=keep.raw_days))
        raw = by_pages(schema.arrival, older, lambda conn, ids: _let_go_raw(conn, now, older, ids, By.RAW_DAYS))
    if keep.outbox_days:
        ended = outbox_over(now - timedelta(days=keep.outbox_days))
        gone = by_pages(schema.outbox, ended, lambda conn, ids: _let_go_outbox(conn, now, ended, ids))
    if keep.spam_days:
        held = spam_over(now - timedelta(days=keep.spam_days))
        spam = by_pages(schema.arrival, held, lambda conn, ids: _let_go_spam(conn, now, held, ids))
    return LetGo(raw, automatic, gone, spam)


def _by_pages(
    store: Store,
    table: Table,
    over: ColumnElement[bool],
    act: Callable[[Connection, list[int]], int],
    busy: Collection[str],
) -> int:
    columns = [table.c.id, *(column for column in table.c if column.name == "spool_id")]
    count = after = 0
    while True:
        page = select(*columns).where(table.c.id > after, over).order_by(table.c.id).limit(PAGE)
        found = store.read(lambda conn, page=page: conn.execute(page).all())  # type: ignore[misc]  # mypy knows no defaults
        if not found:
            return count
        ids = [row[0] for row in found if row[-1] not in busy]
        count += store.writer.run(lambda conn, ids=ids: act(conn, ids))  # type: ignore[misc]  # as above
        after = found[-1][0]


def _let_go_raw(conn: Connection, now: datetime, over: ColumnElement[bool], ids: list[int], by: By) -> int:
    gone = update(schema.arrival).where(_a.id.in_(ids), over).values(raw_gone_at=now, raw_gone_by=by.value)
    return conn.execute(gone).rowcount


def _let_go_automatic(conn: Connection, now: datetime, over: ColumnElement[bool], ids: list[int]) -> int:
    """Words and files go, the message stays as what it was: its Message-ID still ties answers to the ticket."""
    still = list(conn.execute(select(_a.id).where(_a.id.in_(ids), over)).scalars())
    messages = conn.execute(select(_m.id, _m.ticket_id).where(_m.arrival_id.in_(still), _WORDS)).all()
    found = [row.id for row in messages]
    conn.execute(delete(schema.attachment).where(_f.message_id.in_(found)))
    words = f"(let go on {now:%Y-%m-%d} by keep.{By.AUTOMATIC_DAYS})"
    conn.execute(update(schema.message).where(_m.id.in_(found)).values(text=words, quote="", html="", gone_at=now))
    search.rebuild(conn, *(row.ticket_id for row in messages))
    _let_go_raw(conn, now, _a.raw_gone_at.is_(None), still, By.AUTOMATIC_DAYS)
    return len(still)


def _let_go_spam(conn: Connection, now: datetime, over: ColumnElement[bool], ids: list[int]) -> int:
    gone = update(schema.arrival).where(_a.id.in_(ids), over)
    return conn.execute(gone.values(raw_gone_at=now, raw_gone_by=By.SPAM_DAYS.value, held=None)).rowcount


def _let_go_outbox(conn: Connection, now: datetime, over: ColumnElement[bool], ids: list[int]) -> int:
    return conn.execute(update(schema.outbox).where(_o.id.in_(ids), over).values(raw_gone_at=now)).rowcount
