"""Notices: whom each event is told to, who is passed over and why, and what the mails carry."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import replace

import msgspec
import pytest

from helpdeskd import resources
from helpdeskd.desk import changes, notices, participants, people, tickets
from helpdeskd.desk.context import Skip, Skipped, Words
from helpdeskd.desk.notices import ROWS, Event
from helpdeskd.model.mail import Address, Kind, Verdict
from helpdeskd.model.outgoing import NoticeName
from helpdeskd.model.routing import Reason
from helpdeskd.model.ticket import State

N = NoticeName
CAROL, ADA, BOB = "Carol@customer.example", "ada@staff.example", "bob@staff.example"
DAN = Address("Dan", "dan@customer.example")


def mail_to(house, notice, recipient):
    (mail,) = [mail for mail in house.mails(notice) if mail.recipient == recipient]
    return mail


def short(told):
    return [(queued.notice, queued.recipient) for queued in told.queued]


def cut(posted):
    """Rows queued and people passed over, short."""
    return sorted(short(posted.told)), sorted((skip.notice, skip.recipient, skip.why) for skip in posted.told.skipped)


# The table and the templates


def test_every_notice_has_a_row_and_every_row_an_event():
    assert {row.notice for row in ROWS} == set(NoticeName)
    assert {row.event for row in ROWS} == set(Event)
    assert max(Counter((row.event, row.notice) for row in ROWS).values()) == 1


def test_every_notice_has_a_folder_and_every_folder_a_notice():
    folder = resources.find("templates") / "mail"
    found = {path.name for path in folder.iterdir() if path.is_dir() and not path.name.startswith(("_", "."))}
    assert found == {notice.value for notice in NoticeName}
    for name in found:
        assert {"subject.txt", "body.txt", "body.html"} <= {path.name for path in (folder / name).iterdir()}, name


def test_a_notice_means_the_same_wherever_it_stands_in_the_table():
    for notice in NoticeName:
        assert len({(row.automatic, row.to_staff, row.replies) for row in ROWS if row.notice is notice}) == 1, notice
    assert {row.notice for row in ROWS if not row.automatic} == {N.STAFF_REPLY, N.FORWARD}
    assert {row.notice for row in ROWS if not row.replies} == {
        N.WELCOME,
        N.CUSTOMER_WELCOME,
        N.PASSWORD_RESET,
        N.ALARM,
        N.FORWARD,
    }


# A new ticket


def test_opening_acknowledges_and_tells_staff(house):
    posted = house.open()
    assert cut(posted) == ([(N.ACKNOWLEDGEMENT, CAROL), (N.NEW_TICKET, ADA), (N.NEW_TICKET, BOB)], [])
    assert {mail.automatic for mail in house.mails()} == {True}
    assert {mail.state for mail in house.mails()} == {"queued"}


def test_no_acknowledgement_where_none_is_wanted(house):
    assert cut(house.open(acknowledge=False))[0] == [(N.NEW_TICKET, ADA), (N.NEW_TICKET, BOB)]


@pytest.mark.parametrize("kind", [kind for kind in Kind if kind is not Kind.PERSONAL])
def test_an_automatic_mail_gets_no_automatic_answer_but_staff_see_its_ticket(house, kind):
    queued, skipped = cut(house.open(words=Words("disk full", kind=kind)))
    assert queued == [(N.NEW_TICKET, ADA), (N.NEW_TICKET, BOB)]
    assert skipped == [(N.ACKNOWLEDGEMENT, CAROL, Skip.AUTOMATIC_MAIL)]


def test_never_to_our_own_addresses(house):
    loop = house.customer("help+x@example.org")
    ticket = house.open(requester=loop).ticket
    assert house.told(N.ACKNOWLEDGEMENT) == []
    answered = house.answer(ticket)
    assert answered.told.skipped == (Skipped(N.STAFF_REPLY, "help+x@example.org", Skip.OWN_ADDRESS),)
    assert house.told(N.STAFF_REPLY) == []


def test_staff_who_write_in_are_not_told_of_their_own_doing(house):
    queued, skipped = cut(house.open(requester=house.ada))
    assert queued == [(N.ACKNOWLEDGEMENT, ADA), (N.NEW_TICKET, BOB)]
    assert skipped == [(N.NEW_TICKET, ADA, Skip.OWN_ACTION)]


def test_nobody_to_tell_is_said(house):
    quiet = house.department("Quiet", "quiet@example.org")
    house.staff("Dora", "dora@staff.example", department=quiet, notify=False)
    gone = house.staff("Gone", "gone@staff.example", department=quiet)
    people.disable(house.conn, house.desk, house.now, person=gone)
    posted = house.open(department=quiet)
    assert posted.told.skipped == (Skipped(N.NEW_TICKET, "", Skip.NO_STAFF),)


def test_a_disabled_customer_is_not_written_to(house):
    carol = people.disable(house.conn, house.desk, house.now, person=house.carol)
    assert (N.ACKNOWLEDGEMENT, CAROL, Skip.DISABLED) in cut(house.open(requester=carol))[1]


def test_a_late_follow_up_is_told_of_both_tickets_instead_of_acknowledged(house):
    old = house.open().ticket
    words = Words("again", subject="Re: My printer", mail_id="late@x", reason=Reason.FOLLOW_UP_OVER)
    posted = house.open(link_to=old.id, words=words)
    assert cut(posted)[0] == [(N.FOLLOW_UP_REFUSED, CAROL), (N.NEW_TICKET, ADA), (N.NEW_TICKET, BOB)]
    (mail,) = house.mails(N.FOLLOW_UP_REFUSED)
    assert mail.context["old_ticket"] == {"number": old.number, "subject": "My printer"}
    assert mail.context["ticket"]["number"] == posted.ticket.number
    assert (mail.context["reason"], mail.refs) == ("follow-up-over", ["late@x"])


# Replies


def test_a_reply_is_told_to_staff_until_somebody_has_the_ticket(house):
    ticket = house.open().ticket
    assert cut(house.reply(ticket))[0] == [(N.CUSTOMER_REPLIED, ADA), (N.CUSTOMER_REPLIED, BOB)]
    house.answer(ticket)
    assert cut(house.reply(ticket)) == ([(N.CUSTOMER_REPLIED, ADA)], [])
    people.disable(house.conn, house.desk, house.now, person=house.ada)
    assert cut(house.reply(ticket)) == ([(N.CUSTOMER_REPLIED, BOB)], [])


def test_an_answer_goes_to_requester_and_participants_each_with_their_own_token(house):
    ticket = house.open(participants=(DAN,)).ticket
    posted = house.answer(ticket)
    assert cut(posted) == ([(N.STAFF_REPLY, CAROL), (N.STAFF_REPLY, DAN.email)], [])
    mails = house.mails(N.STAFF_REPLY)
    assert {mail.automatic for mail in mails} == {False}
    assert {mail.message_id for mail in mails} == {posted.message_id}
    (dan,) = participants.of(house.conn, ticket.id)
    read = [house.desk.tokens.read(mail.reply_token) for mail in mails]
    assert read == [(ticket.id, house.carol.id), (ticket.id, dan.id)]
    assert len({mail.mail_id for mail in mails}) == len({mail.envelope_token for mail in mails}) == 2


def test_an_answer_does_not_come_back_to_its_author(house):
    ticket = house.open(requester=house.bob, participants=(DAN, Address("", ADA))).ticket
    queued, skipped = cut(house.answer(ticket))
    assert queued == [(N.STAFF_REPLY, BOB), (N.STAFF_REPLY, DAN.email)]
    assert skipped == [(N.STAFF_REPLY, ADA, Skip.OWN_ACTION)]


def test_the_same_address_gets_one_mail(house):
    ticket = house.open().ticket
    scene = tickets.scene(house.conn, Event.STAFF_REPLIED, ticket, house.ada, participants=(house.carol,))
    told = notices.enqueue_for(house.conn, house.desk, house.now, scene)
    assert short(told) == [(N.STAFF_REPLY, CAROL)]
    assert told.skipped == (Skipped(N.STAFF_REPLY, CAROL, Skip.DUPLICATE_RECIPIENT),)


def test_closing_with_an_answer_sends_the_answer_only(house):
    ticket = house.open().ticket
    house.answer(ticket, close=True)
    assert house.told(N.STAFF_REPLY) == [CAROL]
    assert house.told(N.TICKET_CLOSED) == []


# What is kept


def keep(house, ticket, **more):
    words = more.pop("words", Words("x", mail_id="kept@x", reason=Reason.STRANGER))
    more = {"author": house.carol, "why": Reason.STRANGER, **more}
    return tickets.keep(house.conn, house.desk, house.now, ticket=ticket, words=words, **more)


def test_staff_whose_reply_was_kept_are_told_why_in_the_thread_of_their_mail(house):
    ticket = house.open().ticket
    posted = keep(house, ticket, author=house.bob, tell=house.bob, why=Reason.NO_SURE_CUT)
    assert cut(posted) == ([(N.KEPT_INTERNAL, BOB)], [])
    (mail,) = house.mails(N.KEPT_INTERNAL)
    assert (mail.context["reason"], mail.message_id) == ("no-sure-cut", posted.message_id)
    assert mail.refs == [f"ticket-{ticket.number}.test@example.org", "kept@x"]


def test_an_outsiders_words_are_not_seen_by_nobody(house):
    """A customer's other address is a stranger to the ticket; the one who has the ticket must hear of it."""
    ticket = house.answer(house.open().ticket).ticket
    stranger = house.customer("carol@private.example")
    posted = keep(house, ticket, author=stranger)
    assert cut(posted) == ([(N.CUSTOMER_REPLIED, ADA)], [])
    mail = house.mails(N.CUSTOMER_REPLIED)[-1]
    assert (mail.context["internal"], mail.context["reason"], mail.context["author"]["email"]) == (
        True,
        "stranger",
        stranger.email,
    )


def test_kept_mail_of_machines_and_of_staff_is_told_to_nobody(house):
    ticket = house.open().ticket
    bounce = Words("gone", kind=Kind.BOUNCE)
    for posted in (
        keep(house, ticket, words=bounce, author=None, why=Reason.AUTOMATIC),
        keep(house, ticket, words=bounce, author=house.bob, tell=house.bob, why=Reason.AUTOMATIC),
        keep(house, ticket, author=house.bob, why=Reason.NOT_YOUR_TOKEN),
    ):
        assert posted.told.queued == ()
    assert house.told(N.KEPT_INTERNAL) == []


def test_an_unverified_reply_is_told_to_staff(house):
    ticket = house.open().ticket
    posted = keep(house, ticket, words=Words("pay", verdict=Verdict.FAIL), why=Reason.UNVERIFIED)
    assert {notice for notice, _ in short(posted.told)} == {N.CUSTOMER_REPLIED}


def test_a_token_that_does_not_fit_its_address_is_none(house):
    """A token in the outbox that nobody could be given would leave its reader without any way to answer."""
    house.support = house.department("Long", f"{'long-' * 10}@example.org")
    ticket = house.open().ticket
    house.answer(ticket)
    assert {mail.reply_token for mail in house.mails()} == {""}


# Commands


def test_commands_are_confirmed_to_their_author(house):
    ticket = house.open().ticket
    words = Words("#close", mail_id="cmd@staff.example")
    told = notices.commands_done(
        house.conn,
        house.desk,
        house.now,
        department=house.support,
        ticket=ticket,
        requester=house.carol,
        person=house.ada,
        words=words,
        changes=[{"command": "#close", "done": True, "text": "closed"}],
        commands=["#close"],
    )
    assert short(told) == [(N.COMMANDS_DONE, ADA)]
    (mail,) = house.mails(N.COMMANDS_DONE)
    assert (told.queued[0].mail_id, told.queued[0].number) == (mail.mail_id, ticket.number)
    assert mail.context["changes"] == [{"command": "#close", "done": True, "text": "closed"}]
    assert (mail.context["commands"], mail.refs[-1]) == (["#close"], "cmd@staff.example")


# What a mail carries


def test_the_context_is_plain_and_of_this_moment(house):
    house.desk = replace(
        house.desk, settings=msgspec.structs.replace(house.desk.settings, public_url="https://desk.example/")
    )
    ticket = house.answer(house.open().ticket).ticket
    mail = mail_to(house, N.STAFF_REPLY, CAROL)
    assert mail.context == json.loads(json.dumps(mail.context))
    assert mail.context == {
        "desk": {"name": "Desk", "url": "https://desk.example/"},
        "department": {"name": "Support", "address": "support@example.org", "sender_name": "Support"},
        "ticket": {
            "number": ticket.number,
            "tag": f"[#{ticket.number}]",
            "subject": "My printer",
            "state": "awaiting_customer",
            "priority": "normal",
            "url": f"https://desk.example/tickets/{ticket.number}",
        },
        "person": {"name": "Carol", "email": CAROL},
        "author": {"name": "Ada Lovelace", "email": "support@example.org"},
        "requester": {"name": "Carol", "email": CAROL},
        "assignee": {"name": "Ada Lovelace"},
        "reason": "cli",
    }
    assert mail_to(house, N.NEW_TICKET, ADA).context["ticket"]["state"] == "new"


def test_customers_never_see_a_staff_members_address(house):
    nameless = house.staff("", "private@staff.example")
    ticket = house.open(participants=(DAN,)).ticket
    house.answer(ticket, author=nameless, mail_id="private-mail@staff.example")
    changes.set_state(house.conn, house.desk, house.now, ticket=ticket, state=State.CLOSED, actor=nameless)
    customers = [mail for mail in house.mails() if mail.recipient in {CAROL, DAN.email}]
    assert len(customers) == 4
    for mail in customers:
        assert "staff.example" not in json.dumps([mail.context, mail.refs, mail.mail_id])
    assert mail_to(house, N.STAFF_REPLY, CAROL).context["author"] == {"name": "Support", "email": "support@example.org"}


def test_message_ids_are_ours_at_the_departments_domain(house):
    house.open()
    assert {mail.mail_id.rpartition("@")[2] for mail in house.mails()} == {"example.org"}


@pytest.mark.parametrize(
    ("person", "department", "expected"),
    [("", "", "en"), ("", "de", "de"), ("fr", "de", "fr")],
)
def test_language_is_the_persons_the_departments_the_teams(house, person, department, expected):
    house.support = house.department("Other", "other@example.org", language=department)
    people.add_staff(
        house.conn,
        house.desk,
        house.now,
        "Dora",
        "dora@staff.example",
        1,
        (house.support.id,),
        language=person,
        welcome=False,
    )
    house.open()
    assert mail_to(house, N.NEW_TICKET, "dora@staff.example").language == expected


# Threads (RFC 5322 section 3.6.4)


def test_an_acknowledgement_answers_the_mail_it_acknowledges(house):
    house.open(words=Words("x", mail_id="me@x", references=("a@x", "b@x")))
    assert house.mails(N.ACKNOWLEDGEMENT)[0].refs == ["a@x", "b@x", "me@x"]


def test_an_answer_ends_the_chain_with_the_customers_last_mail(house):
    ticket = house.open(participants=(DAN,)).ticket
    (ack,) = house.mails(N.ACKNOWLEDGEMENT)
    house.answer(ticket, mail_id="private@staff.example")
    first = mail_to(house, N.STAFF_REPLY, CAROL)
    assert first.refs == ["first@customer.example"]
    house.reply(ticket, mail_id="second@customer.example")
    house.answer(ticket)
    second = [mail for mail in house.mails(N.STAFF_REPLY) if mail.recipient == CAROL][-1]
    assert second.refs == ["first@customer.example", ack.mail_id, first.mail_id, "second@customer.example"]
    to_dan = [mail for mail in house.mails(N.STAFF_REPLY) if mail.recipient == DAN.email]
    assert to_dan[1].refs == ["first@customer.example", to_dan[0].mail_id, "second@customer.example"]
    changes.set_state(house.conn, house.desk, house.now, ticket=ticket, state=State.CLOSED, actor=house.ada)
    assert house.mails(N.TICKET_CLOSED)[0].refs == second.refs


def test_where_no_mail_came_in_our_own_make_the_thread(house):
    ticket = house.open(words=Words("by telephone")).ticket
    house.answer(ticket)
    house.answer(ticket)
    (ack,), (first, second) = house.mails(N.ACKNOWLEDGEMENT), house.mails(N.STAFF_REPLY)
    assert (ack.refs, first.refs, second.refs) == ([], [ack.mail_id], [ack.mail_id, first.mail_id])


def test_kept_mail_is_not_part_of_the_public_chain(house):
    ticket = house.open().ticket
    keep(house, ticket)
    house.answer(ticket)
    assert house.mails(N.STAFF_REPLY)[0].refs == ["first@customer.example"]


def test_long_chains_keep_the_first_and_the_last_ones(house):
    words = Words("x", mail_id="me@x", references=tuple(f"{n}@x" for n in range(50)))
    ticket = house.open(words=words).ticket
    refs = house.mails(N.ACKNOWLEDGEMENT)[0].refs
    assert refs == ["0@x", *(f"{n}@x" for n in range(32, 50)), "me@x"]
    for n in range(30):
        house.reply(ticket, mail_id=f"r{n}@x")
    house.answer(ticket)
    refs = house.mails(N.STAFF_REPLY)[0].refs
    assert (len(refs), refs[0], refs[1], refs[-1]) == (20, "me@x", "r11@x", "r29@x")


def test_after_a_merge_both_conversations_are_one(house):
    source = house.open(words=Words("y", mail_id="s@x"), requester=house.customer(DAN.email)).ticket
    target = house.open().ticket
    changes.merge(house.conn, house.desk, house.now, ticket=source, into=target, actor=house.ada)
    house.answer(target)
    dans = [mail.mail_id for mail in house.mails(N.ACKNOWLEDGEMENT) if mail.recipient == DAN.email]
    assert mail_to(house, N.STAFF_REPLY, DAN.email).refs == ["s@x", *dans, "first@customer.example"]


def test_notices_to_staff_share_one_root_for_each_ticket(house):
    one, two = house.open().ticket, house.open(words=Words("x")).ticket
    house.reply(one)
    changes.assign(house.conn, house.desk, house.now, ticket=one, assignee=house.bob, actor=house.ada)
    for ticket in (one, two):
        mails = [mail for mail in house.mails() if mail.ticket_id == ticket.id and mail.recipient in {ADA, BOB}]
        assert {tuple(mail.refs) for mail in mails} == {(f"ticket-{ticket.number}.test@example.org",)}
    assert house.desk.tokens.read(house.mails(N.ASSIGNED)[0].reply_token) == (one.id, house.bob.id)
