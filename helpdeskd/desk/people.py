"""Who takes part: customers, who come by writing, and staff, who are added."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import ColumnElement, Connection, bindparam, delete, func, insert, literal_column, or_, select, update

from helpdeskd.desk import accounts, addresses, ceilings, companies, counters, links, mutes, notices, rows, search
from helpdeskd.desk import departments as houses
from helpdeskd.desk.accounts import Login
from helpdeskd.desk.context import Desk
from helpdeskd.errors import NotFound, Refused
from helpdeskd.model.mail import Address
from helpdeskd.model.people import Person, PersonKind
from helpdeskd.store import schema

_p, _s = schema.person.c, schema.staff_department.c

# Whose address it is: a person's own, or that of one who was merged into them.
_alias = schema.person.alias("alias")
_BEHIND = func.coalesce(_alias.c.merged_into, _alias.c.id)
AT_ADDRESS = select(_BEHIND).where(_alias.c.email_key == bindparam("email")).scalar_subquery()

_BY_KEY = select(*rows.PERSON).where(_p.id == AT_ADDRESS)
_BY_ID = select(*rows.PERSON).where(_p.id == bindparam("person_id"))
_BY_IDS = select(*rows.PERSON).where(_p.id.in_(bindparam("ids", expanding=True)))
_BY_KEYS = (
    select(*rows.PERSON, _alias.c.email_key)
    .join(_alias, _p.id == _BEHIND)
    .where(_alias.c.email_key.in_(bindparam("emails", expanding=True)))
)
# Who logs in by a name, and whose address it is; at most two. One statement, whoever there is.
_l = schema.login.c
_BY_NAME = select(_l.person_id).where(_l.username_key == bindparam("key")).scalar_subquery()
_MEANT = (
    select(*rows.PERSON, _l.username_key, *accounts.COLUMNS)
    .outerjoin(schema.login, _l.person_id == _p.id)
    .where(or_(_p.id == _BY_NAME, _p.id == AT_ADDRESS))
)
_KEPT = select(_p.id, _p.merged_into).where(_p.id.in_(bindparam("ids", expanding=True)), _p.merged_into.is_not(None))
_DEPARTMENTS = select(_s.department_id).where(_s.person_id == bindparam("person_id"))
_INSERT = insert(schema.person).returning(_p.id)
_KNOW = update(schema.person).where(_p.id == bindparam("known"))
_v = schema.setting.c.value
_ONE_MORE: dict[str, ColumnElement[int]] = {
    "sqlite": literal_column("setting.value + 1"),
    "postgresql": literal_column("to_jsonb(setting.value::text::bigint + 1)"),
}
_COUNT = {
    dialect: update(schema.setting)
    .values(value=value)
    .where(schema.setting.c.key == bindparam("counter"))
    .returning(_v)
    for dialect, value in _ONE_MORE.items()
}


def find(conn: Connection, email: str) -> Person | None:
    """By address, whatever the case."""
    row = conn.execute(_BY_KEY, {"email": email.strip().lower()}).one_or_none()
    return None if row is None else rows.person(row)


def meant(conn: Connection, name: str) -> tuple[Login | None, Person | None]:
    """By what is typed at a log-in: whoever has it as a user name, else as an address; with an @ in it, as an address first."""
    key, at = accounts.name_key(name), len(rows.PERSON)
    found = conn.execute(_MEANT, {"key": key, "email": name.strip().lower()}).all()
    if not found:
        return None, None
    row = min(found, key=lambda row: (row[at] == key) is ("@" in key))
    return None if row[at] is None else Login(*row[at + 1 :]), rows.person(row)


def at(conn: Connection, email: str) -> Person:
    """By address, whatever the case. Raises NotFound."""
    person = find(conn, email)
    if person is None:
        raise NotFound("person", email)
    return person


def get(conn: Connection, person_id: int) -> Person:
    """Raises NotFound."""
    row = conn.execute(_BY_ID, {"person_id": person_id}).one_or_none()
    if row is None:
        raise NotFound("person", person_id)
    return rows.person(row)


def several(conn: Connection, ids: Iterable[int]) -> dict[int, Person]:
    """Those of `ids` that exist, by id: one query."""
    wanted = sorted(set(ids))
    return {row[0]: rows.person(row) for row in conn.execute(_BY_IDS, {"ids": wanted})} if wanted else {}


def kept(conn: Connection, ids: Iterable[int]) -> dict[int, int]:
    """Those of `ids` who were merged into somebody, and whom."""
    wanted = sorted(set(ids))
    return {row.id: row.merged_into for row in conn.execute(_KEPT, {"ids": wanted})} if wanted else {}


def customer(conn: Connection, desk: Desk, now: datetime, address: Address, *, known: bool = True) -> Person:
    """The person with this address (staff too), else a new customer. A name is remembered where there was none. Not `known`: of a
    new one an unproved mail is all there is.

    Raises Refused("bad-address"). Two writers at once: the unique key lets one through, the other meets errors.Conflict.
    """
    found = find(conn, address.email)
    return newcomer(conn, now, address, known=known) if found is None else _named(conn, found, address.name)


def customers(
    conn: Connection, desk: Desk, now: datetime, found: Iterable[Address], *, by_known: bool = True
) -> tuple[tuple[Person, ...], int]:
    """As `customer` for many whom a mail names, in their order, each person once: one query where all are there. Unusable addresses
    are left out, and so are new people beyond a ceiling (of its own where whoever names them is not `by_known`): how many comes second."""
    wanted: dict[str, Address] = {}
    for address in found:
        try:
            addresses.clean(address.email)
        except Refused:
            continue
        wanted.setdefault(address.email.strip().lower(), address)
    if not wanted:
        return (), 0
    known = {row[-1]: rows.person(row) for row in conn.execute(_BY_KEYS, {"emails": list(wanted)})}
    new = [key for key in wanted if key not in known]
    room = ceilings.admitted(conn, desk.ceilings, now, len(new), by_known=by_known) if new else 0
    admitted = set(new[:room])
    there = (
        _named(conn, known[key], address.name) if key in known else newcomer(conn, now, address, known=False)
        for key, address in wanted.items()
        if key in known or key in admitted
    )
    return tuple({person.id: person for person in there}.values()), len(new) - len(admitted)


def newcomer(conn: Connection, now: datetime, address: Address, *, known: bool) -> Person:
    """A new customer, where nobody has this address. Raises as `customer`."""
    name, email = _name(address.name), addresses.clean(address.email)
    number = _next(conn, "people.customer_no")
    person_id = _insert(conn, now, PersonKind.CUSTOMER, name, email, customer_no=number, known=known)
    counters.add(conn, counters.CUSTOMERS, 1)
    companies.join_by_domain(conn, person_id, email)
    return Person(person_id, PersonKind.CUSTOMER, name, email, 0, "", known=known)


def know(conn: Connection, now: datetime, people: Iterable[Person]) -> None:
    """Something shows that these addresses are theirs: a mail that passed, an answer to a mail of ours, staff who write to them."""
    new = [{"known": person.id, "known_at": now} for person in people if not person.known]
    if new:
        conn.execute(_KNOW, new)


def _named(conn: Connection, person: Person, name: str) -> Person:
    name = _name(name)
    if person.name or not name or name.lower() == person.email.lower():
        return person
    return change(conn, person, name=name)


def _name(name: str) -> str:
    return " ".join(name.split())[:200]


def _insert(
    conn: Connection,
    now: datetime,
    kind: PersonKind,
    name: str,
    email: str,
    *,
    level: int = 0,
    language: str = "",
    customer_no: int | None = None,
    staff_no: int | None = None,
    known: bool = True,
) -> int:
    person_id: int = conn.execute(
        _INSERT,
        {
            "kind": kind.value,
            "customer_no": customer_no,
            "staff_no": staff_no,
            "name": name,
            "email": email,
            "email_key": email.lower(),
            "level": level,
            "language": language,
            "created_at": now,
            "known_at": now if known else None,
        },
    ).scalar_one()
    return person_id


def _next(conn: Connection, key: str) -> int:
    """The next number of a count that never runs backwards. The row's lock (SQLite: the writer's) makes it safe."""
    number: int | None = conn.execute(_COUNT[conn.dialect.name], {"counter": key}).scalar()
    if number is None:
        number = 1
        conn.execute(insert(schema.setting), {"key": key, "value": number})
    return number


def change(conn: Connection, person: Person, **values: object) -> Person:
    """Write columns of a person, as the table names them; the record after it."""
    conn.execute(update(schema.person).where(_p.id == person.id).values(**values))
    after = get(conn, person.id)
    if (after.name, after.email) != (person.name, person.email):
        search.rename(conn, after)
    if after.email.lower() != person.email.lower() and (after.muted_at or after.unreached_at):
        return mutes.forget(conn, after)
    return after


def add_staff(
    conn: Connection,
    desk: Desk,
    now: datetime,
    name: str,
    email: str,
    level: int = 1,
    departments: Iterable[int] = (),
    notify: bool = True,
    *,
    language: str = "",
    welcome: bool = True,
) -> tuple[Person, str | None]:
    """A new member of staff and, where the desk has a public address, the token of their set-password link.

    A customer with this address becomes staff and keeps their id; a disabled member of staff is taken back. `departments`:
    their ids; `notify`: they are told of tickets of these. Raises Refused: bad-address, bad-level, own-address, already-staff, no-such-department.
    """
    name, email = _name(name), addresses.clean(email)
    if level not in {1, 2, 3}:
        raise Refused("bad-level", "a level is 1 (answers), 2 (manages tickets) or 3 (administrates)")
    if addresses.ours(conn, (email,)):
        raise Refused("own-address", f"{email} is the address of a department: notices would come straight back")
    found = find(conn, email)
    if found is None:
        number = _next(conn, "people.staff_no")
        person_id = _insert(conn, now, PersonKind.STAFF, name, email, level=level, language=language, staff_no=number)
        person = Person(person_id, PersonKind.STAFF, name, email, level, language)
    elif found.is_staff:
        raise Refused("already-staff", f"{email} is staff already")
    else:
        person = _promoted(conn, found, name, email, level, language)
    chosen = tuple(houses.get(conn, each) for each in dict.fromkeys(departments))
    set_departments(conn, person, [department.id for department in chosen], notify)
    token = links.make(conn, desk, now, person, links.Purpose.INVITATION) if desk.settings.public_url else None
    if welcome:
        home = chosen[0] if chosen else houses.first(conn)
        link = notices.set_password_url(desk, token) if token else ""
        notices.enqueue_for(
            conn,
            desk,
            now,
            notices.Scene(
                notices.Event.STAFF_ADDED,
                home,
                tell=person,
                extra={"link": link, "departments": [department.name for department in chosen]},
            ),
        )
    return person, token


def _promoted(conn: Connection, found: Person, name: str, email: str, level: int, language: str) -> Person:
    number: int | None = conn.execute(select(_p.staff_no).where(_p.id == found.id)).scalar_one()
    return change(
        conn,
        found,
        kind=PersonKind.STAFF.value,
        level=level,
        name=name or found.name,
        email=email,
        language=language or found.language,
        staff_no=number if number is not None else _next(conn, "people.staff_no"),
        disabled_at=None,
    )


def set_departments(conn: Connection, person: Person, chosen: Iterable[int], notify: bool = True) -> None:
    """The departments (ids) a member of staff belongs to, in place of those before."""
    conn.execute(delete(schema.staff_department).where(_s.person_id == person.id))
    unique = dict.fromkeys(chosen)
    if unique:
        conn.execute(
            insert(schema.staff_department),
            [{"person_id": person.id, "department_id": each, "notify": notify} for each in unique],
        )


def disable(conn: Connection, desk: Desk, now: datetime, *, person: Person) -> Person:
    """They keep their tickets and history, but are neither told nor obeyed any more; sessions and links end."""
    accounts.end_sessions(conn, person_id=person.id)
    links.void(conn, now, person_id=person.id)
    return person if person.disabled_at is not None else change(conn, person, disabled_at=now)


def enable(conn: Connection, desk: Desk, now: datetime, *, person: Person) -> Person:
    """Undo `disable`. Raises Refused("own-address") where their address became a department's meanwhile."""
    if addresses.ours(conn, (person.email,)):
        raise Refused("own-address", f"{person.email} is the address of a department: notices would come straight back")
    return person if person.disabled_at is None else change(conn, person, disabled_at=None)


def staff_departments(conn: Connection, person_id: int) -> frozenset[int]:
    """Ids of the departments a member of staff belongs to."""
    return frozenset(conn.execute(_DEPARTMENTS, {"person_id": person_id}).scalars())


def list_staff(conn: Connection, disabled: bool = True) -> tuple[Person, ...]:
    """All members of staff by name; without the disabled ones where asked."""
    found = (
        select(*rows.PERSON).where(_p.kind == PersonKind.STAFF.value, _p.removed_at.is_(None)).order_by(_p.name, _p.id)
    )
    everybody = (rows.person(row) for row in conn.execute(found))
    return tuple(person for person in everybody if disabled or person.disabled_at is None)


def staff_named(conn: Connection, words: str) -> Person:
    """The one enabled member of staff meant by a name, a first name, an address or its local part.

    Raises NotFound, or Refused("ambiguous") where several are meant.
    """
    wanted = " ".join(words.split()).casefold()
    everybody = list_staff(conn, disabled=False)
    for names in (_full_names, _short_names):
        meant = [person for person in everybody if wanted in names(person)]
        if len(meant) == 1:
            return meant[0]
        if meant:
            raise Refused("ambiguous", f"{words} may be {' or '.join(person.email for person in meant)}")
    raise NotFound("staff", words)


def _full_names(person: Person) -> set[str]:
    return {person.name.casefold(), person.email.casefold()} - {""}


def _short_names(person: Person) -> set[str]:
    return {*person.name.casefold().split(), person.email.casefold().partition("@")[0]}
