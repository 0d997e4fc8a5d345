"""When the block of headers above a forwarded text says that it was written: as programs write it for people, in their languages."""

# ruff: noqa: RUF001 - the words are in their own alphabets

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

_LONGEST = 200  # characters that are looked at

# How the names of a month begin, none of which is the beginning of another month's in any of these languages.
_BEGINS = (
    "jan ene gen oca tammi led sty ian янв січ ιαν",
    "feb fév fev şub helmi úno lut фев лют φεβ",
    "mar mrz mär mrt maart maalis már bře мар бер μαρ μάρ",
    "apr abr avr áp nis huhti dub kwi апр квіт απρ",
    "may mai mag maj mei máj touko kvě мая май трав μαΐ μαϊ",
    "jun juin jún giu haz kesä června cze iun июн черв ιουν",
    "jul juil júl lug tem heinä července lip iul июл лип ιουλ",
    "aug ago aoû ağu elo srp sie авг серп αυγ",
    "sep set szep eyl syys zář wrz сен вер σεπ",
    "oct okt ott out eki loka říj paź окт жов οκτ",
    "nov noi kas marras listopad lis ноя лист νοε",
    "dec dez dic déc des ara joulu pros gru дек груд δεκ",
)  # fmt: skip
_MONTHS = sorted(
    ((begin, number) for number, names in enumerate(_BEGINS, 1) for begin in names.split()),
    key=lambda each: -len(each[0]),
)
_WORD = re.compile(r"[^\W\d_]{3,12}")
_NUMBER = re.compile(r"(?<!\d)\d{1,4}(?!\d)")
_ISO = re.compile(r"(?<!\d)(\d{4})[-/.年년][ .]?(\d{1,2})[-/.月월][ .]?(\d{1,2})(?!\d)")
_NUMBERS = re.compile(r"(?<!\d)(\d{1,2})([./-]) ?(\d{1,2})[./-] ?(\d{4})(?!\d)")
_CLOCK = re.compile(r"(?<!\d)(\d{1,2})\s?[:.hHч時时点시]\s?(\d\d)(?!\d|[./-]\d)(?:[:.](\d\d))?\s?([aApP])?")
_AFTERNOON = re.compile(r"下午|晚上|午後|오후|\bμ\.?μ\b|(?<=\d)\s?p\.?\s?m\b", re.IGNORECASE)
_MORNING = re.compile(r"上午|凌晨|午前|오전|\bπ\.?μ\b|(?<=\d)\s?a\.?\s?m\b", re.IGNORECASE)
_OFFSET = re.compile(r"(?:GMT|UTC|\s)([+-])(\d{1,2}):?(\d\d)?(?!\d)")
_ZONES = {"utc": 0, "gmt": 0, "cet": 60, "cest": 120, "mez": 60, "mesz": 120, "est": -300, "edt": -240, "pst": -480, "pdt": -420,
          "cst": -360, "cdt": -300, "bst": 60, "eet": 120, "eest": 180, "msk": 180, "jst": 540, "kst": 540}  # fmt: skip
_ZONE = re.compile(r"\b[A-Z]{3,4}\b")


def moment(words: str, zone: timedelta = timedelta()) -> datetime | None:
    """In UTC; None where no day can be read out of it. Programs show the time of where they stand: `zone` (east of UTC) counts
    where the words name none. Without a time it is noon, so that the day stays the same nearly everywhere."""
    words = words[:_LONGEST]
    day = _day(words)
    if day is None or not 1970 <= day[0] <= 2200:
        return None
    clock = _CLOCK.search(words)
    hour, minute, second = (int(one or 0) for one in (clock.group(1, 2, 3) if clock else (12, 0, 0)))
    if clock and hour <= 12:
        hour = hour % 12 + 12 if _AFTERNOON.search(words) else hour % 12 if _MORNING.search(words) else hour
    try:
        said = datetime(*day, hour, minute, second, tzinfo=UTC)
        return said - _offset(words[clock.end() :] if clock else "", zone)
    except (ValueError, OverflowError):
        return None


def _day(words: str) -> tuple[int, int, int] | None:
    if found := _ISO.search(words):
        return int(found[1]), int(found[2]), int(found[3])
    if found := _NUMBERS.search(words):
        first, second, full = int(found[1]), int(found[3]), int(found[4])
        # 31/12 and 12/31 say which is which. Else a slash beside am or pm is American; the rest of the world puts the day first.
        american = found[2] == "/" and bool(_AFTERNOON.search(words) or _MORNING.search(words))
        month_first = second > 12 or (american and first <= 12)
        return (full, first, second) if month_first else (full, second, first)
    # The last one counts: a weekday (mardi, martes) may stand before it, and begin as a month does.
    for name in reversed(list(_WORD.finditer(words.lower()))):
        month = next((number for begin, number in _MONTHS if name[0].startswith(begin)), None)
        numbers = [int(each) for each in _NUMBER.findall(words[max(0, name.start() - 20) : name.end() + 20])]
        year = next((each for each in numbers if 1970 <= each <= 2200), None)
        date = next((each for each in numbers if 1 <= each <= 31), None)
        if month and year and date:
            return year, month, date
    return None


def _offset(rest: str, zone: timedelta) -> timedelta:
    if found := _OFFSET.search(rest):
        minutes = int(found[2]) * 60 + int(found[3] or 0)
        return timedelta(minutes=minutes if found[1] == "+" else -minutes)
    named = next((_ZONES[each.lower()] for each in _ZONE.findall(rest) if each.lower() in _ZONES), None)
    return zone if named is None else timedelta(minutes=named)


def zone_of(date: str) -> timedelta:
    """How far east of UTC a Date header (RFC 5322 section 3.3) says that its writer stands; none where it does not."""
    found = re.search(r"([+-])(\d\d)(\d\d)\b", date[:_LONGEST])
    if found is None or int(found[2]) > 14 or int(found[3]) > 59:
        return timedelta()
    offset = timedelta(hours=int(found[2]), minutes=int(found[3]))
    return offset if found[1] == "+" else -offset
