"""Who takes part: customers, staff, departments."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


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
