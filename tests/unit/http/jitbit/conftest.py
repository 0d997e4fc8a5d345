"""A help desk that Jitbit's clients talk to, at noon of 2026-03-01.

house   departments Support (support@desk.example) and Sales (sales@desk.example); Acme, a company. Everybody logs in by their first
        name in lower case, or their address, and PASSWORD:
            ada     administrator
            tina    technician of Support
            sven    technician of Sales
            mona    manager of Acme
            carol   customer, of Acme
            dan     customer, of no company
        ticket PRINTER, which Carol opened in Support, assigned to Tina; ticket OFFER, which Ada opened to Dan in Sales, with a file;
        on PRINTER a note of Tina's with a file
api     a client without a credential; `house.ask("tina", "GET", "ticket?id=1")` sends one, as Basic
fresh   a house of its own, for tests that change what others look at; the other is one for all tests of a module, on each database
alone   one for all tests of a module on SQLite only, for tests in which the database does not matter
"""

from __future__ import annotations

import base64
import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx2 as httpx
import pytest
from sqlalchemy import Connection, insert

from helpdeskd.desk import accounts, api_keys, changes, customers, departments, people, profiles, tickets
from helpdeskd.desk.context import Desk, Part, Words
from helpdeskd.http.jitbit import JITBIT
from helpdeskd.model.people import Department, Person
from helpdeskd.model.ticket import Origin
from helpdeskd.store import schema
from helpdeskd.store.engine import Store, open_store
from tests.desks import LIFTED, a_desk
from tests.unit.http.conftest import Serving

AT = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
NOON = "2026-03-01T12:00:00Z"
PASSWORD = "correct horse"
PRINTER, OFFER = 1, 2
UNHURRIED = replace(JITBIT, rates={})  # tests ask more often than clients may
PICTURE = b"\x89PNG picture"


def basic(name: str, password: str = PASSWORD) -> str:
    return "Basic " + base64.b64encode(f"{name}:{password}".encode()).decode("ascii")


@dataclass
class House:
    store: Store
    serving: Serving
    client: httpx.Client
    people: dict[str, Person] = field(default_factory=dict)  # by their log-in
    places: dict[str, Department] = field(default_factory=dict)  # support, sales
    acme: int = 0

    def write(self, act: Callable[..., Any], *args: Any, **more: Any) -> Any:
        return self.store.writer.run(lambda conn: act(conn, self.serving.desk, AT, *args, **more))

    def read(self, act: Callable[..., Any], *args: Any, **more: Any) -> Any:
        return self.store.read(lambda conn: act(conn, *args, **more))

    def ask(self, who: str, method: str, path: str, **more: Any) -> httpx.Response:
        """As somebody, who sends their password; nobody in particular where empty."""
        headers = more.pop("headers", {}) | ({"Authorization": basic(who)} if who else {})
        return self.client.request(method, path, headers=headers, **more)

    def key(self, who: str, token: str, **more: Any) -> Any:
        given = {"dialect": "jitbit", "name": "test", "person_id": self.people[who].id, **more}
        return self.write(api_keys.create, token=token, **given)

    def furnish(self) -> None:
        for name in ("Support", "Sales"):
            address = f"{name.lower()}@desk.example"
            self.places[name.lower()] = self.write(departments.add, name=name, addresses=(address,))
        support, sales = self.places["support"].id, self.places["sales"].id
        for name, level, theirs in (("Ada King", 3, ()), ("Tina", 1, (support,)), ("Sven", 2, (sales,))):
            email = f"{name.split()[0].lower()}@staff.example"
            person, _ = self.write(people.add_staff, name, email, level, theirs, welcome=False)
            self._logs_in(person)
        for name in ("Mona", "Carol Ann Jones", "Dan"):
            email = f"{name.split()[0].lower()}@client.example"
            self._logs_in(self.write(customers.add, name=name, email=email, welcome=False).person)
        self.acme = self.write(company, "Acme")
        self.write(profile, self.people["mona"], company_id=self.acme, manages=True, phone="12")
        self.write(profile, self.people["carol"], company_id=self.acme, notes="Careful.", wants_mail=False)
        self.opened("support", "carol", "Printer", "It burns.\n<Help>")
        picture = Part("a.png", "image/png", len(PICTURE), self.serving.blobs.put(PICTURE))
        self.opened("sales", "dan", "Offer", "Here it is.", "ada", picture)
        printer = self.read(tickets.get, PRINTER)
        self.write(changes.assign, ticket=printer, assignee=self.people["tina"], actor=self.people["ada"], tell=False)
        words = Words(text="Old cable.", reason="api", parts=(picture,))
        self.write(tickets.note, ticket=printer, author=self.people["tina"], words=words)

    def opened(self, place: str, who: str, subject: str, text: str, by: str = "", *parts: Part) -> int:
        words = Words(text=text, subject=subject, reason="api", parts=parts)
        given = {"department": self.places[place], "requester": self.people[who], "words": words}
        staff = self.people[by] if by else None
        posted = self.write(tickets.open, **given, acknowledge=False, origin=Origin.API, opened_by=staff)
        return int(posted.ticket.id)

    def _logs_in(self, person: Person) -> None:
        name = person.email.partition("@")[0]
        self.people[name] = person
        self.write(accounts.set_username, person=person, username=name)
        self.write(accounts.set_password, person=person, password_hash=self.serving.passwords.hash(PASSWORD))


def company(conn: Connection, _desk: Desk, now: datetime, name: str) -> int:
    values = {"name": name, "name_key": name.casefold(), "created_at": now}
    return int(conn.execute(insert(schema.company).returning(schema.company.c.id), values).scalar_one())


def profile(conn: Connection, desk: Desk, now: datetime, person: Person, **values: Any) -> None:
    profiles.change(conn, desk, now, person=person, actor=None, **values)


def _house(url: str, folder: Path, stack: ExitStack) -> House:
    store = open_store(url)
    stack.callback(store.close)
    serving = Serving(folder, replace(a_desk(), ceilings=LIFTED), stack, clock=lambda: AT)
    client = serving(store, UNHURRIED)
    client.base_url = client.base_url.join("/jitbit/api/")
    made = House(store, serving, client)
    made.furnish()
    return made


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def house(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    folder = tmp_path_factory.mktemp("jitbit")
    with ExitStack() as stack:
        if request.param == "sqlite":
            url = _copied(request, folder)
        else:
            server, template = request.getfixturevalue("postgres"), request.getfixturevalue("postgres_template")
            name = server.create(template=template)
            stack.callback(server.drop, name)
            url = server.url(name)
        yield _house(url, folder, stack)


@pytest.fixture(scope="module")
def alone(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    folder = tmp_path_factory.mktemp("jitbit")
    with ExitStack() as stack:
        yield _house(_copied(request, folder), folder, stack)


def _copied(request: pytest.FixtureRequest, folder: Path) -> str:
    shutil.copy(request.getfixturevalue("sqlite_template"), folder / "helpdeskd.sqlite3")
    return f"sqlite:///{folder}/helpdeskd.sqlite3"


@pytest.fixture
def api(house: House) -> httpx.Client:
    return house.client


@pytest.fixture
def fresh(store_url: str, tmp_path: Path) -> Iterator[House]:
    with ExitStack() as stack:
        yield _house(store_url, tmp_path, stack)
