"""The exact lines for Postfix, Exim or an IMAP mailbox, with this installation's paths. docs/install.md explains them."""

from __future__ import annotations

from pathlib import Path

from helpdeskd.config import Config
from helpdeskd.config.load import DEFAULT_FILE

CHROOT = "unix:/var/spool/postfix"  # Debian's Postfix sees nothing outside


def next_steps(config: Config, address: str, file: Path, pipe: Path) -> str:
    """What to do now. `address`: the department's; `pipe`: the script that takes a mail on standard input."""
    local, _, domain = address.partition("@")
    spool = config.paths.spool_dir
    command = str(pipe) + ("" if spool == Config().paths.spool_dir else f" --spool {spool}")
    option = "" if file == DEFAULT_FILE else f" --config {file}"
    return f"""\
Bring the mail in by one of these (docs/install.md says more of each):

  Postfix, pipe(8). In /etc/postfix/master.cf:
    helpdeskd unix - n n - 10 pipe
      -o soft_bounce=yes
      flags=Rq user=helpdeskd argv={command} --sender ${{sender}} -- ${{recipient}}
  In /etc/postfix/main.cf:
    recipient_delimiter = +
    transport_maps = hash:/etc/postfix/transport
  In /etc/postfix/transport (then: postmap /etc/postfix/transport; postfix reload):
    {address}    helpdeskd:

  Postfix, an alias, in an alias file that belongs to the user helpdeskd (its .db too):
    {local}: "|{command} || exit 75"

  Postfix, LMTP. {_lmtp(config, address)}

  Exim. In the routers:
    helpdeskd_router:
      driver = accept
      domains = {domain}
      local_parts = {local}
      local_part_suffix = +*
      local_part_suffix_optional
      transport = helpdeskd_pipe
  and in the transports:
    helpdeskd_pipe:
      driver = pipe
      command = {command}
      user = helpdeskd
      group = helpdeskd
      temp_errors = *
      freeze_signal
      timeout_defer
      message_prefix =
      message_suffix =

  IMAP. In {file}:
    [[mailbox]]
    name = "{_name(local)}"
    host = "imap.{domain}"
    user = "{address}"
    password_file = "/etc/helpdeskd/imap-password"

Then: helpdeskd{option} run (or systemctl start helpdeskd), and helpdeskd{option} status."""


def _lmtp(config: Config, address: str) -> str:
    place = next(iter(config.lmtp.listen), "")
    if not place:
        return f"""In the config, so that a chrooted Postfix reaches it:
    [lmtp]
    listen = ["{CHROOT}/helpdeskd/lmtp"]
  and in /etc/postfix/transport:
    {address}    lmtp:unix:/helpdeskd/lmtp"""
    if place.startswith("unix:"):
        return (
            f"In /etc/postfix/transport:\n    {address}    lmtp:unix:{place.removeprefix(CHROOT).removeprefix('unix:')}"
        )
    host, _, port = place.rpartition(":")
    return f"In /etc/postfix/transport:\n    {address}    lmtp:inet:{host or '127.0.0.1'}:{port}"


def _name(local: str) -> str:
    """What may name a mailbox: letters, digits, dots, dashes."""
    return "".join(c if c.isascii() and (c.isalnum() or c in "._-") else "-" for c in local)[:64]
