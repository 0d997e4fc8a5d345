"""Signed and encrypted parts of a mail: each is checked, or opened, with the keys that are given, and what came of it is a Seal.

Opened is only what is the whole mail (`alone`): parts beside an encrypted one could be made to carry its words away.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from helpdeskd.config import Intake
from helpdeskd.mail import charset, cms, openpgp, prepare, split
from helpdeskd.mail.split import Split, Tree
from helpdeskd.model.seals import Found, Keys, Means, Seal

SMIME = cms.TYPES
ARMOUR = b"-----BEGIN PGP "
_SMIME_SIGNATURES = frozenset({"application/pkcs7-signature", "application/x-pkcs7-signature"})
_MAX_SEALS = 5  # of one mail


@dataclass(frozen=True, slots=True)
class Armoured:
    """A text without the armour that stood in it."""

    text: str
    armour: str = ""
    name: str = ""
    content_type: str = ""


class Seals:
    """What one mail is sealed with, in the order in which it is found."""

    def __init__(self, limits: Intake, keys: Keys, sent: datetime | None) -> None:
        self.found: list[Seal] = []
        self.notes: dict[str, None] = {}
        self._limits = limits
        self._keys = keys
        self._sent = sent

    def smime(self, part: Tree, *, alone: bool) -> Split | None:
        """The mail within a part that holds CMS."""
        if len(self.found) >= _MAX_SEALS:
            return None
        data = part.content()
        content = cms.signed_content(data)
        if content is not None:
            self._checked(data, content, alone=alone)
            return self._split(content)
        if not cms.is_encrypted(data):
            return None
        return self._within(Means.SMIME, self._decrypted(data) if alone and self._keys.smime else None)

    def signed(self, children: Sequence[Tree], *, alone: bool) -> None:
        """multipart/signed (RFC 1847): the second part signs the first, as it stands, with CRLF line ends."""
        if len(children) < 2 or len(self.found) >= _MAX_SEALS:
            return
        kind = children[1].get_content_type()
        alone = alone and len(children) == 2
        if kind in _SMIME_SIGNATURES:
            self._checked(children[1].content(), children[0], alone=alone)
        elif kind == "application/pgp-signature":
            said = _with_crlf(children[0].whole()) if self._keys.certificates else b""
            self._found(openpgp.check(children[1].content(), said, self._keys), alone=alone)

    def encrypted(self, children: Sequence[Tree], *, alone: bool) -> Split | None:
        """multipart/encrypted (RFC 3156 section 4): the mail within."""
        may = alone and bool(children) and len(self.found) < _MAX_SEALS
        return self._within(Means.OPENPGP, self._openpgp(children[-1].content()) if may else None)

    def armoured(self, text: str, data: bytes, *, alone: bool) -> Armoured:
        """A text in which OpenPGP stands; `data` are its bytes."""
        signed = openpgp.clear_signed(text)
        if signed is not None and len(self.found) < _MAX_SEALS:
            once = data.count(openpgp.CLEAR) == 1 and not (text[: signed.start] + text[signed.end :]).strip()
            self._found(openpgp.check(None, openpgp.clear_block(data), self._keys), alone=alone and once)
            said = text[: signed.start] + signed.text + text[signed.end :]
            return Armoured(said, signed.signature, "signature.asc", "application/pgp-signature")
        if not text.lstrip().startswith(openpgp.ENCRYPTED):
            return Armoured(text)
        content = self._openpgp(data) if alone else None
        if content is None:
            self._locked(Means.OPENPGP)
            return Armoured(text)
        return Armoured(charset.decode(content), text, "message.asc", "application/pgp-encrypted")

    # The modules that know S/MIME are loaded where somebody has configured it.

    def _checked(self, signature: bytes, signed: bytes | Tree, *, alone: bool) -> None:
        if not self._keys.authorities:
            self.found.append(Seal(Means.SMIME, Found.UNCHECKED, detail="no authority is configured"))
            return
        from helpdeskd.mail import smime

        said = signed if isinstance(signed, bytes) else _with_crlf(signed.whole())
        self._found(smime.check(signature, said, self._keys.authorities, self._sent), alone=alone)

    def _found(self, seal: Seal, *, alone: bool) -> None:
        """A seal that holds says nothing of what stands beside it: somebody may have put a signed mail among words of their own."""
        partly = seal.found is Found.GOOD and not alone
        self.found.append(replace(seal, found=Found.PARTLY) if partly else seal)

    def _decrypted(self, data: bytes) -> bytes | None:
        from helpdeskd.mail import smime

        content = smime.opened(data, self._keys.smime)
        self.found += [Seal(Means.SMIME, Found.OPENED)] if content is not None else []
        return content

    def _openpgp(self, data: bytes) -> bytes | None:
        found = openpgp.opened(data, self._keys)
        if found is None:
            return None
        self.found.append(Seal(Means.OPENPGP, Found.OPENED))
        self.found += [found.seal] if found.seal is not None else []
        return found.content

    def _locked(self, means: Means) -> None:
        self.found.append(Seal(means, Found.LOCKED))
        said = "PGP" if means is Means.OPENPGP else means
        self.notes[f"encrypted with {said}, and kept as it came"] = None

    def _within(self, means: Means, content: bytes | None) -> Split | None:
        if content is None:
            self._locked(means)
            return None
        return self._split(content)

    def _split(self, content: bytes) -> Split:
        return split.split(content, prepare.split_head(content)[1], self._limits)


def _with_crlf(data: bytes) -> bytes:
    return data.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")
