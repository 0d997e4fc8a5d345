"""A help desk that HelpDeskZ's clients talk to.

api    a client with a key that may do everything, over a desk with: users 1 Carol and 2 Dan, staff 1 Ada (password, `ada`) and 2 Bob,
       departments 1 General (general@desk.example) and 2 Sales, which has no address
house  the same desk from inside
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import httpx2 as httpx
import pytest

from helpdeskd.desk import accounts, api_keys, customers, departments, people
from helpdeskd.http.helpdeskz import HELPDESKZ
from helpdeskd.model.api import PERMISSIONS
from helpdeskd.model.clock import now
from helpdeskd.model.people import Person
from helpdeskd.store.engine import Store

TOKEN = "test-token-of-everything"
PASSWORD = "correct horse"
ALL = tuple(PERMISSIONS["helpdeskz"])


@dataclass
class House:
    store: Store
    serving: Any

    def write(self, act: Callable[..., Any], *args: Any, **more: Any) -> Any:
        return self.store.writer.run(lambda conn: act(conn, self.serving.desk, now(), *args, **more))

    def read(self, act: Callable[..., Any], *args: Any, **more: Any) -> Any:
        return self.store.read(lambda conn: act(conn, *args, **more))

    def key(self, token: str, permissions: tuple[str, ...] = ALL, **more: Any) -> Any:
        given = {"dialect": "helpdeskz", "name": "test", **more}
        return self.write(api_keys.create, token=token, permissions=permissions, **given)

    def furnish(self) -> None:
        general = self.write(departments.add, name="General", addresses=("general@desk.example",))
        sales = self.write(departments.add, name="Sales", addresses=())
        for name in ("Carol", "Dan"):
            self.write(customers.add, name=name, email=f"{name.lower()}@client.example", welcome=False)
        both = (general.id, sales.id)
        ada = self._staff("Ada", both)
        self._staff("Bob", both)
        self.write(accounts.set_username, person=ada, username="ada")
        self.write(accounts.set_password, person=ada, password_hash=self.serving.passwords.hash(PASSWORD))
        self.key(TOKEN)

    def _staff(self, name: str, both: tuple[int, ...]) -> Person:
        person, _ = self.write(people.add_staff, name, f"{name.lower()}@staff.example", 3, both, welcome=False)
        assert isinstance(person, Person)
        return person


def client_of(serve: Any, store: Store) -> httpx.Client:
    client: httpx.Client = serve(store, HELPDESKZ)
    client.headers["Token"] = TOKEN
    client.base_url = client.base_url.join("/helpdeskz/api/")
    return client


@pytest.fixture
def house(serve: Any, store: Store) -> House:
    made = House(store, serve)
    made.furnish()
    return made


@pytest.fixture
def api(serve: Any, house: House) -> httpx.Client:
    return client_of(serve, house.store)
