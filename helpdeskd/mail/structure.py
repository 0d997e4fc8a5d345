"""The tree of a mail as what people see: its text, its HTML and its files."""

from __future__ import annotations

import binascii
import hashlib
import mimetypes
import re
from dataclasses import dataclass, field
from email.generator import BytesGenerator
from html import escape
from io import BytesIO

from helpdeskd.config import Intake
from helpdeskd.mail import charset, html
from helpdeskd.mail.headers import decode
from helpdeskd.mail.names import file_name
from helpdeskd.mail.prepare import Prepared
from helpdeskd.mail.tree import Tree
from helpdeskd.model.mail import Part

_CONTROL = re.compile("[\x00-\x08\x0b\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufeff]")
_ENDS = re.compile("\r\n?|\x0c|\u2028|\u2029")
_BASE64 = re.compile(r"[A-Za-z0-9+/\s]*+={0,2}\s*", re.ASCII)
_MEDIA_TYPE = re.compile(r"[a-z0-9!#$&^_.+-]{1,64}/[a-z0-9!#$&^_.+-]{1,64}", re.ASCII)
_STUB = 200  # characters: a shorter plain text beside a long HTML may only say "your program shows no HTML"


@dataclass(slots=True)
class Segment:
    """One piece of the body, in either form or in both."""

    plain: str | None = None
    html: str | None = None


@dataclass(slots=True)
class Content:
    text: str = ""
    html: str = ""  # not yet cleaned
    quote_at: int | None = None  # the character of `text` at which its HTML says that the quote begins
    parts: list[Part] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    cut: bool = False


class _Walk:
    """One way through the tree, counting against the limits."""

    def __init__(self, prepared: Prepared, limits: Intake) -> None:
        self.prepared = prepared
        self.limits = limits
        self.files: list[tuple[Tree, Part]] = []
        self.named_texts: list[Tree] = []
        self.notes: dict[str, None] = {}
        self.cut = False
        self.seen = 0
        self.room = limits.max_text_kb * 1024

    def lose(self, note: str) -> None:
        self.notes[note] = None
        self.cut = True

    def segments(self, part: Tree, depth: int, in_related: bool = False) -> list[Segment]:
        """The body pieces below `part`, in order; files are collected on the way."""
        self.seen += 1
        if self.seen > self.limits.max_parts:
            self.lose(f"more than {self.limits.max_parts} parts: the rest was left out")
            return []
        kind = part.get_content_type()
        payload = part.get_payload()
        if isinstance(payload, list) and kind.startswith("multipart/"):
            if depth >= self.limits.max_depth:
                self.lose(f"nested deeper than {self.limits.max_depth} levels: what lies deeper was left out")
                return []
            return self._multipart(kind, part, [one for one in payload if not isinstance(one, str)], depth + 1)
        if kind in {"text/plain", "text/html"} or kind.startswith("multipart/"):
            if not self._is_file(part):
                return [self._text(part, kind)]
            if kind in {"text/plain", "text/html"} and part.get_content_disposition() != "attachment":
                self.named_texts.append(part)
        self._file(part, kind, in_related)
        return []

    def _multipart(self, kind: str, part: Tree, children: list[Tree], depth: int) -> list[Segment]:
        if kind == "multipart/alternative":
            return _best([self.segments(child, depth) for child in children])
        if kind == "multipart/related":
            start = str(part.get_param("start") or "")
            root = next((one for one in children if start and str(one.get("content-id", "")).strip() == start), None)
            root = root or (children[0] if children else None)
            found: list[Segment] = []
            for child in children:
                found += self.segments(child, depth, in_related=child is not root)
            return found
        return [one for child in children for one in self.segments(child, depth)]

    @staticmethod
    def _is_file(part: Tree) -> bool:
        """RFC 2183: an attachment says so; a named text is a file even where it says `inline`."""
        disposition = part.get_content_disposition()
        return disposition == "attachment" or (
            (
                "name" in str(part.get("content-type", "")).lower()
                or "name" in str(part.get("content-disposition", "")).lower()
            )
            and bool(file_name(part))
        )

    def _text(self, part: Tree, kind: str) -> Segment:
        data = self._text_bytes(part)
        if len(data) > self.room:
            self.lose(f"the text is longer than {self.limits.max_text_kb} KB and was cut")
            data = data[: self.room]
        self.room -= len(data)
        declared = part.get_content_charset()
        text, read_as = charset.read(data, declared)
        if read_as:
            said = f"charset {declared} does not fit the text" if declared else "the text names no charset"
            self.notes[f"{said}; read as {read_as.replace('_', '-')}"] = None
        text = tidy(text)
        if kind == "text/html":
            return Segment(html=text)
        if kind == "text/plain" and "flowed" in str(part.get("content-type", "")).lower():
            text = unflow(text, delsp="delsp" in str(part.get("content-type", "")).lower())
        return Segment(plain=text)

    def _text_bytes(self, part: Tree) -> bytes:
        """Like `_bytes`; a base64 text that list servers put a plain footer behind is read as both."""
        payload = part.get_payload()
        encoding = str(part.get("content-transfer-encoding", "")).strip().lower()
        if encoding != "base64" or not isinstance(payload, str) or _BASE64.fullmatch(payload):
            return self._bytes(part)
        lines = payload.splitlines()
        end = next((number for number, line in enumerate(lines) if not _BASE64.fullmatch(line)), len(lines))
        kept = "".join("".join(lines[:end]).split()).rstrip("=")
        kept = kept[:-1] if len(kept) % 4 == 1 else kept
        self.notes["a text in base64 has plain lines behind it"] = None
        data = binascii.a2b_base64(kept + "=" * (-len(kept) % 4))
        return data + b"\n" + "\n".join(lines[end:]).encode("utf-8", "surrogateescape")

    def _bytes(self, part: Tree) -> bytes:
        """The decoded bytes of a part, as they were in the mail."""
        payload = part.get_payload()
        if isinstance(payload, list):  # message/*, where the parser went in: a digest's parts
            out = BytesIO()
            for one in payload:
                if not isinstance(one, str):
                    BytesGenerator(out, mangle_from_=False, maxheaderlen=0).flatten(one)
            return self.prepared.shown(out.getvalue())
        data = part.get_payload(decode=True)
        return self.prepared.shown(data) if isinstance(data, bytes) else b""

    def _file(self, part: Tree, kind: str, in_related: bool) -> None:
        mark = self.prepared.hidden
        if kind.startswith(mark):
            kind = kind[len(mark) :]
            if kind.startswith("multipart/"):
                self.lose("parts nested too deep are kept as one file")
        data = self._bytes(part)
        content_id = decode(str(part.get("content-id", ""))).strip().strip("<>")
        self.files.append(
            (
                part,
                Part(
                    name=file_name(part) or _made_up_name(kind, data, len(self.files) + 1),
                    content_type=kind if _MEDIA_TYPE.fullmatch(kind) else "application/octet-stream",
                    data=data,
                    sha256=hashlib.sha256(data).hexdigest(),
                    content_id=content_id[:255],
                    inline=bool(content_id) and (in_related or part.get_content_disposition() == "inline"),
                ),
            )
        )


def read(root: Tree, prepared: Prepared, limits: Intake) -> Content:
    """Text, HTML and files of a mail, as far as the limits allow; what they cut is said in `notes`."""
    walk = _Walk(prepared, limits)
    pieces = walk.segments(root, 0)
    if not any((one.plain or one.html or "").strip() for one in pieces) and walk.named_texts:
        # The only text has a file name: some gateways send the body so. It stays a file too.
        pieces = [walk._text(walk.named_texts[0], walk.named_texts[0].get_content_type())]  # noqa: SLF001 - one room
    content = Content(parts=[part for _, part in walk.files], notes=list(walk.notes), cut=walk.cut)
    readings = [reading for one in pieces if (reading := _as_text(one)).text.strip() or len(pieces) == 1]
    content.text = "\n".join(one.text for one in readings)
    if len(readings) == 1:  # what stands below another piece is no quote's place
        content.quote_at = readings[0].quote_at
    if any(one.html and one.html.strip() for one in pieces):
        content.html = "\n".join(one.html or f"<pre>{escape(one.plain or '')}</pre>" for one in pieces)
    return content


def _best(children: list[list[Segment]]) -> list[Segment]:
    """multipart/alternative (RFC 2046 section 5.1.4): the last of each form is the best one."""
    chosen = Segment()
    for pieces in children:
        if any(one.html is not None for one in pieces):
            chosen.html = "\n".join(one.html or f"<pre>{escape(one.plain or '')}</pre>" for one in pieces)
        elif any((one.plain or "").strip() for one in pieces):
            chosen.plain = "\n".join(one.plain or "" for one in pieces)
    return [chosen] if chosen.plain is not None or chosen.html is not None else []


def _as_text(piece: Segment) -> html.Reading:
    if piece.html is None or not piece.html.strip():
        return html.Reading(piece.plain or "")
    plain = (piece.plain or "").strip()
    if not plain:
        return html.read(piece.html)
    if len(plain) < _STUB and len(piece.html) > 20 * len(plain) + 2000:
        richer = html.read(piece.html)
        if len(richer.text) > 4 * len(plain) + _STUB:
            return richer
    return html.Reading(piece.plain or "")


def tidy(text: str) -> str:
    """Line ends as LF, no control characters but tab and LF."""
    if "\r" in text or "\x0c" in text or not text.isascii():
        text = _ENDS.sub("\n", text.replace("\r\n", "\n"))
    return _CONTROL.sub("", text) if _CONTROL.search(text) else text


def unflow(text: str, *, delsp: bool) -> str:
    """RFC 3676: lines that end in a space go on in the next one of the same quote depth; `-- ` is a signature."""
    out: list[str] = []
    flowing: list[str] = []
    depth_before = 0
    for line in text.split("\n"):
        body = line.lstrip(">")
        depth = len(line) - len(body)
        body = body.removeprefix(" ")  # space-stuffing
        if flowing and (depth != depth_before or body == "-- "):
            out.append(_prefix(depth_before) + "".join(flowing).rstrip(" "))
            flowing = []
        if body.endswith(" ") and body != "-- ":
            flowing.append(body[:-1] if delsp else body)
            depth_before = depth
        else:
            out.append(_prefix(depth) + "".join(flowing) + body)
            flowing = []
    if flowing:
        out.append(_prefix(depth_before) + "".join(flowing).rstrip(" "))
    return "\n".join(out)


def _prefix(depth: int) -> str:
    return ">" * depth + " " if depth else ""


_types = mimetypes.MimeTypes(filenames=())  # Python's own table: the same name on every machine
_SUBJECT = re.compile(rb"(?im)^subject:[ \t]*([^\r\n]{1,200})")
_NAMES = {
    "text/calendar": "invite.ics",
    "message/delivery-status": "delivery-status.txt",
    "message/disposition-notification": "disposition-notification.txt",
    "text/rfc822-headers": "headers.txt",
    "application/ms-tnef": "winmail.dat",
    "application/pgp-signature": "signature.asc",
    "application/pgp-encrypted": "version.asc",
    "text/plain": "text.txt",
    "text/html": "text.html",
}


def _made_up_name(kind: str, data: bytes, number: int) -> str:
    """A name for a file that has none: the same for the same mail, always."""
    if kind in {"message/rfc822", "message/global"}:
        found = _SUBJECT.search(data[:8192])
        subject = decode(found.group(1).decode("ascii", "surrogateescape")) if found else ""
        subject = re.sub(r'[\\/:*?"<>|]+', " ", subject).strip(" .")[:80]
        return f"{subject or f'message-{number}'}.eml"
    if kind in _NAMES:
        return _NAMES[kind]
    return f"part-{number}{_types.guess_extension(kind) or '.bin'}"
