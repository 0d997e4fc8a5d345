"""When two arrivals are one mail: the whole of it as one table, from the spool to the store; on SQLite in one batch, on PostgreSQL
one by one.

The right-hand column says what makes it so. The identity's own rules stand in tests/unit/mail/test_parse.py, the fetching side of
IMAP in tests/live/test_imap.py, two whole daemons in tests/live/test_nodes.py.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import func, select

from helpdeskd import spool
from helpdeskd.config import Mailbox
from helpdeskd.daemon import StoreLedger
from helpdeskd.model.clock import now
from helpdeskd.sources.imap import fetch_once
from helpdeskd.store import schema
from tests.live.fakeimap import FakeImap
from tests.live.house import CUSTOMER, SUPPORT
from tests.unit.test_intake import VOUCHED, Room

SALES = "sales@desk.example"
DAY = 86_400_000_000  # microseconds

HEAD = b"From: Grace <grace@customer.example>\nTo: support@desk.example\nSubject: Disk full\n"
DATE, ID = b"Date: Mon, 02 Nov 2026 10:00:00 +0000\n", b"Message-ID: <one@customer.example>\n"
MAIL = HEAD + DATE + ID + b"\nThe disk is full.\n"
WIRE = MAIL.replace(b"\n", b"\r\n")
TRACED = (
    b"Return-Path: <grace@customer.example>\nDelivered-To: desk\nReceived: from a by b; Mon, 02 Nov 2026 10:00:01 +0000\n"
    + MAIL
)
OTHER = MAIL.replace(b"is full", b"is full again")
REPLY = VOUCHED + (
    MAIL.replace(b"<one@", b"<two@").replace(b"Subject: ", b"In-Reply-To: <one@customer.example>\nSubject: Re: ")
    + b"Still.\n"
)
NO_ID, NO_DATE = MAIL.replace(ID, b""), MAIL.replace(DATE, b"")


def mbox(time: bytes) -> bytes:
    return b"From grace@customer.example Mon Nov  2 " + time + b" 2026\n" + MAIL


@dataclass(frozen=True)
class By:
    """One arrival: by which door, for whom, how many days after the first. `again`: the spool entry of the first, once more."""

    door: str
    raw: bytes = MAIL
    to: tuple[str, ...] = (SUPPORT,)
    days: float = 0
    uid: int = 7
    uidvalidity: int = 1
    again: bool = False


# What arrives, one after the other | outcomes in the ledger | tickets, messages, acknowledgements | what holds it
PAIRS = [
    ("the same bytes by one door", [By("smtp", WIRE), By("smtp", WIRE)], "opened duplicate", (1, 1, 1), "identity"),
    ("one mail by two doors", [By("smtp", WIRE), By("imap", TRACED)], "opened duplicate", (1, 1, 1), "trace headers and line ends do not count"),
    ("the mailbox first", [By("imap", TRACED), By("lmtp", WIRE)], "opened duplicate", (1, 1, 1), "the same"),
    ("three doors", [By("lmtp", WIRE), By("pipe", TRACED), By("imap", MAIL)], "opened duplicate duplicate", (1, 1, 1), "the same"),
    ("a retry, another From line", [By("pipe", mbox(b"10:00:01")), By("pipe", mbox(b"10:05:00"))], "opened duplicate", (1, 1, 1), "a mbox line does not count"),
    ("one spool entry twice", [By("pipe"), By("pipe", again=True)], "opened", (1, 1, 1), "spool id"),
    ("one Message-ID, two bodies", [By("smtp"), By("smtp", OTHER)], "opened opened", (2, 2, 2), "identity: the body counts"),
    ("cron without Message-ID, twice", [By("pipe", NO_ID), By("pipe", NO_ID)], "opened opened", (2, 2, 2), "no identity: cron repeats itself"),
    ("cron without Date, twice", [By("pipe", NO_DATE), By("pipe", NO_DATE)], "opened opened", (2, 2, 2), "the same"),
    ("cron, one spool entry twice", [By("pipe", NO_ID), By("pipe", NO_ID, again=True)], "opened", (1, 1, 1), "spool id"),
    ("cron, one UID by two nodes", [By("imap", NO_ID), By("imap", NO_ID)], "opened duplicate", (1, 1, 1), "account, folder, UIDVALIDITY, UID"),
    ("cron, one UID, for two departments", [By("imap", NO_ID), By("imap", NO_ID, to=(SALES,))], "opened opened", (2, 2, 1), "the same: a copy"),
    ("cron, two UIDs", [By("imap", NO_ID), By("imap", NO_ID, uid=8)], "opened opened", (2, 2, 2), "another UID is another mail"),
    ("cron, a UID used for another mail", [By("imap", NO_ID), By("imap", NO_ID + b"More.\n")], "opened opened", (2, 2, 2), "the bytes count as well"),
    ("UIDVALIDITY reset", [By("imap"), By("imap", uid=3, uidvalidity=2)], "opened duplicate", (1, 1, 1), "identity"),
    ("UIDVALIDITY reset, no Message-ID", [By("imap", NO_ID), By("imap", NO_ID, uid=3, uidvalidity=2)], "opened opened", (2, 2, 2), "nothing: rather twice than never"),
    ("two departments at once", [By("smtp", to=(SUPPORT, SALES))], "opened opened", (2, 2, 1), "an arrival for each department"),
    ("two departments, one by one", [By("pipe"), By("pipe", to=(SALES,))], "opened opened", (2, 2, 1), "identity holds per department"),
    ("two departments, then again", [By("smtp", to=(SUPPORT, SALES)), By("lmtp", to=(SALES, SUPPORT))], "opened opened duplicate duplicate", (2, 2, 1), "the same"),
    ("two addresses of one department", [By("smtp", to=(SUPPORT, "support+x@desk.example"))], "opened", (1, 1, 1), "the department is the place"),
    ("six days apart", [By("smtp"), By("imap", days=6)], "opened duplicate", (1, 1, 1), "identity holds for 7 days"),
    ("eight days apart", [By("smtp"), By("imap", days=8)], "opened opened", (2, 2, 2), "and then it ends"),
    ("a mail and its reply", [By("smtp"), By("smtp", REPLY)], "opened appended", (1, 2, 1), "in one batch, in order"),
    ("a reply and its mail", [By("smtp", REPLY), By("smtp", VOUCHED + MAIL)], "opened appended", (1, 2, 1), "what a stored mail names"),
]  # fmt: skip


@pytest.fixture
def room(tmp_path, store, blobs, parser):
    made = Room(tmp_path, store, blobs, parser)
    yield made
    made.intake.stop()


def put(room: Room, by: By, spool_id: str) -> str:
    at = spool.Envelope().received + int(by.days * DAY)
    imap = by.door == "imap"
    place: dict[str, Any] = {"account": "desk", "folder": "INBOX", "uid": by.uid, "uidvalidity": by.uidvalidity}
    envelope = spool.Envelope(
        id=spool_id or spool.new_id(),
        door=by.door,
        sender="" if imap else CUSTOMER,
        sender_known=not imap,
        recipients=() if imap and by.to == (SUPPORT,) else by.to,
        received=at,
        **(place if imap else {}),
    )
    return spool.put(room.root, envelope, [by.raw])


def count(room: Room, table) -> int:
    return int(room.store.read(lambda conn: conn.execute(select(func.count()).select_from(table)).scalar_one()))


def came_to(room: Room) -> tuple[str, tuple[int, int, int]]:
    outcomes = " ".join(row.outcome for row in room.arrivals())
    return outcomes, (count(room, schema.ticket), count(room, schema.message), len(room.acknowledged()))


@pytest.mark.parametrize(
    ("comings", "outcomes", "counts"), [pytest.param(*row[1:4], id=f"{row[0]}: {row[4]}") for row in PAIRS]
)
def test_pairs(room, comings, outcomes, counts):
    first = ""
    for by in comings:
        if by.again or room.store.dialect == "postgresql":
            room.intake.once()  # an entry can be there again only after it has gone
        spool_id = put(room, by, first if by.again else "")
        first = first or spool_id
    room.intake.once()
    assert came_to(room) == (outcomes, counts)
    links = count(room, schema.ticket_link)
    assert (links > 0) == (counts[0] == 2 and counts[2] == 1), "two departments' tickets are linked, and no others"


# -- what a mailbox's numbers do, from the server to the store


def test_a_mailbox_that_was_numbered_anew(room):
    """UIDVALIDITY has changed and UIDs begin at 1 again: what is known is recognised, and the mail with a low UID is not overlooked."""
    ledger = StoreLedger(room.store)
    with FakeImap() as server:
        server.internaldate = f"{datetime.now(UTC):%d-%b-%Y %H:%M:%S} +0000"
        box = Mailbox(
            name="desk", host="127.0.0.1", port=server.port, user="u", password="p", security="none", backfill="all"
        )

        def fetch() -> int:
            result = fetch_once(box, room.root, ledger, now)
            assert not result.error
            room.intake.once()
            return result.fetched

        mails = [MAIL.replace(b"<one@", b"<%d@" % number) for number in range(3)]
        for mail in mails:
            server.add(mail)
        assert fetch() == 3
        assert fetch() == 0
        server.uidvalidity, server.uidnext = 8, 1
        server.mails.clear()
        server.flags.clear()
        server.add(OTHER)
        server.add(mails[2])
        assert fetch() == 2
        assert fetch() == 0
    ledger.release()
    assert Counter(row.outcome for row in room.arrivals()) == {"opened": 4, "duplicate": 1}
    assert len(room.tickets()) == 4
