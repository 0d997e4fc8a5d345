"""helpdeskd field add|list|remove"""

from __future__ import annotations

import click
from sqlalchemy import Connection

from helpdeskd.cli.opened import reading, writing
from helpdeskd.cli.output import echo_json, json_option, say, table
from helpdeskd.desk import departments, fields
from helpdeskd.errors import NotFound
from helpdeskd.model.fields import Access, Field, FieldKind, Owner


@click.group()
def command() -> None:
    """Custom fields of tickets, people, companies and assets."""


_OWNER = click.argument("owner", type=click.Choice([each.value for each in Owner]))


@command.command()
@_OWNER
@click.argument("name")
@click.option(
    "--kind",
    type=click.Choice([each.value for each in FieldKind]),
    default=FieldKind.TEXT.value,
    show_default=True,
    help="What it holds.",
)
@click.option("--option", "options", multiple=True, metavar="WORDS", help="One of a choice (again for more).")
@click.option("--department", "wanted", multiple=True, help="Only tickets of this department (again for more) have it.")
@click.option("--mandatory", is_flag=True, help="It cannot be emptied.")
@click.option("--in-lists", is_flag=True, help="Shown in lists too.")
@click.option(
    "--access",
    type=click.Choice([each.value for each in Access]),
    default=Access.EVERYONE.value,
    show_default=True,
    help="read-only: customers see it; staff: they do not.",
)
@click.option("--position", type=click.IntRange(0, 2**31 - 1), help="Its place among the others. [default: the last]")
@json_option
@click.pass_context
def add(
    ctx: click.Context,
    owner: str,
    name: str,
    *,
    kind: str,
    options: tuple[str, ...],
    wanted: tuple[str, ...],
    mandatory: bool,
    in_lists: bool,
    access: str,
    position: int | None,
    as_json: bool,
) -> None:
    """Add the field NAME to every OWNER."""
    with writing(ctx) as here:

        def act(conn: Connection) -> Field:
            return fields.add(
                conn,
                here.desk,
                here.clock(),
                owner=Owner(owner),
                name=name,
                kind=FieldKind(kind),
                options=options,
                departments=[_department(conn, each) for each in wanted],
                mandatory=mandatory,
                in_grid=in_lists,
                access=Access(access),
                position=position,
                actor=None,
            )

        field = here.store.writer.run(act)
    if as_json:
        echo_json(field)
    else:
        say(f"Every {field.owner} has the field {field.name} now, number {field.id}.")


def _department(conn: Connection, name: str) -> int:
    found = departments.by_name(conn, name)
    if found is None:
        raise NotFound("department", name)
    return found.id


@command.command(name="list")
@json_option
@click.pass_context
def list_(ctx: click.Context, *, as_json: bool) -> None:
    """All fields, with the numbers that programs set them by."""
    with reading(ctx) as here:
        found = here.store.read(fields.list)
        names = {department.id: department.name for department in here.store.read(departments.list)}
    if as_json:
        echo_json(found)
        return
    lines = [(f.id, f.owner, f.name, f.kind, _more(f, names)) for f in found]
    click.echo(table(lines, ("ID", "OF", "NAME", "KIND", "")))


def _more(field: Field, departments: dict[int, str]) -> str:
    said = [
        "mandatory" if field.mandatory else "",
        "in lists" if field.in_grid else "",
        "" if field.access is Access.EVERYONE else field.access.value,
        ", ".join(departments[each] for each in sorted(field.departments & departments.keys())),
        " | ".join(f"{option.words} ({option.id})" for option in field.options),
    ]
    return "; ".join(filter(None, said))


@command.command()
@_OWNER
@click.argument("name")
@click.pass_context
def remove(ctx: click.Context, owner: str, name: str) -> None:
    """Nobody is asked for it or shown it any more."""
    with writing(ctx) as here:

        def act(conn: Connection) -> Field:
            field = fields.named(conn, Owner(owner), name)
            fields.remove(conn, here.desk, here.clock(), field=field, actor=None)
            return field

        field = here.store.writer.run(act)
    say(f"The field {field.name} of every {field.owner} is removed.")
