"""helpdeskd department add|list"""

from __future__ import annotations

import click

from helpdeskd.cli.opened import reading, writing
from helpdeskd.cli.output import echo_json, json_option, say, table
from helpdeskd.cli.settings import languages
from helpdeskd.desk import departments
from helpdeskd.errors import Refused
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
    as_json: bool,
) -> None:
    """Add the department NAME, reached under ADDRESS...; the first is what its mail is sent from."""
    with writing(ctx) as here:
        if language and language not in (known := languages(here.config)):
            raise Refused("bad-language", f"there are no texts in {language}: expected one of {', '.join(known)}")
        department = here.store.writer.run(
            lambda conn: departments.add(
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
        )
    if as_json:
        echo_json(department)
    else:
        say(f"Department {department.name} is reached under {', '.join(department.addresses)}.")


@command.command(name="list")
@json_option
@click.pass_context
def list_(ctx: click.Context, *, as_json: bool) -> None:
    """All departments."""
    with reading(ctx) as here:
        found = here.store.read(departments.list)
    if as_json:
        echo_json(found)
    else:
        click.echo(table([(d.id, d.name, ", ".join(d.addresses)) for d in found], ("ID", "NAME", "ADDRESSES")))
