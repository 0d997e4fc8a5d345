"""One audit, whole: what is compared, and in which order."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from sqlalchemy import Connection, func, select

from helpdeskd.audit import folders, ledger, shelves
from helpdeskd.audit.differences import Report
from helpdeskd.audit.last import others
from helpdeskd.config import Config
from helpdeskd.model.clock import Clock
from helpdeskd.sources.imap import Ledger
from helpdeskd.sources.imap_client import Connection as ImapConnection
from helpdeskd.store import schema
from helpdeskd.store.blobs import Blobs
from helpdeskd.store.engine import Store


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


def audit(records: Records, *, deep: bool = False, mailbox: str | None = None, accepted: Iterable[str] = ()) -> Report:
    """Compare everything; of the mailboxes `mailbox` alone where it is given. `accepted` are spool ids that a record of its own
    calls accepted. Changes nothing. Raises Temporary where the store cannot be asked, OSError where the spool cannot."""
    report = Report(deep=deep)
    store, root, now = records.store, records.spool_root, records.clock()
    alone = not store.read(lambda conn: others(conn, records.node, now))
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


def _arrivals(conn: Connection) -> int:
    return int(conn.execute(select(func.count()).select_from(schema.arrival)).scalar_one())
