"""helpdeskd canned add|list|set|remove"""

from __future__ import annotations

import click
from sqlalchemy import Connection

from helpdeskd.cli.opened import reading, writing
from helpdeskd.cli.output import echo_json, json_option, say, table
from helpdeskd.cli.ticket_work import staff_named, text_argument, text_of
from helpdeskd.desk import bodies, canned, people
from helpdeskd.desk.canned import Canned

_POSITION = click.IntRange(-(2**31), 2**31 - 1)
_canned_argument = click.argument("canned_id", metavar="ID", type=click.IntRange(1, 2**63 - 1))


@click.group()
def command() -> None:
    """Texts to answer with."""


@command.command()
@click.argument("title")
@text_argument
@click.option("--for", "who", help="Kept by this member of staff alone (name or address). [default: the team's]")
@click.option("--position", type=_POSITION, default=0, help="Where in lists; then by age.")
@json_option
@click.pass_context
def add(ctx: click.Context, title: str, text: str | None, *, who: str | None, position: int, as_json: bool) -> None:
    """Keep TEXT (or standard input), as plain text or HTML, under TITLE."""
    body = bodies.of(text_of(text))
    with writing(ctx) as here:
        made = here.store.writer.run(
            lambda conn: canned.create(
                conn,
                here.desk,
                here.clock(),
                title=title,
                body=body,
                owner=staff_named(conn, who) if who else None,
                position=position,
                actor=None,
            )
        )
    if as_json:
        echo_json(made)
    else:
        say(f"Canned response {made.id}: {made.title}")


@command.command(name="list")
@click.option("--for", "who", help="Also those that this member of staff keeps (name or address).")
@json_option
@click.pass_context
def list_(ctx: click.Context, *, who: str | None, as_json: bool) -> None:
    """The team's, in their order."""

    def look(conn: Connection) -> tuple[tuple[Canned, ...], dict[int, str]]:
        person = staff_named(conn, who) if who else None
        found = canned.list(conn, person)
        return found, {each.id: each.shown for each in people.list_staff(conn)}

    with reading(ctx) as here:
        found, names = here.store.read(look)
    if as_json:
        echo_json(found)
        return
    rows = [(c.id, names.get(c.owner_id, "") if c.owner_id else "the team", c.title, c.body.text) for c in found]
    click.echo(table(rows, ("ID", "OF", "TITLE", "TEXT")))


@command.command(name="set")
@_canned_argument
@text_argument
@click.option("--title", help="Its new title.")
@click.option("--position", type=_POSITION, help="Where in lists; then by age.")
@click.pass_context
def set_(ctx: click.Context, canned_id: int, text: str | None, *, title: str | None, position: int | None) -> None:
    """Change the canned response ID: its words to TEXT (- for standard input), its title, its place."""
    if text is None and title is None and position is None:
        raise click.UsageError("say what is to be different")
    body = None if text is None else bodies.of(text_of(text))
    with writing(ctx) as here:
        made = here.store.writer.run(
            lambda conn: canned.change(
                conn,
                here.desk,
                here.clock(),
                canned_id=canned_id,
                title=title,
                body=body,
                position=position,
                actor=None,
            )
        )
    say(f"Canned response {made.id}: {made.title}")


@command.command()
@_canned_argument
@click.pass_context
def remove(ctx: click.Context, canned_id: int) -> None:
    """Forget the canned response ID."""
    with writing(ctx) as here:
        gone = here.store.writer.run(
            lambda conn: canned.remove(conn, here.desk, here.clock(), canned_id=canned_id, actor=None)
        )
    say(f"Removed canned response {gone.id}: {gone.title}")
