"""A request's way to its view and back, over real HTTP."""

from __future__ import annotations

import hashlib
import http.client
import json
import socket
from dataclasses import replace

import httpx2 as httpx
import pytest

from helpdeskd import config
from helpdeskd.store.engine import Store
from tests.unit.http.plain import PLAIN

ME = {"token": "let-me-in"}


@pytest.fixture
def client(serve, sqlite_store: Store) -> httpx.Client:
    found: httpx.Client = serve(sqlite_store, PLAIN)
    found.headers.update(ME)
    return found


def test_values_are_found_in_every_place(client: httpx.Client) -> None:
    pairs = {"name": "Ä b&c", "kind": "a", "ids": ["1", "2"], "loud": "true"}
    wanted = {
        "name": "Ä b&c",
        "kind": "a",
        "owner": 0,
        "if_b": "",
        "ids": [1, 2],
        "loud": True,
        "due": None,
        "page": 1,
        "key": "",
    }
    path = "/plain/api/everything"
    assert client.get(path, params=pairs).json() == wanted
    assert client.post(path, data=pairs).json() == wanted
    assert client.post(path, params=pairs).json() == wanted
    parts = [
        ("name", (None, "Ä b&c")),
        ("kind", (None, "a")),
        ("ids", (None, "1")),
        ("ids", (None, "2")),
        ("loud", (None, "true")),
    ]
    assert client.post(path, files=parts).json() == wanted
    body = {"name": "Ä b&c", "kind": "a", "ids": [1, 2], "loud": True, "due": None}
    assert client.post(path, json=body).json() == wanted
    assert client.post(path, content=json.dumps(body)).json() == wanted  # some clients name no type


@pytest.mark.parametrize(
    ("pairs", "words"),
    [
        ("", "Name is missing. Kind is missing."),
        ("name=%20&kind=a", "Name is missing."),
        ("title=x&kind=c&owner=x", "Kind is a or b. Owner is no number."),
        ("name=x&kind=b", "B needs it."),
        ("name=x&kind=a&ids=1&ids=x", "ids: expected a number"),
        ("name=x&kind=a&loud=maybe", "loud: expected true or false"),
        ("name=x&kind=a&the-key=nowhere", "There is no such key."),
        ("name=x&kind=a&owner=99999999999999999999", "Owner is no number."),
    ],
)
def test_every_problem_is_told_at_once_in_order(client: httpx.Client, pairs: str, words: str) -> None:
    answer = client.get(f"/plain/api/everything?{pairs}")
    assert (answer.status_code, answer.text) == (400, words)


def test_values_of_one_place_are_not_taken_from_another(client: httpx.Client) -> None:
    answer = client.post("/plain/api/everything?name=x&kind=a", data={"page": "7"})
    assert answer.json()["page"] == 1


def test_literal_segments_win(client: httpx.Client) -> None:
    assert client.get("/plain/api/things/7").json() == {"path": {"id": "7"}}
    assert client.get("/plain/api/things/new").status_code == 900
    assert client.get("/plain/api/things/7/").json() == {"path": {"id": "7"}}
    assert client.get("/plain/api/things/%2e%2e%2f7").status_code in {200, 404}


def test_who_may_not_is_told_before_the_body_is_read(serve, sqlite_store: Store) -> None:
    client: httpx.Client = serve(sqlite_store, PLAIN)
    assert client.get("/plain/api/things/7").status_code == 401
    assert client.get("/plain/api/admin", headers=ME).status_code == 403
    assert client.get("/plain/api/admin", headers={"token": "admin"}).status_code == 200
    assert client.get("/plain/api/things/7", headers={"token": "fast"}).status_code == 200
    with socket.create_connection((client.base_url.host, client.base_url.port)) as sock:
        sock.sendall(b"POST /plain/api/files HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\n")
        assert sock.recv(100).startswith(b"HTTP/1.1 401 ")


def test_unknown_paths_and_methods(client: httpx.Client) -> None:
    assert client.get("/plain/api/nowhere").status_code == 404
    answer = client.delete("/plain/api/everything")
    assert (answer.status_code, answer.text) == (405, "GET POST")
    assert client.get("/nowhere").status_code == 404
    assert client.head("/plain/api/things/7").headers["content-length"] == str(len(b'{"path":{"id":"7"}}'))


def test_files_are_kept_and_come_back(client: httpx.Client) -> None:
    data = bytes(range(256)) * 1000
    answer = client.post(
        "/plain/api/files",
        data={"x": "1"},
        files=[("a[]", ("ä.bin", data, "image/png")), ("b", ("", b"", "text/plain"))],
    )
    name, filename, kind, size, sha256 = answer.json()[0]
    assert (name, filename, kind, size) == ("a[]", "ä.bin", "image/png", len(data))
    assert sha256 == hashlib.sha256(data).hexdigest()
    back = client.get(f"/plain/api/files/{sha256}")
    assert back.content == data
    assert back.headers["x-content-type-options"] == "nosniff"
    assert client.post("/plain/api/no-files", files={"a": ("a", b"x")}).json() == []


@pytest.mark.parametrize(
    ("disposition", "name"),
    [
        ("name=a; filename=b.bin; filename*=utf-8''b.bin", "b.bin"),
        ("name=a; filename=\"=?utf-8?B?w6QuYmlu?=\"; filename*=utf-8''%C3%A4%20b.bin", "ä b.bin"),
        ("name=a; filename*=UTF-8'de'%C3%A4.bin", "ä.bin"),
        ('name="a"; filename="filename*=b"', "filename*=b"),
    ],
)
def test_names_of_files_as_dotnet_writes_them(client: httpx.Client, disposition: str, name: str) -> None:
    body = f"--b\r\nContent-Disposition: form-data; {disposition}\r\n\r\nx\r\n--b--\r\n".encode()
    kind = {"Content-Type": 'multipart/form-data; boundary="b"'}
    assert client.post("/plain/api/files", content=body, headers=kind).json()[0][:2] == ["a", name]


def test_no_room_no_files(serve, sqlite_store: Store) -> None:
    client: httpx.Client = serve(sqlite_store, PLAIN)
    serve.room = False
    assert (
        client.post("/plain/api/files", headers=ME, files={"a": ("a", b"x")}).status_code == 500
    )  # the dialect's word for it


@pytest.mark.parametrize(
    ("kind", "data", "status"),
    [
        ("application/json", b"{", 400),
        ("application/json", b"[1]", 400),
        ("application/json", b"\xff", 400),
        ("application/json", b"[" * 100_000, 400),
        ("multipart/form-data", b"x", 400),
        ("multipart/form-data; boundary=" + "b" * 71, b"x", 400),
        ("multipart/form-data; boundary=b", b"x", 400),
        ("multipart/form-data; boundary=b", b'--b\r\nContent-Disposition: form-data; name="a"\r\n\r\nx', 400),
        (
            "multipart/form-data; boundary=b",
            b'--b\r\nContent-Disposition: form-data; name="a"; filename="f"\r\n\r\nx\r\n',
            400,
        ),
        ("multipart/form-data; boundary=b", b"--b\r\nNo colon\r\n\r\nx\r\n--b--", 400),
        ("application/x-www-form-urlencoded", b"&".join([b"a=1"] * 300), 400),
        ("application/x-www-form-urlencoded", b"a=" + b"x" * (2 << 20), 413),
    ],
)
def test_a_body_that_cannot_be_read_is_refused(serve, sqlite_store: Store, kind: str, data: bytes, status: int) -> None:
    client: httpx.Client = serve(sqlite_store, PLAIN, settings=config.Http(max_body_mb=1))
    answer = client.post("/plain/api/files", headers={**ME, "content-type": kind}, content=data)
    assert answer.status_code == status, answer.text


def test_a_body_of_unknown_length_has_the_same_limit(serve, sqlite_store: Store) -> None:
    client: httpx.Client = serve(sqlite_store, PLAIN, settings=config.Http(max_body_mb=1))
    answer = client.post("/plain/api/files", headers=ME, content=(b"x" * 65536 for _ in range(40)))
    assert answer.status_code == 413


def test_our_faults_say_nothing(client: httpx.Client, capsys: pytest.CaptureFixture[str]) -> None:
    answer = client.get("/plain/api/broken")
    assert (answer.status_code, answer.text) == (500, "broken")
    assert client.post("/plain/api/refused").status_code == 409


def test_hosts_and_root(serve, sqlite_store: Store) -> None:
    other = replace(PLAIN, name="other", fold=True)
    settings = config.Http(root="plain", hosts={"Help.example.org": "other"})
    client: httpx.Client = serve(sqlite_store, PLAIN, other, settings=settings)
    client.headers.update(ME)
    for path in ("/api/things/7", "/helpdesk/api/things/7", "/plain/api/things/7", "/other/API/Things/7"):
        assert client.get(path).status_code == 200, path
    assert client.get("/API/things/7").status_code == 404
    assert client.get("/API/Things/7", headers={"host": "help.example.org:8080"}).status_code == 200
    assert client.get("/apix/things/7").status_code == 404


def test_the_server_stops_after_the_last_answer_and_lets_go_of_its_place(serve, sqlite_store: Store) -> None:
    client: httpx.Client = serve(sqlite_store, PLAIN)
    host, port = client.base_url.host, client.base_url.port
    assert client.get("/plain/api/things/7", headers=ME).status_code == 200
    serve.server.close()
    with pytest.raises(OSError):
        http.client.HTTPConnection(host, port).connect()
