"""Every measurement in a row, and a table of what was wanted and what was found: `python -m tests.bench [--long]`.

Each is a script of its own (`python -m tests.bench.NAME -h`). Short by default, a few minutes in all; `--long` takes the
rounds of docs/performance.md. What a machine lacks (root for Postfix, a way to install the rival) is said and left out.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
from pathlib import Path

from tests.bench.report import MARK, machine

ROOT = Path(__file__).parents[2]
POSTFIX = (
    ("--postfix",) if os.geteuid() == 0 and shutil.which("postfix", path=f"{os.environ['PATH']}:/usr/sbin") else ()
)

SHORT: dict[str, tuple[str, ...]] = {
    "doors": ("--rounds", "3", "--mails", "160", *POSTFIX),
    "intake": ("--rounds", "2", "--count", "200"),
    "daemon": ("--rounds", "2", "--flat", "2000"),
    "pipe": ("--rounds", "3", "--runs", "15"),
    "store": ("--rounds", "3", "--rows", "1000"),
    "parse": (),
    "render": ("50",),
    "api": ("--tickets", "1000", "10000", "--seconds", "1", "--rounds", "1"),
    "api_mail": ("--rounds", "2"),
}
LONG: dict[str, tuple[str, ...]] = {
    **SHORT,
    "doors": ("--rounds", "9", "--mails", "400", *POSTFIX),
    "intake": ("--rounds", "5", "--count", "400"),
    "daemon": ("--rounds", "5", "--flat", "20000"),
    "pipe": ("--rounds", "9", "--runs", "30"),
    "store": (),
    "render": (),
    "api": (),
    "api_mail": (),
}


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--long", action="store_true", help="the rounds of docs/performance.md: about half an hour")
    arguments.add_argument("--rival", action="store_true", help="also install django-helpdesk and measure it")
    arguments.add_argument("only", nargs="*", metavar="NAME", help=f"some of them: {', '.join(SHORT)}")
    given = arguments.parse_args()
    print(machine())
    found: list[list[str]] = []
    broken: list[str] = []
    for name, words in (LONG if given.long else SHORT).items():
        if given.only and name not in given.only:
            continue
        rival = ("--rival",) if name == "intake" and (given.rival or given.long) else ()
        print(f"\n== {' '.join((f'python -m tests.bench.{name}', *words, *rival))}\n", flush=True)
        targets, status = run([sys.executable, "-m", f"tests.bench.{name}", *words, *rival])
        found += targets
        if status:
            broken.append(f"{name} ended with status {status}")
    print(f"\n{'':45} {'wanted':>16}   found: median (lowest to highest)")
    for name, wanted, values, verdict in found:
        print(f"{name:45} {wanted:>16}   {values}   {verdict}")
    if not POSTFIX and (not given.only or "doors" in given.only):
        print("doors / postfix was left out: it needs root and Postfix")
    if not (given.rival or given.long) and (not given.only or "intake" in given.only):
        print("intake / get_email was left out: it needs --rival, which installs django-helpdesk")
    for line in broken:
        print(line)
    raise SystemExit(1 if broken or any(row[3] != "met" for row in found) else 0)


def run(command: list[str]) -> tuple[list[list[str]], int]:
    """Show what a script says; return its targets and its exit status."""
    targets: list[list[str]] = []
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT) as process:
        assert process.stdout is not None
        for line in process.stdout:
            print(line, end="", flush=True)
            if line.startswith(f"{MARK} | "):
                targets.append([field.strip() for field in line.split("|")[1:]])
    return targets, process.returncode


if __name__ == "__main__":
    main()
