"""department and staff: added, listed, disabled; what is wrong is said."""

from __future__ import annotations

import pytest

from tests.unit.cli.house import ADA, SUPPORT


def test_departments(house):
    said = house("department", "add", "Sales", "sales@desk.example", "Verkauf@Desk.example", "--language", "de", "--verp", "--no-cc", "--private",
                 "--follow-up-days", "0", "--reply-tokens", "message-id", "--sender-name", "Desk Sales").ok()  # fmt: skip
    assert said == "Department Sales is reached under sales@desk.example, verkauf@desk.example.\n"
    support, sales = house("department", "list", "--json").json
    assert support["name"] == "Support"
    assert {key: sales[key] for key in sales if key != "id"} == {
        "name": "Sales",
        "address": "sales@desk.example",
        "addresses": ["sales@desk.example", "verkauf@desk.example"],
        "sender_name": "Desk Sales",
        "private": True,
        "follow_up_days": 0,
        "reply_tokens": "message-id",
        "verp": True,
        "cc_participates": False,
        "language": "de",
        "files": "refuse",
        "max_files": None,
        "max_file_mb": None,
        "section": None,
        "staff_only": False,
        "guests": [],
    }
    lines = house("department", "list").ok().splitlines()
    assert lines[0].split() == ["ID", "NAME", "SECTION", "FOR", "ADDRESSES"]
    assert lines[2].split() == ["2", "Sales", "staff", "sales@desk.example,", "verkauf@desk.example"]


def test_what_a_department_does_with_files(house):
    said = house("department", "set", "support", "--files", "hold", "--max-files", "5").ok()
    assert said == (
        "Department Support: programs and documents with macros are held until staff release them, at most 5 files in a message.\n"
    )
    said = house("department", "set", "support", "--max-file-mb", "20", "--max-files", "none").ok()
    assert said.endswith("release them, at most 20 MB each.\n")
    (support,) = house("department", "list", "--json").json
    assert (support["files"], support["max_files"], support["max_file_mb"]) == ("hold", None, 20)
    for wrong in ("0", "-1", "x", "100000", "\u0665"):
        assert house("department", "set", "support", f"--max-files={wrong}").code == 2


def test_a_department_for_scripts(house):
    added = house("department", "add", "Sales", "sales@desk.example", "--json").json
    assert added in house("department", "list", "--json").json


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("support", "x@desk.example"), "there is a department support already"),
        (("Sales", SUPPORT), f"{SUPPORT} is the address of a department already"),
        (("Sales", "nonsense"), "'nonsense' is not a mail address"),
        (("Sales", "sales+x@desk.example"), "sales+x@desk.example: give the address without +detail"),
        (("Sales", ADA), f"{ADA} is the address of a member of staff"),
        (("", "sales@desk.example"), "a department needs a name"),
        (("Sales", "sales@desk.example", "--language", "xx"), "there are no texts in xx: expected one of de, en"),
    ],
)
def test_departments_that_cannot_be(house, words, said):
    assert house("department", "add", *words).failed(1).startswith(said)
    assert len(house("department", "list", "--json").json) == 1


def test_staff(house):
    house("department", "add", "Sales", "sales@desk.example").ok()
    said = house("staff", "add", "Bob Kahn", "Bob@Staff.example", "--level", "2", "--department", "sales").ok()
    assert said == "Added Bob Kahn <Bob@Staff.example>, level 2, to Sales.\n"
    assert house("staff", "add", "Eve", "eve@staff.example", "--no-notices").ok().endswith("to Support, Sales.\n")
    people = house("staff", "list", "--json").json
    assert [(p["person"]["name"], p["person"]["level"], p["departments"]) for p in people] == [
        ("Ada Lovelace", 3, ["Support"]),
        ("Bob Kahn", 2, ["Sales"]),
        ("Eve", 1, ["Sales", "Support"]),
    ]
    welcomed = house("status", "--json").json["outbox"]["queued"]
    assert welcomed == 3
    # notices go where they are wanted
    number = house.ticket()
    told = {
        m["recipient"]
        for m in house("ticket", "show", str(number), "--json").json["outbox"]
        if m["notice"] == "new_ticket"
    }
    assert told == {ADA}


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("Ada", ADA), f"{ADA} is staff already"),
        (("Ada", "nonsense"), "'nonsense' is not a mail address"),
        (("x@staff.example", "Bob"), "'Bob' is not a mail address"),
        (("Bob", SUPPORT), f"{SUPPORT} is the address of a department"),
        (("Bob", "bob@staff.example", "--department", "Nowhere"), "there is no department Nowhere"),
    ],
)
def test_staff_that_cannot_be(house, words, said):
    assert house("staff", "add", *words).failed(1).startswith(said)
    assert len(house("staff", "list", "--json").json) == 1
    assert house("staff", "add", "Bob", "bob@staff.example", "--level", "4").code == 2


def test_disable_and_take_back(house):
    house("staff", "add", "Bob Kahn", "bob@staff.example").ok()
    assert house("staff", "disable", "BOB@staff.example").ok() == "BOB@staff.example is disabled.\n"
    assert house("staff", "disable", "bob@staff.example").ok() == "bob@staff.example was disabled already.\n"
    assert "disabled" in house("staff", "list").ok()
    house("staff", "add", "Bob Kahn", "bob@staff.example").ok()
    assert "disabled" not in house("staff", "list").ok()


def test_keys_that_open_nothing_say_why(house):
    house("staff", "add", "Bob Kahn", "bob@staff.example").ok()
    for _ in range(2):
        assert house("token", "create", "--dialect", "helpdeskz", "--all", "--person", "bob@staff.example").code == 0
    house("token", "revoke", "1").ok()
    assert [key["good"] for key in house("token", "list", "--json").json] == [False, True]
    house("staff", "disable", "bob@staff.example").ok()
    assert [key["good"] for key in house("token", "list", "--json").json] == [False, False]
    states = [line.split()[2] for line in house("token", "list").ok().splitlines()[1:]]
    assert states == ["revoked", "disabled"]


def test_disable_is_for_staff_only(house):
    house.ticket()
    for who in ("grace@customer.example", "nobody@x.example"):
        assert house("staff", "disable", who).failed(1) == f"there is no member of staff with the address {who}"
