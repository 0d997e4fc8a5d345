"""helpdeskd staff add|list|disable"""

from __future__ import annotations

import click
from sqlalchemy import Connection

from helpdeskd.cli.common import echo_json, json_option, reading, table, writing
from helpdeskd.desk import departments, people
from helpdeskd.errors import NotFound
from helpdeskd.model.people import Department


@click.group()
def command() -> None:
    """Members of staff."""


@command.command()
@click.argument("name")
@click.argument("address")
@click.option("--level", type=click.IntRange(1, 3), default=1, show_default=True, help="3 is an administrator.")
@click.option(
    "--department", "wanted", multiple=True, help="Member of this department (again for more). [default: all]"
)
@click.option("--no-notices", is_flag=True, help="Not told of new tickets and replies.")
@click.pass_context
def add(ctx: click.Context, name: str, address: str, *, level: int, wanted: tuple[str, ...], no_notices: bool) -> None:
    """Add NAME, who reads and answers mail at ADDRESS, and welcome them by mail."""
    with writing(ctx) as here:

        def act(conn: Connection) -> tuple[Department, ...]:
            every = departments.list(conn)
            mine = tuple(_named(every, one) for one in wanted) if wanted else every
            people.add_staff(
                conn,
                here.desk,
                here.clock(),
                name=name,
                email=address,
                level=level,
                departments=tuple(d.id for d in mine),
                notify=not no_notices,
            )
            return mine

        mine = here.store.writer.run(act)
    click.echo(f"Added {name} <{address}>, level {level}, to {', '.join(d.name for d in mine) or 'no department'}.")


def _named(every: tuple[Department, ...], name: str) -> Department:
    for department in every:
        if department.name.casefold() == name.casefold():
            return department
    raise NotFound("department", name)


@command.command(name="list")
@json_option
@click.pass_context
def list_(ctx: click.Context, *, as_json: bool) -> None:
    """All members of staff."""
    with reading(ctx) as here:
        found = here.store.read(people.list_staff)
    if as_json:
        echo_json(found)
        return
    rows = [(p.id, p.name, p.email, p.level, "disabled" if p.disabled_at else "") for p in found]
    click.echo(table(rows, ("ID", "NAME", "ADDRESS", "LEVEL", "")))


@command.command()
@click.argument("address")
@click.pass_context
def disable(ctx: click.Context, address: str) -> None:
    """ADDRESS is no longer staff: no notices, and mail from it has no staff voice. Tickets and history stay."""
    with writing(ctx) as here:

        def act(conn: Connection) -> None:
            person = people.find(conn, address)
            if person is None:
                raise NotFound("person", address)
            people.disable(conn, here.desk, here.clock(), person=person)

        here.store.writer.run(act)
    click.echo(f"{address} is disabled.")
