"""The HTTP layer in the daemon as a process: what mails lead to, clients that crowd it, its end, its role alone, its start."""

from __future__ import annotations

import re
import signal
import smtplib
import socket

import httpx2 as httpx
import pytest

from helpdeskd.cli import EX_CONFIG
from tests.live.house import CUSTOMER, STAFF, SUPPORT, House, mail, parsed, text_of
from tests.live.machine import free_port, wait_until
from tests.unit.http.wire import Wire

pytestmark = pytest.mark.live


HALF = b"POST /set-password/x HTTP/1.1\r\nHost: x\r\nContent-Length: 10000\r\n\r\npass"


def serving(port: int, more: str = "") -> str:
    return f'[http]\nlisten = ["127.0.0.1:{port}"]\n{more}[desk]\npublic_url = "http://127.0.0.1:{port}"\n'


STYLE = b"GET /assets/pages.css HTTP/1.1\r\nHost: x\r\n\r\n"


def test_a_welcome_a_crowd_and_two_ends(folder, sqlite_url, sink):
    """In one house, since starting one is what costs time."""
    port, health = free_port(), free_port()
    extra = f'[metrics]\nlisten = ["127.0.0.1:{health}"]\n' + serving(port, "max_connections = 20\nstop_seconds = 1\n")
    with House(folder, sqlite_url, sink, extra=extra) as house, httpx.Client(trust_env=False) as client:
        sets_a_password(sink, client)
        crowd = [Wire(("127.0.0.1", port)) for _ in range(200)]
        try:
            for wire in crowd[:80]:
                wire.send(HALF)
            assert client.get(f"http://127.0.0.1:{health}/health/live").text == "live\n"
            with smtplib.SMTP("127.0.0.1", house.port, timeout=60) as smtp:
                smtp.sendmail(CUSTOMER, [SUPPORT], mail(CUSTOMER, SUPPORT, "In spite of it", "Text"))
            wait_until(lambda: sink.to(CUSTOMER), what="the acknowledgement")
            assert house.stop(signal.SIGKILL) == -signal.SIGKILL
        finally:
            for wire in crowd:
                wire.sock.close()
        house.start()  # at the same place
        with Wire(("127.0.0.1", port)) as idle, Wire(("127.0.0.1", port)) as busy:
            assert idle.ask(STYLE)[0] == 200
            busy.send(HALF)
            assert house.stop(signal.SIGTERM) == 0
            assert idle.ended()
            assert busy.ended()
        assert "Traceback" not in house.log.read_text()


def sets_a_password(sink, client):
    """A member of staff, by the link of their welcome."""
    (welcome,) = wait_until(lambda: sink.to(STAFF), what="the welcome")
    (link,) = re.findall(r"http://127\S+", text_of(parsed(welcome.data)))
    form = {"password": "correct horse", "again": "correct horse"}
    assert client.get(link).status_code == 200
    assert client.post(link, data=form).status_code == 200
    assert client.post(link, data=form).status_code == 404


def test_a_place_that_is_taken_is_said(folder, sqlite_url, sink):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        house = House(folder, sqlite_url, sink, extra=f'[http]\nlisten = ["127.0.0.1:{port}", "unix:/nowhere/http"]\n')
        house.init()
        said = house.cli("run", ok=EX_CONFIG)
    assert f"[http] listen: 127.0.0.1:{port}: Address already in use" in said
    assert "[http] listen: unix:/nowhere/http: No such file or directory" in said
    assert "Traceback" not in said


def test_http_as_a_process_of_its_own(folder, postgres_url, sink):
    port = free_port()
    with House(folder, postgres_url, sink, extra=serving(port), roles=("http",)) as house:
        assert house.json("status")["daemon"]["roles"] == ["http"]
        with Wire(("127.0.0.1", port)) as wire:
            assert wire.ask(STYLE)[0] == 200
            assert wire.ask(b"GET /set-password/x HTTP/1.1\r\nHost: x\r\n\r\n")[0] == 404
