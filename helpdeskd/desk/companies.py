"""The firms customers come from, the mail domains that are theirs, and what they are divided into."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, bindparam, delete, insert, select, update

from helpdeskd.desk import addresses, given
from helpdeskd.desk.context import Desk
from helpdeskd.errors import NotFound, Refused
from helpdeskd.model.people import Person
from helpdeskd.store import memo, schema
from helpdeskd.store.schema.base import BigId

MOST_NAME = 200
MOST_NOTES = 20_000
MOST_DOMAINS = 100

_c, _d, _v = schema.company.c, schema.company_domain.c, schema.division.c
_COLUMNS = (_c.id, _c.name, _c.notes)
_BY_ID = select(*_COLUMNS).where(_c.id == bindparam("company_id"))
_BY_NAME = select(*_COLUMNS).where(_c.name_key == bindparam("key"))
_PAGE = select(*_COLUMNS).order_by(_c.name_key).limit(bindparam("most")).offset(bindparam("skip"))
_DOMAINS = select(_d.company_id, _d.domain).where(_d.company_id.in_(bindparam("ids", expanding=True)))
_OWNER = select(_d.company_id).where(_d.domain == bindparam("domain"))
_ANY_DOMAIN = select(_d.company_id).limit(1)
_JOIN = insert(schema.profile).from_select(
    ["person_id", "company_id"],
    select(bindparam("joining", type_=BigId), _d.company_id).where(_d.domain == bindparam("domain")),
    include_defaults=False,
)


@dataclass(frozen=True, slots=True)
class Company:
    """`domains`: lower case, in alphabetical order; whoever first writes from one of them belongs to the company."""

    id: int
    name: str
    notes: str
    domains: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Division:
    """What customers' profiles call their department; the same for all companies."""

    id: int
    name: str


def get(conn: Connection, company_id: int) -> Company:
    """Raises NotFound."""
    found = _read(conn, _BY_ID, company_id=given.row_id("company", company_id))
    if not found:
        raise NotFound("company", company_id)
    return found[0]


def find(conn: Connection, name: str) -> Company | None:
    """By name, whatever the case."""
    return (_read(conn, _BY_NAME, key=given.key(name)) or (None,))[0]


def at(conn: Connection, name: str) -> Company:
    """By name, whatever the case. Raises NotFound."""
    found = find(conn, name)
    if found is None:
        raise NotFound("company", name)
    return found


def page(conn: Connection, *, limit: int, offset: int) -> tuple[Company, ...]:
    """By name. Two statements, however many there are."""
    return _read(conn, _PAGE, **given.window(limit, offset))


def named(
    conn: Connection, desk: Desk, now: datetime, *, name: str, domains: Iterable[str] = (), actor: Person | None
) -> Company:
    """The company of this name, made where there is none, with `domains`; one that is there keeps its own. Raises as `add`."""
    return find(conn, name) or add(conn, desk, now, name=name, domains=domains, actor=actor)


def add(
    conn: Connection,
    desk: Desk,
    now: datetime,
    *,
    name: str,
    notes: str = "",
    domains: Iterable[str] = (),
    actor: Person | None,
) -> Company:
    """A new one. Raises Refused: bad-name, name-taken, bad-notes, bad-domain, too-many-domains, domain-taken."""
    name = _name(name)
    if find(conn, name) is not None:
        raise Refused("name-taken", f"there is a company {name} already")
    notes = _notes(notes)
    values = {"name": name, "name_key": given.key(name), "notes": notes, "created_at": now}
    company_id: int = conn.execute(insert(schema.company).returning(_c.id), values).scalar_one()
    _set_domains(conn, Company(company_id, name, notes, ()), domains)
    return get(conn, company_id)


def change(
    conn: Connection,
    desk: Desk,
    now: datetime,
    *,
    company: Company,
    name: str | None = None,
    notes: str | None = None,
    domains: Iterable[str] | None = None,
    actor: Person | None,
) -> Company:
    """What is None stays; `domains` take the place of those before. People who are there already stay where they are. Raises as `add`."""
    values: dict[str, object] = {}
    if name is not None:
        name = _name(name)
        other = find(conn, name)
        if other is not None and other.id != company.id:
            raise Refused("name-taken", f"there is a company {name} already")
        values |= {"name": name, "name_key": given.key(name)}
    if notes is not None:
        values["notes"] = _notes(notes)
    if values:
        conn.execute(update(schema.company).where(_c.id == company.id).values(**values))
    if domains is not None:
        _set_domains(conn, company, domains)
    return get(conn, company.id)


def join_by_domain(conn: Connection, person_id: int, email: str) -> None:
    """A new person belongs to the company whose domain their address is of."""
    if memo.remembered(conn, "companies.any_domain", _any_domain):
        conn.execute(_JOIN, {"joining": person_id, "domain": email.rpartition("@")[2].lower()})


def _any_domain(conn: Connection) -> bool:
    return conn.execute(_ANY_DOMAIN).scalar() is not None


def divisions(conn: Connection) -> tuple[Division, ...]:
    """All of them by name: an organisation has a few dozen."""
    return tuple(Division(*row) for row in conn.execute(select(_v.id, _v.name).order_by(_v.name_key)))


def division(conn: Connection, division_id: int) -> Division:
    """Raises NotFound."""
    found = select(_v.id, _v.name).where(_v.id == given.row_id("division", division_id))
    row = conn.execute(found).one_or_none()
    if row is None:
        raise NotFound("division", division_id)
    return Division(*row)


def division_named(conn: Connection, desk: Desk, now: datetime, *, name: str, actor: Person | None) -> Division:
    """The one of this name, made where there is none. Raises Refused("bad-name")."""
    row = conn.execute(select(_v.id, _v.name).where(_v.name_key == given.key(name))).one_or_none()
    if row is not None:
        return Division(*row)
    name = _name(name)
    values = {"name": name, "name_key": given.key(name)}
    made: int = conn.execute(insert(schema.division).returning(_v.id), values).scalar_one()
    return Division(made, name)


def _set_domains(conn: Connection, company: Company, domains: Iterable[str]) -> None:
    wanted = sorted({_domain(each) for each in domains})
    if len(wanted) > MOST_DOMAINS:
        raise Refused("too-many-domains", f"a company has at most {MOST_DOMAINS} domains")
    for domain in wanted:
        owner: int | None = conn.execute(_OWNER, {"domain": domain}).scalar()
        if owner is not None and owner != company.id:
            raise Refused("domain-taken", f"{domain} is a domain of {get(conn, owner).name}")
    if tuple(wanted) == company.domains:
        return
    conn.execute(delete(schema.company_domain).where(_d.company_id == company.id))
    if wanted:
        conn.execute(insert(schema.company_domain), [{"domain": domain, "company_id": company.id} for domain in wanted])


def _domain(words: str) -> str:
    """As people write them: example.com, @example.com, *@example.com."""
    domain = words.strip().removeprefix("*").removeprefix("@").lower()
    try:
        addresses.clean(f"x@{domain}")
    except Refused as error:
        raise Refused("bad-domain", f"{words!r} is not a mail domain") from error
    return domain


def _name(name: str) -> str:
    return given.line(name, what="a name", most=MOST_NAME, reason="bad-name")


def _notes(notes: str) -> str:
    return given.block(notes, what="a note", most=MOST_NOTES, reason="bad-notes")


def _read(conn: Connection, found: Any, **values: object) -> tuple[Company, ...]:
    lines = conn.execute(found, values).all()
    domains: dict[int, list[str]] = {}
    if lines:
        for company_id, domain in conn.execute(_DOMAINS, {"ids": [row.id for row in lines]}):
            domains.setdefault(company_id, []).append(domain)
    return tuple(Company(row.id, row.name, row.notes, tuple(sorted(domains.get(row.id, ())))) for row in lines)
