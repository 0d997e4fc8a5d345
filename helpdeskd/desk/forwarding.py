"""A ticket's public conversation, mailed to somebody outside whom a member of staff names.

What is sent stands in the ticket as a note. Whoever gets it gains no voice there: an answer is kept as any stranger's is, and those who
handle the ticket are told.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime

from sqlalchemy import Connection, select

from helpdeskd.desk import addresses, conversation, history, messages, notices, people, rows, search, sight, tickets
from helpdeskd.desk.context import Desk, Part, Posted, Told, Words
from helpdeskd.desk.history import Entry
from helpdeskd.desk.notices import Event
from helpdeskd.desk.sight import Act
from helpdeskd.errors import Refused
from helpdeskd.model.people import Person, PersonKind
from helpdeskd.model.ticket import Attachment, History, Message, Ticket, Visibility
from helpdeskd.store import schema

MAX_ADDRESSES = 20
MAX_LETTERS = 200_000  # of the conversation: of a longer one what was said last

_m, _a = schema.message.c, schema.attachment.c
_PUBLIC = (conversation.OF_TICKET, _m.visibility == Visibility.PUBLIC.value)
_SAID = select(*rows.MESSAGE).where(*_PUBLIC).order_by(_m.id)
_FILES = (
    select(*rows.ATTACHMENT).join(schema.message, _m.id == _a.message_id).where(*_PUBLIC).order_by(_a.message_id, _a.position, _a.id)
)  # fmt: skip


def forward(
    conn: Connection, desk: Desk, now: datetime, *, ticket: Ticket, to: Iterable[str], words: Words, actor: Person
) -> Posted:
    """Mail `words` and below them what was said in public, with its files, to these addresses, one by one.

    Raises NotFound; Refused: not-permitted, no-address, too-many-addresses, bad-address, own-address, no-department.
    """
    ticket = tickets.resolve(conn, ticket.id, locked=True)
    sight.check(conn, sight.of(conn, actor), ticket, Act.WORK)
    wanted = _checked(conn, to)
    happened = tickets.scene(conn, Event.FORWARDED, ticket, actor)
    if happened.department is None or not happened.department.address:
        raise Refused("no-department", f"ticket {ticket.id} is in a department without an address to write from")
    asked = {"ticket_id": ticket.id}
    said = [rows.message(row) for row in conn.execute(_SAID, asked)]
    files = [rows.attachment(row) for row in conn.execute(_FILES, asked)]
    parts = tuple(_again(each) for each in files)
    words = replace(words, text=_letter(conn, words.text, said), html="", parts=(*words.parts, *parts))
    message_id = messages.store(conn, now, ticket.id, Visibility.INTERNAL, actor, words, limited=False)
    search.say(conn, ticket.id, Visibility.INTERNAL, words)
    history.write(conn, now, Entry(ticket.id, History.FORWARDED, actor.id, message_id, {"to": list(wanted)}))
    ticket = tickets.touch(conn, now, ticket)
    told = Told()
    for address in wanted:
        nobody = Person(id=0, kind=PersonKind.CUSTOMER, name="", email=address, level=0, language=ticket.language)
        scene = replace(happened, ticket=ticket, tell=nobody, message_id=message_id, words=words)
        told += notices.enqueue_for(conn, desk, now, scene)
    return Posted(ticket, message_id, told)


def _again(file: Attachment) -> Part:
    """As dangerous as it was, and released where it was."""
    return Part(
        file.name,
        file.content_type,
        file.size,
        file.sha256,
        found_type=file.found_type,
        danger=file.danger,
        released_at=file.released_at,
    )


def _checked(conn: Connection, to: Iterable[str]) -> tuple[str, ...]:
    """Each once, whatever the case of its letters."""
    wanted = tuple({each.lower(): each for each in map(addresses.clean, to)}.values())
    if not wanted:
        raise Refused("no-address", "there is no address to forward it to")
    if len(wanted) > MAX_ADDRESSES:
        raise Refused("too-many-addresses", f"at most {MAX_ADDRESSES} addresses at once")
    own = addresses.ours(conn, wanted)
    if own:
        raise Refused("own-address", f"{min(own)} is one of our own addresses")
    return wanted


def _letter(conn: Connection, note: str, said: list[Message]) -> str:
    known = people.several(conn, {each.author_id for each in said if each.author_id is not None})
    blocks: list[str] = []
    room = MAX_LETTERS
    for message in reversed(said):
        block = (
            f"---- {_author(message, known)}, {message.created_at:%Y-%m-%d %H:%M} UTC ----\n\n{message.text.strip()}"
        )
        room -= len(block)
        if room < 0 and blocks:
            blocks.append("[...]")
            break
        blocks.append(block[:MAX_LETTERS])
    return "\n\n".join(filter(None, (note.strip(), *reversed(blocks))))


def _author(message: Message, known: dict[int, Person]) -> str:
    """Customers with their address, staff by name alone."""
    author = known.get(message.author_id or 0)
    if author is not None and author.kind is PersonKind.STAFF:
        return author.name or "?"
    name, email = message.author_name, message.author_email
    return f"{name} <{email}>" if name and email else name or email or "?"
