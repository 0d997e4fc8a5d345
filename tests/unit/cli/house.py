"""An installation to type commands at: `house(*words)` runs one in this process, with its exit code; SQLite."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from helpdeskd import cli, spool

ROOT = Path(__file__).resolve().parents[3]
SUPPORT = "support@desk.example"
ADA = "ada@staff.example"


@dataclass(frozen=True)
class Said:
    """What a command did."""

    code: int
    out: str
    err: str
    raw: bytes = field(default=b"", repr=False)

    @property
    def json(self) -> Any:
        assert self.code == 0, self
        return json.loads(self.out)

    def ok(self) -> str:
        assert (self.code, self.err) == (0, ""), self
        return self.out

    def failed(self, code: int) -> str:
        """The one line that was said."""
        assert self.code == code, self
        assert "Traceback" not in self.err
        assert self.out == ""
        lines = self.err.splitlines()
        assert len(lines) == 1, lines
        assert lines[0].startswith("helpdeskd: "), lines
        return lines[0].removeprefix("helpdeskd: ")


class House:
    """One installation and its command line."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.config = folder / "helpdeskd.toml"
        self.data = folder / "data"

    @property
    def root(self) -> str:
        return str(self.data / "spool")

    def write_config(self, more: str = "") -> None:
        trust = (
            "" if "[trust]" in more else "[trust]\ndns = false\n"
        )  # no test waits for a network that may not be there
        self.config.write_text(
            f'{trust}[paths]\ndata = "{self.data}"\n[spool]\nreserve_percent = 0.0\nreserve_mb = 0\n[smtp]\nlisten = []\n{more}'
        )

    def __call__(self, *words: str, stdin: bytes = b"") -> Said:
        """In this process: quick, and through main(), so with the real exit codes."""
        return typed("--config", str(self.config), *words, stdin=stdin)

    def run(self, *words: str, stdin: bytes = b"", env: dict[str, str] | None = None) -> Said:
        """In a process of its own."""
        done = subprocess.run(
            [sys.executable, "-m", "helpdeskd", "--config", str(self.config), *words],
            input=stdin,
            capture_output=True,
            cwd=ROOT,
            env=clean_environment() | (env or {}),
        )
        return Said(done.returncode, done.stdout.decode(errors="replace"), done.stderr.decode(), done.stdout)

    def mail(self, raw: bytes, sender: str = "grace@customer.example", *recipients: str) -> str:
        """A mail into the spool, as a door would put it."""
        envelope = spool.Envelope(door="pipe", sender=sender, recipients=recipients or (SUPPORT,))
        return spool.put(self.root, envelope, [raw])

    def ticket(self, subject: str = "My printer is on fire", text: str = "It really is.", **headers: str) -> int:
        """A ticket, by the whole way a mail takes; its number."""
        spool_id = self.mail(letter(subject, text, **headers))
        assert "1 received" in self("fetch", "--through").ok()
        arrival = self("mail", "show", spool_id, "--json").json["arrivals"][0]
        lines = self("ticket", "list", "--all", "--json").json
        return int(next(line["ticket"]["number"] for line in lines if line["ticket"]["id"] == arrival["ticket_id"]))


def typed(*words: str, stdin: bytes = b"") -> Said:
    """main() with these words."""
    with CliRunner().isolation(input=stdin) as (out, err, _), pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "argv", ["helpdeskd", *words])
        code = 0
        try:
            cli.main()
        except SystemExit as end:
            code = end.code if isinstance(end.code, int) else 0
        sys.stdout.flush()
        sys.stderr.flush()
        return Said(code, out.getvalue().decode(errors="replace"), err.getvalue().decode(), out.getvalue())


def letter(subject: str, text: str, sender: str = "Grace Hopper <grace@customer.example>", **headers: str) -> bytes:
    named = {
        "From": sender,
        "To": SUPPORT,
        "Subject": subject,
        "Date": "Mon, 02 Nov 2026 10:00:00 +0000",
        "Message-ID": f"<{abs(hash((subject, text)))}@customer.example>",
        **{name.replace("_", "-"): value for name, value in headers.items()},
    }
    head = "".join(f"{name}: {value}\n" for name, value in named.items())
    return f"{head}\n{text}\n".encode()


def clean_environment() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if not name.startswith("HELPDESKD_")}
