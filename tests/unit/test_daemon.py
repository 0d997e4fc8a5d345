"""What systemd is told, and that a daemon whose part has died does not end as if all were well."""

from __future__ import annotations

import socket
import threading
from datetime import timedelta

import msgspec
import pytest
from structlog.testing import capture_logs

from helpdeskd import daemon, housekeeping, installation, spool
from helpdeskd.config import Config, Keep, Paths, Smtp
from helpdeskd.desk import automation, changes, departments, people, tickets
from helpdeskd.desk.context import Words
from helpdeskd.errors import ConfigError, Temporary
from helpdeskd.installation import opened
from helpdeskd.intake import Intake
from helpdeskd.model.clock import now
from helpdeskd.model.mail import Address, Door
from helpdeskd.model.routing import Outcome
from helpdeskd.model.ticket import State
from helpdeskd.store import arrivals
from tests.s3 import S3


@pytest.fixture
def systemd(tmp_path, monkeypatch):
    """systemd's end of NOTIFY_SOCKET."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as told:
        told.bind(str(tmp_path / "notify"))
        told.setblocking(False)
        monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "notify"))
        yield told


def test_a_sign_of_life_unless_a_thread_is_dead(systemd):
    end = threading.Event()
    alive = threading.Thread(target=end.wait)
    alive.start()
    dead = threading.Thread(target=lambda: None)
    dead.start()
    dead.join()
    try:
        daemon._watchdog([alive])
        assert systemd.recv(100) == b"WATCHDOG=1"
        daemon._watchdog([alive, dead])
        with pytest.raises(BlockingIOError):
            systemd.recv(100)
    finally:
        end.set()
        alive.join()


def test_a_node_keeps_its_name_and_shares_it_with_nobody(tmp_path):
    """Rows of the outbox are taken back by it after a crash: two nodes of one name would send the same mail."""
    here, there = tmp_path / "here", tmp_path / "there"
    here.mkdir()
    there.mkdir()
    assert installation.node(here) == installation.node(here)
    assert installation.node(here) != installation.node(there)
    (here / "node").write_bytes(b"\xff")
    assert installation.node(here) != installation.node(tmp_path / "missing")


def test_no_sign_of_life_while_nothing_moves(systemd):
    daemon._watchdog([], [lambda: False, lambda: True])
    with pytest.raises(BlockingIOError):
        systemd.recv(100)
    daemon._watchdog([], [lambda: False])
    assert systemd.recv(100) == b"WATCHDOG=1"


@pytest.mark.parametrize(("given", "seconds"), [("60000000", 30.0), ("", None), ("soon", None)])
def test_half_of_what_systemd_allows(monkeypatch, given, seconds):
    monkeypatch.setenv("WATCHDOG_USEC", given)
    assert daemon.watchdog_seconds() == seconds


def test_without_systemd_nobody_is_told(monkeypatch, tmp_path):
    monkeypatch.delenv("NOTIFY_SOCKET", raising=False)
    daemon.notify("READY=1")
    monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "nobody listens"))
    daemon.notify("READY=1")


def test_reloading_goes_on_past_what_fails(systemd):
    done: list[str] = []

    def fails() -> None:
        raise ValueError("no certificate")

    daemon._reload([lambda: done.append("first"), fails, lambda: done.append("last")])
    assert done == ["first", "last"]
    assert [systemd.recv(100), systemd.recv(100)] == [b"RELOADING=1", b"READY=1"]


def test_pending_tickets_come_back_page_after_page(tmp_path, monkeypatch):
    monkeypatch.setattr(automation, "PAGE", 1)
    config = Config(paths=Paths(data=tmp_path / "data"))
    with opened(config) as here:

        def pending(conn):
            given = (conn, here.desk, here.clock())
            support = departments.add(*given, name="Support", addresses=("support@desk.example",))
            carol = people.customer(*given, Address("", "carol@customer.example"))
            words = Words("It burns.", subject="Fire")
            until = here.clock() + timedelta(days=3)
            for _ in range(2):
                posted = tickets.open(*given, department=support, requester=carol, words=words, acknowledge=False)
                yield changes.set_state(*given, ticket=posted.ticket, state=State.PENDING, until=until, actor=None)

        waiting = here.store.writer.run(lambda conn: list(pending(conn)))
        with capture_logs() as lines:
            housekeeping.automate(here)
            assert lines == []
            here.clock = lambda: now() + timedelta(days=3)
            housekeeping.automate(here)
        assert [(line["event"], line["ticket"], line["rule"], line["state"]) for line in lines] == [
            ("automated", each.number, "pending-over", "awaiting_staff") for each in waiting
        ]
        found = here.store.read(lambda conn: [tickets.get(conn, each.id) for each in waiting])
        assert {each.state for each in found} == {State.AWAITING_STAFF}


def test_blobs_that_nothing_names_go_after_a_day(tmp_path):
    with opened(Config(paths=Paths(data=tmp_path / "data"))) as here:
        orphan, kept = here.blobs.put(b"nobody's"), here.blobs.put(b"a mail")

        def arrived(conn):
            arrivals.record(
                conn,
                spool_id="1",
                door=Door.PIPE,
                outcome=Outcome.PARKED,
                reason="killed",
                raw_sha256=kept,
                size=6,
                received_at=here.clock(),
                decided_at=here.clock(),
            )

        here.store.writer.run(arrived)
        housekeeping.sweep_blobs(here)
        assert here.blobs.exists(orphan)
        here.clock = lambda: now() + timedelta(hours=25)
        with capture_logs() as lines:
            housekeeping.sweep_blobs(here)
        assert not here.blobs.exists(orphan)
        assert here.blobs.get(kept) == b"a mail"
        assert [(line["event"], line["blobs"]) for line in lines] == [("swept", 1)]


async def test_blobs_that_cannot_be_kept_are_found_at_start(tmp_path):
    with S3(tmp_path) as s3:
        config = Config(paths=Paths(data=tmp_path / "data"), blobs=msgspec.structs.replace(s3.settings, region="x"))
        with pytest.raises(ConfigError, match="cannot write in s3://desk/help/desk: AuthorizationHeaderMalformed"):
            await daemon.Daemon(config).run()
    assert not (tmp_path / "data" / "blobs").exists()


def test_a_store_of_blobs_that_is_down_keeps_nobody_from_starting(tmp_path):
    with S3(tmp_path) as s3, opened(Config(paths=Paths(data=tmp_path / "data"), blobs=s3.settings)) as here:
        s3.say = "503 SlowDown"
        with capture_logs() as lines:
            daemon._check_blobs(here)
        assert [(line["event"], line["log_level"]) for line in lines] == [("warning", "warning")]
        assert "SlowDown" in lines[0]["error"]


def test_what_is_over_is_let_go_and_then_swept(tmp_path):
    later = now() + timedelta(days=40)
    with opened(Config(paths=Paths(data=tmp_path / "data"), keep=Keep(raw_days=30))) as here:
        raw = here.blobs.put(b"a mail")
        waiting = spool.put(here.spool_root, spool.Envelope(door="pipe"), [b"it could not be unlinked"])

        def arrived(conn):
            for spool_id in ("1", waiting):
                arrivals.record(
                    conn,
                    spool_id=spool_id,
                    door=Door.PIPE,
                    outcome=Outcome.HELD,
                    reason="no-author",
                    raw_sha256=raw if spool_id == "1" else "f" * 64,
                    size=6,
                    received_at=now(),
                    decided_at=now(),
                )

        here.store.writer.run(arrived)
        here.clock = lambda: later
        with capture_logs() as lines:
            with installation.held(here.config, [installation.BACKUP]):
                housekeeping.once_a_day(here)
            housekeeping.once_a_day(here)  # the day is not over
            assert here.blobs.exists(raw)
            here.clock = lambda: later + timedelta(days=1)
            housekeeping.once_a_day(here)
        assert [line["event"] for line in lines] == ["let-go", "swept"]
        assert lines[0]["raw"] == 1
        assert not here.blobs.exists(raw)
        (kept,) = here.store.read(lambda conn: arrivals.all_by_spool(conn, waiting))
        assert not kept.let_go


async def test_a_part_that_dies_ends_the_daemon_with_an_error(tmp_path, monkeypatch, systemd):
    """An exit code of 0 would mean to systemd that nothing need be started again."""

    def dies(self) -> None:
        raise MemoryError

    monkeypatch.setattr(Intake, "run", dies)
    house = daemon.Daemon(Config(paths=Paths(data=tmp_path / "data"), smtp=Smtp(listen=("127.0.0.1:0",))))
    with capture_logs() as lines, pytest.raises(Temporary, match="intake has died"):
        await house.run()
    assert "outgoing.relay is not set" in next(line["warning"] for line in lines if line["event"] == "warning")
    assert systemd.recv(100) == b"READY=1"
    assert systemd.recv(100) == b"STOPPING=1"
