"""Signed mails whose text lies inside their signature."""

from __future__ import annotations

import base64
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from helpdeskd.mail import cms
from tests.unit.mail.test_fixtures import read

SIGNED = bytes.fromhex("06092a864886f70d010702")
ENVELOPED = bytes.fromhex("06092a864886f70d010703")
DATA = bytes.fromhex("06092a864886f70d010701")
INNER = b"Content-Type: text/plain; charset=utf-8\r\n\r\nGr\xc3\xbc\xc3\x9fe\r\n"


def told(tag: int, *content: bytes) -> bytes:
    """An element whose length is told."""
    body = b"".join(content)
    size = len(body)
    return bytes([tag]) + (bytes([size]) if size < 128 else b"\x82" + size.to_bytes(2, "big")) + body


def untold(tag: int, *content: bytes) -> bytes:
    """One that ends at two zero bytes."""
    return bytes([tag, 0x80]) + b"".join(content) + b"\0\0"


def wrapped(inner: bytes, made: Callable[..., bytes] = told, octets: bytes | None = None) -> bytes:
    digests = made(0x31, made(0x30, told(0x06, b"\x60\x86")))
    content = made(0x30, DATA, made(0xA0, octets or told(0x04, inner)))
    return made(0x30, SIGNED, made(0xA0, made(0x30, told(0x02, b"\x01"), digests, content, told(0x31))))


@pytest.mark.parametrize(
    "data",
    [
        wrapped(INNER),
        wrapped(INNER, untold),
        wrapped(INNER, untold, untold(0x24, told(0x04, INNER[:9]), told(0x04, INNER[9:]))),
        wrapped(INNER, told, told(0x24, told(0x04, INNER[:9]), untold(0x24, told(0x04, INNER[9:])))),
    ],
)
def test_the_mail_inside(data):
    assert cms.signed_content(data) == INNER
    mail = read(
        b"From: a@example.org\nSubject: x\nContent-Type: application/pkcs7-mime; smime-type=signed-data; name=smime.p7m\n"
        b"Content-Transfer-Encoding: base64\n\n" + base64.encodebytes(data)
    )
    assert mail.text == "Grüße\n"
    assert [(part.name, part.data) for part in mail.parts] == [("smime.p7m", data)]


def test_what_is_encrypted_is_kept_and_said():
    data = told(0x30, ENVELOPED, told(0xA0, b"secret"))
    mail = read(b"From: a@example.org\nContent-Type: application/pkcs7-mime\n\n" + data)
    assert mail.text == ""
    assert mail.parts[0].data == data
    assert mail.loose_ends == ("encrypted with S/MIME, and kept as it came",)
    mail = read(
        b'From: a@example.org\nContent-Type: multipart/encrypted; protocol="application/pgp-encrypted"; boundary=b\n\n'
        b"--b\nContent-Type: application/pgp-encrypted\n\nVersion: 1\n--b\nContent-Type: application/octet-stream\n\nx\n--b--\n"
    )
    assert mail.loose_ends == ("encrypted with PGP, and kept as it came",)


def test_signed_again_and_again_ends():
    inner = INNER
    for _ in range(50):
        inner = b"Content-Type: application/pkcs7-mime\r\n\r\n" + wrapped(inner)
    assert read(b"From: a@example.org\r\n" + inner).parts


@settings(deadline=None)
@given(st.data())
def test_damage_raises_nothing(data):
    whole = bytearray(wrapped(INNER, untold))
    for _ in range(data.draw(st.integers(1, 6))):
        whole[data.draw(st.integers(0, len(whole) - 1))] = data.draw(st.sampled_from([0, 0x04, 0x24, 0x80, 0x88, 0xFF]))
    cms.signed_content(bytes(whole))
    cms.signed_content(bytes(whole)[: data.draw(st.integers(0, len(whole)))])


def test_a_tag_of_several_bytes_is_not_read() -> None:
    """Others read on behind it at another place than we would."""
    digests = untold(0x31, b"\x3f\x02\x81\x00")
    content = told(0x30, DATA, told(0xA0, told(0x04, INNER)))
    whole = told(0x30, SIGNED, told(0xA0, told(0x30, told(0x02, b"\x01"), digests, content, told(0x31))))
    assert cms.signed_content(whole) is None
    assert cms.signed_content(whole.replace(b"\x3f\x02", b"\x30\x02")) == INNER
