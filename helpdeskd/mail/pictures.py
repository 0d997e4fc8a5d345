"""Pictures in HTML that html.clean has made safe: those from elsewhere are off until somebody asks for them, those that came with
the mail (`cid:`, RFC 2392) are given the address where they are shown.

The cleaner writes every attribute in double quotes and escapes quotes within, so that a tag can be told by its text.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from html import escape, unescape
from urllib.parse import unquote

_TAG = re.compile(r'<img(?: [a-z-]{1,20}="[^"]*")*>')
_REMOTE = re.compile(r' src="(?=https?:)', re.IGNORECASE)
_OFF = ' data-remote-src="'
_OURS = re.compile(r' src="cid:([^"]*)"', re.IGNORECASE)


def off(html: str) -> str:
    """Pictures from elsewhere stay named and are not loaded: loading one tells its sender who reads, when and where."""
    return _each(html, lambda tag: _REMOTE.sub(_OFF, tag))


def on(html: str) -> str:
    """For somebody who asks for them: as their sender wants them shown."""
    return _each(html, lambda tag: tag.replace(_OFF, ' src="'))


def placed(html: str, where: Callable[[str], str | None]) -> str:
    """`where` says at which address a picture of this Content-ID is, None where it did not come along."""

    def place(found: re.Match[str]) -> str:
        address = where(unquote(unescape(found[1])))
        return found[0] if address is None else f' src="{escape(address)}"'

    return _each(html, lambda tag: _OURS.sub(place, tag))


def _each(html: str, change: Callable[[str], str]) -> str:
    return _TAG.sub(lambda tag: change(tag[0]), html) if "<img" in html else html
