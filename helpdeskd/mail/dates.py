"""The one module that knows mail-parser: dates of mails. What RFC 5322 allows is read by it, every other shape here."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import cast

from mailparser.dates import parse_mail_date
from mailparser.exceptions import MailParserError

from helpdeskd.mail.faults import FAULTS


def moment(value: str) -> datetime | None:
    """A Date header in UTC; None where no moment can be read out of it."""
    value = value[:_MAX_DATE]
    return _strictly(value) or _loosely(value)


_MAX_DATE = 400  # characters
_COMMENT = re.compile(r"\([^()]*\)")
_NAMES = (
    "jan ene gen",
    "feb f\u00e9v fev",
    "mar mrz m\u00e4r",
    "apr abr avr",
    "may mai mag",
    "jun juin giu",
    "jul juil lug",
    "aug ago ao\u00fb",
    "sep set",
    "oct okt ott out",
    "nov",
    "dec dez dic d\u00e9c",
)
_MONTHS = {name: number for number, names in enumerate(_NAMES, 1) for name in names.split()}
_CLOCK = re.compile(r"(?<!\d)(\d{1,2}):(\d\d)(?::(\d\d)(?:[.,]\d{1,9})?)?(?:\s*([ap])\.?m\b\.?)?", re.IGNORECASE)
_DOTTED = re.compile(r"(?<![\d.])(\d{1,2})\.(\d\d)(?:\.(\d\d))?(?![.\d])(\s*[ap]m\b)?", re.IGNORECASE)
_OFFSET = re.compile(r"(?:GMT|UTC)?\s*([+-])(\d\d):?(\d\d)(?!\d)", re.IGNORECASE)
_ISO = re.compile(r"(?<!\d)(\d{4})[-/.](\d{1,2})[-/.](\d{1,2})(?!\d)")
_DAY_FIRST = re.compile(r"(?<!\d)(\d{1,2})(?:st|nd|rd|th)?[\s.,/-]+([^\W\d_]{3,10})\.?[\s.,/-]+(\d{4}|\d\d)(?!\d)")
_MONTH_FIRST = re.compile(r"([^\W\d_]{3,10})\.?\s+(\d{1,2})(?:st|nd|rd|th)?(?!\d)(?:[\s,].*?(?<!\d)(\d{4})(?!\d))?")
_NUMBERS = re.compile(r"(?<!\d)(\d{1,2})[./-](\d{1,2})[./-](\d{4})(?!\d)")
_BLANKS_ONLY = re.compile(r"(?<!\d)(\d{1,2})\s+(\d{1,2})\s+(\d{4}|\d\d)\s+\d{1,2}:\d\d")
_OFFSETS = (  # hours east of UTC
    ("hst", -10), ("pst", -8), ("pdt", -7), ("mst", -7), ("mdt", -6), ("cst", -6), ("cdt", -5), ("est", -5), ("edt", -4),
    ("wet", 0), ("west", 1), ("bst", 1), ("cet", 1), ("met", 1), ("cest", 2), ("mest", 2), ("eet", 2), ("eest", 3), ("msk", 3),
    ("ist", 5.5), ("jst", 9), ("kst", 9),
)  # fmt: skip
_ZONES: dict[str, float] = dict(_OFFSETS)
_ZONE = re.compile(r"\b([A-Z]{3,4})(?![a-z])")


def _strictly(value: str) -> datetime | None:
    try:
        return cast("datetime | None", parse_mail_date(value).value)
    except (MailParserError, *FAULTS):
        return None


def _loosely(value: str) -> datetime | None:
    """Any shape, found piece by piece. Without a zone it is taken as UTC."""
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
