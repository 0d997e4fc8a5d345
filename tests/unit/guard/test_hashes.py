"""Hashes that other systems made: each is known by its shape, opens to its password alone, and is ours after the first log-in."""

from __future__ import annotations

import base64
import hashlib

import pytest
from argon2 import PasswordHasher
from hypothesis import given, settings
from hypothesis import strategies as st

from helpdeskd.desk import accounts
from helpdeskd.errors import Refused
from helpdeskd.guard import hashes
from helpdeskd.guard.login import Why
from helpdeskd.guard.passwords import Passwords
from helpdeskd.store.engine import Store
from tests.unit.guard.test_login import House

PHP = "rasmuslerdorf"  # of PHP's manual, on crypt
NET = "my password"  # of ASP.NET Core's own tests

# fmt: off
VECTORS = [
    # password, hash, kind, kept as it is
    ("sechrät",    "$2y$10$abcdefghijklmnopqrstuu5UspA91xVAqCGd7vN2QLnu4RsUDZFau", "bcrypt", True),
    (PHP,          "$2y$07$BCryptRequires22Chrcte/VlQH0piJtjXl.0t1XkA8pw9dMXTpOq", "bcrypt", False),
    ("U*U",        "$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW", "bcrypt", False),
    (PHP,          "BCRYPT:9:aB3dE6gH9jK2mN5p:/f4hJ0FCiftOl4eTeld9afXojpPt0Ea", "bcrypt", False),
    (PHP,          "BCRYPT:10:aB3dE6gH9jK2mN5p:0tw8KctJSvMRJoWVKJ5WYbZckwEEt6C", "bcrypt", True),
    (PHP,          "$1$rasmusle$rISCgZzpwk3UhDidwXvin0", "md5-crypt", False),
    ("myPassword", "$apr1$r31.....$HqJZimcKQFAMYayBlzkrA/", "apr1", False),
    (PHP,          "rl.3StKT.4T8M", "des-crypt", False),
    ("sechrät",    hashlib.md5("sechrät".encode()).hexdigest(), "md5", False),
    ("sechrät",    hashlib.sha1("sechrät".encode()).hexdigest().upper(), "sha1", False),
    ("sechrät",    hashlib.sha256("sechrät".encode()).hexdigest(), "sha256", False),
    ("sechrät",    hashlib.sha512("sechrät".encode()).hexdigest(), "sha512", False),
    (NET,          "AAABAgMEBQYHCAkKCwwNDg+ukCEMDf0yyQ29NYubggHIVY0sdEUfdyeM+E1LtH1uJg==", "aspnet", False),
    (NET,          "AQAAAAEAACcQAAAAEAABAgMEBQYHCAkKCwwNDg+yWU7rLgUwPZb1Itsmra7cbxw2EFpwpVFIEtP+JIuUEw==", "aspnet", False),
]
# fmt: on
every = pytest.mark.parametrize(("password", "old", "kind", "kept"), VECTORS)


@pytest.fixture
def passwords() -> Passwords:
    return Passwords(memory_kib=64, passes=1)


@every
def test_it_opens_to_its_password_alone(passwords: Passwords, password: str, old: str, kind: str, kept: bool) -> None:
    found = hashes.read(f" {old}\n")
    assert found.kind == kind
    stored = passwords.take(old)
    assert passwords.is_old(stored)
    assert passwords.verify(stored, password)
    beginning = password[:7] if kind == "des-crypt" else password[:-1]  # DES looks at eight characters
    for wrong in ("", beginning, password.swapcase(), old, found.digest, stored):
        assert not passwords.verify(stored, wrong), wrong
    # What is weak is not in the store: only argon2id over it.
    assert (found.digest in stored) is kept
    assert stored.startswith("$2" if kept else f"argon2id+{kind}:{found.how}:$argon2id$")


def test_the_table_is_covered() -> None:
    assert {row[2] for row in VECTORS} == set(hashes.KINDS)


@every
def test_the_first_log_in_makes_it_ours(sqlite_store: Store, password: str, old: str, kind: str, kept: bool) -> None:
    house = House(sqlite_store)
    house.write(accounts.set_password, person=house.ada, password_hash=house.passwords.take(old))

    def kept_hash() -> str:
        login = house.store.read(lambda conn: accounts.by_name(conn, "ada"))
        assert login is not None
        return login.password_hash

    before = kept_hash()
    assert house.why(password="wrong") is Why.WRONG
    assert kept_hash() == before
    assert house.why(password=password) is Why.IN  # even one that is shorter than a new one may be
    assert kept_hash().startswith("$argon2id$")
    assert house.why(password=password) is Why.IN
    for digest in (old, before, before.rpartition(":")[2]):
        assert house.why(password=digest, address="192.0.2.8") is Why.WRONG
    house.password("another one")
    assert house.why(password=password, address="192.0.2.9") is Why.WRONG  # nothing of the old one is left


@pytest.mark.parametrize(
    "text",
    [
        "",
        "secret",
        "$2x$10$abcdefghijklmnopqrstuufUUIqADGXVmpf2cUXL5cF7J9Y6aAQH.",  # an early PHP's, which lets others in
        "$2$10$abcdefghijklmnopqrstuufUUIqADGXVmpf2cUXL5cF7J9Y6aAQH.",
        "$2y$10$short",
        "$2y$10$abcdefghijklmnopqrstuvfUUIqADGXVmpf2cUXL5cF7J9Y6aAQH.",  # no bcrypt writes such a salt
        "$6$rasmusle$" + "a" * 86,
        "$argon2id$v=19$m=64,t=1,p=1$c2FsdHNhbHQ$aGFzaGhhc2g",  # ours is set by its password
        "argon2id+sha1::$argon2id$x",
        "g" * 40,
        "0" * 41,
        "٣" * 40,
        "AQAAAAMAACcQAAAAEAABAgMEBQYHCAkKCwwNDg+yWU7rLgUwPZb1Itsmra7cbxw2EFpwpVFIEtP+JIuUEw==",  # no such PRF
        "\0" * 40,
        "a" * 100_000,
    ],
)
def test_what_is_no_hash_says_which_are(passwords: Passwords, text: str) -> None:
    with pytest.raises(Refused) as told:
        passwords.take(text)
    assert told.value.reason == "unknown-hash"
    for name in hashes.KINDS:
        assert f"{name} (" in str(told.value)
    assert not text or text not in str(told.value)  # it may be a password


def identity(prf: str, rounds: int, size: int) -> str:
    """A hash of ASP.NET Core Identity whose subkey has so many bytes."""
    number = ("sha1", "sha256", "sha512").index(prf)
    head = b"\1" + number.to_bytes(4) + rounds.to_bytes(4) + (16).to_bytes(4)
    return base64.b64encode(head + b"s" * 16 + b"k" * size).decode()


@pytest.mark.parametrize(
    "old",
    [
        "$2y$13$abcdefghijklmnopqrstuufUUIqADGXVmpf2cUXL5cF7J9Y6aAQH.",
        identity("sha1", 250_000, 64),
        identity("sha1", 1_000_000, 20),
        identity("sha256", 500_000, 64),
        identity("sha512", 1_000_000, 64),
    ],
)
def test_the_dearest_that_are_taken(old: str) -> None:
    assert hashes.read(old).kind in {"bcrypt", "aspnet"}


DEAR = [
    "$2y$31$abcdefghijklmnopqrstuufUUIqADGXVmpf2cUXL5cF7J9Y6aAQH.",
    "$2y$14$abcdefghijklmnopqrstuufUUIqADGXVmpf2cUXL5cF7J9Y6aAQH.",
    "$2y$03$abcdefghijklmnopqrstuufUUIqADGXVmpf2cUXL5cF7J9Y6aAQH.",
    "BCRYPT:31:aB3dE6gH9jK2mN5p:" + "a" * 31,
    "AQAAAAH/////AAAAEAABAgMEBQYHCAkKCwwNDg+yWU7rLgUwPZb1Itsmra7cbxw2EFpwpVFIEtP+JIuUEw==",
    "AQAAAAEAAAAAAAAAEAABAgMEBQYHCAkKCwwNDg+yWU7rLgUwPZb1Itsmra7cbxw2EFpwpVFIEtP+JIuUEw==",
    identity("sha1", 250_001, 64),
    identity("sha1", 1_000_000, 21),
    identity("sha256", 500_001, 64),
    identity("sha512", 1_000_001, 64),
]


@pytest.mark.parametrize("old", DEAR)
def test_a_hash_of_absurd_cost_is_never_reckoned(
    passwords: Passwords, monkeypatch: pytest.MonkeyPatch, old: str
) -> None:
    def reckoned(*_: object) -> None:
        raise AssertionError

    monkeypatch.setattr(hashes, "make", reckoned)
    with pytest.raises(Refused) as told:
        passwords.take(old)
    assert told.value.reason == "dear-hash"
    assert not passwords.verify(old, "x")  # nor where somebody put it into the database


def test_a_weak_hash_in_the_database_opens_nothing(passwords: Passwords) -> None:
    assert not passwords.verify(hashlib.sha1(b"secret").hexdigest(), "secret")
    # Nor does what a newer version knows and we do not.
    assert not passwords.verify(passwords.take(hashlib.sha1(b"secret").hexdigest()).replace("sha1", "sha3"), "secret")


@pytest.mark.parametrize(
    "kind_and_how",
    [
        "des-crypt:",
        "des-crypt:a",
        "des-crypt:\u00e4\u00f6",
        "md5-crypt:" + "a" * 9,
        "apr1:$$",
        "bcrypt:",
        "bcrypt:$2y$31$abcdefghijklmnopqrstuu",
        "bcrypt:$2y$05$short",
        "aspnet:",
        "aspnet:sha1,1,00",
        "aspnet:sha1,1,xx,20",
        "aspnet:md6,1,00,20",
        "aspnet:sha1,4294967295,00,20",
        "aspnet:sha1,1,00,99999999999999999999",
    ],
)
def test_a_row_that_is_no_hash_opens_nothing(passwords: Passwords, kind_and_how: str) -> None:
    assert not passwords.verify(f"argon2id+{kind_and_how}:{passwords.hash('long enough')}", "long enough")


def test_bcrypt_looks_at_72_bytes_until_the_hash_is_ours(passwords: Passwords) -> None:
    """The original cut there, and who has a longer password must come in. Shorter beginnings never do, and afterwards all of it counts."""
    stored = passwords.take("$2y$10$abcdefghijklmnopqrstuuhBb/0dYbuuS1CS8hp30IXhlFBW2VAWG")
    assert passwords.verify(stored, "x" * 80)
    assert passwords.verify(stored, "x" * 72 + "another end")
    assert not passwords.verify(stored, "x" * 71)
    assert not passwords.verify(stored, "x" * 1025)
    ours = passwords.anew("x" * 80)
    assert passwords.verify(ours, "x" * 80)
    assert not passwords.verify(ours, "x" * 72)
    assert not passwords.verify(ours, "x" * 72 + "another end")


@every
def test_nothing_is_cut_at_a_nul(passwords: Passwords, password: str, old: str, kind: str, kept: bool) -> None:
    stored = passwords.take(old)
    assert not passwords.verify(stored, password + "\0")
    assert not passwords.verify(stored, password + "\0more")
    assert not passwords.verify(stored, "\0" + password)


def test_an_accent_is_one_however_it_is_typed(passwords: Passwords) -> None:
    ours = passwords.hash("se\u0301same ouvre")
    assert passwords.verify(ours, "s\u00e9same ouvre")
    assert not passwords.verify(ours, "sesame ouvre")
    assert not passwords.verify(passwords.hash("sesame ouvre"), "se\u0301same ouvre")
    # What only looks alike is another: NFC, not NFKC.
    assert not passwords.verify(passwords.hash("\ufb01ne words"), "fine words")


def test_a_hash_of_what_was_typed_in_pieces_opens_and_is_made_anew(sqlite_store: Store) -> None:
    """One that was made before all were composed."""
    house = House(sqlite_store)
    composed, typed = "s\u00e9same ouvre", "se\u0301same ouvre"
    raw = PasswordHasher(time_cost=1, memory_cost=64, parallelism=1).hash(typed)
    house.write(accounts.set_password, person=house.ada, password_hash=raw)
    assert house.why(password=composed) is Why.WRONG  # it is what was typed, and nothing else yet
    assert house.why(password=typed) is Why.IN
    assert house.why(password=composed) is Why.IN
    login = house.store.read(lambda conn: accounts.by_name(conn, "ada"))
    assert login is not None
    assert house.passwords.today(login.password_hash, typed) == login.password_hash  # once is enough
    assert house.passwords.today(login.password_hash, composed) == login.password_hash


@settings(max_examples=200, deadline=None)
@given(
    st.text(max_size=140) | st.from_regex(r"\$(1|2y|apr1)\$[./A-Za-z0-9$]{0,60}") | st.binary().map(lambda b: b.hex())
)
def test_whatever_is_given_is_a_hash_or_refused(text: str) -> None:
    try:
        found = hashes.read(text)
    except Refused as error:
        assert error.reason in {"unknown-hash", "dear-hash"}
    else:
        assert found.kind in hashes.KINDS
