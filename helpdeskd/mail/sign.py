"""DKIM (RFC 6376): a mail of ours, signed. Pure: the same mail, keys and time always make the same bytes.

Signatures are relaxed/relaxed, over SHA-256 with RSA (RFC 8301) or Ed25519 (RFC 8463). dkimpy's own RSA is pure Python and takes
thirty times as long, hence cryptography's.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from helpdeskd.mail import canonical

# Named once more than they stand there: a second one that somebody adds breaks the signature (RFC 6376 section 8.15). Which of two
# a mail program shows is its own affair.
_OVERSIGNED = (
    *("from", "to", "cc", "subject", "date", "message-id", "reply-to"),
    *("mime-version", "content-type", "content-transfer-encoding"),
)
# Signed where they stand. What a relay may add (Received, Sender, List-*) is not among them.
_SIGNED = ("in-reply-to", "references", "auto-submitted")

_SPACES = re.compile(rb"[ \t]+")
_LINE = 72
_STRING = 250  # octets: one string of a TXT record holds 255 at most (RFC 1035 section 3.3.14)


@dataclass(frozen=True, slots=True)
class Key:
    """A private key, and where others find its public half: SELECTOR._domainkey.DOMAIN. The domain is in ASCII."""

    domain: str
    selector: str
    private: RSAPrivateKey | Ed25519PrivateKey

    @property
    def rsa(self) -> bool:
        return isinstance(self.private, RSAPrivateKey)

    @property
    def place(self) -> str:
        return f"{self.selector}._domainkey.{self.domain}"

    @property
    def public(self) -> str:
        """The value of p= (RFC 6376 section 3.6.1; RFC 8463 section 4: the 32 bytes alone)."""
        public = self.private.public_key()
        if isinstance(self.private, RSAPrivateKey):
            data = public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        else:
            data = public.public_bytes(Encoding.Raw, PublicFormat.Raw)
        return base64.b64encode(data).decode("ascii")

    @property
    def record(self) -> str:
        """The TXT record at `place`."""
        return f"v=DKIM1; k={'rsa' if self.rsa else 'ed25519'}; p={self.public}"

    @property
    def zone(self) -> str:
        """The record as a zone file has it, in strings that fit."""
        strings = " ".join(f'"{self.record[at : at + _STRING]}"' for at in range(0, len(self.record), _STRING))
        return f"{self.place}. IN TXT ({strings})"


def sign(raw: bytes, keys: Iterable[Key], when: datetime) -> bytes:
    """`raw` (CRLF line ends, seven bits) with a signature of each key above it, the first one's on top."""
    keys = list(keys)
    if not keys:
        return raw
    head, _, body = raw.partition(b"\r\n\r\n")
    headers = _headers(head)
    names = [name for name in _OVERSIGNED for _ in range(1 + (name in headers))]
    names += [name for name in _SIGNED if name in headers]
    # Of a name that stands there no more (or never did) nothing is hashed: RFC 6376 section 5.4.2.
    taken = b"".join(headers[name] + b"\r\n" for name in dict.fromkeys(names) if name in headers)
    digest = base64.b64encode(_digest(body)).decode("ascii")
    return b"".join(_signature(key, names, taken, digest, when) for key in keys) + raw


def _signature(key: Key, names: list[str], taken: bytes, digest: str, when: datetime) -> bytes:
    lines = [
        f"DKIM-Signature: v=1; a={'rsa' if key.rsa else 'ed25519'}-sha256; c=relaxed/relaxed;",
        f" d={key.domain}; s={key.selector};",
        f" t={int(when.timestamp())}; bh={digest};",
        *_folded(names),
        " b=",
    ]
    unsigned = "\r\n".join(lines).encode("ascii")
    signed = base64.b64encode(_private(key, taken + _relaxed(unsigned))).decode("ascii")
    return unsigned + "\r\n ".join(signed[at : at + _LINE] for at in range(0, len(signed), _LINE)).encode() + b"\r\n"


def _private(key: Key, data: bytes) -> bytes:
    if isinstance(key.private, RSAPrivateKey):
        return key.private.sign(data, PKCS1v15(), SHA256())
    return key.private.sign(hashlib.sha256(data).digest())  # RFC 8463 section 3: of the hash


def _folded(names: list[str]) -> list[str]:
    """h=, with line ends after colons (RFC 6376 section 3.5 allows white space there)."""
    lines, line = [], " h="
    for number, name in enumerate(names):
        piece = name + (":" if number + 1 < len(names) else ";")
        if len(line) + len(piece) > _LINE:
            lines.append(line)
            line = " "
        line += piece
    return [*lines, line]


def _headers(head: bytes) -> dict[str, bytes]:
    """Each header by its name in lower case, canonical. Ours stand once each (compose sees to that)."""
    found: dict[str, bytes] = {}
    for field in re.split(rb"\r\n(?![ \t])", head):
        canonical = _relaxed(field)
        found[canonical.partition(b":")[0].decode("ascii")] = canonical
    return found


def _relaxed(field: bytes) -> bytes:
    """RFC 6376 section 3.4.2, without the last line end."""
    name, _, value = field.partition(b":")
    return name.strip().lower() + b":" + _SPACES.sub(b" ", value.replace(b"\r\n", b"")).strip(b" ")


def _digest(body: bytes) -> bytes:
    """SHA-256 of the canonical body."""
    hashed = hashlib.sha256()
    for piece in canonical.relaxed(body):
        hashed.update(piece)
    return hashed.digest()
