"""How much automatic mail may be queued, whatever comes in (promise 5), and how many people a mail may draw in.

What was queued is counted in the store, in slots of time, so that the count outlives a restart and holds for all nodes. A window is
made of slots, and the one it begins in counts whole: nowhere does a span as long as a window hold more than the ceiling. What
another node has not committed yet is not seen: beside each further node it may be more by what one of its COMMITs holds.
"""

from __future__ import annotations

import unicodedata
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import Enum, auto
from functools import lru_cache
from typing import Any

from sqlalchemy import BindParameter, Connection, Select, bindparam, delete, func, literal, or_, select
from sqlalchemy.dialects import postgresql, sqlite

from helpdeskd import config
from helpdeskd.config.rates import parse
from helpdeskd.mail import ids
from helpdeskd.mail.verify.names import domain as plain_domain
from helpdeskd.model.outgoing import Ceiling
from helpdeskd.model.people import Person
from helpdeskd.store import schema

SLOTS = 12  # of a window
LATELY = timedelta(hours=1)
LONGEST = timedelta(days=1)

_PEOPLE, _PEOPLE_BY_UNKNOWN = "people", "people by unknown"
_WITHHELD = "withheld:"
_BY_THE_HOUR = 3600

_c = schema.ceiling.c


class Cause(Enum):
    """Whose doing an event is. What anybody can cause never uses up what the rest needs."""

    VOICE = auto()  # of somebody with a voice in the ticket, of staff, or of the desk
    NEW = auto()  # a mail that opens a ticket: anybody's
    KEPT = auto()  # a mail that is kept in a ticket without a public voice: anybody's, and there may be many in one

    @property
    def is_anybodys(self) -> bool:
        return self is not Cause.VOICE


def _adding(dialect: str) -> postgresql.Insert | sqlite.Insert:
    """Shards as in desk.counters: no node waits for another's row."""
    shard = func.pg_backend_pid() if dialect == "postgresql" else literal(0)
    make = postgresql.insert if dialect == "postgresql" else sqlite.insert
    statement = make(schema.ceiling).values(about=bindparam("about"), at=bindparam("at"), shard=shard, n=bindparam("n"))
    return statement.on_conflict_do_update(
        index_elements=["about", "at", "shard"], set_={"n": _c.n + statement.excluded.n}
    )


_ADD = {dialect: _adding(dialect) for dialect in ("postgresql", "sqlite")}


@lru_cache(maxsize=64)
def _reading(count: int) -> Select[Any]:
    """Of so many. An expanding parameter would be written anew each time, which takes longer than the search."""
    names: list[BindParameter[str]] = [bindparam(f"about_{n}") for n in range(count)]
    span = (_c.at >= bindparam("since"), _c.at <= bindparam("until"))  # a clock that was once ahead counts for nothing
    return select(_c.about, func.sum(_c.n)).where(_c.about.in_(names), *span).group_by(_c.about)


@dataclass(slots=True)
class Tally:
    """What was queued lately of all that one event concerns, and what the event adds to it."""

    settings: config.Ceilings
    cause: Cause
    ticket: str
    counts: dict[str, int]
    seconds: Mapping[str, int]  # the window of each
    added: Counter[str] = field(default_factory=Counter)

    def take(self, person: Person) -> Ceiling | None:
        """One more mail to them; or the ceiling that is reached, and none."""
        ceilings = _concerned(person, self.cause)
        if self.ticket:
            ceilings = ((self.ticket, _of_ticket(self.cause)), *ceilings)
        for about, ceiling in ceilings:
            # Of a ticket its events count: the mails of one pass together.
            there = self.counts.get(about, 0) + (0 if about == self.ticket else self.added[about])
            if there >= self._most(ceiling):
                self.added[f"{_WITHHELD}{ceiling}"] += 1
                return ceiling
        for about, _ in ceilings:
            self.added[about] = 1 if about == self.ticket else self.added[about] + 1
        return None

    @property
    def is_last(self) -> bool:
        """Is this the last event of the ticket that is told for now?"""
        there = self.counts.get(self.ticket, 0) + self.added[self.ticket]
        return bool(self.ticket and self.added[self.ticket]) and there >= self._most(_of_ticket(self.cause))

    def _most(self, ceiling: Ceiling) -> int:
        most = parse(getattr(self.settings, ceiling))[0]
        if ceiling not in {Ceiling.STAFF, Ceiling.STAFF_ADDRESS}:
            return most
        return most // 2 if self.cause.is_anybodys else most - most // 2

    def keep(self, conn: Connection, now: datetime) -> None:
        """Write down what was added."""
        _add(conn, now, {about: (n, self.seconds.get(about, _BY_THE_HOUR)) for about, n in self.added.items() if n})


def tally(
    conn: Connection,
    settings: config.Ceilings,
    now: datetime,
    ticket_id: int | None,
    people: Iterable[Person],
    cause: Cause = Cause.VOICE,
) -> Tally:
    """One statement for each length of window among those that concern these people: mostly one."""
    ticket = "" if ticket_id is None else f"{'kept' if cause is Cause.KEPT else 'ticket'}:{ticket_id}"
    wanted = {ticket: _of_ticket(cause)} if ticket else {}
    for person in people:
        wanted |= _concerned(person, cause)
    seconds = {about: parse(getattr(settings, ceiling))[1] for about, ceiling in wanted.items()}
    return Tally(settings, cause, ticket, _read(conn, now, seconds), seconds)


def admitted(conn: Connection, settings: config.Ceilings, now: datetime, wanted: int, *, by_known: bool) -> int:
    """How many of so many unknown addresses in one mail may become people; they are counted. One half is for known authors' mails."""
    most, seconds = parse(settings.people)
    about, most = (_PEOPLE, most - most // 2) if by_known else (_PEOPLE_BY_UNKNOWN, most // 2)
    there = _read(conn, now, {about: seconds}).get(about, 0)
    may = max(0, min(wanted, most - there))
    if may:
        _add(conn, now, {about: (may, seconds)})
    return may


def withheld(conn: Connection, now: datetime) -> dict[Ceiling, int]:
    """How many mails each ceiling has kept back in the last hour."""
    found = _read(conn, now, {f"{_WITHHELD}{each}": _BY_THE_HOUR for each in Ceiling})
    return {each: found[f"{_WITHHELD}{each}"] for each in Ceiling if f"{_WITHHELD}{each}" in found}


def purge(conn: Connection, now: datetime) -> None:
    """Let go of slots that no window reaches, and of those of a clock that was ahead."""
    conn.execute(delete(schema.ceiling).where(or_(_c.at < now - 2 * LONGEST, _c.at > now + LONGEST)))


def _of_ticket(cause: Cause) -> Ceiling:
    return Ceiling.PER_TICKET_KEPT if cause is Cause.KEPT else Ceiling.PER_TICKET


def _concerned(person: Person, cause: Cause) -> tuple[tuple[str, Ceiling], ...]:
    """Which ceilings a mail to this person is under, and what each counts."""
    address, domain = _box(person.email)
    if person.is_staff:
        half = "anybody" if cause.is_anybodys else "staff"
        return (f"{half}:{address}", Ceiling.STAFF_ADDRESS), (half, Ceiling.STAFF)
    outside = (
        (f"address:{address}", Ceiling.PER_ADDRESS),
        (f"domain:{domain}", Ceiling.PER_DOMAIN),
        ("total", Ceiling.TOTAL),
    )
    if person.known:
        return outside
    return (*outside, (f"unknown:{address}", Ceiling.UNKNOWN_ADDRESS), ("unknown", Ceiling.UNKNOWN))


@lru_cache(maxsize=1024)
def _box(email: str) -> tuple[str, str]:
    """The mailbox without its +detail, and its domain, as one name however they are written: in full width, as punycode."""
    local, _, name = ids.split_detail(unicodedata.normalize("NFKC", email).lower())[0].rpartition("@")
    name = plain_domain(name) or name
    return f"{local}@{name}", name


def _read(conn: Connection, now: datetime, seconds: Mapping[str, int]) -> dict[str, int]:
    by_window: defaultdict[int, list[str]] = defaultdict(list)
    for about, window in seconds.items():
        by_window[window].append(about)
    found: dict[str, int] = {}
    for window, names in by_window.items():
        span = timedelta(seconds=window)
        values: dict[str, Any] = {f"about_{n}": about for n, about in enumerate(names)}
        values |= {"since": _slot(now - span, window), "until": now + span}
        found |= {about: int(n) for about, n in conn.execute(_reading(len(names)), values)}
    return found


def _add(conn: Connection, now: datetime, more: Mapping[str, tuple[int, int]]) -> None:
    rows = [{"about": about, "at": _slot(now, window), "n": n} for about, (n, window) in sorted(more.items())]
    if rows:
        conn.execute(_ADD[conn.dialect.name], rows)


def _slot(moment: datetime, window: int) -> datetime:
    """When the slot began."""
    length = max(1, window // SLOTS)
    return datetime.fromtimestamp(int(moment.timestamp()) // length * length, UTC)
