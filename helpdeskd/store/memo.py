"""What the commands of one transaction may remember for each other: the house itself, which changes a few times a year.

Departments, their addresses, who is notified and whether companies have domains are read for every mail. Within one transaction of the writer they are
read once; the first change to them ends that for the rest of it. Connections of others remember nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from typing import Any, TypeVar

from sqlalchemy import Connection

from helpdeskd.store import schema

T = TypeVar("T")

_KEY = "helpdeskd.memo"
# An execution option of a statement in so many words: it leaves the house as it is.
ELSEWHERE = {"helpdeskd_elsewhere": True}
_OF_THE_HOUSE = frozenset(
    {schema.department.name, schema.address.name, schema.staff_department.name, schema.company_domain.name}
)


class Memo:
    """One transaction's memory. `kept` is None once something changed."""

    __slots__ = ("kept",)

    def __init__(self) -> None:
        self.kept: dict[Hashable, Any] | None = {}

    def changed(self, table: str, *, new_rows: bool) -> None:
        """A statement wrote to `table`. A new person is nobody's colleague yet: that takes a row of staff_department."""
        if table in _OF_THE_HOUSE or (table == schema.person.name and not new_rows):
            self.kept = None

    def unknown(self, options: Mapping[str, object]) -> None:
        """A statement in so many words wrote who knows where, unless its execution options say that it was ELSEWHERE."""
        if not ELSEWHERE.items() <= options.items():
            self.kept = None


def begin(connection: Connection) -> Memo:
    """A fresh memory for the transaction that begins on this connection."""
    memo = connection.info[_KEY] = Memo()
    return memo


def remembered(connection: Connection, key: Hashable, read: Callable[[Connection], T]) -> T:
    """What `read` returns, read once in a transaction of the writer. `read` asks only for tables of the house and their
    staff; what it returns is shared and must not be changed."""
    memo: Memo | None = connection.info.get(_KEY)
    if memo is None or memo.kept is None:
        return read(connection)
    if key not in memo.kept:
        memo.kept[key] = read(connection)
    found: T = memo.kept[key]
    return found
