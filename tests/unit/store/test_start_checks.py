"""A database that may forget what it has committed is refused at start, and the operator who takes the risk is told of it."""

from __future__ import annotations

import socket
import types
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from helpdeskd import daemon
from helpdeskd.cli import EX_CONFIG
from helpdeskd.config import Config, Paths, Smtp
from helpdeskd.config import Store as Settings
from helpdeskd.config.check import AT_RISK
from helpdeskd.errors import ConfigError
from helpdeskd.store import settings, snapshot, sqlite
from helpdeskd.store.engine import open_store
from tests.live.machine import wait_until
from tests.postgres import Postgres
from tests.unit.cli.house import House, typed

# How each setting of PostgreSQL is made unsafe, as an administrator might: for everybody, for our role, for our database, in our URL.
WAYS = [
    ("fsync", "system", "fsync is off where on is needed"),
    ("full_page_writes", "system", "full_page_writes is off where on is needed"),
    ("synchronous_commit", "system", "synchronous_commit is off where on is needed"),
    ("synchronous_commit", "role", "synchronous_commit is off where on is needed"),
    ("synchronous_commit", "database", "synchronous_commit is off where on is needed"),
    ("synchronous_commit", "url", "synchronous_commit is off where on is needed"),
]


@contextmanager
def unsafe(server: Postgres, url: str, name: str, way: str) -> Iterator[str]:
    """The URL of a server whose setting is off in that way; it is on again afterwards."""
    database = url.rpartition("/")[2]

    def reloaded(value: str) -> None:
        server.execute("SELECT pg_reload_conf()")
        wait_until(lambda: server.execute(f"SHOW {name}") == [(value,)], what=f"{name} = {value}")

    match way:
        case "system":
            server.execute(f"ALTER SYSTEM SET {name} = off")
            reloaded("off")
            try:
                yield url
            finally:
                server.execute(f"ALTER SYSTEM RESET {name}")
                reloaded("on")
        case "role":
            server.execute(f"CREATE ROLE forgetful LOGIN SUPERUSER; ALTER ROLE forgetful SET {name} = off")
            try:
                yield url.replace("postgres@", "forgetful@")
            finally:
                server.execute("DROP ROLE forgetful")
        case "database":
            server.execute(f'ALTER DATABASE "{database}" SET {name} = off')
            yield url
            server.execute(f'ALTER DATABASE "{database}" RESET {name}')
        case _:
            yield f"{url}?options=-c%20{name}%3Doff"


@pytest.mark.parametrize(("name", "way", "said"), WAYS, ids=[f"{name} by {way}" for name, way, _ in WAYS])
def test_a_server_that_forgets_is_refused(
    postgres: Postgres, postgres_url: str, name: str, way: str, said: str
) -> None:
    with unsafe(postgres, postgres_url, name, way) as url:
        with pytest.raises(ConfigError) as caught:
            open_store(url)
        (problem,) = caught.value.problems
        assert problem.startswith("store.url: PostgreSQL 127.0.0.1/")
        assert said in problem
        taken = open_store(url, risk_losing_mail=True)
        taken.close()
        (warning,) = taken.warnings
        assert said in warning
        assert "mail said to be kept could be lost" in warning
    sound = open_store(postgres_url)
    sound.close()
    assert sound.warnings == ()


def test_waiting_for_a_standby_too_is_as_good(postgres: Postgres, postgres_url: str) -> None:
    open_store(f"{postgres_url}?options=-c%20synchronous_commit%3Dremote_apply").close()
    for weaker in ("local", "remote_write"):
        with pytest.raises(ConfigError, match=f"synchronous_commit is {weaker}"):
            open_store(f"{postgres_url}?options=-c%20synchronous_commit%3D{weaker}")


def test_all_that_is_wrong_is_said_at_once(postgres: Postgres, postgres_url: str) -> None:
    with (
        unsafe(postgres, postgres_url, "fsync", "system") as url,
        unsafe(postgres, url, "full_page_writes", "system"),
        pytest.raises(ConfigError) as caught,
    ):
        open_store(url)
    assert len(caught.value.problems) == 2


@pytest.fixture
def poor_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    """SQLite over a file system whose locks are files: it cannot share memory, so it refuses WAL (sqlite.org/vfs.html)."""
    real = sqlite.driver()
    poor = types.ModuleType("poor")
    poor.__dict__.update(real.__dict__)

    def connect(path: str, **more: Any) -> Any:
        if path.startswith("file:"):  # looks into a copy, with no locks
            return real.connect(path, **more)
        return real.connect(f"file:{path}?vfs=unix-dotfile", uri=True, **more)

    monkeypatch.setattr(poor, "connect", connect, raising=False)
    monkeypatch.setattr(sqlite, "driver", lambda: poor)


@pytest.mark.usefixtures("poor_disk")
def test_sqlite_without_wal_is_refused(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/helpdeskd.sqlite3"
    with pytest.raises(ConfigError) as caught:
        open_store(url)
    (problem,) = caught.value.problems
    assert problem.startswith(
        f"store.url: SQLite {tmp_path}/helpdeskd.sqlite3: journal_mode is delete where wal is needed"
    )
    taken = open_store(url, risk_losing_mail=True)
    taken.close()
    assert any("journal_mode is delete" in warning for warning in taken.warnings)


@pytest.mark.usefixtures("poor_disk")
def test_what_is_risked_can_be_backed_up(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/helpdeskd.sqlite3"
    with closing(open_store(url, risk_losing_mail=True)) as taken:
        assert snapshot.take(taken, url, tmp_path / "copy", lambda conn: settings.get(conn, "nothing", "there"))
    assert (tmp_path / "copy").stat().st_size > 0


@pytest.mark.parametrize(("level", "safe"), [("OFF", False), ("NORMAL", False), ("FULL", True)])
def test_sqlite_below_full_is_a_danger(sqlite_url: str, level: str, safe: bool) -> None:
    with closing(sqlite.driver().connect(sqlite_url.removeprefix("sqlite:///"))) as raw:
        raw.execute(f"PRAGMA synchronous = {level}")
        found = sqlite.dangers(raw, "SQLite x")
    assert (found == ()) == safe
    assert safe or "SQLite x: synchronous is" in found[0]


async def test_the_daemon_does_not_start(postgres: Postgres, postgres_url: str, tmp_path: Path) -> None:
    config = Config(paths=Paths(data=tmp_path), store=Settings(url=postgres_url), smtp=Smtp(listen=("127.0.0.1:0",)))
    refusing = daemon.Daemon(config)
    with (
        unsafe(postgres, postgres_url, "full_page_writes", "system"),
        pytest.raises(ConfigError, match="full_page_writes"),
    ):
        await refusing.run()
    assert not refusing.ready.is_set()
    assert refusing.listening == ()


async def test_the_daemon_that_starts_says_what_is_risked(
    postgres_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as told:
        told.bind(str(tmp_path / "notify"))
        told.settimeout(60)
        monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "notify"))
        url = f"{postgres_url}?options=-c%20synchronous_commit%3Doff"
        config = Config(
            paths=Paths(data=tmp_path), store=Settings(url=url, risk_losing_mail=True), smtp=Smtp(listen=())
        )
        risking = daemon.Daemon(config)
        with capture_logs() as lines:
            monkeypatch.setattr(risking.ready, "set", risking.stop)
            await risking.run()
        assert told.recv(100) == b"READY=1"
    warnings = [line["warning"] for line in lines if line["event"] == "warning"]
    assert warnings[0] == AT_RISK
    assert "synchronous_commit is off" in warnings[1]


@pytest.mark.usefixtures("alone")
def test_status_and_config_check_say_what_is_risked(postgres: Postgres, postgres_url: str, tmp_path: Path) -> None:
    house = House(tmp_path)
    unsafe_url = f"{postgres_url}?options=-c%20synchronous_commit%3Doff"
    house.write_config(f'[store]\nurl = "{unsafe_url}"\n')
    assert "synchronous_commit is off" in typed("--config", str(house.config), "status").failed(EX_CONFIG)
    house.write_config(f'[store]\nurl = "{unsafe_url}"\nrisk_losing_mail = true\n')
    assert f"Note: {AT_RISK}" in house("config", "check").ok()
    notes = house("status", "--json").json["notes"]
    assert AT_RISK in notes
    assert any("synchronous_commit is off" in note for note in notes)
