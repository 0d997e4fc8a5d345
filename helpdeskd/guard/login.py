"""A log-in by name and password, from the first count of the attempt to its end. Blocks: call it in a thread."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import TypeVar

from sqlalchemy import Connection

from helpdeskd.desk import accounts, people
from helpdeskd.desk.accounts import Kind, Lockout
from helpdeskd.desk.context import Desk
from helpdeskd.guard import passwords, totp
from helpdeskd.guard.credentials import Credentials
from helpdeskd.guard.passwords import Passwords
from helpdeskd.model.clock import Clock
from helpdeskd.model.people import Person, PersonKind
from helpdeskd.store.engine import Store

T = TypeVar("T")

ACCOUNT_LOCKOUT = Lockout(attempts=20, minutes=15)  # wide: a narrow one would let anybody lock anybody out


class Why(StrEnum):
    """How a log-in ended."""

    IN = "in"
    LOCKED = "locked"  # too many failures from this address, or for this account
    UNKNOWN = "unknown"  # there is nobody of that name
    WRONG = "wrong"  # password
    DISABLED = "disabled"
    CODE_MISSING = "code-missing"
    CODE_WRONG = "code-wrong"


@dataclass(frozen=True, slots=True)
class Ended:
    """`person` where it is known whose log-in it was, and the password was right. `attempts` in a row from this address."""

    why: Why
    attempts: int
    person: Person | None = None


class Logins:
    """One for the process. A name means whoever has it as a user name, else as an address."""

    def __init__(self, store: Store, desk_now: Callable[[], Desk], clock: Clock, passwords: Passwords) -> None:
        self._store = store
        self._desk_now = desk_now
        self._clock = clock
        self._passwords = passwords
        self._proved = Credentials()

    def log_in(
        self,
        username: str,
        password: str,
        address: str,
        lockout: Lockout,
        *,
        code: str | None = None,
        staff: bool = False,
    ) -> Ended:
        """From `address`. `code`: the one-time code, where one was given. `staff`: nobody else is known here."""
        now = self._clock()
        attempts = self._attempt(now, Kind.ADDRESS, address, lockout)
        if attempts is None:
            return Ended(Why.LOCKED, lockout.attempts)
        account = username.strip().casefold()
        if self._attempt(now, Kind.ACCOUNT, account, ACCOUNT_LOCKOUT) is None:
            return Ended(Why.LOCKED, attempts)
        login, person = self._store.read(lambda conn: _find(conn, username, staff=staff))
        if (
            not self._passwords.verify(login.password_hash if login else "", password)
            or login is None
            or person is None
        ):
            return Ended(Why.WRONG if person is not None else Why.UNKNOWN, attempts)
        if person.disabled_at is not None:
            return Ended(Why.DISABLED, attempts, person)
        if login.totp_seed:
            if not (code or "").strip():
                self._forget(Kind.ADDRESS, address, account)
                return Ended(Why.CODE_MISSING, attempts, person)
            step = totp.step_of(login.totp_seed, code or "", now)
            if step is None or not self._write(accounts.use_step, person_id=person.id, step=step):
                return Ended(Why.CODE_WRONG, attempts, person)
        self._write(accounts.logged_in, person_id=person.id, address=address)
        self._forget(Kind.ACCOUNT, address, account)
        if self._passwords.is_old(login.password_hash):
            self._write(accounts.rehash, login=login, password_hash=self._passwords.hash(password))
        return Ended(Why.IN, attempts, person)

    def recall(self, username: str, password: str) -> Person | None:
        """Whose these are, if that was proved lately and is still so: one indexed read, no hash."""
        found = self._proved.recall(name := self._proved.name(username, password))
        if found is None:
            return None
        person, stamp = self._store.read(lambda conn: _today(conn, found.person_id))
        if person is None or person.disabled_at is not None or stamp != found.stamp:
            self._proved.forget(name)
            return None
        return person

    def prove(self, username: str, password: str, address: str, lockout: Lockout) -> Ended:
        """`log_in` for a request that carries both: remembered for `recall`. One that needs a code cannot come in like this."""
        ended = self.log_in(username, password, address, lockout)
        if ended.why is Why.IN and ended.person is not None:
            person_id = ended.person.id
            _, stamp = self._store.read(lambda conn: _today(conn, person_id))
            self._proved.remember(self._proved.name(username, password), person_id, stamp)
        return ended

    def set_by_link(self, token: str, password: str) -> Person:
        """The password of whose link `token` is (desk.people.new_link). Raises Refused: bad-link, bad-password (the link stays good)."""
        passwords.check(password)
        self._store.read(lambda conn: people.of_link(conn, self._clock(), token))  # a guess costs no hash
        password_hash = self._passwords.hash(password)

        def act(conn: Connection) -> Person:
            now = self._clock()
            person = people.use_link(conn, now, token)
            accounts.set_password(conn, self._desk_now(), now, person=person, password_hash=password_hash)
            return person

        return self._store.writer.run(act)

    def _attempt(self, now: datetime, kind: Kind, key: str, lockout: Lockout) -> int | None:
        def act(conn: Connection) -> int | None:
            return accounts.attempt(conn, self._desk_now(), now, kind=kind, key=key, lockout=lockout)

        return self._store.writer.run(act)

    def _forget(self, kind: Kind, address: str, account: str) -> None:
        """The password was right: it was no guess."""
        key = address if kind is Kind.ADDRESS else account
        self._store.writer.run(lambda conn: accounts.forget(conn, kind, key))

    def _write(self, act: Callable[..., T], **more: object) -> T:
        return self._store.writer.run(lambda conn: act(conn, self._desk_now(), self._clock(), **more))


def _find(conn: Connection, username: str, *, staff: bool) -> tuple[accounts.Login | None, Person | None]:
    """By user name, else by address."""
    login = accounts.by_name(conn, username)
    person = people.get(conn, login.person_id) if login is not None else people.find(conn, username)
    if person is None or (staff and person.kind is not PersonKind.STAFF):
        return None, None
    return login or accounts.of(conn, person.id), person


def _today(conn: Connection, person_id: int) -> tuple[Person | None, str]:
    login = accounts.of(conn, person_id)
    return (None, "") if login is None else (people.get(conn, person_id), login.password_hash)
