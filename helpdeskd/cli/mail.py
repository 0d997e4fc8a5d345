"""helpdeskd mail explain|parked|retry|show here; audit in audit, export and reparse in mail_again"""

from __future__ import annotations

import sys
from contextlib import closing
from typing import BinaryIO

import click

from helpdeskd import spool, tray
from helpdeskd.cli import mail_again
from helpdeskd.cli.audit import audit
from helpdeskd.cli.mail_again import raw_of
from helpdeskd.cli.opened import reading
from helpdeskd.cli.output import echo_json, json_option, lines, moment, of_micros, say, size, table
from helpdeskd.cli.settings import as_owner, settings, spool_of
from helpdeskd.desk import departments
from helpdeskd.errors import NotFound, Refused
from helpdeskd.store import arrivals


@click.group()
def command() -> None:
    """Look into mails: what would happen to one, and what could not be processed."""


for other in (audit, mail_again.export, mail_again.reparse):
    command.add_command(other)


@command.command()
@click.argument("file", type=click.File("rb"))
@click.option(
    "--to",
    "recipients",
    multiple=True,
    help="Envelope recipient (again for more). [default: from the mail's own headers]",
)
@click.option("--sender", help="Envelope sender; '' is the null path. [default: unknown]")
@click.option(
    "--client", default="", help="Address of the client that brought it to our SMTP door. [default: a pipe did]"
)
@click.option("--helo", default="", help="The name that this client gave.")
@json_option
@click.pass_context
def explain(
    ctx: click.Context,
    file: BinaryIO,
    *,
    recipients: tuple[str, ...],
    sender: str | None,
    client: str,
    helo: str,
    as_json: bool,
) -> None:
    """What would happen to the mail in FILE (- is standard input) and why, without doing it."""
    if client and sender is None:
        raise click.UsageError("--client wants --sender beside it: SPF is about both")
    raw = file.read()
    from helpdeskd.cli import mail_explained  # the other commands judge no mail

    with reading(ctx) as here:
        if here.store.read(departments.first) is None:
            raise Refused("no-department", "there is no department yet: helpdeskd init, or helpdeskd department add")
        envelope = spool.Envelope(
            id=spool.new_id(),
            door="smtp" if client else "pipe",
            peer=client,
            helo=helo,
            sender=sender or "",
            sender_known=sender is not None,
            recipients=recipients,
        )
        with closing(here.parser()) as parser, closing(here.checker()) as checker:
            told = mail_explained.explain(here, parser, checker, raw, envelope)
    if as_json:
        echo_json(told.plain())
        return
    for line in told.lines():
        click.echo(lines(line))


@command.command()
@json_option
@click.pass_context
def parked(ctx: click.Context, *, as_json: bool) -> None:
    """Mails that could not be processed, each with its reason."""
    config = settings(ctx)
    as_owner(config)
    found = tray.parked(spool_of(config))
    if as_json:
        echo_json(
            [
                {
                    "id": one.id,
                    "at": of_micros(one.at),
                    "reason": one.reason,
                    "size": one.size,
                    "sender": one.envelope.sender if one.envelope else None,
                }
                for one in found
            ]
        )
        return
    rows = [
        (one.id, moment(of_micros(one.at)), size(one.size), one.envelope.sender if one.envelope else "?", one.reason)
        for one in found
    ]
    click.echo(table(rows, ("ID", "PARKED", "SIZE", "SENDER", "REASON")) if rows else "Nothing is parked.")


@command.command()
@click.argument("ids", nargs=-1, metavar="ID...")
@click.option("--all", "everything", is_flag=True, help="All that are parked.")
@click.pass_context
def retry(ctx: click.Context, ids: tuple[str, ...], *, everything: bool) -> None:
    """Put parked mails back into the spool, with no strikes, for the daemon to try again."""
    config = settings(ctx)
    if bool(ids) == everything:
        raise click.UsageError("say which ones, or --all")
    as_owner(config)
    root = spool_of(config)
    try:
        for spool_id in ids or [one.id for one in tray.parked(root)]:
            tray.retry(root, spool_id)
            say(f"{spool_id} is back in the spool.")
    finally:
        spool.ring(root)  # for those before the one that failed, too


@command.command()
@click.argument("spool_id", metavar="ID")
@click.option("--raw", is_flag=True, help="The mail itself, byte for byte, on standard output.")
@json_option
@click.pass_context
def show(ctx: click.Context, spool_id: str, *, raw: bool, as_json: bool) -> None:
    """What became of one accepted mail: ID as the log and `parked` name it."""
    with reading(ctx) as here:
        if raw:
            _write(raw_of(here, spool_id))
            return
        rows = here.store.read(lambda conn: arrivals.all_by_spool(conn, spool_id))
        aside = next((one for one in tray.parked(here.spool_root) if one.id == spool_id), None)
        waiting = spool_id in tray.scan(here.spool_root)
    if not (rows or aside or waiting):
        raise NotFound("mail", spool_id)
    if as_json:
        echo_json(
            {"arrivals": rows, "parked": aside and {"reason": aside.reason, "trace": aside.trace}, "waiting": waiting}
        )
        return
    for row in rows:
        say(
            f"{moment(row.decided_at)}  {row.outcome}, because {row.reason}; from {row.author or row.sender or '<>'}: {row.subject}"
        )
        for line in row.evidence:
            say(f"  evidence: {line}")
        if row.held:
            say(f"  held: {row.held.why}")
        if row.let_go:
            say(f"  raw mail: {row.let_go}")
    if waiting:
        click.echo("It waits in the spool.")
    if aside:
        say(f"It is parked: {aside.reason}\n\n{aside.trace}")


def _write(raw: bytes) -> None:
    """Bytes for a file or a pipe; at a terminal, what could steer it is left out."""
    if sys.stdout.isatty():
        say(raw.decode("utf-8", "replace"))
    else:
        sys.stdout.buffer.write(raw)
