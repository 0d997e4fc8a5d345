"""The mails of a soak: who brings each by which door, and how often it had to be brought. The same seed gives the same mails."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from tests.bench import load

SUPPORT, SALES = load.RECIPIENT, "sales@desk.example"
SHARES = {"smtp": 45, "lmtp": 25, "imap": 25, "pipe": 5}  # in a hundred; a pipe costs a process for each mail
DOORS = tuple(SHARES)


@dataclass(eq=False)
class Letter:
    """One mail. `offers`: how often its peer came with it; `bounced`: what made the peer give up for ever."""

    door: str
    sender: str
    recipients: tuple[str, ...]
    raw: bytes
    offers: int = 0
    bounced: str = ""

    @cached_property
    def sha256(self) -> str:
        """Of the bytes as sent, which are the bytes to be kept."""
        return hashlib.sha256(self.raw).hexdigest()

    def __str__(self) -> str:
        subject = next(line for line in self.raw.decode(errors="replace").splitlines() if line.startswith("Subject: "))
        return f"{self.door} {self.sender} {subject!r} (offered {self.offers} times)"


def letters(count: int, seed: int, doors: dict[str, int] = SHARES) -> Iterator[Letter]:
    """A help desk's mix (tests/bench/load.py): text, HTML, attachments, replies. Of those by SMTP one in twenty goes to two
    departments, of those by IMAP one in ten has no Message-ID: there its UID is its name, and no peer offers it twice."""
    chance = random.Random(seed)
    for number in range(count):
        door = chance.choices(list(doors), list(doors.values()))[0]
        raw = load.mail(str(seed), number, f"soak{seed}")
        recipients: tuple[str, ...] = (SUPPORT,)
        if door == "smtp" and chance.random() < 0.05:
            recipients = (SUPPORT, SALES)
        if door == "imap" and chance.random() < 0.1:
            raw = b"".join(line for line in raw.splitlines(keepends=True) if not line.startswith(b"Message-ID:"))
        yield Letter(door, f"load{number}@client.example", recipients, raw)
