"""What systemd is told, and that a daemon whose part has died does not end as if all were well."""

from __future__ import annotations

import socket
import threading

import pytest

from helpdeskd import daemon
from helpdeskd.config import Config, Paths, Smtp
from helpdeskd.errors import Temporary
from helpdeskd.intake import Intake


@pytest.fixture
def systemd(tmp_path, monkeypatch):
    """systemd's end of NOTIFY_SOCKET."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as told:
        told.bind(str(tmp_path / "notify"))
        told.setblocking(False)
        monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "notify"))
        yield told


def test_a_sign_of_life_unless_a_thread_is_dead(systemd):
    end = threading.Event()
    alive = threading.Thread(target=end.wait)
    alive.start()
    dead = threading.Thread(target=lambda: None)
    dead.start()
    dead.join()
    try:
        daemon._watchdog([alive])
        assert systemd.recv(100) == b"WATCHDOG=1"
        daemon._watchdog([alive, dead])
        with pytest.raises(BlockingIOError):
            systemd.recv(100)
    finally:
        end.set()
        alive.join()


@pytest.mark.parametrize(("given", "seconds"), [("60000000", 30.0), ("", None), ("soon", None)])
def test_half_of_what_systemd_allows(monkeypatch, given, seconds):
    monkeypatch.setenv("WATCHDOG_USEC", given)
    assert daemon.watchdog_seconds() == seconds


def test_without_systemd_nobody_is_told(monkeypatch, tmp_path):
    monkeypatch.delenv("NOTIFY_SOCKET", raising=False)
    daemon.notify("READY=1")
    monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "nobody listens"))
    daemon.notify("READY=1")


def test_reloading_goes_on_past_what_fails(systemd):
    done: list[str] = []

    def fails() -> None:
        raise ValueError("no certificate")

    daemon._reload([lambda: done.append("first"), fails, lambda: done.append("last")])
    assert done == ["first", "last"]
    assert [systemd.recv(100), systemd.recv(100)] == [b"RELOADING=1", b"READY=1"]


async def test_a_part_that_dies_ends_the_daemon_with_an_error(tmp_path, monkeypatch, systemd):
    """An exit code of 0 would mean to systemd that nothing need be started again."""

    def dies(self) -> None:
        raise MemoryError

    monkeypatch.setattr(Intake, "run", dies)
    house = daemon.Daemon(Config(paths=Paths(data=tmp_path / "data"), smtp=Smtp(listen=("127.0.0.1:0",))))
    with pytest.raises(Temporary, match="intake has died"):
        await house.run()
    assert systemd.recv(100) == b"READY=1"
    assert systemd.recv(100) == b"STOPPING=1"
