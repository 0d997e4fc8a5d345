"""What stands in the directories of ZIP archives and OLE2 files. Nothing is unpacked, so there is nothing to blow up; what is read of
one file is bounded, whatever its directory claims.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from struct import unpack_from

Piece = Callable[[int, int], bytes]  # (start, length): the bytes there, fewer at the end of the file

# --- ZIP: APPNOTE.TXT of PKWARE, sections 4.3.7 (local header), 4.3.12 (directory), 4.3.16 (its end) --------------------------

_END_SIZE = 22
_COMMENT = 65_535
_MOST_DIRECTORY = 2 << 20  # bytes: some 20,000 files
_MOST_LOOKED = 1 << 20  # of a ZIP without a directory
_LOCAL = re.compile(rb"PK\x03\x04[\s\S]{22}")


@dataclass(frozen=True, slots=True)
class Zip:
    names: tuple[str, ...]
    encrypted: bool = False
    whole: bool = True  # False: there are more names than were read


def zip_directory(piece: Piece, size: int) -> Zip | None:
    """The names in the directory at the end of a file; None where there is none."""
    start = max(0, size - _END_SIZE - _COMMENT)
    tail = piece(start, size - start)
    at = tail.rfind(b"PK\x05\x06")
    if at < 0 or len(tail) - at < _END_SIZE:
        return None
    end = start + at
    length, offset = unpack_from("<II", tail, at + 12)
    if 0xFFFFFFFF in {length, offset}:
        length, offset = _zip64(piece, end) or (length, offset)
    names: dict[str, None] = {}
    encrypted, whole = False, True
    # Some programs find it by its length before the end (bytes may stand before the archive), others by its offset.
    for begin in {end - length, offset}:
        if 0 <= begin < end:
            room = min(end - begin, _MOST_DIRECTORY)
            used = 0
            for name, flags, used in _entries(piece(begin, room)):  # noqa: B007 - the last one is asked for below
                names[name] = None
                encrypted |= bool(flags & 1)
            whole &= used < room or room == end - begin
    return Zip(tuple(names), encrypted, whole) if names else None


def _zip64(piece: Piece, end: int) -> tuple[int, int] | None:
    """(length, offset) of a large archive's directory: sections 4.3.14 and 4.3.15."""
    locator = piece(max(0, end - 20), 20)
    if len(locator) < 20 or not locator.startswith(b"PK\x06\x07"):
        return None
    record = piece(unpack_from("<Q", locator, 8)[0], 56)
    if len(record) < 56 or not record.startswith(b"PK\x06\x06"):
        return None
    length, offset = unpack_from("<QQ", record, 40)
    return int(length), int(offset)


def _entries(directory: bytes) -> Iterator[tuple[str, int, int]]:
    """(name, flags, where the next entry begins)."""
    at = 0
    while directory[at : at + 4] == b"PK\x01\x02" and at + 46 <= len(directory):
        flags, name, extra, comment = unpack_from("<8xH18xHHH", directory, at)
        raw = directory[at + 46 : at + 46 + name]
        at += 46 + name + extra + comment
        yield _text(raw), flags, at


def zip_headers(piece: Piece) -> Zip:
    """Of a ZIP whose directory is missing or damaged, which repairing programs open all the same: what stands before the files."""
    data = piece(0, _MOST_LOOKED)
    names, encrypted = [], False
    for found in _LOCAL.finditer(data):
        encrypted |= bool(data[found.start() + 6] & 1)
        length = int.from_bytes(data[found.end() : found.end() + 2], "little")
        names.append(_text(data[found.end() + 4 : found.end() + 4 + length]))
    return Zip(tuple(names), encrypted)


def _text(raw: bytes) -> str:
    """Names are compared, never used: letters beyond ASCII may be any."""
    return raw.decode("utf-8", "replace").replace("\\", "/").lower()


# --- OLE2: [MS-CFB] sections 2.2 (header), 2.3 (FAT), 2.5 (DIFAT), 2.6 (directory) --------------------------------------------

_MOST_ENTRIES = 16_384  # 2 MB of directory
_MOST_DIFAT = 512  # sectors of 512 bytes: a file of 4 GB
_LAST = 0xFFFFFFFA  # above it no sector is meant
_MSI = bytes.fromhex("100c0000000000c000000000000046")  # CLSIDs of an installer's databases, without their first byte


@dataclass(frozen=True, slots=True)
class Ole2:
    """`names` of streams and storages, in lower case."""

    names: frozenset[str]
    installer: bool = False
    whole: bool = True  # False: the directory cannot be read to its end


class _Chain:
    """The sectors of one OLE2 file."""

    def __init__(self, piece: Piece, size: int) -> None:
        self._piece = piece
        self._size = size
        self.head = piece(0, 512)
        (shift,) = unpack_from("<H", self.head, 30)
        self.sector = 1 << shift if shift in {9, 12} else 0
        self._fat = list(unpack_from("<109I", self.head, 76))
        (self._next_difat,) = unpack_from("<I", self.head, 68)
        self._read_difat = 0
        self._held: dict[int, bytes] = {}  # sectors of the FAT; a directory's chain needs few

    def read(self, number: int) -> bytes:
        """A sector; empty beyond the end."""
        start = (number + 1) * self.sector
        return self._piece(start, self.sector) if start < self._size else b""

    def after(self, number: int) -> int | None:
        """The next sector of a chain; None where the FAT cannot be read."""
        each = self.sector // 4
        index, place = divmod(number, each)
        while index >= len(self._fat):
            if not self._more_fat():
                return None
        where = self._fat[index]
        if where >= _LAST:
            return None
        if where not in self._held:
            self._held[where] = self.read(where)
        sector = self._held[where]
        return int(unpack_from("<I", sector, 4 * place)[0]) if len(sector) >= 4 * place + 4 else None

    def _more_fat(self) -> bool:
        if self._next_difat >= _LAST or self._read_difat >= _MOST_DIFAT:
            return False
        sector = self.read(self._next_difat)
        if len(sector) < self.sector:
            return False
        numbers = unpack_from(f"<{self.sector // 4}I", sector)
        self._fat += numbers[:-1]
        self._next_difat = numbers[-1]
        self._read_difat += 1
        return True


def ole2_directory(piece: Piece, size: int) -> Ole2:
    """Of a file that begins as OLE2 does."""
    if size < 512:
        return Ole2(frozenset(), whole=False)
    chain = _Chain(piece, size)
    (number,) = unpack_from("<I", chain.head, 48)
    names: set[str] = set()
    installer, whole, room = False, chain.sector > 0, _MOST_ENTRIES
    while whole and number < _LAST:
        sector = chain.read(number)
        room -= chain.sector // 128
        for at in range(0, len(sector) - 127, 128):
            (length,) = unpack_from("<H", sector, at + 64)
            if 2 <= length <= 64:
                names.add(sector[at : at + length - 2].decode("utf-16-le", "replace").lower())
            installer |= sector[at + 66] == 5 and sector[at + 81 : at + 96] == _MSI  # 5: the root
        following = chain.after(number)
        if following is None or len(sector) < chain.sector or room <= 0:
            whole = False
        else:
            number = following
    return Ole2(frozenset(names), installer, whole)
