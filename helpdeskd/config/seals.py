"""The files of [smime] and [openpgp], judged. Imported where there are some: what reads them is slow to load."""

from __future__ import annotations

import stat
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from helpdeskd.config import Config

_MOST_BYTES = 16 << 20  # of certificates, a whole key ring


def problems(config: Config) -> Iterator[tuple[str, str]]:
    """(key, what was expected of it) for each file that cannot be used. Nothing of a key stands in it."""
    kinds: tuple[tuple[str, tuple[Path, ...], Callable[[bytes], str], bool], ...] = (
        ("smime.authorities", config.smime.authorities, _authorities, False),
        ("smime.keys", config.smime.keys, _smime_key, True),
        ("openpgp.certificates", config.openpgp.certificates, _certificates, False),
        ("openpgp.keys", config.openpgp.keys, _openpgp_key, True),
    )
    for key, paths, judge, secret in kinds:
        for path in paths:
            try:
                mode = path.stat().st_mode
                data = read(path)
            except OSError as error:
                yield key, f"expected readable files; {path}: {error.strerror}"
                continue
            if secret and mode & 0o077:
                yield (
                    key,
                    f"expected keys that only their owner can read; {path} has mode {stat.S_IMODE(mode):04o} (chmod 600 {path})",
                )
            elif problem := judge(data):
                yield key, f"{problem}; {path} is none"


def read(path: Path) -> bytes:
    """Raises OSError."""
    with path.open("rb") as file:
        return file.read(_MOST_BYTES)


def _authorities(data: bytes) -> str:
    from cryptography import x509

    try:
        return "" if x509.load_pem_x509_certificates(data) else "expected certificates in PEM"
    except ValueError:
        return "expected certificates in PEM"


def _smime_key(data: bytes) -> str:
    from cryptography import x509
    from cryptography.hazmat.primitives.asymmetric import rsa
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    expected = "expected an RSA key without a passphrase and its certificate, both in PEM"
    try:
        key, certificate = load_pem_private_key(data, None), x509.load_pem_x509_certificate(data)
    except (ValueError, TypeError):
        return expected
    return "" if isinstance(key, rsa.RSAPrivateKey) and key.public_key() == certificate.public_key() else expected


def _certificates(data: bytes) -> str:
    return _openpgp("certificates of OpenPGP", lambda sequoia: sequoia.Cert.split_bytes(data))


def _openpgp_key(data: bytes) -> str:
    return _openpgp(
        "a secret key of OpenPGP without a passphrase", lambda sequoia: sequoia.Tsk.from_bytes(data).decryptor()
    )


def _openpgp(what: str, load: Callable[[Any], object]) -> str:
    try:
        import pysequoia
    except ImportError:
        return "expected helpdeskd[pgp] to be installed (pip install helpdeskd[pgp])"
    try:
        return "" if load(pysequoia) else f"expected {what}"
    except (RuntimeError, ValueError, TypeError):
        return f"expected {what}"
