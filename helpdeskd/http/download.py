"""A file as an answer: its bytes, what they are, what to call them. Never shown in place, whatever it says it is."""

from __future__ import annotations

import re
from urllib.parse import quote

from helpdeskd.http.dialect import Answer
from helpdeskd.mail.fileclaims import UNKNOWN, served_type
from helpdeskd.mail.names import safe
from helpdeskd.model.ticket import Attachment

_TOKEN = r"[!#$%&'*+.^_`|~0-9A-Za-z-]+"  # RFC 9110 section 5.6.2
_MEDIA_TYPE = re.compile(rf"{_TOKEN}/{_TOKEN}", re.ASCII)


def download(file: Attachment) -> Answer:
    """What it is by its bytes; where they do not say, what it says itself. A page is bytes, and so is what is no media type."""
    return Answer(
        content_type=type_of(file),
        headers=(("Content-Disposition", disposition(file.name)),),
        sha256=file.sha256,
    )


def type_of(file: Attachment) -> str:
    """The media type that a file is given out with."""
    found = _MEDIA_TYPE.match(served_type(file.content_type, file.found_type))
    return found[0] if found else UNKNOWN


def disposition(name: str) -> str:
    """RFC 6266: the name in ASCII for clients that know no other, and in UTF-8 (RFC 8187 section 3.2.1) where that is another."""
    clean = safe(name)
    plain = clean.encode("ascii", "replace").decode("ascii").replace("?", "_")
    return f'attachment; filename="{plain}"' + ("" if plain == clean else f"; filename*=UTF-8''{quote(clean, safe='')}")
