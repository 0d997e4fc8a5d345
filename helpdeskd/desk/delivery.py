"""What a ticket, and those who handle it, are told of its mails: those that did not arrive, or of which nobody knows."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from sqlalchemy import Connection

from helpdeskd.desk import history, messages, mutes, notices, tickets
from helpdeskd.desk.context import Bounced, Desk, Told
from helpdeskd.desk.history import Entry
from helpdeskd.desk.notices import Event
from helpdeskd.errors import NotFound
from helpdeskd.mail.bounce.blame import blames
from helpdeskd.model.mail import Delivery, Fate
from helpdeskd.model.outgoing import NoticeName, OutboxRow, OutboxState
from helpdeskd.model.people import Person
from helpdeskd.model.ticket import History
from helpdeskd.store import outbox

_KINDS = {
    OutboxState.FAILED: History.MAIL_FAILED,
    OutboxState.UNKNOWN: History.MAIL_UNKNOWN,
    OutboxState.BOUNCED: History.MAIL_BOUNCED,
}

# Whose loss is told: somebody outside waits for these in vain. The loss becomes a system entry in the ticket, and a notice to
# those who handle it. All other notices are for staff. Their loss is written into the history and makes no mail: it would go
# to the same people, come back too, and so for ever.
TOLD = {
    NoticeName.STAFF_REPLY: "The answer",
    NoticeName.FORWARD: "What was forwarded",
    NoticeName.ACKNOWLEDGEMENT: "The acknowledgement",
    NoticeName.FOLLOW_UP_REFUSED: "The notice that a new ticket was opened",
    NoticeName.TICKET_CLOSED: "The notice that the ticket is closed",
}


def record(
    conn: Connection,
    desk: Desk,
    now: datetime,
    row: OutboxRow,
    state: OutboxState,
    words: str,
    judged: Mapping[str, object] | None = None,
    *,
    hard: bool = False,
) -> bool:
    """Write into the ticket that `row` ended as `state`, and tell staff of what TOLD lists. Where nobody knows whether it arrived,
    that is told of a person's own words only.

    `words` are the server's, or ours; `judged` is what a report amounts to, for the history. Other ends leave no trace.
    `hard`: the address is to blame. True: it is muted from now on.
    """
    kind = _KINDS.get(state)
    if kind is None:
        return False
    muted = hard and mutes.failed(conn, now, row, words)
    if row.ticket_id is None:
        return muted
    _enter(conn, now, row, kind, {"words": words, **(judged or {}), **({"muted": True} if muted else {})})
    uncertain = state is OutboxState.UNKNOWN
    if row.notice in TOLD and not (uncertain and row.automatic):
        end = f"\nAutomatic mail to {row.recipient} is held back from now on (helpdeskd mute list)." if muted else ""
        _tell(conn, desk, now, row, words, end, uncertain=uncertain)
    return muted


def report(conn: Connection, desk: Desk, now: datetime, outbox_id: int, fate: Fate, *, proven: bool = False) -> None:
    """A delivery report tells this of a mail of ours. What it says again, or of a mail that cannot have left, counts for nothing.

    `proven`: it knows what only those know who have had the mail. Then it may count against the address, too.
    """
    words = _words(fate)
    if fate.delivery is Delivery.FAILED:
        bounced = outbox.bounced(conn, outbox_id, words)
        if bounced is not None:
            left = bounced.sent_at or bounced.created_at
            hard = proven and now - left <= mutes.NEWS and blames(bounced.recipient, fate)
            muted = record(conn, desk, now, bounced, bounced.state, words, _judged(fate), hard=hard)
            desk.hear(Told(bounced=(Bounced(bounced, words, muted),)))
        return
    row = outbox.get(conn, outbox_id)
    of_it = {} if fate.delivery is not Delivery.DELAYED else _judged(fate)
    _enter(conn, now, row, History.MAIL_REPORTED, {"delivery": fate.delivery.value, "words": words, **of_it})


def retry(conn: Connection, now: datetime, outbox_id: int, actor: Person | None) -> OutboxRow:
    """Have a mail sent again that came to nothing, or that waits. Raises NotFound; Refused: sent, being-sent."""
    before = outbox.get(conn, outbox_id)
    row = outbox.again(conn, outbox_id, now, f"by {actor.shown}" if actor is not None else "from the command line")
    _enter(conn, now, row, History.MAIL_RETRIED, {"from": before.state.value}, actor)
    return row


def cancel(conn: Connection, now: datetime, outbox_id: int, actor: Person | None) -> OutboxRow:
    """Never send a mail that waits. Raises NotFound; Refused: not-waiting, being-sent."""
    before = outbox.get(conn, outbox_id)
    row = outbox.cancel(conn, outbox_id, now)
    _enter(conn, now, row, History.MAIL_CANCELLED, {"from": before.state.value}, actor)
    return row


def _enter(
    conn: Connection,
    now: datetime,
    row: OutboxRow,
    kind: History,
    detail: dict[str, object],
    actor: Person | None = None,
) -> None:
    if row.ticket_id is None:
        return
    of_the_mail = {
        "notice": row.notice.value,
        "recipient": row.recipient,
        **detail,
        "mail_id": row.mail_id,
        "outbox": row.id,
    }
    history.write(
        conn, now, Entry(row.ticket_id, kind, None if actor is None else actor.id, row.message_id, of_the_mail)
    )


def _tell(
    conn: Connection, desk: Desk, now: datetime, row: OutboxRow, words: str, end: str, *, uncertain: bool
) -> None:
    """Where people look: in the ticket that a merge led to."""
    assert row.ticket_id is not None
    try:
        ticket = tickets.resolve(conn, row.ticket_id, locked=True)
    except NotFound:  # removed meanwhile: nobody handles it any more, and its history has the end of this mail
        return
    reached = "may not have reached" if uncertain else "did not reach"
    text = f"{TOLD[row.notice]} of {row.created_at:%Y-%m-%d %H:%M} UTC {reached} {row.recipient}.\n{words}{end}"
    message_id = messages.enter(conn, now, ticket, text)
    ticket = tickets.touch(conn, now, ticket)
    lost = {"notice": row.notice.value, "recipient": row.recipient, "words": words, "uncertain": uncertain}
    scene = tickets.scene(
        conn, Event.LOST, ticket, None, message_id=message_id, unreachable=row.recipient, extra={"lost": lost}
    )
    notices.enqueue_for(conn, desk, now, scene)


def _judged(fate: Fate) -> dict[str, object]:
    return {"severity": fate.severity.value, "why": fate.reason.value, "status": fate.code}


def _words(fate: Fate) -> str:
    """The remote server's words, with the status where they lack it, and who said them."""
    status = "" if fate.status in fate.words else fate.status
    words = " ".join(filter(None, (status, fate.words))) or "no reason was given"
    return f"{words} (reported by {fate.mta})" if fate.mta else words
