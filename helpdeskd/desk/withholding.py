"""What a ticket says where a ceiling withheld automatic mail, each time in its history and once among its messages, or left people out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Connection, bindparam, select

from helpdeskd.desk import history, messages
from helpdeskd.desk.context import Skipped
from helpdeskd.desk.history import Entry
from helpdeskd.model.ticket import History, Ticket
from helpdeskd.store import schema

_h = schema.history.c
_SAID = select(_h.id).where(_h.ticket_id == bindparam("ticket_id"), _h.kind == History.WITHHELD.value).limit(1)


def write(conn: Connection, now: datetime, ticket: Ticket, message_id: int | None, mails: Sequence[Skipped]) -> None:
    """`mails` were not queued, each by the ceiling it names."""
    said = conn.execute(_SAID, {"ticket_id": ticket.id}).first() is not None
    counted = Counter((each.notice.value, each.why.value) for each in mails)
    told = ", ".join(f"{n} {notice} ({why})" for (notice, why), n in counted.items())
    history.write(conn, now, Entry(ticket.id, History.WITHHELD, None, message_id, {"mails": told}))
    if said:
        return
    text = f"A ceiling on automatic mail is reached; not sent: {told}.\nWhat else is withheld here is in the history."
    messages.enter(conn, now, ticket, text)


def left_out(conn: Connection, now: datetime, ticket: Ticket, people: int) -> None:
    """So many of To and Cc take no part."""
    text = f"A ceiling is reached (people): {people} more in To and Cc were not made participants."
    messages.enter(conn, now, ticket, text)
