"""helpdeskd mail explain|parked|retry|show here; audit in audit, export and reparse in mail_again"""

from __future__ import annotations

import sys
from contextlib import closing
from typing import BinaryIO

import click

from helpdeskd import spool, tray
from helpdeskd.cli import mail_again
from helpdeskd.cli.audit import audit
from helpdeskd.cli.file import file_line
from helpdeskd.cli.mail_again import raw_of
from helpdeskd.cli.opened import reading
from helpdeskd.cli.output import echo_json, folded, json_option, lines, moment, of_micros, say, size, table
from helpdeskd.cli.settings import as_owner, settings, spool_of
from helpdeskd.desk import departments, receive
from helpdeskd.desk.arrived import arrived_from, parts_of
from helpdeskd.errors import NotFound, Refused
from helpdeskd.installation import Installation
from helpdeskd.mail import ids
from helpdeskd.mail.outline import outline
from helpdeskd.mail.parse import claimed, not_read
from helpdeskd.model.mail import Inbound
from helpdeskd.parser.wire import Mail
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
    from helpdeskd.intake.checking import files_of  # the other commands judge no mail

    with reading(ctx) as here:
        if here.store.read(departments.first) is None:
            raise Refused("no-department", "there is no department yet: helpdeskd init, or helpdeskd department add")
        inbound = _parsed(here, raw, sender)
        envelope = spool.Envelope(
            id=spool.new_id(),
            door="smtp" if client else "pipe",
            peer=client,
            helo=helo,
            sender=sender or "",
            sender_known=sender is not None,
            recipients=recipients,
        )
        with closing(here.checker()) as checker:
            checked = checker.begin(envelope, raw, inbound, files_of(inbound)).result()
        parts = None if not_read(inbound) else outline(raw, here.config.intake)
        arrived = arrived_from(envelope, inbound, here.config).judged(checked)
        explained = here.store.read(lambda conn: receive.explain(conn, here.desk, here.clock(), arrived))
        refused = [address for address in recipients if not here.book.accepts(address)]
    if as_json:
        facts = _facts(inbound) | ({"structure": parts.plain()} if parts else {})
        echo_json({"mail": facts, "checked": checked, "refused": refused, "decisions": explained.decisions})
        return
    for name, value in _facts(inbound).items():
        if value not in ("", [], None):
            say(f"{name:<13}{'; '.join(map(str, value)) if isinstance(value, list) else value}")
    for line in parts.lines("  ") if parts else ():
        say(line)
    click.echo()
    for piece in folded(inbound.text, inbound.quote, forward=ids.is_forward(inbound.subject)):
        click.echo(lines(piece))
    say(f"\nfrom: {checked.verdict}, because {checked.why}")
    for seal in inbound.seals:
        say(f"  {seal.line}")
    for check in checked.checks:
        say(f"  evidence: {check.line}")
    for line in checked.spam.lines:
        say(line if line.startswith("spam ") else f"  evidence: {line}")
    for address in refused:
        say(
            f"\n{address} is none of our addresses: the SMTP and LMTP doors refuse it (550); a pipe's mail goes on as follows."
        )
    for each in explained.decisions:
        _tell(each)


def _tell(explained: receive.Explained) -> None:
    say(f"\n{explained.department}: {explained.outcome}, because {explained.reason}")
    answer = "; its author gets an automatic answer" if explained.answered else ""
    say(f"  to do: {explained.action}{explained.target}{answer}")
    for line in explained.evidence:
        say(f"  evidence: {line}")


def _parsed(here: Installation, raw: bytes, sender: str | None) -> Inbound:
    """As the daemon reads it: what would crash or hang its parser is seen here, and does no harm here either."""
    with closing(here.parser()) as parser:
        return claimed(parser.one(Mail(raw, sender)), here.book.is_ours)


def _facts(inbound: Inbound) -> dict[str, object]:
    return {
        "sha256": inbound.raw_sha256,
        "identity": inbound.identity_sha256 or "none: Message-ID or Date is missing",
        "size": size(inbound.size),
        "message-id": inbound.message_id,
        "in-reply-to": list(inbound.in_reply_to),
        "references": list(inbound.references),
        "from": f"{inbound.author.name} <{inbound.author.email}>".lstrip() if inbound.author else None,
        "to": [address.email for address in (*inbound.to, *inbound.cc)],
        "subject": inbound.subject,
        "date": moment(inbound.date) if inbound.date else None,
        "kind": inbound.kind.value + (f" ({inbound.kind_why})" if inbound.kind_why else ""),
        "files": [file_line(part) for part in parts_of(inbound)],
        "report": [
            f"{fate.delivery} for {fate.recipient or fate.original or 'nobody named'}: {fate.status} {fate.words}".rstrip()
            for fate in (inbound.report.fates if inbound.report else ())
        ],
        "cut": list(inbound.loose_ends),
    }


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
