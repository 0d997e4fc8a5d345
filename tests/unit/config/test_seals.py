"""Files of [smime] and [openpgp] that cannot be used are named, with what was expected of them."""

from __future__ import annotations

from pathlib import Path

import pysequoia
import pytest

from helpdeskd.config import Config, Openpgp, Smime
from helpdeskd.config.seals import problems
from helpdeskd.errors import ConfigError
from helpdeskd.parser.keys import configured
from tests.unit.mail.test_seals import AUTHORITY, DESK

SECRET = b"-----BEGIN PRIVATE KEY-----\nc2VjcmV0\n-----END PRIVATE KEY-----\n"


def config(folder: Path, key: str, data: bytes, mode: int = 0o600) -> Config:
    path = folder / "file"
    path.write_bytes(data)
    path.chmod(mode)
    section, _, name = key.partition(".")
    return Config(smime=Smime(**{name: (path,)})) if section == "smime" else Config(openpgp=Openpgp(**{name: (path,)}))


TSK = pysequoia.Tsk.generate("Ann <ann@example.org>")
GOOD = {
    "smime.authorities": AUTHORITY.pem,
    "smime.keys": DESK.secret,
    "openpgp.certificates": bytes(TSK.extract_certificate()),
    "openpgp.keys": bytes(TSK),
}


@pytest.mark.parametrize("key", GOOD)
def test_files_are_judged(tmp_path: Path, key: str) -> None:
    assert list(problems(config(tmp_path, key, GOOD[key]))) == []
    assert configured(config(tmp_path, key, GOOD[key])).authorities == ((GOOD[key],) if "authorities" in key else ())
    for data in (b"", b"rubbish", SECRET):
        ((named, said),) = problems(config(tmp_path, key, data))
        assert named == key
        assert "c2VjcmV0" not in said
        with pytest.raises(ConfigError, match="expected"):
            configured(config(tmp_path, key, data))
    secret = key.endswith("keys")
    assert bool(list(problems(config(tmp_path, key, GOOD[key], 0o640)))) is secret


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    gone = Config(smime=Smime(authorities=(tmp_path / "gone.pem",)))
    assert list(problems(gone)) == [
        ("smime.authorities", f"expected readable files; {tmp_path / 'gone.pem'}: No such file or directory")
    ]
