"""The clock's part in it: audits when they are due, looks for alarms, and the whole of it in a running daemon."""

from __future__ import annotations

import asyncio
import smtplib
import socket
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from helpdeskd import config, daemon, exposition, monitoring, spool, tray
from helpdeskd.audit import last
from helpdeskd.config import Config, Paths, Smtp
from helpdeskd.daemon import StoreLedger
from helpdeskd.desk import departments
from helpdeskd.errors import ConfigError, StoreDown
from helpdeskd.installation import ROLES, opened
from helpdeskd.monitoring import Monitoring
from tests.live.house import CUSTOMER, SUPPORT, mail
from tests.live.machine import free_port, wait_until
from tests.unit.audit.site import Site, opened_site


@pytest.fixture
def site(tmp_path: Path, sqlite_url: str) -> Iterator[Site]:
    with opened_site(tmp_path, sqlite_url) as site:
        yield site


@pytest.fixture
def watch(site: Site) -> Monitoring:
    return Monitoring(site.here, ROLES, StoreLedger(site.here.store), lambda _: None)


def audited(watch: Monitoring) -> list[Any]:
    """The log's lines of an audit, if one is due."""
    before = watch.auditing
    with capture_logs() as lines:
        watch.audit_when_due()
        if watch.auditing is not None and watch.auditing is not before:
            watch.auditing.join()
    return list(lines)


def test_an_audit_when_it_is_due(watch: Monitoring, site: Site):
    spool_id = site.put()
    assert [line["differences"] for line in audited(watch)] == [0]
    assert audited(watch) == []
    site.later(minutes=59)
    assert audited(watch) == []
    site.later(minutes=61)
    assert [(line["event"], line.get("kind"), line.get("subject")) for line in audited(watch)] == [
        ("audited", "stuck", spool_id),
        ("audited", None, None),
    ]
    found = site.here.store.read(lambda conn: last.last(conn, watch.facts().node))
    assert found is not None
    assert found.total == 1
    site.later(days=-400)  # the clock was wrong: nobody waits until it is right
    assert len(audited(watch)) > 0
    assert audited(watch) == []


def test_an_audit_while_the_store_is_down(watch: Monitoring, site: Site, monkeypatch):
    def down(_: object) -> None:
        raise StoreDown("gone")

    monkeypatch.setattr(site.here.store, "read", down)
    assert audited(watch) == []  # its alarm says so
    with capture_logs() as lines:
        watch.audit()
    assert [(line["event"], line["part"], line["error"]) for line in lines] == [("trouble", "audit", "gone")]


@pytest.mark.parametrize(
    ("roles", "hours", "jobs"),
    [
        (ROLES, 1.0, ["alarms", "audit"]),
        (ROLES, 0.0, ["alarms"]),
        (("doors", "imap", "outgoing"), 1.0, []),
    ],
)
def test_who_looks(site: Site, roles, hours, jobs):
    class Ticker:
        def __init__(self) -> None:
            self.names: list[str] = []

        def every(self, seconds: float, name: str, act: object) -> None:
            self.names.append(name)

    site.here.config = Config(paths=site.here.config.paths, audit=config.Audit(hours=hours))
    ticker: Any = Ticker()
    Monitoring(site.here, roles, StoreLedger(site.here.store), lambda _: None).begin(ticker)
    assert ticker.names == jobs


def test_not_ready_at_the_reserve(watch: Monitoring, site: Site):
    assert watch._no_room() == ""
    site.path("reserve").write_text("percent 0\nmegabytes 1000000000\n")
    assert watch._no_room() == "the disk is at its reserve"


async def test_a_port_that_is_taken_stops_the_start(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        place = f"127.0.0.1:{taken.getsockname()[1]}"
        settings = Config(paths=Paths(data=tmp_path), smtp=Smtp(listen=()), metrics=config.Metrics(listen=(place,)))
        with pytest.raises(ConfigError, match="Address already in use"):
            await daemon.Daemon(settings).run()


async def test_a_running_daemon(tmp_path, monkeypatch):
    """It counts what it does, says that it is ready, and finds by itself that a mail is parked: systemd and the hook are told."""
    monkeypatch.setattr(monitoring, "LOOK_SECONDS", 0.1)
    monkeypatch.setattr(monitoring, "DUE_SECONDS", 0.1)
    monkeypatch.setattr(exposition, "FRESH", 0.0)
    port, told = free_port(), tmp_path / "told"
    hook = tmp_path / "hook"
    hook.write_text(f'#!/bin/sh\necho "$ALARMS_TEXT" > {told}.new && mv {told}.new {told}\n')
    hook.chmod(0o755)
    settings = Config(
        paths=Paths(data=tmp_path / "data"),
        spool=config.SpoolSettings(reserve_percent=0.0, reserve_mb=0),
        smtp=Smtp(listen=("127.0.0.1:0",)),
        metrics=config.Metrics(listen=(f"127.0.0.1:{port}",)),
        alarms=config.Alarms(hook=(str(hook),)),
    )

    def get(path: str) -> str:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=30) as answer:
            return str(answer.read().decode())

    def play(house: daemon.Daemon) -> None:
        assert house.ready.wait(60)
        assert get("/health/live") == "live\n"
        assert get("/health/ready") == "ready\n"
        host, _, smtp_port = house.listening[0].split()[1].rpartition(":")
        with smtplib.SMTP(host, int(smtp_port), timeout=60) as client:
            client.sendmail(CUSTOMER, [SUPPORT], mail(CUSTOMER, SUPPORT, "Printer", "It burns."))
        wait_until(lambda: 'helpdeskd_stage_seconds_count{stage="commit"}' in get("/metrics"))
        damaged = site.path("new", spool.new_id())
        damaged.write_bytes(b"no envelope")
        wait_until(lambda: tray.parked_ids(site.root), what="the damaged entry parked")
        wait_until(told.exists, what="the hook")
        wait_until(lambda: b"STATUS=ALARM: mails are parked" in notified(), what="systemd's status")
        wait_until(lambda: "helpdeskd_audit_timestamp_seconds 0.0" not in get("/metrics"), what="an audit")

    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd, opened(settings) as here:
        systemd.bind(str(tmp_path / "notify"))
        systemd.setblocking(False)
        monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "notify"))
        heard: list[bytes] = []

        def notified() -> bytes:
            try:
                while True:
                    heard.append(systemd.recv(2000))
            except BlockingIOError:
                return b"\n".join(heard)

        site = Site(here)
        given = (here.desk, here.clock())
        here.store.writer.run(lambda conn: departments.add(conn, *given, name="Support", addresses=(SUPPORT,)))
        house = daemon.Daemon(settings)
        running = asyncio.create_task(house.run())
        try:
            await asyncio.to_thread(play, house)
            metrics = await asyncio.to_thread(get, "/metrics")
        finally:
            house.stop()
            await running
    assert told.read_text().startswith("begun: mails are parked (1, see helpdeskd mail parked)")
    for series in (
        'helpdeskd_mails_received_total{door="smtp"}',
        'helpdeskd_mails_settled_total{door="smtp",outcome="opened"}',
        'helpdeskd_mails_settled_total{door="unknown",outcome="parked"}',
        *(f'helpdeskd_stage_seconds_count{{stage="{stage}"}}' for stage in ("accept", "spool", "parse", "commit")),
        *(f'helpdeskd_role{{role="{role}"}}' for role in ROLES),
    ):
        assert f"\n{series} " in metrics, series
    assert 'helpdeskd_alarm{kind="parked"} 1.0' in metrics
    assert b"READY=1" in heard
    with pytest.raises(OSError):  # nobody listens any more
        get("/health/live")
