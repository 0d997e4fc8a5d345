"""rule at the command line."""

from __future__ import annotations


def test_rules(house):
    assert [(each["id"], each["name"], each["on"]) for each in house("rule", "list", "--json").json] == [
        (1, "pending-over", True),
        (2, "close-quiet", False),
    ]
    assert house("rule", "enable", "close-quiet").ok() == "Rule close-quiet is on.\n"
    assert house("rule", "disable", "pending-over").ok() == "Rule pending-over is off.\n"
    lines = house("rule", "list").ok().splitlines()
    assert lines[0].split() == ["ID", "STATE", "NAME", "DOES"]
    assert [line.split()[:3] for line in lines[1:]] == [["1", "off", "pending-over"], ["2", "on", "close-quiet"]]
    assert house("rule", "enable", "tidy-up").failed(1) == "there is no rule tidy-up"
