"""field: added, listed, removed; what is wrong is said."""

from __future__ import annotations

import pytest


def test_fields(house):
    house("department", "add", "Sales", "sales@desk.example").ok()
    colour = house("field", "add", "ticket", "Colour", "--kind", "choice", "--option", "Red", "--option", "Blue", "--department", "sales",
                   "--mandatory", "--in-lists", "--access", "staff", "--position", "3", "--json").json  # fmt: skip
    assert {key: colour[key] for key in colour if key not in {"id", "options", "departments"}} == {
        "owner": "ticket",
        "name": "Colour",
        "kind": "choice",
        "mandatory": True,
        "position": 3,
        "in_grid": True,
        "access": "staff",
    }
    assert [option["words"] for option in colour["options"]] == ["Red", "Blue"]
    said = house("field", "add", "company", "Size").ok()
    assert said == f"Every company has the field Size now, number {colour['id'] + 1}.\n"
    assert house("field", "list", "--json").json[1] == colour
    red, blue = (option["id"] for option in colour["options"])
    lines = house("field", "list").ok().splitlines()
    assert lines[0].split() == ["ID", "OF", "NAME", "KIND"]
    assert lines[1].split() == [str(colour["id"] + 1), "company", "Size", "text"]
    assert lines[2].endswith(f"choice  mandatory; in lists; staff; Sales; Red ({red}) | Blue ({blue})")
    assert house("field", "remove", "ticket", "COLOUR").ok() == "The field Colour of every ticket is removed.\n"
    assert [field["name"] for field in house("field", "list", "--json").json] == ["Size"]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("add", "ticket", "Colour", "--kind", "choice"), "a choice has 1 to 500 options"),
        (("add", "ticket", "Colour", "--option", "Red"), "a field of kind text has no options"),
        (("add", "ticket", "Colour", "--department", "Nowhere"), "there is no department Nowhere"),
        (("add", "asset", "Colour", "--department", "Support"), "only tickets belong to departments, not every asset"),
        (("remove", "ticket", "Colour"), "there is no field Colour"),
    ],
)
def test_fields_that_cannot_be(house, words, said):
    assert house("field", *words).failed(1) == said
    assert house("field", "list", "--json").json == []
