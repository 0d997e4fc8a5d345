"""Its JSON for automation rules."""

from __future__ import annotations

import msgspec

from helpdeskd.desk.automation import Switch


class Rule(msgspec.Struct):
    RuleID: int
    Name: str
    Description: str
    Enabled: bool


def rule(found: Switch) -> Rule:
    return Rule(RuleID=found.rule.number, Name=found.rule.name, Description=found.rule.words, Enabled=found.on)
