"""What a signed S/MIME mail says, taken out of its envelope (CMS, RFC 5652). Only unwrapped: nothing is checked here. BER as
old programs write it, with lengths of either kind; linear; never raises."""

from __future__ import annotations

TYPES = frozenset({"application/pkcs7-mime", "application/x-pkcs7-mime"})
_SIGNED_DATA = bytes.fromhex("06092a864886f70d010702")
_ENVELOPED_DATA = bytes.fromhex("06092a864886f70d010703")
_SEQUENCE, _OCTETS, _CONTENT = 0x30, 0x04, 0xA0
_CONSTRUCTED = 0x20
_OPEN = -1  # a length that is not told: it ends at two zero bytes


class _BrokenError(Exception):
    pass


def is_encrypted(data: bytes) -> bool:
    return _ENVELOPED_DATA in data[:64]


def signed_content(data: bytes) -> bytes | None:
    """The mail inside; None where there is none, or nothing that can be read."""
    if _SIGNED_DATA not in data[:64]:
        return None
    try:
        place = _into(data, 0, _SEQUENCE)
        place = _past(data, place)  # the type: signed data
        place = _into(data, _into(data, place, _CONTENT), _SEQUENCE)
        place = _past(data, _past(data, place))  # the version, the digests
        place = _into(data, place, _SEQUENCE)
        place = _into(data, _past(data, place), _CONTENT)  # behind the type of the content
        return b"".join(_octets(data, place))
    except (_BrokenError, IndexError):
        return None


def _head(data: bytes, place: int) -> tuple[int, int, int]:
    """(tag, length or _OPEN, where the content starts)."""
    tag = data[place]
    if tag & 0x1F == 0x1F:  # a tag of several bytes: none is needed here, and who reads on might read something else
        raise _BrokenError
    length = data[place + 1]
    place += 2
    if length == 0x80:
        return tag, _OPEN, place
    if length > 0x80:
        count = length & 0x7F
        if count > 8:
            raise _BrokenError
        length = int.from_bytes(data[place : place + count], "big")
        place += count
    return tag, length, place


def _into(data: bytes, place: int, expected: int) -> int:
    tag, _, start = _head(data, place)
    if tag != expected:
        raise _BrokenError
    return start


def _past(data: bytes, place: int) -> int:
    """Behind the element that starts here."""
    depth = 0
    while True:
        if depth and data[place : place + 2] == b"\0\0":
            depth -= 1
            place += 2
        else:
            _, length, start = _head(data, place)
            if length == _OPEN:
                depth += 1
                place = start
            else:
                place = start + length
        if not depth:
            return place


def _octets(data: bytes, place: int) -> list[bytes]:
    """The pieces of an octet string, which may be one or lie in others."""
    tag, length, start = _head(data, place)
    if tag == _OCTETS:
        if length == _OPEN:
            raise _BrokenError
        return [data[start : start + length]]
    if tag != _OCTETS | _CONSTRUCTED:
        raise _BrokenError
    end = len(data) if length == _OPEN else min(len(data), start + length)
    found: list[bytes] = []
    depth = 1
    place = start
    while place < end and depth:
        if data[place : place + 2] == b"\0\0":
            depth -= 1
            place += 2
            continue
        tag, length, start = _head(data, place)
        if tag == _OCTETS and length != _OPEN:
            found.append(data[start : start + length])
            place = start + length
        elif tag == _OCTETS | _CONSTRUCTED:
            depth += length == _OPEN
            place = start
        else:
            raise _BrokenError
    return found
