"""What a test of a client's request needs: the row that tells it, the world its numbers come from, and what must come of it."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from string import Template
from typing import Any

import httpx2 as httpx

from helpdeskd.desk import bodies, canned, customers, fields
from helpdeskd.model.fields import FieldKind, Owner
from tests.unit.http.jitbit.conftest import PICTURE, PRINTER, House, basic
from tests.unit.http.jitbit.documented import unlike
from tests.unit.http.jitbit.sending import Files, Request, Values

_NEW = itertools.count(1)


class World(Mapping[str, str]):
    """What `$name` in a row stands for. Every row has its own: tickets, users and so on are made when they are named."""

    def __init__(self, house: House) -> None:
        self.house = house
        self.new = f"new{next(_NEW)}"  # a name that nobody has
        self.answered = ""  # the number that was answered

    def __getitem__(self, name: str) -> str:
        people = self.house.people
        if name in people or name in self.house.places:
            return str((people | self.house.places)[name].id)
        if name.startswith("_") or not hasattr(self, name):
            raise KeyError(name)
        return str(getattr(self, name))

    def __iter__(self) -> Iterator[str]:
        return iter(())

    def __len__(self) -> int:
        return 0

    def fill(self, text: str) -> str:
        return Template(text).substitute(self)

    @property
    def printer(self) -> int:
        return PRINTER

    @property
    def acme(self) -> int:
        return self.house.acme

    @cached_property
    def ticket(self) -> int:
        return self.house.opened("support", "carol", "Lamp", "It is out.")

    @cached_property
    def other(self) -> int:
        return self.house.opened("support", "dan", "Door", "It squeaks.")

    @cached_property
    def linked(self) -> int:
        self.asked("tina", "LinkTickets", id=self.ticket, id2=self.other)
        return self.ticket

    @cached_property
    def parent(self) -> int:
        self.asked("tina", "AddSubTicket", parentId=self.ticket, childId=self.other)
        return self.ticket

    @cached_property
    def timed(self) -> int:
        self.asked("tina", "AddTimeSpent", ticketId=self.ticket, timeSpentInSeconds=60)
        return self.ticket

    @cached_property
    def filled(self) -> int:
        self.asked("tina", "SetCustomField", ticketId=self.ticket, fieldId=self.room, value="Attic")
        return self.ticket

    @cached_property
    def heard(self) -> int:
        """Dan hears of it too."""
        self.asked("tina", "AddSubscriber", id=self.ticket, userId=self.house.people["dan"].id)
        return self.ticket

    @cached_property
    def answered_by_customer(self) -> int:
        self.asked("tina", "comment", id=self.ticket, body="Pull the plug.")
        self.asked("carol", "comment", id=self.ticket, body="Still.")
        return self.ticket

    @cached_property
    def commented(self) -> int:
        return int(self.asked("tina", "comment", id=self.ticket, body="Pull the plug.").text)

    @cached_property
    def comment(self) -> int:
        return int(self._got("ada", f"comments?id={self.commented}")[-1]["CommentID"])

    @cached_property
    def file(self) -> int:
        upload = {"files": {"uploadFile": ("a.png", PICTURE, "image/png")}, "data": {"id": self.ticket}}
        assert self.house.ask("tina", "POST", "AttachFile", **upload).status_code == 200
        return int(self._got("tina", f"Attachments?id={self.ticket}")[0]["FileID"])

    @cached_property
    def user(self) -> int:
        email = f"{self.new}@client.example"
        return int(self.house.write(customers.add, name="New", email=email, welcome=False).person.id)

    @cached_property
    def asset(self) -> int:
        given = {"modelName": self.new, "manufacturer": "Maker", "type": "Laptop", "supplier": "Shop", "quantity": 2}
        return int(self.asked("ada", "Asset", **given).json()["id"])

    @cached_property
    def held(self) -> int:
        self.asked("ada", "AssignAssetToUser", assetId=self.asset, userId=self.house.people["carol"].id)
        return self.asset

    @cached_property
    def company(self) -> int:
        return int(self.asked("ada", "Company", name=self.new).text)

    @cached_property
    def article(self) -> int:
        given = {
            "subject": "Plugs",
            "body": "<p>Pull.</p>",
            "categoryId": self.house.places["support"].id,
            "tags": "plug",
        }
        return int(self.asked("tina", "Article", **given).text)

    @cached_property
    def template(self) -> str:
        """A canned response, by its title."""
        self.house.write(canned.create, title=self.new, body=bodies.of("Pull the plug."), owner=None, actor=None)
        return self.new

    @property
    def room(self) -> int:
        return self._field(Owner.TICKET, "Room")

    @property
    def badge(self) -> int:
        return self._field(Owner.PERSON, "Badge")

    @property
    def contract(self) -> int:
        return self._field(Owner.COMPANY, "Contract")

    @property
    def weight(self) -> int:
        return self._field(Owner.ASSET, "Weight")

    @property
    def size(self) -> int:
        return self._field(Owner.TICKET, "Size", FieldKind.CHOICE, options=("S", "XL"))

    @property
    def xl(self) -> int:
        return int(self.house.read(fields.get, self.size).options[1].id)

    def _field(self, owner: Owner, name: str, kind: FieldKind = FieldKind.TEXT, **more: Any) -> int:
        for known in self.house.read(fields.list, owner):
            if known.name == name:
                return int(known.id)
        return int(self.house.write(fields.add, owner=owner, name=name, kind=kind, actor=None, **more).id)

    def asked(self, who: str, path: str, **values: Any) -> httpx.Response:
        found = self.house.ask(who, "POST", path, data=values)
        assert found.status_code == 200, found.text
        return found

    def _got(self, who: str, path: str) -> Any:
        found = self.house.ask(who, "GET", path)
        assert found.status_code == 200, found.text
        return found.json()

    # What came of it, by the names of `becomes`.

    def see(self, what: str) -> dict[str, Any]:
        """The ticket (the one that was made, if one was), its last comment, a user, ... as others are shown them."""
        number = self.answered or str(self.ticket)
        path, at = {
            "ticket": (f"ticket?id={number}", None),
            "ticket itself": (f"ticket?id={self.ticket}", None),
            "comment": (f"comments?id={self.ticket}", -1),
            "value": (f"TicketCustomFields?id={self.ticket}", 0),
            "made user": (f"User?userId={self.answered}", None),
            "user": (f"User?userId={self.user}", None),
            "asset": (f"Asset?id={self.answered or self.asset}", None),
            "company": ("Companies?count=500", 0),
        }[what]
        found = self._got("ada", path)
        if what == "company":
            wanted = int(self.answered or self.company)
            found = [each for each in found if each["CompanyID"] == wanted]
        return dict(found if at is None else found[at])


@dataclass(frozen=True)
class Row:
    """`client` asks as `who` (by a token where it says so) for `line`, with `values` and files put into the request by `how`. It
    hears `answer`, and then `seen` is as in `becomes`, each value written as text; of lists, the names in them."""

    client: str
    who: str
    line: str
    how: Callable[[Values, Files], Request]
    values: Mapping[str, Any]
    answer: str
    seen: str = ""
    becomes: Mapping[str, str] = field(default_factory=dict)
    files: Files = ()

    def __str__(self) -> str:
        """As pytest names it."""
        return f"{self.client} {self.line.replace('/jitbit', '')} {self.how.__name__}"

    def ask(self, world: World) -> httpx.Response:
        method, path = world.fill(self.line).split(" ")
        values = {
            world.fill(name): [world.fill(each) for each in value] if isinstance(value, list) else world.fill(value)
            for name, value in self.values.items()
        }
        request = self.how(values, self.files)
        if "params" in request:
            path += f"?{request.pop('params')}"
        who, _, token = self.who.partition(" ")
        proof = f"Bearer {token}" if token else basic(who)
        headers = request.pop("headers", {}) | {"Authorization": proof}
        client = world.house.client
        return client.request(method, client.base_url.copy_with(raw_path=path.encode()), headers=headers, **request)


def judge(row: Row, world: World) -> None:
    found = row.ask(world)
    assert found.status_code == 200, found.text
    if row.answer == "nothing":
        assert found.content == b""
    elif row.answer == "bytes":
        assert found.content == PICTURE
        assert "a.png" in found.headers["content-disposition"]
    elif row.answer == "{}":
        assert found.json() == {}
    elif row.answer == "number":
        assert found.text.isdigit()  # bare
        world.answered = found.text
    else:
        assert found.headers["content-type"].startswith("application/json")
        told = found.json()
        assert told, "nothing to look at"
        assert not unlike(told, row.answer)
        if row.answer == "Made":
            world.answered = str(told["id"])
    if row.becomes:
        now = world.see(row.seen)
        told = {name: _text(now[name]) for name in row.becomes}
        assert told == {name: world.fill(text) for name, text in row.becomes.items()}


def _text(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(each.get("Name") or each.get("FileName") or each.get("Username") or "" for each in value)
    return str(value)
