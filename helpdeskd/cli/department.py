"""helpdeskd department add|list|set"""

from __future__ import annotations

import dataclasses
from typing import Any

import click
from sqlalchemy import Connection

from helpdeskd.cli.opened import reading, writing
from helpdeskd.cli.output import echo_json, json_option, say, table
from helpdeskd.cli.settings import languages
from helpdeskd.desk import departments, sections
from helpdeskd.desk.sections import Section
from helpdeskd.errors import NotFound, Refused
from helpdeskd.model.people import Department, ReplyTokens


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

        def act(conn: Connection) -> tuple[Department, Section | None]:
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
            place = None
            if section is not None:
                place = sections.create(conn, here.desk, here.clock(), name=section, actor=None)
                sections.put(conn, here.desk, here.clock(), department=made, section=place, actor=None)
            return made, place

        department, place = here.store.writer.run(act)
    if as_json:
        echo_json(_shown(department, place))
    else:
        say(f"Department {department.name} is reached under {', '.join(department.addresses)}.")


@command.command(name="list")
@json_option
@click.pass_context
def list_(ctx: click.Context, *, as_json: bool) -> None:
    """All departments."""
    with reading(ctx) as here:
        found, places = here.store.read(lambda conn: (departments.list(conn), sections.places(conn)))
    if as_json:
        echo_json([_shown(each, places.get(each.id)) for each in found])
        return
    rows = [(d.id, d.name, places[d.id].name if d.id in places else "", ", ".join(d.addresses)) for d in found]
    click.echo(table(rows, ("ID", "NAME", "SECTION", "ADDRESSES")))


@command.command(name="set")
@click.argument("name")
@click.option("--section", help="The group it stands in, made if there is none of that name.")
@click.option("--no-section", is_flag=True, help="It stands in no group any more.")
@click.pass_context
def set_(ctx: click.Context, name: str, *, section: str | None, no_section: bool) -> None:
    """Put the department NAME into a group of departments, or out of it."""
    if (section is None) != no_section:
        raise click.UsageError("say --section NAME or --no-section")
    with writing(ctx) as here:

        def act(conn: Connection) -> tuple[Department, Section | None]:
            department = departments.by_name(conn, name)
            if department is None:
                raise NotFound("department", name)
            place = None
            if section is not None:
                place = sections.create(conn, here.desk, here.clock(), name=section, actor=None)
            sections.put(conn, here.desk, here.clock(), department=department, section=place, actor=None)
            return department, place

        department, place = here.store.writer.run(act)
    say(f"Department {department.name} is in {f'the section {place.name}' if place else 'no section'}.")


def _shown(department: Department, place: Section | None) -> dict[str, Any]:
    """For scripts: with the name of its section."""
    return dataclasses.asdict(department) | {"section": None if place is None else place.name}
