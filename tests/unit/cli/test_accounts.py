"""staff password, reset, totp and codes: how somebody comes in, and comes in again."""

from __future__ import annotations

import re
import sqlite3

import pyotp
import pytest

from helpdeskd.guard import totp
from tests.unit.cli.house import ADA

SEED = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"
SHA1 = "5baa61e4c9b93f3f0682250b6cf8331b7ee68fd8"  # of password
BCRYPT = "$2y$10$abcdefghijklmnopqrstuu5UspA91xVAqCGd7vN2QLnu4RsUDZFau"


def stored(house, columns="password_hash", table="login"):
    with sqlite3.connect(house.data / "helpdeskd.sqlite3") as conn:
        return [row[0] for row in conn.execute(f"SELECT {columns} FROM {table}")]


def test_a_hash_of_another_system_is_taken_over(house, tmp_path):
    said = f"{ADA} logs in by the password of that hash.\n"
    assert house("staff", "password", ADA, "--hash", "-", stdin=f"{SHA1}\n".encode()).ok() == said
    (kept,) = stored(house)
    assert kept.startswith("argon2id+sha1::$argon2id$")
    assert SHA1 not in kept
    (tmp_path / "hash").write_text(BCRYPT)
    assert house("staff", "password", ADA, "--hash", str(tmp_path / "hash")).ok() == said
    assert stored(house) == [BCRYPT]


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (b"hunter2\n", "this is no hash of a password that is known: expected one of bcrypt ($2a$"),
        (b"", "this is no hash of a password that is known"),
        (b"\xff\xfe\0" * 1000, "this is no hash of a password that is known"),
        (BCRYPT.replace("$10$", "$31$").encode(), "bcrypt of cost 31: expected 4 to 13"),
    ],
)
def test_what_cannot_be_taken_over(house, given, said):
    told = house("staff", "password", ADA, "--hash", "-", stdin=given).failed(1)
    assert told.startswith(said)
    assert "hunter2" not in told
    assert stored(house) == []


def test_a_link_is_printed_or_sent(house):
    said = house("staff", "reset", ADA).failed(1)
    assert said == "a link needs an address to lead to: set desk.public_url"
    house.write_config('[desk]\npublic_url = "https://desk.example"\n')
    link = house("staff", "reset", ADA, "--print").ok()
    token = re.fullmatch(r"https://desk\.example/set-password/([\w-]{43})\n", link)
    assert token
    assert house("staff", "reset", ADA).ok() == f"A link is on its way to {ADA}.\n"
    kept = stored(house, "token_sha256", "person_token")
    assert len(kept) == 2
    assert token[1] not in kept
    rows = [each["mail"] for each in house("outbox", "list", "--json").json]
    (mail,) = [each for each in rows if each["notice"] == "password_reset"]
    assert mail["recipient"] == ADA
    shown = house("outbox", "list", "--json").ok() + house("outbox", "show", str(mail["id"]), "--json").ok()
    assert "set-password" not in shown
    assert house("staff", "reset", "nobody@x.example").failed(1) == "there is no person nobody@x.example"
    house("staff", "disable", ADA).ok()
    assert house("staff", "reset", ADA).failed(1) == f"{ADA} is disabled"


def test_recovery_codes_are_shown_once(house, monkeypatch):
    house("staff", "password", ADA, stdin=b"correct horse\n").ok()
    assert house("staff", "codes", ADA).failed(1).startswith(f"{ADA} is asked for no one-time codes")
    assert house("staff", "codes", ADA, "--left").ok() == "0\n"
    monkeypatch.setattr(totp, "new_seed", lambda: SEED)
    said = house("staff", "totp", ADA, "on", stdin=pyotp.TOTP(SEED).now().encode()).ok()
    first = re.findall(r"^  ([0-9a-z]{4}-[0-9a-z]{4}-[0-9a-z]{4})$", said, re.MULTILINE)
    assert len(set(first)) == 10
    assert said.endswith(f"{ADA} is asked for one-time codes.\n")
    kept = stored(house, "code_sha256", "recovery_code")
    assert len(kept) == 10
    assert not set(first) & set(kept)
    second = house("staff", "codes", ADA).ok().split()[-10:]
    assert not set(first) & set(second)
    assert house("staff", "codes", ADA, "--left").ok() == "10\n"
    assert not set(kept) & set(stored(house, "code_sha256", "recovery_code"))
    house("staff", "totp", ADA, "off").ok()
    assert stored(house, "code_sha256", "recovery_code") == []
