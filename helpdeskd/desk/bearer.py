"""Tokens that open something to whoever holds them: links and API keys. They are drawn here, and only their hash is kept."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable


def draw(rng: Callable[[int], bytes]) -> str:
    """256 bits, in characters that need no escape in a URL or a header."""
    return base64.urlsafe_b64encode(rng(32)).rstrip(b"=").decode("ascii")


def hashed(token: str) -> str:
    """What is kept of a token. It is long and drawn at random, so one pass of SHA-256 hides it well enough."""
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()
