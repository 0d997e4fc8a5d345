"""The APIs: list, read, search, create and comment with few and with many tickets, against a bare Starlette that does the same SQL.

A store is filled through the schema; a server in a process of its own serves a plain dialect over it, another one the same functions of
the desk from bare Starlette routes, in the same mode (inline against inline, threaded against threaded). Clients in processes of their
own ask in turns, over raw sockets. Then the dialects themselves, guard and log included. What is wanted: half of the bare rate, a list and
a read that cost the same with many tickets, and four times what the original HelpDeskZ does (220 lists and 446 tickets a second, 1,000
tickets, 2 connections, measured on a machine of this kind).
"""

from __future__ import annotations

import argparse
import json
import random
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.bench import api_fill, house, load, report
from tests.bench.api_serve import TOKEN

ROOT = Path(__file__).parents[2]
DIFFERENT = 500  # requests before they come again
ORIGINAL = {"list": 220, "read": 446}  # HelpDeskZ itself


@dataclass(frozen=True)
class Ask:
    """One kind of request: `draw` gives one of many, for ids of tickets from 1 to `count`."""

    name: str
    draw: Callable[[random.Random, int], str]
    grows: bool = False  # it must cost the same with many tickets


def get(path: str, proof: str = f"Token: {TOKEN}") -> str:
    return f"GET {path} HTTP/1.1\r\nHost: desk.example\r\n{proof}\r\n\r\n"


def post(path: str, form: str, proof: str = f"Token: {TOKEN}") -> str:
    kind = "application/x-www-form-urlencoded"
    return (
        f"POST {path} HTTP/1.1\r\nHost: desk.example\r\n{proof}\r\nContent-Type: {kind}\r\n"
        f"Content-Length: {len(form)}\r\n\r\n{form}"
    )


def words(rng: random.Random, count: int) -> str:
    return "+".join(rng.choices([word.replace("'", "") for word in load.WORDS], k=count))


def asks(root: str) -> tuple[Ask, ...]:
    """Of `layer` and `bare`."""
    return (
        Ask("list", lambda _rng, _count: get(f"{root}/tickets"), grows=True),
        Ask("read", lambda rng, count: get(f"{root}/tickets/{rng.randint(1, count)}"), grows=True),
        Ask("search", lambda rng, _count: get(f"{root}/search?words={words(rng, 2)}")),
        Ask("create", lambda rng, _count: post(f"{root}/tickets", f"subject={words(rng, 5)}&text={words(rng, 60)}")),
        Ask(
            "comment",
            lambda rng, count: post(f"{root}/tickets/{rng.randint(1, count)}", f"text={words(rng, 60)}"),
        ),
    )


KEY, BEARER = f"Token: helpdeskz-{TOKEN}", f"Authorization: Bearer jitbit-{TOKEN}"
HELPDESKZ = (
    Ask("list", lambda _rng, _count: get("/helpdeskz/api/tickets", KEY), grows=True),
    Ask("read", lambda rng, count: get(f"/helpdeskz/api/tickets/show/{rng.randint(1, count)}", KEY), grows=True),
    Ask(
        "create",
        lambda rng, _count: post(
            "/helpdeskz/api/tickets/create",
            f"user_id={rng.randint(2, 20)}&department_id=1&opener=user&subject={words(rng, 5)}&body={words(rng, 60)}",
            KEY,
        ),
    ),
    Ask(
        "comment",
        lambda rng, count: post(
            "/helpdeskz/api/messages/create",
            f"ticket_id={rng.randint(1, count)}&replier=user&message={words(rng, 60)}",
            KEY,
        ),
    ),
)
JITBIT = (
    Ask("list", lambda _rng, _count: get("/jitbit/api/Tickets?count=20", BEARER), grows=True),
    Ask("read", lambda rng, count: get(f"/jitbit/api/ticket?id={rng.randint(1, count)}", BEARER), grows=True),
    Ask("search", lambda rng, _count: get(f"/jitbit/api/Search?count=20&query={words(rng, 2)}", BEARER)),
    Ask(
        "create",
        lambda rng, _count: post(
            "/jitbit/api/ticket", f"categoryId=1&priorityId=0&subject={words(rng, 5)}&body={words(rng, 60)}", BEARER
        ),
    ),
    Ask(
        "comment",
        lambda rng, count: post("/jitbit/api/comment", f"id={rng.randint(1, count)}&body={words(rng, 60)}", BEARER),
    ),
)
DIALECTS = {"helpdeskz": HELPDESKZ, "jitbit": JITBIT}


@dataclass(frozen=True)
class Rate:
    per_second: float
    p99_ms: float


@contextmanager
def served(kind: str, folder: Path) -> Iterator[tuple[str, int]]:
    """The address of a server over the store in `folder`."""
    command = [sys.executable, "-m", "tests.bench.api_serve", kind, str(folder)]
    with (folder / f"{kind}.log").open("wb") as told:
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=told, cwd=ROOT, text=True)
    assert process.stdout is not None
    try:
        line = ""
        for line in process.stdout:
            if line[:1].isdigit():
                break
        host, _, port = line.strip().rpartition(":")
        yield host, int(port)
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


def measured(at: tuple[str, int], requests: list[str], connections: int, seconds: float) -> Rate:
    """By as many client processes as are needed to keep the server busy."""
    clients = min(2, max(1, connections // 8))
    command = [
        sys.executable,
        "-m",
        "tests.bench.api_client",
        at[0],
        str(at[1]),
        str(connections // clients),
        str(seconds),
    ]
    with ExitStack() as stack:
        running = [
            stack.enter_context(
                subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=ROOT, text=True)
            )
            for _ in range(clients)
        ]
        for nth, client in enumerate(running):
            assert client.stdin is not None
            assert client.stdout is not None
            client.stdin.write(json.dumps(requests[nth * 7 :] + requests[: nth * 7]) + "\n")
            client.stdin.flush()
            assert client.stdout.readline() == "ready\n"
        for client in running:
            assert client.stdin is not None
            client.stdin.write("\n")
            client.stdin.flush()
        told = [json.loads(client.stdout.readline()) for client in running if client.stdout is not None]
    if wrong := [line for each in told for line in each["wrong"]]:
        raise SystemExit(f"{requests[0].splitlines()[0]}: {wrong[0]}")
    waits = [wait * 1000 for each in told for wait in each["waits"]]
    return Rate(sum(len(each["waits"]) / each["seconds"] for each in told), report.percentile(waits, 99))


def compared(folder: Path, count: int, given: argparse.Namespace) -> dict[tuple[str, int], float]:
    """Rates of the layer by name and connections."""
    made = house.build(folder)
    api_fill.fill(made.store, count)
    api_fill.keys(made, TOKEN)
    made.close()
    found: dict[tuple[str, int], float] = {}
    rng = random.Random(count)
    with served("layer", folder) as ours, served("bare", folder) as theirs:
        for mine, other in zip(asks("/layer/api"), asks("/api"), strict=True):
            for connections in given.connections:
                layer: list[Rate] = []
                bare: list[Rate] = []
                for _ in range(given.rounds):
                    for at, ask, rates in ((ours, mine, layer), (theirs, other, bare)):
                        requests = [ask.draw(rng, count) for _ in range(DIFFERENT)]
                        rates.append(measured(at, requests, connections, given.seconds))
                rate, plain = ([each.per_second for each in rates] for rates in (layer, bare))
                found[mine.name, connections] = statistics.median(rate)
                print(
                    f"{count:7} tickets  {mine.name:8} {connections:3} connections  {report.spread(rate, '.0f'):>24}/s  p99 "
                    f"{statistics.median(each.p99_ms for each in layer):6.1f} ms   bare {report.spread(plain, '.0f'):>24}/s",
                    flush=True,
                )
                ratios = [one / two for one, two in zip(rate, plain, strict=True)]
                report.target(f"{mine.name}, {connections} connections, {count} tickets: of bare", ratios, at_least=0.5)
        for name in given.dialects:
            with served(name, folder) as at:
                for ask in DIALECTS[name]:
                    for connections in given.connections:
                        found[f"{name} {ask.name}", connections] = alone(at, name, ask, count, connections, given)
    return found


def alone(at: tuple[str, int], name: str, ask: Ask, count: int, connections: int, given: argparse.Namespace) -> float:
    """Requests a second of a dialect, the median of the rounds."""
    rng = random.Random(count)
    rates = [
        measured(at, [ask.draw(rng, count) for _ in range(DIFFERENT)], connections, given.seconds)
        for _ in range(given.rounds)
    ]
    found = [each.per_second for each in rates]
    print(
        f"{count:7} tickets  {name} {ask.name:8} {connections:3} connections  {report.spread(found, '.0f'):>24}/s  p99 "
        f"{statistics.median(each.p99_ms for each in rates):6.1f} ms",
        flush=True,
    )
    if name == "helpdeskz" and ask.name in ORIGINAL and count == 1000 and connections == 2:
        report.target(
            f"HelpDeskZ {ask.name}: of the original", [each / ORIGINAL[ask.name] for each in found], at_least=4
        )
    return statistics.median(found)


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--tickets", type=int, nargs="+", default=[1000, 100_000])
    arguments.add_argument("--connections", type=int, nargs="+", default=[2, 32])
    arguments.add_argument("--seconds", type=float, default=3.0, help="for each measurement")
    arguments.add_argument("--rounds", type=int, default=3)
    arguments.add_argument("--dialects", nargs="*", default=[*DIALECTS], help="which of the dialects themselves")
    arguments.add_argument("--folder", help="where the stores are made; the default is the temporary folder")
    given = arguments.parse_args()
    print(report.machine())
    by_count: list[dict[tuple[str, int], float]] = []
    for count in given.tickets:
        with tempfile.TemporaryDirectory(dir=given.folder) as folder:
            by_count.append(compared(Path(folder), count, given))
    few, many = by_count[0], by_count[-1]
    if len(by_count) > 1:
        growing = [ask.name for ask in asks("") if ask.grows]
        growing += [f"{name} {ask.name}" for name in given.dialects for ask in DIALECTS[name] if ask.grows]
        for name in growing:
            growth = [few[name, each] / many[name, each] for each in given.connections]
            report.target(
                f"{name}: cost with {given.tickets[-1]} against {given.tickets[0]} tickets", growth, at_most=1.5
            )


if __name__ == "__main__":
    main()
