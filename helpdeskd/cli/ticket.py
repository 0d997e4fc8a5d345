"""helpdeskd ticket list|show|search|reply|note|assign|close|merge"""

from __future__ import annotations

import mimetypes
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import click
from sqlalchemy import Connection

from helpdeskd.cli.common import clean_text, echo_json, json_option, moment, reading, size, table, writing
from helpdeskd.desk import changes, departments, people, queries, tickets
from helpdeskd.desk.context import Part, Words
from helpdeskd.errors import NotFound, Refused
from helpdeskd.installation import Installation
from helpdeskd.model.people import Person
from helpdeskd.model.ticket import State, Ticket, Visibility

T = TypeVar("T")

number_argument = click.argument("number", type=int)
as_option = click.option(
    "--as", "who", envvar="HELPDESKD_AS", help="The address of the member of staff who acts. [default: the only one]"
)
text_argument = click.argument("text", required=False)


@click.group()
def command() -> None:
    """Tickets: look at them, and work on them from a terminal."""


@command.command(name="list")
@click.option(
    "--state",
    "states",
    multiple=True,
    type=click.Choice([s.value for s in State]),
    help="Only these. [default: all but closed]",
)
@click.option("--all", "everything", is_flag=True, help="Closed ones too.")
@click.option("--department", help="Only this department's.")
@click.option("--assignee", help="Only those of this member of staff (address).")
@click.option("--limit", type=click.IntRange(1, 1000), default=50, show_default=True)
@json_option
@click.pass_context
def list_(
    ctx: click.Context,
    *,
    states: tuple[str, ...],
    everything: bool,
    department: str | None,
    assignee: str | None,
    limit: int,
    as_json: bool,
) -> None:
    """Tickets, the latest word first."""
    wanted = tuple(State(s) for s in states) or (
        () if everything else tuple(s for s in State if s not in {State.CLOSED, State.MERGED})
    )
    with reading(ctx) as here:
        found = here.store.read(
            lambda conn: queries.list_tickets(
                conn,
                queries.Filters(
                    states=wanted,
                    department_id=_department_id(conn, department),
                    assignee_id=_staff(conn, assignee).id if assignee else None,
                ),
                limit=limit,
            )
        )
    _rows(found, as_json=as_json)


@command.command()
@click.argument("words", nargs=-1, required=True)
@click.option("--limit", type=click.IntRange(1, 1000), default=50, show_default=True)
@json_option
@click.pass_context
def search(ctx: click.Context, *, words: tuple[str, ...], limit: int, as_json: bool) -> None:
    """Tickets in whose subject, texts or people all WORDS stand."""
    with reading(ctx) as here:
        found = here.store.read(lambda conn: queries.search(conn, " ".join(words), limit=limit))
    _rows(found, as_json=as_json)


def _rows(found: tuple[queries.Line, ...], *, as_json: bool) -> None:
    if as_json:
        echo_json(found)
        return
    rows = [
        (
            row.ticket.number,
            row.ticket.state,
            row.ticket.priority,
            moment(row.ticket.updated_at),
            row.requester.email,
            row.ticket.subject,
        )
        for row in found
    ]
    click.echo(table(rows, ("NUMBER", "STATE", "PRIORITY", "UPDATED", "REQUESTER", "SUBJECT")))


@command.command()
@number_argument
@click.option("--history", "with_history", is_flag=True, help="Its history too.")
@json_option
@click.pass_context
def show(ctx: click.Context, number: int, *, with_history: bool, as_json: bool) -> None:
    """A ticket with its messages, and what became of each mail it sent."""
    with reading(ctx) as here:
        shown = here.store.read(lambda conn: queries.show(conn, number))
    if as_json:
        echo_json(shown)
        return
    ticket = shown.ticket
    click.echo(clean_text(f"{ticket.tag} {ticket.subject}"))
    people_shown = ", ".join(person.email for person in shown.participants)
    for name, value in (
        ("state", ticket.state.value + (f" until {moment(ticket.pending_until)}" if ticket.pending_until else "")),
        ("priority", ticket.priority.value),
        ("department", shown.department.name),
        ("requester", f"{shown.requester.name} <{shown.requester.email}>"),
        ("participants", people_shown),
        ("assignee", shown.assignee.shown if shown.assignee else ""),
        ("tags", " ".join(shown.tags)),
        ("opened", moment(ticket.created_at)),
    ):
        if value:
            click.echo(clean_text(f"{name:<13}{value}"))
    for item in shown.messages:
        _message(item)
    for mail in shown.outbox:
        words = f" ({mail.last_reply})" if mail.last_reply else ""
        again = f", next try {moment(mail.next_at)}" if mail.state.value == "deferred" else ""
        click.echo(clean_text(f"mail  {mail.notice} to {mail.recipient}: {mail.state}{words}{again}"))
    if with_history:
        for entry in shown.history:
            detail = " ".join(f"{key}={value}" for key, value in entry.detail.items())
            click.echo(clean_text(f"{moment(entry.at)}  {entry.kind}  {detail}"))


def _message(item: queries.ShownMessage) -> None:
    message = item.message
    marks = [] if message.visibility is Visibility.PUBLIC else [message.visibility.value]
    if message.kind.value != "personal":
        marks.append(message.kind.value)
    click.echo(
        clean_text(
            f"\n--- {moment(message.created_at)}  {message.author_name or message.author_email or 'system'}  [{', '.join([*marks, message.reason])}]"
        )
    )
    click.echo(clean_text(message.text.strip()))
    if message.quote.strip():
        click.echo(f"[{len(message.quote.splitlines())} quoted lines]")
    for attachment in item.attachments:
        click.echo(clean_text(f"[file: {attachment.name}, {attachment.content_type}, {size(attachment.size)}]"))


@command.command()
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
    words = _text(text)
    with writing(ctx) as here:
        parts = tuple(_part(here, file) for file in files)
        _act(
            here,
            number,
            who,
            lambda conn, ticket, staff: tickets.staff_reply(
                conn,
                here.desk,
                here.clock(),
                ticket=ticket,
                author=staff,
                words=Words(text=words, parts=parts),
                close=close,
            ),
        )
    click.echo(f"Answered #{number}" + (" and closed it." if close else "."))


def _part(here: Installation, file: Path) -> Part:
    data = file.read_bytes()
    kind = mimetypes.guess_type(file.name)[0] or "application/octet-stream"
    return Part(name=file.name, content_type=kind, size=len(data), sha256=here.blobs.put(data))


@command.command()
@number_argument
@text_argument
@as_option
@click.pass_context
def note(ctx: click.Context, number: int, text: str | None, *, who: str | None) -> None:
    """Add an internal note. TEXT, or standard input."""
    words = _text(text)
    with writing(ctx) as here:
        _act(
            here,
            number,
            who,
            lambda conn, ticket, staff: tickets.note(
                conn, here.desk, here.clock(), ticket=ticket, author=staff, words=Words(text=words)
            ),
        )
    click.echo(f"Noted in #{number}.")


@command.command()
@number_argument
@click.argument("assignee", required=False)
@as_option
@click.option("--nobody", is_flag=True, help="Take it from whoever has it.")
@click.pass_context
def assign(ctx: click.Context, number: int, assignee: str | None, *, who: str | None, nobody: bool) -> None:
    """Give the ticket to ASSIGNEE (address)."""
    if (assignee is None) != nobody:
        raise click.UsageError("say an address, or --nobody")
    with writing(ctx) as here:

        def act(conn: Connection, ticket: Ticket, staff: Person) -> Ticket:
            to = None if assignee is None else _staff(conn, assignee)
            return changes.assign(conn, here.desk, here.clock(), ticket=ticket, assignee=to, actor=staff)

        _act(here, number, who, act)
    click.echo(f"#{number} is assigned to {assignee or 'nobody'}.")


@command.command()
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
    click.echo(f"#{number} is closed.")


@command.command()
@number_argument
@click.argument("into", type=int)
@as_option
@click.pass_context
def merge(ctx: click.Context, number: int, into: int, *, who: str | None) -> None:
    """Merge the ticket into INTO: mail to the one reaches the other from now on."""
    with writing(ctx) as here:
        _act(
            here,
            number,
            who,
            lambda conn, ticket, staff: changes.merge(
                conn, here.desk, here.clock(), ticket=ticket, into=tickets.by_number(conn, into), actor=staff
            ),
        )
    click.echo(f"#{number} is merged into #{into}.")


def _act(here: Installation, number: int, who: str | None, act: Callable[[Connection, Ticket, Person], T]) -> T:
    """One change on the writer: who acts and on what are read in the same transaction."""
    return here.store.writer.run(lambda conn: act(conn, tickets.by_number(conn, number), _actor(conn, who)))


def _actor(conn: Connection, who: str | None) -> Person:
    if who is not None:
        return _staff(conn, who)
    every = [person for person in people.list_staff(conn) if person.is_staff]
    if len(every) != 1:
        raise Refused("who", "there are several members of staff (or none): say who acts with --as ADDRESS")
    return every[0]


def _staff(conn: Connection, address: str) -> Person:
    person = people.find(conn, address)
    if person is None or not person.is_staff:
        raise NotFound("member-of-staff", address)
    return person


def _department_id(conn: Connection, name: str | None) -> int | None:
    if name is None:
        return None
    department = departments.by_name(conn, name)
    if department is None:
        raise NotFound("department", name)
    return department.id


def _text(text: str | None) -> str:
    words = sys.stdin.read() if text in {None, "-"} else str(text)
    if not words.strip():
        raise Refused("no-text", "there is nothing to say: give TEXT, or write to standard input")
    return words
