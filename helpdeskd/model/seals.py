"""Signed and encrypted mail: the keys we have, and what became of each seal."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from enum import StrEnum

_LONGEST = 400  # characters of a line


class Means(StrEnum):
    SMIME = "S/MIME"
    OPENPGP = "OpenPGP"


class Found(StrEnum):
    """What a signature or an encryption turned out to be."""

    GOOD = "good"  # signed as a whole, as it came, by its author, whom our authorities or certificates know
    OTHER = "other"  # the same by somebody whose address From is not
    PARTLY = "partly"  # it holds, for a part of the mail: what stands beside it nobody signed
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
        said = ", ".join(self.who)[:_LONGEST]
        if self.detail:
            said = f"{said} ({self.detail[:_LONGEST]})" if said else self.detail[:_LONGEST]
        said = "".join(
            each if each.isprintable() else " " for each in said
        )  # a certificate must not write lines of its own
        return f"{self.means} {what} {self.found}" + (f": {said}" if said else "")

    def by(self, author: str) -> Seal:
        """As it stands beside the address of From."""
        known = author.lower() in {each.lower() for each in self.who}
        return self if self.found is not Found.GOOD or known else replace(self, found=Found.OTHER)


@dataclass(frozen=True, slots=True)
class Keys:
    """What is configured, as the files hold it (PEM; OpenPGP's in either form)."""

    authorities: tuple[bytes, ...] = ()  # certificates of S/MIME
    smime: tuple[bytes, ...] = field(default=(), repr=False)  # a private key and its certificate each
    certificates: tuple[bytes, ...] = ()  # of OpenPGP: whose signatures are known
    openpgp: tuple[bytes, ...] = field(default=(), repr=False)  # secret keys
