"""Clients that are slow, rude or lying, and a server that is stopped: over real sockets, byte by byte."""

from __future__ import annotations

import os
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from helpdeskd import config
from helpdeskd.http import connection
from helpdeskd.http.dialect import Answer, Call, Route
from tests.live.machine import wait_until
from tests.unit.http.conftest import all_ended
from tests.unit.http.plain import PLAIN, ROUTES
from tests.unit.http.wire import Wire

GET = b"GET /plain/api/things/7 HTTP/1.1\r\nHost: x\r\nToken: fast\r\n\r\n"
IMPATIENT = config.Http(idle_seconds=1, body_seconds=1, stop_seconds=1, max_connections=4, max_body_mb=1)


@pytest.fixture
def at(serve, sqlite_store):
    """The address of an impatient server."""
    serve(sqlite_store, PLAIN, settings=IMPATIENT)
    serve.blobs.put(b"something")
    return address(serve.server)


def address(server):
    host, _, port = server.listening[0].rpartition(":")
    return host, int(port)


def connections(server) -> int:
    return len(server._server.server_state.connections)


def post(
    path: bytes, body: bytes, kind: bytes = b"application/x-www-form-urlencoded", length: int | None = None
) -> bytes:
    return (
        b"POST /plain/api%s HTTP/1.1\r\nHost: x\r\nToken: let-me-in\r\nContent-Type: %s\r\nContent-Length: %d\r\n\r\n%s"
        % (path, kind, len(body) if length is None else length, body)
    )


@pytest.mark.parametrize("sent", [b"", b"GET /plain/api", GET + b"GET", GET[:-2] + b"X-Slow: "])
def test_a_head_that_does_not_come_is_not_waited_for(at, sent):
    with Wire(at) as wire:
        wire.send(sent)
        assert wire.ended()


@pytest.mark.parametrize(
    ("sent", "more"),
    [
        (b"GET /plain/api/things/7 HTTP/1.1\r\n", b"X-A: b\r\n"),
        # Answered before its body has come: the rest may not come for ever.
        (b"POST /plain/api/files HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\n", b"x"),
        (post(b"/files", b"", b"multipart/form-data; boundary=b", 1000), b"x"),
    ],
    ids=["head", "unwanted body", "body"],
)
def test_drops_do_not_keep_a_connection(at, sent, more):
    with Wire(at) as wire:
        wire.send(sent)
        assert wire.trickles(more)


def test_a_slow_body_is_answered(at):
    with Wire(at) as wire:
        assert wire.ask(post(b"/everything", b"name=", length=100))[0] == 408
        assert wire.ended()


def test_a_reader_that_does_not_read_is_dropped(serve, sqlite_store):
    serve(sqlite_store, PLAIN, settings=IMPATIENT)
    sha = serve.blobs.put(os.urandom(8 << 20))
    with Wire(address(serve.server), small=True) as wire:
        wire.send(f"GET /plain/api/files/{sha} HTTP/1.1\r\nHost: x\r\nToken: let-me-in\r\n\r\n".encode())
        assert wire.sock.recv(100).startswith(b"HTTP/1.1 200 OK")
        wait_until(lambda: not connections(serve.server), what="the connection is gone")


def test_a_head_has_a_largest_size(at):
    with Wire(at) as wire:
        wire.send(GET[:-2])
        with pytest.raises(ConnectionError):  # it stops reading, so that at some time we cannot write
            for _ in range(1000):
                wire.send(b"X-Long: %s\r\n" % (b"x" * 20_000))
    with Wire(at) as wire:
        assert wire.ask(GET[:-2] + b"X-Long: %s\r\n\r\n" % (b"x" * 50_000))[0] == 200


def test_pipelined_requests_are_answered_in_order(at):
    with Wire(at) as wire:
        wire.send(post(b"/everything", b"name=a&kind=a") + GET.replace(b"/7", b"/8") + GET + b"\x00\r\n\r\n")
        assert b'"name":"a"' in wire.answer()[2]
        assert wire.answer()[2] == b'{"path":{"id":"8"}}'
        assert wire.answer()[2] == b'{"path":{"id":"7"}}'
        assert wire.ended()


@pytest.mark.parametrize(
    ("sent", "statuses"),
    [
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", {400}),  # TLS to a plain port
        (b"GET /plain/api/things/7\r\n\r\n", {400, 401}),  # HTTP/0.9
        (b"CONNECT example.org:25 HTTP/1.1\r\nHost: example.org\r\n\r\n", {400}),
        (b"OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n", {400, 404}),
        (b"GET http://elsewhere/plain/api/things/7 HTTP/1.1\r\nHost: x\r\nToken: fast\r\n\r\n", {200}),
        (b"GET http://elsewhere HTTP/1.1\r\nHost: x\r\n\r\n", {400, 404}),
        (b"TRACE /plain/api/things/7 HTTP/1.1\r\nHost: x\r\nToken: fast\r\n\r\n", {405}),
        (b"BREW /plain/api/things/7 HTTP/1.1\r\nHost: x\r\n\r\n", {400}),
        (GET.replace(b"Host: x\r\n", b""), {200}),
        (GET.replace(b"Host: x", b"Host: \xff:\xff\x80"), {200}),
        (GET.replace(b"Host: x", b"Host: x\r\nHost: y"), {200, 400}),
        (GET.replace(b"Host: x", b"Host : x"), {400}),
        (GET.replace(b"Host: x", b"Host: x\r\n folded: y"), {200, 400}),
        (GET.replace(b"\r\nHost", b"\r\nContent-Length: -1\r\nHost"), {400}),
        (GET.replace(b"\r\nHost", b"\r\nContent-Length: 99999999999999999999999\r\nHost"), {400}),
        (GET.replace(b"\r\nHost", b"\r\nContent-Length: 3\r\nContent-Length: 4\r\nHost"), {400}),
        (GET.replace(b"\r\nHost", b"\r\nTransfer-Encoding: chunked\r\nContent-Length: 3\r\nHost") + b"0\r\n\r\n", {400}),
        (GET.replace(b"\r\nHost", b"\r\nTransfer-Encoding: chunked, x\r\nHost") + b"0\r\n\r\n", {400}),
        (post(b"/everything", b"")[:-21] + b"Transfer-Encoding: chunked\r\n\r\nZZ\r\n", {400}),
        (post(b"/everything", b"")[:-21] + b"Transfer-Encoding: chunked\r\n\r\n-1\r\n\r\n", {400}),
        (post(b"/everything", b"")[:-21] + b"Transfer-Encoding: chunked\r\n\r\nd\r\nname=a&kind=a\r\n0\r\n\r\n", {200}),
        (GET.replace(b"Host: x", b"Host: x\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: A"), {200}),
        (GET.replace(b"Host: x", b"Host: x\r\nConnection: Upgrade\r\nUpgrade: websocket"), {200}),
        (GET.replace(b"Host: x", b"Host: x\r\nExpect: 100-continue"), {200}),
    ],
)  # fmt: skip
def test_odd_requests_are_answered(at, sent, statuses):
    with Wire(at) as wire:
        assert wire.ask(sent)[0] in statuses
    with Wire(at) as wire:
        assert wire.ask(GET)[0] == 200


PATHS = [
    b"/plain/api/../../etc/passwd",
    b"/plain/api/%2e%2e/%2e%2e/etc/passwd",
    b"/plain/api//things///7",
    b"//plain/api/things/7",
    b"/plain/api/things/%00",
    b"/plain/api/things/%ff%fe",
    b"/plain/api/things/%c0%ae%c0%ae%2f",
    b"/plain/api/things/%ed%a0%80",
    b"/plain/api/things/7%0d%0aX-Evil:%201",
    b"/plain/api/things/7;x=y",
    b"/plain/api/things/..\\..\\x",
    b"/plain/api/things/%",
    b"/plain/api/things/%zz",
    b"/plain/api/things/" + b"a/" * 20_000,
    b"/plain/api/" + b"%2f" * 5000,
    b"/plain/api/files/..%2f..%2fx",
    b"/plain/api/files/" + b"0" * 64,
    b"/plain/api/everything?" + b"&".join([b"name=%00&kind=a"] * 50),
    b"/plain/api/everything?name=%ed%a0%80&kind=a&owner=" + b"9" * 5000,
    b"/plain/api/everything?name=a&kind=a&page=" + b"9" * 30,
    b"/plain/api/everything?name=a&kind=a&page=" + b"9" * 5000,
    b"/plain/api/everything?name=a&kind=a&due=0001-01-01T00:00:00%2b14:00",
    b"/plain/api/everything?name=a&kind=a&the-key=%00%ed%a0%80",
    b"/plain/api/everything?%00=%00&;&&&=&==&%",
    b"/assets/../docs.html",
    b"/assets/%2e%2e/docs.html",
    b"/assets//etc/passwd",
    b"/assets/%00",
    b"/assets/" + b"x" * 5000,
    b"/assets",
    b"/",
    b"/%0d%0a",
    b"/plain/docs/",
    b"/plain/docs%00",
]


def test_no_path_finds_what_it_should_not_or_a_fault_of_ours(at):
    with Wire(at) as wire:
        for path in PATHS:
            status, headers, body = wire.ask(b"GET %s HTTP/1.1\r\nHost: x\r\nToken: let-me-in\r\n\r\n" % path)
            assert status in {200, 301, 307, 400, 404, 405}, (path, status, body)
            assert "x-evil" not in headers
            assert b"root:" not in body
            assert b"{%" not in body  # no template as it stands


def test_no_value_ends_a_header(serve, sqlite_store):
    def named(call: Call) -> Answer:
        return Answer(
            b"x", headers=(("Content-Disposition", f"attachment; filename={call.given.query.all('name')[0]}"),)
        )

    serve(sqlite_store, replace(PLAIN, routes=(*ROUTES, Route("GET", "/named", named))))
    with Wire(address(serve.server)) as wire:
        for name in (b"a%0d%0aX-Evil:%201", b"a%00b", b"%e2%82%ac", b"a%0a%0a<script>", b"%7f%85%e2%80%a8"):
            request = b"GET /plain/api/named?name=%s HTTP/1.1\r\nHost: x\r\nToken: let-me-in\r\n\r\n" % name
            status, headers, body = wire.ask(request)
            assert (status, body) == (200, b"x")
            assert "x-evil" not in headers


def multipart(*parts: bytes) -> bytes:
    return b"".join(b"--b\r\n%s\r\n" % part for part in parts) + b"--b--\r\n"


FIELD = b'Content-Disposition: form-data; name="a"\r\n\r\nx'


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (multipart(*[FIELD] * 201), 400),
        (multipart(*[FIELD] * 200), 200),
        (multipart(b"X-Long: %s\r\n\r\nx" % (b"x" * 100_000)), 400),
        (multipart(b"".join(b"X-%d: x\r\n" % n for n in range(10_000)) + b"\r\nx"), 400),
        (multipart(b'Content-Disposition: form-data; name="%s"\r\n\r\nx' % (b'\\"' * 2000)), 200),
        (multipart(b"Content-Disposition: form-data; %s\r\n\r\nx" % (b"a=;" * 1300)), 200),
        (multipart(b'Content-Disposition: form-data; name="a"; filename="../../x\x00\r\n y"\r\n\r\nx'), 400),
        (multipart(b"\r\nx"), 200),
        (b"--b--\r\n", 200),
        (b"\r\n" * 100_000 + multipart(FIELD), 200),
        (multipart(FIELD) + b"x" * 100_000, 200),
    ],
)
def test_hostile_forms(at, body, status):
    with Wire(at) as wire:
        assert wire.ask(post(b"/files", body, b"multipart/form-data; boundary=b"))[0] == status


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b'{"a":' * 50_000, 400),
        (b'{"ids":[' + b"1," * 300 + b"1]}", 400),
        (b'{"name":"\\ud800","kind":"a"}', 400),
        (b'{"name":"a\\u0000","kind":"a","name":"b"}', 200),
        (b'{"name":"a","kind":"a","page":1e400}', 400),
        (b'{"name":["a",["b",{}]],"kind":"a"}', 200),
        (b'{"name":"a","kind":"a","ids":[123456789012345678901234567890]}', 400),
        (b"{" + b" " * 500_000 + b"}", 400),
    ],
)
def test_hostile_json(at, body, status):
    with Wire(at) as wire:
        assert wire.ask(post(b"/everything", body, b"application/json"))[0] == status


def test_a_body_without_parts_is_held_in_memory_and_so_is_smaller(serve, sqlite_store):
    serve(sqlite_store, PLAIN, settings=config.Http(max_field_kb=10))
    with Wire(address(serve.server)) as wire:
        status, _, body = wire.ask(post(b"/everything", b"name=" + b"x" * 50_000))
        assert (status, body) == (413, b"the request is larger than 40 KB")


def test_connections_beyond_the_limit_hear_so_and_then_nothing(serve, sqlite_store, monkeypatch):
    monkeypatch.setattr(connection, "SPARE", 2)
    serve(sqlite_store, PLAIN, settings=config.Http(max_connections=3))
    at = address(serve.server)
    with Wire(at) as first, Wire(at) as second, Wire(at) as third:
        assert [each.ask(GET)[0] for each in (first, second, third)] == [200, 200, 200]
        with Wire(at) as a, Wire(at) as b, Wire(at) as c:
            assert c.ended()
            assert [each.ask(GET)[0] for each in (a, b, first)] == [503, 503, 200]
            assert a.ended()
            assert b.ended()
        wait_until(lambda: connections(serve.server) == 3)
        third.sock.close()
        wait_until(lambda: connections(serve.server) == 2)
        with Wire(at) as again:
            assert again.ask(GET)[0] == 200


def test_who_hangs_up_in_the_middle_of_an_upload_leaves_nothing(serve, sqlite_store):
    serve(sqlite_store, PLAIN)
    at = address(serve.server)
    part = multipart(b'Content-Disposition: form-data; name="a"; filename="f"\r\n\r\n' + b"x" * 300_000)
    all_ended()
    before = len(os.listdir("/proc/self/fd"))
    for _ in range(5):
        with Wire(at) as wire:
            wire.send(post(b"/files", part[:-100_000], b"multipart/form-data; boundary=b", len(part)))
            wait_until(lambda: len(os.listdir("/proc/self/fd")) >= before + 3, what="the file is open")
        wait_until(lambda: len(os.listdir("/proc/self/fd")) <= before, what="the file is closed")
    assert not list(serve.blobs.names())


def waiting(entered: threading.Event, leave: threading.Event) -> Route:
    def wait(_call: Call) -> Answer:
        entered.set()
        assert leave.wait(60)
        return Answer(b"done", content_type="text/plain")

    return Route("GET", "/wait", wait)


WAIT = b"GET /plain/api/wait HTTP/1.1\r\nHost: x\r\nToken: let-me-in\r\n\r\n"


def test_views_that_wait_keep_nobody_from_short_reads(serve, sqlite_store):
    entered, leave = threading.Event(), threading.Event()
    serve(sqlite_store, replace(PLAIN, routes=(*ROUTES, waiting(entered, leave))))
    at = address(serve.server)
    wires = [Wire(at) for _ in range(10)]
    try:
        for wire in wires:
            wire.send(WAIT)
        assert entered.wait(30)
        with Wire(at) as wire:
            assert wire.ask(GET)[0] == 200
        leave.set()
        assert {wire.answer()[0] for wire in wires} == {200}
    finally:
        leave.set()
        for wire in wires:
            wire.sock.close()


def test_a_request_in_flight_is_answered_before_the_stop(serve, sqlite_store):
    entered, leave = threading.Event(), threading.Event()
    serve(sqlite_store, replace(PLAIN, routes=(*ROUTES, waiting(entered, leave))))
    with Wire(address(serve.server)) as wire, Wire(address(serve.server)) as idle, ThreadPoolExecutor(1) as other:
        idle.ask(GET)
        wire.send(WAIT)
        assert entered.wait(30)
        closed = other.submit(serve.server.close)
        assert idle.ended()  # so the stop has begun
        leave.set()
        status, headers, body = wire.answer()
        assert (status, body, headers["connection"]) == (200, b"done", "close")
        closed.result(30)


def test_a_stop_does_not_wait_for_a_view_that_hangs_or_a_client_that_does_not_read(serve, sqlite_store):
    entered, leave = threading.Event(), threading.Event()
    settings = config.Http(stop_seconds=1)
    serve(sqlite_store, replace(PLAIN, routes=(*ROUTES, waiting(entered, leave))), settings=settings)
    sha = serve.blobs.put(os.urandom(8 << 20))
    at = address(serve.server)
    try:
        with Wire(at) as wire, Wire(at, small=True) as reader:
            wire.send(WAIT)
            reader.send(f"GET /plain/api/files/{sha} HTTP/1.1\r\nHost: x\r\nToken: let-me-in\r\n\r\n".encode())
            assert reader.sock.recv(10)
            assert entered.wait(30)
            serve.server.close()
            assert wire.ended()
    finally:
        leave.set()


def test_the_same_over_a_unix_socket(serve, sqlite_store, tmp_path: Path):
    place = tmp_path / "http.sock"
    serve(sqlite_store, PLAIN, settings=config.Http(listen=(f"unix:{place}",)))
    with Wire(str(place)) as wire:
        assert wire.ask(GET)[0] == 200
    assert place.stat().st_mode & 0o777 == 0o660
