"""What is asked of tags and time. Here a ticket's number is `ticketId`; `id`, as elsewhere, is understood too."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from helpdeskd.http.jitbit import words
from helpdeskd.http.jitbit.asks import BLANK, NATURAL
from helpdeskd.http.params import Also, Doc, Named, Required, one_of

TicketNumber = Annotated[int, Named("ticketId"), Also("id"), Required(), NATURAL]


@dataclass(frozen=True, slots=True)
class OneTicket:
    ticket_id: TicketNumber


@dataclass(frozen=True, slots=True)
class NewTag:
    ticket_id: TicketNumber
    name: Annotated[str, Required(), Doc("One tag.")]


@dataclass(frozen=True, slots=True)
class MoreTime:
    ticket_id: TicketNumber
    seconds: Annotated[
        int, Named("timeSpentInSeconds"), Required(), Doc("More than there are; a correction is negative.")
    ]
    status: Annotated[
        int | None,
        Named("statusId"),
        BLANK,
        one_of(" ".join(map(str, words.SETS)), "expected 1, 2 or 3"),
        Doc("Where the ticket goes."),
    ] = None
