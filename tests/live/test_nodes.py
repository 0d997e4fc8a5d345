"""Several nodes on one PostgreSQL: a mailbox has one watcher among them, and another takes over."""

from __future__ import annotations

import random

import pytest

from helpdeskd import spool
from helpdeskd.config import Mailbox
from helpdeskd.daemon import StoreLedger
from helpdeskd.model.clock import now
from helpdeskd.sources.imap import Watcher
from helpdeskd.store.engine import open_store
from tests.live import dovecot
from tests.live.machine import wait_until

pytestmark = pytest.mark.live


def test_one_mailbox_two_nodes(tmp_path, postgres_url):
    if why := dovecot.why_not():
        pytest.skip(why)
    roots = [str(tmp_path / name) for name in ("one", "two")]
    stores = [open_store(postgres_url) for _ in roots]
    ledgers = [StoreLedger(store) for store in stores]
    for root in roots:
        spool.make(root)
        spool.set_reserve(root, 0, 1)
    with dovecot.DovecotInstance() as server:
        box = Mailbox(
            name="desk",
            host="127.0.0.1",
            port=server.port,
            user="desk@example.org",
            password=server.password,
            security="none",
            poll_seconds=1,
        )
        first, second = (
            Watcher(box, root, ledger, now, chance=random.Random(1).random)
            for root, ledger in zip(roots, ledgers, strict=True)
        )
        first.start()
        wait_until(lambda: first.status.state == "idling", what="the first node")
        second.start()
        wait_until(lambda: second.status.state == "locked", what="the second node to see that it is not its mailbox")
        assert "another node" in second.status.last_error
        first.stop()
        ledgers[0].release()
        wait_until(lambda: second.status.state == "idling", what="the second node to take over")
        second.stop()
        ledgers[1].release()
    for store in stores:
        store.close()
