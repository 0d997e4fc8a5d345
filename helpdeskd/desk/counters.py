"""How many there are, without counting: totals of tickets by department and state, and of customers.

Every act that makes one, or moves it, adds to a row of `counter` in its own transaction. Each writer has rows of its own
(`shard`: on PostgreSQL its backend's number, on SQLite 0), so that two nodes never wait for each other; a total is their sum.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Any

from sqlalchemy import (
    BindParameter,
    Connection,
    Integer,
    Select,
    bindparam,
    column,
    delete,
    func,
    literal,
    select,
    table,
)
from sqlalchemy.dialects import postgresql, sqlite

from helpdeskd.model.ticket import State
from helpdeskd.store import schema

CUSTOMERS = "customers"

_c = schema.counter.c


def _adding(dialect: str, *, own: bool = True) -> postgresql.Insert | sqlite.Insert:
    shard = func.pg_backend_pid() if own and dialect == "postgresql" else literal(0)
    make = postgresql.insert if dialect == "postgresql" else sqlite.insert
    statement = make(schema.counter).values(name=bindparam("name"), shard=shard, n=bindparam("n"))
    return statement.on_conflict_do_update(index_elements=["name", "shard"], set_={"n": _c.n + statement.excluded.n})


_ADD = {dialect: _adding(dialect) for dialect in ("postgresql", "sqlite")}
_NAMES: BindParameter[list[str]] = bindparam("names", expanding=True)
_TOTAL = select(func.coalesce(func.sum(_c.n), 0)).where(_c.name.in_(_NAMES))
_OF_TICKETS = (_c.name >= "ticket:", _c.name < "ticket;")
_TOTAL_OF_ALL = select(func.coalesce(func.sum(_c.n), 0)).where(*_OF_TICKETS)
_EACH = select(_c.name, func.sum(_c.n)).where(_c.name.in_(_NAMES)).group_by(_c.name)
_EACH_OF_ALL = select(_c.name, func.sum(_c.n)).where(*_OF_TICKETS).group_by(_c.name)


def add(conn: Connection, name: str, n: int) -> None:
    """`n` more of them, or fewer."""
    conn.execute(_ADD[conn.dialect.name], {"name": name, "n": n})


def total(conn: Connection, names: Iterable[str]) -> int:
    """The sum of these."""
    return int(conn.execute(_TOTAL, {"names": [*names]}).scalar_one())


def tickets(conn: Connection, states: Iterable[State] = (), departments: Iterable[int] = ()) -> int:
    """Tickets that are there, removed ones not: of these states and departments, of all where none is named.

    `departments` without `states` (or the other way round) stands for every state, and every department has its rows by name.
    """
    of_states, of_departments = tuple(states), tuple(departments)
    if of_departments:
        return total(conn, (ticket(each, state) for each in of_departments for state in of_states or State))
    if of_states:
        every = conn.execute(select(schema.department.c.id)).scalars().all()
        return total(conn, (ticket(each, state) for each in every for state in of_states))
    return int(conn.execute(_TOTAL_OF_ALL).scalar_one())


def by_state(conn: Connection, departments: Iterable[int] | None = None) -> dict[State, int]:
    """Tickets that are there, by state; every state has its figure. Of these departments, or of all."""
    if departments is None:
        found = conn.execute(_EACH_OF_ALL)
    else:
        found = conn.execute(_EACH, {"names": [ticket(each, state) for each in departments for state in State]})
    sums = dict.fromkeys(State, 0)
    for name, n in found:
        sums[State(name.rpartition(":")[2])] += int(n)
    return sums


def ticket(department_id: int, state: State | str) -> str:
    """The counter of a department's tickets in one state."""
    return f"ticket:{department_id}:{State(state).value}"


def fold(conn: Connection) -> None:
    """Put the rows of writers that are gone into one: after years of restarts there would be many."""
    if conn.dialect.name != "postgresql":
        return
    alive: Select[Any] = select(column("pid", Integer)).select_from(table("pg_stat_activity"))
    gone = delete(schema.counter).where(_c.shard != 0, _c.shard.not_in(alive)).returning(_c.name, _c.n)
    sums: Counter[str] = Counter()
    for name, n in conn.execute(gone):
        sums[name] += n
    folded = _adding("postgresql", own=False)
    for name, n in sorted(sums.items()):
        conn.execute(folded, {"name": name, "n": n})
