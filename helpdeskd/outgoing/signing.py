"""Which keys sign a mail: those of its sender's domain, else of the nearest domain above it that has some."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING

from helpdeskd.config import Config
from helpdeskd.errors import ConfigError
from helpdeskd.mail.ids import ascii_domain

if TYPE_CHECKING:
    from helpdeskd.mail.sign import Key


class Signer:
    """Holds the private keys of [[dkim]]. Any thread. Raises ConfigError at its making, where a key cannot be used."""

    def __init__(self, settings: Config) -> None:
        self._settings = settings
        self._keys = read_keys(settings)

    def reload(self) -> None:
        """Read the files of the keys again (SIGHUP). Raises ConfigError, and goes on with those it had."""
        self._keys = read_keys(self._settings)

    def keys(self, domain: str) -> tuple[Key, ...]:
        """Those that sign for this domain, RSA first; none: it is not signed for.

        A key of example.com signs for desk.example.com too: aligned for DMARC, unless the domain asks for strict alignment.
        """
        name = ascii_domain(domain)
        while name:
            if name in self._keys:
                return self._keys[name]
            name = name.partition(".")[2]
        return ()

    def sign(self, raw: bytes, address: str, when: datetime) -> bytes:
        """The mail, signed for the domain of its From. The same mail, address and time make the same bytes."""
        keys = self.keys(address.rpartition("@")[2])
        if not keys:
            return raw
        from helpdeskd.mail.sign import sign

        return sign(raw, keys, when)


def read_keys(settings: Config) -> Mapping[str, tuple[Key, ...]]:
    """All keys of [[dkim]] by domain. Raises ConfigError."""
    if not settings.dkim:
        return {}
    from helpdeskd.config import dkim  # an installation without keys need not load cryptography for them
    from helpdeskd.mail.sign import Key

    found: defaultdict[str, list[Key]] = defaultdict(list)
    problems: list[str] = []
    for number, entry in enumerate(settings.dkim):
        try:
            private = dkim.read(settings.dkim_file(entry))
        except dkim.BadKey as error:
            problems.append(f"dkim.{number}.key: {error}")
            continue
        domain = ascii_domain(entry.domain)
        found[domain].append(Key(domain, entry.selector, private))
    if problems:
        raise ConfigError(tuple(problems))
    # Servers that know one kind alone look at the first signature they meet, some of them: RSA is known to all.
    return {domain: tuple(sorted(keys, key=lambda key: not key.rsa)) for domain, keys in found.items()}
