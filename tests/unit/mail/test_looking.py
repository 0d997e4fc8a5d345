"""The files of mails: looked at when a mail is parsed, and those of attached mails too."""

from __future__ import annotations

import base64

import pytest

from helpdeskd.config import Intake
from helpdeskd.mail.parse import parse
from helpdeskd.model.files import Danger
from helpdeskd.model.mail import Part
from tests.unit.mail.filebytes import EXE, PAGE, PNG, archive, docx


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
