"""Signed and encrypted mail: the keys we have, and what became of each seal."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum


class Means(StrEnum):
    SMIME = "S/MIME"
    OPENPGP = "OpenPGP"


class Found(StrEnum):
    """What a signature or an encryption turned out to be."""

    GOOD = "good"  # signed, as it came, by somebody our authorities or certificates know
    BAD = "bad"  # what was signed is not what came
    UNKNOWN = "unknown"  # signed by a key that nobody here vouches for
    UNCHECKED = "unchecked"  # signed; no authority and no certificate is configured
    OPENED = "opened"  # was encrypted to a key of ours
    LOCKED = "locked"  # is encrypted, and kept as it came


@dataclass(frozen=True, slots=True)
class Seal:
    """`who`: the addresses in the signer's certificate; `detail` one line, for people."""

    means: Means
    found: Found
    who: tuple[str, ...] = ()
    detail: str = ""

    @property
    def line(self) -> str:
        """`S/MIME signature good: ann@example.org (issued by Example CA)`."""
        what = "encryption" if self.found in {Found.OPENED, Found.LOCKED} else "signature"
        said = ", ".join(self.who)
        if self.detail:
            said = f"{said} ({self.detail})" if said else self.detail
        return f"{self.means} {what} {self.found}" + (f": {said}" if said else "")


@dataclass(frozen=True, slots=True)
class Keys:
    """What is configured, as the files hold it (PEM; OpenPGP's in either form)."""

    authorities: tuple[bytes, ...] = ()  # certificates of S/MIME
    smime: tuple[bytes, ...] = field(default=(), repr=False)  # a private key and its certificate each
    certificates: tuple[bytes, ...] = ()  # of OpenPGP: whose signatures are known
    openpgp: tuple[bytes, ...] = field(default=(), repr=False)  # secret keys
