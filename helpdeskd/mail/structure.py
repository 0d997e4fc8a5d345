"""The tree of a mail as what people see: its text, its HTML and its files."""

from __future__ import annotations

import hashlib
import mimetypes
import re
from dataclasses import dataclass, field
from datetime import datetime
from html import escape
from typing import TYPE_CHECKING

from helpdeskd.config import Intake
from helpdeskd.mail import charset, decoding, html, invitation, rtf, seals, tnef
from helpdeskd.mail.headers import decode
from helpdeskd.mail.names import file_name, label
from helpdeskd.mail.split import Tree
from helpdeskd.model.mail import Part
from helpdeskd.model.seals import Keys, Seal

if TYPE_CHECKING:
    from helpdeskd.mail import split

_CONTROL = re.compile("[\x00-\x08\x0b\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufeff]")
_ENDS = re.compile("\r\n?|\x0c|\u2028|\u2029")
_MEDIA_TYPE = re.compile(r"[a-z0-9!#$&^_.+-]{1,64}/[a-z0-9!#$&^_.+-]{1,64}", re.ASCII)
_MAX_INVITATIONS = 3
_BEYOND = 65536  # bytes: more than fits is read, so that it is known to be too much
_META = re.compile(rb"<meta[^>]{1,200}?charset\s*=\s*[\"']?([A-Za-z0-9_-]{2,40})", re.IGNORECASE)
_MAX_LINES = 200_000  # of the text: each is an object, and some bytes of mail may be a line each
_STUB = 200  # characters: a shorter plain text beside a long HTML may only say "your program shows no HTML"

_NO_KEYS = Keys()


@dataclass(slots=True)
class Segment:
    """One piece of the body, in either form or in both."""

    plain: str | None = None
    html: str | None = None


@dataclass(slots=True)
class Content:
    text: str = ""
    html: str = ""  # not yet cleaned
    source: str = ""  # which forms of it the text was made of: text/plain, text/html or both
    quote_at: int | None = None  # the character of `text` at which its HTML says that the quote begins
    quote_boxed: bool = False  # it stands in a box of its own there
    parts: list[Part] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    cut: bool = False
    seals: list[Seal] = field(default_factory=list)


class _Walk:
    """One way through the tree, counting against the limits."""

    def __init__(self, limits: Intake, keys: Keys, sent: datetime | None) -> None:
        self.limits = limits
        self.seals = seals.Seals(limits, keys, sent)
        self.files: list[Part] = []
        self.packed: list[Segment] = []  # texts that were inside a winmail.dat
        self.invitations: dict[str, None] = {}
        self.named_texts: list[Tree] = []
        self.notes: dict[str, None] = {}
        self.cut = False
        self.seen = 0
        self.top = 0  # how deep the whole mail is: what was encrypted or signed as a whole lies within its wrapping
        self.double = ""  # the name of the file whose other half comes now
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
        if part.below:
            if depth >= self.limits.max_depth:
                self.lose(f"nested deeper than {self.limits.max_depth} levels: what lies deeper was left out")
                return []
            return self._multipart(kind, part, part.below, depth + 1)
        if part.too_deep:
            self.lose("parts nested too deep are kept as one file")
            self._file(part, kind, in_related)
            return []
        if kind in {"text/plain", "text/html"} or kind.startswith("multipart/"):
            if not self._is_file(part):
                return [self._text(part, kind, alone=depth == self.top)]
            if kind in {"text/plain", "text/html"} and part.get_content_disposition() != "attachment":
                self.named_texts.append(part)
        inner = self._within(self.seals.smime(part, alone=depth == self.top)) if kind in seals.SMIME else None
        self._file(part, kind, in_related)
        self.top += depth == self.top
        return self.segments(inner, depth + 1) if inner is not None and depth < self.limits.max_depth else []

    def _within(self, made: split.Split | None) -> Tree | None:
        """The mail that was wrapped into its signature or encrypted; the wrapping stays a file."""
        if made is None:
            return None
        self.notes.update(dict.fromkeys(made.notes))
        self.cut |= made.cut
        return made.root

    def _multipart(self, kind: str, part: Tree, children: list[Tree], depth: int) -> list[Segment]:
        if kind == "multipart/signed":
            self.seals.signed(children, alone=depth == self.top + 1)
        if kind == "multipart/encrypted":
            inner = self._within(self.seals.encrypted(children, alone=depth == self.top + 1))
            if inner is not None:
                self._file(children[-1], children[-1].get_content_type(), in_related=False)
                self.top = depth
                return self.segments(inner, depth) if depth < self.limits.max_depth else []
        if (
            kind == "multipart/appledouble"
        ):  # RFC 1740: the second half is the file, the first what only a Mac knows of it
            self.double = next((name for child in children[1:2] if (name := file_name(child))), "")
        if kind == "multipart/alternative":
            return _best([self.segments(child, depth) for child in children])
        if kind == "multipart/related":
            start = str(part.get_param("start") or "")
            root = next((one for one in children if start and one.get("content-id", "").strip() == start), None)
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
            ("name" in part.get("content-type", "").lower() or "name" in part.get("content-disposition", "").lower())
            and bool(file_name(part))
        )

    def _unarmoured(self, text: str, data: bytes, *, alone: bool) -> str:
        """What a text with OpenPGP in it says; the armour becomes a file."""
        found = self.seals.armoured(text, data, alone=alone)
        if found.armour:
            self._add(found.name, found.content_type, found.armour.encode())
        return tidy(found.text)

    def _text(self, part: Tree, kind: str, *, alone: bool = False) -> Segment:
        data = self._text_bytes(part, kind)
        if len(data) > self.room:
            self.lose(f"the text is longer than {self.limits.max_text_kb} KB and was cut")
            data = data[: self.room]
        self.room -= len(data)
        declared = part.get_content_charset()
        if not declared and kind == "text/html" and (found := _META.search(data[:4096])):
            declared = found.group(1).decode("ascii")
        text, read_as = charset.read(data, declared)
        if read_as:
            said = f"charset {declared} does not fit the text" if declared else "the text names no charset"
            self.notes[f"{said}; read as {read_as.replace('_', '-')}"] = None
        text = tidy(text)
        if kind == "text/plain" and seals.ARMOUR in data:
            text = self._unarmoured(text, data, alone=alone)
        if kind == "text/html":
            return Segment(html=text)
        if kind == "text/plain" and "flowed" in part.get("content-type", "").lower():
            text = unflow(text, delsp="delsp" in part.get("content-type", "").lower())
        return Segment(plain=text)

    def _text_bytes(self, part: Tree, kind: str) -> bytes:
        """The decoded bytes, without files that are written into them; a base64 text that list servers put a plain footer
        behind is read as both."""
        encoding = part.encoding()
        body = part.start_of_body(4 * self.room + _BEYOND)  # of three letters each in quoted-printable
        if encoding == "base64":
            data, tail = decoding.base64_and_tail(body)
            if tail.strip(b"-=\r\n\t "):
                self.notes["a text in base64 has plain lines behind it"] = None
                return b"\n".join(piece for piece in (data, tail.rstrip(b"\r\n")) if piece)
            return data
        if encoding in decoding.UU_NAMES:
            encoding = ""  # the words around the file are the text
        data = decoding.decode(body, 0, len(body), encoding)
        return self._without_uuencoded(data) if kind == "text/plain" and b"\nend" in data else data

    def _without_uuencoded(self, data: bytes) -> bytes:
        kept: list[bytes] = []
        done = 0
        for found in decoding.uuencoded(data):
            if len(self.files) >= self.limits.max_parts:
                break
            kept.append(data[done : found.start])
            done = found.end
            name = label(decode(found.name))
            self._add(name, _types.guess_type(name)[0] or "application/octet-stream", found.data)
        return b"".join([*kept, data[done:]])

    def _file(self, part: Tree, kind: str, in_related: bool) -> None:
        name = file_name(part)
        if part.encoding() in decoding.UU_NAMES and not name:
            name = next((label(decode(one.name)) for one in decoding.uuencoded(part.body)), "")
        data = part.content()
        if kind in invitation.TYPES and (block := invitation.block(data, part.get_content_charset())):
            self.invitations[block] = None
        if (kind in tnef.TYPES or name.lower() == "winmail.dat") and self._unpacked(data):
            return
        self._add(
            name or self._made_up_name(part, kind, data),
            kind,
            data,
            content_id=decode(part.get("content-id", "")).strip().strip("<>"),
            inline=in_related or part.get_content_disposition() == "inline",
        )

    def _unpacked(self, data: bytes) -> bool:
        """Is all that is in a winmail.dat taken out of it? If not, it stays a file."""
        found = tnef.unpack(data)
        if found is None:
            return False
        for one in found.files[: max(0, self.limits.max_parts - len(self.files))]:
            name = label(one.name) or f"part-{len(self.files) + 1}"
            kind = one.content_type or _types.guess_type(name)[0] or "application/octet-stream"
            self._add(name, kind, one.data, content_id=one.content_id, inline=bool(one.content_id))
        text = tidy(found.text) if found.text.strip() else ""
        if not text and not found.html and found.rtf:
            text = tidy(rtf.to_text(found.rtf))
            self._add("message.rtf", "application/rtf", found.rtf)
        if text.strip() or found.html.strip():
            self.packed.append(Segment(text or None, tidy(found.html) or None))
        return found.whole

    def _add(self, name: str, kind: str, data: bytes, *, content_id: str = "", inline: bool = False) -> None:
        self.files.append(
            Part(
                name=name,
                content_type=kind if _MEDIA_TYPE.fullmatch(kind) else "application/octet-stream",
                data=data,
                sha256=hashlib.sha256(data).hexdigest(),
                content_id=content_id[:255],
                inline=bool(content_id) and inline,
            )
        )

    def _made_up_name(self, part: Tree, kind: str, data: bytes) -> str:
        """What describes the part, else a name that says what it is: the same for the same mail, always."""
        described = label(decode(part.get("content-description", "")))[:80]
        if kind in {"message/rfc822", "message/global"}:
            return f"{_subject(data) or described or f'message-{len(self.files) + 1}'}.eml"
        if kind == "application/applefile" and self.double:
            return f"._{self.double}"
        if kind in _CARDS and (card := _FULL_NAME.search(data[:8192])):
            return f"{label(decode(card.group(1).decode('utf-8', 'surrogateescape')))[:80].strip() or 'contact'}.vcf"
        if described:
            extension = _EXTENSIONS.get(kind) or _types.guess_extension(kind) or ""
            return described if "." in described[-6:] else described + extension
        return _NAMES.get(kind) or f"part-{len(self.files) + 1}{_types.guess_extension(kind) or '.bin'}"


def read(root: Tree, limits: Intake, keys: Keys = _NO_KEYS, sent: datetime | None = None) -> Content:
    """Text, HTML and files of a mail, as far as the limits allow; what they cut is said in `notes`. `keys` open what is encrypted to
    them and tell whose signatures are known, `sent` is the mail's Date."""
    walk = _Walk(limits, keys, sent)
    pieces = walk.segments(root, 0)
    if not any((one.plain or one.html or "").strip() for one in pieces) and walk.named_texts:
        # The only text has a file name: some gateways send the body so. It stays a file too.
        pieces = [walk._text(walk.named_texts[0], walk.named_texts[0].get_content_type())]  # noqa: SLF001 - one room
    if not any((one.plain or one.html or "").strip() for one in pieces):
        pieces = walk.packed or pieces
    notes = [*walk.notes, *walk.seals.notes]
    content = Content(parts=walk.files, notes=notes, cut=walk.cut, seals=list(walk.seals.found))
    told = [(one, reading) for one in pieces if (reading := _as_text(one)).text.strip() or len(pieces) == 1]
    readings = [reading for _, reading in told]
    forms = ("text/plain" if read.text == one.plain else "text/html" for one, read in told if read.text.strip())
    content.source = ", ".join(dict.fromkeys(forms))
    content.text = "\n".join(one.text for one in readings)
    if len(readings) == 1:  # what stands below another piece is no quote's place
        content.quote_at, content.quote_boxed = readings[0].quote_at, readings[0].boxed
    if any(one.html and one.html.strip() for one in pieces):
        content.html = "\n".join(one.html or f"<pre>{escape(one.plain or '')}</pre>" for one in pieces)
    if walk.invitations:
        block = "\n\n".join(list(walk.invitations)[:_MAX_INVITATIONS])
        content.text = f"{block}\n\n{content.text}"
        content.quote_at = None if content.quote_at is None else content.quote_at + len(block) + 2
        content.html = f"<pre>{escape(block)}</pre>\n{content.html}" if content.html else ""
    if content.text.count("\n") >= _MAX_LINES:
        content.text = "\n".join(content.text.split("\n", _MAX_LINES)[:_MAX_LINES])
        content.notes.append(f"the text has more than {_MAX_LINES} lines and was cut")
        content.cut = True
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
_CARDS = frozenset({"text/vcard", "text/x-vcard", "text/directory"})  # RFC 6350, RFC 2426
_FULL_NAME = re.compile(rb"(?im)^FN(?:;[^:\r\n]{0,200})?:[ \t]*([^\r\n]{1,200})")
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
_EXTENSIONS = {kind: f".{name.rpartition('.')[2]}" for kind, name in _NAMES.items()}


def _subject(mail: bytes) -> str:
    """The subject of an attached mail as a file's name."""
    found = _SUBJECT.search(mail[:8192])
    subject = decode(found.group(1).decode("ascii", "surrogateescape")) if found else ""
    return re.sub(r'[\\/:*?"<>|]+', " ", subject).strip(" .")[:80]
