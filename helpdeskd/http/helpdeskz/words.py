"""Its answers: `{"success":1,...}`, and `{"error":1,"message":...}` with status 200 for everything but credentials."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from helpdeskd.errors import Busy, Conflict, HelpdeskdError, Refused, Temporary
from helpdeskd.http.dialect import Answer, Asked, Denied, Malformed, NoRoute, TooMany
from helpdeskd.http.params import Invalid

IN_USE = "Email address is is already in use."  # sic
NOT_VALID = "Email address is not valid."


class Error(msgspec.Struct):
    """The shape of every error."""

    error: int
    message: str


class NotImplementedHere(msgspec.Struct):
    """What the original's framework says to a verb that a resource has no method for."""

    status: int
    error: int
    messages: dict[str, str]


class Said(HelpdeskdError):
    """A view's own word on what is wrong."""


_encode = msgspec.json.Encoder().encode

# What the desk refuses -> what the original says to it.
REFUSED: Mapping[str, str] = {
    "bad-address": NOT_VALID,
    "address-taken": IN_USE,
    "own-address": IN_USE,
    "name-taken": "Department name is already in use.",
    "last-department": "The last department can not be removed.",
    "no-such-ticket": "Ticket not found.",
    "no-such-customer": "User not found.",
    "no-such-department": "Department not found.",
    "no-such-attachment": "Attachment not found.",
    "not-staff": "Staff ID not found.",
}


def success(found: Any) -> Answer:
    """What a view returns, as it is: compact, in the order of its members, letters beyond ASCII unescaped."""
    return Answer(_encode(found))


def error(message: str, status: int = 200, *headers: tuple[str, str]) -> Answer:
    """Any error."""
    return Answer(_encode(Error(1, message)), status, headers=headers)


def refuse(problem: Exception, _asked: Asked) -> Answer:
    """Every error there is, in its words."""
    for kind, say in _SAY:
        if isinstance(problem, kind):
            return say(problem)
    return error("Internal error.", 500)


def _invalid(problem: Invalid) -> Answer:
    return error(" ".join(each.words or f"{each.name}: {each.expected}." for each in problem.problems))


def _denied(problem: Denied) -> Answer:
    if problem.reason == "permission":
        return error(f"Permission not allowed: {problem}", 400)
    if problem.reason == "address":
        return error(f"IP address `{problem} is not allowed.", 400)  # the backtick is the original's
    return error("Invalid authentication.", 400)


def _malformed(problem: Malformed) -> Answer:
    if problem.status == 413 and "MB" in str(problem):
        size = str(problem).rpartition("than ")[2]
        return error(f"File is too big. Maximum size is {size}.")
    return error(f"{str(problem)[:1].upper()}{str(problem)[1:]}.", 400)


def _refused(problem: Refused) -> Answer:
    return error(REFUSED.get(problem.reason, str(problem)))


def _no_route(problem: NoRoute) -> Answer:
    return error("Method not allowed.", 405) if problem.allowed else error("Page not found.", 404)


_SAY: tuple[tuple[type[Exception] | tuple[type[Exception], ...], Callable[[Any], Answer]], ...] = (
    (Invalid, _invalid),
    (Said, lambda problem: error(str(problem))),
    (Denied, _denied),
    (Malformed, _malformed),
    (NoRoute, _no_route),
    (Refused, _refused),
    (TooMany, lambda problem: error(str(problem), 429, ("Retry-After", str(problem.seconds)))),
    (
        Busy,
        lambda problem: error(
            "Too many log in at this moment, please try again.", 503, ("Retry-After", str(problem.seconds))
        ),
    ),
    ((Temporary, Conflict), lambda _: error("The service is not available at this moment.", 503)),
)
