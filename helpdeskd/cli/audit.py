"""helpdeskd mail audit"""

from __future__ import annotations

from typing import TextIO

import click

from helpdeskd.audit import last, run
from helpdeskd.audit.differences import ABOUT, Kind, Report
from helpdeskd.audit.ledger import accepted_in
from helpdeskd.audit.repair import refetch
from helpdeskd.cli import EX_REFUSED
from helpdeskd.cli.opened import opened
from helpdeskd.cli.output import echo_json, json_option, say
from helpdeskd.cli.settings import settings
from helpdeskd.errors import NotFound
from helpdeskd.installation import is_held


@click.command()
@click.option(
    "--refetch", "repair", is_flag=True, help="Repair what can be: fetch missing mails, put missing blobs again."
)
@click.option("--deep", is_flag=True, help="Read every blob and compare its bytes with its name.")
@click.option("--mailbox", help="Of the mailboxes this one alone. [default: all]")
@click.option(
    "--log",
    "log_file",
    type=click.File("r", encoding="utf-8", errors="replace"),
    help="The daemon's log (- is standard input): each mail that it calls received must be somewhere.",
)
@json_option
@click.pass_context
def audit(
    ctx: click.Context, *, repair: bool, deep: bool, mailbox: str | None, log_file: TextIO | None, as_json: bool
) -> None:
    """Compare the records: spool, ledger, blobs, IMAP folders; exit 1 where they differ.

    It changes nothing without --refetch, and may run beside the daemon.
    """
    from helpdeskd.daemon import StoreLedger
    from helpdeskd.monitoring import records_of

    config = settings(ctx)
    if mailbox is not None and mailbox not in {box.name for box in config.mailbox}:
        raise NotFound("mailbox", mailbox)
    with opened(config) as here:
        ledger = StoreLedger(here.store)
        records = records_of(here, ledger)
        report = run.audit(records, deep=deep, mailbox=mailbox, accepted=accepted_in(log_file or ()))
        did = refetch(records, report) if repair else []
        ledger.release()
        # A part is not remembered as the whole, nor is anything written where a second writer would not be safe.
        if mailbox is None and not (here.store.wal_bug and is_held(config)):
            here.store.writer.run(lambda conn: last.keep(conn, records.node, report, here.clock()))
    if as_json:
        echo_json(_facts(report, did))
    else:
        _show(report, did)
    if report.total:
        ctx.exit(EX_REFUSED)


def _facts(report: Report, did: list[str]) -> dict[str, object]:
    return {
        "differences": [
            {"kind": each.kind, "subject": each.subject, "words": each.words} for each in report.differences
        ],
        "counts": {kind.value: report.counts[kind] for kind in Kind},
        "checked": report.checked,
        "unreferenced_blobs": report.unreferenced,
        "left_out": report.left_out,
        "repaired": did,
    }


def _show(report: Report, did: list[str]) -> None:
    for line in did:
        say(f"Repair: {line}")
    for kind in Kind:
        found = [each for each in report.differences if each.kind is kind]
        if not found:
            continue
        say(f"\n{kind.value} ({report.counts[kind]}): {ABOUT[kind].means}.\n  What helps: {ABOUT[kind].remedy}.")
        for each in found:
            say(f"  {each.subject}" + (f"  {each.words}" if each.words else ""))
        if len(found) < report.counts[kind]:
            say(f"  ... and {report.counts[kind] - len(found)} more")
    for line in report.left_out:
        say(f"Not compared: {line}")
    checked = ", ".join(f"{count} {what}" for what, count in report.checked.items())
    say(f"{report.total or 'No'} difference{'' if report.total == 1 else 's'}; checked {checked}.")
    if report.unreferenced:
        say(f"{report.unreferenced} blobs that nothing names wait for the sweep (a day old, they go).")
