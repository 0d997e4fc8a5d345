"""Addresses that mail does not reach: what counts against them, what is held back, what ends it."""

from __future__ import annotations

from dataclasses import replace

import pytest
from sqlalchemy import func, select
from sqlalchemy.dialects import postgresql

from helpdeskd.desk import customers, delivery, departments, mutes, notices, people, people_merge
from helpdeskd.desk.notices import Event, Scene
from helpdeskd.errors import Refused
from helpdeskd.model.mail import Address, Delivery, Fate, Kind, Reason, Report, Severity, Verdict
from helpdeskd.model.outgoing import NoticeName as N
from helpdeskd.model.outgoing import OutboxState
from helpdeskd.model.routing import Outcome
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
    comes_back(street, mail, **told)
    return ticket, mail


def comes_back(street: Street, mail, **told):
    """To the envelope's address."""
    report(street, mail, **{"to": f"support+b-{mail.envelope_token}@example.org", **told})


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
        "mails came back on 3 occasions or more since 2026-03-04 09:30 UTC; the last: 550 5.1.1 no such user"
    )
    assert mutes.standing(house.conn) == mutes.Standing(1)


def test_one_bad_afternoon_mutes_nobody(house, street):
    for _ in range(5):
        lost(street)
        house.later(hours=4)
    assert carol(house).muted_at is None
    assert kept(house) == 2, "what fails soon after another counts with it"
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
        comes_back(street, mail)
        delivery.retry(house.conn, house.now, mail.id, None)
        sent(street, mail)
        comes_back(street, mail)
    assert (carol(house).muted_at, kept(house)) == (None, 1)


def test_mails_of_one_ticket_count_one_by_one(house, street):
    """Staff answers too: who they are from is nothing to an address that is dead."""
    ticket, _ = lost(street)
    for _ in range(2):
        house.later(days=1)
        house.answer(ticket)
        mail = street.last(N.STAFF_REPLY)
        sent(street, mail)
        comes_back(street, mail)
    assert carol(house).muted_at == house.now


@pytest.mark.parametrize(
    "forged",
    [
        {"verdict": FAIL},
        {"about": False, "to": "support@example.org"},
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


@pytest.mark.parametrize(
    ("how", "counts"),
    [
        ({"token": True}, True),
        ({}, False),
        ({"verdict": PASS}, False),
        ({"token": True, "verdict": FAIL}, False),
        ({"token": True, "weak_bounce": True}, False),
        ({"token": True, "status": "4.1.1", "code": "4.1.1", "words": "450 4.1.1 no such user"}, False),
        ({"token": True, "words": "550 5.1.2 example.org does not exist", "reason": Reason.HOST_UNKNOWN}, False),
    ],
    ids=["token", "Message-ID", "Message-ID, pass", "token, refuted", "weak", "passing", "about us"],
)
def test_what_a_report_must_know_to_count(house, street, how, counts):
    """Dan got a copy of Carol's answer, and so knows the Message-ID of what she was sent; not what stands in its head."""
    how = dict(how)
    token, verdict, weak = how.pop("token", False), how.pop("verdict", NONE), how.pop("weak_bounce", False)
    street.send("Carol <carol@customer.example>")
    mail = street.last(N.ACKNOWLEDGEMENT)
    sent(street, mail)
    said = Fate(Delivery.FAILED, CAROL, CAROL, "5.1.1", "no such user", "mx", severity=Severity.HARD, code="5.1.1")
    told = Report((replace(said, **how),), (mail.mail_id,), (mail.envelope_token,) if token else ("0" * 32,))
    street.send(
        "Dan <dan@customer.example>",
        sender="",
        text="",
        kind=Kind.BOUNCE,
        verdict=verdict,
        inbound={"report": told, "weak_bounce": weak},
    )
    assert (outbox.get(house.conn, mail.id).state is OutboxState.BOUNCED) == (verdict is not FAIL)
    assert (carol(house).unreached_at is not None, kept(house)) == (counts, int(counts))


@pytest.mark.parametrize(("days", "counts"), [(6, 1), (8, 0)])
def test_reports_of_old_mails_do_not_count(house, street, days, counts):
    street.send("Carol <carol@customer.example>")
    mail = street.last(N.ACKNOWLEDGEMENT)
    sent(street, mail)
    house.later(days=days)
    comes_back(street, mail)
    assert (outbox.get(house.conn, mail.id).state, kept(house)) == (OutboxState.BOUNCED, counts)


def test_a_burst_long_ago_is_one_failure(house, street):
    for _ in range(3):
        lost(street)
        house.later(hours=1)
    house.later(days=25)
    lost(street)
    assert (carol(house).muted_at, kept(house)) == (None, 2)


def test_the_person_is_locked_without_stopping_those_who_refer_to_them():
    """On PostgreSQL a new row that names the person waits for FOR UPDATE, and not for this."""
    assert str(mutes._LOCKED.compile(dialect=postgresql.dialect())).endswith("FOR NO KEY UPDATE")


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


def test_what_somebody_asks_for_is_sent(house, street):
    """A link for a new password; an invitation that staff send."""
    mutes.add(house.conn, house.now, person=house.ada, why="left", actor=house.bob)
    muted(street)
    department = departments.sending(house.conn)
    for event, whom in (
        (Event.PASSWORD_ASKED, carol(house)),
        (Event.PASSWORD_ASKED, people.get(house.conn, house.ada.id)),
        (Event.STAFF_ADDED, people.get(house.conn, house.ada.id)),
        (Event.CUSTOMER_ADDED, carol(house)),
    ):
        assert whom.muted_at is not None
        told = notices.enqueue_for(house.conn, house.desk, house.now, Scene(event, department, tell=whom))
        assert ([mail.recipient for mail in told.queued], told.skipped) == ([whom.email], ()), event


# What ends it


@pytest.mark.parametrize("how", ["replayed", "replayed later", "old"])
def test_a_mail_of_before_is_no_sign_of_life(house, street, how):
    """Anybody may send a genuine mail of hers once more; and what was found in a mailbox may have lain there."""
    before = street.mail("Carol <carol@customer.example>", subject="I was here", verdict=PASS)
    street.take(before)
    muted(street)
    house.later(days=8 if how == "replayed later" else 1)
    again = replace(before, spool_id="again", received_at=house.now)
    if how == "old":
        again = replace(
            street.mail("Carol <carol@customer.example>", verdict=PASS), old_mail=True, received_at=house.now
        )
    (received,) = street.take(again)
    assert (received.outcome is Outcome.DUPLICATE) == (how == "replayed")
    assert carol(house).muted_at is not None


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
