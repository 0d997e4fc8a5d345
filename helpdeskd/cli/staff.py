"""helpdeskd staff add|list|password|totp|disable"""

from __future__ import annotations

import sys

import click
from sqlalchemy import Connection

from helpdeskd.cli.opened import reading, writing
from helpdeskd.cli.output import echo_json, json_option, say, table
from helpdeskd.desk import accounts, departments, people
from helpdeskd.errors import NotFound, Refused
from helpdeskd.guard import totp as codes
from helpdeskd.guard.passwords import Passwords
from helpdeskd.model.people import Department, Person, PersonKind


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
@json_option
@click.pass_context
def add(
    ctx: click.Context,
    name: str,
    address: str,
    *,
    level: int,
    wanted: tuple[str, ...],
    no_notices: bool,
    as_json: bool,
) -> None:
    """Add NAME, who reads and answers mail at ADDRESS, and welcome them by mail."""
    with writing(ctx) as here:

        def act(conn: Connection) -> tuple[Person, tuple[Department, ...]]:
            every = departments.list(conn)
            mine = tuple(_named(every, one) for one in wanted) if wanted else every
            person, _ = people.add_staff(
                conn,
                here.desk,
                here.clock(),
                name=name,
                email=address,
                level=level,
                departments=tuple(d.id for d in mine),
                notify=not no_notices,
            )
            return person, mine

        person, mine = here.store.writer.run(act)
    if as_json:
        echo_json({"person": person, "departments": [d.name for d in mine]})
        return
    where = ", ".join(d.name for d in mine) or "no department"
    say(f"Added {person.name} <{person.email}>, level {person.level}, to {where}.")


def _named(every: tuple[Department, ...], name: str) -> Department:
    for department in every:
        if department.name.casefold() == name.casefold():
            return department
    raise NotFound("department", name)


@command.command(name="list")
@json_option
@click.pass_context
def list_(ctx: click.Context, *, as_json: bool) -> None:
    """All members of staff, and which departments' tickets they see."""

    def look(conn: Connection) -> list[tuple[Person, list[str]]]:
        names = {department.id: department.name for department in departments.list(conn)}
        return [
            (person, sorted(names[each] for each in people.staff_departments(conn, person.id)))
            for person in people.list_staff(conn)
        ]

    with reading(ctx) as here:
        found = here.store.read(look)
    if as_json:
        echo_json([{"person": person, "departments": names} for person, names in found])
        return
    rows = [
        (p.id, p.name, p.email, p.level, "disabled" if p.disabled_at else "active", ", ".join(names))
        for p, names in found
    ]
    click.echo(table(rows, ("ID", "NAME", "ADDRESS", "LEVEL", "STATE", "DEPARTMENTS")))


@command.command()
@click.argument("address")
@click.pass_context
def password(ctx: click.Context, address: str) -> None:
    """Set the password by which ADDRESS logs in, a customer's too. It is asked for, or read from standard input.

    API keys that carry their rights end.
    """
    secret = click.prompt("Password", hide_input=True, confirmation_prompt=True) if sys.stdin.isatty() else _line()
    hashed = Passwords().hash(secret)
    with writing(ctx) as here:

        def act(conn: Connection) -> Person:
            person = people.at(conn, address)
            accounts.set_password(conn, here.desk, here.clock(), person=person, password_hash=hashed)
            return person

        person = here.store.writer.run(act)
    say(f"{person.email} has a new password.")


@command.command()
@click.argument("address")
@click.argument("switch", type=click.Choice(["on", "off"]))
@click.pass_context
def totp(ctx: click.Context, address: str, switch: str) -> None:
    """Ask ADDRESS for a one-time code at each log-in, or no more.

    `on` prints what an authenticator's app takes, and wants a code from it.
    """
    with writing(ctx) as here:
        person = here.store.read(lambda conn: people.at(conn, address))
        seed = ""
        if switch == "on":
            seed = codes.new_seed()
            click.echo(codes.uri(seed, person.email, here.desk.settings.name))
            code = click.prompt("Code") if sys.stdin.isatty() else _line()
            if codes.step_of(seed, code, here.clock()) is None:
                raise Refused("wrong-code", "that is not the code of this moment: nothing was changed")

        here.store.writer.run(lambda conn: accounts.set_totp(conn, here.desk, here.clock(), person=person, seed=seed))
    say(f"{person.email} is asked for one-time codes." if seed else f"{person.email} is asked for no codes.")


def _line() -> str:
    return sys.stdin.readline().rstrip("\r\n")


@command.command()
@click.argument("address")
@click.pass_context
def disable(ctx: click.Context, address: str) -> None:
    """ADDRESS is no longer staff: no notices, and mail from it has no staff voice. Tickets and history stay.

    `staff add` with the same address takes them back.
    """
    with writing(ctx) as here:

        def act(conn: Connection) -> bool:
            person = people.find(conn, address)
            if person is None or person.kind is not PersonKind.STAFF:
                raise Refused("no-such-staff", f"there is no member of staff with the address {address}")
            people.disable(conn, here.desk, here.clock(), person=person)
            return person.is_staff

        was_active = here.store.writer.run(act)
    say(f"{address} is disabled." if was_active else f"{address} was disabled already.")
