"""What parse promises beside the fixtures: sameness, limits, hostile structure, the envelope."""

from __future__ import annotations

import base64
from dataclasses import replace

import msgspec
import pytest

from helpdeskd.config import Intake
from helpdeskd.mail import split, structure
from helpdeskd.mail.parse import identity, parse
from helpdeskd.model.mail import Inbound, Kind
from tests.unit.mail.test_fixtures import read

HEAD = (
    b"From: Ann <ann@example.org>\nTo: support@desk.example\nSubject: Printer\n"
    b"Date: Mon, 02 Feb 2026 10:00:00 +0100\nMessage-ID: <one@example.org>\nMIME-Version: 1.0\n"
)
MAIL = HEAD + b"\nIt burns.\n"


def limited(raw: bytes, **limits: int) -> Inbound:
    return parse(
        raw,
        sender=None,
        instance="i",
        own_addresses=lambda _: False,
        marker="##",
        limits=msgspec.structs.replace(Intake(), **limits),
    )


# --- sameness


@pytest.mark.parametrize(
    "other",
    [
        MAIL,
        MAIL.replace(b"\n", b"\r\n"),
        b"From ann@example.org Mon Feb  2 10:00:00 2026\n" + MAIL,
        b"Received: from a by b; Mon, 02 Feb 2026 10:00:01 +0100\nReturn-Path: <x@y>\nDelivered-To: z\n" + MAIL,
        b"Authentication-Results: mx; spf=pass\n" + MAIL,
        MAIL.replace(b"Subject: Printer", b"subject:\n  Printer"),
        MAIL + b"\n",
        b"\n" + MAIL,
    ],
)
def test_a_second_try_is_the_same_mail(other):
    assert identity(other) == identity(MAIL) is not None


@pytest.mark.parametrize(
    "other",
    [
        MAIL.replace(b"It burns", b"It burned"),
        MAIL.replace(b"Printer", b"printer"),
        MAIL.replace(b"ann@", b"bob@"),
        MAIL.replace(b"one@", b"two@"),
        MAIL.replace(b"10:00:00", b"10:00:01"),
    ],
)
def test_another_mail_is_another_mail(other):
    assert identity(other) != identity(MAIL)


@pytest.mark.parametrize("missing", [b"Date", b"Message-ID"])
def test_without_id_or_date_nothing_is_the_same(missing):
    lines = [line for line in MAIL.split(b"\n") if not line.startswith(missing)]
    assert identity(b"\n".join(lines)) is None
    assert identity(MAIL.replace(missing + b":", missing + b":\nX-Rest:")) is None


def test_a_header_cannot_move_into_the_body():
    """The digest is over fields, not over a text in which one could stand for another."""
    moved = MAIL.replace(b"Subject: Printer\n", b"").replace(b"\n\nIt", b"\n\nsubject:Printer\n\nIt")
    assert identity(moved) != identity(MAIL)


# --- the envelope


def test_the_envelope_sender_decides_over_return_path():
    raw = b"Return-Path: <>\n" + MAIL
    assert read(raw, sender="ann@example.org").kind is Kind.PERSONAL
    assert read(raw, sender="").kind is Kind.NULL_PATH
    assert read(raw, sender=None).kind is Kind.NULL_PATH


def test_a_mail_from_one_of_our_addresses_is_our_own():
    assert read(MAIL.replace(b"ann@example.org", b"help@desk.example")).kind is Kind.OWN


# --- staff answer our notices from programs that send HTML alone

OUTLOOK = """<html><body><p>Please pull the plug.</p>
<div id="divRplyFwdMsg"><hr><b>From:</b> Support &lt;support+bsd22s47rudpavc2urrr44chxqoq@desk.example&gt;<br>
<b>Sent:</b> Monday, February 2, 2026 9:12 AM<br><b>To:</b> Ann &lt;ann@example.org&gt;<br><b>Subject:</b> [#123456] Printer</div>
<div><p>## Please write your reply above this line ##</p><p>Customer: Carl</p></div></body></html>"""
APPLE = """<html><body><div>Please pull the plug.</div><div><br><blockquote type="cite"><div>On 2 Feb 2026, at 09:12, Support
&lt;<a href="mailto:support+bsd22s47rudpavc2urrr44chxqoq@desk.example">support+bsd22s47rudpavc2urrr44chxqoq@desk.example</a>&gt;
wrote:</div><br><div><p>## Please write your reply above this line ##</p><p>Customer: Carl</p></div></blockquote></div></body></html>"""
BELOW = """<html><body><blockquote><p>## Please write your reply above this line ##</p><p>Customer: Carl</p></blockquote>
<p>Please pull the plug.</p></body></html>"""


@pytest.mark.parametrize("body", [OUTLOOK, APPLE])
def test_an_answer_in_html_ends_at_the_marker(body):
    mail = read(HEAD + b"Content-Type: text/html; charset=utf-8\n\n" + body.encode())
    assert mail.text.strip() == "Please pull the plug."
    assert mail.marker_cut
    assert not mail.own_text_found


def test_an_answer_in_html_below_our_notice_is_not_cut():
    mail = read(HEAD + b"Content-Type: text/html; charset=utf-8\n\n" + BELOW.encode())
    assert "Please pull the plug." in mail.text
    assert not mail.marker_cut
    assert mail.own_text_found


def test_a_message_id_without_brackets_or_at_sign_is_one():
    assert read(MAIL.replace(b"<one@example.org>", b"12345")).message_id == "12345"
    assert read(MAIL.replace(b"<one@example.org>", b"")).message_id is None


# --- limits: what fits is kept, what was cut is said, and the original is attached


def check_cut(mail: Inbound, raw: bytes, word: str) -> None:
    assert any(word in note for note in mail.loose_ends), mail.loose_ends
    assert mail.parts[-1].name == "original.eml"
    assert mail.parts[-1].data == raw


def multipart(parts: int, body: bytes = b"x") -> bytes:
    return HEAD + b"Content-Type: multipart/mixed; boundary=b\n\n" + b"--b\n\n%s\n" % body * parts + b"--b--\n"


def test_nothing_is_cut_within_the_limits():
    raw = multipart(50)
    mail = read(raw)
    assert mail.loose_ends == ()
    assert mail.parts == ()
    assert mail.text.split() == ["x"] * 50


@pytest.mark.parametrize("many", [30, 300, 30_000])
def test_too_many_parts(many):
    raw = multipart(many)
    mail = limited(raw, max_parts=20)
    check_cut(mail, raw, "parts")
    assert 10 <= len(mail.text.split()) <= 20


def test_too_many_headers():
    raw = b"".join(b"X-%d: y\n" % n for n in range(50)) + MAIL
    mail = limited(raw, max_headers=20)
    check_cut(mail, raw, "headers are longer")
    assert mail.text == "It burns.\n"


def test_too_long_headers():
    raw = HEAD + b"X-Long: " + b" y\n" * 100_000 + b"\nIt burns.\n"
    mail = limited(raw, max_header_kb=8)
    check_cut(mail, raw, "headers are longer")
    assert mail.subject == "Printer"
    assert mail.text == "It burns.\n"


def test_too_long_headers_of_a_part():
    raw = HEAD + b"Content-Type: multipart/mixed; boundary=b\n\n--b\n" + b"X-Y: z\n" * 300_000 + b"\ntext\n--b--\n"
    mail = limited(raw)
    check_cut(mail, raw, "headers of a part")
    assert mail.text == "text"


def test_a_single_value_too_long():
    raw = MAIL.replace(b"Printer", b"Printer " + b"x" * 100_000)
    mail = limited(raw)
    assert mail.subject.startswith("Printer x")
    assert len(mail.subject) <= 998
    assert mail.parts[-1].data == raw


def test_too_long_a_text():
    raw = HEAD + b"\n" + b"words \n" * 1000
    mail = limited(raw, max_text_kb=1)
    check_cut(mail, raw, "longer than 1 KB")
    assert len(mail.text) == 1024


def nested(levels: int) -> bytes:
    inner = b"Content-Type: text/plain\n\ninnermost\n"
    opening = b"".join(b"Content-Type: multipart/mixed; boundary=b%d\n\n--b%d\n" % (n, n) for n in range(levels))
    closing = b"".join(b"--b%d--\n" % n for n in reversed(range(levels)))
    return HEAD + opening + inner + closing


def test_deep_but_within_the_limit():
    assert read(nested(30)).text == "innermost"


@pytest.mark.parametrize("levels", [25, 150, 400, 5000])
def test_too_deep(levels):
    raw = nested(levels)
    mail = limited(raw, max_depth=20)
    check_cut(mail, raw, "nested")


@pytest.mark.parametrize("levels", [5, 500, 5000])
def test_attached_mails_inside_one_another_are_one_file(levels):
    inner = b"Subject: in\nContent-Type: message/rfc822\n\n" * levels + b"Subject: last\n\nbody\n"
    mail = read(HEAD + b"Content-Type: message/rfc822\n\n" + inner)
    assert mail.text == ""
    assert [part.data for part in mail.parts] == [inner]
    assert mail.loose_ends == ()


def test_a_digest_keeps_each_of_its_mails():
    raw = (
        HEAD + b"Content-Type: multipart/digest; boundary=d\n\n--d\n\nSubject: one\n\nfirst\n"
        b"--d\nContent-Type: message/rfc822\n\nSubject: two\n\nsecond\n--d--\n"
    )
    mail = read(raw)
    assert mail.text == ""
    assert [(part.name, part.data) for part in mail.parts] == [
        ("one.eml", b"Subject: one\n\nfirst"),
        ("two.eml", b"Subject: two\n\nsecond"),
    ]


def test_our_own_hiding_mark_in_a_mail_is_left_alone():
    words = b"x-unread-0-message/rfc822 x-unread-1-"
    inner = b"Subject: in\n\n" + words
    raw = HEAD + b"Content-Type: multipart/mixed; boundary=b\n\n--b\n\n" + words
    raw += b"\n--b\nContent-Type: message/rfc822\n\n" + inner + b"\n--b--\n"
    mail = read(raw)
    assert mail.text == words.decode()
    assert mail.parts[0].data == inner
    assert mail.parts[0].content_type == "message/rfc822"


@pytest.mark.parametrize(
    "value",
    [
        b'multipart/mixed; a="' + b'\\";' * 50_000,
        b"multipart/mixed" + b";\n a=b" * 20_000,
        b"text/plain" + b"".join(b"; name*%d=x" % n for n in range(20_000)),
        b"text/plain; charset=" + b"x" * 100_000,
    ],
)
def test_hostile_parameters_cost_nothing(value):
    raw = HEAD + b"Content-Type: " + value + b"\n\nIt burns.\n"
    mail = limited(raw)
    check_cut(mail, raw, "parameters")
    assert "It burns." in mail.text


@pytest.mark.parametrize("line", [b"From x\n", b">From x y\r\n", b"\n\nFrom \n"])
def test_mbox_lines_by_the_million_are_read_once(line):
    """Not once for each: the suite's timeout is the bound."""
    assert read(line * (12_000_000 // len(line)) + MAIL).text == "It burns.\n"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16-le"])
def test_a_file_that_holds_a_mail_of_ours_is_known(encoding):
    def attached(instance: str) -> bytes:
        data = f"To: ann@example.org\nX-Helpdeskd-Loop: {instance}\n\nTicket 123456".encode(encoding)
        return base64.encodebytes(data)

    part = b"--b\nContent-Type: application/octet-stream; name=a.msg\nContent-Transfer-Encoding: base64\n\n%s\n"
    raw = (
        HEAD
        + b"Content-Type: multipart/mixed; boundary=b\n\n"
        + part % attached("i")
        + part % attached("j")
        + b"--b--\n"
    )
    assert [each.ours for each in limited(raw).parts] == [True, False]


def test_the_whole_mail_as_a_file_may_quote_us():
    (original,) = limited(MAIL.replace(b"Subject:", b"no header\nSubject:", 1)).parts
    assert original.ours


def test_bytes_of_a_file_survive():
    data = bytes(range(256)) * 40
    raw = HEAD + b"Content-Type: application/x-thing\nContent-Transfer-Encoding: base64\n\n" + base64.encodebytes(data)
    assert read(raw).parts[0].data == data


# --- when parsers give up


@pytest.mark.parametrize("module, name", [(split._Scan, "run"), (structure, "read")])
def test_when_the_structure_cannot_be_read_the_words_are_kept(monkeypatch, module, name):
    def give_up(*_):
        raise RecursionError

    monkeypatch.setattr(module, name, give_up)
    raw = multipart(1, b"It burns.")
    mail = limited(raw)
    assert mail.subject == "Printer"
    assert "It burns." in mail.text
    check_cut(mail, raw, "shown as one text")


def test_what_is_not_ours_to_catch_is_not_caught(monkeypatch):
    def out_of_memory(*_):
        raise MemoryError

    monkeypatch.setattr(split._Scan, "run", out_of_memory)
    with pytest.raises(MemoryError):
        limited(MAIL)


def test_the_record_is_frozen_and_comparable():
    assert read(MAIL) == replace(read(MAIL))
    assert read(MAIL) != replace(read(MAIL), subject="other")


def test_yenc_stays_in_the_text():
    data = bytes((byte + 42) % 256 for byte in range(256))
    for plain, escaped in ((b"=", b"=}"), (b"\0", b"=@"), (b"\n", b"=J"), (b"\r", b"=M")):
        data = data.replace(plain, escaped)
    code = b"=ybegin line=128 size=256 name=a.bin\n" + data + b"\n=yend size=256\n"
    mail = read(HEAD + b"\nSee below.\n" + code + b"Bye.\n")
    first, begin, *_, end, last = mail.text.splitlines()
    assert (first, last, mail.parts) == ("See below.", "Bye.", ())
    assert (begin, end) == ("=ybegin line=128 size=256 name=a.bin", "=yend size=256")
