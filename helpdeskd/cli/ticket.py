"""helpdeskd ticket: list, show, search here; reply, note, assign, close, merge in ticket_work"""

from __future__ import annotations

import click
from sqlalchemy import Connection

from helpdeskd.cli import ticket_work
from helpdeskd.cli.file import file_line
from helpdeskd.cli.opened import reading
from helpdeskd.cli.outbox import attempt, fate
from helpdeskd.cli.output import echo_json, folded, json_option, moment, say, table
from helpdeskd.cli.ticket_work import number_argument, staff_named
from helpdeskd.desk import departments, people, queries
from helpdeskd.desk.danger import WITHHELD, kept_back
from helpdeskd.errors import NotFound
from helpdeskd.mail import ids
from helpdeskd.model.mail import Verdict
from helpdeskd.model.outgoing import OutboxState
from helpdeskd.model.people import Department, Person
from helpdeskd.model.ticket import History, HistoryEntry, State, Visibility


@click.group()
def command() -> None:
    """Tickets: look at them, and work on them from a terminal."""


for work in (ticket_work.reply, ticket_work.note, ticket_work.assign, ticket_work.close, ticket_work.merge):
    command.add_command(work)


@command.command(name="list")
@click.option(
    "--state",
    "states",
    multiple=True,
    type=click.Choice([s.value for s in State]),
    help="Only these (again for more). [default: all but closed and merged]",
)
@click.option("--all", "everything", is_flag=True, help="Closed and merged ones too.")
@click.option("--department", help="Only this department's.")
@click.option("--assignee", help="Only those of this member of staff (name or address).")
@click.option("--unassigned", is_flag=True, help="Only those that are nobody's.")
@click.option("--tag", default="", help="Only those with this tag.")
@click.option(
    "--limit", type=click.IntRange(1, queries.MAX_PAGE), default=50, show_default=True, help="At most so many."
)
@click.option("--offset", type=click.IntRange(0), default=0, help="Leave out so many: the next page.")
@json_option
@click.pass_context
def list_(
    ctx: click.Context,
    *,
    states: tuple[str, ...],
    everything: bool,
    department: str | None,
    assignee: str | None,
    unassigned: bool,
    tag: str,
    limit: int,
    offset: int,
    as_json: bool,
) -> None:
    """Tickets, the latest word first."""
    if states and everything:
        raise click.UsageError("say --state or --all, not both")
    if assignee and unassigned:
        raise click.UsageError("say --assignee or --unassigned, not both")
    closed = set() if everything else {State.CLOSED, State.MERGED}
    wanted = tuple(State(s) for s in states) or tuple(s for s in State if s not in closed)
    with reading(ctx) as here:
        found = here.store.read(
            lambda conn: queries.list_tickets(
                conn,
                queries.Filters(
                    states=wanted,
                    department_id=_department_id(conn, department),
                    assignee_id=staff_named(conn, assignee).id if assignee else None,
                    unassigned=unassigned,
                    tag=tag,
                ),
                limit=limit,
                offset=offset,
            )
        )
    _rows(found, as_json=as_json)


def _department_id(conn: Connection, name: str | None) -> int | None:
    if name is None:
        return None
    department = departments.by_name(conn, name)
    if department is None:
        raise NotFound("department", name)
    return department.id


@command.command()
@click.argument("words", nargs=-1, required=True)
@click.option(
    "--limit", type=click.IntRange(1, queries.MAX_PAGE), default=50, show_default=True, help="At most so many."
)
@json_option
@click.pass_context
def search(ctx: click.Context, *, words: tuple[str, ...], limit: int, as_json: bool) -> None:
    """Tickets in whose number, subject, texts or people all WORDS stand, closed ones too."""
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
            row.assignee.shown if row.assignee else "-",
            row.requester.email,
            row.ticket.subject,
        )
        for row in found
    ]
    header = ("NUMBER", "STATE", "PRIORITY", "UPDATED (UTC)", "ASSIGNEE", "REQUESTER", "SUBJECT")
    click.echo(table(rows, header) if rows else "No tickets.")


@command.command()
@number_argument
@click.option("--history", "with_history", is_flag=True, help="Its history too.")
@json_option
@click.pass_context
def show(ctx: click.Context, number: int, *, with_history: bool, as_json: bool) -> None:
    """A ticket with its messages, and what became of each mail it sent."""
    with reading(ctx) as here:
        shown, names = here.store.read(lambda conn: _looked_up(conn, number))
    if as_json:
        echo_json(shown)
        return
    _head(shown)
    for item in shown.messages:
        _message(item, shown.department)
    if shown.outbox:
        click.echo("\n--- mails")
    for mail in shown.outbox:
        say(fate(mail))
        tries = shown.attempts.get(mail.id, ())
        if len(tries) > 1 or mail.state is not OutboxState.SENT:
            for each in tries:
                say(f"  {attempt(each)}")
    if with_history:
        click.echo("\n--- history")
        for entry in shown.history:
            _entry(entry, names)


def _looked_up(conn: Connection, number: int) -> tuple[queries.Shown, dict[int, str]]:
    """The ticket, and the names of those who stand in its history by their ids."""
    shown = queries.show(conn, number)
    ids = {entry.actor_id for entry in shown.history}
    ids |= {who for entry in shown.history if entry.kind is History.ASSIGNED for who in _ends(entry)}
    found = people.several(conn, (each for each in ids if each is not None))
    return shown, {person.id: person.shown for person in found.values()}


def _ends(entry: HistoryEntry) -> tuple[int | None, ...]:
    return tuple(
        value if isinstance(value, int) else None for value in (entry.detail.get("from"), entry.detail.get("to"))
    )


def _entry(entry: HistoryEntry, names: dict[int, str]) -> None:
    if entry.kind is History.ASSIGNED:
        before, after = (names.get(who or 0, "nobody") for who in _ends(entry))
        detail = f"from={before} to={after}"
    else:
        detail = " ".join(f"{key}={value}" for key, value in entry.detail.items() if key != "person")
    by = f" by {names[entry.actor_id]}" if entry.actor_id in names else ""
    say(f"{moment(entry.at)}  {entry.kind}{by}  {detail}".rstrip())


def _head(shown: queries.Shown) -> None:
    ticket = shown.ticket
    say(f"{ticket.tag} {ticket.subject}")
    merged = f" into {shown.merged_into.tag}" if shown.merged_into else ""
    pending = f" until {moment(ticket.pending_until)}" if ticket.pending_until else ""
    requester = shown.requester
    for name, value in (
        ("state", f"{ticket.state}{merged}{pending}"),
        ("priority", ticket.priority.value),
        ("department", shown.department.name),
        ("requester", f"{requester.name} <{requester.email}>".lstrip() + _muted(requester)),
        ("participants", ", ".join(person.email + _muted(person) for person in shown.participants)),
        ("assignee", shown.assignee.shown if shown.assignee else "nobody"),
        ("tags", " ".join(shown.tags)),
        ("links", ", ".join(f"{other.ticket.tag} ({other.kind})" for other in shown.links)),
        ("opened", moment(ticket.created_at)),
        ("closed", moment(ticket.closed_at) if ticket.closed_at else ""),
    ):
        if value:
            say(f"{name:<14}{value}")


def _muted(person: Person) -> str:
    return f" (muted since {moment(person.muted_at)})" if person.muted_at else ""


def _message(item: queries.ShownMessage, department: Department) -> None:
    message = item.message
    marks = [] if message.visibility is Visibility.PUBLIC else [message.visibility.value]
    if message.kind.value != "personal":
        marks.append(message.kind.value)
    if message.verdict is not Verdict.NONE:
        marks.append(f"from {message.verdict}")
    say(f"\n--- {moment(message.created_at)}  {item.author_shown}  [{', '.join([*marks, message.reason])}]")
    for piece in folded(message.text, message.quote, forward=ids.is_forward(message.subject)):
        say(piece)
    for file in item.attachments:
        why = kept_back(department, file)
        released = ", released" if file.released_at is not None else ""
        say(f"[file {file.id}: {file_line(file)}{f', {WITHHELD[why]}' if why else released}]")
