"""helpdeskd mail explain|parked|retry|show"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import BinaryIO

import click

from helpdeskd import spool
from helpdeskd.cli.common import clean_text, echo_json, json_option, moment, reading, settings, size, table
from helpdeskd.config import Config
from helpdeskd.desk import receive
from helpdeskd.errors import NotFound, Refused
from helpdeskd.installation import Installation
from helpdeskd.intake import arrived_from
from helpdeskd.mail.parse import parse
from helpdeskd.model.mail import Inbound
from helpdeskd.store import arrivals


@click.group()
def command() -> None:
    """Look into mails: what would happen to one, and what could not be processed."""


@command.command()
@click.argument("file", type=click.File("rb"))
@click.option(
    "--to",
    "recipients",
    multiple=True,
    help="Envelope recipient (again for more). [default: from the mail's own headers]",
)
@click.option("--sender", help="Envelope sender; '' is the null path. [default: unknown]")
@json_option
@click.pass_context
def explain(
    ctx: click.Context, file: BinaryIO, *, recipients: tuple[str, ...], sender: str | None, as_json: bool
) -> None:
    """What would happen to the mail in FILE (- is standard input) and why, without doing it."""
    raw = file.read()
    with reading(ctx) as here:
        inbound = _parsed(here, raw, sender)
        envelope = spool.Envelope(
            id=spool.new_id(), door="pipe", sender=sender or "", sender_known=sender is not None, recipients=recipients
        )
        arrived = arrived_from(envelope, inbound, here.config)
        explained = here.store.read(lambda conn: receive.explain(conn, here.desk, here.clock(), arrived))
    if as_json:
        echo_json({"mail": _facts(inbound), "departments": [_explained(stop) for stop in explained.stops]})
        return
    for name, value in _facts(inbound).items():
        if value not in ("", [], None):
            click.echo(clean_text(f"{name:<13}{'; '.join(map(str, value)) if isinstance(value, list) else value}"))
    click.echo(f"\n{clean_text(inbound.text.strip()) or '(no text)'}")
    if inbound.quote.strip():
        click.echo(f"[{len(inbound.quote.splitlines())} quoted lines, folded]")
    for stop in explained.stops:
        _tell(stop)


def _explained(stop: receive.Explained) -> dict[str, object]:
    """For scripts: what is decided, and on what it rests."""
    return {
        "department": stop.department.name,
        "recipients": stop.recipients,
        "author": stop.facts.author,
        "verdict": stop.verdict,
        "decisions": stop.decisions,
    }


def _tell(stop: receive.Explained) -> None:
    author = stop.facts.author
    who = f"{author.kind} {author.shown}" if author else "nobody we know"
    click.echo(clean_text(f"\n{stop.department.name}: the author is {who}, the verdict is {stop.verdict}"))
    numbers = {match.ticket.id: match.ticket.tag for match in stop.facts.matches}
    for decision in stop.decisions:
        where = f" in {numbers.get(decision.ticket_id, 'another ticket')}" if decision.ticket_id else ""
        extra = [
            words
            for words, said in (
                ("reopened", decision.reopen),
                ("acknowledged", decision.acknowledge),
                (f"linked to {numbers.get(decision.link_to or 0, 'another ticket')}", decision.link_to is not None),
            )
            if said
        ]
        click.echo(
            clean_text(f"  {decision.action}{where}, because {decision.reason}" + "".join(f", {w}" for w in extra))
        )
        for line in decision.evidence:
            click.echo(clean_text(f"    evidence: {line}"))


def _parsed(here: Installation, raw: bytes, sender: str | None) -> Inbound:
    return parse(
        raw,
        sender=sender,
        instance=here.desk.instance,
        own_addresses=here.book.is_ours,
        marker=here.config.desk.marker,
        limits=here.config.intake,
    )


def _facts(inbound: Inbound) -> dict[str, object]:
    return {
        "sha256": inbound.raw_sha256,
        "identity": inbound.identity_sha256 or "none: Message-ID or Date is missing",
        "size": size(inbound.size),
        "message-id": inbound.message_id,
        "in-reply-to": list(inbound.in_reply_to),
        "references": list(inbound.references),
        "from": f"{inbound.author.name} <{inbound.author.email}>" if inbound.author else None,
        "to": [address.email for address in (*inbound.to, *inbound.cc)],
        "subject": inbound.subject,
        "date": moment(inbound.date),
        "kind": inbound.kind.value + (f" ({inbound.kind_why})" if inbound.kind_why else ""),
        "files": [f"{part.name} ({part.content_type}, {size(len(part.data))})" for part in inbound.parts],
        "cut": list(inbound.loose_ends),
    }


@command.command()
@json_option
@click.pass_context
def parked(ctx: click.Context, *, as_json: bool) -> None:
    """Mails that could not be processed, each with its reason."""
    found = spool.parked(_root(settings(ctx)))
    if as_json:
        echo_json(
            [
                {
                    "id": one.id,
                    "at": one.at,
                    "reason": one.reason,
                    "size": one.size,
                    "sender": one.envelope.sender if one.envelope else None,
                }
                for one in found
            ]
        )
        return
    rows = [(one.id, size(one.size), one.envelope.sender if one.envelope else "?", one.reason) for one in found]
    click.echo(table(rows, ("ID", "SIZE", "SENDER", "REASON")) if rows else "Nothing is parked.")


@command.command()
@click.argument("ids", nargs=-1, metavar="ID...")
@click.option("--all", "everything", is_flag=True, help="All that are parked.")
@click.pass_context
def retry(ctx: click.Context, ids: tuple[str, ...], *, everything: bool) -> None:
    """Put parked mails back into the spool, with no strikes, for the daemon to try again."""
    root = _root(settings(ctx))
    if bool(ids) == everything:
        raise click.UsageError("say which ones, or --all")
    for spool_id in ids or [one.id for one in spool.parked(root)]:
        spool.retry(root, spool_id)
        click.echo(f"{spool_id} is back in the spool.")
    spool.ring(root)


@command.command()
@click.argument("spool_id", metavar="ID")
@click.option("--raw", is_flag=True, help="The mail itself, byte for byte, on standard output.")
@json_option
@click.pass_context
def show(ctx: click.Context, spool_id: str, *, raw: bool, as_json: bool) -> None:
    """What became of one accepted mail: ID as the log and `parked` name it."""
    with reading(ctx) as here:
        if raw:
            sys.stdout.buffer.write(_raw(here, spool_id))
            return
        rows = here.store.read(lambda conn: arrivals.all_by_spool(conn, spool_id))
        aside = next((one for one in spool.parked(here.spool_root) if one.id == spool_id), None)
        waiting = spool_id in spool.scan(here.spool_root)
    if not (rows or aside or waiting):
        raise NotFound("mail", spool_id)
    if as_json:
        echo_json(
            {"arrivals": rows, "parked": aside and {"reason": aside.reason, "trace": aside.trace}, "waiting": waiting}
        )
        return
    for row in rows:
        click.echo(
            clean_text(
                f"{moment(row.decided_at)}  {row.outcome}, because {row.reason}; from {row.author}: {row.subject}"
            )
        )
        for line in row.evidence:
            click.echo(clean_text(f"  evidence: {line}"))
    if waiting:
        click.echo("It waits in the spool.")
    if aside:
        click.echo(clean_text(f"It is parked: {aside.reason}\n\n{aside.trace}"))


def _raw(here: Installation, spool_id: str) -> bytes:
    rows = here.store.read(lambda conn: arrivals.all_by_spool(conn, spool_id))
    if rows:
        return here.blobs.get(rows[0].raw_sha256)
    try:
        return spool.claim_parked(here.spool_root, spool_id).raw()
    except NotFound:
        entry = spool.claim(here.spool_root, spool_id)
        if entry is None:
            raise NotFound("mail", spool_id) from None
        return entry.raw()


def _root(config: Config) -> str:
    root = config.paths.spool_dir
    if not Path(root).is_dir():
        raise Refused("no-spool", f"there is no spool at {root}: run helpdeskd init, or give the right config")
    return str(root)
