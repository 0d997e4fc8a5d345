"""Tickets, their messages and their history."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from helpdeskd.model.mail import Kind, Verdict


class State(StrEnum):
    NEW = "new"
    AWAITING_CUSTOMER = "awaiting_customer"  # staff answered
    AWAITING_STAFF = "awaiting_staff"  # the customer answered
    IN_PROGRESS = "in_progress"
    PENDING = "pending"  # until pending_until
    CLOSED = "closed"
    MERGED = "merged"  # into merged_into


class Priority(StrEnum):
    LOW = "low"
    NORMAL = "normal"
    HIGH = "high"
    URGENT = "urgent"


class Visibility(StrEnum):
    PUBLIC = "public"
    INTERNAL = "internal"
    SYSTEM = "system"


class History(StrEnum):
    """Kinds of entries in a ticket's append-only history."""

    OPENED = "opened"
    CUSTOMER_REPLIED = "customer-replied"
    STAFF_REPLIED = "staff-replied"
    NOTED = "noted"
    KEPT = "kept"  # a mail that has no public voice: unverified, automatic, from a stranger
    STATE_CHANGED = "state-changed"
    REOPENED = "reopened"
    ASSIGNED = "assigned"
    PRIORITY_CHANGED = "priority-changed"
    DEPARTMENT_CHANGED = "department-changed"
    SUBJECT_CHANGED = "subject-changed"
    TAGGED = "tagged"
    UNTAGGED = "untagged"
    LINKED = "linked"
    MERGED = "merged"
    PARTICIPANT_ADDED = "participant-added"
    PARTICIPANT_REMOVED = "participant-removed"
    COMMANDED = "commanded"
    MAIL_FAILED = "mail-failed"
    MAIL_UNKNOWN = "mail-unknown"
    MAIL_BOUNCED = "mail-bounced"
    MAIL_REPORTED = "mail-reported"  # a delivery report that tells no loss: delayed, delivered, relayed, expanded
    MAIL_RETRIED = "mail-retried"  # somebody had it sent again
    MAIL_CANCELLED = "mail-cancelled"


@dataclass(frozen=True, slots=True)
class Ticket:
    id: int
    number: int
    subject: str
    state: State
    pending_until: datetime | None
    priority: Priority
    department_id: int
    requester_id: int
    assignee_id: int | None
    merged_into: int | None
    language: str
    created_at: datetime
    updated_at: datetime
    closed_at: datetime | None

    @property
    def is_closed(self) -> bool:
        return self.state in {State.CLOSED, State.MERGED}

    @property
    def tag(self) -> str:
        """What stands in subjects: [#123456]."""
        return f"[#{self.number}]"


@dataclass(frozen=True, slots=True)
class Message:
    id: int
    ticket_id: int
    visibility: Visibility
    author_id: int | None
    author_name: str  # as the mail's From said, for mails of people we do not know
    author_email: str
    message_id: str | None  # the Message-ID's key
    subject: str
    text: str
    quote: str
    html: str
    raw_sha256: str | None
    kind: Kind
    reason: str
    verdict: Verdict
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Attachment:
    id: int
    message_id: int
    position: int
    name: str
    content_type: str
    size: int
    sha256: str
    content_id: str
    inline: bool


@dataclass(frozen=True, slots=True)
class HistoryEntry:
    id: int
    ticket_id: int
    at: datetime
    kind: History
    actor_id: int | None
    message_id: int | None
    detail: dict[str, object]
