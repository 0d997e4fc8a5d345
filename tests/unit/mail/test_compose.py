"""Drafts to bytes: read back by our parser and by the standard library's, and never more headers than ours."""

from __future__ import annotations

import email
import email.policy
import hashlib
import re
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from helpdeskd.errors import Refused
from helpdeskd.mail import encode
from helpdeskd.mail.compose import compose
from helpdeskd.mail.draft import AutoSubmitted, Draft
from helpdeskd.model.mail import Address, Kind, Part
from tests.unit.mail.test_fixtures import read

DRAFT = Draft(
    from_name="Support",
    from_address="support@desk.test",
    to=(Address("Ann Example", "ann@example.org"),),
    subject="[#123456] Printer",
    mail_id="abc@desk.test",
    date=datetime(2026, 2, 2, 9, 0, tzinfo=UTC),
    text="Hello.\n",
    instance="other-instance",
)


def part(name: str, data: bytes, content_type: str = "application/octet-stream", content_id: str = "") -> Part:
    return Part(name, content_type, data, hashlib.sha256(data).hexdigest(), content_id, inline=bool(content_id))


def check(raw: bytes) -> email.message.EmailMessage:
    """What every mail of ours must be."""
    assert raw.isascii()
    assert all(len(line) <= 998 for line in raw.split(b"\r\n"))
    assert b"\n" not in raw.replace(b"\r\n", b"")
    assert b"\r" not in raw.replace(b"\r\n", b"")
    assert b"\0" not in raw
    mail = email.message_from_bytes(raw, policy=email.policy.default)
    assert not mail.defects
    assert len(mail.keys()) == len(set(mail.keys()))
    return mail


def test_the_simplest():
    raw = compose(DRAFT)
    assert compose(DRAFT) == raw, "the same draft makes the same bytes"
    mail = check(raw)
    assert dict(mail.items()) == {
        "Date": "Mon, 02 Feb 2026 09:00:00 +0000",
        "From": "Support <support@desk.test>",
        "To": "Ann Example <ann@example.org>",
        "Subject": "[#123456] Printer",
        "Message-ID": "<abc@desk.test>",
        "X-Helpdeskd-Loop": "other-instance",
        "MIME-Version": "1.0",
        "Content-Type": 'text/plain; charset="utf-8"',
        "Content-Transfer-Encoding": "7bit",
    }
    assert mail.get_content() == "Hello.\r\n"


def test_a_token_has_a_header_of_its_own():
    assert check(compose(replace(DRAFT, token="0a" * 16)))["X-Helpdeskd-Mail"] == "0a" * 16


def test_everything_at_once_comes_back():
    draft = replace(
        DRAFT,
        from_name='Süpport, "Team"',
        to=(Address("Jürgen Groß", "j@exämple.org"), Address("", "b@example.org")),
        subject="Grüße 🖨 " + "und so weiter " * 20,
        text="Schöne Grüße\n\nFrom here on\n.\n" + "x" * 3000 + "\n",
        html='<p>Schöne Grüße <img src="cid:pic@desk"></p>',
        reply_to="support+bsd22s47rudpavc2urrr44chxqoq@desk.test",
        references=("root@x", "parent@y"),
        parts=(
            part("naïve report — a name long enough for two lines €.pdf", b"\0\xff\r\n" * 99, "application/pdf"),
            part("pic.png", b"png", "image/png", content_id="pic@desk"),
            part("mail.eml", b"Subject: x\n\nbody\n", "message/rfc822"),
            part("8bit.eml", "Subject: x\n\nGrüße\n".encode(), "message/rfc822"),
            part("../../odd\r\nname", b"", "not a type"),
        ),
        auto_submitted=AutoSubmitted.REPLIED,
    )
    raw = compose(draft)
    mail = check(raw)
    assert mail["Auto-Submitted"] == "auto-replied"
    assert mail["X-Auto-Response-Suppress"] == "All"
    assert mail["In-Reply-To"] == "<parent@y>"
    back = read(raw)
    assert back.author == Address('Süpport, "Team"', "support@desk.test")
    assert back.to == (Address("Jürgen Groß", "j@xn--exmple-cua.org"), Address("", "b@example.org"))
    assert back.subject == draft.subject.strip()
    assert back.text == draft.text
    assert back.html == draft.html
    assert back.reply_to[0].email == draft.reply_to
    assert back.references == ("root@x", "parent@y")
    assert back.kind is Kind.AUTO_REPLY
    assert {(one.name, one.content_type): one.data for one in back.parts} == {
        ("naïve report — a name long enough for two lines €.pdf", "application/pdf"): b"\0\xff\r\n" * 99,
        ("pic.png", "image/png"): b"png",
        ("mail.eml", "message/rfc822"): b"Subject: x\r\n\r\nbody\r\n",
        ("8bit.eml", "application/octet-stream"): "Subject: x\n\nGrüße\n".encode(),
        ("odd name", "application/octet-stream"): b"",
    }
    assert next(one for one in back.parts if one.name == "pic.png").inline


EVIL = [
    "a\r\nBcc: evil@example.org",
    "a\nBcc: evil@example.org",
    "a\rBcc: evil@example.org",
    "=?utf-8?q?a=0D=0ABcc=3A_evil=40example=2Eorg?=",
    "a\u2028Bcc: evil@example.org",
    "a\x85Bcc: evil@example.org",
    "a\x00b",
    "\ud800",
    " ",
    "",
    "x" * 5000,
    "é" * 5000,
    " a  b ",
    '"; x=y; "',
    "a\\",
    "a, b <c@d>",
]


@pytest.mark.parametrize("evil", EVIL)
def test_no_value_becomes_a_header(evil):
    draft = replace(
        DRAFT,
        from_name=evil,
        to=(Address(evil, "ann@example.org"),),
        subject=evil,
        instance=evil,
        text=evil,
        html=f"<p>{evil} cid:x</p>",
        references=(evil, f"{evil}@x", f"<{evil}>", "good@x"),
        reply_to="r@desk.test",
        parts=(part(evil, b"1"), replace(part("p", b"2", content_id="x"), content_type=evil)),
    )
    mail = check(compose(draft))
    assert "Bcc" not in mail
    assert mail["In-Reply-To"] == "<good@x>"
    assert [address.addr_spec for address in mail["To"].addresses] == ["ann@example.org"]


@pytest.mark.parametrize(
    "bad",
    [
        "",
        "x",
        "@",
        "a@",
        "@b",
        "a@b c",
        "a b@c.org",
        "a@b\r\nBcc: x@y",
        "a\n@b.org",
        "<a@b.org>",
        "a@b>",
        "a,b@c.org",
        "a@b..c",
        "a@-b.org\n",
        "a" * 400 + "@b.org",
    ],
)
def test_what_is_no_address_is_refused(bad):
    for draft in (
        replace(DRAFT, to=(Address("", bad),)),
        replace(DRAFT, from_address=bad),
        *([replace(DRAFT, reply_to=bad)] if bad else []),
    ):
        with pytest.raises(Refused) as caught:
            compose(draft)
        assert caught.value.reason == "bad-address"


def test_an_address_beyond_ascii_is_shown_not_spelled():
    mail = check(compose(replace(DRAFT, to=(Address("Jürgen", "jürgen@example.org"),))))
    assert mail["To"].addresses == ()
    assert "jürgen@example.org" in str(mail["To"])
    with pytest.raises(Refused):
        compose(replace(DRAFT, from_address="süpport@desk.test"))


@pytest.mark.parametrize("bad", ["", "x", "a b@c", "a@b>", "a@b\r\nX: y", "é@b", "sha256:abc"])
def test_a_message_id_that_is_none_is_refused(bad):
    with pytest.raises(Refused) as caught:
        compose(replace(DRAFT, mail_id=bad))
    assert caught.value.reason == "bad-id"


def test_nobody_to_write_to_is_refused():
    with pytest.raises(Refused) as caught:
        compose(replace(DRAFT, to=()))
    assert caught.value.reason == "no-recipient"


def test_a_person_answering_is_not_automatic():
    mail = check(compose(DRAFT))
    assert "Auto-Submitted" not in mail
    assert "X-Auto-Response-Suppress" not in mail
    assert mail["X-Helpdeskd-Loop"] == "other-instance"


def test_long_references_keep_the_root_and_the_nearest():
    mail = check(compose(replace(DRAFT, references=tuple(f"{n}@x" for n in range(500)))))
    found = re.findall(r"<([^>]+)>", str(mail["References"]))
    assert found[0] == "0@x"
    assert found[-1] == "499@x"
    assert len(found) == 30


@pytest.mark.parametrize(
    "text",
    [
        "",
        "\n",
        "a",
        "a\r\nb\rc\n",
        "From x\n",
        "a \nb\t\n",
        "=\n",
        "é",
        "日本語\n" * 50,
        "x" * 5000,
        "\0",
        ".\n",
        "--\n",
        "a" * 997 + "é",
        "\u2028",
    ],
)
def test_texts_come_back(text):
    encoding, data = encode.text_body(text)
    mail = email.message_from_bytes(
        f"Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: {encoding}\r\n\r\n".encode() + data
    )
    back = mail.get_payload(decode=True)
    assert isinstance(back, bytes)
    expected = text.replace("\r\n", "\n").replace("\r", "\n")
    assert back.decode().replace("\r\n", "\n") in {expected, expected + "\n"}


def test_encoded_words_stay_within_rfc_2047():
    for word in encode.encoded_words("é🖨日" * 100):
        assert len(word) <= 75
        assert email.header.decode_header(word)[0][0].decode("utf-8"), "no character is split"
