"""Opening a store, and reading from it."""

from __future__ import annotations

import threading

import pytest
from sqlalchemy import func, insert, select, text

from helpdeskd.errors import ConfigError, StoreDown
from helpdeskd.store.engine import Store, open_store
from helpdeskd.store.schema import setting


def _put(store: Store, key: str) -> None:
    store.writer.run(lambda conn: conn.execute(insert(setting).values(key=key, value=1)))


def test_a_caller_reads_its_own_write_every_time(store: Store) -> None:
    for count in range(1, 30):
        _put(store, f"key-{count}")
        assert store.read(lambda conn: conn.scalar(select(func.count()).select_from(setting))) == count
