"""What became of our mails: losses and reports in the ticket, who is told, and that it never goes round in a circle."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import update

from helpdeskd.desk import changes, delivery, people, tickets
from helpdeskd.desk.notices import ROWS
from helpdeskd.errors import NotFound, Refused
from helpdeskd.model.mail import Address, Delivery, Fate, Kind, Reason, Report, Severity, Verdict
from helpdeskd.model.outgoing import Ended, OutboxState, Sent
from helpdeskd.model.outgoing import NoticeName as N
from helpdeskd.model.routing import Outcome
from helpdeskd.model.ticket import State
from helpdeskd.store import outbox, schema
from tests.unit.desk.street import Street
from tests.unit.mail.test_fixtures import read

CAROL, ADA, BOB = "Carol@customer.example", "ada@staff.example", "bob@staff.example"
DAEMON = {"author": "mailer-daemon@mx.example", "kind": Kind.BOUNCE, "sender": "", "subject": "Undelivered Mail"}
NO_SUCH_USER = "550 5.1.1 no such user"
SAID = f"{NO_SUCH_USER} (reported by mx.example)"


@pytest.fixture
def street(house) -> Street:
    return Street(house)


def opened(street: Street):
    """Carol's ticket, answered by Ada; the answer has left."""
    ticket = street.ticket(street.send())
    street.take(street.answer(street.last(N.NEW_TICKET, ADA), ADA, "Use water."))
    mail = street.last(N.STAFF_REPLY)
    sent(street, mail)
    return street.house.conn, tickets.get(street.house.conn, ticket.id), mail


def sent(street: Street, mail) -> None:
    outbox.ended(
        street.house.conn, mail.id, Sent(Ended.SENT, 250, "250 ok", "Q1"), street.house.now, None, OutboxState.SENT
    )


def report(street: Street, mail, *, to="support@example.org", about=True, fates=(), verdict=Verdict.NONE, **changes):
    """What a mail server says of one of our mails."""
    fate = Fate(
        *(Delivery.FAILED, mail.recipient, "", "5.1.1", NO_SUCH_USER, "mx.example"),
        severity=Severity.HARD,
        reason=Reason.USER_UNKNOWN,
        code="5.1.1",
    )
    told = Report(fates or (replace(fate, **changes),), (mail.mail_id,) if about else ())
    return street.send(to=to, text="It could not be delivered.", inbound={"report": told}, verdict=verdict, **DAEMON)


def state(street: Street, mail) -> OutboxState:
    return outbox.get(street.house.conn, mail.id).state


def systems(street: Street, ticket) -> list[str]:
    return [text for visibility, _, text in street.said(ticket) if visibility == "system"]


def of_mails(house, ticket) -> list[str]:
    return [kind for kind in house.kinds(ticket) if kind.startswith("mail-")]


# The table


def test_a_loss_is_told_where_somebody_outside_waits():
    by_hand = {N.FORWARD}  # no event makes it, so it has no row
    assert set(delivery.TOLD) - by_hand == {row.notice for row in ROWS if not row.to_staff and row.replies}


# Reports


@pytest.mark.parametrize("by", ["message-id", "envelope"])
def test_a_report_of_a_lost_answer(house, street, by):
    _, ticket, mail = opened(street)
    house.later(hours=1)
    before = len(house.mails())
    if by == "message-id":
        received = report(street, mail)
    else:
        received = report(street, mail, to=f"support+b-{mail.envelope_token}@example.org", about=False)
    assert (received.outcome, received.reason, received.number) == (Outcome.AUTOMATIC, "delivery-report", ticket.number)
    row = outbox.get(house.conn, mail.id)
    assert (row.state, row.last_reply, row.server_id) == (OutboxState.BOUNCED, SAID, "Q1")
    # the ticket says so, and keeps the report itself as a note
    assert systems(street, ticket) == [f"The answer of 2026-03-04 09:30 UTC did not reach {CAROL}.\n{SAID}"]
    assert ("internal", "delivery-report", "It could not be delivered.") in street.said(ticket)
    kind, detail = next(entry for entry in house.history(ticket) if entry[0].startswith("mail-"))
    assert kind == "mail-bounced"
    assert detail == {
        "notice": "staff_reply",
        "recipient": CAROL,
        "words": SAID,
        "severity": "hard",
        "why": "user-unknown",
        "status": "5.1.1",
        "mail_id": mail.mail_id,
        "outbox": mail.id,
    }
    # the assignee is told, with a token of her own
    (notice,) = house.mails()[before:]
    assert (notice.notice, notice.recipient, notice.automatic) == (N.DELIVERY_FAILED, ADA, True)
    lost = {"notice": "staff_reply", "recipient": CAROL, "words": SAID, "uncertain": False}
    assert notice.context["lost"] == lost
    assert house.desk.tokens.read(notice.reply_token) == (ticket.id, house.ada.id)
    # and nothing else changed
    after = street.ticket(received)
    assert (after.state, after.assignee_id) == (ticket.state, ticket.assignee_id)
    assert after.updated_at == house.now


def test_a_bounce_in_plain_text_is_believed_as_well(house, street):
    _, ticket, mail = opened(street)
    text = (
        f"<{CAROL}>:\nRemote host said: {NO_SUCH_USER}\n\n--- Below this line is a copy of the message.\n\n"
        f"Message-ID: <{mail.mail_id}>\nFrom: support@example.org\nSubject: x\n"
    )
    raw = f"From: MAILER-DAEMON@mx.example\nSubject: failure notice\n\n{text}".encode()
    street.send(text=text, inbound={"report": read(raw).report}, **DAEMON)
    assert state(street, mail) is OutboxState.BOUNCED
    detail = next(detail for kind, detail in house.history(ticket) if kind == "mail-bounced")
    assert (detail["severity"], detail["why"], detail["status"]) == ("hard", "user-unknown", "5.1.1")


def test_the_assignee_can_answer_the_notice(house, street):
    _, ticket, mail = opened(street)
    report(street, mail)
    again = street.take(street.answer(street.last(N.DELIVERY_FAILED), ADA, "Once more."))[0]
    assert (again.outcome, again.reason, again.number) == (Outcome.APPENDED, "reply-token", ticket.number)


def test_where_nobody_has_the_ticket_its_notified_staff_are_told(house, street):
    ticket = street.ticket(street.send())
    mail = street.last(N.ACKNOWLEDGEMENT)
    sent(street, mail)
    report(street, mail)
    assert house.told(N.DELIVERY_FAILED) == [ADA, BOB]
    assert systems(street, ticket)[0].startswith("The acknowledgement of ")


def test_a_closed_ticket_stays_closed_and_a_merged_one_leads_on(house, street):
    _, ticket, mail = opened(street)
    other = street.ticket(street.send(subject="Another"))
    changes.merge(house.conn, house.desk, house.now, ticket=ticket, into=other, actor=house.ada)
    changes.set_state(house.conn, house.desk, house.now, ticket=other, state=State.CLOSED, actor=house.ada)
    received = report(street, mail)
    assert received.number == other.number
    assert street.ticket_state(other) is State.CLOSED
    assert len(systems(street, other)) == 1
    assert systems(street, ticket) == []


@pytest.mark.parametrize("done", [Delivery.DELAYED, Delivery.DELIVERED, Delivery.RELAYED, Delivery.EXPANDED])
def test_a_report_of_no_loss_is_an_entry_of_the_history(house, street, done):
    _, ticket, mail = opened(street)
    before = street.outbox()
    received = report(street, mail, delivery=done, status="4.4.1", words="")
    assert (received.outcome, received.reason) == (Outcome.AUTOMATIC, "delivery-report")
    assert state(street, mail) is OutboxState.SENT
    assert (systems(street, ticket), street.outbox()) == ([], before)
    detail = next(detail for kind, detail in house.history(ticket) if kind == "mail-reported")
    assert (detail["delivery"], detail["words"]) == (done, "4.4.1 (reported by mx.example)")


def test_a_second_report_tells_no_news(house, street):
    _, ticket, mail = opened(street)
    report(street, mail)
    before = street.outbox()
    assert report(street, mail).outcome is Outcome.AUTOMATIC
    assert (len(systems(street, ticket)), street.outbox()) == (1, before)
    assert of_mails(house, ticket) == ["mail-bounced"]


def test_one_of_several_recipients(house, street):
    dan = Address("Dan", "dan@customer.example")
    ticket = house.open(participants=(dan,)).ticket
    house.answer(ticket)
    to_carol, to_dan = house.mails(N.STAFF_REPLY)
    for each in (to_carol, to_dan):
        sent(street, each)
    report(street, to_dan)
    assert (state(street, to_carol), state(street, to_dan)) == (OutboxState.SENT, OutboxState.BOUNCED)


# What is not believed


def test_a_report_of_another_recipient_is_an_automatic_mail_like_others(house, street):
    _, ticket, mail = opened(street)
    before = street.outbox()
    received = report(street, mail, recipient="somebody@else.example")
    assert (received.outcome, received.reason, received.number) == (Outcome.AUTOMATIC, "automatic", ticket.number)
    assert (state(street, mail), street.outbox()) == (OutboxState.SENT, before)


@pytest.mark.parametrize("by", ["message-id", "envelope"])
def test_a_report_from_whom_it_is_not_is_an_automatic_mail_like_others(house, street, by):
    _, ticket, mail = opened(street)
    before = street.outbox()
    to = "support@example.org" if by == "message-id" else f"support+b-{mail.envelope_token}@example.org"
    received = report(street, mail, to=to, about=by == "message-id", verdict=Verdict.FAIL)
    assert (received.outcome, received.reason, received.number) == (Outcome.AUTOMATIC, "automatic", ticket.number)
    assert (state(street, mail), street.outbox(), of_mails(house, ticket)) == (OutboxState.SENT, before, [])


def test_a_report_that_names_nobody_is_about_its_mail_where_the_envelope_says_which(house, street):
    _, ticket, mail = opened(street)
    before = street.outbox()
    received = report(street, mail, recipient="")
    assert (received.outcome, received.reason, received.number) == (Outcome.AUTOMATIC, "automatic", ticket.number)
    assert (state(street, mail), street.outbox(), of_mails(house, ticket)) == (OutboxState.SENT, before, [])
    report(street, mail, recipient="", to=f"support+b-{mail.envelope_token}@example.org")
    assert state(street, mail) is OutboxState.BOUNCED


@pytest.mark.parametrize(("recipient", "outcome"), [("bob@partner.example", Outcome.OPENED), (ADA, Outcome.HELD)])
def test_a_bounce_by_weak_signs_opens_a_ticket_unless_it_tells_of_our_staff(house, street, recipient, outcome):
    told = Report((Fate(Delivery.FAILED, recipient, "", "", "", ""),), ())
    by = {"author": "postmaster@x.example", "kind": Kind.BOUNCE, "subject": "Mailbox full"}
    received = street.send(text="He is full.", inbound={"report": told, "weak_bounce": True}, **by)
    assert (received.outcome, received.reason) == (outcome, "automatic")
    assert not house.mails(N.ACKNOWLEDGEMENT)


def test_a_report_that_knows_no_mail_of_ours_is_held(house, street):
    _, ticket, mail = opened(street)
    guess = replace_ids(mail, mail_id="guess@example.org", envelope_token="0" * 32)
    before = street.outbox()
    assert report(street, guess).outcome is Outcome.HELD
    assert report(street, guess, to=f"support+b-{guess.envelope_token}@example.org").outcome is Outcome.HELD
    tagged = street.send(
        subject=f"Re: {ticket.tag}",
        inbound={"report": Report((Fate(Delivery.FAILED, CAROL, "", "", "", ""),), ())},
        **{key: value for key, value in DAEMON.items() if key != "subject"},
    )
    assert (tagged.outcome, tagged.reason) == (Outcome.AUTOMATIC, "automatic")
    assert (state(street, mail), street.outbox(), of_mails(house, ticket)) == (OutboxState.SENT, before, [])


def replace_ids(mail, **changes):
    return type("Guess", (), {"recipient": mail.recipient, **changes})


# It never loops


def test_a_lost_notice_to_staff_is_noted_and_tells_nobody(house, street):
    _, ticket, _ = opened(street)
    notice = street.last(N.NEW_TICKET, ADA)
    sent(street, notice)
    before = street.outbox()
    assert report(street, notice).reason == "delivery-report"
    assert state(street, notice) is OutboxState.BOUNCED
    assert (systems(street, ticket), street.outbox()) == ([], before)
    assert of_mails(house, ticket) == ["mail-bounced"]


def test_a_bounce_of_the_notice_of_a_bounce(house, street):
    _, ticket, mail = opened(street)
    report(street, mail)
    notice = street.last(N.DELIVERY_FAILED)
    sent(street, notice)
    before = street.outbox()
    assert report(street, notice).outcome is Outcome.AUTOMATIC
    assert (len(systems(street, ticket)), street.outbox()) == (1, before)
    assert of_mails(house, ticket) == ["mail-bounced", "mail-bounced"]


def test_a_member_of_staff_who_asked_is_not_told_at_the_address_that_was_not_reached(house, street):
    ticket = house.open(requester=house.ada).ticket
    (mail,) = house.mails(N.ACKNOWLEDGEMENT)
    sent(street, mail)
    report(street, mail)
    assert len(systems(street, ticket)) == 1
    assert house.told(N.DELIVERY_FAILED) == [BOB]


def test_a_mail_without_a_ticket(house, street):
    people.add_staff(house.conn, house.desk, house.now, "Dora", "dora@staff.example", 1, (house.support.id,))
    (welcome,) = house.mails(N.WELCOME)
    sent(street, welcome)
    before = street.outbox()
    received = report(street, welcome)
    assert (received.outcome, received.reason) == (Outcome.HELD, "delivery-report")
    assert state(street, welcome) is OutboxState.BOUNCED
    delivery.report(house.conn, house.desk, house.now, welcome.id, Fate(Delivery.DELAYED, "", "", "", "", ""))
    assert street.outbox() == before


# Losses that we saw ourselves


@pytest.mark.parametrize(
    ("notice", "ended", "told"),
    [
        (N.STAFF_REPLY, OutboxState.FAILED, True),
        (N.ACKNOWLEDGEMENT, OutboxState.FAILED, True),
        (N.NEW_TICKET, OutboxState.FAILED, False),
        (N.STAFF_REPLY, OutboxState.UNKNOWN, True),
        (N.ACKNOWLEDGEMENT, OutboxState.UNKNOWN, False),
        (N.STAFF_REPLY, OutboxState.DEFERRED, False),
    ],
)
def test_what_failed_here(house, street, notice, ended, told):
    _, ticket, _ = opened(street)
    mail = outbox.get(house.conn, street.last(notice).id)
    delivery.record(house.conn, house.desk, house.now, mail, ended, NO_SUCH_USER)
    assert bool(systems(street, ticket)) == told
    assert house.told(N.DELIVERY_FAILED) == [ADA] * told
    assert len(of_mails(house, ticket)) == (ended is not OutboxState.DEFERRED)


# Another try, or none


def test_asked_for_again(house, street):
    conn, ticket, mail = opened(street)
    report(street, mail)
    row = delivery.retry(conn, house.now, mail.id, house.ada)
    assert (row.state, row.next_at) == (OutboxState.QUEUED, house.now)
    assert outbox.attempts(conn, mail.id)[-1].words == "by Ada Lovelace"
    kind, detail = house.history(ticket)[-1]
    assert (kind, detail["from"], detail["outbox"]) == ("mail-retried", "bounced", mail.id)
    assert outbox.claim_due(conn, house.now, "node", 60, 100)
    with pytest.raises(Refused, match="being sent"):
        delivery.retry(conn, house.now, mail.id, None)
    with pytest.raises(Refused, match="being sent"):
        delivery.cancel(conn, house.now, mail.id, None)
    # Its holder is gone: it is nobody's.
    late = house.now + timedelta(minutes=2)
    assert delivery.cancel(conn, late, mail.id, None).state is OutboxState.CANCELLED
    assert house.history(ticket)[-1][0] == "mail-cancelled"
    with pytest.raises(NotFound):
        delivery.retry(conn, house.now, 999, None)


def test_history_names_who_asked(house, street):
    conn, ticket, mail = opened(street)
    conn.execute(update(schema.outbox).where(schema.outbox.c.id == mail.id).values(state="failed"))
    delivery.retry(conn, house.now, mail.id, house.ada)
    delivery.cancel(conn, house.now, mail.id, None)
    found = conn.execute(
        schema.history.select().where(schema.history.c.ticket_id == ticket.id).order_by(schema.history.c.id)
    ).all()
    assert [(row.kind, row.actor_id) for row in found][-2:] == [
        ("mail-retried", house.ada.id),
        ("mail-cancelled", None),
    ]
