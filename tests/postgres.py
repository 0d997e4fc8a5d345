"""A private PostgreSQL server for tests: Debian's binaries, data in a temporary folder, gone at the end.

In memory it is the same server with the same promises (fsync and all, which the daemon insists on), but its disk answers at once: a
database costs 50 ms instead of some hundreds. What kills processes finds everything as on a disk; what measures wants a disk.
"""

from __future__ import annotations

import itertools
import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time
from pathlib import Path

import psycopg

USER = "postgres"
MEMORY = Path("/dev/shm")  # a file system in memory, where the system has one
ENOUGH = 2 * 1024**3  # bytes: the log is kept below a tenth of it, a test's database is some 10 MB


def why_not() -> str | None:
    """Why there can be no server here, or None."""
    if _bin() is None:
        return "PostgreSQL is not installed (apt install postgresql)"
    if os.geteuid() == 0:
        try:
            pwd.getpwnam(USER)
        except KeyError:
            return "there is no user postgres to run the server as"
        if shutil.which("setpriv") is None:
            return "setpriv is missing (apt install util-linux)"
    return None


def _bin() -> Path | None:
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: float(path.parent.parent.name))
    return found[-1].parent if found else None


class Postgres:
    """`url(database)` is for open_store, `create()` makes a fresh database, `execute` runs SQL as the superuser."""

    def __init__(self, *, in_memory: bool = False) -> None:
        binaries = _bin()
        assert binaries is not None
        self._in_memory = in_memory and _room_in_memory()
        self.folder = Path(tempfile.mkdtemp(prefix="helpdeskd-pg-", dir=MEMORY if self._in_memory else None))
        self.port = _free_port()
        self._binaries = binaries
        self._numbers = itertools.count(1)
        self._gate = threading.Lock()
        if os.geteuid() == 0:
            shutil.chown(self.folder, USER, USER)
        self._log = (self.folder / "log").open("wb")
        data = str(self.folder / "data")
        initdb = ["initdb", "-D", data, "-U", USER, "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8", "--no-sync"]
        subprocess.run(self._as_user(*initdb), check=True, stdout=self._log, stderr=self._log, cwd="/")
        self._process = self._start()

    def _as_user(self, program: str, *words: str) -> list[str]:
        command = [str(self._binaries / program), *words]
        if os.geteuid() == 0:
            # The server ends with us, whatever ends us.
            return ["setpriv", f"--reuid={USER}", f"--regid={USER}", "--init-groups", "--pdeathsig=INT", *command]
        return command

    def _start(self) -> subprocess.Popen[bytes]:
        settings = {
            "listen_addresses": "127.0.0.1",
            "unix_socket_directories": str(self.folder),
            "shared_buffers": "32MB",
            "max_connections": "60",
        }
        if self._in_memory:
            settings["max_wal_size"] = "192MB"
        options = [word for key, value in settings.items() for word in ("-c", f"{key}={value}")]
        process = subprocess.Popen(
            self._as_user("postgres", "-D", str(self.folder / "data"), "-p", str(self.port), *options),
            stdout=self._log,
            stderr=self._log,
            cwd="/",
        )
        until = time.monotonic() + 30
        while time.monotonic() < until and process.poll() is None:
            try:
                psycopg.connect(self._conninfo("postgres"), connect_timeout=2).close()
            except psycopg.OperationalError:
                time.sleep(0.05)  # a real daemon: it tells nobody when it is ready
            else:
                return process
        process.kill()
        process.wait()
        raise RuntimeError(f"PostgreSQL did not start: {(self.folder / 'log').read_text()[-2000:]}")

    def _conninfo(self, database: str) -> str:
        return f"host={self.folder} port={self.port} user={USER} dbname={database}"

    def url(self, database: str) -> str:
        """Over loopback, as most installations have it."""
        return f"postgresql://{USER}@127.0.0.1:{self.port}/{database}"

    def create(self, template: str = "template1") -> str:
        """A fresh database's name."""
        with self._gate:
            name = f"helpdeskd_{next(self._numbers)}"
        self.execute(f'CREATE DATABASE "{name}" TEMPLATE "{template}"')
        return name

    def drop(self, name: str) -> None:
        self.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')

    def execute(self, sql: str, database: str = "postgres") -> list[tuple[object, ...]]:
        with psycopg.connect(self._conninfo(database), autocommit=True) as connection:
            cursor = connection.execute(sql.encode())
            return cursor.fetchall() if cursor.description else []

    def run(self, program: str, *words: str) -> str:
        """One of PostgreSQL's own programs (pg_dump, psql); its output."""
        done = subprocess.run(self._as_user(program, *words), check=True, capture_output=True, text=True, cwd="/")
        return done.stdout

    def terminate_backends(self, database: str) -> int:
        """Cut every connection to that database, as an administrator or a crash would."""
        found = self.execute(
            f"SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = '{database}'"
        )
        return len(found)

    def stop(self, *, crash: bool = False) -> None:
        """Cut all connections and wait until the server is gone; `start` brings it back with its data, after a `crash` from its log."""
        self._process.send_signal(signal.SIGQUIT if crash else signal.SIGINT)  # immediate or fast shutdown
        self._process.wait(30)

    def start(self) -> None:
        self._process = self._start()

    def close(self) -> None:
        if self._process.poll() is None:
            self.stop()
        self._log.close()
        shutil.rmtree(self.folder, ignore_errors=True)


def _room_in_memory() -> bool:
    try:
        return os.access(MEMORY, os.W_OK) and shutil.disk_usage(MEMORY).free > ENOUGH
    except OSError:
        return False


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
