"""Whatever is sent for a parameter, the answer is the envelope and never a fault of ours. Each parameter of each row of the table of
routes, by itself and the others right; a row that is added is covered by itself.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import httpx2 as httpx
import pytest

from helpdeskd.http.dialect import Route
from helpdeskd.http.helpdeskz import HELPDESKZ
from helpdeskd.http.params import Param, Where, params_of
from tests.unit.http.helpdeskz.conftest import PASSWORD, House

FORM = "application/x-www-form-urlencoded"
DEEP = 1_000

TEXTS = {
    "empty": "",
    "blanks": " \t ",
    "huge": "1" + "0" * 30,
    "beyond a float": "1e999",
    "a float": "1.0",
    "negative": "-1",
    "digits and a letter": "9" * 60_000 + "x",
    "NUL": "1\x00",
    "surrogate": "a\ud800",
    "wide digit": "\uff11",
    "SQL": "1'; DROP TABLE ticket; --",
    "a path": "1/../2",
    "markup": "<b" * 2_000 + "<script>alert(1)</script>",
    "long": "x" * 1_000_000,
}
# As JSON, which the original takes for nothing.
VALUES = {
    "list": "[1]",
    "nothing in a list": "[]",
    "object": '{"a": 1}',
    "nested": "[" * DEEP + "]" * DEEP,
    "nested objects": '{"a":' * DEEP + "1" + "}" * DEEP,
    "nested beyond all": "[" * 100_000 + "]" * 100_000,
    "huge number": "1" + "0" * 30,
    "float": "1.5e300",
    "null": "null",
    "true": "true",
    "surrogate": '"\\ud800"',
    "NUL": '"1\\u0000"',
}
BODIES = {
    "XML": ("text/xml", b"<a/>"),
    "no type": ("", b"\xff\xfe\x00"),
    "another charset": (f"{FORM}; charset=utf-16", "subject=ä".encode("utf-16")),
    "nameless": (FORM, b"=&=1&&=%&%=%zz"),
    "no object": ("application/json", b"[1]"),
    "cut JSON": ("application/json", b'{"subject":'),
    "no UTF-8 in JSON": ("application/json", b'{"subject": "\xff"}'),
    "no boundary": ("multipart/form-data", b"--x"),
    "cut multipart": (
        "multipart/form-data; boundary=x",
        b'--x\r\nContent-Disposition: form-data; name="subject"\r\n\r\nS',
    ),
    "no multipart": ("multipart/form-data; boundary=x", b"subject=S"),
    "fields without end": (FORM, b"&".join(b"a%d=1" % n for n in range(1_000))),
}

# What is right for each, as a member of staff acts: all of them are looked at. {} makes what must be new.
RIGHT = {
    "id": "1",
    "fullname": "Eve",
    "email": "eve{}@client.example",
    "new_email": "carol@client.example",
    "name": "Department {}",
    "private": "0",
    "opener": "staff",
    "replier": "staff",
    "user_id": "1",
    "staff_id": "1",
    "department_id": "1",
    "subject": "S",
    "body": "B",
    "message": "M",
    "ticket_id": "1",
    "username": "ada",
    "password": PASSWORD,
    "ip_address": "2001:db8::{}",
}
_fresh = itertools.count(1)

ROWS = [
    (route, method, route.paths.split()[0])
    for route in HELPDESKZ.routes
    if route.permission
    for method in route.methods.split()
]


@pytest.fixture(scope="module")
def said(house: House) -> Any:
    """Asks, and holds the answer against the envelope."""

    def ask(method: str, path: str, **more: Any) -> httpx.Response:
        got = house.client.request(method, path, **more)
        told = f"{method} {path[:80]}: {got.status_code} {got.text[:200]}"
        assert got.status_code in {200, 400, 404, 405}, told
        answer = got.json()
        if answer.get("success") != 1:
            assert (answer["error"], type(answer["message"])) == (1, str), told
            assert answer["message"].strip(), told
        else:
            assert got.status_code == 200, told
        return got

    return ask


def _each() -> Iterator[tuple[Route, str, str, Param, str]]:
    """Every parameter under each of its names."""
    for route, method, path in ROWS:
        for param in params_of(route.params):
            for name in param.names:
                yield route, method, path, param, name


def _others(route: Route, param: Param) -> dict[str, str]:
    known = {
        each.name: RIGHT[each.name] for each in params_of(route.params) if each.name in RIGHT and each is not param
    }
    return {name: value.format(f"{next(_fresh):x}") for name, value in known.items()}


def _encoded(values: dict[str, str]) -> str:
    return "&".join(f"{quote(name, safe='')}={_quoted(value)}" for name, value in values.items())


def _quoted(text: str) -> str:
    return quote(text.encode("utf-8", "surrogatepass"), safe="")


def _send(said: Any, method: str, path: str, param: Param, name: str, others: dict[str, str], text: str) -> None:
    if param.where is Where.PATH or method == "GET":
        text = text[-20_000:]
    if param.where is Where.PATH:
        if not text.strip():
            return  # it is another path
        said(method, path.replace("{id}", _quoted(text)).strip("/"), **_form(method, others))
        return
    path = path.replace("{id}", others.pop("id", "")).strip("/")
    if method == "GET":
        said(method, f"{path}?{_encoded({**others, name: text})}")
    else:
        said(method, path, **_form(method, {**others, name: text}))


def _form(method: str, values: dict[str, str]) -> dict[str, Any]:
    return {} if method == "GET" else {"content": _encoded(values).encode(), "headers": {"Content-Type": FORM}}


@pytest.mark.parametrize("kind", TEXTS)
def test_a_text(said: Any, kind: str) -> None:
    for route, method, path, param, name in _each():
        _send(said, method, path, param, name, _others(route, param), TEXTS[kind])


@pytest.mark.parametrize("name", ["{}[]", "{}[0]", "{}[a][b]"])
def test_an_array_is_not_given(said: Any, name: str) -> None:
    for route, method, path, param, plain in _each():
        if param.where is not Where.PATH:
            _send(said, method, path, param, name.format(plain), _others(route, param), "1")


@pytest.mark.parametrize("kind", VALUES)
def test_a_value_in_json(said: Any, kind: str) -> None:
    for route, method, path, param, name in _each():
        if method == "GET" or param.where is Where.PATH:
            continue
        others = _others(route, param)
        number = others.pop("id", "")
        members = [f'"{each}": "{value}"' for each, value in others.items()] + [f'"{name}": {VALUES[kind]}']
        content = "{" + ", ".join(members) + "}"
        said(
            method,
            path.replace("{id}", number).strip("/"),
            content=content.encode(),
            headers={"Content-Type": "application/json"},
        )


@pytest.mark.parametrize("kind", BODIES)
def test_a_body(said: Any, kind: str) -> None:
    content_type, content = BODIES[kind]
    for _, method, path in ROWS:
        said(method, path.replace("{id}", "999").strip("/"), content=content, headers={"Content-Type": content_type})


def test_every_parameter_has_a_right_value_or_needs_none() -> None:
    needed = {param.name for *_, param, _ in _each() if param.required or param.only or param.where is Where.PATH}
    assert needed <= set(RIGHT)
