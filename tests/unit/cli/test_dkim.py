"""Keys made and shown: the file for its owner alone, the record as DNS wants it, and the lines that make it sign."""

from __future__ import annotations

import base64
import os
import re
import stat

import pytest
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import load_der_public_key

from tests.unit.cli.house import House


@pytest.fixture
def empty_place(tmp_path):
    """A folder for backups, and an installation that is not there yet."""
    for name in ("backups", "fresh"):
        (tmp_path / name).mkdir(mode=0o700)
    return tmp_path / "backups", House(tmp_path / "fresh")


def published(said: str) -> tuple[str, str]:
    """Name and value of the record in what was printed."""
    name = re.search(r"^(\S+)\. IN TXT ", said, re.MULTILINE)
    assert name is not None
    strings = re.findall(r'"([^"]*)"', said[name.end() :].split("\n\n", maxsplit=1)[0])
    assert all(len(each) <= 255 for each in strings)
    return name[1], "".join(strings)


def test_a_key_is_made_and_then_shown(house):
    said = house("dkim", "keygen", "Desk.Example.", "--selector", "s1").ok()
    path = house.data / "dkim" / "desk.example.s1.pem"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert f"Wrote {path}" in said
    assert path.read_text() not in said and "PRIVATE" not in said
    name, value = published(said)
    assert name == "s1._domainkey.desk.example"
    assert value.startswith("v=DKIM1; k=rsa; p=")
    public = load_der_public_key(base64.b64decode(value.partition("p=")[2]))
    assert isinstance(public, RSAPublicKey) and public.key_size == 2048
    lines = said[said.index("[[dkim]]") :].partition("\n\n")[0]
    house.write_config(lines)
    (shown,) = house("dkim", "show", "--json").json
    assert shown == {"domain": "desk.example", "selector": "s1", "name": name, "record": value}
    assert published(house("dkim", "show").ok().partition("\n")[2]) == (name, value)
    assert "key" in house("config", "show").ok() and "PRIVATE" not in house("config", "show").ok()


def test_both_kinds_with_selectors_of_their_own(house):
    rsa, ed = (house("dkim", "keygen", "desk.example", *more).ok() for more in ((), ("--ed25519",)))
    assert re.match(r"hd\d{6}\._domainkey\.desk\.example$", published(rsa)[0])
    name, value = published(ed)
    assert name == published(rsa)[0].replace("._domainkey", "-ed._domainkey")
    assert len(base64.b64decode(value.removeprefix("v=DKIM1; k=ed25519; p="))) == 32


def test_a_key_is_never_written_over(house):
    house("dkim", "keygen", "desk.example", "--selector", "s1").ok()
    path = house.data / "dkim" / "desk.example.s1.pem"
    before = path.read_bytes()
    said = house("dkim", "keygen", "desk.example", "--selector", "s1").failed(1)
    assert said == f"there is a key at {path} already: give another --selector"
    assert path.read_bytes() == before


def test_it_lies_where_the_settings_say(house, tmp_path):
    """The settings may name it first: of all commands keygen alone does without it."""
    path = tmp_path / "elsewhere.pem"
    house.write_config(f'[[dkim]]\ndomain = "desk.example"\nselector = "s1"\nkey = "{path}"\n')
    assert "there is none at" in house("config", "check").failed(78)
    said = house("dkim", "keygen", "desk.example", "--selector", "s1").ok()
    assert f"Wrote {path}" in said and "[[dkim]]" not in said
    house("config", "check").ok()
    path.chmod(0o644)
    said = house("config", "check").failed(78)
    assert said.startswith(f"{house.config}: dkim.0.key: expected a key that only its owner can read")
    assert house("run").failed(78) == said  # the daemon does not start, and nothing leaves unsigned


@pytest.mark.skipif(os.geteuid() != 0, reason="root alone gives files away")
@pytest.mark.parametrize("named", [True, False])
def test_made_by_root_it_belongs_to_the_daemons_user(house, tmp_path, named):
    for folder in (*reversed(tmp_path.parents), tmp_path):
        if folder.stat().st_mode & 0o055 != 0o055 and "pytest" in str(folder):
            folder.chmod(0o755)
    os.chown(house.data, 4321, 4321)
    path = house.data / "dkim" / "desk.example.s1.pem"
    if named:
        path = tmp_path / "key.pem"
        house.write_config(f'[[dkim]]\ndomain = "desk.example"\nselector = "s1"\nkey = "{path}"\n')
    assert house.run("dkim", "keygen", "desk.example", "--selector", "s1").code == 0
    assert (path.stat().st_uid, stat.S_IMODE(path.stat().st_mode)) == (4321, 0o600)


def test_a_backup_is_restored_without_the_keys(house, empty_place):
    """They are in none: the settings name keys that are not there yet."""
    backups, fresh = empty_place
    house("backup", str(backups)).ok()
    fresh.write_config('[[dkim]]\ndomain = "desk.example"\nselector = "s1"\n')
    fresh("restore", str(backups)).ok()
    assert "there is none at" in fresh("status").failed(78)
    fresh("dkim", "keygen", "desk.example", "--selector", "s1").ok()
    assert "Support" in fresh("department", "list").ok()


def test_wrong_words(house):
    assert house("dkim", "keygen", "nowhere").failed(1).startswith("domain: expected a domain")
    assert house("dkim", "keygen", "../../x").failed(1).startswith("domain: expected a domain")
    assert house("dkim", "keygen", "desk.example", "--selector", "../x").failed(1).startswith("selector: expected")
    assert not (house.data / "dkim").exists()


def test_none_yet(house):
    assert "unsigned" in house("dkim", "show").ok()
    assert house("dkim", "show", "--json").json == []
