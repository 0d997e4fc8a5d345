"""helpdeskd backup"""

from __future__ import annotations

from pathlib import Path

import click

from helpdeskd.cli.opened import reading
from helpdeskd.cli.output import say
from helpdeskd.resources import version


@click.command()
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False), metavar="DIR")
@click.pass_context
def command(ctx: click.Context, folder: Path) -> None:
    """Make a backup in DIR, in a folder named by the time, while the daemon runs.

    Store, raw mails and attachments, the spool, and the settings without secrets. The next one in the same DIR shares
    what has not changed. It is complete or not there.
    """
    from helpdeskd.backup.make import make

    with reading(ctx) as here:
        made = make(here, folder.absolute(), version())
        elsewhere = made.manifest.blobs
    rows = made.manifest.rows
    say(
        f"{made.folder}: {rows['ticket']} tickets, {rows['message']} messages, {made.manifest.spooled} mails in the spool."
    )
    if elsewhere:
        say(f"Raw mails and attachments are not in it: they are in {elsewhere}.")
    else:
        say(
            f"{made.blobs} raw mails and attachments, {made.fresh} of them copied and the others shared with what was there."
        )
    for sha256 in made.manifest.missing:
        say(f"Note: the blob {sha256}, which the store names, is not there or is damaged: it is not in the backup.")
    for spool_id in made.manifest.unreadable:
        say(f"Note: {spool_id} in the spool cannot be read: it is not in the backup.")
