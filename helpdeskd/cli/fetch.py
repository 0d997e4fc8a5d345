"""helpdeskd fetch"""

from __future__ import annotations

import asyncio
from contextlib import ExitStack

import click

from helpdeskd.cli import EX_TEMPFAIL
from helpdeskd.cli.opened import opened
from helpdeskd.cli.output import say
from helpdeskd.cli.settings import as_owner, settings
from helpdeskd.config import Config
from helpdeskd.errors import NotFound, Refused
from helpdeskd.installation import ROLES, Installation, held, is_held


@click.command()
@click.option("--mailbox", "only", help="This mailbox alone. [default: all]")
@click.option(
    "--through", is_flag=True, help="With no daemon running: also make the tickets and send the answers, once."
)
@click.pass_context
def command(ctx: click.Context, *, only: str | None, through: bool) -> None:
    """One pass over the IMAP mailboxes, for cron and timers; exit 75 when one of them failed.

    It writes the spool only, so it may run beside the daemon. A host that has nothing but cron says --through:
    what waits in the spool, pipe.py's mails included, becomes tickets, and what is due is sent. Where a daemon runs
    after all, that is left to it.
    """
    config = settings(ctx)
    if only is not None and only not in {box.name for box in config.mailbox}:
        raise NotFound("mailbox", only)
    as_owner(config)
    with ExitStack() as stack:
        if through:
            through = _alone(stack, config)
        here = stack.enter_context(opened(config))
        failed = _fetch(here, config, only, alone=through)
        if through:
            failed |= _through(here)
    if failed:
        ctx.exit(EX_TEMPFAIL)


def _alone(stack: ExitStack, config: Config) -> bool:
    """Are all roles ours until the stack ends?"""
    if not config.paths.data.is_dir():
        return True  # `opened` has better words for it
    try:
        stack.enter_context(held(config, ROLES))
    except Refused as error:
        if error.reason != "already-running":
            raise
        click.echo("The daemon runs: tickets and answers are left to it.")
        return False
    return True


def _fetch(here: Installation, config: Config, only: str | None, *, alone: bool) -> bool:
    from helpdeskd.daemon import StoreLedger
    from helpdeskd.sources.imap import fetch_once

    failed = False
    if not config.mailbox:
        click.echo("No mailbox is configured.")
    watched = not alone and is_held(config, "imap")
    ledger = StoreLedger(here.store)
    for box in config.mailbox:
        if only not in {None, box.name}:
            continue
        if watched:
            say(f"{box.name}: the daemon watches it")
            continue
        result = fetch_once(box, here.spool_root, ledger, here.clock)
        words = f"failed: {result.error}" if result.error else "done"
        say(f"{box.name}: {result.fetched} fetched, {words}")
        failed |= bool(result.error)
    ledger.release()
    if not alone:
        here.ring()
    return failed


def _through(here: Installation) -> bool:
    from helpdeskd import housekeeping, tray
    from helpdeskd.daemon import build_intake, build_renderer, build_sender
    from helpdeskd.outgoing.transport import Relay

    intake = build_intake(here)
    taken = intake.once()
    intake.close()
    housekeeping.automate(here)
    housekeeping.once_a_day(here)
    tray.sweep(here.spool_root, here.clock().timestamp())
    later = f", {taken.put_off} put off until DNS answers" if taken.put_off else ""
    click.echo(f"intake: {taken.received} received, {taken.parked} parked, {taken.waiting} waiting{later}")
    sender = build_sender(here, build_renderer(here), Relay(here.config.outgoing))
    if sender.idle_because:
        click.echo(f"outbox: {sender.idle_because}")
    else:
        sent = asyncio.run(sender.once())
        click.echo(f"outbox: {sent.sent} sent, {sent.deferred} deferred, {sent.failed} failed, {sent.unknown} unknown")
    return bool(taken.waiting)
