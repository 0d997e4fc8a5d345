"""helpdeskd dkim keygen|show"""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click
import msgspec

from helpdeskd.cli.output import echo_json, json_option, say
from helpdeskd.cli.settings import as_owner, give_data, settings
from helpdeskd.config import Config, Dkim
from helpdeskd.config.check import contradictions
from helpdeskd.errors import Refused
from helpdeskd.mail.ids import ascii_domain

if TYPE_CHECKING:
    from helpdeskd.mail.sign import Key


@click.group()
def command() -> None:
    """Keys that sign what we send."""


@command.command()
@click.argument("domain")
@click.option(
    "--selector", default="", help="The key's name in DNS. [default: hdYYYYMM, and hdYYYYMM-ed with --ed25519]"
)
@click.option("--ed25519", is_flag=True, help="Ed25519 instead of RSA; not every server knows it: beside an RSA key.")
@click.pass_context
def keygen(ctx: click.Context, *, domain: str, selector: str, ed25519: bool) -> None:
    """Make a key for DOMAIN, and print the DNS record that publishes it and the lines for the settings.

    It lies where [[dkim]] says, else in the data folder. A key that is there is never written over.
    """
    from helpdeskd.config import dkim
    from helpdeskd.mail.sign import Key

    config = settings(ctx, keys=False)
    domain = ascii_domain(domain.strip().rstrip("."))
    selector = selector or f"hd{datetime.now(UTC):%Y%m}{'-ed' if ed25519 else ''}"
    known = next((e for e in config.dkim if (e.domain.lower(), e.selector) == (domain, selector)), None)
    entry = known or Dkim(domain=domain, selector=selector)
    for key, expected in contradictions(msgspec.structs.replace(config, dkim=(entry,)), keys=False):
        if key.startswith("dkim."):
            raise Refused(f"bad-{key.rpartition('.')[2]}", f"{key.rpartition('.')[2]}: {expected}")
    give_data(config)
    path = config.dkim_file(entry)
    made = Key(domain, selector, dkim.generate(ed25519=ed25519))
    try:
        if entry.key is None:
            as_owner(config)
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            dkim.write(path, made.private)
        else:  # as root, and then the daemon's: the folder may be root's
            dkim.write(path, made.private)
            _give(path, config)
    except FileExistsError as error:
        raise Refused("key-exists", f"there is a key at {path} already: give another --selector") from error
    say(f"Wrote {path}: keep it to yourself.\n\nPublish this in DNS:\n\n{made.zone}")
    if known is None:
        lines = f'[[dkim]]\ndomain = "{domain}"\nselector = "{selector}"'
        say(f"\nAdd to the settings:\n\n{lines}\n\nand restart once helpdeskd check mail --no-send sees the record.")


@command.command()
@json_option
@click.pass_context
def show(ctx: click.Context, *, as_json: bool) -> None:
    """The DNS record of each key in the settings."""
    config = settings(ctx)
    keys = configured(config)
    if as_json:
        found = [{"domain": k.domain, "selector": k.selector, "name": k.place, "record": k.record} for _, k in keys]
        echo_json(found)
        return
    if not keys:
        click.echo("There is no [[dkim]] in the settings: mails go out unsigned. See helpdeskd dkim keygen.")
    for path, key in keys:
        say(f"; {path}\n{key.zone}\n")


def _give(path: Path, config: Config) -> None:
    """As root: the key belongs to the user whom the data folder belongs to."""
    if os.geteuid() == 0 and config.paths.data.exists():
        folder = config.paths.data.stat()
        os.chown(path, folder.st_uid, folder.st_gid)


def configured(config: Config) -> list[tuple[Path, Key]]:
    """The keys of the settings, and where each lies. Raises ConfigError."""
    from helpdeskd.outgoing.signing import read_keys

    by_place = {(key.domain, key.selector): key for keys in read_keys(config).values() for key in keys}
    return [(config.dkim_file(e), by_place[ascii_domain(e.domain), e.selector]) for e in config.dkim]
