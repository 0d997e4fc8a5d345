"""The ledger of arrivals: what became of every accepted mail, once for each department it was addressed to."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import Connection, Row, bindparam, delete, distinct, func, insert, select, update

from helpdeskd.model.mail import Door, Verdict
from helpdeskd.model.routing import Outcome
from helpdeskd.store.schema import arrival

# Built once: building a statement costs more than running it, and these run for every mail.
_INSERT = insert(arrival).returning(arrival.c.id)
_SETTLE = update(arrival).where(arrival.c.id == bindparam("arrival_id"))
_HELD = select(arrival).where(arrival.c.held.is_not(None)).order_by(arrival.c.id)
_COUNT_HELD = select(func.count(distinct(arrival.c.spool_id))).where(arrival.c.held.is_not(None))
_ALL_BY_SPOOL = select(arrival).where(arrival.c.spool_id == bindparam("spool")).order_by(arrival.c.id)

NOBODY = 0  # department_id of a mail that belongs to no department: parked, held


@dataclass(frozen=True, slots=True)
class Held:
    """What a mail that is held as spam needs to go its way after all, beside its raw bytes."""

    envelope: str  # spool.pack
    why: str  # the sign that decided
    verdict: Verdict  # as it was found at the door
    checks: tuple[str, ...]  # how that came about, for people


REMOVED = "removed"  # in raw_gone_by: somebody removed the ticket


@dataclass(frozen=True, slots=True)
class Arrival:
    """A row as stored."""

    id: int
    spool_id: str
    department_id: int
    door: Door
    outcome: Outcome
    reason: str
    evidence: Any
    ticket_id: int | None
    raw_sha256: str
    identity_sha256: str | None
    mail_id: str | None
    sender: str
    author: str
    subject: str
    size: int
    received_at: datetime
    decided_at: datetime
    account: str | None
    folder: str | None
    uidvalidity: int | None
    uid: int | None
    raw_gone_at: datetime | None = None  # when its raw bytes were let go
    raw_gone_by: str | None = None  # and by which setting of [keep]
    held: Held | None = None

    @property
    def let_go(self) -> str:
        """For people: when the raw bytes were let go and what said so; empty while they are kept."""
        if self.raw_gone_at is None:
            return ""
        if self.raw_gone_by == REMOVED:
            return f"removed with its ticket on {self.raw_gone_at:%Y-%m-%d}"
        return f"let go on {self.raw_gone_at:%Y-%m-%d} by keep.{self.raw_gone_by}"


def record(
    conn: Connection,
    *,
    spool_id: str,
    door: Door,
    outcome: Outcome,
    reason: str,
    raw_sha256: str,
    size: int,
    received_at: datetime,
    decided_at: datetime,
    department_id: int = NOBODY,
    evidence: Any = (),
    ticket_id: int | None = None,
    identity_sha256: str | None = None,
    mail_id: str | None = None,
    sender: str = "",
    author: str = "",
    subject: str = "",
    account: str | None = None,
    folder: str | None = None,
    uidvalidity: int | None = None,
    uid: int | None = None,
    held: Held | None = None,
) -> int:
    """Write down an arrival and return its id.

    Where another writer recorded the same (spool_id, department_id) meanwhile, the command fails with Conflict: run
    again, it meets that row (`all_by_spool`) and does nothing. Empty account and folder are kept as NULL.
    """
    values = {
        "spool_id": spool_id,
        "department_id": department_id,
        "door": door,
        "outcome": outcome,
        "reason": reason,
        "evidence": evidence,
        "ticket_id": ticket_id,
        "raw_sha256": raw_sha256,
        "identity_sha256": identity_sha256,
        "mail_id": mail_id,
        "sender": sender,
        "author": author,
        "subject": subject,
        "size": size,
        "received_at": received_at,
        "decided_at": decided_at,
        "account": account or None,
        "folder": folder or None,
        "uidvalidity": uidvalidity,
        "uid": uid,
        "held": None if held is None else msgspec.json.encode(held).decode(),
    }
    return int(conn.execute(_INSERT, values).scalar_one())


def settle(conn: Connection, arrival_id: int, *, outcome: Outcome, reason: str, ticket_id: int | None) -> None:
    """Say what became of an arrival that was recorded first so that its message could refer to it. Same transaction."""
    values = {"arrival_id": arrival_id, "outcome": outcome, "reason": reason, "ticket_id": ticket_id}
    conn.execute(_SETTLE, values)


def all_by_spool(conn: Connection, spool_id: str) -> list[Arrival]:
    """Every department's outcome of that spool entry; empty if it was never seen."""
    rows = conn.execute(_ALL_BY_SPOOL, {"spool": spool_id})
    return [_arrival(row) for row in rows]


def known_uids(conn: Connection, account: str, folder: str, uidvalidity: int) -> set[int]:
    """The UIDs of that IMAP folder that have arrived already."""
    rows = conn.execute(
        select(arrival.c.uid).where(
            arrival.c.account == account,
            arrival.c.folder == folder,
            arrival.c.uidvalidity == uidvalidity,
            arrival.c.uid.is_not(None),
        )
    )
    return {row[0] for row in rows}


def _arrival(row: Row[Any]) -> Arrival:
    values: dict[str, Any] = row._asdict()
    held = None if row.held is None else msgspec.json.decode(row.held, type=Held)
    return Arrival(**{**values, "door": Door(row.door), "outcome": Outcome(row.outcome), "held": held})


def all_held(conn: Connection) -> list[Arrival]:
    """What is held as spam and may be released, oldest first."""
    return [_arrival(row) for row in conn.execute(_HELD)]


def count_held(conn: Connection) -> int:
    return int(conn.execute(_COUNT_HELD).scalar_one())


def take_held(conn: Connection, arrival_ids: list[int]) -> bool:
    """Remove these rows, for the mail is decided about anew in the same transaction. False: somebody else was faster."""
    taken = delete(arrival).where(arrival.c.id.in_(arrival_ids), arrival.c.held.is_not(None))
    return conn.execute(taken).rowcount == len(arrival_ids)


def last_door(conn: Connection) -> Door | None:
    """The door the newest mail came by; None before the first."""
    door = conn.execute(select(arrival.c.door).order_by(arrival.c.id.desc()).limit(1)).scalar()
    return None if door is None else Door(door)
