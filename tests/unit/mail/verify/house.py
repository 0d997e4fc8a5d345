"""Mails signed by dkimpy, a second implementation, and a DNS that is a dict."""

from __future__ import annotations

from base64 import b64encode
from datetime import UTC, datetime
from functools import cache

import dkim
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)
from nacl.signing import SigningKey

from helpdeskd.config import Intake
from helpdeskd.errors import DnsTrouble
from helpdeskd.mail.parse import parse
from helpdeskd.mail.verify import Origin, verify
from helpdeskd.model.trust import Checked

NOW = datetime.now(UTC)  # dkimpy writes the hour it signs at
HERE = "192.0.2.7"  # who brings a mail
PLAIN = (
    b"From: Carol <carol@shop.example>\r\nTo: help@desk.example\r\nSubject: Printer\r\n"
    b"Date: Mon, 02 Mar 2026 10:00:00 +0000\r\nMessage-ID: <a@shop.example>\r\n\r\nIt smokes.  \r\n\r\nCarol\r\n"
)


@cache
def rsa_key(bits: int = 2048) -> tuple[bytes, bytes]:
    """(PEM as dkimpy reads it, TXT record)"""
    key = rsa.generate_private_key(65537, bits)
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption())
    public = key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return pem, b"v=DKIM1; k=rsa; p=" + b64encode(public)


@cache
def ed_key() -> tuple[bytes, bytes]:
    key = SigningKey.generate()
    return b64encode(bytes(key)), b"v=DKIM1; k=ed25519; p=" + b64encode(bytes(key.verify_key))


def signed(raw: bytes = PLAIN, domain: str = "shop.example", selector: str = "s", *, ed: bool = False, **more) -> bytes:
    key, algorithm = (ed_key()[0], b"ed25519-sha256") if ed else (rsa_key()[0], b"rsa-sha256")
    given = {"include_headers": [b"from", b"to", b"subject", b"date"], "signature_algorithm": algorithm, **more}
    header: bytes = dkim.sign(raw, selector.encode(), domain.encode(), key, **given)
    return header + raw


def sealed(raw: bytes, domain: str, server: str) -> bytes:
    """One more ARC set on top, by `server`, whose Authentication-Results stand in the mail."""
    lines = dkim.arc_sign(raw, b"arc", domain.encode(), rsa_key()[0], server.encode())
    return b"".join(lines) + raw


class Zone:
    """A resolver: {(name, type): answers}; an answer that is an error is raised. `asked` are the questions."""

    def __init__(self, records: dict | None = None) -> None:
        self.records = dict(records or {})
        self.asked: list[tuple[str, str]] = []

    def _look_up(self, name: str, kind: str):
        self.asked.append((name, kind))
        found = self.records.get((name, kind), ())
        if isinstance(found, Exception):
            raise found
        return tuple(found)

    def txt(self, name):
        return self._look_up(name, "TXT")

    def a(self, name):
        return self._look_up(name, "A")

    def aaaa(self, name):
        return self._look_up(name, "AAAA")

    def mx(self, name):
        return self._look_up(name, "MX")

    def ptr(self, name):
        return self._look_up(name, "PTR")


SILENT = DnsTrouble("silent", silent=True)


def zone(*, spf=None, key=None, policy=None, domain="shop.example", **more) -> Zone:
    """Records of one domain: an SPF record, the key of selector s, a DMARC record; each text, bytes or an error."""
    places = {domain: spf, f"s._domainkey.{domain}": key, f"_dmarc.{domain}": policy, **more}
    records: dict = {}
    for name, value in places.items():
        if isinstance(value, Exception):
            records[name, "TXT"] = value
        elif value is not None:
            records[name, "TXT"] = (value.encode() if isinstance(value, str) else value,)
    return Zone(records)


def outside(sender: str = "carol@shop.example", helo: str = "mx.shop.example", **more) -> Origin:
    """A client of our own door."""
    return Origin(client=HERE, helo=helo, sender=sender, **more)


def judged(
    raw: bytes, origin: Origin, resolver, now: datetime = NOW, late=lambda: False, parsed: bytes = b""
) -> Checked:
    """`parsed`: in the place of a mail that takes long to parse."""
    inbound = parse(
        parsed or raw,
        sender=origin.sender,
        instance="i",
        own_addresses=lambda _: False,
        marker="#" * 30,
        limits=Intake(),
    )
    return verify(raw, inbound, origin, resolver, now, late)
