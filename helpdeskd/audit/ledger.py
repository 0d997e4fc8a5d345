"""The spool against the ledger: accepted = spool + parked + outcomes. What stands in the spool and should not."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial

from sqlalchemy import Connection, and_, exists, func, or_, select

from helpdeskd import spool, tray
from helpdeskd.audit.differences import Difference, Kind
from helpdeskd.model.routing import Outcome
from helpdeskd.store import schema
from helpdeskd.store.engine import Store

PAGE = 5000  # rows of the ledger in one read: no snapshot is held for long
PATIENCE = timedelta(hours=1)  # a mail may wait so long in the spool
GRACE = timedelta(minutes=5)  # between COMMIT and unlink lie milliseconds, unless a daemon died there
TMP_GRACE = 2 * 3600  # seconds beyond tray.TMP_AGE; the sweep comes each hour

# Outcomes that are a message. Commands may have no text, duplicates and what is held have none.
MESSAGES = (Outcome.OPENED, Outcome.APPENDED, Outcome.INTERNAL, Outcome.AUTOMATIC)

_RECEIVED = re.compile(r"\bevent=received (?:part=\w+ )?spool=([0-9a-f-]{29})\b")
_a, _m, _t = schema.arrival.c, schema.message.c, schema.ticket.c
_TICKET_GONE = and_(_a.ticket_id.is_not(None), ~exists().where(_t.id == _a.ticket_id))
_MESSAGE_GONE = and_(_a.outcome.in_([each.value for each in MESSAGES]), ~exists().where(_m.arrival_id == _a.id))
_IS_PARKED = _a.outcome == Outcome.PARKED.value


@dataclass(slots=True)
class Tray:
    """What lies in the spool: ids that wait, ids that are parked."""

    waiting: set[str]
    parked: set[str]

    def __contains__(self, spool_id: str) -> bool:
        return spool_id in self.waiting or spool_id in self.parked


def look(root: str) -> Tray:
    """Waiting, parked, waiting again: a mail that is parked or put back meanwhile is seen in one of them at least."""
    waiting = set(tray.scan(root))
    parked = tray.parked_ids(root)
    return Tray(waiting | set(tray.scan(root)), set(parked))


def rows(store: Store, *, all_parked_here: bool, root: str) -> Iterator[Difference]:
    """Each row of the ledger: is what it names there? Without `all_parked_here` other nodes have parked mails of their own."""
    last = store.read(lambda conn: conn.execute(select(func.max(_a.id))).scalar() or 0)
    parked: dict[str, datetime] = {}
    for low in range(0, last, PAGE):

        def page(conn: Connection, low: int = low) -> list[tuple[str, str, str, bool, datetime]]:
            suspicious = or_(_TICKET_GONE, _MESSAGE_GONE, _IS_PARKED)
            query = select(_a.spool_id, _a.outcome, _a.reason, _TICKET_GONE, _a.decided_at).where(
                _a.id > low, _a.id <= low + PAGE, suspicious
            )
            return [tuple(row) for row in conn.execute(query)]

        for spool_id, outcome, reason, no_ticket, decided in store.read(page):
            if outcome == Outcome.PARKED:
                parked[spool_id] = decided
            else:
                yield Difference(
                    Kind.TICKET_GONE if no_ticket else Kind.MESSAGE_GONE, spool_id, f"{outcome}, because {reason}"
                )
    if not parked:
        return
    here = look(root)
    for some in _chunks(sorted(parked)):
        # Read again: one that was retried and settled meanwhile is no longer parked.
        for spool_id, outcomes in store.read(partial(_outcomes, spool_ids=some)).items():
            if Outcome.PARKED in outcomes and len(outcomes) > 1:
                yield Difference(Kind.TWO_OUTCOMES, spool_id, ", ".join(sorted(outcomes)))
            elif Outcome.PARKED in outcomes and spool_id not in here and all_parked_here:
                yield Difference(Kind.PARKED_GONE, spool_id, f"parked on {parked[spool_id]:%Y-%m-%d %H:%M} UTC")


def entries(root: str, store: Store, now: datetime) -> Iterator[Difference]:
    """What waits in the spool: for too long, or though its mail is settled."""
    for some in _chunks(tray.scan(root)):
        settled = store.read(partial(_settled, spool_ids=some))
        for spool_id in some:
            decided, since = settled.get(spool_id), arrived_at(spool_id)
            if decided is not None:
                if now - decided > GRACE:
                    yield Difference(Kind.SETTLED, spool_id, f"settled on {decided:%Y-%m-%d %H:%M} UTC")
            elif since is not None and now - since > PATIENCE:
                yield Difference(Kind.STUCK, spool_id, f"since {since:%Y-%m-%d %H:%M} UTC")


def leftovers(root: str, store: Store, now: datetime) -> Iterator[Difference]:
    """Files of the spool that are no mail's, and reasons whose mail is not beside them."""
    for path in tray.strays(root):
        yield Difference(Kind.STRAY, path)
    for name in sorted(os.listdir(os.path.join(root, "tmp"))):  # noqa: PTH118, PTH208  # as the spool's own modules
        try:
            written = os.lstat(os.path.join(root, "tmp", name)).st_mtime  # noqa: PTH118  # as above
        except FileNotFoundError:
            continue
        if now.timestamp() - written > tray.TMP_AGE + TMP_GRACE:
            yield Difference(Kind.OLD_TMP, f"tmp/{name}")
    reasons = tray.reasons(root)
    if not reasons:
        return
    here = look(root)
    for some in _chunks([each for each in reasons if each not in here]):
        outcomes = store.read(partial(_outcomes, spool_ids=some))
        for spool_id in some:
            if not outcomes.get(spool_id):
                yield Difference(Kind.LOST, spool_id, "its reason stands in parked/, the mail does not")
            elif Outcome.PARKED not in outcomes[spool_id]:
                yield Difference(Kind.REASON_ALONE, spool_id)


def lost(accepted: Iterable[str], root: str, store: Store) -> Iterator[Difference]:
    """Of the ids that a record of its own calls accepted, those that are nowhere. The spool before the ledger: a mail moves from
    the one to the other, never back."""
    ids = list(dict.fromkeys(accepted))
    here = look(root)
    for some in _chunks([each for each in ids if each not in here]):
        outcomes = store.read(partial(_outcomes, spool_ids=some))
        for spool_id in some:
            if spool_id not in outcomes:
                since = arrived_at(spool_id)
                yield Difference(Kind.LOST, spool_id, f"accepted on {since:%Y-%m-%d %H:%M} UTC" if since else "")


def arrived_at(spool_id: str) -> datetime | None:
    """An id begins with its time, in microseconds; None where it does not."""
    digits = spool_id.partition("-")[0]
    try:
        return datetime.fromisoformat("1970-01-01T00:00:00+00:00") + timedelta(microseconds=int(digits))
    except (ValueError, OverflowError):
        return None


def accepted_in(lines: Iterable[str]) -> Iterator[str]:
    """The ids of `received` lines of our log, text or json, whatever the journal has put before them."""
    for line in lines:
        if found := _RECEIVED.search(line):  # the id stands before all that a client could have written
            yield found[1]
        elif "{" in line:
            try:
                facts = json.loads(line[line.index("{") :])
            except ValueError:
                continue
            if facts.get("event") == "received" and spool.good_id(str(facts.get("spool"))):
                yield str(facts["spool"])


def _outcomes(conn: Connection, spool_ids: list[str]) -> dict[str, set[Outcome]]:
    found: dict[str, set[Outcome]] = {}
    for spool_id, outcome in conn.execute(select(_a.spool_id, _a.outcome).where(_a.spool_id.in_(spool_ids))):
        found.setdefault(spool_id, set()).add(Outcome(outcome))
    return found


def _settled(conn: Connection, spool_ids: list[str]) -> dict[str, datetime]:
    """When each was settled, of those that are."""
    query = select(_a.spool_id, func.max(_a.decided_at)).where(_a.spool_id.in_(spool_ids), ~_IS_PARKED)
    return {row[0]: row[1] for row in conn.execute(query.group_by(_a.spool_id))}


def _chunks(ids: list[str]) -> Iterator[list[str]]:
    for start in range(0, len(ids), 500):
        yield ids[start : start + 500]
