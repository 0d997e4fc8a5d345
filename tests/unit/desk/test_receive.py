"""Mails come in and become tickets: whole conversations, on SQLite and on PostgreSQL."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import select

from helpdeskd.desk import changes, forwarding, receive, tickets
from helpdeskd.desk.context import Part, Words
from helpdeskd.errors import Temporary
from helpdeskd.model.mail import Door, Kind, Verdict
from helpdeskd.model.outgoing import NoticeName as N
from helpdeskd.model.people import ReplyTokens
from helpdeskd.model.routing import Outcome
from helpdeskd.model.ticket import State
from helpdeskd.store import arrivals, schema
from tests.unit.desk.conftest import NOW, House
from tests.unit.desk.street import Street

CAROL, ADA, BOB, EVE = (
    "Carol <carol@customer.example>",
    "ada@staff.example",
    "bob@staff.example",
    "eve@elsewhere.example",
)


@pytest.fixture
def street(house) -> Street:
    return Street(house, verdict=Verdict.PASS)


def opened(street: Street, **more):
    """Carol's ticket, and Ada's notice of it."""
    return street.ticket(street.send(**more)), street.last(N.NEW_TICKET, ADA)


def test_a_conversation(house, street):
    # a customer writes
    first = street.send(mail_id="first@customer.example")
    assert (first.outcome, first.reason, first.department) == (Outcome.OPENED, "new", "Support")
    ticket = street.ticket(first)
    assert ticket.state is State.NEW
    assert street.outbox() == [("acknowledgement", "Carol@customer.example"), ("new_ticket", ADA), ("new_ticket", BOB)]
    # staff answer by mail
    house.later(hours=1)
    received = street.take(street.answer(street.last(N.NEW_TICKET, ADA), ADA, "Use water."))
    assert [(each.outcome, each.reason, each.number) for each in received] == [
        (Outcome.APPENDED, "reply-token", ticket.number)
    ]
    ticket = street.ticket(first)
    assert (ticket.state, ticket.assignee_id) == (State.AWAITING_CUSTOMER, house.ada.id)
    answer = street.last(N.STAFF_REPLY)
    assert answer.recipient == "Carol@customer.example"
    # the customer answers the answer
    house.later(hours=1)
    again = street.take(street.answer(answer, CAROL, "Still burning."))[0]
    assert (again.outcome, again.reason, again.number) == (Outcome.APPENDED, "reply-token", ticket.number)
    assert street.ticket(first).state is State.AWAITING_STAFF
    assert street.last(N.CUSTOMER_REPLIED).recipient == ADA  # the assignee alone
    # it is closed, and a reply opens it again
    changes.set_state(house.conn, house.desk, house.now, ticket=ticket, state=State.CLOSED, actor=house.ada)
    house.later(days=10)
    more = street.take(street.answer(street.last(N.TICKET_CLOSED), CAROL, "It burns again."))[0]
    assert (more.outcome, more.number) == (Outcome.APPENDED, ticket.number)
    assert street.ticket(first).state is State.AWAITING_STAFF
    assert "reopened" in house.kinds(ticket)
    assert street.said(ticket) == [
        ("public", "new", "It burns."),
        ("public", "reply-token", "Use water."),
        ("public", "reply-token", "Still burning."),
        ("public", "reply-token", "It burns again."),
    ]
    assert len(house.mails(N.ACKNOWLEDGEMENT)) == 1
    assert [row.outcome for row in street.arrivals()] == ["opened", "appended", "appended", "appended"]


def test_a_file_that_holds_a_notice_does_not_go_out(house, street):
    """Some mail programs attach what they answer; a mail that was cut is attached to itself. Both carry staff's own token."""
    _, notice = opened(street)
    bill = Part("bill.pdf", "application/pdf", 4, "1" * 64)
    original = Part("original.eml", "message/rfc822", 4, "2" * 64, ours=True)
    (received,) = street.take(street.answer(notice, ADA, "Use water.", parts=(bill, original)))
    assert received.outcome is Outcome.APPENDED
    files = house.conn.execute(
        select(schema.attachment.c.name).where(schema.attachment.c.message_id == received.message_id)
    )
    assert files.scalars().all() == ["bill.pdf"]


def test_the_arrival_tells_it_all(house, street):
    received = street.send(
        subject="Re: [#999999] My printer", door=Door.IMAP, account="box", folder="INBOX", uidvalidity=3, uid=4
    )
    ticket = street.ticket(received)
    (row,) = street.arrivals()
    assert (row.spool_id, row.department_id, row.door, row.outcome, row.reason) == (
        "spool-1",
        house.support.id,
        "imap",
        "opened",
        "new",
    )
    assert (row.ticket_id, row.author, row.sender, row.mail_id) == (
        ticket.id,
        "carol@customer.example",
        "carol@customer.example",
        "mail1@customer.example",
    )
    assert (row.account, row.folder, row.uidvalidity, row.uid) == ("box", "INBOX", 3, 4)
    assert (row.received_at, row.decided_at, row.evidence) == (NOW, NOW, [])
    (message,) = street.messages(ticket)
    assert message.arrival_id == row.id
    assert message.raw_sha256 == row.raw_sha256
    assert received.message_id == message.id
    # the next one has evidence
    reply = street.take(street.answer(street.last(N.ACKNOWLEDGEMENT), CAROL, "More."))[0]
    assert street.arrivals()[-1].evidence == [
        f"reply-token {ticket.tag} (the author's own)",
        f"own-message-id {ticket.tag} (the author's own)",
        f"stored-message-id {ticket.tag}",
    ]
    assert reply.message_id == street.messages(ticket)[-1].id
    street.take(street.answer(street.last(N.ACKNOWLEDGEMENT), CAROL, "And more."))
    assert street.arrivals()[-1].evidence == street.arrivals()[-2].evidence


def test_a_mail_without_an_envelope_goes_by_its_headers(house, street):
    sales = house.department("Sales", "sales@example.org")
    imap = {"door": Door.IMAP, "sender": "", "default_department": "Sales"}
    assert street.send(to=(), shown_to=("Help@Example.org",), **imap).department == "Support"
    assert (
        street.send(
            to=(), shown_to=("x@y.example",), inbound={"delivered_to": ("help@example.org",)}, **imap
        ).department
        == "Support"
    )
    assert street.send(to=(), shown_to=("x@y.example",), cc=("help@example.org",), **imap).department == "Support"
    assert street.send(to=(), shown_to=("x@y.example",), **imap).department == sales.name
    assert street.send(to=(), shown_to=(), **{**imap, "default_department": "Gone"}).department == "Support"
    ticket, notice = opened(street, to=(), shown_to=("support@example.org",), **imap)
    answer = street.answer(
        notice, ADA, "Use water.", to=(), shown_to=(f"support+{notice.reply_token}@example.org",), **imap
    )
    assert street.take(answer)[0].reason == "reply-token"
    assert street.said(ticket)[-1] == ("public", "reply-token", "Use water.")


def test_where_mail_goes_that_no_address_claims(house, street):
    house.department("Sales", "sales@example.org")
    assert street.send(to="postmaster@example.org", shown_to=("sales@example.org",)).department == "Support"
    assert (
        street.send(to="PostMaster", shown_to=("sales@example.org",)).department == "Sales"
    )  # a bare word is an alias
    assert street.send(to="pipe@localhost", original="sales@example.org", shown_to=()).department == "Sales"
    assert street.send(to="pipe@localhost", shown_to=("sales@example.org",)).department == "Sales"
    assert street.send(to="pipe@localhost", shown_to=()).department == "Support"


def test_without_a_department_the_mail_waits(conn, desk):
    house = House.__new__(House)
    house.conn, house.desk, house.now = conn, desk, NOW
    with pytest.raises(Temporary):
        Street(house).send()


# threading


def test_a_mail_and_its_answer_in_one_transaction(street):
    first = street.send(mail_id="a@customer.example")
    again = street.send(text="One thing more.", references=("a@customer.example",))
    assert (again.number, again.reason) == (first.number, "stored-message-id")


def test_an_answer_that_arrives_before_what_it_answers(house, street):
    reply = street.send(
        "dan@customer.example", cc=("carol@customer.example",), references=("root@x", "a@customer.example")
    )
    parent = street.send(mail_id="a@customer.example", references=("root@x",))
    assert (parent.number, parent.reason) == (reply.number, "referenced-by-stored")
    root = street.send(mail_id="root@x")
    assert (root.number, root.reason) == (reply.number, "referenced-by-stored")


def test_a_used_message_id_is_another_mail(street):
    first = street.send(mail_id="again@shop.example", text="Your parcel is on its way.")
    street.send(references=("again@shop.example",), text="Where?")
    second = street.send(mail_id="again@shop.example", text="Your bill.")
    assert (second.outcome, second.reason) == (Outcome.OPENED, "new")
    assert second.number != first.number


def test_two_who_answer_what_we_never_saw(house, street):
    one = street.send(cc=("dan@customer.example",), references=("unseen@x",))
    two = street.send("dan@customer.example", text="Me too.", references=("unseen@x",))
    assert (two.number, two.reason) == (one.number, "shared-root")
    # a stranger who answers the same newsletter asks for themselves
    three = street.send(EVE, text="And I?", references=("unseen@x",))
    assert (three.outcome, three.reason) == (Outcome.OPENED, "stranger")
    assert street.links(street.ticket(three)) == [(street.ticket(one).id, "related")]
    assert "old_ticket" not in street.last(N.ACKNOWLEDGEMENT, EVE).context


def test_of_two_that_share_a_root_the_author_s_own(street):
    mine = street.send(references=("unseen@x",))
    theirs = street.send("dan@customer.example", text="Me too.", references=("unseen@x",))
    assert theirs.number != mine.number
    assert street.send(text="More.", references=("unseen@x",)).number == mine.number


def test_the_nearest_parent_wins(street):
    one = street.send(mail_id="one@x")
    two = street.send(mail_id="two@x", text="Another thing.")
    assert street.send(text="3", references=("one@x", "two@x")).number == two.number
    assert street.send(text="4", references=("two@x", "one@x")).number == one.number
    assert street.send(text="5", in_reply_to=("one@x",)).number == one.number
    assert street.send(text="6", references=("two@x",), in_reply_to=("one@x",)).number == two.number


def test_the_subject_s_tag(house, street):
    ticket, _ = opened(street)
    mine = street.send(subject=f"Printer again {ticket.tag}", text="Yes.")
    assert (mine.outcome, mine.reason, mine.number) == (Outcome.APPENDED, "subject-tag", ticket.number)
    other = street.send(EVE, subject=f"Re: {ticket.tag}", text="Let me in.")
    assert (other.outcome, other.reason, other.number) == (Outcome.INTERNAL, "stranger", ticket.number)
    assert street.said(ticket)[-1] == ("internal", "stranger", "Let me in.")
    assert street.last(N.CUSTOMER_REPLIED, ADA).context["reason"] == "stranger"
    assert not [mail for mail in house.mails() if mail.recipient == EVE]


def test_a_token_in_the_wrong_hands(house, street):
    ticket, notice = opened(street)
    ack = street.last(N.ACKNOWLEDGEMENT)
    leaked = street.take(street.answer(ack, EVE, "I am Carol."))[0]
    assert (leaked.outcome, leaked.reason) == (Outcome.INTERNAL, "stranger")
    assert street.take(street.answer(notice, EVE, "I am Ada."))[0].reason == "stranger"
    assert street.take(street.answer(notice, BOB, "I am Bob."))[0].reason == "not-your-token"
    assert street.last(N.KEPT_INTERNAL).recipient == BOB
    assert street.take(street.answer(ack, ADA, "As her."))[0].reason == "not-your-token"
    assert {row[0] for row in street.said(ticket)[1:]} == {"internal"}
    assert not house.mails(N.STAFF_REPLY)


def test_a_made_up_token_is_an_address(street):
    assert street.send(to="support+aaaaaaaaaaaaaaaaaaaaaaaaaaaa@example.org").reason == "new"


def test_message_ids_as_tokens(house, street):
    house.desk = street.house.desk = replace(house.desk, plus_works=False)
    ticket, notice = opened(street)
    plain = {"to": "support@example.org"}
    assert street.take(street.answer(notice, BOB, "Not mine.", **plain))[0].reason == "not-your-token"
    assert street.take(street.answer(notice, ADA, "Mine.", **plain))[0].reason == "own-message-id"
    assert street.said(ticket)[-1] == ("public", "own-message-id", "Mine.")


def test_message_ids_are_no_tokens_where_addresses_are(street):
    _, notice = opened(street)
    answer = street.answer(notice, ADA, "Mine.", to="support@example.org")
    assert street.take(answer)[0].reason == "not-your-token"


def test_a_department_may_choose_message_ids(house, street):
    house.department("Sales", "sales@example.org", reply_tokens=ReplyTokens.MESSAGE_ID)
    sales = house.staff("Sam", "sam@staff.example", level=3)
    street.send(to="sales@example.org")
    assert not house.mails(N.NEW_TICKET)  # nobody there is told
    ack = street.last(N.ACKNOWLEDGEMENT)
    reply = street.take(street.answer(ack, CAROL, "More.", to="sales@example.org"))[0]
    assert reply.reason == "own-message-id"
    assert sales.level == 3


def test_several_tokens(house, street):
    one, two = street.ticket(street.send()), street.ticket(street.send(text="Also the screen."))
    acks = house.mails(N.ACKNOWLEDGEMENT)
    to = tuple(f"support+{ack.reply_token}@example.org" for ack in acks)
    both = street.send(to=to, text="Both work now.", subject="Re: My printer")
    assert (both.outcome, both.number) == (Outcome.APPENDED, one.number)
    for ticket in (one, two):
        assert street.said(ticket)[-1] == ("public", "reply-token", "Both work now.")
    assert len(street.arrivals()) == 3


def test_several_tokens_delivered_one_by_one(house, street):
    """An MTA that pipes runs once for each recipient."""
    one, two = street.ticket(street.send()), street.ticket(street.send(text="Also the screen."))
    mail = street.mail(text="Both work now.", subject="Re: My printer")
    for number, ack in enumerate(house.mails(N.ACKNOWLEDGEMENT)):
        copy = replace(mail, spool_id=f"copy-{number}", recipients=(f"support+{ack.reply_token}@example.org",))
        assert street.take(copy)[0].outcome is Outcome.APPENDED
        again = street.take(replace(copy, spool_id=f"copy-{number}-retried"))[0]
        assert (again.outcome, again.reason) == (Outcome.DUPLICATE, "same-mail")
        assert again.message_id is not None
    for ticket in (one, two):
        assert [text for _, _, text in street.said(ticket)].count("Both work now.") == 1


def test_merged_tickets_lead_to_their_target(house, street):
    one, two = street.ticket(street.send()), street.ticket(street.send(text="Also the screen."))
    old = street.last(N.ACKNOWLEDGEMENT)
    changes.merge(house.conn, house.desk, house.now, ticket=two, into=one, actor=house.ada)
    assert street.take(street.answer(old, CAROL, "By token."))[0].number == one.number
    assert street.send(subject=f"x {two.tag}", text="By tag.").number == one.number
    assert street.send(references=("mail2@customer.example",), text="By reference.").number == one.number
    assert [text for _, _, text in street.said(one)] == ["It burns.", "By token.", "By tag.", "By reference."]
    assert "(where a merge led)" in street.arrivals()[-1].evidence[0]


# closed


def closed(house, street, ticket):
    changes.set_state(house.conn, house.desk, house.now, ticket=ticket, state=State.CLOSED, actor=house.ada)


def test_after_the_follow_up_window(house, street):
    ticket, _ = opened(street)
    ack = street.last(N.ACKNOWLEDGEMENT)
    closed(house, street, ticket)
    house.later(days=30, seconds=1)
    late = street.take(street.answer(ack, CAROL, "Burning again."))[0]
    assert (late.outcome, late.reason) == (Outcome.OPENED, "follow-up-over")
    new = street.ticket(late)
    assert new.id != ticket.id
    assert street.links(new) == [(ticket.id, "follow-up")]
    assert street.ticket_state(ticket) is State.CLOSED
    refused = street.last(N.FOLLOW_UP_REFUSED)
    assert refused.context["old_ticket"] == {"number": ticket.number, "subject": "My printer"}
    assert len(house.mails(N.ACKNOWLEDGEMENT)) == 1
    # and the conversation goes on in the new one
    assert street.take(street.answer(refused, CAROL, "Thanks."))[0].number == new.number


def test_the_window_is_the_department_s(house, street):
    house.department("Sales", "sales@example.org", follow_up_days=0)
    ticket = street.ticket(street.send(to="sales@example.org"))
    ack = street.last(N.ACKNOWLEDGEMENT)
    closed(house, street, ticket)
    house.later(seconds=1)
    assert (
        street.take(street.answer(ack, CAROL, "Again.", to=f"sales+{ack.reply_token}@example.org"))[0].reason
        == "follow-up-over"
    )


def test_a_reply_address_kept_as_a_contact(house, street):
    ticket, _ = opened(street)
    address = f"support+{street.last(N.ACKNOWLEDGEMENT).reply_token}@example.org"
    house.later(days=29)
    near = street.send(to=address, subject="My screen", text="1")
    assert (near.number, near.reason) == (ticket.number, "reply-token")
    house.later(days=30)
    same = street.send(to=address, subject="AW: my PRINTER", text="2")
    assert (same.number, same.reason) == (ticket.number, "reply-token")
    house.later(days=30)
    known = street.send(to=address, subject="Re: my screen", text="3")
    assert (known.number, known.reason) == (ticket.number, "reply-token")
    house.later(days=30)
    new = street.send(to=address, subject="My keyboard", text="4")
    assert (new.outcome, new.reason) == (Outcome.OPENED, "token-as-contact")
    assert street.links(street.ticket(new)) == [(ticket.id, "follow-up")]
    assert len(house.mails(N.ACKNOWLEDGEMENT)) == 2


# two departments


def test_two_departments(house, street):
    sales = house.department("Sales", "sales@example.org")
    sam = house.staff("Sam", "sam@staff.example", department=sales)
    received = street.take(street.mail(to=("support@example.org", "sales@example.org"), mail_id="both@x"))
    assert [(each.outcome, each.department) for each in received] == [
        (Outcome.OPENED, "Support"),
        (Outcome.OPENED, "Sales"),
    ]
    one, two = (street.ticket(each) for each in received)
    assert street.links(two) == [(one.id, "same-mail")]
    assert len(house.mails(N.ACKNOWLEDGEMENT)) == 1
    assert street.last(N.ACKNOWLEDGEMENT).ticket_id == one.id
    assert street.last(N.NEW_TICKET, sam.email).ticket_id == two.id
    # an answer to both reaches both
    ack = street.last(N.ACKNOWLEDGEMENT)
    to = (f"support+{ack.reply_token}@example.org", "sales@example.org")
    replied = street.take(street.answer(ack, CAROL, "More.", to=to))
    assert [(each.outcome, each.number) for each in replied] == [
        (Outcome.APPENDED, one.number),
        (Outcome.APPENDED, two.number),
    ]
    assert [row.outcome for row in street.arrivals()] == ["opened", "opened", "appended", "appended"]


def test_two_departments_by_two_deliveries(house, street):
    house.department("Sales", "sales@example.org")
    mail = street.mail(to="support@example.org")
    one = street.ticket(street.take(mail)[0])
    two = street.ticket(street.take(replace(mail, spool_id="other", recipients=("sales@example.org",)))[0])
    assert one.id != two.id
    assert street.links(two) == [(one.id, "same-mail")]
    assert len(house.mails(N.ACKNOWLEDGEMENT)) == 1


@pytest.mark.parametrize("at_once", [True, False])
def test_the_first_department_that_opens_acknowledges(house, street, at_once):
    """One that keeps the mail of a stranger inside tells its author nothing; the one that opens does."""
    house.department("Sales", "sales@example.org")
    ticket = street.ticket(street.take(street.mail())[0])
    to = f"support+{street.last(N.ACKNOWLEDGEMENT).reply_token}@example.org"
    mail = street.mail(author="eve@elsewhere.example", to=(to, "sales@example.org"), mail_id="eve1@x")
    if at_once:
        kept, opened = street.take(mail)
    else:
        (kept,) = street.take(replace(mail, recipients=(to,)))
        (opened,) = street.take(replace(mail, spool_id="other", recipients=("sales@example.org",)))
    assert (kept.outcome, kept.reason, kept.number) == (Outcome.INTERNAL, "stranger", ticket.number)
    assert (opened.outcome, opened.department) == (Outcome.OPENED, "Sales")
    assert street.last(N.ACKNOWLEDGEMENT, "eve@elsewhere.example").ticket_id == street.ticket(opened).id


def test_each_department_finds_its_own_ticket(house, street):
    """Where Message-IDs are the tokens, an answer to one department's mail names the other's ticket as well."""
    house.department("Sales", "sales@example.org")
    house.desk = replace(house.desk, plus_works=False)
    one, two = (
        street.ticket(each) for each in street.take(street.mail(to=("support@example.org", "sales@example.org")))
    )
    ack = street.last(N.ACKNOWLEDGEMENT)
    replied = street.take(street.answer(ack, CAROL, "More.", to=("sales@example.org", "support@example.org")))
    assert {(each.department, each.number) for each in replied} == {("Support", one.number), ("Sales", two.number)}
    # so does what names the customer's own mail, which both have
    for address, ticket in (("support@example.org", one), ("sales@example.org", two)):
        by_mail = street.send(to=address, text=f"To {address}", references=("mail1@customer.example",))
        assert by_mail.number == ticket.number


def test_a_copy_does_not_join_the_ticket_of_its_twin(house, street):
    house.department("Sales", "sales@example.org")
    mail = street.mail(references=("unseen@x",))
    one = street.take(mail)[0]
    two = street.take(replace(mail, spool_id="other", recipients=("sales@example.org",)))[0]
    assert (two.outcome, two.reason) == (Outcome.OPENED, "new")
    assert two.number != one.number


def test_a_copy_for_the_token_of_its_twin_s_ticket_is_a_duplicate(house, street):
    sales = house.department("Sales", "sales@example.org")
    ticket, _ = opened(street)
    mail = street.answer(street.last(N.ACKNOWLEDGEMENT), CAROL, "More.")
    street.take(mail)
    changes.set_department(house.conn, house.desk, house.now, ticket=ticket, department=sales, actor=house.ada)
    again = street.take(replace(mail, spool_id="other"))[0]
    assert (again.outcome, again.department, again.number) == (Outcome.DUPLICATE, "Sales", ticket.number)


def test_a_token_leads_to_where_its_ticket_is_now(house, street):
    sales = house.department("Sales", "sales@example.org")
    ticket, _ = opened(street)
    ack = street.last(N.ACKNOWLEDGEMENT)
    changes.set_department(house.conn, house.desk, house.now, ticket=ticket, department=sales, actor=house.ada)
    received = street.take(street.answer(ack, CAROL, "More.", cc=("support@example.org",)))
    assert [(each.department, each.number) for each in received] == [("Sales", ticket.number)]
    # all of the old address is spoken for
    to = (f"support+{ack.reply_token}@example.org", "support@example.org")
    received = street.take(street.answer(ack, CAROL, "More yet.", to=to))
    assert [(each.department, each.number) for each in received] == [("Sales", ticket.number)]
    # by reference the old department passes it on
    received = street.take(street.answer(ack, CAROL, "And more.", to="support@example.org"))
    assert [(each.department, each.number) for each in received] == [("Support", ticket.number)]


# the same mail


def test_the_same_mail_by_two_doors(house, street):
    mail = street.mail()
    first = street.take(mail)[0]
    house.later(days=6)
    second = street.take(replace(mail, spool_id="other", door=Door.IMAP, recipients=(), received_at=house.now))[0]
    assert (second.outcome, second.reason, second.number) == (Outcome.DUPLICATE, "same-mail", first.number)
    assert second.message_id == first.message_id
    assert len(street.messages(street.ticket(first))) == 1
    assert len(house.mails(N.ACKNOWLEDGEMENT)) == 1
    house.later(days=2)
    third = street.take(replace(mail, spool_id="third", received_at=house.now))[0]
    assert third.outcome is Outcome.OPENED


def test_without_an_identity_only_the_door_knows(street):
    mail = street.mail(identity=None)
    assert street.take(mail)[0].outcome is Outcome.OPENED
    assert street.take(replace(mail, spool_id="other"))[0].outcome is Outcome.OPENED


def test_a_replay_changes_nothing(house, street):
    house.department("Sales", "sales@example.org")
    mail = street.mail(to=("support@example.org", "sales@example.org"))
    first = street.take(mail)
    before = (street.outbox(), street.arrivals())
    again = street.take(mail)
    assert again == tuple(replace(each, replayed=True) for each in first)
    assert (street.outbox(), street.arrivals()) == before


def test_a_parked_mail_that_is_tried_again_has_one_outcome(house, street):
    mail = street.mail()
    arrivals.record(
        house.conn,
        spool_id=mail.spool_id,
        door=mail.door,
        outcome=Outcome.PARKED,
        reason="killed",
        raw_sha256=mail.raw_sha256,
        size=1,
        received_at=NOW,
        decided_at=NOW,
    )
    assert street.take(mail)[0].outcome is Outcome.OPENED
    assert [row.outcome for row in street.arrivals()] == ["opened"]


# who else


def test_people_copied_in_take_part(house, street):
    ticket, notice = opened(
        street,
        to="support@example.org",
        cc=(
            "Dan <dan@customer.example>",
            "Help@example.org",
            "support+x@example.org",
            "carol@customer.example",
            "broken",
        ),
    )
    assert street.participants(ticket) == ["dan@customer.example"]
    street.take(street.answer(notice, ADA, "Use water.", cc=("spy@elsewhere.example",)))
    assert house.told(N.STAFF_REPLY) == ["Carol@customer.example", "dan@customer.example"]
    assert street.participants(ticket) == ["dan@customer.example"]
    dan = street.last(N.STAFF_REPLY, "dan@customer.example")
    street.take(street.answer(dan, "dan@customer.example", "And for me?", cc=("fay@customer.example",)))
    assert street.participants(ticket) == ["dan@customer.example", "fay@customer.example"]


def test_who_left_draws_nobody_in(house, street):
    ticket, notice = opened(street, cc=("dan@customer.example",))
    street.take(street.answer(notice, ADA, "Use water."))
    dan = street.last(N.STAFF_REPLY, "dan@customer.example")
    changes.remove_participant(
        house.conn, house.desk, house.now, ticket=ticket, person=house.customer("dan@customer.example"), actor=house.ada
    )
    reply = street.take(street.answer(dan, "dan@customer.example", "Bye.", cc=("fay@customer.example",)))[0]
    assert reply.outcome is Outcome.APPENDED  # it is their token still
    assert street.participants(ticket) == []


def test_a_department_may_want_no_participants(house, street):
    house.department("Sales", "sales@example.org", cc_participates=False)
    assert street.participants(street.ticket(street.send(to="sales@example.org", cc=("dan@customer.example",)))) == []


def test_who_draws_nobody_in(house, street):
    crowd = tuple(f"p{number}@customer.example" for number in range(60))
    assert len(street.participants(street.ticket(street.send(cc=crowd)))) == 40
    for mail in (
        street.mail(cc=crowd, text="1", kind=Kind.LIST),
        street.mail(cc=crowd, text="2", verdict=Verdict.FAIL),
        street.mail(cc=crowd, text="3", shown_to=()),  # a blind copy to us
        street.mail(cc=crowd, text="4", shown_to=("old-alias@example.org",)),
        street.mail("", cc=crowd, text="5", sender="x@customer.example"),
    ):
        assert street.participants(street.ticket(street.take(mail)[0])) == []


# staff answers


def test_the_outgoing_words_are_the_author_s_alone(house, street):
    ticket, notice = opened(street)
    text = f"Write to support+{notice.reply_token}@example.org, not to me."
    street.take(street.answer(notice, ADA, text, inbound={"quote": f"> {notice.reply_token}", "marker_cut": True}))
    row = street.messages(ticket)[-1]
    assert row.text == "Write to support@example.org, not to me."
    assert row.html == ""
    assert notice.reply_token not in row.quote
    assert street.last(N.STAFF_REPLY).message_id == row.id


def test_no_sure_cut(house, street):
    _, notice = opened(street)
    kept = street.take(street.answer(notice, ADA, "Hm.\nNew ticket ...", inbound={"own_text_found": True}))[0]
    assert (kept.outcome, kept.reason) == (Outcome.INTERNAL, "no-sure-cut")
    told = street.last(N.KEPT_INTERNAL)
    assert (told.recipient, told.context["reason"]) == (ADA, "no-sure-cut")
    # the told one may answer that
    assert street.take(street.answer(told, ADA, "Use water."))[0].outcome is Outcome.APPENDED
    assert not house.mails(N.COMMANDS_DONE)


def test_staff_write_a_request_of_their_own(house, street):
    mine = street.send(ADA, text="My chair.")
    assert street.last(N.ACKNOWLEDGEMENT).recipient == ADA
    ticket = street.ticket(mine)
    street.take(street.answer(street.last(N.ACKNOWLEDGEMENT), ADA, "It squeaks."))
    assert not house.mails(N.STAFF_REPLY)
    assert street.said(ticket)[-1] == ("public", "reply-token", "It squeaks.")
    assert house.told(N.CUSTOMER_REPLIED) == [BOB]


# machines and forgers


@pytest.mark.parametrize(
    ("kind", "outcome", "reason"),
    [
        (Kind.AUTO_REPLY, Outcome.OPENED, "automatic"),
        (Kind.AUTO_GENERATED, Outcome.OPENED, "automatic"),
        (Kind.LIST, Outcome.OPENED, "automatic"),
        (Kind.BOUNCE, Outcome.HELD, "automatic"),
        (Kind.NULL_PATH, Outcome.HELD, "automatic"),
        (Kind.OWN, Outcome.HELD, "own-address"),
    ],
)
def test_machines_are_not_answered(house, street, kind, outcome, reason):
    received = street.send("robot@monitor.example", kind=kind)
    assert (received.outcome, received.reason) == (outcome, reason)
    assert not house.mails(N.ACKNOWLEDGEMENT)
    assert [row.department_id for row in street.arrivals()] == [house.support.id]
    if outcome is Outcome.HELD:
        assert (received.number, received.message_id, received.department) == (None, None, "Support")
        assert not street.outbox()


@pytest.mark.parametrize("kind", [kind for kind in Kind if kind is not Kind.PERSONAL])
def test_machines_have_no_voice(house, street, kind):
    ticket, notice = opened(street)
    ack = street.last(N.ACKNOWLEDGEMENT)
    closed(house, street, ticket)
    before = street.outbox()
    for mail in (
        street.answer(ack, CAROL, "I am away.", kind=kind),
        street.answer(notice, ADA, "#open\nI am away.", kind=kind),
        street.mail(EVE, subject=f"Re: {ticket.tag}", text="Beep.", kind=kind),
    ):
        received = street.take(mail)[0]
        assert (received.outcome, received.reason, received.number) == (Outcome.AUTOMATIC, "automatic", ticket.number)
    assert street.ticket_state(ticket) is State.CLOSED
    assert {row[0] for row in street.said(ticket)[1:]} == {"internal"}
    # Programs of people mark their mail as a list's: whoever handles the ticket looks at it.
    told = [(N.CUSTOMER_REPLIED, ADA), (N.CUSTOMER_REPLIED, BOB)] if kind is Kind.LIST else []
    assert street.outbox() == [*before, *told]


def test_mail_from_our_own_address_is_nobody_s(house, street):
    ticket, _ = opened(street)
    before = street.outbox()
    assert street.send("Help@example.org", text="x").outcome is Outcome.HELD
    assert street.send("support+detail@example.org", subject=f"Re: {ticket.tag}", text="x").outcome is Outcome.AUTOMATIC
    assert street.outbox() == before


def test_a_bounce_of_a_mail_of_ours(house, street):
    ticket, _ = opened(street)
    ack = street.last(N.ACKNOWLEDGEMENT)
    bounce = {"author": "mailer-daemon@x.example", "kind": Kind.BOUNCE, "sender": ""}
    by_return_path = street.send(to=f"support+b-{ack.envelope_token}@example.org", text="1", **bounce)
    by_reference = street.send(references=(ack.mail_id,), text="2", **bounce)
    for each in (by_return_path, by_reference):
        assert (each.outcome, each.number) == (Outcome.AUTOMATIC, ticket.number)


def test_a_forged_author(house, street):
    ticket, notice = opened(street)
    ack = street.last(N.ACKNOWLEDGEMENT)
    closed(house, street, ticket)
    for mail in (
        street.answer(ack, CAROL, "Send it to Mallory.", verdict=Verdict.FAIL),
        street.answer(notice, ADA, "#open\nHere is the password.", verdict=Verdict.FAIL),
    ):
        received = street.take(mail)[0]
        assert (received.outcome, received.reason) == (Outcome.INTERNAL, "unverified")
    assert street.ticket_state(ticket) is State.CLOSED
    assert not house.mails(N.STAFF_REPLY)
    assert [row.author_id for row in street.messages(ticket)] == [house.carol.id, None, None]
    assert street.messages(ticket)[-1].author_email == ADA
    # staff of the ticket learn of both: what a forged colleague wants is news
    assert {mail.context["reason"] for mail in house.mails(N.CUSTOMER_REPLIED)} == {"unverified"}
    assert len(house.mails(N.CUSTOMER_REPLIED)) == 4
    new = street.send(text="A new thing.", verdict=Verdict.FAIL)
    assert (new.outcome, new.reason) == (Outcome.OPENED, "unverified")
    assert len(house.mails(N.ACKNOWLEDGEMENT)) == 1


def test_mail_without_an_author(house, street):
    received = street.send("", sender="scanner@customer.example")
    assert (received.outcome, received.reason) == (Outcome.OPENED, "no-author")
    assert street.messages(street.ticket(received))[0].author_email == "scanner@customer.example"
    assert street.send("", text="x").outcome is Outcome.HELD
    assert street.send("no address", text="x", sender="").outcome is Outcome.HELD
    assert not house.mails(N.ACKNOWLEDGEMENT)


def test_old_mail_is_not_answered(house, street):
    old = street.send(door=Door.IMAP, old_mail=True)
    assert old.outcome is Outcome.OPENED
    assert not house.mails(N.ACKNOWLEDGEMENT)
    ticket = street.ticket(old)
    closed(house, street, ticket)
    house.later(days=31)
    late = street.send(references=("mail1@customer.example",), text="x", old_mail=True)
    assert late.reason == "follow-up-over"
    assert not house.mails(N.FOLLOW_UP_REFUSED)


# explain


def test_explain_writes_nothing_and_says_what_receive_does(house, street):
    house.department("Sales", "sales@example.org")
    ticket, _ = opened(street)
    ack = street.last(N.ACKNOWLEDGEMENT)
    closed(house, street, ticket)
    before = (street.outbox(), street.arrivals(), street.said(ticket))
    to = (f"support+{ack.reply_token}@example.org", "sales@example.org")
    mail = street.answer(ack, "new@customer.example", "Hello?", to=to)
    told = receive.explain(house.conn, house.desk, house.now, mail)
    assert (street.outbox(), street.arrivals(), street.said(ticket)) == before
    assert [
        (each.department, each.outcome, each.reason.value, each.number, each.target) for each in told.decisions
    ] == [
        ("Support", Outcome.INTERNAL, "stranger", ticket.number, f" in {ticket.tag}"),
        ("Sales", Outcome.OPENED, "new", None, ""),
    ]
    assert [each.answered for each in told.decisions] == [False, True]
    did = street.take(mail)
    assert [(each.department, each.outcome, each.reason) for each in did] == [
        (each.department, each.outcome, each.reason.value) for each in told.decisions
    ]
    mine = receive.explain(house.conn, house.desk, house.now, street.answer(ack, CAROL, "Again."))
    assert mine.decisions[0].target == f" in {ticket.tag}, which is open again"
    assert mine.decisions[0].reopens
    assert mine.decisions[0].evidence[0] == f"reply-token {ticket.tag} (the author's own)"


def test_through_the_writer(store, desk):
    """As the daemon does it: each mail its own savepoint, several in one commit."""
    house = store.writer.run(lambda conn: House(conn, desk))
    street = Street(house)
    first = street.mail(mail_id="a@customer.example")
    second = street.mail(text="More.", references=("a@customer.example",))
    futures = [
        store.writer.submit(lambda conn, mail=mail: receive.receive(conn, desk, NOW + timedelta(seconds=1), mail))
        for mail in (first, second, first)
    ]
    one, two, again = (future.result()[0] for future in futures)
    assert two.number == one.number
    assert again == replace(one, replayed=True)
    assert store.read(lambda conn: len(conn.execute(schema.arrival.select()).all())) == 2
    explained = store.read(lambda conn: receive.explain(conn, desk, NOW, first))
    assert explained.decisions[0].outcome is Outcome.DUPLICATE
    assert store.read(lambda conn: tickets.by_number(conn, one.number)).state is State.NEW


def test_whoever_a_ticket_was_forwarded_to_has_no_voice_in_it(house, street):
    ticket = house.open().ticket
    given = {"ticket": ticket, "to": ("maker@example.com",), "words": Words("Can you help?"), "actor": house.ada}
    forwarding.forward(house.conn, house.desk, house.now, **given)
    mail = street.last(N.FORWARD)
    for author in ("Maker <maker@example.com>", "Ada <ada@staff.example>"):
        got = street.take(street.answer(mail, author, "Turn it off.", to="support@example.org"))
        assert [(each.number, each.outcome) for each in got] == [(ticket.number, Outcome.INTERNAL)]
    assert street.said(ticket)[-1][0] == "internal"
