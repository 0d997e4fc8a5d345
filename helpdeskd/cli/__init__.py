"""The command line. Errors are one clear line on standard error; exit codes:

0   done
1   refused: no such ticket, already running, wrong input; the line says which
2   wrong usage of the command itself
3   an alarm stands (`status` only)
70  a fault of helpdeskd's own (EX_SOFTWARE); HELPDESKD_TRACEBACK=1 shows where
75  temporary trouble (EX_TEMPFAIL): try again later
78  settings are wrong (EX_CONFIG): every problem is listed

Each command lives in a module of its own, imported when it is used: `helpdeskd ticket list` need not load a mail server.
"""

from __future__ import annotations

import importlib
import io
import os
import sys
from pathlib import Path

import click

from helpdeskd.errors import ConfigError, Conflict, HelpdeskdError, Temporary
from helpdeskd.resources import version

EX_REFUSED = 1
EX_ALARM = 3
EX_SOFTWARE = 70
EX_TEMPFAIL = 75
EX_CONFIG = 78

# command -> (module, what it is for)
COMMANDS = {
    "init": ("helpdeskd.cli.init", "Write a config, create the store, add the first department and administrator."),
    "run": ("helpdeskd.cli.run", "Run the daemon."),
    "demo": ("helpdeskd.cli.demo", "Show it all on sample mails, in a throwaway folder."),
    "status": ("helpdeskd.cli.status", "One screen: doors, spool, outbox, parked mails, mailboxes, disk, alarms."),
    "fetch": ("helpdeskd.cli.fetch", "One pass over the IMAP mailboxes, for cron and timers."),
    "backup": ("helpdeskd.cli.backup", "Make a backup while the daemon runs."),
    "restore": ("helpdeskd.cli.restore", "Check a backup, and put it back where nothing is."),
    "config": ("helpdeskd.cli.config", "Check or show the settings."),
    "check": ("helpdeskd.cli.check", "Try out what only the outside world can tell."),
    "dkim": ("helpdeskd.cli.dkim", "Keys that sign what we send: keygen, show."),
    "department": ("helpdeskd.cli.department", "Departments and their addresses: add, list, set."),
    "company": ("helpdeskd.cli.company", "Companies: add, list, show, set, manager."),
    "field": ("helpdeskd.cli.field", "Custom fields: add, list, remove."),
    "staff": ("helpdeskd.cli.staff", "Members of staff: add, list, password, totp, disable."),
    "token": ("helpdeskd.cli.token", "Keys for API clients: create, list, revoke."),
    "rekey": ("helpdeskd.cli.rekey", "A new key for reply tokens."),
    "mail": ("helpdeskd.cli.mail", "Look into mails: explain, parked, retry, show, audit."),
    "spam": ("helpdeskd.cli.spam", "What is held as spam or for a virus: list, release, train."),
    "outbox": ("helpdeskd.cli.outbox", "Mails that go out: list, show, retry, cancel."),
    "mute": ("helpdeskd.cli.mute", "Addresses that get no automatic mail: list, add, remove."),
    "article": ("helpdeskd.cli.article", "The knowledge base: add, list, show, set, remove."),
    "canned": ("helpdeskd.cli.canned", "Texts to answer with: add, list, set, remove."),
    "rule": ("helpdeskd.cli.rule", "What tickets do by themselves: list, enable, disable."),
    "file": ("helpdeskd.cli.file", "Files of tickets: export, release."),
    "ticket": ("helpdeskd.cli.ticket", "Tickets: list, show, search, reply, note, assign, close, merge."),
}


class _Commands(click.Group):
    """The table above as a click group; a module is imported when its command is called."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002  # the signature of click
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002  # as above
        if cmd_name not in COMMANDS:
            return None
        command: click.Command = importlib.import_module(COMMANDS[cmd_name][0]).command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002  # as above
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, text) in COMMANDS.items()])


def _print_version(ctx: click.Context, _param: click.Parameter, wanted: bool) -> None:
    if wanted:
        click.echo(f"helpdeskd {version()}")
        ctx.exit()


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "-c",
    "--config",
    "config_file",
    type=click.Path(path_type=Path),
    envvar="HELPDESKD_CONFIG",
    help="The settings' file. [default: /etc/helpdeskd/helpdeskd.toml, if it is there]",
)
@click.option("--version", is_flag=True, is_eager=True, expose_value=False, callback=_print_version, help="And exit.")
@click.pass_context
def cli(ctx: click.Context, config_file: Path | None) -> None:
    """helpdeskd: the mail daemon that is a help desk."""
    ctx.obj = config_file


def main() -> None:
    """The entry point: every error becomes one line (or one line per setting) and an exit code."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # a terminal that knows few letters is no reason to fail
            stream.reconfigure(errors="backslashreplace")
    try:
        cli(prog_name="helpdeskd")
    except ConfigError as error:
        _fail(EX_CONFIG, *error.problems)
    except (Temporary, Conflict) as error:
        _fail(EX_TEMPFAIL, f"{error}; try again later")
    except HelpdeskdError as error:
        _fail(EX_REFUSED, str(error))
    except (PermissionError, FileNotFoundError, FileExistsError, NotADirectoryError, IsADirectoryError) as error:
        _fail(EX_REFUSED, _words(error))
    except OSError as error:  # a full disk, a port in use, too many open files: it may be otherwise in a moment
        _fail(EX_TEMPFAIL, _words(error))
    except Exception as error:
        if os.environ.get("HELPDESKD_TRACEBACK"):
            raise
        _fail(
            EX_SOFTWARE,
            f"a fault of helpdeskd's own, please report it (HELPDESKD_TRACEBACK=1 shows where): "
            f"{type(error).__name__}: {error}",
        )


def _words(error: OSError) -> str:
    text = error.strerror or str(error)
    return f"{error.filename}: {text}" if error.filename else text


def _fail(status: int, *lines: str) -> None:
    from helpdeskd.cli.output import one_line

    for line in lines:
        click.echo(f"helpdeskd: {one_line(line)}", err=True)
    sys.exit(status)
