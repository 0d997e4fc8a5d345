"""helpdeskd demo"""

from __future__ import annotations

import asyncio

import click


@click.command()
def command() -> None:
    """Show it all: sample mails by three doors, tickets, answers caught by a local sink; stays until Ctrl-C.

    With DEMO_ONCE=1 in the environment it ends after the show. Nothing leaves this machine, nothing stays on it.
    """
    from helpdeskd.demo import show

    asyncio.run(show(click.echo))
