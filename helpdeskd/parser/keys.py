"""What [smime] and [openpgp] name, read for the parser."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from helpdeskd.config import Config
from helpdeskd.model.seals import Keys


def configured(config: Config) -> Keys:
    """Raises ConfigError where a file cannot be used."""
    if not (config.smime.authorities or config.smime.keys or config.openpgp.certificates or config.openpgp.keys):
        return Keys()
    from helpdeskd.config import seals
    from helpdeskd.errors import ConfigError

    if found := tuple(f"{key}: {what}" for key, what in seals.problems(config)):
        raise ConfigError(found)

    def read(paths: Iterable[Path]) -> tuple[bytes, ...]:
        return tuple(seals.read(path) for path in paths)

    return Keys(
        authorities=read(config.smime.authorities),
        smime=read(config.smime.keys),
        certificates=read(config.openpgp.certificates),
        openpgp=read(config.openpgp.keys),
    )
