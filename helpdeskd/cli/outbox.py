"""helpdeskd outbox list|show|retry|cancel"""

from __future__ import annotations

import click
from sqlalchemy import Connection

from helpdeskd.cli.opened import reading, writing
from helpdeskd.cli.output import echo_json, json_option, moment, say, table
from helpdeskd.cli.ticket_work import TicketNumber, staff_named
from helpdeskd.desk import delivery, queries
from helpdeskd.model.outgoing import OutboxRow, OutboxState
from helpdeskd.model.people import Person
from helpdeskd.store import outbox
from helpdeskd.store.outbox import Attempt

_OVER = frozenset({OutboxState.SENT, OutboxState.CANCELLED})  # nothing to see, nothing to do
_WAITING = frozenset({OutboxState.QUEUED, OutboxState.DEFERRED})

_ID = click.IntRange(1, 2**63 - 1)

who_option = click.option(
    "--as",
    "who",
    envvar="HELPDESKD_AS",
    help="The member of staff whose doing it is, for the ticket's history. [default: HELPDESKD_AS, or nobody]",
)


@click.group()
def command() -> None:
    """Mails that go out: what became of each, and another try or none."""


@command.command(name="list")
@click.option(
    "--state",
    "states",
    multiple=True,
    type=click.Choice([state.value for state in OutboxState]),
    help="Only these (again for more). [default: all but sent and cancelled; with --ticket all]",
)
@click.option("--ticket", "number", type=TicketNumber(), help="Only this ticket's.")
@click.option(
    "--limit", type=click.IntRange(1, queries.MAX_PAGE), default=50, show_default=True, help="At most so many."
)
@json_option
@click.pass_context
def list_(ctx: click.Context, *, states: tuple[str, ...], number: int | None, limit: int, as_json: bool) -> None:
    """What has not arrived, or may not have, the latest first."""
    wanted = tuple(map(OutboxState, states))
    if not wanted and number is None:
        wanted = tuple(state for state in OutboxState if state not in _OVER)
    with reading(ctx) as here:
        found = here.store.read(lambda conn: queries.mails(conn, wanted, number=number, limit=limit))
    if as_json:
        echo_json(found)
        return
    rows = [
        (
            each.mail.id,
            each.mail.state,
            each.mail.notice,
            each.mail.recipient,
            each.number or "-",
            each.mail.attempts,
            moment(each.mail.next_at) if each.mail.state in _WAITING else "-",
            each.mail.last_reply,
        )
        for each in found
    ]
    header = ("ID", "STATE", "NOTICE", "RECIPIENT", "TICKET", "TRIES", "NEXT (UTC)", "LAST WORDS")
    click.echo(table(rows, header) if rows else "No mails.")


@command.command()
@click.argument("outbox_id", metavar="ID", type=_ID)
@json_option
@click.pass_context
def show(ctx: click.Context, outbox_id: int, *, as_json: bool) -> None:
    """One mail and every attempt at it, with the server's words."""
    with reading(ctx) as here:
        shown, attempts = here.store.read(lambda conn: queries.mail(conn, outbox_id))
    if as_json:
        echo_json({"mail": shown.mail, "number": shown.number, "attempts": attempts})
        return
    say(fate(shown.mail))
    for name, value in (
        ("ticket", f"#{shown.number}" if shown.number else ""),
        ("message-id", shown.mail.mail_id),
        ("sha256", shown.mail.raw_sha256 or "not composed yet"),
        ("queued", moment(shown.mail.created_at)),
        ("server id", shown.mail.server_id),
    ):
        if value:
            say(f"{name:<12}{value}")
    for each in attempts:
        say(attempt(each))
    if not attempts:
        click.echo("Not tried yet.")


@command.command()
@click.argument("ids", nargs=-1, metavar="ID...", type=_ID)
@click.option("--failed", is_flag=True, help="All that failed.")
@click.option("--unknown", is_flag=True, help="All of which nobody knows whether they arrived: some will arrive twice.")
@who_option
@click.pass_context
def retry(ctx: click.Context, ids: tuple[int, ...], *, failed: bool, unknown: bool, who: str | None) -> None:
    """Send again what failed, came back, was cancelled or is unknown; send now what waits for its next try."""
    named = {OutboxState.FAILED: failed, OutboxState.UNKNOWN: unknown}
    states = tuple(state for state, asked in named.items() if asked)
    if bool(ids) == bool(states):
        raise click.UsageError("say which ones, or --failed or --unknown")
    with writing(ctx) as here:

        def act(conn: Connection) -> list[OutboxRow]:
            found = outbox.list_rows(conn, states=states, limit=None) if states else []
            chosen = ids or [
                row.id for row in found if row.raw_gone_at is None
            ]  # keep.outbox_days let go of the others
            actor = _actor(conn, who)
            return [delivery.retry(conn, here.clock(), each, actor) for each in chosen]

        done = here.store.writer.run(act)
    for row in done:
        say(f"Mail {row.id} to {row.recipient} is queued again.")
    if not done:
        click.echo("There are none.")


@command.command()
@click.argument("ids", nargs=-1, metavar="ID...", type=_ID, required=True)
@who_option
@click.pass_context
def cancel(ctx: click.Context, ids: tuple[int, ...], *, who: str | None) -> None:
    """Never send what waits. One that does not wait, or is being sent, is refused, and with it all of them."""
    with writing(ctx) as here:

        def act(conn: Connection) -> list[OutboxRow]:
            actor = _actor(conn, who)
            return [delivery.cancel(conn, here.clock(), each, actor) for each in ids]

        done = here.store.writer.run(act)
    for row in done:
        say(f"Mail {row.id} to {row.recipient} is cancelled.")


def _actor(conn: Connection, who: str | None) -> Person | None:
    return staff_named(conn, who) if who else None


def fate(mail: OutboxRow) -> str:
    """What became of a mail, in one line."""
    again = f", next try {moment(mail.next_at)}" if mail.state is OutboxState.DEFERRED else ""
    sent = "" if mail.state is OutboxState.SENT else ", sent"
    at = f"{sent} {moment(mail.sent_at)}" if mail.sent_at else ""
    server = f" as {mail.server_id}" if mail.server_id else ""
    twice = ", possibly twice" if mail.possibly_twice else ""
    words = f" ({mail.last_reply})" if mail.last_reply and mail.state is not OutboxState.SENT else ""
    return f"{mail.id} {mail.notice} to {mail.recipient}: {mail.state}{at}{server}{twice}{words}{again}"


def attempt(each: Attempt) -> str:
    """One try, in one line: when, how it ended, the server's words."""
    return f"{moment(each.at)}  {each.ended:<9}  {each.words}"
