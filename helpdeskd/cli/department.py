"""helpdeskd department add|list|set"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any, TypeVar

import click
from sqlalchemy import Connection

from helpdeskd.cli.opened import reading, writing
from helpdeskd.cli.output import echo_json, json_option, say, table
from helpdeskd.cli.settings import languages
from helpdeskd.config import Config
from helpdeskd.desk import catalogue, departments, guests, sections
from helpdeskd.desk.catalogue import Place
from helpdeskd.errors import NotFound, Refused
from helpdeskd.model.files import FilePolicy
from helpdeskd.model.people import Department, ReplyTokens

NO_LIMIT = 0
THE_TEAMS = "default"

F = TypeVar("F", bound=Callable[..., None])


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


class _Days(click.ParamType[int | str]):
    """A number of days, or `default`."""

    name = f"days|{THE_TEAMS}"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int | str:
        if str(value) == THE_TEAMS:
            return THE_TEAMS
        if not (str(value).isascii() and str(value).isdigit() and len(str(value)) <= 5 and int(value) <= 36500):
            self.fail(f"{value!r} is neither a number from 0 to 36500 nor {THE_TEAMS}", param, ctx)
        return int(value)


_MAIL = (  # each is called as the department's field, and None where it was not said
    click.option("--sender-name", help="How its mail is signed in From. [default: its name]"),
    click.option(
        "--follow-up-days",
        type=_Days(),
        help="Replies reopen a closed ticket for so long; `default`: as long as the team's. [default: the team's]",
    ),
    click.option(
        "--reply-tokens",
        type=click.Choice([kind.value for kind in ReplyTokens]),
        help="Where a reply's token travels: in a plus-address, or in our Message-ID alone. [default: auto]",
    ),
    click.option(
        "--verp/--no-verp",
        default=None,
        help="An envelope sender of its own for every mail (the relay must allow it). [default: no-verp]",
    ),
    click.option(
        "--cc/--no-cc",
        "cc_participates",
        default=None,
        help="People whom a requester puts into Cc become participants, or do not. [default: cc]",
    ),
    click.option("--language", help="Language of its notices; `default`: the team's. [default: the team's]"),
)


def _mail_options(command: F) -> F:
    for option in reversed(_MAIL):
        command = option(command)
    return command


def _mail(config: Config, asked: dict[str, Any]) -> dict[str, Any]:
    """What was said of its mail, as the desk takes it."""
    said = {name: value for name, value in asked.items() if value is not None}
    if "reply_tokens" in said:
        said["reply_tokens"] = ReplyTokens(said["reply_tokens"])
    if said.get("follow_up_days") == THE_TEAMS:
        said["follow_up_days"] = None
    if said.get("language") == THE_TEAMS:
        said["language"] = ""
    if (language := said.get("language")) and language not in (known := languages(config)):
        raise Refused("bad-language", f"there are no texts in {language}: expected one of {', '.join(known)}")
    return said


@click.group()
def command() -> None:
    """Departments and their addresses."""


@command.command()
@click.argument("name")
@click.argument("addresses", nargs=-1, required=True, metavar="ADDRESS...")
@click.option("--private", is_flag=True, help="Not offered to customers where they can choose.")
@_mail_options
@click.option("--section", help="The group it stands in, made if there is none of that name.")
@json_option
@click.pass_context
def add(
    ctx: click.Context,
    /,
    name: str,
    addresses: tuple[str, ...],
    *,
    private: bool,
    section: str | None,
    as_json: bool,
    **mail: Any,
) -> None:
    """Add the department NAME, reached under ADDRESS...; the first is what its mail is sent from."""
    with writing(ctx) as here:
        said = _mail(here.config, mail)

        def act(conn: Connection) -> Place:
            made = departments.add(
                conn,
                here.desk,
                here.clock(),
                name=name,
                addresses=addresses,
                private=private,
                **said,
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
@_mail_options
@click.pass_context
def set_(
    ctx: click.Context,
    /,
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
    **mail: Any,
) -> None:
    """Put the department NAME into a group of departments, or out of it; say who may open tickets in it, which files it takes, and
    how its mail is sent. What is not said stays as it is."""
    if section is not None and no_section:
        raise click.UsageError("say --section NAME or --no-section")
    regrouped = section is not None or no_section
    filed = policy is not None or max_files is not None or max_file_mb is not None
    mailed = any(value is not None for value in mail.values())
    if not (regrouped or staff_only is not None or welcome or unwelcome or filed or mailed):
        raise click.UsageError("say what is to be different")
    with writing(ctx) as here:
        said = _mail(here.config, mail)

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
            if mailed:
                departments.set_mail(*given, department=dataclasses.replace(department, **said))
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
    if mailed:
        say(f"Department {place.department.name}: {_mails(place.department)}.")


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


def _mails(department: Department) -> str:
    days = department.follow_up_days
    said = (
        f"its mail is from {department.sender_name}",
        f"replies reopen a ticket for {'as long as the team says' if days is None else f'{days} days'}",
        f"reply tokens {department.reply_tokens}",
        f"verp {'on' if department.verp else 'off'}",
        f"people in Cc {'become' if department.cc_participates else 'do not become'} participants",
        f"language {department.language or 'as the team has it'}",
    )
    return ", ".join(said)


def _for(place: Place, welcome: tuple[str, ...]) -> str:
    if place.for_staff:
        return "staff"
    return f"staff and {', '.join(welcome)}" if welcome else "everybody"


def _shown(place: Place, welcome: tuple[str, ...]) -> dict[str, Any]:
    """For scripts: with the name of its section, and who may open tickets in it."""
    more = {"section": place.section or None, "staff_only": place.staff_only, "guests": welcome}
    return dataclasses.asdict(place.department) | more
