"""Who sees which tickets, and may do what to them."""

from __future__ import annotations

import pytest
from sqlalchemy import insert, select

from helpdeskd.desk import changes, departments, participants, people, sight, tickets
from helpdeskd.desk.context import Words
from helpdeskd.desk.sight import MAY, Act, Sight, Standing
from helpdeskd.errors import NotFound, Refused
from helpdeskd.model.mail import Address
from helpdeskd.model.people import Person
from helpdeskd.model.ticket import Ticket
from helpdeskd.store import schema

# who, to a ticket that Carol (of Acme) opened in Support, assigned to Eve; Dora takes part in it
STANDINGS = [
    ("admin", Standing.ADMINISTRATOR),
    ("support", Standing.TECHNICIAN),
    ("eve", Standing.TECHNICIAN),  # of no department, but it is hers
    ("sales", Standing.STRANGER),
    ("carol", Standing.REQUESTER),
    ("boss", Standing.MANAGER),  # of Acme
    ("other-boss", Standing.STRANGER),  # of another company
    ("colleague", Standing.STRANGER),  # of Acme, who manages nothing
    ("dora", Standing.PARTICIPANT),
    ("stranger", Standing.STRANGER),
    ("disabled", Standing.STRANGER),  # was of Support
]

# fmt: off
ACTS = [
    # who                      see    reply  close  edit   work   erase
    (Standing.ADMINISTRATOR,  "yes    yes    yes    yes    yes    yes"),
    (Standing.TECHNICIAN,     "yes    yes    yes    yes    yes    no"),
    (Standing.REQUESTER,      "yes    yes    yes    yes    no     no"),
    (Standing.MANAGER,        "yes    yes    yes    no     no     no"),
    (Standing.PARTICIPANT,    "yes    yes    no     no     no     no"),
    (Standing.STRANGER,       "no     no     no     no     no     no"),
]
# fmt: on


@pytest.mark.parametrize(("who", "answers"), ACTS)
def test_what_each_may_do(who, answers):
    assert {act.value: "yes" if who in MAY[act] else "no" for act in Act} == dict(
        zip(["see", "reply", "close", "edit", "work", "erase"], answers.split(), strict=True)
    )


@pytest.fixture
def street(conn, house, desk):
    """(everybody by name, the ticket)"""
    now = house.now
    sales = departments.add(conn, desk, now, name="Sales", addresses=("sales@example.org",))
    known: dict[str, Person] = {}
    for name, level, theirs in (
        ("admin", 3, ()),
        ("support", 1, (house.support.id,)),
        ("eve", 1, ()),
        ("sales", 2, (sales.id,)),
        ("disabled", 3, (house.support.id,)),
    ):
        known[name], _ = people.add_staff(conn, desk, now, name, f"{name}@staff.example", level, theirs, welcome=False)
    known["disabled"] = people.disable(conn, desk, now, person=known["disabled"])
    for name in ("carol", "boss", "other-boss", "colleague", "dora", "stranger"):
        known[name] = people.customer(conn, desk, now, Address(name, f"{name}@client.example"))
    for nth, (firm, members) in enumerate({"Acme": ("carol", "boss", "colleague"), "Zeta": ("other-boss",)}.items()):
        conn.execute(insert(schema.company), {"id": nth + 1, "name": firm, "name_key": firm, "created_at": now})
        for each in members:
            values = {"person_id": known[each].id, "company_id": nth + 1, "manages": each.endswith("boss")}
            conn.execute(insert(schema.profile), values)
    posted = tickets.open(
        conn,
        desk,
        now,
        department=house.support,
        requester=known["carol"],
        words=Words(text="It burns."),
        acknowledge=False,
    )
    ticket = changes.assign(conn, desk, now, ticket=posted.ticket, assignee=known["eve"], actor=None)
    participants.add(conn, now, ticket.id, ticket.requester_id, [known["dora"]])
    return known, ticket


def test_what_each_is_to_a_ticket_and_what_a_list_shows_them(conn, street):
    known, ticket = street
    for name, expected in STANDINGS:
        who = sight.of(conn, known[name])
        assert sight.standing(conn, who, ticket) is expected, name
        listed = conn.execute(select(schema.ticket.c.id).where(sight.where(who))).scalars().all()
        assert (ticket.id in listed) == sight.sees(conn, who, ticket) == (expected is not Standing.STRANGER), name


def test_a_ticket_one_does_not_see_is_not_there(conn, street):
    known, ticket = street
    who = sight.of(conn, known["stranger"])
    with pytest.raises(NotFound) as unseen:
        sight.ticket(conn, who, ticket.id)
    with pytest.raises(NotFound) as absent:
        sight.ticket(conn, who, 99999)
    assert str(unseen.value).replace(str(ticket.id), "N") == str(absent.value).replace("99999", "N")


def test_what_is_seen_and_not_permitted_is_refused(conn, street):
    known, ticket = street
    who = sight.of(conn, known["boss"])
    assert sight.ticket(conn, who, ticket.id, Act.CLOSE).id == ticket.id
    with pytest.raises(Refused) as refused:
        sight.ticket(conn, who, ticket.id, Act.WORK)
    assert refused.value.reason == "not-permitted"


def test_a_merged_ticket_leads_to_where_it_went_if_that_is_seen(conn, desk, house, street):
    known, ticket = street
    other = tickets.open(
        conn,
        desk,
        house.now,
        department=house.support,
        requester=known["stranger"],
        words=Words(text="Mine burns."),
        acknowledge=False,
    ).ticket
    changes.merge(conn, desk, house.now, ticket=other, into=ticket, actor=known["admin"])
    assert _sees(conn, known["carol"], other) == ticket.id
    assert _sees(conn, known["stranger"], other) == ticket.id  # a merge takes its requester along


def _sees(conn, person: Person, ticket: Ticket) -> int:
    return sight.ticket(conn, sight.of(conn, person), ticket.id).id


@pytest.mark.parametrize("of", [Sight(1), Sight(1, staff=True), Sight(1, companies=frozenset({1}))])
def test_a_list_is_answered_by_indexes(sqlite_store, of):
    found = select(schema.ticket.c.id).where(sight.where(of))
    literal = str(found.compile(sqlite_store.engine, compile_kwargs={"literal_binds": True}))
    with sqlite_store.engine.connect() as conn:
        plan = [row[-1] for row in conn.exec_driver_sql(f"EXPLAIN QUERY PLAN {literal}")]
    assert not [step for step in plan if step.startswith("SCAN ticket")], plan
