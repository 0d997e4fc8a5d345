"""What goes out, before it is bytes: the record that mail.compose turns into a mail."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from helpdeskd.model.mail import Address, Part


class AutoSubmitted(StrEnum):
    """RFC 3834 section 5."""

    NO = ""  # a person's own words
    REPLIED = "auto-replied"  # an answer to one mail: acknowledgement, follow-up refused
    GENERATED = "auto-generated"  # to staff, closed, welcome


@dataclass(frozen=True, slots=True)
class Draft:
    """One mail to one reader. Texts may hold anything: compose encodes, strips or refuses."""

    from_name: str
    from_address: str
    to: tuple[Address, ...]
    subject: str
    mail_id: str  # our Message-ID, without brackets
    date: datetime  # aware
    text: str
    instance: str  # this installation's id, for the loop marker
    html: str = ""
    token: str = ""  # what a report that returns the mail proves itself by; empty: none
    reply_to: str = ""  # an address, with or without the reply token; empty: none
    references: tuple[str, ...] = ()  # keys, oldest first; the last one is In-Reply-To
    parts: tuple[Part, ...] = ()  # inline ones need a content_id that the HTML names as cid:
    auto_submitted: AutoSubmitted = AutoSubmitted.NO

    @property
    def automatic(self) -> bool:
        return self.auto_submitted is not AutoSubmitted.NO
