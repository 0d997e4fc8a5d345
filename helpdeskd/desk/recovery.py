"""Recovery codes: what lets somebody in whose authenticator is gone, in place of a one-time code, each once."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from datetime import datetime

from sqlalchemy import Connection, delete, func, insert, select

from helpdeskd.desk.context import Desk
from helpdeskd.errors import Refused
from helpdeskd.model.people import Person
from helpdeskd.store import schema

HOW_MANY = 10
SIZE = 12  # characters of 5 bits: 60 bits

_r = schema.recovery_code.c
_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"  # Crockford's: no letter looks like a digit
_MEANT = str.maketrans("oil", "011")
_CODE = re.compile(rf"[{_ALPHABET}]{{{SIZE}}}", re.ASCII)


def renew(conn: Connection, desk: Desk, now: datetime, *, person: Person) -> tuple[str, ...]:
    """New codes in place of those before; this is the one time that they can be read. Raises Refused("no-totp")."""
    there = select(schema.login.c.totp_seed).where(schema.login.c.person_id == person.id)
    if not conn.execute(there).scalar():
        raise Refused("no-totp", f"{person.email} is asked for no one-time codes: recovery codes would open nothing")
    drop(conn, person_id=person.id)
    codes = tuple(_draw(desk.rng) for _ in range(HOW_MANY))
    conn.execute(
        insert(schema.recovery_code),
        [{"person_id": person.id, "code_sha256": hashed(person.id, code)} for code in codes],
    )
    return codes


def left(conn: Connection, person_id: int) -> int:
    """How many have not been used."""
    return conn.execute(select(func.count()).where(_r.person_id == person_id)).scalar_one()


def hashed(person_id: int, text: str) -> str | None:
    """What is kept of the code that was typed; None where it can be none.

    60 bits drawn at random need no slow hash: whoever has the database has the seed of the one-time codes as well.
    """
    code = re.sub(r"[\s-]", "", text[:100]).lower().translate(_MEANT)
    if not _CODE.fullmatch(code):
        return None
    return hashlib.sha256(f"{person_id}:{code}".encode()).hexdigest()


def use(conn: Connection, person_id: int, code_sha256: str) -> bool:
    """Was it there? It is no more: of two at once one finds it."""
    used = delete(schema.recovery_code).where(_r.person_id == person_id, _r.code_sha256 == code_sha256)
    return conn.execute(used).rowcount == 1


def is_there(conn: Connection, person_id: int, code_sha256: str) -> bool:
    """Is it one that has not been used?"""
    found = select(_r.person_id).where(_r.person_id == person_id, _r.code_sha256 == code_sha256)
    return conn.execute(found).first() is not None


def drop(conn: Connection, *, person_id: int) -> None:
    """None of them opens anything any more."""
    conn.execute(delete(schema.recovery_code).where(_r.person_id == person_id))


def _draw(rng: Callable[[int], bytes]) -> str:
    bits = int.from_bytes(rng(8))
    text = "".join(_ALPHABET[bits >> 5 * n & 31] for n in range(SIZE))
    return "-".join(text[at : at + 4] for at in range(0, SIZE, 4))
