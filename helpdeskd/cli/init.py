"""helpdeskd init: the config, the store, the first department and administrator"""

from __future__ import annotations

import os
import pwd
import shutil
import sys
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import click
from sqlalchemy import Connection, make_url

from helpdeskd import log, resources
from helpdeskd.cli.config import is_local, remarks
from helpdeskd.cli.mta import next_steps
from helpdeskd.cli.output import say
from helpdeskd.cli.settings import USER, as_owner, give_data
from helpdeskd.config import Config, Outgoing
from helpdeskd.config.check import contradictions
from helpdeskd.config.load import DEFAULT_FILE, load
from helpdeskd.config.toml import toml
from helpdeskd.desk import addresses, departments, people
from helpdeskd.errors import Refused
from helpdeskd.installation import Installation, is_held, open_installation
from helpdeskd.model.people import PersonKind


@dataclass(frozen=True, slots=True)
class Wanted:
    """What was asked for on the command line; empty: not said."""

    address: str
    department: str
    admin: str
    admin_name: str


@click.command()
@click.option("--address", default="", help="The address customers write to, such as support@example.com.")
@click.option("--department", default="Support", show_default=True, help="The name of the first department.")
@click.option("--admin", default="", help="Where the first member of staff, an administrator, reads mail.")
@click.option("--admin-name", default="", help="The administrator's name. [default: from the address]")
@click.option(
    "--data", type=click.Path(path_type=Path, file_okay=False), help="The data folder. [default: /var/lib/helpdeskd]"
)
@click.option("--relay", default="", help="The SMTP server that takes our mail, host or host:port.")
@click.option(
    "--relay-security",
    type=click.Choice(["none", "starttls", "tls"]),
    help="How to talk to it. [default: none on this machine, tls for port 465, else starttls]",
)
@click.pass_context
def command(
    ctx: click.Context,
    *,
    address: str,
    department: str,
    admin: str,
    admin_name: str,
    data: Path | None,
    relay: str,
    relay_security: str | None,
) -> None:
    """Write a commented config, create the store, add the first department and its administrator.

    Run it again as often as you like: what is there stays as it is. It ends with the lines your mail server needs.
    """
    file: Path = ctx.find_root().obj or DEFAULT_FILE
    fresh = not _exists(file)
    if fresh:  # ask before anything is written
        address, admin = address or _ask("--address", "Support address"), admin or _ask("--admin", "Your own address")
    wanted = _checked(Wanted(address, department, admin, admin_name))
    if fresh:
        _write_config(file, data, _relay(relay, relay_security))
        say(f"Wrote {file}: every setting with its default, and what it is for.")
    else:
        ignored = [
            name
            for name, value in (("--data", data), ("--relay", relay), ("--relay-security", relay_security))
            if value
        ]
        say(f"Kept {file}." + (f" {', '.join(ignored)} changed nothing: edit the file." if ignored else ""))
    config = load(file, os.environ)
    log.configure(config.log.style, "warning")
    _give(config, file)
    as_owner(config)
    # While a daemon runs its tables are left alone: it may be of another version.
    here = open_installation(config, migrate=not is_held(config))
    try:
        address = _first_department(here, wanted)
        _first_admin(here, wanted)
    finally:
        here.close()
    say(f"The store is {make_url(config.store_url).render_as_string(hide_password=True)}.")
    for remark in remarks(config):
        say(f"Note: {remark}")
    say("\n" + next_steps(config, address, file, _pipe()))


def _exists(file: Path) -> bool:
    try:
        return file.exists()
    except OSError as error:
        raise Refused("config-not-readable", f"cannot look at {file}: {error.strerror}") from error


def _ask(option: str, question: str) -> str:
    if not sys.stdin.isatty():
        raise click.UsageError(f"{option} is needed: {question.lower()}")
    answer: str = click.prompt(question, err=True)
    return answer


def _checked(wanted: Wanted) -> Wanted:
    """Raises Refused before anything is written."""
    for each in (wanted.address, wanted.admin):
        if each:
            addresses.clean(each)
    if wanted.address and wanted.address.strip().lower() == wanted.admin.strip().lower():
        raise Refused(
            "own-address",
            f"{wanted.admin} cannot be both the support address and the administrator's: notices would come back",
        )
    return wanted


def _relay(relay: str, security: str | None) -> Outgoing:
    """What is said of the relay. Raises Refused."""
    guess = "none" if is_local(relay) else "tls" if relay.endswith(":465") else "starttls"
    outgoing = Outgoing(relay=relay, security=security or (guess if relay else "starttls"))  # type: ignore[arg-type]  # click offers these three
    for key, expected in contradictions(Config(outgoing=outgoing)):
        raise Refused("bad-relay", f"--relay {relay}: {key}: {expected}")
    return outgoing


def _write_config(file: Path, data: Path | None, outgoing: Outgoing) -> None:
    text = (resources.find("config") / "helpdeskd.toml").read_text(encoding="utf-8")
    defaults = Config()
    for old, new in (
        (f"data = {toml(str(defaults.paths.data))}", f"data = {toml(str((data or defaults.paths.data).absolute()))}"),
        (f"relay = {toml(defaults.outgoing.relay)}", f"relay = {toml(outgoing.relay)}"),
        (f"security = {toml(defaults.outgoing.security)}", f"security = {toml(outgoing.security)}"),
    ):
        before, line, after = text.partition(f"\n{old}\n")
        assert line, f"the manual has no line {old}"
        text = f"{before}\n{new}\n{after}"
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        # The file may come to hold passwords. O_EXCL: never overwrites, whatever another process did meanwhile.
        handle = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o640)
        try:
            with open(handle, "w", encoding="utf-8") as out:  # noqa: PTH123  # a handle, not a path
                out.write(text)
        except BaseException:
            file.unlink(missing_ok=True)
            raise
    except OSError as error:
        raise Refused("config-not-written", f"cannot write {error.filename or file}: {error.strerror}") from error


def _give(config: Config, file: Path) -> None:
    """As root: a new data folder belongs to the user the daemon will run as, and that user's group may read the config."""
    if os.geteuid() != 0:
        return
    give_data(config)
    with suppress(KeyError):
        user = pwd.getpwnam(USER)
        if config.paths.data.stat().st_uid == user.pw_uid and file.stat().st_uid == 0:
            os.chown(file, -1, user.pw_gid)


def _first_department(here: Installation, wanted: Wanted) -> str:
    """The address of the department asked for, else of the first there is."""
    every = here.store.read(departments.list)
    if every and not wanted.address:
        say(f"Kept {'the department' if len(every) == 1 else 'the departments'} {', '.join(d.name for d in every)}.")
        return every[0].address
    address = wanted.address or _checked(Wanted(_ask("--address", "Support address"), "", "", "")).address
    found = here.store.read(lambda conn: departments.by_address(conn, address))
    if found is not None:
        say(f"Kept the department {found.name} <{found.address}>.")
        return found.address
    added = here.store.writer.run(
        lambda conn: departments.add(
            conn, here.desk, here.clock(), name=wanted.department, addresses=(address,), sender_name=wanted.department
        )
    )
    say(f"Added the department {added.name} <{added.address}>.")
    return added.address


def _first_admin(here: Installation, wanted: Wanted) -> None:
    staff = here.store.read(people.list_staff)
    if staff and not wanted.admin:
        say(f"Kept the staff: {', '.join(person.shown for person in staff)}.")
        return
    address = wanted.admin or _checked(Wanted("", "", _ask("--admin", "Your own address"), "")).admin
    found = here.store.read(lambda conn: people.find(conn, address))
    if found is not None and found.kind is PersonKind.STAFF:
        say(f"Kept {found.shown}, a member of staff{', disabled' if found.disabled_at else ''}.")
        return

    def add(conn: Connection) -> None:
        people.add_staff(
            conn,
            here.desk,
            here.clock(),
            name=wanted.admin_name or address.partition("@")[0],
            email=address,
            level=3,
            departments=tuple(department.id for department in departments.list(conn)),
            notify=True,
        )

    here.store.writer.run(add)
    here.ring()
    say(f"Added the administrator {wanted.admin_name or address}, who is told of every new ticket at {address}.")


def _pipe() -> Path:
    """The installed script beside this Python, else the one found in the PATH, else the file itself."""
    beside = Path(sys.executable).parent / "helpdeskd-pipe"
    if beside.exists():
        return beside
    found = shutil.which("helpdeskd-pipe")
    return Path(found) if found else resources.find("pipe.py")
