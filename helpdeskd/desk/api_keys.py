"""API keys: made, found by the hash of their token, revoked. The token itself is never stored."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, bindparam, exists, insert, or_, select, update

from helpdeskd.desk import bearer
from helpdeskd.desk.context import Desk
from helpdeskd.errors import NotFound, Refused
from helpdeskd.model.api import PERMISSIONS, SUBMISSION, ApiKey
from helpdeskd.model.people import PersonKind
from helpdeskd.store import schema

SHORTEST = 20  # characters of a token that was made elsewhere
PREFIX = "hd_"
_USED_EVERY = timedelta(minutes=1)

_k = schema.api_key.c
_COLUMNS = (
    _k.id,
    _k.name,
    _k.dialect,
    _k.permissions,
    _k.allow_ip,
    _k.person_id,
    _k.created_at,
    _k.expires_at,
    _k.used_at,
    _k.revoked_at,
)
_KIND = select(schema.person.c.kind).where(schema.person.c.id == bindparam("person_id"))
_BY_HASH = select(*_COLUMNS).where(_k.token_sha256 == bindparam("hashed"))
# A key that acts in the name of a person opens nothing while they may not come in themselves.
_MAY_COME_IN = or_(
    _k.person_id.is_(None),
    exists().where(
        schema.person.c.id == _k.person_id,
        schema.person.c.disabled_at.is_(None),
        schema.person.c.removed_at.is_(None),
    ),
)
_GOOD_BY_HASH = _BY_HASH.where(_MAY_COME_IN)
_GOOD_BY_ID = select(*_COLUMNS).where(_k.id == bindparam("key_id"), _MAY_COME_IN)
_USED = (
    update(schema.api_key)
    .where(_k.id == bindparam("key_id"), or_(_k.used_at.is_(None), _k.used_at < bindparam("before")))
    .values(used_at=bindparam("at"))
)


def create(
    conn: Connection,
    desk: Desk,
    now: datetime,
    *,
    dialect: str,
    name: str,
    token: str,
    permissions: Iterable[str] = (),
    allow_ip: Iterable[str] = (),
    person_id: int | None = None,
    expires_at: datetime | None = None,
) -> ApiKey:
    """A new key for `token`. `allow_ip` was checked by guard.addresses.

    Raises Refused: no-such-dialect, no-such-permission, no-person (this dialect's keys belong to one), not-staff, short-token, token-taken.
    """
    known = PERMISSIONS.get(dialect)
    if known is None:
        raise Refused("no-such-dialect", f"{dialect}: expected one of {', '.join(PERMISSIONS)}")
    chosen = sorted(set(permissions))
    if unknown := [each for each in chosen if each not in known]:
        raise Refused("no-such-permission", f"{', '.join(unknown)}: {dialect} knows {', '.join(known) or 'none'}")
    if not known and person_id is None:
        raise Refused("no-person", f"a key of {dialect} carries the rights of a person: say whose")
    if dialect == SUBMISSION and conn.execute(_KIND, {"person_id": person_id}).scalar() != PersonKind.STAFF:
        raise Refused("not-staff", f"a key of {dialect} opens the door where staff hand in mail: say which of staff")
    if len(token) < SHORTEST or token != token.strip():
        raise Refused("short-token", f"a token has at least {SHORTEST} characters, and no blanks around them")
    if conn.execute(_BY_HASH, {"hashed": bearer.hashed(token)}).first() is not None:
        raise Refused("token-taken", "there is a key with this token already")
    key_id = conn.execute(
        insert(schema.api_key).returning(_k.id),
        {
            "name": name,
            "dialect": dialect,
            "token_sha256": bearer.hashed(token),
            "permissions": chosen,
            "allow_ip": [*allow_ip],
            "person_id": person_id,
            "created_at": now,
            "expires_at": expires_at,
        },
    ).scalar_one()
    return get(conn, key_id)


def get(conn: Connection, key_id: int) -> ApiKey:
    """Raises NotFound."""
    row = conn.execute(select(*_COLUMNS).where(_k.id == key_id)).one_or_none()
    if row is None:
        raise NotFound("key", key_id)
    return _key(row)


def find(conn: Connection, dialect: str, token: str) -> ApiKey | None:
    """The key with this token, revoked and expired ones too; None where this dialect has none, or its person is disabled or gone."""
    row = conn.execute(_GOOD_BY_HASH, {"hashed": bearer.hashed(token)}).one_or_none()
    return None if row is None or row.dialect != dialect else _key(row)


def again(conn: Connection, key_id: int) -> ApiKey | None:
    """`find`, for one that was found before."""
    row = conn.execute(_GOOD_BY_ID, {"key_id": key_id}).one_or_none()
    return None if row is None else _key(row)


def list(conn: Connection) -> tuple[ApiKey, ...]:  # noqa: A001 - api_keys.list reads as what it is
    """All of them, revoked ones too."""
    return tuple(_key(row) for row in conn.execute(select(*_COLUMNS).order_by(_k.id)))


def revoke(conn: Connection, desk: Desk, now: datetime, *, key_id: int) -> ApiKey:
    """From now on it opens nothing. Raises NotFound."""
    conn.execute(update(schema.api_key).where(_k.id == key_id, _k.revoked_at.is_(None)).values(revoked_at=now))
    return get(conn, key_id)


def revoke_all(conn: Connection, now: datetime, *, person_id: int) -> None:
    """Every key of this person: they have another password, or are gone."""
    conn.execute(
        update(schema.api_key).where(_k.person_id == person_id, _k.revoked_at.is_(None)).values(revoked_at=now)
    )


def is_due(key: ApiKey, now: datetime) -> bool:
    """Is its last use worth writing down again?"""
    return key.used_at is None or now - key.used_at >= _USED_EVERY


def note_use(conn: Connection, desk: Desk, now: datetime, *, key_id: int) -> None:
    """At most once a minute: a row written for each request would cost more than the request."""
    conn.execute(_USED, {"key_id": key_id, "before": now - _USED_EVERY, "at": now})


def _key(row: Any) -> ApiKey:
    return ApiKey(
        id=row.id,
        name=row.name,
        dialect=row.dialect,
        permissions=frozenset(row.permissions),
        allow_ip=tuple(row.allow_ip),
        person_id=row.person_id,
        created_at=row.created_at,
        expires_at=row.expires_at,
        used_at=row.used_at,
        revoked_at=row.revoked_at,
    )
