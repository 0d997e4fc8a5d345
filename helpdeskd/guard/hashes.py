"""Hashes of passwords that other systems made: the table KINDS says how each looks, whence it comes and how it is made again.

They are the four systems' whose APIs we speak, so that a team that comes over keeps its passwords until each log-in makes them argon2id
(guard.passwords). Nothing here blocks for longer than a hash of cost DEAREST, some half a second; it belongs into a thread all the same.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from collections.abc import Callable
from dataclasses import dataclass

from helpdeskd.errors import Refused

DEAREST = 13  # bcrypt's cost: each one more doubles the time. A wrong guess costs as much, and so does a name of nobody
CHEAPEST = 10  # below, and wherever a guess costs next to nothing, only argon2id over the old hash is kept
MOST_ROUNDS = 1_000_000  # of PBKDF2, for all blocks of the digest together
LONGEST = 512  # characters of a hash

_BCRYPT_TEXT = 72  # bytes that bcrypt looks at


@dataclass(frozen=True, slots=True)
class Old:
    """A hash, read: `kind` names the row of KINDS, `how` is what making it again takes (salt, cost), `digest` what comes out then."""

    kind: str
    how: str
    digest: str


@dataclass(frozen=True, slots=True)
class Kind:
    """`shape` has the groups `how` (may be left out) and `digest`; `read`, where there is one, turns a text into one of that shape, or
    None. `make(how, password)` gives the digest. `weak(how)`: is it not to be kept as it is?"""

    name: str
    whence: str
    shape: re.Pattern[str]
    make: Callable[[str, bytes], str]
    read: Callable[[str], str | None] = lambda text: text
    weak: Callable[[str], bool] = lambda _how: True


def read(text: str) -> Old:
    """Which hash this is. Raises Refused: unknown-hash (naming those that are known), dear-hash."""
    text = text.strip()
    if len(text) <= LONGEST:
        for kind in KINDS.values():
            told = kind.read(text)
            if told is not None and (found := kind.shape.fullmatch(told)):
                parts = found.groupdict()
                old = Old(kind.name, parts.get("how") or "", parts["digest"])
                _bounded(old.kind, old.how)
                return old
    known = "; ".join(f"{kind.name} ({kind.whence})" for kind in KINDS.values())
    raise Refused("unknown-hash", f"this is no hash of a password that is known: expected one of {known}")


def make(kind: str, how: str, password: bytes) -> str | None:
    """The digest of this password; None for one that the kind can have no hash of: C's strings end at a NUL, and we do not cut there.

    Raises Refused("dear-hash"), and ValueError where `how` is not the kind's.
    """
    row = KINDS[kind]
    _bounded(kind, how)
    made = row.make(how, password.replace(b"\0", b"?"))  # so that it takes as long
    return None if b"\0" in password else made


def _bounded(kind: str, how: str) -> None:
    if kind == "bcrypt" and not 4 <= (cost := _cost(how)) <= DEAREST:
        raise Refused("dear-hash", f"bcrypt of cost {cost}: expected 4 to {DEAREST}, more would keep the desk busy")
    if kind == "aspnet":
        name, rounds, _, size = how.split(",")
        # Each block of the digest is made by all the rounds (RFC 8018 section 5.2).
        blocks = -(-int(size) // hashlib.new(name, usedforsecurity=False).digest_size)
        if not 1 <= int(rounds) * blocks <= MOST_ROUNDS:
            raise Refused(
                "dear-hash",
                f"PBKDF2 of {rounds} rounds for each of {blocks} blocks: expected 1 to {MOST_ROUNDS} in all, more would "
                "keep the desk busy",
            )


def _cost(how: str) -> int:
    return int(how[4:6])


# Imported when the first such hash is met: whoever has none does not pay for it.


def _bcrypt(how: str, password: bytes) -> str:
    import bcrypt

    # bcrypt looks at 72 bytes, and the originals cut silently: whoever has a longer password there must come in here.
    return bcrypt.hashpw(password[:_BCRYPT_TEXT], how.encode()).decode()[len(how) :]


def _md5_crypt(how: str, password: bytes) -> str:
    from passlib.hash import md5_crypt

    return str(md5_crypt.using(salt=how).hash(password)).rpartition("$")[2]


def _apr1(how: str, password: bytes) -> str:
    from passlib.hash import apr_md5_crypt

    return str(apr_md5_crypt.using(salt=how).hash(password)).rpartition("$")[2]


def _des_crypt(how: str, password: bytes) -> str:
    from passlib.hash import des_crypt

    return str(des_crypt.using(salt=how).hash(password))[2:]


def _hex(name: str) -> Callable[[str, bytes], str]:
    return lambda _how, password: hashlib.new(name, password, usedforsecurity=False).hexdigest()


def _aspnet(how: str, password: bytes) -> str:
    name, rounds, salt, size = how.split(",")
    made = hashlib.pbkdf2_hmac(name, password, bytes.fromhex(salt), int(rounds), int(size))
    return made.hex()


_PRF = {0: "sha1", 1: "sha256", 2: "sha512"}  # KeyDerivationPrf of ASP.NET Core


def _read_aspnet(text: str) -> str | None:
    """Version 2: 0, salt, subkey. Version 3: 1, then PRF, rounds and size of the salt, four bytes each, the salt, and the subkey."""
    try:
        data = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return None
    if len(data) == 49 and data[0] == 0:
        return f"sha1,1000,{data[1:17].hex()},32:{data[17:].hex()}"
    if len(data) < 45 or data[0] != 1:
        return None
    prf, rounds, size = (int.from_bytes(data[at : at + 4]) for at in (1, 5, 9))
    subkey = data[13 + size :]
    if prf not in _PRF or not 16 <= size <= 64 or not 16 <= len(subkey) <= 64:
        return None
    return f"{_PRF[prf]},{rounds},{data[13 : 13 + size].hex()},{len(subkey)}:{subkey.hex()}"


_OTRS = re.compile(r"BCRYPT:(\d{1,2}):([ -~]{16}):([./A-Za-z0-9]{31})", re.ASCII)
_B64 = bytes.maketrans(
    b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/",
    b"./ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789",
)


def _read_bcrypt(text: str) -> str:
    """OTRS's own spelling becomes the usual one: its salt stands there as it is, not in bcrypt's base64."""
    found = _OTRS.fullmatch(text)
    if found is None:
        return text
    salt = base64.b64encode(found[2].encode()).rstrip(b"=").translate(_B64).decode()
    return f"$2b${int(found[1]):02d}${salt}{found[3]}"


def _lower(text: str) -> str:
    return text.lower()


def _row(
    name: str, whence: str, shape: str, make: Callable[[str, bytes], str], **more: Callable[[str], object]
) -> Kind:
    return Kind(name, whence, re.compile(shape, re.ASCII), make, **more)  # type: ignore[arg-type] # each as Kind has it


# fmt: off
KINDS: dict[str, Kind] = {row.name: row for row in (
    # $2x$ and $2$ have a fault of an early PHP in them, or none of the mends: nobody is let in by them.
    _row("bcrypt",    "$2a$, $2b$, $2y$: OpenSupports, HelpDeskZ 2; BCRYPT:COST:SALT:HASH: OTRS",
         r"(?P<how>\$2[aby]\$\d\d\$[./A-Za-z0-9]{21}[.Oeu])(?P<digest>[./A-Za-z0-9]{31})", _bcrypt,
         read=_read_bcrypt, weak=lambda how: _cost(how) < CHEAPEST),
    _row("md5-crypt", "$1$: OTRS",     r"\$1\$(?P<how>[./A-Za-z0-9]{0,8})\$(?P<digest>[./A-Za-z0-9]{22})",    _md5_crypt),
    _row("apr1",      "$apr1$: OTRS",  r"\$apr1\$(?P<how>[./A-Za-z0-9]{0,8})\$(?P<digest>[./A-Za-z0-9]{22})", _apr1),
    _row("des-crypt", "13 characters: OTRS", r"(?P<how>[./A-Za-z0-9]{2})(?P<digest>[./A-Za-z0-9]{11})",       _des_crypt),
    _row("md5",       "32 hex digits: OTRS",               r"(?P<digest>[0-9a-f]{32})",  _hex("md5"),    read=_lower),
    _row("sha1",      "40 hex digits: HelpDeskZ 1, OTRS",  r"(?P<digest>[0-9a-f]{40})",  _hex("sha1"),   read=_lower),
    _row("sha256",    "64 hex digits: OTRS",               r"(?P<digest>[0-9a-f]{64})",  _hex("sha256"), read=_lower),
    _row("sha512",    "128 hex digits: OTRS",              r"(?P<digest>[0-9a-f]{128})", _hex("sha512"), read=_lower),
    _row("aspnet",    "ASP.NET Identity, versions 2 and 3, in base64: Jitbit",
         r"(?P<how>sha\d+,\d+,[0-9a-f]{32,128},\d+):(?P<digest>[0-9a-f]+)", _aspnet, read=_read_aspnet),
)}
# fmt: on
