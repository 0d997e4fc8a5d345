"""Pages for people: descriptions of the dialects, and the one that sets a password."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import timedelta
from html.parser import HTMLParser
from typing import Any

import httpx2 as httpx
import pytest
from sqlalchemy import update

from helpdeskd import config
from helpdeskd.desk import accounts, links, people
from helpdeskd.http.dialect import Call, Route
from helpdeskd.http.docs import sections
from helpdeskd.http.openapi import document
from helpdeskd.model.clock import now
from helpdeskd.model.mail import Address
from helpdeskd.store.schema import person_token
from tests.unit.http.plain import PLAIN, read_inline

EVIL = "<script>alert(1)</script>"


@pytest.fixture
def client(serve, sqlite_store) -> httpx.Client:
    found: httpx.Client = serve(sqlite_store, PLAIN)
    return found


class Page(HTMLParser):
    """What a page fetches and runs, and whether its elements are closed."""

    VOID = frozenset({"meta", "link", "input", "br"})

    def __init__(self, html: str) -> None:
        super().__init__()
        self.fetched: list[str] = []
        self.open: list[str] = []
        self.tags: set[str] = set()
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        if tag not in self.VOID:
            self.open.append(tag)
        known = dict(attrs)
        assert not [name for name in known if name.startswith("on") or name == "style"]
        if tag in {"link", "img", "iframe", "script"}:
            self.fetched.append(known.get("href") or known.get("src") or "")

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


def checked(answer: httpx.Response) -> str:
    """The page's text, which fetches nothing but our style sheet and runs nothing."""
    page = Page(answer.text)
    assert page.open == []
    assert "script" not in page.tags
    assert [re.sub(r"^(\.\./)*", "", each) for each in page.fetched] == ["assets/icon.svg", "assets/pages.css"]
    assert "default-src 'none'; style-src 'self'" in answer.headers["content-security-policy"]
    assert answer.headers["referrer-policy"] == "no-referrer"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["x-request-id"]
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    return answer.text


def test_a_dialect_is_described_to_everybody(client):
    told = client.get("/plain/openapi.json")
    assert told.headers["content-type"] == "application/json"
    assert told.json() == document(PLAIN)
    page = checked(client.get("/plain/docs"))
    for path, methods in document(PLAIN)["paths"].items():
        assert page.count(f"<code>{path}</code></h3>") == len(methods)
    assert "curl -H &#39;token: TOKEN&#39; https://desk.example.com/plain/api/things/ID" in page
    assert "Kind is a or b." in page
    sheet = client.get("/assets/pages.css")
    assert sheet.headers["content-type"].startswith("text/css")
    assert "url(" not in sheet.text
    assert "@import" not in sheet.text
    assert checked(client.get("/nowhere/at/all"))


def test_what_stands_in_a_table_does_not_become_html(serve, sqlite_store):
    def view(call: Call) -> Any:
        return read_inline(call)

    view.__doc__ = EVIL
    evil = Route("GET", f"/{EVIL.replace('/', '')}", view)
    client = serve(sqlite_store, replace(PLAIN, title=EVIL, routes=(evil,)))
    page = client.get("/plain/docs").text
    assert "<script" not in page
    assert "&lt;script&gt;" in page


def test_each_thing_a_row_says_is_in_the_document():
    told = document(PLAIN)
    asked, sent = told["paths"]["/everything"]["get"], told["paths"]["/everything"]["post"]
    by_name = {each["name"]: each for each in asked["parameters"]}
    assert by_name["kind"]["schema"] == {"type": "string", "enum": ["a", "b"]}
    assert by_name["kind"]["required"]
    assert not by_name["if_b"]["required"]
    assert by_name["ids"]["schema"] == {"type": "array", "items": {"type": "integer"}}
    assert by_name["the-key"]["description"] == "Where it is unknown: There is no such key."
    assert [each["name"] for each in sent["parameters"]] == ["page"]  # it is looked for in the query alone
    forms = sent["requestBody"]["content"]
    assert set(forms) == {"application/x-www-form-urlencoded", "multipart/form-data", "application/json"}
    assert forms["application/json"]["schema"]["required"] == ["name", "kind"]
    assert "Also called title." in forms["application/json"]["schema"]["properties"]["name"]["description"]
    assert asked["responses"]["200"]["content"]["application/json"]["schema"] == {"$ref": "#/components/schemas/Shown"}
    assert asked["responses"]["default"]["description"] == "Status 900."
    assert told["paths"]["/things/{id}"]["get"]["parameters"][0]["in"] == "path"
    assert (
        "file"
        in told["paths"]["/files"]["post"]["requestBody"]["content"]["multipart/form-data"]["schema"]["properties"]
    )
    assert told["paths"]["/admin"]["get"]["description"] == "Needs the permission admin."
    ids = [each["operationId"] for methods in told["paths"].values() for each in methods.values()]
    assert len(ids) == len(set(ids))
    calls = [each.curl for section in sections(told, "https://x") for each in section.endpoints]
    assert "curl -X POST -H 'token: TOKEN' -d name=NAME -d kind=a https://x/plain/api/everything" in calls


# Setting a password


@pytest.fixture
def link(serve, sqlite_store):
    """Makes a link: its path, and whose it is."""

    def make(language: str = "", *, disabled: bool = False) -> tuple[str, int]:
        def act(conn):
            person = people.customer(conn, serve.desk, now(), Address("Carol", "carol@customer.example"))
            token = links.make(conn, serve.desk, now(), person, links.Purpose.INVITATION)
            if language:
                people.change(conn, person, language=language)
            if disabled:
                people.disable(conn, serve.desk, now(), person=person)
            return f"/set-password/{token}", person.id

        made: tuple[str, int] = sqlite_store.writer.run(act)
        return made

    return make


def sent(password: str, again: str | None = None) -> dict[str, str]:
    return {"password": password, "again": password if again is None else again}


def logs_in(serve, store, password: str) -> bool:
    login = store.read(lambda conn: accounts.by_name(conn, "carol@customer.example"))
    return login is not None and serve.passwords.verify(login.password_hash, password)


def test_a_link_sets_a_password_once(serve, sqlite_store, client, link):
    (other, _), (path, _) = link(), link()
    assert client.get(other).status_code == 404  # the newer one alone is good
    for _ in range(3):  # what scans mails opens links
        page = checked(client.get(path))
        assert client.head(path).status_code == 200
    assert "Choose a password" in page
    assert "carol@customer.example" in page
    done = client.post(path, data=sent("correct horse ä"))
    assert done.status_code == 200
    assert "Your password is set." in checked(done)
    assert "correct horse" not in done.text
    assert logs_in(serve, sqlite_store, "correct horse ä")
    for used in (path, other):
        for answer in (client.get(used), client.post(used, data=sent("another password"))):
            assert answer.status_code == 404
            assert "This link leads nowhere." in checked(answer)
    assert logs_in(serve, sqlite_store, "correct horse ä")


@pytest.mark.parametrize(
    ("form", "words"),
    [
        (sent("short"), "This password is too short"),
        (sent("x" * 1025), "This password is too short, or much too long"),
        (sent("long enough", "long enuogh"), "The two are not the same."),
        (sent("long enough", ""), "The two are not the same."),
        ({}, "This password is too short"),
        ({"password": "x" * 20_000}, "This password is too short"),
    ],
)
def test_a_password_that_cannot_be_taken_leaves_the_link_good(serve, sqlite_store, client, link, form, words):
    path, _ = link()
    answer = client.post(path, data=form)
    assert answer.status_code == 422
    assert words in checked(answer)
    assert client.post(path, data=sent("long enough")).status_code == 200


def test_an_address_that_is_somebody_elses_user_name(serve, sqlite_store, client, link):
    path, _ = link()

    def take(conn, name):
        dan = people.customer(conn, serve.desk, now(), Address("Dan", "dan@customer.example"))
        accounts.set_username(conn, serve.desk, now(), person=dan, username=name)

    sqlite_store.writer.run(lambda conn: take(conn, "carol@customer.example"))
    answer = client.post(path, data=sent("long enough"))
    assert answer.status_code == 409
    assert "Somebody else has it already." in checked(answer)
    sqlite_store.writer.run(lambda conn: take(conn, "dan"))
    assert client.post(path, data=sent("long enough")).status_code == 200


def test_links_that_lead_nowhere(serve, sqlite_store, client, link):
    old, _ = link()
    sqlite_store.writer.run(
        lambda conn: conn.execute(update(person_token).values(expires_at=now() - timedelta(seconds=1)))
    )
    disabled, _ = link(disabled=True)
    for path in (
        old,
        disabled,
        "/set-password/x",
        "/set-password/%00",
        f"/set-password/{EVIL}",
        "/set-password/" + "a" * 9000,
    ):
        for answer in (client.get(path), client.post(path, data=sent("long enough"))):
            assert answer.status_code == 404, path
            assert EVIL not in checked(answer)
    assert client.put(old).status_code == 405


def test_it_speaks_the_readers_language(serve, sqlite_store, client, link):
    path, _ = link()
    assert "Passwort wählen" in client.get(path, headers={"accept-language": "fr;q=0.3, de-AT;q=0.9, en;q=0.1"}).text
    assert "Choose a password" in client.get(path, headers={"accept-language": "en-GB, de;q=0.9"}).text
    assert (
        "Choose a password" in client.get(path, headers={"accept-language": ";q=x, *;q=, \xff".encode("latin-1")}).text
    )
    path, _ = link("de")
    page = checked(client.get(path, headers={"accept-language": "en"}))
    assert '<html lang="de">' in page
    assert "Mindestens 8 Zeichen" in page


def test_guesses_are_slowed_down(client):
    statuses = [client.get("/set-password/guess").status_code for _ in range(31)]
    assert statuses == [404] * 30 + [429]
    answer = client.get("/set-password/guess")
    assert 0 < int(answer.headers["retry-after"]) <= 60
    assert "That was too often." in checked(answer)


def test_addresses_of_one_house_are_slowed_down_as_one(serve, sqlite_store):
    client = serve(sqlite_store, PLAIN, settings=config.Http(trusted_proxies=("127.0.0.1",)))

    def guess(address: str) -> int:
        status: int = client.get("/set-password/guess", headers={"X-Forwarded-For": address}).status_code
        return status

    assert [guess(f"2001:db8::{n:x}:1") for n in range(31)] == [404] * 30 + [429]
    assert guess("2001:db8:0:1::1") == 404


def test_the_link_stays_out_of_the_log(serve, sqlite_store, link, capsys):
    client = serve(sqlite_store, PLAIN)
    path, _ = link()
    client.post(path, data=sent("a secret password"))
    told = capsys.readouterr().out
    assert "set_password" in told
    assert path.rpartition("/")[2] not in told
    assert "a secret password" not in told


def test_an_operators_own_page_wins(serve, sqlite_store, tmp_path):
    (tmp_path / "own" / "http").mkdir(parents=True)
    (tmp_path / "own" / "http" / "nothing.html").write_text("<p>Nothing at {{ desk }}.</p>")
    client = serve(sqlite_store, PLAIN, templates=tmp_path / "own")
    assert client.get("/nowhere").text == "<p>Nothing at Desk.</p>"
    assert "Plain API" in client.get("/plain/docs").text
    (tmp_path / "own" / "http" / "docs.html").write_text("<p>{{ told.info.title }}</p>")
    (tmp_path / "own" / "http" / "nothing.html").write_text("{% if")
    serve.server.reload()
    assert client.get("/plain/docs").text == "<p>Plain</p>"
    assert client.get("/nowhere").status_code == 500


def test_a_page_that_fails_says_nothing_of_why(serve, sqlite_store, tmp_path):
    (tmp_path / "own" / "http").mkdir(parents=True)
    (tmp_path / "own" / "http" / "nothing.html").write_text("{{ secret_name }}")
    client = serve(sqlite_store, PLAIN, templates=tmp_path / "own")
    answer = client.get("/nowhere")
    assert answer.status_code == 500
    assert "secret" not in answer.text


def test_urls_of_calls_are_the_desks_own(serve, sqlite_store):
    serve.desk = replace(serve.desk, settings=config.Desk(public_url="https://help.example.org/"))
    client = serve(sqlite_store, PLAIN)
    assert "https://help.example.org/plain/api/things/ID" in client.get("/plain/docs", headers={"host": "evil"}).text
