"""What was said in a ticket after its first words, and who may read what of it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field

from sqlalchemy import ColumnElement, Connection, and_, bindparam, or_, select, true

from helpdeskd.desk import directory, messages, rows, sight
from helpdeskd.desk.context import SYSTEM
from helpdeskd.desk.directory import Entry
from helpdeskd.desk.sight import Sight
from helpdeskd.model.outgoing import NoticeName
from helpdeskd.model.ticket import Message, Ticket, Visibility
from helpdeskd.store import schema

_m, _t, _o, _a = schema.message.c, schema.ticket.c, schema.outbox.c, schema.attachment.c

# The messages of a ticket and of those merged into it.
OF_TICKET = _m.ticket_id.in_(
    select(_t.id)
    .where(or_(_t.id == bindparam("ticket_id"), _t.merged_into == bindparam("ticket_id")))
    .scalar_subquery()
)
# Everybody reads what was said in public and what somebody entered; our own entries name whom a mail did not reach.
_OPEN = or_(
    _m.visibility == Visibility.PUBLIC.value, and_(_m.visibility == Visibility.SYSTEM.value, _m.author_id.is_not(None))
)


def readable(*, works: bool) -> ColumnElement[bool]:
    """The messages that somebody who sees the ticket reads: all of them where they work on it."""
    return true() if works else _OPEN


def is_internal(visibility: Visibility, author_id: int | None) -> bool:
    """Is it only for those who work on the ticket?"""
    return visibility is Visibility.INTERNAL or (visibility is Visibility.SYSTEM and author_id is None)


_SAID = {
    works: select(*rows.MESSAGE).where(OF_TICKET, _m.id != bindparam("opening"), readable(works=works)).order_by(_m.id)
    for works in (True, False)
}
_ANSWERS = (
    select(_o.message_id, _o.recipient)
    .join(schema.message, _m.id == _o.message_id)
    .where(OF_TICKET, _o.notice == NoticeName.STAFF_REPLY.value)
    .order_by(_o.id)
)
_PICTURES = (
    select(_a.message_id, _a.content_id, _a.id)
    .where(_a.message_id.in_(bindparam("ids", expanding=True)), _a.content_id != "")
    .order_by(_a.id)
)


@dataclass(frozen=True, slots=True)
class Said:
    """`author` is None where the desk, or somebody unknown, wrote it. `recipients`: the addresses it was mailed to, for who works on it.
    `pictures`: the attachments that its HTML shows, by Content-ID."""

    message: Message
    author: Entry | None
    recipients: tuple[str, ...]
    pictures: Mapping[str, int] = field(default_factory=dict)

    @property
    def internal(self) -> bool:
        return is_internal(self.message.visibility, self.message.author_id)

    @property
    def system(self) -> bool:
        return self.message.visibility is Visibility.SYSTEM or self.message.reason == SYSTEM


def said(conn: Connection, who: Sight, ticket: Ticket) -> tuple[Said, ...]:
    """What they may read of it, in the order in which it was written; the first words are the ticket's own."""
    works = sight.handles(who, ticket)
    asked = {"ticket_id": ticket.id, "opening": messages.first(conn, ticket.id) or 0}
    found = [rows.message(row) for row in conn.execute(_SAID[works], asked)]
    people = directory.several(conn, [each.author_id for each in found if each.author_id is not None])
    mailed = _mailed(conn, ticket.id) if works else {}
    pictures = _pictures(conn, [each.id for each in found if "cid:" in each.html])
    return tuple(
        Said(each, people.get(each.author_id or 0), tuple(mailed.get(each.id, ())), pictures.get(each.id, {}))
        for each in found
    )


def _pictures(conn: Connection, message_ids: list[int]) -> Mapping[int, dict[str, int]]:
    found: defaultdict[int, dict[str, int]] = defaultdict(dict)
    if message_ids:
        for row in conn.execute(_PICTURES, {"ids": message_ids}):
            found[row.message_id].setdefault(row.content_id, row.id)
    return found


def _mailed(conn: Connection, ticket_id: int) -> Mapping[int, list[str]]:
    found: defaultdict[int, list[str]] = defaultdict(list)
    for message_id, recipient in conn.execute(_ANSWERS, {"ticket_id": ticket_id}):
        found[message_id].append(recipient)
    return found
