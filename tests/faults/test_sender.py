"""The sender in trouble: no answer fails for what is the machine's or the store's fault, and none goes out twice."""

from __future__ import annotations

import asyncio
import errno
import socket
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from helpdeskd.config import Mailbox
from helpdeskd.errors import StoreDown, Temporary
from helpdeskd.model.outgoing import NoticeName, OutboxState
from helpdeskd.model.ticket import History
from helpdeskd.outgoing import letter
from helpdeskd.outgoing.sender import Counts
from helpdeskd.store import outbox
from tests.live.fakeimap import FakeImap
from tests.live.imapbox import Desk
from tests.sink import Sink
from tests.unit.outgoing.house import JANE, House, a_desk


@pytest.fixture
def house(sqlite_store, blobs, sink: Sink) -> House:
    made = House(sqlite_store, blobs, sink, a_desk())
    made.found()
    return made


async def waits(house: House, row_id: int) -> None:
    """The sender says that there is trouble, and the row is as if nothing had been tried."""
    sender = house.sender()
    with pytest.raises(Temporary):
        await sender.once()
    row = house.row(row_id)
    assert (row.state, row.owner, row.attempts, house.sink.mails) == (OutboxState.QUEUED, "", 0, [])


async def goes(house: House, row_id: int) -> None:
    assert await house.sender().once() == Counts(sent=1)
    assert not house.row(row_id).possibly_twice
    assert len(house.sink.mails) == 1


def raising(error: Exception) -> Any:
    def act(*_: Any, **__: Any) -> None:
        raise error

    return act


@pytest.mark.parametrize(
    ("owner", "name", "error"),
    [
        (letter, "write", OSError(errno.EMFILE, "Too many open files")),
        (letter, "write", MemoryError()),
        (letter, "gather", StoreDown("gone")),
        (ThreadPoolExecutor, "submit", RuntimeError("can't start new thread")),
    ],
    ids=["no file is left to open", "no memory", "the store is down", "no thread can be started"],
)
async def test_the_machines_trouble_fails_no_mail(house, monkeypatch, owner, name, error):
    row_id = house.queue()
    with monkeypatch.context() as patch:
        patch.setattr(owner, name, raising(error))
        await waits(house, row_id)
    await goes(house, row_id)


async def test_a_relay_whose_name_cannot_be_resolved_is_tried_again(house, monkeypatch):
    """DNS is down, and comes back."""
    host, _, port = house.sink.relay.rpartition(":")
    house.settings["relay"] = f"relay.example:{port}"
    row_id = house.queue()
    resolve, down = socket.getaddrinfo, [True]

    def getaddrinfo(name: Any, *more: Any, **others: Any) -> Any:
        if down[0]:
            raise socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution")
        return resolve(host if name == "relay.example" else name, *more, **others)

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    assert await house.sender().once() == Counts(deferred=1)
    row = house.row(row_id)
    assert "name resolution" in row.last_reply
    down[0] = False
    house.now = row.next_at
    await goes(house, row_id)


def test_a_mailbox_whose_name_cannot_be_resolved_is_asked_again(tmp_path, monkeypatch):
    desk, resolve, down = Desk(str(tmp_path / "spool")), socket.getaddrinfo, [True]

    def getaddrinfo(name: Any, *more: Any, **others: Any) -> Any:
        if down[0]:
            raise socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution")
        return resolve("127.0.0.1" if name == "imap.example" else name, *more, **others)

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    with FakeImap() as server:
        uid = server.add(b"Subject: x\r\n\r\nText\r\n")
        box = Mailbox(
            name="desk",
            host="imap.example",
            port=server.port,
            user="u",
            password="p",
            security="none",
            backfill="all",
        )
        assert "name resolution" in desk.fetch(box, well=False).error
        assert (server.flags[uid], desk.waiting()) == (set(), 0)
        down[0] = False
        assert desk.fetch(box).fetched == 1
        assert server.flags[uid] == {"\\Seen"}


async def test_blobs_that_are_not_there_fail_no_mail(house, tmp_path):
    """The first try has frozen the bytes; then their disk is gone for a while."""
    row_id = house.queue()
    house.sink.say("rcpt", "450 4.2.0 later")
    assert await house.sender().once() == Counts(deferred=1)
    house.now = house.row(row_id).next_at
    (tmp_path / "blobs").rename(tmp_path / "away")
    with pytest.raises(StoreDown):
        await house.sender().once()
    assert house.row(row_id).state is OutboxState.DEFERRED
    (tmp_path / "away").rename(tmp_path / "blobs")
    await goes(house, row_id)


@pytest.mark.parametrize("notice", [NoticeName.ACKNOWLEDGEMENT, NoticeName.STAFF_REPLY])
async def test_a_mark_whose_commit_was_never_heard_of_is_taken_back(house, monkeypatch, notice):
    """The connection is lost with COMMIT's answer: the row may be `sending`, and we know that no dot has left."""
    row_id = house.queue(notice)
    sender = house.sender()
    marked, commit, mark = [], sender._commit, outbox.sending

    def sending(conn, outbox_id, *more):
        mark(conn, outbox_id, *more)
        marked.append(outbox_id)

    async def cut(fn):
        value = await commit(fn)
        if marked:
            marked.clear()
            assert house.row(row_id).state is OutboxState.SENDING
            raise StoreDown("server closed the connection unexpectedly")
        return value

    with monkeypatch.context() as patch:
        patch.setattr(outbox, "sending", sending)
        patch.setattr(sender, "_commit", cut)
        with pytest.raises(StoreDown):
            await sender.once()
    row = house.row(row_id)
    assert (row.state, row.owner, house.sink.mails) == (OutboxState.QUEUED, "", [])
    await goes(house, row_id)


async def test_an_end_whose_commit_was_never_heard_of_is_written_down_once(house, monkeypatch):
    """The connection is lost with COMMIT's answer: we write it down again, and find that it stands there already."""
    monkeypatch.setattr("helpdeskd.outgoing.sender._PAUSE_SECONDS", 0)
    house.sink.refuse(JANE, "550 5.1.1 no such user")
    row = house.answer("Pull the plug.")
    sender = house.sender()
    commit, cuts = sender._commit, list[int]()

    async def cut(fn):
        value = await commit(fn)
        if not cuts and house.row(row.id).state is OutboxState.FAILED:
            cuts.append(1)
            raise StoreDown("server closed the connection unexpectedly")
        return value

    monkeypatch.setattr(sender, "_commit", cut)
    assert await sender.once() == Counts(sent=1, failed=1)  # the notice that it failed, and the answer
    assert cuts
    assert (len(house.attempts(row.id)), house.row(row.id).attempts) == (1, 1)
    assert len(house.happened(History.MAIL_FAILED)) == 1
    assert len(house.sink.to("ada@example.org")) == 1


async def test_an_answer_that_cannot_be_written_down_is_no_second_mail(house, monkeypatch):
    """The relay has said 250 and the store is down: we go on trying to write it down, and send nothing twice."""
    monkeypatch.setattr("helpdeskd.outgoing.sender._PAUSE_SECONDS", 0.01)
    row_id = house.queue()
    ended, failures = outbox.ended, iter([True] * 5)
    tries = []

    def end(*args: Any, **more: Any) -> Any:
        tries.append(1)
        if next(failures, False):
            raise StoreDown("database or disk is full")
        return ended(*args, **more)

    monkeypatch.setattr(outbox, "ended", end)
    stop = asyncio.Event()
    running = asyncio.ensure_future(house.sender().run(stop))
    await asyncio.to_thread(house.sink.wait, 1)
    stop.set()
    await running
    assert len(house.sink.mails) == 1
    assert house.row(row_id).state in {OutboxState.SENT, OutboxState.SENDING}  # a stop waits for no store
