"""What the methods of tickets are asked with. The original calls one thing differently from method to method."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated

import msgspec

from helpdeskd.http.jitbit import words
from helpdeskd.http.jitbit.asks import BLANK, NATURAL, WHOLE, WHOLE_ID, Number, moment
from helpdeskd.http.params import Also, Divided, Doc, Named, Required, Rule, one_of

_WHOLE = re.compile(r"0*[0-9]{1,9}", re.ASCII)
_DAYS = re.compile(r"-?[0-9]{1,4}", re.ASCII)
_FIELD_ID = re.compile(r"0*[1-9][0-9]{0,17}", re.ASCII)

DAYS = Rule("expected a number of days", lambda text: _DAYS.fullmatch(text.strip()) is not None)
PRIORITY = one_of(" ".join(map(str, sorted(words.PRIORITIES))), "expected -1, 0, 1 or 2")


def _reads(read: Callable[[str], object]) -> Callable[[str], bool]:
    def holds(text: str) -> bool:
        try:
            read(text)
        except (ValueError, ArithmeticError):  # a date may be before or after all time
            return False
        return True

    return holds


def status(text: str) -> int:
    """A number or a name. A number that no status has is one of which there are no tickets. Raises ValueError."""
    each = text.strip()
    number = _STATUS_BY_NAME.get(each.lower()) or (int(each) if _WHOLE.fullmatch(each) else None)
    if number is None:
        raise ValueError(f"{each} is no status")
    return number


_STATUS_BY_NAME = {name.lower(): number for number, name in words.STATUS_NAMES.items()}


def custom_fields(text: str) -> dict[int, str]:
    """By the field's number, from a JSON object. Raises ValueError."""
    found = msgspec.json.decode(text, type=dict[str, str | bool | int | float | None])
    if not all(map(_FIELD_ID.fullmatch, found)):
        raise ValueError("a custom field has a number")
    return {int(name): _as_text(value) for name, value in found.items()}


def _as_text(value: str | bool | float | None) -> str:
    return value if isinstance(value, str) else "" if value is None else msgspec.json.encode(value).decode()


def end(at: datetime) -> datetime:
    """The first moment beyond a bound that is itself still within: a day without a time is whole."""
    whole = (at.hour, at.minute, at.second, at.microsecond) == (0, 0, 0, 0)
    try:
        return at + (timedelta(days=1) if whole else timedelta(microseconds=1))
    except OverflowError:
        return at


def names(texts: Iterable[str]) -> tuple[str, ...]:
    """Without blanks. jitbit-js sends the name as part of the value: `tags=tags=tag1,tag2`."""
    found = (each.removeprefix("tags=").strip() for each in texts)
    return tuple(each for each in found if each)


@dataclass(frozen=True, slots=True)
class Tickets:
    mode: Annotated[
        str,
        BLANK,
        Rule("expected all, unanswered, updated, unclosed or handledbyme", lambda text: text.lower() in _MODES),
    ] = "all"
    departments: Annotated[tuple[int, ...], Named("categoryId"), BLANK, WHOLE_ID, Doc("May be repeated.")] = ()
    section_id: Annotated[int | None, Named("sectionId"), NATURAL] = None
    numbers: Annotated[
        tuple[int, ...],
        Named("statusId"),
        BLANK,
        WHOLE_ID,
        Doc("1 new, 2 in progress, 3 closed. May be repeated."),
    ] = ()
    more_statuses: Annotated[
        tuple[str, ...],
        Named("statuses"),
        Divided(","),
        BLANK,
        Rule("expected statuses divided by commas", _reads(status)),
        Doc("As statusId."),
    ] = ()
    requester_id: Annotated[int | None, Named("fromUserId"), NATURAL] = None
    company_id: Annotated[int | None, Named("fromCompanyId"), NATURAL] = None
    assignee_id: Annotated[int | None, Named("handledByUserID"), NATURAL] = None
    tag: Annotated[str, Named("tagName"), BLANK] = ""
    created_from: Annotated[datetime | None, Named("dateFrom"), Doc("Created then or later.")] = None
    created_to: Annotated[datetime | None, Named("dateTo"), Doc("Or earlier; a day is taken whole.")] = None
    updated_from: Annotated[datetime | None, Named("updatedFrom"), Doc("Changed last then or later.")] = None
    updated_to: Annotated[datetime | None, Named("updatedTo"), Doc("Or earlier; a day is taken whole.")] = None
    side: Annotated[
        str,
        Named("updatedByType"),
        BLANK,
        Rule("expected tech or cust", lambda text: text.lower() in _SIDES),
        Doc("Who wrote last."),
    ] = ""
    due_in: Annotated[int | None, Named("dueInDays"), DAYS, Doc("Due within so many days, or before today.")] = None
    with_fields: Annotated[bool, Named("includeCustomFields")] = False
    subscribed: Annotated[bool, Named("subscribedOnly"), Doc("Of which the caller hears.")] = False
    count: Annotated[int, WHOLE, Doc("At most 300.")] = 10
    offset: Annotated[int, WHOLE, Doc("How many to pass over.")] = 0


_MODES = frozenset({"all", "unanswered", "updated", "unclosed", "handledbyme"})
_SIDES = frozenset({"tech", "cust"})


@dataclass(frozen=True, slots=True)
class NewTicket:
    department_id: Annotated[int, Named("categoryId"), Required(), NATURAL]
    body: Annotated[str, Required(), Doc("HTML or text.")]
    subject: Annotated[str, Required()]
    priority: Annotated[
        int, Named("priorityId"), Also("priority"), PRIORITY, Doc("-1 low, 0 normal, 1 high, 2 critical.")
    ] = 0
    requester_id: Annotated[int | None, Named("userId"), WHOLE_ID, Doc("For this user; technicians only.")] = None
    tags: Annotated[tuple[str, ...], Divided(","), Doc("Divided by commas, or repeated.")] = ()
    origin: Annotated[int, one_of(" ".join(map(str, sorted(words.ORIGINS))), "expected 0 to 8")] = 3
    assignee_id: Annotated[int | None, Named("assignedToUserId"), WHOLE_ID, Doc("Technicians only.")] = None
    fields: Annotated[
        str,
        Named("customFields"),
        BLANK,
        Rule("expected a JSON object of values by field number", _reads(custom_fields)),
    ] = ""
    silent: Annotated[bool, Named("suppressConfirmation"), Doc("The user gets no mail of it.")] = False


@dataclass(frozen=True, slots=True)
class ChangedTicket:
    ids: Annotated[tuple[int, ...], Named("id"), Required(), NATURAL, Doc("May be repeated.")]
    department_id: Annotated[int | None, Named("categoryId"), NATURAL] = None
    priority: Annotated[int | None, PRIORITY] = None
    created_at: Annotated[datetime | None, Named("date"), Doc("When it was created.")] = None
    requester_id: Annotated[int | None, Named("userId"), NATURAL, Doc("Whose it is.")] = None
    due: Annotated[
        str | None, Named("dueDate"), Rule("expected a date, or nothing", _reads(moment)), Doc("Empty: none.")
    ] = None
    closed_at: Annotated[datetime | None, Named("closeDate"), Doc("When it was closed.")] = None
    assignee_id: Annotated[int | None, Named("assignedUserId"), WHOLE_ID, Doc("0: nobody.")] = None
    seconds: Annotated[int | None, Named("timeSpentInSeconds"), WHOLE, Doc("In all.")] = None
    status: Annotated[int | None, Named("statusId"), one_of(" ".join(map(str, words.SETS)), "expected 1, 2 or 3")] = (
        None
    )
    tags: Annotated[tuple[str, ...] | None, Divided(","), Doc("Exactly these, divided by commas, or repeated.")] = None
    subject: Annotated[str | None, BLANK] = None
    body: Annotated[str | None, BLANK, Doc("The first message's words: HTML or text.")] = None


@dataclass(frozen=True, slots=True)
class ClosedTicket:
    id: Number
    silent: Annotated[bool, Named("suppressNotification"), Doc("The requester gets no mail of it.")] = False


@dataclass(frozen=True, slots=True)
class MergedTickets:
    into_id: Annotated[int, Named("id"), Required(), NATURAL, Doc("The one that stays.")]
    ticket_id: Annotated[int, Named("id2"), Required(), NATURAL, Doc("The one that goes into it.")]
