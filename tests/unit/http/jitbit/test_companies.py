"""Companies, and the departments that people belong to."""

from __future__ import annotations

import pytest

from helpdeskd.desk import companies
from tests.unit.http.jitbit.conftest import House
from tests.unit.http.jitbit.test_users import NOT_PERMITTED, said


def listed(house: House, who: str = "ada", query: str = "") -> dict[str, tuple[object, ...]]:
    found = house.ask(who, "GET", f"Companies?{query}")
    assert found.status_code == 200, found.text
    return {each["Name"]: tuple(each.values()) for each in found.json()}


def test_a_company_is_made_once(house: House):
    given = {"name": "Beta  Ltd", "emailDomains": "beta.example; @Beta.test"}
    answer = house.ask("ada", "POST", "Company", data=given)
    number = answer.json()
    assert said(answer) == (200, str(number))
    assert (
        house.ask("ada", "POST", "company", json={"NAME": "beta ltd", "EmailDomains": "other.example"}).json() == number
    )
    assert listed(house, "sven")["Beta Ltd"] == (number, "Beta Ltd", None, "beta.example;beta.test")
    (found,) = house.ask("ada", "GET", "Companies?count=1").json()
    assert found == {"CompanyID": house.acme, "Name": "Acme", "Notes": None, "EmailDomain": None}
    # whoever is of that domain is of that company
    eve = {"username": "eve", "password": "a good password", "email": "eve@beta.test"}
    eve_id = house.ask("ada", "POST", "CreateUser", data=eve).json()
    assert house.ask("ada", "GET", f"User?userId={eve_id}").json()["CompanyName"] == "Beta Ltd"


def test_pages_of_companies(fresh: House):
    for name in ("Cat", "Bee", "Dog"):
        fresh.ask("ada", "POST", "Company", data={"name": name})
    assert list(listed(fresh)) == ["Acme", "Bee", "Cat", "Dog"]
    assert list(listed(fresh, query="count=3")) == ["Acme", "Bee", "Cat"]
    assert list(listed(fresh, query="count=3&page=2")) == ["Dog"]
    assert list(listed(fresh, query="count=3&page=3")) == []


def test_a_company_is_changed(house: House):
    number = house.ask("ada", "POST", "Company", data={"name": "Gamma"}).json()
    changed = house.ask("ada", "POST", "UpdateCompany", json={"id": number, "name": "Gamma & Co", "notes": "Late."})
    assert said(changed) == (200, "")
    assert listed(house)["Gamma & Co"] == (number, "Gamma & Co", "Late.", None)
    assert house.ask("ada", "POST", f"UpdateCompany/{number}", data={"notes": ""}).status_code == 200
    assert listed(house)["Gamma & Co"] == (number, "Gamma & Co", None, None)


@pytest.mark.parametrize(
    ("path", "values", "status", "words"),
    [
        ("Company", {}, 400, "Parameter name is missing."),
        ("Company", {"name": "Eta", "emailDomains": "no domain!"}, 400, "'domain!' is not a mail domain."),
        ("Company", {"name": "x" * 201}, 400, "A name has 1 to 200 characters."),
        ("UpdateCompany", {"name": "Eta"}, 400, "Parameter id is missing."),
        ("UpdateCompany", {"id": 999, "name": "Eta"}, 404, "There is no company 999."),
        ("UpdateCompany", {"id": 1, "name": "zeta"}, 400, "There is a company zeta already."),
    ],
)
def test_a_company_that_cannot_be(house: House, path, values, status, words):
    house.ask("ada", "POST", "Company", data={"name": "Zeta"})
    assert said(house.ask("ada", "POST", path, data=values)) == (status, words)
    assert "Eta" not in listed(house)


def test_who_may(house: House):
    for who in ("tina", "sven", "mona", "carol"):
        for path in ("Company", "UpdateCompany"):
            assert said(house.ask(who, "POST", path, data={"id": house.acme, "name": "Mine"})) == NOT_PERMITTED
    for who in ("mona", "carol"):
        for path in ("Companies", "Departments"):
            assert said(house.ask(who, "GET", path)) == NOT_PERMITTED


def test_departments(house: House):
    made = [house.write(companies.division_named, name=name, actor=None) for name in ("Yard", "Attic")]
    assert house.ask("sven", "POST", "Departments").json() == [
        {"DepartmentID": made[1].id, "Name": "Attic"},
        {"DepartmentID": made[0].id, "Name": "Yard"},
    ]
