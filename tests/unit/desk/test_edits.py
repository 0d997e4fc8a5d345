"""Words that are changed later: what is stored, who may, and what else learns of it."""

from __future__ import annotations

from dataclasses import replace

import pytest
from sqlalchemy import select

from helpdeskd.desk import changes, comments, edits, reparse, search, sight, tickets
from helpdeskd.desk.context import Words
from helpdeskd.errors import NotFound, Refused
from helpdeskd.model.ticket import State
from helpdeskd.store import schema
from tests.unit.desk.street import Street

_m = schema.message.c


def rewrite(house, message_id, text="Now better.", html="", actor=None):
    given = {"message_id": message_id, "text": text, "html": html, "actor": actor or house.ada}
    return edits.rewrite(house.conn, house.desk, house.later(minutes=1), **given)


def stored(house, message_id):
    return tuple(house.conn.execute(select(_m.text, _m.html, _m.quote).where(_m.id == message_id)).one())


def finds(house, word):
    found = select(schema.ticket.c.id).where(search.matching(word, internal=True))
    return house.conn.execute(found).first() is not None


def test_new_words_in_place_of_all_it_said(house):
    words = Words("It burns.", quote="> hello", html="<p>It burns.</p>", subject="My printer", raw_sha256="ab" * 32)
    posted = house.open(words=words)
    after = rewrite(house, posted.message_id, "It smokes.\0", "<p>It smokes.</p>")
    assert stored(house, posted.message_id) == ("It smokes.\N{REPLACEMENT CHARACTER}", "<p>It smokes.</p>", "")
    raw = house.conn.execute(select(_m.raw_sha256).where(_m.id == posted.message_id)).scalar_one()
    assert raw == "ab" * 32
    assert (after.updated_at, after.state) == (house.now, State.NEW)
    assert house.history(posted.ticket)[-1] == ("edited", {})
    assert (finds(house, "smokes"), finds(house, "burns")) == (True, False)


def test_what_already_is_leaves_no_trace(house):
    posted = house.open()
    before = house.kinds(posted.ticket)
    after = rewrite(house, posted.message_id, "It burns.")
    assert (house.kinds(posted.ticket), after.updated_at) == (before, posted.ticket.updated_at)


def test_in_a_merged_ticket_it_is_the_target_that_is_newer(house):
    one, other = house.open(), house.open("Again.")
    changes.merge(house.conn, house.desk, house.now, ticket=one.ticket, into=other.ticket, actor=None)
    after = rewrite(house, one.message_id)
    assert (after.id, after.updated_at) == (other.ticket.id, house.now)
    assert house.kinds(one.ticket)[-1] == "edited"


@pytest.mark.parametrize("empty", ["", " \n"])
def test_no_words(house, empty):
    posted = house.open()
    with pytest.raises(Refused) as refused:
        rewrite(house, posted.message_id, empty)
    assert refused.value.reason == "no-words"


def test_words_that_were_let_go_do_not_come_back(house):
    posted = house.open()
    gone = {"gone_at": house.now}
    house.conn.execute(schema.message.update().where(_m.id == posted.message_id).values(gone))
    with pytest.raises(Refused) as refused:
        rewrite(house, posted.message_id)
    assert refused.value.reason == "let-go"


def test_there_is_no_such_message(house):
    with pytest.raises(NotFound):
        rewrite(house, 99)


def test_a_mail_that_is_derived_again_leaves_changed_words_alone(house):
    street = Street(house)
    arrived = street.mail()
    street.take(arrived)
    (message_id,) = house.conn.execute(select(_m.id)).scalars()
    learnt = replace(arrived.inbound, text="It burns, the parser says.")
    assert reparse.changes(house.conn, house.desk, message_id, learnt, ()) is not None
    rewrite(house, message_id)
    assert reparse.changes(house.conn, house.desk, message_id, learnt, ()) is None


# Who may

# fmt: off
MAY = [
    # who,   own,   staffs, others', note, system entry
    ("ada",   "ok",  "ok",     "ok",     "ok"),
    ("bob",   "ok",  "ok",     "ok",     "ok"),
    ("carol", "ok",  "no",     "absent", "no"),
    ("eve",   "absent", "absent", "absent", "absent"),
]
# fmt: on


@pytest.mark.parametrize(("who", "carols", "adas", "note", "entry"), MAY)
def test_who_may(house, who, carols, adas, note, entry):
    ticket = house.open().ticket
    said = {
        "carols": house.reply(ticket).message_id,
        "adas": house.answer(ticket).message_id,
        "note": tickets.note(house.conn, house.desk, house.now, ticket=ticket, author=house.ada, words=Words("x")).message_id,
        "entry": comments.enter(house.conn, house.desk, house.now, ticket=ticket, author=house.ada, words=Words("y")).message_id,
    }  # fmt: skip
    person = house.customer("eve@customer.example") if who == "eve" else getattr(house, who)
    seeing = sight.of(house.conn, person)
    assert {name: outcome(house, seeing, each) for name, each in said.items()} == {
        "carols": carols,
        "adas": adas,
        "note": note,
        "entry": entry,
    }


def outcome(house, seeing, message_id):
    try:
        return "ok" if edits.editable(house.conn, seeing, message_id).id == message_id else ""
    except NotFound as error:
        assert error.reason == "no-such-message"
        return "absent"
    except Refused as error:
        assert error.reason == "not-permitted"
        return "no"
