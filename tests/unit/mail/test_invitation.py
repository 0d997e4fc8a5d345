"""Invitations as people read them."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from helpdeskd.mail import invitation
from tests.unit.mail.test_fixtures import read


def event(*lines: str, method: str = "REQUEST") -> bytes:
    return "\r\n".join(
        ["BEGIN:VCALENDAR", f"METHOD:{method}", "BEGIN:VEVENT", *lines, "END:VEVENT", "END:VCALENDAR", ""]
    ).encode()


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (
            event(
                "SUMMARY;LANGUAGE=de:Drucker\\, zweiter St",
                " ock",
                "DTSTART;TZID=Europe/Berlin:20260203T100000",
                "DTEND;TZID=Europe/Berlin:20260203T113000",
                "LOCATION:Room 4\\nupstairs",
                'ORGANIZER;CN="Ann: Example":mailto:ann@example.org',
                "ATTENDEE;CN=Bob;PARTSTAT=NEEDS-ACTION:MAILTO:bob@example.org",
                "ATTENDEE:mailto:carl@example.org",
                "BEGIN:VALARM",
                "SUMMARY:not this",
                "END:VALARM",
            ),
            (
                "Invitation: Drucker, zweiter Stock\nWhen: 2026-02-03 10:00 - 11:30 Europe/Berlin\nWhere: Room 4 upstairs\n"
                "By: Ann: Example <ann@example.org>\nWho: Bob <bob@example.org>, carl@example.org"
            ),
        ),
        (
            event("SUMMARY:Off", "DTSTART;VALUE=DATE:20260203", "DTEND;VALUE=DATE:20260204", method="CANCEL"),
            "Cancelled: Off\nWhen: 2026-02-03",
        ),
        (
            event("SUMMARY:Call", "DTSTART:20260203T230000Z", "DTEND:20260204T010000Z", "RRULE:FREQ=DAILY"),
            "Invitation: Call\nWhen: 2026-02-03 23:00 - 2026-02-04 01:00 UTC (repeated)",
        ),
        (
            event("SUMMARY:Call", "DTSTART:20260203T100000", "DURATION:PT1H30M"),
            "Invitation: Call\nWhen: 2026-02-03 10:00 - 1 h 30 min",
        ),
        (
            event("SUMMARY:Call", "ATTENDEE;CN=Bob;PARTSTAT=DECLINED:mailto:bob@example.org", method="REPLY"),
            "Answer to an invitation: Call\nWho: Bob <bob@example.org> (declined)",
        ),
        (event("SUMMARY:x", "DTSTART:20269999T100000", method="X"), "Appointment: x"),
        (event(), ""),
        (b"BEGIN:VCALENDAR\r\nBEGIN:VTODO\r\nSUMMARY:x\r\nEND:VTODO\r\nEND:VCALENDAR", ""),
        (b"", ""),
    ],
)
def test_block(data, expected):
    assert invitation.block(data) == expected


def test_it_stands_above_the_text_and_stays_a_file():
    data = event("SUMMARY:Call <b>", "DTSTART:20260203T100000Z")
    mail = read(
        b"From: a@example.org\nSubject: x\nContent-Type: multipart/alternative; boundary=b\n\n--b\n\nCome all.\n--b\n"
        b"Content-Type: text/html\n\n<p>Come all.</p>\n--b\nContent-Type: text/calendar; method=REQUEST\n\n" + data + b"\n--b--\n"
    )  # fmt: skip
    assert mail.text == "Invitation: Call <b>\nWhen: 2026-02-03 10:00 UTC\n\nCome all."
    assert "Call &lt;b&gt;" in mail.html
    assert [(part.name, part.data) for part in mail.parts] == [("invite.ics", data)]


@settings(deadline=None)
@given(
    st.lists(
        st.sampled_from(event("SUMMARY:x", "DTSTART;TZID=a:20260203T100000").splitlines()) | st.binary(max_size=30)
    )
)
def test_any_lines(lines):
    block = invitation.block(b"\n".join(lines))
    assert "\r" not in block
    assert "\0" not in block
