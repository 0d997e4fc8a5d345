"""helpdeskd config check|show, and what is worth knowing about settings that are right"""

from __future__ import annotations

import re
from collections.abc import Iterator

import click

from helpdeskd.cli.output import echo_json, json_option, say
from helpdeskd.cli.settings import languages, settings
from helpdeskd.config import Config
from helpdeskd.config.check import AT_RISK
from helpdeskd.config.load import shown
from helpdeskd.config.toml import lines


@click.group()
def command() -> None:
    """Check or show the settings."""


@command.command()
@json_option
@click.pass_context
def check(ctx: click.Context, *, as_json: bool) -> None:
    """Report every wrong setting with its place; exit 78 if there is one. Then name what is right but worth knowing."""
    config = settings(ctx)
    notes = list(remarks(config))
    if as_json:
        echo_json({"notes": notes})
        return
    click.echo("The settings are right.")
    for note in notes:
        say(f"Note: {note}")


@command.command()
@json_option
@click.pass_context
def show(ctx: click.Context, *, as_json: bool) -> None:
    """Print what is in force, from file and environment, as TOML. Secrets are not shown."""
    config = settings(ctx)
    if as_json:
        echo_json(shown(config))
        return
    for line in lines(config):
        say(line)


def remarks(config: Config) -> Iterator[str]:
    """What is no error, but what an operator should know."""
    if config.store.risk_losing_mail:
        yield AT_RISK
    if not config.outgoing.relay:
        yield "outgoing.relay is not set: tickets are made, but no answer can leave."
    elif config.outgoing.hold:
        yield "outgoing.hold is on: answers are queued and not sent."
    elif config.outgoing.security == "none" and not is_local(config.outgoing.relay):
        secrets = " (and the password)" if config.outgoing.user else ""
        yield f"outgoing.security is none: answers{secrets} travel in the clear to another machine."
    if not (config.smtp.listen or config.lmtp.listen or config.mailbox):
        yield "no listener and no mailbox: mail can come in by pipe.py only."
    for listen in config.smtp.listen:
        if not is_local(listen) and config.smtp.tls_certificate is None:
            yield f"smtp.listen {listen} is open to other machines without smtp.tls_certificate: mail arrives in the clear."
    for box in config.mailbox:
        if box.security == "none" and not is_local(box.host):
            yield f"mailbox {box.name}: security is none: the password travels in the clear to another machine."
        if box.after == "delete":
            yield f"mailbox {box.name}: mails are deleted on the server once they are safely here."
    yield from _unbelieved(config)
    if config.paths.spool_dir != Config().paths.spool_dir:
        yield f"the spool is not at its default place: give pipe.py --spool {config.paths.spool_dir}, or set HELPDESKD_SPOOL."
    if config.blobs.url:
        if config.blobs.endpoint.startswith("http://") and not is_local(config.blobs.endpoint.removeprefix("http://")):
            yield "blobs.endpoint is http: mails travel in the clear to another machine."
        if config.paths.blobs:
            yield f"paths.blobs is not used: raw mails and attachments are in {config.blobs.url}."
    elif config.store_url.startswith("postgresql"):
        yield f"raw mails and attachments lie in {config.paths.blob_dir}: this is for one node; several need blobs.url."
    known = languages(config)
    if config.desk.language not in known:
        yield f"desk.language is {config.desk.language}, of which there are no texts: English is used (there are {', '.join(known)})."


def _unbelieved(config: Config) -> Iterator[str]:
    """Doors whose mails can only ever get the verdict none, or never fail (docs/trust.md)."""
    servers = bool(config.trust.authserv_ids)
    doors = {
        "smtp": bool(config.smtp.listen) and not servers,
        "lmtp": bool(config.lmtp.listen) and not servers,
        "pipe": not (servers or config.trust.dns),
        **{f"mailbox {box.name}": not box.authserv_ids for box in config.mailbox},
    }
    for door in (door for door, bare in doors.items() if bare):
        if not config.trust.dns:
            lost = (
                " Commands of staff can never be given there (trust.profile)."
                if config.trust.profile == "strict"
                else ""
            )
            yield f"{door}: without trust.dns and authserv_ids no sender can be verified: every verdict is none.{lost}"
        elif door != "smtp":
            yield f"{door}: without authserv_ids a sender is verified by DKIM alone, and a forged one is never told (no verdict fail)."


def is_local(place: str) -> bool:
    """Is this host, host:port or unix:/path on this machine?"""
    host = place.rpartition(":")[0] if place.count(":") == 1 else place
    local = re.fullmatch(r"127\.\d+\.\d+\.\d+|localhost|unix|::1", host)
    return local is not None or place.startswith("[::1]")
