"""Files that hang on messages: taken away again."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection, delete, select

from helpdeskd.desk import history, search
from helpdeskd.desk.context import Desk
from helpdeskd.desk.history import Entry
from helpdeskd.errors import NotFound
from helpdeskd.model.people import Person
from helpdeskd.model.ticket import History, Visibility
from helpdeskd.store import schema

_a, _m = schema.attachment.c, schema.message.c


def remove(
    conn: Connection, desk: Desk, now: datetime, *, attachment_id: int, actor: Person | None, public: bool = False
) -> None:
    """The row goes, the bytes with the next sweep; a mail that brought it stays as it came. `public`: only if it hangs on what was
    said in public. Raises NotFound."""
    row = conn.execute(
        select(_a.name, _m.id, _m.ticket_id, _m.visibility)
        .outerjoin(schema.message, _m.id == _a.message_id)
        .where(_a.id == attachment_id)
    ).one_or_none()
    if row is None or (public and row.visibility != Visibility.PUBLIC.value):
        raise NotFound("attachment", attachment_id)
    conn.execute(delete(schema.attachment).where(_a.id == attachment_id))
    if row.ticket_id is not None:
        search.rebuild(conn, row.ticket_id)
        actor_id = None if actor is None else actor.id
        history.write(conn, now, Entry(row.ticket_id, History.FILE_REMOVED, actor_id, row.id, {"name": row.name}))
