"""helpdeskd init"""

from __future__ import annotations

import os
from pathlib import Path

import click
from sqlalchemy import Connection

from helpdeskd import log, resources
from helpdeskd.config import Config
from helpdeskd.config.load import DEFAULT_FILE, load
from helpdeskd.desk import departments, people
from helpdeskd.errors import Refused
from helpdeskd.installation import Installation, opened


@click.command()
@click.option(
    "--address", prompt="Support address", help="The address customers write to, such as support@example.com."
)
@click.option("--department", default="Support", show_default=True, help="The name of the first department.")
@click.option(
    "--admin", "admin_address", prompt="Administrator's address", help="Where the first member of staff reads mail."
)
@click.option("--admin-name", default="", help="The administrator's name. [default: from the address]")
@click.option("--data", type=click.Path(path_type=Path), help="The data folder. [default: as the config says]")
@click.option("--relay", default="", help="The SMTP server that takes our mail, host or host:port.")
@click.pass_context
def command(
    ctx: click.Context,
    *,
    address: str,
    department: str,
    admin_address: str,
    admin_name: str,
    data: Path | None,
    relay: str,
) -> None:
    """Write a commented config, create the store, add the first department and its administrator.

    Run it again as often as you like: what is there stays as it is. It ends with the lines your mail server needs.
    """
    file: Path = ctx.find_root().obj or DEFAULT_FILE
    if file.exists():
        click.echo(f"Kept {file}.")
    else:
        _write_config(file, data, relay)
        click.echo(f"Wrote {file}: every setting with its default, and what it is for.")
    config = load(file, os.environ)
    log.configure(config.log.style, "warning")
    with opened(config) as here:
        _first_department(here, department, address)
        _first_admin(here, admin_address, admin_name)
    click.echo(f"The store is {_without_password(config.store_url)}.")
    click.echo("")
    click.echo(next_steps(config, address, file))


def _write_config(file: Path, data: Path | None, relay: str) -> None:
    text = (resources.find("config") / "helpdeskd.toml").read_text(encoding="utf-8")
    if data is not None:
        text = text.replace(f'data = "{Config().paths.data}"', f'data = "{data.resolve()}"', 1)
    if relay:
        text = text.replace('relay = ""', f'relay = "{relay}"', 1)
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        # The file may come to hold passwords. "x": never overwrites, whatever another process did meanwhile.
        with open(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o640), "w", encoding="utf-8") as out:  # noqa: PTH123
            out.write(text)
    except OSError as error:
        raise Refused("config-not-written", f"cannot write {error.filename or file}: {error.strerror}") from error


def _first_department(here: Installation, name: str, address: str) -> None:
    found = here.store.read(lambda conn: departments.by_address(conn, address))
    if found is not None:
        click.echo(f"Kept the department {found.name} <{found.address}>.")
        return
    added = here.store.writer.run(
        lambda conn: departments.add(conn, here.desk, here.clock(), name=name, addresses=(address,), sender_name=name)
    )
    click.echo(f"Added the department {added.name} <{added.address}>.")


def _first_admin(here: Installation, address: str, name: str) -> None:
    found = here.store.read(lambda conn: people.find(conn, address))
    if found is not None and found.is_staff:
        click.echo(f"Kept {found.shown}, a member of staff.")
        return

    def add(conn: Connection) -> None:
        every = tuple(department.id for department in departments.list(conn))
        people.add_staff(
            conn,
            here.desk,
            here.clock(),
            name=name or address.partition("@")[0],
            email=address,
            level=3,
            departments=every,
            notify=True,
        )

    here.store.writer.run(add)
    click.echo(f"Added the administrator {name or address}, who is told of every new ticket at {address}.")


def next_steps(config: Config, address: str, file: Path) -> str:
    """The exact lines for Postfix, Exim or an IMAP mailbox."""
    pipe = resources.find("pipe.py")
    where = "" if config.paths.spool_dir == Path("/var/lib/helpdeskd/spool") else f" --spool {config.paths.spool_dir}"
    local, _, domain = address.partition("@")
    lmtp = next((place for place in config.lmtp.listen if place.startswith("unix:")), "")
    return f"""Bring the mail in by one of these (docs/install.md has the whole of each):

  Postfix, pipe(8): in master.cf
    helpdeskd unix - n n - 10 pipe
      flags=Rq user=helpdeskd argv={pipe}{where} --sender ${{sender}} ${{recipient}}
  and in main.cf, with recipient_delimiter = +, a transport map that says
    {address}    helpdeskd:

  Postfix, LMTP: {
        f"the transport map says  {address}    lmtp:{lmtp}"
        if lmtp
        else 'set [lmtp] listen = ["unix:/var/spool/postfix/helpdeskd/lmtp"]; the transport map says'
        f"  {address}    lmtp:unix:/helpdeskd/lmtp"
    }

  Exim: a router for {local}@{domain} to this transport
    helpdeskd:
      driver = pipe
      command = {pipe}{where} --sender $sender_address $local_part$local_part_suffix@$domain
      user = helpdeskd
      temp_errors = *
      freeze_signal
      timeout_defer
      message_prefix =
      message_suffix =

  IMAP: in {file}
    [[mailbox]]
    name = "{local}"
    host = "imap.{domain}"
    user = "{address}"
    password_file = "/etc/helpdeskd/imap-password"

Then: helpdeskd run (or systemctl start helpdeskd), and helpdeskd status."""


def _without_password(url: str) -> str:
    from sqlalchemy import make_url

    return make_url(url).render_as_string(hide_password=True)
