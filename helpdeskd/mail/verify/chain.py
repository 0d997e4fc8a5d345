"""ARC (RFC 8617): what servers that passed a mail on say they saw. Believed only where the last of them is trusted by name."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime

from helpdeskd.mail.verify import names, signature
from helpdeskd.mail.verify.signature import Bad, Header, Late, Signature, never
from helpdeskd.mail.verify.wire import Wire
from helpdeskd.resolver import Resolver

MAX_INSTANCES = 20  # RFC 8617 section 4.2.1 has 50
SEEN, MESSAGE, SEAL = b"arc-authentication-results", b"arc-message-signature", b"arc-seal"

_INSTANCE = re.compile(rb"[ \t\r\n]*i[ \t]*=[ \t]*([0-9]{1,3})[ \t\r\n]*(?:;|\Z)")


@dataclass(frozen=True, slots=True)
class Chain:
    """The sets of a mail, the oldest first. `sealer` is who has sealed the last."""

    sets: tuple[dict[bytes, Header], ...]
    seals: tuple[Signature, ...]

    @property
    def sealer(self) -> str:
        return self.seals[-1].domain

    @property
    def selector(self) -> str:
        return self.seals[-1].selector

    def seen(self) -> bytes:
        """What the last sealer says it saw: the value of an Authentication-Results header."""
        return self.sets[-1][SEEN][1].partition(b";")[2]


def read(wire: Wire) -> Chain | None:
    """None where there is none. Raises Bad where it is broken."""
    found: dict[int, dict[bytes, Header]] = {}
    for name in (SEEN, MESSAGE, SEAL):
        for header in wire.all(name):
            # i= comes first in results, anywhere in the others.
            match = _INSTANCE.match(header[1])
            number = int(match[1]) if match else _number(header[1]) if name != SEEN else 0
            if name in found.setdefault(number, {}):
                raise Bad("fail", "a set has a header twice")
            found[number][name] = header
    if not found:
        return None
    if sorted(found) != list(range(1, len(found) + 1)) or any(len(each) != 3 for each in found.values()):
        raise Bad("fail", "a set is not complete")
    if len(found) > MAX_INSTANCES:
        raise Bad("permerror", "too many sets")
    sets = tuple(found[number] for number in sorted(found))
    return Chain(sets, tuple(signature.take_apart(each[SEAL]) for each in sets))


def _number(value: bytes) -> int:
    text = signature.tags_of(value).get(b"i", b"")
    return int(text) if text.isdigit() and len(text) < 4 else 0


def verify(wire: Wire, chain: Chain, resolver: Resolver, now: datetime, late: Late = never) -> None:
    """The newest seal and its message signature hold (section 5.2). Else raises Bad, or DnsTrouble. Only the sealer's own DNS is asked:
    what the newest seal covers, older sets included, its sealer has verified (cv=pass), or else it would not be trusted."""
    for number, seal in enumerate(chain.seals):
        if seal.tags.get(b"cv", b"").lower() != (b"pass" if number else b"none"):
            raise Bad("fail", "a server found the chain broken")
    last = signature.take_apart(chain.sets[-1][MESSAGE])
    if not names.aligned(last.domain, chain.sealer):
        raise Bad("fail", "the message signature is not the sealer's")
    above = [each[name] for each in chain.sets for name in (SEEN, MESSAGE, SEAL)]
    signature.seal(above[:-1], chain.seals[-1], resolver, now)
    signature.message(wire, last, resolver, now, late)
