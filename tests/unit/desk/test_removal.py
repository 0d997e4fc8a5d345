"""What was removed is gone from every list, and never in the way of mail: what still comes opens a new ticket."""

from __future__ import annotations

import random
from collections import Counter

import pytest
from sqlalchemy import func, select, update

from helpdeskd.desk import changes, counters, customers, history, lists, queries, removal, tickets
from helpdeskd.errors import Refused
from helpdeskd.model.mail import Address, Delivery, Fate, Kind, Report
from helpdeskd.model.outgoing import NoticeName
from helpdeskd.model.routing import Outcome
from helpdeskd.model.ticket import History, State
from helpdeskd.store import schema
from tests.unit.desk.conftest import NOW, House
from tests.unit.desk.street import Street

_t = schema.ticket.c


@pytest.fixture
def street(house):
    return Street(house)


def remove(house, ticket):
    removal.ticket(house.conn, house.desk, house.now, ticket=tickets.get(house.conn, ticket.id), actor=house.ada)


@pytest.mark.parametrize("by", ["token", "reference", "subject", "new"])
def test_an_answer_to_a_removed_ticket_opens_another(street, by):
    house = street.house
    first = street.ticket(street.send())
    told = street.last(NoticeName.ACKNOWLEDGEMENT)
    remove(house, first)
    mail = {
        "token": lambda: street.answer(told, "carol@customer.example", "Again."),
        "reference": lambda: street.mail(text="Again.", references=(told.mail_id,)),
        "subject": lambda: street.mail(text="Again.", subject=f"Re: {first.tag} My printer"),
        "new": lambda: street.mail(text="Again."),
    }[by]()
    (received,) = street.take(mail)
    assert received.outcome is Outcome.OPENED
    assert street.ticket(received).id != first.id


def test_a_retry_of_a_removed_ticket_s_mail_is_still_known(street):
    mail_id = "same@customer.example"
    first = street.ticket(street.send(mail_id=mail_id))
    remove(street.house, first)
    assert street.send(mail_id=mail_id).outcome is Outcome.DUPLICATE


def test_the_same_mail_to_a_second_department_after_the_first_one_s_ticket_was_removed(street):
    street.house.department("Sales", "sales@example.org")
    first = street.ticket(street.send(mail_id="same@customer.example"))
    remove(street.house, first)
    received = street.send(to="sales@example.org", mail_id="same@customer.example")
    assert received.outcome is Outcome.OPENED


def test_what_was_merged_goes_with_its_target_and_is_answered_anew(street):
    house = street.house
    one, two = street.ticket(street.send()), street.ticket(street.send(subject="Other"))
    told = [mail for mail in house.mails(NoticeName.ACKNOWLEDGEMENT) if mail.ticket_id == one.id][-1]
    changes.merge(house.conn, house.desk, house.now, ticket=one, into=two, actor=house.ada)
    remove(house, two)
    (received,) = street.take(street.answer(told, "carol@customer.example", "Again."))
    assert received.outcome is Outcome.OPENED


def test_a_report_about_a_mail_of_a_removed_ticket_is_written_into_its_history(street):
    house = street.house
    first = street.ticket(street.send())
    house.answer(first)
    told = street.last(NoticeName.STAFF_REPLY)
    house.conn.execute(update(schema.outbox).where(schema.outbox.c.id == told.id).values(state="sent"))
    remove(house, first)
    fate = Fate(Delivery.FAILED, told.recipient, told.recipient, "5.1.1", "no such user", "")
    gone = street.send(
        "mailer-daemon@mx.example",
        kind=Kind.BOUNCE,
        inbound={"report": Report((fate,), (told.mail_id,))},
        sender="",
    )
    assert gone.outcome in {Outcome.AUTOMATIC, Outcome.HELD}
    assert house.kinds(first)[-2:] == ["removed", "mail-bounced"]
    assert house.told(NoticeName.DELIVERY_FAILED) == []


def test_counters_tell_what_a_recount_tells(house):
    chance = random.Random(7)
    sales = house.department("Sales", "sales@example.org")
    for _ in range(150):
        there = [
            tickets.get(house.conn, each)
            for each in house.conn.execute(
                select(_t.id).where(_t.removed_at.is_(None), _t.merged_into.is_(None))
            ).scalars()
        ]
        act = chance.choice(["open", "open", "reply", "answer", "close", "move", "merge", "remove"])
        ticket = chance.choice(there) if there else None
        given = (house.conn, house.desk, house.later(minutes=1))
        try:
            if act == "open" or ticket is None:
                house.open(department=chance.choice([house.support, sales]))
            elif act == "reply":
                house.reply(ticket)
            elif act == "answer":
                house.answer(ticket, close=chance.random() < 0.3)
            elif act == "close":
                changes.set_state(*given, ticket=ticket, state=State.CLOSED, actor=house.ada)
            elif act == "move":
                changes.set_department(
                    *given, ticket=ticket, department=chance.choice([house.support, sales]), actor=house.ada
                )
            elif act == "merge":
                changes.merge(*given, ticket=ticket, into=chance.choice(there), actor=house.ada)
            else:
                removal.ticket(*given, ticket=ticket, actor=house.ada)
        except Refused:
            pass
    recount = Counter[str]()
    for department, state, n in house.conn.execute(
        select(_t.department_id, _t.state, func.count())
        .where(_t.removed_at.is_(None))
        .group_by(_t.department_id, _t.state)
    ):
        recount[counters.ticket(department, state)] = n
    c = schema.counter.c
    kept = house.conn.execute(select(c.name, func.sum(c.n)).where(c.name.like("ticket:%")).group_by(c.name))
    assert {name: n for name, n in kept if n} == dict(recount)
    assert lists.total(house.conn, lists.Wanted()) == sum(recount.values())


def test_a_ticket_of_another_merged_into_one_of_a_removed_department(store, desk):
    with store.engine.begin() as conn:
        house = House(conn, desk)
        street = Street(house)
        sales = house.department("Sales", "sales@example.org")
        mine = street.ticket(street.send())
        theirs = street.ticket(street.send("dave@customer.example", to="sales@example.org"))
        told = [mail for mail in house.mails(NoticeName.ACKNOWLEDGEMENT) if mail.ticket_id == mine.id][-1]
        changes.merge(conn, desk, NOW, ticket=mine, into=theirs, actor=house.ada)
    removal.department(store, desk, lambda: NOW, department=sales)
    with store.engine.begin() as conn:
        house.conn = conn
        (received,) = street.take(street.answer(told, "carol@customer.example", "Again."))
        assert received.outcome is Outcome.OPENED
        left = conn.execute(select(_t.id).where(_t.removed_at.is_(None))).scalars().all()
        assert left == [street.ticket(received).id], "a merged ticket without its target is reachable by nobody"


def test_a_removed_customer_who_takes_part_elsewhere(store, desk):
    with store.engine.begin() as conn:
        house = House(conn, desk)
        street = Street(house)
        ticket = street.ticket(street.send(cc=("dave@customer.example",)))
        house.answer(ticket)
        told = street.last(NoticeName.STAFF_REPLY, "dave@customer.example")
        dave = customers.find(conn, "DAVE@customer.example")
        before = customers.total(conn)
    assert dave is not None
    removal.customer(store, desk, lambda: NOW, customer=dave)
    with store.engine.begin() as conn:
        house.conn = conn
        assert customers.total(conn) == before - 1
        assert street.participants(ticket) == []
        (received,) = street.take(street.answer(told, "dave@customer.example", "Again."))
        assert (received.outcome, received.reason) == (Outcome.INTERNAL, "stranger")
        again = customers.add(conn, desk, NOW, name="Dave", email="dave@customer.example", welcome=False)
        assert again.number != dave.number


def test_the_name_of_who_was_removed_finds_nothing(store, desk):
    with store.engine.begin() as conn:
        house = House(conn, desk)
        eve = house.customer("eve@corner.example", "Eve Corner")
        ticket = house.open(participants=(Address("", "eve@corner.example"),)).ticket
        number = customers.find(conn, eve.email)
        assert number is not None

    def found(text):
        return store.read(lambda conn: [line.ticket.id for line in queries.search(conn, text)])

    assert found("corner burns") == [ticket.id]
    removal.customer(store, desk, lambda: NOW, customer=number)
    assert (found("corner"), found("carol burns")) == ([], [ticket.id])


def test_who_removed_somebody_removed_their_tickets(store, desk):
    with store.engine.begin() as conn:
        house = House(conn, desk)
        ticket = house.open().ticket
    removal.person(store, desk, lambda: NOW, person=house.carol, actor=house.ada)
    (entry,) = store.read(lambda conn: [each for each in history.of(conn, ticket.id) if each.kind is History.REMOVED])
    assert entry.actor_id == house.ada.id
