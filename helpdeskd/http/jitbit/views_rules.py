"""Automation rules: decode, call the desk, encode."""

from __future__ import annotations

from helpdeskd.desk import automation
from helpdeskd.http.dialect import Call
from helpdeskd.http.jitbit import shapes_rules
from helpdeskd.http.jitbit.reach import actor, deliberate


def show_rule(call: Call) -> shapes_rules.Rule:
    """One of the things that tickets do by themselves."""
    return shapes_rules.rule(call.read(automation.get, call.params.id))


def enable_rule(call: Call) -> None:
    """Let a rule work from now on."""
    _switch(call, on=True)


def disable_rule(call: Call) -> None:
    """Let a rule do nothing more."""
    _switch(call, on=False)


def _switch(call: Call, *, on: bool) -> None:
    deliberate(call)
    call.write(automation.switch, number=call.params.id, on=on, actor=actor(call))
