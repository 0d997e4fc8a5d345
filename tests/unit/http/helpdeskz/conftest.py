"""A help desk that HelpDeskZ's clients talk to, at noon of 2026-03-01, which is NOON in seconds.

api     a client with a key that may do everything; its desk has users 1 Carol and 2 Dan, staff 1 Ada (`ada`, PASSWORD) and 2 Bob,
        departments 1 General (general@desk.example) and 2 Sales, which has no address; ticket 1, which Carol opened in General, with
        message 1; ticket 2, which Ada opened to Dan in Sales, with message 2 and on it file 1
house   the same from inside
fresh   both, for tests that change what others look at; the other two are one for all tests of a module, on each database
alone   the house on SQLite only, for tests in which the database does not matter
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx2 as httpx
import pytest

from helpdeskd.desk import accounts, api_keys, customers, departments, people, tickets
from helpdeskd.desk.context import Part, Words
from helpdeskd.http.helpdeskz import HELPDESKZ
from helpdeskd.model.api import PERMISSIONS
from helpdeskd.model.people import Person
from helpdeskd.model.ticket import Origin
from helpdeskd.store.engine import Store, open_store
from tests.desks import LIFTED, a_desk
from tests.unit.http.conftest import Serving

AT = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
NOON = "1772366400"
TOKEN = "test-token-of-everything"
PASSWORD = "correct horse"
ALL = tuple(PERMISSIONS["helpdeskz"])
PICTURE = b"\x89PNG picture"


@dataclass
class House:
    store: Store
    serving: Serving
    client: httpx.Client

    def write(self, act: Callable[..., Any], *args: Any, **more: Any) -> Any:
        return self.store.writer.run(lambda conn: act(conn, self.serving.desk, AT, *args, **more))

    def read(self, act: Callable[..., Any], *args: Any, **more: Any) -> Any:
        return self.store.read(lambda conn: act(conn, *args, **more))

    def key(self, token: str, permissions: tuple[str, ...] = ALL, **more: Any) -> Any:
        given = {"dialect": "helpdeskz", "name": "test", **more}
        return self.write(api_keys.create, token=token, permissions=permissions, **given)

    def furnish(self) -> None:
        general = self.write(departments.add, name="General", addresses=("general@desk.example",))
        sales = self.write(departments.add, name="Sales", addresses=())
        carol, dan = (
            self.write(customers.add, name=name, email=f"{name.lower()}@client.example", welcome=False).person
            for name in ("Carol", "Dan")
        )
        both = (general.id, sales.id)
        ada = self._staff("Ada", both)
        self._staff("Bob", both)
        self.write(accounts.set_username, person=ada, username="ada")
        self.write(accounts.set_password, person=ada, password_hash=self.serving.passwords.hash(PASSWORD))
        self.key(TOKEN)
        self._opened(general, carol, "Printer", "It burns.", None)
        self._opened(sales, dan, "Offer", "Here it is.", ada, Part("a.png", "image/png", 12, self._kept(PICTURE)))

    def _opened(
        self, department: Any, requester: Person, subject: str, text: str, staff: Person | None, *parts: Part
    ) -> None:
        words = Words(text=text, subject=subject, reason="api", parts=parts)
        given = {"department": department, "requester": requester, "words": words}
        self.write(tickets.open, **given, acknowledge=False, origin=Origin.API, opened_by=staff)

    def _kept(self, data: bytes) -> str:
        return self.serving.blobs.put(data)

    def _staff(self, name: str, both: tuple[int, ...]) -> Person:
        person, _ = self.write(people.add_staff, name, f"{name.lower()}@staff.example", 3, both, welcome=False)
        assert isinstance(person, Person)
        return person


def _house(url: str, folder: Path, stack: ExitStack) -> House:
    store = open_store(url)
    stack.callback(store.close)
    serving = Serving(folder, replace(a_desk(), ceilings=LIFTED), stack, clock=lambda: AT)
    client = serving(store, HELPDESKZ)
    client.headers["Token"] = TOKEN
    client.base_url = client.base_url.join("/helpdeskz/api/")
    made = House(store, serving, client)
    made.furnish()
    return made


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def house(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    folder = tmp_path_factory.mktemp("helpdeskz")
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
    folder = tmp_path_factory.mktemp("helpdeskz")
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
