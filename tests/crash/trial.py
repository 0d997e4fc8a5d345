"""One point: strace is set, the play is played, the ledger is compared. And the dry run that says which points there are."""

from __future__ import annotations

import random
from collections import Counter, defaultdict
from dataclasses import asdict, dataclass
from typing import Any

from tests.crash import strace
from tests.crash.ledger import Findings
from tests.crash.strace import Point, Trace
from tests.crash.street import AS_IT_IS, StaysDead, Street

PIPE = "pipe"  # pipe.py, which strace itself starts


@dataclass(frozen=True)
class Result:
    """`reached`: the process was killed there. Else the play took another way this time, and nothing was tried."""

    point: Point
    reached: bool
    found: Findings

    def record(self) -> dict[str, Any]:
        return {**asdict(self.point), "reached": self.reached, **asdict(self.found)}


def record(street: Street) -> list[Point]:
    """The points of this street: every effect call of every thread, as often as one thread of that name made it."""
    street.warm()
    trace = Trace(street.trace, strace.family(street.pid))
    piped: Counter[str] = Counter()
    file = street.trace.with_name("trace-pipe")
    street.play(lambda words: strace.under(file, words))
    if file.exists():
        piped = strace.counts_of(file)
    roles = strace.roles(street.pid)
    trace.end()
    most: dict[tuple[str, str], int] = defaultdict(int)
    for task, counts in [*trace.counts().items(), (0, piped)]:
        for call, count in counts.items():
            role = PIPE if task == 0 else roles.get(task, "gone")
            most[role, call] = max(most[role, call], count)
    return sorted(Point(role, call, k + 1) for (role, call), count in most.items() for k in range(count))


def attempt(street: Street, point: Point) -> Result:
    """Kill there, if the play comes by. The street lives on afterwards."""
    street.warm()
    since = street.look.last_answer()
    try:
        reached = _piped(street, point) if point.role == PIPE else _struck(street, point)
    except StaysDead as error:
        return Result(point, True, Findings(lost=[str(error)]))
    return Result(point, reached, street.findings(since))


def _piped(street: Street, point: Point) -> bool:
    street.play(lambda words: strace.under(street.trace, words, point))
    return strace.counts_of(street.trace)[point.call] == point.k and street.mails[-2].offers > 1


def _struck(street: Street, point: Point) -> bool:
    tasks = [task for task, role in strace.roles(street.pid).items() if role == point.role]
    if not tasks:
        return False
    trace = Trace(street.trace, tasks, point)
    street.play(AS_IT_IS)
    trace.end()
    return trace.killed_at(point)


def draw(points: list[Point], count: int, chance: random.Random, turn: int = 0) -> list[Point]:
    """So many of them, none twice: the kinds of calls take turns (from the `turn`-th on), within one the threads are equally likely."""
    kinds: dict[str, dict[str, list[Point]]] = defaultdict(lambda: defaultdict(list))
    for point in sorted(points):
        kinds[point.call][point.role].append(point)
    order = sorted(kinds)
    drawn: list[Point] = []
    while len(drawn) < count and kinds:
        call = order[(turn + len(drawn)) % len(order)]
        if call not in kinds:
            order.remove(call)
            continue
        role = chance.choice(sorted(kinds[call]))
        drawn.append(kinds[call][role].pop(chance.randrange(len(kinds[call][role]))))
        if not kinds[call][role]:
            del kinds[call][role]
        if not kinds[call]:
            del kinds[call]
    return drawn
