"""The one module that knows mail-parser: dates."""

from __future__ import annotations

import binascii
import re
from datetime import UTC, datetime, timedelta
from email.errors import MessageError
from email.utils import parsedate_to_datetime
from typing import cast

from mailparser.dates import parse_mail_date
from mailparser.exceptions import MailParserError

# What a parser may raise over bytes of strangers: everything but a full disk, a lost machine and our own stop.
FAULTS = (
    MailParserError,
    MessageError,
    ValueError,
    LookupError,
    TypeError,
    AttributeError,
    AssertionError,
    ArithmeticError,
    RuntimeError,
    EOFError,
    binascii.Error,
    re.error,
)


def moment(value: str) -> datetime | None:
    """A Date header in UTC; None where no moment can be read out of it."""
    try:
        found = parse_mail_date(value).value
        if found is not None:
            return cast("datetime", found).astimezone(UTC)
    except FAULTS:
        pass
    return _loosely(value[:_MAX_DATE])


_MAX_DATE = 400  # characters
_COMMENT = re.compile(r"\([^()]*\)")
_MONTHS = {
    name: number
    for number, name in enumerate(
        ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"], 1
    )
}
_MONTHS |= {
    "mrz": 3,
    "m\u00e4r": 3,
    "mai": 5,
    "okt": 10,
    "dez": 12,
    "ene": 1,
    "abr": 4,
    "ago": 8,
    "dic": 12,
    "gen": 1,
    "mag": 5,
}
_MONTHS |= {
    "giu": 6,
    "lug": 7,
    "set": 9,
    "ott": 10,
    "f\u00e9v": 2,
    "fev": 2,
    "avr": 4,
    "juin": 6,
    "juil": 7,
    "ao\u00fb": 8,
    "d\u00e9c": 12,
}
_CLOCK = re.compile(r"(?<!\d)(\d{1,2}):(\d\d)(?::(\d\d)(?:[.,]\d{1,9})?)?(?:\s*([ap])\.?m\b\.?)?", re.IGNORECASE)
_DOTTED = re.compile(r"(?<![\d.])(\d{1,2})\.(\d\d)(?:\.(\d\d))?(?![.\d])(\s*[ap]m\b)?", re.IGNORECASE)
_OFFSET = re.compile(r"(?:GMT|UTC)?\s*([+-])(\d\d):?(\d\d)(?!\d)", re.IGNORECASE)
_ISO = re.compile(r"(?<!\d)(\d{4})[-/.](\d{1,2})[-/.](\d{1,2})(?!\d)")
_DAY_FIRST = re.compile(r"(?<!\d)(\d{1,2})(?:st|nd|rd|th)?[\s.,/-]+([^\W\d_]{3,10})\.?[\s.,/-]+(\d{4}|\d\d)(?!\d)")
_MONTH_FIRST = re.compile(r"([^\W\d_]{3,10})\.?\s+(\d{1,2})(?:st|nd|rd|th)?(?!\d)(?:[\s,].*?(?<!\d)(\d{4})(?!\d))?")
_NUMBERS = re.compile(r"(?<!\d)(\d{1,2})[./-](\d{1,2})[./-](\d{4})(?!\d)")
_BLANKS_ONLY = re.compile(r"(?<!\d)(\d{1,2})\s+(\d{1,2})\s+(\d{4}|\d\d)\s+\d{1,2}:\d\d")
_ZONES: dict[str, float] = {
    "est": -5,
    "edt": -4,
    "cst": -6,
    "cdt": -5,
    "mst": -7,
    "mdt": -6,
    "pst": -8,
    "pdt": -7,
    "cet": 1,
    "cest": 2,
    "met": 1,
}
_ZONES |= {"mest": 2, "eet": 2, "eest": 3, "msk": 3, "bst": 1, "ist": 5.5, "jst": 9, "hst": -10, "wet": 0, "west": 1}
_ZONE = re.compile(r"\b([A-Z]{3,4})(?![a-z])")


def _loosely(value: str) -> datetime | None:
    """A date in another shape than RFC 5322's: found piece by piece. Without a zone it is taken as UTC."""
    for _ in range(5):  # nested comments
        value, changed = _COMMENT.subn(" ", value)
        if not changed:
            break
    value = value.rpartition(";")[2]  # of a Received header
    clock = _CLOCK.search(value) or _DOTTED.search(value)
    day = _day(value)
    if day is None:
        try:
            loose = parsedate_to_datetime(value)
            return (loose.replace(tzinfo=UTC) if loose.tzinfo is None else loose).astimezone(UTC)
        except FAULTS:
            return None
    hour, minute, second = (int(one or 0) for one in clock.groups()[:3]) if clock else (0, 0, 0)
    if clock and clock[4]:
        hour = hour % 12 + 12 * (clock[4].strip().lower()[0] == "p")
    try:
        moment = datetime(*day, hour % 24, minute, min(second, 59), tzinfo=UTC)
        return moment - _offset(value[clock.end() :] if clock else "")
    except (ValueError, OverflowError):
        return None


def _offset(rest: str) -> timedelta:
    if found := _OFFSET.search(rest):
        offset = timedelta(hours=int(found[2]), minutes=int(found[3]))
        return offset if found[1] == "+" else -offset
    zone = _ZONE.search(rest)
    return timedelta(hours=_ZONES.get(zone[1].lower(), 0)) if zone else timedelta()


def _day(value: str) -> tuple[int, int, int] | None:
    if found := _ISO.search(value):
        return int(found[1]), int(found[2]), int(found[3])
    for match in _DAY_FIRST.finditer(value):
        if month := _month(match[2]):
            return _year(match[3]), month, int(match[1])
    for match in _MONTH_FIRST.finditer(value):
        if (month := _month(match[1])) and match[3]:
            return int(match[3]), month, int(match[2])
    if found := _NUMBERS.search(value):
        first, second, year = (int(one) for one in found.groups())
        # 31/12/2025 and 12/31/2025 say which is which; else the day is first, as most of the world writes it.
        return (year, first, second) if second > 12 >= first else (year, second, first)
    if found := _BLANKS_ONLY.search(value):
        return _year(found[3]), int(found[2]), int(found[1])
    return None


def _month(name: str) -> int | None:
    low = name.lower()
    return _MONTHS.get(low[:3]) or _MONTHS.get(low[:4])


def _year(text: str) -> int:
    """RFC 5322 section 4.3."""
    year = int(text)
    return year if len(text) == 4 else year + (2000 if year < 50 else 1900)
