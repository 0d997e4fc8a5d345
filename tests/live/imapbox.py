"""What the IMAP tests share: a spool without a reserve, a ledger in memory, waiting for a watcher."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from helpdeskd import spool, tray
from helpdeskd.config import Mailbox
from helpdeskd.model.clock import now
from helpdeskd.sources.imap import FetchResult, Watcher, fetch_once
from tests.live.machine import wait_until


class MemoryLedger:
    """Arrivals, as intake would record them."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._known: dict[tuple[str, str, int], set[int]] = {}
        self.elsewhere: set[str] = set()  # mailboxes that another node has

    def known(self, account: str, folder: str, uidvalidity: int) -> set[int]:
        with self._lock:
            return set(self._known.get((account, folder, uidvalidity), ()))

    def ours(self, account: str) -> bool:
        return account not in self.elsewhere

    def record(self, envelope: spool.Envelope) -> None:
        with self._lock:
            self._known.setdefault((envelope.account, envelope.folder, envelope.uidvalidity), set()).add(envelope.uid)


class Desk:
    """A spool and a ledger; `took` holds every mail that intake would ever have seen, in order."""

    def __init__(self, root: str) -> None:
        self.root = root
        self.ledger = MemoryLedger()
        self.took: list[bytes] = []
        self.envelopes: list[spool.Envelope] = []
        spool.make(root)
        spool.set_reserve(root, 0, 0)

    def waiting(self) -> int:
        return len(tray.scan(self.root))

    def drain(self) -> list[bytes]:
        """What intake does: ledger first, then the spool entry goes. Returns this time's mails."""
        mails = []
        for spool_id in tray.scan(self.root):
            entry = tray.claim(self.root, spool_id)
            assert entry is not None
            mails.append(entry.raw())
            self.envelopes.append(entry.envelope)
            self.ledger.record(entry.envelope)
            tray.done(entry)
        self.took += mails
        return mails

    def fetch(self, mailbox: Mailbox, *, well: bool = True) -> FetchResult:
        result = fetch_once(mailbox, self.root, self.ledger, now)
        assert not (well and result.error), result.error
        return result

    @contextmanager
    def watching(self, mailbox: Mailbox, **more: Any) -> Iterator[Watcher]:
        watcher = Watcher(mailbox, self.root, self.ledger, now, **more)
        watcher.start()
        try:
            yield watcher
        finally:
            watcher.stop()
        assert not watcher.alive

    def until(self, watcher: Watcher, *states: str) -> None:
        try:
            wait_until(lambda: watcher.status.state in states, what=f"state {states}")
        except AssertionError as error:
            raise AssertionError(f"{error}: {watcher.status}") from None

    def until_waiting(self, count: int) -> None:
        wait_until(lambda: self.waiting() >= count, what=f"{count} mails in the spool, not {self.waiting()},")


def mail(subject: str, body: str = "Hello") -> bytes:
    return f"From: a@example.net\r\nTo: desk@example.org\r\nSubject: {subject}\r\n\r\n{body}\r\n".encode()
