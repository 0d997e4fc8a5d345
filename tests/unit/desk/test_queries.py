"""Reading for people: what a list holds, what a ticket shows, what is found."""

from __future__ import annotations

import pytest
from sqlalchemy import update

from helpdeskd.desk import changes, people, queries, tags, tickets
from helpdeskd.desk.context import LinkKind, Part, Words
from helpdeskd.desk.queries import OPEN, Filters
from helpdeskd.errors import NotFound, Refused
from helpdeskd.model.mail import Address
from helpdeskd.model.outgoing import NoticeName, OutboxState
from helpdeskd.model.ticket import History, Priority, State, Visibility
from helpdeskd.store import schema


def ids(lines):
    return [line.ticket.id for line in lines]


@pytest.fixture
def three(house):
    """Carol's (new), Dan's with Carol in copy (closed, Ada's, tagged), and one in Sales, oldest first."""
    carols = house.open(words=Words("The toner is empty.", subject="Printer")).ticket
    house.later(hours=1)
    dan = house.customer("dan@customer.example", "Dan Brown")
    dans = house.open(
        requester=dan,
        participants=(Address("", "carol@customer.example"),),
        words=Words("100% wrong_sum", subject="Invoice"),
    ).ticket
    dans = tags.add(house.conn, house.desk, house.now, ticket=dans, tags=("money",), actor=house.ada)
    dans = house.answer(dans, "We look into the toner budget.", close=True).ticket
    house.later(hours=1)
    sales = house.department("Sales", "sales@example.org")
    theirs = house.open(
        requester=house.customer("eve@customer.example"),
        department=sales,
        words=Words("Hi", subject="Prices", reason="new"),
    ).ticket
    return carols, dans, theirs


def test_a_list_is_latest_first_with_people_and_tags(house, three):
    carols, dans, theirs = three
    lines = queries.list_tickets(house.conn)
    assert [line.ticket for line in lines] == [theirs, dans, carols]
    line = lines[1]
    assert (line.department, line.requester.name, line.assignee, line.tags) == (
        "Support",
        "Dan Brown",
        house.ada,
        ("money",),
    )
    assert lines[2].assignee is None
    assert lines[2].requester == house.carol


def test_pages(house, three):
    carols, dans, theirs = three
    assert ids(queries.list_tickets(house.conn, limit=2)) == [theirs.id, dans.id]
    assert ids(queries.list_tickets(house.conn, limit=2, offset=2)) == [carols.id]
    assert queries.list_tickets(house.conn, limit=0) == ()
    assert queries.list_tickets(house.conn, limit=-1, offset=-1) == ()
    assert queries.count_tickets(house.conn) == 3
    assert queries.count_tickets(house.conn, OPEN) == 2


def test_filters(house, three):
    carols, dans, theirs = three
    dan = people.find(house.conn, "dan@customer.example")
    assert dan is not None
    for filters, expected in (
        (OPEN, [theirs, carols]),
        (Filters(states=(State.CLOSED,)), [dans]),
        (Filters(department_id=theirs.department_id), [theirs]),
        (Filters(assignee_id=house.ada.id), [dans]),
        (Filters(unassigned=True), [theirs, carols]),
        (Filters(requester_id=house.carol.id), [carols]),
        (Filters(person_id=house.carol.id), [dans, carols]),
        (Filters(person_id=dan.id), [dans]),
        (Filters(tag="#Money"), [dans]),
        (Filters(tag="other"), []),
        (Filters(priorities=(Priority.NORMAL,)), [theirs, dans, carols]),
        (Filters(priorities=(Priority.HIGH, Priority.LOW)), []),
        (Filters(updated_since=dans.updated_at), [theirs, dans]),
        (Filters(person_id=house.carol.id, unassigned=True), [carols]),
    ):
        assert ids(queries.list_tickets(house.conn, filters)) == [ticket.id for ticket in expected], filters
        assert queries.count_tickets(house.conn, filters) == len(expected)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("printer", [0]),
        ("TONER", [1, 0]),
        ("toner budget", [1]),
        ("toner prices", []),
        ("brown", [1]),
        ("Carol@", [1, 0]),
        ("100%", [1]),
        ("%", []),
        ("0_o", []),
        ("wrong_sum", [1]),
        ("wrongxsum", []),
        ("\\", []),
        ("nobody's", []),
        ("'; drop table ticket; --", []),
    ],
)
def test_search_finds_words_in_subject_text_and_people(house, three, text, found):
    assert ids(queries.search(house.conn, text)) == [three[n].id for n in found]


def test_search_by_number_in_any_spelling_and_merged_ones_too(house, three):
    carols, _, theirs = three
    changes.merge(house.conn, house.desk, house.now, ticket=theirs, into=carols, actor=house.ada)
    assert carols.id not in ids(queries.list_tickets(house.conn, Filters(states=(State.MERGED,))))
    assert theirs.id not in ids(queries.list_tickets(house.conn))
    for text in (f"{theirs.number}", f"#{theirs.number}", f"[#{theirs.number}]"):
        assert ids(queries.search(house.conn, text)) == [theirs.id, carols.id], "a merged one leads to its target too"
    assert queries.search(house.conn, "9" * 30) == ()


def test_an_impossible_tag_is_refused_not_ignored(house):
    with pytest.raises(Refused):
        queries.list_tickets(house.conn, Filters(tag=","))


def test_show_has_everything(house):
    old = house.open(words=Words("old")).ticket
    words = Words(
        "It burns.", parts=(Part("a.txt", "text/plain", 1, "00" * 32), Part("b.txt", "text/plain", 2, "11" * 32))
    )
    ticket = house.open(words=words, link_to=old.id, participants=(Address("Dan", "dan@customer.example"),)).ticket
    ticket = tags.add(house.conn, house.desk, house.now, ticket=ticket, tags=("b", "a"), actor=house.ada)
    tickets.note(house.conn, house.desk, house.now, ticket=ticket, author=house.bob, words=Words("psst"))
    ticket = house.answer(ticket).ticket

    shown = queries.show(house.conn, ticket.number)
    assert shown.ticket == ticket
    assert (shown.department, shown.requester, shown.assignee) == (house.support, house.carol, house.ada)
    assert [person.name for person in shown.participants] == ["Dan"]
    assert shown.tags == ("a", "b")
    assert [(link.ticket.id, link.kind) for link in shown.links] == [(old.id, LinkKind.FOLLOW_UP)]
    assert [(link.ticket.id, link.kind) for link in queries.show(house.conn, old.number).links] == [
        (ticket.id, LinkKind.FOLLOW_UP)
    ]
    assert [(one.message.visibility, one.author_shown) for one in shown.messages] == [
        (Visibility.PUBLIC, "Carol"),
        (Visibility.INTERNAL, "Bob"),
        (Visibility.PUBLIC, "Ada Lovelace"),
    ]
    assert [file.name for file in shown.messages[0].attachments] == ["a.txt", "b.txt"]
    assert [mail.recipient for mail in shown.messages[2].mails] == ["Carol@customer.example", "dan@customer.example"]
    assert {mail.state for mail in shown.outbox} == {OutboxState.QUEUED}
    assert [mail.notice for mail in shown.outbox].count(NoticeName.STAFF_REPLY) == 2
    assert [entry.kind for entry in shown.history][:2] == [History.OPENED, History.LINKED]
    assert shown.history[0].actor_id == house.carol.id
    assert shown.merged_into is None


def test_a_merged_ticket_shows_where_it_went(house):
    source, target = house.open(words=Words("x")).ticket, house.open(words=Words("y")).ticket
    target = changes.merge(house.conn, house.desk, house.now, ticket=source, into=target, actor=house.ada)
    assert queries.show(house.conn, source.number).merged_into == target
    with pytest.raises(NotFound):
        queries.show(house.conn, 1)


def test_counts_name_every_state(house, three):
    found = queries.counts(house.conn)
    assert found.tickets == dict.fromkeys(State, 0) | {State.NEW: 2, State.CLOSED: 1}
    assert found.outbox == dict.fromkeys(OutboxState, 0) | {OutboxState.QUEUED: len(house.mails())}
    assert found.oldest_waiting == three[0].created_at
    house.conn.execute(update(schema.outbox).values(state="sent"))
    assert queries.counts(house.conn).oldest_waiting is None


def test_what_the_store_cannot_hold_is_found_as_it_was_stored(house):
    """NUL and lone surrogates are replaced on the way in, in what is searched for too."""
    ticket = house.open(words=Words("nul\x00byte", subject="s\udce9t")).ticket
    assert ids(queries.search(house.conn, "nul\x00byte")) == [ticket.id]
    assert ids(queries.search(house.conn, "s\udce9t")) == [ticket.id]
