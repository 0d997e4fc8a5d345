"""helpdeskd mute list|add|remove"""

from __future__ import annotations

from collections.abc import Callable

import click
from sqlalchemy import Connection

from helpdeskd.cli.opened import reading, writing
from helpdeskd.cli.output import echo_json, json_option, moment, say, table
from helpdeskd.cli.ticket_work import staff_named
from helpdeskd.desk import mutes, people
from helpdeskd.model.people import Person

who_option = click.option(
    "--as",
    "who",
    envvar="HELPDESKD_AS",
    help="The member of staff whose doing it is. [default: HELPDESKD_AS, or nobody]",
)

why_option = click.option("--why", default="by hand", show_default=True, help="For those who look later.")


@click.group()
def command() -> None:
    """Addresses that get no automatic mail. What staff write goes there all the same."""


@command.command(name="list")
@json_option
@click.pass_context
def list_(ctx: click.Context, *, as_json: bool) -> None:
    """All that are muted, since when, by whom and why, the latest first."""
    with reading(ctx) as here:
        found = here.store.read(mutes.list)
    if as_json:
        echo_json(found)
        return
    rows = [
        (each.person.email, each.person.kind, moment(each.since), each.by.shown if each.by else "-", each.why)
        for each in found
    ]
    click.echo(table(rows, ("ADDRESS", "KIND", "SINCE (UTC)", "BY", "WHY")) if rows else "Nobody is muted.")


@command.command()
@click.argument("address")
@why_option
@who_option
@click.pass_context
def add(ctx: click.Context, address: str, *, why: str, who: str | None) -> None:
    """Send no automatic mail to the person at ADDRESS, until somebody removes it here: mail from there does not end it."""
    person = _done(ctx, mutes.add, address, why, who)
    say(f"{person.email} is muted.")
    if person.is_staff:
        say("It is a member of staff, who is told of nothing now.")


@command.command()
@click.argument("address")
@why_option
@who_option
@click.pass_context
def remove(ctx: click.Context, address: str, *, why: str, who: str | None) -> None:
    """Send automatic mail to ADDRESS again. What was held back stays unsent."""
    person = _done(ctx, mutes.remove, address, why, who)
    say(f"{person.email} is muted no more.")


def _done(ctx: click.Context, change: Callable[..., Person], address: str, why: str, who: str | None) -> Person:
    with writing(ctx) as here:

        def act(conn: Connection) -> Person:
            actor = staff_named(conn, who) if who else None
            return change(conn, here.clock(), person=people.at(conn, address), why=why, actor=actor)

        return here.store.writer.run(act)
