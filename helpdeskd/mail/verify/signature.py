"""DKIM signatures (RFC 6376, 8301, 8463): one at a time, in time that grows with the mail, with keys of bounded size.

Own code on `cryptography`: what is at hand takes hours for a mail of spaces (a backtracking pattern), takes rsa-sha1 and keys of
any size, and cannot tell a key that is missing from a DNS server that is silent.
"""

from __future__ import annotations

import binascii
import hashlib
import re
from base64 import b64decode
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import load_der_public_key

from helpdeskd.errors import DnsTrouble
from helpdeskd.mail import canonical
from helpdeskd.mail.verify import names
from helpdeskd.mail.verify.wire import Wire
from helpdeskd.resolver import Resolver

MAX_VALUE = 16384  # bytes of one signature header
MAX_SIGNED = 500  # names in h=
MAX_KEY_RECORD = 8192  # bytes
MIN_RSA, MAX_RSA = 1024, 8192  # bits (RFC 8301 section 3.2 asks for 4096 at least)
# What a signature must cover where it stands. Not Content-Type, To and Reply-To, which large providers leave out.
COVERED = (b"subject", b"date")
SLOP = 36000  # seconds that a signer's clock may be wrong

_TAG = re.compile(rb"[A-Za-z][A-Za-z0-9_]*")
_SPACES = re.compile(rb"[ \t]+")
_SIGNATURE = re.compile(rb"((?:\A|;)[ \t\r\n]*b[ \t\r\n]*=)[^;]*")
_FOLDED = re.compile(rb"[ \t\r\n]+")
_NUMBER = re.compile(rb"[0-9]{1,12}")

Header = tuple[bytes, bytes]
Late = Callable[[], bool]  # has the time run out?
Tags = dict[bytes, bytes]


class Bad(Exception):  # a result of RFC 8601 section 2.7.1, not an error of ours
    """The signature does not hold. `result` is RFC 8601's word for it, the text says why."""

    def __init__(self, result: str, why: str) -> None:
        super().__init__(why)
        self.result = result


@dataclass(frozen=True, slots=True)
class Signature:
    """A signature's header taken apart, not yet verified. `domain` is empty where it cannot be one."""

    header: Header
    tags: Tags
    domain: str
    selector: str


def tags_of(value: bytes) -> Tags:
    """A tag list (RFC 6376 section 3.2), white space around values left out. Raises Bad."""
    if len(value) > MAX_VALUE:
        raise Bad("permerror", "the header is too long")
    found: Tags = {}
    for piece in value.rstrip(b"; \t\r\n").split(b";"):
        name, equals, text = piece.partition(b"=")
        name = name.strip(b" \t\r\n")
        if not equals or not _TAG.fullmatch(name) or name in found:
            raise Bad("permerror", "the header cannot be read")
        found[name] = text.strip(b" \t\r\n")
    return found


def take_apart(header: Header) -> Signature:
    """Raises Bad where it is no signature at all."""
    tags = tags_of(header[1])
    domain, selector = (names.domain(_text(tags.get(tag, b""))) for tag in (b"d", b"s"))
    return Signature(header, tags, domain, selector)


def never() -> bool:
    return False


def verify(wire: Wire, signed: Signature, resolver: Resolver, now: datetime, late: Late = never) -> None:
    """A DKIM-Signature. Returns where it holds; else raises Bad, or DnsTrouble where all but its key fits."""
    tags = signed.tags
    if tags.get(b"v") != b"1":
        raise Bad("permerror", "unknown version")
    user = names.domain_of(_text(tags[b"i"])) if b"i" in tags else signed.domain
    if user != signed.domain and not user.endswith(f".{signed.domain}"):
        raise Bad("permerror", "i= is not within d=")
    named = _named(tags.get(b"h", b""))
    for name in COVERED:
        if wire.all(name) and name not in named and b"from" in named:
            raise Bad("policy", f"{_text(name).capitalize()} is not signed")
    message(wire, signed, resolver, now, late)


def message(wire: Wire, signed: Signature, resolver: Resolver, now: datetime, late: Late = never) -> None:
    """What DKIM-Signature and ARC-Message-Signature have in common: body and named headers. Raises as `verify`."""
    tags = signed.tags
    missing = [tag for tag in (b"a", b"b", b"bh", b"d", b"h", b"s") if not tags.get(tag)]
    if missing or not signed.domain or not signed.selector:
        raise Bad("permerror", f"{_text(missing[0])}= is missing" if missing else "d= or s= is no name")
    named = _named(tags[b"h"])
    if b"from" not in named or len(named) > MAX_SIGNED:
        raise Bad("permerror", "From is not signed" if b"from" not in named else "too many headers are named")
    _in_time(tags, now)
    head, _, body = tags.get(b"c", b"simple/simple").lower().partition(b"/")
    relaxed_head, relaxed_body = _relaxed(head), _relaxed(body or b"simple")
    trouble, check_key = None, None
    try:
        check_key = key_for(signed, resolver)  # before the body: most that fail, fail for want of a key
    except DnsTrouble as error:
        trouble = error
    digest, length = _digest(wire, relaxed=relaxed_body, late=late)
    if b"l" in tags and (not _NUMBER.fullmatch(tags[b"l"]) or int(tags[b"l"]) < length):
        raise Bad("policy", "a part of the body is not signed")  # RFC 6376 section 8.2
    if digest != _decoded(tags[b"bh"]):
        raise Bad("fail", "the body was changed")
    if trouble is not None or check_key is None:
        raise trouble or Bad("permerror", "there is no key")
    check_key(_lines([*_chosen(wire.headers, named)], signed.header, relaxed=relaxed_head), _decoded(tags[b"b"]))


def seal(above: Iterable[Header], signed: Signature, resolver: Resolver, now: datetime) -> None:
    """An ARC-Seal over the headers that came before it (RFC 8617 section 4.1.3). Raises as `verify`."""
    if not signed.domain or not signed.selector or b"h" in signed.tags:
        raise Bad("permerror", "the seal cannot be read")
    _in_time(signed.tags, now)
    check_key = key_for(signed, resolver)
    check_key(_lines(above, signed.header, relaxed=True), _decoded(signed.tags.get(b"b", b"")))


class Key:
    """A public key out of DNS: called with what was signed and the signature, raises Bad where they do not fit."""

    def __init__(self, key: RSAPublicKey | Ed25519PublicKey) -> None:
        self._key = key

    def __call__(self, data: bytes, signature: bytes) -> None:
        try:
            if isinstance(self._key, RSAPublicKey):
                self._key.verify(signature, data, PKCS1v15(), hashes.SHA256())
            else:
                self._key.verify(signature, hashlib.sha256(data).digest())  # RFC 8463 section 3
        except InvalidSignature:
            raise Bad("fail", "the signature does not fit") from None


def key_for(signed: Signature, resolver: Resolver) -> Key:
    """The key a signature names (RFC 6376 section 3.6.1). Raises Bad, or DnsTrouble."""
    kind, _, digest = signed.tags.get(b"a", b"").lower().partition(b"-")
    if kind not in {b"rsa", b"ed25519"} or digest != b"sha256":  # RFC 8301 section 3.1: no rsa-sha1
        raise Bad("policy", f"a={_text(signed.tags.get(b'a', b''))[:40]} is not believed")
    name = f"{signed.selector}._domainkey.{signed.domain}"
    records = resolver.txt(name) if names.domain(name) else ()
    if not records:
        raise Bad("permerror", "there is no key")
    if len(records[0]) > MAX_KEY_RECORD:
        raise Bad("permerror", "the key is too long")
    tags = tags_of(records[0])
    if tags.get(b"v", b"DKIM1") != b"DKIM1" or tags.get(b"k", b"rsa").lower() != kind:
        raise Bad("permerror", "the key is of another kind")
    if not {b"*", b"email"} & _items(tags.get(b"s", b"*")) or not {b"sha256"} & _items(tags.get(b"h", b"sha256")):
        raise Bad("permerror", "the key is for something else")
    data = _decoded(tags.get(b"p", b""))
    if not data:
        raise Bad("permerror", "the key is revoked")
    return Key(_loaded(kind, data))


def _loaded(kind: bytes, data: bytes) -> RSAPublicKey | Ed25519PublicKey:
    try:
        if kind == b"ed25519":
            return Ed25519PublicKey.from_public_bytes(data)
        key = load_der_public_key(data)
    except (ValueError, UnsupportedAlgorithm):
        raise Bad("permerror", "the key cannot be read") from None
    if not isinstance(key, RSAPublicKey):
        raise Bad("permerror", "the key is of another kind")
    # A large exponent costs as much as it likes.
    if not MIN_RSA <= key.key_size <= MAX_RSA or key.public_numbers().e.bit_length() > 64:
        raise Bad("policy", f"a key of {key.key_size} bits is not believed")
    return key


def _in_time(tags: Tags, now: datetime) -> None:
    at = now.timestamp()
    for tag in (b"t", b"x"):
        if tag in tags and not _NUMBER.fullmatch(tags[tag]):
            raise Bad("permerror", f"{_text(tag)}= is no time")
    if b"t" in tags and int(tags[b"t"]) > at + SLOP:
        raise Bad("permerror", "signed in the future")
    if b"x" in tags and int(tags[b"x"]) < at - SLOP:
        raise Bad("policy", "the signature has expired")


def _relaxed(name: bytes) -> bool:
    if name not in {b"simple", b"relaxed"}:
        raise Bad("permerror", "c= cannot be read")
    return name == b"relaxed"


def _named(value: bytes) -> list[bytes]:
    return [name.strip(b" \t\r\n").lower() for name in value.split(b":")]


def _digest(wire: Wire, *, relaxed: bool, late: Late) -> tuple[bytes, int]:
    """SHA-256 and length of the canonical body, computed once for all signatures."""
    if relaxed not in wire.digests:
        hashed, length = hashlib.sha256(), 0
        for piece in (canonical.relaxed if relaxed else canonical.simple)(wire.body):
            hashed.update(piece)
            length += len(piece)
            if late():
                raise Bad("policy", "no time is left for so large a body")
        wire.digests[relaxed] = hashed.digest(), length
    return wire.digests[relaxed]


def _chosen(headers: tuple[Header, ...], named: list[bytes]) -> Iterable[Header]:
    """Those that h= names, each name once more the next one above (RFC 6376 section 5.4.2); what is not there counts as nothing."""
    left: dict[bytes, list[Header]] = {}
    for header in headers:
        left.setdefault(header[0].lower(), []).append(header)
    for name in named:
        if left.get(name):
            yield left[name].pop()


def _lines(headers: Iterable[Header], own: Header, *, relaxed: bool) -> bytes:
    """What is signed: these headers, and the signature's own with an empty b= and no line end."""
    bare = (own[0], _SIGNATURE.sub(rb"\1", own[1], count=1))
    return b"\r\n".join([(_simplified(header) if relaxed else b":".join(header)) for header in (*headers, bare)])


def _simplified(header: Header) -> bytes:
    """RFC 6376 section 3.4.2."""
    return header[0].lower() + b":" + _SPACES.sub(b" ", header[1].replace(b"\r\n", b"")).strip(b" \t")


def _decoded(text: bytes) -> bytes:
    """Base64 with folding; empty where it is none."""
    try:
        return b64decode(_FOLDED.sub(b"", text), validate=True)
    except (binascii.Error, ValueError):
        return b""


def _items(value: bytes) -> set[bytes]:
    return {item.strip(b" \t").lower() for item in value.split(b":")}


def _text(value: bytes) -> str:
    return value.decode("utf-8", "replace")
