"""winmail.dat: made here piece by piece, taken apart by the desk; and damaged, which must cost nothing but its files."""

from __future__ import annotations

import base64
import random
import struct

from hypothesis import given, settings
from hypothesis import strategies as st

from helpdeskd.mail import rtf, tnef
from tests.unit.mail.test_fixtures import read

SIGNATURE = struct.pack("<IH", 0x223E9F78, 1)


def attribute(level: int, name: int, value: bytes) -> bytes:
    return struct.pack("<BII", level, 0x00060000 | name, len(value)) + value + struct.pack("<H", sum(value) & 0xFFFF)


def padded(value: bytes) -> bytes:
    return struct.pack("<I", len(value)) + value + b"\0" * (-len(value) % 4)


def properties(*values: bytes) -> bytes:
    return struct.pack("<I", len(values)) + b"".join(values)


def text(number: int, value: str) -> bytes:
    return struct.pack("<HHI", 0x1F, number, 1) + padded((value + "\0").encode("utf-16-le"))


def binary(number: int, value: bytes, kind: int = 0x102) -> bytes:
    return struct.pack("<HHI", kind, number, 1) + padded(value)


def named(value: str) -> bytes:
    """A property of a program's own, with a name."""
    return struct.pack("<HH", 0x1F, 0x8001) + b"g" * 16 + struct.pack("<I", 1) + padded("own".encode("utf-16-le")) + (
        struct.pack("<I", 1) + padded((value + "\0").encode("utf-16-le"))
    )  # fmt: skip


def many() -> bytes:
    return struct.pack("<HHI", 0x1003, 0x3001, 3) + struct.pack("<III", 1, 2, 3)


def file(title: bytes, data: bytes, *more: bytes) -> bytes:
    made = attribute(2, 0x9002, b"\0" * 14) + attribute(2, 0x8010, title + b"\0") + attribute(2, 0x800F, data)
    return made + (attribute(2, 0x9005, properties(*more)) if more else b"")


WHOLE = (
    SIGNATURE
    + attribute(1, 0x9007, struct.pack("<I", 1252))
    + attribute(1, 0x9003, properties(named("x"), many(), text(0x1000, "Grüße\r\nAnn"), binary(0x1013, b"<p>Gr&uuml;&szlig;e</p>")))
    + file(b"PLAN~1.TXT", b"the plan", named("y"), text(0x3707, "Plan für 2026.txt"), text(0x370E, "Text/Plain"))
    + file(b"a.png", b"\x89PNG", text(0x3712, "cid-1"))
)  # fmt: skip


def mail(data: bytes, words: bytes = b"") -> bytes:
    return (
        b"From: a@example.org\nSubject: x\nMIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=b\n\n--b\n\n" + words
        + b"\n--b\nContent-Type: application/ms-tnef; name=winmail.dat\nContent-Transfer-Encoding: base64\n\n"
        + base64.encodebytes(data) + b"--b--\n"
    )  # fmt: skip


def test_what_is_in_it():
    found = tnef.unpack(WHOLE)
    assert found is not None
    assert found.whole
    assert found.text == "Grüße\r\nAnn"
    assert found.html == "<p>Gr&uuml;&szlig;e</p>"
    assert [(one.name, one.content_type, one.data, one.content_id) for one in found.files] == [
        ("Plan für 2026.txt", "text/plain", b"the plan", ""),
        ("a.png", "", b"\x89PNG", "cid-1"),
    ]


def test_its_files_are_the_mails():
    seen = read(mail(WHOLE, b"my words"))
    assert seen.text == "my words"
    assert [(part.name, part.content_type, part.inline) for part in seen.parts] == [
        ("Plan für 2026.txt", "text/plain", False),
        ("a.png", "image/png", True),
    ]


def test_its_text_is_shown_where_the_mail_has_none():
    seen = read(mail(WHOLE))
    assert seen.text == "Grüße\nAnn"
    assert "Grüße" in seen.html


def test_a_message_within_it():
    inner = SIGNATURE + attribute(1, 0x800C, b"inner words\0") + file(b"in.txt", b"1")
    found = tnef.unpack(SIGNATURE + file(b"Forwarded", b"", binary(0x3701, b"i" * 16 + inner, kind=0xD)))
    assert found is not None
    assert [(one.name, one.data) for one in found.files] == [("Forwarded.txt", b"inner words"), ("in.txt", b"1")]


def test_what_cannot_be_read_to_its_end_stays_a_file_too():
    seen = read(mail(WHOLE[:-10]))
    assert [part.name for part in seen.parts][-1] == "winmail.dat"
    assert seen.parts[-1].data == WHOLE[:-10]
    assert tnef.unpack(b"PK\x03\x04") is None
    assert [part.name for part in read(mail(b"no TNEF")).parts] == ["winmail.dat"]


def test_endless_nesting_ends():
    data = SIGNATURE
    for _ in range(50):
        data = SIGNATURE + file(b"m", b"", binary(0x3701, b"i" * 16 + data, kind=0xD))
    assert tnef.unpack(data) is not None


@settings(deadline=None)
@given(st.integers(0, 2**32), st.integers(1, 30))
def test_damage_raises_nothing(seed, changes):
    chance = random.Random(seed)
    damaged = bytearray(WHOLE)
    for _ in range(changes):
        damaged[chance.randrange(6, len(damaged))] = chance.choice([0, 1, 255, chance.randrange(256)])
    found = tnef.unpack(bytes(damaged))
    assert found is not None
    assert sum(len(one.data) for one in found.files) <= 4 * len(damaged)


# --- rich text


def test_rich_text_as_words():
    source = (
        rb"{\rtf1\ansi\ansicpg1252{\fonttbl{\f0 Arial;}}{\*\generator x;}\f0 Gr\'fc\'dfe\par \u8364? 5\tab "
        rb"\{x\}{\field{\*\fldinst HYPERLINK}{\fldrslt link}}}"
    )
    assert rtf.to_text(source) == "Grüße\n€ 5\t{x}link"


def test_rich_text_decompressed():
    plain = b"{\\rtf1 hello}"
    assert rtf.decompress(struct.pack("<IIII", len(plain) + 12, len(plain), 0x414C454D, 0) + plain) == plain
    # Seven letters as they are, then the ten before them again.
    packed = b"\x80" + b"abcdefg" + struct.pack(">H", 207 << 4 | 5) + b"\x01" + struct.pack(">H", 214 << 4)
    assert rtf.decompress(struct.pack("<IIII", len(packed) + 12, 14, 0x75465A4C, 0) + packed) == b"abcdefgabcdefg"


@settings(deadline=None)
@given(st.binary(max_size=300))
def test_any_bytes_as_rich_text(data):
    rtf.to_text(data)
    assert len(rtf.decompress(struct.pack("<IIII", 0, 5000, 0x75465A4C, 0) + data)) <= 5000
