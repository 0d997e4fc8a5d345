"""helpdeskd staff add|list|password|reset|totp|codes|disable"""

from __future__ import annotations

import sys
from typing import TextIO

import click
from sqlalchemy import Connection

from helpdeskd.cli.opened import reading, writing
from helpdeskd.cli.output import echo_json, json_option, say, table
from helpdeskd.desk import accounts, departments, forgotten, people, recovery
from helpdeskd.desk.context import Told
from helpdeskd.errors import NotFound, Refused
from helpdeskd.guard import hashes
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
@click.option(
    "--hash",
    "old",
    type=click.File(encoding="utf-8", errors="replace"),
    metavar="FILE",
    help="The hash of their password in another system, in a file, or - for standard input.",
)
@click.pass_context
def password(ctx: click.Context, address: str, *, old: TextIO | None) -> None:
    """Set the password by which ADDRESS logs in, a customer's too. It is asked for, or read from standard input.

    API keys that carry their rights end, and links to set a password.
    """
    if old is not None:
        hashed = Passwords().take(old.readline(hashes.LONGEST * 2))
    else:
        secret = click.prompt("Password", hide_input=True, confirmation_prompt=True) if sys.stdin.isatty() else _line()
        hashed = Passwords().hash(secret)
    with writing(ctx) as here:

        def act(conn: Connection) -> Person:
            person = people.at(conn, address)
            accounts.set_password(conn, here.desk, here.clock(), person=person, password_hash=hashed)
            return person

        person = here.store.writer.run(act)
    say(
        f"{person.email} has a new password."
        if old is None
        else f"{person.email} logs in by the password of that hash."
    )


@command.command()
@click.argument("address")
@click.option("--print", "shown", is_flag=True, help="Print the link instead of sending it.")
@click.pass_context
def reset(ctx: click.Context, address: str, *, shown: bool) -> None:
    """Send ADDRESS, a customer's too, a link to set another password. The one they have stays good until then."""
    with writing(ctx) as here:

        def act(conn: Connection) -> tuple[Person, str, Told | None]:
            person = people.at(conn, address)
            given = (conn, here.desk, here.clock())
            if shown:
                return person, forgotten.link(*given, person=person), None
            return person, "", forgotten.send(*given, person=person)

        person, link, told = here.store.writer.run(act)
    if told is None:
        click.echo(link)
    elif told.queued:
        say(f"A link is on its way to {person.email}.")
    else:
        raise Refused(
            "not-sent", f"no mail goes to {person.email} ({told.skipped[0].why}): give them the link of --print"
        )


@command.command()
@click.argument("address")
@click.argument("switch", type=click.Choice(["on", "off"]))
@click.pass_context
def totp(ctx: click.Context, address: str, switch: str) -> None:
    """Ask ADDRESS for a one-time code at each log-in, or no more.

    `on` prints what an authenticator's app takes, wants a code from it, and prints ten recovery codes.
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

        def act(conn: Connection) -> tuple[str, ...]:
            given = (conn, here.desk, here.clock())
            accounts.set_totp(*given, person=person, seed=seed)
            return recovery.renew(*given, person=person) if seed else ()

        made = here.store.writer.run(act)
    _show(made)
    say(f"{person.email} is asked for one-time codes." if seed else f"{person.email} is asked for no codes.")


@command.command(name="codes")
@click.argument("address")
@click.option("--left", is_flag=True, help="Say how many there are, and leave them as they are.")
@click.pass_context
def codes_(ctx: click.Context, address: str, *, left: bool) -> None:
    """Make ADDRESS ten new recovery codes, each good once in place of a one-time code. Those before open nothing any more."""
    if left:
        with reading(ctx) as here:
            count = here.store.read(lambda conn: recovery.left(conn, people.at(conn, address).id))
        click.echo(count)
        return
    with writing(ctx) as here:

        def act(conn: Connection) -> tuple[str, ...]:
            return recovery.renew(conn, here.desk, here.clock(), person=people.at(conn, address))

        made = here.store.writer.run(act)
    _show(made)


def _show(made: tuple[str, ...]) -> None:
    if made:
        click.echo("Recovery codes, each good once; they are shown this one time:")
        click.echo("\n".join(f"  {code}" for code in made))


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
