"""Messages: storing one with its references and files."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection, bindparam, func, insert, select

from helpdeskd.desk import limits, search
from helpdeskd.desk.context import SYSTEM, Part, Words
from helpdeskd.model.people import Person
from helpdeskd.model.ticket import Ticket, Visibility
from helpdeskd.store import schema

# Of a longer chain the first, which names the thread, and the nearest ones.
MAX_REFERENCES = 100

_m = schema.message.c
_INSERT = insert(schema.message).returning(_m.id)
_REFERENCES = insert(schema.message_ref)
_FILES = insert(schema.attachment)
_FIRST = select(func.min(_m.id)).where(
    _m.ticket_id == bindparam("ticket_id"),
    _m.visibility != Visibility.SYSTEM.value,
)


def enter(conn: Connection, now: datetime, ticket: Ticket, text: str) -> int:
    """An entry of the desk's own in the ticket; its id."""
    words = Words(text, subject=ticket.subject, reason=SYSTEM)
    message_id = store(conn, now, ticket.id, Visibility.SYSTEM, None, words)
    search.say(conn, ticket.id, Visibility.SYSTEM, words)
    return message_id


def store(
    conn: Connection,
    now: datetime,
    ticket_id: int,
    visibility: Visibility,
    author: Person | None,
    words: Words,
    *,
    limited: bool = True,
) -> int:
    """A new message of the ticket; its id. The ticket itself, history and notices are the caller's. `limited`: its files must be
    within the department's limits, as those of a mail are already. Raises Refused: file-too-large, too-many-files."""
    if words.parts and words.arrival_id is None and limited:
        limits.check(conn, ticket_id, words.parts)
    message_id: int = conn.execute(
        _INSERT,
        {
            "ticket_id": ticket_id,
            "visibility": visibility.value,
            "author_id": None if author is None else author.id,
            "author_name": words.author_name or (author.name if author is not None else ""),
            "author_email": words.author_email or (author.email if author is not None else ""),
            "mail_id": words.mail_id,
            "subject": words.subject,
            "text": words.text,
            "quote": words.quote,
            "html": words.html,
            "raw_sha256": words.raw_sha256,
            "kind": words.kind.value,
            "reason": str(words.reason),
            "verdict": words.verdict.value,
            "date": words.date,
            "created_at": now,
            "arrival_id": words.arrival_id,
        },
    ).scalar_one()
    named = _references(words)
    if named:
        conn.execute(_REFERENCES, [{"message_id": message_id, "mail_id": mail_id} for mail_id in named])
    attach(conn, message_id, words.parts)
    return message_id


def attach(conn: Connection, message_id: int, parts: tuple[Part, ...]) -> None:
    """The files of a message that has none yet."""
    if parts:
        conn.execute(
            _FILES,
            [{"message_id": message_id, **file_columns(part, position)} for position, part in enumerate(parts)],
        )


def file_columns(part: Part, position: int) -> dict[str, object]:
    """A row of `attachment`, but for what it hangs on."""
    return {
        "position": position,
        "name": part.name,
        "content_type": part.content_type,
        "size": part.size,
        "sha256": part.sha256,
        "content_id": part.content_id,
        "inline": part.inline,
        "found_type": part.found_type,
        "danger": None if part.danger is None else part.danger.value,
        "released_at": part.released_at,
    }


def _references(words: Words) -> tuple[str, ...]:
    named = tuple(each for each in dict.fromkeys(words.references) if each and each != words.mail_id)
    return named if len(named) <= MAX_REFERENCES else (named[0], *named[1 - MAX_REFERENCES :])


def first(conn: Connection, ticket_id: int) -> int | None:
    """The message that opened a ticket."""
    found: int | None = conn.execute(_FIRST, {"ticket_id": ticket_id}).scalar()
    return found
