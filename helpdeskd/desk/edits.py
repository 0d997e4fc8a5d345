"""Words that stand already, changed by somebody. The mail that brought them stays as it came; deriving it again leaves them alone."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, bindparam, select, update

from helpdeskd.desk import conversation, history, rows, search, sight, tickets
from helpdeskd.desk.context import Desk
from helpdeskd.desk.history import Entry
from helpdeskd.desk.sight import Sight
from helpdeskd.errors import NotFound, Refused
from helpdeskd.model.people import Person
from helpdeskd.model.ticket import History, Message, Ticket, Visibility
from helpdeskd.store import schema, scrub

_m = schema.message.c
_ONE = select(*rows.MESSAGE, _m.gone_at).where(_m.id == bindparam("message_id"))
_REWRITE = update(schema.message).where(_m.id == bindparam("changed"))


@dataclass(frozen=True, slots=True)
class _Found:
    message: Message
    gone_at: datetime | None


def _find(conn: Connection, message_id: int) -> _Found:
    row = conn.execute(_ONE, {"message_id": message_id}).one_or_none()
    if row is None:
        raise NotFound("message", message_id)
    return _Found(rows.message(row), row[-1])


def editable(conn: Connection, who: Sight, message_id: int) -> Message:
    """A message that they may rewrite: any of a ticket they work on, elsewhere their own.

    Raises NotFound where there is none they see, Refused("not-permitted").
    """
    message = _find(conn, message_id).message
    try:
        ticket = sight.ticket(conn, who, message.ticket_id)
    except NotFound as error:
        raise NotFound("message", message_id) from error
    if sight.handles(who, ticket):
        return message
    if conversation.is_internal(message.visibility, message.author_id):
        raise NotFound("message", message_id)
    if message.visibility is Visibility.SYSTEM or message.author_id != who.person_id:
        raise Refused("not-permitted", f"message {message_id} is not yours to change")
    return message


def rewrite(
    conn: Connection, desk: Desk, now: datetime, *, message_id: int, text: str, html: str, actor: Person | None
) -> Ticket:
    """These words in place of all that a message said, its quotation too; the ticket in which it is read, after it.

    `html` is clean already (mail.html.clean). Who may: see `editable`. Mails of it that have not left yet say the new words.
    Raises NotFound; Refused: no-words, let-go (its words were let go, and do not come back).
    """
    text, html = scrub.text(text), scrub.text(html)
    if not text.strip() and not html.strip():
        raise Refused("no-words", "a message needs words")
    there = _find(conn, message_id).message.ticket_id
    ticket = tickets.resolve(conn, there, locked=True)
    found = _find(conn, message_id)  # as it is now that nobody else changes it
    if found.gone_at is not None:
        raise Refused("let-go", f"the words of message {message_id} were let go on {found.gone_at:%Y-%m-%d}")
    before = found.message
    if (before.text, before.html, before.quote) == (text, html, ""):
        return ticket
    conn.execute(_REWRITE, {"changed": message_id, "text": text, "html": html, "quote": ""})
    search.rebuild(conn, there)
    # What it said before is not kept: whoever takes words away may have to.
    history.write(conn, now, Entry(there, History.EDITED, None if actor is None else actor.id, message_id))
    return tickets.touch(conn, now, ticket)
