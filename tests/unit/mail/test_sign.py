"""Our signatures, verified by two programs that are not ours; and what breaks them."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from helpdeskd.mail.compose import compose
from helpdeskd.mail.draft import AutoSubmitted
from helpdeskd.mail.sign import sign
from helpdeskd.model.mail import Address
from tests.dkim import key, needs_opendkim, opendkim, signatures, verified
from tests.unit.mail.test_compose import DRAFT, check, part

WHEN = datetime(2025, 2, 2, 9, 0, tzinfo=UTC)  # whoever verifies does not believe in the future
RSA, ED = key(), key(ed25519=True)
MAILS = {
    "simple": DRAFT,
    "empty": replace(DRAFT, text="", subject="", from_name=""),
    "blank lines at the end": replace(DRAFT, text="a  b\t c \n\n\n\n"),
    "blanks alone": replace(DRAFT, text=" \t \n \n"),
    "large, with blanks": replace(DRAFT, text="a  b\tc\n\n" * 40_000, parts=(part("a.txt", b"x" * 300_000),)),
    "everything": replace(
        DRAFT,
        from_name="Süpport",
        to=(Address("Jürgen Groß " * 9, "j@exämple.org"),),
        subject="Grüße 🖨 " + "und so weiter " * 30,
        text="Schöne Grüße\n\nFrom here\n.\n" + "x" * 3000,
        html='<p>Grüße <img src="cid:pic@desk"></p>',
        reply_to="support+bsd22s47rudpavc2urrr44chxqoq@desk.test",
        references=tuple(f"{number}@example.org" for number in range(20)),
        parts=(part("a.bin", bytes(range(256)) * 40), part("pic.png", b"png", "image/png", content_id="pic@desk")),
        auto_submitted=AutoSubmitted.REPLIED,
    ),
}


@pytest.mark.parametrize("draft", MAILS.values(), ids=MAILS)
def test_both_signatures_hold(draft):
    raw = compose(draft)
    signed = sign(raw, (RSA, ED), WHEN)
    assert signed.endswith(raw)
    assert signatures(signed) == 2
    assert verified(signed, (RSA, ED)) == [True, True]
    assert sign(raw, (RSA, ED), WHEN) == signed  # the same bytes again
    head = signed.partition(b"\r\n\r\n")[0]
    assert head.isascii() and all(len(line) <= 78 for line in head.split(b"\r\n")[:20])


@needs_opendkim
@pytest.mark.parametrize("signing", [RSA, ED], ids=["rsa", "ed25519"])
@pytest.mark.parametrize("draft", MAILS.values(), ids=MAILS)
def test_they_hold_for_opendkim_too(draft, signing, tmp_path):
    signed = sign(compose(draft), (signing,), WHEN)
    assert opendkim(tmp_path, signed, (signing,)) == ""
    assert opendkim(tmp_path, signed.replace(b"Subject:", b"Subject: paid:", 1), (signing,)) != ""


def test_without_a_key_nothing_changes():
    raw = compose(DRAFT)
    assert sign(raw, (), WHEN) == raw


def test_the_domain_is_the_one_of_from():
    """DMARC: aligned, even where the policy is strict."""
    signed = sign(compose(DRAFT), (RSA,), WHEN)
    mail = check(signed)
    (found,) = re.findall(r"\bd=([^;\s]+)", str(mail["DKIM-Signature"]))
    assert found == mail["From"].addresses[0].domain == "desk.test"


ADDED = ["From", "To", "Cc", "Subject", "Date", "Message-ID", "Reply-To", "Content-Type", "MIME-Version"]


@pytest.mark.parametrize("name", ADDED)
@pytest.mark.parametrize("above", [True, False], ids=["above", "below"])
def test_no_second_header_can_be_added(name, above):
    signed = sign(compose(DRAFT), (RSA, ED), WHEN)
    forged = f"{name}: evil@example.org\r\n".encode()
    signed = forged + signed if above else signed.replace(b"\r\n\r\n", b"\r\n" + forged + b"\r\n", 1)
    assert True not in verified(signed, (RSA, ED))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"Hello.", b"Hallo."),
        (b"Hello.\r\n", b"Hello.\r\nmore\r\n"),
        (b"Printer", b"Painter"),
        (b"To: Ann Example <ann@", b"To: Ann Example <bob@"),
        (b"09:00:00", b"09:00:01"),
        (b"<abc@desk.test>", b"<abd@desk.test>"),
        (b"charset=utf-8", b"charset=utf-7"),
        (b" t=1", b" t=2"),
    ],
)
def test_whatever_is_changed_breaks_them(old, new):
    signed = sign(compose(DRAFT), (RSA, ED), WHEN)
    assert old in signed
    assert True not in verified(signed.replace(old, new), (RSA, ED))


def test_what_a_relay_may_do_breaks_nothing():
    """Headers of its own above, folded lines anew, white space in other amounts."""
    signed = sign(compose(replace(DRAFT, subject="word " * 30, text="a b \n\n")), (RSA, ED), WHEN)
    relayed = b"Received: from desk.test\r\n\tby relay.test; Mon, 02 Feb 2026 09:00:01 +0000\r\n" + signed
    relayed = relayed.replace(b"word\r\n word", b"word\r\n\t  word").replace(b"From: Support", b"from:   Support")
    assert relayed.count(b"from:   Support") == 1
    assert verified(relayed + b"\r\n\r\n", (RSA, ED)) == [True, True]


def test_another_key_does_not_fit():
    signed = sign(compose(DRAFT), (RSA,), WHEN)
    other = replace(RSA, private=key("other.test").private)
    assert verified(signed, (other,)) == [False]
