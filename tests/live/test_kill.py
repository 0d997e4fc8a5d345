"""The daemon is killed again and again while mail comes in by every door: nothing is lost, nothing doubled, nothing parked.

A small soak (tests/crash/soak), for every day.
"""

from __future__ import annotations

import random
import signal

import pytest

from helpdeskd.store.engine import open_store
from tests.crash.soak.letters import letters
from tests.crash.soak.peers import Mailbox, Peers, Tally
from tests.crash.soak.reckoning import reckon
from tests.live.house import House
from tests.live.machine import wait_until
from tests.sink import threaded

pytestmark = pytest.mark.live

MAILS = 60
KILLS = 4
SEED = 20261122
EVENLY = {"smtp": 1, "lmtp": 1, "pipe": 1, "imap": 1}


def test_killed_again_and_again(folder, store_url):
    chance, relay = random.Random(SEED), Tally()
    with Mailbox() as box, threaded(relay):
        house = House(folder, store_url, relay, extra=box.settings, lmtp=f"unix:{folder / 'lmtp.sock'}")
        house.init()
        house.cli("department", "add", "Sales", "sales@desk.example")
        house.start()
        peers = Peers(house, letters(MAILS, SEED, EVENLY), relay=relay, mailbox=box, answers=2)
        peers.start()
        try:
            for moment in sorted(chance.sample(range(MAILS), KILLS)):
                with peers.news:
                    while peers.told <= moment:
                        assert peers.news.wait(60)
                assert house.stop(signal.SIGKILL) == -signal.SIGKILL
                house.start()
            wait_until(lambda: peers.done and not box.unseen(), what="every peer content")
        finally:
            peers.end()
        house.quiet()
        assert house.stop() == 0
        store = open_store(store_url)
        found = reckon(store, house.data, peers.letters, relay.went)
        store.close()
    assert (found.lost, found.duplicated) == ([], [])
