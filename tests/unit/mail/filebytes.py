"""Files made by hand, for tests of what files are: archives by the standard library, OLE2 sector by sector."""

from __future__ import annotations

import io
import struct
import zipfile

FREE, END = 0xFFFFFFFF, 0xFFFFFFFE
EXE = b"MZ\x90\0\x03\0\0\0" + bytes(120)
PNG = b"\x89PNG\r\n\x1a\n" + bytes(20)
PAGE = b"<!-- hello -->\n<html><script>alert(1)</script></html>"
MSI_CLSID = bytes.fromhex("84100c0000000000c000000000000046")


def archive(*names: str, first: tuple[str, bytes] | None = None, sealed: bool = False, comment: bytes = b"") -> bytes:
    """A ZIP with these names; `first` stands uncompressed before them; `sealed` sets the flag of an encrypted file in each."""
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w", zipfile.ZIP_DEFLATED) as made:
        made.comment = comment
        if first is not None:
            made.writestr(zipfile.ZipInfo(first[0]), first[1])
        for name in names:
            made.writestr(name, b"words")
    data = held.getvalue()
    if sealed:
        data = _flagged(data, b"PK\x03\x04", 6)
        data = _flagged(data, b"PK\x01\x02", 8)
    return data


def _flagged(data: bytes, mark: bytes, at: int) -> bytes:
    made, place = bytearray(data), data.find(mark)
    while place >= 0:
        made[place + at] |= 1
        place = data.find(mark, place + 4)
    return bytes(made)


def docx(*more: str) -> bytes:
    return archive("[Content_Types].xml", "word/document.xml", *more)


def ole2(*names: str, clsid: bytes = bytes(16), shift: int = 9, last: int = END) -> bytes:
    """A compound file whose directory names these, four or more to a sector. `last`: what the FAT has at the chain's end."""
    size = 1 << shift
    entries = [_entry("Root Entry", 5, clsid), *(_entry(name, 1) for name in names)]
    each = size // 128
    entries += [bytes(128)] * (-len(entries) % each)
    count = len(entries) // each
    fat = [0xFFFFFFFD, *range(2, count + 1), last]  # sector 0 is the FAT, the directory follows
    fat += [FREE] * (size // 4 - len(fat))
    head = struct.pack(
        "<8s16sHHHHH6xIIIIIIIII", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", bytes(16), 62, 3, 0xFFFE, shift, 6, 0, 1, 1, 0, 4096, END, 0, END, 0
    )  # fmt: skip
    difat = struct.pack("<109I", 0, *[FREE] * 108)
    return (head + difat).ljust(size, b"\0") + struct.pack(f"<{size // 4}I", *fat) + b"".join(entries)


def _entry(name: str, kind: int, clsid: bytes = bytes(16)) -> bytes:
    raw = (name + "\0").encode("utf-16-le")
    made = raw.ljust(64, b"\0") + struct.pack("<HBB12x", len(raw), kind, 1) + clsid
    return made.ljust(128, b"\0")
