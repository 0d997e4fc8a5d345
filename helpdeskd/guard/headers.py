"""The header Authorization, read: whatever may stand in it, it is what was meant or None."""

from __future__ import annotations

import base64
import binascii

LONGEST = 1 << 13  # characters of a header that is looked at


def basic(header: str) -> tuple[str, str] | None:
    """Name and password (RFC 7617): UTF-8, or Latin-1 where it is none, since old clients send that."""
    text = _after("basic", header)
    if text is None:
        return None
    try:
        data = base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
    except (binascii.Error, ValueError):  # ValueError: characters beyond ASCII
        return None
    try:
        pair = data.decode()
    except UnicodeDecodeError:
        pair = data.decode("latin-1")
    name, colon, password = pair.partition(":")
    return (name, password) if colon else None


def bearer(header: str) -> str | None:
    """The token (RFC 6750)."""
    return _after("bearer", header)


def _after(scheme: str, header: str) -> str | None:
    if len(header) > LONGEST:
        return None
    found, blank, rest = header.strip().partition(" ")
    rest = rest.strip()
    return rest if blank and rest and found.lower() == scheme else None
