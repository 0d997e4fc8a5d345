"""Files that hang on messages: who may have them, letting held ones go, taking them away.

What a department does with dangerous ones is its policy (model.files.FilePolicy); all of them are kept, and the mail that brought one
stays as it came.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Connection, bindparam, delete, select, update

from helpdeskd.desk import departments, history, rows, search, sight, tickets
from helpdeskd.desk.context import Desk
from helpdeskd.desk.danger import kept_back
from helpdeskd.desk.history import Entry
from helpdeskd.desk.sight import Act
from helpdeskd.errors import NotFound, Refused
from helpdeskd.model.files import FilePolicy, Withheld
from helpdeskd.model.people import Person
from helpdeskd.model.ticket import Attachment, History, Ticket, Visibility
from helpdeskd.store import schema

_a, _m = schema.attachment.c, schema.message.c
_ONE = (
    select(*rows.ATTACHMENT, _m.ticket_id, _m.visibility)
    .outerjoin(schema.message, _m.id == _a.message_id)
    .where(_a.id == bindparam("file_id"))
)


def _one(conn: Connection, file_id: int) -> Any:
    row = conn.execute(_ONE, {"file_id": file_id}).one_or_none()
    if row is None:
        raise NotFound("attachment", file_id)
    return row


def get(conn: Connection, file_id: int) -> Attachment:
    """Whoever asks. Raises NotFound."""
    return rows.attachment(_one(conn, file_id))


def check_outside(conn: Connection, file: Attachment, ticket: Ticket) -> None:
    """May somebody have it who does not work on the ticket? Raises Refused: file-held, file-refused."""
    _refuse(file, kept_back(departments.get(conn, ticket.department_id), file))


def check_program(conn: Connection, file: Attachment) -> None:
    """May a key have it that belongs to nobody? It is the team's own, but nobody has looked at what is held. Raises Refused("file-held")."""
    department = departments.get(conn, tickets.get(conn, _one(conn, file.id).ticket_id).department_id)
    if department.files is FilePolicy.HOLD:
        _refuse(file, kept_back(department, file))


def _refuse(file: Attachment, why: Withheld | None) -> None:
    if why is Withheld.HELD:
        raise Refused("file-held", f"file {file.id} is held until a member of staff releases it")
    if why is Withheld.REFUSED:
        raise Refused("file-refused", f"file {file.id} is not given to anybody but staff")


def release(conn: Connection, desk: Desk, now: datetime, *, file_id: int, actor: Person) -> tuple[Attachment, Ticket]:
    """From now on it is treated as other files are; mails that have gone out without it are not sent again.

    Raises NotFound; Refused: not-permitted, not-held.
    """
    row = _one(conn, file_id)
    if row.ticket_id is None:
        raise Refused("not-held", f"file {file_id} hangs on no ticket")
    ticket = tickets.resolve(conn, row.ticket_id, locked=True)
    sight.check(conn, sight.of(conn, actor), ticket, Act.WORK)
    file = rows.attachment(row)
    why = kept_back(departments.get(conn, ticket.department_id), file)
    if why is Withheld.REFUSED:
        raise Refused(
            "not-held", f"file {file_id} is refused, not held: the department's policy decides (department set --files)"
        )
    if why is None:
        raise Refused("not-held", f"file {file_id} is not held")
    conn.execute(update(schema.attachment).where(_a.id == file_id).values(released_at=now))
    history.write(conn, now, Entry(ticket.id, History.FILE_RELEASED, actor.id, row.message_id, {"name": file.name}))
    return file, ticket


def remove(
    conn: Connection, desk: Desk, now: datetime, *, attachment_id: int, actor: Person | None, public: bool = False
) -> None:
    """The row goes, the bytes with the next sweep; a mail that brought it stays as it came. `public`: only if it hangs on what was
    said in public. Raises NotFound."""
    row = _one(conn, attachment_id)
    if public and row.visibility != Visibility.PUBLIC.value:
        raise NotFound("attachment", attachment_id)
    conn.execute(delete(schema.attachment).where(_a.id == attachment_id))
    if row.ticket_id is not None:
        search.rebuild(conn, row.ticket_id)
        actor_id = None if actor is None else actor.id
        entry = Entry(row.ticket_id, History.FILE_REMOVED, actor_id, row.message_id, {"name": row.name})
        history.write(conn, now, entry)
