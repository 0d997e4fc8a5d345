"""The same question to somebody else, as a baseline: `python -m tests.crash.rival [--points N] [--seed N]`.

Roundup (roundup-mailgw, SQLite, the classic tracker as it comes) is installed from its package into a throwaway virtual environment. Its
way in that is nearest to ours is a pipe: an MTA starts it with a mail on standard input. Each point has a fresh tracker and one mail of a
new customer with an attachment. strace kills the first run in front of one effect call, from its start to its end; the MTA, like
Postfix' pipe(8) with a command that died by a signal, comes with the same mail again until it exits 0. Then:

lost        no issue holds the mail with its text, or none its attachment, or its author never got the copy that is his acknowledgement
duplicated  more than one issue holds it, or its author got more than one copy
left        a file in its store that no issue leads to, or one that is missing

A copy counts when the relay has taken it. What it does not measure: threads (it has none), power cuts, its other doors.
"""

from __future__ import annotations

import argparse
import os
import random
import re
import secrets
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import venv
from collections import Counter
from pathlib import Path

from tests.crash import strace
from tests.crash.ledger import Findings
from tests.crash.strace import Point
from tests.live.house import mail, parsed
from tests.sink import Sink, threaded

PACKAGE = "roundup"
CUSTOMER = "grace@customer.example"
TRIES = 5
ATTACHED = b"an attachment"


class Roundup:
    """Its programs, and one tracker that was set up: copied for each point."""

    def __init__(self, folder: Path, relay: Sink) -> None:
        self._bin = folder / "venv" / "bin"
        print(f"installing {PACKAGE} ...", file=sys.stderr)
        venv.create(self._bin.parent, with_pip=True)
        subprocess.run([self._bin / "python", "-m", "pip", "install", "--quiet", PACKAGE], check=True)
        self._fresh = folder / "fresh"
        self.home = folder / "tracker"
        self._admin("install", "classic", "sqlite")
        _set(
            self._fresh / "config.ini",
            {
                "main": {"admin_email": "admin@desk.example"},
                "tracker": {"web": "http://127.0.0.1/", "email": "support"},
                "mail": {"domain": "desk.example", "host": relay.host, "port": str(relay.port)},
                "nosy": {"messages_to_author": "yes"},  # its nearest to an acknowledgement
            },
        )
        schema = self._fresh / "schema.py"
        permission = "db.security.addPermissionToRole('Anonymous', 'Email Access')"
        schema.write_text(schema.read_text().replace(f"#{permission}", permission))  # strangers may write
        self._admin("initialise", "password")

    @property
    def version(self) -> str:
        code = "import importlib.metadata as m, platform; print(m.version('roundup'), 'on Python', platform.python_version())"
        return subprocess.run(
            [self._bin / "python", "-c", code], capture_output=True, text=True, check=True
        ).stdout.strip()

    @property
    def command(self) -> list[str]:
        return [str(self._bin / "python"), str(self._bin / "roundup-mailgw"), str(self.home)]

    def _admin(self, *words: str) -> None:
        subprocess.run(
            [self._bin / "python", self._bin / "roundup-admin", "-i", self._fresh, *words],
            check=True,
            capture_output=True,
        )

    def begin(self) -> None:
        shutil.rmtree(self.home, ignore_errors=True)
        shutil.copytree(self._fresh, self.home)

    def deliver(self, raw: bytes, words: list[str]) -> bool:
        """One start of the command by the MTA; True on exit 0."""
        environment = {"PATH": os.environ["PATH"], "HOME": str(self.home), "PYTHONDONTWRITEBYTECODE": "1"}
        return subprocess.run(words, input=raw, capture_output=True, env=environment).returncode == 0

    def findings(self, relay: Sink) -> Findings:
        found = Findings()
        database = sqlite3.connect(self.home / "db" / "db")
        messages = {f"msg{number}" for (number,) in database.execute("SELECT linkid FROM issue_messages")}
        attached = "SELECT linkid FROM msg_files WHERE nodeid IN (SELECT linkid FROM issue_messages)"
        files = {f"file{number}" for (number,) in database.execute(attached)}
        database.close()
        # What was begun and not finished has another name, under which Roundup finds it too.
        there = {path.name.removesuffix(".tmp") for path in (self.home / "db" / "files").rglob("*") if path.is_file()}
        copies = len(relay.to(CUSTOMER))
        if not messages & there:
            found.lost.append("no issue with the mail and its text")
        if not files & there:
            found.lost.append("no attachment")
        if not copies:
            found.lost.append("no copy to the author")
        if len(messages) > 1:
            found.duplicated.append(f"{len(messages)} issues with the mail")
        if copies > 1:
            found.duplicated.append(f"{copies} copies to the author")
        found.left += [f"the bytes of {name} are missing" for name in sorted((messages | files) - there)]
        found.left += [f"{name} belongs to nobody" for name in sorted(there - messages - files)]
        return found


def _set(file: Path, wanted: dict[str, dict[str, str]]) -> None:
    """Change an INI file in place: it is full of comments, and some of its lines are commented out."""
    text = file.read_text()
    for section, values in wanted.items():
        begin = text.index(f"\n[{section}]\n")
        body, rest = text[begin:], ""
        if (end := body.find("\n[", 1)) > 0:
            body, rest = body[:end], body[end:]
        for key, value in values.items():
            body, count = re.subn(rf"(?m)^#?{key} *=.*$", f"{key} = {value}", body, count=1)
            assert count == 1, key
        text = text[:begin] + body + rest
    file.write_text(text)


def _mail() -> bytes:
    message = parsed(mail(CUSTOMER, "support@desk.example", "The printer is on fire", "What now?"))
    message.add_attachment(ATTACHED, "application", "octet-stream", filename="smoke.bin")
    return message.as_bytes()


def main() -> int:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--points", type=int, default=None, help="so many, drawn by the seed [all]")
    arguments.add_argument("--seed", type=int, default=None, help="[drawn]")
    given = arguments.parse_args()
    if why := strace.why_not():
        print(f"{why}: nothing can be tried")
        return 1
    seed = secrets.randbits(32) if given.seed is None else given.seed
    with tempfile.TemporaryDirectory(prefix="helpdeskd-rival-") as name, threaded(Sink()) as relay:
        folder = Path(name)
        rival = Roundup(folder, relay)
        trace = folder / "trace"
        for _ in range(2):  # the first run is for what is made once, and the second must find nothing wrong
            rival.begin()
            relay.mails.clear()
            assert rival.deliver(_mail(), strace.under(trace, rival.command)), "it does not even take one mail"
            assert not rival.findings(relay).faults, rival.findings(relay)
        points = [Point("mailgw", call, k + 1) for call, count in strace.counts_of(trace).items() for k in range(count)]
        random.Random(seed).shuffle(points)
        chosen = points[: given.points]
        counts: Counter[str] = Counter()
        said: Counter[str] = Counter()
        for point in chosen:
            rival.begin()
            relay.mails.clear()
            raw = _mail()
            commands = [strace.under(trace, rival.command, point), *[rival.command] * TRIES]
            tries = next((n for n, words in enumerate(commands) if rival.deliver(raw, words)), TRIES)
            found = rival.findings(relay)
            counts["reached"] += tries > 0
            for column in ("lost", "duplicated", "left"):
                counts[column] += bool(getattr(found, column))
            said.update(re.sub(r"\d+", "N", fault) for fault in found.faults)
            print(f"{point.call} {point.k}: {'; '.join(found.faults) or 'well'}", flush=True)
        print(f"\n{PACKAGE} {rival.version}, by a pipe of an MTA that tries again; seed {seed}")
        print(
            f"points {len(chosen)} of {len(points)}",
            *(f"{each} {counts[each]}" for each in ("reached", "lost", "duplicated", "left")),
            sep=", ",
        )
        for fault, count in said.most_common():
            print(f"  {count:4} x {fault}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
