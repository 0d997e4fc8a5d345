"""How many mails a second the doors alone accept, durable before 250, against a bare aiosmtpd that does the same.

Each server is a process of its own and gets the same mails (tests/bench/load.py) in turn, round by round, in another
order each time. Rates are mails accepted per second; ratios are those of one round to the base's of the same round,
given as the median with the lowest and highest. A bare server is aiosmtpd with a handler that writes the mail to a
Maildir, fsyncs file and folder, and says 250: once in the loop itself, once in 16 threads.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.bench import load
from tests.bench.report import machine, percentile, spread, target
from tests.live.machine import public_folder

KINDS = ("bare", "bare16", "doors", "doors-uvloop")
BASES = ("bare", "bare16")
WANTED = {("doors-uvloop", "bare"): 1.8, ("doors-uvloop", "postfix"): 1.0}  # the daemon's own loop is uvloop


# -- the servers, each in a process of its own


def maildir_put(root: Path, number: int, data: bytes) -> None:
    """tmp/, fsync, rename into new/, fsync of new/: what a careful delivery agent does."""
    name = f"{os.getpid()}.{number}.bench"
    fd = os.open(root / "tmp" / name, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
    try:
        os.write(fd, data)
        os.fsync(fd)
    finally:
        os.close(fd)
    (root / "tmp" / name).rename(root / "new" / name)
    folder = os.open(root / "new", os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


async def serve_bare(root: Path, threads: int) -> None:
    from aiosmtpd.smtp import SMTP

    loop = asyncio.get_running_loop()
    numbers = itertools.count()
    pool = ThreadPoolExecutor(threads) if threads else None
    for name in ("tmp", "new", "cur"):
        (root / name).mkdir(parents=True)

    class Handler:
        async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:
            if pool is None:
                maildir_put(root, next(numbers), envelope.content)
            else:
                await loop.run_in_executor(pool, maildir_put, root, next(numbers), envelope.content)
            return "250 OK"

    server = await loop.create_server(
        lambda: SMTP(Handler(), hostname="bare.example", data_size_limit=None, enable_SMTPUTF8=True, loop=loop),
        "127.0.0.1",
        0,
        backlog=1024,
    )
    print(server.sockets[0].getsockname()[1], flush=True)
    await until_told()
    server.close()


async def serve_doors(root: Path) -> None:
    from helpdeskd import config, log, spool
    from helpdeskd.sources.smtp import Doors

    log.configure("text", "info")
    spool.make(str(root))
    spool.set_reserve(str(root), 0.0, 0)
    bell = spool.open_bell(str(root))
    asyncio.get_running_loop().add_reader(bell, lambda: os.read(bell, 65536))
    doors = Doors(
        smtp=config.Smtp(listen=("127.0.0.1:0",), hostname="doors.example"),
        lmtp=config.Lmtp(),
        spool_root=str(root),
        accepts=lambda recipient: recipient == load.RECIPIENT,
    )
    await doors.start()
    print(doors.listening[0].rpartition(":")[2], flush=True)
    await until_told()
    await doors.stop()


async def until_told() -> None:
    told = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, told.set)
    await told.wait()


def serve(kind: str, root: Path) -> None:
    if kind == "doors-uvloop":
        import uvloop

        uvloop.run(serve_doors(root))
    elif kind == "doors":
        asyncio.run(serve_doors(root))
    else:
        asyncio.run(serve_bare(root, 16 if kind == "bare16" else 0))


# -- the measurement


@dataclass
class Server:
    name: str
    port: int
    pid: int
    runs: list[load.Run] = field(default_factory=list)
    cpu: list[float] = field(default_factory=list)  # milliseconds a mail

    @property
    def rates(self) -> list[float]:
        return [run.rate for run in self.runs]


def start(kind: str, folder: Path, stack: ExitStack) -> Server:
    log = stack.enter_context((folder / f"{kind}.log").open("wb"))
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.bench.doors", "--serve", kind, "--root", str(folder / kind)],
        stdout=subprocess.PIPE,
        stderr=log,
        cwd=Path(__file__).parents[2],
    )
    stack.callback(process.wait)
    stack.callback(process.terminate)
    assert process.stdout is not None
    stack.callback(process.stdout.close)
    port = process.stdout.readline()
    if not port:
        raise SystemExit(f"{kind} did not start: {(folder / f'{kind}.log').read_text()}")
    return Server(kind, int(port), process.pid)


def start_postfix(folder: Path, stack: ExitStack) -> Server:
    from tests.live import postfix

    if why := postfix.missing():
        raise SystemExit(why)
    public = stack.enter_context(public_folder())
    box = public / "box"
    box.mkdir()
    shutil.chown(box, "nobody", "nogroup")
    settings = {
        "virtual_mailbox_base": str(box),
        "virtual_mailbox_maps": "static:inbox/",
        "virtual_uid_maps": "static:65534",
        "virtual_gid_maps": "static:65534",
        "virtual_mailbox_limit": "0",
    }
    server = stack.enter_context(
        postfix.PostfixInstance(public, domains=("desk.example",), default="virtual", main=settings)
    )
    pid = int((server.spool / "pid" / "master.pid").read_text())
    return Server("postfix", server.port, pid)


def report(servers: list[Server], given: argparse.Namespace) -> None:
    runs = servers[0].runs
    size = sum(run.sent_bytes for run in runs) / sum(run.accepted for run in runs) / 1000
    print(
        f"{given.rounds} rounds of {given.mails} mails ({size:.0f} KB on average), "
        f"{given.connections} connections, {given.per_connection} mails each; median (lowest to highest)\n"
    )
    for server in servers:
        waits = [wait * 1000 for run in server.runs for wait in run.waits]
        print(
            f"{server.name:13} {spread(server.rates, '6.0f')} mails/s; DATA to 250 p50 {percentile(waits, 50):5.2f} "
            f"p95 {percentile(waits, 95):5.2f} p99 {percentile(waits, 99):5.2f} ms; "
            f"CPU {spread(server.cpu, '.2f')} ms a mail; peak {load.peak_mb(server.pid):.0f} MB"
        )
        for failure in [failure for run in server.runs for failure in run.failures][:3]:
            print(f"  failed: {failure}")
    print()
    bases = [server for server in servers if server.name in {*BASES, "postfix"}]
    for server in servers:
        if server.name.startswith("doors"):
            for base in bases:
                ratios = [ours / theirs for ours, theirs in zip(server.rates, base.rates, strict=True)]
                wanted = WANTED.get((server.name, base.name))
                if wanted is None:
                    print(f"{server.name} / {base.name}: {spread(ratios, '.2f')}")
                else:
                    target(f"{server.name} / {base.name}", ratios, at_least=wanted)


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--mails", type=int, default=400, help="in a round")
    arguments.add_argument("--rounds", type=int, default=7)
    arguments.add_argument("--connections", type=int, default=8)
    arguments.add_argument("--per-connection", type=int, default=20, help="mails sent over each")
    arguments.add_argument(
        "--postfix", action="store_true", help="also a private Postfix that delivers to a Maildir (needs root)"
    )
    arguments.add_argument("--folder", help="where mails are kept; the default is the temporary folder")
    arguments.add_argument("--serve", choices=KINDS, help=argparse.SUPPRESS)
    arguments.add_argument("--root", type=Path, help=argparse.SUPPRESS)
    given = arguments.parse_args()
    if given.serve:
        serve(given.serve, given.root)
        return
    print(machine())
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(dir=given.folder)))
        servers = [start(kind, folder, stack) for kind in KINDS]
        if given.postfix:
            servers.append(start_postfix(folder, stack))
        for number in range(-1, given.rounds):  # the first round warms up and is not counted
            batch = load.mails(given.mails if number >= 0 else 40, f"round{number}.{os.getpid()}")
            for server in random.sample(servers, len(servers)):
                before = load.cpu_seconds(server.pid)
                run = asyncio.run(
                    load.run(
                        "127.0.0.1",
                        server.port,
                        batch,
                        connections=given.connections,
                        per_connection=given.per_connection,
                    )
                )
                if number >= 0:
                    server.runs.append(run)
                    server.cpu.append((load.cpu_seconds(server.pid) - before) * 1000 / max(run.accepted, 1))
        report(servers, given)
        if any(run.failures for server in servers for run in server.runs):
            raise SystemExit(1)


if __name__ == "__main__":
    main()
