"""The house of the tests with whoever else must be there to be refused, and things that are made as they are asked for."""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any

import httpx2 as httpx
from sqlalchemy import delete

from helpdeskd import config
from helpdeskd.desk import accounts, api_keys, articles, assets, bodies, changes, customers, fields, people, tickets
from helpdeskd.desk.articles import Draft
from helpdeskd.desk.context import Part, Words
from helpdeskd.http.dialect import Route
from helpdeskd.model.fields import FieldKind, Owner
from helpdeskd.model.mail import Address
from helpdeskd.store import schema
from tests.unit.http.jitbit.conftest import AT, PICTURE, UNHURRIED, House, basic, company, profile


class World:
    """The house, whoever else is needed, and things that are made as they are asked for."""

    def __init__(self, house: House) -> None:
        self.house = house
        self.counted = itertools.count(1)
        self.known: dict[str, str] = {}
        # Each guess comes from an address of its own, or the first three would lock out whoever comes after.
        settings = config.Http(trusted_proxies=("127.0.0.1",))
        self.client = house.serving(house.store, UNHURRIED, settings=settings)
        for name in ("Mick", "Pat", "Dora", "Ned", "Eve"):
            email = f"{name.lower()}@client.example"
            house._logs_in(house.write(customers.add, name=name, email=email, welcome=False).person)
        firm = house.write(company, "Umbrella")
        house.write(profile, house.people["mick"], company_id=firm, manages=True)
        house.write(api_keys.revoke, key_id=house.key("ada", "revoked-key-4711-abcdef").id)
        house.key("ada", "expired-key-4711-abcdef", expires_at=AT)
        house.key("ada", "elsewhere-key-4711-abcdef", allow_ip=("192.0.2.*", "2001:db8::/32"))
        house.key("ada", "good-key-4711-abcdef", allow_ip=("198.18.0.0/15",), expires_at=AT + timedelta(seconds=1))
        foreign = {"dialect": "helpdeskz", "name": "x", "permissions": ("users/read",)}
        house.write(api_keys.create, token="foreign-key-4711-abcdef", person_id=house.people["ada"].id, **foreign)
        house.key("dora", "disabled-key-4711-abcdef")
        house.write(people.disable, person=house.people["dora"])
        house.key("ned", "older-key-4711-abcdef")
        given = {"person": house.people["ned"], "password_hash": house.serving.passwords.hash("another one")}
        house.write(accounts.set_password, **given)

    def ask(self, header: str, method: str, path: str, **more: Any) -> httpx.Response:
        n = next(self.counted)
        sent = {"X-Forwarded-For": f"198.18.{n // 250}.{n % 250}", **({"Authorization": header} if header else {})}
        sent |= more.pop("headers", {})
        return self.client.request(method, f"/jitbit/api{path}", headers=sent, **more)

    def put(
        self, method: str, route: Route, values: Mapping[str, str], who: str, *, files: bool = False
    ) -> httpx.Response:
        path = route.paths.split()[0]
        if method == "GET":
            return self.ask(basic(who), method, path, params=values)
        sent = {"file": ("a.txt", b"words", "text/plain")} if files else None
        return self.ask(basic(who), method, path, data=values, files=sent)

    def values(self, asked: Mapping[str, str]) -> dict[str, str]:
        return {self._filled(name): self._filled(value) for name, value in asked.items()}

    def _filled(self, text: str) -> str:
        return re.sub(r"\{(\w+)\}", lambda found: self.thing(found[1]), text)

    def thing(self, name: str) -> str:
        if name == "n":
            return str(next(self.counted))
        if name not in self.known:
            made = THINGS[name](self) if name in THINGS else self.house.people[name].id
            self.known[name] = str(made)
        return self.known[name]

    def forget_failures(self) -> None:
        """So that no account is closed by so many of them."""
        self.house.store.writer.run(lambda conn: conn.execute(delete(schema.login_failure)))

    def anew(self) -> None:
        """What was changed is not asked for again."""
        self.known.clear()

    def made(self, act: Callable[..., Any], **values: Any) -> Any:
        return self.house.write(act, **values, actor=self.house.people["ada"])


def _ticket(world: World) -> int:
    """Carol's, in Support, assigned to Tina; Pat takes part. Carol says something more; Tina has a note there."""
    house = world.house
    picture = Part("a.png", "image/png", len(PICTURE), house.serving.blobs.put(PICTURE))
    number = house.opened("support", "carol", "Printer", "It burns.", "", picture)
    there = house.read(tickets.get, number)
    pat = Address("Pat", "pat@client.example")
    there = house.write(changes.add_participant, ticket=there, address=pat, actor=house.people["ada"])
    there = house.write(changes.assign, ticket=there, assignee=house.people["tina"], actor=None, tell=False)
    words = Words(text="Old cable.", reason="api", parts=(picture,))
    noted = house.write(tickets.note, ticket=there, author=house.people["tina"], words=words)
    more = Words(text="Still.", reason="api")
    said = house.write(tickets.customer_reply, ticket=there, author=house.people["carol"], words=more, reopen=True)
    world.known |= {"noted": str(noted.message_id), "said": str(said.message_id)}
    files = house.ask("ada", "GET", f"Attachments?id={number}").json()
    world.known |= {"noted_file" if each["ForTechsOnly"] else "file": str(each["FileID"]) for each in files}
    return number


def _with_ticket(name: str) -> Callable[[World], str]:
    def make(world: World) -> str:
        world.thing("ticket")
        return world.known[name]

    return make


def _field(owner: Owner) -> Callable[[World], int]:
    def make(world: World) -> int:
        name = f"Field {next(world.counted)}"
        return int(world.made(fields.add, owner=owner, name=name, kind=FieldKind.TEXT).id)

    return make


def _asset(world: World) -> int:
    given = {"model": "M", "manufacturer": "F", "type": "T", "supplier": "S"}
    return int(world.made(assets.create, **given).id)


def _held_asset(world: World) -> int:
    number = _asset(world)
    world.made(assets.assign, asset=world.house.read(assets.get, number), person=world.house.people["carol"])
    return number


def _article(*, staff_only: bool) -> Callable[[World], int]:
    def make(world: World) -> int:
        draft = Draft("Cables", bodies.of("Pull them."), staff_only=staff_only)
        return int(world.made(articles.create, draft=draft).article.id)

    return make


def _eve(world: World) -> int:
    """Somebody new: they may be removed."""
    n = next(world.counted)
    return int(world.house.write(customers.add, name="Eve", email=f"eve{n}@client.example", welcome=False).person.id)


THINGS: dict[str, Callable[[World], Any]] = {
    "ticket": _ticket,
    "another": lambda world: world.house.opened("support", "carol", "Another", "Words."),
    "said": _with_ticket("said"),
    "noted": _with_ticket("noted"),
    "file": _with_ticket("file"),
    "noted_file": _with_ticket("noted_file"),
    "support": lambda world: world.house.places["support"].id,
    "sales": lambda world: world.house.places["sales"].id,
    "acme": lambda world: world.house.acme,
    "asset": _asset,
    "held_asset": _held_asset,
    "article": _article(staff_only=False),
    "inner_article": _article(staff_only=True),
    "eve": _eve,
    "ticket_field": _field(Owner.TICKET),
    "person_field": _field(Owner.PERSON),
    "company_field": _field(Owner.COMPANY),
    "asset_field": _field(Owner.ASSET),
}
