"""What routing reads and what it says: Inbound + Facts -> Decision."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from helpdeskd.model.mail import Address, Fate, Inbound
from helpdeskd.model.people import Department, Person, PersonKind
from helpdeskd.model.ticket import Ticket
from helpdeskd.model.trust import Profile


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
    subjects: frozenset[
        str
    ]  # base subjects (mail.ids.base_subject) seen in the ticket; may be empty where no step reads it
    merged_from: int | None = None  # the ticket the evidence named, where a merge led on from it
    credential: bool = (
        False  # this is the token of `bound_to`: a reply token, or our Message-ID where no token was sent along
    )

    def given_to(self, person: Person) -> bool:
        """Is it a token of this very person's own?"""
        return self.credential and self.bound_to == person.id


@dataclass(frozen=True, slots=True)
class Original:
    """Who wrote what a member of staff passes on. Asked for of nobody else's mail, and only where that address can be written to."""

    address: Address
    person: Person | None
    ours: bool  # one of our own addresses
    old: bool  # older than what is answered when it is found in a mailbox

    @property
    def is_outside(self) -> bool:
        return not self.ours and (self.person is None or self.person.kind is PersonKind.CUSTOMER)


@dataclass(frozen=True, slots=True)
class Facts:
    """What the store knows about one mail for one department. The only thing the store hands to routing."""

    department: Department
    now: datetime
    author: Person | None
    author_is_ours: bool  # From is one of our own addresses
    staff_departments: frozenset[int]  # of the author
    matches: tuple[Match, ...]  # everything found, strongest first
    same_mail: tuple[tuple[int, int | None], ...]  # (ticket id, message id) that hold this very mail here already
    elsewhere: tuple[int, ...]  # tickets of other departments that hold this very mail
    old_mail: bool  # arrived long before we saw it (IMAP backfill): no automatic answers
    follow_up_days: int  # a reply to a ticket closed for longer opens a new one; 0: every reply does
    contact_days: int  # after so many days a token without References is an address-book contact
    opened_elsewhere: bool = False  # one of those was opened by this mail
    from_usable: bool = True  # From holds an address that can be written to
    sender: str = ""  # the envelope's sender, where it can be written to: who wrote when From does not say
    fates: tuple[tuple[int, Fate], ...] = ()  # mails of ours (outbox ids) that it reports on, and what it says of each
    proven: frozenset[int] = frozenset()  # those of them whose secret it knows: what it says counts against the address
    unreached_staff: bool = False  # a weak bounce that belongs nowhere says that one of our staff was not reached
    withheld: tuple[
        tuple[int, int], ...
    ] = ()  # as same_mail, or of other departments: copies without a voice, by no better verdict than this one's
    lesser: frozenset[int] = (
        frozenset()
    )  # tickets of same_mail where all that holds it has a worse verdict than this one's
    profile: Profile = Profile.DEFAULT
    original: Original | None = None  # of what staff pass on
    to_us: bool = True  # To or Cc names an address of ours

    def answers(self, inbound: Inbound, ticket: Ticket) -> bool:
        """Does the mail name one of this ticket? What a bounce comes back to is evidence of the same name, and no answer."""
        named = bool(inbound.in_reply_to or inbound.references)
        refers = {Evidence.OWN_MESSAGE_ID, Evidence.STORED_MESSAGE_ID}
        return named and any(each.evidence in refers and each.ticket.id == ticket.id for each in self.matches)


class Action(StrEnum):
    OPEN = "open"  # a new ticket
    APPEND = "append"  # in public, by customer or participant
    ANSWER = "answer"  # in public, by staff, sent to the requester
    COMMAND = "command"  # staff commands, with or without text
    INTERNAL = "internal"  # kept in the ticket, not in public
    DUPLICATE = "duplicate"
    HOLD = "hold"  # kept without a ticket: automatic mail that belongs to none, spam


class Reason(StrEnum):
    """Why a decision is what it is; stored, logged, shown, asserted."""

    REPLY_TOKEN = "reply-token"
    OWN_MESSAGE_ID = "own-message-id"
    STORED_MESSAGE_ID = "stored-message-id"
    REFERENCED_BY_STORED = "referenced-by-stored"
    SHARED_ROOT = "shared-root"
    SUBJECT_TAG = "subject-tag"
    NEW = "new"
    FORWARDED = "forwarded"  # staff pass on what somebody outside wrote: their ticket
    STRANGER = "stranger"  # evidence points to a ticket its author takes no part in
    UNVERIFIED = "unverified"  # the verdict is fail
    NO_PROOF = "no-proof"  # its author takes part, but neither a pass (of a mail to us) nor a token of their own says that it is theirs
    NOT_YOUR_TOKEN = "not-your-token"  # staff without their own token, nor a pass in a ticket that is theirs
    AUTOMATIC = "automatic"  # never public, never a reopening
    DELIVERY_REPORT = "delivery-report"  # automatic, and tells what became of a mail of ours
    NO_SURE_CUT = "no-sure-cut"  # our notice's text stands in a staff answer: kept internal, author told
    TOKEN_AS_CONTACT = "token-as-contact"  # a remembered reply address, another subject
    FOLLOW_UP_OVER = "follow-up-over"  # closed longer than the department allows
    SAME_MAIL = "same-mail"
    OWN_ADDRESS = "own-address"
    COMMANDS = "commands"
    COMMANDS_NEED_PASS = "commands-need-pass"  # the strict profile, and the verdict is none
    NULL_SENDER = "no-author"  # no usable From
    SPAM = "spam"  # held until somebody releases it
    VIRUS = "virus"  # the same
    VERIFICATION = "verification"  # a service asks who reads the address: for us alone
    NOT_YOUR_DEPARTMENT = (
        "not-your-department"  # staff with their own token, in a ticket that has moved out of their reach
    )


@dataclass(frozen=True, slots=True)
class Decision:
    """One per ticket concerned (several only for several reply tokens). `link_to`: a new ticket remembers the old one."""

    action: Action
    reason: Reason
    ticket_id: int | None = None
    link_to: int | None = None
    reopen: bool = False
    acknowledge: bool = False  # OPEN only: its author is answered (FOLLOW_UP_REFUSED where that is the reason)
    words_as: Action | None = None  # COMMAND only: what the text below the commands is (ANSWER, APPEND or INTERNAL)
    tell_author: bool = False  # INTERNAL only: a member of staff who meant it to be public is told that it is not
    tell_handlers: bool = (
        False  # INTERNAL only: those who handle the ticket are told, although a machine may have written it
    )
    evidence: tuple[str, ...] = ()  # every evidence found, in order, for `mail explain`
    standing: str = ""  # its place in the table of who may do what, for the same


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
