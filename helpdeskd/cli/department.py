"""helpdeskd department add|list|set"""

from __future__ import annotations

import dataclasses
from typing import Any

import click
from sqlalchemy import Connection

from helpdeskd.cli.opened import reading, writing
from helpdeskd.cli.output import echo_json, json_option, say, table
from helpdeskd.cli.settings import languages
from helpdeskd.desk import catalogue, departments, guests, sections
from helpdeskd.desk.catalogue import Place
from helpdeskd.errors import NotFound, Refused
from helpdeskd.model.people import ReplyTokens


@click.group()
def command() -> None:
    """Departments and their addresses."""


@command.command()
@click.argument("name")
@click.argument("addresses", nargs=-1, required=True, metavar="ADDRESS...")
@click.option("--sender-name", help="How its mail is signed in From. [default: NAME]")
@click.option("--private", is_flag=True, help="Not offered to customers where they can choose.")
@click.option(
    "--follow-up-days",
    type=click.IntRange(0, 36500),
    help="Replies reopen a closed ticket for so long. [default: the team's]",
)
@click.option(
    "--reply-tokens",
    type=click.Choice([kind.value for kind in ReplyTokens]),
    default=ReplyTokens.AUTO.value,
    show_default=True,
    help="Where a reply's token travels: in a plus-address, or in our Message-ID alone.",
)
@click.option("--verp", is_flag=True, help="An envelope sender of its own for every mail (the relay must allow it).")
@click.option("--no-cc", is_flag=True, help="People whom a requester puts into Cc do not become participants.")
@click.option("--language", default="", help="Language of its notices. [default: the team's]")
@click.option("--section", help="The group it stands in, made if there is none of that name.")
@json_option
@click.pass_context
def add(
    ctx: click.Context,
    name: str,
    addresses: tuple[str, ...],
    *,
    sender_name: str | None,
    private: bool,
    follow_up_days: int | None,
    reply_tokens: str,
    verp: bool,
    no_cc: bool,
    language: str,
    section: str | None,
    as_json: bool,
) -> None:
    """Add the department NAME, reached under ADDRESS...; the first is what its mail is sent from."""
    with writing(ctx) as here:
        if language and language not in (known := languages(here.config)):
            raise Refused("bad-language", f"there are no texts in {language}: expected one of {', '.join(known)}")

        def act(conn: Connection) -> Place:
            made = departments.add(
                conn,
                here.desk,
                here.clock(),
                name=name,
                addresses=addresses,
                sender_name=sender_name or name,
                private=private,
                follow_up_days=follow_up_days,
                reply_tokens=ReplyTokens(reply_tokens),
                verp=verp,
                cc_participates=not no_cc,
                language=language,
            )
            if section is not None:
                place = sections.create(conn, here.desk, here.clock(), name=section, actor=None)
                sections.put(conn, here.desk, here.clock(), department=made, section=place, actor=None)
            return catalogue.of(conn, made.id)

        place = here.store.writer.run(act)
    department = place.department
    if as_json:
        echo_json(_shown(place, ()))
    else:
        say(f"Department {department.name} is reached under {', '.join(department.addresses)}.")


@command.command(name="list")
@json_option
@click.pass_context
def list_(ctx: click.Context, *, as_json: bool) -> None:
    """All departments, and who may open tickets in them by a program or a page."""
    with reading(ctx) as here:
        found, welcome = here.store.read(
            lambda conn: (sorted(catalogue.every(conn), key=lambda place: place.department.id), guests.names(conn))
        )
    if as_json:
        echo_json([_shown(each, welcome.get(each.department.id, ())) for each in found])
        return
    rows = [
        (d.id, d.name, place.section, _for(place, welcome.get(d.id, ())), ", ".join(d.addresses))
        for place in found
        for d in (place.department,)
    ]
    click.echo(table(rows, ("ID", "NAME", "SECTION", "FOR", "ADDRESSES")))


@command.command(name="set")
@click.argument("name")
@click.option("--section", help="The group it stands in, made if there is none of that name.")
@click.option("--no-section", is_flag=True, help="It stands in no group any more.")
@click.option(
    "--staff-only/--no-staff-only", default=None, help="Customers do not see it, nor open tickets in it but by mail."
)
@click.option(
    "--guest",
    "welcome",
    multiple=True,
    metavar="WHO",
    help="An address or a company (again for more): guests alone open tickets in it, in a private one too.",
)
@click.option("--no-guest", "unwelcome", multiple=True, metavar="WHO", help="A guest no more (again for more).")
@click.pass_context
def set_(
    ctx: click.Context,
    name: str,
    *,
    section: str | None,
    no_section: bool,
    staff_only: bool | None,
    welcome: tuple[str, ...],
    unwelcome: tuple[str, ...],
) -> None:
    """Put the department NAME into a group of departments, or out of it; say who may open tickets in it."""
    if section is not None and no_section:
        raise click.UsageError("say --section NAME or --no-section")
    regrouped = section is not None or no_section
    if not regrouped and staff_only is None and not welcome and not unwelcome:
        raise click.UsageError("say what is to be different")
    with writing(ctx) as here:

        def act(conn: Connection) -> tuple[Place, tuple[str, ...]]:
            department = departments.by_name(conn, name)
            if department is None:
                raise NotFound("department", name)
            given = (conn, here.desk, here.clock())
            if regrouped:
                group = None if section is None else sections.create(*given, name=section, actor=None)
                sections.put(*given, department=department, section=group, actor=None)
            if staff_only is not None:
                departments.keep_to_staff(*given, department=department, staff_only=staff_only, actor=None)
            for each in welcome:
                guests.add(*given, department=department, guest=guests.meant(conn, each), actor=None)
            for each in unwelcome:
                guests.remove(*given, department=department, guest=guests.meant(conn, each), actor=None)
            return catalogue.of(conn, department.id), guests.names(conn).get(department.id, ())

        place, known = here.store.writer.run(act)
    if regrouped:
        say(
            f"Department {place.department.name} is in {f'the section {place.section}' if place.section else 'no section'}."
        )
    if staff_only is not None or welcome or unwelcome:
        say(f"Department {place.department.name} is for {_for(place, known)}.")


def _for(place: Place, welcome: tuple[str, ...]) -> str:
    if place.for_staff:
        return "staff"
    return f"staff and {', '.join(welcome)}" if welcome else "everybody"


def _shown(place: Place, welcome: tuple[str, ...]) -> dict[str, Any]:
    """For scripts: with the name of its section, and who may open tickets in it."""
    more = {"section": place.section or None, "staff_only": place.staff_only, "guests": welcome}
    return dataclasses.asdict(place.department) | more
