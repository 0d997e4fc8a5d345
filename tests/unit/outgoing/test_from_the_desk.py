"""What the desk really writes into the outbox is all that our templates need, for every notice and language."""

from __future__ import annotations

from dataclasses import replace

import pytest

from helpdeskd import config
from helpdeskd.desk import (
    changes,
    commands,
    customers,
    delivery,
    departments,
    forgotten,
    forwarding,
    obey,
    operators,
    people,
    tickets,
)
from helpdeskd.desk.context import Words
from helpdeskd.model.mail import Address, Verdict
from helpdeskd.model.outgoing import NoticeName, OutboxState
from helpdeskd.model.routing import Action, Reason
from helpdeskd.model.ticket import State
from helpdeskd.outgoing.sender import Counts
from helpdeskd.store import outbox
from tests.sink import Sink
from tests.unit.outgoing.house import House, a_desk, body, parsed


@pytest.fixture
async def sink():
    async with Sink() as made:
        yield made


def a_life(conn, desk, now, language):
    """Everything that anybody is told of."""
    house = departments.add(
        conn,
        desk,
        now,
        name="Support",
        addresses=("support@example.org",),
        sender_name="Example Support",
        language=language,
    )
    ada, _ = people.add_staff(conn, desk, now, name="Ada", email="ada@example.org", level=3, departments=(house.id,))
    bob, _ = people.add_staff(conn, desk, now, name="", email="bob@example.org", departments=(house.id,), notify=False)
    jane = people.customer(conn, desk, now, Address("Jane <Doe> & Co", "jane@example.net"))
    joe = people.customer(conn, desk, now, Address("", "joe@example.com"))
    customers.add(conn, desk, now, name="Eve <&>", email="eve@example.net", welcome=True)

    def said(text, **more):
        return Words(text=text, subject="100% <fire> & smoke", **more)

    opened = tickets.open(
        conn, desk, now, department=house, requester=jane, words=said("It burns."), acknowledge=True
    ).ticket
    tickets.open(
        conn, desk, now, department=house, requester=joe, words=said("Forged.", verdict=Verdict.FAIL), acknowledge=False
    )
    tickets.open(conn, desk, now, department=house, requester=joe, words=Words(text=""), acknowledge=True)
    tickets.staff_reply(conn, desk, now, ticket=opened, author=ada, words=said("Pull the plug."))
    tickets.customer_reply(conn, desk, now, ticket=opened, author=jane, words=said("I did."), reopen=False)
    tickets.keep(conn, desk, now, ticket=opened, author=joe, words=said("Me too."), why=Reason.STRANGER)
    tickets.keep(conn, desk, now, ticket=opened, author=ada, words=said("Hm."), tell=ada, why=Reason.NO_SURE_CUT)
    changes.assign(conn, desk, now, ticket=opened, assignee=bob, actor=ada)
    forwarding.forward(conn, desk, now, ticket=opened, to=("maker@example.com",), words=said("Help!"), actor=ada)
    for text in ("#tag 100% sure\n#priority high\n#close\n\nDone.", "#clsoe\n\nDone."):
        given = commands.parse(text)
        words = said(given.rest)
        obey.obey(conn, desk, now, obey.Order(tickets.get(conn, opened.id), ada, given, words, Action.ANSWER))
    second = tickets.open(
        conn, desk, now, department=house, requester=joe, words=said("Another."), acknowledge=False
    ).ticket
    changes.set_state(conn, desk, now, ticket=second, state=State.CLOSED, actor=ada)
    tickets.open(
        conn,
        desk,
        now,
        department=house,
        requester=jane,
        words=said("It burns again.", reason=Reason.FOLLOW_UP_OVER),
        acknowledge=True,
        link_to=opened.id,
    )
    answer = next(row for row in outbox.list_rows(conn) if row.notice is NoticeName.STAFF_REPLY)
    delivery.record(
        conn, desk, now, answer, OutboxState.FAILED, "550 5.1.1 <jane@example.net>: no such user & no other"
    )
    alarm = {
        "phase": "begun",
        "kind": "parked",
        "title": "mails are parked",
        "words": "100% <1>",
        "since": "2026-11-25",
    }
    operators.alarm(conn, desk, now, to="operator@example.org", host="mail1", alarms=[alarm])
    if desk.settings.public_url:
        forgotten.ask(conn, desk, now, email="EVE@example.net")
    return [row.notice for row in outbox.list_rows(conn)]


@pytest.mark.parametrize("language", ["en", "de"])
@pytest.mark.parametrize("url", ["", "https://desk.example.org"])
async def test_every_notice_of_a_desks_life_goes_out(sqlite_store, blobs, sink, language, url):
    settings = config.Desk(language=language, public_url=url)
    desk = replace(a_desk(), settings=settings)
    house = House(sqlite_store, blobs, sink, desk)
    notices = house.write(lambda conn: a_life(conn, desk, house.now, language))
    assert set(notices) == set(NoticeName) - ({NoticeName.PASSWORD_RESET} if not desk.settings.public_url else set())
    assert await house.sender().once() == Counts(sent=len(notices))
    for caught in sink.mails:
        mail = parsed(caught)
        assert "None" not in f"{mail['Subject']}{body(caught)}"
        assert body(caught, "html").count("<html") == 1
        assert f'<html lang="{language}">' in body(caught, "html")
    to_jane = [parsed(each)["Subject"] for each in sink.to("jane@example.net")]
    assert len({subject.split("] ", 1)[1] for subject in to_jane}) == 1
