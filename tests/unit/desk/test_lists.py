"""Pages as programs ask for them: what is on them, in which order, and that an index answers in one statement."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import Connection, insert, text

from helpdeskd.desk import changes, customers, departments, files, lists, tickets
from helpdeskd.desk.context import Part, Words
from helpdeskd.desk.lists import Wanted
from helpdeskd.errors import NotFound
from helpdeskd.model.mail import Verdict
from helpdeskd.model.routing import Reason
from helpdeskd.model.ticket import State
from helpdeskd.store import schema
from tests.unit.desk.conftest import House
from tests.unit.desk.plans import said_to

SET_ASIDE = (State.IN_PROGRESS, State.PENDING)
ALL_STATES = tuple(State)

# What a program may ask for -> how.
PAGES: dict[str, Callable[[Connection], Any]] = {
    "all": lambda conn: lists.tickets(conn, Wanted(), limit=15, offset=0),
    "of a state": lambda conn: lists.tickets(conn, Wanted((State.NEW,)), limit=15, offset=0),
    "of two states": lambda conn: lists.tickets(conn, Wanted(SET_ASIDE), limit=15, offset=30),
    "of every state": lambda conn: lists.tickets(conn, Wanted(ALL_STATES), limit=15, offset=0),
    "of a department": lambda conn: lists.tickets(conn, Wanted(department_id=1), limit=15, offset=0),
    "of a state in a department": lambda conn: lists.tickets(conn, Wanted((State.NEW,), 1), limit=15, offset=0),
    "of two states in a department": lambda conn: lists.tickets(conn, Wanted(SET_ASIDE, 1), limit=15, offset=0),
    "of a customer": lambda conn: lists.tickets(conn, Wanted(customer_no=1), limit=15, offset=0),
    "of a customer's two states": lambda conn: lists.tickets(conn, Wanted(SET_ASIDE, None, 1), limit=15, offset=0),
    "of a customer in a department": lambda conn: lists.tickets(conn, Wanted((), 1, 1), limit=15, offset=0),
    "one": lambda conn: lists.ticket(conn, 1),
    "messages": lambda conn: lists.public_messages(conn, (1,), limit=15, offset=0),
    "customers": lambda conn: customers.page(conn, limit=25, offset=0),
    "files": lists.public_files,
    "files of a ticket": lambda conn: lists.public_files(conn, of=(1,)),
    "files of a message": lambda conn: lists.public_files(conn, message_id=1),
    "files of both": lambda conn: lists.public_files(conn, of=(1,), message_id=1),
    "a file": lambda conn: lists.public_file(conn, 1),
    "staff": lists.staff,
    "one of staff": lambda conn: lists.staff_member(conn, 1),
}
# What is asked for whole, or by pages that end after so many rows, is read in the order of its key.
SCANNED = {"all": ["SCAN ticket"], "files": ["SCAN attachment"]}


def test_an_index_answers_each_in_one_statement(house: House) -> None:
    check = _on_sqlite if house.conn.dialect.name == "sqlite" else _on_postgresql
    for name, ask in PAGES.items():
        with said_to(house.conn) as said:
            ask(house.conn)
        ((statement, values),) = said
        check(house.conn, name, statement, values)


def _on_sqlite(conn: Connection, name: str, statement: str, values: Any) -> None:
    plan = [row[3] for row in conn.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", values)]
    assert name == "staff" or not [step for step in plan if "TEMP B-TREE" in step], (name, plan)  # one team is sorted
    assert [step for step in plan if step.startswith("SCAN")] == SCANNED.get(name, []), (name, plan)


def _on_postgresql(conn: Connection, name: str, statement: str, values: Any) -> None:
    """Over so few rows it would rather sort; what it cannot avoid it does all the same."""
    for setting in ("enable_sort", "enable_seqscan", "enable_hashjoin", "enable_mergejoin", "enable_bitmapscan"):
        conn.execute(text(f"SET LOCAL {setting} = off"))
    plan = [row[0].strip() for row in conn.exec_driver_sql(f"EXPLAIN {statement}", values)]
    if not name.startswith(("files of", "staff")):  # a ticket's files, one team: what is sorted there is little
        assert not [step for step in plan if step.startswith(("Sort  ", "->  Sort", "->  Incremental"))], (name, plan)
    if name.startswith("of two states"):
        assert [step for step in plan if "Merge Append" in step], (name, plan)


def test_pages_of_several_states_are_those_of_one_list(house: House) -> None:
    sales = house.department("Sales")
    made = []
    for n, state in enumerate(itertools.islice(itertools.cycle((*SET_ASIDE, State.CLOSED, State.PENDING)), 22)):
        ticket = house.open(department=(house.support, sales)[n % 3 == 0]).ticket
        made.append(tickets.touch(house.conn, house.now, ticket, state=state))
    gone = made.pop(5)
    tickets.touch(house.conn, house.now, gone, removed_at=house.now)
    for department in (None, house.support.id, sales.id):
        wanted = Wanted(SET_ASIDE, department)
        right = [
            each.id for each in reversed(made) if each.state in SET_ASIDE and department in {None, each.department_id}
        ]
        for size in (1, 4, 100):
            pages = [lists.tickets(house.conn, wanted, limit=size, offset=at) for at in range(0, len(right) + 1, size)]
            assert [line.ticket.id for page in pages for line in page] == right
    assert lists.tickets(house.conn, Wanted(SET_ASIDE), limit=15, offset=10**9) == ()


def _with(name: str, **more: Any) -> Words:
    return Words("See the file.", subject="S", parts=(Part(name, "text/plain", 1, "00" * 32),), **more)


def test_only_files_of_what_was_said_in_public_are_there(house: House) -> None:
    ticket = house.open(words=_with("question.txt")).ticket
    house.answer(ticket, words=_with("answer.txt"))
    given = (house.conn, house.desk, house.now)
    note = tickets.note(*given, ticket=ticket, author=house.ada, words=_with("note.txt"))
    kept = tickets.keep(*given, ticket=ticket, author=None, words=_with("kept.txt"), why=Reason.STRANGER)
    forged = house.open(words=_with("forged.txt", verdict=Verdict.FAIL))
    removed = house.open(words=_with("removed.txt")).ticket
    tickets.touch(house.conn, house.now, removed, removed_at=house.now)
    house.conn.execute(
        insert(schema.attachment),
        {"position": 0, "name": "nowhere.txt", "content_type": "", "size": 0, "sha256": "", "inline": False},
    )

    def names(**which: Any) -> list[str]:
        return [each.name for each in lists.public_files(house.conn, **which)]

    public = ["question.txt", "answer.txt"]
    assert names() == public
    assert names(of=(ticket.id,)) == public
    assert names(of=(ticket.id,), message_id=note.message_id) == []
    for posted in (note, kept, forged):
        assert posted.message_id is not None
        assert names(message_id=posted.message_id) == []
    for row in house.conn.execute(schema.attachment.select().order_by(schema.attachment.c.id)).all():
        found = lists.public_file(house.conn, row.id)
        assert (found is not None) == (row.name in public), row.name
        if row.name not in public and row.message_id is not None and row.name != "removed.txt":
            with pytest.raises(NotFound):
                files.remove(*given, attachment_id=row.id, actor=None, public=True)


def test_what_was_merged_is_said_in_its_target(house: House) -> None:
    given = (house.conn, house.desk, house.now)
    first, second, third = (house.open(words=_with(f"{name}.txt")).ticket for name in "abc")
    assert lists.parts(house.conn, first.id) == (first.id,)
    changes.merge(*given, ticket=first, into=second, actor=None)
    changes.merge(*given, ticket=second, into=third, actor=None)
    everything = (first.id, second.id, third.id)
    for each in everything:
        assert lists.parts(house.conn, each) == everything
    said = lists.public_messages(house.conn, everything, limit=9, offset=0)
    assert [each.message.ticket_id for each in said] == [third.id, second.id, first.id]
    assert lists.public_total(house.conn, everything) == 3
    assert [each.name for each in lists.public_files(house.conn, of=everything)] == ["a.txt", "b.txt", "c.txt"]


def test_who_is_staff_is_the_customer_of_their_own_ticket(house: House) -> None:
    mine = house.open(requester=house.bob).ticket
    house.answer(mine)
    assert [
        (each.by_staff, each.message.author_id)
        for each in lists.public_messages(house.conn, (mine.id,), limit=9, offset=0)
    ] == [
        (True, house.ada.id),
        (False, house.bob.id),
    ]


def test_tickets_of_a_department_that_goes_are_gone_with_it(house: House) -> None:
    sales = house.department("Sales")
    house.open(words=_with("a.txt"), department=sales)
    house.conn.execute(
        schema.department.update().values(removed_at=house.now).where(schema.department.c.id == sales.id)
    )
    assert lists.public_files(house.conn) == ()
    assert lists.tickets(house.conn, Wanted(), limit=15, offset=0) == ()
    assert departments.there(house.conn, sales.id) is None
