"""What the methods of custom fields are asked with. A value is always text: an option's number or words, true or false, any date."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any

from sqlalchemy import Connection

from helpdeskd.http.given import Given
from helpdeskd.http.jitbit.asks import NATURAL, READING, Number
from helpdeskd.http.params import Also, Doc, Invalid, Named, Problem, Reader, Required, read

_CF = re.compile(r"cf0*([1-9][0-9]{0,17})", re.ASCII | re.IGNORECASE)

# It must be there, and may be empty.
Value = Annotated[
    str,
    Required(when=lambda reader: reader.text("value") is None),
    Doc("An option's number or words, true or false, a date, any text; empty takes it away."),
]
FieldId = Annotated[Number, Named("fieldId")]
TicketId = Annotated[Number, Named("ticketId")]


@dataclass(frozen=True, slots=True)
class OfCategory:
    id: Annotated[Number, Also("categoryId")]


@dataclass(frozen=True, slots=True)
class OfTicket:
    id: Number
    unset: Annotated[bool, Named("returnUnset"), Doc("The empty ones too.")] = False


@dataclass(frozen=True, slots=True)
class SetOne:
    ticket_id: TicketId
    field_id: FieldId
    value: Value = ""


@dataclass(frozen=True, slots=True)
class SetById:
    """Of a company or an asset."""

    id: Number
    field_id: FieldId
    value: Value = ""


@dataclass(frozen=True, slots=True)
class SetSeveral:
    ticket_id: Annotated[
        int,
        Named("ticketId"),
        Required(),
        NATURAL,
        Doc("Beside it one value for each field, called cf and its number: cf12."),
    ]


@dataclass(frozen=True, slots=True)
class Several:
    ticket_id: int
    values: Mapping[int, str]


def several(given: Given) -> Several:
    """SetSeveral, with what is called cf12, cf13, ... Raises Invalid."""
    ticket_id = read(SetSeveral, given, READING, _nothing).ticket_id
    reader = Reader(given)
    found: dict[int, str] = {}
    for name in (*given.form.names(), *given.query.names()):
        matched = _CF.fullmatch(name)
        if matched:
            found.setdefault(int(matched[1]), reader.text(name) or "")
    if not found:
        raise Invalid((Problem("cf and a field's number", "", missing=True),))
    return Several(ticket_id, found)


def _nothing(_: Callable[[Connection], Any]) -> None:
    """No rule of SetSeveral asks the store."""
