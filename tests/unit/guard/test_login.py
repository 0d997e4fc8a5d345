"""Log-ins: what counts, what is remembered, and that guesses are counted before they are looked at."""

from __future__ import annotations

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pyotp
import pytest
from sqlalchemy import select

from helpdeskd.desk import accounts, api_keys, people
from helpdeskd.desk.accounts import Lockout
from helpdeskd.errors import Refused
from helpdeskd.guard.login import Logins, Why
from helpdeskd.guard.passwords import Passwords
from helpdeskd.model.mail import Address
from helpdeskd.model.people import Person
from helpdeskd.store import schema
from helpdeskd.store.engine import Store
from tests.desks import a_desk

NOON = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
THREE = Lockout(3, 5)
HOME = "192.0.2.7"
PASSWORD = "correct horse"


class House:
    """Ada logs in by `ada` and PASSWORD."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.now = NOON
        self.desk = a_desk()
        self.passwords = Passwords(memory_kib=64, passes=1, at_once=8)
        self.logins = Logins(store, lambda: self.desk, lambda: self.now, self.passwords)
        self.ada = self.write(people.customer, Address("Ada", "ada@example.org"))
        self.write(accounts.set_username, person=self.ada, username="Ada")
        self.password(PASSWORD)

    def write(self, act, *args, **more):
        return self.store.writer.run(lambda conn: act(conn, self.desk, self.now, *args, **more))

    def password(self, password: str) -> None:
        self.write(accounts.set_password, person=self.ada, password_hash=self.passwords.hash(password))

    def why(self, username: str = "ada", password: str = PASSWORD, address: str = HOME, code: str | None = None) -> Why:
        return self.logins.log_in(username, password, address, THREE, code=code).why


@pytest.fixture
def house(store: Store) -> House:
    return House(store)


def test_who_comes_in(house: House) -> None:
    assert house.why() is Why.IN
    assert house.why(username=" ADA ") is Why.IN
    assert house.why(username="Ada@Example.org") is Why.IN
    assert house.why(password=PASSWORD + "x") is Why.WRONG
    assert house.why(username="bob") is Why.UNKNOWN
    house.write(people.disable, person=house.ada)
    assert house.why(address="192.0.2.99") is Why.DISABLED


def test_failures_in_a_row_lock_an_address_and_time_opens_it(house: House) -> None:
    ended = [house.logins.log_in("ada", "wrong", HOME, THREE) for _ in range(4)]
    assert [(each.why, each.attempts) for each in ended] == [
        (Why.WRONG, 1),
        (Why.WRONG, 2),
        (Why.WRONG, 3),
        (Why.LOCKED, 3),
    ]
    assert house.why() is Why.LOCKED
    assert house.why(address="192.0.2.8") is Why.IN
    house.now += timedelta(minutes=4, seconds=59)
    assert house.why() is Why.LOCKED
    house.now += timedelta(seconds=1)  # a try while it is locked does not lock it for longer
    assert house.why() is Why.IN
    assert house.logins.log_in("ada", "wrong", HOME, THREE).attempts == 1  # success has cleared them


def test_an_account_is_locked_too_whatever_the_addresses(house: House) -> None:
    found = [house.why(password="wrong", address=f"192.0.2.{n}") for n in range(21)]
    assert found == [Why.WRONG] * 20 + [Why.LOCKED]


def test_guesses_at_once_get_no_further_than_one_after_the_other(house: House) -> None:
    with ThreadPoolExecutor(8) as pool:
        found = Counter(pool.map(lambda n: house.why(password=f"guess {n}"), range(16)))
    assert found == {Why.WRONG: 3, Why.LOCKED: 13}


def test_a_code_counts_once(house: House) -> None:
    seed = pyotp.random_base32()
    house.write(accounts.set_totp, person=house.ada, seed=seed)
    code = pyotp.TOTP(seed).at(int(NOON.timestamp()))
    assert house.why() is Why.CODE_MISSING
    assert house.why(code="000000") is Why.CODE_WRONG
    assert house.why(code="abc") is Why.CODE_WRONG
    with ThreadPoolExecutor(8) as pool:
        found = Counter(pool.map(lambda n: house.why(address=f"192.0.2.{n}", code=code), range(8)))
    assert found == {Why.IN: 1, Why.CODE_WRONG: 7}
    house.now += timedelta(seconds=30)
    assert house.why(address="198.51.100.1", code=code) is Why.CODE_WRONG  # a step early is allowed, but it was used
    later = pyotp.TOTP(seed).at(int(house.now.timestamp()))
    assert house.why(address="198.51.100.1", code=f"{later[:3]} {later[3:]}") is Why.IN


def test_what_was_proved_is_remembered_until_it_changes(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    assert house.logins.recall("ada", PASSWORD) is None
    assert house.logins.prove("ada", PASSWORD, HOME, THREE).why is Why.IN
    found = house.logins.recall("ada", PASSWORD)
    assert found is not None and found.id == house.ada.id
    assert house.logins.recall("ada", PASSWORD + "x") is None
    house.password("another one")
    assert house.logins.recall("ada", PASSWORD) is None
    assert house.logins.prove("ada", "another one", HOME, THREE).why is Why.IN
    house.write(people.disable, person=house.ada)
    assert house.logins.recall("ada", "another one") is None


def test_a_new_password_ends_keys_of_that_person(house: House) -> None:
    key = house.write(api_keys.create, dialect="jitbit", name="mine", token="t" * 30, person_id=house.ada.id)
    others = house.write(api_keys.create, dialect="helpdeskz", name="team", token="u" * 30, permissions=["users/read"])
    house.password("another one")
    assert not house.store.read(lambda conn: api_keys.get(conn, key.id)).is_good(house.now)
    assert house.store.read(lambda conn: api_keys.get(conn, others.id)).is_good(house.now)


def test_secrets_are_not_in_the_store_nor_in_what_is_shown(house: House) -> None:
    house.write(api_keys.create, dialect="jitbit", name="mine", token="secret-token-4711-abc", person_id=house.ada.id)
    rows = house.store.read(
        lambda conn: str([conn.execute(select(table)).all() for table in (schema.api_key, schema.login)])
    )
    assert "secret-token" not in rows
    assert PASSWORD not in rows
    assert "argon2id" in rows
    login = house.store.read(lambda conn: accounts.by_name(conn, "ada"))
    assert "argon2" not in repr(login)


def test_an_old_hash_is_made_anew_at_the_next_log_in(house: House) -> None:
    house.logins = Logins(house.store, lambda: house.desk, lambda: house.now, Passwords(memory_kib=128, passes=1))
    assert house.why() is Why.IN
    login = house.store.read(lambda conn: accounts.by_name(conn, "ada"))
    assert login is not None and "m=128" in login.password_hash
    assert house.why() is Why.IN


@pytest.mark.parametrize("password", ["", "short", "x" * 1025, "\ud800" * 9])
def test_what_is_no_password(password: str) -> None:
    with pytest.raises(Refused) as told:
        Passwords(memory_kib=64, passes=1).hash(password)
    assert told.value.reason == "bad-password"


def test_names_are_taken_once_whatever_the_case(house: House) -> None:
    bob: Person = house.write(people.customer, Address("Bob", "bob@example.org"))
    with pytest.raises(Refused, match="somebody else's"):
        house.write(accounts.set_username, person=bob, username="ADA")


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        ({"dialect": "otrs", "token": "t" * 30}, "no-such-dialect"),
        ({"dialect": "helpdeskz", "token": "t" * 30, "permissions": ["users/fly"]}, "no-such-permission"),
        ({"dialect": "jitbit", "token": "t" * 30}, "no-person"),
        ({"dialect": "helpdeskz", "token": "short"}, "short-token"),
        ({"dialect": "helpdeskz", "token": " " + "t" * 30}, "short-token"),
    ],
)
def test_keys_that_are_refused(house: House, given: dict, reason: str) -> None:
    with pytest.raises(Refused) as told:
        house.write(api_keys.create, name="x", **given)
    assert told.value.reason == reason
