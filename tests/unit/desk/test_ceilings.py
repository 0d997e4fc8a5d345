"""Ceilings on automatic mail: what is counted, in which windows, and what is said of mails that are kept back."""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import func, insert, select

from helpdeskd import config
from helpdeskd.desk import ceilings, changes, customers, notices, people
from helpdeskd.desk.context import Words
from helpdeskd.desk.notices import Event, Scene
from helpdeskd.model.mail import Kind, Verdict
from helpdeskd.model.outgoing import Ceiling
from helpdeskd.model.outgoing import NoticeName as N
from helpdeskd.model.people import Person, PersonKind
from helpdeskd.model.routing import Outcome
from helpdeskd.model.ticket import State
from helpdeskd.store import schema
from helpdeskd.store.engine import open_store
from tests.desks import LIFTED
from tests.unit.desk.conftest import NOW, House
from tests.unit.desk.plans import indexed, said_to
from tests.unit.desk.street import Street


@pytest.fixture
def street(house) -> Street:
    return Street(house)


def under(street: Street, **rates: str) -> None:
    """These ceilings, and no others."""
    lifted = {name: getattr(LIFTED, name) for name in LIFTED.__struct_fields__}
    street.house.desk = replace(street.house.desk, ceilings=config.Ceilings(**{**lifted, **rates}))


def withheld(received) -> Counter[str]:
    return Counter(skip.why.value for skip in received.told.skipped if isinstance(skip.why, Ceiling))


def acknowledged(street: Street) -> int:
    return len(street.house.mails(N.ACKNOWLEDGEMENT))


CAROL, DAN, EVE = "carol@customer.example", "dan@customer.example", "eve@elsewhere.example"


@pytest.mark.parametrize(
    ("rates", "authors", "answered", "why"),
    [
        ({"per_address": "2/hour"}, [CAROL, CAROL, CAROL, DAN], [1, 1, 0, 1], "per_address"),
        ({"per_address": "1/hour"}, ["a+1@x.example", "A+2@X.example", "a@x.example"], [1, 0, 0], "per_address"),
        (
            {"per_address": "1/hour"},
            ["a@xy.example", "a@\uff58y.example", "\uff41@xy.example"],
            [1, 0, 0],
            "per_address",
        ),
        ({"per_address": "1/hour"}, ["a@müller.example", "a@xn--mller-kva.example"], [1, 0], "per_address"),
        ({"per_domain": "1/hour"}, ["a@müller.example", "b@xn--mller-kva.example"], [1, 0], "per_domain"),
        ({"per_domain": "2/hour"}, [CAROL, DAN, "x@customer.example", EVE], [1, 1, 0, 1], "per_domain"),
        ({"total": "2/hour"}, [CAROL, DAN, EVE], [1, 1, 0], "total"),
        ({"unknown": "1/hour"}, [DAN, EVE, CAROL], [1, 0, 1], "unknown"),
        ({"unknown_address": "1/day"}, [DAN, DAN, EVE, CAROL, CAROL], [1, 0, 1, 1, 1], "unknown_address"),
    ],
)
def test_to_people_outside(house, street, rates, authors, answered, why):
    """Past each ceiling there is a ticket, and staff are told of it."""
    under(street, **rates)
    for author, ok in zip(authors, answered, strict=True):
        before = acknowledged(street)
        received = street.send(author)
        assert received.outcome is Outcome.OPENED
        assert (acknowledged(street) - before, withheld(received)) == (ok, Counter() if ok else Counter({why: 1}))
    assert len(house.told(N.NEW_TICKET)) == 2 * len(authors)


@pytest.mark.parametrize(
    ("rates", "told", "why"),
    [
        ({"staff_address": "4/hour"}, [2, 2, 0], {"staff_address": 2}),
        ({"staff": "10/hour"}, [2, 2, 1], {"staff": 1}),
        ({"staff": "4/hour", "staff_address": "2/hour"}, [2, 0, 0], {"staff_address": 2}),
    ],
)
def test_to_staff(house, street, rates, told, why):
    """Of new tickets, which anybody can open: by half of each."""
    under(street, **rates)
    for each in told:
        before = len(house.told(N.NEW_TICKET))
        received = street.send(f"{len(house.mails())}@customer.example")
        assert len(house.told(N.NEW_TICKET)) - before == each
    assert withheld(received) == Counter(why)


def test_events_of_a_ticket(house, street):
    """However many are told of each: a large team is no loop."""
    under(street, per_ticket="3/hour")
    ticket = street.ticket(street.send())
    for _ in range(2):
        assert withheld(street.send(subject=f"Re: {ticket.tag}", verdict=Verdict.PASS)) == Counter()
    again = street.send(subject=f"Re: {ticket.tag}", verdict=Verdict.PASS)
    assert (again.outcome, withheld(again)) == (Outcome.APPENDED, Counter({"per_ticket": 2}))
    assert len(house.mails()) == 3 + 2 + 2
    house.later(hours=1, minutes=5)
    assert withheld(street.send(subject=f"Re: {ticket.tag}", verdict=Verdict.PASS)) == Counter()


LAST = "last_for_now"


def test_what_anybody_can_send_to_a_ticket_keeps_no_reply_from_staff(house, street):
    """By its number, from strangers, in the customer's name and in that of staff: each kept, the tenth told says that it is the last."""
    ticket = house.open().ticket
    house.answer(ticket)
    answer = street.last(N.STAFF_REPLY)
    for number in range(30):
        street.send(f"x{number}@evil.example", subject=f"{ticket.tag} hi {number}")
        street.send("carol@customer.example", subject=f"{ticket.tag} ho {number}", verdict=Verdict.FAIL)
        street.send("bob@staff.example", subject=f"{ticket.tag} he {number}")
    told = [mail.context for mail in house.mails() if mail.notice in {N.CUSTOMER_REPLIED, N.KEPT_INTERNAL}]
    assert [LAST in each for each in told] == [False] * 9 + [True]
    for number in range(20):
        before = len(house.told(N.CUSTOMER_REPLIED))
        (received,) = street.take(street.answer(answer, "carol@customer.example", f"It is on fire {number}."))
        assert received.outcome is Outcome.APPENDED
        assert house.told(N.CUSTOMER_REPLIED)[before:] == ["ada@staff.example"]
    assert LAST not in house.mails(N.CUSTOMER_REPLIED)[-1].context


def test_nor_do_new_tickets_by_the_hundred(house, street):
    under(street, staff_address="10/hour", staff="20/hour")
    ticket = house.open().ticket
    answer = street.last(N.ACKNOWLEDGEMENT)
    for number in range(12):
        received = street.send(f"x{number}@evil.example")
    assert withheld(received) == Counter({"staff_address": 2})
    (received,) = street.take(street.answer(answer, "carol@customer.example", "More."))
    assert (received.number, withheld(received)) == (ticket.number, Counter())
    assert house.told(N.CUSTOMER_REPLIED) == ["ada@staff.example", "bob@staff.example"]


def test_the_last_of_a_person_with_a_voice_says_so_too(house, street):
    under(street, per_ticket="3/hour")
    ticket = house.open().ticket
    for number in range(4):
        street.send(subject=f"Re: {ticket.tag}", text=f"{number}", verdict=Verdict.PASS)
    assert [LAST in mail.context for mail in house.mails(N.CUSTOMER_REPLIED)] == [False] * 2 + [True] * 2  # to both


def test_no_span_as_long_as_a_window_holds_more_than_the_ceiling(conn):
    """At moments and for people drawn by chance, on the edges of slots too."""
    chance, clock = random.Random(5), NOW
    settings = config.Ceilings(per_address="3/minute", per_domain="5/minute", total="7/minute")
    went: list[tuple[float, str]] = []
    for _ in range(400):
        clock += timedelta(seconds=chance.choice((0, 0.5, 1, 4.999, 5, 7, 20)))
        who = Person(1, PersonKind.CUSTOMER, "", f"{chance.choice('abc')}@{chance.choice('xy')}.example", 0, "")
        tally = ceilings.tally(conn, settings, clock, None, (who,))
        if tally.take(who) is None:
            went.append((clock.timestamp(), who.email))
        tally.keep(conn, clock)
    for group, most in ((lambda _: "", 7), (lambda email: email[-9], 5), (lambda email: email, 3)):
        spans = [
            sum(then - 60 < at <= then and group(email) == group(last) for at, email in went) for then, last in went
        ]
        assert max(spans) == most
    assert len(went) > 150  # and what is over does count no longer


def test_a_clock_that_was_ahead_counts_for_nothing(house, street):
    under(street, total="1/hour")
    house.later(days=400)
    street.send()
    house.now = NOW
    assert withheld(street.send(DAN)) == Counter()
    assert withheld(street.send(EVE)) == Counter({"total": 1})
    house.later(hours=2)
    ceilings.purge(house.conn, house.now + timedelta(days=2))
    assert house.conn.execute(select(func.count()).select_from(schema.ceiling)).scalar_one() == 0


# Whom something vouches for


def known(house: House, email: str) -> bool:
    return people.at(house.conn, email).known


def test_unknown_is_whoever_an_unproved_mail_alone_names(house, street):
    street.send(DAN, cc=(EVE,))
    assert [known(house, each) for each in (DAN, EVE)] == [False, False]
    street.send("", sender="x@x.example")
    assert not known(house, "x@x.example")


def test_a_mail_that_passes_makes_them_known(house, street):
    street.send(DAN, verdict=Verdict.PASS)
    street.send(EVE)
    assert [known(house, each) for each in (DAN, EVE)] == [True, False]
    street.send(EVE, verdict=Verdict.PASS, text="again")
    assert known(house, EVE)


def test_an_answer_to_a_mail_that_went_to_them_does(house, street):
    street.send(DAN)
    street.send(EVE, subject=street.last(N.ACKNOWLEDGEMENT).context["ticket"]["tag"])
    (received,) = street.take(street.answer(street.last(N.ACKNOWLEDGEMENT, DAN), DAN, "More."))
    assert received.outcome is Outcome.APPENDED
    assert known(house, DAN)


def test_a_machine_s_answer_or_another_s_token_does_not(house, street):
    street.send(DAN)
    notice = street.last(N.ACKNOWLEDGEMENT, DAN)
    street.take(street.answer(notice, DAN, "I am away.", kind=Kind.AUTO_REPLY))
    street.take(street.answer(notice, EVE, "Hello."))
    street.take(street.answer(notice, DAN, "Forged.", verdict=Verdict.FAIL))
    assert not known(house, DAN)


def test_staff_who_write_to_them_do(house, street):
    ticket = street.ticket(street.send(DAN))
    house.answer(ticket)
    assert known(house, DAN)
    assert customers.add(house.conn, house.desk, house.now, name="", email=EVE, welcome=False).person.known


def test_closing_what_a_flood_has_opened_answers_no_forged_from(house, street):
    under(street, unknown="3/hour")
    flood = [street.ticket(street.send(f"v{n}@victim{n}.example")) for n in range(6)]
    house.later(hours=2)
    for ticket in flood:
        changes.set_state(house.conn, house.desk, house.now, ticket=ticket, state=State.CLOSED, actor=house.ada)
    assert (acknowledged(street), len(house.told(N.TICKET_CLOSED))) == (3, 3)


# What is said of it


def test_the_ticket_tells_once_and_its_history_each_time(house, street):
    under(street, staff="2/hour", total="1/hour")
    street.send(DAN)
    ticket = street.ticket(street.send())
    street.send(subject=f"Re: {ticket.tag}")
    said = [text for visibility, _, text in street.said(ticket) if visibility == "system"]
    assert said == [
        """A ceiling on automatic mail is reached; not sent: 1 acknowledgement (total), 2 new_ticket (staff).
What else is withheld here is in the history."""
    ]
    told = [detail["mails"] for kind, detail in house.history(ticket) if kind == "withheld"]
    assert told == ["1 acknowledgement (total), 2 new_ticket (staff)", "2 customer_replied (staff)"]
    assert ceilings.withheld(house.conn, house.now) == {Ceiling.TOTAL: 1, Ceiling.STAFF: 1 + 2 + 2}
    assert ceilings.withheld(house.conn, house.now + timedelta(hours=2)) == {}


def test_people_s_own_words_and_what_was_asked_for_are_not_counted(house, street):
    under(street, total="1/hour", staff="1/hour", per_ticket="1/hour")
    ticket = street.ticket(street.send())
    for _ in range(3):
        house.answer(ticket)
    for number in range(3):
        people.add_staff(house.conn, house.desk, house.now, "New", f"n{number}@staff.example")
        customers.add(house.conn, house.desk, house.now, name="", email=f"n{number}@x.example", welcome=True)
    assert [len(house.mails(each)) for each in (N.STAFF_REPLY, N.WELCOME, N.CUSTOMER_WELCOME)] == [3, 3, 3]


def test_forged_mails_keep_no_link_from_who_forgot_a_password(house, street):
    for number in range(12):
        received = street.send("carol@customer.example", text=f"{number}")
    assert withheld(received) == Counter({"per_address": 1})
    asked = Scene(Event.PASSWORD_ASKED, house.support, tell=house.carol, extra={"link": "x"})
    told = notices.enqueue_for(house.conn, house.desk, house.now, asked)
    assert [mail.notice for mail in told.queued] == [N.PASSWORD_RESET]


# Who loses nothing


def all_told(conn: Any, ticket_id: int, people: list[Person], cause: ceilings.Cause) -> bool:
    tally = ceilings.tally(conn, config.Ceilings(), NOW, ticket_id, people, cause)
    reached = [tally.take(each) for each in people]
    tally.keep(conn, NOW)
    return not any(reached)


def test_a_team_of_forty_with_a_hundred_tickets_an_hour(conn):
    """Each is told to all until it is somebody's: the new ticket, and two answers of its customer."""
    team = [Person(n, PersonKind.STAFF, "", f"s{n}@staff.example", 1, "") for n in range(40)]
    events = (ceilings.Cause.NEW, ceilings.Cause.VOICE, ceilings.Cause.VOICE)
    assert all(all_told(conn, number, team, cause) for number in range(100) for cause in events)


def test_four_hundred_customers_of_one_provider_in_an_hour(conn):
    """Who pass, as they do there; each ticket is acknowledged and closed."""
    everybody = [Person(n, PersonKind.CUSTOMER, "", f"c{n}@gmail.com", 0, "") for n in range(400)]
    events = (ceilings.Cause.NEW, ceilings.Cause.VOICE)
    assert all(all_told(conn, who.id, [who], cause) for who in everybody for cause in events)


# People in Cc


def test_a_flood_of_cc_draws_in_so_many(house, street):
    under(street, people="100/hour")
    crowds = [tuple(f"p{crowd}-{n}@x.example" for n in range(30)) for crowd in range(3)]
    drawn = [street.ticket(street.send(EVE, cc=crowd, text=crowd[0])) for crowd in crowds]
    assert [len(street.participants(ticket)) for ticket in drawn] == [30, 20, 0]
    left = [[detail for kind, detail in house.history(ticket) if kind == "left-out"] for ticket in drawn]
    assert left == [[], [{"people": 10}], [{"people": 30}]]
    said = [[text for visibility, _, text in street.said(ticket) if visibility == "system"] for ticket in drawn]
    assert said[1:] == [
        [f"A ceiling is reached (people): {n} more in To and Cc were not made participants."] for n in (10, 30)
    ]
    # people whom we know still draw in others
    assert len(street.participants(street.ticket(street.send(cc=crowds[2][:25])))) == 25
    # whoever is there already takes part, and whoever writes is somebody
    ticket = street.ticket(street.send("new@x.example", cc=("p0-1@x.example", "p9@x.example")))
    assert street.participants(ticket) == ["p0-1@x.example"]
    house.later(hours=2)
    assert len(street.participants(street.ticket(street.send(EVE, cc=crowds[2], text="later")))) == 30


# What it costs


def test_counting_does_not_look_at_the_outbox(house, street):
    """Nor does it cost more, however much has gone out: a few slots of each window, found by the key."""
    street.send()
    more = [
        {"about": f"address:a{n}@x.example", "at": NOW + timedelta(minutes=5 * slot), "shard": 0, "n": 1}
        for n in range(200)
        for slot in range(12)
    ]
    house.conn.execute(insert(schema.ceiling), more)
    who = (house.carol, house.ada, Person(9, house.carol.kind, "", EVE, 0, "", known=False))

    def ask() -> Any:
        return ceilings.tally(house.conn, house.desk.ceilings, house.now, 1, who)

    assert indexed(house.conn, ask) == 2  # an hour, and the day of unknown_address
    with said_to(house.conn) as said:
        tally = ask()
        assert [tally.take(each) for each in who] == [None] * 3
        tally.keep(house.conn, house.now)
    assert len(said) == 3
    assert not any("outbox" in statement for statement, _ in said)
    assert indexed(house.conn, lambda: ceilings.withheld(house.conn, house.now)) == 1


def test_a_mail_that_tells_nobody_counts_nothing(house, street):
    with said_to(house.conn) as said:
        street.send(kind=Kind.BOUNCE)
    assert not any("ceiling" in statement for statement, _ in said)


def test_another_node_adds_at_most_what_it_has_not_committed(postgres_url, desk):
    store = open_store(postgres_url)
    settings = config.Ceilings(total="5/hour")
    with store.engine.begin() as conn:
        carol = House(conn, desk).carol

    def take(conn: Any, wanted: int) -> int:
        went = 0
        for _ in range(wanted):
            tally = ceilings.tally(conn, settings, NOW, None, (carol,))
            went += tally.take(carol) is None
            tally.keep(conn, NOW)
        return went

    with store.engine.begin() as here:
        assert take(here, 2) == 2
        with store.engine.begin() as there:  # does not wait for the other
            assert take(there, 9) == 5
        assert take(here, 9) == 0  # sees it from its COMMIT on
    store.close()


def test_words_of_an_api_are_of_somebody_known(house):
    opened = house.open(words=Words("Text", reason="api"), requester=house.customer(EVE))
    assert opened.told.skipped == ()
    assert house.told(N.ACKNOWLEDGEMENT) == [EVE]
