"""Calendar invitations (iCalendar, RFC 5545 and 5546) as a few lines people can read. Linear; never raises."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import datetime

from helpdeskd.mail import charset
from helpdeskd.mail.headers import clean

TYPES = frozenset({"text/calendar", "application/ics"})
_MAX_BYTES = 512 * 1024
_MAX_EVENTS = 5
_MAX_PEOPLE = 20
_MAX_VALUE = 500  # characters
_FOLD = re.compile(r"\r?\n[ \t]")
_LINE = re.compile(r"([A-Za-z0-9-]{1,40})((?:;[^:\"\n]{0,500}(?:\"[^\"\n]{0,500}\"[^:\"\n]{0,500}){0,5})?):(.*)")
_NAME = re.compile(r";CN=(?:\"([^\"]*)\"|([^;:]*))", re.IGNORECASE)
_ZONE = re.compile(r";TZID=(?:\"([^\"]*)\"|([^;:]*))", re.IGNORECASE)
_WHEN = re.compile(r"(\d{4})(\d\d)(\d\d)(?:T(\d\d)(\d\d)(\d\d)?(Z?))?")
_DURATION = re.compile(r"P(?:(\d{1,4})W)?(?:(\d{1,4})D)?(?:T(?:(\d{1,4})H)?(?:(\d{1,4})M)?(?:\d{1,4}S)?)?")
_ESCAPE = re.compile(r"\\(.)", re.DOTALL)
_METHODS = {
    "REQUEST": "Invitation",
    "PUBLISH": "Appointment",
    "CANCEL": "Cancelled",
    "REPLY": "Answer to an invitation",
    "COUNTER": "Another time proposed",
    "ADD": "Invitation",
    "REFRESH": "Asked for again",
    "DECLINECOUNTER": "Proposed time declined",
}
_ANSWERS = {"ACCEPTED": "accepted", "DECLINED": "declined", "TENTATIVE": "tentative", "DELEGATED": "delegated"}
_PARTSTAT = re.compile(r";PARTSTAT=\"?([A-Z-]{1,20})", re.IGNORECASE)

_Property = tuple[str, str]  # parameters as they stand, value


def block(data: bytes, declared: str | None = None) -> str:
    """What, when, where and who of the events in a calendar, a paragraph each; empty where there is none."""
    text = _FOLD.sub("", charset.decode(data[:_MAX_BYTES], declared or "utf-8"))
    method = ""
    events: list[dict[str, list[_Property]]] = []
    inside: list[str] = []
    for line in text.splitlines():
        match = _LINE.fullmatch(line.strip())
        if match is None:
            continue
        name, parameters, value = match[1].upper(), match[2], match[3].strip()
        if name == "BEGIN":
            inside.append(value.upper())
            if inside[-1] == "VEVENT":
                events.append({})
        elif name == "END":
            inside = inside[:-1]
        elif name == "METHOD":
            method = value.upper()
        elif events and inside[-1:] == ["VEVENT"]:
            events[-1].setdefault(name, []).append((parameters, value[: 4 * _MAX_VALUE]))
    shown = [_event(one, method) for one in events[:_MAX_EVENTS]]
    return "\n\n".join(one for one in shown if one)


def _event(event: dict[str, list[_Property]], method: str) -> str:
    title = _text(event.get("SUMMARY"))
    start, end = _moment(event.get("DTSTART")), _moment(event.get("DTEND"), last_day=True)
    if not title and not start:
        return ""
    lines = [f"{_METHODS.get(method, 'Appointment')}: {title}".rstrip(": ")]
    if not end:
        end = _duration(event.get("DURATION"))
    if start:
        lines.append(f"When: {_span(start, end)}{' (repeated)' if 'RRULE' in event else ''}")
    if place := _text(event.get("LOCATION")):
        lines.append(f"Where: {place}")
    if organizer := _people(event.get("ORGANIZER", [])[:1]):
        lines.append(f"By: {organizer}")
    guests = event.get("ATTENDEE", [])
    if people := _people(guests[:_MAX_PEOPLE], answers=method == "REPLY"):
        more = f" and {len(guests) - _MAX_PEOPLE} more" if len(guests) > _MAX_PEOPLE else ""
        lines.append(f"Who: {people}{more}")
    return "\n".join(lines)


def _span(start: str, end: str) -> str:
    """The day once, where both are on it."""
    if not end or end == start:
        return start
    day, _, clock = start.partition(" ")
    last, _, until = end.partition(" ")
    zone = clock.partition(" ")[2]
    if day == last and until:
        return f"{day} {clock.partition(' ')[0]} - {until}"
    return f"{start} - {end}" if not zone or not until.endswith(zone) else f"{start.removesuffix(' ' + zone)} - {end}"


def _text(found: list[_Property] | None) -> str:
    if not found:
        return ""
    return clean(_ESCAPE.sub(lambda match: " " if match[1] in "nN" else match[1], found[0][1]))[:_MAX_VALUE]


def _moment(found: list[_Property] | None, *, last_day: bool = False) -> str:
    """`2026-02-03 10:00 Europe/Berlin`. The end of an event of whole days is the day after it (RFC 5545 section 3.6.1)."""
    match = _WHEN.fullmatch(found[0][1].strip()) if found else None
    if not found or not match:
        return ""
    year, month, day, hour, minute, _, utc = match.groups()
    try:
        moment = datetime(int(year), int(month), int(day), int(hour or 0), int(minute or 0))  # noqa: DTZ001 - shown as it stands
    except ValueError:
        return ""
    if hour is None:
        return "" if last_day else f"{moment:%Y-%m-%d}"
    zone = _ZONE.search(found[0][0])
    name = "UTC" if utc else clean((zone[1] or zone[2] or "") if zone else "")[:60]
    return f"{moment:%Y-%m-%d %H:%M} {name}".rstrip()


def _duration(found: list[_Property] | None) -> str:
    match = _DURATION.fullmatch(found[0][1].strip()) if found else None
    if not match:
        return ""
    weeks, days, hours, minutes = (int(one or 0) for one in match.groups())
    names = [(weeks * 7 + days, "d"), (hours, "h"), (minutes, "min")]
    return " ".join(f"{count} {unit}" for count, unit in names if count)


def _people(found: Iterable[_Property], *, answers: bool = False) -> str:
    shown = []
    for parameters, value in found:
        named = _NAME.search(parameters)
        name = clean((named[1] or named[2] or "") if named else "")[:100]
        address = clean(value[7:] if value[:7].lower() == "mailto:" else value)[:320]
        one = f"{name} <{address}>" if name and name.lower() != address.lower() and "@" in address else name or address
        said = _PARTSTAT.search(parameters)
        answer = _ANSWERS.get(said[1].upper(), "") if said and answers else ""
        shown.append(f"{one} ({answer})" if answer else one)
    return ", ".join(one for one in shown if one)
