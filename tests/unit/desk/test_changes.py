"""Changes: what they write, whom they tell, what they refuse."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import select

from helpdeskd.desk import changes, participants, people, queries, relations, tags, tickets
from helpdeskd.desk.context import Words
from helpdeskd.errors import NotFound, Refused
from helpdeskd.model.mail import Address
from helpdeskd.model.outgoing import NoticeName
from helpdeskd.model.ticket import Priority, State
from helpdeskd.store import schema

N = NoticeName


@pytest.fixture
def ticket(house):
    return house.open().ticket


def act(house, change, ticket, **more):
    more.setdefault("actor", house.ada)
    after = change(house.conn, house.desk, house.now, ticket=ticket, **more)
    assert after == tickets.get(house.conn, after.id), "the record returned is the row written"
    return after


def refused(house, change, ticket, **more):
    before = house.history(ticket)
    with pytest.raises(Refused) as found:
        act(house, change, ticket, **more)
    assert house.history(ticket) == before
    return found.value.reason


# State


def test_pending_until_and_open_again(house, ticket):
    until = house.now + timedelta(days=3)
    after = act(house, changes.set_state, ticket, state=State.PENDING, until=until)
    assert (after.state, after.pending_until) == (State.PENDING, until)
    assert house.history(ticket)[-1] == (
        "state-changed",
        {"from": "new", "to": "pending", "until": "2026-03-07T09:30:00+00:00"},
    )
    longer = act(house, changes.set_state, after, state=State.PENDING, until=until + timedelta(days=1))
    assert longer.pending_until == until + timedelta(days=1)
    assert act(house, changes.set_state, longer, state=State.IN_PROGRESS).pending_until is None
    assert house.kinds(ticket)[1:] == ["state-changed"] * 3


@pytest.mark.parametrize(
    ("state", "span", "reason"),
    [
        (State.PENDING, None, "pending-needs-until"),
        (State.PENDING, timedelta(0), "until-past"),
        (State.PENDING, timedelta(days=-1), "until-past"),
        (State.CLOSED, timedelta(days=1), "until-without-pending"),
        (State.MERGED, None, "use-merge"),
    ],
)
def test_states_refused(house, ticket, state, span, reason):
    until = None if span is None else house.now + span
    assert refused(house, changes.set_state, ticket, state=state, until=until) == reason
    assert tickets.get(house.conn, ticket.id) == ticket


def test_closing_tells_the_requester_once(house, ticket):
    after = act(house, changes.set_state, ticket, state=State.CLOSED)
    assert (after.closed_at, after.is_closed) == (house.now, True)
    assert act(house, changes.set_state, after, state=State.CLOSED) == after
    assert house.told(N.TICKET_CLOSED) == ["Carol@customer.example"]
    assert house.kinds(ticket)[1:] == ["state-changed"]
    again = act(house, changes.set_state, after, state=State.AWAITING_STAFF)
    assert (again.closed_at, house.kinds(ticket)[-1]) == (None, "reopened")


def test_closing_tells_nobody_when_it_is_not_news(house, ticket):
    act(house, changes.set_state, ticket, state=State.CLOSED, tell=False)
    by_machine = house.open(words=Words("x")).ticket
    act(house, changes.set_state, by_machine, state=State.CLOSED, actor=None)
    by_carol = house.open(words=Words("x")).ticket
    act(house, changes.set_state, by_carol, state=State.CLOSED, actor=house.carol)
    assert house.told(N.TICKET_CLOSED) == []


# Assignee


def test_assigning_tells_the_assignee_unless_it_is_themselves(house, ticket):
    after = act(house, changes.assign, ticket, assignee=house.bob)
    assert after.assignee_id == house.bob.id
    (mail,) = house.mails(N.ASSIGNED)
    assert (mail.recipient, mail.context["author"]["name"], mail.context["assignee"]) == (
        "bob@staff.example",
        "Ada Lovelace",
        {"name": "Bob"},
    )
    assert mail.message_id is not None, "the notice shows what the ticket is about"
    assert act(house, changes.assign, after, assignee=house.bob) == after
    after = act(house, changes.assign, after, assignee=house.ada)
    after = act(house, changes.assign, after, assignee=None)
    assert after.assignee_id is None
    assert house.told(N.ASSIGNED) == ["bob@staff.example"]
    ada, bob = house.ada.id, house.bob.id
    assert house.history(ticket)[1:] == [
        ("assigned", {"from": None, "to": bob}),
        ("assigned", {"from": bob, "to": ada}),
        ("assigned", {"from": ada, "to": None}),
    ]


def test_only_enabled_staff_can_be_assigned(house, ticket):
    assert refused(house, changes.assign, ticket, assignee=house.carol) == "not-staff"
    people.disable(house.conn, house.desk, house.now, person=house.bob)
    # The record in hand was read before he was disabled.
    assert refused(house, changes.assign, ticket, assignee=house.bob) == "disabled"


# Priority, department, subject


def test_priority(house, ticket):
    after = act(house, changes.set_priority, ticket, priority=Priority.HIGH)
    assert act(house, changes.set_priority, after, priority=Priority.HIGH) == after
    assert house.history(ticket)[1:] == [("priority-changed", {"from": "normal", "to": "high"})]


def test_the_new_department_is_told_as_of_a_new_ticket(house, ticket):
    sales = house.department("Sales", "sales@example.org")
    house.staff("Sam", "sam@staff.example", department=sales)
    ticket = act(house, changes.assign, ticket, assignee=house.bob)
    house.later(hours=1)
    after = act(house, changes.set_department, ticket, department=sales)
    assert (after.department_id, after.assignee_id, after.updated_at) == (sales.id, None, house.now)
    assert house.history(ticket)[2:] == [
        ("department-changed", {"from": house.support.id, "to": sales.id, "name": "Sales"}),
        ("assigned", {"from": house.bob.id, "to": None}),
    ]
    mail = house.mails(N.NEW_TICKET)[-1]
    assert (mail.recipient, mail.department_id) == ("sam@staff.example", sales.id)
    assert (mail.context["department"]["name"], mail.message_id is not None) == ("Sales", True)
    assert act(house, changes.set_department, after, department=sales) == after


def test_an_assignee_who_belongs_to_the_new_department_keeps_the_ticket(house, ticket):
    sales = house.department("Sales", "sales@example.org")
    people.set_departments(house.conn, house.bob, (house.support.id, sales.id))
    ticket = act(house, changes.assign, ticket, assignee=house.bob)
    assert act(house, changes.set_department, ticket, department=sales).assignee_id == house.bob.id


@pytest.mark.parametrize(("disabled", "kept"), [(False, True), (True, False)])
def test_an_administrator_keeps_the_ticket_wherever_it_goes(house, ticket, disabled, kept):
    sales = house.department("Sales", "sales@example.org")
    people.set_departments(house.conn, house.ada, ())
    ticket = act(house, changes.assign, ticket, assignee=house.ada)
    if disabled:
        people.disable(house.conn, house.desk, house.now, person=house.ada)
    after = act(house, changes.set_department, ticket, department=sales)
    assert after.assignee_id == (house.ada.id if kept else None)


def test_subject(house, ticket):
    after = act(house, changes.set_subject, ticket, subject="  Fire \n in the  office ")
    assert after.subject == "Fire in the office"
    assert act(house, changes.set_subject, after, subject="Fire in the office") == after
    assert house.history(ticket)[1:] == [("subject-changed", {"from": "My printer", "to": "Fire in the office"})]
    assert refused(house, changes.set_subject, ticket, subject=" \n") == "bad-subject"
    assert refused(house, changes.set_subject, ticket, subject="x" * 501) == "bad-subject"


# Tags


@pytest.mark.parametrize(
    ("given", "stored"),
    [
        ("Bug", "bug"),
        ("#Bug", "bug"),
        (" big  BUG ", "big-bug"),
        ("E\u0301TE\u0301", "été"),
        ("ÄRGER", "ärger"),
        ("c++", "c++"),
    ],
)
def test_tags_are_stored_in_one_form(given, stored):
    assert tags.name(given) == stored


@pytest.mark.parametrize("given", ["", " ", "#", "a,b", "x" * 51, "a\x00b", "a\u202eb"])
def test_what_is_no_tag(house, ticket, given):
    assert refused(house, tags.add, ticket, tags=("fine", given)) == "bad-tag"
    assert tags.of(house.conn, ticket.id) == ()


def test_tags_come_and_go(house, ticket):
    after = act(house, tags.add, ticket, tags=("Fire", "#printer", "fire"))
    assert tags.of(house.conn, ticket.id) == ("fire", "printer")
    assert act(house, tags.add, after, tags=("FIRE",)) == after
    after = act(house, tags.remove, after, tags=("fire", "unknown"))
    assert act(house, tags.remove, after, tags=("fire",)) == after
    assert tags.of(house.conn, ticket.id) == ("printer",)
    assert house.history(ticket)[1:] == [("tagged", {"tags": ["fire", "printer"]}), ("untagged", {"tags": ["fire"]})]
    assert refused(house, tags.add, after, tags=[f"t{n}" for n in range(50)]) == "too-many-tags"


# Merging and linking


def test_merge_brings_people_and_tags_and_leaves_the_messages(house, ticket):
    dan, eve = (Address("", f"{name}@customer.example") for name in ("dan", "eve"))
    source = house.open(
        requester=house.customer("dan@customer.example"), participants=(eve, Address("", "carol@customer.example"))
    ).ticket
    act(house, tags.add, source, tags=("fire", "red"))
    act(house, tags.add, ticket, tags=("fire",))
    source = act(house, changes.set_state, source, state=State.PENDING, until=house.now + timedelta(days=1))
    house.later(hours=1)
    target = act(house, changes.merge, source, into=ticket)
    assert (target.id, target.state, target.updated_at) == (ticket.id, State.NEW, house.now)
    source = tickets.get(house.conn, source.id)
    assert (source.state, source.merged_into, source.closed_at, source.pending_until) == (
        State.MERGED,
        target.id,
        house.now,
        None,
    )
    assert [person.email for person in participants.of(house.conn, target.id)] == [dan.email, eve.email]
    assert tags.of(house.conn, target.id) == ("fire", "red")
    assert len(queries.show(house.conn, source.number).messages) == 1
    assert len(queries.show(house.conn, target.number).messages) == 1
    assert house.history(source)[-1] == ("merged", {"into": target.number, "from": "pending"})
    assert house.kinds(target)[-3:] == ["merged", "participant-added", "participant-added"]
    assert ("merged", {"source": source.number, "tags": ["red"]}) in house.history(target)
    link = house.conn.execute(select(schema.ticket_link)).one()
    assert (link.ticket_id, link.other_id, link.kind) == (source.id, target.id, "merged")
    assert house.told(N.STAFF_REPLY) == []


def test_chains_of_merges_collapse_and_loops_are_refused(house, ticket):
    one, two, three = ticket, house.open(words=Words("x")).ticket, house.open(words=Words("x")).ticket
    act(house, changes.merge, one, into=two)
    act(house, changes.merge, two, into=three)
    assert tickets.get(house.conn, one.id).merged_into == three.id
    assert refused(house, changes.merge, one, into=two) == "merged"
    assert refused(house, changes.merge, three, into=one) == "merge-into-itself"
    assert refused(house, changes.merge, three, into=three) == "merge-into-itself"
    four = house.open(words=Words("x")).ticket
    assert act(house, changes.merge, four, into=one).id == three.id, "a merged target leads on"


def test_a_merged_ticket_is_not_changed_any_more(house, ticket):
    other = house.open(words=Words("x")).ticket
    act(house, changes.merge, ticket, into=other)
    for change, more in (
        (changes.set_state, {"state": State.CLOSED}),
        (changes.assign, {"assignee": house.ada}),
        (changes.set_priority, {"priority": Priority.LOW}),
        (changes.set_department, {"department": house.support}),
        (changes.set_subject, {"subject": "x"}),
        (tags.add, {"tags": ("x",)}),
        (tags.remove, {"tags": ("x",)}),
        (relations.link, {"other": other}),
        (changes.add_participant, {"address": Address("", "dan@customer.example")}),
        (changes.remove_participant, {"person": house.carol}),
    ):
        assert refused(house, change, ticket, **more) == "merged", change


def test_link(house, ticket):
    other = house.open(words=Words("x")).ticket
    after = act(house, relations.link, ticket, other=other)
    assert act(house, relations.link, after, other=other) == after
    act(house, relations.link, other, other=ticket)
    assert house.kinds(ticket)[1:] == house.kinds(other)[1:] == ["linked"]
    assert refused(house, relations.link, ticket, other=ticket) == "link-to-itself"


# Participants


def test_participants_come_and_go(house, ticket):
    act(house, changes.add_participant, ticket, address=Address("Dan", "dan@customer.example"))
    (dan,) = participants.of(house.conn, ticket.id)
    after = act(house, changes.add_participant, ticket, address=Address("", "DAN@customer.example"))
    assert act(house, changes.add_participant, after, address=Address("", "carol@customer.example")) == after
    act(house, changes.remove_participant, after, person=dan)
    assert participants.of(house.conn, ticket.id) == ()
    assert house.kinds(ticket)[1:] == ["participant-added", "participant-removed"]
    assert refused(house, changes.remove_participant, after, person=dan) == "not-a-participant"
    assert refused(house, changes.add_participant, after, address=Address("", "Help+x@example.org")) == "own-address"
    assert refused(house, changes.add_participant, after, address=Address("", "nobody")) == "bad-address"


def test_a_change_of_a_ticket_that_is_not_there(house, ticket):
    for table in (schema.outbox, schema.history, schema.message, schema.ticket):
        house.conn.execute(table.delete())
    with pytest.raises(NotFound):
        act(house, changes.set_priority, ticket, priority=Priority.LOW)


def test_exactly_these_tags(house, ticket):
    act(house, tags.add, ticket, tags=("a", "b"))
    after = act(house, tags.replace, ticket, tags=("#B", "c d"))
    assert tags.of(house.conn, ticket.id) == ("b", "c-d")
    assert act(house, tags.replace, ticket, tags=("b", "c-d")) == after
    assert house.history(ticket)[2:] == [("untagged", {"tags": ["a"]}), ("tagged", {"tags": ["c-d"]})]
    fifty = [f"t{n}" for n in range(50)]
    act(house, tags.replace, ticket, tags=fifty)
    assert refused(house, tags.replace, ticket, tags=[*fifty, "x"]) == "too-many-tags"
    assert refused(house, tags.replace, ticket, tags=("x", ",")) == "bad-tag"
    act(house, tags.replace, ticket, tags=())
    assert tags.of(house.conn, ticket.id) == ()


def test_tags_have_numbers_that_stay(house, ticket):
    act(house, tags.add, ticket, tags=("a", "b"))
    first = tags.numbered(house.conn, ("b", "a"))
    assert sorted(first) == ["a", "b"]
    act(house, tags.replace, ticket, tags=())
    assert tags.numbered(house.conn, ("a", "b", "new")) | first == tags.numbered(house.conn, ("new", "a", "b"))
    assert tags.numbered(house.conn, ()) == {}
