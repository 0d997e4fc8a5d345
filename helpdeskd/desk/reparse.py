"""Deriving stored messages from their mails again, after the parser has learnt something.

What was decided, told and sent stays: a message says more or better what its mail says, and the history that it does.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, and_, bindparam, delete, exists, select, update

from helpdeskd.desk import commands, departments, derive, history, limits, messages, search, tickets
from helpdeskd.desk.context import Desk, Part
from helpdeskd.desk.derive import Derived, Form
from helpdeskd.desk.history import Entry
from helpdeskd.model.mail import Inbound
from helpdeskd.model.routing import Reason
from helpdeskd.model.ticket import History, Visibility
from helpdeskd.store import schema, scrub

PAGE = 100

_m, _a, _h, _f = schema.message.c, schema.arrival.c, schema.history.c, schema.attachment.c
FILES = "attachments"
_COLUMNS = ("subject", "date", "text", "quote", "html")
_FILE = ("name", "content_type", "size", "sha256", "content_id", "inline")
_LOOK = ("found_type", "danger")
_STORED = (
    select(_m.ticket_id, _m.reason, _m.visibility, _a.department_id, *(_m[name] for name in _COLUMNS))
    .join(schema.arrival, _m.arrival_id == _a.id)
    .where(
        _m.id == bindparam("message_id"),
        _m.gone_at.is_(None),  # what was let go since `sources` does not come back
        # Somebody has changed its words: it says on purpose something else than its mail.
        ~exists().where(_h.ticket_id == _m.ticket_id, _h.message_id == _m.id, _h.kind == History.EDITED.value),
    )
)
_FILES = (
    select(*(_f[name] for name in (*_FILE, *_LOOK)), _f.id)
    .where(_f.message_id == bindparam("message_id"))
    .order_by(_f.position)
)
_KEPT = and_(_a.raw_gone_at.is_(None), _m.gone_at.is_(None))
_ANSWERED = select(_h.id).where(_h.message_id == bindparam("message_id"), _h.kind == History.STAFF_REPLIED.value)


@dataclass(frozen=True, slots=True)
class Source:
    """A message that came by mail, and the mail. `kept`: neither its words nor the mail's bytes were let go."""

    message_id: int
    spool_id: str
    raw_sha256: str
    kept: bool


@dataclass(frozen=True, slots=True)
class Changed:
    number: int  # the ticket's
    fields: tuple[str, ...]  # columns of the message, and FILES


def sources(conn: Connection, spool_ids: tuple[str, ...] | None, after: int = 0) -> tuple[Source, ...]:
    """The next PAGE messages with an id above `after`: of these mails, or of all whose bytes are kept."""
    wanted = (
        select(_m.id, _a.spool_id, _m.raw_sha256, _KEPT)
        .join(schema.arrival, _m.arrival_id == _a.id)
        .where(_m.id > after, _m.raw_sha256.is_not(None))
        .order_by(_m.id)
        .limit(PAGE)
    )
    wanted = wanted.where(_KEPT if spool_ids is None else _a.spool_id.in_(spool_ids))
    return tuple(Source(*row) for row in conn.execute(wanted))


def changes(
    conn: Connection,
    desk: Desk,
    message_id: int,
    inbound: Inbound,
    parts: tuple[Part, ...],
    passed_on: tuple[Part, ...] = (),
) -> Changed | None:
    """What `rederive` would change; None where nothing differs, or its words are gone. Reads only."""
    found = _compared(conn, desk, message_id, inbound, parts, passed_on)
    return None if found is None else found[0]


def rederive(
    conn: Connection,
    desk: Desk,
    now: datetime,
    message_id: int,
    inbound: Inbound,
    parts: tuple[Part, ...],
    passed_on: tuple[Part, ...] = (),
) -> Changed | None:
    """Store what the mail says now, and note in the history that this is something else. The blobs of `parts` are durable."""
    found = _compared(conn, desk, message_id, inbound, parts, passed_on)
    if found is None:
        return None
    changed, ticket_id, derived = found
    columns = {name: getattr(derived, name) for name in changed.fields if name in _COLUMNS}
    if columns:
        conn.execute(update(schema.message).where(_m.id == message_id).values(columns))
    if FILES in changed.fields:
        _store_files(conn, message_id, derived.parts)
    search.rebuild(conn, ticket_id)
    detail = {"changed": list(changed.fields)}
    history.write(conn, now, Entry(ticket_id, History.REPARSED, None, message_id, detail))
    return changed


def _compared(
    conn: Connection,
    desk: Desk,
    message_id: int,
    inbound: Inbound,
    parts: tuple[Part, ...],
    passed_on: tuple[Part, ...] = (),
) -> tuple[Changed, int, Derived] | None:
    """(what differs, the ticket's id, what is right); None where nothing does."""
    stored = conn.execute(_STORED, {"message_id": message_id}).mappings().one_or_none()
    if stored is None:
        return None
    if stored["department_id"] is not None:  # that of the day it came
        department = departments.get(conn, stored["department_id"])
        inbound, parts = limits.within(inbound, parts, department)
        passed_on = limits.inner(passed_on, department)
    form = _form(conn, message_id, stored["reason"], stored["visibility"])
    if form in {Form.ORIGINAL, Form.COMMENT} and inbound.forward is None:
        return None  # the parser does not see what it saw then, and what it would say instead is not for the customer
    derived = derive.derive(form, inbound, parts, desk.tokens.scrub, passed_on)
    unknown = commands.parse(inbound.text).unknown if form is Form.COMMANDS else ()
    if unknown:
        derived = replace(derived, text=commands.kept_as_note(unknown) + derived.text)
    fields = [name for name in _COLUMNS if scrub.plain(getattr(derived, name)) != stored[name]]
    files = [list(row[:-1]) for row in conn.execute(_FILES, {"message_id": message_id})]
    if files != _columns(derived.parts, (*_FILE, *_LOOK)):
        fields.append(FILES)
    if not fields:
        return None
    ticket_id: int = stored["ticket_id"]
    return Changed(tickets.get(conn, ticket_id).number, tuple(fields)), ticket_id, derived


def _columns(parts: tuple[Part, ...], names: tuple[str, ...]) -> list[Any]:
    known = (messages.file_columns(part, position) for position, part in enumerate(parts))
    return [[scrub.plain(each[name]) for name in names] for each in known]


def _store_files(conn: Connection, message_id: int, parts: tuple[Part, ...]) -> None:
    """The same files that are only known better keep their ids, and what was released stays so."""
    stored = list(conn.execute(_FILES, {"message_id": message_id}))
    if [list(row[: len(_FILE)]) for row in stored] == _columns(parts, _FILE):
        for row, part in zip(stored, parts, strict=True):
            found = messages.file_columns(part, 0)
            conn.execute(update(schema.attachment).where(_f.id == row.id).values({name: found[name] for name in _LOOK}))
        return
    conn.execute(delete(schema.attachment).where(_f.message_id == message_id))
    messages.attach(conn, message_id, parts)


def _form(conn: Connection, message_id: int, reason: str, visibility: str) -> Form:
    """As what it was stored: the decision of that day stands."""
    if reason == Reason.FORWARDED:
        return Form.ORIGINAL if visibility == Visibility.PUBLIC else Form.COMMENT
    if reason == Reason.COMMANDS:
        return Form.COMMANDS
    answered = conn.execute(_ANSWERED, {"message_id": message_id}).first() is not None
    return Form.OUTGOING if answered else Form.WHOLE
