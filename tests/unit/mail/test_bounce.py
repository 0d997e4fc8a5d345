"""Reports of many programs, as they write them: whom the mail did not reach, why, and whether the address is to blame."""

# ruff: noqa: ISC004, RUF001 - mails are written line by line, in their own alphabets

from __future__ import annotations

import json

import pytest

from helpdeskd.mail.bounce import codes, entries, phrases, returned
from helpdeskd.model.mail import Delivery, Fate, Inbound, Kind, Reason, Severity
from tests.unit.mail.test_fixtures import read

HARD, SOFT, UNSURE = Severity.HARD, Severity.SOFT, Severity.UNDETERMINED
DAEMON = "MAILER-DAEMON@relay.example"
OURS = "Received: from desk.example by relay.example; Mon, 2 Feb 2026 10:00:00 +0100\nMessage-ID: <ours@desk.example>\nFrom: support@desk.example\nTo: carol@x.example\nSubject: Your answer\n\nHello Carol\n"


def mail(body: str, subject: str = "failure notice", sender: str = DAEMON, more: str = "") -> Inbound:
    head = f"From: {sender}\nTo: support@desk.example\nSubject: {subject}\nMessage-ID: <b@relay.example>\n{more}"
    return read(f"{head}\n{body}".encode(), sender=None)


def fates(found: Inbound) -> tuple[Fate, ...]:
    return () if found.report is None else found.report.fates


def short(found: Inbound) -> list[tuple[str, Severity, Reason, str]]:
    return [(fate.recipient, fate.severity, fate.reason, fate.code) for fate in fates(found)]


# Each a shape of its own, in the manner of the program named: text, subject, and what is read out of it.
SHAPES = {
    "qmail": (
        "Hi. This is the qmail-send program at relay.example.\nI could not deliver your message to these addresses.\n\n"
        "<carol@x.example>:\n192.0.2.7 does not like recipient.\nRemote host said: 550 5.1.1 <carol@x.example> nobody of that name\n"
        "Giving up on 192.0.2.7.\n\n<dan@x.example>:\nRemote host said: 552 5.2.2 Mailbox is full\n\n"
        f"--- Below this line is a copy of the message.\n\n{OURS}",
        "failure notice",
        [
            ("carol@x.example", HARD, Reason.USER_UNKNOWN, "5.1.1"),
            ("dan@x.example", SOFT, Reason.MAILBOX_FULL, "5.2.2"),
        ],
    ),
    "Exim": (
        "This message was created automatically by mail delivery software.\n\nA message that you sent could not be delivered. "
        "The following address(es) failed:\n\n  carol@x.example\n    host mx.x.example [192.0.2.7]\n"
        "    SMTP error from remote mail server after RCPT TO:<carol@x.example>:\n    550 Unknown user\n"
        "  dan@y.example\n    Unrouteable address\n  eve@z.example\n    retry timeout exceeded\n\n"
        f"------ This is a copy of the message, including all the headers. ------\n\n{OURS}",
        "Mail delivery failed: returning message to sender",
        [
            ("carol@x.example", HARD, Reason.USER_UNKNOWN, "5.1.1"),
            ("dan@y.example", HARD, Reason.USER_UNKNOWN, "5.1.1"),
            ("eve@z.example", SOFT, Reason.EXPIRED, "4.4.7"),
        ],
    ),
    "Postfix without a report": (
        "This is the mail system at host relay.example.\n\nI'm sorry to have to inform you that your message could not be delivered.\n"
        "For help, write to <postmaster@relay.example>\n\n<carol@x.example>: host mx.x.example[192.0.2.7] said: 550 5.7.1\n"
        "    Client host rejected: your address is on a blocklist (in reply to RCPT TO command)\n\n" + OURS,
        "Undelivered Mail Returned to Sender",
        [("carol@x.example", SOFT, Reason.BLOCKED, "5.7.1")],
    ),
    "sendmail": (
        "The original message was received at Mon, 2 Feb 2026 10:00:00 +0100\n\n   ----- Transcript of session follows -----\n"
        "... while talking to mx.x.example.:\n>>> RCPT To:<carol@x.example>\n<<< 550 no such user here\n"
        "550 5.1.1 <carol@x.example>... User unknown\n550 y.example (smtp)... 550 Host unknown\n"
        f"554 <dan@y.example>... 550 Host unknown\n\n   ----- Unsent message follows -----\n{OURS}",
        "Returned mail: User unknown",
        [
            ("carol@x.example", HARD, Reason.USER_UNKNOWN, "5.1.1"),
            ("dan@y.example", HARD, Reason.HOST_UNKNOWN, "5.1.2"),
        ],
    ),
    "a filter that speaks of an unknown user": (
        "   ----- Transcript of session follows -----\n... while talking to mx.x.example.:\n>>> DATA\n"
        "<<< 550 Unknown user carol@x.example\n554 <carol@x.example>... Service unavailable\n\n"
        f"   ----- Unsent message follows -----\n{OURS}",
        "Returned mail: Service unavailable",
        [("carol@x.example", SOFT, Reason.FILTERED, "5.2.0")],
    ),
    "Exchange of old": (
        "Your message\n\n  To:      carol@x.example\n  Subject: Your answer\n\ndid not reach the following recipient(s):\n\n"
        "carol@x.example on Mon, 2 Feb 2026 10:00:00 +0100\n    The recipient name is not recognized\n    MSEXCH:IMS:X 0 (000C05A6)\n",
        "Undeliverable: Your answer",
        [("carol@x.example", HARD, Reason.USER_UNKNOWN, "5.1.1")],
    ),
    "X.400": (
        "Your message did not reach the following recipient(s):\n\nc=DE;a= ;p=X;o=Y;dda:SMTP=carol@x.example; on Mon, 2 Feb 2026\n"
        "    The recipient name is not recognized\n",
        "Undeliverable: Your answer",
        [("carol@x.example", HARD, Reason.USER_UNKNOWN, "5.1.1")],
    ),
    "Domino in German": (
        "Ihre Nachricht\n\n  Betreff: Your answer\n\nkonnte nicht zugestellt werden an:\n\n  carol@x.example\n\nweil:\n\n"
        "  Benutzer carol ist nicht im Domino-Verzeichnis aufgeführt\n",
        "Zustellungsfehler: Your answer",
        [("carol@x.example", HARD, Reason.USER_UNKNOWN, "5.1.1")],
    ),
    "Gmail, late": (
        "This is an automatically generated Delivery Status Notification\n\nTHIS IS A WARNING MESSAGE ONLY.\n\n"
        "Delivery to the following recipient has been delayed:\n\n     carol@x.example\n\nMessage will be retried for 2 more day(s)\n\n"
        f"The error that the other server returned was:\n450 4.2.2 over quota\n\n----- Original message -----\n\n{OURS}",
        "Delivery Status Notification (Delay)",
        [("carol@x.example", SOFT, Reason.MAILBOX_FULL, "4.2.2")],
    ),
    "Yahoo": (
        "Sorry, we were unable to deliver your message to the following address.\n\n<carol@x.example>:\n"
        f"Remote host said: 501 5.1.8 Sender address rejected [MAIL_FROM]\n\n--- Below this line is a copy of the message.\n\n{OURS}",
        "Failure Notice",
        [("carol@x.example", SOFT, Reason.SENDER, "5.1.8")],
    ),
    "one line": (
        f"Unknown user: carol@x.example\n\n\nOriginal message follows.\n\n{OURS}",
        "Undeliverable Mail",
        [("carol@x.example", HARD, Reason.USER_UNKNOWN, "5.1.1")],
    ),
    "Japanese": (
        "以下のメールアドレスへの送信に失敗しました。\n<carol@x.example>\n\n宛先のメールボックスの容量が超過しています。\n\n" + OURS,
        "配信エラー",
        [("carol@x.example", SOFT, Reason.MAILBOX_FULL, "5.2.2")],
    ),
    "Russian": (
        "К сожалению, Ваше письмо не может быть доставлено:\n\n  carol@x.example\n"
        f"    SMTP error after RCPT TO:<carol@x.example>: 550 такой пользователь не найден\n\n{OURS}",
        "Ваше сообщение не доставлено",
        [("carol@x.example", HARD, Reason.USER_UNKNOWN, "5.1.1")],
    ),
    "French": (
        f"Votre message n'a pas pu être remis au destinataire :\n\ncarol@x.example: la boîte aux lettres est pleine\n\n{OURS}",
        "Message non remis",
        [("carol@x.example", SOFT, Reason.MAILBOX_FULL, "5.2.2")],
    ),
    "fields in the text": (
        "An error occurred.\n\nReporting-MTA: dsn; relay.example\n\nAction: failed\nFinal-Recipient: rfc822; carol@x.example\n"
        "Diagnostic-Code: smtp; 550 5.1.2 no such domain\nStatus: 5.1.2\n",
        "Delivery Status Notification (Failure)",
        [("carol@x.example", HARD, Reason.HOST_UNKNOWN, "5.1.2")],
    ),
    "nothing but the mail": (OURS, "Undelivered mail", [("carol@x.example", UNSURE, Reason.UNKNOWN, "5.0.0")]),
    "no words": (
        "Delivery to the following recipients failed.\n\n       carol@x.example\n\n",
        "Delivery Status Notification (Failure)",
        [("carol@x.example", UNSURE, Reason.UNKNOWN, "5.0.0")],
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", SHAPES)
def test_shapes(name):
    body, subject, expected = SHAPES[name]
    found = mail(body, subject)
    assert found.kind is Kind.BOUNCE
    assert short(found) == expected
    assert found.report is not None
    assert found.report.about == (("ours@desk.example",) if OURS in body else ())


def test_whether_it_is_over_is_read_out_of_the_text():
    assert [fate.delivery for fate in fates(mail(*SHAPES["Gmail, late"][:2]))] == [Delivery.DELAYED]
    assert [fate.delivery for fate in fates(mail(*SHAPES["qmail"][:2]))] == [Delivery.FAILED, Delivery.FAILED]


def test_what_is_late_is_never_hard():
    body = "Your message has not yet been delivered to:\n\n<carol@x.example>: 450 4.1.1 User unknown, try again\n"
    assert [(fate.delivery, fate.severity) for fate in fates(mail(body, "Delayed mail"))] == [(Delivery.DELAYED, SOFT)]


def test_the_relay_names_whom_it_failed():
    found = mail("See the attached file.\n", "Notice", more="X-Failed-Recipients: carol@x.example, dan@x.example\n")
    assert [fate.recipient for fate in fates(found)] == ["carol@x.example", "dan@x.example"]


def test_a_report_that_returns_nothing_answers_the_mail():
    body = "<carol@x.example>: 550 5.1.1 User unknown\n"
    found = mail(body, more="In-Reply-To: <ours@desk.example>\n").report
    assert found is not None
    assert found.about == ("ours@desk.example",)


STANDARD = """\
This is a report.
--b
Content-Type: text/plain

{text}
--b
Content-Type: message/delivery-status

Reporting-MTA: dns; relay.example

{fields}
--b--
"""


@pytest.mark.parametrize(
    ("text", "fields", "expected"),
    [
        (  # the words know better than the fields
            "It failed.",
            "Final-Recipient: rfc822; carol@x.example\nAction: failed\nStatus: 5.0.0\nDiagnostic-Code: smtp; 550 5.7.1 blocked by policy",
            [("carol@x.example", SOFT, Reason.POLICY, "5.7.1")],
        ),
        (  # a status without words
            "It failed.",
            "Final-Recipient: rfc822; carol@x.example\nAction: failed\nStatus: 5.1.1",
            [("carol@x.example", HARD, Reason.USER_UNKNOWN, "5.1.1")],
        ),
        (  # the text knows the address and the command
            "<carol@x.example>: 550 User unknown (in reply to RCPT TO command)",
            "Action: failed\nDiagnostic-Code: smtp; 550 User unknown",
            [("carol@x.example", HARD, Reason.USER_UNKNOWN, "5.1.1")],
        ),
        (  # the reporter has judged
            "It failed.",
            "Final-Recipient: rfc822; carol@x.example\nAction: failed\nStatus: 5.2.1\n"
            "Diagnostic-Code: smtp; 550 5.2.1 User unknown\nX-PowerMTA-BounceCategory: bad-mailbox",
            [("carol@x.example", HARD, Reason.USER_UNKNOWN, "5.2.1")],
        ),
        (  # sent ahead of DATA: a status of addresses says to which command this answers
            ">>> DATA\n<<< 550 Unknown user carol@x.example\n",
            "Final-Recipient: rfc822; carol@x.example\nAction: failed\nStatus: 5.1.1\nDiagnostic-Code: smtp; 550 Unknown user",
            [("carol@x.example", HARD, Reason.USER_UNKNOWN, "5.1.1")],
        ),
        (  # words alone prove nothing
            "It failed.",
            "Final-Recipient: rfc822; carol@x.example\nAction: failed\nStatus: 5.0.0\nDiagnostic-Code: smtp; 550 User unknown, sorry",
            [("carol@x.example", SOFT, Reason.FILTERED, "5.0.0")],
        ),
        (
            "It failed.",
            "Final-Recipient: rfc822; carol@x.example\nAction: failed\nStatus: 5.1.7\nDiagnostic-Code: smtp; 550 5.1.7 No such domain",
            [("carol@x.example", SOFT, Reason.SENDER, "5.1.7")],
        ),
        (
            "It failed.",
            "Final-Recipient: rfc822; carol@x.example\nAction: failed\nStatus: 5.0.0\n"
            "Diagnostic-Code: X-Notes; \x1b$B%f!<%6!<$O8+$D$+$j$^$;$s\x1b(B in the directory",
            [("carol@x.example", HARD, Reason.USER_UNKNOWN, "5.0.0")],
        ),
    ],
)  # fmt: skip
def test_what_stands_beside_the_fields_of_a_standard_report(text, fields, expected):
    more = 'MIME-Version: 1.0\nContent-Type: multipart/report; report-type=delivery-status; boundary="b"\n'
    assert short(mail(STANDARD.format(text=text, fields=fields), more=more)) == expected


# Whose mail it is


@pytest.mark.parametrize(
    ("sender", "more", "proven"),
    [
        ("imss@gate.example", "", False),
        ("E5_SMTP_Service@gate.example", "", False),
        ("Mail Delivery System <x@gate.example>", "", False),
        ("<>", "", False),
        ("x@gate.example", "Return-Path: <MAILER-DAEMON@gate.example>\n", False),
        ("no-reply@carrier.example", "Auto-Submitted: auto-generated\n", False),
        ("no-reply@carrier.example", "X-Failed-Recipients: carol@x.example\n", False),
        ("no-reply@carrier.example", "X-Failed-Recipient: carol@x.example\n", False),
        ("no-reply@carrier.example", "X-MS-Embedded-Report:\n", False),
        ("talk-admin@lists.example", "X-MLServer: one\n", False),
        ("postmaster@x.example", "", False),
        ("no-reply@carrier.example", "Return-Path: <>\n", True),
        (DAEMON, "Return-Path: <>\n", True),
    ],
)  # fmt: skip
def test_a_machine_under_another_name(sender, more, proven):
    body = "Unable to deliver message to <carol@x.example>.\n550 5.1.1 unknown user."
    found = mail(body, "Mail could not be delivered", sender, more)
    assert (found.kind, len(fates(found)), found.weak_bounce) == (Kind.BOUNCE, 1, not proven)


@pytest.mark.parametrize(
    "subject", ["Mail delivery problem", "Mailbox full", "User unknown", "メールエラー通知", "Undelivered parcel"]
)
@pytest.mark.parametrize(
    "body",
    [
        "We can't send mail to bob@partner.example, it is rejected.\n",
        "The mailbox of bob@partner.example is full. What now?\n",
        "550 5.1.1 <bob@partner.example>: User unknown\n",
        "The parcel was not delivered.\nRecipient: eve@cust.example\n",
        '{"notificationType": "Bounce", "bounce": {"bouncedRecipients": [{"emailAddress": "bob@partner.example"}]}}',
        f"<carol@x.example>: 550 5.1.1 User unknown\n\n--- Below this line is a copy of the message.\n\n{OURS}",
    ],
)  # fmt: skip
@pytest.mark.parametrize("sender", ["ann@cust.example", "no-reply@shop.example", "smtphelp@cust.example"])
def test_words_alone_make_no_bounce(subject, body, sender):
    """A customer of a help desk writes such things every day; taken for a machine's, their mail would open no ticket."""
    found = mail(body, subject, sender, f"Return-Path: <{sender}>\n")
    assert (found.kind, found.report, found.weak_bounce) == (Kind.PERSONAL, None, False)
    by_list = mail(body, subject, sender, "Return-Path: <talk-bounces@lists.example>\nList-Id: <talk.lists.example>\n")
    assert (by_list.kind, by_list.report, by_list.weak_bounce) == (Kind.LIST, None, False)


@pytest.mark.parametrize(
    ("subject", "body"),
    [
        (
            "Mail delivery failed",
            "Hello,\n\nI got this, what is wrong?\n\ncould not be delivered to <carol@x.example>\n",
        ),
        ("Fwd: failure notice", "<carol@x.example>: 550 5.1.1 unknown\n"),
        ("Re: Undeliverable: Your answer", "Message could not be delivered to carol@x.example\n"),
        ("Delivery failed", "My parcel has not been delivered, the quota is full and I am cross.\n"),
        ("My account", "My mailbox is full, carol@x.example\n"),
    ],
)
def test_a_person_who_writes_of_one(subject, body):
    found = mail(body, subject, "Jane <jane@customer.example>")
    assert (found.kind, found.report) == (Kind.PERSONAL, None)


def test_a_postmaster_who_only_writes_is_no_report():
    found = mail(
        "Thank you, it works now.\n-- \ncarol@x.example\n",
        "Your question",
        "postmaster@x.example",
        "In-Reply-To: <ours@desk.example>\n",
    )
    assert found.report is None


def test_a_null_path_and_an_opening_are_enough():
    body = "Your mail of Monday\n     could not be delivered to: <carol@x.example>\n     as the mailbox is full.\n"
    found = mail(body, "Mail", "no-reply@carrier.example", "Return-Path: <>\n")
    assert (found.kind, short(found)) == (Kind.BOUNCE, [("carol@x.example", SOFT, Reason.MAILBOX_FULL, "5.2.2")])
    away = mail("I am away until Monday.\n", "Mail", "jane@customer.example", "Return-Path: <>\n")
    assert (away.kind, away.report) == (Kind.NULL_PATH, None)


def notice(kind: str, *, wrapped: bool) -> str:
    said = {
        "notificationType": kind,
        "bounce": {
            "bounceType": "Permanent",
            "bouncedRecipients": [
                {
                    "emailAddress": "carol@x.example",
                    "status": "5.1.1",
                    "diagnosticCode": "smtp; 550 5.1.1 user unknown",
                },
                "not an object",
            ],
        },
        "mail": {"headers": [{"name": "Message-ID", "value": "<ours@desk.example>"}]},
    }
    return json.dumps({"Type": "Notification", "Message": json.dumps(said)} if wrapped else said)


@pytest.mark.parametrize("wrapped", [True, False])
def test_a_notice_of_ses(wrapped):
    by = {"subject": "AWS Notification Message", "sender": "no-reply@sns.example", "more": "x-amz-sns-message-id: 1\n"}
    found = mail(notice("Bounce", wrapped=wrapped), **by)
    assert (found.kind, short(found)) == (Kind.BOUNCE, [("carol@x.example", HARD, Reason.USER_UNKNOWN, "5.1.1")])
    assert found.report is not None
    assert found.report.about == ("ours@desk.example",)
    other = mail(notice("Complaint", wrapped=wrapped), **by)
    assert (other.kind, other.report) == (Kind.COMPLAINT, None)
    passed = mail(notice("Delivery", wrapped=wrapped), **by)
    assert (passed.kind, passed.report) == (Kind.AUTO_GENERATED, None)


@pytest.mark.parametrize(
    "text", ["{", "{}", "[" * 5000, '{"Message": 3}', '{"notificationType": "Bounce", "bounce": [1]}']
)
def test_json_that_is_no_notice(text):
    assert fates(mail(text, "AWS Notification Message", "no-reply@sns.example", "x-amz-sns-message-id: 1\n")) == ()


# Words and codes


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        ("550 5.1.1 <carol@x.example>... User unknown", Reason.USER_UNKNOWN),
        ("550 <carol@x.example>: Recipient address rejected: User unknown in virtual mailbox table", Reason.USER_UNKNOWN),
        ("550 Requested action not taken: mailbox unavailable", Reason.USER_UNKNOWN),
        ("Der Empfänger ist unbekannt", Reason.USER_UNKNOWN),
        ("L\u2019adresse de messagerie n\u2019existe pas", Reason.USER_UNKNOWN),
        ("El usuario no existe", Reason.USER_UNKNOWN),
        ("553 Domain of sender address mail@x.example does not exist", Reason.SENDER),
        ("Host or domain name not found. Name service error for name=x.example type=A", Reason.HOST_UNKNOWN),
        ("Sorry, I couldn't find any host named x.example. (#5.1.2)", Reason.HOST_UNKNOWN),
        ("an MX or SRV record indicated no SMTP service", Reason.HOST_UNKNOWN),
        ("550 5.1.6 Recipient has moved, no forwarding address", Reason.MOVED),
        ("Mailbox full", Reason.MAILBOX_FULL),
        ("552 Quota violation for carol@x.example", Reason.MAILBOX_FULL),
        ("Das Postfach ist voll", Reason.MAILBOX_FULL),
        ("This account has been disabled or discontinued", Reason.DISABLED),
        ("Message size exceeds fixed maximum message size: 100", Reason.TOO_LARGE),
        ("550 rejected due to the domain's DMARC policy", Reason.AUTHENTICATION),
        ("554 Service unavailable; Client host [192.0.2.1] blocked using a list", Reason.BLOCKED),
        ("554 5.7.1 Relay access denied", Reason.RELAYING),
        ("This message looks like spam", Reason.CONTENT),
        ("452 4.5.3 Too many recipients", Reason.TOO_MUCH),
        ("Connection timed out", Reason.EXPIRED),
        ("Connection refused", Reason.NETWORK),
        ("Command died with status 17", Reason.SYSTEM),
        ("unknown mailer error 255", Reason.SYSTEM),
        ("Access denied", Reason.POLICY),
        ("", Reason.UNKNOWN),
        ("user-unknown@mailbox-full.example", Reason.UNKNOWN),
    ],
)  # fmt: skip
def test_words(words, reason):
    assert phrases.reason_of(words) is reason


@pytest.mark.parametrize(
    ("words", "status", "reply"),
    [
        ("550 5.1.1 no", "5.1.1", "550"),
        ("550-5.2.1 disabled 550 5.2.1 see", "5.2.1", "550"),
        ("5.1.0 - Unknown address error 550-'5.2.2 full'", "5.2.2", "550"),
        ("no connection. (#4.4.1)", "4.4.1", ""),
        ("host 5.1.1.1 and 192.5.1.1 say 421", "", "421"),
        ("version 5.0.0b, 550 bytes", "", ""),
        ("smtp;550 5.1.10 RecipientNotFound", "5.1.10", "550"),
        ("", "", ""),
    ],
)
def test_codes_in_words(words, status, reply):
    assert (codes.status_in(words), codes.reply_in(words)) == (status, reply)


@pytest.mark.parametrize(
    ("reported", "said", "used"),
    [
        ("5.0.0", "5.7.1", "5.7.1"),
        ("4.4.7", "4.7.1", "4.7.1"),
        ("5.1.1", "5.0.0", "5.1.1"),
        ("5.1.1", "", "5.1.1"),
        ("", "5.0.0", "5.0.0"),
    ],
)
def test_the_better_of_two_codes(reported, said, used):
    assert codes.better(reported, said) == used


# Where a report ends


@pytest.mark.parametrize(
    "line",
    [
        "--- Below this line is a copy of the message.",
        "------ This is a copy of the message, including all the headers. ------",
        "----- Original message -----",
        "   ----- Unsent message follows -----",
        "Message headers follow:",
        "    Below is a copy of the original message:",
        "|------------------------- Message text follows: ------------------------|",
        "--------RETURNED MAIL FOLLOWS--------",
        "--- The header of the original message is following. ---",
    ],
)
def test_lines_that_end_a_report(line):
    assert returned.split(f"Said.\n\n{line}\n\nrest\n") == ("Said.\n", "\nrest\n")


@pytest.mark.parametrize(
    "line",
    [
        "The original message was received at Mon, 2 Feb 2026",
        "----- The following addresses had permanent fatal errors -----",
        "----- Transcript of session follows -----",
        "Your message could not be delivered to:",
    ],
)
def test_lines_that_do_not(line):
    text = f"Said.\n\n{line}\n\nrest\n"
    assert returned.split(text) == (text, "")


def test_headers_end_a_report_where_no_line_does():
    said, rest = returned.split(f"Said.\n\n{OURS}")
    assert (said, rest) == ("Said.\n", OURS)
    assert returned.fields(rest)["message-id"] == ["<ours@desk.example>"]


def test_those_that_are_never_meant():
    said = "Could not deliver the mail of support@desk.example to carol@x.example.\n\nAsk postmaster@relay.example\n"
    assert [entry.address for entry in entries.find(said, {"support@desk.example"})] == ["carol@x.example"]


@pytest.mark.parametrize("returned_as", ["a file", "text"])
def test_the_token_of_the_mail_that_comes_back(returned_as):
    ours = OURS.replace("Message-ID:", "X-Helpdeskd-Mail: 0123456789abcdef0123456789abcdef\nMessage-ID:")
    body, subject, _ = SHAPES["Exim"]
    without = mail(body, subject).report
    assert without is not None
    assert without.tokens == ()
    if returned_as == "text":
        found = mail(body.replace(OURS, ours), subject)
    else:
        head = 'MIME-Version: 1.0\nContent-Type: multipart/report; report-type=delivery-status; boundary="b"\n'
        said = "Final-Recipient: rfc822; carol@x.example\nAction: failed\nStatus: 5.1.1\n"
        parts = f"--b\nContent-Type: message/delivery-status\n\nReporting-MTA: dns; r\n\n{said}\n--b\nContent-Type: text/rfc822-headers\n\n{ours}\n--b--\n"
        found = mail(parts, subject, more=head)
    assert found.report is not None
    assert found.report.tokens == ("0123456789abcdef0123456789abcdef",)
