"""What is so on this node right now, from the files and the store alone: the daemon and `status` see the same."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import Connection

from helpdeskd import spool, tray
from helpdeskd.audit.last import Last, last
from helpdeskd.audit.ledger import arrived_at
from helpdeskd.config import Config
from helpdeskd.desk import ceilings, mutes
from helpdeskd.desk.mutes import Standing
from helpdeskd.errors import Temporary
from helpdeskd.model.outgoing import Ceiling, OutboxState
from helpdeskd.sources.imap_state import WatchState, read_status
from helpdeskd.store import outbox
from helpdeskd.store.engine import Store

# When the processes began that have the roles imap and intake, where any has. One that has just started gets its time: what was
# before is not its fault.
Started = Mapping[str, datetime | None]


@dataclass(frozen=True, slots=True)
class Box:
    """One mailbox. `since`: no good poll since then; None where nobody watches it yet. `last_good` is None for never."""

    name: str
    poll_seconds: int
    last_good: datetime | None
    since: datetime | None
    error: str


@dataclass(frozen=True, slots=True)
class Tray:
    """The spool and its disk, in bytes. `since`: intake has had the oldest before it since then."""

    waiting: int
    oldest: datetime | None
    since: datetime | None
    parked: int
    free: int
    reserve: int


@dataclass(frozen=True, slots=True)
class Kept:
    """What the store knows. `answers` wait to go out, the oldest since `answers_since`; alarms' own mails are not counted. `withheld`:
    automatic mails that were not queued in the last hour, by the ceiling."""

    outbox: Mapping[OutboxState, int]
    oldest: datetime | None
    answers: int
    answers_since: datetime | None
    audit: Last | None
    muted: Standing = field(default_factory=Standing)
    withheld: Mapping[Ceiling, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Facts:
    """`spool` and `kept` are None where they cannot be read: then `spool_error` and `store_error` say why."""

    now: datetime
    node: str
    sending: bool  # a relay is set, and nothing is on hold
    boxes: tuple[Box, ...]
    spool: Tray | None
    kept: Kept | None
    spool_error: str = ""
    store_error: str = ""


def gather(config: Config, store: Store | None, now: datetime, node: str, started: Started, why: str = "") -> Facts:
    """Look everywhere. Never raises for what is down: that is a fact. `why` there is no store, where there is none."""
    kept, store_error = None, why
    if store is not None:
        try:
            kept, store_error = store.read(lambda conn: _kept(conn, node, now)), ""
        except Temporary as error:
            store_error = str(error)
    lying, spool_error = None, ""
    root = str(config.paths.spool_dir)
    try:
        lying = _tray(root, started.get("intake"))
    except OSError as error:
        spool_error = f"{error.filename or root}: {error.strerror or error}"
    return Facts(
        now=now,
        node=node,
        sending=bool(config.outgoing.relay) and not config.outgoing.hold,
        boxes=tuple(
            box for each in config.mailbox if (box := _box(root, each.name, each.poll_seconds, started.get("imap")))
        ),
        spool=lying,
        kept=kept,
        spool_error=spool_error,
        store_error=store_error,
    )


def _tray(root: str, started: datetime | None) -> Tray:
    waiting, room = tray.scan(root), spool.room(root)
    oldest = arrived_at(waiting[0]) if waiting else None  # an id begins with its time
    since = max(oldest, started) if oldest and started else oldest
    return Tray(len(waiting), oldest, since, len(tray.parked_ids(root)), room.free, room.reserve)


def _box(root: str, name: str, poll_seconds: int, started: datetime | None) -> Box | None:
    """None for a mailbox that another node watches."""
    status = read_status(root, name)
    if status is not None and status.state is WatchState.LOCKED:
        return None
    good = status.last_good if status else None
    times = [when for when in (good, started) if when is not None]
    return Box(name, poll_seconds, good, max(times, default=None), status.last_error if status else "")


def _kept(conn: Connection, node: str, now: datetime) -> Kept:
    counts = outbox.counts(conn)
    oldest, answers, since = outbox.waiting(conn)
    return Kept(counts, oldest, answers, since, last(conn, node), mutes.standing(conn), ceilings.withheld(conn, now))
