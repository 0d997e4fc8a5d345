"""Alarms as they are told: notice, log, systemd, hook. Once, whatever restarts, and also while the store is down."""

from __future__ import annotations

import json
import os
import signal
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from helpdeskd import config
from helpdeskd.alarms import hook
from helpdeskd.alarms.conditions import AlarmKind, Key
from helpdeskd.alarms.course import Alarm, News, Phase
from helpdeskd.alarms.facts import Facts, Kept, Tray
from helpdeskd.alarms.keeper import KEY, Keeper
from helpdeskd.errors import StoreDown
from helpdeskd.model.clock import now
from helpdeskd.model.outgoing import NoticeName, OutboxState
from helpdeskd.outgoing import letter
from helpdeskd.outgoing.render import Renderer
from helpdeskd.outgoing.signing import Signer
from helpdeskd.store import outbox, settings
from tests.live.house import SUPPORT, parsed
from tests.unit.audit.site import Site

OPERATOR = "operator@example.com"
NODE = "n1"
WELL = Facts(
    now=now(),
    node=NODE,
    sending=True,
    boxes=(),
    spool=Tray(0, None, None, 0, 10, 1),
    kept=Kept(dict.fromkeys(OutboxState, 0), None, 0, None, None),
)


def parked(count: int) -> Facts:
    return replace(WELL, spool=Tray(0, None, None, count, 10, 1))


DOWN = replace(WELL, kept=None, store_error="connection refused")


class Watch:
    """A keeper whose facts a test sets; `look` is a tick so many minutes after the start."""

    def __init__(self, site: Site, **wishes: Any) -> None:
        self.site = site
        self.wishes = config.Alarms(**{"to": OPERATOR, **wishes})
        self.said: list[str] = []
        self.restart()

    def restart(self) -> None:
        here = self.site.here
        self.facts = WELL
        self.keeper = Keeper(self.wishes, here.store, lambda: here.desk, lambda: self.facts, "mail1", self.said.append)

    def look(self, facts: Facts, minute: float = 0) -> list[tuple[str, str]]:
        """The log's lines of this look."""
        self.facts = replace(facts, now=WELL.now + timedelta(minutes=minute))
        with capture_logs() as lines:
            self.keeper.tick()
            if self.keeper.hooking is not None:
                self.keeper.hooking.join()
        return [(line["event"], line["kind"]) for line in lines if line["event"].startswith("alarm")]

    def mails(self) -> list[list[tuple[str, str]]]:
        rows = self.site.here.store.read(outbox.list_rows)
        alarms = [row for row in rows if row.notice is NoticeName.ALARM]
        assert {row.recipient for row in alarms} <= {self.wishes.to}
        return [[(each["phase"], each["kind"]) for each in row.context["alarms"]] for row in alarms]


@pytest.fixture
def watch(site: Site) -> Watch:
    return Watch(site)


def test_an_alarm_from_beginning_to_end(watch: Watch):
    assert watch.look(WELL) == []
    assert watch.said == []
    assert watch.look(parked(1)) == [("alarm", "parked")]
    assert watch.said == ["STATUS=ALARM: mails are parked (1, see helpdeskd mail parked)"]
    for minute in (1, 2, 700):
        assert watch.look(parked(1), minute) == []
    assert watch.look(parked(2), 1440) == [("alarm", "parked")]
    assert watch.look(WELL, 1441) == []
    assert watch.said[-1] == "STATUS=all is well"
    assert watch.look(WELL, 1451) == [("alarm-over", "parked")]
    assert watch.mails() == [[("begun", "parked")], [("standing", "parked")], [("over", "parked")]]


def test_a_restart_repeats_nothing_and_forgets_nothing(watch: Watch):
    watch.look(parked(1))
    watch.restart()
    assert watch.look(parked(1), 1) == []
    assert watch.said[-1] == "STATUS=ALARM: mails are parked (1, see helpdeskd mail parked)"
    watch.restart()
    watch.look(WELL, 2)
    watch.restart()
    assert watch.look(WELL, 12) == [("alarm-over", "parked")]
    assert len(watch.mails()) == 2


def test_two_nodes_tell_once_of_what_they_share(watch: Watch, site: Site):
    late = Kept(dict.fromkeys(OutboxState, 0), None, 3, WELL.now - timedelta(hours=2), None)
    other = Watch(site)
    assert watch.look(replace(WELL, kept=late)) == [("alarm", "answers")]
    assert other.look(replace(WELL, kept=late, node="n2")) == []
    assert other.look(replace(parked(1), kept=late, node="n2"), 1) == [("alarm", "parked")]
    assert watch.look(WELL, 2) == []
    assert watch.look(WELL, 12) == [("alarm-over", "answers")]  # not the other node's parked mail
    assert watch.mails() == [[("begun", "answers")], [("begun", "parked")], [("over", "answers")]]


def test_all_that_is_new_is_one_mail(watch: Watch):
    watch.look(replace(parked(1), spool=Tray(0, None, None, 1, 0, 1)))
    assert watch.mails() == [[("begun", "parked"), ("begun", "disk")]]


def test_a_quiet_look_writes_nothing(watch: Watch, site: Site):
    watch.look(parked(1))
    before = site.here.store.writer.commits
    watch.look(parked(1), 1)
    watch.restart()
    watch.look(parked(1), 2)
    assert site.here.store.writer.commits == before


def test_while_the_store_is_down(watch: Watch, monkeypatch, site: Site):
    """Log, systemd and hook know at once; the mail is made up for; nothing is said twice."""
    watch.look(parked(1))
    with monkeypatch.context() as patch:

        def down(_: object) -> None:
            raise StoreDown("connection refused")

        patch.setattr(site.here.store, "read", down)
        down_and_parked = replace(DOWN, spool=Tray(0, None, None, 1, 10, 1))
        assert watch.look(down_and_parked, 1) == [("alarm", "store")]
        assert watch.look(down_and_parked, 2) == []
        assert "the store is down (connection refused)" in watch.said[-1]
    assert watch.look(parked(1), 3) == []
    assert watch.mails() == [[("begun", "parked")], [("begun", "store")]]
    watch.restart()
    assert watch.look(parked(1), 13) == [("alarm-over", "store")]
    assert watch.mails()[2:] == [[("over", "store")]]


def test_without_an_address_nobody_is_written_to(site: Site):
    watch = Watch(site, to="")
    assert watch.look(parked(1)) == [("alarm", "parked")]
    assert watch.mails() == []
    assert len(site.here.store.read(lambda conn: settings.get(conn, KEY, []))) == 1


def test_a_department_is_not_written_to(site: Site):
    """Its own alarm would come back as a ticket."""
    watch = Watch(site, to=SUPPORT)
    watch.facts = parked(1)
    with capture_logs() as lines:
        watch.keeper.tick()
    assert watch.mails() == []
    skipped = [line for line in lines if line["event"] == "skipped"]
    assert [(line["recipient"], line["reason"]) for line in skipped] == [(SUPPORT, "own-address")]


def test_the_mail_itself(watch: Watch, site: Site):
    watch.look(parked(1))
    (row,) = site.here.store.read(outbox.list_rows)
    material = site.here.store.read(lambda conn: letter.gather(conn, row))
    renderer = Renderer(site.here.templates, None, "en")
    here = site.here
    raw = letter.write(
        row,
        material,
        renderer=renderer,
        blobs=here.blobs,
        desk=here.desk,
        signer=Signer(here.config),
        attachments_mb=1,
    )
    mail = parsed(raw)
    assert mail["Subject"] == "Alarm at Support: mails are parked"
    assert mail["From"] == f"Support <{SUPPORT}>"
    assert mail["To"] == OPERATOR
    assert mail["Auto-Submitted"] == "auto-generated"
    assert (row.person_id, row.ticket_id, row.reply_token) == (None, None, "")


# The hook

ALARM = Alarm(Key(AlarmKind.PARKED, NODE), "1, see helpdeskd mail parked", now(), now())
NEWS = (News(Phase.BEGUN, ALARM),)


def script(folder: Path, text: str) -> str:
    path = folder / "hook"
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return str(path)


def test_what_the_hook_is_given(tmp_path, monkeypatch, site):
    monkeypatch.setenv("NOTIFY_SOCKET", "/run/notify")
    command = script(tmp_path, f'cat > {tmp_path}/stdin; env > {tmp_path}/env; echo "$1" > {tmp_path}/word')
    watch = Watch(site, to="", hook=(command, "a word"))
    watch.look(parked(1))
    told = json.loads((tmp_path / "stdin").read_text())
    assert told["host"] == "mail1"
    assert [(each["phase"], each["kind"], each["title"]) for each in told["news"]] == [
        ("begun", "parked", "mails are parked")
    ]
    assert [each["subject"] for each in told["standing"]] == [NODE]
    env = (tmp_path / "env").read_text()
    for line in ("ALARMS_BEGUN=parked", "ALARMS_OVER=", "ALARMS_STANDING=parked", "ALARMS_HOST=mail1"):
        assert f"{line}\n" in env
    assert "ALARMS_TEXT=begun: mails are parked (1, see helpdeskd mail parked)\n" in env
    assert "NOTIFY_SOCKET" not in env
    assert "HELPDESKD_ALARM" not in env  # a hook may call helpdeskd, which would take it for a setting
    assert (tmp_path / "word").read_text() == "a word\n"


@pytest.mark.parametrize(
    ("text", "error"),
    [("exit 7", "exit code 7"), ("kill -9 $$", f"exit code -{int(signal.SIGKILL)}"), (None, "No such file")],
)
def test_a_hook_that_fails_is_logged_and_stops_nothing(tmp_path, site, text, error):
    watch = Watch(site, hook=(script(tmp_path, text) if text else "/nowhere/hook",))
    with capture_logs() as lines:
        watch.facts = parked(1)
        watch.keeper.tick()
        assert watch.keeper.hooking is not None
        watch.keeper.hooking.join()
    (trouble,) = [line for line in lines if line["event"] == "trouble"]
    assert error in trouble["error"]
    assert watch.mails() == [[("begun", "parked")]]


def test_a_hook_that_does_not_end_is_killed_with_its_children(tmp_path):
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    command = script(tmp_path, f"sleep 1000 > {fifo} & exec sleep 1000")
    reader = os.open(fifo, os.O_RDONLY | os.O_NONBLOCK)
    try:
        os.set_blocking(reader, True)
        with capture_logs() as lines:
            assert not hook.call([command], "mail1", NEWS, [ALARM], seconds=0.5)
        assert lines[0]["error"] == "killed after 0.5 s"
        assert os.read(reader, 1) == b""  # the child's end is closed, so it is dead
    finally:
        os.close(reader)
