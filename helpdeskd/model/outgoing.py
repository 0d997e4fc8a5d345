"""What goes out: a row of the outbox and what became of it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any


class NoticeName(StrEnum):
    """One folder each in templates/mail, one row each in desk.notices."""

    ACKNOWLEDGEMENT = "acknowledgement"  # to the requester: your mail is a ticket
    STAFF_REPLY = "staff_reply"  # to requester and participants: the answer itself
    FORWARD = "forward"  # to an address outside that staff named: the conversation
    NEW_TICKET = "new_ticket"  # to staff
    CUSTOMER_REPLIED = "customer_replied"  # to staff
    ASSIGNED = "assigned"  # to the assignee
    TICKET_CLOSED = "ticket_closed"  # to the requester
    FOLLOW_UP_REFUSED = "follow_up_refused"  # to the customer: a new ticket was opened instead
    KEPT_INTERNAL = "kept_internal"  # to staff: your reply was kept as a note, and why
    COMMANDS_DONE = "commands_done"  # to staff: confirmation, or the list of commands
    WELCOME = "welcome"  # to a new member of staff, with a set-password link
    CUSTOMER_WELCOME = "customer_welcome"  # to a customer whom somebody else added, with a set-password link
    PASSWORD_RESET = "password_reset"  # to who asked for it, with a link to set another password
    DELIVERY_FAILED = "delivery_failed"  # to staff: a mail of the ticket did not reach its reader
    ALARM = "alarm"  # to the operators: something is wrong, or no longer


class Ceiling(StrEnum):
    """On automatic mail: the settings of [ceilings], by their names."""

    PER_TICKET = "per_ticket"
    PER_TICKET_KEPT = "per_ticket_kept"
    PER_ADDRESS = "per_address"
    PER_DOMAIN = "per_domain"
    TOTAL = "total"
    UNKNOWN_ADDRESS = "unknown_address"
    UNKNOWN = "unknown"
    STAFF_ADDRESS = "staff_address"
    STAFF = "staff"


class OutboxState(StrEnum):
    QUEUED = "queued"
    SENDING = "sending"  # committed before the final dot, with the frozen bytes
    DEFERRED = "deferred"
    SENT = "sent"
    FAILED = "failed"
    UNKNOWN = "unknown"  # an automatic notice cut off after the dot: not sent again
    CANCELLED = "cancelled"  # somebody said so while it waited
    BOUNCED = "bounced"  # taken by the relay, given up behind it: a delivery report says so


@dataclass(frozen=True, slots=True)
class OutboxRow:
    """One mail to one recipient. Everything that decides its bytes is fixed at enqueue."""

    id: int
    notice: NoticeName
    automatic: bool  # True: a notice, never sent twice; False: a person's own words, sent again when uncertain
    department_id: int
    ticket_id: int | None
    message_id: int | None  # the message it carries or speaks of
    person_id: int | None  # the recipient, where known; its reply token is bound to it
    recipient: str
    language: str
    context: dict[str, Any]  # snapshot for the template: plain JSON values
    mail_id: str  # our Message-ID, without brackets
    references: tuple[str, ...]  # Message-IDs, oldest first; the last one is In-Reply-To
    reply_token: str  # empty: none
    envelope_token: str
    state: OutboxState
    attempts: int
    created_at: datetime
    next_at: datetime
    raw_sha256: str | None  # the frozen bytes, once composed
    last_reply: str  # the server's words
    server_id: str
    possibly_twice: bool
    owner: str
    lease_until: datetime | None
    sent_at: datetime | None
    raw_gone_at: datetime | None = None  # when the frozen bytes were let go (keep.outbox_days)


class Ended(StrEnum):
    """What one attempt came to."""

    SENT = "sent"
    RETRY = "retry"  # 4xx, or no connection
    REFUSED = "refused"  # 5xx
    UNCERTAIN = "uncertain"  # the connection broke after the final dot
    ASKED = "asked"  # no try: somebody wants it sent again, and the days and steps of trying begin anew


@dataclass(frozen=True, slots=True)
class Sent:
    """What the relay said to one mail. `words` are its reply, code included, for people; `to_rcpt`: its answer to RCPT, which is
    about the recipient alone."""

    ended: Ended
    code: int
    words: str
    server_id: str = ""
    to_rcpt: bool = False
