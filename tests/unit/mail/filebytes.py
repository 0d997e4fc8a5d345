"""Files made by hand, for tests of what files are: archives by the standard library, OLE2 sector by sector."""

from __future__ import annotations

import io
import struct
import zipfile
import zlib

# Made by ARJ 3.10 and gcab 1.5: a.txt and evil.exe.
ARJ = bytes.fromhex(
    "60ea2900220b010210000225e6b90d6be6b90d6b000000000000000000000000000000000000742e61726a0000c652c0b9000060ea35002e0b0102100000e6cfb90d6b03000000030000007a7a6fed0000a411000000000000cfb90d6bcfb90d6b00000000612e7478740000f50cefc3000068690a60ea38002e0b0102100000e6cfb90d6b0400000004000000807e50580000a411000000000000cfb90d6bcfb90d6b000000006576696c2e6578650000eead4abb00004d5a900060ea0000"
)
CAB = bytes.fromhex(
    "4d534346000000006a000000000000002c000000000000000301010002000000000000005b00000001000000030000000000000000007e5d17902000612e74787400040000000300000000007e5d179020006576696c2e657865006ff9574d0700070068690a4d5a9000"
)
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


def _entry(name: str, kind: int, clsid: bytes = bytes(16), start: int = 0, size: int = 0) -> bytes:
    raw = (name + "\0").encode("utf-16-le")
    made = raw.ljust(64, b"\0") + struct.pack("<HBB12x", len(raw), kind, 1) + clsid
    return made.ljust(116, b"\0") + struct.pack("<III", start, size, 0)


def book(*kinds: int, sealed: bool = False) -> bytes:
    """How a workbook of Excel 97 begins: a sheet of each of these kinds."""
    made = struct.pack("<HH16x", 0x809, 16)
    made += struct.pack("<HH6x", 0x2F, 6) if sealed else b""
    for kind in kinds:
        made += struct.pack("<HHIBBBB1s", 0x85, 9, 0, 0, kind, 1, 0, b"S")
    return made + struct.pack("<HH", 0x0A, 0)


def xls(begins: bytes, *, mini: bool = False) -> bytes:
    """A compound file of one workbook. `mini`: it is small, and lies in the stream of the root."""
    stream = begins if mini else begins.ljust(4096, b"\0")
    held = stream.ljust(-(-len(stream) // 512) * 512, b"\0")
    sectors = len(held) // 512
    root = (3, len(held)) if mini else (END, 0)
    entries = _entry("Root Entry", 5, start=root[0], size=root[1])
    entries += _entry("Workbook", 2, start=0 if mini else 3, size=len(stream))
    # Sectors: the FAT, the directory, the mini FAT, then the stream.
    fat = [0xFFFFFFFD, END, END, *range(4, sectors + 3), END]
    fat += [FREE] * (128 - len(fat))
    count = -(-len(stream) // 64)
    small = [*range(1, count), END] if mini else []
    small += [FREE] * (128 - len(small))
    head = struct.pack(
        "<8s16sHHHHH6xIIIIIIIII", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", bytes(16), 62, 3, 0xFFFE, 9, 6, 0, 1, 1, 0, 4096, 2, 1, END, 0
    )  # fmt: skip
    difat = struct.pack("<109I", 0, *[FREE] * 108)
    tables = struct.pack("<128I", *fat) + entries.ljust(512, b"\0") + struct.pack("<128I", *small)
    return (head + difat).ljust(512, b"\0") + tables + held


def kinds(*types: str, names: tuple[str, ...] = ("word/document.xml",)) -> bytes:
    """A document of Office whose parts have these kinds."""
    said = "".join(f'<Override PartName="/x" ContentType="{each}"/>' for each in types)
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w", zipfile.ZIP_DEFLATED) as made:
        made.writestr("[Content_Types].xml", f"<Types>{said}</Types>")
        for name in names:
            made.writestr(name, b"words")
    return held.getvalue()


# --- archives by their specifications; other programs list the same names


def _vint(number: int) -> bytes:
    made = b""
    while number > 0x7F:
        made += bytes([number & 0x7F | 0x80])
        number >>= 7
    return made + bytes([number])


def _block5(kind: int, body: bytes, data: bytes = b"", extra: bytes = b"") -> bytes:
    flags = bool(extra) + 2 * bool(data)
    sizes = (_vint(len(extra)) if extra else b"") + (_vint(len(data)) if data else b"")
    head = _vint(kind) + _vint(flags) + sizes + body + extra
    head = _vint(len(head)) + head
    return struct.pack("<I", zlib.crc32(head)) + head + data


def rar5(*names: str, extra: bytes = b"") -> bytes:
    made = b"Rar!\x1a\x07\1\0" + _block5(1, b"\0")
    for name in names:
        body = (
            _vint(4)
            + _vint(5)
            + _vint(32)
            + struct.pack("<I", zlib.crc32(b"words"))
            + b"\0\1"
            + _vint(len(name))
            + name.encode()
        )
        made += _block5(2, body, b"words", extra)
    return made + _block5(5, b"\0")


def _block4(kind: int, flags: int, body: bytes, data: bytes = b"") -> bytes:
    head = struct.pack("<BHH", kind, flags, 7 + len(body)) + body
    return struct.pack("<H", zlib.crc32(head) & 0xFFFF) + head + data


def rar4(*names: str, flags: int = 0) -> bytes:
    made = b"Rar!\x1a\x07\0" + _block4(0x73, 0, bytes(6))
    for name in names:
        body = struct.pack("<IIBIIBBHI", 5, 5, 2, zlib.crc32(b"words"), 0x21 << 16, 20, 0x30, len(name), 32)
        body += bytes(8) if flags & 0x100 else b""
        made += _block4(0x74, 0x8000 | flags, body + name.encode(), b"words")
    return made + _block4(0x7B, 0x4000, b"")


def lha(*names: str, level: int) -> bytes:
    made = b""
    for name in names:
        raw = name.encode()
        extra = b"\1" + raw + b"\0\0"
        packed = 5 + (len(extra) if level == 1 else 0)
        head = b"-lh0-" + struct.pack("<IIIBB", packed, 5, 0, 32, level)
        if level == 0:
            head += bytes([len(raw)]) + raw + b"\0\0"
        elif level == 1:
            head += b"\0\0\0U" + struct.pack("<H", len(extra))
        if level < 2:
            made += bytes([len(head), sum(head) & 255]) + head + (extra if level else b"") + b"words"
        else:
            made += (
                struct.pack("<H", 26 + len(extra)) + head + b"\0\0U" + struct.pack("<H", len(extra)) + extra + b"words"
            )
    return made + b"\0"
