"""The whole daemon, every role in its own process as it is installed: memory at rest, rates and lag under load, and flat?

`python -m helpdeskd run` on SQLite, with a server in another process as its relay. First its memory at rest. Then rounds
of mails over SMTP, all of whose notices go out meanwhile: how fast the door takes them while the other roles work, and
how long each waits for its ticket (from its arrival at the door until the moment its decision is taken, milliseconds
before the COMMIT that it shares with others). With `--flat N` the memory after each thousand mails, once all is quiet.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import sqlite3
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from tests.bench import house, load, report
from tests.live.house import House
from tests.sink import Sink

SETTLE_SECONDS = 3
STEP = 1000


@dataclass(frozen=True)
class Elsewhere:
    """A sink in another process: all that a house needs to know of it."""

    relay: str


@dataclass(frozen=True)
class Round:
    rate: float
    waits: list[float]  # seconds from DATA to 250
    lags: list[float]  # seconds from the door to the decision
    done: float  # mails a second, from the first sent to the last notice gone
    cpu_ms: float  # of the daemon, for one mail with all that follows from it


class Measured:
    def __init__(self, running: House) -> None:
        assert running.process is not None
        self.house = running
        self.pid = running.process.pid
        self.database = sqlite3.connect(f"file:{running.data}/helpdeskd.sqlite3?mode=ro", uri=True)
        self.arrivals = 0

    def ask(self, query: str, *values: object) -> list[tuple[int, ...]]:
        return self.database.execute(query, values).fetchall()

    def quiet(self, mails: int) -> None:
        """Wait until so many mails have arrived and every notice is gone."""
        for _ in range(6000):
            ((arrived,),) = self.ask("SELECT count(*) FROM arrival")
            ((waiting,),) = self.ask("SELECT count(*) FROM outbox WHERE state NOT IN ('sent', 'failed', 'unknown')")
            if arrived >= mails and not waiting:
                return
            time.sleep(0.05)
        raise SystemExit(f"after five minutes: {arrived} of {mails} mails arrived, {waiting} notices waiting")

    def put(self, mails: list[bytes], connections: int, per_connection: int) -> load.Run:
        """Only the door's part: each has its 250."""
        run = asyncio.run(
            load.run("127.0.0.1", self.house.port, mails, connections=connections, per_connection=per_connection)
        )
        if run.failures:
            raise SystemExit(f"not accepted: {run.failures[:3]}")
        self.arrivals += len(mails)
        return run

    def send(self, mails: list[bytes], connections: int, per_connection: int) -> Round:
        ((last,),) = self.ask("SELECT coalesce(max(id), 0) FROM arrival")
        cpu, begun = load.cpu_seconds(self.pid), time.perf_counter()
        run = self.put(mails, connections, per_connection)
        self.quiet(self.arrivals)
        seconds = time.perf_counter() - begun
        lags = [lag / 1e6 for (lag,) in self.ask("SELECT decided_at - received_at FROM arrival WHERE id > ?", last)]
        used = (load.cpu_seconds(self.pid) - cpu) * 1000 / len(mails)
        return Round(run.rate, run.waits, lags, len(mails) / seconds, used)


def settled(pid: int) -> tuple[float, float]:
    time.sleep(SETTLE_SECONDS)
    return report.memory_mb(pid)


def rounds(measured: Measured, given: argparse.Namespace) -> None:
    each = given.connections * given.per_connection
    measured.send(load.mails(40, "warm"), given.connections, given.per_connection)
    found = [
        measured.send(load.mails(each, f"round{turn}.{os.getpid()}"), given.connections, given.per_connection)
        for turn in range(given.rounds)
    ]
    waits = [wait * 1000 for one in found for wait in one.waits]
    print(
        f"\n{given.rounds} rounds of {given.connections} connections with {given.per_connection} mails each; median (lowest to highest)\n"
        f"accepted, all roles at work {report.spread([one.rate for one in found], '.0f')} mails/s; DATA to 250 p50 "
        f"{report.percentile(waits, 50):.1f} p95 {report.percentile(waits, 95):.1f} p99 {report.percentile(waits, 99):.1f} ms\n"
        f"door to decision, median    {report.spread([report.percentile(one.lags, 50) for one in found])} s\n"
        f"door to decision, last      {report.spread([max(one.lags) for one in found])} s\n"
        f"all answered and notified   {report.spread([one.done for one in found], '.0f')} mails/s\n"
        f"CPU of everything           {report.spread([one.cpu_ms for one in found])} ms a mail"
    )


def flat(measured: Measured, given: argparse.Namespace) -> None:
    print(f"\nmemory after each {STEP} mails, at rest (PSS, RSS in MB)")
    seen: list[float] = []
    step = min(STEP, given.flat)
    for number in range(step, given.flat + 1, step):
        batch = load.mails(step, f"flat{number}.{os.getpid()}")
        measured.send(batch, given.connections, given.per_connection)
        pss, rss = settled(measured.pid)
        seen.append(pss)
        print(f"  {number:6} mails  {pss:6.1f} {rss:6.1f}", flush=True)
    if len(seen) >= 4:
        # The first thousands fill caches of a fixed size; after them a leak of a kilobyte a mail would show.
        quarter = max(1, len(seen) // 4)
        early, late = seen[quarter : 2 * quarter], seen[-quarter:]
        growth = [(sum(late) - sum(early)) / quarter]
        report.target("memory grown from the second to the last quarter", growth, at_most=5.0, unit=" MB")


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--rounds", type=int, default=5)
    arguments.add_argument("--connections", type=int, default=8)
    arguments.add_argument("--per-connection", type=int, default=20, help="mails sent over each")
    arguments.add_argument("--flat", type=int, default=0, metavar="N", help="then N more mails, to see the memory")
    arguments.add_argument("--folder", help="where everything is kept; the default is the temporary folder")
    given = arguments.parse_args()
    print(report.machine())
    with tempfile.TemporaryDirectory(dir=given.folder) as folder, house.sink() as relay:
        sink = cast("Sink", Elsewhere(relay))
        with House(Path(folder), f"sqlite:///{folder}/data/helpdeskd.sqlite3", sink) as running:
            measured = Measured(running)
            pss, rss = settled(measured.pid)
            print(f"at rest, {len(report.family(measured.pid))} process(es): PSS {pss:.1f} MB, RSS {rss:.1f} MB")
            report.target("memory at rest", [rss], at_most=130.0, unit=" MB")
            measured.quiet(0)  # the welcome of the first administrator
            if given.rounds:
                rounds(measured, given)
            if given.flat:
                flat(measured, given)
            measured.database.close()
            sys.stdout.flush()


if __name__ == "__main__":
    main()
