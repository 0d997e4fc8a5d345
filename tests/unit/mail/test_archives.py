"""The names in archives that are no ZIP, made by other programs or as their specifications say."""

from __future__ import annotations

import bz2
import gzip
import io
import tarfile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from helpdeskd.mail import archives, filetypes
from helpdeskd.model.files import Danger
from tests.unit.mail.filebytes import ARJ, CAB, EXE, lha, rar4, rar5

NONE, ACTIVE, ENCRYPTED, MACROS, EXECUTABLE = Danger


def tar(*names: str, form: int = tarfile.PAX_FORMAT) -> bytes:
    held = io.BytesIO()
    with tarfile.open(fileobj=held, mode="w", format=form) as made:
        for name in names:
            info = tarfile.TarInfo(name)
            info.size = len(EXE)
            made.addfile(info, io.BytesIO(EXE))
    return held.getvalue()


def gz(name: str) -> bytes:
    held = io.BytesIO()
    with gzip.GzipFile(name, "wb", fileobj=held) as made:
        made.write(EXE)
    return held.getvalue()


LONG = "d" * 90 + "/" + "e" * 90
# fmt: off
NAMED = [
    ("tar",                  tar("a.txt", "evil.exe"),                                archives.TAR,  EXECUTABLE),
    ("tar, nothing",         tar("a.txt", "b.pdf"),                                   archives.TAR,  NONE),
    ("tar, long by pax",     tar("a.txt", LONG + "/evil.exe"),                        archives.TAR,  EXECUTABLE),
    ("tar, long by GNU",     tar(LONG + "/evil.exe", form=tarfile.GNU_FORMAT),        archives.TAR,  EXECUTABLE),
    ("tar, long by ustar",   tar("d" * 90 + "/evil.exe", form=tarfile.USTAR_FORMAT),  archives.TAR,  EXECUTABLE),
    ("tar, far too long",    tar("d/" * 900 + "a.txt"),                               archives.TAR,  EXECUTABLE),
    ("tar with macros",      tar("b.docm"),                                           archives.TAR,  MACROS),
    ("gzip",                 gz("evil.exe"),                                          archives.GZIP, EXECUTABLE),
    ("gzip, nothing",        gz("dump.sql"),                                          archives.GZIP, NONE),
    ("RAR 5",                rar5("a.txt", "evil.exe"),                               archives.RAR,  EXECUTABLE),
    ("RAR 5, nothing",       rar5("a.txt", "b.pdf"),                                  archives.RAR,  NONE),
    ("RAR 5, a password",    rar5("a.txt", extra=b"\x03\x01\x00\x00"),                archives.RAR,  ENCRYPTED),
    ("RAR 4",                rar4("a.txt", "evil.exe"),                               archives.RAR,  EXECUTABLE),
    ("RAR 4, large",         rar4("a.txt", "evil.exe", flags=0x100),                  archives.RAR,  EXECUTABLE),
    ("RAR 4, nothing",       rar4("a.txt", "b.pdf"),                                  archives.RAR,  NONE),
    ("RAR 4, a password",    rar4("a.txt", flags=4),                                  archives.RAR,  ENCRYPTED),
    ("CAB",                  CAB,                                                     archives.CAB,  EXECUTABLE),
    ("CAB, nothing",         CAB.replace(b"evil.exe", b"evil.txt"),                   archives.CAB,  NONE),
    ("ARJ",                  ARJ,                                                     archives.ARJ,  EXECUTABLE),
    ("ARJ, nothing",         ARJ.replace(b"evil.exe", b"evil.txt"),                   archives.ARJ,  NONE),
    *((f"LHA {level}",       lha("a.txt", "evil.exe", level=level),                   archives.LHA,  EXECUTABLE) for level in range(3)),
    ("LHA, nothing",         lha("a.txt", "b.pdf", level=1),                          archives.LHA,  NONE),
    ("a gzipped tar",        gzip.compress(tar("evil.exe")),                          archives.GZIP, NONE),  # as the manual says
]
# fmt: on


@pytest.mark.parametrize(("what", "data", "kind", "danger"), NAMED, ids=[row[0] for row in NAMED])
def test_names(what, data, kind, danger):
    assert filetypes.look("", data) == filetypes.Look(kind, danger)
    assert filetypes.look_into("", io.BytesIO(data), len(data)) == filetypes.Look(kind, danger)


@pytest.mark.parametrize(
    ("name", "danger"),
    [("evil.exe.bz2", EXECUTABLE), ("b.docm.bz2", MACROS), ("dump.sql.bz2", NONE), ("www.example.com.bz2", NONE)],
)
def test_one_packed_file_is_called_what_is_in_it(name, danger):
    assert filetypes.look(name, bz2.compress(EXE)).danger is danger


@pytest.mark.parametrize("files", [5000, 20_000])
def test_of_more_files_than_are_read_nobody_knows(files):
    lengths: list[int] = []
    head = tar("a.txt")[:512]
    data: bytes = (head[:124] + b"00000000000\0" + head[136:]) * files

    def piece(start: int, length: int) -> bytes:
        lengths.append(length)
        return data[start : start + length]

    assert not archives.read(archives.TAR, piece, len(data)).whole
    assert sum(lengths) < 4 << 20


SEEDS = [
    tar("a.txt", LONG),
    gz("a"),
    rar5("a", "b"),
    rar4("a", "b"),
    CAB,
    ARJ,
    *(lha("a", "b", level=n) for n in range(3)),
]


@given(data=st.data(), kind=st.sampled_from(sorted(archives.KINDS)))
def test_damage_raises_nothing(data, kind):
    made = bytearray(data.draw(st.sampled_from(SEEDS)))
    for at in data.draw(st.lists(st.integers(0, min(len(made), 600) - 1), max_size=8)):
        made[at] = data.draw(st.integers(0, 255))
    cut = bytes(made[: data.draw(st.integers(0, len(made)))])
    found = archives.read(kind, lambda start, length: cut[start : start + length], len(cut))
    assert len(found.names) <= len(cut)
