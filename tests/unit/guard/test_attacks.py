"""What is tried against accounts, an attack for each: guesses, names of nobody, codes and links used twice or at once, what should have ended."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import Any

import pyotp
import pytest
from argon2 import PasswordHasher
from sqlalchemy import delete, event, func, insert, select

from helpdeskd import config
from helpdeskd.desk import accounts, customers, departments, forgotten, links, people, people_merge, recovery, removal
from helpdeskd.desk.links import Purpose
from helpdeskd.errors import Refused
from helpdeskd.guard import hashes, totp
from helpdeskd.guard.login import Why
from helpdeskd.model.mail import Address
from helpdeskd.model.people import Person
from helpdeskd.store import schema
from helpdeskd.store.engine import Store
from tests.unit.guard.test_login import HOME, NOON, PASSWORD, SEED, THREE, House, session

BCRYPT = "$2y$10$abcdefghijklmnopqrstuu5UspA91xVAqCGd7vN2QLnu4RsUDZFau"  # of sechrät


@pytest.fixture
def house(store: Store) -> House:
    return House(store)


@pytest.fixture
def alone(sqlite_store: Store) -> House:
    """Where the database does not matter."""
    return House(sqlite_store)


def another(house: House, name: str, password: str = PASSWORD) -> Person:
    person: Person = house.write(people.customer, Address(name, f"{name.lower()}@example.org"))
    house.write(accounts.set_password, person=person, password_hash=house.passwords.hash(password))
    return person


# Guesses


def test_a_list_of_stolen_passwords_gets_three_tries_from_an_address(alone: House) -> None:
    others = [another(alone, name) for name in ("Bob", "Carol", "Dan", "Eve")]
    stolen = [(each.email, "what they have elsewhere") for each in others] + [(others[3].email, PASSWORD)]
    found = [alone.why(name, password) for name, password in stolen]
    assert found == [Why.WRONG] * 3 + [Why.LOCKED] * 2
    assert alone.why(others[3].email, address="192.0.2.8") is Why.IN  # whose account it is has lost nothing


# Whom there is


def work_of(house: House, monkeypatch: pytest.MonkeyPatch, name: str, address: str) -> list[str]:
    """The hashes that a wrong password costs, in order."""
    done: list[str] = []
    make, verify = hashes.make, PasswordHasher.verify

    def made(kind: str, how: str, password: bytes) -> str | None:
        done.append(f"{kind} {how[:7]}")
        return make(kind, how, password)

    def verified(self: PasswordHasher, known: str, password: Any) -> bool:
        done.append("argon2id")
        return verify(self, known, password)

    with monkeypatch.context() as patch:
        patch.setattr(hashes, "make", made)
        patch.setattr(PasswordHasher, "verify", verified)
        assert house.why(name, "a wrong password", address) in {Why.WRONG, Why.UNKNOWN}
    return done


@pytest.mark.parametrize(
    ("old", "work"),
    [
        ("", ["argon2id"]),
        (BCRYPT, ["bcrypt $2y$10$"]),
        ("5f4dcc3b5aa765d61d8327deb882cf99", ["md5 ", "argon2id"]),
    ],
)
def test_a_name_of_nobody_costs_what_a_name_of_somebody_does(
    alone: House, monkeypatch: pytest.MonkeyPatch, old: str, work: list[str]
) -> None:
    bob, gone = another(alone, "Bob"), another(alone, "Gone")
    alone.write(people.customer, Address("Carol", "carol@example.org"))  # who has no password
    for person in (alone.ada, bob, gone):
        if old:
            alone.write(accounts.set_password, person=person, password_hash=alone.passwords.take(old))
    alone.write(people.disable, person=gone)
    names = ("ada", "bob@example.org", "gone@example.org", "carol@example.org", "nobody", "no\0body", "x" * 999)
    for n, name in enumerate(names):
        assert work_of(alone, monkeypatch, name, f"192.0.2.{n}") == work, name


def test_one_name_of_nobody_costs_the_same_each_time(alone: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """While some hashes are old and some are ours, as for those who have one."""
    alone.write(accounts.set_password, person=another(alone, "Bob"), password_hash=alone.passwords.take(BCRYPT))
    names = [f"nobody{n}" for n in range(12)]
    first, second = (
        [work_of(alone, monkeypatch, name, f"192.0.2.{n}") for n, name in enumerate(names)] for _ in range(2)
    )
    assert first == second
    assert {len(each) for each in first} == {1}
    assert len({tuple(each) for each in first}) == 2


@pytest.mark.parametrize("name", ["\uff41da", "\u0430da", "ada\u200b", "ada\u00ad", "\u1d43da", "ada\0", "ADA\u0301"])
def test_a_name_that_looks_like_another_is_another(alone: House, name: str) -> None:
    assert alone.why(name) is Why.UNKNOWN


def test_names_that_fold_to_one_are_one_persons(alone: House) -> None:
    bob = another(alone, "Bob")
    for taken in ("ADA", " ada ", "Ada"):
        with pytest.raises(Refused) as told:
            alone.write(accounts.set_username, person=bob, username=taken)
        assert told.value.reason == "username-taken"


def test_an_address_is_its_owners_whoever_has_one_that_folds_to_it(house: House) -> None:
    """ß is folded to ss in user names; in addresses it is another letter."""
    for evil, good in (("ceo@stra\u00dfe.example", "ceo@strasse.example"), ("bo\u017fs@a.example", "boss@a.example")):
        them, owner = (house.write(people.customer, Address("X", email)) for email in (evil, good))
        house.write(accounts.set_password, person=them, password_hash=house.passwords.hash("of the other"))
        assert house.why(good, "of the other") is Why.WRONG
        house.write(accounts.set_password, person=owner, password_hash=house.passwords.hash(PASSWORD))
        assert house.why(good) is Why.IN
        assert house.why(evil) is Why.WRONG
        assert house.why(evil, "of the other", "192.0.2.8") is Why.IN


def test_an_address_is_its_owners_though_it_is_somebodys_user_name(alone: House) -> None:
    bob = another(alone, "Bob")
    alone.write(accounts.set_username, person=bob, username="ADA@example.org")
    ended = alone.logins.log_in("ada@example.org", PASSWORD, HOME, THREE)
    assert ended.person is not None and ended.person.id == alone.ada.id
    alone.write(accounts.set_username, person=alone.ada, username="bob")  # without an @ the user name counts
    ended = alone.logins.log_in("bob", PASSWORD, HOME, THREE)
    assert ended.person is not None and ended.person.id == alone.ada.id


def test_a_name_of_nobody_asks_the_database_as_much_as_somebodys(house: House) -> None:
    bob = another(house, "Bob")
    house.write(accounts.set_username, person=bob, username="bob")
    house.write(people.customer, Address("Carol", "carol@example.org"))  # who has no password
    house.write(people.disable, person=another(house, "Gone"))
    names = ("ada", "bob@example.org", "carol@example.org", "gone@example.org", "nobody", "a@b.example", "", "x" * 999)
    for staff in (False, True):
        asked = [
            statements(
                house,
                partial(house.logins.log_in, name, "wrong", f"192.0.{2 + staff}.{n}", THREE, staff=staff),
            )
            for n, name in enumerate(names)
        ]
        assert [each for each in asked if each != asked[0]] == []


def statements(house: House, act: Callable[[], object]) -> list[str]:
    """What the database is asked, without the names of savepoints."""
    seen: list[str] = []

    def note(_conn: object, _cursor: object, statement: str, *_: object) -> None:
        seen.append(re.sub(r"^(RELEASE|ROLLBACK TO)? ?SAVEPOINT \w+", "SAVEPOINT", statement))

    event.listen(house.store.engine, "before_cursor_execute", note)
    try:
        act()
    finally:
        event.remove(house.store.engine, "before_cursor_execute", note)
    return seen


# One-time codes


def wrong_codes(house: House, times: int) -> None:
    """So many were wrong, the last of them now."""
    there = schema.login_failure
    values = {"kind": "code", "key": f"#{house.ada.id}", "count": times, "last_at": house.now}
    house.store.writer.run(lambda conn: conn.execute(delete(there).where(there.c.kind == "code")))
    house.store.writer.run(lambda conn: conn.execute(insert(there).values(values)))


def test_a_hundred_wrong_codes_close_the_codes(alone: House) -> None:
    """However slowly they come and from wherever."""
    codes(alone)
    wrong_codes(alone, 90)
    alone.now += timedelta(hours=23)
    found = {alone.why(address=f"192.0.2.{n}", code="000000") for n in range(10)}
    assert found == {Why.CODE_WRONG}
    assert alone.failures()["code", f"#{alone.ada.id}"] == 100
    assert alone.why(address="198.51.100.1", code=right(alone)) is Why.CODE_WRONG
    assert alone.why(address="198.51.100.1") is Why.CODE_MISSING


def right(house: House) -> str:
    return pyotp.TOTP(SEED).at(int(house.now.timestamp()))


@pytest.mark.parametrize("opens", ["a day", "a recovery code", "totp on", "nothing", "the last try"])
def test_what_opens_the_codes_again(alone: House, opens: str) -> None:
    first, *_ = codes(alone)
    wrong_codes(alone, 99 if opens == "the last try" else 100)
    alone.now += timedelta(hours=24, seconds=0 if opens == "a day" else -1)
    alone.store.writer.run(lambda conn: accounts.purge(conn, alone.now))
    if opens == "a recovery code":
        assert alone.why(code=first) is Why.IN
        alone.now += timedelta(minutes=1)
    elif opens == "totp on":
        alone.write(accounts.set_totp, person=alone.ada, seed=SEED)
    elif opens == "nothing":
        assert alone.why(code=right(alone)) is Why.CODE_WRONG
        return
    assert alone.why(code=right(alone)) is Why.IN
    assert ("code", f"#{alone.ada.id}") not in alone.failures()  # a log-in forgets them


def test_codes_at_once_are_counted_before_they_are_looked_at(alone: House) -> None:
    codes(alone)
    wrong_codes(alone, 98)
    looked_at: list[str] = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(totp, "step_of", lambda _seed, code, _now: looked_at.append(code))
        with ThreadPoolExecutor(8) as pool:
            came = list(pool.map(lambda n: alone.why(address=f"192.0.2.{n}", code=f"{n:06}"), range(8)))
    assert came == [Why.CODE_WRONG] * 8
    assert len(looked_at) == 2


# Recovery codes


def codes(house: House, person: Person | None = None) -> tuple[str, ...]:
    given = person or house.ada
    house.write(accounts.set_totp, person=given, seed=SEED)
    made: tuple[str, ...] = house.write(recovery.renew, person=given)
    return made


def test_a_recovery_code_lets_in_once(house: House) -> None:
    first, second, third, *others = codes(house)
    assert len({first, second, third, *others}) == 10
    assert house.why(code=first) is Why.IN
    assert house.why(code=first) is Why.CODE_WRONG
    assert house.why(code=f" {second.upper().replace('-', ' ')} ") is Why.IN
    assert house.why(code=third.replace("0", "O").replace("1", "l")) is Why.IN
    assert house.store.read(lambda conn: recovery.left(conn, house.ada.id)) == 7
    assert house.why(code=pyotp.TOTP(SEED).at(int(NOON.timestamp()))) is Why.IN  # the authenticator goes on working
    for code in others:
        assert house.why(password="wrong", address="192.0.2.8", code=code) in {Why.WRONG, Why.LOCKED}
    assert house.store.read(lambda conn: recovery.left(conn, house.ada.id)) == 7


def test_of_two_log_ins_at_once_with_one_code_one_comes_in(house: House) -> None:
    for code in codes(house)[:2]:
        with ThreadPoolExecutor(8) as pool:
            came = pool.map(lambda n, code=code: house.why(address=f"192.0.2.{n}", code=code), range(8))
        assert Counter(came) == {Why.IN: 1, Why.CODE_WRONG: 7}
    assert house.store.read(lambda conn: recovery.left(conn, house.ada.id)) == 8


def test_a_code_is_not_lost_where_the_log_in_was_none(alone: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """The password is changed while the log-in is under way: what was typed is judged anew, and the code stays."""
    code = codes(alone)[0]
    verify = alone.passwords.verify
    acts = [lambda: alone.password("another one")]

    def changed(password_hash: str, password: str, *, like: str = "") -> bool:
        found = verify(password_hash, password, like=like)
        if acts:
            acts.pop()()
        return found

    monkeypatch.setattr(alone.passwords, "verify", changed)
    assert alone.why(code=code) is Why.WRONG
    assert alone.why(password="another one", code=code) is Why.IN


def test_wrong_recovery_codes_are_failures(alone: House) -> None:
    codes(alone)
    found = [alone.why(code=f"0000-0000-000{n}") for n in range(5)]
    assert found == [Why.CODE_WRONG] * 3 + [Why.LOCKED] * 2


@pytest.mark.parametrize("end", ["renewed", "off", "on again", "removed", "another's", "no codes asked"])
def test_recovery_codes_end(alone: House, end: str) -> None:
    bob = another(alone, "Bob")
    code = codes(alone)[0]
    if end == "renewed":
        alone.write(recovery.renew, person=alone.ada)
    elif end == "on again":
        alone.write(accounts.set_totp, person=alone.ada, seed=SEED)
    elif end == "off":
        alone.write(accounts.set_totp, person=alone.ada, seed="")
        with pytest.raises(Refused) as told:
            alone.write(recovery.renew, person=alone.ada)
        assert told.value.reason == "no-totp"
        alone.write(accounts.set_totp, person=alone.ada, seed=SEED)
    elif end == "removed":
        there = schema.recovery_code
        removal.person(alone.store, alone.desk, lambda: NOON, person=alone.ada, actor=None)
        assert alone.store.read(lambda conn: conn.execute(select(func.count()).select_from(there)).scalar_one()) == 0
        return
    elif end == "another's":
        codes(alone, bob)
        assert alone.why("bob@example.org", code=code) is Why.CODE_WRONG
        return
    else:
        alone.write(accounts.set_totp, person=alone.ada, seed="")
        assert alone.why(password="wrong", code=code) is Why.WRONG
        return
    assert alone.why(code=code) is Why.CODE_WRONG


def test_of_a_recovery_code_its_hash_alone_is_kept(alone: House) -> None:
    made = codes(alone)
    kept = alone.store.read(lambda conn: str(conn.execute(select(schema.recovery_code)).all()))
    assert not [code for code in made if code in kept or code.replace("-", "") in kept]
    assert all(len(code.replace("-", "")) * 5 >= 50 for code in made)


# Links


def link(house: House, purpose: Purpose = Purpose.RESET) -> str:
    token: str = house.write(links.make, house.ada, purpose)
    return token


def sets(house: House, token: str, password: str = "by the link") -> bool:
    try:
        house.logins.set_by_link(token, password)
    except Refused as error:
        assert error.reason == "bad-link"
        return False
    return True


def test_a_link_sets_one_password_however_many_come_at_once(house: House) -> None:
    token = link(house)
    with ThreadPoolExecutor(8) as pool:
        done = list(pool.map(lambda n: sets(house, token, f"password {n}"), range(8)))
    assert done.count(True) == 1
    assert house.why(password=f"password {done.index(True)}") is Why.IN
    assert not sets(house, token)


@pytest.mark.parametrize("purpose", [*Purpose])
def test_a_link_ends_with_its_time(alone: House, purpose: Purpose) -> None:
    assert {each: life.total_seconds() / 3600 for each, life in links.LIFE.items()} == {
        Purpose.INVITATION: 168,
        Purpose.RESET: 4,
    }
    early, late = link(alone, purpose), NOON + links.LIFE[purpose]
    alone.now = late - timedelta(seconds=1)
    assert alone.store.read(lambda conn: links.of(conn, alone.now, early)).id == alone.ada.id
    alone.now = late
    assert not sets(alone, early)
    alone.store.writer.run(lambda conn: accounts.purge(conn, late + timedelta(days=1, seconds=1)))
    assert alone.store.read(lambda conn: conn.execute(select(schema.person_token)).all()) == []


def remove(house: House) -> None:
    removal.person(house.store, house.desk, lambda: house.now, person=house.ada, actor=None)


def merge(house: House) -> None:
    house.write(people_merge.merge, person=house.ada, into=another(house, "Bob"), actor=None)


def move(house: House) -> None:
    house.write(lambda conn, _desk, now: customers.move(conn, now, house.ada, "ada@elsewhere.example"))


def disable_and_enable(house: House) -> None:
    house.write(people.enable, person=house.write(people.disable, person=house.ada))


ENDS: dict[str, Callable[[House], object]] = {
    "another password": lambda house: house.password("another one"),
    "disabled": lambda house: house.write(people.disable, person=house.ada),
    "disabled and enabled": disable_and_enable,
    "removed": remove,
    "merged": merge,
}


@pytest.mark.parametrize("end", [*ENDS, "a newer one", "another address", "the other purpose's password"])
def test_what_makes_a_link_void(house: House, end: str) -> None:
    token, invitation = link(house), link(house, Purpose.INVITATION)
    if end == "a newer one":
        link(house)
        assert not sets(house, token)
        assert sets(house, invitation)  # which was for something else
        return
    if end == "the other purpose's password":
        assert sets(house, invitation)
    elif end == "another address":
        move(house)
    else:
        ENDS[end](house)
    assert not sets(house, token)
    assert not sets(house, invitation)


@pytest.mark.parametrize(
    "change", [lambda t: t[:-1], lambda t: t + "A", str.swapcase, lambda _: "", lambda t: t + "\0", lambda t: f" {t}"]
)
def test_a_guess_opens_nothing_and_costs_no_hash(
    alone: House, monkeypatch: pytest.MonkeyPatch, change: Callable[[str], str]
) -> None:
    token = link(alone)
    assert len(token) >= 43  # 256 bits

    def hashed(_password: str) -> str:
        raise AssertionError

    with monkeypatch.context() as patch:
        patch.setattr(alone.passwords, "hash", hashed)
        assert not sets(alone, change(token))
    assert sets(alone, token)


# A forgotten password


def mails(house: House) -> list[str]:
    there = schema.outbox.c
    return [*house.store.read(lambda conn: conn.execute(select(there.recipient).order_by(there.id)).scalars().all())]


def test_a_link_is_sent_to_the_address_that_we_know_and_seldom(house: House) -> None:
    house.desk = replace(house.desk, settings=config.Desk(name="Desk", public_url="https://desk.example"))
    house.write(departments.add, name="Support", addresses=("support@desk.example",))
    bob = another(house, "Bob")
    house.write(people.disable, person=bob)
    for email in (
        "ADA@example.org ",
        "bob@example.org",
        "nobody@example.org",
        "",
        "\0",
        "x" * 10_000,
        "ada@example.org\nbcc: eve@evil.example",
        "ada@example.org,eve@evil.example",
        "\u0430da@example.org",  # a Cyrillic letter
    ):
        house.write(forgotten.ask, email=email)
    assert mails(house) == ["ada@example.org"]
    for _ in range(5):
        house.write(forgotten.ask, email="ada@example.org")
    assert mails(house) == ["ada@example.org"] * 3
    # Names of nobody are counted just so: they cost the same.
    for _ in range(5):
        house.write(forgotten.ask, email="nobody@example.org")
    counted = {count for (kind, _), count in house.failures().items() if kind == "reset"}
    assert counted == {1, 3}
    assert house.why() is Why.IN  # it locks nobody's log-in, and forgets nothing of one
    house.now += timedelta(hours=1)
    house.write(forgotten.ask, email="ada@example.org")
    assert len(mails(house)) == 4


def test_asking_for_nobody_asks_the_database_as_much_as_for_somebody(house: House) -> None:
    house.desk = replace(house.desk, settings=config.Desk(name="Desk", public_url="https://desk.example"))
    house.write(departments.add, name="Support", addresses=("support@desk.example",))
    gone = house.write(people.disable, person=another(house, "Gone"))
    kept = link(house)
    heard: list[object] = []
    house.desk = replace(house.desk, hear=heard.append)
    for times in range(1, 5):  # the fourth is one too many
        asked = [
            statements(house, partial(house.write, forgotten.ask, email=email))
            for email in ("ada@example.org", "nobody@example.org", gone.email, "x" * 999)
        ]
        assert [each for each in asked if each != asked[0]] == []
        assert mails(house) == ["ada@example.org"] * min(times, 3)
        assert len(heard) == min(times, 3)
    assert not sets(house, kept)


def test_asking_for_nobody_leaves_nothing(alone: House) -> None:
    alone.desk = replace(alone.desk, settings=config.Desk(name="Desk", public_url="https://desk.example"))
    alone.write(departments.add, name="Support", addresses=("support@desk.example",))
    kept = link(alone)
    alone.write(forgotten.ask, email="nobody@example.org")
    assert mails(alone) == []
    assert alone.store.read(lambda conn: len(conn.execute(select(schema.person_token)).all())) == 1
    assert sets(alone, kept)  # another's link is as good as before


# What ends


@pytest.mark.parametrize("end", [*ENDS, "codes on", "codes off", "a link's password"])
def test_sessions_and_what_is_remembered_end(house: House, end: str) -> None:
    assert house.prove() is Why.IN
    session(house)
    if end.startswith("codes"):
        house.write(accounts.set_totp, person=house.ada, seed=SEED if end == "codes on" else "")
    elif end == "a link's password":
        assert sets(house, link(house))
    else:
        ENDS[end](house)
    assert house.store.read(lambda conn: conn.execute(select(schema.session)).all()) == []
    if end not in {"codes off", "disabled and enabled"}:  # after these the password is what it was
        assert house.recall() is None


def test_a_lock_says_the_same_of_everybody(alone: House) -> None:
    for n in range(21):
        alone.why("ada", "wrong", f"192.0.2.{n}")
        alone.why("nobody", "wrong", f"198.51.100.{n}")
    ended = [alone.logins.log_in(name, "wrong", HOME, THREE) for name in ("ada", "nobody")]
    assert ended[0] == ended[1]
    assert ended[0].why is Why.LOCKED
