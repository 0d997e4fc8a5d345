"""A disk that is full, for real: at the reserve the doors stop and the spool drains; with no byte left it keeps what it has."""

from __future__ import annotations

import sqlite3
from contextlib import closing

import pytest

from tests.faults.disk import MEGABYTE, Disk
from tests.faults.street import DOORS, street
from tests.live.machine import wait_until
from tests.sink import Sink

pytestmark = pytest.mark.live

RESERVE = 10  # megabytes


def test_a_disk_that_fills_up(folder, disk: Disk, sink: Sink) -> None:
    database = disk.place / "data" / "helpdeskd.sqlite3"
    log = folder / "daemon.log"
    with street(disk.place, f"sqlite:///{database}", sink, log=log, reserve_mb=RESERVE) as place:
        for door in DOORS:
            assert place.offer(door) in {0, 250}
        place.arrive()

        # The store is busy, so the spool fills; meanwhile the disk reaches its reserve.
        with closing(sqlite3.connect(database, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            for door in ("smtp", "lmtp", "pipe"):
                assert place.offer(door) in {0, 250}
            disk.leave(RESERVE * MEGABYTE - MEGABYTE // 2)
            assert [place.offer(door) for door in ("smtp", "lmtp", "pipe")] == [452, 452, 75]
            place.offer("imap", "waits on the server")
            wait_until(
                lambda: "reserve" in str(place.house.json("status")["mailboxes"]["desk"]),
                what="no fetch at the reserve",
            )
            other.execute("ROLLBACK")
        # Below the reserve intake and the sender still run: the spool drains, and the answers go out.
        place.arrive("waits on the server", *place.refused)
        assert not place.fetched("waits on the server")

        # Room again, the store busy again; then not a byte is left.
        disk.leave(None)
        place.retry()
        place.arrive()
        with closing(sqlite3.connect(database, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            for n in range(3):
                assert place.offer("smtp", f"in the spool of a full disk {n}") == 250
            disk.leave(0)
            other.execute("ROLLBACK")
        wait_until(
            lambda: "No space left" in log.read_text() or "is full" in log.read_text(), what="a disk that is full"
        )
        assert [place.offer(door) for door in ("smtp", "lmtp", "pipe")] == [452, 452, 75]
        assert place.house.process is not None
        assert place.house.process.poll() is None

        disk.leave(None)
        place.well()
