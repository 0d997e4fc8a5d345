"""The command line. Errors are one clear line on standard error; exit codes:

0   done
1   refused: no such ticket, already running, wrong input; the line says which
2   wrong usage of the command itself
75  temporary trouble (EX_TEMPFAIL): try again later
78  settings are wrong (EX_CONFIG): every problem is listed

Each command lives in a module of its own, imported when it is used: `helpdeskd ticket list` need not load a mail server.
"""

from __future__ import annotations

import importlib
import sys
from pathlib import Path

import click

from helpdeskd.errors import ConfigError, HelpdeskdError, Temporary

EX_REFUSED = 1
EX_TEMPFAIL = 75
EX_CONFIG = 78

# command -> (module, what it is for)
COMMANDS = {
    "init": ("helpdeskd.cli.init", "Write a config, create the store, add the first department and administrator."),
    "run": ("helpdeskd.cli.run", "Run the daemon."),
    "demo": ("helpdeskd.cli.demo", "Show it all on sample mails, in a throwaway folder."),
    "status": ("helpdeskd.cli.status", "One screen: doors, spool, outbox, parked mails, mailboxes, disk."),
    "fetch": ("helpdeskd.cli.fetch", "One pass over the IMAP mailboxes, for cron and timers."),
    "config": ("helpdeskd.cli.config", "Check or show the settings."),
    "check": ("helpdeskd.cli.check", "Try out what only the outside world can tell."),
    "department": ("helpdeskd.cli.department", "Departments and their addresses."),
    "staff": ("helpdeskd.cli.staff", "Members of staff."),
    "mail": ("helpdeskd.cli.mail", "Look into mails: explain, parked, retry, show."),
    "ticket": ("helpdeskd.cli.ticket", "Tickets: list, show, search, reply, note, assign, close, merge."),
}


class _Commands(click.Group):
    """The table above as a click group; a module is imported when its command is called."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002  # the signature of click
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        if cmd_name not in COMMANDS:
            return None
        command: click.Command = importlib.import_module(COMMANDS[cmd_name][0]).command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, text) in COMMANDS.items()])


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "-c",
    "--config",
    "config_file",
    type=click.Path(path_type=Path, dir_okay=False),
    envvar="HELPDESKD_CONFIG",
    help="The settings' file. [default: /etc/helpdeskd/helpdeskd.toml, if it is there]",
)
@click.version_option(package_name="helpdeskd", message="helpdeskd %(version)s")
@click.pass_context
def cli(ctx: click.Context, config_file: Path | None) -> None:
    """helpdeskd: the mail daemon that is a help desk."""
    ctx.obj = config_file


def main() -> None:
    """The entry point: every error of ours becomes one line (or one line per setting) and an exit code."""
    try:
        cli(prog_name="helpdeskd")
    except ConfigError as error:
        for problem in error.problems:
            click.echo(f"helpdeskd: {problem}", err=True)
        sys.exit(EX_CONFIG)
    except Temporary as error:
        click.echo(f"helpdeskd: {error}; try again later", err=True)
        sys.exit(EX_TEMPFAIL)
    except HelpdeskdError as error:
        click.echo(f"helpdeskd: {error}", err=True)
        sys.exit(EX_REFUSED)
    except BrokenPipeError:
        sys.stderr.close()  # the reader of our output has gone: no traceback about it
        sys.exit(EX_REFUSED)
