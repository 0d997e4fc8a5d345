"""Delivery reports: the fields of RFC 3464 as servers write them, the codes of RFC 3463, and which recipient is meant."""

from __future__ import annotations

import pytest

from helpdeskd.mail import report
from helpdeskd.mail.bounce.read import read as whole_report
from helpdeskd.mail.headers import Headers
from helpdeskd.mail.report import MAX_FATES, fate_of
from helpdeskd.model.mail import Delivery, Fate, Kind, Part, Report
from tests.unit.mail.test_fixtures import MAILS, read

POSTFIX = """\
Reporting-MTA: dns; mta.example
X-Postfix-Queue-ID: 4bXyZ
X-Postfix-Sender: rfc822; support@desk.example
Arrival-Date: Mon,  2 Feb 2026 10:00:00 +0100 (CET)

Final-Recipient: rfc822; carol@customer.example
Original-Recipient: rfc822;Carol@customer.example
Action: failed
Status: 5.1.1
Remote-MTA: dns; mx.customer.example
Diagnostic-Code: smtp; 550 5.1.1 <carol@customer.example>: Recipient address
    rejected: User unknown
"""


def part(text: str | bytes, kind: str = "message/delivery-status") -> Part:
    return Part("part", kind, text if isinstance(text, bytes) else text.encode("utf-8", "surrogateescape"), "0" * 64)


def fates(text: str) -> tuple[Fate, ...]:
    return tuple(report.read([part(text)]))


def only(text: str) -> Fate:
    (found,) = fates(text)
    return found


def test_a_report_as_postfix_writes_it():
    assert only(POSTFIX) == Fate(
        delivery=Delivery.FAILED,
        recipient="carol@customer.example",
        original="Carol@customer.example",
        status="5.1.1",
        words="550 5.1.1 <carol@customer.example>: Recipient address rejected: User unknown",
        mta="mx.customer.example",
    )
    assert only(POSTFIX.replace("\n", "\r\n")) == only(POSTFIX)


def test_each_recipient_has_a_fate():
    text = (
        "Reporting-MTA: dns; mx\n\nFinal-Recipient: rfc822; a@x\nAction: delivered\nStatus: 2.0.0\n\n"
        "Final-Recipient: rfc822; b@x\nAction: failed\nStatus: 5.2.2\n\n\nFinal-Recipient: rfc822; c@x\nAction: delayed\n"
    )
    assert [(one.recipient, one.delivery, one.mta) for one in fates(text)] == [
        ("a@x", "delivered", "mx"),
        ("b@x", "failed", "mx"),
        ("c@x", "delayed", "mx"),
    ]
    assert fates(text.replace("\n\nFinal", "\nFinal").replace("\n\nFinal", "\nFinal")) == fates(text), "no empty lines"


@pytest.mark.parametrize(
    ("fields", "delivery", "status"),
    [
        ("Action: failed\nStatus: 4.4.1", "failed", "4.4.1"),  # given up after days of 4xx
        ("Action: Failed (delivery failed)\nStatus: 5.0.0 (permanent failure)", "failed", "5.0.0"),
        ("Action: delayed\nStatus: 4.4.1", "delayed", "4.4.1"),
        ("Action: relayed\nStatus: 2.0.0", "relayed", "2.0.0"),
        ("Action: expanded\nStatus: 2.0.0", "expanded", "2.0.0"),
        ("Action: delivered", "delivered", ""),
        ("Action: fehlgeschlagen\nStatus: 5.1.1", "failed", "5.1.1"),
        ("Status: 5.1.1", "failed", "5.1.1"),
        ("Status: 4.7.1", "delayed", "4.7.1"),
        ("Status: 2.1.5", "delivered", "2.1.5"),
        ("Action: failed\nDiagnostic-Code: smtp; 550 5.7.1 no", "failed", "5.7.1"),
        ("Action: failed\nStatus: 550\nDiagnostic-Code: smtp; 550-5.7.26 no", "failed", "5.7.26"),
        ("Diagnostic-Code: X-Notes; 550 5.1.1 unknown", "failed", "5.1.1"),
        ("Action: failure\nStatus: 553 too large", "failed", ""),
        ("Diagnostic-Code: smtp; 451 later", "delayed", ""),
    ],
)
def test_what_was_done(fields, delivery, status):
    found = only(f"Final-Recipient: rfc822; a@x.example\n{fields}\n")
    assert (found.delivery, found.status) == (delivery, status)


@pytest.mark.parametrize(
    "fields", ["", "Status: 3.0.0", "Status: none", "Action: pondered", "Diagnostic-Code: smtp; 10.5.1.1"]
)
def test_who_says_nothing_of_a_recipient_reports_nothing(fields):
    assert report.read([part(f"Final-Recipient: rfc822; a@x\n{fields}\n")]) == []


@pytest.mark.parametrize(
    ("value", "address"),
    [
        ("rfc822; a@x.example", "a@x.example"),
        ("RFC822;a@x.example", "a@x.example"),
        ("a@x.example", "a@x.example"),
        ("rfc822; <a@x.example>", "a@x.example"),
        ("rfc822; a@x.example (A person)", "a@x.example"),
        ("rfc822;\n a@x.example", "a@x.example"),
        ("LOCAL; \\a", ""),
        ("x400; /C=US/ADMD=x", ""),
        ("rfc822; postmaster", ""),
        (r"utf-8; j\x{F6}rg@m\x{FC}ller.example", "jörg@müller.example"),  # RFC 6533 section 3
        (r"utf-8; \x{D800}a@x.example", "?a@x.example"),
        ("", ""),
    ],
)
def test_addresses(value, address):
    assert only(f"Final-Recipient: {value}\nAction: failed\n").recipient == address


def test_the_words_are_one_short_line_without_what_steers_a_terminal():
    found = only(
        f"Final-Recipient: rfc822; a@x\nAction: failed\nDiagnostic-Code: smtp; \x1b[31mno\x07\n {'x' * 2000}\n"
    )
    assert found.words.isprintable()
    assert len(found.words) == 500


@pytest.mark.parametrize(
    ("kind", "data", "about"),
    [
        (
            "message/rfc822",
            "Subject: a\nMessage-ID: <ours@desk.example>\n\nMessage-ID: <no@x>\n",
            ("ours@desk.example",),
        ),
        ("text/rfc822-headers", "Received: x\nMESSAGE-ID:\n <ours@desk.example>", ("ours@desk.example",)),
        ("message/global-headers", "Message-ID: <ours@desk.example>\n", ("ours@desk.example",)),
        ("message/rfc822", "From a Mon\nMessage-ID: <ours@desk.example>\n", ("ours@desk.example",)),
        ("text/rfc822-headers", "Subject: no id here\n", ()),
        ("message/rfc822", b"\xff\xfe\x00", ()),
        ("text/plain", "Message-ID: <ours@desk.example>\n", ()),
    ],
)
def test_the_mail_that_comes_back_is_named(kind, data, about):
    found = whole_report(Headers([]), "", [part(POSTFIX), part(data, kind)])
    assert found is not None
    assert found.about == about


def test_only_a_machine_makes_a_report():
    raw = (MAILS / "14-bounce.eml").read_bytes()
    found = read(raw).report
    assert found is not None
    assert (found.about, found.fates[0].recipient, found.fates[0].delivery) == (
        ("ours@desk.example",),
        "bob@nowhere.example",
        Delivery.FAILED,
    )
    # A person who attaches one to a mail of their own has seen a report.
    passed_on = (
        raw.replace(b"\r\n", b"\n")
        .replace(b"multipart/report; report-type=delivery-status;", b"multipart/mixed;")
        .replace(b"MAILER-DAEMON@mx.example", b"jane@example.net")
        .replace(b"Return-Path: <>\n", b"")
        .replace(b"Auto-Submitted: auto-replied\n", b"")
    )
    mail = read(passed_on)
    assert (mail.kind, mail.report) == (Kind.PERSONAL, None)


# Which recipient


def told(*pairs: tuple[str, str, Delivery]) -> Report:
    return Report(tuple(Fate(done, final, original, "", "", "") for final, original, done in pairs), ())


F, D, OK = Delivery.FAILED, Delivery.DELAYED, Delivery.DELIVERED


@pytest.mark.parametrize(
    ("pairs", "recipient", "says"),
    [
        ((("carol@x.example", "", F),), "Carol@X.example", F),
        ((("carol@elsewhere.example", "carol@x.example", F),), "carol@x.example", F),  # an alias of hers
        ((("other@x.example", "", F),), "carol@x.example", None),
        ((("other@x.example", "", F), ("carol@x.example", "", D)), "carol@x.example", D),
        ((("carol@x.example", "", OK), ("carol@x.example", "", F)), "carol@x.example", F),
        ((("", "", F),), "carol@x.example", None),  # it names nobody
        ((("", "", F), ("other@x.example", "", F)), "carol@x.example", None),
        ((("jane@xn--mller-kva.example", "", F),), "jane@müller.example", F),
    ],
)
def test_of_whom_it_speaks(pairs, recipient, says):
    found = fate_of(told(*pairs), recipient, certain=False)
    assert (None if found is None else found.delivery) == says


@pytest.mark.parametrize(
    ("pairs", "says"),
    [
        ((("", "", F),), F),  # whoever its mail was to
        ((("", "", F), ("other@x.example", "", F)), None),
        ((("other@x.example", "", F),), None),
    ],
)
def test_of_whom_it_speaks_where_the_envelope_says_which_mail(pairs, says):
    found = fate_of(told(*pairs), "carol@x.example", certain=True)
    assert (None if found is None else found.delivery) == says


def test_so_many_recipients_are_read():
    many = "\n\n".join(
        f"Final-Recipient: rfc822; a{number}@x.example\nAction: failed" for number in range(3 * MAX_FATES)
    )
    assert len(fates(many)) == MAX_FATES
    assert len(report.in_text(many)) == MAX_FATES
    assert len(report.read([part(many), part(many)])) == MAX_FATES
