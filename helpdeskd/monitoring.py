"""What the clock does so that trouble is found before a customer finds it: audits, alarms, and the listener of metrics."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Sequence
from datetime import timedelta

from helpdeskd import log, metrics, spool
from helpdeskd.alarms.facts import Facts, gather
from helpdeskd.alarms.keeper import Keeper
from helpdeskd.audit import last as last_audit
from helpdeskd.audit.differences import Report
from helpdeskd.audit.run import Records, audit
from helpdeskd.errors import Temporary
from helpdeskd.exposition import Exposition, Health
from helpdeskd.installation import Installation, held_since, node
from helpdeskd.log import Event
from helpdeskd.scheduler import Ticker
from helpdeskd.sources.imap import Ledger

LOOK_SECONDS = 30  # between two looks for alarms
DUE_SECONDS = 60  # between two looks whether an audit is due

_log = log.get("monitoring")


class Monitoring:
    """One for each process. Spool, mailboxes and blobs are looked after by the process that runs intake."""

    def __init__(self, here: Installation, roles: Sequence[str], ledger: Ledger, tell: Callable[[str], None]) -> None:
        self._here = here
        self._roles = roles
        self._ledger = ledger
        self._node = node(here.config.paths.data)
        self._began = here.clock()
        self.auditing: threading.Thread | None = None
        self._exposition: Exposition | None = None
        self.keeper = Keeper(here.config.alarms, here.store, lambda: here.desk, self.facts, socket.gethostname(), tell)

    def open(self, version: str, live: Callable[[], bool], not_ready: Callable[[], str]) -> None:
        """Begin to serve metrics, where that is asked for. Raises ConfigError. `live`, `not_ready`: see exposition.Health."""
        metrics.INFO.labels(version).set(1)
        for role in self._roles:
            metrics.ROLE.labels(role).set(1)
        if self._here.config.metrics.listen:
            health = Health(live, lambda: not_ready() or self._no_room())
            self._exposition = Exposition(self._here.config.metrics.listen, health, self.facts)
            self._exposition.open()

    def begin(self, ticker: Ticker) -> None:
        """Look for alarms, and audit when it is time."""
        if "intake" in self._roles:
            ticker.every(LOOK_SECONDS, "alarms", self.keeper.tick)
            if self._here.config.audit.hours:
                ticker.every(DUE_SECONDS, "audit", self.audit_when_due)

    def close(self) -> None:
        """No metrics any more. An audit under way ends with the process: it has nothing to finish."""
        if self._exposition is not None:
            self._exposition.close()

    def facts(self) -> Facts:
        """What is so now. Any thread."""
        here = self._here
        started = {
            role: self._began if role in self._roles else held_since(here.config, role) for role in ("imap", "intake")
        }
        return gather(here.config, here.store, here.clock(), self._node, started)

    def audit_when_due(self) -> None:
        """In a thread that holds up neither the clock nor the end of the process: an IMAP server may not answer for a while."""
        if self.auditing is not None and self.auditing.is_alive():
            return
        every = timedelta(hours=self._here.config.audit.hours)
        try:
            last = self._here.store.read(lambda conn: last_audit.last(conn, self._node))
        except Temporary:
            return  # the alarm of the store says so
        # One of the future is of a clock that was wrong.
        if last is None or not timedelta(0) <= self._here.clock() - last.at < every:
            self.auditing = threading.Thread(target=self.audit, name="audit", daemon=True)
            self.auditing.start()

    def audit(self) -> None:
        """One audit, now: logged, and kept as the last."""
        here = self._here
        records = records_of(here, self._ledger)
        try:
            report = audit(records)
            here.store.writer.run(lambda conn: last_audit.keep(conn, records.node, report, here.clock()))
        except (Temporary, OSError) as error:
            _log.warning(Event.TROUBLE, part="audit", error=str(error))
            return
        note(report)

    def _no_room(self) -> str:
        try:
            return "" if spool.room(self._here.spool_root).ok else "the disk is at its reserve"
        except OSError as error:
            return f"the spool cannot be reached: {error.strerror}"


def records_of(here: Installation, ledger: Ledger) -> Records:
    """What an audit of this installation compares."""
    return Records(
        config=here.config,
        spool_root=here.spool_root,
        store=here.store,
        blobs=here.blobs,
        ledger=ledger,
        clock=here.clock,
        node=node(here.config.paths.data),
    )


def note(report: Report) -> None:
    """The log's lines about an audit: one, and one for each of the first differences."""
    for difference in report.differences[: last_audit.WORDS]:
        _log.error(Event.AUDITED, kind=difference.kind.value, subject=difference.subject, words=difference.words)
    _log.info(
        Event.AUDITED, differences=report.total, **{name.replace(" ", "_"): n for name, n in report.checked.items()}
    )
