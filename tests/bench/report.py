"""What the measurements share: medians with their spread, targets that can be met or missed, quiet machines."""

from __future__ import annotations

import os
import statistics
import sys
from collections.abc import Sequence
from pathlib import Path

MARK = "TARGET"  # `python -m tests.bench` gathers the lines that begin so


def spread(values: Sequence[float], form: str = ".2f") -> str:
    """Median (lowest to highest)."""
    return f"{statistics.median(values):{form}} ({min(values):{form}} to {max(values):{form}})"


def percentile(values: Sequence[float], percent: int) -> float:
    return sorted(values)[min(len(values) - 1, len(values) * percent // 100)]


def target(
    name: str, values: Sequence[float], *, at_least: float | None = None, at_most: float | None = None, unit: str = ""
) -> bool:
    """Print how the median of `values` stands to what is wanted. Returns whether it is met."""
    median = statistics.median(values)
    met = (at_least is None or median >= at_least) and (at_most is None or median <= at_most)
    wanted = f"at least {at_least:g}" if at_least is not None else f"at most {at_most:g}"
    print(f"{MARK} | {name} | {wanted}{unit} | {spread(values, '.4g')} | {'met' if met else 'MISSED'}", flush=True)
    return met


def machine() -> str:
    """One line: what these figures were measured on, and how busy it was with other things."""
    load, _, _ = os.getloadavg()
    return f"Python {sys.version.split()[0]}, {os.cpu_count()} processors, load average at the start {load:.1f}"


def memory_mb(pid: int) -> tuple[float, float]:
    """(PSS, RSS) of a process and its descendants together, in MB. PSS counts a page shared by n processes as 1/n."""
    pss = rss = 0
    for one in family(pid):
        try:
            lines = Path(f"/proc/{one}/smaps_rollup").read_text().splitlines()
        except OSError:
            continue
        for line in lines:
            if line.startswith("Pss:"):
                pss += int(line.split()[1])
            elif line.startswith("Rss:"):
                rss += int(line.split()[1])
    return pss / 1024, rss / 1024


def family(pid: int) -> list[int]:
    """A process and its descendants."""
    found = [pid]
    for one in found:
        for task in Path(f"/proc/{one}/task").glob("*/children"):
            try:
                found += [int(child) for child in task.read_text().split()]
            except OSError:
                continue
    return found
