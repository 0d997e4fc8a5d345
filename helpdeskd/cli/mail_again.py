"""helpdeskd mail export|reparse: the mails as they came, and what is read of them now"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import click

from helpdeskd import tray
from helpdeskd.cli import EX_REFUSED
from helpdeskd.cli.opened import reading, writing
from helpdeskd.cli.output import echo_json, json_option, say, write_new
from helpdeskd.desk import reparse as again
from helpdeskd.desk.arrived import believe, parts_of
from helpdeskd.errors import BadMail, NotFound, Refused
from helpdeskd.installation import Installation
from helpdeskd.mail.parse import not_read
from helpdeskd.model.mail import Inbound
from helpdeskd.parser.wire import Mail
from helpdeskd.parser.worker import Crashed
from helpdeskd.store import arrivals


def raw_of(here: Installation, spool_id: str) -> bytes:
    """An accepted mail, byte for byte. Raises NotFound, Refused("let-go"), BadMail where its spool entry cannot be read."""
    rows = here.store.read(lambda conn: arrivals.all_by_spool(conn, spool_id))
    if rows:
        kept = next((row for row in rows if not row.let_go), None)
        if kept is None:
            raise Refused("let-go", f"the raw mail of {spool_id} was {rows[0].let_go}")
        return here.blobs.get(kept.raw_sha256)
    try:
        return tray.claim_parked(here.spool_root, spool_id).raw()
    except NotFound:
        entry = tray.claim(here.spool_root, spool_id)
        if entry is None:
            raise NotFound("mail", spool_id) from None
        return entry.raw()


@click.command()
@click.argument("spool_id", metavar="[ID]", required=False)
@click.argument("file", required=False, default="-")
@click.option("--all-parked", "folder", type=click.Path(path_type=Path), help="Every parked mail into this folder.")
@click.pass_context
def export(ctx: click.Context, spool_id: str | None, file: str, folder: Path | None) -> None:
    """Write an accepted mail, byte for byte, to FILE (- is standard output). Files that are there stay as they are."""
    if (spool_id is None) == (folder is None):
        raise click.UsageError("say which one, or --all-parked and a folder")
    with reading(ctx) as here:
        if folder is not None:
            _export_parked(ctx, here, folder)
        elif file == "-":
            sys.stdout.buffer.write(raw_of(here, str(spool_id)))
        else:
            write_new(Path(file), raw_of(here, str(spool_id)))


def _export_parked(ctx: click.Context, here: Installation, folder: Path) -> None:
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise Refused("no-folder", f"cannot make {folder}: {error.strerror}") from error
    failed = False
    for one in tray.parked(here.spool_root):
        place = folder / f"{one.id}.eml"
        try:
            write_new(place, tray.claim_parked(here.spool_root, one.id).raw())
        except (BadMail, Refused) as error:  # the others are wanted all the same
            click.echo(f"{one.id}: {error}", err=True)
            failed = True
        else:
            say(str(place))
    if failed:
        ctx.exit(EX_REFUSED)


@dataclass(frozen=True, slots=True)
class _Changed:
    id: str
    ticket: int
    message: int
    changed: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Left:
    id: str
    message: int
    error: str


@dataclass(slots=True)
class _Told:
    """What came of it. `left` are messages that stay as they are: their mail is gone, or the parser fails on it or reads its headers alone."""

    messages: int = 0
    changed: list[_Changed] = field(default_factory=list)
    left: list[_Left] = field(default_factory=list)


@click.command()
@click.argument("ids", nargs=-1, metavar="[ID]...")
@click.option("--all", "everything", is_flag=True, help="All that are stored.")
@json_option
@click.pass_context
def reparse(ctx: click.Context, ids: tuple[str, ...], *, everything: bool, as_json: bool) -> None:
    """Derive text, HTML, quote and attachments again from the mails as they came, after the parser has changed.

    Decisions, notices and what was sent stay as they are. The history of a ticket notes it where a message is another now.
    """
    if bool(ids) == everything:
        raise click.UsageError("say which ones, or --all")
    with writing(ctx) as here:
        known = here.store.read(lambda conn: {each for each in ids if arrivals.all_by_spool(conn, each)})
        for spool_id in ids:
            if spool_id not in known:
                raise NotFound("mail", spool_id)
        told = _Told()
        with closing(here.parser()) as parser:
            wanted: list[again.Source] = []
            for inbound in parser.parse(_mails(here, ids or None, wanted, told)):
                source = wanted.pop(0)
                if isinstance(inbound, Crashed):
                    told.left.append(_Left(source.spool_id, source.message_id, str(inbound)))
                else:
                    _again(here, source, inbound, told)
    if as_json:
        echo_json(told)
    else:
        for each in told.changed:
            say(f"{each.id}: changed in [#{each.ticket}]: {', '.join(each.changed)}")
        for left in told.left:
            say(f"{left.id}: {left.error}")
        say(
            f"{told.messages} messages derived again, {len(told.changed) or 'none'} changed, {len(told.left)} left alone."
        )


def _mails(here: Installation, ids: tuple[str, ...] | None, wanted: list[again.Source], told: _Told) -> Iterator[Mail]:
    """The mails of all messages, in order; `wanted` says whose each is."""
    after = 0
    while page := here.store.read(partial(again.sources, spool_ids=ids, after=after)):
        after = page[-1].message_id
        for source in page:
            try:
                raw = here.blobs.get(source.raw_sha256) if source.kept else None
            except NotFound:
                raw = None
            if raw is None:
                told.left.append(_Left(source.spool_id, source.message_id, "the mail as it came is not kept any more"))
                continue
            wanted.append(source)
            yield Mail(raw, None)  # who sent it does not change what it says


def _again(here: Installation, source: again.Source, inbound: Inbound, told: _Told) -> None:
    desk, message_id, parts = here.desk, source.message_id, parts_of(inbound.parts)
    passed_on = () if inbound.forward is None else parts_of(inbound.forward.parts)
    same = here.store.read(lambda conn: again.changes(conn, desk, message_id, inbound, parts, passed_on)) is None
    if not same and (limit := not_read(inbound)):  # a busy machine, or today's limits: what was read before is better
        told.left.append(_Left(source.spool_id, message_id, limit))
        return
    told.messages += 1
    if same:
        return  # most are: nothing is written, and nobody waits for us
    believe(inbound, [source.raw_sha256, *(here.blobs.put(part.data) for part in inbound.files)])
    now = here.clock()
    changed = here.store.writer.run(lambda conn: again.rederive(conn, desk, now, message_id, inbound, parts, passed_on))
    if changed is not None:
        told.changed.append(_Changed(source.spool_id, changed.number, message_id, changed.fields))
