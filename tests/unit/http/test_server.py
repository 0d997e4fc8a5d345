"""What holds for every answer, and the server's own: TLS, keep-alive, HEAD, ids, headers, a status of its own, names for places."""

from __future__ import annotations

import shutil
import socket
import ssl
from pathlib import Path

import httpx2 as httpx
import pytest
from uvicorn.protocols.http import httptools_impl

from helpdeskd import config
from helpdeskd.errors import ConfigError
from helpdeskd.log import Event
from tests.unit.http.plain import PLAIN
from tests.unit.http.wire import Wire

TLS = Path(__file__).parents[2] / "tls"
ME = {"token": "let-me-in"}
GET = b"GET /plain/api/things/7 HTTP/1.1\r\nHost: x\r\nToken: fast\r\n\r\n"
ODD = GET.replace(b"things/7", b"things/new").replace(b"fast", b"let-me-in")


def address(server):
    host, _, port = server.listening[0].rpartition(":")
    return host, int(port)


@pytest.fixture
def client(serve, sqlite_store) -> httpx.Client:
    found: httpx.Client = serve(sqlite_store, PLAIN)
    found.headers.update(ME)
    return found


def test_a_status_of_its_own(serve, client):
    """uvicorn's table ends at 599. What it says for others must not change: nothing of ours may replace what it has."""
    assert httptools_impl.STATUS_LINE[900] == b"HTTP/1.1 900 Framework Error\r\n"
    assert len(httptools_impl.STATUS_LINE) == 501
    with Wire(address(serve.server)) as wire:
        wire.send(ODD)
        assert wire.sock.recv(30) == b"HTTP/1.1 900 Framework Error\r\n"
    with Wire(address(serve.server)) as wire:
        assert wire.ask(ODD)[0::2] == (900, b"odd")
        assert wire.ask(GET)[0] == 200  # the connection lives on


@pytest.mark.parametrize("path", ["things/7", "nowhere", "broken", "everything", "admin", "things/new"])
def test_every_answer_of_a_dialect_carries_what_keeps_a_browser_from_it(client, path):
    answer = client.get(f"/plain/api/{path}")
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["content-security-policy"] == "default-src 'none'; frame-ancestors 'none'; sandbox"
    assert answer.headers["referrer-policy"] == "no-referrer"
    assert "no-store" in answer.headers["cache-control"]
    assert len(answer.headers["x-request-id"]) == 16
    assert not {"server", "access-control-allow-origin", "set-cookie"} & set(answer.headers)


def test_the_id_of_an_answer_is_that_of_its_line_in_the_log(client, capsys):
    answer = client.get("/plain/api/things/7", headers={"x-request-id": "mine"})
    other = client.get("/plain/api/things/7")
    assert answer.headers["x-request-id"] not in {"mine", other.headers["x-request-id"]}
    (line,) = [each for each in capsys.readouterr().out.splitlines() if answer.headers["x-request-id"] in each]
    assert Event.SERVED in line
    assert "let-me-in" in line  # who asked, by name; a test's name for its token


@pytest.mark.parametrize("path", ["api/things/7", "api/nowhere", "api/broken", "docs", "openapi.json", "nothing"])
def test_head_is_get_without_its_body(client, path):
    got, head = client.get(f"/plain/{path}"), client.head(f"/plain/{path}")
    assert head.status_code == got.status_code
    assert head.headers["content-length"] == str(len(got.content))
    assert head.content == b""
    assert client.get("/plain/api/things/7").status_code == 200  # nothing is left in the connection


def test_a_connection_is_kept_and_closed_as_asked(serve, client):
    with Wire(address(serve.server)) as wire:
        for _ in range(3):
            assert "connection" not in wire.ask(GET)[1]
        assert wire.ask(GET.replace(b"Token", b"Connection: close\r\nToken"))[1]["connection"] == "close"
        assert wire.ended()
    with Wire(address(serve.server)) as wire:
        assert wire.ask(GET.replace(b"1.1", b"1.0"))[0] == 200
        assert wire.ended()


def test_tls(serve, sqlite_store):
    settings = config.Http(tls_certificate=TLS / "certificate.pem", tls_key=TLS / "key.pem", idle_seconds=1)
    serve(sqlite_store, PLAIN, settings=settings)
    context = ssl.create_default_context(cafile=str(TLS / "certificate.pem"))
    with Wire(address(serve.server), tls=context) as wire:
        assert wire.ask(GET)[0] == 200
        assert wire.ask(GET)[2] == b'{"path":{"id":"7"}}'
        assert wire.ended()  # idle connections end in TLS too
    with Wire(address(serve.server), tls=context) as wire:
        wire.send(b"GET /plain")
        assert wire.ended()
    with Wire(address(serve.server)) as plain:
        plain.send(GET)
        assert plain.ended()


def test_a_renewed_certificate_is_read_again(serve, sqlite_store, tmp_path):
    pem = tmp_path / "now.pem"
    old, new = (Path(__file__).parents[2] / "dialogues" / "tls" / name for name in ("one.pem", "two.pem"))
    shutil.copy(old, pem)
    serve(sqlite_store, PLAIN, settings=config.Http(tls_certificate=pem, tls_key=pem))
    anybody = ssl.create_default_context()
    anybody.check_hostname, anybody.verify_mode = False, ssl.CERT_NONE

    def shown() -> str:
        with Wire(address(serve.server), tls=anybody) as wire:
            assert isinstance(wire.sock, ssl.SSLSocket)
            return ssl.DER_cert_to_PEM_cert(wire.sock.getpeercert(binary_form=True) or b"")

    assert shown() in old.read_text()
    pem.write_text("nothing")
    with pytest.raises(ssl.SSLError):
        serve.server.reload()
    assert shown() in old.read_text()
    shutil.copy(new, pem)
    serve.server.reload()
    assert shown() in new.read_text()


def test_a_certificate_that_is_none_is_said(serve, sqlite_store, tmp_path):
    (tmp_path / "x.pem").write_text("nothing")
    settings = config.Http(tls_certificate=tmp_path / "x.pem", tls_key=TLS / "key.pem")
    with pytest.raises(ConfigError, match=r"\[http\] tls_certificate, tls_key: "):
        serve(sqlite_store, PLAIN, settings=settings)


@pytest.mark.parametrize(
    ("place", "words"),
    [
        ("192.0.2.1:8080", "192.0.2.1:8080: Cannot assign requested address"),
        ("no-such-host.invalid:8080", "no-such-host.invalid:8080: "),
        ("unix:/nowhere/x", "unix:/nowhere/x: No such file or directory"),
        ("unix:/" + "x" * 200, "path too long"),
    ],
)
def test_a_place_that_cannot_be_had_is_said(serve, sqlite_store, place, words):
    with pytest.raises(ConfigError, match=words):
        serve(sqlite_store, PLAIN, settings=config.Http(listen=(place, "127.0.0.1:0")))


def test_a_socket_left_by_a_daemon_that_was_killed_is_replaced_and_one_in_use_is_not(serve, sqlite_store, tmp_path):
    place = tmp_path / "http.sock"
    with socket.socket(socket.AF_UNIX) as left:
        left.bind(str(place))
    settings = config.Http(listen=(f"unix:{place}",))
    serve(sqlite_store, PLAIN, settings=settings)
    with pytest.raises(ConfigError, match="Address already in use"):
        serve(sqlite_store, PLAIN, settings=settings)
    (tmp_path / "file").write_text("not a socket")
    with pytest.raises(ConfigError, match="Address already in use"):
        serve(sqlite_store, PLAIN, settings=config.Http(listen=(f"unix:{tmp_path / 'file'}",)))
    assert (tmp_path / "file").read_text() == "not a socket"
