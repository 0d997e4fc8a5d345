"""The IMAP door against a real Dovecot."""

from __future__ import annotations

import itertools
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from helpdeskd import spool, tray
from helpdeskd.config import Mailbox
from helpdeskd.model.clock import now
from helpdeskd.sources.imap import read_status
from helpdeskd.sources.imap_client import Connection
from tests.live import dovecot
from tests.live.dovecot import DovecotInstance, access_token
from tests.live.imapbox import Desk, mail
from tests.live.machine import free_port, wait_until

pytestmark = [pytest.mark.live, pytest.mark.skipif(dovecot.why_not() is not None, reason=str(dovecot.why_not()))]


class Crash(BaseException):
    """The process is gone: nothing catches it."""


SEEN, DELETED = rb"\Seen", rb"\Deleted"
_users = (f"user{n}@example.org" for n in itertools.count())


@pytest.fixture(scope="module")
def server() -> Iterator[DovecotInstance]:
    with DovecotInstance(tuple(f"user{n}@example.org" for n in range(60)), tls=True, oauth2=True) as instance:
        yield instance


@pytest.fixture
def user() -> str:
    """Each test has a mailbox of its own."""
    return next(_users)


@pytest.fixture
def desk(tmp_path) -> Desk:
    return Desk(str(tmp_path / "spool"))


def box(server: DovecotInstance, user: str, **changed: Any) -> Mailbox:
    settings: dict[str, Any] = {
        "name": "support",
        "host": "127.0.0.1",
        "port": server.port,
        "user": user,
        "security": "none",
        "password": server.password,
        "poll_seconds": 3600,
        **changed,
    }
    return Mailbox(**settings)


# -- fetching


def test_polling(server, user, desk):
    with desk.watching(box(server, user, idle=False, poll_seconds=1)) as watcher:
        desk.until(watcher, "waiting")
        server.deliver(user, mail("one"))
        desk.until_waiting(1)
        wait_until(lambda: watcher.status.fetched == 1)
        assert desk.drain() == [mail("one")]
        server.deliver(user, mail("two"))
        desk.until_waiting(1)
        assert desk.drain() == [mail("two")]
        wait_until(lambda: watcher.status.fetched == 2)  # and so flagged
    assert server.flags(user) == {1: {SEEN}, 2: {SEEN}}
    assert watcher.status.fetched == 2
    assert watcher.status.last_error == ""


def test_idle(server, user, desk):
    """The next poll is an hour away: only IDLE can bring these."""
    with desk.watching(box(server, user)) as watcher:
        for n in range(3):
            desk.until(watcher, "idling")
            server.deliver(user, mail(f"mail {n}"))
            desk.until_waiting(1)
            assert desk.drain() == [mail(f"mail {n}")]
        wait_until(lambda: watcher.status.fetched == 3)
    assert server.flags(user) == {1: {SEEN}, 2: {SEEN}, 3: {SEEN}}


def test_what_the_envelope_says(server, user, desk):
    desk.fetch(box(server, user))
    arrived = datetime(2026, 2, 3, 4, 5, 6, tzinfo=UTC)
    before = now()
    server.append(user, mail("one"), arrived=arrived)
    desk.fetch(box(server, user))
    desk.drain()
    (envelope,) = desk.envelopes
    assert (envelope.door, envelope.account, envelope.folder, envelope.uid) == ("imap", "support", "INBOX", 1)
    assert envelope.uidvalidity == server.uidvalidity(user)
    assert envelope.internaldate == arrived.timestamp() * 1_000_000
    assert before.timestamp() <= envelope.received / 1_000_000 <= now().timestamp()
    assert (envelope.sender, envelope.sender_known, envelope.recipients) == ("", False, ())


def test_the_envelope_says_since_when_nobody_had_looked(server, user, desk):
    """What came before that and is old by now gets no automatic answer; what came while we were down does."""
    before = now()
    desk.fetch(box(server, user))
    after = now()
    server.append(user, mail("one"))
    desk.fetch(box(server, user))
    server.append(user, mail("two"))
    desk.fetch(box(server, user))
    desk.drain()
    one, two = (envelope.looked / 1_000_000 for envelope in desk.envelopes)
    assert before.timestamp() <= one <= after.timestamp() < two <= now().timestamp()


def test_bytes_arrive_as_they_are(server, user, desk):
    """Eight-bit, long lines, no end of line at the end, and one so large that it is fetched in pieces."""
    desk.fetch(box(server, user))
    odd = b"Subject: \xff\xfe\r\n\r\n" + bytes(range(1, 10)) + b"x" * 5000 + b"\r\n.\r\n\xe4"
    large = mail("large") + b"".join(b"%064d\r\n" % n for n in range(140_000))
    server.append(user, odd)
    server.append(user, large)
    assert desk.fetch(box(server, user)).fetched == 2
    assert desk.drain() == [odd, large]


def test_a_mail_read_by_people_first_is_fetched_all_the_same(server, user, desk):
    desk.fetch(box(server, user))
    server.append(user, mail("read in webmail"), flags=(SEEN,))
    desk.fetch(box(server, user))
    assert desk.drain() == [mail("read in webmail")]


def test_marked_unread_by_people_stays_unread(server, user, desk):
    desk.fetch(box(server, user))
    server.deliver(user, mail("one"))
    desk.fetch(box(server, user))
    with server.client(user) as client:
        client.select_folder("INBOX")
        client.remove_flags([1], [SEEN])
    assert desk.fetch(box(server, user)).fetched == 0
    desk.drain()
    assert desk.fetch(box(server, user)).fetched == 0
    assert server.flags(user) == {1: set()}


def test_known_in_spool_parked_or_ledger_is_not_fetched_again(server, user, desk):
    desk.fetch(box(server, user))
    for n in range(3):
        server.deliver(user, mail(f"mail {n}"))
    assert desk.fetch(box(server, user)).fetched == 3
    assert desk.fetch(box(server, user)).fetched == 0  # in the spool
    first = tray.claim(desk.root, tray.scan(desk.root)[0])
    assert first is not None
    tray.park(desk.root, first, "test", "")
    assert desk.fetch(box(server, user)).fetched == 0  # parked
    assert len(desk.drain()) == 2
    assert desk.fetch(box(server, user)).fetched == 0  # in the ledger, or parked


def test_two_folders_and_one_that_is_missing(server, user, desk):
    with server.client(user) as client:
        client.create_folder("Büro & Co")
        client.append("Büro & Co", mail("old"))
    mailbox = box(server, user, folders=("INBOX", "Gone", "Büro & Co"))
    assert "Gone" in desk.fetch(mailbox, well=False).error
    server.deliver(user, mail("inbox"))  # its UID 1 is below the other folder's
    server.append(user, mail("office"), "Büro & Co")
    result = desk.fetch(mailbox, well=False)
    assert result.fetched == 2
    assert "Gone" in result.error
    assert sorted(desk.drain()) == sorted([mail("inbox"), mail("office")])
    assert {(e.folder, e.uid) for e in desk.envelopes} == {("INBOX", 1), ("Büro & Co", 2)}
    status = read_status(desk.root, "support")
    assert status is not None
    assert "Gone" in status.last_error
    assert status.last_good is None  # a folder that cannot be polled is no good poll


# -- where a folder starts


def seed(server: DovecotInstance, user: str) -> None:
    today = datetime.now(UTC)
    server.append(user, mail("1 old read"), flags=(SEEN,), arrived=today - timedelta(days=100))
    server.append(user, mail("2 old unread"), arrived=today - timedelta(days=90))
    server.append(user, mail("3 recent read"), flags=(SEEN,), arrived=today - timedelta(days=2))
    server.append(user, mail("4 recent unread"), arrived=today - timedelta(hours=20))


@pytest.mark.parametrize(
    ("backfill", "uids"),
    [
        ("none", []),
        ("all", [1, 2, 3, 4]),
        ("unseen", [2, 4]),
        ((datetime.now(UTC) - timedelta(days=10)).date().isoformat(), [3, 4]),
    ],
)
def test_first_contact(server, user, desk, backfill, uids):
    seed(server, user)
    mailbox = box(server, user, backfill=backfill)
    assert desk.fetch(mailbox).fetched == len(uids)
    server.append(user, mail("5 new"), flags=(SEEN,))
    assert desk.fetch(mailbox).fetched == 1
    desk.drain()
    assert [envelope.uid for envelope in desk.envelopes] == [*uids, 5]


def test_unseen_backfill_remembers_what_was_unseen(server, user, desk, monkeypatch):
    """The first pass ends after the choice; then people read the mail; it is still ours."""
    seed(server, user)
    mailbox = box(server, user, backfill="unseen")

    def broken(self, uids):
        raise Crash

    with monkeypatch.context() as patched, pytest.raises(Crash):
        patched.setattr(Connection, "bodies", broken)
        desk.fetch(mailbox)
    with server.client(user) as client:
        client.select_folder("INBOX")
        client.add_flags([2, 4], [SEEN])
    desk.fetch(mailbox)
    desk.drain()
    assert [envelope.uid for envelope in desk.envelopes] == [2, 4]


def test_a_new_uidvalidity_does_not_make_old_mail_new(server, user, desk):
    mailbox = box(server, user, backfill="all")
    seed(server, user)
    desk.fetch(mailbox)
    assert len(desk.drain()) == 4
    before = server.uidvalidity(user)
    server.forget_uids(user)
    server.deliver(user, mail("5 new"))
    assert server.uidvalidity(user) != before
    assert desk.fetch(mailbox).fetched == 2
    # The recent one again, for intake to recognise; not those of days ago.
    assert sorted(desk.drain()) == [mail("4 recent unread"), mail("5 new")]
    server.deliver(user, mail("6 newer"))
    desk.fetch(mailbox)
    assert desk.drain() == [mail("6 newer")]


def test_a_folder_made_anew_with_lower_uids(server, user, desk):
    mailbox = box(server, user, folders=("Queue",))
    with server.client(user) as client:
        client.create_folder("Queue")
    desk.fetch(mailbox)
    for n in range(5):
        server.append(user, mail(f"mail {n}"), "Queue")
    assert desk.fetch(mailbox).fetched == 5
    desk.drain()
    with server.client(user) as client:
        client.delete_folder("Queue")
        client.create_folder("Queue")
    server.append(user, mail("again from 1"), "Queue")
    assert desk.fetch(mailbox).fetched == 1
    assert desk.drain() == [mail("again from 1")]


# -- what happens to a mail once it is ours


def hidden(*capabilities: str) -> DovecotInstance:
    return DovecotInstance(without=capabilities)


DESK = "desk@example.org"


@pytest.mark.parametrize("without", [(), ("MOVE",)])
def test_move(desk, without):
    """With MOVE; with COPY and UID EXPUNGE. The target is made. Other people's \\Deleted mail is left alone."""
    with hidden(*without) as server:
        mailbox = box(server, DESK, after="move", move_to="Erledigt für uns")
        desk.fetch(mailbox)
        server.append(DESK, mail("deleted by people"), flags=(DELETED,))
        server.deliver(DESK, mail("one"))
        assert desk.fetch(mailbox).fetched == 2
        assert server.flags(DESK) == {}
        assert len(server.flags(DESK, "Erledigt für uns")) == 2
        server.append(DESK, mail("three"))
        with server.client(DESK) as client:
            client.select_folder("INBOX")
            client.add_flags(client.search(), [DELETED])
        assert desk.fetch(mailbox).fetched == 1
        assert desk.fetch(mailbox).fetched == 0
        assert len(desk.drain()) == 3


def test_delete_expunges_only_what_we_took(desk):
    with hidden() as server:
        server.append(DESK, mail("old, deleted by people, not expunged"), flags=(DELETED,))
        mailbox = box(server, DESK, after="delete")
        desk.fetch(mailbox)
        server.deliver(DESK, mail("one"))
        desk.fetch(mailbox)
        assert server.flags(DESK) == {1: {DELETED}}
        assert desk.drain() == [mail("one")]


@pytest.mark.parametrize(
    ("without", "changed", "said"),
    [
        (("UIDPLUS",), {"after": "delete"}, "no UIDPLUS"),
        (("UIDPLUS", "MOVE"), {"after": "move", "move_to": "Done"}, "neither MOVE nor UIDPLUS"),
    ],
)
def test_what_cannot_be_done_safely_is_refused(desk, without, changed, said):
    """The mail is taken once all the same, stays where it is, unflagged, and the trouble is told at each pass."""
    with hidden(*without) as server:
        mailbox = box(server, DESK, **changed)
        desk.fetch(mailbox)
        server.deliver(DESK, mail("one"))
        assert said in desk.fetch(mailbox, well=False).error
        desk.drain()
        assert said in desk.fetch(mailbox, well=False).error
        assert desk.took == [mail("one")]
        assert desk.waiting() == 0
        assert server.flags(DESK) == {1: set()}


@pytest.mark.parametrize(
    ("changed", "step", "flags"),
    [
        ({}, "mark_seen", {1: {SEEN}, 2: {SEEN}}),
        ({"after": "move", "move_to": "Done"}, "move", {}),
        ({"after": "delete"}, "delete", {}),
    ],
)
@pytest.mark.parametrize("drained", [True, False])
def test_a_crash_between_spool_and_flag(server, user, desk, monkeypatch, changed, step, flags, drained):
    """No second copy; the flag, the move, the deletion are made up for."""
    mailbox = box(server, user, **changed)
    desk.fetch(mailbox)
    server.deliver(user, mail("one"))
    server.deliver(user, mail("two"))

    def broken(self, uids, *more):
        raise Crash

    with monkeypatch.context() as patched, pytest.raises(Crash):
        patched.setattr(Connection, step, broken)
        desk.fetch(mailbox)
    assert desk.waiting() == 2
    assert server.flags(user) == {1: set(), 2: set()}
    if drained:
        desk.drain()
    assert desk.fetch(mailbox).fetched == 0
    assert server.flags(user) == flags
    desk.drain()
    assert desk.took == [mail("one"), mail("two")]


def test_a_crash_before_the_spool(server, user, desk, monkeypatch):
    desk.fetch(box(server, user))
    server.deliver(user, mail("one"))

    def broken(*args, **more):
        raise Crash

    with monkeypatch.context() as patched, pytest.raises(Crash):
        patched.setattr(spool, "put", broken)
        desk.fetch(box(server, user))
    assert server.flags(user) == {1: set()}
    assert desk.fetch(box(server, user)).fetched == 1
    assert server.flags(user) == {1: {SEEN}}


# -- trouble


def test_the_server_goes_away_while_we_fetch_and_comes_back(desk, monkeypatch):
    count, put = 100, spool.put
    with DovecotInstance() as server:
        with server.client(DESK) as client:
            for n in range(count):
                client.append("INBOX", mail(f"mail {n}"))

        def put_then_stop(*args: Any, **more: Any) -> str:
            spool_id = put(*args, **more)
            if desk.waiting() == 30:
                server.stop()  # this one is in the spool, and can no longer be flagged
            return spool_id

        monkeypatch.setattr(spool, "put", put_then_stop)
        mailbox = box(server, DESK, backfill="all", poll_seconds=1)
        with desk.watching(mailbox, chance=lambda: 0.0) as watcher:
            desk.until(watcher, "trouble")
            assert 30 <= desk.waiting() < count
            assert watcher.status.last_error
            monkeypatch.setattr(spool, "put", put)
            server.start()
            desk.until_waiting(count)
            server.deliver(DESK, mail("last"))
            desk.until_waiting(count + 1)
            wait_until(lambda: watcher.status.last_error == "" and watcher.status.state == "idling")
        desk.drain()
        assert len(desk.took) == len(set(desk.took)) == count + 1
        assert all(flags == {SEEN} for flags in server.flags(DESK).values())


def test_two_watchers_on_one_mailbox(server, user, desk):
    mailbox = box(server, user, poll_seconds=1)
    with desk.watching(mailbox) as first:
        desk.until(first, "idling")
        with desk.watching(mailbox) as second:
            desk.until(second, "locked")
            assert "another process" in second.status.last_error
            assert "another process" in desk.fetch(mailbox, well=False).error
            for n in range(5):
                server.deliver(user, mail(f"mail {n}"))
            desk.until_waiting(5)
            first.stop()
            desk.until(second, "idling")
            server.deliver(user, mail("for the second"))
            desk.until_waiting(6)
    desk.drain()
    assert len(desk.took) == len(set(desk.took)) == 6
    assert (first.status.fetched, second.status.fetched) == (5, 1)


def test_an_unknown_authority_is_refused(server, user, desk):
    for security, port in (("tls", server.tls_port), ("starttls", server.port)):
        mailbox = box(server, user, security=security, port=port)
        result = desk.fetch(mailbox, well=False)
        assert "certificate is not trusted" in result.error
        assert "ca_file" in result.error


@pytest.mark.parametrize("security", ["tls", "starttls"])
def test_tls_with_a_private_authority(server, user, desk, security):
    port = server.tls_port if security == "tls" else server.port
    mailbox = box(server, user, security=security, port=port, ca_file=server.certificate)
    with desk.watching(mailbox) as watcher:
        desk.until(watcher, "idling")
        server.deliver(user, mail("over TLS"))
        desk.until_waiting(1)
    assert desk.drain() == [mail("over TLS")]


def test_the_certificate_must_be_of_this_host(server, user, desk):
    mailbox = box(server, user, security="tls", port=server.tls_port, ca_file=server.certificate, host="127.0.0.2")
    assert "127.0.0.2" in desk.fetch(mailbox, well=False).error


def test_a_ca_file_that_is_missing(server, user, desk, tmp_path):
    mailbox = box(server, user, security="tls", port=server.tls_port, ca_file=tmp_path / "none.pem")
    assert "none.pem cannot be used" in desk.fetch(mailbox, well=False).error


def test_a_wrong_password(server, user, desk, capfd):
    result = desk.fetch(box(server, user, password="hunter2-secret"), well=False)
    assert "refused the login" in result.error
    assert user in result.error
    with desk.watching(box(server, user, password="hunter2-secret")) as watcher:
        desk.until(watcher, "trouble")
    status = read_status(desk.root, "support")
    assert status is not None
    assert "refused the login" in status.last_error
    assert "hunter2" not in "".join(capfd.readouterr()) + result.error + status.last_error


def test_oauth2_by_a_command_and_an_expired_token(server, user, desk, tmp_path, capfd):
    token = tmp_path / "token"
    token.write_text(access_token(user, lifetime=-60))
    command = (sys.executable, "-I", "-c", f"print(open({str(token)!r}).read())")
    mailbox = box(server, user, password="", oauth2_command=command)
    result = desk.fetch(mailbox, well=False)
    assert "refused the login" in result.error
    assert token.read_text() not in result.error
    token.write_text(access_token(user))
    assert desk.fetch(mailbox).error == ""
    assert token.read_text() not in "".join(capfd.readouterr())


def test_nobody_listens(user, desk):
    mailbox = Mailbox(name="support", host="127.0.0.1", port=free_port(), user=user, security="none", password="x")
    assert "refused" in desk.fetch(mailbox, well=False).error


def test_no_fetch_at_the_disks_reserve(server, user, desk):
    mailbox = box(server, user, poll_seconds=1)
    desk.fetch(mailbox)
    server.deliver(user, mail("one"))
    spool.set_reserve(desk.root, 100, 0)
    assert "reserve" in desk.fetch(mailbox, well=False).error
    with desk.watching(mailbox) as watcher:
        desk.until(watcher, "no-room")
        assert "reserve" in watcher.status.last_error
        assert desk.waiting() == 0
        assert server.flags(user) == {1: set()}
        spool.set_reserve(desk.root, 0, 0)
        desk.until_waiting(1)
        desk.until(watcher, "idling")
        assert watcher.status.last_error == ""
    assert server.flags(user) == {1: {SEEN}}


def test_a_lost_state_file_with_a_ledger_goes_on_where_it_was(server, user, desk):
    server.deliver(user, mail("old"))
    mailbox = box(server, user)
    desk.fetch(mailbox)
    server.deliver(user, mail("one"))
    desk.fetch(mailbox)
    desk.drain()
    server.deliver(user, mail("two"))
    for path in (Path(desk.root) / "mailboxes").iterdir():
        path.unlink()
    assert desk.fetch(mailbox).fetched == 1
    assert desk.drain() == [mail("two")]


def test_status_for_another_process(server, user, desk):
    mailbox = box(server, user)
    with desk.watching(mailbox) as watcher:
        desk.until(watcher, "idling")
        status = read_status(desk.root, "support")
        assert status is not None
        assert (status.state, status.last_error) == ("waiting", "")
        assert status.last_good is not None
    status = read_status(desk.root, "support")
    assert status is not None
    assert status.state == "stopped"
