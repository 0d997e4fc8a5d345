"""Tickets, their messages and their history."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from helpdeskd.model.files import Danger
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


class Origin(StrEnum):
    """By what way a ticket was opened."""

    EMAIL = "email"
    WEB = "web"
    WIDGET = "widget"
    API = "api"
    SCHEDULER = "scheduler"
    MOBILE = "mobile"
    PHONE = "phone"
    CHAT = "chat"
    IN_PERSON = "in_person"
    CLI = "cli"


class Side(StrEnum):
    """Who wrote last in public."""

    NOBODY = ""
    CUSTOMER = "customer"
    STAFF = "staff"


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
    DATED = "dated"  # somebody set a date: when it was created or closed, or is due
    TAGGED = "tagged"
    UNTAGGED = "untagged"
    LINKED = "linked"
    UNLINKED = "unlinked"
    MERGED = "merged"
    PARTICIPANT_ADDED = "participant-added"
    PARTICIPANT_REMOVED = "participant-removed"
    TIME_SPENT = "time-spent"
    FIELD_CHANGED = "field-changed"  # a custom one
    REQUESTER_CHANGED = "requester-changed"  # by staff, or because two people turned out to be one
    COMMANDED = "commanded"
    MAIL_FAILED = "mail-failed"
    MAIL_UNKNOWN = "mail-unknown"
    MAIL_BOUNCED = "mail-bounced"
    MAIL_REPORTED = "mail-reported"  # a delivery report that tells no loss: delayed, delivered, relayed, expanded
    MAIL_RETRIED = "mail-retried"  # somebody had it sent again
    MAIL_CANCELLED = "mail-cancelled"
    MAIL_WITHHELD = "mail-withheld"  # automatic mail, to an address that is muted: once for a ticket
    WITHHELD = "withheld"  # automatic mails, by a ceiling
    LEFT_OUT = "left-out"  # people in Cc, by a ceiling
    CUT = "cut"  # a limit left something out of a mail's message
    FILE_REMOVED = "file-removed"
    FILE_RELEASED = "file-released"
    FILES_WITHHELD = "files-withheld"  # of an answer: the department's policy lets them go to nobody, or not yet
    REMOVED = "removed"  # its words and files are gone; what happened stays
    FORWARDED = "forwarded"  # the conversation, to somebody outside
    EDITED = "edited"  # somebody changed the words of a message
    REPARSED = "reparsed"  # a message was derived again from its mail, and is another now


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
    origin: Origin = Origin.EMAIL
    opened_by_id: int | None = None  # who opened it, where that was not the requester
    started_at: datetime | None = None  # the first public answer of staff
    due_at: datetime | None = None
    replies: int = 0  # public messages after the first
    last_side: Side = Side.NOBODY
    last_author_id: int | None = None
    seconds_spent: int = 0
    removed_at: datetime | None = None  # a tombstone: its words and files are gone

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
    message_id: int | None  # None: it hangs on an article or an asset
    position: int
    name: str
    content_type: str
    size: int
    sha256: str
    content_id: str
    inline: bool
    found_type: str | None = None  # by the bytes, as mail.filetypes has it; None: nobody has looked
    danger: Danger | None = None
    released_at: datetime | None = None  # a member of staff has let a held one go


@dataclass(frozen=True, slots=True)
class HistoryEntry:
    id: int
    ticket_id: int
    at: datetime
    kind: History
    actor_id: int | None
    message_id: int | None
    detail: dict[str, object]
