"""Rows of the store as records of the model: the columns to select, in order, and what to make of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Column

from helpdeskd.model.files import Danger, FilePolicy
from helpdeskd.model.mail import Kind, Verdict
from helpdeskd.model.people import Department, Person, PersonKind, ReplyTokens
from helpdeskd.model.ticket import (
    Attachment,
    History,
    HistoryEntry,
    Message,
    Origin,
    Priority,
    Side,
    State,
    Ticket,
    Visibility,
)
from helpdeskd.store import schema

_t, _p, _d, _m, _a, _h = (
    schema.ticket.c,
    schema.person.c,
    schema.department.c,
    schema.message.c,
    schema.attachment.c,
    schema.history.c,
)

TICKET: tuple[Column[Any], ...] = (
    _t.id,
    _t.number,
    _t.subject,
    _t.state,
    _t.pending_until,
    _t.priority,
    _t.department_id,
    _t.requester_id,
    _t.assignee_id,
    _t.merged_into,
    _t.language,
    _t.created_at,
    _t.updated_at,
    _t.closed_at,
    _t.origin,
    _t.opened_by_id,
    _t.started_at,
    _t.due_at,
    _t.replies,
    _t.last_side,
    _t.last_author_id,
    _t.seconds_spent,
    _t.removed_at,
)
PERSON: tuple[Column[Any], ...] = (
    _p.id,
    _p.kind,
    _p.name,
    _p.email,
    _p.level,
    _p.language,
    _p.disabled_at,
    _p.wants_mail,
    _p.unreached_at,
    _p.muted_at,
    _p.known_at,
)
DEPARTMENT: tuple[Column[Any], ...] = (
    _d.id,
    _d.name,
    _d.sender_name,
    _d.private,
    _d.follow_up_days,
    _d.reply_tokens,
    _d.verp,
    _d.cc_participates,
    _d.language,
    _d.files,
    _d.max_files,
    _d.max_file_mb,
)
MESSAGE: tuple[Column[Any], ...] = (
    _m.id,
    _m.ticket_id,
    _m.visibility,
    _m.author_id,
    _m.author_name,
    _m.author_email,
    _m.mail_id,
    _m.subject,
    _m.text,
    _m.quote,
    _m.html,
    _m.raw_sha256,
    _m.kind,
    _m.reason,
    _m.verdict,
    _m.created_at,
)
ATTACHMENT: tuple[Column[Any], ...] = (
    _a.id,
    _a.message_id,
    _a.position,
    _a.name,
    _a.content_type,
    _a.size,
    _a.sha256,
    _a.content_id,
    _a.inline,
    _a.found_type,
    _a.danger,
    _a.released_at,
)
HISTORY: tuple[Column[Any], ...] = (_h.id, _h.ticket_id, _h.at, _h.kind, _h.actor_id, _h.message_id, _h.detail)

Row = Sequence[Any]


def ticket(row: Row) -> Ticket:
    """From the columns TICKET; more columns may follow."""
    return Ticket(
        id=row[0],
        number=row[1],
        subject=row[2],
        state=State(row[3]),
        pending_until=row[4],
        priority=Priority(row[5]),
        department_id=row[6],
        requester_id=row[7],
        assignee_id=row[8],
        merged_into=row[9],
        language=row[10],
        created_at=row[11],
        updated_at=row[12],
        closed_at=row[13],
        origin=Origin(row[14]),
        opened_by_id=row[15],
        started_at=row[16],
        due_at=row[17],
        replies=row[18],
        last_side=Side(row[19]),
        last_author_id=row[20],
        seconds_spent=row[21],
        removed_at=row[22],
    )


def person(row: Row) -> Person:
    """From the columns PERSON; more columns may follow."""
    person_id, kind, name, email, level, language, disabled_at, wants_mail, unreached_at, muted_at, known_at = row[:11]
    return Person(
        person_id,
        PersonKind(kind),
        name,
        email,
        level,
        language,
        disabled_at,
        wants_mail,
        unreached_at,
        muted_at,
        known=known_at is not None,
    )


def department(row: Row, addresses: tuple[str, ...]) -> Department:
    """From the columns DEPARTMENT, and its addresses in order."""
    department_id, name, sender_name, private, follow_up_days, reply_tokens, verp, cc_participates, language = row[:9]
    files, max_files, max_file_mb = row[9:12]
    return Department(
        id=department_id,
        name=name,
        address=addresses[0] if addresses else "",
        addresses=addresses,
        sender_name=sender_name,
        private=private,
        follow_up_days=follow_up_days,
        reply_tokens=ReplyTokens(reply_tokens),
        verp=verp,
        cc_participates=cc_participates,
        language=language,
        files=FilePolicy(files),
        max_files=max_files,
        max_file_mb=max_file_mb,
    )


def message(row: Row) -> Message:
    """From the columns MESSAGE; more columns may follow."""
    return Message(
        id=row[0],
        ticket_id=row[1],
        visibility=Visibility(row[2]),
        author_id=row[3],
        author_name=row[4],
        author_email=row[5],
        message_id=row[6],
        subject=row[7],
        text=row[8],
        quote=row[9],
        html=row[10],
        raw_sha256=row[11],
        kind=Kind(row[12]),
        reason=row[13],
        verdict=Verdict(row[14]),
        created_at=row[15],
    )


def attachment(row: Row) -> Attachment:
    """From the columns ATTACHMENT; more columns may follow."""
    return Attachment(
        id=row[0],
        message_id=row[1],
        position=row[2],
        name=row[3],
        content_type=row[4],
        size=row[5],
        sha256=row[6],
        content_id=row[7],
        inline=row[8],
        found_type=row[9],
        danger=None if row[10] is None else Danger(row[10]),
        released_at=row[11],
    )


def history(row: Row) -> HistoryEntry:
    """From the columns HISTORY."""
    entry_id, ticket_id, at, kind, actor_id, message_id, detail = row[:7]
    return HistoryEntry(entry_id, ticket_id, at, History(kind), actor_id, message_id, detail)
