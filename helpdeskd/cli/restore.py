"""helpdeskd restore"""

from __future__ import annotations

from pathlib import Path

import click

from helpdeskd.backup import manifest
from helpdeskd.cli.output import say
from helpdeskd.cli.settings import as_owner, give_data, settings
from helpdeskd.errors import Refused
from helpdeskd.model.clock import now


@click.command()
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False, exists=True), metavar="DIR")
@click.option("--verify-only", is_flag=True, help="Read and check all of it, and write nothing.")
@click.option(
    "--outbox",
    type=click.Choice(["hold", "send"]),
    default="hold",
    show_default=True,
    help="What waited to go out, and may have gone out since: held as unknown, or sent.",
)
@click.option("--without-damaged", is_flag=True, help="Go on without raw mails and attachments that are damaged.")
@click.pass_context
def command(ctx: click.Context, folder: Path, *, verify_only: bool, outbox: str, without_damaged: bool) -> None:
    """Put a backup back where nothing is: DIR, or the newest backup in it.

    The settings' file is yours to write: the one in the backup has no secrets. Start the daemon afterwards.
    """
    if verify_only:
        _checked(folder, without_damaged=without_damaged)
        return
    config = settings(ctx, keys=False)  # DKIM's may come after: they are in no backup
    give_data(config)
    as_owner(config)
    found = _checked(folder, without_damaged=without_damaged)
    from helpdeskd.backup.restore import restore

    done = restore(config, found, now(), send=outbox == "send")
    say(f"Restored: {done.tickets} tickets, {done.blobs} raw mails and attachments, {done.spooled} mails in the spool.")
    if found.manifest.blobs:
        say(f"Raw mails and attachments are expected in {found.manifest.blobs}: the settings must lead there.")
    if done.held:
        say(f"Held, because they may have gone out since: {len(done.held)} mails, now unknown. Each can be sent again:")
    for row in done.held:
        say(f"  {row.id}  {row.notice}  {row.recipient}")
    if done.queued:
        say(f"Queued again, each marked as possibly sent twice: {done.queued} mails.")
    say(f"The settings that were in force, without secrets: {found.folder / manifest.SETTINGS}.")


def _checked(folder: Path, *, without_damaged: bool) -> manifest.Found:
    found = manifest.check(manifest.newest(folder))
    for file in found.damaged:
        say(f"Damaged: {found.folder / file}")
    if found.damaged and not without_damaged:
        raise Refused(
            "damaged", f"{found.folder}: {len(found.damaged)} damaged; --without-damaged restores all but these"
        )
    made = found.manifest
    say(
        f"{found.folder}: made {made.made_at:%Y-%m-%d %H:%M} UTC by helpdeskd {made.made_by}; "
        f"{len(found.files)} files are what they were."
    )
    return found
