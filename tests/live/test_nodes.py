"""Several nodes on one PostgreSQL: a mailbox has one watcher among them, another takes over, and what both have is one mail."""

from __future__ import annotations

import random
import signal
import smtplib
import threading
from pathlib import Path

import pytest
from sqlalchemy import text

from helpdeskd import spool, tray
from helpdeskd.config import Mailbox
from helpdeskd.daemon import StoreLedger
from helpdeskd.model.clock import now
from helpdeskd.sources.imap import Watcher
from helpdeskd.store.engine import Store, open_store
from tests.crash.soak.letters import Letter
from tests.crash.soak.peers import Mailbox as ImapServer
from tests.crash.soak.peers import Tally
from tests.crash.soak.reckoning import reckon
from tests.live import dovecot
from tests.live.house import CUSTOMER, SUPPORT, House, mail
from tests.live.machine import wait_until
from tests.sink import threaded

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


# -- two whole daemons


def letters(count: int, door: str) -> list[Letter]:
    """Every second one without a Message-ID: of those only the place in the mailbox tells that they are the same."""
    found = []
    for n in range(count):
        raw = mail(CUSTOMER, SUPPORT, f"Number {n}", "Text")
        if n % 2 and door == "imap":
            raw = b"".join(line for line in raw.splitlines(keepends=True) if not line.startswith(b"Message-ID"))
        found.append(Letter(door, CUSTOMER, (SUPPORT,), raw, offers=2))
    return found


def node(folder: Path, name: str, url: str, relay: Tally, **more) -> House:
    (folder / name).mkdir()
    house = House(folder / name, url, relay, **more)
    house.init()
    return house


def outcomes(store: Store) -> list[str]:
    return sorted(
        row.outcome for row in store.read(lambda conn: conn.execute(text("SELECT outcome FROM arrival")).all())
    )


def test_a_node_that_died_with_the_mailbox_in_its_spool(folder, postgres_url):
    """The other node fetches the same UIDs again, and later the first one comes back with its copies."""
    count, relay = 6, Tally()
    store = open_store(postgres_url)
    with ImapServer() as box, threaded(relay):
        brought = letters(count, "imap")
        for letter in brought:
            box.add(letter.raw)
        one = node(folder, "one", postgres_url, relay, extra=box.settings, roles=("imap",))
        one.start()
        wait_until(lambda: len(tray.scan(str(one.spool))) == count, what="the first node's spool")
        one.stop(signal.SIGKILL)
        assert outcomes(store) == []
        with node(folder, "two", postgres_url, relay, extra=box.settings):
            wait_until(lambda: outcomes(store) == ["opened"] * count, what="the second node to take over")
            with one.beside("intake"):
                wait_until(lambda: not tray.scan(str(one.spool)), what="the first node's copies")
            one.quiet()
        found = reckon(store, one.data, brought, relay.went)
    assert outcomes(store) == ["duplicate"] * count + ["opened"] * count
    store.close()
    assert (found.lost, found.duplicated) == ([], [])


def test_two_nodes_that_are_given_the_same_mail_at_once(folder, postgres_url):
    """As by an MTA with two next hops that lost one's answer: whoever is second sees it, in whatever order they decide."""
    count, relay = 10, Tally()
    store = open_store(postgres_url)
    brought = letters(count, "smtp")
    together = threading.Barrier(2)

    def bring(house: House) -> None:
        with smtplib.SMTP("127.0.0.1", house.port, timeout=60) as client:
            for letter in brought:
                together.wait(60)
                client.sendmail(letter.sender, letter.recipients, letter.raw)

    with threaded(relay):
        nodes = [node(folder, name, postgres_url, relay) for name in ("one", "two")]
        with nodes[0], nodes[1]:
            threads = [threading.Thread(target=bring, args=(house,)) for house in nodes]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            wait_until(lambda: len(outcomes(store)) == 2 * count, what="every arrival")
            nodes[0].quiet()
        for house in nodes:
            found = reckon(store, house.data, brought, relay.went)
            assert (found.lost, found.duplicated) == ([], [])
    assert outcomes(store) == ["duplicate"] * count + ["opened"] * count
    store.close()
