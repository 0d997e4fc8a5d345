"""NUL and lone surrogates never reach a database, by whatever column, and comparisons find what was stored."""

from __future__ import annotations

import functools
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as effort
from hypothesis import strategies as some
from sqlalchemy import JSON, String, insert, select

from helpdeskd.store import scrub, settings
from helpdeskd.store.engine import Store
from helpdeskd.store.schema import department, metadata, setting
from helpdeskd.store.scrub import Json, Text
from tests.unit.store.helpers import NOON, keys, put


@pytest.mark.parametrize(
    ("given_text", "expected"),
    [
        ("plain", "plain"),
        ("", ""),
        ("a\x00b", "a�b"),
        ("ä\x00", "ä�"),
        ("\udce9t\ud800", "�t�"),
        ("😀 Grüße \x01\x7f", "😀 Grüße \x01\x7f"),
    ],
)
def test_text(given_text: str, expected: str) -> None:
    assert scrub.text(given_text) == expected


def test_every_text_column_is_scrubbed() -> None:
    columns = [column for table in metadata.sorted_tables for column in table.columns]
    unguarded = [str(column) for column in columns if isinstance(column.type, (String, JSON))]
    assert unguarded == []
    assert sum(isinstance(column.type, Text) for column in columns) > 50
    assert sum(isinstance(column.type, Json) for column in columns) >= 4


def test_bad_text_is_stored_and_found_again(store: Store) -> None:
    store.writer.run(put("a\x00\udcff", {"k\x00": ["v\ud800", 1, None, {"x": "\x00"}]}))
    assert keys(store) == ["a��"]
    assert store.read(lambda conn: settings.get(conn, "a\x00\udcff", None)) == {"k�": ["v�", 1, None, {"x": "�"}]}
    pattern = select(setting.c.key).where(setting.c.key.like("a\x00%"))
    assert store.read(lambda conn: conn.scalars(pattern).all()) == ["a��"]


@effort(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(key=some.text(some.characters(exclude_categories=())), value=some.recursive(
    some.none() | some.booleans() | some.integers(-(2**53), 2**53) | some.text(some.characters(exclude_categories=())),
    lambda inner: some.lists(inner, max_size=4) | some.dictionaries(some.text(max_size=5), inner, max_size=4),
    max_leaves=10,
))  # fmt: skip
def test_any_text_at_all_comes_back_as_its_scrubbed_self(store: Store, key: str, value: Any) -> None:
    store.writer.run(lambda conn: settings.put(conn, key, value))
    assert store.read(lambda conn: settings.get(conn, key, "missing")) == scrub.plain(value)


@pytest.mark.parametrize(
    "when",
    [
        datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=UTC),
        datetime(1969, 12, 31, 23, 59, 59, 999999, tzinfo=UTC),
        datetime(2026, 7, 1, 12, 0, tzinfo=timezone(timedelta(hours=5, minutes=30))),
        datetime(9999, 12, 31, 23, 59, 59, 999999, tzinfo=UTC),
        datetime(1, 1, 2, tzinfo=UTC),
    ],
)
def test_times_keep_every_microsecond_and_come_back_as_utc(store: Store, when: datetime) -> None:
    store.writer.run(lambda conn: conn.execute(insert(department).values(name="x", sender_name="x", created_at=when)))
    (found,) = store.read(lambda conn: conn.scalars(select(department.c.created_at)).all())
    assert found == when
    assert found.utcoffset() == timedelta(0)
    later = select(department.c.name).where(department.c.created_at > when - timedelta(microseconds=1))
    assert store.read(lambda conn: conn.scalars(later).all()) == ["x"]


def test_ids_are_never_used_again(store: Store) -> None:
    def add(conn: Any) -> int:
        values = {"name": "x", "sender_name": "x", "created_at": NOON}
        return int(conn.execute(insert(department).values(values).returning(department.c.id)).scalar_one())

    first = store.writer.run(add)
    store.writer.run(lambda conn: conn.execute(department.delete()))
    assert store.writer.run(add) > first


def test_settings(store: Store) -> None:
    assert store.read(lambda conn: settings.get(conn, "k", "default")) == "default"
    values: tuple[Any, ...] = ([1], {"a": None}, "text", None, False)
    for value in values:
        store.writer.run(functools.partial(settings.put, key="k", value=value))
        assert store.read(lambda conn: settings.get(conn, "k", "default")) == value
    assert store.writer.run(lambda conn: settings.once(conn, "secret", "first")) == "first"
    assert store.writer.run(lambda conn: settings.once(conn, "secret", "second")) == "first"
