"""What every desk function is given besides the connection, and the small records that pass between them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from helpdeskd import config
from helpdeskd.mail.tokens import TokenKeys
from helpdeskd.model.files import Danger
from helpdeskd.model.mail import Kind, Verdict
from helpdeskd.model.outgoing import Ceiling, NoticeName, OutboxRow
from helpdeskd.model.people import Person
from helpdeskd.model.ticket import Ticket
from helpdeskd.model.trust import Profile


@dataclass(frozen=True, slots=True)
class Desk:
    """What does not change from act to act: settings, keys, chance. Built once by the daemon or the command line."""

    settings: config.Desk
    tokens: TokenKeys
    instance: str  # this installation's id, for the loop marker and the root ids of staff threads
    plus_works: bool  # do plus-addresses reach us? resolves ReplyTokens.AUTO, at enqueue
    rng: Callable[[int], bytes]
    intake: config.Intake
    ceilings: config.Ceilings
    profile: Profile = Profile.DEFAULT  # what a verdict of none lets somebody do
    hear: Callable[[Told], None] = lambda told: None  # noqa: ARG005  # what each event puts into the outbox, for the log


@dataclass(frozen=True, slots=True)
class Part:
    """A file of a message. Its blob is durable already."""

    name: str
    content_type: str
    size: int
    sha256: str
    content_id: str = ""
    inline: bool = False
    ours: bool = False  # it may hold a notice, tokens and all: it does not go out to customers
    found_type: str | None = None  # by the bytes, as mail.filetypes has it; None: nobody has looked
    danger: Danger | None = None
    released_at: datetime | None = None


SYSTEM = "system"  # the reason of words that stand in a ticket as an entry of the desk


@dataclass(frozen=True, slots=True)
class Forwarded:
    """Who passes on a mail of somebody else, and what they say above it, to staff alone."""

    by: Person
    comment: str

    @property
    def plain(self) -> dict[str, str]:
        return {"by": self.by.shown, "comment": self.comment}


@dataclass(frozen=True, slots=True)
class Words:
    """A message to be stored. `references` are the Message-IDs of References and In-Reply-To, oldest first, as keys of mail.ids."""

    text: str
    quote: str = ""
    html: str = ""
    subject: str = ""
    mail_id: str | None = None
    references: tuple[str, ...] = ()
    raw_sha256: str | None = None
    kind: Kind = Kind.PERSONAL
    verdict: Verdict = Verdict.NONE
    reason: str = "cli"  # model.routing.Reason, or cli, api, system
    date: datetime | None = None
    author_name: str = ""  # empty: the author's own
    author_email: str = ""
    parts: tuple[Part, ...] = ()
    arrival_id: int | None = None
    forwarded: Forwarded | None = None  # somebody passed it on
    confidential: bool = False  # of what opens a ticket: it has no public voice there

    @property
    def public(self) -> bool:
        """May a ticket begin with it in public?"""
        return self.verdict is not Verdict.FAIL and not self.confidential


class LinkKind(StrEnum):
    """Why two tickets know of each other."""

    FOLLOW_UP = "follow-up"  # the new one continues the old
    SAME_MAIL = "same-mail"  # one mail to two departments
    MERGED = "merged"
    RELATED = "related"  # somebody said so
    PARENT = "parent"  # of the other: desk.relations


class Skip(StrEnum):
    """Why somebody was not told."""

    OWN_ACTION = "own-action"  # it was their own doing
    AUTOMATIC_MAIL = "automatic-mail"  # RFC 3834 section 2: no automatic answer to an automatic mail
    NO_STAFF = "no-staff"  # nobody of the department is told of its tickets
    NO_DEPARTMENT = "no-department"  # there is no address to write from
    OWN_ADDRESS = "own-address"  # a department's address: it would come straight back
    DISABLED = "disabled"
    UNWANTED = "unwanted"  # they are not to have mail of ours
    MUTED = "muted"  # automatic mail to them is held back: desk.mutes
    DUPLICATE_RECIPIENT = "duplicate-recipient"
    UNREACHABLE = "unreachable"  # it would be told to the very address that mail did not reach


@dataclass(frozen=True, slots=True)
class Skipped:
    notice: NoticeName
    recipient: str  # empty: there was none
    why: Skip | Ceiling


@dataclass(frozen=True, slots=True)
class Queued:
    """A mail that an act put into the outbox."""

    notice: NoticeName
    recipient: str
    mail_id: str  # its Message-ID
    number: int | None  # the ticket's it speaks of


@dataclass(frozen=True, slots=True)
class Bounced:
    """A mail of ours that came back, as a delivery report says."""

    mail: OutboxRow
    words: str
    muted: bool = False  # its recipient is muted from now on


@dataclass(frozen=True, slots=True)
class Told:
    """What one act put into the outbox, whom it passed over, and which mails it learnt to have come back."""

    queued: tuple[Queued, ...] = ()
    skipped: tuple[Skipped, ...] = ()
    bounced: tuple[Bounced, ...] = ()

    def __add__(self, other: Told) -> Told:
        return Told(self.queued + other.queued, self.skipped + other.skipped, self.bounced + other.bounced)


@dataclass(frozen=True, slots=True)
class Posted:
    """A message stands in a ticket. `ticket` is the ticket after the act."""

    ticket: Ticket
    message_id: int
    told: Told = Told()
