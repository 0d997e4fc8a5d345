"""One audit, whole, and the result of the last one, which `status`, metrics and alarms read."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import Connection, func, select

from helpdeskd.audit import folders, ledger, shelves
from helpdeskd.audit.differences import Kind, Report
from helpdeskd.config import Config
from helpdeskd.model.clock import Clock
from helpdeskd.sources.imap import Ledger
from helpdeskd.sources.imap_client import Connection as ImapConnection
from helpdeskd.store import schema, settings
from helpdeskd.store.blobs import Blobs
from helpdeskd.store.engine import Store

KEY = "audit:"  # setting: the last result of each node
WORDS = 20  # differences that are kept in words
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Records:
    """What is compared. `node` is this machine's name among those that share the store; spool and mailboxes are its own."""

    config: Config
    spool_root: str
    store: Store
    blobs: Blobs
    ledger: Ledger
    clock: Clock
    node: str
    connect: Callable[..., ImapConnection] = ImapConnection.open


@dataclass(frozen=True, slots=True)
class Last:
    """What an audit left behind."""

    at: datetime
    deep: bool
    counts: Mapping[Kind, int]
    words: tuple[str, ...]

    @property
    def total(self) -> int:
        return sum(self.counts.values())


def audit(records: Records, *, deep: bool = False, mailbox: str | None = None, accepted: Iterable[str] = ()) -> Report:
    """Compare everything; of the mailboxes `mailbox` alone where it is given. `accepted` are spool ids that a record of its own
    calls accepted. Changes nothing. Raises Temporary where the store cannot be asked, OSError where the spool cannot."""
    report = Report(deep=deep)
    store, root, now = records.store, records.spool_root, records.clock()
    alone = not store.read(lambda conn: _others(conn, records.node))
    if not alone:
        report.left_out.append("mails parked on other nodes: each node audits its own spool")
    report.add(ledger.lost(accepted, root, store))
    report.add(ledger.entries(root, store, now))
    report.add(ledger.leftovers(root, store, now))
    report.add(ledger.rows(store, all_parked_here=alone, root=root))
    report.checked["arrivals"] = store.read(_arrivals)
    report.add(shelves.compare(store, records.blobs, report))
    for box in records.config.mailbox:
        if mailbox in {None, box.name}:
            report.add(folders.compare(box, root, records.ledger.known, report, records.connect))
    return report


def keep(conn: Connection, node: str, report: Report, now: datetime) -> None:
    """Remember it as the last one."""
    value = {
        "at": (now - _EPOCH) // timedelta(microseconds=1),
        "deep": report.deep,
        "counts": {kind.value: count for kind, count in report.counts.items() if count},
        "words": [str(each) for each in report.differences[:WORDS]],
    }
    settings.put(conn, KEY + node, value)


def last(conn: Connection, node: str) -> Last | None:
    """The last one of this node; None before the first."""
    value: dict[str, Any] | None = settings.get(conn, KEY + node, None)
    if value is None:
        return None
    known = set(Kind)
    return Last(
        at=_EPOCH + timedelta(microseconds=value["at"]),
        deep=value["deep"],
        counts={Kind(kind): count for kind, count in value["counts"].items() if kind in known},
        words=tuple(value["words"]),
    )


def _others(conn: Connection, node: str) -> int:
    """How many other nodes have left a result in this store."""
    key = schema.setting.c.key
    query = select(func.count()).where(key.startswith(KEY, autoescape=True), key != KEY + node)
    return int(conn.execute(query).scalar_one())


def _arrivals(conn: Connection) -> int:
    return int(conn.execute(select(func.count()).select_from(schema.arrival)).scalar_one())
