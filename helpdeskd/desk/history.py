"""The append-only history of tickets. Nothing here, or anywhere, updates or deletes an entry."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import Connection, insert, select

from helpdeskd.desk import rows
from helpdeskd.model.ticket import History, HistoryEntry
from helpdeskd.store import schema

_INSERT = insert(schema.history)


@dataclass(frozen=True, slots=True)
class Entry:
    """What happened. `detail` holds plain JSON values: from and to of a change, a reason, a number."""

    ticket_id: int
    kind: History
    actor_id: int | None = None
    message_id: int | None = None
    detail: Mapping[str, object] = field(default_factory=dict)


def write(conn: Connection, now: datetime, *entries: Entry) -> None:
    """Add entries, all at `now`, in the order given."""
    if not entries:
        return
    conn.execute(
        _INSERT,
        [
            {
                "ticket_id": entry.ticket_id,
                "at": now,
                "kind": entry.kind.value,
                "actor_id": entry.actor_id,
                "message_id": entry.message_id,
                "detail": dict(entry.detail),
            }
            for entry in entries
        ],
    )


def of(conn: Connection, ticket_id: int) -> tuple[HistoryEntry, ...]:
    """A ticket's history, oldest first."""
    found = select(*rows.HISTORY).where(schema.history.c.ticket_id == ticket_id).order_by(schema.history.c.id)
    return tuple(rows.history(row) for row in conn.execute(found))
