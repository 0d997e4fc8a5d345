"""helpdeskd spam list|release|train"""

from __future__ import annotations

from contextlib import closing

import click

from helpdeskd.cli.mail_again import raw_of
from helpdeskd.cli.opened import reading, writing
from helpdeskd.cli.output import echo_json, json_option, moment, say, table
from helpdeskd.desk import receive
from helpdeskd.desk import spam as held_mail
from helpdeskd.desk.arrived import believe
from helpdeskd.errors import Refused
from helpdeskd.installation import Installation
from helpdeskd.mail.parse import claimed
from helpdeskd.model.routing import Reason
from helpdeskd.parser.wire import Mail
from helpdeskd.parser.worker import Parser


@click.group()
def command() -> None:
    """What is held as spam or for a virus: see it, let it go its way, train rspamd."""


@command.command(name="list")
@json_option
@click.pass_context
def list_(ctx: click.Context, *, as_json: bool) -> None:
    """What is held, oldest first, and why; `mail show ID` and `mail export ID` look closer."""
    with reading(ctx) as here:
        days = here.config.keep.spam_days
        found = here.store.read(lambda conn: held_mail.waiting(conn, days))
    if as_json:
        echo_json(found)
        return
    rows = [
        (
            each.id,
            moment(each.received_at),
            "-" if each.goes_at is None else f"{each.goes_at:%Y-%m-%d}",
            each.author or each.sender or "<>",
            each.why,
            each.subject,
        )
        for each in found
    ]
    header = ("ID", "CAME (UTC)", "KEPT UNTIL", "FROM", "WHY", "SUBJECT")
    click.echo(table(rows, header) if rows else "Nothing is held as spam.")


@command.command()
@click.argument("ids", nargs=-1, metavar="ID...", required=True)
@click.option("--virus", is_flag=True, help="Even what is held for a virus: its files go into a ticket.")
@click.option("--train", "teach", is_flag=True, help="Have rspamd learn first that these are no spam.")
@click.pass_context
def release(ctx: click.Context, ids: tuple[str, ...], *, virus: bool, teach: bool) -> None:
    """Let mails go the way they would have gone had they not been held. One that came within intake.backlog_hours is answered."""
    with writing(ctx) as here, closing(here.parser()) as parser:
        for spool_id in ids:
            _release(here, parser, spool_id, virus=virus, teach=teach)


def _release(here: Installation, parser: Parser, spool_id: str, *, virus: bool, teach: bool) -> None:
    row, kept = here.store.read(lambda conn: held_mail.held(conn, spool_id))
    if row.reason == Reason.VIRUS and not virus:
        why = f"{spool_id} is held for a virus ({kept.why}): release it with --virus, if you are sure"
        raise Refused("virus", why)
    raw = here.blobs.get(row.raw_sha256)
    if teach:
        _learn(here, spool_id, raw, spam=False)
    envelope = held_mail.envelope_of(kept)
    inbound = claimed(parser.one(Mail(raw, envelope.sender if envelope.sender_known else None)), here.book.is_ours)
    believe(inbound, [here.blobs.put(data) for data in (raw, *(part.data for part in inbound.parts))])
    now = here.clock()
    arrived = held_mail.as_ham(row, kept, inbound, here.config, now)
    desk = here.desk_at(arrived.door)
    done = here.store.writer.run(lambda conn: receive.release(conn, desk, now, arrived))
    here.ring()  # the first one's answer does not wait for the last one
    for each in done:
        ticket = "" if each.number is None else f" in [#{each.number}]"
        say(f"{spool_id}: {each.department}: {each.outcome}, because {each.reason}{ticket}")


@command.command()
@click.argument("ids", nargs=-1, metavar="ID...", required=True)
@click.option("--spam/--ham", "spam", default=True, help="What they are.  [default: spam]")
@click.pass_context
def train(ctx: click.Context, ids: tuple[str, ...], *, spam: bool) -> None:
    """Have rspamd learn that these mails are spam, or are none. Any accepted mail will do, held or not; nothing else happens to it."""
    with reading(ctx) as here:
        for spool_id in ids:
            _learn(here, spool_id, raw_of(here, spool_id), spam=spam)


def _learn(here: Installation, spool_id: str, raw: bytes, *, spam: bool) -> None:
    from helpdeskd.intake import rspamd  # HTTP, which the other commands do without

    what = "spam" if spam else "ham"
    learnt = rspamd.learn(here.config.spam, raw, spam=spam)
    say(f"{spool_id}: " + (f"learnt as {what}" if learnt else f"rspamd had learnt it as {what} already"))
