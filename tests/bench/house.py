"""A helpdeskd installation for measurements: one department, one member of staff who is told of everything."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import Connection

from helpdeskd import log
from helpdeskd.config import Config, Outgoing, Paths, Smtp
from helpdeskd.desk import departments, people
from helpdeskd.installation import Installation, open_installation
from tests.bench import load
from tests.desks import LIFTED
from tests.sink import Sink

ROOT = Path(__file__).parents[2]
STAFF = "ada@staff.example"


def build(folder: Path, relay: str = "") -> Installation:
    """On SQLite in `folder`, logging as in daily use (to standard error)."""
    log.configure("text", "info")
    settings = Config(
        paths=Paths(data=folder),
        smtp=Smtp(listen=("127.0.0.1:0",), hostname="desk.example"),
        ceilings=LIFTED,  # hundreds of mails of one author are answered
        outgoing=Outgoing(relay=relay, security="none") if relay else Outgoing(),
    )
    made = open_installation(settings)

    def people_in(conn: Connection) -> None:
        support = departments.add(conn, made.desk, made.clock(), name="Support", addresses=(load.RECIPIENT,))
        people.add_staff(
            conn, made.desk, made.clock(), "Ada", STAFF, 3, departments=(support.id,), notify=True, welcome=False
        )

    made.store.writer.run(people_in)
    made.refresh()
    return made


@contextmanager
def sink() -> Iterator[str]:
    """A server in a process of its own that takes every mail: its address."""
    process = subprocess.Popen([sys.executable, "-m", "tests.bench.house"], stdout=subprocess.PIPE, cwd=ROOT, text=True)
    assert process.stdout is not None
    try:
        yield process.stdout.readline().strip()
    finally:
        process.terminate()
        process.wait()
        process.stdout.close()


async def _sink() -> None:
    async with Sink() as server:
        print(server.relay, flush=True)
        while True:
            await asyncio.sleep(1)
            server.mails.clear()
            server.commands.clear()


if __name__ == "__main__":
    asyncio.run(_sink())
