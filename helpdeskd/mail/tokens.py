"""Reply tokens: who may speak in which ticket, in the detail of an address (support+token@example.org)."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import re

_CONTEXT = b"helpdeskd reply token 1\0"
_MAC = 10  # bytes: 80 bits
_SHORTEST = 1 + 1 + 1 + _MAC
_LONGEST = 1 + 9 + 9 + _MAC  # ids of 63 bits
_CHARS = (-(-_SHORTEST * 8 // 5), -(-_LONGEST * 8 // 5))
# What might be a token: the plus sign may have been encoded for a URL or for HTML.
_LIKE = rf"[A-Za-z2-7]{{{_CHARS[0]},{_CHARS[1]}}}"
_ANY = re.compile(rf"(?<![A-Za-z0-9])(?:(?:\+|%2[Bb]|&#43;|&#[xX]2[bB];|&plus;)?({_LIKE}))(?![A-Za-z0-9])")
_AFTER_WORD = re.compile(rf"(?:\+|%2[Bb]|&#43;|&#[xX]2[bB];|&plus;)({_LIKE})(?![A-Za-z0-9])")
ADDRESS_LIKE = re.compile(rf"(?:\+|%2[Bb])(?:{_LIKE})(?:@|%40)")


_LONG = re.compile(rf"[A-Za-z2-7]{{{_CHARS[0]}}}")


class TokenKeys:
    """Makes and reads reply tokens. The first key signs, all read: put a new key first to change it.

    A token is lower-case base32 of: one byte that names the key, ticket id, person id (7 bits a byte, lowest
    first), 80 bits of HMAC-SHA256 over these. 21 to 47 characters (28 for ids up to 2 million), so that it fits the
    64 of a local part (RFC 5321 section 4.5.3.1.1) beside the department's.
    """

    def __init__(self, keys: tuple[bytes, ...]) -> None:
        """Raises ValueError when there is no key or one is shorter than 16 bytes."""
        self.change(keys)

    def change(self, keys: tuple[bytes, ...]) -> None:
        """From now on these; whoever holds this object, in whatever thread, goes by them. Raises ValueError as above."""
        if not keys or any(len(one) < 16 for one in keys):
            raise ValueError("reply tokens need at least one key, each of at least 16 bytes")
        self._keys = tuple((_name(one), one) for one in keys)

    def __repr__(self) -> str:
        return f"TokenKeys({len(self._keys)} keys)"

    def make(self, ticket_id: int, person_id: int) -> str:
        """The token of this person in this ticket. Raises ValueError for ids outside 0 to 2^63 - 1."""
        name, secret = self._keys[0]
        payload = bytes([name]) + _number(ticket_id) + _number(person_id)
        return base64.b32encode(payload + _mac(secret, payload)).decode("ascii").rstrip("=").lower()

    def read(self, token: str) -> tuple[int, int] | None:
        """(ticket id, person id) of a token made with one of our keys, in any case; else None."""
        if not _CHARS[0] <= len(token) <= _CHARS[1] or not token.isascii():
            return None
        try:
            whole = base64.b32decode(token.upper() + "=" * (-len(token) % 8))
        except binascii.Error:
            return None
        payload, mac = whole[:-_MAC], whole[-_MAC:]
        for name, secret in self._keys:
            if payload[:1] == bytes([name]) and hmac.compare_digest(mac, _mac(secret, payload)):
                break
        else:
            return None
        # The last character may carry unused bits: only the spelling we write is a token.
        if base64.b32encode(whole).decode("ascii").rstrip("=").lower() != token.lower():
            return None
        ticket, rest = _take(payload[1:])
        person, rest = _take(rest)
        return None if ticket is None or person is None or rest else (ticket, person)

    def scrub(self, text: str) -> str:
        """`text` without our tokens: support+token@example.org becomes support@example.org. What only looks like a
        token (a hash, a word) stays."""
        if _LONG.search(text) is None:  # most texts: a third of the time
            return text

        def cut(match: re.Match[str]) -> str:
            return "" if self.read(match.group(1)) else match.group()

        return _ANY.sub(cut, _AFTER_WORD.sub(cut, text))


def _name(secret: bytes) -> int:
    """One byte that names a key without telling it."""
    return hmac.new(secret, b"helpdeskd key name 1", hashlib.sha256).digest()[0]


def _mac(secret: bytes, payload: bytes) -> bytes:
    return hmac.digest(secret, _CONTEXT + payload, "sha256")[:_MAC]


def _number(value: int) -> bytes:
    if not 0 <= value < 1 << 63:
        raise ValueError("ids are between 0 and 2^63 - 1")
    out = bytearray()
    while True:
        value, low = value >> 7, value & 0x7F
        out.append(low | (0x80 if value else 0))
        if not value:
            return bytes(out)


def _take(data: bytes) -> tuple[int | None, bytes]:
    value = shift = 0
    for place, byte in enumerate(data[:9]):
        value |= (byte & 0x7F) << shift
        if not byte & 0x80:
            return value, data[place + 1 :]
        shift += 7
    return None, b""
