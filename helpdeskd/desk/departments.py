"""Departments and the addresses they are reached under."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Select, bindparam, func, insert, select, update

from helpdeskd.desk import addresses as mail_addresses
from helpdeskd.desk import rows
from helpdeskd.desk.context import Desk
from helpdeskd.errors import NotFound, Refused
from helpdeskd.mail import ids
from helpdeskd.model.files import FilePolicy
from helpdeskd.model.mail import Address
from helpdeskd.model.people import Department, Person, PersonKind, ReplyTokens
from helpdeskd.store import memo, schema, scrub

_d, _a, _p = schema.department.c, schema.address.c, schema.person.c

_ANY = (
    select(*rows.DEPARTMENT, _a.email).outerjoin(schema.address, _a.department_id == _d.id).order_by(_d.id, _a.position)
)
_ALL = _ANY.where(_d.removed_at.is_(None))
_BY_ID = _ANY.where(_d.id == bindparam("department_id"))  # a removed one too: its tombstones name it
_THERE = _ALL.where(_d.id == bindparam("department_id"))
_BY_ADDRESS = _ALL.where(
    _d.id == select(_a.department_id).where(_a.email == bindparam("address")).scalar_subquery(),
)
_FIRST = _ALL.where(_d.id == select(func.min(_d.id)).where(_d.removed_at.is_(None)).scalar_subquery())
_SENDING = _ANY.where(_d.id == select(func.min(_a.department_id)).scalar_subquery())


def add(
    conn: Connection,
    desk: Desk,
    now: datetime,
    *,
    name: str,
    addresses: Iterable[str],
    sender_name: str = "",
    private: bool = False,
    follow_up_days: int | None = None,
    reply_tokens: ReplyTokens = ReplyTokens.AUTO,
    verp: bool = False,
    cc_participates: bool = True,
    language: str = "",
) -> Department:
    """A new department; its mail is sent from the first of `addresses`, as `sender_name` (else its name). Without an address no mail
    opens tickets in it, and its own is sent from that of the oldest department that has one.

    Raises Refused: bad-name, name-taken, bad-address, address-taken, address-is-staff, bad-days.
    """
    name = _name(name)
    if follow_up_days is not None and not 0 <= follow_up_days <= 36500:
        raise Refused("bad-days", "the follow-up window is a number of days, 0 or more, a century at most")
    if by_name(conn, name) is not None:
        raise Refused("name-taken", f"there is a department {name} already")
    emails = tuple(dict.fromkeys(_own(email) for email in addresses))
    taken = sorted(mail_addresses.ours(conn, emails))
    if taken:
        raise Refused("address-taken", f"{taken[0]} is the address of a department already")
    staff = conn.execute(
        select(_p.email).where(_p.email_key.in_(emails), _p.kind == PersonKind.STAFF.value, _p.disabled_at.is_(None)),
    ).scalar()
    if staff is not None:
        raise Refused("address-is-staff", f"{staff} is the address of a member of staff: notices would come back")
    department = Department(
        id=0,
        name=name,
        address=emails[0] if emails else "",
        addresses=emails,
        sender_name=" ".join(sender_name.split()) or name,
        private=private,
        follow_up_days=follow_up_days,
        reply_tokens=reply_tokens,
        verp=verp,
        cc_participates=cc_participates,
        language=language,
    )
    return _insert(conn, now, department)


def _insert(conn: Connection, now: datetime, department: Department) -> Department:
    department_id: int = conn.execute(
        insert(schema.department).returning(_d.id),
        {
            "name": department.name,
            "sender_name": department.sender_name,
            "private": department.private,
            "follow_up_days": department.follow_up_days,
            "reply_tokens": department.reply_tokens.value,
            "verp": department.verp,
            "cc_participates": department.cc_participates,
            "language": department.language,
            "created_at": now,
        },
    ).scalar_one()
    if department.addresses:
        conn.execute(
            insert(schema.address),
            [
                {"email": email, "department_id": department_id, "position": position}
                for position, email in enumerate(department.addresses)
            ],
        )
    conn.execute(update(schema.department).where(_d.id == department_id).values(position=department_id))
    return get(conn, department_id)


def change(
    conn: Connection, desk: Desk, now: datetime, *, department: Department, name: str, private: bool
) -> Department:
    """Another name, and whether customers see it in lists. Raises Refused: bad-name, name-taken."""
    name = _name(name)
    other = by_name(conn, name)
    if other is not None and other.id != department.id:
        raise Refused("name-taken", f"there is a department {name} already")
    renamed = {"sender_name": name} if department.sender_name == department.name else {}
    conn.execute(update(schema.department).where(_d.id == department.id).values(name=name, private=private, **renamed))
    return get(conn, department.id)


def set_files(
    conn: Connection,
    desk: Desk,
    now: datetime,
    *,
    department: Department,
    policy: FilePolicy,
    max_files: int | None,
    max_file_mb: int | None,
) -> Department:
    """What happens to dangerous files, and how many and how large ones a message may have; None: no limit of its own."""
    values = {"files": policy.value, "max_files": max_files, "max_file_mb": max_file_mb}
    conn.execute(update(schema.department).where(_d.id == department.id).values(values))
    return get(conn, department.id)


def keep_to_staff(
    conn: Connection, desk: Desk, now: datetime, *, department: Department, staff_only: bool, actor: Person | None
) -> None:
    """Whether only staff open tickets in it and customers do not see it, guests neither. Mail to its addresses opens tickets as before."""
    conn.execute(update(schema.department).where(_d.id == department.id).values(staff_only=staff_only))


def _name(name: str) -> str:
    name = scrub.text(" ".join(name.split()))  # as it will be stored: two that differ before are one there
    if not name or len(name) > 200:
        raise Refused("bad-name", "a department needs a name of at most 200 characters")
    return name


def _own(email: str) -> str:
    email = mail_addresses.clean(email).lower()
    if not email.isascii():  # not everybody can answer such an address, and nothing of ours could be sent from it
        raise Refused("bad-address", f"{email}: give an address without letters beyond ASCII (a domain as xn--...)")
    if ids.split_detail(email)[1]:
        raise Refused(
            "bad-address", f"{email}: give the address without +detail, replies use that place for themselves"
        )
    return email


def list(conn: Connection) -> tuple[Department, ...]:  # noqa: A001  # departments.list reads as what it is
    """All of them, oldest first."""
    return _read(conn, _ALL)


def get(conn: Connection, department_id: int) -> Department:
    """Raises NotFound. One without an address writes from that of another (`sending`)."""

    def read(conn: Connection) -> Department:
        found = _read(conn, _BY_ID, department_id=department_id)
        if not found:
            raise NotFound("department", department_id)
        if found[0].address:
            return found[0]
        other = sending(conn)
        return found[0] if other is None else replace(found[0], address=other.address)

    return memo.remembered(conn, ("departments.get", department_id), read)


def there(conn: Connection, department_id: int) -> Department | None:
    """One that was not removed."""
    return (_read(conn, _THERE, department_id=department_id) or (None,))[0]


def by_address(conn: Connection, email: str) -> Department | None:
    """The department an address reaches, +detail or not."""
    found = _read(conn, _BY_ADDRESS, address=email.strip().lower())
    return (found or _read(conn, _BY_ADDRESS, address=mail_addresses.key(email)) or (None,))[0]


def by_name(conn: Connection, name: str) -> Department | None:
    """By its name, whatever the case."""
    wanted = " ".join(name.split()).casefold()
    return next((department for department in list(conn) if department.name.casefold() == wanted), None)


def first(conn: Connection) -> Department | None:
    """The oldest: where mail goes that names none. None where there is no department yet."""
    return (_read(conn, _FIRST) or (None,))[0]


def sending(conn: Connection) -> Department | None:
    """The oldest that has an address to write from. None where there is none."""
    return (_read(conn, _SENDING) or (None,))[0]


def address_book(conn: Connection) -> Mapping[str, int]:
    """Each of our addresses (lower case, without +detail) with its department's id."""
    return mail_addresses.book(conn)


def sender(department: Department) -> Address:
    """Whom its mail comes from."""
    return Address(department.sender_name or department.name, department.address)


def _read(conn: Connection, found: Select[Any], **values: object) -> tuple[Department, ...]:
    grouped: dict[int, tuple[rows.Row, tuple[str, ...]]] = {}
    for row in conn.execute(found, values):
        _, emails = grouped.get(row[0], (row, ()))
        grouped[row[0]] = (row, (*emails, row[-1]) if row[-1] is not None else emails)
    return tuple(rows.department(row, emails) for row, emails in grouped.values())
