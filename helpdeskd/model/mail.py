"""What came in: one mail, read."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum

from helpdeskd.model.files import Danger
from helpdeskd.model.seals import Seal

ORIGINAL = "original.eml"  # the whole mail, as a file of it


class Door(StrEnum):
    SMTP = "smtp"
    LMTP = "lmtp"
    PIPE = "pipe"
    IMAP = "imap"


class Kind(StrEnum):
    """What sort of mail it is. Anything but PERSONAL is never answered automatically, never a public reply,
    a command or a reopening (RFC 3834 section 2)."""

    PERSONAL = "personal"
    AUTO_REPLY = "auto-reply"  # Auto-Submitted: auto-replied, vacation
    AUTO_GENERATED = "auto-generated"
    MEETING = "meeting"  # an answer to an invitation (RFC 5546)
    RECEIPT = "receipt"  # it was read, or deleted unread (RFC 8098)
    COMPLAINT = "complaint"  # a mailbox provider's: a reader called a mail spam (RFC 5965)
    CHALLENGE = "challenge"  # wants proof of a person before it lets a mail through
    LIST = "list"  # List-Id, Precedence: list or bulk
    BOUNCE = "bounce"  # multipart/report delivery-status, mailer-daemon
    NULL_PATH = "null-path"  # envelope sender <> (RFC 5321 section 4.5.5)
    OWN = "own"  # our loop marker or one of our own addresses as author


class Verdict(StrEnum):
    """Does the mail come from whom its From says? Until a check has run: NONE."""

    PASS = "pass"
    NONE = "none"
    FAIL = "fail"


@dataclass(frozen=True, slots=True)
class Address:
    name: str
    email: str

    @property
    def key(self) -> str:
        """What makes two addresses the same person: the address in lower case."""
        return self.email.lower()


@dataclass(frozen=True, slots=True)
class Part:
    """A file that came with a mail. `data` are the decoded bytes."""

    name: str
    content_type: str
    data: bytes
    sha256: str
    content_id: str = ""
    inline: bool = False
    ours: bool = False  # it holds a mail that we sent, or this whole mail, which may quote one
    found_type: str = ""  # by the bytes, as mail.filetypes has it
    danger: Danger = Danger.NONE


class Delivery(StrEnum):
    """What a delivery report says was done for one recipient (RFC 3464 section 2.3.3)."""

    FAILED = "failed"
    DELAYED = "delayed"  # tried again by whoever reports
    DELIVERED = "delivered"
    RELAYED = "relayed"  # to a server that sends no such reports
    EXPANDED = "expanded"  # to the addresses behind a list


class Severity(StrEnum):
    """What a mail that came back says of the address."""

    HARD = "hard"  # nobody is there: who writes again gets the same answer
    SOFT = "soft"  # the mailbox, the way to it, or this mail: another one may arrive
    UNDETERMINED = "undetermined"


class Reason(StrEnum):
    """Why a mail was not delivered."""

    USER_UNKNOWN = "user-unknown"
    HOST_UNKNOWN = "host-unknown"
    MOVED = "moved"
    MAILBOX_FULL = "mailbox-full"
    DISABLED = "disabled"
    TOO_LARGE = "too-large"
    TOO_MUCH = "too-much"  # a limit of mails, connections or recipients in a time
    BLOCKED = "blocked"  # the sending server: its address, its name, what is thought of it
    SENDER = "sender"  # the sender's address
    AUTHENTICATION = "authentication"  # SPF, DKIM, DMARC
    RELAYING = "relaying"
    CONTENT = "content"  # spam, viruses, files, malformed mail
    POLICY = "policy"
    FILTERED = "filtered"  # the recipient's own rules
    EXPIRED = "expired"
    NETWORK = "network"
    SYSTEM = "system"  # the remote server's own trouble
    PROTOCOL = "protocol"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Fate:
    """One recipient of a delivery report. Fields that are missing or cannot be read are empty."""

    delivery: Delivery
    recipient: str  # Final-Recipient's address; it may be what aliases made of ours
    original: str  # Original-Recipient's: the one that was written to
    status: str  # RFC 3463: 5.1.1
    words: str  # the remote server's own (Diagnostic-Code), one line
    mta: str  # whose words they are: Remote-MTA, else Reporting-MTA
    severity: Severity = Severity.UNDETERMINED
    reason: Reason = Reason.UNKNOWN
    code: str = ""  # the status; where none was given, the one that the reason amounts to


@dataclass(frozen=True, slots=True)
class Report:
    """A delivery report, in the form of RFC 3464 or in any other. `about` are the Message-IDs of the mails it returns, as
    keys of mail.ids; `tokens` stand in a header of these that only who has had the mail knows."""

    fates: tuple[Fate, ...]
    about: tuple[str, ...]
    tokens: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Forward:
    """What a mail passes on, as far as it tells, and what its own author says above it. In the text of the mail (`head` is the
    block of headers as it stands there), or attached to it (`attached` names the file by its SHA-256)."""

    author: Address | None  # of the original; None: it names somebody without an address
    comment: str
    subject: str
    date: datetime | None
    text: str
    quote: str
    head: str = ""
    attached: str = ""
    # Of an attached one alone:
    html: str = ""  # sanitised
    parts: tuple[Part, ...] = ()
    message_id: str | None = None
    references: tuple[str, ...] = ()  # and In-Reply-To, oldest first
    kind: Kind = Kind.PERSONAL  # of the original: a machine's is not answered
    kind_why: str = ""


@dataclass(frozen=True, slots=True)
class Inbound:
    """One mail as parsed: a repeatable derivation of its raw bytes. Message-IDs are keys of mail.ids (no brackets)."""

    raw_sha256: str
    identity_sha256: str | None  # None where Message-ID or Date is missing: then only the door's key says "the same"
    size: int
    message_id: str | None
    in_reply_to: tuple[str, ...]
    references: tuple[str, ...]
    author: Address | None  # the first address of From
    reply_to: tuple[Address, ...]
    to: tuple[Address, ...]
    cc: tuple[Address, ...]
    delivered_to: tuple[str, ...]  # Delivered-To, X-Original-To, Envelope-To: for doors without an envelope
    subject: str
    date: datetime | None
    text: str  # what the author wrote now
    quote: str  # the quoted tail; text + quote is the whole text, always
    html: str  # sanitised, or empty
    parts: tuple[Part, ...]
    kind: Kind
    kind_why: str  # the header or rule that said so, empty for PERSONAL
    marker_cut: bool = False  # text ends at the marker line of one of our notices
    own_text_found: bool = False  # text of one of our notices stands in `text` all the same: no cut is sure
    loose_ends: tuple[str, ...] = field(default=())  # what a limit or a defect cut or changed, for people
    report: Report | None = None  # of a bounce, in whatever form
    seals: tuple[Seal, ...] = ()  # signatures and encryption, and what became of each
    weak_bounce: bool = False  # of a BOUNCE: neither a null return path nor a multipart/report says so
    text_from: str = ""  # which of its forms were read as text: text/plain, text/html or both
    forward: Forward | None = None  # somebody else's mail, which this one passes on

    @property
    def files(self) -> tuple[Part, ...]:
        """All that is kept of it: its own, then those of the mail that it passes on."""
        return self.parts if self.forward is None else (*self.parts, *self.forward.parts)

    def without_bytes(self) -> Inbound:
        """The same, its files empty."""
        forward = self.forward
        if forward is not None and forward.parts:
            forward = replace(forward, parts=tuple(replace(part, data=b"") for part in forward.parts))
        return replace(self, parts=tuple(replace(part, data=b"") for part in self.parts), forward=forward)
