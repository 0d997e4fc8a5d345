"""Addresses that mail does not reach: what counts against them, what is held back, what ends it."""

from __future__ import annotations

from dataclasses import replace

import pytest
from sqlalchemy import func, select

from helpdeskd.desk import customers, delivery, mutes, people, people_merge
from helpdeskd.errors import Refused
from helpdeskd.model.mail import Address, Delivery, Fate, Kind, Reason, Report, Severity, Verdict
from helpdeskd.model.outgoing import NoticeName as N
from helpdeskd.model.outgoing import OutboxState
from helpdeskd.store import outbox, schema
from tests.unit.desk.street import Street
from tests.unit.desk.test_delivery import ADA, DAEMON, report, sent, systems

CAROL = "Carol@customer.example"
PASS, NONE, FAIL = Verdict.PASS, Verdict.NONE, Verdict.FAIL


@pytest.fixture
def street(house) -> Street:
    return Street(house)


def carol(house):
    return people.get(house.conn, house.carol.id)


def lost(street: Street, author: str = "Carol <carol@customer.example>", **told):
    """A new ticket of hers, whose acknowledgement has left and comes back."""
    ticket = street.ticket(street.send(author, subject=f"Printer {next(street.count)}"))
    mail = street.last(N.ACKNOWLEDGEMENT)
    sent(street, mail)
    report(street, mail, **told)
    return ticket, mail


def muted(street: Street):
    """Three tickets over two days: she is muted by the last."""
    for _ in range(3):
        ticket, mail = lost(street)
        street.house.later(hours=13)
    assert carol(street.house).muted_at is not None
    return ticket, mail


# What counts


def test_three_hard_failures_over_a_day(house, street):
    for count in range(1, 4):
        ticket, _ = lost(street)
        assert (carol(house).muted_at is not None) == (count == 3)
        house.later(hours=13)
    (entry,) = systems(street, ticket)
    assert entry.endswith(f"\nAutomatic mail to {CAROL} is held back from now on (helpdeskd mute list).")
    assert [detail.get("muted") for kind, detail in house.history(ticket) if kind == "mail-bounced"] == [True]
    (found,) = mutes.list(house.conn)
    assert (found.person, found.by, found.since) == (carol(house), None, carol(house).muted_at)
    assert found.why.startswith(
        "3 mails or more came back since 2026-03-04 09:30 UTC; the last: 550 5.1.1 no such user"
    )
    assert mutes.standing(house.conn) == mutes.Standing(1)


def test_one_bad_afternoon_mutes_nobody(house, street):
    for _ in range(5):
        lost(street)
        house.later(hours=4)
    assert carol(house).muted_at is None
    assert kept(house) == 3, "no more are remembered"
    house.later(hours=5)
    lost(street)
    assert carol(house).muted_at is not None


def kept(house) -> int:
    count: int = house.conn.execute(select(func.count()).select_from(schema.unreached)).scalar_one()
    return count


def test_what_is_long_past_counts_no_more(house, street):
    for _ in range(4):
        lost(street)
        house.later(days=16)
    assert carol(house).muted_at is None


@pytest.mark.parametrize(
    "told",
    [
        {"severity": Severity.SOFT, "reason": Reason.MAILBOX_FULL},
        {"severity": Severity.UNDETERMINED, "reason": Reason.UNKNOWN},
        {"delivery": Delivery.DELAYED},
        {"delivery": Delivery.DELIVERED},
    ],
    ids=["soft", "undetermined", "late", "arrived"],
)
def test_other_reports_do_not_count(house, street, told):
    for _ in range(4):
        lost(street, **told)
        house.later(days=1)
    assert carol(house).unreached_at is None


def test_one_mail_counts_once(house, street):
    """However often it is reported, and sent again, and comes back again."""
    _, mail = lost(street)
    for _ in range(4):
        house.later(days=1)
        report(street, mail)
        delivery.retry(house.conn, house.now, mail.id, None)
        sent(street, mail)
        report(street, mail)
    assert (carol(house).muted_at, kept(house)) == (None, 1)


def test_mails_of_one_ticket_count_one_by_one(house, street):
    """Staff answers too: who they are from is nothing to an address that is dead."""
    ticket, _ = lost(street)
    for _ in range(2):
        house.later(days=1)
        house.answer(ticket)
        mail = street.last(N.STAFF_REPLY)
        sent(street, mail)
        report(street, mail)
    assert carol(house).muted_at == house.now


@pytest.mark.parametrize(
    "forged",
    [
        {"verdict": FAIL},
        {"about": False},
        {"recipient": "somebody@else.example"},
    ],
    ids=["refuted", "knows no mail", "another recipient"],
)
def test_forged_reports_mute_nobody(house, street, forged):
    for _ in range(4):
        lost(street, **forged)
        house.later(days=1)
    assert carol(house).unreached_at is None


def test_a_forger_who_got_one_mail_cannot_count_others(house, street):
    """Dan has the acknowledgements to himself, and reports them as not having reached Carol."""
    for _ in range(4):
        street.send("Dan <dan@customer.example>", subject=f"Printer {next(street.count)}")
        mail = street.last(N.ACKNOWLEDGEMENT)
        sent(street, mail)
        said = Fate(Delivery.FAILED, CAROL, CAROL, "5.1.1", "no such user", "mx", severity=Severity.HARD)
        street.send(text="", inbound={"report": Report((said,), (mail.mail_id,))}, **DAEMON)
        house.later(days=1)
    assert carol(house).unreached_at is None
    assert mutes.list(house.conn) == ()


def test_a_relay_that_refuses_the_address_counts(house, street):
    for count in range(3):
        street.send(subject=f"Printer {count}")
        row = outbox.get(house.conn, street.last(N.ACKNOWLEDGEMENT).id)
        words = "550 5.1.1 no such user (at RCPT)"
        assert delivery.record(house.conn, house.desk, house.now, row, OutboxState.FAILED, words, hard=True) == (
            count == 2
        )
        house.later(hours=13)
    assert carol(house).muted_at is not None


def test_a_mail_that_went_to_an_address_of_before_does_not_count(house, street):
    street.send()
    row = replace(outbox.get(house.conn, street.last(N.ACKNOWLEDGEMENT).id), recipient="carol@before.example")
    assert not mutes.failed(house.conn, house.now, row, "no such user")
    assert not mutes.failed(house.conn, house.now, replace(row, person_id=None), "no such user")
    assert kept(house) == 0


# What is held back


def test_automatic_mail_is_held_back_and_said_once(house, street):
    muted(street)
    before = house.told(N.ACKNOWLEDGEMENT)
    ticket = street.ticket(street.send())
    house.answer(ticket, close=True)
    assert house.told(N.ACKNOWLEDGEMENT) == before
    assert house.told(N.TICKET_CLOSED) == []
    assert house.told(N.STAFF_REPLY) == [CAROL]
    (entry,) = systems(street, ticket)
    assert entry == (
        f"Automatic mail to {CAROL} is held back: the address is muted (helpdeskd mute list). "
        "What staff write goes out all the same."
    )
    assert house.kinds(ticket).count("mail-withheld") == 1
    assert ADA in house.told(N.NEW_TICKET)


def test_staff_who_are_muted_are_told_of_nothing_and_it_shows(house, street):
    mutes.add(house.conn, house.now, person=house.ada, why="left", actor=house.bob)
    ticket = street.ticket(street.send())
    assert ADA not in house.told(N.NEW_TICKET)
    assert house.told(N.NEW_TICKET) == ["bob@staff.example"]
    assert systems(street, ticket) == []
    assert mutes.standing(house.conn) == mutes.Standing(1, (ADA,))
    people.disable(house.conn, house.desk, house.now, person=house.ada)
    assert mutes.standing(house.conn).staff == ()


# What ends it


@pytest.mark.parametrize(
    ("how", "ends"),
    [
        ({"verdict": PASS}, True),
        ({"verdict": PASS, "kind": Kind.AUTO_REPLY}, True),
        ({"verdict": NONE}, False),
        ({"verdict": FAIL}, False),
        ({"verdict": PASS, "kind": Kind.BOUNCE}, False),
        ({"verdict": PASS, "author": "Carol <carol@sub.customer.example>"}, False),
        ({"verdict": NONE, "token": True}, True),
        ({"verdict": FAIL, "token": True}, False),
    ],
)  # fmt: skip
def test_a_sign_of_life(house, street, how, ends):
    muted(street)
    more = {"author": "Carol <carol@customer.example>", **how}
    if more.pop("token", False):
        house.answer(street.ticket(street.send()))
        arrived = street.answer(street.last(N.STAFF_REPLY), text="I am here.", **more)
    else:
        arrived = street.mail(subject="I am here", **more)
    street.take(arrived)
    assert (carol(house).muted_at is None, kept(house) == 0) == (ends, ends)
    log = list(house.conn.execute(select(schema.mute.c.muted, schema.mute.c.why).order_by(schema.mute.c.id)))
    assert [row.muted for row in log] == [True, *[False] * ends]
    assert not ends or log[-1].why == "a mail came from there"


def test_the_mail_that_ends_it_is_acknowledged(house, street):
    muted(street)
    before = len(house.told(N.ACKNOWLEDGEMENT))
    ticket = street.ticket(street.send(subject="I am here", verdict=PASS))
    assert (len(house.told(N.ACKNOWLEDGEMENT)), systems(street, ticket)) == (before + 1, [])


def test_a_sign_of_life_between_begins_the_count_anew(house, street):
    for _ in range(2):
        lost(street)
        house.later(days=1)
    street.send(subject="I am here", verdict=PASS)
    assert (carol(house).unreached_at, kept(house)) == (None, 0)
    lost(street)
    assert carol(house).muted_at is None


def test_by_hand(house, street):
    conn, now = house.conn, house.now
    after = mutes.add(conn, now, person=house.carol, why="her responder loops", actor=house.ada)
    assert after.muted_at == now
    with pytest.raises(Refused, match="is muted since"):
        mutes.add(conn, now, person=after, why="", actor=None)
    street.send(subject="I am here", verdict=PASS)
    (found,) = mutes.list(conn)
    assert (found.why, found.by) == ("her responder loops", house.ada), "mail from there does not end it"
    assert mutes.remove(conn, now, person=after, why="mended", actor=None).muted_at is None
    with pytest.raises(Refused, match="is not muted"):
        mutes.remove(conn, now, person=carol(house), why="", actor=None)
    assert mutes.list(conn) == ()


def test_another_address_begins_anew(house, street):
    muted(street)
    after = customers.move(house.conn, house.now, carol(house), "carol@new.example")
    assert (after.muted_at, after.unreached_at, kept(house)) == (None, None, 0)


def test_one_who_is_merged_away_leaves_nothing_behind(house, street):
    muted(street)
    dan = people.customer(house.conn, house.desk, house.now, Address("Dan", "dan@customer.example"))
    people_merge.merge(house.conn, house.desk, house.now, person=carol(house), into=dan, actor=None)
    assert (mutes.list(house.conn), mutes.standing(house.conn).count, kept(house)) == ((), 0, 0)
    assert people.get(house.conn, dan.id).muted_at is None
