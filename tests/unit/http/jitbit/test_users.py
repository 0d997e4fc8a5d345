"""People: made, found, listed, changed, merged, erased; by whom, and what is said where it cannot be."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import msgspec
import pytest
from sqlalchemy import Connection, select

from helpdeskd.desk import accounts, people, search
from helpdeskd.http.jitbit import JITBIT
from helpdeskd.store import schema
from tests.unit.http.jitbit.conftest import House, basic
from tests.unit.http.jitbit.test_house import CAROL

NOT_YOURS = (403, "You may see no account but your own.")
NOT_PERMITTED = (403, "You are not permitted to do this.")
GOOD = "a good password"


def made(house: House, name: str, **more: Any) -> int:
    """A user whom a test may do anything to."""
    given = {"username": name, "password": GOOD, "email": f"{name}@made.example", **more}
    answer = house.ask("ada", "POST", "CreateUser", data=given)
    assert answer.status_code == 200, answer.text
    return int(answer.json())


def seen(house: House, user_id: int) -> dict[str, Any]:
    found = house.ask("ada", "GET", f"User?userId={user_id}")
    assert found.status_code == 200, found.text
    return dict(found.json())


def said(answer: Any) -> tuple[int, str]:
    return answer.status_code, answer.text


def logs_in(house: House, name: str, password: str = GOOD) -> bool:
    return house.client.get("Authorization", headers={"Authorization": basic(name, password)}).status_code == 200


NEW = {
    "userName": "eva.{}",
    "Password": GOOD,
    "EMAIL": "Eva.{}@firm.example",
    "firstname": "Eva",
    "lastName": "Van  Dam",
    "phone": "0 12",
    "location": "Room 4",
    "company": "Dam & Sons",
    "department": "Yard",
}


def sent(way: str, values: dict[str, Any]) -> dict[str, Any]:
    """How httpx sends them: in the query string, as an urlencoded or multipart form, as JSON."""
    as_parts = {name: (None, str(value)) for name, value in values.items()}
    return {
        "query": {"params": values},
        "form": {"data": values},
        "multipart": {"files": as_parts},
        "json": {"json": values},
    }[way]


WAYS = ("query", "form", "multipart", "json")


@pytest.mark.parametrize("way", WAYS)
def test_a_user_is_made_by_any_way(house: House, way):
    given = {name: value.format(way) for name, value in NEW.items()}
    answer = house.ask("ada", "POST", "CreateUser", **sent(way, given))
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/json; charset=UTF-8")
    number, found = answer.json(), seen(house, answer.json())
    assert list(found) == list(CAROL)
    expected = {
        "UserID": number,
        "Username": f"eva.{way}",
        "Email": f"Eva.{way}@firm.example",
        "FirstName": "Eva",
        "LastName": "Van Dam",
        "Phone": "0 12",
        "Location": "Room 4",
        "CompanyName": "Dam & Sons",
        "DepartmentName": "Yard",
        "SendEmail": True,
        "Disabled": False,
        "IsTech": False,
        "FullNameAndLogin": f"Eva Van Dam (eva.{way})",
        "FullName": "Eva Van Dam",
    }
    assert {name: found[name] for name in expected} == expected
    companies = house.ask("ada", "GET", "Companies").json()
    assert [each["CompanyID"] for each in companies if each["Name"] == "Dam & Sons"] == [found["CompanyId"]]
    assert {"DepartmentID": found["DepartmentID"], "Name": "Yard"} in house.ask("ada", "GET", "Departments").json()
    assert logs_in(house, f"EVA.{way}")


def test_a_welcome_brings_a_link_and_no_password(house: House, monkeypatch):
    desk = house.serving.desk
    settings = msgspec.structs.replace(desk.settings, public_url="https://desk.example")
    monkeypatch.setattr(house.serving, "desk", replace(desk, settings=settings))
    made(house, "greeted", sendWelcomeEmail="true")
    made(house, "silent")
    (letter,) = house.read(letters, "@made.example")
    assert "greeted@made.example" in letter
    assert "https://desk.example/set-password/" in letter
    assert GOOD not in letter


def letters(conn: Connection, to: str) -> list[str]:
    found = conn.execute(select(schema.outbox).where(schema.outbox.c.recipient.endswith(to)))
    return [str(tuple(row)) for row in found]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"username": ""}, "Parameter username is missing."),
        ({"password": " "}, "Parameter password is missing."),
        ({"email": None}, "Parameter email is missing."),
        ({"sendWelcomeEmail": "maybe"}, "Parameter sendWelcomeEmail is wrong, expected true or false."),
        ({"username": "CAROL"}, "CAROL is somebody else's user name."),
        ({"email": "Carol@Client.example"}, "Carol@Client.example is the address of somebody already."),
        ({"email": "support@desk.example"}, "Support@desk.example is the address of a department."),
        ({"email": "nobody"}, "'nobody' is not a mail address."),
        ({"password": "short"}, "A password has at least 8 characters, and at most 1024 bytes."),
        ({"firstName": "x" * 101}, "A given name has 0 to 100 characters."),
        ({"company": "x" * 201}, "A name has 1 to 200 characters."),
    ],
)
def test_a_user_that_cannot_be(house: House, changes, words):
    given = {"username": "fay", "password": GOOD, "email": "fay@made.example"} | changes
    before = house.read(count)
    answer = house.ask("ada", "POST", "CreateUser", data={name: value for name, value in given.items() if value})
    assert said(answer) == (400, words)
    assert house.read(count) == before


def count(conn: Connection) -> int:
    return len(conn.execute(select(schema.person.c.id)).all())


@pytest.mark.parametrize("call", ["CreateUser", "UpdateUser", "DeleteUser", "MergeUsers", "SetCustomFieldForUser"])
@pytest.mark.parametrize("who", ["sven", "mona", "dan"])
def test_only_administrators_write(house: House, call, who):
    assert said(house.ask(who, "POST", call)) == NOT_PERMITTED


def test_who_sees_whom(house: House):
    for who, sees in {
        "ada": "ada tina sven mona carol dan",
        "sven": "ada tina sven mona carol dan",
        "mona": "mona",
    }.items():
        for name, person in house.people.items():
            asked = (f"User?userId={person.id}", f"UserByEmail?email={person.email}", f"UserByUsername?username={name}")
            for path in asked:
                found = house.ask(who, "GET", path)
                if name in sees.split():
                    assert (found.status_code, found.json()["UserID"]) == (200, person.id), path
                else:
                    assert said(found) == NOT_YOURS, path


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("User?userId=9999", "There is no person 9999."),
        ("UserByEmail?email=nobody@client.example", "There is no person nobody@client.example."),
        ("UserByUsername?username=nobody", "There is no person nobody."),
    ],
)
def test_nobody(house: House, path, words):
    assert said(house.ask("tina", "GET", path)) == (404, words)
    assert said(house.ask("dan", "GET", path)) == NOT_YOURS  # no word tells who is known


def test_a_user_by_any_case(house: House):
    for path in ("userbyEMAIL?Email=CAROL@client.example", "UserByUsername?userName=CaRoL"):
        assert house.ask("tina", "POST", path).json()["Username"] == "carol"
    assert said(house.ask("tina", "GET", "User")) == (400, "Parameter userId is missing.")


def test_addresses_are_looked_up_less_often(house: House):
    classes = {path: route.rate for route in JITBIT.routes for path in route.paths.split()}
    assert (classes["/UserByEmail"], classes["/User"]) == ("search", "default")


def test_pages_of_users(fresh: House):
    fresh.ask("ada", "POST", "UpdateUser", data={"userId": fresh.people["dan"].id, "disabled": "true"})

    def names(query: str) -> list[str]:
        return [each["Username"] for each in fresh.ask("ada", "GET", f"Users?{query}").json()]

    assert names("") == ["ada", "tina", "sven", "mona", "carol", "dan"]
    assert names("count=4&page=2") == ["carol", "dan"]
    assert names("count=4&page=3") == []
    assert names("listMode=all&count=100000") == ["ada", "tina", "sven", "mona", "carol", "dan"]
    assert names("listMode=Techs") == ["ada", "tina", "sven"]
    assert names("listMode=admins") == ["ada"]
    assert names("listMode=regular") == ["mona", "carol"]
    assert names("listMode=disabled") == ["dan"]
    assert names(f"companyId={fresh.acme}") == ["mona", "carol"]
    assert names("departmentId=7") == []
    assert said(fresh.ask("ada", "GET", "Users?listMode=some")) == (
        400,
        "Parameter listMode is wrong, expected all, techs, admins, regular, disabled.",
    )
    assert said(fresh.ask("ada", "GET", "Users?page=0")) == (
        400,
        "Parameter page is wrong, expected a number from 1.",
    )
    assert said(fresh.ask("tina", "GET", "Users")) == NOT_PERMITTED
    # the one who was disabled comes in no more
    assert fresh.ask("dan", "GET", "Authorization").status_code == 401


def test_a_user_is_changed(house: House):
    number = made(house, "gus", firstName="Gus", lastName="Grey", company="Grey", department="Yard", phone="1")
    values = {
        "username": "gustav",
        "email": "gustav@made.example",
        "firstName": "Gustav",
        "location": "Attic",
        "company": "",
        "department": "Roof",
        "notes": "Deaf.",
        "enableEmailNotifications": "false",
        "greeting": "Hello",
        "signature": "G.",
        "outOfOffice": "True",
    }
    answer = house.ask("ada", "POST", "UpdateUser", json={"userId": number, **values})
    assert said(answer) == (200, "")
    found = seen(house, number)
    expected = {
        "Username": "gustav",
        "Email": "gustav@made.example",
        "FullName": "Gustav Grey",
        "Location": "Attic",
        "Phone": "1",
        "CompanyId": None,
        "DepartmentName": "Roof",
        "Notes": "Deaf.",
        "SendEmail": False,
        "Greeting": "Hello",
        "Signature": "G.",
        "OutOfOffice": True,
        "Disabled": False,
    }
    assert {name: found[name] for name in expected} == expected
    house.ask("ada", "POST", "UpdateUser", data={"userId": number, "phone": "", "username": "", "disabled": ""})
    changed = seen(house, number)
    assert (changed["Phone"], changed["Username"], changed["Location"]) == ("", "gustav", "Attic")


def test_another_password_ends_tokens(house: House):
    number = made(house, "hal")
    key = {"Authorization": "Bearer hals-token-0123456789abcdef"}
    house.people["hal"] = house.read(people.get, number)
    house.key("hal", "hals-token-0123456789abcdef")
    assert house.client.get("Authorization", headers=key).json()["UserID"] == number
    before = house.read(accounts.of, number).password_hash
    house.ask("ada", "POST", "UpdateUser", data={"userId": number, "password": "", "phone": "1"})
    assert house.client.get("Authorization", headers=key).status_code == 200
    house.ask("ada", "POST", "UpdateUser", data={"userId": number, "password": "another password"})
    assert house.client.get("Authorization", headers=key).status_code == 401
    assert logs_in(house, "hal", "another password")
    assert house.read(accounts.of, number).password_hash not in {before, "another password"}


@pytest.mark.parametrize(
    ("values", "status", "words"),
    [
        ({"userId": 9999}, 404, "There is no person 9999."),
        ({"userId": ""}, 400, "Parameter userId is missing."),
        ({"userId": 6, "username": "carol"}, 400, "carol is somebody else's user name."),
        (
            {"userId": 6, "email": "carol@client.example"},
            400,
            "carol@client.example is the address of somebody already.",
        ),
        ({"userId": 6, "password": "short"}, 400, "A password has at least 8 characters, and at most 1024 bytes."),
        ({"userId": 6, "disabled": "x"}, 400, "Parameter disabled is wrong, expected true or false."),
        ({"userId": 1, "disabled": "true"}, 400, "Nobody disables their own account."),
    ],
)
def test_a_change_that_cannot_be(house: House, values, status, words):
    assert (house.people["ada"].id, house.people["dan"].id) == (1, 6)
    assert said(house.ask("ada", "POST", "UpdateUser", data=values)) == (status, words[0].upper() + words[1:])
    assert house.ask("dan", "GET", "Authorization").json()["Username"] == "dan"


def test_a_user_is_erased(house: House):
    number = made(house, "ivy")
    house.people["ivy"] = house.read(people.get, number)
    ticket = house.opened("support", "ivy", "Lamp", "It is out.")
    assert said(house.ask("ada", "POST", "DeleteUser", data={"userId": number})) == (200, "")
    assert house.ask("ada", "GET", f"User?userId={number}").status_code == 404
    assert house.ask("ada", "GET", f"ticket?id={ticket}").status_code == 404
    assert not logs_in(house, "ivy")
    again = (404, f"There is no person {number}.")
    assert said(house.ask("ada", "POST", "DeleteUser", data={"userId": number})) == again
    assert said(house.ask("ada", "POST", "UpdateUser", data={"userId": number, "phone": "1"})) == again
    own = house.ask("ada", "POST", "DeleteUser", data={"userId": 1})
    assert said(own) == (400, "Nobody removes their own account.")


def test_two_users_become_one(house: House):
    kept, gone = made(house, "jo", firstName="Jo", lastName="Quill"), made(house, "joanna", phone="7")
    house.people["joanna"] = house.read(people.get, gone)
    ticket = house.opened("support", "joanna", "Lamp", "It is out.")
    assert said(house.ask("ada", "POST", "MergeUsers", data={"id": kept, "id2": gone})) == (200, "")
    assert house.ask("ada", "GET", f"ticket?id={ticket}").json()["UserID"] == kept
    assert seen(house, gone)["UserID"] == kept  # clients keep numbers
    assert seen(house, kept)["Phone"] == "7"
    assert house.read(matches, "quill lamp") == [ticket]
    assert house.read(matches, "joanna lamp") == [ticket]
    assert said(house.ask("ada", "POST", "MergeUsers", data={"id": kept, "id2": gone})) == (
        404,
        f"There is no person {gone}.",
    )
    # what cannot be undone means this very person
    assert house.ask("ada", "POST", "DeleteUser", data={"userId": gone}).status_code == 404


def matches(conn: Connection, words: str) -> list[int]:
    found = select(schema.ticket.c.id).where(search.matching(words, internal=True))
    return list(conn.execute(found.order_by(schema.ticket.c.id)).scalars())


@pytest.mark.parametrize(
    ("values", "status", "words"),
    [
        ({"id": 5}, 400, "Parameter id2 is missing."),
        ({"id": 5, "id2": 9999}, 404, "There is no person 9999."),
        ({"id": 9999, "id2": 5}, 404, "There is no person 9999."),
        ({"id": 5, "id2": 5}, 400, "Carol Ann Jones cannot be merged into themselves."),
        ({"id": 5, "id2": 2}, 400, "Tina is staff: merge the other way round."),
        ({"id": 5, "id2": 1}, 400, "Nobody merges their own account away."),
    ],
)
def test_two_who_stay_two(house: House, values, status, words):
    assert said(house.ask("ada", "POST", "MergeUsers", data=values)) == (status, words)
