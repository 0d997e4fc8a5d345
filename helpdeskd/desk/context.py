"""What every desk function is given besides the connection, and the small records that pass between them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from helpdeskd import config
from helpdeskd.model.mail import Kind, Verdict
from helpdeskd.model.ticket import Ticket

if TYPE_CHECKING:
    from helpdeskd.mail.tokens import TokenKeys


@dataclass(frozen=True, slots=True)
class Desk:
    """What does not change from act to act: settings, keys, chance. Built once by the daemon or the command line."""

    settings: config.Desk
    tokens: TokenKeys
    instance: str  # this installation's id, for the loop marker and the root ids of staff threads
    plus_works: bool  # resolves ReplyTokens.AUTO
    rng: Callable[[int], bytes]
    intake: config.Intake


@dataclass(frozen=True, slots=True)
class Part:
    """A file of a message. Its blob is durable already."""

    name: str
    content_type: str
    size: int
    sha256: str
    content_id: str = ""
    inline: bool = False


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


@dataclass(frozen=True, slots=True)
class Posted:
    """A message stands in a ticket. `ticket` is the ticket after the act."""

    ticket: Ticket
    message_id: int
