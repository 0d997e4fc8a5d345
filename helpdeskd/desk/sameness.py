"""Is this very mail here already? What the ledger knows, and when a copy that is here does not stand for one that comes."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import NamedTuple

from sqlalchemy import Connection, bindparam, select

from helpdeskd.model.mail import Inbound, Verdict
from helpdeskd.model.people import Department
from helpdeskd.model.routing import Outcome, Reason
from helpdeskd.model.ticket import Visibility
from helpdeskd.store import schema

SAME_FOR = timedelta(days=7)  # DESIGN: sameness holds per addressed department for so long

_m, _a = schema.message.c, schema.arrival.c

_HELD = (
    select(_a.department_id, _a.ticket_id, _a.outcome, _m.ticket_id, _m.id, _m.visibility, _m.reason, _m.verdict)
    .outerjoin(schema.message, _m.arrival_id == _a.id)
    .where(_a.ticket_id.is_not(None), _a.outcome != Outcome.DUPLICATE.value)
    .order_by(_a.id, _m.id)
)
_SAME = _HELD.where(_a.identity_sha256 == bindparam("identity"), _a.received_at >= bindparam("since"))
# The bytes too: a mailbox of that name may have been another one once.
_SAME_UID = _HELD.where(
    _a.account == bindparam("account"),
    _a.folder == bindparam("folder"),
    _a.uidvalidity == bindparam("uidvalidity"),
    _a.uid == bindparam("uid"),
    _a.raw_sha256 == bindparam("raw_sha256"),
)


class Place(NamedTuple):
    """Where an IMAP server has a mail; a server never gives the four to another one (RFC 3501 section 2.3.1.1)."""

    account: str
    folder: str
    uidvalidity: int
    uid: int


@dataclass(slots=True)
class Same:
    """What holds this very mail: (ticket, message) of this department; `withheld`, copies that got no voice, which another may have;
    `equals`, those tickets of `here` where one of them is as good as this one; tickets of other departments; did it open one there?"""

    here: list[tuple[int, int | None]] = field(default_factory=list)
    withheld: list[tuple[int, int]] = field(default_factory=list)
    equals: set[int] = field(default_factory=set)
    there: list[int] = field(default_factory=list)
    opened: bool = False


_WORTH = {Verdict.FAIL: 0, Verdict.NONE: 1, Verdict.PASS: 2}
_DID = frozenset({Reason.COMMANDS.value, Reason.DELIVERY_REPORT.value})  # a note that was no mere note


def look(
    conn: Connection,
    inbound: Inbound,
    department: Department,
    arrived_at: datetime,
    place: Place | None,
    verdict: Verdict,
) -> Same:
    """A mail without an identity is known by its place: two nodes may have fetched it, the one that died and the one that took over.

    A copy that failed, or of which nobody knew whose it was, does not stand for a genuine one that comes later. Nor does one as good that
    had no voice for what stands outside of the identity: the recipient, what a list or a forwarder put on top. What opened a ticket
    is that mail's, voice or not.
    """
    same = Same()
    if inbound.identity_sha256 is not None:
        found = conn.execute(_SAME, {"identity": inbound.identity_sha256, "since": arrived_at - SAME_FOR})
    elif place is not None:
        found = conn.execute(_SAME_UID, {**place._asdict(), "raw_sha256": inbound.raw_sha256})
    else:
        return same
    for where, first, outcome, of_message, message_id, visibility, reason, judged in found:
        ticket_id = first if of_message is None else of_message
        here = where == department.id
        worse = judged is not None and _WORTH[Verdict(judged)] < _WORTH[verdict]
        mute = visibility == Visibility.INTERNAL and reason not in _DID
        if mute and worse:
            if here:
                same.withheld.append((ticket_id, message_id))
            continue
        if mute and outcome != Outcome.OPENED and _WORTH[Verdict(judged)] == _WORTH[verdict]:
            same.withheld.append((ticket_id, message_id))
        elif here:
            same.here.append((ticket_id, message_id))
            same.equals |= set() if worse else {ticket_id}
        if not here:
            same.there.append(ticket_id)
            same.opened |= outcome == Outcome.OPENED
    return same
