"""Intake in trouble that no daemon can be asked for: whatever fails, no healthy mail keeps a strike, none is parked, none overtakes."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from sqlalchemy import Connection, event, insert
from sqlalchemy.exc import OperationalError

from helpdeskd import durable, tray
from helpdeskd import intake as intake_module
from helpdeskd.desk import receive as receive_module
from helpdeskd.errors import StoreDown
from helpdeskd.mail import parse as parse_module
from helpdeskd.model.mail import Inbound
from helpdeskd.model.routing import Outcome
from helpdeskd.store import arrivals, schema
from tests.live.house import SUPPORT, mail
from tests.live.machine import wait_until
from tests.unit.store.helpers import busy_writer
from tests.unit.test_intake import Room

MAILS = 4


@pytest.fixture
def room(tmp_path, sqlite_store, blobs, parser) -> Iterator[Room]:
    made = Room(tmp_path, sqlite_store, blobs, parser)
    yield made
    made.intake.stop()


def fill(room: Room, count: int = MAILS) -> list[str]:
    return [room.put(mail(f"c{n}@customer.example", SUPPORT, f"Number {n}", "Text")) for n in range(count)]


def subjects(room: Room) -> list[str]:
    return [line.ticket.subject for line in sorted(room.tickets(), key=lambda line: line.ticket.id)]


def all_is_well(room: Room, count: int = MAILS) -> None:
    """The trouble is over: one pass, and everything is there once, in order, with nothing held against anybody."""
    for spool_id in tray.scan(room.root):
        room.intake.once()
        assert room.intake.counts.parked == 0, spool_id
    assert tray.scan(room.root) == []
    assert tray.parked(room.root) == []
    assert subjects(room) == [f"Number {n}" for n in range(count)]
    assert len(room.arrivals()) == count


def failing(error: Exception, when: Callable[..., bool] = lambda *_, **__: True) -> Callable[[Callable[..., Any]], Any]:
    def wrap(real: Callable[..., Any]) -> Callable[..., Any]:
        def act(*args: Any, **more: Any) -> Any:
            if when(*args, **more):
                raise error
            return real(*args, **more)

        return act

    return wrap


def fails_on_the_first(monkeypatch: pytest.MonkeyPatch) -> None:
    """A bug of ours that the mail "Number 0" meets."""
    real = parse_module.claimed

    def claimed(inbound: Inbound, is_ours: Any) -> Any:
        if inbound.subject == "Number 0":
            raise ZeroDivisionError
        return real(inbound, is_ours)

    monkeypatch.setattr(intake_module, "claimed", claimed)


def eio() -> OSError:
    return OSError(errno.EIO, "Input/output error")


TROUBLES = {
    "a blob cannot be written": ("blobs.put", failing(eio())),
    "a bug on the way to the disk": ("blobs.put", failing(ValueError("?"))),
    "the spool cannot be read": ("raw", failing(eio())),
    "no memory to read it": ("raw", failing(MemoryError())),
    "no memory to take what was parsed": ("claimed", failing(MemoryError())),
    "no file is left to open": ("claimed", failing(OSError(errno.EMFILE, "Too many open files"))),
    "no thread can be started": ("submit", failing(RuntimeError("can't start new thread"))),
    "we are being shut down": (
        "submit",
        failing(RuntimeError("cannot schedule new futures after interpreter shutdown")),
    ),
    "the store is down": ("receive", failing(StoreDown("gone"))),
    "no memory in the store": ("receive", failing(MemoryError())),
    "the folder of strikes cannot be synced": ("sync", failing(eio(), lambda path: path.endswith("/cur"))),
    "the strike cannot be written": ("rename", failing(OSError(errno.EROFS, "Read-only file system"))),
    "the strike can be written and not be taken back": ("rename", failing(eio(), lambda old, new: new.endswith(".0"))),
    "done, but the spool's copy cannot go": ("unlink", failing(OSError(errno.EROFS, "Read-only file system"))),
}


@pytest.mark.parametrize("trouble", TROUBLES)
def test_trouble_is_nobodys_fault(room: Room, monkeypatch: pytest.MonkeyPatch, trouble: str) -> None:
    where, wrap = TROUBLES[trouble]
    owner, name = {
        "blobs.put": (room.blobs, "put"),
        "raw": (tray.Entry, "raw"),
        "claimed": (intake_module, "claimed"),
        "submit": (ThreadPoolExecutor, "submit"),
        "receive": (receive_module, "receive"),
        "sync": (durable, "sync_dir"),
        "rename": (os, "rename"),
        "unlink": (durable, "unlink"),
    }[where]
    fill(room)
    with monkeypatch.context() as patch:
        patch.setattr(owner, name, wrap(getattr(owner, name)))
        for _ in range(5):
            passed = room.intake.once()
            assert passed.waiting
            assert (passed.struck, passed.parked) == (0, 0)
    all_is_well(room)


def test_a_strike_that_could_not_be_taken_back_is_before_the_next_attempt(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A disk that is read-only for a moment, again and again, at the worst point of each pass."""
    fill(room)
    bad = [False]
    rename = os.rename

    def flickering(old: str, new: str) -> None:
        if bad[0]:
            raise OSError(errno.EROFS, "Read-only file system")
        rename(old, new)

    def claimed(*_: Any) -> None:
        bad[0] = True
        raise eio()

    with monkeypatch.context() as patch:
        patch.setattr(os, "rename", flickering)
        patch.setattr(intake_module, "claimed", claimed)
        for _ in range(6):
            bad[0] = False
            assert room.intake.once().parked == 0
    all_is_well(room)


def test_a_poison_mail_is_parked_even_where_the_ledger_cannot_say_so(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What breaks the desk breaks the ledger's row too: parked all the same, and nobody waits behind it."""
    poison, *_ = fill(room)
    fails_on_the_first(monkeypatch)
    with monkeypatch.context() as patch:
        patch.setattr(
            arrivals,
            "record",
            failing(ValueError("?"), lambda _, **row: row["outcome"] is Outcome.PARKED)(arrivals.record),
        )
        while room.intake.counts.parked == 0:
            room.intake.once()
    room.intake.once()
    assert [one.id for one in tray.parked(room.root)] == [poison]
    assert subjects(room) == ["Number 1", "Number 2", "Number 3"]


def test_a_poison_mail_that_cannot_be_parked_blocks_nobody(room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its reason does not fit the disk."""
    poison, *_ = fill(room)
    fails_on_the_first(monkeypatch)
    with monkeypatch.context() as patch:
        patch.setattr(durable, "replace", failing(OSError(errno.ENOSPC, "No space left on device"))(durable.replace))
        for _ in range(5):
            room.intake.once()
        assert tray.scan(room.root) == [poison]
        assert subjects(room) == ["Number 1", "Number 2", "Number 3"]
    assert room.intake.once().parked == 1


def test_a_folder_that_may_not_be_entered_is_no_fault_of_the_mails_in_it(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(room)
    with monkeypatch.context() as patch:
        refuse = failing(PermissionError(errno.EACCES, "Permission denied"))
        patch.setattr(durable, "open_plain", refuse(durable.open_plain))
        shown, patch_lexists = [True], os.path.lexists
        patch.setattr(os.path, "lexists", lambda path: shown[0] and patch_lexists(path))
        found = tray._find

        def find(root: str, spool_id: str) -> Any:
            shown[0] = True
            try:
                return found(root, spool_id)
            finally:
                shown[0] = False

        patch.setattr(tray, "_find", find)
        for _ in range(4):
            assert (room.intake.once().waiting, room.intake.counts.parked) == (MAILS, 0)
    all_is_well(room)


# -- the database is full in the middle of a batch


def test_full_in_the_middle_of_a_batch_rolls_all_back_and_keeps_the_order(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    """SQLITE_FULL, for real: the third of eight mails does not fit. Those before it are received; none behind it overtakes."""
    store = room.store
    one_by_one: list[int] = []
    usual, real = store.writer._one_by_one, receive_module.receive

    def noted(group: Any) -> None:
        one_by_one.append(len(group))
        usual(group)

    monkeypatch.setattr(store.writer, "_one_by_one", noted)

    def receive(conn: Connection, desk: Any, now: Any, arrived: Any) -> Any:
        if arrived.inbound.subject == "Number 2":
            pages = conn.exec_driver_sql("PRAGMA page_count").scalar_one()
            conn.exec_driver_sql(f"PRAGMA max_page_count = {pages + 20}")
            for n in range(30):
                conn.execute(insert(schema.setting).values(key=f"hungry-{n}", value="x" * 20_000))
        return real(conn, desk, now, arrived)

    fill(room, 8)
    with monkeypatch.context() as patch, ThreadPoolExecutor(1) as thread:
        patch.setattr(receive_module, "receive", receive)
        with busy_writer(store):
            passing = thread.submit(room.intake.once)
            wait_until(lambda: store.writer._queue.qsize() == 8, what="a group of eight")
        passed = passing.result()
    assert one_by_one == [8]
    assert (passed.received, passed.struck, passed.parked) == (2, 0, 0)
    assert subjects(room) == ["Number 0", "Number 1"]
    all_is_well(room, 8)


def test_a_commit_that_fails_keeps_the_order_too(room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    """Only the first COMMIT fails, and the mails behind were submitted already: they wait for it."""
    fill(room, 3)
    failed: list[bool] = []

    def commit(_: Connection) -> None:
        if not failed:
            failed.append(True)
            raise OperationalError("COMMIT", {}, Exception("disk I/O error"))

    monkeypatch.setattr(room.store.writer, "_group", 1)
    event.listen(room.store.engine, "commit", commit)
    try:
        passed = room.intake.once()
    finally:
        event.remove(room.store.engine, "commit", commit)
    assert (passed.received, passed.waiting, passed.struck) == (0, 3, 0)
    all_is_well(room, 3)
