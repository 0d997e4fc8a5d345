"""DKIM keys for tests, made once, and two programs that are not ours to verify with: dkimpy, and OpenDKIM where it is installed."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterable
from functools import cache
from pathlib import Path

import dkim
import pytest

from helpdeskd import config
from helpdeskd.config import dkim as files
from helpdeskd.mail.sign import Key

OPENDKIM = shutil.which("opendkim") or shutil.which("/usr/sbin/opendkim")
needs_opendkim = pytest.mark.skipif(OPENDKIM is None, reason="opendkim is missing: tests/parts.sh installs it")


@cache
def key(domain: str = "desk.test", *, ed25519: bool = False) -> Key:
    return Key(domain, "ed" if ed25519 else "rsa", files.generate(ed25519=ed25519))


def placed(folder: Path, *keys: Key) -> tuple[config.Dkim, ...]:
    """[[dkim]] for these keys, whose files lie in the folder."""
    folder.mkdir(exist_ok=True)
    entries = []
    for each in keys:
        path = folder / f"{each.domain}.{each.selector}.pem"
        if not path.exists():
            files.write(path, each.private)
        entries.append(config.Dkim(domain=each.domain, selector=each.selector, key=path))
    return tuple(entries)


def signatures(raw: bytes) -> int:
    return raw.partition(b"\r\n\r\n")[0].count(b"DKIM-Signature:")


def verified(raw: bytes, keys: Iterable[Key]) -> list[bool]:
    """Each signature from the top, as dkimpy finds it."""
    zone = {f"{each.place}.".encode(): each.record.encode() for each in keys}
    checked = dkim.DKIM(raw)
    return [_holds(checked, number, zone) for number in range(signatures(raw))]


def _holds(checked: dkim.DKIM, number: int, zone: dict[bytes, bytes]) -> bool:
    try:
        return bool(checked.verify(idx=number, dnsfunc=lambda name, timeout=5: zone.get(name)))
    except dkim.DKIMException:  # malformed, or another body
        return False


def opendkim(folder: Path, raw: bytes, keys: Iterable[Key]) -> str:
    """What OpenDKIM says of the topmost signature: empty, or why it does not hold."""
    assert OPENDKIM is not None
    (folder / "zone").write_text("".join(f"{each.place} {each.record}\n" for each in keys))
    (folder / "opendkim.conf").write_text(f"Mode v\nSyslog no\nTestPublicKeys {folder / 'zone'}\n")
    (folder / "mail.eml").write_bytes(raw)
    words = [OPENDKIM, "-x", str(folder / "opendkim.conf"), "-t", str(folder / "mail.eml")]
    done = subprocess.run(words, capture_output=True, text=True, timeout=30)
    said = done.stdout + done.stderr
    return "" if done.returncode == 0 and said.rstrip().endswith("succeeded") else said
