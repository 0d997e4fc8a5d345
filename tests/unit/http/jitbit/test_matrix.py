"""Who may: each row of the table of routes, asked in every way in which nobody comes in, and by everybody whom the house knows.

A row that is added is asked without a credential, and with bad ones, by itself; what each kind of person may do by it must be told in
MAY, or `test_every_row_is_in_the_table` fails.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

import pytest

from helpdeskd.http.dialect import Route
from helpdeskd.http.jitbit import JITBIT
from tests.unit.http.jitbit.conftest import House, basic
from tests.unit.http.jitbit.world import World

# Everybody, as what they are to the ticket that is asked for: Carol's, in Support, Tina's to work on.
REQUESTER, MANAGER, PARTICIPANT = "carol", "mona", "pat"
TECHNICIAN, ADMINISTRATOR = "tina", "ada"
STRANGER, OTHER_MANAGER, OTHER_TECHNICIAN = "dan", "mick", "sven"

STAFF = frozenset({TECHNICIAN, OTHER_TECHNICIAN, ADMINISTRATOR})
ADMINISTRATORS = frozenset({ADMINISTRATOR})
SEE = frozenset({REQUESTER, MANAGER, PARTICIPANT, TECHNICIAN, ADMINISTRATOR})
EVERYBODY = SEE | {STRANGER, OTHER_MANAGER, OTHER_TECHNICIAN}
WORK = frozenset({TECHNICIAN, ADMINISTRATOR})
EDIT = WORK | {REQUESTER}
CLOSE = EDIT | {MANAGER}


@dataclass(frozen=True)
class Ask:
    """`may`: who is answered 200. Of the rest 403 is said to who sees the ticket it is about (or `sees`), 404 to who does not."""

    may: frozenset[str]
    values: dict[str, str] = field(default_factory=dict)  # {name} makes what that is in THINGS
    sees: frozenset[str] = SEE
    files: bool = False


def of_ticket(may: frozenset[str], id: str = "{ticket}", **values: str) -> Ask:  # noqa: A002 - the parameter's name
    return Ask(may, {"id": id, **values})


def of_house(may: frozenset[str], **values: str) -> Ask:
    return Ask(may, values, EVERYBODY)


def of(may: frozenset[str], **values: str) -> Ask:
    return Ask(may, values)


def of_another(may: frozenset[str], **values: str) -> Ask:
    """What is looked at first is another ticket, in which Pat takes no part."""
    return Ask(may, values, SEE - {PARTICIPANT})


# By the view's name: what is asked, and who may.
MAY: dict[str, list[Ask]] = {
    # the house
    "authorization": [of_house(EVERYBODY)],
    "list_categories": [of_house(EVERYBODY)],
    "list_technicians": [of_house(STAFF, id="{support}")],
    "list_category_fields": [of_house(EVERYBODY, id="{support}")],
    # tickets
    "list_tickets": [of_house(EVERYBODY)],
    "show_stats": [of_house(EVERYBODY)],
    "search": [of_house(EVERYBODY, query="printer")],
    "show_ticket": [of_ticket(SEE)],
    "create_ticket": [
        of_house(EVERYBODY, categoryId="{support}", subject="S", body="B"),
        of_house(STAFF, categoryId="{support}", subject="S", body="B", userId="{eve}"),
        of_house(STAFF, categoryId="{support}", subject="S", body="B", assignedToUserId="{tina}"),
    ],
    "update_ticket": [
        of_ticket(EDIT, subject="Another {n}"),
        of_ticket(EDIT, priority="1"),
        of_ticket(EDIT, body="Other words {n}"),
        of_ticket(CLOSE, statusId="3"),
        of_ticket(WORK, statusId="2"),
        of_ticket(WORK, categoryId="{sales}"),
        of_ticket(WORK, assignedUserId="{ada}"),
        of_ticket(WORK, userId="{dan}"),
        of_ticket(WORK, tags="red"),
        of_ticket(WORK, dueDate="2026-04-01"),
        of_ticket(WORK, date="2026-02-01"),
        of_ticket(WORK, timeSpentInSeconds="60"),
        of_ticket(WORK, subject="Another {n}", tags="red"),
    ],
    "close_ticket": [of_ticket(CLOSE)],
    "delete_ticket": [of_ticket(ADMINISTRATORS)],
    "merge_tickets": [of_ticket(WORK, id2="{another}"), of_another(WORK, id="{another}", id2="{ticket}")],
    # what is said in them
    "create_comment": [
        of_ticket(SEE, body="Words {n}"),
        of_ticket(WORK, body="Words {n}", forTechsOnly="true"),
        of_ticket(WORK, body="Words {n}", isSystem="true"),
        of_ticket(WORK, body="Words {n}", recipientIds="{carol}"),
        of_ticket(ADMINISTRATORS | {REQUESTER}, body="Words {n}", fromUserId="{carol}"),
    ],
    "update_comment": [
        Ask(EDIT, {"id": "{said}", "body": "Words {n}"}),
        Ask(WORK, {"id": "{noted}", "body": "Words {n}"}, sees=frozenset()),
    ],
    "list_comments": [of_ticket(SEE)],
    "forward_ticket": [of_ticket(WORK, to="eve@elsewhere.example")],
    # files
    "list_files": [of_ticket(SEE)],
    "show_file": [of(SEE, id="{file}"), Ask(WORK, {"id": "{noted_file}"}, sees=frozenset())],
    "attach_files": [Ask(EDIT, {"id": "{ticket}"}, files=True)],
    "delete_file": [of(WORK, id="{file}"), Ask(WORK, {"id": "{noted_file}"}, sees=frozenset())],
    # who hears of them, and what belongs to them
    "list_subscribers": [of_ticket(WORK)],
    "add_subscriber": [of_ticket(SEE), of_ticket(WORK, userId="{eve}")],
    "remove_subscriber": [of_ticket(WORK | {PARTICIPANT}, userId="{pat}")],
    "show_integrations": [of_ticket(SEE)],
    "link": [of_ticket(WORK, id2="{another}"), of_another(WORK, id="{another}", id2="{ticket}")],
    "unlink": [of_ticket(WORK, id2="{another}")],
    "list_linked": [of_ticket(SEE)],
    "add_child": [
        of(WORK, parentId="{ticket}", childId="{another}"),
        of_another(WORK, parentId="{another}", childId="{ticket}"),
    ],
    "remove_child": [of(WORK, childId="{ticket}")],
    "list_children": [of_ticket(SEE)],
    "tag": [of(WORK, ticketId="{ticket}", name="red")],
    "list_time": [of(SEE, ticketId="{ticket}")],
    "add_time": [of(WORK, ticketId="{ticket}", timeSpentInSeconds="60")],
    "list_ticket_fields": [of_ticket(SEE)],
    "set_ticket_field": [of(EDIT, ticketId="{ticket}", fieldId="{ticket_field}", value="v")],
    "set_ticket_fields": [of(EDIT, ticketId="{ticket}", **{"cf{ticket_field}": "v"})],
    # what is written for everybody, and what goes by itself
    "list_articles": [of_house(EVERYBODY)],
    "show_article": [of_house(EVERYBODY, id="{article}"), Ask(STAFF, {"id": "{inner_article}"}, sees=frozenset())],
    "create_article": [of_house(STAFF, subject="S", body="B")],
    "list_templates": [of_house(STAFF)],
    "show_rule": [of_house(ADMINISTRATORS, id="1")],
    "enable_rule": [of_house(ADMINISTRATORS, id="1")],
    "disable_rule": [of_house(ADMINISTRATORS, id="1")],
    # people and firms
    "show_user": [of_house(STAFF, userId="{eve}"), of_house(STAFF | {STRANGER}, userId="{dan}")],
    "find_by_email": [of_house(STAFF | {STRANGER}, email="dan@client.example")],
    "find_by_username": [of_house(STAFF | {STRANGER}, username="dan")],
    "list_users": [of_house(ADMINISTRATORS)],
    "create_user": [of_house(ADMINISTRATORS, username="u{n}", password="long enough", email="u{n}@client.example")],
    "update_user": [of_house(ADMINISTRATORS, userId="{eve}", phone="{n}")],
    "delete_user": [of_house(ADMINISTRATORS, userId="{eve}")],
    "merge_users": [of_house(ADMINISTRATORS, id="{dan}", id2="{eve}")],
    "list_user_fields": [of_house(STAFF | {STRANGER}, userId="{dan}")],
    "set_user_field": [of_house(ADMINISTRATORS, userId="{eve}", fieldId="{person_field}", value="v")],
    "list_companies": [of_house(STAFF)],
    "create_company": [of_house(ADMINISTRATORS, name="Firm {n}")],
    "update_company": [of_house(ADMINISTRATORS, id="{acme}", notes="Note {n}")],
    "list_departments": [of_house(STAFF)],
    "list_company_fields": [of_house(STAFF, id="{acme}")],
    "set_company_field": [of_house(ADMINISTRATORS, id="{acme}", fieldId="{company_field}", value="v")],
    # things
    "list_assets": [of_house(STAFF)],
    "show_asset": [of_house(STAFF, id="{asset}")],
    "create_asset": [of_house(ADMINISTRATORS, modelName="M", manufacturer="F", type="T", supplier="S")],
    "update_asset": [of_house(ADMINISTRATORS, id="{asset}", location="Room {n}")],
    "disable_asset": [of_house(ADMINISTRATORS, assetId="{asset}")],
    "assign_asset": [of_house(ADMINISTRATORS, assetId="{asset}", userId="{carol}")],
    "unassign_asset": [of_house(ADMINISTRATORS, assetId="{held_asset}", userId="{carol}")],
    "set_asset_field": [of_house(ADMINISTRATORS, id="{asset}", fieldId="{asset_field}", value="v")],
    "add_to_ticket": [Ask(WORK, {"assetId": "{asset}", "ticketId": "{ticket}"}, sees=EVERYBODY - {OTHER_TECHNICIAN})],
}

NOBODY = "Say who you are: a user name and password, or a token."
WRONG = "Wrong user name, password or token."
ELSEWHERE = "This token may not be used from your address."

# How one asks who does not come in -> the header, and what is said to that.
OUT: dict[str, tuple[str, int, str]] = {
    "no credential": ("", 401, NOBODY),
    "another scheme": ("Digest username=ada", 401, NOBODY),
    "a wrong password": (basic("ada", "wrong"), 401, WRONG),
    "somebody unknown": (basic("nobody"), 401, WRONG),
    "an unknown key": ("Bearer unknown-key-4711-abcdef", 401, WRONG),
    "a key that has expired": ("Bearer expired-key-4711-abcdef", 401, WRONG),
    "a key that was revoked": ("Bearer revoked-key-4711-abcdef", 401, WRONG),
    "a key of another dialect": ("Bearer foreign-key-4711-abcdef", 401, WRONG),
    "a key for other addresses": ("Bearer elsewhere-key-4711-abcdef", 403, ELSEWHERE),
    "a key of somebody who is disabled": ("Bearer disabled-key-4711-abcdef", 401, WRONG),
    "somebody who is disabled": (basic("dora"), 401, WRONG),
    "a key from before another password": ("Bearer older-key-4711-abcdef", 401, WRONG),
    "a password from before another": (basic("ned"), 401, WRONG),
}
NOWHERE = str(10**15)  # there is no such row of anything
HIDDEN = {
    "ticket",
    "another",
    "said",
    "noted",
    "file",
    "noted_file",
    "inner_article",
}  # whose absence looks as if one may not see them
CHANGES_BY_GET = {"delete_file", "close_ticket", "enable_rule", "disable_rule"}

# A row answers all its methods alike: who comes in asks by the first, who does not by the last.
ROWS = [pytest.param(route, route.methods.split()[-1], id=route.name) for route in JITBIT.routes]
ASKED = [
    pytest.param(route, route.methods.split()[0], ask, id=f"{route.name} {' '.join(ask.values)}")
    for route in JITBIT.routes
    for ask in MAY.get(route.name, ())
]


@pytest.fixture(scope="module")
def world(alone: House) -> World:
    return World(alone)


def test_every_row_is_in_the_table() -> None:
    assert {route.name for route in JITBIT.routes} <= set(MAY)


@pytest.mark.parametrize(("route", "method"), ROWS)
def test_who_does_not_come_in(world: World, route: Route, method: str) -> None:
    for way, (header, status, words) in OUT.items():
        got = world.ask(header, method, route.paths.split()[0])
        assert (got.status_code, got.text) == (status, words), way
        assert got.headers["content-type"] == "text/plain; charset=utf-8", way
    world.forget_failures()


@pytest.mark.parametrize(("route", "method", "ask"), ASKED)
def test_who_may(world: World, route: Route, method: str, ask: Ask) -> None:
    for who in sorted(EVERYBODY):
        values = world.values(ask.values)
        got = world.put(method, route, values, who, files=ask.files)
        wanted = 200 if who in ask.may else 403 if who in ask.sees else 404
        assert got.status_code == wanted, (who, values, got.text)
        if wanted == 404:
            hidden = {world.known[name] for name in HIDDEN & world.known.keys()}
            nowhere = {name: NOWHERE if value in hidden else value for name, value in values.items()}
            none = world.put(method, route, nowhere, who, files=ask.files)
            assert (none.status_code, none.text) == (404, _number_off(got.text)), who
        elif wanted == 403:
            assert got.headers["content-type"] == "text/plain; charset=utf-8"
        elif "GET" not in route.methods or route.name in CHANGES_BY_GET:
            world.anew()


@pytest.mark.parametrize("name", sorted(CHANGES_BY_GET))
def test_what_get_changes(world: World, name: str) -> None:
    """Neither a HEAD nor a page of somebody else's in a browser that remembers a password; and nobody's page posts."""
    route = next(route for route in JITBIT.routes if route.name == name)
    values = world.values(MAY[name][0].values)
    path, foreign = route.paths.split()[0], {"Sec-Fetch-Site": "cross-site"}
    assert world.ask(basic("ada"), "HEAD", path, params=values).status_code == 405
    for method in ("GET", "POST"):
        got = world.ask(basic("ada"), method, path, params=values, headers=foreign)
        assert (got.status_code, "another site" in got.text) == (403, True)
    for header, more in ((basic("ada"), {"Sec-Fetch-Site": "none"}), ("Bearer good-key-4711-abcdef", foreign)):
        assert world.ask(header, "GET", path, params=world.values(MAY[name][0].values), headers=more).status_code == 200
        world.anew()


@pytest.mark.parametrize(
    ("site", "status"), [("cross-site", 403), ("same-site", 403), ("same-origin", 200), ("none", 200)]
)
def test_foreign_pages_read_but_do_not_post(world: World, site: str, status: int) -> None:
    for header, wanted in ((basic("tina"), status), ("Bearer good-key-4711-abcdef", 200)):
        asked = {"headers": {"Sec-Fetch-Site": site}}
        said = {"id": world.thing("ticket"), "body": "Words."}
        assert world.ask(header, "POST", "/comment", data=said, **asked).status_code == wanted
        assert world.ask(header, "GET", f"/ticket/{world.thing('ticket')}", **asked).status_code == 200


def _number_off(text: str) -> str:
    return re.sub(r"\d+", NOWHERE, text)


def test_a_key_opens_from_its_addresses(world: World) -> None:
    assert world.ask("Bearer good-key-4711-abcdef", "GET", "/Authorization").json()["Username"] == "ada"
