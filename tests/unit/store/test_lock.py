"""Locks: one holder, told plainly, and never left behind."""

from __future__ import annotations

import fcntl
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from helpdeskd.errors import Refused, StoreDown
from helpdeskd.store.engine import open_store
from helpdeskd.store.lock import DaemonLock, NamedLock, is_held
from tests.postgres import Postgres

HOLD = "import sys; from pathlib import Path; from helpdeskd.store.lock import DaemonLock\n\
lock = DaemonLock(Path(sys.argv[1])); lock.acquire(); print('held', flush=True); sys.stdin.read()"


def test_the_second_is_refused_by_name(tmp_path: Path) -> None:
    path = tmp_path / "daemon.lock"
    with DaemonLock(path) as first:
        first.acquire()  # it is ours already
        with pytest.raises(Refused, match=f"process {os.getpid()}") as caught:
            DaemonLock(path).acquire()
        assert caught.value.reason == "already-running"
    with DaemonLock(path):
        pass
    assert path.exists()


def test_who_only_looks_is_in_nobodys_way(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "daemon.lock"
    assert not is_held(path)
    assert not path.exists()
    with DaemonLock(path):
        assert is_held(path)
    looking = os.open(path, os.O_RDONLY)
    fcntl.flock(looking, fcntl.LOCK_SH)
    assert not is_held(path)  # another who looks at the same moment
    monkeypatch.setattr("time.sleep", lambda _: fcntl.flock(looking, fcntl.LOCK_UN))
    with DaemonLock(path):
        assert is_held(path)
    os.close(looking)


def test_a_killed_process_leaves_no_lock(tmp_path: Path) -> None:
    path = tmp_path / "daemon.lock"
    holder = subprocess.Popen([sys.executable, "-c", HOLD, path], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert holder.stdout is not None
    assert holder.stdin is not None
    with holder.stdout, holder.stdin:
        assert holder.stdout.readline() == b"held\n"
        with pytest.raises(Refused, match=f"process {holder.pid}"):
            DaemonLock(path).acquire()
        holder.send_signal(signal.SIGKILL)
        holder.wait(30)
    DaemonLock(path).acquire()


def test_a_child_process_does_not_inherit_the_lock(tmp_path: Path) -> None:
    path = tmp_path / "daemon.lock"
    lock = DaemonLock(path)
    lock.acquire()
    child = subprocess.Popen([sys.executable, "-c", "import sys; sys.stdin.read()"], stdin=subprocess.PIPE)
    lock.release()
    DaemonLock(path).acquire()
    child.communicate(timeout=30)


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        DaemonLock(tmp_path / "none" / "daemon.lock").acquire()


def test_among_nodes_one_holds_a_name(postgres: Postgres, postgres_url: str) -> None:
    store = open_store(postgres_url)
    try:
        here, there = (NamedLock(store.engine, "mailbox:support") for _ in range(2))
        other = NamedLock(store.engine, "clock")
        assert here.acquire()
        assert here.acquire()
        assert here.held()
        assert not there.acquire()
        assert not there.held()
        assert other.acquire()
        here.release()
        assert not here.held()
        assert there.acquire()
        there.release()
        other.release()
        assert postgres.execute("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'") == [(0,)]
    finally:
        store.close()


def test_the_server_looks_whether_a_holder_is_still_there(postgres_url: str) -> None:
    """Else it waits two hours for a node whose machine is gone."""
    store = open_store(postgres_url)
    lock = NamedLock(store.engine, "mailbox:support")
    assert lock.acquire()
    assert lock._connection is not None
    names = ("tcp_keepalives_idle", "tcp_keepalives_interval", "tcp_keepalives_count", "tcp_user_timeout")
    shown = [lock._connection.exec_driver_sql(f"SHOW {name}").scalar_one() for name in names]
    assert shown == ["30", "10", "3", "60000"]  # seconds, seconds, times, milliseconds
    lock.release()
    store.close()


def test_a_lock_is_lost_with_its_connection_and_says_so(postgres: Postgres, postgres_url: str) -> None:
    store = open_store(postgres_url)
    try:
        lock, rival = NamedLock(store.engine, "clock"), NamedLock(store.engine, "clock")
        assert lock.acquire()
        postgres.terminate_backends(postgres_url.rpartition("/")[2])
        assert rival.acquire()
        assert not lock.held()
        assert not lock.acquire()
        rival.release()
        assert lock.acquire()
        postgres.stop()
        try:
            assert not lock.held()
            with pytest.raises(StoreDown):
                lock.acquire()
        finally:
            postgres.start()
        assert lock.acquire()
        lock.release()
    finally:
        store.close()
