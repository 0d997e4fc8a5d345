"""What is held as spam, and releasing it: once, to where it would have gone. On both databases."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from datetime import timedelta

import pytest

from helpdeskd.config import Config
from helpdeskd.desk import receive, spam
from helpdeskd.errors import BadMail, NotFound, Refused
from helpdeskd.model.mail import Verdict
from helpdeskd.model.outgoing import NoticeName as N
from helpdeskd.model.routing import Outcome, Reason
from helpdeskd.model.spam import By, Judgement, Sign, Spam
from helpdeskd.store import arrivals, schema
from helpdeskd.store.engine import open_store
from tests.unit.desk.conftest import NOW, House
from tests.unit.desk.street import Street, as_spam

CAROL, ADA = "Carol <carol@customer.example>", "ada@staff.example"
INFECTED = Judgement(Spam.VIRUS, Sign(By.CLAMD, Spam.VIRUS, "Bad"), (Sign(By.CLAMD, Spam.VIRUS, "Bad"),))


@pytest.fixture
def street(house) -> Street:
    return Street(house)


def released(street, arrived):
    """What the command line does, without the parser."""
    conn, now = street.house.conn, street.house.now
    row, kept = spam.held(conn, arrived.spool_id)
    return receive.release(conn, street.house.desk, now, spam.as_ham(row, kept, arrived.inbound, Config(), now))


def test_nothing_comes_of_what_is_held(house, street):
    arrived = as_spam(street.mail())
    (received,) = street.take(arrived)
    assert (received.outcome, received.reason, received.number) == (Outcome.HELD, "spam", None)
    assert street.outbox() == []
    assert received.told.queued == ()
    assert street.take(arrived)[0].replayed, "the same spool entry again changes nothing"
    (row,) = street.arrivals()
    assert row.evidence == ["from none (no-policy)", "spam spam (rspamd)", "rspamd spam (reject)"]
    (waiting,) = spam.waiting(house.conn, 30)
    assert (waiting.id, waiting.reason, waiting.why) == (arrived.spool_id, Reason.SPAM, "rspamd spam (reject)")
    assert (waiting.author, waiting.subject) == ("carol@customer.example", "My printer")
    assert waiting.goes_at == NOW + timedelta(days=30)
    assert spam.waiting(house.conn, 0)[0].goes_at is None
    assert arrivals.count_held(house.conn) == 1


def test_it_goes_its_way_once(house, street):
    arrived = as_spam(street.mail(), verdict=Verdict.PASS)
    street.take(arrived)
    house.later(hours=2)
    (received,) = released(street, arrived)
    assert (received.outcome, received.reason, received.replayed) == (Outcome.OPENED, "new", False)
    assert [notice for notice, _ in street.outbox()] == ["acknowledgement", "new_ticket", "new_ticket"]
    (row,) = street.arrivals()
    assert (row.outcome, row.spool_id, row.held) == ("opened", arrived.spool_id, None)
    assert row.received_at == NOW
    assert row.evidence[-1] == "released on 2026-03-04 11:30 UTC, was held: spam, rspamd spam (reject)"
    (message,) = street.messages(street.ticket(received))
    assert message.verdict == "pass", "as it was found at the door"
    with pytest.raises(Refused, match="is not held as spam: opened, because new"):
        spam.held(house.conn, arrived.spool_id)
    assert spam.waiting(house.conn, 30) == ()
    assert street.take(arrived)[0].replayed
    assert len(street.arrivals()) == 1


def test_two_at_once_release_it_once(house, street):
    """The second has read that it is held before the first was done."""
    arrived = as_spam(street.mail())
    street.take(arrived)
    row, kept = spam.held(house.conn, arrived.spool_id)
    ham = spam.as_ham(row, kept, arrived.inbound, Config(), house.now)
    receive.release(house.conn, house.desk, house.now, ham)
    with pytest.raises(Refused, match="is not held as spam"):
        receive.release(house.conn, house.desk, house.now, ham)
    assert [row.outcome for row in street.arrivals()] == ["opened"]


@pytest.mark.parametrize(("hours", "answered"), [(23, True), (25, False)])
def test_who_wrote_long_ago_is_not_answered(house, street, hours, answered):
    arrived = as_spam(street.mail())
    street.take(arrived)
    house.later(hours=hours)
    released(street, arrived)
    assert bool(house.mails(N.ACKNOWLEDGEMENT)) is answered
    assert house.mails(N.NEW_TICKET), "staff are told all the same"


def test_a_refuted_sender_stays_refuted(house, street):
    arrived = as_spam(street.mail(), verdict=Verdict.FAIL)
    street.take(arrived)
    (received,) = released(street, arrived)
    assert received.reason == "unverified"
    assert not house.mails(N.ACKNOWLEDGEMENT)


def test_it_finds_its_place_in_a_conversation(house, street):
    """A virus was held although it was an answer; its recipient address had the token."""
    first = street.send()
    answer = street.answer(street.last(N.ACKNOWLEDGEMENT), CAROL, "Still.")
    arrived = as_spam(answer, INFECTED)
    (received,) = street.take(arrived)
    assert (received.outcome, received.reason) == (Outcome.HELD, "virus")
    assert spam.waiting(house.conn, 30)[0].reason is Reason.VIRUS
    (again,) = released(street, arrived)
    assert (again.outcome, again.reason, again.number) == (Outcome.APPENDED, "reply-token", first.number)


def test_a_conversation_is_not_held_as_spam(street):
    first = street.send()
    (received,) = street.take(as_spam(street.answer(street.last(N.ACKNOWLEDGEMENT), CAROL, "Still.")))
    assert (received.outcome, received.number) == (Outcome.APPENDED, first.number)
    assert street.arrivals()[-1].evidence[-2:] == ["spam spam (rspamd)", "rspamd spam (reject)"]


def test_each_department_lets_it_go(house, street):
    house.department("Sales", "sales@example.org")
    arrived = as_spam(street.mail(to=("support@example.org", "sales@example.org")))
    assert [each.outcome for each in street.take(arrived)] == [Outcome.HELD] * 2
    assert len(spam.waiting(house.conn, 30)) == arrivals.count_held(house.conn) == 1
    assert [(each.department, each.outcome) for each in released(street, arrived)] == [
        ("Support", Outcome.OPENED),
        ("Sales", Outcome.OPENED),
    ]
    assert len(house.mails(N.ACKNOWLEDGEMENT)) == 1


def test_held_in_one_department_settled_in_another(house, street):
    """The one that has it already is left alone, and the new ticket is linked to its."""
    house.department("Sales", "sales@example.org")
    arrived = as_spam(street.mail(to=("support@example.org", "sales@example.org")))
    street.take(replace(arrived, recipients=("sales@example.org",), spam=Spam.HAM))
    one = replace(arrived, recipients=("support@example.org",), spool_id=f"{arrived.spool_id}x")
    street.take(one)
    house.conn.execute(
        schema.arrival.update().where(schema.arrival.c.spool_id == one.spool_id).values(spool_id=arrived.spool_id)
    )
    (received,) = released(street, arrived)
    assert (received.department, received.outcome) == ("Support", Outcome.OPENED)
    assert [row.outcome for row in street.arrivals()] == ["opened", "opened"]
    assert [kind for _, kind in street.links(street.ticket(received))] == ["same-mail"]


def test_the_same_spam_twice_is_one_ticket(street):
    one, two = (as_spam(street.mail(mail_id="once@customer.example")) for _ in range(2))
    street.take(one)
    assert street.take(two)[0].outcome is Outcome.HELD
    assert released(street, one)[0].outcome is Outcome.OPENED
    assert released(street, two)[0].outcome is Outcome.DUPLICATE


def test_what_is_not_held(house, street):
    with pytest.raises(NotFound):
        spam.held(house.conn, "no-such-mail")
    other = street.mail()
    street.take(other)
    with pytest.raises(Refused, match="is not held as spam: opened, because new"):
        spam.held(house.conn, other.spool_id)


def test_all_of_the_envelope_is_kept(house, street):
    arrived = as_spam(street.mail(to="support+a\\b@example.org"))
    street.take(arrived)
    _, kept = spam.held(house.conn, arrived.spool_id)
    assert spam.envelope_of(kept) == arrived.envelope
    with pytest.raises(BadMail):
        spam.envelope_of(replace(kept, envelope="damaged"))


def test_two_nodes_release_it_once(store_url, desk):
    """Really at once, each with a store of its own: one does, the other is told that it is done."""
    with closing(open_store(store_url)) as one, closing(open_store(store_url)) as two:
        street = one.writer.run(lambda conn: Street(House(conn, desk)))

        def hold(conn):
            street.house.conn = conn
            arrived = as_spam(street.mail(mail_id=None))  # without a Message-ID nothing else keeps them apart
            street.take(arrived)
            return spam.held(conn, arrived.spool_id), arrived.inbound

        (row, kept), inbound = one.writer.run(hold)
        ham = spam.as_ham(row, kept, inbound, Config(), NOW)
        start = threading.Barrier(2)

        def node(store):
            start.wait(60)
            try:
                return store.writer.run(lambda conn: receive.release(conn, desk, NOW, ham))[0].outcome
            except Refused as error:
                return error.reason

        with ThreadPoolExecutor(2) as pool:
            assert sorted(pool.map(node, (one, two))) == ["not-held", Outcome.OPENED]
        rows = one.read(lambda conn: conn.execute(schema.arrival.select()).all())
        assert [(each.outcome, each.held) for each in rows] == [("opened", None)]
