"""A flood of mails with forged Froms, and machines that answer whatever we send: `python -m tests.faults.flood [COUNT]`.

The clock stands still, so that all of it falls into one window. The figures: what was queued, and what became of the mails.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import Connection, func, select

from helpdeskd import log, spool
from helpdeskd.config import Ceilings, Config, Paths, SpoolSettings, Trust
from helpdeskd.config.rates import parse
from helpdeskd.desk import departments, people
from helpdeskd.installation import Installation, open_installation
from helpdeskd.model.outgoing import OutboxRow
from helpdeskd.store import outbox, schema
from tests.live.house import mail
from tests.taken import take

SUPPORT = "support@desk.example"
STAFF = ("ada@staff.example", "bob@staff.example")
NOON = datetime(2026, 11, 30, 12, 0, 17, tzinfo=UTC)

# What a machine makes of a mail of ours: who it says it is, who hands it over, whom it writes to. None: it says nothing.
Machine = Callable[[OutboxRow, int], tuple[str, str, str] | None]


@dataclass(frozen=True)
class Figures:
    mails: int
    outcomes: Counter[str]
    tickets: int
    outside: int  # automatic mails to people outside
    staff: int
    own_words: int  # mails that are not automatic
    drawn_in: int
    seconds: float


def bound(ceilings: Ceilings) -> tuple[int, int]:
    """What docs/trust.md says: how much automatic mail goes to people outside, and to staff, in a window."""
    return parse(ceilings.total)[0], parse(ceilings.staff)[0]


@contextmanager
def desk(folder: Path, ceilings: Ceilings) -> Iterator[Installation]:
    """On SQLite; nobody vouches for anybody (no DNS)."""
    config = Config(
        paths=Paths(data=folder),
        trust=Trust(dns=False),
        ceilings=ceilings,
        spool=SpoolSettings(reserve_percent=0, reserve_mb=1),
    )
    here = open_installation(config, clock=lambda: NOON)

    def found(conn: Connection) -> None:
        home = departments.add(conn, here.desk, NOON, name="Support", addresses=(SUPPORT,))
        for each in STAFF:
            people.add_staff(conn, here.desk, NOON, "", each, 3, (home.id,), welcome=False)

    here.store.writer.run(found)
    here.refresh()
    try:
        yield here
    finally:
        here.close()


def put(here: Installation, author: str, sender: str, to: str, subject: str, *, cc: str = "") -> None:
    more = {"Cc": cc} if cc else {}
    raw = mail(author, to, subject, f"Text of {subject}", **more)
    spool.put(here.spool_root, spool.Envelope(door="smtp", sender=sender, recipients=(to,)), [raw])


def forged(here: Installation, count: int) -> int:
    """Each in another name, most of one victim's domain, with others in Cc."""
    for number in range(count):
        author = f"v{number}@victim{number % 3 and number}.example"
        put(here, author, author, SUPPORT, f"Mail {number}", cc=f"c{number}@crowd.example, d{number}@crowd.example")
        if number % 100 == 99:
            take(here)
    take(here)
    return count


def answered(here: Installation, machine: Machine, most: int = 5000) -> int:
    """One mail comes in, and all that goes out is answered, until nothing goes out any more. How many mails came in."""
    put(here, "first@machine.example", "first@machine.example", SUPPORT, "Mail 0")
    mails, seen = 1, 0
    while mails < most:
        take(here)
        rows = here.store.read(outbox.list_rows)
        said = [machine(row, mails + n) for n, row in enumerate(rows[seen:])]
        seen = len(rows)
        for author, sender, to in filter(None, said):
            put(here, author, sender, to, f"Mail {mails}")
            mails += 1
        if not any(said):
            return mails
    raise AssertionError(f"it has gone on for {mails} mails")


def figures(here: Installation, mails: int, seconds: float) -> Figures:
    def ask(conn: Connection) -> Figures:
        rows = outbox.list_rows(conn, limit=None)
        person, arrival = schema.person.c, schema.arrival.c
        drawn_in = select(func.count()).select_from(schema.person).where(person.email_key.like("%@crowd.example"))
        return Figures(
            mails,
            Counter(conn.execute(select(arrival.outcome)).scalars()),
            conn.execute(select(func.count()).select_from(schema.ticket)).scalar_one(),
            sum(row.automatic and row.recipient not in STAFF for row in rows),
            sum(row.automatic and row.recipient in STAFF for row in rows),
            sum(not row.automatic for row in rows),
            conn.execute(drawn_in).scalar_one(),
            seconds,
        )

    return here.store.read(ask)


def run(folder: Path, ceilings: Ceilings, work: Callable[[Installation], int]) -> Figures:
    with desk(folder, ceilings) as here:
        begun = time.monotonic()
        mails = work(here)
        return figures(here, mails, time.monotonic() - begun)


def main(words: Iterable[str]) -> None:
    log.configure("text", "error")
    count = int(next(iter(words), "10000"))
    with tempfile.TemporaryDirectory() as folder:
        print(run(Path(folder), Ceilings(), lambda here: forged(here, count)), "bound", bound(Ceilings()))


if __name__ == "__main__":
    main(sys.argv[1:])
