"""What else goes wrong on a machine, under one daemon on SQLite: locks, folders that go away, files that cannot be opened, a relay
that is down. Mails are taken, or put off by a temporary answer, and then each is there once.
"""

from __future__ import annotations

import resource
import smtplib
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing

import pytest

from tests.faults.street import DOORS, Street, away, said, street
from tests.live.machine import public_folder, wait_until
from tests.sink import DROP, Sink, threaded

pytestmark = pytest.mark.live

LISTENING = ("smtp", "lmtp", "pipe")
TAKEN = [250, 250, 0]
PUT_OFF = [451, 451, 75]


@pytest.fixture(scope="module")
def place() -> Iterator[Street]:
    with public_folder() as folder, threaded(Sink()) as sink:
        url = f"sqlite:///{folder / 'data' / 'helpdeskd.sqlite3'}"
        with street(folder, url, sink) as running:
            for door in DOORS:
                running.offer(door)
            running.arrive()
            yield running
            running.well()


def told(place: Street, since: int, *words: str) -> Callable[[], bool]:
    """Does a line of the log since then hold all these words?"""
    return lambda: any(all(word in line for word in words) for line in place.house.log.read_text()[since:].splitlines())


def offered(place: Street) -> list[int]:
    return [place.offer(door) for door in LISTENING]


def log_size(place: Street) -> int:
    return len(place.house.log.read_text())


def over(place: Street) -> None:
    place.retry()
    place.arrive()


def test_another_process_holds_the_database_for_long(place: Street) -> None:
    since = log_size(place)
    with closing(sqlite3.connect(place.house.data / "helpdeskd.sqlite3", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        assert offered(place) == TAKEN
        wait_until(told(place, since, "database is locked"), what="word of the lock")
        assert offered(place) == TAKEN
        other.execute("ROLLBACK")
    over(place)


def test_the_address_book_cannot_be_read(place: Street) -> None:
    """Its table is not there, as while a restore is under way: no recipient is refused for that, and no mail struck."""
    since = log_size(place)
    with closing(sqlite3.connect(place.house.data / "helpdeskd.sqlite3", isolation_level=None)) as other:
        other.execute("ALTER TABLE address RENAME TO elsewhere")
        try:
            wait_until(told(place, since, "no such table"), what="word of a book that cannot be read")
            assert offered(place) == TAKEN
            wait_until(told(place, since, "event=waiting"), what="an intake that waits")
        finally:
            other.execute("ALTER TABLE elsewhere RENAME TO address")
    over(place)


def test_the_blobs_are_away(place: Street) -> None:
    since = log_size(place)
    with away(place.house.data / "blobs"):
        assert offered(place) == TAKEN
        wait_until(told(place, since, "event=waiting"), what="an intake that waits")
    over(place)


def test_the_spool_is_away(place: Street) -> None:
    since = log_size(place)
    with away(place.house.spool):
        assert offered(place) == PUT_OFF
        place.offer("imap")
        wait_until(told(place, since, "part=imap", "No such file or directory"), what="word from the mailbox")
    over(place)


def test_the_settings_are_away(place: Street) -> None:
    """They were read at the start; a reload asks for certificates and templates and keeps what it has."""
    with away(place.house.config):
        assert offered(place) == TAKEN
    over(place)


def test_no_file_can_be_opened(place: Street) -> None:
    """Too many open files: who is connected hears 451, who is not finds nobody, and nothing is any mail's fault."""
    assert place.house.process is not None
    pid = place.house.process.pid
    limits = resource.prlimit(pid, resource.RLIMIT_NOFILE)
    since = log_size(place)
    place.hold("an open connection")
    with smtplib.SMTP("127.0.0.1", place.house.port, timeout=60) as client:
        # Standard input, output and error are open for good; a higher limit would leave room as soon as any other file is closed.
        resource.prlimit(pid, resource.RLIMIT_NOFILE, (3, limits[1]))
        try:
            assert said(client, place.mails["an open connection"][1]) == 451  # no goodbye: it keeps its own file
            assert place.offer("pipe") == 0  # a process of its own
            wait_until(told(place, since, "part=intake", "Too many open files"), what="an intake that waits")
            with pytest.raises((OSError, smtplib.SMTPException)):
                smtplib.SMTP("127.0.0.1", place.house.port, timeout=2)
        finally:
            resource.prlimit(pid, resource.RLIMIT_NOFILE, limits)
    over(place)


@pytest.mark.parametrize(
    ("stage", "reply"), [("mail", DROP), ("mail", "421 4.3.2 not now"), ("rcpt", "451 4.7.1 greylisted")]
)
def test_the_relay_is_down(place: Street, stage: str, reply: str) -> None:
    since = log_size(place)
    place.sink.always(stage, reply)
    try:
        assert offered(place) == TAKEN
        wait_until(lambda: place.house.log.read_text()[since:].count("event=deferred") >= 6, what="answers that wait")
    finally:
        place.sink.always(stage, None)
    with closing(sqlite3.connect(place.house.data / "helpdeskd.sqlite3")) as other, other:  # a minute later
        other.execute("UPDATE outbox SET next_at = created_at WHERE state = 'deferred'")
    over(place)
