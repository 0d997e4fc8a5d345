"""Outlook's winmail.dat (MS-OXTNEF) unpacked: its files and its text. Bounded by the size of what is given; never raises."""

from __future__ import annotations

import struct
from dataclasses import dataclass, field
from typing import NamedTuple

from helpdeskd.mail import charset, rtf

TYPES = frozenset({"application/ms-tnef", "application/vnd.ms-tnef"})
SIGNATURE = b"\x78\x9f\x3e\x22"
_MAX_FILES = 1000
_MAX_DEPTH = 5  # messages attached to messages
_MAX_PROPERTIES = 20_000
_MAX_VALUES = 2000  # of one property

# Attributes (MS-OXTNEF section 2.1.3.1), without the type in their upper half.
_RENDERING, _TITLE, _DATA, _PROPERTIES_OF_FILE = 0x9002, 0x8010, 0x800F, 0x9005
_BODY, _PROPERTIES, _CODE_PAGE = 0x800C, 0x9003, 0x9007
# Properties (MS-OXPROPS).
_P_DATA, _P_NAME, _P_LONG_NAME, _P_DISPLAY, _P_TYPE, _P_CONTENT_ID = 0x3701, 0x3704, 0x3707, 0x3001, 0x370E, 0x3712
_P_BODY, _P_RTF, _P_HTML = 0x1000, 0x1009, 0x1013
_P_CODE_PAGE = 0x3FDE
# Types of properties (MS-OXCDATA section 2.11.1): bytes of those with one length.
_FIXED = {1: 0, 2: 4, 3: 4, 4: 4, 5: 8, 6: 8, 7: 8, 0xA: 4, 0xB: 4, 0x14: 8, 0x40: 8, 0x48: 16}
_STRING8, _UNICODE, _OBJECT, _BINARY = 0x1E, 0x1F, 0xD, 0x102
_MANY = 0x1000


@dataclass(frozen=True, slots=True)
class File:
    name: str
    content_type: str  # empty where nothing says so
    data: bytes
    content_id: str = ""


@dataclass(slots=True)
class Unpacked:
    files: list[File] = field(default_factory=list)
    text: str = ""
    html: str = ""
    rtf: bytes = b""  # decompressed
    whole: bool = True  # was all of it read?


class _Value(NamedTuple):
    kind: int
    data: bytes


class _Pending:
    """The attachment that is being read."""

    def __init__(self) -> None:
        self.title = b""
        self.data = b""
        self.properties: dict[int, _Value] = {}


def unpack(data: bytes) -> Unpacked | None:
    """What is in it; None where it is no TNEF."""
    return _unpack(data, 0) if data.startswith(SIGNATURE) else None


def _unpack(data: bytes, depth: int) -> Unpacked:
    found = Unpacked()
    files: list[_Pending] = []
    body = b""
    page = "cp1252"
    message: dict[int, _Value] = {}
    place = 6
    while place + 9 <= len(data):
        level, number, length = struct.unpack_from("<BII", data, place)
        value = data[place + 9 : place + 9 + length]
        if level not in {1, 2} or len(value) < length:
            found.whole = False
            break
        place += 9 + length + 2  # and a checksum
        name = number & 0xFFFF
        if level == 2:
            if name == _RENDERING or not files:
                if len(files) >= _MAX_FILES:
                    found.whole = False
                    break
                files.append(_Pending())
            if name == _TITLE:
                files[-1].title = value
            elif name == _DATA:
                files[-1].data = value
            elif name == _PROPERTIES_OF_FILE:
                files[-1].properties, all_read = _properties(value)
                found.whole &= all_read
        elif name == _BODY:
            body = value
        elif name == _PROPERTIES:
            message, all_read = _properties(value)
            found.whole &= all_read
        elif name == _CODE_PAGE and length >= 4:
            page = f"cp{struct.unpack_from('<I', value)[0]}"
    _bodies(found, message, body, page)
    for one in files:
        _file(found, one, page, depth)
    return found


def _bodies(found: Unpacked, message: dict[int, _Value], body: bytes, page: str) -> None:
    inner = message.get(_P_CODE_PAGE)
    inner_page = f"cp{struct.unpack('<I', inner.data)[0]}" if inner and len(inner.data) == 4 else page
    text = message.get(_P_BODY)
    found.text = _string(text, page) if text else charset.decode(body.rstrip(b"\0"), page)
    html = message.get(_P_HTML)
    if html:
        found.html = (
            _string(html, page) if html.kind == _UNICODE else charset.decode(html.data.rstrip(b"\0"), inner_page)
        )
    packed = message.get(_P_RTF)
    if packed:
        found.rtf = rtf.decompress(packed.data)


def _file(found: Unpacked, one: _Pending, page: str, depth: int) -> None:
    properties = one.properties
    names = [_string(properties[key], page) for key in (_P_LONG_NAME, _P_NAME) if key in properties]
    names.append(charset.decode(one.title.partition(b"\0")[0], page))
    names += [_string(properties[_P_DISPLAY], page)] if _P_DISPLAY in properties else []
    name = next((name for name in names if name.strip()), "")
    data = one.data
    held = properties.get(_P_DATA)
    if held is not None and held.kind == _OBJECT:
        inner = held.data[16:]  # behind the identifier of its interface
        if inner.startswith(SIGNATURE) and depth < _MAX_DEPTH:
            _attached(found, _unpack(inner, depth + 1), name)
            return
        data = inner or data
    elif held is not None and not data:
        data = held.data
    kind = _string(properties[_P_TYPE], page) if _P_TYPE in properties else ""
    content_id = _string(properties[_P_CONTENT_ID], page) if _P_CONTENT_ID in properties else ""
    found.files.append(File(name, kind.lower(), data, content_id))


def _attached(found: Unpacked, inner: Unpacked, name: str) -> None:
    """A message attached to the message: its text as a file, its files beside ours."""
    found.whole &= inner.whole
    if inner.html:
        found.files.append(File(f"{name or 'message'}.html", "text/html", inner.html.encode("utf-8")))
    elif inner.text.strip():
        found.files.append(File(f"{name or 'message'}.txt", "text/plain", inner.text.encode("utf-8")))
    elif inner.rtf:
        found.files.append(File(f"{name or 'message'}.rtf", "application/rtf", inner.rtf))
    else:
        found.files.append(File(name, "", b""))
    found.files += inner.files[: max(0, _MAX_FILES - len(found.files))]


def _string(value: _Value, page: str) -> str:
    if value.kind == _UNICODE:
        return value.data.decode("utf-16-le", "replace").partition("\0")[0]
    return charset.decode(value.data.partition(b"\0")[0], page)


def _properties(data: bytes) -> tuple[dict[int, _Value], bool]:
    """(the first value of each property, was all of it read)."""
    found: dict[int, _Value] = {}
    if len(data) < 4:
        return found, not data
    (count,) = struct.unpack_from("<I", data)
    place = 4
    try:
        for _ in range(min(count, _MAX_PROPERTIES)):
            kind, number = struct.unpack_from("<HH", data, place)
            place += 4
            if number >= 0x8000:
                place = _after_name(data, place)
            value, place = _value(data, place, kind)
            if value is not None:
                found.setdefault(number, value)
    except (struct.error, _BrokenError):
        return found, False
    return found, count <= _MAX_PROPERTIES


class _BrokenError(Exception):
    """What follows cannot be read any more."""


def _after_name(data: bytes, place: int) -> int:
    """A property of a program's own has a GUID and a number or a name (MS-OXTNEF section 2.1.3.4)."""
    (kind,) = struct.unpack_from("<I", data, place + 16)
    if kind == 0:
        return place + 24
    length = int(struct.unpack_from("<I", data, place + 20)[0])
    return place + 24 + length + -length % 4


def _value(data: bytes, place: int, kind: int) -> tuple[_Value | None, int]:
    single = kind & ~_MANY
    width = _FIXED.get(single)
    count = 1
    if width is None or kind & _MANY:
        (count,) = struct.unpack_from("<I", data, place)
        place += 4
        if count > _MAX_VALUES:
            raise _BrokenError
    first: _Value | None = None
    for _ in range(count):
        length = width
        if length is None:
            if single not in {_STRING8, _UNICODE, _OBJECT, _BINARY}:
                raise _BrokenError
            (length,) = struct.unpack_from("<I", data, place)
            place += 4
        if place + length > len(data):
            raise _BrokenError
        if first is None:
            first = _Value(single, data[place : place + length])
        place += length + -length % 4
    return first, place
