#!/usr/bin/env python3
"""What one mail through pipe.py costs, durable write included, against the start of Python alone. Prints a table.

Runs are interleaved, each round in another order, so that a busy machine troubles all alike. Figures are medians; the
ratio is given as the median of the rounds' medians with its spread. Beside it, what is not ours to change: the same
write by a shell's `cat` and `sync`, which shows the disk's part.
"""

from __future__ import annotations

import argparse
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from helpdeskd import spool
from tests.bench.report import target

PIPE = Path(__file__).parents[2] / "pipe.py"
BASE = "python3 -I -c pass"


def once(command: list[str], mail: Path | None) -> float:
    """Milliseconds from the start of a process to its exit status."""
    with open(mail or os.devnull, "rb") as stdin:
        start = time.perf_counter()
        status = subprocess.Popen(command, stdin=stdin, close_fds=False).wait()
        taken = (time.perf_counter() - start) * 1000
    if status:
        raise SystemExit(f"{command} exited {status}")
    return taken


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--rounds", type=int, default=9)
    arguments.add_argument("--runs", type=int, default=30, help="of each command in a round")
    arguments.add_argument("--size", type=int, default=20_000, help="bytes of the mail")
    arguments.add_argument("--folder", help="where the spool is made; the default is the temporary folder")
    # the interpreter itself: a launcher (pyenv, uv) would be counted on both sides and flatter the ratio, and so do .pth
    # files that import much; the distribution's own Python is the strictest judge
    arguments.add_argument("--python", default=os.path.realpath(sys.executable), help="the interpreter to measure")
    given = arguments.parse_args()
    python = given.python
    with tempfile.TemporaryDirectory(dir=given.folder) as folder:
        root = os.path.join(folder, "spool")
        spool.make(root)
        mail = Path(folder, "mail")
        mail.write_bytes(b"Subject: a mail\r\n\r\n" + b"x" * given.size)
        pipe = [python, str(PIPE), "--spool", root, "--sender", "a@example.org", "support@example.org"]
        commands: dict[str, tuple[list[str], Path | None]] = {
            BASE: ([python, "-I", "-c", "pass"], None),
            "pipe.py, durable": (pipe, mail),
            "python3 -I pipe.py, durable": ([python, "-I", *pipe[1:]], mail),
            "cat to a file, sync": (["/bin/sh", "-c", f"cat > {folder}/copy && sync {folder}/copy {folder}"], mail),
        }
        times: dict[str, list[list[float]]] = {name: [] for name in commands}
        for command, stdin in commands.values():  # pages and byte code warm
            once(command, stdin)
        for _ in range(given.rounds):
            this: dict[str, list[float]] = {name: [] for name in commands}
            for _ in range(given.runs):
                for name in random.sample(list(commands), len(commands)):
                    this[name].append(once(*commands[name]))
            for name, taken in this.items():
                times[name].append(taken)
    version = subprocess.run([python, "-V"], capture_output=True, text=True, check=True).stdout.strip()
    print(f"{version} ({python}), {given.rounds} rounds of {given.runs}, a mail of {given.size} bytes\n")
    print(f"{'':30} {'median ms':>10} {'p95 ms':>8}   ratio to the start of Python (lowest to highest round)")
    base = [statistics.median(taken) for taken in times[BASE]]
    for name, rounds in times.items():
        every = sorted(one for taken in rounds for one in taken)
        ratios = sorted(statistics.median(taken) / b for taken, b in zip(rounds, base, strict=True))
        print(
            f"{name:30} {statistics.median(every):10.2f} {every[int(len(every) * 0.95)]:8.2f}"
            f"   {statistics.median(ratios):.2f} ({ratios[0]:.2f} to {ratios[-1]:.2f})"
        )
        if name == "pipe.py, durable":
            wanted = ratios
    target("pipe.py, durable / start of Python", wanted, at_most=1.4)


if __name__ == "__main__":
    main()
