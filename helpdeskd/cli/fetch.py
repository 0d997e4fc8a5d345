"""helpdeskd fetch"""

from __future__ import annotations

import asyncio
import sys

import click

from helpdeskd.cli.common import settings
from helpdeskd.config import Config
from helpdeskd.daemon import StoreLedger, build_intake, build_renderer, build_sender
from helpdeskd.errors import NotFound
from helpdeskd.installation import Installation, held, opened
from helpdeskd.sources.imap import fetch_once

EX_TEMPFAIL = 75


@click.command()
@click.option("--mailbox", "only", help="This mailbox alone. [default: all]")
@click.option(
    "--through", is_flag=True, help="With no daemon running: also make the tickets and send the answers, once."
)
@click.pass_context
def command(ctx: click.Context, *, only: str | None, through: bool) -> None:
    """One pass over the IMAP mailboxes, for cron and timers; exit 75 when one of them failed.

    It writes the spool only, so it may run beside the daemon. A host that has nothing but cron says --through:
    what waits in the spool, pipe.py's mails included, becomes tickets, and what is due is sent.
    """
    config = settings(ctx)
    if only is not None and only not in {box.name for box in config.mailbox}:
        raise NotFound("mailbox", only)
    with held(config, ("intake", "outgoing") if through else ()), opened(config) as here:
        failed = _fetch(here, config, only)
        if through:
            failed |= _through(here)
    sys.exit(EX_TEMPFAIL if failed else 0)


def _fetch(here: Installation, config: Config, only: str | None) -> bool:
    failed = False
    if not config.mailbox:
        click.echo("No mailbox is configured.")
    for box in config.mailbox:
        if only in {None, box.name}:
            result = fetch_once(box, here.spool_root, StoreLedger(here.store), here.clock)
            words = f"failed: {result.error}" if result.error else "done"
            click.echo(f"{box.name}: {result.fetched} fetched, {words}")
            failed |= bool(result.error)
    here.ring()
    return failed


def _through(here: Installation) -> bool:
    intake = build_intake(here)
    taken = intake.once()
    click.echo(f"intake: {taken.received} received, {taken.parked} parked, {taken.waiting} waiting")
    intake.stop()
    if here.config.outgoing.relay:
        sent = asyncio.run(build_sender(here, build_renderer(here)).once())
        click.echo(f"outbox: {sent.sent} sent, {sent.deferred} deferred, {sent.failed} failed, {sent.unknown} unknown")
    else:
        click.echo("outbox: outgoing.relay is not set, nothing can be sent")
    return bool(taken.waiting)
