"""A log-in by name and password, from the first count of the attempt to its end. Blocks: call it in a thread."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from enum import StrEnum

from sqlalchemy import Connection

from helpdeskd.desk import accounts, api_keys, links, people, recovery
from helpdeskd.desk.accounts import Kind, Locked, Lockout, Login, Who
from helpdeskd.desk.context import Desk
from helpdeskd.errors import Refused
from helpdeskd.guard import addresses, headers, passwords, totp
from helpdeskd.guard.credentials import Credentials
from helpdeskd.guard.passwords import Passwords
from helpdeskd.guard.turns import Turns
from helpdeskd.model.api import ApiKey
from helpdeskd.model.clock import Clock
from helpdeskd.model.people import Person, PersonKind
from helpdeskd.store.engine import Store

ACCOUNT_LOCKOUT = Lockout(attempts=20, minutes=15)  # wide: a narrow one would let anybody lock anybody out
LONGEST_NAME = 320  # characters; an address has at most 254, a user name 200
# For who knows the password: three codes of a million are good at any moment (guard.totp).
CODE_LOCKOUT = Lockout(attempts=100, minutes=24 * 60)
_GATES = 16


class Why(StrEnum):
    """How a log-in ended."""

    IN = "in"
    LOCKED = "locked"  # too many failures from this address, or for this account
    UNKNOWN = "unknown"  # there is nobody of that name, or no name was given
    WRONG = "wrong"  # password
    DISABLED = "disabled"
    CODE_MISSING = "code-missing"
    CODE_WRONG = "code-wrong"


@dataclass(frozen=True, slots=True)
class Ended:
    """`person` where it is known whose log-in it was, and the password was right. `attempts` in a row from this address.

    `seconds`: where it is locked, until one may try again. `login` is the row that was verified, where they came in; `stamp`, where
    `prove` says so, what Logins.holds compares.
    """

    why: Why
    attempts: int = 0
    person: Person | None = None
    seconds: int = 0
    login: Login | None = field(default=None, repr=False)
    stamp: bytes = field(default=b"", repr=False)


class Logins:
    """One for the process. Whom a name means: desk.people.meant.

    `lockout` is the dialect's: how many failures in a row from one address close it, and for how long.
    """

    def __init__(self, store: Store, desk_now: Callable[[], Desk], clock: Clock, passwords: Passwords) -> None:
        self._store = store
        self._desk_now = desk_now
        self._clock = clock
        self._passwords = passwords
        self._proved = Credentials()
        self._turns = Turns()
        self._gates = [threading.Lock() for _ in range(_GATES)]

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
        """From `address`. `code`: the one-time code, where one was given, or a recovery code. `staff`: nobody else is known here."""
        _, person = self._store.read(lambda conn: _find(conn, username, staff=staff))
        who = Who(addresses.block(address), accounts.account(username, person))

        def begin(conn: Connection) -> int | Locked:
            return accounts.begin(
                conn, self._desk_now(), self._clock(), who=who, lockout=lockout, account_lockout=ACCOUNT_LOCKOUT
            )

        with self._turns.turn(who, lambda: self._store.writer.run(begin)) as begun:
            if isinstance(begun, Locked):
                return Ended(Why.LOCKED, lockout.attempts, seconds=begun.seconds)

            def look() -> Ended | None:
                return self._look(username, password, address, who, begun, code=(code or "").strip(), staff=staff)

            return look() or look() or Ended(Why.WRONG, begun)

    def _look(
        self, username: str, password: str, address: str, who: Who, attempts: int, *, code: str, staff: bool
    ) -> Ended | None:
        """The attempt is counted: is it right? None where what we looked at was changed meanwhile."""

        def find(conn: Connection) -> tuple[Login | None, Person | None, str]:
            login, person = _find(conn, username, staff=staff)
            # Read for everybody: what is unlike for those who have no password is unlike for none.
            return login, person, accounts.another_hash(conn, who.account)

        login, person, another = self._store.read(find)
        right = self._passwords.verify(login.password_hash if login else "", password, like=another)
        if not right or login is None or person is None:
            return Ended(Why.WRONG if person is not None else Why.UNKNOWN, attempts)
        if person.disabled_at is not None:
            return Ended(Why.DISABLED, attempts, person)
        step: int | None = None
        recovery_code: str | None = None
        if login.totp_seed:
            if not code:
                # No guess, and no log-in: what failed before goes on counting.
                self._store.writer.run(lambda conn: accounts.take_back(conn, self._desk_now(), self._clock(), who=who))
                return Ended(Why.CODE_MISSING, attempts - 1, person)
            step = totp.step_of(login.totp_seed, code, self._clock()) if self._may_try_code(who) else None
            if step is None:
                recovery_code = recovery.hashed(person.id, code)
                if not self._may_recover(person, recovery_code):
                    return Ended(Why.CODE_WRONG, attempts, person)
        anew = self._passwords.today(login.password_hash, password)

        def end(conn: Connection) -> Login | None:
            return accounts.logged_in(
                conn,
                self._desk_now(),
                self._clock(),
                login=login,
                who=who,
                address=address,
                password_hash=anew,
                step=step,
                recovery_code=recovery_code,
            )

        try:
            verified = self._store.writer.run(end)
        except Refused:  # another log-in was faster with this recovery code
            return Ended(Why.CODE_WRONG, attempts, person)
        if verified is not None:
            return Ended(Why.IN, attempts, person, login=verified)
        today, person = self._store.read(lambda conn: _find(conn, username, staff=staff))
        if step is None or today is None or person is None or self._stamp(today, person) != self._stamp(login, person):
            return None
        return Ended(Why.CODE_WRONG, attempts, person)  # it was used

    def _may_try_code(self, who: Who) -> bool:
        """It is counted before it is looked at, as passwords are. A recovery code is looked at all the same: nobody guesses 60 bits."""
        return self._store.writer.run(
            lambda conn: accounts.code_tried(
                conn, self._desk_now(), self._clock(), account=who.account, most=CODE_LOCKOUT
            )
        )

    def _may_recover(self, person: Person, recovery_code: str | None) -> bool:
        """Looked at before the hash is made anew; whether it still counts is for accounts.logged_in."""
        return recovery_code is not None and self._store.read(
            lambda conn: recovery.is_there(conn, person.id, recovery_code)
        )

    def recall(self, username: str, password: str, address: str, lockout: Lockout) -> Person | None:
        """Whose these are, if that was proved lately from this address and is still so: indexed reads, no hash.

        None from an address that is locked, too: what is remembered must not tell who guesses there that a guess was right.
        """
        ended = self._recalled(username, password, address, lockout)
        return None if ended is None else ended.person

    def _recalled(self, username: str, password: str, address: str, lockout: Lockout) -> Ended | None:
        block = addresses.block(address)
        found = self._proved.recall(name := self._proved.digest(username, password, block))
        if found is None:
            return None

        def look(conn: Connection) -> tuple[Person | None, int]:
            person = self._unchanged(conn, found.person_id, found.stamp)
            return person, accounts.locked_for(conn, self._clock(), Kind.ADDRESS, block, lockout)

        person, locked = self._store.read(look)
        if person is None:
            self._proved.forget(name)
            return None
        return None if locked else Ended(Why.IN, person=person, stamp=found.stamp)

    def holds(self, person_id: int, stamp: bytes) -> bool:
        """Would what was proved then still let them in? Indexed reads, as `recall`'s."""
        return self._store.read(lambda conn: self._unchanged(conn, person_id, stamp)) is not None

    def _unchanged(self, conn: Connection, person_id: int, stamp: bytes) -> Person | None:
        login = accounts.of(conn, person_id)
        person = None if login is None else people.get(conn, person_id)
        if login is None or person is None or person.disabled_at is not None or self._stamp(login, person) != stamp:
            return None
        return person

    def prove(self, username: str, password: str, address: str, lockout: Lockout) -> Ended:
        """`log_in` for a request that carries both: remembered for `recall`. One that needs a code cannot come in like this."""
        name = self._proved.digest(username, password, addresses.block(address))
        with self._gates[name[0] % _GATES]:  # of many at once with the same password, one pays for the hash
            if (recalled := self._recalled(username, password, address, lockout)) is not None:
                return recalled
            ended = self.log_in(username, password, address, lockout)
            if ended.person is None or ended.login is None:
                return ended
            stamp = self._stamp(ended.login, ended.person)
            self._proved.remember(name, ended.person.id, stamp)
            return replace(ended, stamp=stamp)

    def recall_basic(self, header: str, address: str, lockout: Lockout) -> Person | None:
        """`recall` for a header Authorization."""
        pair = headers.basic(header)
        return None if pair is None else self.recall(*pair, address, lockout)

    def by_basic(self, header: str, address: str, lockout: Lockout) -> Ended:
        """`prove` for a header Authorization. One that cannot be read names nobody, and is not counted."""
        pair = headers.basic(header)
        return Ended(Why.UNKNOWN) if pair is None else self.prove(*pair, address, lockout)

    def by_bearer(self, dialect: str, header: str, address: str) -> tuple[ApiKey, Person | None]:
        """`by_key` for a header Authorization."""
        return self.by_key(dialect, headers.bearer(header) or "", address)

    def by_key(self, dialect: str, token: str, address: str) -> tuple[ApiKey, Person | None]:
        """The key whose token this is, and in whose name it acts; its use is noted. Two indexed reads, so it is asked anew each time.

        Raises Refused: no-credential (none, unknown, revoked, expired, of a person who is disabled or gone: no word tells which), address.
        """

        def look(conn: Connection) -> tuple[ApiKey | None, Person | None]:
            key = api_keys.find(conn, dialect, token)
            return key, None if key is None or key.person_id is None else people.get(conn, key.person_id)

        key, person = self._store.read(look) if token else (None, None)
        now = self._clock()
        if key is None or not key.is_good(now):
            raise Refused("no-credential", "there is no such key")
        if not addresses.allowed(address, key.allow_ip):
            raise Refused("address", address)
        if api_keys.is_due(key, now):
            key_id = key.id
            # Nobody waits for it.
            self._store.writer.submit(lambda conn: api_keys.note_use(conn, self._desk_now(), now, key_id=key_id))
        return key, person

    def key_holds(self, key_id: int, email: str) -> bool:
        """Would this key still let in the person of that address? Indexed reads; its use is not noted."""

        def look(conn: Connection) -> tuple[ApiKey | None, Person | None]:
            key = api_keys.again(conn, key_id)
            return key, None if key is None or key.person_id is None else people.get(conn, key.person_id)

        key, person = self._store.read(look)
        return key is not None and key.is_good(self._clock()) and person is not None and person.email == email

    def hash(self, password: str) -> str:
        """For a password that somebody gives somebody else: it blocks, so never on the writer. Raises Refused("bad-password")."""
        return self._passwords.hash(password)

    def set_by_link(self, token: str, password: str) -> Person:
        """The password of whose link `token` is (desk.links). Raises Refused: bad-link, bad-password (the link stays good)."""
        passwords.check(password)
        self._store.read(lambda conn: links.of(conn, self._clock(), token))  # a guess costs no hash
        password_hash = self._passwords.hash(password)

        def act(conn: Connection) -> Person:
            now = self._clock()
            person = links.use(conn, now, token)
            accounts.set_password(conn, self._desk_now(), now, person=person, password_hash=password_hash)
            return person

        return self._store.writer.run(act)

    def _stamp(self, login: Login, person: Person) -> bytes:
        """Changes with all that a log-in is judged by: the names too, since each may be somebody else's tomorrow."""
        return self._proved.digest(login.password_hash, login.totp_seed, login.username, person.email)


def _find(conn: Connection, username: str, *, staff: bool) -> tuple[Login | None, Person | None]:
    """What can be no name is asked for as well, as the empty one that nobody has: it takes as long."""
    login, person = people.meant(conn, username if _can_be_name(username) else "")
    if person is None or (staff and person.kind is not PersonKind.STAFF):
        return None, None
    return login, person


def _can_be_name(username: str) -> bool:
    return len(username) <= LONGEST_NAME and username.strip().isprintable()
