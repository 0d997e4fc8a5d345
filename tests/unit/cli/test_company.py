"""company: added, listed, shown, changed; its managers; guests of departments. What is wrong is said."""

from __future__ import annotations

import pytest


def test_companies(house):
    said = house("company", "add", "Acme", "--domain", "Acme.example", "--domain", "@acme.test").ok()
    assert said == "Company Acme has the domains acme.example, acme.test.\n"
    bolt = house("company", "add", "Bolt", "--json").json
    assert (bolt["name"], bolt["domains"]) == ("Bolt", [])
    assert house("company", "list", "--json").json[1] == bolt
    lines = [line.split() for line in house("company", "list").ok().splitlines()]
    assert lines == [["ID", "NAME", "DOMAINS"], ["1", "Acme", "acme.example,", "acme.test"], ["2", "Bolt"]]
    said = house("company", "set", "acme", "--domain", "customer.example", "--name", "ACME").ok()
    assert said == "Company ACME has the domains customer.example.\n"
    assert house("company", "set", "ACME", "--no-domains").ok() == "Company ACME has no domains.\n"
    assert house("company", "set", "ACME").code == 2
    assert house("company", "set", "ACME", "--domain", "x.example", "--no-domains").code == 2


def test_managers(house):
    house("company", "add", "Acme", "--domain", "customer.example").ok()
    house.ticket()  # of Grace, who belongs to Acme by that
    for switch, said in (("on", "Grace Hopper manages Acme."), ("off", "Grace Hopper manages no company.")):
        for _ in range(2):
            assert house("company", "manager", "GRACE@customer.example", switch).ok() == f"{said}\n"
        shown = house("company", "show", "ACME", "--json").json
        grace = {"name": "Grace Hopper", "email": "grace@customer.example", "manages": switch == "on"}
        assert (shown["company"]["name"], shown["people"]) == ("Acme", [grace])
    house("company", "manager", "grace@customer.example", "on").ok()
    lines = house("company", "show", "Acme").ok().splitlines()
    assert lines[:3] == ["Acme", "  domains: customer.example", ""]
    assert lines[4].split() == ["Grace", "Hopper", "grace@customer.example", "manager"]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("add", " "), "a name has 1 to 200 characters"),
        (("add", "Acme", "--domain", "no domain"), "'no domain' is not a mail domain"),
        (("show", "Acme"), "there is no company Acme"),
        (("set", "Acme", "--no-domains"), "there is no company Acme"),
        (("manager", "nobody@x.example", "on"), "there is no person nobody@x.example"),
        (("manager", "ada@staff.example", "on"), "Ada Lovelace is staff"),
    ],
)
def test_what_cannot_be(house, words, said):
    assert house("company", *words).failed(1).startswith(said)


def test_who_opens_tickets_in_a_department(house):
    house("company", "add", "Acme").ok()
    house.ticket()
    for words, said in (
        (("--staff-only",), "staff"),
        (("--guest", "Grace@customer.example"), "staff"),
        (("--no-staff-only",), "staff and grace@customer.example"),
        (("--guest", "acme", "--guest", "ACME"), "staff and grace@customer.example, Acme"),
        (("--no-guest", "grace@customer.example"), "staff and Acme"),
        (("--no-guest", "Acme"), "everybody"),
        (("--guest", "Acme"), "staff and Acme"),
    ):
        assert house("department", "set", "support", *words).ok() == f"Department Support is for {said}.\n"
    (support,) = house("department", "list", "--json").json
    assert (support["staff_only"], support["guests"]) == (False, ["Acme"])
    assert "staff and Acme" in house("department", "list").ok()
