"""Mails between the parser and the writer: which of them go now, and which let others pass, since their verdict takes long."""

from __future__ import annotations

from concurrent.futures import Future
from concurrent.futures import wait as wait_for
from typing import NamedTuple

from helpdeskd import tray
from helpdeskd.desk import receive
from helpdeskd.intake.checking import Checking
from helpdeskd.model.mail import Inbound

BEHIND = 10
PATIENCE = 0.5  # seconds that a batch waits for the verdicts of its mails: nearly all are there by then


class Parsed(NamedTuple):
    entry: tray.Entry
    arrived: receive.Arrived
    keeping: list[Future[str]]  # the raw mail's blob and those of its parts
    checking: Checking  # its verdict


def in_turn(parsed: list[Parsed], fresh: int, most: int) -> tuple[list[Parsed], list[Parsed]]:
    """Those whose turn it is, and those who wait on: each in order of arrival. The last `fresh` of them are new. Nobody overtakes a mail
    that is of the same author or of the same conversation. Where `most` have no verdict yet, or BEHIND times as many would wait, all are
    waited for instead."""
    wait_for([future for each in parsed[len(parsed) - fresh :] for future in each.checking.futures], PATIENCE)
    now: list[Parsed] = []
    late: list[Parsed] = []
    ahead: set[str | None] = set()  # what they are known by who wait
    pending = 0
    for each in parsed:
        names = _names(each.arrived.inbound)
        done = all(future.done() for future in each.checking.futures)
        pending += not done
        if not done or not ahead.isdisjoint(names):
            ahead |= names
            late.append(each)
        else:
            now.append(each)
    return (parsed, []) if pending >= most or len(late) >= BEHIND * most else (now, late)


def _names(inbound: Inbound) -> set[str | None]:
    names = {inbound.raw_sha256, inbound.message_id, *inbound.in_reply_to, *inbound.references}
    return (names | {inbound.author.email.lower()} if inbound.author else names) - {None}
