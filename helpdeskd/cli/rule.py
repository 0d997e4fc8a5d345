"""helpdeskd rule list|enable|disable"""

from __future__ import annotations

import click

from helpdeskd.cli.opened import reading, writing
from helpdeskd.cli.output import echo_json, json_option, say, table
from helpdeskd.desk import automation
from helpdeskd.desk.automation import Switch


@click.group()
def command() -> None:
    """What tickets do by themselves when their time has come."""


@command.command(name="list")
@json_option
@click.pass_context
def list_(ctx: click.Context, *, as_json: bool) -> None:
    """All rules there are."""
    with reading(ctx) as here:
        found = here.store.read(automation.list)
    if as_json:
        echo_json([_plain(each) for each in found])
        return
    rows = [(each.rule.number, _state(each), each.rule.name, each.rule.words) for each in found]
    click.echo(table(rows, ("ID", "STATE", "NAME", "DOES")))


@command.command()
@click.argument("name")
@click.pass_context
def enable(ctx: click.Context, name: str) -> None:
    """Let the rule NAME work from now on."""
    _switch(ctx, name, on=True)


@command.command()
@click.argument("name")
@click.pass_context
def disable(ctx: click.Context, name: str) -> None:
    """Let the rule NAME do nothing more."""
    _switch(ctx, name, on=False)


def _switch(ctx: click.Context, name: str, *, on: bool) -> None:
    number = automation.named(name).number
    with writing(ctx) as here:
        found = here.store.writer.run(
            lambda conn: automation.switch(conn, here.desk, here.clock(), number=number, on=on, actor=None)
        )
    say(f"Rule {found.rule.name} is {_state(found)}.")


def _state(found: Switch) -> str:
    return "on" if found.on else "off"


def _plain(found: Switch) -> dict[str, object]:
    return {"id": found.rule.number, "name": found.rule.name, "does": found.rule.words, "on": found.on}
