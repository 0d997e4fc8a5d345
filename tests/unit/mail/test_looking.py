"""The files of mails: looked at when a mail is parsed, and those of attached mails too."""

from __future__ import annotations

import base64
import binascii

import pytest

from helpdeskd.config import Intake
from helpdeskd.mail import filetypes
from helpdeskd.mail.parse import parse
from helpdeskd.model.files import Danger
from helpdeskd.model.mail import Part
from tests.unit.mail.filebytes import EXE, PAGE, PNG, archive, docx
from tests.unit.mail.test_cms import ENVELOPED, wrapped
from tests.unit.mail.test_tnef import SIGNATURE as TNEF
from tests.unit.mail.test_tnef import file


def mail(*parts: tuple[str, bytes], boundary: str = "b") -> bytes:
    """One with a text and these parts: (headers, bytes, sent in base64 unless they are a mail)."""
    made = [f"--{boundary}\r\n\r\nHello.\r\n".encode()]
    for headers, data in parts:
        is_mail = "message/" in headers
        encoding = "" if is_mail else "Content-Transfer-Encoding: base64\r\n"
        body = data if is_mail else base64.encodebytes(data)
        made.append(f"--{boundary}\r\n{headers}\r\n{encoding}\r\n".encode() + body + b"\r\n")
    head = f"From: a@b.example\r\nContent-Type: multipart/mixed; boundary={boundary}\r\n\r\n".encode()
    return head + b"".join(made) + f"--{boundary}--\r\n".encode()


def parts(raw: bytes, **limits: int) -> list[Part]:
    found = parse(
        raw, sender=None, instance="x", own_addresses=lambda _: False, marker="## x ##", limits=Intake(**limits)
    )
    return list(found.parts)


def seen(raw: bytes, **limits: int) -> list[tuple[str, str, Danger]]:
    return [(part.name, part.found_type, part.danger) for part in parts(raw, **limits)]


ATTACHED = "Content-Type: message/rfc822"


def test_each_file_by_its_bytes():
    raw = mail(
        ("Content-Type: image/png; name=a.png", PNG),
        ("Content-Type: image/png; name=b.png", PAGE),
        ("Content-Type: application/x; name=c.doc", docx("word/vbaProject.bin")),
    )
    assert seen(raw) == [
        ("a.png", "image/png", Danger.NONE),
        ("b.png", "text/html", Danger.ACTIVE),
        ("c.doc", "application/vnd.ms-word.document.macroEnabled.12", Danger.MACROS),
    ]


@pytest.mark.parametrize(
    ("inside", "danger"),
    [
        (mail(boundary="i"), Danger.NONE),
        (mail(("Content-Type: a/b; name=a.exe", b"x"), boundary="i"), Danger.EXECUTABLE),
        (mail(("Content-Type: a/b; name=a", EXE), boundary="i"), Danger.EXECUTABLE),
        (mail(("Content-Type: application/zip; name=a.zip", archive("b.docm")), boundary="i"), Danger.MACROS),
        (b"Subject: x\r\nContent-Type: text/html\r\n\r\n<html>Hello", Danger.NONE),  # its words, no file of its
        (
            mail((ATTACHED, mail(("Content-Type: a/b; name=a.lnk", b"x"), boundary="j")), boundary="i"),
            Danger.EXECUTABLE,
        ),
    ],
    ids=["nothing", "name", "bytes", "archive", "page", "deeper"],
)
def test_a_mail_in_a_mail_is_as_dangerous_as_what_is_in_it(inside, danger):
    ((_, kind, found),) = seen(mail((ATTACHED, inside)))
    assert (kind, found) == ("message/rfc822", danger)


def test_of_mails_too_deep_in_mails_nobody_knows():
    raw = mail(boundary="end")
    for n in range(6):
        raw = mail((ATTACHED, raw), boundary=f"b{n}")
    ((_, _, found),) = seen(raw)
    assert found is Danger.EXECUTABLE


def test_the_whole_mail_is_as_dangerous_as_its_files():
    words = b"x" * 3_000
    for name, danger in (("a.txt", Danger.NONE), ("a.docm", Danger.MACROS), ("a.exe", Danger.EXECUTABLE)):
        raw = mail((f"Content-Type: a/b; name={name}", b"x")).replace(b"Hello.", words)
        assert seen(raw, max_text_kb=1)[-1] == ("original.eml", "message/rfc822", danger)


def test_of_parts_beyond_the_limit_nobody_knows():
    raw = mail(*(("Content-Type: a/b; name=a.txt", b"x") for _ in range(4)))
    assert seen(raw, max_parts=3)[-1] == ("original.eml", "message/rfc822", Danger.EXECUTABLE)


# --- what its sender calls it


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("setup.exe", EXE),
        ("setup", EXE),
        ("run.bat", b"@echo off\r\ncalc"),
        ("bill.zip", archive("a.exe")),
        ("a.docm", b"x"),
    ],
)
@pytest.mark.parametrize("kind", ["message/rfc822", "message/global", "message/news"])
def test_no_file_is_a_mail_because_it_is_called_one(kind, name, data):
    raw = mail((f"Content-Type: {kind}; name={name}\r\nContent-Transfer-Encoding: base64", base64.encodebytes(data)))
    ((_, found_type, found),) = seen(raw)
    assert found is (Danger.MACROS if name == "a.docm" else Danger.EXECUTABLE)
    assert (found_type == "application/vnd.microsoft.portable-executable") is (data == EXE)


EXE_PART = ("Content-Type: a/b; name=a.exe", b"x")


@pytest.mark.parametrize("kind", ["application/octet-stream", "text/plain", "application/x"])
def test_a_mail_is_one_by_its_ending_too(kind):
    assert seen(mail((f"Content-Type: {kind}; name=a.eml", mail(EXE_PART, boundary="i"))))[-1][2] is Danger.EXECUTABLE
    assert seen(mail((f"Content-Type: {kind}; name=a.eml", mail(boundary="i"))))[-1][2] is Danger.NONE


def uuencoded(name: str, data: bytes) -> bytes:
    lines = [binascii.b2a_uu(data[at : at + 45]) for at in range(0, len(data), 45)]
    return b"begin 644 %s\n%s`\nend\n" % (name.encode(), b"".join(lines))


HEAD = b"From: a@b.example\r\nSubject: x\r\nMIME-Version: 1.0\r\n"
PROGRAM = file(b"a.exe", b"x")
MIXED = b"Content-Type: multipart/mixed; boundary=i\r\n"
PARTS = b"--i\r\n\r\nHello.\r\n--i\r\nContent-Type: a/b; name=a.exe\r\n\r\nx\r\n--i--\r\n"


def leaf(headers: bytes, body: bytes = b"x") -> bytes:
    return HEAD + MIXED + b"\r\n--i\r\n" + headers + b"\r\n\r\n" + body + b"\r\n--i--\r\n"


# fmt: off
INNER = [
    ("words",                 HEAD + b"\r\nHello.\r\n",                                        Danger.NONE),
    ("uuencoded",             HEAD + b"\r\nHello.\r\n\r\n" + uuencoded("a.exe", b"x"),         Danger.EXECUTABLE),
    ("uuencoded words",       HEAD + b"\r\nHello.\r\n\r\n" + uuencoded("a.txt", b"x"),         Danger.NONE),
    ("a mail, uuencoded",     HEAD + b"\r\nHello.\r\n\r\n" + uuencoded("a.eml", mail(EXE_PART)), Danger.EXECUTABLE),
    ("winmail.dat",           mail(("Content-Type: application/ms-tnef", TNEF + PROGRAM), boundary="i"), Danger.EXECUTABLE),
    ("winmail.dat, quiet",    mail(("Content-Type: application/ms-tnef", TNEF + file(b"a.txt", b"x")), boundary="i"), Danger.NONE),
    ("winmail.dat, cut off",  mail(("Content-Type: application/ms-tnef", (TNEF + file(b"a.txt", bytes(40)))[:-9]), boundary="i"), Danger.EXECUTABLE),
    ("signed around it",      mail(("Content-Type: application/pkcs7-mime", wrapped(mail(EXE_PART, boundary="j"))), boundary="i"), Danger.EXECUTABLE),
    ("signed around words",   mail(("Content-Type: application/pkcs7-mime", wrapped(HEAD + b"\r\nHello.")), boundary="i"), Danger.NONE),
    ("an .eml of any kind",   mail(("Content-Type: a/b; name=a.eml", mail(EXE_PART, boundary="j")), boundary="i"), Danger.EXECUTABLE),
    ("name, filename",        leaf(b"Content-Type: a/b; name=a.js\r\nContent-Disposition: attachment; filename=a.txt"), Danger.EXECUTABLE),
    ("filename, name",        leaf(b"Content-Type: a/b; name=a.txt\r\nContent-Disposition: attachment; filename=a.js"), Danger.EXECUTABLE),
    ("filename, filename*",   leaf(b"Content-Disposition: attachment; filename=a.js; filename*=utf-8''a.txt"), Danger.EXECUTABLE),
    ("two dispositions",      leaf(b"Content-Disposition: attachment; filename=a.txt\r\nContent-Disposition: attachment; filename=a.js"), Danger.EXECUTABLE),
    ("a name it describes",   leaf(b"Content-Type: text/plain\r\nContent-Disposition: attachment\r\nContent-Description: a.js"), Danger.EXECUTABLE),
    ("a program as its text", leaf(b"Content-Type: text/plain", EXE),                            Danger.EXECUTABLE),
    ("a script as its text",  leaf(b"Content-Type: text/plain", b"#!/bin/sh"),                   Danger.NONE),
    ("an odd encoding",       leaf(b"Content-Type: a/b\r\nContent-Transfer-Encoding: x-base64", base64.b64encode(EXE)), Danger.EXECUTABLE),
    ("two kinds",             HEAD + b"Content-Type: text/plain\r\n" + MIXED + b"\r\n" + PARTS,  Danger.EXECUTABLE),
    ("two kinds, quiet",      HEAD + b"Content-Type: text/plain\r\nContent-Type: text/plain; charset=utf-8\r\n\r\nHello.", Danger.NONE),
    ("two encodings",         leaf(b"Content-Type: a/b\r\nContent-Transfer-Encoding: 7bit\r\nContent-Transfer-Encoding: base64", b"eA=="), Danger.EXECUTABLE),
    ("two boundaries",        HEAD + b"Content-Type: multipart/mixed; boundary=a; boundary=i\r\n\r\n" + PARTS, Danger.EXECUTABLE),
    ("another's boundary",    HEAD + b"Content-Type: multipart/mixed; boundary=(x)i\r\n\r\n" + PARTS, Danger.EXECUTABLE),
    ("a stray line",          HEAD + b"no header\r\nX: y\r\n\r\nHello.",                       Danger.NONE),
    ("too many headers",      HEAD + b"X: y\r\n" * 2100 + MIXED + b"\r\n" + PARTS,             Danger.EXECUTABLE),
]
# fmt: on


@pytest.mark.parametrize(("what", "inside", "danger"), INNER, ids=[row[0] for row in INNER])
def test_what_is_in_an_attached_mail(what, inside, danger):
    assert seen(mail((ATTACHED, inside), boundary="outer"))[-1][1:] == ("message/rfc822", danger)


def test_what_a_file_was_wrapped_in_is_as_dangerous():
    signed = mail(("Content-Type: application/pkcs7-mime; name=smime.p7m", wrapped(mail(EXE_PART, boundary="i"))))
    assert {name: found for name, _, found in seen(signed)} == {
        "smime.p7m": Danger.EXECUTABLE,
        "a.exe": Danger.EXECUTABLE,
    }
    torn = mail(
        ("Content-Type: application/ms-tnef; name=winmail.dat", TNEF + PROGRAM + file(b"a.txt", bytes(40))[:-9])
    )
    assert seen(torn)[-1][::2] == ("winmail.dat", Danger.EXECUTABLE)
    locked = b"0\x20" + ENVELOPED + bytes(30)
    assert seen(mail(("Content-Type: application/pkcs7-mime; name=a.p7m", locked)))[-1][2] is Danger.ENCRYPTED


def test_the_whole_mail_whose_headers_were_cut():
    raw = HEAD + b"X: y\r\n" * 2100 + MIXED + b"\r\n" + PARTS
    assert seen(raw)[-1] == ("original.eml", "message/rfc822", Danger.EXECUTABLE)


def test_many_mails_in_few_bytes_are_not_looked_at_without_end(monkeypatch):
    """Each may have as many parts as the mail itself: twice the mails cost twice as much, up to a bound."""
    looked: list[str] = []
    real = filetypes.look

    def look(name: str, data: bytes) -> filetypes.Look:
        looked.append(name)
        return real(name, data)

    monkeypatch.setattr(filetypes, "look", look)
    words = HEAD + MIXED + b"\r\n" + b"--i\r\n\r\nHello.\r\n" * 15 + b"--i--\r\n"
    counts = []
    for mails in (5, 10, 19):
        looked.clear()
        files = seen(mail(*[(ATTACHED, words)] * mails, boundary="outer"), max_parts=20)
        counts.append(len(looked))
        assert files[0][2] is Danger.NONE
    assert counts[0] * 2 == counts[1]
    assert counts[2] <= 10 * 20 + 20
    assert files[-1][2] is Danger.EXECUTABLE  # of which nobody knows


def test_uuencoded_files_are_counted_too():
    text = HEAD + b"\r\n" + uuencoded("a.txt", b"x") * 900
    assert seen(mail((ATTACHED, text)), max_parts=100)[-1][2] is Danger.NONE
    assert seen(mail((ATTACHED, text)), max_parts=50)[-1][2] is Danger.EXECUTABLE


def test_a_file_of_many_names_is_read_a_few_times():
    many = b"; ".join(b"filename=a%d.txt" % n for n in range(50))
    assert (
        seen(mail((ATTACHED, leaf(b"Content-Type: a/b\r\nContent-Disposition: attachment; " + many))))[-1][2]
        is Danger.EXECUTABLE
    )


def test_a_file_written_into_a_text_too_long_to_be_read():
    filler = b"words\r\n" * 1_200_000
    for text, danger in ((uuencoded("a.txt", b"x"), Danger.EXECUTABLE), (b"", Danger.NONE)):
        assert seen(mail((ATTACHED, HEAD + b"\r\nHello.\r\n" + text + filler)))[-1][2] is danger
