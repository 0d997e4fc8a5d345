"""Domain names as DNS knows them, and which of them are of one organisation."""

from __future__ import annotations

import re
from functools import cache

import idna
from publicsuffixlist import PublicSuffixList  # ships with its list, made anew each week; asks no network

_LABELS = re.compile(r"(?:[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?)(?:\.[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?)*")


def domain(text: str) -> str:
    """A domain in lower case and ASCII (RFC 5890), without the last dot; empty where it is none."""
    name = text.strip().rstrip(".").lower()
    if not name.isascii():
        try:
            # Of 2008: that of 2003, Python's own, takes straße for strasse, which may be somebody else's.
            name = idna.encode(name, uts46=True).decode("ascii")
        except (idna.IDNAError, UnicodeError):
            return ""
    return name if len(name) <= 253 and _LABELS.fullmatch(name) else ""


def domain_of(address: str) -> str:
    """The domain of an address; empty where there is none."""
    return domain(address.rpartition("@")[2]) if "@" in address else ""


def organisation(name: str) -> str:
    """The organisational domain (RFC 7489 section 3.2): one label below the public suffix. A suffix itself is its own."""
    return _suffixes().privatesuffix(name) or name


def aligned(name: str, author: str) -> bool:
    """Are both of one organisation (relaxed alignment, RFC 7489 section 3.1)? Both as `domain` gives them."""
    return bool(name and author) and (name == author or organisation(name) == organisation(author))


@cache
def _suffixes() -> PublicSuffixList:
    return PublicSuffixList()
