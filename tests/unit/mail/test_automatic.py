"""Kinds of mail, each with the header that says so."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from helpdeskd.mail import automatic
from helpdeskd.mail.automatic import Signs, classify
from helpdeskd.mail.headers import Headers
from helpdeskd.model.mail import Address, Kind, Part


def signs(
    headers: dict[str, str] | None = None,
    sender: str | None = "ann@example.org",
    author: str = "ann@example.org",
    content_type: str = "text/plain",
    report_type: str = "",
) -> Signs:
    return Signs(
        headers=Headers((headers or {}).items()),
        sender=sender,
        author=Address("", author) if author else None,
        instance="me",
        is_own=lambda address: address.lower() == "support@desk.example",
        content_type=content_type,
        report_type=report_type,
    )


@pytest.mark.parametrize(
    ("headers", "kind", "why"),
    [
        ({}, Kind.PERSONAL, ""),
        ({"Auto-Submitted": "no"}, Kind.PERSONAL, ""),
        ({"Auto-Submitted": ""}, Kind.PERSONAL, ""),
        ({"Auto-Submitted": "auto-replied"}, Kind.AUTO_REPLY, "Auto-Submitted: auto-replied"),
        ({"auto-submitted": "AUTO-REPLIED (vacation)"}, Kind.AUTO_REPLY, "Auto-Submitted: auto-replied"),
        ({"Auto-Submitted": "auto-replied; owner-token=af3"}, Kind.AUTO_REPLY, "Auto-Submitted: auto-replied"),
        ({"Auto-Submitted": "auto-generated"}, Kind.AUTO_GENERATED, "Auto-Submitted: auto-generated"),
        ({"Auto-Submitted": "auto-notified"}, Kind.AUTO_GENERATED, "Auto-Submitted: auto-notified"),
        ({"Auto-Submitted": "yes"}, Kind.AUTO_GENERATED, "Auto-Submitted: yes"),
        ({"Precedence": "bulk"}, Kind.LIST, "Precedence: bulk"),
        ({"Precedence": "List"}, Kind.LIST, "Precedence: list"),
        ({"Precedence": "junk"}, Kind.AUTO_GENERATED, "Precedence: junk"),
        ({"Precedence": "auto_reply"}, Kind.AUTO_REPLY, "Precedence: auto_reply"),
        ({"Precedence": "first-class"}, Kind.PERSONAL, ""),
        ({"X-Auto-Response-Suppress": "All"}, Kind.AUTO_GENERATED, "X-Auto-Response-Suppress: all"),
        ({"X-Auto-Response-Suppress": "DR, RN, OOF"}, Kind.AUTO_GENERATED, "X-Auto-Response-Suppress: oof"),
        ({"X-Auto-Response-Suppress": "DR, RN, NRN"}, Kind.PERSONAL, ""),
        ({"X-Autoreply": "yes"}, Kind.AUTO_REPLY, "x-autoreply: yes"),
        ({"X-Autoreply": "no"}, Kind.PERSONAL, ""),
        ({"X-Autorespond": "1"}, Kind.AUTO_REPLY, "x-autorespond: 1"),
        ({"X-Autoresponder": "x"}, Kind.AUTO_REPLY, "x-autoresponder: x"),
        ({"Preference": "auto_reply"}, Kind.AUTO_REPLY, "Preference: auto_reply"),
        ({"X-POST-MessageClass": "9; Autoresponder"}, Kind.AUTO_REPLY, "X-POST-MessageClass: autoresponder"),
        ({"Delivered-To": "Autoresponder"}, Kind.AUTO_REPLY, "Delivered-To: autoresponder"),
        ({"X-FC-MachineGenerated": "true"}, Kind.AUTO_GENERATED, "X-FC-MachineGenerated: true"),
        ({"List-Id": "<x.example>"}, Kind.LIST, "List-Id"),
        ({"List-Unsubscribe": "<mailto:x>"}, Kind.LIST, "List-Unsubscribe"),
        ({"Mailing-List": "x"}, Kind.LIST, "Mailing-List"),
        ({"X-Failed-Recipients": "a@b"}, Kind.BOUNCE, "X-Failed-Recipients"),
        ({"X-Helpdeskd-Loop": "me"}, Kind.OWN, "X-Helpdeskd-Loop"),
        ({"X-Helpdeskd-Loop": "another installation"}, Kind.PERSONAL, ""),
        ({"X-Helpdeskd-Loop": "me", "Auto-Submitted": "auto-replied"}, Kind.OWN, "X-Helpdeskd-Loop"),
        ({"X-Boxtrapper": "k"}, Kind.CHALLENGE, "X-Boxtrapper"),
        ({"Subject": "Automatic reply: Printer"}, Kind.PERSONAL, ""),  # the words of a person, too
        (
            {"Subject": "Automatic reply: Printer", "In-Reply-To": "<a@b>"},
            Kind.AUTO_REPLY,
            "Subject: automatic reply; in-reply-to",
        ),
        (
            {"Subject": "Abwesenheitsnotiz", "References": "<a@b>"},
            Kind.AUTO_REPLY,
            "Subject: abwesenheitsnotiz; references",
        ),
        (
            {"Subject": "不在通知", "X-Auto-Response-Suppress": "DR"},
            Kind.AUTO_REPLY,
            "Subject: 不在通知; x-auto-response-suppress",
        ),
        ({"Subject": "Re: Out of office settings", "In-Reply-To": "<a@b>"}, Kind.PERSONAL, ""),
        ({"Subject": "Printer, automatic reply", "In-Reply-To": "<a@b>"}, Kind.PERSONAL, ""),
        ({"Return-Path": "<>"}, Kind.PERSONAL, ""),  # the envelope is known and says another thing
    ],
)
def test_headers(headers, kind, why):
    assert classify(signs(headers)) == (kind, why)


@pytest.mark.parametrize(
    ("sender", "headers", "kind"),
    [
        ("", {}, Kind.NULL_PATH),
        ("<>", {}, Kind.NULL_PATH),
        (None, {}, Kind.PERSONAL),
        (None, {"Return-Path": "<>"}, Kind.NULL_PATH),
        (None, {"Return-Path": "<ann@example.org>"}, Kind.PERSONAL),
        ("", {"Auto-Submitted": "auto-replied"}, Kind.AUTO_REPLY),
    ],
)
def test_null_path(sender, headers, kind):
    assert classify(signs(headers, sender=sender))[0] is kind


@pytest.mark.parametrize(
    ("author", "kind"),
    [
        ("MAILER-DAEMON@mx.example", Kind.BOUNCE),
        ("postmaster@mx.example", Kind.BOUNCE),
        ("mailer@mx.example", Kind.PERSONAL),
        ("Support@Desk.example", Kind.OWN),
    ],
)
def test_authors(author, kind):
    assert classify(signs(author=author))[0] is kind


def test_a_daemon_without_an_address_is_a_daemon():
    assert classify(signs({"From": "MAILER-DAEMON (Mail Delivery System)"}, author="")) == (
        Kind.BOUNCE,
        "From: mailer-daemon",
    )


@pytest.mark.parametrize(
    ("report", "kind"),
    [
        ("delivery-status", Kind.BOUNCE),
        ("", Kind.BOUNCE),
        ("disposition-notification", Kind.RECEIPT),
        ("feedback-report", Kind.COMPLAINT),
        ("x", Kind.AUTO_GENERATED),
    ],
)
def test_reports(report, kind):
    assert classify(signs(content_type="multipart/report", report_type=report))[0] is kind


@pytest.mark.parametrize(
    ("content_type", "data", "kind"),
    [
        ("text/calendar", b"BEGIN:VCALENDAR\r\nMETHOD:REPLY\r\n", Kind.MEETING),
        ("text/calendar", b"BEGIN:VCALENDAR\nmethod : Counter\n", Kind.MEETING),
        ("text/calendar", b"BEGIN:VCALENDAR\r\nMETHOD:REQUEST\r\n", Kind.PERSONAL),  # somebody invites us
        ("text/calendar", b"", Kind.PERSONAL),
        ("message/disposition-notification", b"", Kind.RECEIPT),
        ("message/feedback-report", b"", Kind.COMPLAINT),
        ("message/rfc822", b"METHOD:REPLY", Kind.PERSONAL),
    ],
)
def test_what_a_mail_carries(content_type, data, kind):
    found = automatic.types_of([Part("p", content_type, data, "0" * 64)])
    assert classify(replace(signs(), files=found))[0] is kind


# One to a line: kind, and headers between slashes (`files` for what it carries). Where none says `Return-Path` the envelope has
# the author's address.
TABLE = [line.split(" | ", 1) for line in (Path(__file__).parent / "kinds.txt").read_text().splitlines()]


def described(line: str) -> Signs:
    named = [(name.strip(), value.strip()) for name, _, value in (one.partition(":") for one in line.split(" / "))]
    found = dict(named)
    made = signs(sender=None if "Return-Path" in found else "ann@example.org")
    address = found.get("From", "ann@example.org").rpartition("<")[2].rstrip(">")
    files = frozenset(value for name, value in named if name == "files")
    headers = Headers([one for one in named if one[0] != "files"])
    return replace(made, headers=headers, author=Address("", address), files=files)


@pytest.mark.parametrize(("kind", "line"), TABLE)
def test_what_programs_and_people_send(kind, line):
    assert classify(described(line))[0] == kind


def test_every_rule_is_held_by_a_case():
    """Each row of the table decides for some case above; a row that nothing reaches is no rule."""
    cases: list[Signs] = [signs(case[0]) for case in HEADER_CASES]
    cases += [described(line) for _, line in TABLE]
    cases += [signs(sender=""), signs(author="postmaster@x"), signs(author="support@desk.example")]
    cases += [
        signs(content_type="multipart/report", report_type=kind)
        for kind in ("", "disposition-notification", "feedback-report", "x")
    ]
    carried = ("message/disposition-notification", "message/feedback-report", "text/calendar; method=reply")
    cases += [replace(signs(), files=frozenset({one})) for one in carried]
    complaint = signs({"Subject": "complaint about message from 192.0.2.1"})
    assert classify(complaint)[0] is Kind.PERSONAL
    cases.append(replace(complaint, files=frozenset({"message/rfc822"})))
    reached = {next((n for n, (_, rule) in enumerate(automatic.RULES) if rule(case)), None) for case in cases}
    assert reached - {None} == set(range(len(automatic.RULES)))


HEADER_CASES = next(mark.args[1] for mark in test_headers.pytestmark if mark.name == "parametrize")
