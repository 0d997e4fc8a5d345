"""Automation rules: who looks at them, and turns them on and off."""

from __future__ import annotations

import pytest

from helpdeskd.desk import automation
from tests.unit.http.jitbit.conftest import House

QUIET = 2


def test_a_rule_to_the_letter(house: House):
    found = house.ask("ada", "GET", "Rule/1")
    assert (found.status_code, found.json()) == (
        200,
        {
            "RuleID": 1,
            "Name": "pending-over",
            "Description": "A pending ticket awaits staff again when its time is over.",
            "Enabled": True,
        },
    )
    assert house.ask("ada", "POST", "rule", data={"id": "1"}).json() == found.json()


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_on_and_off(house: House, method):
    for verb, on in (("Enable", True), ("Enable", True), ("Disable", False), ("Disable", False)):
        found = house.ask("ada", method, f"{verb}Rule/{QUIET}")
        assert (found.status_code, found.text) == (200, "")
        assert house.ask("ada", "GET", f"Rule?id={QUIET}").json()["Enabled"] is on
        assert house.read(automation.get, QUIET).on is on
    assert house.ask("ada", "GET", "Rule/1").json()["Enabled"] is True


@pytest.mark.parametrize("path", ["Rule", "EnableRule", "DisableRule"])
def test_what_is_wrong(house: House, path):
    for who, status in (("tina", 403), ("sven", 403), ("mona", 403), ("carol", 403), ("", 401)):
        assert house.ask(who, "GET", f"{path}/1").status_code == status
    missing = house.ask("ada", "GET", f"{path}/9")
    assert (missing.status_code, missing.text) == (404, "There is no rule 9.")
    assert house.ask("ada", "GET", path).status_code == 400
    assert house.ask("ada", "GET", f"{path}/x").status_code == 400
    assert house.read(automation.get, 1).on
    assert not house.read(automation.get, QUIET).on
