"""Opening a store, and reading from it."""

from __future__ import annotations

import os
import sqlite3
import stat
import sys
import threading
from pathlib import Path

import pytest
from sqlalchemy import Connection, func, insert, select, text
from sqlalchemy.exc import DBAPIError

from helpdeskd.errors import ConfigError, StoreDown
from helpdeskd.store import sqlite
from helpdeskd.store.engine import Store, open_store
from helpdeskd.store.schema import setting
from tests.postgres import Postgres
from tests.unit.store.helpers import PATIENCE, busy_writer, keys, put


def test_a_caller_reads_its_own_write_every_time(store: Store) -> None:
    for count in range(1, 30):
        store.writer.run(put(f"key-{count}"))
        assert store.read(lambda conn: conn.scalar(select(func.count()).select_from(setting))) == count


def test_a_read_sees_one_snapshot_however_many_statements_it_makes(store: Store) -> None:
    def twice(conn: Connection) -> tuple[int | None, int | None]:
        count = select(func.count()).select_from(setting)
        before = conn.scalar(count)
        store.writer.run(put("meanwhile"))
        return before, conn.scalar(count)

    assert store.read(twice) == (0, 0)
    assert keys(store) == ["meanwhile"]


def test_a_reader_cannot_write(store: Store) -> None:
    with pytest.raises((DBAPIError, StoreDown)):
        store.read(lambda conn: conn.execute(insert(setting).values(key="a", value=1)))
    assert keys(store) == []


def test_a_read_that_raises_gives_its_connection_back(store: Store) -> None:
    def broken(conn: Connection) -> None:
        conn.scalar(text("SELECT 1"))
        raise ZeroDivisionError

    for _ in range(20):
        with pytest.raises(ZeroDivisionError):
            store.read(broken)
    assert keys(store) == []


def test_readers_hold_their_connections_and_work_side_by_side(store_url: str) -> None:
    store = open_store(store_url, readers=3)
    try:
        together = threading.Barrier(3)
        used: set[int] = set()

        def meet(conn: Connection) -> None:
            used.add(id(conn.connection.dbapi_connection))
            together.wait(PATIENCE)

        for _ in range(4):
            threads = [threading.Thread(target=store.read, args=(meet,)) for _ in range(3)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join(PATIENCE)
        assert len(used) == 3
    finally:
        store.close()


def test_a_closed_store_says_so_and_may_be_closed_again(store_url: str) -> None:
    store = open_store(store_url)
    store.writer.run(put("a"))
    keys(store)
    store.close()
    store.close()
    with pytest.raises(StoreDown, match="closed"):
        keys(store)
    with pytest.raises(StoreDown, match="closed"):
        store.writer.run(put("b"))


def test_sqlite_is_opened_as_promised(sqlite_store: Store, tmp_path: Path) -> None:
    def pragma(name: str) -> object:
        return sqlite_store.writer.run(lambda conn: conn.exec_driver_sql(f"PRAGMA {name}").scalar())

    assert {name: pragma(name) for name in ("journal_mode", "synchronous", "foreign_keys", "busy_timeout")} == {
        "journal_mode": "wal",
        "synchronous": 2,
        "foreign_keys": 1,
        "busy_timeout": 5000,
    }
    fresh = open_store(f"sqlite:///{tmp_path}/fresh.sqlite3")
    fresh.close()
    assert stat.S_IMODE((tmp_path / "fresh.sqlite3").stat().st_mode) == 0o600
    assert fresh.where == f"SQLite {tmp_path}/fresh.sqlite3"
    assert fresh.path == tmp_path / "fresh.sqlite3"


def test_a_new_file_that_another_process_is_making_is_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = sqlite.driver().connect(tmp_path / "new.sqlite3", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")  # not WAL yet: here SQLite answers "locked" at once, however long one would wait
    waits: list[float] = []

    def wait(seconds: float) -> None:
        waits.append(seconds)
        other.execute("COMMIT")

    monkeypatch.setattr("helpdeskd.store.sqlite.time.sleep", wait)
    open_store(f"sqlite:///{tmp_path}/new.sqlite3", busy_seconds=60).close()
    other.close()
    assert len(waits) == 1


def test_sqlite_writes_take_their_lock_at_the_start(sqlite_url: str) -> None:
    """Read, then write: with a plain BEGIN the second of two would fail at once, whatever the timeout."""
    stores = [open_store(sqlite_url) for _ in range(2)]
    try:

        def count_up(conn: Connection) -> None:
            found = conn.scalar(select(setting.c.value).where(setting.c.key == "n"))
            if found is None:
                conn.execute(insert(setting).values(key="n", value=1))
            else:
                conn.execute(setting.update().where(setting.c.key == "n").values(value=found + 1))

        futures = [store.writer.submit(count_up) for _ in range(100) for store in stores]
        for future in futures:
            future.result(PATIENCE)
        assert stores[0].read(lambda conn: conn.scalar(select(setting.c.value))) == 200
    finally:
        for store in stores:
            store.close()


@pytest.mark.parametrize(
    ("version", "bug"),
    [
        ((3, 40, 1), True),
        ((3, 44, 5), True),
        ((3, 44, 6), False),
        ((3, 50, 6), True),
        ((3, 50, 7), False),
        ((3, 51, 2), True),
        ((3, 51, 3), False),
        ((3, 53, 4), False),
        ((4, 0, 0), False),
    ],
)
def test_which_sqlite_has_the_wal_reset_bug(version: tuple[int, int, int], bug: bool) -> None:
    assert sqlite.has_wal_bug(version) is bug


def test_an_old_sqlite_is_told_of(sqlite_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pysqlite3", None)
    assert sqlite.driver() is sqlite3
    monkeypatch.setattr(sqlite3, "sqlite_version_info", (3, 40, 1))
    store = open_store(sqlite_url)
    store.close()
    assert store.wal_bug
    assert "SQLite 3.40.1" in store.warnings[0]


@pytest.mark.parametrize(
    "url", ["", "nonsense", "mysql://host/db", "sqlite://", "sqlite:///:memory:", "sqlite:///file:x"]
)
def test_a_wrong_address_is_a_config_error(url: str) -> None:
    with pytest.raises(ConfigError) as caught:
        open_store(url)
    assert caught.value.problems[0].startswith("store.url: ")


def test_a_missing_folder_is_a_config_error(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="does not exist"):
        open_store(f"sqlite:///{tmp_path}/none/helpdeskd.sqlite3")


def test_a_file_that_is_no_database_is_told_plainly(tmp_path: Path) -> None:
    (tmp_path / "x.sqlite3").write_bytes(b"this is a letter, not a database" * 100)
    with pytest.raises(StoreDown, match="not a database"):
        open_store(f"sqlite:///{tmp_path}/x.sqlite3")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_file_we_may_not_write_is_told_plainly(tmp_path: Path) -> None:
    (tmp_path / "x.sqlite3").touch(mode=0o400)
    with pytest.raises(StoreDown, match="Permission denied"):
        open_store(f"sqlite:///{tmp_path}/x.sqlite3")


def test_the_password_is_never_shown(postgres: Postgres) -> None:
    with pytest.raises(StoreDown) as caught:
        open_store(f"postgresql://nobody:sesame@127.0.0.1:{postgres.port}/none")
    assert "sesame" not in f"{caught.value} {caught.value.__cause__}"
    assert "none" in str(caught.value)


def test_a_server_that_is_not_there_is_told_plainly() -> None:
    with pytest.raises(StoreDown, match=r"127\.0\.0\.1"):
        open_store("postgresql://postgres@127.0.0.1:1/helpdeskd")


@pytest.mark.parametrize("scheme", ["postgresql", "postgres", "postgresql+psycopg"])
def test_every_name_of_postgresql_means_psycopg(postgres_url: str, scheme: str) -> None:
    store = open_store(postgres_url.replace("postgresql", scheme, 1))
    try:
        assert store.dialect == "postgresql"
        assert store.engine.dialect.driver == "psycopg"
        assert store.where.startswith("PostgreSQL 127.0.0.1/helpdeskd_")
    finally:
        store.close()


def test_an_encoding_that_cannot_hold_mail_is_refused(postgres: Postgres) -> None:
    postgres.execute("CREATE DATABASE ascii ENCODING 'SQL_ASCII' LOCALE 'C' TEMPLATE template0")
    try:
        with pytest.raises(ConfigError, match="must be UTF8"):
            open_store(postgres.url("ascii"))
    finally:
        postgres.drop("ascii")


def test_options_of_the_address_are_kept(postgres_url: str) -> None:
    store = open_store(f"{postgres_url}?options=-c%20work_mem%3D7MB&application_name=mine")
    try:
        assert store.read(lambda conn: conn.scalar(text("SHOW work_mem"))) == "7MB"
        assert store.read(lambda conn: conn.scalar(text("SHOW application_name"))) == "mine"
        assert store.read(lambda conn: conn.scalar(text("SHOW lock_timeout"))) == "5s"
    finally:
        store.close()


def test_an_option_that_nobody_knows_is_told_plainly(postgres_url: str) -> None:
    with pytest.raises(ConfigError, match=r'store.url: .*"colour"'):
        open_store(f"{postgres_url}?colour=blue")


def test_connections_that_were_cut_are_replaced(postgres: Postgres, postgres_url: str) -> None:
    store = open_store(postgres_url)
    try:
        for n in range(3):
            assert store.writer.run(put(f"{n}-a")) == f"{n}-a"
            assert len(keys(store)) == 2 * n + 1
            assert postgres.terminate_backends(postgres_url.rpartition("/")[2]) == 2
            assert len(keys(store)) == 2 * n + 1
            assert store.writer.run(put(f"{n}-b")) == f"{n}-b"
    finally:
        store.close()


def test_a_connection_cut_in_the_middle_of_a_group_loses_and_doubles_nothing(postgres_url: str) -> None:
    store = open_store(postgres_url)
    cut: list[int] = []

    def cutting(conn: Connection) -> None:
        put("cutting")(conn)
        if not cut:
            cut.append(1)
            conn.execute(text("SELECT pg_terminate_backend(pg_backend_pid())"))

    try:
        with busy_writer(store):
            futures = [store.writer.submit(fn) for fn in (put("a"), cutting, put("b"))]
        for future in futures:
            future.result(PATIENCE)
        assert keys(store) == ["a", "b", "cutting"]
    finally:
        store.close()


def test_a_server_that_goes_and_comes_back(postgres: Postgres, postgres_url: str) -> None:
    store = open_store(postgres_url)
    try:
        store.writer.run(put("before"))
        keys(store)
        postgres.stop()
        try:
            for _ in range(2):
                with pytest.raises(StoreDown):
                    keys(store)
                with pytest.raises(StoreDown):
                    store.writer.run(put("down"))
        finally:
            postgres.start()
        assert store.writer.run(put("after")) == "after"
        assert keys(store) == ["after", "before"]
    finally:
        store.close()
