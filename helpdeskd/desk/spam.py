"""Mail that is held as spam or for a virus: what waits for somebody to look at it, and letting one go its way."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from sqlalchemy import Connection

from helpdeskd import spool
from helpdeskd.config import Config
from helpdeskd.desk.acts import Arrived
from helpdeskd.desk.arrived import arrived_from
from helpdeskd.errors import NotFound, Refused
from helpdeskd.model.mail import Inbound
from helpdeskd.model.routing import Reason
from helpdeskd.model.spam import Spam
from helpdeskd.store import arrivals
from helpdeskd.store.arrivals import Arrival, Held


@dataclass(frozen=True, slots=True)
class Waiting:
    """One mail that is held; several departments may have been addressed."""

    id: str  # the spool's
    received_at: datetime
    reason: Reason
    why: str
    author: str
    sender: str
    subject: str
    size: int
    raw_sha256: str
    goes_at: datetime | None  # when keep.spam_days lets go of it


def waiting(conn: Connection, spam_days: int) -> tuple[Waiting, ...]:
    """All of it, oldest first."""
    found: dict[str, Waiting] = {}
    for row in arrivals.all_held(conn):
        found.setdefault(row.spool_id, _waiting(row, spam_days))
    return tuple(found.values())


def _waiting(row: Arrival, spam_days: int) -> Waiting:
    return Waiting(
        id=row.spool_id,
        received_at=row.received_at,
        reason=Reason(row.reason),
        why="" if row.held is None else row.held.why,
        author=row.author,
        sender=row.sender,
        subject=row.subject,
        size=row.size,
        raw_sha256=row.raw_sha256,
        goes_at=row.decided_at + timedelta(days=spam_days) if spam_days else None,
    )


def held(conn: Connection, spool_id: str) -> tuple[Arrival, Held]:
    """Raises NotFound; Refused("not-held"), saying what became of it."""
    rows = arrivals.all_by_spool(conn, spool_id)
    if not rows:
        raise NotFound("mail", spool_id)
    for row in rows:
        if row.held is not None:
            return row, row.held
    outcomes = ", ".join(
        f"{row.outcome}, because {row.reason}" + (f"; {row.let_go}" if row.let_go else "") for row in rows
    )
    raise Refused("not-held", f"{spool_id} is not held as spam: {outcomes}")


def envelope_of(kept: Held) -> spool.Envelope:
    return spool.unpack(kept.envelope.encode().removesuffix(b"\n\n"))


def as_ham(row: Arrival, kept: Held, inbound: Inbound, config: Config, now: datetime) -> Arrived:
    """The mail as it is told to the desk when it is released. Its verdict is the one of the door: signatures' keys may be gone by
    now. If it came longer ago than intake.backlog_hours, its author gets no automatic answer any more."""
    arrived = arrived_from(envelope_of(kept), inbound, config)
    late = now - arrived.received_at > timedelta(hours=config.intake.backlog_hours)
    note = f"released on {now:%Y-%m-%d %H:%M} UTC, was held: {row.reason}, {kept.why}"
    return replace(
        arrived,
        old_mail=arrived.old_mail or late,
        verdict=kept.verdict,
        checks=(*kept.checks, note),
        spam=Spam.HAM,
    )
