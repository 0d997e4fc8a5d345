"""Lists of tickets as somebody sees them: right for each way to see and each filter, and answered by indexes however long they are."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import Connection, insert, text

from helpdeskd.desk import changes, participants, relations, sight, tags, ticket_list, tickets
from helpdeskd.desk.context import Words
from helpdeskd.desk.sight import Sight
from helpdeskd.desk.ticket_list import MAX_LEGS, OPEN, UNANSWERED, Wanted
from helpdeskd.model.people import Department, Person
from helpdeskd.model.ticket import Priority, Side, State, Ticket
from helpdeskd.store import schema
from tests.unit.desk.conftest import House
from tests.unit.desk.plans import said_to

ADMIN = Sight(1, everything=True, staff=True)
TECHNICIAN = Sight(1, staff=True, departments=frozenset({1, 2}))
CUSTOMER = Sight(1)

# Pages that clients ask for all day: who asks, for what.
PLAIN: dict[str, tuple[Sight, Wanted]] = {
    f"{who}: {what}": (of, wanted)
    for who, of in (("administrator", ADMIN), ("technician", TECHNICIAN), ("customer", CUSTOMER))
    for what, wanted in (
        ("all", Wanted()),
        ("open", Wanted(states=OPEN)),
        ("a state", Wanted(states=frozenset({State.CLOSED}))),
        ("a department", Wanted(departments=frozenset({1}))),
        ("another department", Wanted(departments=frozenset({3}))),
        ("a department's open ones", Wanted(departments=frozenset({1}), states=OPEN)),
        ("an assignee", Wanted(assignee_id=2)),
        ("my own", Wanted(assignee_id=1, states=OPEN)),
        ("a requester", Wanted(requester_id=2)),
        ("subscribed", Wanted(subscriber_id=1)),
        ("a tag", Wanted(tag="red")),
        ("words", Wanted(text="red paper")),
        (
            "words of a requester's open ones",
            Wanted(text="red", requester_id=2, states=OPEN, departments=frozenset({1})),
        ),
    )
}


def test_an_index_answers_each_page_in_one_statement(conn: Connection) -> None:
    check = _on_sqlite if conn.dialect.name == "sqlite" else _on_postgresql
    for name, (of, wanted) in PLAIN.items():
        with said_to(conn) as said:
            assert ticket_list.page(conn, of, wanted, limit=10, offset=20) == ()
        ((statement, values),) = said
        check(conn, name, statement, values)


def _on_sqlite(conn: Connection, name: str, statement: str, values: Any) -> None:
    plan = [row[3] for row in conn.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", values)]
    assert not [step for step in plan if "TEMP B-TREE" in step], (name, plan)
    scanned = [
        step
        for step in plan
        if step.startswith("SCAN") and not step.startswith(("SCAN anon", "SCAN search_index VIRTUAL"))
    ]
    # By the key, backwards, and only as far as the page goes.
    assert scanned == (["SCAN ticket"] if name == "administrator: all" else []), (name, plan)


def _on_postgresql(conn: Connection, name: str, statement: str, values: Any) -> None:
    """Over so few rows it would rather sort; what it cannot avoid it does all the same: of what one person is in, and of the legs of
    one page."""
    for setting in ("enable_sort", "enable_seqscan", "enable_hashjoin", "enable_mergejoin", "enable_bitmapscan"):
        conn.execute(text(f"SET LOCAL {setting} = off"))
    plan = [row[0].strip() for row in conn.exec_driver_sql(f"EXPLAIN {statement}", values)]
    assert not [step for step in plan if "Seq Scan on ticket" in step], (name, plan)
    if name in {"administrator: all", "administrator: a state", "administrator: a department"}:
        assert not [step for step in plan if "Sort" in step], (name, plan)


@pytest.mark.parametrize("of", [ADMIN, TECHNICIAN, CUSTOMER, Sight(1, companies=frozenset({1}))])
def test_figures_read_no_ticket_that_is_not_asked_for(sqlite_store: Any, of: Sight) -> None:
    with sqlite_store.engine.connect() as conn, said_to(conn) as said:
        ticket_list.counts(conn, of)
        for statement, values in list(said):
            plan = [row[3] for row in conn.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", values)]
            assert not [step for step in plan if step.startswith("SCAN") and not step.startswith("SCAN anon")], plan
            assert not [step for step in plan if "ix_ticket_assignee_id_id (assignee_id=?)" in step and of.everything]


@dataclass
class Town:
    """Two departments beside Support, a company, and tickets of every kind in all of them."""

    house: House
    known: dict[str, Person] = field(default_factory=dict)
    tickets: list[Ticket] = field(default_factory=list)
    sales: Department = field(init=False)
    acme: int = 0

    def __post_init__(self) -> None:
        house, conn = self.house, self.house.conn
        self.sales, stock = house.department("Sales", "sales@example.org"), house.department("Stock", "st@example.org")
        section = schema.department.c
        conn.execute(schema.department.update().where(section.id == stock.id).values(section_id=7))
        self.known = {
            "admin": house.ada,
            "tina": house.staff("Tina", "tina@staff.example", department=self.sales),
            "bob": house.bob,
            "boss": house.customer("boss@acme.example", "Boss"),
            "carol": house.carol,
            "dan": house.customer("dan@acme.example", "Dan"),
            "eve": house.customer("eve@else.example", "Eve"),
        }
        row = {"name": "Acme", "name_key": "acme", "created_at": house.now}
        self.acme = conn.execute(insert(schema.company).returning(schema.company.c.id), row).scalar_one()
        for who in ("boss", "dan"):
            of = {"person_id": self.known[who].id, "company_id": self.acme, "manages": who == "boss"}
            conn.execute(insert(schema.profile), of)
        places = itertools.cycle((house.support, self.sales, stock))
        askers = itertools.cycle([self.known[who] for who in ("carol", "dan", "eve", "boss", "bob")])
        states = itertools.cycle((State.NEW, State.AWAITING_STAFF, State.CLOSED, State.IN_PROGRESS))
        for n in range(30):
            self._open(n, next(places), next(askers), next(states))
        conn.execute(
            insert(schema.participant),
            [
                {"ticket_id": self.tickets[n].id, "person_id": self.known["eve"].id, "added_at": house.now}
                for n in (1, 3, 8)
            ],
        )
        given = (conn, house.desk, house.now)
        changes.merge(*given, ticket=self.tickets[5], into=self.tickets[6], actor=house.ada)
        relations.add_child(*given, ticket=self.tickets[9], child=self.tickets[10], actor=house.ada)
        tags.add(*given, ticket=self.tickets[11], tags=["Red"], actor=house.ada)
        tags.add(*given, ticket=self.tickets[14], tags=["red", "blue"], actor=house.ada)
        for n in (4, 7, 16, 21, 28):
            tickets.note(*given, ticket=self.tickets[n], author=house.bob, words=Words(f"Toner {n}."))
        tickets.touch(conn, house.now, tickets.get(conn, self.tickets[20].id), removed_at=house.now)
        self.tickets = [tickets.get(conn, each.id) for each in self.tickets]

    def _open(self, n: int, place: Department, who: Person, state: State) -> None:
        house = self.house
        ticket = house.open(department=place, requester=who).ticket
        given: dict[str, Any] = {"state": state, "created_at": house.now + timedelta(hours=n)}
        if n % 4 == 0:
            given["assignee_id"] = self.known["tina" if n % 8 else "bob"].id
        if n % 5 == 0:
            given |= {"last_side": Side.STAFF, "due_at": house.now + timedelta(days=n), "priority": Priority.HIGH}
        changed = tickets.touch(house.conn, house.now + timedelta(minutes=n), ticket, **given)
        values = {"updated_at": house.now + timedelta(minutes=n)}
        house.conn.execute(schema.ticket.update().where(schema.ticket.c.id == ticket.id).values(**values))
        self.tickets.append(changed)

    def right(self, of: Sight, holds: Callable[[Ticket], bool]) -> list[int]:
        conn = self.house.conn
        there = [each for each in self.tickets if each.removed_at is None and each.state is not State.MERGED]
        return [each.id for each in reversed(there) if holds(each) and sight.sees(conn, of, each)]


@pytest.fixture
def town(house: House) -> Town:
    return Town(house)


def _cases(town: Town) -> dict[str, tuple[Wanted, Callable[[Ticket], bool]]]:
    house, known, conn = town.house, town.known, town.house.conn
    sales, support = town.sales.id, house.support.id
    eve, dan, tina = known["eve"].id, known["dan"].id, known["tina"].id
    carol, one = known["carol"].id, next(each for each in town.tickets if each.department_id == support)
    noon, soon = house.now + timedelta(hours=12), house.now + timedelta(minutes=12)

    def takes_part(person_id: int) -> Callable[[Ticket], bool]:
        return lambda t: (
            person_id in {t.requester_id, t.assignee_id}
            or person_id in {each.id for each in participants.of(conn, t.id)}
        )

    return {
        "all": (Wanted(), lambda _: True),
        "open": (Wanted(states=OPEN), lambda t: t.state in OPEN),
        "unanswered": (Wanted(states=UNANSWERED), lambda t: t.state in UNANSWERED),
        "closed or merged": (
            Wanted(states=frozenset({State.CLOSED, State.MERGED})),
            lambda t: t.state is State.CLOSED,
        ),
        "merged": (Wanted(states=frozenset({State.MERGED})), lambda _: False),
        "no state": (Wanted(states=frozenset()), lambda _: False),
        "a department": (Wanted(departments=frozenset({sales})), lambda t: t.department_id == sales),
        "two departments, open": (
            Wanted(departments=frozenset({sales, support}), states=OPEN),
            lambda t: t.department_id in {sales, support} and t.state in OPEN,
        ),
        "a department that is not there": (Wanted(departments=frozenset({10**17})), lambda _: False),
        "a section": (Wanted(section_id=7), lambda t: t.department_id not in {sales, support}),
        "a requester": (Wanted(requester_id=eve), lambda t: t.requester_id == eve),
        "a requester's closed ones": (
            Wanted(requester_id=dan, states=frozenset({State.CLOSED})),
            lambda t: t.requester_id == dan and t.state is State.CLOSED,
        ),
        "an assignee": (Wanted(assignee_id=tina), lambda t: t.assignee_id == tina),
        "a requester's with an assignee": (
            Wanted(requester_id=eve, assignee_id=tina),
            lambda t: (t.requester_id, t.assignee_id) == (eve, tina),
        ),
        "a company": (
            Wanted(company_id=town.acme),
            lambda t: t.requester_id in {dan, known["boss"].id},
        ),
        "a tag": (Wanted(tag="#RED"), lambda t: t in {town.tickets[11], town.tickets[14]}),
        "words": (
            Wanted(text="carol example"),
            lambda t: t.requester_id == carol or t == town.tickets[6],
        ),  # into which one of hers went
        "words of open ones": (
            Wanted(text=str(one.number), states=OPEN, departments=frozenset({support}), requester_id=one.requester_id),
            lambda t: t.id == one.id,
        ),
        "no words": (Wanted(text=" ,"), lambda _: False),
        "no tag": (Wanted(tag="red,blue"), lambda _: False),
        "subscribed": (Wanted(subscriber_id=eve), takes_part(eve)),
        "answered last": (Wanted(last_side=Side.STAFF), lambda t: t.last_side is Side.STAFF),
        "created": (
            Wanted(created_from=noon, created_before=noon + timedelta(hours=5)),
            lambda t: noon <= t.created_at < noon + timedelta(hours=5),
        ),
        "updated": (
            Wanted(updated_from=soon, updated_before=soon + timedelta(minutes=9)),
            lambda t: soon <= t.updated_at < soon + timedelta(minutes=9),
        ),
        "due": (
            Wanted(due_before=house.now + timedelta(days=11)),
            lambda t: t.due_at is not None and t.due_at < house.now + timedelta(days=11),
        ),
    }


def test_everybody_finds_what_they_see_and_asked_for(town: Town) -> None:
    conn = town.house.conn
    for who, person in town.known.items():
        of = sight.of(conn, person)
        for name, (wanted, holds) in _cases(town).items():
            right = town.right(of, holds)
            found = [line.ticket.id for line in ticket_list.page(conn, of, wanted, limit=300, offset=0)]
            assert found == right, (who, name)
            for size in (1, 4) if name in {"all", "open", "subscribed"} else ():
                pages = [
                    ticket_list.page(conn, of, wanted, limit=size, offset=at) for at in range(0, len(right) + 1, size)
                ]
                assert [line.ticket.id for page in pages for line in page] == right, (who, name, size)


def test_notes_are_found_by_who_works_on_the_ticket(town: Town) -> None:
    conn = town.house.conn
    for who, person in town.known.items():
        of = sight.of(conn, person)
        noted = {town.tickets[n].id for n in (4, 7, 16, 21, 28)}
        right = town.right(of, lambda t, of=of, noted=noted: t.id in noted and sight.handles(of, t))  # type: ignore[misc]
        found = [line.ticket.id for line in ticket_list.page(conn, of, Wanted(text="toner"), limit=9, offset=0)]
        assert found == right, who
        assert right or not person.is_staff


def test_who_has_too_many_departments_for_a_union_sees_the_same(town: Town) -> None:
    conn = town.house.conn
    of = sight.of(conn, town.known["tina"])
    many = Sight(of.person_id, staff=True, departments=of.departments | set(range(1000, 1000 + MAX_LEGS)))
    for wanted in (Wanted(), Wanted(states=OPEN)):
        found = [
            [line.ticket.id for line in ticket_list.page(conn, each, wanted, limit=5, offset=2)] for each in (of, many)
        ]
        assert found[0] == found[1]


def test_a_line_has_all_that_lists_show(town: Town) -> None:
    conn = town.house.conn
    ids = [town.tickets[n].id for n in (5, 9, 10, 12, 20)]  # one is merged, one removed
    lines = {line.ticket.id: line for line in ticket_list.several(conn, ADMIN, ids)}
    parent, child, assigned = (lines[town.tickets[n].id] for n in (9, 10, 12))
    assert (parent.has_children, child.has_children) == (True, False)
    assert assigned.assignee is not None
    assert assigned.assignee.person == town.known["tina"]
    assert [line.requester.person.id for line in lines.values()] == [
        line.ticket.requester_id for line in lines.values()
    ]
    assert list(lines) == sorted(lines, reverse=True)
    assert ticket_list.several(conn, ADMIN, []) == ()
    tina = sight.of(conn, town.known["tina"])
    right = town.right(tina, lambda ticket: ticket.id in ids)
    assert [line.ticket.id for line in ticket_list.several(conn, tina, ids)] == right


def test_figures_are_those_of_the_lists(town: Town) -> None:
    conn = town.house.conn
    for who, person in town.known.items():
        of = sight.of(conn, person)
        found = ticket_list.counts(conn, of)
        seen = Counter(tickets.get(conn, each).state for each in town.right(of, lambda _: True))
        assert {state: n for state, n in found.states.items() if n and state is not State.MERGED} == seen, who
        assert found.unassigned == len(town.right(of, lambda t: t.state in OPEN and t.assignee_id is None)), who
