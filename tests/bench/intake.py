"""Mail in the spool to committed ticket with its acknowledgement queued: how many a second, at what cost.

SQLite at synchronous=FULL, raw mails and attachments durable as blobs. Each round is a process of its own with an empty
store; the mails are put into the spool first, then one pass of intake is timed. With `--rival` django-helpdesk's
get_email reads the same mails in turn with us. Another process measures the CPU of each stage of a mail's life, from
the door to the relay, by the threads' own clocks. Afterwards the store is asked whether each mail became what it should.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import resource
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from email import message_from_bytes
from email.utils import parseaddr
from functools import wraps
from pathlib import Path
from typing import Any

from sqlalchemy import func, select

from helpdeskd import spool
from helpdeskd.daemon import build_intake, build_renderer, build_sender
from helpdeskd.desk import receive
from helpdeskd.installation import Installation
from helpdeskd.mail import parse
from helpdeskd.outgoing import letter
from helpdeskd.outgoing.transport import Relay
from helpdeskd.sources.smtp import Doors
from helpdeskd.store import schema
from helpdeskd.store.blobs import FolderBlobs
from tests.bench import house, load, report, rival

STAGES = ("accept", "parse", "keep", "route", "write", "intake", "render", "send")


# -- one round, in a process of its own


def fill(installation: Installation, mails: list[bytes]) -> None:
    for raw in mails:
        envelope = spool.Envelope(door="smtp", sender=_sender(raw), recipients=(load.RECIPIENT,))
        spool.put(installation.spool_root, envelope, [raw])


def _sender(raw: bytes) -> str:
    head = message_from_bytes(raw[: raw.find(b"\r\n\r\n") + 4])
    return parseaddr(str(head.get("From", "")))[1]


def stored(installation: Installation) -> dict[str, int]:
    tables = (schema.arrival, schema.ticket, schema.message, schema.outbox)
    counted: dict[str, int] = installation.store.read(
        lambda conn: {table.name: conn.scalar(select(func.count()).select_from(table)) or 0 for table in tables}
    )
    return counted


def one_pass(folder: Path, mails: list[bytes]) -> dict[str, Any]:
    installation = house.build(folder / "ours")
    work = build_intake(installation)
    fill(installation, mails)
    cpu, begun = time.process_time(), time.perf_counter()
    work.once()
    seconds, cpu = time.perf_counter() - begun, time.process_time() - cpu
    found = stored(installation)
    installation.close()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return {"rate": len(mails) / seconds, "cpu_ms": cpu * 1000 / len(mails), "peak_mb": peak, **found}


# -- CPU by stage


class Clock:
    """Adds up the CPU time of threads inside the functions it wraps."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = dict.fromkeys(STAGES, 0.0)
        self._lock = threading.Lock()

    def wrap(self, owner: Any, name: str, stage: str) -> None:
        inner: Callable[..., Any] = getattr(owner, name)

        @wraps(inner)
        def timed(*args: Any, **kwargs: Any) -> Any:
            begun = time.thread_time()
            try:
                return inner(*args, **kwargs)
            finally:
                self.add(stage, time.thread_time() - begun)

        setattr(owner, name, timed)

    def add(self, stage: str, seconds: float) -> None:
        with self._lock:
            self.seconds[stage] += seconds


async def accept(installation: Installation, folder: Path) -> float:
    """CPU seconds of the doors for all mails, which another process sends."""
    doors = Doors(
        smtp=installation.config.smtp,
        lmtp=installation.config.lmtp,
        spool_root=installation.spool_root,
        accepts=installation.book.accepts,
    )
    await doors.start()
    port = doors.listening[0].rpartition(":")[2]
    begun = time.process_time()
    client = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "tests.bench.intake",
        "--part",
        "client",
        "--port",
        port,
        "--folder",
        str(folder),
        cwd=house.ROOT,
    )
    failed = await client.wait()
    used = time.process_time() - begun
    await doors.stop()
    if failed:
        raise SystemExit("the client failed")
    return used


def stages(folder: Path, mails: list[bytes], relay: str) -> dict[str, Any]:
    """Milliseconds of CPU for one mail: stages up to `intake` per incoming, `render` and `send` per outgoing mail."""
    installation = house.build(folder / "staged", relay)
    clock = Clock()
    clock.seconds["accept"] = asyncio.run(accept(installation, folder))
    work = build_intake(installation)
    clock.wrap(parse, "parse", "parse")
    clock.wrap(FolderBlobs, "put", "keep")
    for name in ("_stops", "_decide"):
        clock.wrap(receive, name, "route")
    thread, writer = time.thread_time(), installation.store.writer.run(lambda _: time.thread_time())
    work.once()
    clock.add("intake", time.thread_time() - thread - clock.seconds["parse"])
    clock.add("write", installation.store.writer.run(lambda _: time.thread_time()) - writer - clock.seconds["route"])
    keep = clock.seconds["keep"]
    clock.wrap(letter, "write", "render")
    sender = build_sender(installation, build_renderer(installation), Relay(installation.config.outgoing))
    begun = time.process_time()
    sent = asyncio.run(sender.once()).sent
    clock.add("send", time.process_time() - begun - clock.seconds["render"])
    clock.seconds["keep"] = keep  # of incoming mails alone
    found = stored(installation)
    installation.close()
    per = {stage: sent if stage in {"render", "send"} else len(mails) for stage in STAGES}
    return {"ms": {stage: clock.seconds[stage] * 1000 / per[stage] for stage in STAGES}, "sent": sent, **found}


# -- the measurement


def part(name: str, folder: Path, *more: str) -> dict[str, Any]:
    with (folder / "log").open("ab") as log:
        words = [sys.executable, "-m", "tests.bench.intake", "--part", name, "--folder", str(folder), *more]
        done = subprocess.run(words, stdout=subprocess.PIPE, stderr=log, cwd=house.ROOT, check=False)
    if done.returncode:
        raise SystemExit((folder / "log").read_text()[-3000:])
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def lay_out(folder: Path, mails: list[bytes]) -> None:
    """The round's mails as files, for the processes that take part."""
    place = folder / "mails"
    shutil.rmtree(place, ignore_errors=True)
    place.mkdir()
    for number, raw in enumerate(mails):
        (place / f"{number:06}").write_bytes(raw)


def laid_out(folder: Path) -> list[bytes]:
    return [path.read_bytes() for path in sorted((folder / "mails").iterdir())]


def given_mails(given: argparse.Namespace, turn: int) -> list[bytes]:
    if given.mails is None:
        return [load.mail("1", number, f"intake{turn}") for number in range(given.count)]
    files = [path for path in sorted(given.mails.iterdir()) if path.is_file()][: given.count]
    return [path.read_bytes().replace(b"\r\n", b"\n").replace(b"\n", b"\r\n") for path in files]


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--rounds", type=int, default=5)
    arguments.add_argument("--count", type=int, default=400, help="mails in a round")
    arguments.add_argument("--mails", type=Path, help="a folder of mails, one a file, in place of the generated mix")
    arguments.add_argument("--rival", action="store_true", help="also django-helpdesk (installed where --venv says)")
    arguments.add_argument("--venv", type=Path, help="its virtual environment; the default is made anew each time")
    arguments.add_argument("--folder", type=Path, help="where everything is kept; the default is the temporary folder")
    arguments.add_argument("--part", choices=("pass", "stages", "client"), help=argparse.SUPPRESS)
    arguments.add_argument("--port", type=int, help=argparse.SUPPRESS)
    arguments.add_argument("--relay", default="", help=argparse.SUPPRESS)
    given = arguments.parse_args()
    if given.part == "client":
        sent = asyncio.run(load.run("127.0.0.1", given.port, map(load.wire, laid_out(given.folder))))
        if sent.failures:
            raise SystemExit("; ".join(sent.failures[:3]))
        return
    if given.part == "pass":
        print(json.dumps(one_pass(given.folder, laid_out(given.folder))))
        return
    if given.part == "stages":
        print(json.dumps(stages(given.folder, laid_out(given.folder), given.relay)))
        return
    with tempfile.TemporaryDirectory(dir=given.folder) as folder, house.sink() as relay:
        measure(given, Path(folder), relay)


def measure(given: argparse.Namespace, folder: Path, relay: str) -> None:
    print(report.machine())
    python = rival.install(given.venv or folder / "venv") if given.rival else None
    ours: list[dict[str, Any]] = []
    theirs: list[rival.Run] = []
    by_stage: list[dict[str, Any]] = []
    mails: list[bytes] = []
    for turn in range(given.rounds):
        mails = given_mails(given, turn)
        lay_out(folder, mails)
        for who in random.sample(["ours", "theirs"], 2):
            if who == "ours":
                ours.append(part("pass", folder))
                shutil.rmtree(folder / "ours")
            elif python is not None:
                theirs.append(rival.Site(python, folder / "theirs").get_email(mails))
                shutil.rmtree(folder / "theirs")
        by_stage.append(part("stages", folder, "--relay", relay))
        shutil.rmtree(folder / "staged")
    size = sum(map(len, mails)) / len(mails) / 1000
    print(f"{given.rounds} rounds of {len(mails)} mails ({size:.0f} KB on average); median (lowest to highest)\n")
    show(ours, by_stage, len(mails))
    if python is not None:
        compare(python, ours, theirs)
    if any(run["arrival"] != len(mails) or run["message"] != len(mails) for run in (*ours, *by_stage)):
        raise SystemExit("not every mail became a message")


def show(ours: list[dict[str, Any]], by_stage: list[dict[str, Any]], mails: int) -> None:
    last = ours[-1]
    print(f"spool to committed ticket   {report.spread([run['rate'] for run in ours], '.0f')} mails/s")
    print(f"CPU                         {report.spread([run['cpu_ms'] for run in ours])} ms a mail")
    print(f"peak memory                 {report.spread([run['peak_mb'] for run in ours], '.0f')} MB")
    print(
        f"became                      {last['ticket']} tickets, {last['message']} messages, {last['outbox']} mails to send\n"
    )
    sent = by_stage[-1]["sent"]
    print(
        f"CPU by stage, milliseconds (up to `intake` for an incoming mail; then for each of the {sent / mails:.1f} it causes)"
    )
    for stage in STAGES:
        print(f"  {stage:8} {report.spread([run['ms'][stage] for run in by_stage])}")
    incoming = [sum(run["ms"][stage] for stage in STAGES[:6]) for run in by_stage]
    whole = [
        sum(run["ms"][stage] * (run["sent"] / mails if stage in {"render", "send"} else 1) for stage in STAGES)
        for run in by_stage
    ]
    print(f"  door to ticket {report.spread(incoming)}; with its notices sent {report.spread(whole)}\n")


def compare(python: Path, ours: list[dict[str, Any]], theirs: list[rival.Run]) -> None:
    print(rival.version(python))
    whole = [run.mails / run.seconds for run in theirs]
    running = [run.mails / (run.seconds - run.start_seconds) for run in theirs]
    print(f"get_email                   {report.spread(whole, '.1f')} mails/s; {theirs[-1].tickets} tickets")
    print(f"  without its start         {report.spread(running, '.1f')} mails/s")
    print(
        f"  CPU                       {report.spread([run.cpu_seconds * 1000 / run.mails for run in theirs], '.1f')} ms a mail"
    )
    print(f"  peak memory               {report.spread([run.peak_mb for run in theirs], '.0f')} MB")
    strict = [mine["rate"] / rate for mine, rate in zip(ours, running, strict=True)]
    report.target(
        "intake / get_email", [mine["rate"] / rate for mine, rate in zip(ours, whole, strict=True)], at_least=5.0
    )
    print(f"  the same without its start: {report.spread(strict, '.1f')}")


if __name__ == "__main__":
    main()
