"""Header values and bodies as seven-bit lines: what compose writes, each piece safe by itself."""

from __future__ import annotations

import base64
import binascii
import re

from helpdeskd.errors import Refused
from helpdeskd.mail.headers import clean
from helpdeskd.mail.ids import ascii_domain
from helpdeskd.model.mail import Address

_LINE = 76  # RFC 5322 section 2.1.1 wants 78, RFC 2047 section 2 wants 76
_WORD_BYTES = 42  # of UTF-8 in one encoded word: 56 characters of base64 and 12 around them stay under 75
_PLAIN = re.compile(r"[\x20-\x7e]*\Z")
_ATOMS = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~ -]*\Z")
# RFC 5321 section 4.1.2: dot-string or quoted-string; no controls, no angle brackets that end it early.
_LOCAL = re.compile(
    r"""(?:[A-Za-z0-9!#$%&'*+/=?^_`{|}~.-]+|"(?:[\x20\x21\x23-\x3b\x3d\x3f-\x5b\x5d-\x7e]|\\[\x20-\x7e])*")\Z"""
)
_DOMAIN = re.compile(
    r"(?:[A-Za-z0-9_](?:[A-Za-z0-9_-]*[A-Za-z0-9_])?(?:\.[A-Za-z0-9_](?:[A-Za-z0-9_-]*[A-Za-z0-9_])?)*|\[[0-9A-Za-z:.]+\])\Z"
)
_ID = re.compile(r"[\x21-\x3b\x3d\x3f-\x7e]{1,255}@[\x21-\x3b\x3d\x3f-\x7e]{1,255}\Z")
_TOKEN = re.compile(r"[A-Za-z0-9!#$&^_.+-]{1,64}/[A-Za-z0-9!#$&^_.+-]{1,64}\Z")
_LONG_LINE = re.compile(rb"[^\n]{998}")


def fold(name: str, tokens: list[str]) -> str:
    """`name: ` and tokens joined by spaces, folded before the token that would pass 76 characters."""
    lines: list[str] = []
    line = f"{name}:"
    for token in tokens:
        if len(line) + 1 + len(token) > _LINE and line != f"{name}:":
            lines.append(line)
            line = f" {token}"
        else:
            line += f" {token}"
    lines.append(line)
    return "\r\n".join(lines)


def unstructured(name: str, value: str) -> str:
    """A header with free text: as it is where it is ASCII in lines of usual length and holds nothing a reader would
    decode, else in encoded words."""
    value = clean(value)
    words = value.split(" ")
    if _PLAIN.match(value) and "=?" not in value and "  " not in value and all(len(word) < _LINE for word in words):
        return fold(name, words)
    return fold(name, encoded_words(value))


def encoded_words(value: str) -> list[str]:
    """`value` as RFC 2047 words in base64 of UTF-8, none over 75 characters, none splitting a character."""
    out: list[str] = []
    chunk = bytearray()
    for char in value:
        data = char.encode("utf-8", "replace")
        if len(chunk) + len(data) > _WORD_BYTES:
            out.append(_word(bytes(chunk)))
            chunk.clear()
        chunk += data
    return [*out, _word(bytes(chunk))]


def _word(data: bytes) -> str:
    return f"=?utf-8?b?{base64.b64encode(data).decode('ascii')}?="


def address(email: str) -> str:
    """An address as it may stand in a header: checked, its domain in ASCII. Empty for one whose local part needs
    SMTPUTF8. Raises Refused("bad-address") for what is no address."""
    local, at, domain = email.strip().rpartition("@")
    domain = ascii_domain(domain)
    if not at or len(email) > 320 or not _DOMAIN.match(domain):
        raise Refused("bad-address", f"{clean(email)[:80]!r} is not a mail address")
    if not local.isascii() and local.isprintable() and not set(local) & set(' "(),:;<>@[\\]'):
        return ""
    if not _LOCAL.match(local):
        raise Refused("bad-address", f"{clean(email)[:80]!r} is not a mail address")
    return f"{local}@{domain}"


def mailbox(one: Address) -> list[str]:
    """The tokens of one mailbox: display name, address in angle brackets. An address that seven bits cannot carry
    becomes an empty group that shows it (RFC 6857 section 3.1.8): the envelope still holds it."""
    email = address(one.email)
    name = clean(one.name)
    if not email:
        shown = f"{name} {clean(one.email)}".strip()
        return [*encoded_words(shown)[:20], ":;"]
    if not name:
        return [email]
    if not _PLAIN.match(name) or "=?" in name or len(name) > 60:
        return [*encoded_words(name[:200]), f"<{email}>"]
    if _ATOMS.match(name):
        return [*name.split(), f"<{email}>"]
    quoted = name.replace("\\", "\\\\").replace('"', '\\"')
    return [f'"{quoted}"', f"<{email}>"]


def mailboxes(name: str, addresses: tuple[Address, ...]) -> str:
    tokens: list[str] = []
    for number, one in enumerate(addresses):
        found = mailbox(one)
        if number + 1 < len(addresses):
            found[-1] += ","
        tokens += found
    return fold(name, tokens)


def is_id(key: str) -> bool:
    """May this stand between angle brackets as a Message-ID? Shortened keys (sha256:...) may not: they name nothing
    to anybody else."""
    return bool(_ID.match(key)) and "=?" not in key


def content_type(value: str) -> str:
    """A media type that is one, else application/octet-stream."""
    return value.lower() if _TOKEN.match(value) else "application/octet-stream"


def parameter(name: str, value: str) -> list[str]:
    """A parameter as one or more of them: quoted where it is plain ASCII, else RFC 2231 (continued where long)."""
    value = clean(value)
    if _PLAIN.match(value) and "=?" not in value and len(value) <= 60:
        quoted = value.replace("\\", "\\\\").replace('"', '\\"')
        return [f'{name}="{quoted}"']
    pieces: list[str] = []
    piece = "utf-8''"
    for byte in value.encode("utf-8", "replace"):
        char = chr(byte)
        step = char if char.isascii() and char.isalnum() else f"%{byte:02X}"
        if len(piece) + len(step) > 60:
            pieces.append(piece)
            piece = ""
        piece += step
    pieces.append(piece)
    if len(pieces) == 1:
        return [f"{name}*={pieces[0]}"]
    return [f"{name}*{number}*={one}" for number, one in enumerate(pieces)]


def text_body(text: str) -> tuple[str, bytes]:
    """(Content-Transfer-Encoding, encoded bytes with CRLF) of a text in UTF-8: as it is where seven bits and short
    lines allow, else the shorter of quoted-printable and base64."""
    data = text.replace("\r\n", "\n").replace("\r", "\n").encode("utf-8", "replace")
    if not data.endswith(b"\n"):
        data += b"\n"
    if data.isascii() and b"\0" not in data and not _LONG_LINE.search(data) and not _TRAILING.search(data):
        return "7bit", data.replace(b"\n", b"\r\n")
    special = len(data) - len(data.translate(None, _HIGH))
    if special * 3 < len(data):
        quoted = binascii.b2a_qp(data, istext=True)
        return "quoted-printable", _FROM.sub(b"=46rom ", quoted.replace(b"\r\n", b"\n")).replace(b"\n", b"\r\n")
    return "base64", binary_body(data.replace(b"\n", b"\r\n"))


_HIGH = bytes(range(128, 256))
_TRAILING = re.compile(rb"[ \t]\n|^From |\nFrom |\n\.\n", re.MULTILINE)
_FROM = re.compile(rb"^From ", re.MULTILINE)


def binary_body(data: bytes) -> bytes:
    """base64 in lines of 76 characters with CRLF (RFC 2045 section 6.8)."""
    return base64.encodebytes(data).replace(b"\n", b"\r\n")
