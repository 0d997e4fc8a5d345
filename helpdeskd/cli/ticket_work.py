"""helpdeskd ticket reply|note|assign|close|merge: staff at a terminal"""

from __future__ import annotations

import mimetypes
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click
from sqlalchemy import Connection

from helpdeskd.cli.opened import writing
from helpdeskd.cli.output import say
from helpdeskd.desk import changes, departments, people, tickets
from helpdeskd.desk.context import Part, Words
from helpdeskd.desk.danger import kept_back
from helpdeskd.errors import NotFound, Refused
from helpdeskd.installation import Installation
from helpdeskd.mail import filetypes
from helpdeskd.model.people import Person
from helpdeskd.model.ticket import State, Ticket

T = TypeVar("T")


class TicketNumber(click.ParamType[int]):
    """123456, #123456 or [#123456], as people copy it."""

    name = "number"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        found = re.fullmatch(r"\[?#?(\d{1,9})\]?", str(value), re.ASCII)
        if found is None:
            self.fail(f"{value!r} is not a ticket's number", param, ctx)
        return int(found[1])


number_argument = click.argument("number", type=TicketNumber())
as_option = click.option(
    "--as",
    "who",
    envvar="HELPDESKD_AS",
    help="The member of staff who acts (name or address). [default: HELPDESKD_AS, or the only one]",
)
text_argument = click.argument("text", required=False)


@click.command()
@number_argument
@text_argument
@as_option
@click.option(
    "--attach",
    "files",
    multiple=True,
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="A file to send along (again for more).",
)
@click.option("--close", is_flag=True, help="And close the ticket.")
@click.pass_context
def reply(
    ctx: click.Context, number: int, text: str | None, *, who: str | None, files: tuple[Path, ...], close: bool
) -> None:
    """Answer the requester and the participants. TEXT, or standard input."""
    words = text_of(text)
    read = [(file.name, file.read_bytes()) for file in files]
    with writing(ctx) as here:
        parts = tuple(part_of(here, name, data) for name, data in read)

        def act(conn: Connection, ticket: Ticket, staff: Person) -> tuple[int, list[str]]:
            said = Words(text=words, parts=parts)
            given = (conn, here.desk, here.clock())
            posted = tickets.staff_reply(*given, ticket=ticket, author=staff, words=said, close=close)
            department = departments.get(conn, posted.ticket.department_id)
            return posted.ticket.number, [part.name for part in parts if kept_back(department, part)]

        answered, left_out = _act(here, number, who, act)
    say(f"Answered #{answered}" + (" and closed it." if close else "."))
    if left_out:
        say(f"Not passed on, by the department's policy: {', '.join(left_out)}")


def part_of(here: Installation, name: str, data: bytes) -> Part:
    kind = mimetypes.guess_type(name)[0] or "application/octet-stream"
    found = filetypes.look(name, data)
    sha256 = here.blobs.put(data)
    return Part(name, kind, len(data), sha256, found_type=found.found_type, danger=found.danger)


@click.command()
@number_argument
@text_argument
@as_option
@click.pass_context
def note(ctx: click.Context, number: int, text: str | None, *, who: str | None) -> None:
    """Add an internal note. TEXT, or standard input."""
    words = text_of(text)
    with writing(ctx) as here:
        posted = _act(
            here,
            number,
            who,
            lambda conn, ticket, staff: tickets.note(
                conn, here.desk, here.clock(), ticket=ticket, author=staff, words=Words(text=words)
            ),
        )
    say(f"Noted in #{posted.ticket.number}.")


@click.command()
@number_argument
@click.argument("assignee", required=False)
@as_option
@click.option("--nobody", is_flag=True, help="Take it from whoever has it.")
@click.pass_context
def assign(ctx: click.Context, number: int, assignee: str | None, *, who: str | None, nobody: bool) -> None:
    """Give the ticket to ASSIGNEE: a name, an address, or `me`."""
    if (assignee is None) != nobody:
        raise click.UsageError("say a member of staff, or --nobody")
    with writing(ctx) as here:

        def act(conn: Connection, ticket: Ticket, staff: Person) -> Person | None:
            to = None if assignee is None else staff if assignee == "me" else staff_named(conn, assignee)
            changes.assign(conn, here.desk, here.clock(), ticket=ticket, assignee=to, actor=staff)
            return to

        to = _act(here, number, who, act)
    say(f"#{number} is assigned to {to.shown if to else 'nobody'}.")


@click.command()
@number_argument
@as_option
@click.option("--quietly", is_flag=True, help="The requester is not told.")
@click.pass_context
def close(ctx: click.Context, number: int, *, who: str | None, quietly: bool) -> None:
    """Close the ticket."""
    with writing(ctx) as here:
        _act(
            here,
            number,
            who,
            lambda conn, ticket, staff: changes.set_state(
                conn, here.desk, here.clock(), ticket=ticket, state=State.CLOSED, actor=staff, tell=not quietly
            ),
        )
    say(f"#{number} is closed.")


@click.command()
@number_argument
@click.argument("into", type=TicketNumber())
@as_option
@click.pass_context
def merge(ctx: click.Context, number: int, into: int, *, who: str | None) -> None:
    """Merge the ticket into INTO: mail to the one reaches the other from now on."""
    with writing(ctx) as here:
        target = _act(
            here,
            number,
            who,
            lambda conn, ticket, staff: changes.merge(
                conn, here.desk, here.clock(), ticket=ticket, into=tickets.by_number(conn, into), actor=staff
            ),
        )
    say(f"#{number} is merged into #{target.number}.")


def _act(here: Installation, number: int, who: str | None, act: Callable[[Connection, Ticket, Person], T]) -> T:
    """One change on the writer: who acts and on what are read in the same transaction."""
    return here.store.writer.run(lambda conn: act(conn, tickets.by_number(conn, number), actor_of(conn, who)))


def actor_of(conn: Connection, who: str | None) -> Person:
    if who:
        return staff_named(conn, who)
    every = people.list_staff(conn, disabled=False)
    if not every:
        raise Refused("who", "there is no member of staff who could act: helpdeskd staff add")
    if len(every) > 1:
        raise Refused("who", "there are several members of staff: say who acts with --as ADDRESS, or set HELPDESKD_AS")
    return every[0]


def staff_named(conn: Connection, words: str) -> Person:
    """By name or address. Raises Refused: no-such-staff, ambiguous."""
    try:
        return people.staff_named(conn, words)
    except NotFound as error:
        raise Refused("no-such-staff", f"there is no member of staff called {words}") from error


def text_of(text: str | None) -> str:
    """What is to be said: the argument, or standard input."""
    if text is None or text == "-":
        if sys.stdin.isatty():
            click.echo("Write the text; Ctrl-D ends it.", err=True)
        try:
            text = sys.stdin.buffer.read().decode("utf-8")
        except UnicodeDecodeError:
            raise Refused("not-utf-8", "standard input is not UTF-8 text") from None
    if not text.strip():
        raise Refused("no-text", "there is nothing to say: give TEXT, or write to standard input")
    return text
