"""The names in archives that are no ZIP, where they stand in plain sight: tar, gzip, RAR, CAB, ARJ, LHA. Nothing is unpacked; what is
read of one file is bounded, and each of its headers is read once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from struct import error, unpack_from

from helpdeskd.mail.zips import Piece

TAR, GZIP, RAR, CAB = (
    "application/x-tar",
    "application/gzip",
    "application/vnd.rar",
    "application/vnd.ms-cab-compressed",
)
ARJ, LHA = "application/x-arj", "application/x-lzh-compressed"
_MOST_FILES = 4096
_MOST_HEADER = 1024  # bytes; a name's ending stands at its end, so of a longer one nobody knows
_MOST_CAB = 1 << 20


@dataclass(slots=True)
class Archive:
    names: list[str] = field(default_factory=list)
    encrypted: bool = False
    whole: bool = True  # False: there are more names than were read

    def add(self, raw: bytes) -> None:
        if raw:
            self.names.append(raw.partition(b"\0")[0].decode("utf-8", "replace").replace("\\", "/").lower())


class _TooMuchError(Exception):
    """There is more than is read."""


def read(kind: str, piece: Piece, size: int) -> Archive:
    """Of a file of this kind, as far as its headers follow one another: programs give up there too. Never raises."""
    made = Archive()
    try:
        for number, _ in enumerate(_READERS[kind](made, piece, size)):
            if number >= _MOST_FILES:
                raise _TooMuchError
    except _TooMuchError:
        made.whole = False
    except (error, IndexError, ValueError):  # cut off
        pass
    return made


def _short(length: int) -> int:
    if length > _MOST_HEADER:
        raise _TooMuchError
    return length


def _tar(made: Archive, piece: Piece, size: int) -> Iterator[None]:
    """POSIX.1-2017, pax interchange format; the long names of GNU."""
    at = 0
    while at + 512 <= size:
        block = piece(at, 512)
        if not block.strip(b"\0"):
            return
        length = _octal(block[124:136])
        kind = block[156:157]
        if kind in {b"L", b"x"} and length:
            said = piece(at + 512, _short(length))
            if kind == b"L":
                made.add(said)
            for line in said.split(b"\n") if kind == b"x" else ():
                made.add(line.partition(b" path=")[2])
        elif block[:1] != b"\0":
            made.add(block[:100])
        yield
        at += 512 + (length + 511) // 512 * 512


def _octal(raw: bytes) -> int:
    if raw[:1] == b"\x80":  # GNU: a number of many bytes
        return int.from_bytes(raw[1:], "big")
    return int(raw.strip(b" \0") or b"0", 8)


def _gzip(made: Archive, piece: Piece, size: int) -> Iterator[None]:  # noqa: ARG001 - as all of them are called
    """RFC 1952 section 2.3."""
    flags = piece(3, 1)[0]
    at = 10
    if flags & 4:
        at += 2 + int(unpack_from("<H", piece(at, 2))[0])
    if flags & 8:
        raw = piece(at, _MOST_HEADER)
        if b"\0" not in raw and len(raw) == _MOST_HEADER:
            raise _TooMuchError
        made.add(raw)
    yield


def _rar(made: Archive, piece: Piece, size: int) -> Iterator[None]:
    return (_rar5 if piece(6, 1) == b"\1" else _rar4)(made, piece, size)


def _rar4(made: Archive, piece: Piece, size: int) -> Iterator[None]:
    """technote.txt of RAR 4."""
    at = 7
    while at + 5 <= size:
        head = piece(at, 7)
        kind, flags = unpack_from("<2xBH", head)
        if kind == 0x73 and flags & 0x80:
            made.encrypted = True
            return
        (length,) = unpack_from("<H", head, 5)
        more = 0
        if kind == 0x74 or flags & 0x8000:
            (more,) = unpack_from("<I", piece(at + 7, 4))
        if kind == 0x74:
            block = piece(at, _short(length))
            (name,) = unpack_from("<H", block, 26)
            begin = 32
            if flags & 0x100:
                more += int(unpack_from("<I", block, 32)[0]) << 32
                begin = 40
            made.add(block[begin : begin + name])
            made.encrypted |= bool(flags & 4)
        yield
        at += max(length, 7) + more


def _rar5(made: Archive, piece: Piece, size: int) -> Iterator[None]:
    """RAR 5.0 archive format, "General archive structure"."""
    at = 8
    while at + 6 <= size:
        block = piece(at + 4, _MOST_HEADER + 16)
        length, place = _vint(block, 0)
        end = place + length
        kind, place = _vint(block, place)
        if kind == 4:
            made.encrypted = True
            return
        flags, place = _vint(block, place)
        extra, place = _vint(block, place) if flags & 1 else (0, place)
        more, place = _vint(block, place) if flags & 2 else (0, place)
        if kind == 2:
            _short(length)
            said, place = _vint(block, place)
            _, place = _vint(block, place)  # the size
            _, place = _vint(block, place)  # the attributes
            place += 4 * bool(said & 2) + 4 * bool(said & 4)
            _, place = _vint(block, place)  # how it is packed
            _, place = _vint(block, place)  # the system
            name, place = _vint(block, place)
            made.add(block[place : place + name])
            if extra:
                _, place = _vint(block, end - extra)
                made.encrypted |= block[place : place + 1] == b"\1"
        yield
        at += 4 + end + more


def _vint(block: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while shift < 70:
        byte = block[at]
        at += 1
        value |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            return value, at
    raise ValueError("no number ends here")


def _cab(made: Archive, piece: Piece, size: int) -> Iterator[None]:  # noqa: ARG001 - as all of them are called
    """[MS-CAB] sections 2.1 (CFHEADER) and 2.4 (CFFILE)."""
    start, count = unpack_from("<16xI8xH", piece(0, 30))
    data = piece(start, _MOST_CAB)
    at = 0
    for _ in range(count):
        end = data.find(b"\0", at + 16)
        if end < 0:
            if len(data) == _MOST_CAB:
                raise _TooMuchError
            return
        made.add(data[at + 16 : end])
        yield
        at = end + 1


def _arj(made: Archive, piece: Piece, size: int) -> Iterator[None]:
    """technote.txt of ARJ: a main header, then one before each file."""
    at, is_file = 0, False
    while at + 4 <= size:
        mark, length = unpack_from("<HH", piece(at, 4))
        if mark != 0xEA60 or not length:
            return
        block = piece(at + 4, length + 6)
        more = 0
        if is_file:
            made.add(block[block[0] : length])
            made.encrypted |= bool(block[4] & 1)
            (more,) = unpack_from("<I", block, 12)
        at += 4 + length + 4 + 2
        (extra,) = unpack_from("<H", block, length + 4)
        while extra:  # headers that extend this one
            yield
            at += extra + 4 + 2
            (extra,) = unpack_from("<H", piece(at - 2, 2))
        is_file = True
        yield
        at += more


def _lha(made: Archive, piece: Piece, size: int) -> Iterator[None]:
    """header.doc of LHa for UNIX: levels 0 to 2."""
    at = 0
    while at + 22 <= size:
        block = piece(at, 32)
        if block[2:3] != b"-" or block[6:7] != b"-":
            return
        (packed,) = unpack_from("<I", block, 7)
        level = block[20]
        if level < 2:
            length = block[0] + 2
            made.add(piece(at + 22, block[21]))
        else:
            length = int(unpack_from("<H", block)[0])
        if level:
            place, (extra,) = (at + 26, unpack_from("<H", block, 24)) if level > 1 else (
                at + length, unpack_from("<H", piece(at + length - 2, 2))
            )  # fmt: skip
            while extra > 2:
                field_ = piece(place, _short(extra))
                if field_[:1] == b"\1":
                    made.add(field_[1:-2])
                yield
                place += extra
                (extra,) = unpack_from("<H", field_, extra - 2)
        yield
        at += max(length, 22) + packed


_READERS: dict[str, Callable[[Archive, Piece, int], Iterator[None]]] = {
    TAR: _tar,
    GZIP: _gzip,
    RAR: _rar,
    CAB: _cab,
    ARJ: _arj,
    LHA: _lha,
}
KINDS = frozenset(_READERS)
