"""A draft: record to bytes. Assembled by hand: the standard library's EmailMessage takes ten times as long and lets a
decoded line end in a header through as another header (CPython before 3.12.5)."""

from __future__ import annotations

import hashlib
import re
from email.utils import format_datetime

from helpdeskd.errors import Refused
from helpdeskd.mail import encode
from helpdeskd.mail.automatic import LOOP_HEADER, MAIL_HEADER
from helpdeskd.mail.draft import AutoSubmitted, Draft
from helpdeskd.model.mail import Address, Part

_MAX_REFERENCES = 30  # the root and the nearest: some servers refuse longer headers
_HEADER_LINE = re.compile(rb"(?:[A-Z][A-Za-z0-9-]{0,40}: ?[\x20-\x7e]{0,990}|[ \t][\x20-\x7e]{1,990})\r\n")
_OURS = frozenset(
    {
        *("Date", "From", "To", "Reply-To", "Subject", "Message-ID", "In-Reply-To", "References", "Auto-Submitted"),
        *(
            "X-Auto-Response-Suppress",
            LOOP_HEADER,
            MAIL_HEADER,
            "MIME-Version",
            "Content-Type",
            "Content-Transfer-Encoding",
        ),
    }
)


def compose(draft: Draft) -> bytes:
    """The mail as it goes over the wire: CRLF line ends, seven bits, no line over 998 characters.

    The same draft always makes the same bytes. Raises Refused("bad-address") for a sender or recipient that is no
    address, Refused("bad-id") for a Message-ID that is none, Refused("no-recipient") without one.
    """
    if not draft.to:
        raise Refused("no-recipient", "a mail needs a recipient")
    if not encode.is_id(draft.mail_id):
        raise Refused("bad-id", "the Message-ID holds what it may not")
    lines = [
        f"Date: {format_datetime(draft.date)}",
        encode.mailboxes("From", (Address(draft.from_name, _sendable(draft.from_address)),)),
        encode.mailboxes("To", draft.to),
    ]
    if draft.reply_to:
        lines.append(encode.mailboxes("Reply-To", (Address(draft.from_name, _sendable(draft.reply_to)),)))
    lines += [encode.unstructured("Subject", draft.subject), f"Message-ID: <{draft.mail_id}>"]
    references = [key for key in draft.references if encode.is_id(key)]
    if references:
        if len(references) > _MAX_REFERENCES:
            references = [references[0], *references[1 - _MAX_REFERENCES :]]
        lines.append(encode.fold("In-Reply-To", [f"<{references[-1]}>"]))
        lines.append(encode.fold("References", [f"<{key}>" for key in references]))
    if draft.auto_submitted is not AutoSubmitted.NO:
        lines += [f"Auto-Submitted: {draft.auto_submitted.value}", "X-Auto-Response-Suppress: All"]
    lines.append(encode.unstructured(LOOP_HEADER, draft.instance))
    if draft.token:
        lines.append(encode.unstructured(MAIL_HEADER, draft.token))
    lines.append("MIME-Version: 1.0")
    content, body, _ = _body(draft)
    head = "\r\n".join([*lines, *content]).encode("ascii") + b"\r\n"
    _check(head)
    return head + b"\r\n" + body


def _sendable(email: str) -> str:
    """A sender's address must be one that anybody can answer: seven bits."""
    if not encode.address(email):
        raise Refused("bad-address", "an address with letters beyond ASCII before its @ cannot send")
    return email


def _check(head: bytes) -> None:
    """No value may have become a header of its own: every line is one of ours or a folded one, each name once."""
    seen: set[str] = set()
    place = 0
    while place < len(head):
        match = _HEADER_LINE.match(head, place)
        if not match:
            raise Refused("bad-header", "a header would have broken out of its line")
        if head[place : place + 1] not in b" \t":
            name = match.group().partition(b":")[0].decode("ascii")
            if name not in _OURS or name in seen:
                raise Refused("bad-header", "a header would have broken out of its line")
            seen.add(name)
        place = match.end()


# --- bodies ---------------------------------------------------------------------------------------------------

# Header lines, body, and what stands before a boundary that follows: the line end there belongs to the boundary
# (RFC 2046 section 5.1.1), so a body whose last line end counts needs one more.
_Entity = tuple[list[str], bytes, bytes]


def _body(draft: Draft) -> _Entity:
    """RFC 2046: mixed(alternative(text, related(html, pictures)), files), and only the layers that are needed."""
    inline = [
        part for part in draft.parts if part.inline and part.content_id and draft.html and part.content_id in draft.html
    ]
    files = [part for part in draft.parts if part not in inline]
    entity = _text("plain", draft.text)
    if draft.html:
        shown = _text("html", draft.html)
        if inline:
            shown = _multipart(draft, "related", [shown, *(_file(part, inline=True) for part in inline)])
        entity = _multipart(draft, "alternative", [entity, shown])
    if files:
        entity = _multipart(draft, "mixed", [entity, *(_file(part, inline=False) for part in files)])
    return entity


def _text(kind: str, text: str) -> _Entity:
    encoding, data = encode.text_body(text)
    return [f"Content-Type: text/{kind}; charset=utf-8", f"Content-Transfer-Encoding: {encoding}"], data, b"\r\n"


def _file(part: Part, *, inline: bool) -> _Entity:
    kind = encode.content_type(part.content_type)
    data, encoding = part.data, "base64"
    if kind.startswith(("message/", "multipart/")):
        # RFC 2046 section 5.2.1 forbids encoding these; one that seven bits cannot carry travels as a plain file.
        lined = data.replace(b"\r\n", b"\n")
        if (
            kind == "message/rfc822"
            and lined.isascii()
            and b"\r" not in lined
            and b"\0" not in lined
            and not _LONG.search(lined)
        ):
            data, encoding = lined.replace(b"\n", b"\r\n"), "7bit"
        else:
            kind = "application/octet-stream"
    name = part.name or "file"
    lines = [
        encode.fold("Content-Type", _separated([kind, *encode.parameter("name", name)])),
        f"Content-Transfer-Encoding: {encoding}",
        encode.fold(
            "Content-Disposition",
            _separated(["inline" if inline else "attachment", *encode.parameter("filename", name)]),
        ),
    ]
    if inline:
        lines.append(encode.fold("Content-ID", [f"<{_id(part.content_id)}>"]))
    return (lines, encode.binary_body(data), b"") if encoding == "base64" else (lines, data, b"\r\n")


_LONG = re.compile(rb"[^\n]{999}")
_NOT_ID = re.compile(r"[^\x21-\x3b\x3d\x3f-\x7e]")


def _id(content_id: str) -> str:
    return _NOT_ID.sub("", content_id)[:255]


def _separated(tokens: list[str]) -> list[str]:
    return [f"{token};" for token in tokens[:-1]] + tokens[-1:]


def _multipart(draft: Draft, kind: str, entities: list[_Entity]) -> _Entity:
    """The boundary holds `=_`, which neither base64 nor quoted-printable can; seven-bit bodies are searched for it."""
    bodies = [("\r\n".join(lines)).encode("ascii") + b"\r\n\r\n" + data + tail for lines, data, tail in entities]
    number = 0
    while True:
        digest = hashlib.sha256(f"{kind} {number} {draft.mail_id}".encode()).hexdigest()[:24]
        boundary = f"=_{digest}"
        if not any(boundary.encode("ascii") in body for body in bodies):
            break
        number += 1
    mark = b"--" + boundary.encode("ascii")
    out = b"".join(mark + b"\r\n" + body for body in bodies)
    return [f'Content-Type: multipart/{kind}; boundary="{boundary}"'], out + mark + b"--\r\n", b""
