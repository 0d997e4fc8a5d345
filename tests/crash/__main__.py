"""Every point of every door on both stores: `python -m tests.crash [--file FILE] [DOOR/STORE ...]`. It takes an hour or more.

Each finding is appended to FILE as it is made, and a run that finds the file goes on where the last one ended (remove it after a
change of the code). The table stands on standard output after each round; the exit status is 1 when anything was lost, doubled or left.
"""

from __future__ import annotations

import argparse
import json
import random
import secrets
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

from tests import postgres
from tests.crash import strace, trial
from tests.crash.strace import Point
from tests.crash.street import DOORS, Street, street
from tests.live.machine import public_folder

STORES = ("sqlite", "postgresql")
ROUND = 40  # points in one house: then the next door's turn
TRIES = 2  # threads of a pool share their work in another way each time


class Book:
    """The results file: one line for the seed, one for each street's points, one for each point tried."""

    def __init__(self, file: Path, seed: int) -> None:
        self.file, self.seed = file, seed
        self.points: dict[str, list[Point]] = {}
        self.results: dict[str, dict[Point, dict[str, Any]]] = {}
        if file.exists():
            for line in file.read_text().splitlines():
                self._enter(json.loads(line))
        else:
            file.parent.mkdir(parents=True, exist_ok=True)
            self.write({"seed": seed})

    def write(self, line: dict[str, Any]) -> None:
        self._enter(line)
        with self.file.open("a") as out:
            out.write(json.dumps(line) + "\n")

    def _enter(self, line: dict[str, Any]) -> None:
        if "seed" in line:
            self.seed = line["seed"]
        elif "points" in line:
            self.points[line["street"]] = [Point(**each) for each in line["points"]]
        else:
            point = Point(line["role"], line["call"], line["k"])
            self.results.setdefault(line["street"], {})[point] = line

    def waiting(self, name: str) -> list[Point]:
        """What has not been tried, in the seed's order: the kinds of calls take turns, so that a short run has met them all."""
        order = trial.draw(self.points[name], len(self.points[name]), random.Random(f"{self.seed} {name}"))
        return [point for point in order if point not in self.results.get(name, {})]

    def table(self) -> list[str]:
        columns = ("reached", "lost", "duplicated", "left", "uncertain")
        rows = []
        for name, points in self.points.items():
            found = list(self.results.get(name, {}).values())
            rows.append([len(points), len(found), *(sum(bool(each[column]) for each in found) for column in columns)])
        lines: list[list[object]] = [["door", "store", "points", "tried", *columns], ["---"] * (4 + len(columns))]
        lines += [[*name.split("/"), *row] for name, row in zip(self.points, rows, strict=True)]
        lines.append(["all", "", *map(sum, zip(*rows, strict=True))])
        return ["| " + " | ".join(f"{cell:>10}" for cell in line) + " |" for line in lines]

    @property
    def faults(self) -> int:
        return sum(
            bool(each["lost"] or each["duplicated"] or each["left"])
            for found in self.results.values()
            for each in found.values()
        )


class Stores:
    """A fresh store for each house; one PostgreSQL for all."""

    def __init__(self) -> None:
        self._server: postgres.Postgres | None = None

    @contextmanager
    def url(self, store: str, folder: Path) -> Iterator[str]:
        if store == "sqlite":
            yield f"sqlite:///{folder / 'data' / 'helpdeskd.sqlite3'}"
            return
        self._server = self._server or postgres.Postgres()
        name = self._server.create()
        yield self._server.url(name)
        self._server.drop(name)

    def close(self) -> None:
        if self._server is not None:
            self._server.close()


def attempts(book: Book, stores: Stores, name: str) -> None:
    """One round: some points of one street. A house in which anything went wrong is left."""
    door, store = name.split("/")
    with public_folder() as folder, stores.url(store, folder) as url, street(folder, door, url) as here:
        if name not in book.points:
            book.write({"street": name, "points": [asdict(point) for point in trial.record(here)]})
        for point in book.waiting(name)[:ROUND]:
            result = attempt(here, point)
            book.write({"street": name, **result.record()})
            if result.found.faults:
                print(f"{name} {point}: {'; '.join(result.found.faults)}", flush=True)
                return


def attempt(here: Street, point: Point) -> trial.Result:
    for _ in range(TRIES):
        result = trial.attempt(here, point)
        if result.reached or result.found.faults:
            break
    return result


def main() -> int:
    every = [f"{door}/{store}" for store in STORES for door in DOORS]
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument(
        "--file", type=Path, default=Path("build/crash.jsonl"), help="the results [build/crash.jsonl]"
    )
    arguments.add_argument("--seed", type=int, default=None, help="of the points' order [drawn]")
    arguments.add_argument("only", nargs="*", metavar="DOOR/STORE", help=f"some of them: {', '.join(every)}")
    given = arguments.parse_args()
    names = given.only or every
    if unknown := set(names) - set(every):
        arguments.error(f"no such street: {', '.join(sorted(unknown))}")
    if why := strace.why_not():
        print(f"{why}: nothing can be tried")
        return 1
    if why_not := postgres.why_not():
        print(f"{why_not}: on SQLite only")
        names = [name for name in names if name.endswith("/sqlite")]
    book = Book(given.file, secrets.randbits(32) if given.seed is None else given.seed)
    stores = Stores()
    begun = time.monotonic()
    try:
        while waiting := [name for name in names if name not in book.points or book.waiting(name)]:
            for name in waiting:
                attempts(book, stores, name)
            print(
                f"seed {book.seed}, {(time.monotonic() - begun) / 60:.0f} minutes", *book.table(), sep="\n", flush=True
            )
    finally:
        stores.close()
    return 1 if book.faults else 0


if __name__ == "__main__":
    sys.exit(main())
