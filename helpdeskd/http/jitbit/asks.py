"""How its values are written, and what parameters of several nouns are: numbers of tickets, departments and people, and nothing else.

Every parameter is taken from path, query string, form or JSON, whatever the case of its name.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated

from helpdeskd.http.params import Ignored, Reading, Required, Rule

_INTEGER = re.compile(r"[+-]?[0-9]{1,19}", re.ASCII)
_TRUTH = {"true": True, "1": True, "yes": True, "on": True, "false": False, "0": False, "no": False, "off": False}
_INVARIANT = ("%m/%d/%Y %H:%M:%S", "%m/%d/%Y")  # how .NET and PowerShell write a date unasked


def integer(text: str) -> int:
    """Raises ValueError."""
    if not _INTEGER.fullmatch(text.strip()):
        raise ValueError("expected a whole number")
    return int(text)


def truth(text: str) -> bool:
    """Whatever the case, as .NET has it, and what forms send. Raises ValueError."""
    found = _TRUTH.get(text.strip().lower())
    if found is None:
        raise ValueError("expected true or false")
    return found


def moment(text: str) -> datetime:
    """ISO 8601, a day alone too; UTC where no zone is named. Raises ValueError."""
    found = _iso(text.strip()) or _invariant(text.strip())
    if found is None:
        raise ValueError("expected a date such as 2026-03-01 or 2026-03-01T12:00:00Z")
    return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)


def _iso(text: str) -> datetime | None:
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return None


def _invariant(text: str) -> datetime | None:
    for form in _INVARIANT:
        try:
            return datetime.strptime(text, form).replace(tzinfo=UTC)
        except ValueError:
            continue
    return None


READING = Reading(integer, truth, moment)

_NATURAL = re.compile(r"0*[1-9][0-9]{0,17}", re.ASCII)
NATURAL = Rule(
    "expected a number from 1",
    lambda text: _NATURAL.fullmatch(text.strip()) is not None,
    {"minimum": 1, "maximum": 10**18 - 1},
)
_WHOLE = re.compile(r"0*[0-9]{1,9}", re.ASCII)
WHOLE = Rule("expected a number from 0", lambda text: _WHOLE.fullmatch(text.strip()) is not None, {"minimum": 0})
# 0 stands for nobody.
WHOLE_ID = Rule(
    "expected a number from 0",
    lambda text: text.strip().strip("0") == "" or NATURAL.holds(text),
    {"minimum": 0, "maximum": 10**18 - 1},
)
BLANK = Ignored(lambda text: not text.strip())

# A row's number that must be given: of a ticket, a department, a person, a file, ... as its field's name says.
Number = Annotated[int, Required(), NATURAL]


@dataclass(frozen=True, slots=True)
class OneById:
    id: Number
