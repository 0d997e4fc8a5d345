"""Keys for DKIM: each wrong one is named with its place at start, and nothing of it is shown."""

from __future__ import annotations

import os

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1
from cryptography.hazmat.primitives.asymmetric.ec import generate_private_key as generate_ec
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
)

from helpdeskd.config import dkim
from helpdeskd.config.load import load
from tests.dkim import key
from tests.unit.config.test_load import problems

GOOD = key().private


def pem(private, encryption=None) -> bytes:
    data: bytes = private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, encryption or NoEncryption())
    return data


def entry(path, domain="example.com", selector="s1") -> str:
    return f'[[dkim]]\ndomain = "{domain}"\nselector = "{selector}"\nkey = "{path}"\n'


def private_file(path, data: bytes, mode: int = 0o600):
    path.write_bytes(data)
    path.chmod(mode)
    return path


BROKEN = [
    (b"", "expected a private key in PEM"),
    (b"nonsense", "expected a private key in PEM"),
    (pem(GOOD)[:400] + b"\n-----END PRIVATE KEY-----\n", "expected a private key in PEM"),
    (pem(GOOD, BestAvailableEncryption(b"x")), "expected a key without a passphrase"),
    (pem(generate_private_key(65537, 1024)), "expected RSA of 2048 to 4096 bits"),
    (pem(generate_ec(SECP256R1())), "expected a key for RSA or Ed25519"),
]


@pytest.mark.parametrize(("data", "words"), BROKEN)
def test_a_broken_key(tmp_path, data, words):
    path = private_file(tmp_path / "key.pem", data)
    (line,) = problems(tmp_path, entry(path))
    assert line.startswith(f"FILE: dkim.0.key: {words}")
    assert str(path) in line


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o644, 0o620, 0o666])
def test_a_key_that_others_can_read(tmp_path, mode):
    path = private_file(tmp_path / "key.pem", pem(GOOD), mode)
    (line,) = problems(tmp_path, entry(path))
    assert line == (
        f"FILE: dkim.0.key: expected a key that only its owner can read; {path} has mode {mode:04o} (chmod 600 {path})"
    )


@pytest.mark.parametrize("mode", [0o600, 0o400])
def test_a_good_one(tmp_path, mode):
    path = private_file(tmp_path / "key.pem", pem(GOOD), mode)
    file = tmp_path / "h.toml"
    file.write_text(entry(path))
    config = load(file, {})
    assert config.dkim_file(config.dkim[0]) == path


def test_none_there_and_no_file(tmp_path):
    (line,) = problems(tmp_path, entry(tmp_path / "none.pem"))
    assert "there is none at" in line and "helpdeskd dkim keygen" in line
    os.mkfifo(tmp_path / "fifo", 0o600)
    assert "is none" in problems(tmp_path, entry(tmp_path / "fifo"))[0]
    assert "FILE: dkim.0.key: expected" in problems(tmp_path, entry(tmp_path))[0]


WRONG = [
    (entry("x", domain="example"), "dkim.0.domain: expected a domain"),
    (entry("x", domain="-a.example"), "dkim.0.domain: expected a domain"),
    (entry("x", domain="exämple.com"), "dkim.0.domain: expected a domain"),
    (entry("x", domain="a.example; v=1"), "dkim.0.domain: expected a domain"),
    (entry("x", selector="a_b"), "dkim.0.selector: expected at most 63"),
    (entry("x", selector=""), "dkim.0.selector: expected at most 63"),
    (entry("x", selector="../up"), "dkim.0.selector: expected at most 63"),
    ('[[dkim]]\ndomain = "example.com"', "dkim.0.selector: expected a value"),
    ('[dns]\nservers = ["ns.example.com"]', "dns.servers: expected addresses"),
    ('[dns]\nservers = ["127.0.0.1:99999"]', "dns.servers: expected addresses"),
    ('[dns]\nservers = ["[::1]x"]', "dns.servers: expected addresses"),
]


@pytest.mark.parametrize(("text", "words"), WRONG)
def test_wrong_words(tmp_path, text, words):
    assert problems(tmp_path, text)[0].startswith(f"FILE: {words}")


@pytest.mark.parametrize("server", ["127.0.0.1", "127.0.0.1:5353", "::1", "[::1]", "[::1]:5353"])
def test_servers(tmp_path, server):
    file = tmp_path / "h.toml"
    file.write_text(f'[dns]\nservers = ["{server}"]')
    assert load(file, {}).dns.servers == (server,)


def test_one_key_of_each_kind(tmp_path):
    first, second = (private_file(tmp_path / name, pem(GOOD)) for name in ("a", "b"))
    assert problems(tmp_path, entry(first) + entry(second, selector="s2")) == [
        "FILE: dkim.1.key: expected one key of each kind for example.com at most: one RSA, one Ed25519"
    ]
    assert problems(tmp_path, entry(first) + entry(second, domain="Example.com")) == [
        "FILE: dkim.1.selector: expected each selector once; s1 of example.com is here twice"
    ]


def test_written_for_its_owner_alone_and_never_over_another(tmp_path):
    path = tmp_path / "key.pem"
    old = os.umask(0)
    try:
        dkim.write(path, GOOD)
    finally:
        os.umask(old)
    assert path.stat().st_mode & 0o777 == 0o600
    assert dkim.read(path).private_numbers() == GOOD.private_numbers()  # type: ignore[union-attr]
    with pytest.raises(FileExistsError):
        dkim.write(path, GOOD)


def test_from_the_environment(tmp_path):
    path = private_file(tmp_path / "key.pem", pem(GOOD))
    env = {"DOMAIN": "example.com", "SELECTOR": "s", "KEY": str(path)}
    config = load(None, {f"HELPDESKD_DKIM__0__{name}": value for name, value in env.items()})
    assert (config.dkim[0].domain, config.dkim[0].key) == ("example.com", path)
