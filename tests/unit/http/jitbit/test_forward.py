"""A ticket's conversation, mailed to somebody outside."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from helpdeskd.desk import messages
from helpdeskd.desk.context import Words
from helpdeskd.model.ticket import Visibility
from helpdeskd.store import schema
from tests.unit.http.jitbit.conftest import House
from tests.unit.http.jitbit.posted import a_ticket, comment, comments, kinds, mails, ticket


def forward(house: House, who: str, **more: object) -> tuple[int, str]:
    found = house.ask(who, "POST", "ForwardTicket", data=more)
    return found.status_code, found.text


def test_what_is_forwarded(house: House):
    number = a_ticket(house)
    given = {"id": str(number), "body": "<p>Here is a picture.</p>"}
    house.ask("carol", "POST", "comment", data=given, files={"x": ("a.png", b"a", "image/png")})
    comment(house, "tina", number, "Old cable.", forTechsOnly="true")
    comment(house, "tina", number)
    before, state = len(mails(house, number)), ticket(house, number).state
    to = {"to": "maker@example.com; Other@example.com", "cc": "third@example.com,MAKER@example.com"}
    assert forward(house, "tina", id=number, body="Can you help?", **to) == (200, "")
    assert sorted(mails(house, number)[before:]) == [
        ("forward", "MAKER@example.com", ["a.png"]),
        ("forward", "Other@example.com", ["a.png"]),
        ("forward", "third@example.com", ["a.png"]),
    ]
    note = comments(house, "tina", number)[-1]
    assert (note["ForTechsOnly"], ticket(house, number).state, kinds(house, number)[-1]) == (True, state, "forwarded")
    assert note["Body"].replace("<br/>", "") == (
        "Can you help?\n\n"
        "---- Carol Ann Jones &lt;carol@client.example&gt;, 2026-03-01 12:00 UTC ----\n\nIt burns.\n\n"
        "---- Carol Ann Jones &lt;carol@client.example&gt;, 2026-03-01 12:00 UTC ----\n\nHere is a picture.\n\n"
        "---- Tina, 2026-03-01 12:00 UTC ----\n\nPull the plug."
    )
    _o = schema.outbox.c
    found = select(_o.person_id, _o.reply_token, _o.context).where(_o.notice == "forward", _o.ticket_id == number)
    for row in house.store.read(lambda conn: conn.execute(found).all()):
        assert (row.person_id, row.reply_token) == (None, "")
        assert row.context["author"] == {"name": "Tina", "email": "support@desk.example"}


def test_of_a_long_conversation_what_was_said_last(house: House):
    number = a_ticket(house)
    for letter in "ab":
        comment(house, "carol", number, letter * 150_000)
    assert forward(house, "tina", id=number, to="maker@example.com")[0] == 200
    body = comments(house, "tina", number)[-1]["Body"]
    assert body.startswith("[...]")
    assert (body.count("b" * 150_000), "aaa" in body, "It burns." in body) == (1, False, False)


# fmt: off
WRONG = [
    ("tina",  {},                                        400, "Parameter id is missing; parameter to is missing."),
    ("tina",  {"to": "a@b.example"},                     400, "Parameter id is missing."),
    ("tina",  {"id": "{}"},                              400, "Parameter to is missing."),
    ("tina",  {"id": "{}", "to": " , "},                 400, "There is no address to forward it to."),
    ("tina",  {"id": "{}", "to": "nobody"},              400, "'nobody' is not a mail address."),
    ("tina",  {"id": "{}", "to": "Sales+x@desk.example"}, 400, "Sales+x@desk.example is one of our own addresses."),
    ("tina",  {"id": "{}", "to": ",".join(f"a{n}@b.example" for n in range(21))}, 400, "At most 20 addresses at once."),
    ("carol", {"id": "{}", "to": "a@b.example"},         403, "You may not work ticket {}."),
    ("dan",   {"id": "{}", "to": "a@b.example"},         404, "There is no ticket {}."),
]
# fmt: on


def test_what_is_wrong_mails_nobody(house: House):
    number = a_ticket(house)
    for who, given, status, said in WRONG:
        asked = {name: value.format(number) if name == "id" else value for name, value in given.items()}
        assert forward(house, who, **asked) == (status, said.format(number)), given
    assert (mails(house, number), kinds(house, number)) == ([], ["opened"])


@pytest.mark.parametrize(("who", "reads"), [("tina", True), ("carol", False)])
def test_which_mails_were_lost_is_for_those_who_work_on_the_ticket(house: House, who, reads):
    number = a_ticket(house)
    lost = Words("The answer did not reach dan@client.example.", reason="system")
    house.store.writer.run(
        lambda conn: messages.store(conn, ticket(house, number).created_at, number, Visibility.SYSTEM, None, lost)
    )
    found = comments(house, who, number)
    assert [(said["IsSystem"], said["ForTechsOnly"], said["UserID"]) for said in found] == [(True, True, None)] * reads
