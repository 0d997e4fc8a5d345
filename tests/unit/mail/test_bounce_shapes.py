"""Reports whose form is broken or nobody's: whom they name, and whether the address is to blame.

Written before anybody looked how they are read.
"""

from __future__ import annotations

import pytest

from helpdeskd.model.mail import Delivery, Kind, Severity
from tests.unit.mail.test_bounce import HARD, OURS, SOFT, UNSURE, fates, mail

MIME = "MIME-Version: 1.0\nContent-Type: "
REPORT = f'{MIME}multipart/report; report-type=delivery-status; boundary="b"\n'
CAROL, DAN = "carol@x.example", "dan@y.example"
FIELDS = f"Reporting-MTA: dns; relay.example\n\nFinal-Recipient: rfc822; {CAROL}\nAction: failed\nStatus: 5.1.1\nDiagnostic-Code: smtp; 550 5.1.1 no such user\n"
STATUS = f"Content-Type: message/delivery-status\n\n{FIELDS}"
BASE64 = (
    "Content-Type: message/delivery-status\nContent-Transfer-Encoding: base64\n\n"
    "RmluYWwtUmVjaXBpZW50OiByZmM4MjI7IGNhcm9sQHguZXhhbXBsZQpBY3Rpb246IGZhaWxlZApTdGF0dXM6IDUuMS4xCg=="
)

# More headers, the body, and (recipient, severity) of each.
SHAPES: dict[str, tuple[str, str, list[tuple[str, Severity]]]] = {
    "no multipart at all: the status is the mail": (f"{MIME}message/delivery-status\n", FIELDS, [(CAROL, HARD)]),
    "multipart/mixed": (f'{MIME}multipart/mixed; boundary="b"\n', f"--b\n\nIt failed.\n--b\n{STATUS}\n--b--\n", [(CAROL, HARD)]),
    "the fields in a text part": (REPORT, f"--b\nContent-Type: text/plain\n\n{FIELDS}\n--b--\n", [(CAROL, HARD)]),
    "never closed": (REPORT, f"--b\n\nIt failed.\n--b\n{STATUS}", [(CAROL, HARD)]),
    "the header names another boundary": (REPORT.replace('"b"', '"other"'), f"--b\n\nIt failed.\n--b\n{STATUS}\n--b--\n", [(CAROL, HARD)]),
    "no boundary named": (f"{MIME}multipart/report; report-type=delivery-status\n", f"--b\n\nIt failed.\n--b\n{STATUS}\n--b--\n", [(CAROL, HARD)]),
    "the report is base64": (REPORT, f"--b\n{BASE64}\n--b--\n", [(CAROL, HARD)]),
    "no empty line between the message's fields and the recipient's": (REPORT, f"--b\n{STATUS.replace(chr(10) * 2 + 'Final', chr(10) + 'Final')}\n--b--\n", [(CAROL, HARD)]),
    "an empty line between all fields": (REPORT, f"--b\nContent-Type: message/delivery-status\n\n{FIELDS.replace(chr(10), chr(10) * 2)}\n--b--\n", [(CAROL, HARD)]),
    "no Action": (REPORT, f"--b\n{STATUS.replace('Action: failed' + chr(10), '')}\n--b--\n", [(CAROL, HARD)]),
    "no Status": (REPORT, f"--b\n{STATUS.replace('Status: 5.1.1' + chr(10), '')}\n--b--\n", [(CAROL, HARD)]),
    "an Action that nobody knows": (REPORT, f"--b\n{STATUS.replace('failed', 'bounced')}\n--b--\n", [(CAROL, HARD)]),
    "a reply code for a status": (REPORT, f"--b\n{STATUS.replace('Status: 5.1.1', 'Status: 550')}\n--b--\n", [(CAROL, HARD)]),
    "no type before the address": (REPORT, f"--b\n{STATUS.replace('rfc822; ', '')}\n--b--\n", [(CAROL, HARD)]),
    "brackets around the address": (REPORT, f"--b\n{STATUS.replace(CAROL, f'<{CAROL}>')}\n--b--\n", [(CAROL, HARD)]),
    "a name before the address": (REPORT, f"--b\n{STATUS.replace(CAROL, f'Carol <{CAROL}>')}\n--b--\n", [(CAROL, HARD)]),
    "only Original-Recipient": (REPORT, f"--b\n{STATUS.replace('Final-Recipient', 'Original-Recipient')}\n--b--\n", [(CAROL, HARD)]),
    "only X-Actual-Recipient": (REPORT, f"--b\n{STATUS.replace('Final-Recipient', 'X-Actual-Recipient')}\n--b--\n", [(CAROL, HARD)]),
    "no recipient but that of the headers that it returns": (
        REPORT, f"--b\nContent-Type: message/delivery-status\n\nReporting-MTA: dns; relay.example\n\nAction: failed\nStatus: 5.1.1\n\n--b\nContent-Type: text/rfc822-headers\n\nFrom: support@desk.example\nTo: {CAROL}\nMessage-ID: <ours@desk.example>\n\n--b--\n",
        [(CAROL, HARD)]),
    "field names in capitals, CRLF and blanks around": (REPORT, f"--b\nContent-Type: message/delivery-status\n\n{FIELDS.upper().replace('CAROL@X.EXAMPLE', CAROL).replace(': ', ' :  ')}\n--b--\n", [(CAROL, HARD)]),
    "late": (REPORT, f"--b\n{STATUS.replace('failed', 'delayed').replace('5.1.1', '4.4.1')}\n--b--\n", [(CAROL, SOFT)]),
    "two recipients, one group each": (REPORT, f"--b\n{STATUS}\nFinal-Recipient: rfc822; {DAN}\nAction: failed\nStatus: 5.2.2\n\n--b--\n", [(CAROL, HARD), (DAN, SOFT)]),
    "a line with the address and a colon": ("", f"The following could not be delivered.\n\n{CAROL}: 550 5.1.1 unknown\n\n{OURS}", [(CAROL, HARD)]),
    "To stands before the address": ("", f"Delivery failed.\nTo: {CAROL}\nReason: 550 5.1.1 no such user\n\n{OURS}", [(CAROL, HARD)]),
    "Recipient stands before the address": ("", f"Delivery failed.\n\nRecipient address: {CAROL}\nReason: Remote SMTP server has rejected address\nDiagnostic code: smtp;550 5.1.1 unknown user\n\n{OURS}", [(CAROL, HARD)]),
    "in the middle of a sentence": ("", f"Your mail to {CAROL} could not be delivered because the mailbox is full.\n\n{OURS}", [(CAROL, SOFT)]),
    "in quotation marks": ("", f'Could not deliver to "{CAROL}".\n5.1.1 unknown user\n\n{OURS}', [(CAROL, HARD)]),
    "a table": ("", f"Undeliverable mail\n\n| {CAROL} | 550 5.1.1 user unknown |\n\n{OURS}", [(CAROL, HARD)]),
    "a carrier": ("", f"Sorry, your message cannot be delivered. This mail ID is not available.\n{CAROL}\n\n{OURS}", [(CAROL, SOFT)]),
    "the address in the subject alone": ("", f"Delivery failed.\n\n{OURS}", [(CAROL, UNSURE)]),
    "HTML alone": (f"{MIME}text/html\n", f"<p>Your message to <b>{CAROL}</b> couldn't be delivered.</p><p>550 5.1.1 The account does not exist</p>", [(CAROL, HARD)]),
}  # fmt: skip


@pytest.mark.parametrize("name", SHAPES)
def test_shapes(name):
    more, body, expected = SHAPES[name]
    found = mail(body, "Undelivered Mail Returned to Sender", more=more)
    assert found.kind is Kind.BOUNCE
    assert [(fate.recipient or fate.original, fate.severity) for fate in fates(found)] == expected


def test_what_is_late_says_so():
    more, body, _ = SHAPES["late"]
    assert [fate.delivery for fate in fates(mail(body, more=more))] == [Delivery.DELAYED]
