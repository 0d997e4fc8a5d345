"""helpdeskd run"""

from __future__ import annotations

import asyncio
import os

import click

from helpdeskd import log
from helpdeskd.cli.settings import as_owner
from helpdeskd.config.load import load


@click.command()
@click.option(
    "--role",
    "roles",
    multiple=True,
    type=click.Choice(["doors", "imap", "intake", "outgoing", "http"]),
    help="Run only this part (again for more); PostgreSQL only. [default: all]",
)
@click.pass_context
def command(ctx: click.Context, roles: tuple[str, ...]) -> None:
    """Run the daemon until SIGTERM; SIGHUP reads certificates and templates again.

    Started as root it goes on as the owner of the data folder. Ports below 1024 need the systemd unit's capability.
    """
    import uvloop

    from helpdeskd.daemon import Daemon
    from helpdeskd.installation import ROLES

    config = load(ctx.find_root().obj, os.environ)
    log.configure(config.log.style, config.log.level)
    as_owner(config)
    daemon = Daemon(config, tuple(dict.fromkeys(roles)) or ROLES)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(daemon.run())
