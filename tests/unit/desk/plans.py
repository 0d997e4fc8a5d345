"""Does an index answer a question, however many rows there are? Asked of the database that will have to."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Connection, event, text


@contextmanager
def said_to(conn: Connection) -> Iterator[list[tuple[str, Any]]]:
    """Every statement and its values."""
    found: list[tuple[str, Any]] = []

    def hear(_conn: Any, _cursor: Any, statement: str, values: Any, *_: Any) -> None:
        found.append((statement, values))

    event.listen(conn, "before_cursor_execute", hear)
    try:
        yield found
    finally:
        event.remove(conn, "before_cursor_execute", hear)


def plans(conn: Connection, ask: Callable[[], object]) -> list[str]:
    """How the database goes about each statement of `ask`, as it tells. PostgreSQL is kept from reading small tables whole, which
    it prefers for as long as they are small."""
    with said_to(conn) as asked:
        ask()
    sqlite = conn.dialect.name == "sqlite"
    if not sqlite:
        for way in ("seqscan", "sort", "bitmapscan", "hashjoin", "mergejoin", "material"):
            conn.execute(text(f"SET LOCAL enable_{way} = off"))
    explain = "EXPLAIN QUERY PLAN " if sqlite else "EXPLAIN "
    return [
        "\n".join(str(row[-1]) for row in conn.exec_driver_sql(explain + statement, parameters))
        for statement, parameters in asked
        if statement.lstrip().upper().startswith(("SELECT", "WITH"))
    ]


def indexed(conn: Connection, ask: Callable[[], object], walks: str = "") -> int:
    """How many statements `ask` makes; each is answered by indexes, in their order, without sorting. `walks`: the table whose rows
    are themselves in the order that is wanted (SQLite), so that a page of it ends the walk."""
    found = plans(conn, ask)
    for plan in found:
        for line in plan.splitlines():
            bad = (line.startswith("SCAN") and "USING" not in line and line != f"SCAN {walks}") or "TEMP B-TREE" in line
            assert not bad, plan
            assert "Seq Scan" not in line, plan
            assert "Sort Key" not in line, plan
    return len(found)
