"""PostgreSQL in every trouble, under a daemon that runs: mails are taken all the while, and then each is there once."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest

from tests.faults.proxy import proxied
from tests.faults.street import DOORS, Street, street
from tests.live.machine import wait_until
from tests.postgres import Postgres
from tests.sink import Sink

pytestmark = pytest.mark.live


@contextmanager
def trouble(place: Street, *words: str, doors: tuple[str, ...] = ("smtp", "lmtp", "pipe")) -> Iterator[None]:
    """While the block's trouble lasts, each door takes a mail, and the log tells of it in one of these words."""
    before = len(place.house.log.read_text())
    yield
    for door in doors:
        assert place.offer(door) in {0, 250}, f"{door}, {words}"

    def told() -> bool:
        waiting = [line for line in place.house.log.read_text()[before:].splitlines() if "event=waiting" in line]
        return any(word in line for line in waiting for word in words)

    try:
        wait_until(told, what=f"{words} in the log")
    except AssertionError as error:
        raise AssertionError(f"{error}: {place.house.log.read_text()[before:][-3000:]}") from None


def kill(postgres: Postgres) -> None:
    """The server and all its children at once, as when the machine's memory is out."""
    pid = postgres._process.pid
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    for each in (pid, *map(int, children)):
        os.kill(each, signal.SIGKILL)
    postgres._process.wait(30)
    wait_until(
        lambda: not any(Path(f"/proc/{child}/exe").exists() for child in children), what="the end of its children"
    )


CUT = """
CREATE FUNCTION cut() RETURNS trigger LANGUAGE plpgsql AS
  $$ BEGIN PERFORM pg_terminate_backend(pg_backend_pid()); RETURN NULL; END $$;
CREATE CONSTRAINT TRIGGER cut AFTER INSERT ON arrival DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION cut()
"""


def test_a_database_in_every_trouble(folder: Path, postgres: Postgres, postgres_url: str, sink: Sink) -> None:
    name = postgres_url.rpartition("/")[2]
    with proxied(postgres.port) as line:
        url = postgres_url.replace(f":{postgres.port}/", f":{line.port}/")
        with street(folder, url, sink) as place:
            for door in DOORS:
                place.offer(door)
            place.arrive()

            # Stopped, as for an upgrade, and the mailbox too.
            with trouble(place, "refused", "terminating", "closed", doors=DOORS):
                postgres.stop()
            postgres.start()
            place.arrive()

            # Killed with everything it had in memory. Whoever comes at once finds it starting up.
            with trouble(place, "refused", "terminating", "closed", "starting up", "recovery"):
                kill(postgres)
            postgres.start()
            place.arrive()

            # Somebody else has locked what we need.
            with psycopg.connect(postgres._conninfo(name)) as other:
                other.execute("LOCK TABLE arrival IN ACCESS EXCLUSIVE MODE")
                with trouble(place, "lock timeout"):
                    pass
                other.rollback()
            place.arrive()

            # Connections are cut at COMMIT, before it counts.
            postgres.execute(CUT, name)
            with trouble(place, "terminating connection", "closed"):
                pass
            postgres.execute("DROP TRIGGER cut ON arrival; DROP FUNCTION cut()", name)
            place.arrive()

            # The line is cut at COMMIT, after it counts: nobody here knows.
            line.cut = True
            with trouble(place, "closed", "lost"):
                pass
            wait_until(lambda: line.lost > 3, what="answers to COMMIT that were lost")
            line.cut = False
            place.arrive()

            # A standby that has not been promoted yet.
            postgres.execute(f'ALTER DATABASE "{name}" SET default_transaction_read_only = on')
            postgres.terminate_backends(name)
            with trouble(place, "read-only"):
                pass
            postgres.execute(f'ALTER DATABASE "{name}" RESET default_transaction_read_only')
            place.arrive()

            # Somebody takes all connections there are, ours first.
            with all_taken(postgres, name), trouble(place, "too many", "remaining connection slots"):
                pass
            place.well()


@contextmanager
def all_taken(postgres: Postgres, name: str) -> Iterator[None]:
    """Every connection that the server allows, until the daemon has none to `name`."""
    taken: list[psycopg.Connection[tuple[object, ...]]] = []

    def take() -> None:
        try:
            while True:
                taken.append(psycopg.connect(postgres._conninfo("postgres"), autocommit=True))
        except psycopg.OperationalError as error:
            assert "clients already" in str(error)

    def ours() -> int:
        """Those to `name` that were there, now cut."""
        cut = "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = %s"
        found = len(taken[0].execute(cut, [name]).fetchall())
        take()
        return found

    try:
        take()
        wait_until(lambda: not ours(), what="no connection of the daemon's")
        yield
    finally:
        for each in taken:
            each.close()
