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
from helpdeskd.model.files import FilePolicy
from helpdeskd.model.people import Department, ReplyTokens

NO_LIMIT = 0


class _Most(click.ParamType[int]):
    """A number from 1, or `none`."""

    name = "number|none"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        if str(value) == "none":
            return NO_LIMIT
        if not (str(value).isascii() and str(value).isdigit() and 0 < int(value) < 100_000):
            self.fail(f"{value!r} is neither a number from 1 to 99999 nor none", param, ctx)
        return int(value)


MOST = _Most()


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
@click.option(
    "--files",
    "policy",
    type=click.Choice([each.value for each in FilePolicy]),
    help="Programs and documents with macros: treated as all files are, held until staff release them, or never passed on (which is how a new department begins).",
)
@click.option(
    "--max-files",
    type=MOST,
    help="In one message; the others stay in the mail, an upload is refused. `none`: no limit.",
)
@click.option("--max-file-mb", type=MOST, help="How large a file of a message may be; likewise.")
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
    policy: str | None,
    max_files: int | None,
    max_file_mb: int | None,
) -> None:
    """Put the department NAME into a group of departments, or out of it; say who may open tickets in it, and which files it takes."""
    if section is not None and no_section:
        raise click.UsageError("say --section NAME or --no-section")
    regrouped = section is not None or no_section
    filed = policy is not None or max_files is not None or max_file_mb is not None
    if not regrouped and staff_only is None and not welcome and not unwelcome and not filed:
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
            if filed:
                departments.set_files(
                    *given,
                    department=department,
                    policy=department.files if policy is None else FilePolicy(policy),
                    max_files=_limit(max_files, department.max_files),
                    max_file_mb=_limit(max_file_mb, department.max_file_mb),
                )
            return catalogue.of(conn, department.id), guests.names(conn).get(department.id, ())

        place, known = here.store.writer.run(act)
    if regrouped:
        say(
            f"Department {place.department.name} is in {f'the section {place.section}' if place.section else 'no section'}."
        )
    if staff_only is not None or welcome or unwelcome:
        say(f"Department {place.department.name} is for {_for(place, known)}.")

    if filed:
        say(f"Department {place.department.name}: {_files(place.department)}.")


def _limit(asked: int | None, before: int | None) -> int | None:
    return before if asked is None else None if asked == NO_LIMIT else asked


def _files(department: Department) -> str:
    words = {
        FilePolicy.KEEP: "programs and documents with macros are treated as all files are",
        FilePolicy.HOLD: "programs and documents with macros are held until staff release them",
        FilePolicy.REFUSE: "programs and documents with macros are for staff alone",
    }
    limits = [
        f"at most {number} {what}"
        for number, what in ((department.max_files, "files in a message"), (department.max_file_mb, "MB each"))
        if number is not None
    ]
    return ", ".join([words[department.files], *limits])


def _for(place: Place, welcome: tuple[str, ...]) -> str:
    if place.for_staff:
        return "staff"
    return f"staff and {', '.join(welcome)}" if welcome else "everybody"


def _shown(place: Place, welcome: tuple[str, ...]) -> dict[str, Any]:
    """For scripts: with the name of its section, and who may open tickets in it."""
    more = {"section": place.section or None, "staff_only": place.staff_only, "guests": welcome}
    return dataclasses.asdict(place.department) | more
