"""The tree of parts: what opens, what closes, what stands between; and that it costs what the mail is long."""

from __future__ import annotations

import base64
import email
import time
import tracemalloc

import pytest

from helpdeskd.config import Intake
from helpdeskd.mail import prepare, split
from helpdeskd.mail.outline import Node, outline
from tests.unit.mail.test_fixtures import read

LIMITS = Intake()


def shape(raw: bytes) -> object:
    return told(outline(raw, LIMITS))


def told(node: Node) -> object:
    if node.below:
        return [node.content_type.partition("/")[2], *map(told, node.below)]
    return node.data


MIXED = b"Content-Type: multipart/mixed; boundary="
CASES = {
    "nothing but a text": (b"Subject: x\n\nwords\n", b"words\n"),
    "two parts": (MIXED + b"b\n\npreamble\n--b\n\none\n--b\n\ntwo\n--b--\nepilogue", ["mixed", b"one", b"two"]),
    "carriage returns": (MIXED + b"b\r\n\r\n--b\r\n\r\none\r\n\r\n--b--\r\n", ["mixed", b"one\r\n"]),
    "no end": (MIXED + b"b\n\n--b\n\none\n--b\n\ntwo", ["mixed", b"one", b"two"]),
    "cut off behind a delimiter": (MIXED + b"b\n\n--b\n\none\n--b\n", ["mixed", b"one"]),
    "an empty part": (MIXED + b"b\n\n--b\n--b\n\ntwo\n--b--\n", ["mixed", b"", b"two"]),
    "blanks behind a delimiter": (MIXED + b"b\n\n--b  \n\none\n--b-- \t\n", ["mixed", b"one"]),
    "words behind a delimiter": (MIXED + b"bound\n\n--bound new part\n\none\n--bound-- the end\nx", ["mixed", b"one"]),
    "not at the start of a line": (MIXED + b"b\n\n--b\n\nsee --b\n--b--\n", ["mixed", b"see --b"]),
    "folded boundary": (MIXED + b'"two\n words"\n\n--two words\n\none\n--two words--\n', ["mixed", b"one"]),
    "boundary that ends in blanks": (MIXED + b'"b  "\n\n--b  \n\none\n--b \n--b  --\n', ["mixed", b"one\n--b "]),
    "boundary whose blanks were lost": (MIXED + b'"b  "\n\n--b\n\none\n--b--\n', ["mixed", b"one"]),
    "a boundary far too long": (MIXED + b'"' + b"0123456789" * 900 + b'"\n\n--' + b"0123456789" * 900 + b"\n\none\n", ["mixed", b"one\n"]),
    "nothing behind the inner one's start": (
        MIXED + b"a\n\n--a\n" + MIXED + b"b\n\n--b\n--a--\n",
        ["mixed", ["mixed", b""]],
    ),
    "boundary like a header": (MIXED + b'"b:1"\n\n--b:1\nX-A: y\n--b:1\n\ntwo\n--b:1--\n', ["mixed", b"", b"two"]),
    "no boundary named": (b"Content-Type: multipart/mixed\n\n--abc\n\none\n--abc\n\ntwo\n--abc--\n", ["mixed", b"one", b"two"]),
    "no boundary and no parts": (b"Content-Type: multipart/mixed\n\nwords\n", b"words\n"),
    "closes before it opens": (MIXED + b"b\n\n--b--\n\none\n--b--\n", ["mixed", b"one"]),
    "closes before it opens, with words": (MIXED + b"b\n\nwords\n--b--\n", b"words"),
    "the inner one never ends": (
        MIXED + b"a\n\n--a\n" + MIXED + b"b\n\n--b\n\none\n--a\n\ntwo\n--a--\n",
        ["mixed", ["mixed", b"one"], b"two"],
    ),
    "one boundary begins with the other": (
        MIXED + b"a\n\n--a\n" + MIXED + b"a-1\n\n--a-1\n\none\n--a-1--\n--a\n\ntwo\n--a--\n",
        ["mixed", ["mixed", b"one"], b"two"],
    ),
    "an attached mail with a longer boundary": (
        MIXED + b"a\n\n--a\nContent-Type: message/rfc822\n\n" + MIXED + b"a1\n\n--a1\n\none\n--a1--\n--a\n\ntwo\n--a--\n",
        ["mixed", ["rfc822", ["mixed", b"one"]], b"two"],
    ),
    "the same boundary twice": (
        MIXED + b"a\n\n--a\n" + MIXED + b"a\n\n--a\n\none\n--a--\n--a--\n",
        ["mixed", ["mixed", b"one"]],
    ),
    "headers without an empty line": (MIXED + b"a\n\n--a\nContent-Type: text/plain\nwords here\n--a--\n", ["mixed", b"words here"]),
    "an attached mail in base64": (
        b"Content-Type: message/rfc822\nContent-Transfer-Encoding: base64\n\nU3ViamVjdDogaW4KCndvcmRzCg==\n",
        ["rfc822", b"words\n"],
    ),
    "encoding with a blank behind it": (b"Content-Transfer-Encoding: base64 \n\naGk=\n", b"hi"),
    "two encodings behind one another": (b"Content-Transfer-Encoding: base64\n\naGk=\naGk=\n", b"hihi"),
    "letters missing at the end": (b"Content-Transfer-Encoding: BASE64\n\naGkg\naGkga\n", b"hi hi "),
    "uuencoded": (b"Content-Transfer-Encoding: x-uuencode\n\nbegin 644 a\n#86)C\n`\nend\n", b"abc"),
    "an unknown encoding": (b"Content-Transfer-Encoding: x-own\n\n=41\n", b"=41\n"),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_shape(name):
    raw, expected = CASES[name]
    assert shape(raw) == expected


def test_attached_mails_keep_their_bytes():
    inner = b"Subject: in\r\nX: \xff\0\r\n\r\nwords \r\n\r\n\r\n"
    raw = MIXED + b"a\r\n\r\n--a\r\nContent-Type: message/rfc822\r\n\r\n" + inner + b"\r\n--a--\r\n"
    assert outline(raw, LIMITS).below[0].data == inner


@pytest.mark.parametrize("end", [b"\n", b"\r\n"])
def test_a_mail_without_faults_is_what_the_standard_library_sees(end):
    raw = (
        b"From: a@b.org\nSubject: =?utf-8?q?x?=\n folded\nMIME-Version: 1.0\n" + MIXED + b'"=_x"\n\npreamble\n--=_x\n'
        b"Content-Type: multipart/alternative; boundary=y\n\n--y\nContent-Type: text/plain; charset=utf-8\n"
        b"Content-Transfer-Encoding: quoted-printable\n\n=C3=A9=\nx\n--y\nContent-Type: text/html\n\n<p>\n\n--y--\n\n--=_x\n"
        b"Content-Type: application/pdf; name=a.pdf\nContent-Transfer-Encoding: base64\n\n"
        + b"QUJD" * 19 + b"\n" + b"QUI=\n--=_x--\n"
    ).replace(b"\n", end)  # fmt: skip
    prepared = prepare.prepare(raw, LIMITS)
    ours = list(split.split(prepared.data, prepared.body_at, LIMITS).root.walk_parts())
    theirs = list(email.message_from_bytes(raw).walk())
    assert [part.get_content_type() for part in ours] == [part.get_content_type() for part in theirs]
    assert [part.keys() for part in ours] == [part.keys() for part in theirs]
    for one, other in zip(ours, theirs, strict=True):
        if not other.is_multipart():
            assert one.content() == other.get_payload(decode=True)


@pytest.mark.parametrize("end", [b"\n", b"\r\n"])
def test_a_large_file_takes_little_memory(end):
    """Beside the mail itself: its file, decoded, and nothing else of its size."""
    file = base64.encodebytes(bytes(range(256)) * 12_000).replace(b"\n", end)
    raw = (
        b"From: a@b.org\nSubject: x\nMessage-ID: <a@b>\nDate: Mon, 2 Feb 2026 10:00:00 +0000\n" + MIXED + b"b\n\n--b\n\nwords\n"
        b"--b\nContent-Type: application/pdf; name=a.pdf\nContent-Transfer-Encoding: base64\n\n"
    ).replace(b"\n", end) + file + b"--b--\n"  # fmt: skip
    del file
    tracemalloc.start()
    try:
        mail = read(raw)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert len(mail.parts[0].data) == 256 * 12_000
    assert peak + len(raw) < 4 * len(raw)


HOSTILE = {
    "parts without boundary": MIXED + b"b\n\n--b\nContent-Type: multipart/mixed\n\n" + b"--" + b"a" * 110 + b"\n",
    "a text of blanks in base64": b"Content-Transfer-Encoding: base64\n\n" + b" ",
    "uuencode with blanks": b"Subject: x\n\nbegin 644 a" + b" ",
    "delimiters of nobody": MIXED + b"b\n\n" + b"--c\n",
    "dashes": MIXED + b"b\n\n" + b"--\n",
    "delimiters": MIXED + b"b\n\n" + b"--b\n",
    "closing ones": MIXED + b"b\n\n--b\n\n" + b"--b--\n",
    "nested": b"Content-Type: multipart/mixed; boundary=b\n\n--b\n",
    "attached": b"Content-Type: message/rfc822\n\n",
    "uuencode never ends": b"Subject: x\n\n" + b"begin 644 a\n",
    "uuencode of nothing": b"Subject: x\n\n" + b"begin 644 a\n`\nend\n",
    "base64 with padding": b"Content-Transfer-Encoding: base64\n\n" + b"QQ==\n",
    "no boundary": b"Content-Type: multipart/mixed\n\n" + b"--abcdefgh\n",
}


@pytest.mark.parametrize("name", HOSTILE)
def test_time_grows_as_the_mail_does(name):
    head, _, unit = HOSTILE[name].partition(b"\n\n")
    unit = HOSTILE[name] if name in {"nested", "attached"} else unit
    head = b"" if name in {"nested", "attached"} else head + b"\n\n"

    def cost(times: int) -> float:
        raw = head + unit * times
        best = float("inf")
        for _ in range(3):
            start = time.process_time()
            outline(raw, LIMITS)
            read(raw)
            best = min(best, time.process_time() - start)
        return best

    times = 40_000 // len(unit)
    assert cost(8 * times) <= 24 * max(cost(times), 0.002)
