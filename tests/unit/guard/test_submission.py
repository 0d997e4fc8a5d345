"""Who may submit mail: a table of names, passwords and keys, and that failures count with everybody else's."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import update

from helpdeskd.desk import accounts, api_keys, bearer, people
from helpdeskd.errors import Refused, Temporary
from helpdeskd.guard.login import Logins
from helpdeskd.guard.passwords import Passwords
from helpdeskd.guard.submission import LOCKOUT, LoggedIn, log_in
from helpdeskd.model.api import SUBMISSION
from helpdeskd.model.mail import Address
from helpdeskd.store import schema
from helpdeskd.store.engine import Store
from tests.desks import a_desk

NOON = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
HOME = "192.0.2.7"
PASSWORD = "correct horse"
TOKEN = "hd_" + "t" * 40


class House:
    """Ada is staff and Grace a customer; both have the same password."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.now = NOON
        self.desk = a_desk()
        passwords = Passwords(memory_kib=64, passes=1)
        self.logins = Logins(store, lambda: self.desk, lambda: self.now, passwords)
        self.ada, _ = self.write(people.add_staff, email="Ada@Staff.example", name="Ada", level=1)
        self.grace = self.write(people.customer, Address("Grace", "grace@client.example"))
        for person in (self.ada, self.grace):
            self.write(accounts.set_password, person=person, password_hash=passwords.hash(PASSWORD))

    def write(self, act, *args, **more):
        return self.store.writer.run(lambda conn: act(conn, self.desk, self.now, *args, **more))

    def key(self, person, token: str = TOKEN, dialect: str = SUBMISSION, **more) -> None:
        self.write(api_keys.create, dialect=dialect, name="", token=token, person_id=person.id, **more)

    def __call__(self, name: str = "ada@staff.example", password: str = PASSWORD, address: str = HOME) -> str | None:
        found = self.known(name, password, address)
        return None if found is None else found.address

    def known(self, name: str = "ada@staff.example", password: str = PASSWORD, address: str = HOME) -> LoggedIn | None:
        return log_in(self.logins, name, password, address)


@pytest.fixture
def house(store: Store) -> House:
    return House(store)


@pytest.mark.parametrize(
    ("name", "password", "who"),
    [
        ("ada@staff.example", PASSWORD, "ada@staff.example"),
        (" ADA@staff.EXAMPLE ", PASSWORD, "ada@staff.example"),
        ("ada@staff.example", "wrong horse", None),
        ("grace@client.example", PASSWORD, None),  # a customer
        ("nobody@staff.example", PASSWORD, None),
        ("", "", None),
        ("ada@staff.example", TOKEN, "ada@staff.example"),
        ("grace@client.example", TOKEN, None),  # another's key
        ("ada@staff.example", "hd_" + "j" * 40, None),  # a key for an API
        ("grace@client.example", "hd_" + "g" * 40, None),  # a customer's key
    ],
)
def test_who_may(house, name, password, who):
    house.key(house.ada)
    house.key(house.ada, "hd_" + "j" * 40, "jitbit")
    house.key(house.ada, "hd_" + "g" * 40)
    graces = update(schema.api_key).where(schema.api_key.c.token_sha256 == bearer.hashed("hd_" + "g" * 40))
    house.store.writer.run(lambda conn: conn.execute(graces.values(person_id=house.grace.id)))  # none is made so
    found = house(name, password)
    assert (found and found.lower()) == who


def test_a_person_with_codes_needs_a_key(house):
    house.write(accounts.set_totp, person=house.ada, seed="JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP")
    assert house() is None
    house.key(house.ada)
    assert house(password=TOKEN) == house.ada.email


def test_a_key_ends_with_its_days_its_person_and_their_password(house):
    house.key(house.ada, expires_at=NOON + timedelta(days=1))
    house.key(house.ada, TOKEN + "2", allow_ip=("192.0.2.0/24",))
    assert house(password=TOKEN + "2") == house.ada.email
    assert house(password=TOKEN + "2", address="198.51.100.1") is None
    house.now += timedelta(days=2)
    assert house(password=TOKEN) is None
    house.write(people.disable, person=house.ada)
    assert house(password=TOKEN + "2") is None
    assert house() is None


@pytest.mark.parametrize(
    ("what", "password", "key"),
    [
        ("nothing", True, True),
        ("another password", False, False),  # keys end with it, too
        ("one-time codes", False, True),
        ("disabled", False, False),
        ("another address", False, False),
        ("the key revoked", True, False),
        ("the key's last day", True, False),
    ],
)
def test_a_log_in_holds_as_long_as_it_would_let_in(house, what, password, key):
    house.key(house.ada, expires_at=NOON + timedelta(days=1))
    first, again, by_key = house.known(), house.known(), house.known(password=TOKEN)
    if what == "another password":
        house.write(accounts.set_password, person=house.ada, password_hash="another")
    elif what == "one-time codes":
        house.write(accounts.set_totp, person=house.ada, seed="JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP")
    elif what == "disabled":
        house.write(people.disable, person=house.ada)
    elif what == "another address":
        house.store.writer.run(lambda conn: people.change(conn, house.ada, email="ada@elsewhere.example"))
    elif what == "the key revoked":
        house.write(api_keys.revoke, key_id=1)
    elif what == "the key's last day":
        house.now += timedelta(days=1)
    assert [each.holds() for each in (first, again, by_key)] == [password, password, key]


def test_failures_close_the_address_as_at_the_apis(house):
    for _ in range(LOCKOUT.attempts):
        assert house(password="wrong horse") is None
    with pytest.raises(Temporary):
        house()
    assert house.logins.log_in("ada@staff.example", PASSWORD, HOME, LOCKOUT).why == "locked"
    with pytest.raises(Temporary):
        house("nobody@staff.example")  # the address is closed, whoever is named
    assert house(address="192.0.2.8") == house.ada.email
    house.now += timedelta(minutes=LOCKOUT.minutes)
    assert house() == house.ada.email


def test_keys_of_submission_belong_to_a_member_of_staff(house):
    with pytest.raises(Refused, match="which of staff"):
        house.key(house.grace)
    with pytest.raises(Refused, match="rights of a person"):
        house.write(api_keys.create, dialect=SUBMISSION, name="", token=TOKEN)
