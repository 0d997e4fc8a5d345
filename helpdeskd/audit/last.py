"""What the last audit found: kept in the store, read by `status`, metrics and alarms."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import Connection, delete, select

from helpdeskd.audit.differences import Kind, Report
from helpdeskd.store import schema, settings

KEY = "audit:"  # setting: the last result of each node
GONE = timedelta(days=30)  # a node that has audited nothing for so long
WORDS = 20  # differences that are kept in words
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Last:
    """What an audit left behind."""

    at: datetime
    deep: bool
    counts: Mapping[Kind, int]
    words: tuple[str, ...]

    @property
    def total(self) -> int:
        return sum(self.counts.values())


def keep(conn: Connection, node: str, report: Report, now: datetime) -> None:
    """Remember it as the last one."""
    value = {
        "at": (now - _EPOCH) // timedelta(microseconds=1),
        "deep": report.deep,
        "counts": {kind.value: count for kind, count in report.counts.items() if count},
        "words": [str(each) for each in report.differences[:WORDS]],
    }
    settings.put(conn, KEY + node, value)


def last(conn: Connection, node: str) -> Last | None:
    """The last one of this node; None before the first."""
    value: dict[str, Any] | None = settings.get(conn, KEY + node, None)
    if value is None:
        return None
    known = set(Kind)
    return Last(
        at=_EPOCH + timedelta(microseconds=value["at"]),
        deep=value["deep"],
        counts={Kind(kind): count for kind, count in value["counts"].items() if kind in known},
        words=tuple(value["words"]),
    )


def forget(conn: Connection) -> None:
    """Of all nodes."""
    conn.execute(delete(schema.setting).where(schema.setting.c.key.startswith(KEY, autoescape=True)))


def others(conn: Connection, node: str, now: datetime) -> int:
    """How many other nodes have left a result in this store of late. One that has not for GONE exists no more."""
    key = schema.setting.c.key
    query = select(schema.setting.c.value).where(key.startswith(KEY, autoescape=True), key != KEY + node)
    since = (now - GONE - _EPOCH) // timedelta(microseconds=1)
    return sum(value["at"] >= since for value in conn.execute(query).scalars())
