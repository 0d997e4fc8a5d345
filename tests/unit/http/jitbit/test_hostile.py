"""Whatever is sent for a parameter, the answer is plain text with a documented status, or what the row answers, and never a fault of ours.

Each parameter of each row of the table of routes, by itself and the others right, in each of the places where values are taken from; a row
that is added is covered by itself. What was kept of all that is then read again, and mailed.
"""

from __future__ import annotations

import email
import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import httpx2 as httpx
import pytest
from sqlalchemy import select

from helpdeskd import config, resources
from helpdeskd.http.dialect import Route
from helpdeskd.http.jitbit import JITBIT
from helpdeskd.http.params import Param, params_of
from helpdeskd.outgoing import letter
from helpdeskd.outgoing.render import Renderer
from helpdeskd.outgoing.signing import Signer
from helpdeskd.store import outbox, schema
from tests.unit.http.jitbit.conftest import OFFER, PRINTER, House

_t = schema.ticket.c
TEMPLATES = resources.find("templates")
FORM = "application/x-www-form-urlencoded"
DEEP = 1_000
DAN = 6  # the last of the house's people: whatever is changed of him, Ada still comes in
STATUSES = {200, 400, 403, 404, 405, 408, 413}  # others are documented too, and none of them is for what is sent

# As text: in query string, form, multipart and JSON.
TEXTS = {
    "empty": "",
    "blanks": " \t\r\n ",
    "huge number": "1" + "0" * 30,
    "beyond a float": "1e999",
    "zero": "0",
    "negative": "-1",
    "beyond a key": "9223372036854775808",
    "NUL": "1\x00",
    "controls": "a\r\nBcc: eve@elsewhere.example\r\n\r\n\x01\x1b[31m\x7f\x85\u2028",
    "surrogate": "a\ud800",
    "wide digit": "\uff11",
    "syntax": "1'; DROP TABLE ticket; -- \"* OR NEAR(a b) AND ^x:y - (",
    "a date before all time": "0001-01-01T00:00:00+23:59",
    "a date beyond all time": "9999-12-31",
    "markup": "<b" * 2_000 + "<script>alert(1)</script><img src=x onerror=alert(1)>",
    "long": "x" * 200_000,
    "nested JSON": "[" * 5_000,
}
# What no text minds, and what is nothing but a text to whatever is no text.
FOR_NUMBERS = {"beyond a float", "zero", "negative", "beyond a key", "wide digit", "a date before all time"}
FOR_TEXTS = {"controls", "syntax", "markup", "long", "nested JSON"}
# As JSON values where texts are wanted.
VALUES = {
    "list": "[1]",
    "object": '{"a": 1}',
    "huge number": "1" + "0" * 30,
    "float": "1.5e300",
    "surrogate": '"\\ud800"',
    "NUL": '"1\\u0000"',
}
# Of what no parameter sees, all at once.
ALIKE = {
    "nothing in a list": "[]",
    "lists in a list": "[[1], [[2]], null]",
    "nested": "[" * DEEP + "]" * DEEP,
    "nested objects": '{"a":' * DEEP + "1" + "}" * DEEP,
    "nested beyond all": "[" * 100_000 + "]" * 100_000,
    "null": "null",
    "true": "true",
}
BODIES = {
    "XML": ("text/xml", b"<a/>"),
    "no type": ("", b"\xff\xfe\x00"),
    "another charset": (f"{FORM}; charset=utf-16", "subject=ä".encode("utf-16")),
    "nameless": (FORM, b"=&=1&&=%&%=%zz"),
    "no object": ("application/json", b"[1]"),
    "cut JSON": ("application/json", b'{"subject":'),
    "no UTF-8 in JSON": ("application/json", b'{"subject": "\xff"}'),
    "JSON as a form": (FORM, b'{"id": 1}'),
    "no boundary": ("multipart/form-data", b"--x"),
    "cut multipart": (
        "multipart/form-data; boundary=x",
        b'--x\r\nContent-Disposition: form-data; name="subject"\r\n\r\nS',
    ),
    "no multipart": ("multipart/form-data; boundary=x", b"subject=S"),
    "fields without end": (FORM, b"&".join(b"a%d=1" % n for n in range(1_000))),
}
FILES = {
    "a header in its name": 'filename="a%0d%0aX-Evil: 1%0d%0a%0d%0a.txt"',
    "a quote in its name": 'filename="a\\"; x=\\"b.txt"',
    "controls in its name": 'filename="a\x01\x1b[31m\x7f.txt"',
    "a way up": 'filename="../../../../etc/passwd"',
    "a way up in UTF-8": "filename*=UTF-8''..%2f..%2fa%0d%0aX-Evil%3a1",
    "turned round": 'filename="\u202egpj.exe"',
    "no name": 'filename=""',
    "a name without end": f'filename="{"ä" * 20_000}.txt"',
}
TYPES = ["text/html", "text/html; charset=\x01", "image/svg+xml", "message/rfc822", "multipart/mixed; boundary=x", "no type", "a/b/c", ""]  # fmt: skip

# All that our mails have in their heads, and those of their parts.
HEADERS = {
    "auto-submitted", "content-disposition", "content-id", "content-transfer-encoding", "content-type", "date", "from",
    "in-reply-to", "message-id", "mime-version", "precedence", "references", "reply-to", "subject", "to", "x-auto-response-suppress", "x-helpdeskd-loop", "x-helpdeskd-mail",
}  # fmt: skip

# What is right for each, as an administrator sends it; {} makes what must be new.
RIGHT = {
    "id": str(PRINTER),
    "id2": str(OFFER),
    "ticketId": str(PRINTER),
    "parentId": str(PRINTER),
    "childId": str(OFFER),
    "body": "B",
    "subject": "S",
    "categoryId": "1",
    "query": "printer",
    "name": "Name {}",
    "to": "eve@elsewhere.example",
    "timeSpentInSeconds": "60",
    "userId": str(DAN),
    "fieldId": "1",
    "value": "v",
    "email": "eve{}@client.example",
    "username": "eve{}",
    "password": "long enough",
    "assetId": "1",
    "modelName": "M",
    "manufacturer": "F",
    "type": "T",
    "supplier": "S",
}
_fresh = itertools.count(1)

# Nothing that it says may be gone before everything was asked: of these the row that is named is not there.
GONE = {"delete_ticket", "delete_user", "merge_users", "merge_tickets", "delete_file"}
CHANGES_BY_GET = {"delete_file", "close_ticket", "enable_rule", "disable_rule"}
NOWHERE = "999999"


@dataclass(frozen=True)
class Row:
    route: Route
    method: str

    @property
    def path(self) -> str:
        return self.route.paths.split()[0].strip("/")

    def others(self, but: str) -> dict[str, str]:
        """What its other parameters need."""
        known = {
            each.name: RIGHT[each.name]
            for each in params_of(self.route.params)
            if each.required and each.name in RIGHT and each.name != but
        }
        if self.route.name in GONE:
            known = {name: NOWHERE if name.lower().endswith(("id", "id2")) else value for name, value in known.items()}
        return {name: value.format(f"{next(_fresh):x}") for name, value in known.items()}


ROWS = [Row(route, method) for route in JITBIT.routes for method in route.methods.split()]
# Texts go by query string where a row answers GET, else by form: where a value stood is all the same to the rest.
ONCE = [Row(route, "GET" if "GET" in route.methods.split() else "POST") for route in JITBIT.routes]
POSTED = [row for row in ROWS if row.method == "POST"]


def params() -> Iterator[tuple[Row, Param, str]]:
    """Every parameter under each of its names."""
    for row in ONCE:
        for param in params_of(row.route.params):
            for name in param.names:
                yield row, param, name


class Asker:
    """Asks as an administrator, who is stopped by nothing but what is wrong with a request, and looks at the answer."""

    def __init__(self, house: House) -> None:
        self.house = house
        self.header = {"Authorization": "Bearer key-of-ada-4711-abcdef"}
        house.key("ada", "key-of-ada-4711-abcdef")

    def __call__(self, method: str, path: str, **more: Any) -> httpx.Response:
        headers = self.header | more.pop("headers", {})
        got = self.house.client.request(method, path, headers=headers, **more)
        told = f"{method} {path[:80]}: {got.status_code} {got.text[:200]}"
        assert got.status_code in STATUSES, told
        if got.status_code != 200:
            assert got.headers["content-type"] == "text/plain; charset=utf-8", told
            assert got.text.strip(), told
            assert len(got.text) < 2_000, told  # what was sent is not sent back whole
        return got

    def text(self, row: Row, values: list[tuple[str, str]]) -> None:
        if row.method == "GET":
            self("GET", f"{row.path}?{_encoded([(name, value[-20_000:]) for name, value in values])}")
        else:
            self("POST", row.path, content=_encoded(values).encode(), headers={"Content-Type": FORM})

    def json(self, row: Row, members: list[str]) -> None:
        content = "{" + ", ".join(members) + "}"
        self("POST", row.path, content=content.encode(), headers={"Content-Type": "application/json"})

    def parts(self, row: Row, parts: list[tuple[str, bytes, bytes]]) -> httpx.Response:
        """(what follows form-data, more headers, content)"""
        sent = b"".join(
            b"--x\r\nContent-Disposition: form-data; " + head.encode("utf-8", "surrogatepass") + more + b"\r\n\r\n" + data + b"\r\n"
            for head, more, data in parts
        )  # fmt: skip
        headers = {"Content-Type": "multipart/form-data; boundary=x"}
        return self("POST", row.path, content=sent + b"--x--\r\n", headers=headers)


def _encoded(values: list[tuple[str, str]]) -> str:
    return "&".join(f"{quote(name, safe='')}={quote(value.encode('utf-8', 'surrogatepass'))}" for name, value in values)


@pytest.fixture(scope="module")
def ask(alone: House) -> Asker:
    return Asker(alone)


@pytest.fixture(scope="module")
def kept(ask: Asker) -> Asker:
    """Tickets of nasty words are there, whichever of these tests has run before."""
    row = next(each for each in ROWS if each.route.name == "create_ticket")
    for name in ("subject", "body"):
        for kind in ("markup", "controls") * 6:
            ask.text(row, [*row.others(name).items(), (name, TEXTS[kind])])
    return ask


def test_every_parameter_has_a_right_value_or_needs_none() -> None:
    assert {param.name for _, param, _ in params() if param.required} <= set(RIGHT)


@pytest.mark.parametrize("kind", TEXTS)
def test_a_text(ask: Asker, kind: str) -> None:
    for row, param, name in params():
        if kind not in (FOR_NUMBERS if param.kind is str else FOR_TEXTS):
            ask.text(row, [*row.others(param.name).items(), (name, TEXTS[kind])])


@pytest.mark.parametrize("kind", ["surrogate", "controls", "NUL", "markup"])
def test_a_part(ask: Asker, kind: str) -> None:
    data = TEXTS[kind].encode("utf-8", "surrogatepass")
    for row in POSTED:
        for param in params_of(row.route.params):
            others = [(f'name="{name}"', b"", value.encode()) for name, value in row.others(param.name).items()]
            ask.parts(row, [*others, (f'name="{param.name}"', b"", data)])


@pytest.mark.parametrize("name", ["{}[]", "{}[0]", "{}[a][b]", "{}.a"])
def test_a_name_that_is_none(ask: Asker, name: str) -> None:
    for row, param, plain in params():
        ask.text(row, [*row.others(param.name).items(), (name.format(plain), "1")])


def test_a_name_that_comes_again(ask: Asker) -> None:
    for row, param, name in params():
        ask.text(row, [*row.others(param.name).items(), (name, "x"), (name, "1"), (name.upper(), ""), (name, "\x00")])
        ask.text(row, [*row.others(param.name).items(), *((name, str(n)) for n in range(100))])


@pytest.mark.parametrize("kind", VALUES)
def test_a_value_in_json(ask: Asker, kind: str) -> None:
    for row in POSTED:
        value = VALUES[kind].replace("1", NOWHERE) if row.route.name in GONE else VALUES[kind]
        for param in params_of(row.route.params):
            members = [f'"{each}": "{right}"' for each, right in row.others(param.name).items()]
            ask.json(row, [*members, f'"{param.name}": {value}'])


@pytest.mark.parametrize("kind", ALIKE)
def test_all_values_in_json(ask: Asker, kind: str) -> None:
    for row in POSTED:
        value = ALIKE[kind].replace("1", NOWHERE) if row.route.name in GONE else ALIKE[kind]
        ask.json(row, [f'"{param.name}": {value}' for param in params_of(row.route.params)])


@pytest.mark.parametrize("kind", BODIES)
def test_a_body(ask: Asker, kind: str) -> None:
    content_type, content = BODIES[kind]
    for row in POSTED:
        ask("POST", row.path, content=content, headers={"Content-Type": content_type})


@pytest.mark.parametrize(
    "text", ["%00", "1%00", "%2e%2e", "%2f", "1%2f..%2f2", "9" * 5_000, "-1", "0", "%ff", "%ud800", "a%0d%0ab"]
)
def test_a_number_in_the_path(ask: Asker, text: str) -> None:
    for route in JITBIT.routes:
        for path in route.paths.split():
            if path.endswith("{id}"):
                ask(route.methods.split()[0], path.strip("/").replace("{id}", text))


@pytest.mark.parametrize("kind", FILES)
def test_a_files_name(ask: Asker, kind: str) -> None:
    for row in POSTED:
        if row.route.files:
            fields = [(f'name="{name}"', b"", value.encode()) for name, value in row.others("").items()]
            ask.parts(row, [*fields, (f'name="file"; {FILES[kind]}', b"\r\nContent-Type: text/plain", b"words")])
    for each in ask("GET", f"Attachments?id={PRINTER}").json():
        got = ask("GET", f"attachment?id={each['FileID']}")
        assert "x-evil" not in got.headers
        assert got.headers["content-disposition"].startswith("attachment; filename=")


@pytest.mark.parametrize("kind", TYPES)
def test_a_files_type(ask: Asker, kind: str) -> None:
    row = next(row for row in POSTED if row.route.name == "attach_files")
    fields = [('name="id"', b"", str(OFFER).encode())]
    head = b"\r\nContent-Type: " + kind.encode()
    ask.parts(row, [*fields, ('name="file"; filename="a.txt"', head, b"<script>alert(1)</script>")])
    for each in ask("GET", f"Attachments?id={OFFER}").json():
        got = ask("GET", f"attachment?id={each['FileID']}")
        assert got.headers["content-disposition"].startswith("attachment")
        assert got.headers["x-content-type-options"] == "nosniff"


def test_what_was_kept_is_read_again(kept: Asker) -> None:
    """By who reads all of it, and by whose it is."""
    house, ask = kept.house, kept
    known = house.read(lambda conn: conn.execute(select(_t.id).where(_t.removed_at.is_(None))).scalars().all())
    assert "create_ticket" not in {row.route.name for row in ROWS} or len(known) > 10  # opening some was among it
    for who in ("ada", "carol"):
        for row in ONCE:
            if "GET" in row.route.methods.split() and row.route.name not in CHANGES_BY_GET:
                path = f"{row.path}?{_encoded(list(row.others('').items()))}"
                got = house.ask(who, "GET", path)
                assert got.status_code in {200, 403, 404}, (who, path, got.text)
    for number in known:
        for path in ("ticket", "comments", "Attachments", "Subscribers"):
            got = ask("GET", f"{path}?id={number}")
            assert (got.status_code, got.headers["content-type"]) == (200, "application/json; charset=UTF-8"), path
            if path in {"ticket", "comments"}:
                said = got.json() if path == "comments" else [got.json()]
                assert not [
                    each for each in said if "<script" in each["Body"] or "onerror=" in each["Body"].replace("&lt;", "")
                ]


def test_mails_of_it_have_the_headers_that_ours_have(kept: Asker) -> None:
    house, renderer = kept.house, Renderer(TEMPLATES, None, "en")
    rows = house.read(lambda conn: list(outbox.list_rows(conn, limit=2_000)))
    assert len(rows) > 10
    named: set[str] = set()
    for row in rows:
        material = house.read(letter.gather, row)
        given: dict[str, Any] = {
            "renderer": renderer,
            "blobs": house.serving.blobs,
            "desk": house.serving.desk,
            "attachments_mb": 1,
            "signer": Signer(config.Config()),
        }
        mail = email.message_from_bytes(letter.write(row, material, **given))
        named |= {name.lower() for part in mail.walk() for name in part}
        assert not [part for part in mail.walk() if part.defects], row
        assert mail.get_all("To") == [mail["To"]], row
        assert row.recipient in mail["To"], row
    assert named <= HEADERS, named - HEADERS
