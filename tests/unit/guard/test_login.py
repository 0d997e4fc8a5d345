"""Log-ins: what counts, what is remembered, and that guesses are counted before they are looked at."""

from __future__ import annotations

import base64
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import UTC, datetime, timedelta

import pyotp
import pytest
from sqlalchemy import insert, select

from helpdeskd.desk import accounts, api_keys, customers, people, removal
from helpdeskd.desk.accounts import Lockout
from helpdeskd.errors import Refused
from helpdeskd.guard import headers
from helpdeskd.guard.login import Logins, Why
from helpdeskd.guard.passwords import Passwords
from helpdeskd.model.mail import Address
from helpdeskd.model.people import Person
from helpdeskd.store import schema
from helpdeskd.store.engine import Store, open_store
from tests.desks import a_desk

NOON = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
THREE = Lockout(3, 5)
HOME = "192.0.2.7"
PASSWORD = "correct horse"
SEED = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"


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

    def prove(self, password: str = PASSWORD) -> Why:
        return self.logins.prove("ada", password, HOME, THREE).why

    def recall(self, password: str = PASSWORD, address: str = HOME) -> Person | None:
        return self.logins.recall("ada", password, address, THREE)

    def failures(self) -> dict[tuple[str, str], int]:
        there = schema.login_failure.c
        rows = self.store.read(lambda conn: conn.execute(select(there.kind, there.key, there.count)).all())
        return {(kind, key): count for kind, key, count in rows}


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


def test_what_was_proved_is_remembered_until_it_changes(house: House) -> None:
    assert house.recall() is None
    assert house.prove() is Why.IN
    found = house.recall()
    assert found is not None and found.id == house.ada.id
    assert house.recall(PASSWORD + "x") is None
    assert house.recall(address="192.0.2.8") is None  # where nobody has proved it
    house.password("another one")
    assert house.recall() is None
    assert house.prove("another one") is Why.IN
    house.write(people.disable, person=house.ada)
    assert house.recall("another one") is None


def test_switching_codes_ends_what_is_remembered_and_sessions(house: House) -> None:
    assert house.prove() is Why.IN
    for seed in (SEED, ""):
        session(house)
        house.write(accounts.set_totp, person=house.ada, seed=seed)
        assert house.store.read(lambda conn: conn.execute(select(schema.session)).all()) == []
        assert house.recall() is None
    assert house.prove() is Why.IN


def session(house: House) -> None:
    row = {"token_sha256": "x", "person_id": house.ada.id, "csrf": "y"}
    when = {"created_at": NOON, "seen_at": NOON, "expires_at": NOON + timedelta(days=1)}
    house.store.writer.run(lambda conn: conn.execute(insert(schema.session), row | when))


@pytest.mark.parametrize("change", ["password", "codes", "disabled"])
def test_what_changes_during_a_log_in_is_not_gone_by(
    house: House, monkeypatch: pytest.MonkeyPatch, change: str
) -> None:
    verify = house.passwords.verify
    acts = {
        "password": lambda: house.password("another one"),
        "codes": lambda: house.write(accounts.set_totp, person=house.ada, seed=SEED),
        "disabled": lambda: house.write(people.disable, person=house.ada),
    }

    def changed_under_way(password_hash: str, password: str, *, like: str = "") -> bool:
        found = verify(password_hash, password, like=like)
        acts.pop(change, lambda: None)()
        return found

    monkeypatch.setattr(house.passwords, "verify", changed_under_way)
    ended = house.prove()
    assert ended is {"password": Why.WRONG, "codes": Why.CODE_MISSING, "disabled": Why.DISABLED}[change]
    assert house.recall() is None


def test_a_change_on_another_node_counts_at_once(store_url: str) -> None:
    with closing(open_store(store_url)) as here, closing(open_store(store_url)) as there:
        house = House(here)
        assert house.prove() is Why.IN
        house.store = there
        house.password("another one")
        assert house.recall() is None


def test_from_a_locked_address_nothing_is_recalled_either(house: House) -> None:
    """Or who guesses there would learn that a guess was right."""
    assert house.prove() is Why.IN
    assert [house.prove(f"wrong {n}") for n in range(3)] == [Why.WRONG] * 3
    assert house.recall() is None
    assert house.prove() is Why.LOCKED
    house.now += timedelta(minutes=5)
    assert house.recall() is not None


def test_right_log_ins_at_once_lock_nobody_out(house: House) -> None:
    with ThreadPoolExecutor(16) as pool:
        assert Counter(pool.map(lambda n: house.why(), range(24))) == {Why.IN: 24}
        assert Counter(pool.map(lambda n: house.prove(), range(8))) == {Why.IN: 8}
        house.logins = Logins(house.store, lambda: house.desk, lambda: house.now, Passwords(memory_kib=128, passes=1))
        assert Counter(pool.map(lambda n: house.why(), range(8))) == {Why.IN: 8}  # though the hash is made anew
        house.write(accounts.set_totp, person=house.ada, seed=SEED)
        assert Counter(pool.map(lambda n: house.why(), range(8))) == {Why.CODE_MISSING: 8}
    assert house.why(password="wrong") is Why.WRONG
    assert house.failures() == {("address", HOME): 1, ("account", f"#{house.ada.id}"): 1}


def test_right_and_wrong_at_once(house: House) -> None:
    """Guesses fill the row up at any moment; nobody waits for ever, and what was counted is what failed."""
    with ThreadPoolExecutor(16) as pool:
        found = Counter(pool.map(lambda n: house.why(password=PASSWORD if n % 2 else f"guess {n}"), range(24)))
    assert set(found) <= {Why.IN, Why.WRONG, Why.LOCKED}
    assert found.total() == 24
    assert house.logins._turns._lines == {}


def test_only_a_whole_log_in_forgets_failures(house: House) -> None:
    house.write(accounts.set_totp, person=house.ada, seed=SEED)
    assert house.why(password="wrong") is Why.WRONG
    for _ in range(5):
        assert house.why() is Why.CODE_MISSING  # no failure, and no success
    assert house.why(code="000000") is Why.CODE_WRONG
    ada = f"#{house.ada.id}"
    assert house.failures() == {("address", HOME): 2, ("account", ada): 2, ("code", ada): 1}
    assert house.logins.log_in("ada", "wrong", HOME, THREE).attempts == 3
    locked = house.logins.log_in("ada", PASSWORD, HOME, THREE, code=pyotp.TOTP(SEED).at(int(NOON.timestamp())))
    assert (locked.why, locked.seconds) == (Why.LOCKED, 300)
    house.now += timedelta(minutes=4, milliseconds=1)
    assert house.logins.log_in("ada", PASSWORD, HOME, THREE).seconds == 60
    house.now += timedelta(minutes=1)
    assert house.why(code=pyotp.TOTP(SEED).at(int(house.now.timestamp()))) is Why.IN
    assert house.failures() == {}


@pytest.mark.parametrize(
    "spellings",
    [
        ("192.0.2.7", "::ffff:192.0.2.7", "::FFFF:c000:0207", "64:ff9b::192.0.2.7", " 192.0.2.7"),
        ("2001:db8::1", "2001:DB8:0:0::2", "2001:db8::ffff:0:0:1", "[2001:db8::9]", "2001:db8::1%eth0"),
    ],
)
def test_another_spelling_opens_no_lock(house: House, spellings: tuple[str, ...]) -> None:
    found = [house.why(password="wrong", address=each) for each in spellings]
    assert found == [Why.WRONG] * 3 + [Why.LOCKED] * 2
    assert house.why(address="2001:db8:0:1::1") is Why.IN


def test_another_name_of_the_same_account_opens_no_lock(house: House) -> None:
    names = ["ada", " ADA ", "ada@example.org", "Ada@Example.org "] * 6
    found = [house.why(name, "wrong", address=f"192.0.2.{n}") for n, name in enumerate(names)]
    assert found == [Why.WRONG] * 20 + [Why.LOCKED] * 4
    # Names of nobody are locked just so: a lock tells nobody which names there are.
    found = [house.why("bob", "wrong", address=f"198.51.100.{n}") for n in range(21)]
    assert found == [Why.UNKNOWN] * 20 + [Why.LOCKED]
    assert ("address", "198.51.100.20") not in house.failures()  # whose account it is has not failed


HOSTILE = ["", "\0", "a\0b", "\ud800", "x" * (1 << 20), "\u202e", "a\nda", "' or 1=1 --", "İ" * 320]


def test_whatever_stands_in_a_name_or_a_password(house: House) -> None:
    for n, text in enumerate(HOSTILE):
        address = f"192.0.2.{n}"
        assert house.logins.prove(text, text, address, THREE).why is Why.UNKNOWN
        assert house.why(password=text, address=address) is Why.WRONG
        assert house.why(address=text + "?") is Why.IN
        with pytest.raises(Refused):
            house.logins.by_bearer("jitbit", f"Bearer {text}", address)


def basic(text: str | bytes) -> str:
    return "Basic " + base64.b64encode(text.encode() if isinstance(text, str) else text).decode()


@pytest.mark.parametrize(
    ("header", "found"),
    [
        (basic("ada:correct horse"), ("ada", "correct horse")),
        (basic("ada:").replace("Basic", "bASIC  "), ("ada", "")),
        (basic("ada:a:b").rstrip("="), ("ada", "a:b")),
        (basic("ädä:größe"), ("ädä", "größe")),
        (basic("ädä:größe".encode("latin-1")), ("ädä", "größe")),
        (basic("DOMAIN\\ada:x"), ("DOMAIN\\ada", "x")),
        (basic("ada"), None),
        ("", None),
        ("Basic", None),
        ("Basic ", None),
        ("Basic ====", None),
        ("Basic !!!", None),
        ("Basic YWRhOmE=YWRhOmE=", None),
        ("Basic \xe4\xf6", None),
        ("Bearer YWRhOmE=", None),
        ("Basic " + "A" * (1 << 20), None),
    ],
)
def test_what_a_header_says(header: str, found: tuple[str, str] | None) -> None:
    assert headers.basic(header) == found


def test_a_header_that_cannot_be_read_is_not_counted(house: House) -> None:
    for _ in range(5):
        assert house.logins.by_basic("Basic !!!", HOME, THREE).why is Why.UNKNOWN
    assert house.failures() == {}
    assert house.logins.recall_basic("Basic !!!", HOME, THREE) is None
    given = basic(f"ada:{PASSWORD}")
    assert house.logins.recall_basic(given, HOME, THREE) is None
    assert house.logins.by_basic(given, HOME, THREE).why is Why.IN
    assert house.logins.recall_basic(given, HOME, THREE) is not None


def test_a_key_in_the_name_of_a_person_ends_with_them(house: House) -> None:
    def opens(dialect: str = "jitbit", token: str = "t" * 30, address: str = HOME) -> bool:
        try:
            key, person = house.logins.by_bearer(dialect, f"Bearer {token}", address)
        except Refused as error:
            assert error.reason in {"no-credential", "address"}
            return False
        assert (key.dialect, person and person.id) == (dialect, house.ada.id)
        return True

    house.write(api_keys.create, dialect="jitbit", name="", token="t" * 30, person_id=house.ada.id, allow_ip=[HOME])
    house.write(api_keys.create, dialect="helpdeskz", name="", token="u" * 30, person_id=house.ada.id)
    assert opens()
    assert not opens(address="192.0.2.8")
    assert not opens(token="")
    assert not opens(dialect="helpdeskz")
    assert opens("helpdeskz", "u" * 30)
    gone = house.write(people.disable, person=house.ada)
    assert not opens()
    assert not opens("helpdeskz", "u" * 30)
    house.write(people.enable, person=gone)
    assert opens()
    house.password("another one")
    assert not opens()
    house.write(api_keys.create, dialect="jitbit", name="", token="v" * 30, person_id=house.ada.id)
    assert opens(token="v" * 30)
    ada = house.store.read(lambda conn: customers.find(conn, "ada@example.org"))
    assert ada is not None
    removal.customer(house.store, house.desk, lambda: house.now, customer=ada)
    assert not opens(token="v" * 30)


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
