"""What is asked of comments."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from helpdeskd.http.jitbit.asks import NATURAL, Number
from helpdeskd.http.params import Divided, Doc, Ignored, Named, Required

_BLANK = Ignored(lambda text: not text.strip())
Body = Annotated[str, Required(), Doc("Text, or HTML.")]


@dataclass(frozen=True, slots=True)
class NewComment:
    id: Number
    body: Body
    internal: Annotated[bool, Named("forTechsOnly"), Doc("A note.")] = False
    system: Annotated[bool, Named("isSystem"), Doc("An entry: nobody is mailed.")] = False
    to: Annotated[
        tuple[int, ...],
        Named("recipientIds"),
        Divided(","),
        _BLANK,
        NATURAL,
        Doc("Of requester and subscribers these alone are mailed; all of them where none is named."),
    ] = ()
    author_id: Annotated[
        int, Named("fromUserId"), _BLANK, NATURAL, Doc("Who says it, in place of the caller; for administrators.")
    ] = 0


@dataclass(frozen=True, slots=True)
class Forward:
    id: Number
    to: Annotated[tuple[str, ...], Required(), Doc("Addresses, divided by commas.")]
    cc: Annotated[tuple[str, ...], Doc("More of them.")] = ()
    body: Annotated[str, Doc("What stands above the conversation.")] = ""


@dataclass(frozen=True, slots=True)
class ChangedComment:
    id: Number
    body: Body
