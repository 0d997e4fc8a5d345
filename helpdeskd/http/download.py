"""A file as an answer: its bytes, what they are, what to call them. Never shown in place, whatever it says it is."""

from __future__ import annotations

import re
from urllib.parse import quote

from helpdeskd.http.dialect import Answer
from helpdeskd.model.ticket import Attachment

_TOKEN = r"[!#$%&'*+.^_`|~0-9A-Za-z-]+"  # RFC 9110 section 5.6.2
_MEDIA_TYPE = re.compile(rf"{_TOKEN}/{_TOKEN}", re.ASCII)
_UNFIT = re.compile(
    r'[\x00-\x1f\x7f/\\:*?"<>|\u202a-\u202e\u2066-\u2069]'
)  # for names of files, somewhere; and what turns them round
_LONGEST = 200  # characters of a name
_UNKNOWN = "application/octet-stream"


def download(file: Attachment) -> Answer:
    """What came in says itself what it is; what is no media type is bytes."""
    found = _MEDIA_TYPE.match(file.content_type.strip())
    return Answer(
        content_type=found[0].lower() if found else _UNKNOWN,
        headers=(("Content-Disposition", disposition(file.name)),),
        sha256=file.sha256,
    )


def disposition(name: str) -> str:
    """RFC 6266: the name in ASCII for clients that know no other, and in UTF-8 (RFC 8187 section 3.2.1) where that is another."""
    clean = _UNFIT.sub("_", name).strip(" .")[-_LONGEST:] or "file"
    plain = clean.encode("ascii", "replace").decode("ascii").replace("?", "_")
    return f'attachment; filename="{plain}"' + ("" if plain == clean else f"; filename*=UTF-8''{quote(clean, safe='')}")
