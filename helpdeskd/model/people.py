"""Who takes part: customers, staff, departments."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from helpdeskd.model.files import FilePolicy


class PersonKind(StrEnum):
    CUSTOMER = "customer"
    STAFF = "staff"


@dataclass(frozen=True, slots=True)
class Person:
    id: int
    kind: PersonKind
    name: str
    email: str
    level: int  # staff: 1 to 3; customers 0
    language: str  # "" = the team's
    disabled_at: datetime | None = None
    wants_mail: bool = True  # False: no notices go to them
    unreached_at: datetime | None = None  # since when mails to them come back; None: they do not
    muted_at: datetime | None = None  # since when automatic mail to them is held back; None: it is not
    known: bool = True  # False: nothing has shown yet that the address is theirs

    @property
    def is_staff(self) -> bool:
        return self.kind is PersonKind.STAFF and self.disabled_at is None

    @property
    def shown(self) -> str:
        """The name, or the address where there is none."""
        return self.name or self.email


class ReplyTokens(StrEnum):
    """Where a reply's token travels: in a plus-address (Reply-To) or in our Message-ID alone."""

    AUTO = "auto"
    PLUS = "plus"
    MESSAGE_ID = "message-id"


@dataclass(frozen=True, slots=True)
class Department:
    id: int
    name: str
    address: str  # the first of `addresses`: what its mail is sent from
    addresses: tuple[str, ...]
    sender_name: str
    private: bool
    follow_up_days: int | None  # None = the team's setting
    reply_tokens: ReplyTokens
    verp: bool
    cc_participates: bool
    language: str  # "" = the team's
    files: FilePolicy = FilePolicy.REFUSE  # what happens to programs, and to documents that have macros
    max_files: int | None = None  # in one message; None: as many as one may have at all
    max_file_mb: int | None = None
