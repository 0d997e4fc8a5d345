"""What callers give, made fit to be stored: lines, longer texts, numbers of rows."""

from __future__ import annotations

from helpdeskd.errors import NotFound, Refused

_BIGGEST_ID = 2**63 - 1


def line(words: str, *, what: str, most: int, reason: str, empty: bool = False) -> str:
    """One line without blanks around it or runs of them. `what` names it for people. Raises Refused(reason)."""
    found = " ".join(words.split())
    if len(found) > most or not (found or empty):
        raise Refused(reason, f"{what} has {0 if empty else 1} to {most} characters")
    return found


def block(words: str, *, what: str, most: int, reason: str) -> str:
    """Text of several lines, with blanks inside as they were. Raises Refused(reason)."""
    found = words.replace("\r\n", "\n").strip()
    if len(found) > most:
        raise Refused(reason, f"{what} has at most {most} characters")
    return found


def key(name: str) -> str:
    """What names are compared by, whatever the case."""
    return " ".join(name.split()).casefold()


def row_id(what: str, number: int) -> int:
    """A number that a row can have: databases refuse to look for others. Raises NotFound."""
    if not 0 < number <= _BIGGEST_ID:
        raise NotFound(what, number)
    return number


def window(limit: int, offset: int) -> dict[str, int]:
    """The parameters `most` and `skip` of a page, never below 0."""
    return {"most": min(max(limit, 0), _BIGGEST_ID), "skip": min(max(offset, 0), _BIGGEST_ID)}
