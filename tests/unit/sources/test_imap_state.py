"""The state file and the lock of a mailbox."""

from __future__ import annotations

import fcntl
import os
from datetime import UTC, datetime

import pytest

from helpdeskd.errors import Temporary
from helpdeskd.sources.imap_state import (
    Book,
    FolderState,
    MailboxLock,
    MailboxStatus,
    WatchState,
    micros,
    moment,
    read_status,
)


def test_a_book_is_read_as_it_was_written(tmp_path):
    book = Book(str(tmp_path), "desk").load()
    book.state.folders["INBOX/ä"] = FolderState(uidvalidity=1, uidnext=9, floor=5, contacted=3, extra="1:2", owed="7")
    book.state.last_error = "no"
    book.save()
    assert Book(str(tmp_path), "desk").load().state == book.state
    assert os.listdir(tmp_path / "mailboxes") == ["desk.state"]


def test_a_save_is_durable_before_it_returns(tmp_path, monkeypatch):
    """The file's bytes first, then its name, then the folder that holds the name."""
    calls = []
    fsync, rename = os.fsync, os.rename

    def noted_fsync(fd):
        calls.append(("fsync", os.path.basename(os.readlink(f"/proc/self/fd/{fd}"))))
        fsync(fd)

    def noted_rename(a, b):
        calls.append(("rename", os.path.basename(b)))
        rename(a, b)

    monkeypatch.setattr(os, "fsync", noted_fsync)
    monkeypatch.setattr(os, "rename", noted_rename)
    Book(str(tmp_path), "desk").load().save()
    assert calls == [("fsync", "desk.tmp"), ("rename", "desk.state"), ("fsync", "mailboxes")]


def test_a_save_that_fails_leaves_the_old_state(tmp_path, monkeypatch):
    book = Book(str(tmp_path), "desk").load()
    book.save()
    book.state.last_error = "new"

    def broken(fd):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", broken)
        with pytest.raises(OSError, match="No space"):
            book.save()
    assert Book(str(tmp_path), "desk").load().state.last_error == ""


@pytest.mark.parametrize("damage", [b"", b"{", b'{"version":"x"}', b"[]", b'{"folders":{"INBOX":{}}}'])
def test_a_damaged_state_is_not_taken_for_first_contact(tmp_path, damage):
    book = Book(str(tmp_path), "desk").load()
    book.save()
    book.path.write_bytes(damage)
    with pytest.raises(Temporary, match="cannot be read"):
        Book(str(tmp_path), "desk").load()
    status = read_status(str(tmp_path), "desk")
    assert status is not None
    assert status.state is WatchState.TROUBLE


def test_what_status_shows(tmp_path):
    assert read_status(str(tmp_path), "desk") is None
    book = Book(str(tmp_path), "desk").load()
    at = datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=UTC)
    book.state.last_good = micros(at)
    book.state.last_error = "the server refused"
    book.state.fetched = 12
    book.state.state = WatchState.WAITING
    book.save()
    assert read_status(str(tmp_path), "desk") == MailboxStatus("desk", at, "the server refused", 12, WatchState.WAITING)


def test_one_holder_of_a_mailbox(tmp_path):
    first = MailboxLock.take(str(tmp_path), "desk")
    assert first is not None
    assert MailboxLock.take(str(tmp_path), "desk") is None
    other = MailboxLock.take(str(tmp_path), "other")
    assert other is not None
    other.release()
    first.release()
    again = MailboxLock.take(str(tmp_path), "desk")
    assert again is not None
    again.release()


def test_a_lock_that_cannot_be_made_is_no_foreign_lock(tmp_path, monkeypatch):
    def broken(fd, how):
        raise OSError(37, "No locks available")

    monkeypatch.setattr(fcntl, "flock", broken)
    with pytest.raises(OSError, match="No locks"):
        MailboxLock.take(str(tmp_path), "desk")


def test_times_are_exact():
    at = datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=UTC)
    assert moment(micros(at)) == at
    assert moment(0) is None
