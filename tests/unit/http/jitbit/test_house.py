"""The caller, categories, technicians, and one ticket: to the letter where it matters, and who sees what."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest
from sqlalchemy import Connection, insert, update

from helpdeskd.desk import companies, departments, guests
from helpdeskd.desk.context import Desk
from helpdeskd.store import schema
from tests.unit.http.jitbit.conftest import NOON, OFFER, PICTURE, PRINTER, House

CAROL = {
    "UserID": 5,
    "Username": "carol",
    "Email": "carol@client.example",
    "FirstName": "Carol Ann",
    "LastName": "Jones",
    "Notes": "Careful.",
    "Location": "",
    "Phone": "",
    "CompanyName": "Acme",
    "CompanyId": 1,
    "CompanyNotes": None,
    "DepartmentID": None,
    "DepartmentName": None,
    "IPAddress": None,
    "HostName": None,
    "Lang": None,
    "UserAgent": None,
    "AvatarURL": None,
    "Signature": None,
    "Greeting": None,
    "IsAdmin": False,
    "Disabled": False,
    "SendEmail": False,
    "IsTech": False,
    "IsManager": False,
    "LastSeen": None,
    "RecentTickets": None,
    "TwoFactorAuthEnabled": False,
    "OutOfOffice": False,
    "FullNameAndLogin": "Carol Ann Jones (carol)",
    "FullName": "Carol Ann Jones",
}


def test_who_one_is(house: House):
    found = house.ask("carol", "GET", "Authorization").json()
    assert list(found) == list(CAROL)
    assert found["Notes"] is None  # what staff write about her
    flags = {
        who: [house.ask(who, "POST", "Authorization").json()[name] for name in ("IsAdmin", "IsTech", "IsManager")]
        for who in ("ada", "tina", "mona", "dan")
    }
    assert flags == {
        "ada": [True, True, False],
        "tina": [False, True, False],
        "mona": [False, False, True],
        "dan": [False, False, False],
    }


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_categories(house: House, method):
    assert house.ask("dan", method, "Categories").json() == [
        {
            "CategoryID": place.id,
            "Name": place.name,
            "SectionID": None,
            "Section": None,
            "NameWithSection": place.name,
            "ForTechsOnly": False,
            "FromAddress": place.address,
        }
        for place in house.places.values()
    ]


def test_technicians_of_a_category(house: House):
    place = house.places["support"].id
    for path in (f"TechsForCategory?id={place}", f"techsforcategory/{place}"):
        found = house.ask("sven", "GET", path).json()
        assert [each["Username"] for each in found] == ["ada", "tina"]
    assert house.ask("sven", "GET", "TechsForCategory?id=99").status_code == 404
    refused = house.ask("dan", "GET", f"TechsForCategory?id={place}")
    assert (refused.status_code, refused.text) == (403, "You are not permitted to do this.")


def test_a_ticket_to_the_letter(house: House):
    found = house.ask("ada", "GET", f"ticket?id={PRINTER}").json()
    carol, tina = found.pop("SubmitterUserInfo"), found.pop("AssigneeUserInfo")
    seen = {"IPAddress", "LastSeen"}  # they log in meanwhile
    assert {name: value for name, value in carol.items() if name not in seen} == {
        name: value for name, value in CAROL.items() if name not in seen
    }
    assert (tina["Username"], tina["IsTech"]) == ("tina", True)
    (file,) = found.pop("Attachments")
    base = str(house.client.base_url).rstrip("/")
    sha256 = file.pop("FileHash")
    assert (len(sha256), file) == (
        64,
        {
            "FileName": "a.png",
            "FileID": 2,
            "CommentID": 3,
            "CommentDate": NOON,
            "FileSize": len(PICTURE),
            "IssueID": PRINTER,
            "UserID": tina["UserID"],
            "GoogleDriveUrl": None,
            "ForTechsOnly": True,
            "Url": f"{base}/attachment?id=2",
        },
    )
    assert found == {
        "TicketID": PRINTER,
        "IssueID": PRINTER,
        "UserID": carol["UserID"],
        "AssignedToUserID": tina["UserID"],
        "IssueDate": NOON,
        "LastUpdated": NOON,
        "Subject": "Printer",
        "Body": "It burns.<br/>\n&lt;Help&gt;",
        "Priority": 0,
        "StatusID": 1,
        "Status": "New",
        "StatusStopTimeSpent": False,
        "CategoryID": house.places["support"].id,
        "CategoryName": "Support",
        "DueDate": None,
        "StartDate": None,
        "ResolvedDate": None,
        "TimeSpentInSeconds": 0,
        "UpdatedByUser": False,
        "UpdatedByPerformer": False,
        "UpdatedForTechView": False,
        "IsCurrentUserTechInThisCategory": True,
        "IsCurrentCategoryForTechsOnly": False,
        "SubmittedByCurrentUser": False,
        "OnBehalfUserName": None,
        "Origin": "API",
        "Url": f"{base}/ticket/{PRINTER}",
        "Tags": [],
        "ViewingTechNames": [],
        "Integrations": {},
    }


def test_one_on_behalf_of_its_requester(house: House):
    found = house.ask("dan", "GET", f"ticket/{OFFER}").json()
    assert (found["OnBehalfUserName"], found["SubmittedByCurrentUser"]) == ("Ada King", True)
    assert [file["FileName"] for file in found["Attachments"]] == ["a.png"]


@pytest.mark.parametrize(
    ("who", "sees"),
    [
        ("ada", "both"),
        ("tina", "printer"),
        ("sven", "offer"),
        ("mona", "printer"),
        ("carol", "printer"),
        ("dan", "offer"),
    ],
)
def test_who_sees_which_ticket(house: House, who, sees):
    seen = {
        name
        for name, number in (("printer", PRINTER), ("offer", OFFER))
        if house.ask(who, "GET", f"ticket?id={number}").status_code == 200
    }
    assert seen == ({"printer", "offer"} if sees == "both" else {sees})


def test_files_of_notes_are_for_those_who_work_on_the_ticket(house: House):
    files = {who: len(house.ask(who, "GET", f"ticket?id={PRINTER}").json()["Attachments"]) for who in ("tina", "carol")}
    assert files == {"tina": 1, "carol": 0}


STYLES: dict[str, dict[str, Any]] = {
    "query": {"params": {"ID": "1"}},
    "form": {"data": {"Id": "1"}},
    "multipart": {"files": {"iD": (None, "1")}},
    "json": {"json": {"id": 1}},
}


@pytest.mark.parametrize("style", STYLES)
def test_parameters_come_by_any_way(house: House, style):
    found = house.ask("tina", "POST", "TechsForCategory", **STYLES[style])
    assert [each["Username"] for each in found.json()] == ["ada", "tina"]


@pytest.mark.parametrize(
    ("path", "status", "words"),
    [
        ("ticket", 400, "Parameter id is missing."),
        ("ticket?id=", 400, "Parameter id is missing."),
        ("ticket?id=x", 400, "Parameter id is wrong, expected a number from 1."),
        ("ticket?id=0", 400, "Parameter id is wrong, expected a number from 1."),
        ("ticket/-1", 400, "Parameter id is wrong, expected a number from 1."),
        ("ticket?id=99", 404, "There is no ticket 99."),
        ("ticket?id=999999999999999999", 404, "There is no ticket 999999999999999999."),
        ("Statuses", 404, "There is nothing here."),
    ],
)
def test_what_is_wrong_is_said_in_plain_words(house: House, path, status, words):
    found = house.ask("ada", "GET", path)
    assert (found.status_code, found.text) == (status, words)
    assert found.headers["content-type"] == "text/plain; charset=utf-8"


def test_categories_that_are_not_for_everybody(fresh: House):
    support, sales = (fresh.places[name].id for name in ("support", "sales"))
    fresh.write(departments.change, department=fresh.places["support"], name="Support", private=True)
    fresh.write(guests.add, department=fresh.places["sales"], guest=fresh.read(companies.at, "Acme"), actor=None)
    seen = {
        who: [each["CategoryID"] for each in fresh.ask(who, "GET", "categories").json()]
        for who in ("ada", "sven", "carol", "dan")
    }
    assert seen == {"ada": [support, sales], "sven": [support, sales], "carol": [sales], "dan": []}


def test_guests_post_in_a_private_category_and_strangers_do_not(fresh: House):
    support, dan = fresh.places["support"], fresh.people["dan"]
    fresh.write(departments.change, department=support, name="Support", private=True)
    given = {"categoryId": support.id, "subject": "Fax", "body": "It beeps."}

    def answers() -> list[int]:
        return [fresh.ask(who, "POST", "ticket", data=given).status_code for who in ("dan", "carol", "sven")]

    assert answers() == [404, 404, 200]
    fresh.write(guests.add, department=support, guest=dan, actor=None)
    assert answers() == [200, 404, 200]
    assert [each["ForTechsOnly"] for each in fresh.ask("dan", "GET", "categories").json()] == [False, False]
    fresh.write(departments.keep_to_staff, department=support, staff_only=True, actor=None)
    assert answers() == [404, 404, 200]
    fresh.write(departments.keep_to_staff, department=support, staff_only=False, actor=None)
    fresh.write(guests.remove, department=support, guest=dan, actor=None)
    assert answers() == [404, 404, 200]


def test_sections_group_categories(fresh: House):
    sales = fresh.places["sales"].id
    fresh.write(section, "Money", sales)
    found = fresh.ask("dan", "GET", "categories").json()
    assert [(each["CategoryID"], each["Section"], each["NameWithSection"]) for each in found if each["SectionID"]] == [
        (sales, "Money", "Money \\ Sales")
    ]


def section(conn: Connection, _desk: Desk, _now: datetime, name: str, department_id: int) -> None:
    section_id = conn.execute(insert(schema.section).returning(schema.section.c.id), {"name": name}).scalar_one()
    there = schema.department.c
    conn.execute(update(schema.department).where(there.id == department_id).values(section_id=section_id))
