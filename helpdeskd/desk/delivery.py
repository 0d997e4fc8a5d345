"""What a ticket is told of its mails' fate: one that did not arrive, or of which nobody knows."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection

from helpdeskd.desk import history
from helpdeskd.desk.context import Desk
from helpdeskd.desk.history import Entry
from helpdeskd.model.outgoing import OutboxRow, OutboxState
from helpdeskd.model.ticket import History

_KINDS = {OutboxState.FAILED: History.MAIL_FAILED, OutboxState.UNKNOWN: History.MAIL_UNKNOWN}


def record(conn: Connection, desk: Desk, now: datetime, row: OutboxRow, state: OutboxState, words: str) -> None:
    """Write into the ticket's history that `row` ended as `state`; `words` are the server's, or ours. Other ends leave no trace."""
    kind = _KINDS.get(state)
    if kind is None or row.ticket_id is None:
        return
    detail = {
        "notice": row.notice.value,
        "recipient": row.recipient,
        "words": words,
        "mail_id": row.mail_id,
        "outbox": row.id,
    }
    history.write(conn, now, Entry(row.ticket_id, kind, None, row.message_id, detail))
