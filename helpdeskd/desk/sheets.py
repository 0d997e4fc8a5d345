"""One ticket as a form shows it: its opening words, its people, tags and files; nothing that who asks may not see."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, bindparam, select

from helpdeskd.desk import catalogue, conversation, directory, messages, rows, sight
from helpdeskd.desk.catalogue import Place
from helpdeskd.desk.directory import Entry
from helpdeskd.desk.sight import Sight
from helpdeskd.errors import NotFound
from helpdeskd.model.ticket import Attachment, Message, Ticket, Visibility
from helpdeskd.store import schema

_m, _a, _tt, _tag = schema.message.c, schema.attachment.c, schema.ticket_tag.c, schema.tag.c

_FILES = (
    select(*rows.ATTACHMENT, _m.created_at, _m.author_id, _m.visibility, _m.ticket_id)
    .join(schema.message, _m.id == _a.message_id)
    .order_by(_a.message_id, _a.position, _a.id)
)
_OF_TICKET = {
    works: _FILES.where(conversation.OF_TICKET, conversation.readable(works=works)) for works in (True, False)
}
_ONE_FILE = _FILES.where(_a.id == bindparam("file_id"))
_MESSAGE = select(*rows.MESSAGE).where(_m.id == bindparam("message_id"))
_TAGS = (
    select(_tt.tag, _tag.id)
    .join(schema.tag, _tag.name == _tt.tag)
    .where(_tt.ticket_id == bindparam("ticket_id"))
    .order_by(_tt.tag)
)


@dataclass(frozen=True, slots=True)
class File:
    """A file, and the message it hangs on."""

    attachment: Attachment
    at: datetime
    author_id: int | None
    internal: bool


@dataclass(frozen=True, slots=True)
class Sheet:
    """`opening`: None where who asks may not read it. `tags`: name -> id, as `tags.numbered` has them. `people` has all that the ticket names."""

    ticket: Ticket
    place: Place
    opening: Message | None
    people: Mapping[int, Entry]
    tags: Mapping[str, int]
    files: tuple[File, ...]


def sheet(conn: Connection, who: Sight, ticket_id: int) -> Sheet:
    """Raises NotFound where there is none they see."""
    ticket = sight.ticket(conn, who, ticket_id)
    works = sight.handles(who, ticket)
    first = messages.first(conn, ticket.id)
    row = None if first is None else conn.execute(_MESSAGE, {"message_id": first}).one_or_none()
    named = (ticket.requester_id, ticket.assignee_id, ticket.opened_by_id)
    return Sheet(
        ticket=ticket,
        place=catalogue.of(conn, ticket.department_id),
        opening=None if row is None else _readable(rows.message(row), works=works),
        people=directory.several(conn, [each for each in named if each is not None]),
        tags={row[0]: row[1] for row in conn.execute(_TAGS, {"ticket_id": ticket.id})},
        files=files(conn, ticket.id, internal=works),
    )


def _readable(opening: Message, *, works: bool) -> Message | None:
    """A mail that is not from whom it says opens a ticket in their name, and is no word of theirs."""
    return opening if works or not conversation.is_internal(opening.visibility, opening.author_id) else None


def files(conn: Connection, ticket_id: int, *, internal: bool) -> tuple[File, ...]:
    """Of all its messages, those of tickets merged into it too, oldest first; those of notes only where asked."""
    return tuple(_file(row) for row in conn.execute(_OF_TICKET[internal], {"ticket_id": ticket_id}))


def file(conn: Connection, who: Sight, file_id: int) -> tuple[File, Ticket]:
    """A file of a message that they may read, and the ticket in which they do. Raises NotFound."""
    row = conn.execute(_ONE_FILE, {"file_id": file_id}).one_or_none()
    if row is None:
        raise NotFound("file", file_id)
    try:
        ticket = sight.ticket(conn, who, row.ticket_id)
    except NotFound as error:
        raise NotFound("file", file_id) from error
    found = _file(row)
    if found.internal and not sight.handles(who, ticket):
        raise NotFound("file", file_id)
    return found, ticket


def _file(row: Any) -> File:
    internal = conversation.is_internal(Visibility(row.visibility), row.author_id)
    return File(rows.attachment(row), row.created_at, row.author_id, internal)
