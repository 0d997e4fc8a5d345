"""The index of words: what finds a ticket, who finds it by what, and that it keeps up with every act."""

from __future__ import annotations

import random

import pytest
from sqlalchemy import func, select

from helpdeskd.desk import changes, customers, files, people, queries, removal, search, tags, tickets
from helpdeskd.desk.context import Part, Words
from helpdeskd.desk.queries import Filters
from helpdeskd.model.folding import MAX_LENGTH, words
from helpdeskd.model.mail import Address, Verdict
from helpdeskd.model.ticket import State, Visibility
from helpdeskd.store import schema

_t = schema.ticket.c


def found(house, text, *, internal=True):
    """Ids, the latest opened first."""
    condition = search.matching(text, internal=internal)
    return house.conn.execute(select(_t.id).where(condition).order_by(_t.id.desc())).scalars().all()


@pytest.mark.parametrize(
    ("text", "folded"),
    [
        ("", []),
        ("  ,;- _ ", []),
        ("The THE the", ["the"]),
        ("a_b-c/d", ["a", "b", "c", "d"]),
        ("Grüße Straße ŽLUŤOUČKÝ", ["grusse", "strasse", "zlutoucky"]),
        ("\ufb01ne \uff11\uff12\uff13 \u2121", ["fine", "123", "tel"]),
        ("İstanbul", ["istanbul"]),
        ("東京都", ["東京", "京都", "都"]),
        ("PC用電池x", ["pc", "用電", "電池", "池", "x"]),
        ("한국", ["한국", "국"]),
        ("ガ が", ["ガ", "が"]),
        ("support+aeaqaqcqk5pxtlzkurgmb7d4zfoa@desk", ["support", "desk"]),
        ("x" * 50, ["x" * MAX_LENGTH]),
        ("\ud800a\x00b", ["a", "b"]),
        ("one two three four", ["one", "two", "three"]),
    ],
)
def test_words_are_folded(text, folded):
    assert words(text, 3 if "four" in text else 100) == folded


def test_what_finds_a_ticket(house):
    house.open(words=Words("Something else", subject="Other"), requester=house.customer("x@else.example"))
    ticket = house.open(
        words=Words(
            "The toner is EMPTY, señor: 50% off", subject="My Drucker", parts=(Part("Bild-7.png", "x/y", 1, "a"),)
        ),
        participants=(Address("Dan Brown", "dan@corner.example"),),
    ).ticket
    for text in (
        "toner", "TONER empty", "tone", "senor", "SEÑOR", "50 off", "drucker toner carol", "bild 7 png", "Brown", "dan@corner.example",
        f"[#{ticket.number}]", 'toner"', "empty* (toner", "toner:* | nothing", "toner' & empty", "{public}: toner", "\\toner",
    ):  # fmt: skip
        expected = [] if "public" in text or "nothing" in text else [ticket.id]
        assert found(house, text) == expected, text
        hidden = text in {"Brown", "dan@corner.example"}  # who takes part is nobody's to find out
        assert found(house, text, internal=False) == ([] if hidden else expected), text
    for text in (
        "",
        "  ",
        "%",
        "'",
        '"',
        "*",
        "oner",
        "to",
        "toner missing",
        "NEAR(toner empty)",
        "toner OR zebra",
        "-toner not",
    ):
        assert found(house, text) == [], text


def test_internal_words_find_nothing_for_customers(house):
    ticket = house.open().ticket
    tickets.note(house.conn, house.desk, house.now, ticket=ticket, author=house.ada, words=Words("A difficult person"))
    house.reply(ticket, "And now smoke.", participants=(Address("Eve", "eve@corner.example"),))
    house.answer(ticket, "Run.", words=Words("Run.", parts=(Part("exits.pdf", "x/y", 1, "a"),)))
    doubtful = house.open(words=Words("Send money", subject="Bank", verdict=Verdict.FAIL)).ticket
    for text, inside, outside in (
        ("difficult", True, False),
        ("diffic", True, False),
        ("smoke exits run", True, True),
        ("smoke eve exits", True, False),
        ("smoke difficult", True, False),
    ):
        assert found(house, text) == ([ticket.id] if inside else []), text
        assert found(house, text, internal=False) == ([ticket.id] if outside else []), text
    assert (found(house, "bank money"), found(house, "bank money", internal=False)) == ([doubtful.id], [])
    assert found(house, "bank", internal=False) == [doubtful.id]
    # Said in public afterwards, it is no secret.
    house.reply(ticket, "I am difficult.")
    assert found(house, "difficult", internal=False) == found(house, "difficult") == [ticket.id]


def test_the_index_follows_every_act(house):
    given = (house.conn, house.desk, house.now)
    ticket = house.open(words=Words("It burns.", subject="Printer", parts=(Part("red.txt", "x/y", 1, "a"),))).ticket

    def now(**expected):
        assert {word: found(house, word) == [ticket.id] for word in expected} == expected

    now(printer=True, red=True)
    ticket = changes.set_subject(*given, ticket=ticket, subject="Oven", actor=house.ada)
    ticket = tags.add(*given, ticket=ticket, tags=("hot stuff",), actor=house.ada)
    now(printer=False, oven=True, burns=True, stuff=True, red=True)
    ticket = changes.add_participant(*given, ticket=ticket, address=Address("", "dan@corner.example"), actor=house.ada)
    now(corner=True)
    dan = people.at(house.conn, "dan@corner.example")
    ticket = changes.remove_participant(*given, ticket=ticket, person=dan, actor=house.ada)
    ticket = tags.remove(*given, ticket=ticket, tags=("hot stuff",), actor=house.ada)
    now(corner=False, stuff=False, burns=True)
    carol = customers.find(house.conn, house.carol.email)
    assert carol is not None
    customers.change_email(*given, customer=carol, email="caroline@elsewhere.example")
    now(caroline=True, elsewhere=True)
    (shown,) = queries.show(house.conn, ticket.number).messages
    files.remove(*given, attachment_id=shown.attachments[0].id, actor=house.ada)
    now(red=False, burns=True, elsewhere=True)
    removal.ticket(*given, ticket=ticket, actor=house.ada)
    now(burns=False, oven=False)
    assert house.conn.execute(select(func.count()).select_from(schema.search)).scalar() == 0


def test_a_merged_ticket_is_found_through_its_target(house):
    one, two = house.open(words=Words("apples")).ticket, house.open(words=Words("pears")).ticket
    three = house.open(words=Words("plums")).ticket
    for source, target in ((one, two), (two, three)):
        changes.merge(house.conn, house.desk, house.now, ticket=source, into=target, actor=house.ada)
    assert found(house, "apples") == [three.id, two.id, one.id]
    there = queries.list_tickets(house.conn, Filters(text=f"apples pears {one.number}"))
    assert [line.ticket.id for line in there] == [three.id]
    assert queries.count_tickets(house.conn, Filters(text="apples")) == 1
    house.reply(three, "cherries")
    assert found(house, "apples pears plums cherries") == [three.id]
    removal.ticket(house.conn, house.desk, house.now, ticket=tickets.get(house.conn, three.id), actor=None)
    assert found(house, "apples") == []


def test_what_is_said_and_what_is_rebuilt_is_the_same(house):
    """By chance: words added bit by bit find what an index written anew finds."""
    rng = random.Random(20260304)
    vocabulary = [a + b for a in ("ab", "cd", "éf") for b in "uvwxyz"]
    made = [house.open(words=Words(" ".join(rng.sample(vocabulary, 3)))).ticket for _ in range(6)]
    for _ in range(30):
        text, ticket = " ".join(rng.sample(vocabulary, rng.randint(1, 4))), rng.choice(made)
        if rng.random() < 0.3:
            tickets.note(*(house.conn, house.desk, house.now), ticket=ticket, author=house.ada, words=Words(text))
        else:
            house.reply(ticket, text)
        if rng.random() < 0.2:
            search.rebuild(house.conn, *rng.sample([each.id for each in made], 2))
    asked = [*vocabulary, *(" ".join(rng.sample(vocabulary, 2)) for _ in range(20))]
    before = [(found(house, text), found(house, text, internal=False)) for text in asked]
    search.rebuild(house.conn, *(each.id for each in made))
    assert [(found(house, text), found(house, text, internal=False)) for text in asked] == before


def test_bounds(house, monkeypatch):
    monkeypatch.setattr(search, "MAX_ACT", 12)
    monkeypatch.setattr(search, "MAX_TICKET", 20)
    monkeypatch.setattr(search, "_LETTERS", 80)
    ticket = house.open(words=Words("one two three four five six seven eight nine ten", subject="S")).ticket
    assert found(house, "three") == [ticket.id]
    assert found(house, "ten") == []
    house.reply(ticket, "eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen")
    assert found(house, "eighteen") == [ticket.id]
    house.reply(ticket, "full")
    assert found(house, "full") == []
    assert found(house, " ".join(["three"] * 500)) == [ticket.id]
    many = " ".join(f"x{n}" for n in range(search.MAX_ASKED))
    assert found(house, f"{many} {many}") == []


def test_the_largest_words_fit(house):
    """PostgreSQL holds a megabyte in a row: a ticket takes words until it is full, and no mail fails for it."""
    big = ["".join(chr(0x10400 + n // 40**k % 40) for k in range(3)).lower() * 10 for n in range(9 * 900)]
    ticket = house.open(words=Words(" ".join(big[: search.MAX_ACT]))).ticket
    for n in range(1, 5):
        house.reply(ticket, " ".join(big[n * search.MAX_ACT : (n + 1) * search.MAX_ACT]))
    search.rebuild(house.conn, ticket.id)
    house.reply(ticket, "and more")
    assert found(house, big[5]) == [ticket.id]


def test_system_words_are_internal(house):
    ticket = house.open().ticket
    search.say(house.conn, ticket.id, Visibility.SYSTEM, Words("550 unknown"))
    assert (found(house, "unknown"), found(house, "unknown", internal=False)) == ([ticket.id], [])


def test_filters_and_text(house):
    open_one, closed = house.open(words=Words("apples")).ticket, house.open(words=Words("apples")).ticket
    changes.set_state(house.conn, house.desk, house.now, ticket=closed, state=State.CLOSED, actor=house.ada)
    for filters, expected in (
        (Filters(text="apples"), [closed.id, open_one.id]),
        (Filters(text="apples", states=(State.NEW,)), [open_one.id]),
        (Filters(text="apples", requester_id=house.carol.id), [closed.id, open_one.id]),
        (Filters(text="?"), []),
    ):
        assert [line.ticket.id for line in queries.list_tickets(house.conn, filters)] == expected
        assert queries.count_tickets(house.conn, filters) == len(expected)
