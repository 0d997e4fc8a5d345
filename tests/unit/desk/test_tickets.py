"""Tickets: opening, replies of both sides, notes, what is kept; their rows, states and history."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from sqlalchemy import func, select, text
from sqlalchemy.exc import IntegrityError

from helpdeskd.desk import changes, participants, people, queries, tickets
from helpdeskd.desk.context import LinkKind, Part, Words
from helpdeskd.errors import Conflict, NotFound, Refused
from helpdeskd.model.mail import Address, Kind, Verdict
from helpdeskd.model.outgoing import NoticeName
from helpdeskd.model.routing import Reason
from helpdeskd.model.ticket import Priority, State, Visibility
from helpdeskd.store import schema

N = NoticeName


def count(house, table):
    return house.conn.execute(select(func.count()).select_from(table)).scalar_one()


# Opening


def test_open_writes_ticket_message_references_files_and_history(house):
    words = Words(
        text="It burns.",
        quote="> old",
        html="<p>It burns.</p>",
        subject="Re: AW: My  printer",
        mail_id="first@customer.example",
        references=("root@customer.example", "mid@customer.example", "root@customer.example"),
        raw_sha256="ab" * 32,
        kind=Kind.PERSONAL,
        verdict=Verdict.PASS,
        reason="new",
        date=datetime(2026, 3, 4, 9, 0, tzinfo=UTC),
        author_name="Carol C.",
        author_email="carol@customer.example",
        parts=(
            Part("a.pdf", "application/pdf", 3, "cd" * 32),
            Part("b.png", "image/png", 4, "ef" * 32, "cid1", inline=True),
        ),
    )
    posted = house.open(words=words)
    ticket = posted.ticket
    assert ticket == tickets.get(house.conn, ticket.id) == tickets.by_number(house.conn, ticket.number)
    assert (ticket.subject, ticket.state, ticket.priority) == ("My printer", State.NEW, Priority.NORMAL)
    assert (ticket.requester_id, ticket.assignee_id, ticket.department_id) == (house.carol.id, None, house.support.id)
    assert (ticket.created_at, ticket.updated_at, ticket.closed_at) == (house.now, house.now, None)

    (shown,) = queries.show(house.conn, ticket.number).messages
    message = shown.message
    assert (message.id, message.ticket_id, message.visibility) == (posted.message_id, ticket.id, Visibility.PUBLIC)
    assert (message.text, message.quote, message.html) == ("It burns.", "> old", "<p>It burns.</p>")
    assert (message.subject, message.message_id, message.raw_sha256) == (
        "Re: AW: My  printer",
        "first@customer.example",
        "ab" * 32,
    )
    assert (message.author_id, message.author_name, message.author_email) == (
        house.carol.id,
        "Carol C.",
        "carol@customer.example",
    )
    assert (message.kind, message.reason, message.verdict, message.created_at) == (
        Kind.PERSONAL,
        "new",
        Verdict.PASS,
        house.now,
    )
    assert [(file.position, file.name, file.size, file.inline, file.content_id) for file in shown.attachments] == [
        (0, "a.pdf", 3, False, ""),
        (1, "b.png", 4, True, "cid1"),
    ]
    date = house.conn.execute(select(schema.message.c.date)).scalar_one()
    assert date == words.date
    stored = house.conn.execute(select(schema.message_ref.c.mail_id)).scalars()
    assert set(stored) == {"root@customer.example", "mid@customer.example"}
    assert house.history(ticket) == [("opened", {"reason": "new"})]


def test_author_of_a_message_is_the_person_where_the_mail_says_nothing(house):
    house.open(words=Words("x"))
    row = house.conn.execute(select(schema.message)).one()
    assert (row.author_name, row.author_email) == ("Carol", "Carol@customer.example")


@pytest.mark.parametrize(
    ("subject", "text_", "title"),
    [
        ("Hello", "x", "Hello"),
        ("Re: [#123456] Hello", "x", "Hello"),
        (" \t ", "\n  first \t line \nsecond", "first line"),
        ("Re:", "", "(no subject)"),
        ("", "y" * 100, "y" * 80),
        ("z" * 501, "", "z" * 499 + "…"),
    ],
)
def test_a_ticket_always_has_a_readable_subject(house, subject, text_, title):
    assert house.open(words=Words(text_, subject=subject)).ticket.subject == title


def test_a_message_names_at_most_100_references_the_first_and_the_nearest(house):
    house.open(words=Words("x", mail_id="me@x", references=(*(f"{n}@x" for n in range(150)), "me@x")))
    stored = set(house.conn.execute(select(schema.message_ref.c.mail_id)).scalars())
    assert stored == {"0@x", *(f"{n}@x" for n in range(51, 150))}


def test_numbers_have_six_digits_and_differ(house):
    numbers = {house.open(acknowledge=False).ticket.number for _ in range(50)}
    assert len(numbers) == 50
    assert all(100_000 <= number <= 999_999 for number in numbers)
    ordered = sorted(numbers)
    assert ordered != [ordered[0] + step for step in range(50)]


def scripted(rng, *numbers):
    """An rng whose first draws of 8 bytes come to these ticket numbers."""
    left = [number - 100_000 for number in numbers]
    return lambda size: left.pop(0).to_bytes(size, "big") if size == 8 and left else rng(size)


def test_a_taken_number_is_drawn_again(house):
    first = house.open(acknowledge=False).ticket.number
    house.desk = replace(house.desk, rng=scripted(house.desk.rng, first, first, 654_321))
    ticket = tickets.open(
        house.conn,
        house.desk,
        house.now,
        department=house.support,
        requester=house.carol,
        words=Words("x"),
        acknowledge=False,
    )
    assert ticket.ticket.number == 654_321


def test_no_free_number_is_a_conflict_to_be_tried_again(house):
    first = house.open(acknowledge=False).ticket.number
    house.desk = replace(house.desk, rng=lambda size: (first - 100_000).to_bytes(size, "big"))
    with pytest.raises(Conflict):
        house.open(acknowledge=False)


@pytest.mark.parametrize(("opened", "digits"), [(450_000, 6), (450_001, 7)])
def test_seven_digits_past_half_of_six(house, opened, digits):
    values = {"number": 1, "subject": "", "state": "closed", "priority": "normal", "department_id": house.support.id}
    values |= {"requester_id": house.carol.id, "created_at": house.now, "updated_at": house.now}
    house.conn.execute(schema.ticket.insert(), {"id": opened, **values})
    if house.conn.dialect.name == "postgresql":
        house.conn.execute(text(f"ALTER TABLE ticket ALTER COLUMN id RESTART WITH {opened + 1}"))
    assert len(str(house.open(acknowledge=False).ticket.number)) == digits


def test_ids_are_never_used_again(house):
    first = house.open(acknowledge=False, words=Words("x")).ticket
    for table in (schema.outbox, schema.history, schema.message, schema.ticket):
        house.conn.execute(table.delete())
    assert house.open(acknowledge=False).ticket.id == first.id + 1


def test_people_in_copy_take_part_but_never_we_ourselves(house):
    copies = (
        Address("Dan", "dan@customer.example"),
        Address("", "SUPPORT@example.org"),
        Address("", "help+token@example.org"),
        Address("", "carol@customer.example"),
        Address("", "DAN@customer.example"),
        Address("", "broken address"),
    )
    ticket = house.open(participants=copies).ticket
    (dan,) = participants.of(house.conn, ticket.id)
    assert (dan.name, dan.email) == ("Dan", "dan@customer.example")
    assert house.history(ticket)[1:] == [("participant-added", {"person": dan.id, "email": "dan@customer.example"})]
    assert people.find(house.conn, "support@example.org") is None


def test_half_a_town_in_copy_stays_outside(house):
    ticket = house.open(participants=tuple(Address("", f"p{n}@town.example") for n in range(120))).ticket
    assert len(participants.of(house.conn, ticket.id)) == participants.MAX_OF_ONE_MAIL == 40
    assert ("left-out", {"people": 80}) in house.history(ticket)


def test_a_follow_up_is_linked_to_the_old_ticket_on_both_sides(house):
    old = house.open().ticket
    new = house.open(link_to=old.id, words=Words("again", reason=Reason.TOKEN_AS_CONTACT)).ticket
    row = house.conn.execute(select(schema.ticket_link)).one()
    assert (row.ticket_id, row.other_id, row.kind) == (new.id, old.id, "follow-up")
    assert house.history(new)[1] == ("linked", {"other": old.number, "kind": "follow-up"})
    assert house.history(old)[1] == ("linked", {"other": new.number, "kind": "follow-up"})
    twin = house.open(link_to=old.id, link_kind=LinkKind.SAME_MAIL).ticket
    assert queries.show(house.conn, twin.number).links[0].kind == "same-mail"


def test_a_mail_of_a_forged_author_opens_without_a_public_voice(house):
    posted = house.open(
        words=Words("x", subject="s", verdict=Verdict.FAIL, reason=Reason.UNVERIFIED), acknowledge=False
    )
    (shown,) = queries.show(house.conn, posted.ticket.number).messages
    assert shown.message.visibility is Visibility.INTERNAL


def test_language_of_a_ticket_is_the_requesters_else_the_departments(house):
    german = house.department("Vertrieb", "vertrieb@example.org", language="de")
    assert house.open(department=german).ticket.language == "de"
    assert house.open().ticket.language == ""


# The customer's replies


def test_a_new_ticket_stays_new_until_staff_answered(house):
    ticket = house.open().ticket
    house.later(hours=1)
    posted = house.reply(ticket, mail_id="second@customer.example")
    assert posted.ticket == tickets.get(house.conn, ticket.id)
    assert posted.ticket.state is State.NEW
    assert posted.ticket.updated_at == house.now
    assert house.history(ticket)[1:] == [("customer-replied", {"reason": "reply-token"})]


@pytest.mark.parametrize("before", [State.AWAITING_CUSTOMER, State.IN_PROGRESS, State.PENDING, State.AWAITING_STAFF])
def test_a_reply_makes_the_ticket_await_staff(house, before):
    ticket = house.open().ticket
    until = house.now.replace(year=2027) if before is State.PENDING else None
    ticket = changes.set_state(
        house.conn, house.desk, house.now, ticket=ticket, state=before, actor=house.ada, until=until
    )
    after = house.reply(ticket).ticket
    assert (after.state, after.pending_until) == (State.AWAITING_STAFF, None)
    assert after == tickets.get(house.conn, ticket.id)
    changed = (
        [] if before is State.AWAITING_STAFF else [("state-changed", {"from": before.value, "to": "awaiting_staff"})]
    )
    assert house.history(ticket)[3:] == changed


def test_a_reply_reopens_only_when_it_may(house):
    ticket = house.answer(house.open().ticket, close=True).ticket
    closed_at = ticket.closed_at
    assert closed_at == house.now
    house.later(days=1)
    after = house.reply(ticket, reopen=False).ticket
    assert (after.state, after.closed_at) == (State.CLOSED, closed_at)
    after = house.reply(ticket, reopen=True).ticket
    assert (after.state, after.closed_at) == (State.AWAITING_STAFF, None)
    assert house.history(ticket)[-1] == ("reopened", {"from": "closed", "to": "awaiting_staff"})


def test_a_stale_record_does_no_harm(house):
    stale = house.open().ticket
    house.answer(stale)
    assert house.reply(stale).ticket.state is State.AWAITING_STAFF


@pytest.mark.parametrize("kind", [kind for kind in Kind if kind is not Kind.PERSONAL])
def test_an_automatic_mail_is_never_a_public_reply(house, kind):
    ticket = house.open().ticket
    for act in (house.reply, house.answer):
        with pytest.raises(Refused) as refused:
            act(ticket, words=Words("I am away", kind=kind))
        assert refused.value.reason == "automatic-mail"


def test_a_mail_not_from_whom_it_says_has_no_public_voice(house):
    ticket = house.open().ticket
    for act in (house.reply, house.answer):
        with pytest.raises(Refused) as refused:
            act(ticket, words=Words("pay here", verdict=Verdict.FAIL))
        assert refused.value.reason == "unverified"


def test_people_in_copy_of_a_reply_join(house):
    ticket = house.open(participants=(Address("", "dan@customer.example"),)).ticket
    house.reply(ticket, participants=(Address("", "dan@customer.example"), Address("", "eve@customer.example")))
    assert [p.email for p in participants.of(house.conn, ticket.id)] == ["dan@customer.example", "eve@customer.example"]


# Staff


def test_the_first_answer_takes_the_ticket_and_awaits_the_customer(house):
    ticket = house.open().ticket
    house.later(minutes=5)
    posted = house.answer(ticket)
    after = posted.ticket
    assert after == tickets.get(house.conn, ticket.id)
    assert (after.state, after.assignee_id, after.updated_at) == (State.AWAITING_CUSTOMER, house.ada.id, house.now)
    assert house.history(ticket)[1:] == [
        ("staff-replied", {"reason": "cli"}),
        ("assigned", {"from": None, "to": house.ada.id}),
        ("state-changed", {"from": "new", "to": "awaiting_customer"}),
    ]
    again = house.answer(after, author=house.bob).ticket
    assert again.assignee_id == house.ada.id
    assert house.kinds(ticket)[4:] == ["staff-replied"]


def test_an_answer_may_close_and_an_answer_opens_again(house):
    ticket = house.answer(house.open().ticket, close=True).ticket
    assert (ticket.state, ticket.closed_at) == (State.CLOSED, house.now)
    closed_at = house.now
    house.later(days=1)
    assert house.answer(ticket, close=True).ticket.closed_at == closed_at
    ticket = house.answer(ticket).ticket
    assert (ticket.state, ticket.closed_at) == (State.AWAITING_CUSTOMER, None)
    assert house.kinds(ticket)[-1] == "reopened"


def test_only_staff_answer_and_note(house):
    ticket = house.open().ticket
    gone = people.disable(house.conn, house.desk, house.now, person=house.bob)
    for somebody in (house.carol, gone):
        with pytest.raises(Refused) as refused:
            house.answer(ticket, author=somebody)
        assert refused.value.reason == "not-staff"
        with pytest.raises(Refused) as refused:
            tickets.note(house.conn, house.desk, house.now, ticket=ticket, author=somebody, words=Words("x"))
        assert refused.value.reason == "not-staff"
    assert count(house, schema.message) == 1


def test_a_note_is_internal_and_mails_nobody(house):
    ticket = house.open().ticket
    before = len(house.mails())
    house.later(hours=1)
    posted = tickets.note(house.conn, house.desk, house.now, ticket=ticket, author=house.bob, words=Words("psst"))
    assert posted.ticket == replace(ticket, updated_at=house.now) == tickets.get(house.conn, ticket.id)
    shown = queries.show(house.conn, ticket.number).messages[-1].message
    assert (shown.id, shown.visibility, shown.text) == (posted.message_id, Visibility.INTERNAL, "psst")
    assert house.kinds(ticket)[1:] == ["noted"]
    assert len(house.mails()) == before


# What is kept


def keep(house, ticket, **more):
    more = {"author": house.carol, "words": Words("x", reason=Reason.STRANGER), "why": Reason.STRANGER, **more}
    return tickets.keep(house.conn, house.desk, house.now, ticket=ticket, **more)


def test_kept_is_internal_and_changes_no_state(house):
    ticket = house.answer(house.open().ticket, close=True).ticket
    house.later(days=1)
    posted = keep(house, ticket, why=Reason.UNVERIFIED)
    assert posted.ticket == replace(ticket, updated_at=house.now) == tickets.get(house.conn, ticket.id)
    shown = queries.show(house.conn, ticket.number).messages[-1].message
    assert (shown.id, shown.visibility) == (posted.message_id, Visibility.INTERNAL)
    assert house.history(ticket)[-1] == ("kept", {"reason": "unverified"})


def test_kept_without_a_known_author_shows_what_the_mail_says(house):
    ticket = house.open().ticket
    words = Words("gone", kind=Kind.BOUNCE, author_name="Mailer", author_email="mailer-daemon@mx.example")
    keep(house, ticket, author=None, words=words, why=Reason.AUTOMATIC)
    shown = queries.show(house.conn, ticket.number).messages[-1]
    assert (shown.message.author_id, shown.author_shown) == (None, "Mailer")


def test_one_act_is_all_or_nothing(house):
    """An act that fails at its last statement (a Message-ID drawn twice) leaves no trace outside the caller's savepoint."""
    numbers = iter(range(10))
    house.desk = replace(house.desk, rng=lambda size: (next(numbers) if size == 8 else 7).to_bytes(size, "big"))
    house.staff("Dora", "dora@staff.example", notify=False)
    house.support = house.department("Quiet", "quiet@example.org")
    house.open()
    before = {table: count(house, table) for table in schema.metadata.tables.values()}
    savepoint = house.conn.begin_nested()
    with pytest.raises(IntegrityError):
        house.open(
            requester=house.customer("new@customer.example"), participants=(Address("", "dan@customer.example"),)
        )
    savepoint.rollback()
    assert {table: count(house, table) for table in schema.metadata.tables.values()} == before


# Merged tickets


def test_replies_notes_and_answers_to_a_merged_ticket_reach_its_target(house):
    source, target = house.open().ticket, house.open(words=Words("y", subject="Other", mail_id="o@x")).ticket
    changes.merge(house.conn, house.desk, house.now, ticket=source, into=target, actor=house.ada)
    words = Words("x", reason="stranger")
    for posted in (
        house.reply(source),
        house.answer(source),
        keep(house, source, words=words),
        tickets.note(house.conn, house.desk, house.now, ticket=source, author=house.ada, words=words),
    ):
        assert posted.ticket.id == target.id
    assert len(queries.show(house.conn, target.number).messages) == 5


def test_resolve_follows_chains_and_survives_loops(house):
    one, two, three = (house.open(words=Words("x")).ticket for _ in range(3))

    def point(ticket, at):
        where = schema.ticket.c.id == ticket.id
        house.conn.execute(schema.ticket.update().where(where).values(merged_into=at.id, state="merged"))

    point(one, two)
    point(two, three)
    assert tickets.resolve(house.conn, one.id).id == three.id
    assert tickets.resolve(house.conn, three.id) == three
    point(three, one)
    assert tickets.resolve(house.conn, one.id).id == three.id
    assert tickets.resolve(house.conn, two.id).id == one.id
    with pytest.raises(NotFound):
        tickets.resolve(house.conn, 4711)


@pytest.mark.parametrize("number", [0, -1, 123, 10**12])
def test_numbers_nobody_has(house, number):
    assert tickets.find_number(house.conn, number) is None
    with pytest.raises(NotFound) as refused:
        tickets.by_number(house.conn, number)
    assert refused.value.reason == "no-such-ticket"
    with pytest.raises(NotFound):
        tickets.get(house.conn, 4711)
