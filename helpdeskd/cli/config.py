"""helpdeskd config check|show"""

from __future__ import annotations

from collections.abc import Iterator

import click

from helpdeskd.cli.common import echo_json, json_option, settings
from helpdeskd.config import Config
from helpdeskd.config.load import shown


@click.group()
def command() -> None:
    """Check or show the settings."""


@command.command()
@click.pass_context
def check(ctx: click.Context) -> None:
    """Report every wrong setting with its place; exit 78 if there is one. Then name what is right but worth knowing."""
    config = settings(ctx)
    click.echo("The settings are right.")
    for remark in remarks(config):
        click.echo(f"Note: {remark}")


@command.command()
@json_option
@click.pass_context
def show(ctx: click.Context, *, as_json: bool) -> None:
    """Print what is in force, from file and environment. Secrets are not shown."""
    values = shown(settings(ctx))
    if as_json:
        echo_json(values)
        return
    for section, table in values.items():
        if isinstance(table, list):
            for item in table:
                click.echo(f"\n[[{section}]]")
                _lines(item)
        else:
            click.echo(f"\n[{section}]")
            _lines(table)


def _lines(table: dict[str, object]) -> None:
    for key, value in table.items():
        click.echo(f"{key} = {value!r}")


def remarks(config: Config) -> Iterator[str]:
    """What is no error, but what an operator should know."""
    if not config.outgoing.relay:
        yield "outgoing.relay is not set: tickets are made, but no answer can leave."
    elif config.outgoing.hold:
        yield "outgoing.hold is on: answers are queued and not sent."
    elif config.outgoing.security == "none" and not _is_local(config.outgoing.relay):
        yield "outgoing.security is none: answers (and the password) travel in the clear to another machine."
    if not (config.smtp.listen or config.lmtp.listen or config.mailbox):
        yield "no listener and no mailbox: mail can come in by pipe.py only."
    for listen in config.smtp.listen:
        if not _is_local(listen) and config.smtp.tls_certificate is None:
            yield f"smtp.listen {listen} is open to other machines without smtp.tls_certificate: mail arrives in the clear."
    for box in config.mailbox:
        if box.security == "none" and not _is_local(box.host):
            yield f"mailbox {box.name}: security is none: the password travels in the clear to another machine."
        if box.after == "delete":
            yield f"mailbox {box.name}: mails are deleted on the server once they are safely here."
    if config.paths.spool is not None:
        yield f"paths.spool is not the default: give pipe.py --spool {config.paths.spool} or set HELPDESKD_SPOOL."


def _is_local(place: str) -> bool:
    host = place.rpartition(":")[0] if place.count(":") == 1 else place
    return host.startswith("127.") or host in {"localhost", "::1"} or place.startswith("[::1]")
