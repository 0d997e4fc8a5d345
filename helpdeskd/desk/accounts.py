"""Log-ins: names, passwords' hashes, one-time codes, and who has failed too often. Hashing itself is the guard's, off the writer."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from math import ceil

from sqlalchemy import Connection, Table, and_, bindparam, case, delete, exists, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite

from helpdeskd.desk import api_keys, links, recovery
from helpdeskd.desk.context import Desk
from helpdeskd.errors import NotFound, Refused
from helpdeskd.model.people import Person
from helpdeskd.store import schema

_l, _f, _s = schema.login.c, schema.login_failure.c, schema.session.c
COLUMNS = (_l.person_id, _l.username, _l.password_hash, _l.password_at, _l.totp_seed, _l.last_at)
_BY_NAME = select(*COLUMNS).where(_l.username_key == bindparam("key"))
_FAILURE = select(_f.count.label("failures"), _f.last_at).where(
    _f.kind == bindparam("kind"), _f.key == bindparam("key")
)
_LAST = select(_l.person_id).order_by(_l.person_id.desc()).limit(1)
_FROM = select(_l.password_hash).where(_l.person_id >= bindparam("at")).order_by(_l.person_id).limit(1)
_BY_PERSON = select(*COLUMNS).where(_l.person_id == bindparam("person_id"))


@dataclass(frozen=True, slots=True)
class Login:
    """How a person comes in. The hash and the seed stay out of what is shown of it."""

    person_id: int
    username: str
    password_hash: str
    password_at: datetime | None
    totp_seed: str
    last_at: datetime | None

    def __repr__(self) -> str:
        return f"Login({self.person_id}, {self.username!r})"


class Kind(StrEnum):
    """What is counted when a log-in fails."""

    ACCOUNT = "account"
    ADDRESS = "address"
    CODE = "code"  # one-time codes of an account, where the password was right
    RESET = "reset"  # no log-in: a link to set a password that was asked for


@dataclass(frozen=True, slots=True)
class Lockout:
    """After `attempts` failures in a row nothing is tried for `minutes` since the last of them."""

    attempts: int
    minutes: int


@dataclass(frozen=True, slots=True)
class Locked:
    """`kind` says what it is that is locked; `seconds` until one may try again."""

    kind: Kind
    seconds: int


@dataclass(frozen=True, slots=True)
class Who:
    """What the failures of an attempt are counted under, one spelling for each: see guard.addresses.block and guard.login."""

    address: str
    account: str

    @property
    def counted(self) -> tuple[tuple[Kind, str], ...]:
        """In the order in which the rows are locked."""
        return ((Kind.ADDRESS, self.address), (Kind.ACCOUNT, self.account))


def name_key(name: str) -> str:
    """One spelling of a user name, whatever the case.

    What looks like an address is spelled as addresses are (people.find): folded further, straße.de would be strasse.de, which is
    somebody else's.
    """
    name = name.strip()
    return name.lower() if "@" in name else name.casefold()


def account(name: str, person: Person | None) -> str:
    """What is counted for an account: the person, however they are named. Names of nobody are counted as well, so that nobody learns
    from a lock which there are; hashed, since they may be of any length and are often a password in the wrong box."""
    if person is not None:
        return f"#{person.id}"
    return "?" + hashlib.sha256(name_key(name).encode("utf-8", "surrogatepass")).hexdigest()


def by_name(conn: Connection, username: str) -> Login | None:
    """Whatever the case."""
    row = conn.execute(_BY_NAME, {"key": name_key(username)}).one_or_none()
    return None if row is None else Login(*row)


def of(conn: Connection, person_id: int) -> Login | None:
    row = conn.execute(_BY_PERSON, {"person_id": person_id}).one_or_none()
    return None if row is None else Login(*row)


def another_hash(conn: Connection, account: str) -> str:
    """Somebody's, the same for the same `account` (Who.account) while nothing changes: what a log-in costs that has no hash of its own.

    While hashes of other systems are among ours, a name of nobody then costs what a name of somebody may cost just as well.
    """
    last = conn.execute(_LAST).scalar()
    if last is None:
        return ""
    at = int.from_bytes(hashlib.sha256(account.encode("utf-8", "surrogatepass")).digest()[:8]) % (last + 1)
    return conn.execute(_FROM, {"at": at}).scalar() or ""


def set_username(conn: Connection, desk: Desk, now: datetime, *, person: Person, username: str) -> Login:
    """What they log in by. Raises Refused: bad-username, username-taken."""
    name = username.strip()
    if not name or len(name) > 200 or not name.isprintable():
        raise Refused("bad-username", "a user name has 1 to 200 printable characters")
    other = by_name(conn, name)
    if other is not None and other.person_id != person.id:
        raise Refused("username-taken", f"{name} is somebody else's user name")
    values = {"username": name, "username_key": name_key(name)}
    _put(conn, person.id, values)
    return _there(conn, person.id)


def set_password(conn: Connection, desk: Desk, now: datetime, *, person: Person, password_hash: str) -> Login:
    """A hash by guard.passwords. Sessions end, and every key that carries this person's rights, and every link to set a password."""
    if of(conn, person.id) is None:
        set_username(conn, desk, now, person=person, username=person.email)
    _put(conn, person.id, {"password_hash": password_hash, "password_at": now})
    end_sessions(conn, person_id=person.id)
    links.void(conn, now, person_id=person.id)
    api_keys.revoke_all(conn, now, person_id=person.id)
    return _there(conn, person.id)


def set_totp(conn: Connection, desk: Desk, now: datetime, *, person: Person, seed: str) -> None:
    """Switch one-time codes on, or off with an empty seed. Sessions end, and recovery codes (desk.recovery has new ones); wrong codes
    are forgotten.

    Raises NotFound where they cannot log in yet.
    """
    if of(conn, person.id) is None:
        raise NotFound("login", person.email)
    _put(conn, person.id, {"totp_seed": seed, "totp_step": 0})
    recovery.drop(conn, person_id=person.id)
    _forget(conn, Kind.CODE, account("", person))
    end_sessions(conn, person_id=person.id)


def logged_in(
    conn: Connection,
    desk: Desk,
    now: datetime,
    *,
    login: Login,
    who: Who,
    address: str,
    password_hash: str,
    step: int | None = None,
    recovery_code: str | None = None,
) -> Login | None:
    """The end of a log-in from `address` that went well: failures in a row are forgotten. The row as it is from now on.

    `login` is what was verified, `password_hash` the same or the same password's under today's parameters, `step` that of the one-time
    code. None, and nothing is done, where that is no longer so: the password or the codes were changed, the person was disabled, or
    this step or a later one was used (RFC 6238 section 5.2). `recovery_code`, as desk.recovery keeps it, came in place of a one-time
    code: it is used up. Raises Refused("used-code") where another log-in was faster.
    """
    still = [
        _l.person_id == login.person_id,
        _l.password_hash == login.password_hash,
        _l.totp_seed == login.totp_seed,
        exists().where(schema.person.c.id == login.person_id, schema.person.c.disabled_at.is_(None)),
    ]
    values: dict[str, object] = {"last_at": now, "last_address": address, "password_hash": password_hash}
    if step is not None:
        still.append(_l.totp_step < step)
        values["totp_step"] = step
    if conn.execute(update(schema.login).where(*still).values(**values)).rowcount == 0:
        return None
    # The row above is locked by now: whoever comes with the same code waits for us, on any node.
    if recovery_code is not None and not recovery.use(conn, login.person_id, recovery_code):
        raise Refused("used-code", "this recovery code was used")
    for kind, key in who.counted:
        _forget(conn, kind, key)
    if login.totp_seed:
        _forget(conn, Kind.CODE, who.account)
    return _there(conn, login.person_id)


def begin(
    conn: Connection, desk: Desk, now: datetime, *, who: Who, lockout: Lockout, account_lockout: Lockout
) -> int | Locked:
    """One more attempt, counted as a failure until `logged_in` or `take_back`; how many in a row from this address that makes.

    Locked: there were too many already, and none is counted until the lock is over. It happens before the password is looked at: of
    guesses that come all at once no more get through than of those that queue. guard.turns has those wait that need to.
    """
    attempts = _attempt(conn, now, Kind.ADDRESS, who.address, lockout)
    if attempts is None:
        return Locked(Kind.ADDRESS, max(1, locked_for(conn, now, Kind.ADDRESS, who.address, lockout)))
    if _attempt(conn, now, Kind.ACCOUNT, who.account, account_lockout) is None:
        _uncount(conn, Kind.ADDRESS, who.address)
        return Locked(Kind.ACCOUNT, max(1, locked_for(conn, now, Kind.ACCOUNT, who.account, account_lockout)))
    return attempts


def take_back(conn: Connection, desk: Desk, now: datetime, *, who: Who) -> None:
    """The attempt was no failure, and no log-in either: those before it go on counting."""
    for kind, key in who.counted:
        _uncount(conn, kind, key)


def locked_for(conn: Connection, now: datetime, kind: Kind, key: str, lockout: Lockout) -> int:
    """The whole seconds until one may try again; 0: at once."""
    row = conn.execute(_FAILURE, {"kind": kind.value, "key": key}).one_or_none()
    if row is None or row.failures < lockout.attempts:
        return 0
    over: datetime = row.last_at + timedelta(minutes=lockout.minutes)
    return max(0, ceil((over - now).total_seconds()))


def asked(conn: Connection, desk: Desk, now: datetime, *, account: str, most: Lockout) -> bool:
    """May a link be sent for this account, or were there `most.attempts` in a row? It counts as one more."""
    return _attempt(conn, now, Kind.RESET, account, most) is not None


def code_tried(conn: Connection, desk: Desk, now: datetime, *, account: str, most: Lockout) -> bool:
    """May a one-time code be looked at, or were there `most.attempts` in a row? It counts as one more, until `logged_in`."""
    return _attempt(conn, now, Kind.CODE, account, most) is not None


def _attempt(conn: Connection, now: datetime, kind: Kind, key: str, lockout: Lockout) -> int | None:
    """How many in a row, or None. One statement, so that none is counted twice or not at all."""
    anew = now - timedelta(minutes=lockout.minutes)
    statement = _insert(conn, schema.login_failure).values(kind=kind.value, key=key, count=1, last_at=now)
    counted = statement.on_conflict_do_update(
        index_elements=["kind", "key"],
        set_={"count": case((_f.last_at <= anew, 1), else_=_f.count + 1), "last_at": now},
        where=or_(_f.last_at <= anew, _f.count < lockout.attempts),
    ).returning(_f.count.label("failures"))
    found: int | None = conn.execute(counted).scalar_one_or_none()
    return found


def _uncount(conn: Connection, kind: Kind, key: str) -> None:
    this = and_(_f.kind == kind.value, _f.key == key)
    conn.execute(delete(schema.login_failure).where(this, _f.count <= 1))
    conn.execute(update(schema.login_failure).where(this).values(count=_f.count - 1))


def _forget(conn: Connection, kind: Kind, key: str) -> None:
    conn.execute(delete(schema.login_failure).where(_f.kind == kind.value, _f.key == key))


def purge(conn: Connection, now: datetime, older_than: timedelta = timedelta(days=1)) -> None:
    """Failures, sessions and links that count no more."""
    conn.execute(delete(schema.login_failure).where(_f.last_at < now - older_than))
    conn.execute(delete(schema.session).where(_s.expires_at < now))
    links.purge(conn, now - older_than)


def end_sessions(conn: Connection, *, person_id: int) -> None:
    conn.execute(delete(schema.session).where(_s.person_id == person_id))


def _put(conn: Connection, person_id: int, values: Mapping[str, object]) -> None:
    known = conn.execute(update(schema.login).where(_l.person_id == person_id).values(**values))
    if known.rowcount == 0 and "username" in values:
        conn.execute(_insert(conn, schema.login).values(person_id=person_id, **values))


def _there(conn: Connection, person_id: int) -> Login:
    found = of(conn, person_id)
    if found is None:
        raise NotFound("login", person_id)
    return found


def _insert(conn: Connection, table: Table) -> postgresql.Insert | sqlite.Insert:
    return postgresql.insert(table) if conn.dialect.name == "postgresql" else sqlite.insert(table)
