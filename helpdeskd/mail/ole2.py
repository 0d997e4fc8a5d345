"""What stands in the directories of OLE2 files: names, and how their workbook begins. What is read of one file is bounded, whatever
its directory claims.
"""

from __future__ import annotations

from dataclasses import dataclass
from struct import unpack_from

from helpdeskd.mail.zips import Piece

# [MS-CFB] sections 2.2 (header), 2.3 (FAT), 2.4 (mini FAT), 2.5 (DIFAT), 2.6 (directory).
_MOST_ENTRIES = 16_384  # 2 MB of directory
_MOST_DIFAT = 512  # sectors of 512 bytes: a file of 4 GB
_MOST_BOOKS = 4
_BOOKS = frozenset({"workbook", "book"})
_LAST = 0xFFFFFFFA  # above it no sector is meant
_MOST_OF_BOOK = 1 << 18  # bytes: its sheets are named at its beginning
_MINI, _MINI_BELOW = (
    64,
    4096,
)  # section 2.2: streams below this size lie in sectors of their own, in the stream of the root
_MSI = bytes.fromhex("100c0000000000c000000000000046")  # CLSIDs of an installer's databases, without their first byte


@dataclass(frozen=True, slots=True)
class Ole2:
    """`names` of streams and storages, in lower case."""

    names: frozenset[str]
    installer: bool = False
    whole: bool = True  # False: the directory, or a workbook's beginning, cannot be read to its end
    books: tuple[bytes, ...] = ()  # the beginning of each workbook


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

    def stream(self, number: int, size: int) -> bytes | None:
        """Those bytes of a chain; None where it is shorter."""
        found = bytearray()
        while len(found) < size:
            sector = self.read(number) if number < _LAST else b""
            if not sector:
                return None
            found += sector
            following = self.after(number) if len(found) < size else number
            if following is None:
                return None
            number = following
        return bytes(found[:size])

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
    books: list[tuple[int, int]] = []
    root = (_LAST, 0)
    installer, whole, room = False, chain.sector > 0, _MOST_ENTRIES
    while whole and number < _LAST:
        sector = chain.read(number)
        room -= chain.sector // 128
        for at in range(0, len(sector) - 127, 128):
            (length,) = unpack_from("<H", sector, at + 64)
            name = sector[at : at + length - 2].decode("utf-16-le", "replace").lower() if 2 <= length <= 64 else None
            where = unpack_from("<II", sector, at + 116)
            if name is not None:
                names.add(name)
            if name in _BOOKS and len(books) < _MOST_BOOKS:
                books.append(where)
            if sector[at + 66] == 5:
                root = where
                installer |= sector[at + 81 : at + 96] == _MSI
        following = chain.after(number)
        if following is None or len(sector) < chain.sector or room <= 0:
            whole = False
        else:
            number = following
    read = [_beginning(chain, root, start, length) for start, length in books] if chain.sector else []
    whole &= None not in read
    return Ole2(frozenset(names), installer, whole, tuple(each for each in read if each))


def _beginning(chain: _Chain, root: tuple[int, int], start: int, length: int) -> bytes | None:
    if length >= _MINI_BELOW:
        return chain.stream(start, min(length, _MOST_OF_BOOK))
    (table,) = unpack_from("<I", chain.head, 60)
    numbers: list[int] = []
    while len(numbers) * _MINI < length:
        numbers.append(start)
        entry = chain.stream(table, 4 * start + 4) if start < _MOST_OF_BOOK // _MINI else None
        if entry is None:
            return None
        (start,) = unpack_from("<I", entry, 4 * start)
    held = chain.stream(root[0], min(root[1], _MOST_OF_BOOK)) if numbers else b""
    if held is None:
        return None
    return b"".join(held[number * _MINI :][:_MINI] for number in numbers)[:length]
