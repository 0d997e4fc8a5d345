"""Whatever the bytes and the name: an answer, never an error, and little is read of a file however large it is."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from helpdeskd.config import Intake
from helpdeskd.mail import fileclaims, filetypes, looking, names
from helpdeskd.model.mail import Part
from tests.unit.mail.filebytes import ARJ, CAB, EXE, PAGE, PNG, archive, book, docx, kinds, lha, ole2, rar4, rar5, xls
from tests.unit.mail.test_cms import wrapped
from tests.unit.mail.test_tnef import WHOLE

SEEDS = [
    EXE, PAGE, PNG, b"%PDF-1.4\n", b"Rar!\x1a\x07\x01\0", b"#!/bin/sh\n", docx("word/vbaProject.bin"), archive("a.exe", "b.txt"),
    archive("a.txt", first=("mimetype", b"application/epub+zip")), ole2("WordDocument", "VBA"), ole2("a", shift=12),
    ARJ, CAB, rar4("a.exe"), rar5("a.exe"), lha("a", level=1), lha("a", level=2), xls(book(1)), xls(book(1), mini=True), kinds("a/b"),
    WHOLE, wrapped(b"Content-Type: multipart/mixed; boundary=x\n\n--x\n\n--x--"), b"ID;P\nNN;", b"MIME-Version: 1.0\n\nQWN0aXZlTWlt",
    b"<?xml version='1.0'?><!DOCTYPE a><svg>", "<html>".encode("utf-16"),
    b"From: a@b.example\nContent-Type: multipart/mixed; boundary=x\n\n--x\nContent-Type: a/b; name=a.exe\n\nMZ\n--x--\n",
]  # fmt: skip
MOST_READ = 4 << 20  # bytes of one file: two directories of an archive, or the whole of an OLE2 file's


@st.composite
def damaged(draw: st.DrawFn) -> bytes:
    """A file that was one, cut, repeated, with bytes of it changed."""
    data = bytearray(draw(st.sampled_from(SEEDS)))
    for _ in range(draw(st.integers(0, 8))):
        data[draw(st.integers(0, len(data) - 1))] = draw(st.integers(0, 255))
    data = data[draw(st.integers(0, 30)) :] if draw(st.booleans()) else data
    return bytes(data * draw(st.integers(1, 3)))[: draw(st.integers(0, 20_000))]


@given(name=st.text(), data=st.binary(max_size=2000) | damaged())
def test_there_is_always_an_answer(name, data):
    found = filetypes.look(name, data)
    assert found.found_type.isascii() and "/" in found.found_type
    parts = [Part(name, kind, data, "") for kind in ("message/rfc822", "application/ms-tnef")]
    assert len(looking.looked_at(parts, Intake())) == 2


@given(
    claimed=st.text(), found=st.none() | st.sampled_from(["text/html", "image/png", "text/plain", fileclaims.UNKNOWN])
)
def test_a_page_is_never_served_as_one(claimed, found):
    assert fileclaims.served_type(claimed, found) not in {"text/html", "application/xhtml+xml", "image/svg+xml"}


@given(name=st.text(max_size=400))
def test_a_safe_name_is_one(name):
    safe = names.safe(name)
    assert safe and len(safe.encode()) <= 255 and not set('/\\:*?"<>|\r\n\0') & set(safe)
    assert safe == safe.strip(" .") and names.safe(safe) == safe


@pytest.mark.parametrize("seed", [PNG, docx(), ole2("a", last=1), b"%PDF-1.4\n"], ids=["png", "zip", "ole2", "pdf"])
@pytest.mark.parametrize(
    "repeated", [b"\0", b"PK\x01\x02" + bytes(42), b"PK\x05\x06\xff\xff\xff\xff"], ids=["zero", "entry", "end"]
)
def test_little_is_read_of_a_large_file(seed, repeated):
    """The same of one of 20 MB as of one of 5."""
    read = []
    for size in (5_000_000, 20_000_000):
        data = (seed + repeated * (size // len(repeated)))[:size]
        lengths: list[int] = []

        def piece(start: int, length: int, data: bytes = data, lengths: list[int] = lengths) -> bytes:
            lengths.append(length)
            return data[start : start + length]

        filetypes._look("a.bin", piece, len(data))
        read.append(sum(lengths))
    assert read[1] <= max(read[0] * 1.1, MOST_READ)
    assert read[1] <= 2 * MOST_READ
