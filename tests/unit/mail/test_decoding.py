"""Transfer encodings and uuencode, whole and broken."""

from __future__ import annotations

import base64
import binascii

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from helpdeskd.mail import decoding

HELLO = base64.b64encode(b"hello world")


def uu(data: bytes, name: bytes = b"notes.txt") -> bytes:
    lines = b"".join(binascii.b2a_uu(data[at : at + 45]) for at in range(0, len(data), 45))
    return b"begin 644 " + name + b"\n" + lines + b"`\nend\n"


def decode(body: bytes, encoding: str) -> bytes:
    return decoding.decode(body, 0, len(body), encoding)


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("base64", "base64"),
        (" BASE64 ", "base64"),
        ("base64 (as always)", "base64"),
        ('"quoted-printable"', "quoted-printable"),
        ("base64;", "base64"),
        ("8bit, base64", "8bit"),
        ("", ""),
    ],
)
def test_the_name_of_an_encoding(header, expected):
    assert decoding.name_of(header) == expected


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (HELLO, b"hello world"),
        (HELLO[:8] + b"\r\n" + HELLO[8:], b"hello world"),
        (HELLO.rstrip(b"="), b"hello world"),
        (HELLO + b"\n" + HELLO, b"hello worldhello world"),
        (b"!!" + HELLO + b"\n-- \n", b"hello world"),
        (HELLO[:-3], b"hello wo"),
        (b"", b""),
        (b"====", b""),
        (b"Q", b""),
    ],
)
def test_base64(body, expected):
    assert decode(body, "base64")[: len(expected)] == expected


@pytest.mark.parametrize(
    ("body", "text", "tail"),
    [
        (HELLO + b"\n", b"hello world", b""),
        (HELLO + b"\n\n-- \nThe list\n", b"hello world", b"-- \nThe list\n"),
        (b"see you\n", b"", b"see you\n"),
    ],
)
def test_base64_with_words_behind_it(body, text, tail):
    assert decoding.base64_and_tail(body) == (text, tail)


def test_uuencoded_files_in_a_text():
    text = b"before\n" + uu(b"one" * 50) + b"between\n" + uu(b"two", b"b c.bin") + b"after\n"
    first, second = decoding.uuencoded(text)
    assert (first.name, first.data, second.name, second.data) == ("notes.txt", b"one" * 50, "b c.bin", b"two")
    assert text[: first.start] == b"before\n"
    assert text[first.end : second.start] == b"between\n"
    assert text[second.end :] == b"after\n"


@pytest.mark.parametrize(
    "text",
    [
        b"begin 644 a\nthese are words, not a file\nend\n",
        b"begin 644 a\n#86)C\n",
        b"begin the day\nwell\nend\n",
        b"begin 644 a\nend\n",
    ],
)
def test_words_are_no_file(text):
    assert list(decoding.uuencoded(text)) == []


def test_a_uuencoded_part_may_lack_its_frame():
    assert decode(uu(b"data"), "x-uuencode") == b"data"
    assert decode(binascii.b2a_uu(b"data"), "uuencode") == b"data"
    assert decode(b"words\n", "x-uue") == b"words\n"


def test_padding_without_anything_before_it():
    assert decode(b"=/", "base64") == b""
    assert decode(b"b=/A", "base64") == b"\xfc"


@settings(deadline=None)
@given(st.binary(max_size=300), st.sampled_from(["base64", "quoted-printable", "x-uuencode", "", "x"]))
def test_any_bytes_are_decoded(data, encoding):
    decode(data, encoding)
    decoding.base64_and_tail(data)
    list(decoding.uuencoded(b"begin 644 a\n" + data + b"\nend\n"))


@settings(deadline=None)
@given(st.binary(max_size=300))
def test_what_was_encoded_comes_back(data):
    assert decode(base64.encodebytes(data), "base64") == data
    assert decode(uu(data), "x-uuencode") == (data or uu(b""))
