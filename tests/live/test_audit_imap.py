r"""IMAP folders against ledger and spool: what is missing is named by its UID and fetched again, whoever has set \Seen."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from helpdeskd import tray
from helpdeskd.alarms.conditions import AlarmKind, Key, judge
from helpdeskd.alarms.facts import gather
from helpdeskd.audit.differences import Kind
from helpdeskd.config import Mailbox
from helpdeskd.daemon import StoreLedger
from helpdeskd.model.clock import now
from helpdeskd.sources.imap import Watcher, WatchState, fetch_once
from helpdeskd.sources.imap_state import Book
from tests.live.fakeimap import FakeImap
from tests.live.house import CUSTOMER, SUPPORT, mail
from tests.live.machine import wait_until
from tests.unit.audit.site import Site, opened_site

UID_2 = "support/INBOX UID 2"


class Mailed(Site):
    """A site with one mailbox on a scripted server."""

    def __init__(self, site: Site, server: FakeImap) -> None:
        super().__init__(site.here)
        self.server = server
        (self.box,) = site.here.config.mailbox
        self.ledger = StoreLedger(site.here.store)

    def arrive(self, subject: str) -> int:
        return self.server.add(mail(CUSTOMER, SUPPORT, subject, "It burns."))

    def fetch(self) -> str:
        return fetch_once(self.box, self.root, self.ledger, self.here.clock).error

    def three(self) -> None:
        """First contact, then three mails: two settled, and between them one whose entry somebody removes by hand."""
        assert self.fetch() == ""
        for subject in ("one", "two", "three"):
            self.arrive(subject)
        assert self.fetch() == ""
        (lost,) = (each for each in tray.scan(self.root) if b"Subject: two" in self.path("new", each).read_bytes())
        self.path("new", lost).unlink()
        self.take()


@pytest.fixture
def server() -> Iterator[FakeImap]:
    with FakeImap() as fake:
        yield fake


@pytest.fixture
def site(tmp_path: Path, sqlite_url: str, server: FakeImap) -> Iterator[Mailed]:
    settings: dict[str, Any] = {"name": "support", "host": "127.0.0.1", "port": server.port, "user": "desk"}
    box = Mailbox(**settings, security="none", password="hunter2", poll_seconds=1, idle=False, timeout_seconds=30)
    with opened_site(tmp_path, sqlite_url, box) as site:
        yield Mailed(site, server)


def test_a_mailbox_that_agrees(site: Mailed):
    site.arrive("before first contact, so not ours")
    site.fetch()
    site.arrive("settled")
    site.arrive("parked")
    site.fetch()
    parked = tray.scan(site.root)[-1]
    tray.park(site.root, parked, "killed", "")
    site.take()
    site.arrive("waits in the spool")
    site.fetch()
    site.arrive("nobody has looked since it came")
    del site.server.mails[2]  # and one that somebody has tidied away
    before = len(site.server.lines)
    report = site.audit()
    assert report.differences == []
    assert report.checked["IMAP mails"] == 2
    said = " ".join(site.server.lines[before:])
    assert "EXAMINE" in said
    assert "SELECT" not in said
    assert "STORE" not in said


@pytest.mark.parametrize("seen", [False, True], ids=["unread", "marked as read by another client"])
def test_a_mail_that_is_nowhere_is_named_by_its_uid_and_fetched_again(site: Mailed, seen):
    site.three()
    site.server.flags[2] = {"\\Seen"} if seen else set()
    assert site.found() == [(Kind.UID_MISSING, UID_2)]
    report, did = site.repair()
    assert (report.total, did) == (0, [f"{UID_2}: it is in the spool again"])
    site.take()
    assert site.found() == []
    numbers = site.here.store.read(lambda conn: conn.exec_driver_sql("SELECT uid FROM arrival ORDER BY uid").all())
    assert [row[0] for row in numbers] == [1, 2, 3]


def test_a_mail_marked_by_others_before_we_saw_it_is_taken_and_no_difference(site: Mailed):
    site.fetch()
    site.server.flags[site.arrive("one")] = {"\\Seen"}
    site.fetch()
    site.take()
    report = site.audit()
    assert (report.total, report.checked["IMAP mails"]) == (0, 1)


def test_a_watcher_fetches_what_it_is_asked_to(site: Mailed):
    """It remembers to have taken that mail, and holds the mailbox's lock: it is asked, and nobody else touches the folder."""
    watcher = Watcher(site.box, site.root, site.ledger, now)
    watcher.start()
    try:
        wait_until(lambda: watcher.status.state is WatchState.WAITING)
        site.arrive("one")
        site.arrive("two")
        wait_until(lambda: len(tray.scan(site.root)) == 2)
        wait_until(lambda: Book(site.root, "support").load().state.folders["INBOX"].through == 3)
        lost = tray.scan(site.root)[1]
        site.path("new", lost).unlink()
        site.take()
        assert site.found() == [(Kind.UID_MISSING, UID_2)]
        report, did = site.repair()
        assert report.total == 1
        assert did == ["mailbox support: its watcher compares everything at its next pass, within 1 s"]
        wait_until(lambda: len(tray.scan(site.root)) == 1)
        site.take()
        assert site.found() == []
    finally:
        watcher.stop()


def test_what_the_server_will_not_give_is_left_and_said(site: Mailed):
    site.three()
    site.server.refused.add(2)
    report, did = site.repair()
    assert [each.subject for each in report.differences] == [UID_2]
    assert len(did) == 1
    assert did[0].startswith("mailbox support: folder INBOX, UID 2: ")


def test_a_raw_mail_that_is_still_in_its_folder_is_put_again(site: Mailed):
    site.fetch()
    site.arrive("one")
    site.fetch()
    (spool_id,) = tray.scan(site.root)
    site.take()
    sha256 = site.raw_of(spool_id)
    site.blob(sha256).unlink()
    assert site.found() == [(Kind.BLOB_MISSING, sha256)]
    report, did = site.repair()
    assert (report.total, did) == (0, [f"{sha256}: put again from support/INBOX UID 1"])
    assert site.here.blobs.get(sha256) == site.server.mails[1]


def test_other_bytes_under_its_uid_are_not_that_mail(site: Mailed):
    site.fetch()
    site.arrive("one")
    site.fetch()
    (spool_id,) = tray.scan(site.root)
    site.take()
    site.blob(site.raw_of(spool_id)).unlink()
    site.server.mails[1] += b"changed by the server\r\n"
    report, did = site.repair()
    assert (report.total, did) == (1, [])


def test_a_password_that_has_expired(site: Mailed):
    """Said by the audit at once, and by an alarm after three intervals without a good poll. The password is in neither."""
    site.fetch()
    site.server.login_answer = "NO [AUTHENTICATIONFAILED] hunter2 has expired"
    assert "refused the login of desk" in site.fetch()
    (difference,) = site.audit().differences
    assert (difference.kind, difference.subject) == (Kind.MAILBOX_UNSEEN, "support")
    assert "has expired" in difference.words
    key = Key(AlarmKind.MAILBOX, "support")

    def words() -> str:
        return judge(gather(site.here.config, site.here.store, site.here.clock(), "n1", {}))[key]

    assert words() == ""
    site.later(seconds=3 + 60 + 5)
    assert "support: no good poll since " in words()
    assert "has expired" in words()
    assert "hunter2" not in words() + difference.words
    report, did = site.repair()
    assert report.total == 1
    assert did == []


def test_a_connection_that_breaks_is_no_missing_mail(site: Mailed):
    site.three()
    site.server.refused_commands.add("UID SEARCH")
    assert site.found() == [(Kind.MAILBOX_UNSEEN, "support")]


@pytest.mark.parametrize("why", ["no pass has ended yet", "UIDVALIDITY is new", "another node watches it"])
def test_what_is_not_compared_is_said(site: Mailed, why):
    if why != "no pass has ended yet":
        site.three()
    if why == "UIDVALIDITY is new":
        site.server.uidvalidity += 1
    if why == "another node watches it":
        book = Book(site.root, "support").load()
        book.state.state = WatchState.LOCKED
        book.save()
    report = site.audit()
    assert report.differences == []
    assert [why in each for each in report.left_out] == [True]


def test_a_watcher_says_that_another_node_has_its_mailbox(site: Mailed):
    """In its state file too: the audit and the alarms of this node leave that mailbox to the other."""

    class Elsewhere(StoreLedger):
        def ours(self, account: str) -> bool:
            return False

    watcher = Watcher(site.box, site.root, Elsewhere(site.here.store), now)
    watcher.start()
    try:
        wait_until(lambda: Book(site.root, "support").load().state.state is WatchState.LOCKED)
        assert gather(site.here.config, site.here.store, now(), "n1", {"imap": now()}).boxes == ()
    finally:
        watcher.stop()


def test_one_mailbox_alone(site: Mailed):
    site.three()
    assert site.found(mailbox="support") == [(Kind.UID_MISSING, UID_2)]
    assert site.found(mailbox="another") == []
