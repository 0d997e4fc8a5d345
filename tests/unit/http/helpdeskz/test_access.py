"""Who may: each row of the table of routes, and each way to ask. A row that is added is covered by itself."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta

import pytest

from helpdeskd.desk import api_keys, lists, people
from helpdeskd.http.helpdeskz import HELPDESKZ
from helpdeskd.http.helpdeskz.access import token_of
from helpdeskd.model.api import PERMISSIONS
from tests.unit.http.helpdeskz.conftest import ALL, AT, TOKEN, House

IN = None  # let in: whatever is answered, it is no matter of who asks
NOBODY = (400, "Invalid authentication.")
ELSEWHERE = (400, "IP address `127.0.0.1 is not allowed.")
MISSING = (400, "Permission not allowed: {}")

# How one asks -> the headers, and what is said to that. {}: the route's permission.
WAYS: dict[str, tuple[Mapping[str, str], tuple[int, str] | None]] = {
    "no credential": ({}, NOBODY),
    "an unknown token": ({"Token": "unknown-key-4711-abcdef"}, NOBODY),
    "a token in another case": ({"Token": TOKEN.upper()}, NOBODY),
    "a cut token": ({"Token": TOKEN[:-1]}, NOBODY),
    "a key that was revoked": ({"Token": "revoked-key-4711-abcdef"}, NOBODY),
    "a key that has expired": ({"Token": "expired-key-4711-abcdef"}, NOBODY),
    "a key of another dialect": ({"Token": "foreign-key-4711-abcdef"}, NOBODY),
    "a key of somebody who is disabled": ({"Token": "disabled-key-4711-abcdef"}, NOBODY),
    "a key for other addresses": ({"Token": "elsewhere-key-4711-abcdef"}, ELSEWHERE),
    "a key for this address": ({"Token": "here-key-4711-abcdef"}, IN),
    "all permissions but this": ({"Token": "all-permissions-but-{}"}, MISSING),
    "this permission alone": ({"Token": "a-key-with-no-permission-but-{}"}, IN),
    "all permissions": ({"Token": TOKEN}, IN),
    "the other header": ({"Authorization": f"Token: {TOKEN}"}, IN),
    "a bearer": ({"Authorization": f"Bearer {TOKEN}"}, NOBODY),
}

# Of what changes something the row is asked for that is not there: who may not is told so before anybody looks.
ROUTES = [
    (method, path.replace("{id}", "1" if method == "GET" else "999").strip("/"), route.permission)
    for route in HELPDESKZ.routes
    for method in route.methods.split()
    for path in route.paths.split()
]


@pytest.fixture(scope="module")
def house(alone: House) -> House:
    for permission in ("", *ALL):
        name = permission or "none"
        alone.key(f"a-key-with-no-permission-but-{permission}", (permission,) if permission else (), name=name)
        alone.key(f"all-permissions-but-{permission}", tuple(each for each in ALL if each != permission), name=name)
    key = alone.key("revoked-key-4711-abcdef")
    alone.write(api_keys.revoke, key_id=key.id)
    alone.key("expired-key-4711-abcdef", expires_at=AT)
    alone.key("elsewhere-key-4711-abcdef", allow_ip=("192.0.2.*", "2001:db8::/32"))
    alone.key("here-key-4711-abcdef", allow_ip=("127.0.0.0/8",), expires_at=AT + timedelta(seconds=1))
    ada = alone.read(lists.staff_member, 1)
    assert ada is not None
    bob = alone.read(people.at, "bob@staff.example")
    alone.key("disabled-key-4711-abcdef", person_id=bob.id)
    alone.write(people.disable, person=bob)
    alone.key("foreign-key-4711-abcdef", (), dialect="jitbit", person_id=ada.person.id)
    return alone


@pytest.mark.parametrize(("method", "path", "permission"), ROUTES)
def test_who_may(house: House, method: str, path: str, permission: str) -> None:
    for way, (headers, wanted) in WAYS.items():
        sent = {"Token": "", **{name: value.format(permission) for name, value in headers.items()}}
        got = house.client.request(method, path, headers=sent)
        said = (got.status_code, got.json().get("message", ""))
        if wanted is IN or (wanted is MISSING and not permission):
            assert got.status_code == (200 if permission else 501), (way, got.text)
            assert said[1] not in {NOBODY[1], ELSEWHERE[1]}, way
        elif wanted is MISSING:
            assert said == (400, MISSING[1].format(PERMISSIONS["helpdeskz"][permission])), way
        else:
            assert said == wanted, way


def test_the_table_has_every_row() -> None:
    assert {permission for _, _, permission in ROUTES} == {"", *ALL}


@pytest.mark.parametrize(
    ("headers", "token"),
    [
        ({}, ""),
        ({"token": "abc"}, "abc"),
        ({"token": " abc "}, "abc"),
        ({"authorization": "Token: abc"}, "abc"),
        ({"authorization": "Token:abc"}, "abc"),
        ({"authorization": "token abc"}, "abc"),
        ({"authorization": " TOKEN:   abc "}, "abc"),
        ({"token": "abc", "authorization": "Token: other"}, "abc"),
        ({"token": " ", "authorization": "Token: abc"}, "abc"),
        ({"authorization": "abc"}, ""),
        ({"authorization": "Tokenabc"}, ""),
        ({"authorization": "Token"}, ""),
        ({"authorization": "Token: "}, ""),
        ({"authorization": "Token: a b"}, ""),
        ({"authorization": "Basic abc"}, ""),
    ],
)
def test_where_the_token_stands(headers: Mapping[str, str], token: str) -> None:
    assert token_of(headers) == token
