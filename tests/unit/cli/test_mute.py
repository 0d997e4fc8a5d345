"""Addresses that get no automatic mail, at a terminal: a relay and a report say that an address is dead, and what follows."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email import message_from_bytes

import pytest

from helpdeskd.desk import mutes
from helpdeskd.store import schema
from helpdeskd.store.engine import open_store
from tests.sink import Sink, threaded
from tests.unit.cli.house import ADA, SUPPORT, House

GRACE = "grace@customer.example"
GONE = "550 5.1.1 no such user"
REPORT = """\
From: MAILER-DAEMON@relay.example
To: {to}
Subject: Undelivered Mail Returned to Sender
Message-ID: <report@relay.example>
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status; boundary="b"

--b
Content-Type: message/delivery-status

Reporting-MTA: dns; relay.example

Final-Recipient: rfc822; {whom}
Action: failed
Status: 5.1.1
Diagnostic-Code: smtp; 550 5.1.1 no such user

--b
Content-Type: text/rfc822-headers

Message-ID: <{mail_id}>
X-Helpdeskd-Mail: {token}

--b--
"""


@pytest.fixture
def sink() -> Iterator[Sink]:
    with threaded(Sink()) as running:
        yield running


@pytest.fixture
def mailing(house: House, sink: Sink) -> House:
    house.write_config(f'[outgoing]\nrelay = "{sink.relay}"\nsecurity = "none"\n')
    house("fetch", "--through").ok()
    return house


def a_day_passes(house: House) -> None:
    """For what is counted already."""
    store = open_store(f"sqlite:///{house.data}/helpdeskd.sqlite3")
    yesterday = datetime.now(UTC) - timedelta(days=1)
    store.writer.run(lambda conn: conn.execute(schema.unreached.update().values(at=yesterday)))
    store.close()


def shown(house: House, number: int) -> str:
    return house("ticket", "show", str(number), "--history").ok()


def test_the_whole_way(mailing, sink):
    assert mailing("mute", "list").ok() == "Nobody is muted.\n"
    sink.refuse(GRACE, GONE)
    mailing.ticket("The first")
    a_day_passes(mailing)
    sink.refuse(GRACE, "250 2.1.5 Ok")
    second = mailing.ticket("The second")
    (mail,) = (
        m for m in mailing("outbox", "list", "--ticket", str(second), "--json").json if m["mail"]["recipient"] == GRACE
    )
    token = message_from_bytes(sink.to(GRACE)[-1].data)["X-Helpdeskd-Mail"]
    told = REPORT.format(to=SUPPORT, whom=GRACE, mail_id=mail["mail"]["mail_id"], token=token)
    mailing.mail(told.encode(), "")
    assert "1 received" in mailing("fetch", "--through").ok()
    a_day_passes(mailing)
    assert mailing("mute", "list", "--json").json == []

    sink.refuse(GRACE, GONE)
    third = mailing.ticket("The third")
    assert "held back from now on" in shown(mailing, third)
    assert f"<{GRACE}> (muted since " in shown(mailing, third)
    (found,) = mailing("mute", "list", "--json").json
    assert (found["person"]["email"], found["by"]) == (GRACE, None)
    assert GONE in found["why"]
    assert GRACE in mailing("mute", "list").ok()
    assert "\nmuted    1 address (helpdeskd mute list)\n" in mailing("status").ok()
    assert mailing("status", "--json").json["muted"] == {"count": 1, "staff": []}

    sink.refuse(GRACE, "250 2.1.5 Ok")
    before = len(sink.to(GRACE))
    fourth = mailing.ticket("The fourth")
    assert len(sink.to(GRACE)) == before, "no acknowledgement"
    assert f"Automatic mail to {GRACE} is held back" in shown(mailing, fourth)
    mailing("ticket", "reply", str(fourth), "Use water.").ok()
    mailing("fetch", "--through").ok()
    assert len(sink.to(GRACE)) == before + 1, "a person's own words"

    assert (
        mailing("mute", "remove", GRACE, "--as", "Ada", "--why", "she telephoned").ok()
        == f"{GRACE} is muted no more.\n"
    )
    mailing.ticket("The fifth")
    assert len(sink.to(GRACE)) == before + 2


def test_staff(mailing):
    assert mailing("mute", "add", ADA, "--why", "left").ok() == (
        f"{ADA} is muted.\nIt is a member of staff, who is told of nothing now.\n"
    )
    assert "left" in mailing("mute", "list").ok()
    status = mailing("status")
    assert status.code == 3
    assert f"\nmuted    1 address, of staff {ADA} (helpdeskd mute list)\n" in status.out
    assert f"ALARM: staff get no notices: their addresses are muted: {ADA}; see helpdeskd mute list" in status.out


def test_refusals(mailing):
    assert mailing("mute", "add", "nobody@x.example").failed(1) == "there is no person nobody@x.example"
    assert mailing("mute", "remove", ADA).failed(1) == f"{ADA} is not muted"
    mailing("mute", "add", ADA).ok()
    assert mailing("mute", "add", ADA).failed(1).startswith(f"{ADA} is muted since ")
    assert mailing("mute", "add", ADA, "--as", "Nemo").failed(1) == "there is no member of staff called Nemo"


def test_a_relay_that_blames_something_else_mutes_nobody(mailing, sink):
    """A relay that serves us no more would else mute all the world."""
    for number, reply in enumerate(
        (
            "550 5.7.1 Relaying denied",
            "554 5.7.1 Service unavailable; Client host [192.0.2.7] blocked",
            "552 5.2.2 Mailbox full",
            "450 4.1.1 no such user",
            "550",
            "550 Ihr Konto ist nicht freigeschaltet",
            "550 5.7.60 Client does not have permissions to send as this sender",
        )
    ):
        sink.refuse(GRACE, reply)
        mailing.ticket(f"Number {number}")
    sink.refuse(GRACE, "250 2.1.5 Ok")
    sink.always("dot", GONE)  # a filter's: whoever refuses the mail itself has known the recipient
    mailing.ticket("The last")
    store = open_store(f"sqlite:///{mailing.data}/helpdeskd.sqlite3")
    assert store.read(mutes.standing).count == 0
    assert store.read(lambda conn: conn.execute(schema.unreached.select()).all()) == []
    store.close()


def test_a_relay_that_refuses_everybody_mutes_nobody(mailing, sink):
    """Whatever it says."""
    sink.always("rcpt", GONE)
    for number in range(3):
        mailing.ticket(f"Number {number}")
        a_day_passes(mailing)
    store = open_store(f"sqlite:///{mailing.data}/helpdeskd.sqlite3")
    assert store.read(mutes.standing).count == 0
    assert len(store.read(lambda conn: conn.execute(schema.unreached.select()).all())) <= 1, "the first of all"
    store.close()
