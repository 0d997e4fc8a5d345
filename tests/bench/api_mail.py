"""Mail while the API is under full load: is it still accepted at half its undisturbed rate?

The whole daemon in one process on SQLite, as it is installed, with HelpDeskZ's API. Rounds of mails over SMTP, in turns undisturbed and
while clients ask without a pause: lists and tickets, and for one in ten a new ticket or an answer. What counts is the rate at which mails
get their 250. Clients, relay and daemon share the machine.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import cast

from tests.bench import house, load, report
from tests.bench.api import HELPDESKZ, ROOT
from tests.bench.api_serve import TOKEN
from tests.bench.daemon import Elsewhere, Measured
from tests.live.house import House
from tests.live.machine import free_port
from tests.sink import Sink

PATIENCE = 3600  # seconds a client would go on; it is ended sooner
WEIGHTS = (45, 45, 5, 5)  # list, read, create, comment


@contextmanager
def asking(port: int, connections: int, tickets: int) -> Iterator[None]:
    """Clients in a process of their own that leave the API no pause."""
    rng = random.Random(1)
    requests = [ask.draw(rng, tickets) for ask in rng.choices(HELPDESKZ, WEIGHTS, k=500)]
    command = [sys.executable, "-m", "tests.bench.api_client", "127.0.0.1", str(port), str(connections), str(PATIENCE)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=ROOT, text=True) as client:
        assert client.stdin is not None
        assert client.stdout is not None
        client.stdin.write(json.dumps(requests) + "\n\n")
        client.stdin.flush()
        assert client.stdout.readline() == "ready\n"
        try:
            yield
        finally:
            assert client.poll() is None, "the clients went away"
            client.kill()


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--rounds", type=int, default=5)
    arguments.add_argument("--connections", type=int, default=8, help="of mail")
    arguments.add_argument("--per-connection", type=int, default=60, help="mails sent over each")
    arguments.add_argument("--asking", type=int, default=8, help="connections of API clients")
    arguments.add_argument("--folder", help="where everything is kept; the default is the temporary folder")
    given = arguments.parse_args()
    print(report.machine())
    port = free_port()
    extra = f'[http]\nlisten = ["127.0.0.1:{port}"]\n'
    with tempfile.TemporaryDirectory(dir=given.folder) as folder, house.sink() as relay:
        sink = cast("Sink", Elsewhere(relay))
        with House(Path(folder), f"sqlite:///{folder}/data/helpdeskd.sqlite3", sink, extra=extra) as running:
            words = ("token", "create", "--dialect", "helpdeskz", "--all", "--token-stdin")
            running.cli(*words, stdin=f"helpdeskz-{TOKEN}\n".encode())
            measured = Measured(running)
            measured.quiet(0)
            rounds(measured, port, given)
            measured.database.close()
            sys.stdout.flush()


def rounds(measured: Measured, port: int, given: argparse.Namespace) -> None:
    each = given.connections * given.per_connection
    measured.send(load.mails(each, "warm"), given.connections, given.per_connection)  # tickets to ask for, too
    alone: list[load.Run] = []
    beside: list[load.Run] = []
    for turn in range(given.rounds):  # each waits until what the one before has caused is gone
        stamp = f"{turn}.{os.getpid()}"
        alone.append(measured.put(load.mails(each, f"alone{stamp}"), given.connections, given.per_connection))
        measured.quiet(measured.arrivals)
        with asking(port, given.asking, each):
            mails = load.mails(each, f"beside{stamp}")
            beside.append(measured.put(mails, given.connections, given.per_connection))
        measured.quiet(measured.arrivals)
    for name, found in (("undisturbed", alone), ("API under load", beside)):
        waits = [wait * 1000 for one in found for wait in one.waits]
        rates = [one.rate for one in found]
        print(
            f"{name:15} accepted {report.spread(rates, '.0f')} mails/s, DATA to 250 p99 {report.percentile(waits, 99):.0f} ms"
        )
    ratios = [one.rate / two.rate for one, two in zip(beside, alone, strict=True)]
    report.target("mail while the API is under full load: of undisturbed", ratios, at_least=0.5)


if __name__ == "__main__":
    main()
