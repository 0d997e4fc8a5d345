"""The outbox's rows: put in, claimed under a lease, marked before the final dot, ended with the truth.

A row is claimed by writing owner and lease into it; its state stays queued or deferred until the bytes are frozen and
the relay is about to be given the final dot: then it is `sending`. Every function runs on a connection of the writer's.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Integer, Row, and_, bindparam, func, insert, or_, select, update

from helpdeskd.errors import Conflict, NotFound, Refused
from helpdeskd.model.outgoing import Ended, NoticeName, OutboxRow, OutboxState, Sent
from helpdeskd.store.schema import attempt, outbox

_HOUR, _MANY = timedelta(hours=1), 5  # addresses
_WAITING = (OutboxState.QUEUED, OutboxState.DEFERRED)
CUT_OFF = "the sender stopped between the final dot and the relay's answer"  # words of an attempt nobody can know

# Built once: building a statement costs more than running it, and these run for every mail that leaves.
_INSERT = insert(outbox)
_IS_WAITING = or_(*(outbox.c.state == state for state in _WAITING))
_CLAIM = (
    update(outbox)
    .where(
        outbox.c.id.in_(
            select(outbox.c.id)
            .where(
                _IS_WAITING,
                outbox.c.next_at <= bindparam("now"),
                or_(outbox.c.owner == "", outbox.c.lease_until < bindparam("now")),
            )
            .order_by(outbox.c.next_at, outbox.c.id)
            .limit(bindparam("most", type_=Integer))
            # Several nodes on PostgreSQL: each passes over what another is just claiming. SQLite has one writer at a time.
            .with_for_update(skip_locked=True)
            .scalar_subquery()
        )
    )
    .returning(*outbox.c)
)
_ONE = select(outbox).where(outbox.c.id == bindparam("outbox_id"))
_LOCKED = _ONE.with_for_update()
_TRIED = select(outbox.c.attempts, outbox.c.owner, outbox.c.state).where(outbox.c.id == bindparam("outbox_id"))
_CHANGE = update(outbox).where(outbox.c.id == bindparam("outbox_id"))
_CHANGE_OURS = _CHANGE.where(outbox.c.owner == bindparam("held_by"), _IS_WAITING)
_ATTEMPT = insert(attempt)
_LATEST = (
    select(attempt.c.ended, attempt.c.at, outbox.c.recipient)
    .join(outbox, outbox.c.id == attempt.c.outbox_id)
    .order_by(attempt.c.id.desc())
    .limit(200)
)
_NEXT_DUE = select(func.min(outbox.c.next_at)).where(_IS_WAITING, outbox.c.owner == "")


@dataclass(frozen=True, slots=True, kw_only=True)
class NewMail:
    """One mail to one recipient, with everything that decides its bytes. See OutboxRow."""

    notice: NoticeName
    automatic: bool
    department_id: int
    recipient: str
    language: str
    context: dict[str, Any]
    mail_id: str
    envelope_token: str
    created_at: datetime
    next_at: datetime
    ticket_id: int | None = None
    message_id: int | None = None
    person_id: int | None = None
    references: tuple[str, ...] = ()
    reply_token: str = ""


@dataclass(frozen=True, slots=True)
class Attempt:
    """One try, as stored."""

    at: datetime
    ended: Ended
    code: int
    words: str


def put(conn: Connection, mails: Sequence[NewMail]) -> None:
    """Queue mails. A mail_id or envelope_token used before is a Conflict. Their ids are not asked for, which would cost as much again."""
    if mails:
        conn.execute(_INSERT, [_values(mail) for mail in mails])


def claim_due(conn: Connection, now: datetime, owner: str, lease_seconds: float, limit: int) -> list[OutboxRow]:
    """Take up to `limit` rows that are due and that nobody holds, the longest due first. Two owners never get the same."""
    until = now + timedelta(seconds=lease_seconds)
    claimed = conn.execute(_CLAIM, {"now": now, "most": limit, "owner": owner, "lease_until": until})
    return sorted((_row(row) for row in claimed), key=lambda row: (row.next_at, row.id))


def renew(conn: Connection, ids: Iterable[int], owner: str, until: datetime) -> set[int]:
    """Hold rows longer; returns those that are still ours. One that is missing was lost: do not send it."""
    renewed = conn.execute(
        update(outbox)
        .where(
            outbox.c.id.in_(list(ids)), outbox.c.owner == owner, outbox.c.state.in_((*_WAITING, OutboxState.SENDING))
        )
        .values(lease_until=until)
        .returning(outbox.c.id)
    )
    return {row[0] for row in renewed}


def release(conn: Connection, ids: Iterable[int], owner: str, unsent: Iterable[int] = ()) -> None:
    """Give back claimed rows that were not begun, on a clean stop or in trouble.

    `unsent`: rows that may be marked `sending` though `owner` knows that no final dot went out, because it never heard of
    that mark's COMMIT. They are queued again; to `recover` they would be uncertain.
    """
    conn.execute(
        update(outbox)
        .where(outbox.c.id.in_(list(unsent)), outbox.c.owner == owner, outbox.c.state == OutboxState.SENDING)
        .values(state=OutboxState.QUEUED)
    )
    conn.execute(
        update(outbox)
        .where(outbox.c.id.in_(list(ids)), outbox.c.owner == owner, outbox.c.state.in_(_WAITING))
        .values(owner="", lease_until=None)
    )


def sending(conn: Connection, outbox_id: int, raw_sha256: str, owner: str, lease_until: datetime) -> None:
    """Mark a claimed row, with its frozen bytes, before the final dot. Raises Conflict if it is no longer ours."""
    values = {"state": OutboxState.SENDING, "raw_sha256": raw_sha256, "lease_until": lease_until}
    marked = conn.execute(_CHANGE_OURS, {"outbox_id": outbox_id, "held_by": owner, **values})
    if marked.rowcount != 1:
        raise Conflict(f"outbox row {outbox_id} is no longer held by {owner}")


def ended(
    conn: Connection,
    outbox_id: int,
    sent: Sent,
    now: datetime,
    next_at: datetime | None,
    state: OutboxState,
    *,
    owner: str | None = None,
    raw_sha256: str | None = None,
) -> bool:
    """Write down an attempt and what became of the row, and let go of it. `next_at` where it will be tried again.

    `raw_sha256` freezes the bytes that were tried: the next try sends the same. An uncertain end that is tried again
    marks the row as possibly sent twice. A row that another node holds by now (with `owner`), or that was bounced or cancelled
    meanwhile, keeps its state (the attempt is written all the same), and the answer is False.
    """
    row = conn.execute(_TRIED, {"outbox_id": outbox_id}).first()
    if row is None:
        raise NotFound("outbox row", outbox_id)
    tried, held_by, stands = row
    conn.execute(
        _ATTEMPT, {"outbox_id": outbox_id, "at": now, "ended": sent.ended, "code": sent.code, "words": sent.words}
    )
    values: dict[str, Any] = {"attempts": tried + 1}
    settled = stands == OutboxState.BOUNCED or (stands == OutboxState.CANCELLED and sent.ended is not Ended.SENT)
    ours = (owner is None or held_by in {owner, ""}) and not settled
    if ours:
        values |= {"state": state, "last_reply": sent.words, "owner": "", "lease_until": None}
        if raw_sha256 is not None:
            values["raw_sha256"] = raw_sha256
        if sent.server_id:
            values["server_id"] = sent.server_id
        if next_at is not None:
            values["next_at"] = next_at
        if state is OutboxState.SENT:
            values["sent_at"] = now
        if sent.ended is Ended.UNCERTAIN and state in _WAITING:
            values["possibly_twice"] = True
    conn.execute(_CHANGE, {"outbox_id": outbox_id, **values})
    return ours


def recover(conn: Connection, owner: str, now: datetime, *, starting: bool = False) -> list[OutboxRow]:
    """Decide about rows found in `sending` whose lease is over, and at our own start (`starting`) about all of `owner`'s.

    Nobody can know whether such a mail went out. A notice becomes `unknown` and is not sent again; a person's own words
    are queued again, same bytes, marked as possibly twice. Returns these rows as they are now, for the ticket's history.
    At the start, what `owner` had claimed and not begun is free again at once.
    """
    lost = or_(outbox.c.lease_until.is_(None), outbox.c.lease_until < now)
    if starting:
        lost = or_(lost, outbox.c.owner == owner)
        conn.execute(
            update(outbox)
            .where(outbox.c.owner == owner, outbox.c.state.in_(_WAITING))
            .values(owner="", lease_until=None)
        )
    found = conn.execute(
        select(outbox.c.id, outbox.c.automatic)
        .where(and_(outbox.c.state == OutboxState.SENDING, lost))
        .order_by(outbox.c.id)
        .with_for_update(skip_locked=True)
    ).all()
    for outbox_id, automatic in found:
        state = OutboxState.UNKNOWN if automatic else OutboxState.QUEUED
        ended(conn, outbox_id, Sent(Ended.UNCERTAIN, 0, CUT_OFF), now, None if automatic else now, state)
    return [get(conn, outbox_id) for outbox_id, _ in found]


def bounced(conn: Connection, outbox_id: int, words: str) -> OutboxRow | None:
    """A delivery report says that this mail was given up behind the relay; `words` are the remote server's.

    Returns the row as it is now; None where that is no news, or where the mail cannot have left: then the report lies.
    """
    row = _held(conn, outbox_id)
    left = row.state in {OutboxState.SENT, OutboxState.UNKNOWN, OutboxState.SENDING}
    if not left and not (row.possibly_twice and row.state in _WAITING):
        return None
    return _let_go(conn, row, state=OutboxState.BOUNCED, last_reply=words)


def again(conn: Connection, outbox_id: int, now: datetime, words: str = "") -> OutboxRow:
    """Queue a row that came to nothing, or waits: somebody asked for it. `words` say who, for the list of attempts.

    What was over has its days and its short first steps again. Raises NotFound, or Refused where it was or is being sent.
    """
    row = _held(conn, outbox_id)
    _not_in_hand(row, now)
    if row.raw_gone_at is not None:  # what is sent again is the same mail or none
        gone = f"{row.raw_gone_at:%Y-%m-%d}"
        raise Refused("let-go", f"the bytes of mail {outbox_id} were let go on {gone} by keep.outbox_days")
    if row.state is OutboxState.SENT:
        raise Refused("sent", f"mail {outbox_id} was sent, and is not sent twice")
    again: dict[str, Any] = {"state": OutboxState.QUEUED, "next_at": now}
    if row.state not in _WAITING:
        asked = {"outbox_id": outbox_id, "at": now, "ended": Ended.ASKED, "code": 0, "words": words}
        conn.execute(_ATTEMPT, asked)
        again["attempts"] = 0
    if row.state is OutboxState.UNKNOWN:
        again["possibly_twice"] = True
    return _let_go(conn, row, **again)


def cancel(conn: Connection, outbox_id: int, now: datetime) -> OutboxRow:
    """Never send a row that waits. Raises NotFound, or Refused where it does not wait, or is being sent."""
    row = _held(conn, outbox_id)
    _not_in_hand(row, now)
    if row.state not in _WAITING:
        raise Refused("not-waiting", f"mail {outbox_id} does not wait any more: it is {row.state}")
    return _let_go(conn, row, state=OutboxState.CANCELLED)


def _held(conn: Connection, outbox_id: int) -> OutboxRow:
    """One row, which nobody else changes meanwhile (PostgreSQL; on SQLite the writer is alone). Raises NotFound."""
    row = conn.execute(_LOCKED, {"outbox_id": outbox_id}).first()
    if row is None:
        raise NotFound("outbox row", outbox_id)
    return _row(row)


def _not_in_hand(row: OutboxRow, now: datetime) -> None:
    """A claim counts as long as its lease: a sender that outlives it finds that the row is no longer its own."""
    claimed = row.owner and (row.lease_until is None or row.lease_until >= now)
    if row.state is OutboxState.SENDING or claimed:
        raise Refused("being-sent", f"mail {row.id} is being sent at this moment")


def _let_go(conn: Connection, row: OutboxRow, **values: Any) -> OutboxRow:
    """Change a row so that whoever holds it loses it."""
    conn.execute(_CHANGE, {"outbox_id": row.id, "owner": "", "lease_until": None, **values})
    return get(conn, row.id)


def get(conn: Connection, outbox_id: int) -> OutboxRow:
    """One row. Raises NotFound."""
    row = conn.execute(_ONE, {"outbox_id": outbox_id}).first()
    if row is None:
        raise NotFound("outbox row", outbox_id)
    return _row(row)


def list_rows(
    conn: Connection,
    *,
    states: Iterable[OutboxState] = (),
    ticket_id: int | None = None,
    message_id: int | None = None,
    limit: int | None = 1000,
    latest_first: bool = False,
) -> list[OutboxRow]:
    """Rows, oldest first unless `latest_first`. No `states` means all."""
    query = select(outbox).order_by(outbox.c.id.desc() if latest_first else outbox.c.id).limit(limit)
    wanted = list(states)
    if wanted:
        query = query.where(outbox.c.state.in_(wanted))
    if ticket_id is not None:
        query = query.where(outbox.c.ticket_id == ticket_id)
    if message_id is not None:
        query = query.where(outbox.c.message_id == message_id)
    return [_row(row) for row in conn.execute(query)]


def attempts(conn: Connection, outbox_id: int) -> list[Attempt]:
    """Every try at a row, oldest first."""
    rows = conn.execute(
        select(attempt.c.at, attempt.c.ended, attempt.c.code, attempt.c.words)
        .where(attempt.c.outbox_id == outbox_id)
        .order_by(attempt.c.id)
    )
    return [Attempt(at, Ended(how), code, words) for at, how, code, words in rows]


def attempts_of(conn: Connection, ticket_id: int) -> dict[int, tuple[Attempt, ...]]:
    """Every try at each mail of a ticket, by its id."""
    found: dict[int, tuple[Attempt, ...]] = {}
    rows = conn.execute(
        select(attempt.c.outbox_id, attempt.c.at, attempt.c.ended, attempt.c.code, attempt.c.words)
        .join(outbox, outbox.c.id == attempt.c.outbox_id)
        .where(outbox.c.ticket_id == ticket_id)
        .order_by(attempt.c.id)
    )
    for outbox_id, at, how, code, words in rows:
        found[outbox_id] = (*found.get(outbox_id, ()), Attempt(at, Ended(how), code, words))
    return found


def refuses_us(conn: Connection, recipient: str, now: datetime) -> bool:
    """It has refused `recipient`: may it be us whom the relay refuses, whatever it says? It has refused others too since it last took
    a mail, or many of them within the hour."""
    others: set[str] = set()
    taken = False
    for ended, at, other in conn.execute(_LATEST):
        taken = taken or ended == Ended.SENT
        if taken and at < now - _HOUR:
            break
        if ended == Ended.REFUSED and other.lower() != recipient.lower():
            others.add(other.lower())
            if not taken or len(others) >= _MANY:
                return True
    return False


def first_try(tries: Sequence[Attempt]) -> datetime | None:
    """When the days of trying began: the first attempt since somebody last asked. None: with the next one."""
    first: datetime | None = None
    for each in tries:
        first = None if each.ended is Ended.ASKED else first or each.at
    return first


def counts(conn: Connection) -> dict[OutboxState, int]:
    """How many rows stand in each state, zeros included."""
    zero = dict.fromkeys(OutboxState, 0)
    found = conn.execute(select(outbox.c.state, func.count()).group_by(outbox.c.state))
    return zero | {OutboxState(state): count for state, count in found}


def next_due(conn: Connection) -> datetime | None:
    """When the next row that nobody holds is due, or None."""
    when: datetime | None = conn.execute(_NEXT_DUE).scalar_one()
    return when


def _values(mail: NewMail) -> dict[str, Any]:
    return {
        "notice": mail.notice,
        "automatic": mail.automatic,
        "department_id": mail.department_id,
        "ticket_id": mail.ticket_id,
        "message_id": mail.message_id,
        "person_id": mail.person_id,
        "recipient": mail.recipient,
        "language": mail.language,
        "context": mail.context,
        "mail_id": mail.mail_id,
        "refs": list(mail.references),
        "reply_token": mail.reply_token,
        "envelope_token": mail.envelope_token,
        "state": OutboxState.QUEUED,
        "created_at": mail.created_at,
        "next_at": mail.next_at,
    }


def _row(row: Row[Any]) -> OutboxRow:
    return OutboxRow(
        id=row.id,
        notice=NoticeName(row.notice),
        automatic=row.automatic,
        department_id=row.department_id,
        ticket_id=row.ticket_id,
        message_id=row.message_id,
        person_id=row.person_id,
        recipient=row.recipient,
        language=row.language,
        context=row.context,
        mail_id=row.mail_id,
        references=tuple(row.refs),
        reply_token=row.reply_token,
        envelope_token=row.envelope_token,
        state=OutboxState(row.state),
        attempts=row.attempts,
        created_at=row.created_at,
        next_at=row.next_at,
        raw_sha256=row.raw_sha256,
        last_reply=row.last_reply,
        server_id=row.server_id,
        possibly_twice=row.possibly_twice,
        owner=row.owner,
        lease_until=row.lease_until,
        sent_at=row.sent_at,
        raw_gone_at=row.raw_gone_at,
    )


def waiting(conn: Connection) -> tuple[datetime | None, int, datetime | None]:
    """(since when the oldest mail waits to go out; how many do that are no alarm's, and since when the oldest of those)."""
    still = outbox.c.state.in_((*_WAITING, OutboxState.SENDING))
    oldest = conn.execute(select(func.min(outbox.c.created_at)).where(still)).scalar()
    count, since = conn.execute(
        select(func.count(), func.min(outbox.c.created_at)).where(still, outbox.c.notice != NoticeName.ALARM)
    ).one()
    return oldest, count, since
