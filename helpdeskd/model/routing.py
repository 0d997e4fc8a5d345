"""What routing reads and what it says: Inbound + Facts -> Decision."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from helpdeskd.model.people import Department, Person
from helpdeskd.model.ticket import Ticket


class Evidence(StrEnum):
    """What tied a mail to a ticket, strongest first: the first that answers decides and is the stored reason."""

    REPLY_TOKEN = "reply-token"  # in the recipient address
    OWN_MESSAGE_ID = "own-message-id"  # ours, in In-Reply-To or References
    STORED_MESSAGE_ID = "stored-message-id"  # another message's, in In-Reply-To or References
    REFERENCED_BY_STORED = "referenced-by-stored"  # an existing message references this mail
    SHARED_ROOT = "shared-root"  # both reference a message we never saw
    SUBJECT_TAG = "subject-tag"


@dataclass(frozen=True, slots=True)
class Match:
    """One ticket a mail may belong to. `ticket` is where merges lead; `bound_to` is the person whose token or
    copy it was (REPLY_TOKEN, OWN_MESSAGE_ID), else None."""

    evidence: Evidence
    ticket: Ticket
    bound_to: int | None
    participants: frozenset[int]  # ids of requester, participants
    subjects: frozenset[str]  # base subjects (mail.ids.base_subject) seen in the ticket
    merged_from: int | None = None


@dataclass(frozen=True, slots=True)
class Facts:
    """What the store knows about one mail for one department. The only thing the store hands to routing."""

    department: Department
    author: Person | None
    author_is_ours: bool  # From is one of our own addresses
    staff_departments: frozenset[int]  # of the author
    matches: tuple[Match, ...]  # strongest first; several tickets only for several reply tokens
    same_mail: tuple[int, int] | None  # (ticket id, message id) that already holds this very mail here
    old_mail: bool  # arrived long before we saw it (IMAP backfill): no automatic answers
    follow_up_days: int
    contact_days: int  # after so many days a token without References is an address-book contact


class Action(StrEnum):
    OPEN = "open"  # a new ticket
    APPEND = "append"  # in public, by customer or participant
    ANSWER = "answer"  # in public, by staff, sent to the requester
    COMMAND = "command"  # staff commands, with or without text
    INTERNAL = "internal"  # kept in the ticket, not in public
    DUPLICATE = "duplicate"
    HOLD = "hold"  # kept without a ticket: automatic mail that belongs to none


class Reason(StrEnum):
    """Why a decision is what it is; stored, logged, shown, asserted."""

    REPLY_TOKEN = "reply-token"
    OWN_MESSAGE_ID = "own-message-id"
    STORED_MESSAGE_ID = "stored-message-id"
    REFERENCED_BY_STORED = "referenced-by-stored"
    SHARED_ROOT = "shared-root"
    SUBJECT_TAG = "subject-tag"
    NEW = "new"
    STRANGER = "stranger"  # evidence points to a ticket its author takes no part in
    UNVERIFIED = "unverified"  # the verdict is fail
    NOT_YOUR_TOKEN = "not-your-token"  # staff without their own token
    AUTOMATIC = "automatic"  # never public, never a reopening
    NO_SURE_CUT = "no-sure-cut"  # our notice's text stands in a staff answer: kept internal, author told
    TOKEN_AS_CONTACT = "token-as-contact"  # a remembered reply address, another subject
    FOLLOW_UP_OVER = "follow-up-over"  # closed longer than the department allows
    SAME_MAIL = "same-mail"
    OWN_ADDRESS = "own-address"
    COMMANDS = "commands"
    NULL_SENDER = "no-author"  # no usable From


@dataclass(frozen=True, slots=True)
class Decision:
    """One per ticket concerned (several only for several reply tokens). `link_to`: a new ticket remembers the old one."""

    action: Action
    reason: Reason
    ticket_id: int | None = None
    link_to: int | None = None
    reopen: bool = False
    acknowledge: bool = False
    evidence: tuple[str, ...] = ()  # every evidence found, in order, for `mail explain`


class Outcome(StrEnum):
    """What became of an arrival: exactly one each."""

    OPENED = "opened"
    APPENDED = "appended"
    INTERNAL = "internal"
    COMMAND = "command"
    AUTOMATIC = "automatic"
    DUPLICATE = "duplicate"
    HELD = "held"
    PARKED = "parked"
