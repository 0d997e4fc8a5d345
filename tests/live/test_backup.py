"""Backups of a real daemon under load, and of one killed in the middle; put back after the original is gone."""

from __future__ import annotations

import shutil
import signal
import smtplib
import subprocess
import sys
import threading
from collections import Counter
from itertools import count
from pathlib import Path
from typing import Self

import pytest
from sqlalchemy import text

from helpdeskd import spool
from helpdeskd.backup import manifest
from helpdeskd.config.load import load
from helpdeskd.errors import Refused
from helpdeskd.installation import opened
from helpdeskd.store.engine import open_store
from tests.live.house import ROOT, SUPPORT, House, mail, parsed
from tests.live.machine import wait_until
from tests.taken import take

pytestmark = pytest.mark.live

BEFORE = 15  # mails accepted before the backup begins
AFTER = 5  # and after it has ended, which are lost with the machine


class Peers:
    """An SMTP client and an MTA's pipe that send mail after mail until they are stopped. `accepted` holds the subjects."""

    def __init__(self, house: House) -> None:
        self.house = house
        self.accepted: list[str] = []
        self.news = threading.Condition()
        self.stop = threading.Event()
        self.threads = [threading.Thread(target=self.work, args=(door,)) for door in (self.smtp, self.pipe)]

    def __enter__(self) -> Self:
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop.set()
        for thread in self.threads:
            thread.join()

    def work(self, door) -> None:
        for n in count():
            if self.stop.is_set():
                return
            subject, sender = f"{door.__name__} {n}", f"{door.__name__}{n}@customer.example"
            door(sender, mail(sender, SUPPORT, subject, "Text"))
            with self.news:
                self.accepted.append(subject)
                self.news.notify_all()

    def smtp(self, sender: str, raw: bytes) -> None:
        with smtplib.SMTP("127.0.0.1", self.house.port, timeout=60) as client:
            client.sendmail(sender, [SUPPORT], raw)

    def pipe(self, sender: str, raw: bytes) -> None:
        words = [sys.executable, "pipe.py", "--spool", str(self.house.spool), "--sender", sender, SUPPORT]
        subprocess.run(words, input=raw, cwd=ROOT, check=True)

    def wait(self, number: int) -> set[str]:
        """What was accepted, once there are so many."""
        with self.news:
            assert self.news.wait_for(lambda: len(self.accepted) >= number, 60)
            return set(self.accepted)


def machine(folder: Path, name: str, url: str, sink) -> House:
    (folder / name).mkdir(mode=0o755)
    return House(folder / name, url, sink)


def test_every_mail_accepted_before_a_backup_is_in_it_once(folder, store_url, sink, request):
    original = machine(folder, "one", store_url if store_url.startswith("postgresql") else "", sink)
    backups = folder / "backups"
    with original:
        with Peers(original) as peers:
            before = peers.wait(BEFORE)
            original.cli("backup", str(backups))
            done = len(peers.wait(0))
            peers.wait(done + AFTER)
        assert original.stop(signal.SIGKILL) == -signal.SIGKILL
    shutil.rmtree(original.data)
    url = ""
    if store_url.startswith("postgresql"):
        server = request.getfixturevalue("postgres")
        url = server.url(server.create())
    restored = machine(folder, "two", url, sink)
    restored.cli("restore", str(backups))
    with restored:
        assert restored.quiet()["spool"]["parked"] == 0
    store = open_store(url or f"sqlite:///{restored.data}/helpdeskd.sqlite3")
    opened = store.read(lambda conn: Counter(conn.execute(text("SELECT subject FROM ticket")).scalars()))
    store.close()
    assert before - set(opened) == set(), "accepted before the backup began, and not in it"
    assert set(opened.values()) == {1}
    assert set(opened) <= set(peers.accepted)
    went_out = Counter(str(parsed(each.data)["Message-ID"]) for each in sink.mails)
    assert set(went_out.values()) == {1}, "what may have gone out was sent again"


def test_a_backup_that_is_killed_is_none(folder, sink):
    """When the kill comes is the machine's affair: there is a whole backup or none, and the next is whole."""
    house = machine(folder, "one", "", sink)
    house.init()
    for n in range(20):
        sender = f"a{n}@customer.example"
        envelope = spool.Envelope(door="pipe", sender=sender, recipients=(SUPPORT,))
        spool.put(str(house.spool), envelope, [mail(sender, SUPPORT, f"Mail {n}", "Text")])
    with opened(load(house.config, {})) as here:
        assert take(here).received == 20
    for seen in ("", "store.sqlite3", "blobs"):
        backups = folder / f"backups {seen}"
        command = [sys.executable, "-m", "helpdeskd", "--config", str(house.config), "backup", str(backups)]
        with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL) as process:
            _until(process, backups, seen)
            process.kill()
        for part in manifest.left_behind(backups):
            with pytest.raises(Refused, match="was cut off"):
                manifest.newest(part)
        whole = manifest.complete(backups)
        if not whole:
            with pytest.raises(Refused, match="there is no backup here"):
                manifest.newest(backups)
            house.cli("backup", str(backups))
            assert manifest.left_behind(backups) == []
        found = manifest.check(manifest.newest(backups))
        assert (found.manifest.rows["ticket"], found.damaged) == (20, ())


def _until(process: subprocess.Popen[bytes], backups: Path, seen: str) -> None:
    wait_until(lambda: process.poll() is not None or list(backups.glob(f"*.part/{seen}")), what=f"a backup with {seen}")
