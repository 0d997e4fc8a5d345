"""Addresses that our mail does not reach. Automatic mail to them is held back; what staff write goes out as ever.

An address is muted by itself after MOST hard failures of different mails, APART from one another, without a sign of life between, or by
somebody's hand. A mail from there, surely its own, ends what came by itself; staff end both. Every change is a row of `mute`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import Connection, bindparam, delete, func, insert, select, update

from helpdeskd.desk import history, messages, rows
from helpdeskd.desk.history import Entry
from helpdeskd.errors import Refused
from helpdeskd.model.mail import Kind, Verdict
from helpdeskd.model.outgoing import OutboxRow
from helpdeskd.model.people import Person, PersonKind
from helpdeskd.model.routing import Match
from helpdeskd.model.ticket import History, Ticket
from helpdeskd.store import schema

MOST: Final = 3  # mails
APART: Final = timedelta(
    hours=12
)  # what fails sooner after another counts as one: a server's one bad afternoon mutes nobody
WITHIN: Final = timedelta(days=30)  # what is older counts no more
NEWS: Final = timedelta(days=7)  # since a mail left: servers give up after five days (RFC 5321 section 4.5.4.1)
NAMED: Final = 20  # members of staff that `standing` names

_p, _u, _m, _h = schema.person.c, schema.unreached.c, schema.mute.c, schema.history.c
_LOCKED = (
    select(*rows.PERSON).where(_p.id == bindparam("person_id"), _p.removed_at.is_(None)).with_for_update(key_share=True)
)
_FAILURES = select(_u.outbox_id, _u.at).where(_u.person_id == bindparam("person_id")).order_by(_u.at)
_TOLD = select(_h.id).where(_h.ticket_id == bindparam("ticket_id"), _h.kind == History.MAIL_WITHHELD.value).limit(1)


@dataclass(frozen=True, slots=True)
class Muted:
    """One address. `by` is None where it came by itself, or nobody said who."""

    person: Person
    since: datetime
    why: str
    by: Person | None


@dataclass(frozen=True, slots=True)
class Standing:
    """How many there are, and the addresses of staff among them, NAMED at most."""

    count: int = 0
    staff: tuple[str, ...] = ()


def failed(conn: Connection, now: datetime, row: OutboxRow, words: str) -> bool:
    """A mail did not reach its recipient, whose address is to blame. True: it is muted now, and was not before.

    The caller believes it: the relay said so to us, or a report that proves itself. One mail counts once, whatever is told of it.
    """
    person = None if row.person_id is None else _locked(conn, row.person_id)
    if person is None or person.muted_at is not None or person.email.lower() != row.recipient.lower():
        return False
    conn.execute(delete(schema.unreached).where(_u.person_id == person.id, _u.at < now - WITHIN))
    found: dict[int, datetime] = {one: at for one, at in conn.execute(_FAILURES, {"person_id": person.id})}  # noqa: C416  # rows are no pairs to mypy
    if row.id not in found and all(abs(now - at) >= APART for at in found.values()):
        conn.execute(insert(schema.unreached), {"outbox_id": row.id, "person_id": person.id, "at": now})
        found[row.id] = now
    first = min(found.values())
    if len(found) < MOST:
        _mark(conn, person, unreached_at=first)
        return False
    since = f"{first:%Y-%m-%d %H:%M} UTC"
    _write(
        conn,
        now,
        person,
        muted=True,
        why=f"mails came back on {MOST} occasions or more since {since}; the last: {words}"[:1000],
    )
    _mark(conn, person, unreached_at=first, muted_at=now)
    return True


def heard(
    conn: Connection,
    now: datetime,
    person: Person,
    *,
    sender: str,
    kind: Kind,
    verdict: Verdict,
    matches: Iterable[Match],
) -> Person:
    """A mail has come whose From is `sender`, found to be this person; who they are after it. It is a sign of life where From is
    their very address and is proven, or the mail came to a token of their own and is not refuted. Nothing is asked for most people."""
    if person.unreached_at is None or kind is Kind.BOUNCE or sender.lower() != person.email.lower():
        return person
    own = any(match.given_to(person) for match in matches)
    if verdict is not Verdict.PASS and not (own and verdict is Verdict.NONE):
        return person
    if person.muted_at is not None:
        _write(conn, now, person, muted=False, why="a mail came from there")
    return forget(conn, person)


def add(conn: Connection, now: datetime, *, person: Person, why: str, actor: Person | None) -> Person:
    """By hand, until somebody ends it by hand. Raises Refused("muted")."""
    if person.muted_at is not None:
        raise Refused("muted", f"{person.email} is muted since {person.muted_at:%Y-%m-%d %H:%M} UTC")
    forget(conn, person)
    _write(conn, now, person, muted=True, why=why, actor=actor)
    return _mark(conn, person, unreached_at=None, muted_at=now)


def remove(conn: Connection, now: datetime, *, person: Person, why: str, actor: Person | None) -> Person:
    """Automatic mail goes there again; failures are counted anew. Raises Refused("not-muted")."""
    if person.muted_at is None:
        raise Refused("not-muted", f"{person.email} is not muted")
    _write(conn, now, person, muted=False, why=why, actor=actor)
    return forget(conn, person)


def forget(conn: Connection, person: Person) -> Person:
    """Nothing is held against them any more, as when they have another address."""
    conn.execute(delete(schema.unreached).where(_u.person_id == person.id))
    return _mark(conn, person, unreached_at=None, muted_at=None)


def tell_withheld(conn: Connection, now: datetime, ticket: Ticket, recipients: Iterable[str]) -> None:
    """Say in the ticket that these were not written to: once, however many notices it would have sent."""
    if conn.execute(_TOLD, {"ticket_id": ticket.id}).first() is not None:
        return
    named = ", ".join(sorted(set(recipients)))
    text = (
        f"Automatic mail to {named} is held back: the address is muted (helpdeskd mute list). "
        "What staff write goes out all the same."
    )
    message_id = messages.enter(conn, now, ticket, text)
    history.write(conn, now, Entry(ticket.id, History.MAIL_WITHHELD, None, message_id, {"recipient": named}))


def list(conn: Connection) -> tuple[Muted, ...]:  # noqa: A001  # as in the other nouns: mutes.list
    """Those that are muted, the latest first, each with the change that made it so."""
    found = conn.execute(
        select(*rows.PERSON)
        .where(_p.muted_at.is_not(None), _p.removed_at.is_(None))
        .order_by(_p.muted_at.desc(), _p.id)
    )
    muted = [rows.person(row) for row in found]
    latest = select(func.max(_m.id)).where(_m.person_id.in_([each.id for each in muted])).group_by(_m.person_id)
    changes = {row.person_id: row for row in conn.execute(select(schema.mute).where(_m.id.in_(latest)))}
    by = {row.actor_id for row in changes.values() if row.actor_id is not None}
    actors = {row[0]: rows.person(row) for row in conn.execute(select(*rows.PERSON).where(_p.id.in_(by)))}
    return tuple(
        Muted(each, each.muted_at, changes[each.id].why, actors.get(changes[each.id].actor_id))
        for each in muted
        if each.muted_at is not None
    )


def standing(conn: Connection) -> Standing:
    """For those who watch."""
    muted = (_p.muted_at.is_not(None), _p.removed_at.is_(None))
    count = conn.execute(select(func.count()).where(*muted)).scalar_one()
    if not count:
        return Standing()
    staff = select(_p.email).where(*muted, _p.kind == PersonKind.STAFF.value, _p.disabled_at.is_(None))
    return Standing(count, tuple(conn.execute(staff.order_by(_p.email_key).limit(NAMED)).scalars()))


def _locked(conn: Connection, person_id: int) -> Person | None:
    row = conn.execute(_LOCKED, {"person_id": person_id}).first()
    return None if row is None else rows.person(row)


def _mark(conn: Connection, person: Person, **values: datetime | None) -> Person:
    conn.execute(update(schema.person).where(_p.id == person.id).values(**values))
    return rows.person(conn.execute(select(*rows.PERSON).where(_p.id == person.id)).one())


def _write(
    conn: Connection, now: datetime, person: Person, *, muted: bool, why: str, actor: Person | None = None
) -> None:
    by = None if actor is None else actor.id
    conn.execute(insert(schema.mute), {"person_id": person.id, "at": now, "muted": muted, "actor_id": by, "why": why})
