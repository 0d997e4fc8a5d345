"""Staff command by mail: what is done, what the customer hears, what the author is told."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from helpdeskd.desk import changes, obey, tags, tickets
from helpdeskd.desk.commands import Name
from helpdeskd.desk.context import Part
from helpdeskd.errors import Refused
from helpdeskd.model.mail import Kind, Verdict
from helpdeskd.model.outgoing import NoticeName as N
from helpdeskd.model.routing import Outcome
from helpdeskd.model.ticket import Priority, State
from tests.unit.desk.street import Street

CAROL, ADA = "Carol <carol@customer.example>", "ada@staff.example"


@pytest.fixture
def street(house) -> Street:
    return Street(house, verdict=Verdict.PASS)


@pytest.fixture
def ticket(street):
    return street.ticket(street.send())


def command(street, text, author=ADA, **more):
    """Ada answers her notice of the ticket."""
    (received,) = street.take(street.answer(street.last(N.NEW_TICKET, ADA), author, text, **more))
    return received


def now(street, ticket):
    return tickets.get(street.house.conn, ticket.id)


def told(street):
    """What the confirmation says: (command, done) and the texts."""
    mails = street.house.mails(N.COMMANDS_DONE)
    assert len(mails) == 1
    assert mails[0].recipient == ADA
    changes_told = mails[0].context["changes"]
    return [(each["command"], each["done"]) for each in changes_told], [each["text"] for each in changes_told]


def test_a_note(street, ticket):
    received = command(street, "#note\nHe is angry.")
    assert (received.outcome, received.reason, received.number) == (Outcome.COMMAND, "commands", ticket.number)
    assert street.said(ticket)[-1] == ("internal", "commands", "He is angry.")
    assert received.message_id == street.messages(ticket)[-1].id
    assert not street.house.mails(N.STAFF_REPLY)
    assert told(street)[0] == [("#note", True)]


def test_close_alone_tells_the_customer(street, ticket):
    received = command(street, "#close\n\n-- \nAda Lovelace\nDesk")
    assert now(street, ticket).state is State.CLOSED
    assert (received.outcome, received.message_id) == (Outcome.COMMAND, None)
    assert len(street.messages(ticket)) == 1
    assert street.house.told(N.TICKET_CLOSED) == ["Carol@customer.example"]
    assert told(street)[0] == [("#close", True)]
    assert not street.house.mails(N.STAFF_REPLY)


def test_close_with_an_answer_is_one_mail_to_the_customer(street, ticket):
    command(street, "#close\nIt is repaired.")
    assert now(street, ticket).state is State.CLOSED
    assert street.said(ticket)[-1] == ("public", "commands", "It is repaired.")
    assert street.house.told(N.STAFF_REPLY) == ["Carol@customer.example"]
    assert street.last(N.STAFF_REPLY).context["ticket"]["state"] == "closed"
    assert not street.house.mails(N.TICKET_CLOSED)


def test_the_last_word_on_the_state_counts(street, ticket):
    command(street, "#close\n#pending 3d\nIt is repaired, I think.")
    assert now(street, ticket).state is State.PENDING
    assert not street.house.mails(N.TICKET_CLOSED)


def test_a_command_refused_half_way_leaves_nothing(street, ticket, monkeypatch):
    def half(turn):
        tags.add(*turn.given, ticket=turn.order.ticket, tags=("half",), actor=turn.order.author)
        raise Refused("bad-luck", "no further")

    monkeypatch.setitem(obey._ACTS, Name.TAG, half)
    command(street, "#tag half\n#priority high")
    assert tags.of(street.house.conn, ticket.id) == ()
    assert now(street, ticket).priority is Priority.HIGH
    assert told(street)[1] == ["no further", "priority high"]


def test_everything_at_once(street, ticket):
    sales = street.house.department("Sales and more", "sales@example.org")
    bob = street.house.bob
    text = "#assign bob\n#priority HIGH\n#tag Paper, fire\n#department sales AND more\n#pending 3d\n\nWe look into it."
    command(street, text)
    after = now(street, ticket)
    assert (after.priority, after.department_id, after.state) == (Priority.HIGH, sales.id, State.PENDING)
    assert after.pending_until == street.house.now + timedelta(days=3)
    assert tags.of(street.house.conn, ticket.id) == ("fire", "paper")
    assert street.house.told(N.ASSIGNED) == [bob.email]
    done, texts = told(street)
    assert done == [
        ("#assign bob", True),
        ("#priority HIGH", True),
        ("#tag Paper, fire", True),
        ("#department sales AND more", True),
        ("#pending 3d", True),
    ]
    assert texts[0] == "assigned to Bob"
    assert street.said(ticket)[-1] == ("public", "commands", "We look into it.")
    kinds = street.house.kinds(ticket)
    assert kinds[-1] == "commanded"


def test_open_and_assign_me(street, ticket):
    changes.set_state(*given(street), ticket=ticket, state=State.CLOSED, actor=street.house.bob)
    command(street, "#open\n#assign me")
    after = now(street, ticket)
    assert (after.state, after.assignee_id) == (State.AWAITING_STAFF, street.house.ada.id)
    assert told(street)[0] == [("#assign me", True), ("#open", True)]
    assert not street.house.mails(N.ASSIGNED)


def given(street):
    return street.house.conn, street.house.desk, street.house.now


def test_assign_nobody(street, ticket):
    changes.assign(*given(street), ticket=ticket, assignee=street.house.bob, actor=street.house.ada)
    command(street, "#assign nobody")
    assert now(street, ticket).assignee_id is None


def test_open_what_is_open(street, ticket):
    command(street, "#open")
    assert now(street, ticket).state is State.NEW
    assert told(street)[1] == ["was open already"]


@pytest.mark.parametrize(
    "line",
    [
        "#assign", "#assign zoe", "#priority", "#priority soon", "#tag", "#pending", "#pending soon", "#pending 2020-01-01",
        "#department", "#department Nowhere",
    ],
)  # fmt: skip
def test_what_cannot_be_is_told_and_the_rest_is_done(street, ticket, line):
    received = command(street, f"{line}\n#tag good\nUse water.")
    assert received.outcome is Outcome.COMMAND
    assert tags.of(street.house.conn, ticket.id) == ("good",)
    done, texts = told(street)
    assert dict(done) == {line: False, "#tag good": True}
    assert all(texts)
    assert street.said(ticket)[-1] == ("public", "commands", "Use water.")
    assert now(street, ticket).state is State.AWAITING_CUSTOMER


def test_an_unknown_command_does_nothing_and_keeps_the_text(street, ticket):
    received = command(street, "#clsoe\n#tag a\nIt is repaired.")
    assert (received.outcome, received.reason) == (Outcome.COMMAND, "commands")
    visibility, _, text = street.said(ticket)[-1]
    assert visibility == "internal"
    assert text.startswith("[Kept as a note: #clsoe is not a command.]")
    assert text.endswith("It is repaired.")
    assert now(street, ticket).state is State.NEW
    assert tags.of(street.house.conn, ticket.id) == ()
    assert told(street)[0] == [("#clsoe", False), ("#tag a", False)]
    mail = street.last(N.COMMANDS_DONE)
    assert mail.context["unknown"] == ["#clsoe"]
    assert any(line.startswith("#close") for line in mail.context["commands"])
    assert not street.house.mails(N.STAFF_REPLY)


def test_an_unknown_command_without_text_keeps_nothing(street, ticket):
    assert command(street, "#clsoe").message_id is None
    assert len(street.messages(ticket)) == 1


def test_no_sure_cut_keeps_the_text_inside(street, ticket):
    command(street, "#close\nIt is repaired.\n> New ticket", inbound={"own_text_found": True})
    assert now(street, ticket).state is State.CLOSED
    assert street.said(ticket)[-1][0] == "internal"
    assert told(street)[0] == [("your text", False), ("#close", True)]
    assert not street.house.mails(N.STAFF_REPLY)


def test_files_without_text_are_words(street, ticket):
    logo = Part("logo.png", "image/png", 3, "c" * 64, "logo@x", inline=True)
    assert command(street, "#assign me", parts=(logo,)).message_id is None
    bill = Part("bill.pdf", "application/pdf", 3, "d" * 64)
    assert command(street, "#note", parts=(bill,)).message_id == street.messages(ticket)[-1].id


def test_a_note_without_text(street, ticket):
    command(street, "#note")
    assert told(street) == ([("#note", False)], ["there was no text"])
    assert len(street.messages(ticket)) == 1


def test_the_same_command_by_two_doors_is_one(street, ticket):
    mail = street.answer(street.last(N.NEW_TICKET, ADA), ADA, "#close")
    street.take(mail)
    again = street.take(replace(mail, spool_id="other"))[0]
    assert (again.outcome, again.number, again.message_id) == (Outcome.DUPLICATE, ticket.number, None)
    assert len(street.house.mails(N.COMMANDS_DONE)) == 1


def test_who_may_not_command(street, ticket):
    for author, more, outcome in (
        (CAROL, {}, Outcome.APPENDED),
        ("bob@staff.example", {}, Outcome.INTERNAL),
        ("eve@elsewhere.example", {}, Outcome.INTERNAL),
        (ADA, {"kind": Kind.AUTO_REPLY}, Outcome.AUTOMATIC),
        (ADA, {"to": "support@example.org"}, Outcome.INTERNAL),
    ):
        assert command(street, "#close", author, **more).outcome is outcome
        assert street.said(ticket)[-1][2] == "#close"
    assert now(street, ticket).state is State.NEW
    assert not street.house.mails(N.COMMANDS_DONE)


def test_commands_in_the_own_request(street):
    house = street.house
    mine = street.ticket(street.send(ADA, text="My chair."))
    ack = street.last(N.ACKNOWLEDGEMENT)
    street.take(street.answer(ack, ADA, "#priority high\nIt squeaks."))
    assert now(street, mine).priority is Priority.HIGH
    assert street.said(mine)[-1] == ("public", "commands", "It squeaks.")
    assert not house.mails(N.STAFF_REPLY)
    street.take(street.answer(ack, ADA, "#close"))
    assert now(street, mine).state is State.CLOSED
