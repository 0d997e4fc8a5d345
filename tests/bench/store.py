"""How fast the store is: `python -m tests.bench.store [--rounds 5] [--rows 2000] [--postgresql]`.

Medians over the rounds, with the lowest and the highest; the ways to write take turns within a round, so that a slow
minute of the machine hits all of them. Every figure is durable: SQLite at synchronous=FULL, PostgreSQL with fsync on.
"""

from __future__ import annotations

import argparse
import functools
import os
import statistics
import tempfile
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import Connection, Select, bindparam, select

from helpdeskd.model.mail import Door
from helpdeskd.model.routing import Outcome
from helpdeskd.store import arrivals
from helpdeskd.store.blobs import FolderBlobs
from helpdeskd.store.engine import Store, open_store
from helpdeskd.store.schema import arrival
from tests import postgres

WHEN = datetime(2026, 1, 1, tzinfo=UTC)


def row(spool_id: str) -> Callable[[Connection], int]:
    """A command that writes one row of about 330 bytes, with its six indexes."""
    return lambda conn: arrivals.record(
        conn,
        spool_id=spool_id,
        door=Door.SMTP,
        outcome=Outcome.OPENED,
        reason="new",
        raw_sha256=spool_id.ljust(64, "0"),
        identity_sha256=spool_id.ljust(64, "1"),
        mail_id=f"{spool_id}@mail.example.com",
        sender="somebody@example.com",
        author="somebody@example.com",
        subject="A subject of ordinary length, as people write them",
        size=4711,
        received_at=WHEN,
        decided_at=WHEN,
    )


def one_by_one(store: Store, rows: int, name: str) -> None:
    for n in range(rows):
        store.writer.run(row(f"{name}-{n}"))


def eight_threads(store: Store, rows: int, name: str) -> None:
    def work(worker: int) -> None:
        one_by_one(store, rows // 8, f"{name}-{worker}")

    threads = [threading.Thread(target=work, args=(n,)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def grouped(store: Store, rows: int, name: str) -> None:
    for future in [store.writer.submit(row(f"{name}-{n}")) for n in range(rows)]:
        future.result()


def reading(store: Store, rows: int, name: str) -> None:
    del name
    query = select(arrival.c.subject).where(arrival.c.id == bindparam("id"))
    for n in range(rows):
        store.read(functools.partial(_subject, query, n + 1))


def _subject(query: Select[str], arrival_id: int, conn: Connection) -> str | None:
    return conn.scalar(query, {"id": arrival_id})


WAYS = {
    "writes, one by one": one_by_one,
    "writes, 8 threads that wait": eight_threads,
    "writes, queued (groups of 50)": grouped,
    "point reads": reading,
}


def measure(store: Store, rounds: int, rows: int) -> dict[str, list[float]]:
    rates: dict[str, list[float]] = {way: [] for way in WAYS}
    for turn in range(rounds + 1):
        for way, act in WAYS.items():
            started = time.perf_counter()
            act(store, rows, f"{way}-{turn}")
            if turn:  # the first round warms up
                rates[way].append(rows / (time.perf_counter() - started))
    return rates


def measure_blobs(folder: Path, rounds: int, count: int) -> dict[str, list[float]]:
    blobs = FolderBlobs(folder)
    rates: dict[str, list[float]] = {"blobs of 20 KB, new": [], "blobs of 20 KB, again": []}
    blobs.put(b"")
    for _ in range(rounds):
        mails = [os.urandom(20_000) for _ in range(count)]
        for found in rates.values():
            started = time.perf_counter()
            for mail in mails:
                blobs.put(mail)
            found.append(count / (time.perf_counter() - started))
    return rates


def show(title: str, rates: dict[str, list[float]]) -> None:
    print(f"\n{title}")
    first = statistics.median(next(iter(rates.values())))
    for way, found in rates.items():
        middle = statistics.median(found)
        print(f"  {way:32}{middle:10,.0f}/s  ({min(found):,.0f} to {max(found):,.0f})  x {middle / first:.1f}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--rows", type=int, default=2000)
    parser.add_argument("--postgresql", action="store_true", help="also on a private PostgreSQL server")
    parser.add_argument("--folder", type=Path, help="where to write [default: the temporary folder]")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=args.folder) as folder:
        store = open_store(f"sqlite:///{folder}/bench.sqlite3")
        show("SQLite", measure(store, args.rounds, args.rows))
        store.close()
        show("Blobs", measure_blobs(Path(folder) / "blobs", args.rounds, args.rows // 10))
    if args.postgresql:
        server = postgres.Postgres()
        try:
            store = open_store(server.url(server.create()))
            show("PostgreSQL", measure(store, args.rounds, args.rows))
            store.close()
        finally:
            server.close()


if __name__ == "__main__":
    main()
