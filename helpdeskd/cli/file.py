"""helpdeskd file export|release"""

from __future__ import annotations

import sys
from pathlib import Path

import click
from sqlalchemy import Connection

from helpdeskd.cli.opened import reading, writing
from helpdeskd.cli.output import say, size, write_new
from helpdeskd.cli.ticket_work import actor_of, as_option
from helpdeskd.desk import files
from helpdeskd.desk.context import Part
from helpdeskd.desk.danger import WORDS, flags
from helpdeskd.model.ticket import Attachment, Ticket

id_argument = click.argument("file_id", type=click.IntRange(1, 2**63 - 1), metavar="ID")


@click.group()
def command() -> None:
    """Files of tickets; `ticket show` has their IDs."""


@command.command()
@id_argument
@click.argument("file", type=click.Path(dir_okay=False, allow_dash=True))
@click.pass_context
def export(ctx: click.Context, file_id: int, file: str) -> None:
    """Write a file of a ticket, byte for byte, to FILE (- is standard output). Files that are there stay as they are."""
    with reading(ctx) as here:
        found = here.store.read(lambda conn: files.get(conn, file_id))
        data = here.blobs.get(found.sha256)
    if file == "-":
        sys.stdout.buffer.write(data)
    else:
        write_new(Path(file), data)


@command.command()
@id_argument
@as_option
@click.pass_context
def release(ctx: click.Context, file_id: int, *, who: str | None) -> None:
    """Let a held file go: from now on it is treated as others are."""
    with writing(ctx) as here:

        def act(conn: Connection) -> tuple[Attachment, Ticket]:
            actor = actor_of(conn, who)
            return files.release(conn, here.desk, here.clock(), file_id=file_id, actor=actor)

        file, ticket = here.store.writer.run(act)
    say(f"Released {file.name} of #{ticket.number}. Mails that went out without it are not sent again.")


def file_line(file: Attachment | Part) -> str:
    """What it is called, what it says it is, what it is, and what to beware of."""
    is_other = file.found_type not in {None, "", file.content_type}
    found = [f"by its bytes {file.found_type}"] if is_other else []
    said = f"{file.name}, {', '.join([file.content_type, *found])}, {size(file.size)}"
    marks = ", ".join(WORDS[each] for each in flags(file))
    return f"{said}; flagged: {marks}" if marks else said
