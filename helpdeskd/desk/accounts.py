"""Log-ins: names, passwords' hashes, one-time codes, and who has failed too often. Hashing itself is the guard's, off the writer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from sqlalchemy import Connection, Table, bindparam, case, delete, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite

from helpdeskd.desk import api_keys
from helpdeskd.desk.context import Desk
from helpdeskd.errors import NotFound, Refused
from helpdeskd.model.people import Person
from helpdeskd.store import schema

_l, _f, _s = schema.login.c, schema.login_failure.c, schema.session.c
_COLUMNS = (_l.person_id, _l.username, _l.password_hash, _l.password_at, _l.totp_seed, _l.last_at)
_BY_NAME = select(*_COLUMNS).where(_l.username_key == bindparam("key"))
_BY_PERSON = select(*_COLUMNS).where(_l.person_id == bindparam("person_id"))


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


@dataclass(frozen=True, slots=True)
class Lockout:
    """After `attempts` failures in a row nothing is tried for `minutes` since the last of them."""

    attempts: int
    minutes: int


def by_name(conn: Connection, username: str) -> Login | None:
    """Whatever the case."""
    row = conn.execute(_BY_NAME, {"key": username.strip().casefold()}).one_or_none()
    return None if row is None else Login(*row)


def of(conn: Connection, person_id: int) -> Login | None:
    row = conn.execute(_BY_PERSON, {"person_id": person_id}).one_or_none()
    return None if row is None else Login(*row)


def set_username(conn: Connection, desk: Desk, now: datetime, *, person: Person, username: str) -> Login:
    """What they log in by. Raises Refused: bad-username, username-taken."""
    name = username.strip()
    if not name or len(name) > 200 or not name.isprintable():
        raise Refused("bad-username", "a user name has 1 to 200 printable characters")
    other = by_name(conn, name)
    if other is not None and other.person_id != person.id:
        raise Refused("username-taken", f"{name} is somebody else's user name")
    values = {"username": name, "username_key": name.casefold()}
    _put(conn, person.id, values)
    return _there(conn, person.id)


def set_password(conn: Connection, desk: Desk, now: datetime, *, person: Person, password_hash: str) -> Login:
    """A hash by guard.passwords. Sessions end, and every key that carries this person's rights."""
    if of(conn, person.id) is None:
        set_username(conn, desk, now, person=person, username=person.email)
    _put(conn, person.id, {"password_hash": password_hash, "password_at": now})
    end_sessions(conn, person_id=person.id)
    api_keys.revoke_all(conn, now, person_id=person.id)
    return _there(conn, person.id)


def rehash(conn: Connection, desk: Desk, now: datetime, *, login: Login, password_hash: str) -> None:
    """The same password under today's parameters: nothing ends. Not where it was changed meanwhile."""
    conn.execute(
        update(schema.login)
        .where(_l.person_id == login.person_id, _l.password_hash == login.password_hash)
        .values(password_hash=password_hash)
    )


def set_totp(conn: Connection, desk: Desk, now: datetime, *, person: Person, seed: str) -> None:
    """Switch one-time codes on, or off with an empty seed. Raises NotFound where they cannot log in yet."""
    if of(conn, person.id) is None:
        raise NotFound("login", person.email)
    _put(conn, person.id, {"totp_seed": seed, "totp_step": 0})


def use_step(conn: Connection, desk: Desk, now: datetime, *, person_id: int, step: int) -> bool:
    """Does this code count? Not one of a step that was used, or of one before it: RFC 6238 section 5.2."""
    used = conn.execute(
        update(schema.login).where(_l.person_id == person_id, _l.totp_step < step).values(totp_step=step)
    )
    return used.rowcount == 1


def logged_in(conn: Connection, desk: Desk, now: datetime, *, person_id: int, address: str) -> None:
    """It went well: failures of this account and address are forgotten."""
    login = of(conn, person_id)
    _put(conn, person_id, {"last_at": now, "last_address": address})
    forget(conn, Kind.ADDRESS, address)
    if login is not None:
        forget(conn, Kind.ACCOUNT, login.username.casefold())


def attempt(conn: Connection, desk: Desk, now: datetime, *, kind: Kind, key: str, lockout: Lockout) -> int | None:
    """One more attempt, counted as a failure until `logged_in` or `forget` takes it back; how many in a row that makes.

    None: there were too many already, and none is counted until `lockout.minutes` after the last of them. It is one statement,
    made before the password is looked at: of guesses that come all at once no more get through than of those that queue.
    """
    anew = now - timedelta(minutes=lockout.minutes)
    statement = _insert(conn, schema.login_failure).values(kind=kind.value, key=key, count=1, last_at=now)
    counted = statement.on_conflict_do_update(
        index_elements=["kind", "key"],
        set_={"count": case((_f.last_at <= anew, 1), else_=_f.count + 1), "last_at": now},
        where=or_(_f.last_at <= anew, _f.count < lockout.attempts),
    ).returning(_f.count.label("failures"))
    found: int | None = conn.execute(counted).scalar_one_or_none()
    return found


def forget(conn: Connection, kind: Kind, key: str) -> None:
    conn.execute(delete(schema.login_failure).where(_f.kind == kind.value, _f.key == key))


def purge(conn: Connection, now: datetime, older_than: timedelta = timedelta(days=1)) -> None:
    """Failures and sessions that count no more."""
    conn.execute(delete(schema.login_failure).where(_f.last_at < now - older_than))
    conn.execute(delete(schema.session).where(_s.expires_at < now))


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
