"""Signatures and encryption of OpenPGP (RFC 9580), in MIME (RFC 3156) and in the text itself. Never raises.

Sequoia does the work (`pip install helpdeskd[pgp]`). It is loaded when the first such mail comes and a key is configured.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from helpdeskd.model.seals import Found, Keys, Means, Seal

ENCRYPTED = "-----BEGIN PGP MESSAGE-----"
CLEAR = b"-----BEGIN PGP SIGNED MESSAGE-----"
# RFC 9580 section 7: a cleartext signed message.
_CLEAR = re.compile(
    r"(?ms)^-----BEGIN PGP SIGNED MESSAGE-----[ \t]*\n(?:[A-Za-z-]{1,40}: [^\n]{0,200}\n)*[ \t]*\n(?P<text>.*?)\n?"
    r"^(?P<signature>-----BEGIN PGP SIGNATURE-----[ \t]*\n.*?^-----END PGP SIGNATURE-----)[ \t]*$"
)
_DASHED = re.compile(r"(?m)^- ")
_MAX_CERTIFICATES = 1000
# What Sequoia raises, whatever is wrong with bytes, signatures or keys.
_FAULTS = (RuntimeError, ValueError, TypeError, OSError)


@dataclass(frozen=True, slots=True)
class Clear:
    """A text with a signature around it: where it stands, what it says, and the signature's own block."""

    start: int
    end: int
    text: str
    signature: str


def clear_signed(text: str) -> Clear | None:
    """The first signed text within a text."""
    found = _CLEAR.search(text) if "-----BEGIN PGP SIGNED MESSAGE-----" in text else None
    if found is None:
        return None
    return Clear(found.start(), found.end(), _DASHED.sub("", found["text"]), found["signature"])


def clear_block(data: bytes) -> bytes:
    """The same within the bytes of the text: their charset is what was signed."""
    start = data.find(CLEAR)
    end = data.find(b"-----END PGP SIGNATURE-----", start)
    return data[max(0, start) : end + len(b"-----END PGP SIGNATURE-----")] + b"\n"


@dataclass(frozen=True, slots=True)
class Opened:
    """What was encrypted, and the signature that was within, if any was (RFC 3156 section 6.2)."""

    content: bytes
    seal: Seal | None


def check(signature: bytes | None, signed: bytes, keys: Keys) -> Seal:
    """What a signature is worth: one beside what it signs, or (None) around it."""
    if not keys.certificates:
        return _UNCHECKED
    sequoia, missing = _sequoia()
    if missing is not None:
        return missing

    def verify(store: _Store) -> Any:
        apart = {} if signature is None else {"signature": sequoia.Sig.from_bytes(signature)}
        return sequoia.verify(signed, store, **apart)

    return _seal(sequoia, keys, verify) or Seal(Means.OPENPGP, Found.BAD, detail="the signature cannot be read")


def opened(data: bytes, keys: Keys) -> Opened | None:
    """What was encrypted to a key of ours; None where it was to none."""
    if not keys.openpgp:
        return None
    sequoia, missing = _sequoia()
    if missing is not None:
        return None
    for secret in keys.openpgp:
        try:
            key = sequoia.Tsk.from_bytes(secret)
            content: bytes = sequoia.decrypt(data, key.decryptor()).bytes
        except _FAULTS:
            continue

        def decrypt(store: _Store, key: Any = key) -> Any:
            return sequoia.decrypt(data, key.decryptor(), store=store)

        return Opened(content, _seal(sequoia, keys, decrypt) if keys.certificates else None)
    return None


_UNCHECKED = Seal(Means.OPENPGP, Found.UNCHECKED, detail="no certificate is configured")
_Store = Callable[[list[str]], list[Any]]


def _seal(sequoia: Any, keys: Keys, verify: Callable[[_Store], Any]) -> Seal | None:
    """What `verify` finds; None where no signature was met."""
    known = _certificates(sequoia, keys.certificates)
    asked: list[str] = []

    def store(ids: list[str]) -> list[Any]:
        asked.extend(ids)
        return known

    try:
        by = {one.certificate.lower() for one in verify(store).valid_sigs}
    except _FAULTS:
        by = set()
    signers = [one for one in known if one.fingerprint.lower() in by]
    if signers:
        return Seal(Means.OPENPGP, Found.GOOD, _addresses(signers[0]), f"key {signers[0].fingerprint}")
    wanted = {each.lower()[-16:] for each in asked}
    if not wanted:
        return None
    if any(wanted & _key_ids(sequoia, one) for one in known):
        return Seal(Means.OPENPGP, Found.BAD, detail="the signature does not hold")
    return Seal(Means.OPENPGP, Found.UNKNOWN, detail=f"key {min(wanted)}")


def _sequoia() -> tuple[Any, Seal | None]:
    try:
        import pysequoia  # here: ten megabytes that few need
    except ImportError:
        return None, Seal(Means.OPENPGP, Found.UNCHECKED, detail="needs pip install helpdeskd[pgp]")
    return pysequoia, None


def _certificates(sequoia: Any, files: Sequence[bytes]) -> list[Any]:
    found: list[Any] = []
    for data in files:
        try:
            found += sequoia.Cert.split_bytes(data)
        except _FAULTS:
            continue
    return found[:_MAX_CERTIFICATES]


def _key_ids(sequoia: Any, certificate: Any) -> set[str]:
    """Of the certificate and of its subkeys."""
    packets = sequoia.packet.PacketPile.from_bytes(bytes(certificate))
    return {one.key_id.lower() for one in packets if one.key_id}


def _addresses(certificate: Any) -> tuple[str, ...]:
    found = (re.search(r"<([^<>\s]{3,320})>", str(user)) for user in certificate.user_ids)
    named = [match[1] for match in found if match is not None]
    return tuple(dict.fromkeys(named or [str(user)[:100] for user in certificate.user_ids]))[:5]
