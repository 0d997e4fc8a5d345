"""ZIP archives that say different things to different programs, or more than anybody should read."""

from __future__ import annotations

import io
import struct
import tracemalloc
import zipfile
import zlib

import pytest

from helpdeskd.mail import filetypes, zips
from helpdeskd.model.files import Danger
from tests.unit.mail.filebytes import EXE, archive, kinds

NONE, ACTIVE, ENCRYPTED, MACROS, EXECUTABLE = Danger
WORD = "application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml"


def danger(data: bytes, name: str = "a.zip") -> Danger:
    found = filetypes.look(name, data)
    assert found == filetypes.look_into(name, io.BytesIO(data), len(data))
    return found.danger


def raw(*names: str, extra: bytes = b"") -> bytes:
    """With names as they are, which the library would tidy up."""
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w") as made:
        for name in names:
            info = zipfile.ZipInfo("x")
            info.filename, info.extra = name, extra
            made.writestr(info, EXE)
    return held.getvalue()


def end(count: int, length: int, offset: int, comment: bytes = b"") -> bytes:
    return struct.pack("<4sHHHHIIH", b"PK\5\6", 0, 0, count, count, length, offset, len(comment)) + comment


def directory(data: bytes) -> bytes:
    return data[data.index(b"PK\1\2") : data.rindex(b"PK\5\6")]


def entry(name: bytes, extra: int = 0) -> bytes:
    return b"PK\1\2" + bytes(24) + struct.pack("<HH14x", len(name), extra) + name + bytes(extra)


@pytest.mark.parametrize("name", ["evil.exe.", "evil.exe .", "evil.exe ", "a/evil.exe", "a\\evil.exe", "evil.exe::$DATA", "EVIL.EXE..", "x.app/Contents/MacOS/x"])  # fmt: skip
def test_names_that_systems_read_otherwise(name):
    assert danger(raw("a.txt", name)) is EXECUTABLE


def test_a_name_ends_at_nul():
    data = raw("evil.exe0.txt").replace(b"evil.exe0.txt", b"evil.exe\0.txt")
    assert danger(data) is EXECUTABLE
    assert danger(raw("evil.exe0.txt")) is NONE


def test_a_name_beside_the_name():
    path = b"\1" + struct.pack("<I", zlib.crc32(b"a.txt")) + b"evil.exe"
    assert danger(raw("a.txt", extra=struct.pack("<HH", 0x7075, len(path)) + path)) is EXECUTABLE
    assert danger(raw("a.txt", extra=struct.pack("<HH", 0x5455, 4) + b"\0\0\0\0")) is NONE


def test_what_stands_before_a_file_names_it_too():
    data = raw("a.txt")
    assert danger(data.replace(b"a.txt", b"a.exe", 1)) is EXECUTABLE
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w") as made:
        made.writestr("a.jpg", bytes(2 << 20))
        made.writestr("b.txt", b"words")
    assert danger(held.getvalue()) is NONE
    assert danger(held.getvalue().replace(b"b.txt", b"b.exe", 1)) is EXECUTABLE  # beyond what is searched


@pytest.mark.parametrize(
    "marker", [("[Content_Types].xml",), ("[Content_Types].xml", "word/document.xml")], ids=["kinds", "document"]
)
def test_what_says_it_is_a_document_may_be_unpacked_all_the_same(marker):
    assert danger(archive(*marker, "evil.exe")) is EXECUTABLE
    assert danger(archive(*marker)) is NONE


@pytest.mark.parametrize(
    "said", [b"application/epub+zip", b"application/vnd.oasis.opendocument.text", b"application/x"]
)
def test_nor_does_a_first_file_with_its_kind_hide_the_others(said):
    assert danger(archive("evil.exe", first=("mimetype", said))) is EXECUTABLE
    assert danger(archive("a.js", first=("mimetype", said))) is EXECUTABLE
    assert danger(archive("a.xml", first=("mimetype", said))) is NONE


@pytest.mark.parametrize("into", [20, 46, 50])
def test_a_directory_that_is_cut_within_an_entry_is_not_whole(into):
    """Its last entry ends beyond what is read, so nothing seems to be left."""
    room = 2 << 20
    made = b""
    while room - len(made) > 65_000:
        made += entry(b"f%06d.txt" % len(made), 60_000)
    made += entry(b"g", room - into - len(made) - 47)
    assert len(made) == room - into
    made += entry(b"evil.exe") + entry(b"h.txt")
    data = b"PK\3\4" + bytes(26)
    assert danger(data + made + end(40, len(made), len(data))) is EXECUTABLE


def test_an_end_within_the_comment_and_a_second_directory():
    evil, shown = raw("evil.exe"), directory(raw("a.txt"))
    comment = shown + struct.pack("<4sHHHHIIH", b"PK\5\6", 0, 0, 1, 1, len(shown), len(evil), 3)
    data = evil[:-2] + struct.pack("<H", len(comment)) + comment
    assert danger(data) is EXECUTABLE


def test_a_directory_of_a_large_archive_counts_without_being_asked_for():
    evil, shown = raw("evil.exe"), directory(raw("a.txt"))
    at = evil.index(b"PK\1\2")
    body = evil[:at].replace(b"evil.exe", b"evil.txt") + directory(evil)
    begin = len(body)
    record = begin + len(shown)
    body += shown + struct.pack("<4sQHHIIQQQQ", b"PK\6\6", 44, 45, 45, 0, 0, 1, 1, len(directory(evil)), at)
    body += struct.pack("<4sIQI", b"PK\6\7", 0, record, 1)
    assert danger(body + end(1, len(shown), begin)) is EXECUTABLE
    assert danger(body[:-4] + b"\xff" * 4 + end(1, len(shown), begin)) in {NONE, EXECUTABLE}  # any place: no error


def test_junk_behind_the_end():
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w") as made:
        made.writestr("a.jpg", bytes(range(256)) * 4400)
        made.writestr("evil.exe", EXE)
    assert danger(held.getvalue()) is EXECUTABLE
    assert danger(held.getvalue() + bytes(70_000)) is EXECUTABLE


def overlapping(size: int) -> bytes:
    """Headers that each claim a name of 64 KB, which the next ones stand in."""
    return (b"PK\3\4" + bytes(22) + b"\xff\xff\0\0") * (size // 30)


def test_headers_in_one_anothers_names_cost_what_they_weigh():
    """Twice the bytes, twice the names and twice the memory at most: not each byte once for each header before it."""
    peaks = {}
    for size in (1 << 16, 1 << 17, 1 << 18, 1 << 19):
        data = overlapping(size)

        def piece(start: int, length: int, data: bytes = data) -> bytes:
            return data[start : start + length]

        tracemalloc.start()
        found = zips.read(piece, len(data))
        peaks[size] = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert not found.whole  # so nobody takes it for harmless
        assert sum(map(len, found.names)) <= size  # each byte was read into one name at most: the work is linear too
    assert all(peak < 8 * size for size, peak in peaks.items()), peaks
    assert danger(overlapping(1 << 18)) is EXECUTABLE


def test_one_header_for_many_entries_is_not_read_without_end():
    """A directory whose entries all name a header with a long name and a long extra field."""
    name = b"n" * 1000
    header = b"PK\3\4" + bytes(22) + struct.pack("<HH", len(name), 60_000) + name + bytes(60_000)
    lengths: list[int] = []
    for count in (2_000, 4_000, 8_000):
        made = entry(b"a.txt") * count
        data = header + made + end(count & 0xFFFF, len(made), len(header))
        read: list[int] = []

        def piece(start: int, length: int, data: bytes = data, read: list[int] = read) -> bytes:
            read.append(length)
            return data[start : start + length]

        zips.read(piece, len(data))
        lengths.append(sum(read))
    assert max(lengths) < 8 << 20, lengths


def test_everyday_folders_are_quiet():
    saved = ("page.html", "page_files/a.js", "page_files/b/c.js")
    assert danger(archive(*saved)) is ACTIVE
    assert danger(archive("page.html", "a.js")) is EXECUTABLE  # beside the page: whoever opens it starts it
    assert danger(archive("a/page.html", "b/a.js")) is EXECUTABLE
    assert danger(archive("page_files/a.js")) is EXECUTABLE
    assert danger(archive("page.html", "page_files/a.jse")) is EXECUTABLE
    assert danger(archive("photo.jpg", "autorun.inf")) is NONE
    assert danger(archive("photo.jpg", "driver.inf")) is EXECUTABLE
    assert danger(archive("read me.url")) is ACTIVE
    assert danger(archive("OPS/a.xhtml", "OPS/a.js", first=("mimetype", b"application/epub+zip")), "a.epub") is NONE


DOCUMENTS = [
    ("plain", kinds(WORD), NONE),
    ("renamed", kinds(WORD, "application/vnd.ms-office.vbaProject", names=("word/document.xml", "word/x.png")), MACROS),
    ("macros allowed", kinds("application/vnd.ms-word.document.macroEnabled.main+xml"), MACROS),
    ("a binary book", kinds("application/vnd.ms-excel.sheet.binary.macroEnabled.main"), NONE),
    ("a sheet of Excel 4", kinds("application/vnd.ms-excel.macrosheet+xml"), MACROS),
    ("written otherwise", kinds("application/vnd.ms-office.vba&#80;roject"), MACROS),
    ("much", kinds(*[WORD] * 10_000), MACROS),  # more than is unpacked: nobody knows
]


@pytest.mark.parametrize(("what", "data", "found"), DOCUMENTS, ids=[row[0] for row in DOCUMENTS])
def test_the_kinds_of_a_documents_parts_tell_of_macros(what, data, found):
    assert danger(data, "a.docx") is found


def test_kinds_that_cannot_be_unpacked():
    data = kinds(WORD)
    at = 30 + len("[Content_Types].xml")
    assert danger(data[:at] + b"\xff" * 20 + data[at + 20 :], "a.docx") is MACROS


def test_a_bomb_of_kinds_goes_not_off():
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w", zipfile.ZIP_DEFLATED) as made:
        made.writestr("[Content_Types].xml", bytes(50_000_000))
    data = held.getvalue()
    tracemalloc.start()
    assert danger(data) is MACROS
    assert tracemalloc.get_traced_memory()[1] < 8_000_000
    tracemalloc.stop()
