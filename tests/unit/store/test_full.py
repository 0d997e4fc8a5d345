"""A full disk in the middle of a group: those who fit are kept once, those who do not are told, nobody is lost or doubled."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, event, insert

from helpdeskd.errors import NoRoom, StoreDown
from helpdeskd.store.blobs import FolderBlobs
from helpdeskd.store.engine import Store, open_store
from helpdeskd.store.schema import setting
from tests.unit.store.helpers import PATIENCE, busy_writer, keys, put

HUGE = "x" * (6 << 20)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """Two megabytes, of which a store takes a part."""
    folder = tmp_path / "disk"
    folder.mkdir()
    if os.geteuid() != 0:
        pytest.skip("only root may mount a small disk")
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=2m", "none", folder], capture_output=True)
    if mounted.returncode != 0:
        pytest.skip("a small disk cannot be mounted here")
    yield folder
    subprocess.run(["umount", "-l", folder], check=True)


def _group_with_a_huge_one(store: Store) -> None:
    runs: list[str] = []

    def counted(key: str, value: object):
        def command(conn: Connection) -> str:
            runs.append(key)
            return put(key, value)(conn)

        return command

    with busy_writer(store):
        small = [store.writer.submit(counted(f"before-{n}", n)) for n in range(5)]
        huge = store.writer.submit(counted("huge", HUGE))
        small += [store.writer.submit(counted(f"after-{n}", n)) for n in range(5)]
    assert len([future.result(PATIENCE) for future in small]) == 10
    with pytest.raises(StoreDown, match="full"):
        huge.result(PATIENCE)
    assert keys(store) == sorted(future.result() for future in small)
    assert store.writer.run(put("later")) == "later"


def test_a_full_database_in_the_middle_of_a_group(sqlite_store: Store) -> None:
    def limit(raw: Any, _record: Any) -> None:
        raw.execute("PRAGMA max_page_count = 400")

    event.listen(sqlite_store.engine, "connect", limit)
    _group_with_a_huge_one(sqlite_store)


def test_a_full_disk_in_the_middle_of_a_group(small_disk: Path) -> None:
    store = open_store(f"sqlite:///{small_disk}/helpdeskd.sqlite3")
    try:
        _group_with_a_huge_one(store)
    finally:
        store.close()


def test_a_full_disk_ends_the_whole_transaction_and_all_are_tried_again(
    small_disk: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The case the rule is for. Pages spill into the WAL before COMMIT, so the disk is full inside a command."""
    store = open_store(f"sqlite:///{small_disk}/helpdeskd.sqlite3")

    def spill(raw: Any, _record: Any) -> None:
        raw.execute("PRAGMA cache_size = 10")

    event.listen(store.engine, "connect", spill)
    one_by_one: list[int] = []
    usual = store.writer._one_by_one

    def noted(group: list[Any]) -> None:
        one_by_one.append(len(group))
        usual(group)

    monkeypatch.setattr(store.writer, "_one_by_one", noted)
    try:
        for n in range(3):
            with busy_writer(store):
                small = [store.writer.submit(put(f"{n}-{k}")) for k in range(3)]
                hungry = store.writer.submit(_hungry)
                small += [store.writer.submit(put(f"{n}-{k}")) for k in range(3, 6)]
            assert len({future.result(PATIENCE) for future in small}) == 6
            with pytest.raises(StoreDown):
                hungry.result(PATIENCE)
        assert one_by_one == [7, 7, 7]
        assert keys(store) == [f"{n}-{k}" for n in range(3) for k in range(6)]
    finally:
        store.close()


def _hungry(conn: Connection) -> None:
    for n in range(400):
        conn.execute(insert(setting).values(key=f"hungry-{n}", value="x" * 20_000))


def test_blobs_on_a_full_disk_leave_nothing_half_written(small_disk: Path) -> None:
    blobs = FolderBlobs(small_disk / "blobs")
    kept = blobs.put(b"small")
    with pytest.raises(NoRoom):
        blobs.put(os.urandom(4 << 20))
    assert blobs.get(kept) == b"small"
    assert [path.name for path in (small_disk / "blobs").rglob("*") if path.is_file()] == [kept]
