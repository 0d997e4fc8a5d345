"""helpdeskd rekey"""

from __future__ import annotations

import click
from sqlalchemy import Connection

from helpdeskd.cli.opened import writing
from helpdeskd.cli.output import say
from helpdeskd.installation import TOKEN_KEYS, fresh_key
from helpdeskd.store import settings


@click.command()
@click.option(
    "--void", is_flag=True, help="End all tokens that are out: answers to old mails then need a verified sender."
)
@click.pass_context
def command(ctx: click.Context, *, void: bool) -> None:
    """Draw a new key for reply tokens. Those that are out go on working, unless --void says otherwise."""
    fresh = fresh_key()

    def act(conn: Connection) -> int:
        old: list[str] = [] if void else settings.get(conn, TOKEN_KEYS, [])
        settings.put(conn, TOKEN_KEYS, [fresh, *old])
        return len(old)

    with writing(ctx) as here:
        old = here.store.writer.run(act)
    if void:
        say("A new key signs reply tokens. All that were out are void.")
    else:
        say(f"A new key signs reply tokens. Those of {old} older {'key' if old == 1 else 'keys'} go on working.")
