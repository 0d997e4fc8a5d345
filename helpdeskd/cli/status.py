"""helpdeskd status"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import click

from helpdeskd import spool
from helpdeskd.cli.common import ago, echo_json, json_option, reading, size
from helpdeskd.cli.config import remarks
from helpdeskd.desk import queries
from helpdeskd.installation import Installation, is_held
from helpdeskd.sources.imap import read_status


@click.command()
@json_option
@click.pass_context
def command(ctx: click.Context, *, as_json: bool) -> None:
    """One screen: doors, oldest in spool, outbox, parked mails, last polls, disk."""
    with reading(ctx) as here:
        facts = gather(here)
    if as_json:
        echo_json(facts)
    else:
        _show(facts, here.clock())


def gather(here: Installation) -> dict[str, Any]:
    """What the screen shows, as plain values."""
    config = here.config
    waiting = spool.scan(here.spool_root)
    room = spool.room(here.spool_root)
    counts = here.store.read(queries.counts)
    oldest = int(waiting[0].partition("-")[0]) if waiting else None  # an id begins with its microseconds
    return {
        "daemon": is_held(config),
        "doors": [
            *(f"smtp {place}" for place in config.smtp.listen),
            *(f"lmtp {place}" for place in config.lmtp.listen),
        ],
        "spool": {"waiting": len(waiting), "oldest": _moment(oldest), "parked": len(spool.parked(here.spool_root))},
        "tickets": counts.tickets,
        "outbox": counts.outbox,
        "mailboxes": {box.name: read_status(here.spool_root, box.name) for box in config.mailbox},
        "disk": {"free": room.free, "reserve": room.reserve, "ok": room.ok},
        "notes": [*here.store.warnings, *remarks(config)],
    }


def _show(facts: dict[str, Any], now: datetime) -> None:
    waiting = facts["spool"]
    oldest = f", the oldest since {ago(waiting['oldest'], now)}" if waiting["oldest"] else ""
    disk = facts["disk"]
    lines = [
        ("daemon", "running" if facts["daemon"] else "not running"),
        ("doors", ", ".join(facts["doors"]) or "none"),
        ("spool", f"{waiting['waiting']} waiting{oldest}; {waiting['parked']} parked"),
        ("tickets", _counted(facts["tickets"])),
        ("outbox", _counted(facts["outbox"])),
    ]
    for name, box in facts["mailboxes"].items():
        words = "never polled"
        if box is not None:
            words = f"{box.state}, last good poll {ago(box.last_good, now)}"
            words += f"; {box.last_error}" if box.last_error else ""
        lines.append((f"mailbox {name}", words))
    lines.append(
        (
            "disk",
            f"{size(disk['free'])} free; doors stop below {size(disk['reserve'])}"
            + ("" if disk["ok"] else ": they are stopped now"),
        )
    )
    width = max(len(name) for name, _ in lines)
    for name, words in lines:
        click.echo(f"{name.ljust(width)}  {words}")
    for note in facts["notes"]:
        click.echo(f"Note: {note}")


def _counted(counts: dict[str, int]) -> str:
    return ", ".join(f"{count} {name}" for name, count in counts.items() if count) or "none"


def _moment(microseconds: int | None) -> datetime | None:
    return None if microseconds is None else datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=microseconds)
