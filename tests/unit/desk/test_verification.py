"""A service's mail that proves an address reaches nobody outside, whatever ticket a stranger leads it to."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from helpdeskd.desk import tags
from helpdeskd.model.mail import Kind, Verdict
from helpdeskd.model.outgoing import NoticeName as N
from helpdeskd.model.routing import Outcome
from helpdeskd.store import schema
from tests.unit.desk.street import Street

SERVICE = "no-reply@service.example"
CODE = {"subject": "Your confirmation code", "text": "SECRET-4711"}


@pytest.fixture
def street(house) -> Street:
    return Street(house)


def outside(street: Street) -> list[str]:
    """What went out to anybody but staff."""
    return [mail.notice for mail in street.house.mails() if not mail.recipient.endswith("@staff.example")]


def secret(street: Street, ticket) -> list[str]:
    """Who may read it: the visibility of each message that holds it."""
    return [row.visibility for row in street.messages(ticket) if "SECRET" in row.text]


@pytest.mark.parametrize("verdict", [Verdict.PASS, Verdict.NONE, Verdict.FAIL])
def test_it_opens_a_ticket_that_its_requester_cannot_read(house, street, verdict):
    """Somebody may have an account here under the service's address."""
    received = street.send(SERVICE, verdict=verdict, cc=("dan@customer.example",), **CODE)
    ticket = street.ticket(received)
    assert received.outcome is Outcome.OPENED
    assert (secret(street, ticket), outside(street), street.participants(ticket)) == (["internal"], [], [])
    assert tags.of(house.conn, ticket.id) == ("verification",)
    assert [row.visibility for row in street.messages(ticket)] == ["internal", "system"]
    assert house.told(N.NEW_TICKET) == ["ada@staff.example", "bob@staff.example"]


def test_by_a_machine_s_headers_too(street):
    ticket = street.ticket(street.send(SERVICE, kind=Kind.AUTO_GENERATED, **CODE))
    assert (secret(street, ticket), outside(street)) == (["internal"], [])


def test_not_to_a_requester_who_drew_the_service_in(house, street):
    """The trick: a customer puts the service into Cc, and registers there with the reply address of his own ticket."""
    ticket = street.ticket(street.send(cc=(SERVICE,)))
    assert street.participants(ticket) == []
    token = street.last(N.ACKNOWLEDGEMENT).reply_token
    before = outside(street)
    (received,) = street.take(street.mail(SERVICE, f"support+{token}@example.org", verdict=Verdict.PASS, **CODE))
    assert (received.outcome, received.reason) == (Outcome.INTERNAL, "verification")
    assert (secret(street, ticket), outside(street)) == (["internal"], before)
    assert tags.of(house.conn, ticket.id) == ("verification",)


SILENT = {"subject": "Joined Acme on Chat?", "text": "Your colleague is there: SECRET"}


@pytest.mark.parametrize(
    ("service", "says"),
    [
        ("gitlab@mg.gitlab.com", {"subject": "Confirmation instructions", "text": "SECRET"}),
        ("no-reply@email.slackhq.com", SILENT),
        ("no-reply@chat.example", SILENT),  # no word of it says what it is
    ],
)
@pytest.mark.parametrize("by_tag", [False, True])
def test_a_service_in_cc_neither_takes_part_nor_speaks(house, street, service, says, by_tag):
    ticket = street.ticket(street.send("eve@evil.example", cc=(service, "dan@customer.example")))
    assert street.participants(ticket) == ["dan@customer.example"]
    to = "support@example.org" if by_tag else f"support+{street.last(N.ACKNOWLEDGEMENT).reply_token}@example.org"
    subject = f"{says['subject']} {ticket.tag}" if by_tag else says["subject"]
    (received,) = street.take(street.mail(service, to, subject, says["text"], verdict=Verdict.PASS))
    assert (received.outcome, secret(street, ticket)) == (Outcome.INTERNAL, ["internal"])
    assert house.told(N.CUSTOMER_REPLIED) == ["ada@staff.example", "bob@staff.example"]


UNLISTED = "hello@tiny.example"


@pytest.mark.parametrize("forged", [False, True])
def test_nor_does_one_that_nobody_has_listed(house, street, forged):
    """Drawn in by Cc; or the ticket is opened in its name, with the stranger in Cc."""
    eve = "eve@evil.example"
    ticket = street.ticket(street.send(UNLISTED if forged else eve, cc=(eve if forged else UNLISTED,)))
    house.answer(ticket)
    to = f"support+{street.last(N.STAFF_REPLY, eve).reply_token}@example.org"
    (received,) = street.take(street.mail(UNLISTED, to, "Verify your e-mail", "SECRET", verdict=Verdict.PASS))
    assert (received.outcome, received.reason) == (Outcome.INTERNAL, "verification")
    assert secret(street, ticket) == ["internal"]
    assert tags.of(house.conn, ticket.id) == ("verification",)


@pytest.mark.parametrize(
    "author",
    [
        "confirm@hotel.example",
        "mailer@printshop.example",
        "notifications@smallshop.example",
        "joe@slack.com",
        "carol@x.com",
        "tino.reply@x.example",
        "unattended.luggage@airport.example",
    ],
)
def test_whoever_answers_with_a_token_of_their_own_is_heard(street, author):
    subject, text = "Please confirm our account", "We need the address confirmed."
    ticket = street.ticket(street.send(author, subject="A room", text="We need one."))
    street.house.answer(ticket)
    notice = street.last(N.STAFF_REPLY, author)
    (received,) = street.take(street.answer(notice, author, text, subject=subject))
    assert received.outcome is Outcome.APPENDED


def test_a_customer_s_own_words_about_a_log_in_are_heard(house, street):
    """As a new request, and as an answer that refers to a mail of the ticket, without a token."""
    subject = "I cannot log in to my account"
    opened = street.send(subject=subject, verdict=Verdict.PASS)
    assert house.told(N.ACKNOWLEDGEMENT) == ["Carol@customer.example"]
    notice = street.last(N.ACKNOWLEDGEMENT)
    answer = street.answer(
        notice,
        "carol@customer.example",
        "Still.",
        to="support@example.org",
        subject=f"Re: {subject}",
        verdict=Verdict.PASS,
    )
    (received,) = street.take(answer)
    assert (received.outcome, received.number) == (Outcome.APPENDED, opened.number)


def test_not_by_a_number_in_the_subject(street):
    ticket = street.ticket(street.send())
    (received,) = street.take(street.mail(SERVICE, subject=f"{ticket.tag} is your confirmation code", text="SECRET"))
    assert (received.outcome, secret(street, ticket)) == (Outcome.INTERNAL, ["internal"])


def test_a_ticket_that_is_full_of_tags_takes_it_all_the_same(house, street):
    ticket = street.ticket(street.send())
    tags.add(
        house.conn, house.desk, house.now, ticket=ticket, tags=[f"t{n}" for n in range(tags.MAX_TAGS)], actor=house.ada
    )
    (received,) = street.take(street.mail(SERVICE, subject=f"{ticket.tag} is your confirmation code", text="SECRET"))
    assert received.outcome is Outcome.INTERNAL


def test_other_mail_that_takes_no_answers_gets_none(house, street):
    ticket = street.ticket(street.send(SERVICE, subject="Invoice 4711"))
    assert [row.visibility for row in street.messages(ticket)] == ["public"]
    assert outside(street) == []
    assert tags.of(house.conn, ticket.id) == ()


def test_what_participants_write_is_sent_to_staff_alone(house, street):
    """No notice carries one outsider's words to another."""
    ticket = street.ticket(street.send(cc=("dan@customer.example",)))
    tag = ticket.tag
    street.send("dan@customer.example", subject=f"Re: {tag} My printer", text="SECRET")
    street.send("eve@elsewhere.example", subject=f"Re: {tag} My printer", text="SECRET")
    rows = house.conn.execute(select(schema.outbox.c.recipient, schema.outbox.c.notice, schema.outbox.c.message_id))
    told: dict[int, list[str]] = {row.message_id: [] for row in street.messages(ticket) if "SECRET" in row.text}
    for recipient, _, message_id in rows:
        if message_id in told:
            told[message_id].append(recipient)
    assert list(told.values()) == [["ada@staff.example", "bob@staff.example"]] * 2
