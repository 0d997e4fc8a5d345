"""Accounts over HTTP: the page for who forgot a password, and that no answer of any door tells whom there is."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import httpx2 as httpx
import pyotp
import pytest
from sqlalchemy import select

from helpdeskd import config
from helpdeskd.desk import accounts, api_keys, customers, departments, forgotten, links, people, recovery
from helpdeskd.errors import StoreDown
from helpdeskd.guard.passwords import Passwords
from helpdeskd.http import forgot_password
from helpdeskd.http.helpdeskz import HELPDESKZ
from helpdeskd.http.here import LOG_IN_THREADS
from helpdeskd.http.jitbit import JITBIT
from helpdeskd.model.api import PERMISSIONS
from helpdeskd.store import schema
from helpdeskd.store.engine import Store
from helpdeskd.threads import Few
from tests.unit.http.conftest import Serving
from tests.unit.http.test_pages import EVIL, checked, sent

NOON = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
URL = "https://desk.example"
PASSWORD = "correct horse"
TOKEN = "test-token-of-everything"


class Doors:
    """Ada and Bob of staff and Carol, a customer, log in by their first names; Gone is disabled; Dan has written, and has no password."""

    def __init__(self, serve: Serving, store: Store) -> None:
        self.serve, self.store = serve, store
        serve.desk = replace(serve.desk, settings=config.Desk(name="Desk", public_url=URL))
        serve.clock = lambda: NOON
        trusting = config.Http(trusted_proxies=("127.0.0.1",))
        self.client: httpx.Client = serve(store, HELPDESKZ, replace(JITBIT, rates={}), settings=trusting)
        self.write(departments.add, name="Support", addresses=("support@desk.example",))
        for name in ("Ada", "Bob", "Gone"):
            person, _ = self.write(people.add_staff, name, f"{name.lower()}@staff.example", 3, (), welcome=False)
            self.logs_in(person, name)
        self.logs_in(
            self.write(customers.add, name="Carol", email="carol@client.example", welcome=False).person, "carol"
        )
        self.write(customers.add, name="Dan", email="dan@client.example", welcome=False)
        self.write(people.disable, person=self.read(people.at, "gone@staff.example"))
        self.write(
            api_keys.create, dialect="helpdeskz", name="x", token=TOKEN, permissions=tuple(PERMISSIONS["helpdeskz"])
        )

    def logs_in(self, person: Any, name: str) -> None:
        self.write(accounts.set_username, person=person, username=name)
        self.write(accounts.set_password, person=person, password_hash=self.serve.passwords.hash(PASSWORD))

    def write(self, act: Any, *args: Any, **more: Any) -> Any:
        return self.store.writer.run(lambda conn: act(conn, self.serve.desk, NOON, *args, **more))

    def read(self, act: Any, *args: Any) -> Any:
        return self.store.read(lambda conn: act(conn, *args))

    def post(self, email: str | None, address: str = "192.0.2.1", **headers: str) -> httpx.Response:
        given = {"X-Forwarded-For": address, **headers}
        form = {} if email is None else {"email": email}
        answer = self.client.post("/forgot-password", data=form, headers=given)
        self.store.writer.run(lambda _conn: None)  # nobody waits for what it does: it is done after this
        return answer

    def mails(self) -> list[tuple[str, str]]:
        there = schema.outbox.c
        rows = self.store.read(
            lambda conn: conn.execute(select(there.recipient, there.context).order_by(there.id)).all()
        )
        return [(recipient, context["link"]) for recipient, context in rows]


@pytest.fixture
def doors(serve: Serving, sqlite_store: Store) -> Iterator[Doors]:
    yield Doors(serve, sqlite_store)


def told(answer: httpx.Response) -> tuple[int, bytes, list[tuple[str, str]]]:
    """All that an answer says, but for what is drawn anew for each."""
    headers = [(name, value) for name, value in answer.headers.items() if name not in {"x-request-id", "date"}]
    return answer.status_code, answer.content, headers


# A forgotten password


def test_a_link_comes_by_mail_and_sets_a_password(doors: Doors, capsys: pytest.CaptureFixture[str]) -> None:
    page = checked(doors.client.get("/forgot-password"))
    assert 'name="email"' in page
    answer = doors.post("carol@client.example")
    assert answer.status_code == 200
    assert "Please look into your mail." in checked(answer)
    assert answer.headers["cache-control"] == "no-store"
    ((recipient, link),) = doors.mails()
    assert recipient == "carol@client.example"
    path = link.removeprefix(URL)
    assert re.fullmatch(r"/set-password/[\w-]{43}", path)
    opened = doors.client.get(path)
    assert "carol@client.example" in checked(opened)
    assert opened.headers["cache-control"] == "no-store"
    assert doors.client.post(path, data=sent("battery staple")).status_code == 200
    again = checked(doors.client.post(path, data=sent("another password")))
    assert "This link leads nowhere." in again
    assert 'href="../forgot-password"' in again
    said = capsys.readouterr().out
    assert "forgot_password" in said
    assert path.rpartition("/")[2] not in said
    assert "carol" not in said
    assert doors.client.get("/jitbit/api/Authorization", auth=("carol", PASSWORD)).status_code == 401
    assert doors.client.get("/jitbit/api/Authorization", auth=("carol", "battery staple")).status_code == 200


def test_the_answer_is_the_same_whatever_is_typed(doors: Doors) -> None:
    typed = [
        "carol@client.example",
        "Ada@staff.example",
        "nobody@client.example",
        "gone@staff.example",
        "dan@client.example",
        "",
        None,
        "x",
        EVIL,
        "\0",
        "x" * 10_000,
        "x" * 20_000,
    ]
    answers = [told(doors.post(each, f"192.0.2.{n}")) for n, each in enumerate(typed)]
    assert [each for each in answers if each != answers[0]] == []
    assert [recipient for recipient, _ in doors.mails()] == [
        "carol@client.example",
        "ada@staff.example",
        "dan@client.example",
    ]


def test_it_does_not_wait_for_what_it_does(
    doors: Doors, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """So that its time tells nothing either; what goes wrong then is in the log, without the address."""

    def fails(*_: object, **__: object) -> None:
        raise StoreDown("the disk is gone")

    known = told(doors.post("carol@client.example"))
    monkeypatch.setattr(forgotten, "ask", fails)
    assert told(doors.post("dan@client.example")) == known
    assert len(doors.mails()) == 1
    said = capsys.readouterr().out
    assert "the disk is gone" in said
    assert "dan@client.example" not in said


def test_no_header_leads_the_link_elsewhere(doors: Doors) -> None:
    doors.post(
        "carol@client.example", **{"Host": "evil.example", "X-Forwarded-Host": "evil.example", "Forwarded": "host=evil"}
    )
    ((_, link),) = doors.mails()
    assert link.startswith(f"{URL}/set-password/")


def test_asking_is_rated_by_address_and_by_account(doors: Doors) -> None:
    answers = [doors.post("carol@client.example") for _ in range(11)]
    assert [each.status_code for each in answers] == [200] * 10 + [429]
    assert 0 < int(answers[-1].headers["retry-after"]) <= 3600
    assert "That was too often." in checked(answers[-1])
    assert told(doors.post("nobody@client.example")) == told(answers[-1])
    assert doors.client.get("/forgot-password", headers={"X-Forwarded-For": "192.0.2.1"}).status_code == 200
    others = [told(doors.post("carol@client.example", f"198.51.100.{n}")) for n in range(5)]
    assert others == [told(answers[0])] * 5
    assert len(doors.mails()) == 3
    assert doors.client.get(doors.mails()[0][1].removeprefix(URL)).status_code == 404  # the newest alone is good
    assert doors.client.get(doors.mails()[2][1].removeprefix(URL)).status_code == 200


def test_asking_is_rated_for_everybody_together(doors: Doors) -> None:
    """Whoever has a network of IPv6 has an address for each of ten thousand questions."""
    answers = [doors.post("nobody@client.example", f"2001:db8:0:{n:x}::1") for n in range(61)]
    assert [each.status_code for each in answers] == [200] * 60 + [429]
    assert 0 < int(answers[-1].headers["retry-after"]) <= 60
    assert "That was too often." in checked(answers[-1])
    assert doors.mails() == []


def test_few_wait_for_the_writer(doors: Doors, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(forgot_password, "ALL", "1000/minute")
    go = threading.Event()
    blocked = doors.store.writer.submit(lambda _conn: go.wait(60))

    def post(n: int) -> httpx.Response:
        given = {"X-Forwarded-For": f"2001:db8:0:{n:x}::1"}
        return doors.client.post("/forgot-password", data={"email": "nobody@client.example"}, headers=given)

    try:
        answers = [post(n) for n in range(61)]
    finally:
        go.set()
    assert blocked.result()
    assert [each.status_code for each in answers] == [200] * 60 + [429]
    assert answers[-1].headers["retry-after"] == "10"
    doors.store.writer.run(lambda _conn: None)
    assert post(99).status_code == 200  # they are let in again


def test_without_an_address_of_the_desk_there_is_no_such_page(serve: Serving, sqlite_store: Store) -> None:
    client = serve(sqlite_store, HELPDESKZ)
    for answer in (client.get("/forgot-password"), client.post("/forgot-password", data={"email": "a@b.example"})):
        assert answer.status_code == 404
        checked(answer)


# Log-ins and everybody else


class Slow(Passwords):
    """Whose hashes take as long as the test wants."""

    def __init__(self) -> None:
        super().__init__(memory_kib=64, passes=1)
        self.go = threading.Event()
        self.begun = threading.Semaphore(0)

    def verify(self, password_hash: str, password: str, *, like: str = "") -> bool:
        self.begun.release()
        return self.go.wait(60) and super().verify(password_hash, password, like=like)


@pytest.fixture(params=["jitbit", "helpdeskz"])
def log_ins(serve: Serving, store: Store, request: pytest.FixtureRequest) -> Iterator[tuple[Doors, list[Any]]]:
    """More log-ins under way than the server has threads for anything, none of which ends before the test does."""
    serve.passwords = slow = Slow()
    doors = Doors(serve, store)
    serve.here.logins._gates = [nullcontext()] * 16  # type: ignore[list-item]  # names may share one by chance
    ask = jitbit if request.param == "jitbit" else helpdeskz
    with ThreadPoolExecutor(12) as pool:
        sent = [pool.submit(ask, doors, f"n{n}", "wrong", f"192.0.2.{n}") for n in range(12)]
        try:
            for _ in range(LOG_IN_THREADS):
                assert slow.begun.acquire(timeout=30)
            yield doors, sent
        finally:
            slow.go.set()


def test_nobody_else_waits_for_hashes(log_ins: tuple[Doors, list[Any]]) -> None:
    doors, sent = log_ins
    token = {"Token": TOKEN}
    for answer in (
        doors.client.get("/helpdeskz/api/departments", headers=token),
        doors.client.get("/helpdeskz/api/staff", headers=token),
        doors.client.post("/helpdeskz/api/departments/create", data={"name": "Sales", "private": "0"}, headers=token),
        doors.client.get("/set-password/nothing"),
        doors.client.get("/forgot-password"),
    ):
        assert answer.status_code in {200, 404}
    doors.write(
        api_keys.create,
        dialect="jitbit",
        name="x",
        token="the-key-of-ada-of-staff",
        person_id=doors.read(people.at, "ada@staff.example").id,
    )
    by_key = {"Authorization": "Bearer the-key-of-ada-of-staff"}
    assert doors.client.get("/jitbit/api/Authorization", headers=by_key).status_code == 200
    assert not [each for each in sent if each.done()]


def test_one_log_in_too_many_hears_so_at_once(doors: Doors) -> None:
    go = threading.Event()
    few = doors.serve.here.log_ins = Few("few", 1, 0)
    held = few.submit(go.wait, 60)
    try:
        token = doors.write(links.make, doors.read(people.at, "dan@client.example"), links.Purpose.RESET)
        answers = [
            jitbit(doors, "ada", PASSWORD, "192.0.2.1"),
            helpdeskz(doors, "ada", PASSWORD, "192.0.2.1"),
            doors.client.post(f"/set-password/{token}", data=sent("battery staple")),
        ]
    finally:
        go.set()
    assert held.result()
    assert [(each.status_code, each.headers["retry-after"]) for each in answers] == [(503, "10")] * 3
    assert answers[0].text == "Too many log in at this moment, please try again."
    assert answers[1].json() == {"error": 1, "message": "Too many log in at this moment, please try again."}
    assert "This cannot be done at the moment." in checked(answers[2])
    few.shutdown(wait=True)
    doors.serve.here.log_ins = Few("few", 1, 0)
    try:
        assert jitbit(doors, "ada", PASSWORD, "192.0.2.1").status_code == 200  # no failure was counted
    finally:
        doors.serve.here.log_ins.shutdown(wait=True)


# What the doors say of accounts


def helpdeskz(doors: Doors, name: str, password: str, address: str, **more: str) -> httpx.Response:
    form = {"username": name, "password": password, "ip_address": address, **more}
    return doors.client.post("/helpdeskz/api/staff/auth", data=form, headers={"Token": TOKEN})


def jitbit(doors: Doors, name: str, password: str, address: str) -> httpx.Response:
    headers = {"X-Forwarded-For": address}
    return doors.client.get("/jitbit/api/Authorization", auth=(name, password), headers=headers)


LOG_INS = pytest.mark.parametrize("ask", [helpdeskz, jitbit])
NAMES = ("ada", "nobody", "gone", "carol", "dan@client.example", "ADA@staff.example", "x" * 60)


@LOG_INS
def test_a_wrong_password_and_a_name_of_nobody_are_answered_alike(doors: Doors, ask: Any) -> None:
    """First failure, second, third, and then the lock: each the same of everybody."""
    told_of = [[told(ask(doors, name, "wrong", f"192.0.2.{n}")) for _ in range(5)] for n, name in enumerate(NAMES)]
    assert [each for each in told_of if each != told_of[0]] == []
    assert told_of[0][0] != told_of[0][4]


@LOG_INS
def test_an_account_that_is_locked_is_answered_as_a_name_of_nobody(doors: Doors, ask: Any) -> None:
    told_of = []
    for n, name in enumerate(("ada", "nobody")):
        for at in range(20):
            ask(doors, name, "wrong", f"198.51.{n}.{at}")
        told_of.append([told(ask(doors, name, password, f"203.0.113.{n}")) for password in ("wrong", PASSWORD)])
    assert told_of[0] == told_of[1]
    assert told_of[0][0] == told_of[0][1]  # nor whether the password would be right


def test_of_codes_nobody_hears_before_the_password_is_right(doors: Doors) -> None:
    bob = doors.read(people.at, "bob@staff.example")
    seed = pyotp.random_base32()
    doors.write(accounts.set_totp, person=bob, seed=seed)
    code, *_ = doors.write(recovery.renew, person=bob)
    for n, given in enumerate(("", "000000", code)):
        with_codes = helpdeskz(doors, "bob", "wrong", f"192.0.2.{n}", two_factor=given)
        without = helpdeskz(doors, "ada", "wrong", f"198.51.100.{n}", two_factor=given)
        nobody = helpdeskz(doors, "nobody", "wrong", f"203.0.113.{n}", two_factor=given)
        assert told(with_codes) == told(without) == told(nobody)
    assert told(jitbit(doors, "bob", "wrong", "192.0.2.9")) == told(jitbit(doors, "nobody", "wrong", "192.0.2.10"))


def test_a_recovery_code_comes_where_the_one_time_code_does(doors: Doors) -> None:
    bob = doors.read(people.at, "bob@staff.example")
    doors.write(accounts.set_totp, person=bob, seed=pyotp.random_base32())
    code, *_ = doors.write(recovery.renew, person=bob)
    said = [helpdeskz(doors, "bob", PASSWORD, "192.0.2.1", two_factor=code).json().get("message") for _ in range(2)]
    assert said == ["You have been logged in.", "Two-Factor authentication failed. (attempt: 1 of 3)"]
