"""helpdeskd status"""

from __future__ import annotations

import socket
from datetime import datetime, timedelta
from typing import Any

import click

from helpdeskd import spool, tray
from helpdeskd.alarms import facts as alarm_facts
from helpdeskd.alarms.conditions import LATE_POLLS, TITLES, judge, standing
from helpdeskd.audit.last import Last
from helpdeskd.cli import EX_ALARM, EX_TEMPFAIL
from helpdeskd.cli.config import remarks
from helpdeskd.cli.opened import opened
from helpdeskd.cli.output import ago, echo_json, json_option, of_micros, say, size
from helpdeskd.cli.settings import settings
from helpdeskd.config import Config
from helpdeskd.desk.mutes import Standing
from helpdeskd.errors import Temporary
from helpdeskd.installation import ROLES, held_since, is_held, node
from helpdeskd.model.clock import now as clock
from helpdeskd.model.outgoing import OutboxState
from helpdeskd.store import arrivals
from helpdeskd.store.engine import Store

PATIENCE = 2.0  # seconds for a door to greet
EVERYWHERE = {"": "127.0.0.1", "*": "127.0.0.1", "0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104  # compared, not bound


@click.command()
@json_option
@click.pass_context
def command(ctx: click.Context, *, as_json: bool) -> None:
    """One screen: doors, oldest in spool, outbox, parked mails, last polls, disk, alarms.

    It exits with 3 while an alarm stands. When the store is down it shows the rest and exits with 75.
    """
    config = settings(ctx)
    now = clock()
    facts = gather(config, now)
    if as_json:
        echo_json(facts)
    else:
        _show(config, facts, now)
    if facts["store"]["error"]:
        ctx.exit(EX_TEMPFAIL)
    if facts["alarms"]:
        ctx.exit(EX_ALARM)


def gather(config: Config, now: datetime) -> dict[str, Any]:
    """What the screen shows, as plain values."""
    store = _of_store(config, now)
    root = str(config.paths.spool_dir)
    waiting = tray.scan(root)
    room = spool.room(root)
    roles = [role for role in ROLES if is_held(config, role)]
    return {
        "daemon": {"running": bool(roles), "roles": roles},
        "doors": [
            {"door": door, "open": _answers(door)}
            for door in (
                *(f"smtp {place}" for place in config.smtp.listen),
                *(f"submission {place}" for place in config.submission.listen),
                *(f"lmtp {place}" for place in config.lmtp.listen),
            )
        ],
        "http": [{"place": place, "open": _takes(place)} for place in config.http.listen],
        "spool": {
            "waiting": len(waiting),
            "oldest": of_micros(int(waiting[0].partition("-")[0])) if waiting else None,  # an id begins with its time
            "parked": len(tray.parked(root)),
        },
        **store,
        "mailboxes": {box.name: _mailbox(root, box.name) for box in config.mailbox},
        "disk": {"free": room.free, "reserve": room.reserve, "ok": room.ok},
        "notes": [*store["store"]["warnings"], *remarks(config)],
    }


def _of_store(config: Config, now: datetime) -> dict[str, Any]:
    from helpdeskd.desk import queries

    try:
        with opened(config) as here:
            counts = here.store.read(queries.counts)
            held = here.store.read(arrivals.count_held)
            store = {"where": here.store.where, "error": "", "warnings": list(here.store.warnings)}
            watched = _watched(config, here.store, now)
    except Temporary as error:
        return {
            "store": {"where": "", "error": str(error), "warnings": []},
            "tickets": None,
            "held": None,
            "outbox": None,
            "outbox_oldest": None,
            **_watched(config, None, now, str(error)),
        }
    return {
        "store": store,
        "tickets": {state.value: count for state, count in counts.tickets.items()},
        "held": held,
        "outbox": {state.value: count for state, count in counts.outbox.items()},
        "outbox_oldest": counts.oldest_waiting,
        **watched,
    }


def _watched(config: Config, store: Store | None, now: datetime, error: str = "") -> dict[str, Any]:
    """The alarms that stand, as the daemon would judge, and the last audit."""
    started = {role: held_since(config, role) for role in ("imap", "intake")}
    found = alarm_facts.gather(config, store, now, node(config.paths.data), started, error)
    alarms = [
        {"kind": key.kind, "subject": key.subject, "title": TITLES[key.kind], "words": words}
        for key, words in standing(judge(found)).items()
    ]
    kept = found.kept
    return {
        "alarms": alarms,
        "audit": kept.audit if kept else None,
        "muted": kept.muted if kept else None,
        "withheld": {ceiling.value: count for ceiling, count in kept.withheld.items()} if kept else None,
    }


def _mailbox(root: str, name: str) -> dict[str, Any] | None:
    from helpdeskd.sources.imap_state import read_status

    status = read_status(root, name)
    if status is None:
        return None
    return {
        "state": status.state.value,
        "last_good": status.last_good,
        "last_error": status.last_error,
        "fetched": status.fetched,
    }


def _answers(door: str) -> bool:
    """Does somebody greet there as a mail server does?"""
    place = door.partition(" ")[2]
    try:
        with _connected(place) as sock:
            sock.settimeout(PATIENCE)
            return sock.recv(3) == b"220"
    except OSError:
        return False


def _takes(place: str) -> bool:
    try:
        with _connected(place):
            return True
    except OSError:
        return False


def _connected(place: str) -> socket.socket:
    if place.startswith("unix:"):
        sock = socket.socket(socket.AF_UNIX)
        sock.settimeout(PATIENCE)
        try:
            sock.connect(place.removeprefix("unix:"))
        except OSError:
            sock.close()
            raise
        return sock
    host, _, port = place.rpartition(":")
    host = host.strip("[]")
    if host in EVERYWHERE:
        host = EVERYWHERE[host]
    return socket.create_connection((host, int(port)), timeout=PATIENCE)


def _show(config: Config, facts: dict[str, Any], now: datetime) -> None:
    daemon, waiting, disk = facts["daemon"], facts["spool"], facts["disk"]
    oldest = f", the oldest since {_since(waiting['oldest'], now)}" if waiting["oldest"] else ""
    parked = f"; {waiting['parked']} parked (helpdeskd mail parked)" if waiting["parked"] else "; none parked"
    doors, apis = (
        ", ".join(f"{each[name]} ({'open' if each['open'] else 'closed'})" for each in facts[of])
        for of, name in (("doors", "door"), ("http", "place"))
    )
    lines = [
        ("daemon", _running(daemon)),
        ("doors", doors or "none"),
        *([("http", apis)] if apis else []),
        ("spool", f"{waiting['waiting']} waiting{oldest}{parked}"),
    ]
    if facts["store"]["error"]:
        lines.append(("store", f"down: {facts['store']['error']}"))
    else:
        lines += [
            ("store", facts["store"]["where"]),
            ("tickets", _counted(facts["tickets"])),
            ("outbox", _mails(facts, now)),
        ]
        if facts["held"]:
            lines.append(("spam", f"{facts['held']} held (helpdeskd spam list)"))
        if facts["muted"].count:
            lines.append(("muted", _muted(facts["muted"])))
    lines += [
        (f"mailbox {box.name}", _polled(facts["mailboxes"][box.name], box.poll_seconds, now)) for box in config.mailbox
    ]
    stopped = "" if disk["ok"] else ": they are stopped now"
    lines.append(("disk", f"{size(disk['free'])} free; doors stop below {size(disk['reserve'])}{stopped}"))
    if not facts["store"]["error"]:
        lines.append(("audit", _audited(facts["audit"], now)))
    if facts["withheld"]:
        lines.append(("withheld", f"{_counted(facts['withheld'])} in the last hour (docs/trust.md)"))
    width = max(len(name) for name, _ in lines)
    for name, words in lines:
        say(f"{name.ljust(width)}  {words}")
    for alarm in facts["alarms"]:
        say(f"ALARM: {alarm['title']}: {alarm['words']}")
    for note in facts["notes"]:
        say(f"Note: {note}")


def _running(daemon: dict[str, Any]) -> str:
    if not daemon["running"]:
        return "not running"
    return "running" if len(daemon["roles"]) == len(ROLES) else f"running: {', '.join(daemon['roles'])}"


def _mails(facts: dict[str, Any], now: datetime) -> str:
    gone = {OutboxState.SENT.value, OutboxState.CANCELLED.value}
    words = _counted({name: count for name, count in facts["outbox"].items() if name not in gone}, nothing="0 waiting")
    oldest = f", the oldest since {_since(facts['outbox_oldest'], now)}" if facts["outbox_oldest"] else ""
    return f"{words}{oldest}; {facts['outbox'].get(OutboxState.SENT.value, 0)} sent"


def _muted(muted: Standing) -> str:
    staff = f", of staff {', '.join(muted.staff)}" if muted.staff else ""
    return f"{muted.count} address{'' if muted.count == 1 else 'es'}{staff} (helpdeskd mute list)"


def _polled(box: dict[str, Any] | None, interval: int, now: datetime) -> str:
    if box is None:
        return "never polled"
    good: datetime | None = box["last_good"]
    words = f"{box['state']}, last good poll {ago(good, now)}"
    if good is None or now - good > timedelta(seconds=LATE_POLLS * interval):
        words += f" (late: every {interval} s is meant)"
    return f"{words}; {box['last_error']}" if box["last_error"] else words


def _audited(last: Last | None, now: datetime) -> str:
    if last is None:
        return "never (helpdeskd mail audit)"
    found = ", ".join(f"{count} {kind.value}" for kind, count in last.counts.items())
    return f"{ago(last.at, now)}: {found or 'no differences'}"


def _since(when: datetime, now: datetime) -> str:
    return ago(when, now).removesuffix(" ago")


def _counted(counts: dict[str, int], nothing: str = "none") -> str:
    return ", ".join(f"{count} {name}" for name, count in counts.items() if count) or nothing
