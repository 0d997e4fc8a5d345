"""What stands in the directories of ZIP archives: names, and of an Office document which kinds its parts have. What is read of one file
is bounded, whatever its directory claims; what is unpacked of it are those kinds, and no more than _MOST_KINDS bytes of them.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from struct import unpack_from

Piece = Callable[[int, int], bytes]  # (start, length): the bytes there, fewer at the end of the file

# APPNOTE.TXT of PKWARE, sections 4.3.7 (local header), 4.3.12 (directory), 4.3.16 (its end).
_END_SIZE = 22
_COMMENT = 65_535
_MOST_DIRECTORY = 2 << 20  # bytes: some 20,000 files
_MOST_LOOKED = 1 << 20  # at the beginning, for what stands before the files themselves
_MOST_NAME = 1024  # bytes of a name before a file: those may overlap
_MOST_KINDS = 1 << 20
_MOST_OF_KINDS = 4  # files of that name in one archive
_LOCAL = re.compile(rb"PK\x03\x04[\s\S]{26}")
_UNICODE_PATH = 0x7075  # section 4.6.9: a name that some programs prefer to the other
_KINDS = "[content_types].xml"  # ECMA-376 part 2 section 7.2.3


@dataclass(frozen=True, slots=True)
class Zip:
    """`others`: names that only some programs go by."""

    names: tuple[str, ...]
    encrypted: bool = False
    whole: bool = True  # False: there are more names than were read
    others: tuple[str, ...] = ()
    kinds: bytes | None = None  # of an Office document's parts; None where they cannot be read


@dataclass(frozen=True, slots=True)
class _Entry:
    raw: bytes
    flags: int
    method: int
    packed: int
    extra: bytes
    at: int  # where it says that its file begins

    @property
    def name(self) -> str:
        return _text(self.raw)


class _Reader:
    """One file, and how much of it may still be read."""

    def __init__(self, piece: Piece) -> None:
        self.piece = piece
        self.room = 2 * _MOST_DIRECTORY
        self.headers_room = _MOST_DIRECTORY
        self.names: dict[str, None] = {}  # of the first directory
        self.others: dict[str, None] = {}
        self.encrypted = False
        self.whole = True
        self.kinds: list[bytes | None] = []

    def directory(self, begin: int, end: int, shift: int) -> None:
        """`shift`: what offsets in it are short of."""
        if not 0 <= begin < end or self.piece(begin, 4) != b"PK\x01\x02":
            return
        length = min(end - begin, _MOST_DIRECTORY, self.room)
        self.room -= length
        self.whole &= length == end - begin
        for entry in _entries(self.piece(begin, length)):
            self.names[entry.name] = None
            self.encrypted |= bool(entry.flags & 1)
            self.others.update(dict.fromkeys(_unicode_paths(entry.extra)))
            self._header(entry, entry.at + shift)

    def _header(self, entry: _Entry, at: int) -> None:
        """What stands before the file itself may call it something else, and so may the extra fields of either."""
        if self.headers_room <= 0:
            self.whole = False
            return
        header = self.piece(at, 30) if at >= 0 else b""
        self.headers_room -= 30
        if len(header) < 30 or not header.startswith(b"PK\x03\x04"):
            self.kinds += [None] if entry.name == _KINDS else []
            return
        length, extra = unpack_from("<HH", header, 26)
        if length > _MOST_NAME and length != len(entry.raw):
            self.whole = False
            return
        behind = self.piece(at + 30, length + min(extra, _MOST_NAME))
        self.headers_room -= len(behind)
        if behind[:length] != entry.raw:
            self.others[_text(behind[:length])] = None
        self.others.update(dict.fromkeys(_unicode_paths(behind[length:])))
        if entry.name == _KINDS and len(self.kinds) < _MOST_OF_KINDS:
            self.kinds.append(_unpacked(entry, self.piece(at + 30 + length + extra, min(entry.packed, _MOST_KINDS))))


def read(piece: Piece, size: int) -> Zip:
    """Of a file that begins as a ZIP does."""
    found, headers = directory(piece, size), _headers(piece, size)
    if found is None:  # damaged or cut off: repairing programs open it all the same
        return headers
    return replace(found, others=tuple(dict.fromkeys((*found.others, *headers.names))))


def directory(piece: Piece, size: int) -> Zip | None:
    """The names in the directory at the end of a file; None where there is none."""
    start = max(0, size - _END_SIZE - _COMMENT)
    tail = piece(start, size - start)
    reader, names = _Reader(piece), dict[str, None]()
    for at in _ends(tail):
        end = start + at
        length, offset = unpack_from("<II", tail, at + 12)
        # Some programs find it by its length before the end (bytes may stand before the archive), others by its offset, or by
        # what a large archive has instead of both.
        before = end - length
        places = {before: before - offset, offset: 0, **_zip64(piece, end)}
        for begin, shift in places.items():
            reader.directory(begin, end, shift)
        if not names:
            names, reader.names = reader.names, {}
    if not names:
        return None
    kinds = None if None in reader.kinds else b"\n".join(each for each in reader.kinds if each is not None)
    others = dict.fromkeys((*reader.others, *reader.names))
    return Zip(tuple(names), reader.encrypted, reader.whole, tuple(others), kinds)


def _ends(tail: bytes) -> list[int]:
    """Where the end of the directory may be: for some programs the last whose comment ends with the file, for others the last one,
    or the first."""
    places = [match.start() for match in re.finditer(rb"PK\x05\x06", tail) if len(tail) - match.start() >= _END_SIZE]
    fit = [at for at in places if at + _END_SIZE + int.from_bytes(tail[at + 20 : at + 22], "little") == len(tail)]
    return list(dict.fromkeys([*fit[-1:], *places[-1:], *places[:1]]))


def _zip64(piece: Piece, end: int) -> dict[int, int]:
    """Where a large archive's directory is: sections 4.3.14 and 4.3.15."""
    locator = piece(max(0, end - 20), 20)
    if len(locator) < 20 or not locator.startswith(b"PK\x06\x07"):
        return {}
    (at,) = unpack_from("<Q", locator, 8)
    record = piece(at, 56) if at < end else b""
    if len(record) < 56 or not record.startswith(b"PK\x06\x06"):
        return {}
    return {int(unpack_from("<Q", record, 48)[0]): 0}


def _entries(data: bytes) -> Iterator[_Entry]:
    at = 0
    while data[at : at + 4] == b"PK\x01\x02" and at + 46 <= len(data):
        flags, method, packed, name, extra, comment, where = unpack_from("<8xHH8xI4xHHH8xI", data, at)
        begin = at + 46
        at = begin + name + extra + comment
        yield _Entry(
            data[begin : begin + name], flags, method, packed, data[begin + name : begin + name + extra], where
        )


def _unicode_paths(extra: bytes) -> Iterator[str]:
    at = 0
    while at + 4 <= len(extra):
        kind, length = unpack_from("<HH", extra, at)
        if kind == _UNICODE_PATH:
            yield _text(extra[at + 9 : at + 4 + length][:_MOST_NAME])
        at += 4 + length


def _unpacked(entry: _Entry, data: bytes) -> bytes | None:
    """One file, where it is small and can be read."""
    if entry.flags & 1 or entry.packed != len(data):
        return None
    if entry.method == 0:
        return data
    unpacker = zlib.decompressobj(-zlib.MAX_WBITS)
    try:
        made = unpacker.decompress(data, _MOST_KINDS)
    except zlib.error:
        return None
    return made if unpacker.eof else None


def _headers(piece: Piece, size: int) -> Zip:
    """What stands before the files, as far as it is looked for."""
    data = piece(0, _MOST_LOOKED)
    names: dict[str, None] = {}
    encrypted, whole = False, size <= _MOST_LOOKED
    at = 0
    while found := _LOCAL.search(data, at):
        encrypted |= bool(data[found.start() + 6] & 1)
        length = int.from_bytes(data[found.start() + 26 : found.start() + 28], "little")
        raw = data[found.end() : found.end() + min(length, _MOST_NAME)]
        # A name is read once: another header within it is either a trick, or this one no header.
        whole &= length <= _MOST_NAME and b"PK\x03\x04" not in raw
        names[_text(raw)] = None
        at = found.end() + len(raw)
    return Zip(tuple(names), encrypted, whole)


def _text(raw: bytes) -> str:
    """Names are compared, never used: letters beyond ASCII may be any."""
    return raw.decode("utf-8", "replace").replace("\\", "/").lower()
