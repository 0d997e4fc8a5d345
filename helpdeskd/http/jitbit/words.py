"""Its answers and its words: JSON of records and bare integers, errors as plain text; states, priorities, origins, dates, names."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from html import escape
from typing import Any

import msgspec

from helpdeskd.errors import Busy, Conflict, NotFound, Refused, Temporary
from helpdeskd.http.dialect import Answer, Asked, Denied, Malformed, NoRoute, TooMany
from helpdeskd.http.params import Invalid
from helpdeskd.mail import pictures
from helpdeskd.mail.tokens import TokenKeys
from helpdeskd.model.ticket import Message, Origin, Priority, State

TEXT = "text/plain; charset=utf-8"
LONGEST_ERROR = 1_000  # characters
HTML_MARK = "<!--html-->"  # how its editor marks what is HTML

STATUS: Mapping[State, int] = {
    State.NEW: 1,
    State.AWAITING_CUSTOMER: 2,
    State.AWAITING_STAFF: 2,
    State.IN_PROGRESS: 2,
    State.PENDING: 2,
    State.CLOSED: 3,
    State.MERGED: 3,
}
STATUS_NAMES: Mapping[int, str] = {1: "New", 2: "In progress", 3: "Closed"}
CLOSED = 3
# What each is when it is asked for, and when it is set.
STATES: Mapping[int, tuple[State, ...]] = {
    status: tuple(state for state, number in STATUS.items() if number == status) for status in STATUS_NAMES
}
SETS: Mapping[int, State] = {1: State.NEW, 2: State.IN_PROGRESS, 3: State.CLOSED}

PRIORITY: Mapping[Priority, int] = {Priority.LOW: -1, Priority.NORMAL: 0, Priority.HIGH: 1, Priority.URGENT: 2}
PRIORITIES: Mapping[int, Priority] = {number: priority for priority, number in PRIORITY.items()}

# By the number that is sent; answers have the name.
ORIGINS: Mapping[int, Origin] = {
    0: Origin.WEB,
    1: Origin.EMAIL,
    2: Origin.WIDGET,
    3: Origin.API,
    4: Origin.SCHEDULER,
    5: Origin.MOBILE,
    6: Origin.PHONE,
    7: Origin.CHAT,
    8: Origin.IN_PERSON,
}
ORIGIN_NAMES: Mapping[Origin, str] = {
    Origin.WEB: "WebApp",
    Origin.EMAIL: "Email",
    Origin.WIDGET: "Widget",
    Origin.API: "API",
    Origin.SCHEDULER: "Scheduler",
    Origin.MOBILE: "MobileApp",
    Origin.PHONE: "Phone",
    Origin.CHAT: "LiveChat",
    Origin.IN_PERSON: "InPerson",
    Origin.CLI: "API",  # the command line is a program too
}


def states(numbers: frozenset[int]) -> frozenset[State] | None:
    """Those that these are asked for by; None where nothing is asked."""
    return frozenset(state for state, number in STATUS.items() if number in numbers) if numbers else None


_encode = msgspec.json.Encoder().encode


def moment(at: datetime) -> str:
    """ISO 8601 in UTC, with thousandths where there are any."""
    utc = at.astimezone(UTC)
    fraction = f".{utc.microsecond // 1000:03}" if utc.microsecond >= 1000 else ""
    return f"{utc.replace(microsecond=0, tzinfo=None).isoformat()}{fraction}Z"


def moment_or_none(at: datetime | None) -> str | None:
    return None if at is None else moment(at)


def body(message: Message, tokens: TokenKeys, where: Callable[[str], str | None]) -> str:
    """What was said, as HTML; plain text becomes it. `where`: the address of a picture in it by its Content-ID. No reply token is in it: what people quote has theirs, by which whoever reads it
    could speak for them."""
    if message.html:
        return HTML_MARK + tokens.scrub(pictures.placed(message.html, where))
    text = tokens.scrub("\n\n".join(each for each in (message.text, message.quote) if each))
    return escape(text, quote=False).replace("\r\n", "\n").replace("\n", "<br/>\n")


def file_url(root: str, attachment_id: int) -> str:
    """Where a file is had."""
    return f"{root}/attachment?id={attachment_id}"


def success(found: Any) -> Answer:
    """What a view returns; an empty answer for None."""
    return Answer(content_type=TEXT) if found is None else Answer(_encode(found))


def error(message: str, status: int, *headers: tuple[str, str]) -> Answer:
    """Any error: its words, and nothing else. What was sent may be in them, but is not sent back at length."""
    message = message if len(message) <= LONGEST_ERROR else f"{message[:LONGEST_ERROR]}…"
    words = message[:1].upper() + message[1:]
    return Answer((words if words.endswith(".") else f"{words}.").encode(), status, TEXT, headers)


# What the desk refuses is 404 where something is not there, else as stands here, else 400.
REFUSED: Mapping[str, int] = {"not-permitted": 403, "file-held": 403, "file-refused": 403, "file-too-large": 413}

DENIED: Mapping[str, tuple[int, str]] = {
    "no-credential": (401, "say who you are: a user name and password, or a token"),
    "bad-credential": (401, "wrong user name, password or token"),
    "code": (401, "this account asks for a one-time code: use a token"),
    "address": (403, "this token may not be used from your address"),
    "foreign-page": (403, "a page of another site may not act with the password that your browser remembers"),
    "permission": (403, "you are not permitted to do this"),
    "locked": (429, "too many wrong log-ins from your address, try again later"),
}
_CHALLENGES = (
    ("WWW-Authenticate", 'Basic realm="helpdeskd", charset="UTF-8"'),
    ("WWW-Authenticate", 'Bearer realm="helpdeskd"'),
)


def refuse(problem: Exception, _asked: Asked) -> Answer:
    """Every error there is, in its words."""
    for kind, say in _SAY:
        if isinstance(problem, kind):
            return say(problem)
    return error("internal error", 500)


def _invalid(problem: Invalid) -> Answer:
    return error(
        "; ".join(
            f"parameter {each.name} {'is missing' if each.missing else 'is wrong, ' + (each.words or each.expected)}"
            for each in problem.problems
        ),
        400,
    )


def _denied(problem: Denied) -> Answer:
    status, said = DENIED[problem.reason]
    return error(said, status, *(_CHALLENGES if status == 401 else _later(problem.seconds)))


def _later(seconds: int) -> tuple[tuple[str, str], ...]:
    return (("Retry-After", str(seconds)),) if seconds else ()


def _no_route(problem: NoRoute) -> Answer:
    if problem.allowed:
        return error("this method is not allowed here", 405, ("Allow", ", ".join(problem.allowed)))
    return error("there is nothing here", 404)


_SAY: tuple[tuple[type[Exception] | tuple[type[Exception], ...], Callable[[Any], Answer]], ...] = (
    (Invalid, _invalid),
    (Denied, _denied),
    (Malformed, lambda problem: error(str(problem), problem.status)),
    (NoRoute, _no_route),
    (NotFound, lambda problem: error(str(problem), 404)),
    (Refused, lambda problem: error(str(problem), REFUSED.get(problem.reason, 400))),
    (TooMany, lambda problem: error(str(problem), 429, *_later(problem.seconds))),
    (Busy, lambda problem: error("too many log in at this moment, please try again", 503, *_later(problem.seconds))),
    ((Temporary, Conflict), lambda _: error("the service is not available at this moment", 503)),
)
