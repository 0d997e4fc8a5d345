"""The files of DKIM keys: read, judged, made. Imported where there are some: cryptography is slow to load."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, load_pem_private_key

PrivateKey = RSAPrivateKey | Ed25519PrivateKey

RSA_BITS = 2048
_MOST_BITS = 4096  # RFC 8301 section 3.2: what every verifier must be able to read
_MOST_BYTES = 64 * 1024


class BadKey(Exception):
    """The text says what was expected of the file, and names it. Nothing of the key stands in it."""


def read(path: Path) -> PrivateKey:
    """The key in this file (PEM, RSA of 2048 to 4096 bits or Ed25519), which nobody but its owner may read. Raises BadKey."""
    try:
        # Without waiting: it may be a FIFO.
        with os.fdopen(os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC), "rb") as file:
            found = os.fstat(file.fileno())
            if not stat.S_ISREG(found.st_mode):
                raise BadKey(f"expected a readable file; {path} is none")
            if found.st_mode & 0o077:
                mode = stat.S_IMODE(found.st_mode)
                raise BadKey(
                    f"expected a key that only its owner can read; {path} has mode {mode:04o} (chmod 600 {path})"
                )
            pem = file.read(_MOST_BYTES)
    except FileNotFoundError as error:
        raise BadKey(f"expected a readable file; there is none at {path} (helpdeskd dkim keygen makes it)") from error
    except OSError as error:
        raise BadKey(f"expected a readable file; {path}: {error.strerror}") from error
    try:
        key = load_pem_private_key(pem, password=None)
    except TypeError as error:
        raise BadKey(f"expected a key without a passphrase; {path} has one") from error
    except (ValueError, UnsupportedAlgorithm) as error:
        raise BadKey(f"expected a private key in PEM; {path} holds none that can be read") from error
    if isinstance(key, RSAPrivateKey):
        if not RSA_BITS <= key.key_size <= _MOST_BITS:
            raise BadKey(f"expected RSA of {RSA_BITS} to {_MOST_BITS} bits; {path} has {key.key_size}")
        return key
    if isinstance(key, Ed25519PrivateKey):
        return key
    raise BadKey(f"expected a key for RSA or Ed25519; {path} holds another kind")


def generate(*, ed25519: bool) -> PrivateKey:
    return Ed25519PrivateKey.generate() if ed25519 else generate_private_key(65537, RSA_BITS)


def write(path: Path, key: PrivateKey) -> None:
    """A new file with this key, for its owner alone, and on the disk. Raises FileExistsError: a key is never written over."""
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    with os.fdopen(fd, "wb") as file:
        os.fchmod(file.fileno(), 0o600)
        file.write(pem)
        file.flush()
        os.fsync(file.fileno())
