"""The daemon is killed again and again while mail comes in by three doors: nothing is lost, nothing doubled, nothing parked."""

from __future__ import annotations

import random
import signal
import smtplib
import subprocess
import sys
import threading
from collections import Counter
from typing import Any

import pytest
from sqlalchemy import text

from helpdeskd.store.engine import open_store
from tests.live.house import ROOT, SUPPORT, House, mail, parsed

pytestmark = pytest.mark.live

EACH = 20  # mails by each door
KILLS = 4
SEED = 20261122


class Peers:
    """Three MTAs that keep each mail until they are told that we have it. A pipe needs no daemon."""

    def __init__(self, house: House, lmtp: str) -> None:
        self.house, self.lmtp = house, lmtp
        self.up = threading.Event()
        self.accepted = 0
        self.news = threading.Condition()
        self.threads = [
            threading.Thread(target=self.work, args=(door,)) for door in (self.smtp, self.over_lmtp, self.pipe)
        ]

    def work(self, door) -> None:
        for n in range(EACH):
            sender = f"{door.__name__}{n}@customer.example"
            raw = mail(sender, SUPPORT, f"{door.__name__} {n}", "Text")
            while not door(sender, raw):
                self.up.wait(60)
            with self.news:
                self.accepted += 1
                self.news.notify_all()

    def smtp(self, sender: str, raw: bytes) -> bool:
        try:
            with smtplib.SMTP("127.0.0.1", self.house.port, timeout=60) as client:
                client.sendmail(sender, [SUPPORT], raw)
        except (OSError, smtplib.SMTPException):
            return False
        return True

    def over_lmtp(self, sender: str, raw: bytes) -> bool:
        try:
            with smtplib.LMTP(self.lmtp) as client:
                client.sendmail(sender, [SUPPORT], raw)
        except (OSError, smtplib.SMTPException):
            return False
        return True

    def pipe(self, sender: str, raw: bytes) -> bool:
        words = [sys.executable, "pipe.py", "--spool", str(self.house.spool), "--sender", sender, SUPPORT]
        return subprocess.run(words, input=raw, cwd=ROOT, check=False).returncode == 0


def test_killed_again_and_again(folder, store_url, sink):
    chance, lmtp = random.Random(SEED), str(folder / "lmtp.sock")
    house = House(folder, store_url, sink, lmtp=f"unix:{lmtp}")
    house.init()
    house.start()
    peers = Peers(house, lmtp)
    peers.up.set()
    for thread in peers.threads:
        thread.start()
    for moment in sorted(chance.sample(range(3 * EACH), KILLS)):
        with peers.news:
            while peers.accepted <= moment:
                assert peers.news.wait(60)
        peers.up.clear()
        assert house.stop(signal.SIGKILL) == -signal.SIGKILL
        house.start()
        peers.up.set()
    for thread in peers.threads:
        thread.join()

    parked = house.quiet()["spool"]["parked"]
    assert house.stop() == 0
    store = open_store(store_url)

    def read(sql: str) -> list[tuple[Any, ...]]:
        return store.read(lambda conn: [tuple(row) for row in conn.execute(text(sql))])

    subjects = Counter(subject for (subject,) in read("SELECT subject FROM ticket"))
    outcomes = Counter(outcome for (outcome,) in read("SELECT outcome FROM arrival"))
    rows: list[Any] = read("SELECT mail_id, state FROM outbox WHERE automatic")
    answers: dict[str, str] = dict(rows)
    store.close()
    assert parked == 0
    assert set(subjects) == {f"{door} {n}" for door in ("smtp", "over_lmtp", "pipe") for n in range(EACH)}
    assert set(subjects.values()) == {1}
    assert outcomes.pop("opened") == 3 * EACH
    assert set(outcomes) <= {"duplicate"}, "a peer that was not told may send again, and nothing else"
    went_out = Counter(str(parsed(each.data)["Message-ID"]).strip("<>") for each in sink.mails)
    assert set(went_out.values()) == {1}, "an automatic answer went out twice"
    assert set(went_out) <= set(answers)
    for mail_id, state in answers.items():
        assert state in {"sent", "unknown"}
        assert state == "unknown" or went_out[mail_id] == 1
