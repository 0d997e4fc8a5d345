"""Mails at which the parser or the daemon dies, and mails beyond a limit: parked or cut, never lost, in nobody's way."""

from __future__ import annotations

import subprocess
import sys

import pytest
from sqlalchemy import select

from helpdeskd import tray
from helpdeskd.config import Config
from helpdeskd.config import Intake as Limits
from helpdeskd.desk import queries
from helpdeskd.model.outgoing import NoticeName
from helpdeskd.model.ticket import History, Visibility
from helpdeskd.parser.worker import Parser
from helpdeskd.store import outbox, schema
from tests import poison
from tests.live.house import CUSTOMER, STAFF, SUPPORT, mail
from tests.poison import letter
from tests.unit.cli.house import ROOT, House
from tests.unit.test_intake import VOUCHED, Room

MARKER = Config().desk.marker


def make(command=(), **limits) -> Parser:
    return Parser(instance="test", marker=MARKER, limits=Limits(**limits), command=command)


@pytest.fixture(scope="module")
def buggy():
    parser = make(poison.COMMAND, parse_seconds=1)
    yield parser
    parser.close()


@pytest.fixture(scope="module")
def honest():
    parser = make()
    yield parser
    parser.close()


@pytest.fixture
def room(tmp_path, sqlite_store, blobs, buggy):
    made = Room(tmp_path, sqlite_store, blobs, buggy)
    yield made
    made.intake.stop()


def content(room: Room):
    """All that a mail came to, but for what is drawn by chance and the clock."""

    def read(conn):
        m, a, o = schema.message.c, schema.attachment.c, schema.outbox.c
        arrivals = select(*(schema.arrival.c[name] for name in ("outcome", "reason", "raw_sha256", "identity_sha256")))
        messages = select(m.subject, m.text, m.quote, m.html, m.kind, m.reason, m.visibility, m.mail_id, m.date)
        files = select(a.position, a.name, a.content_type, a.size, a.sha256)
        told = select(o.notice, o.recipient).order_by(o.id)
        events = select(schema.history.c.kind).order_by(schema.history.c.id)
        return [[tuple(row) for row in conn.execute(each)] for each in (arrivals, messages, files, told, events)]

    return room.store.read(read)


def messages(room: Room, number: int = 0):
    (line,) = room.tickets()
    return room.store.read(lambda conn: queries.show(conn, line.ticket.number)).messages


@pytest.mark.parametrize(("bug", "reason"), [("exit", "parser-died"), ("abort", "parser-died"), ("fail", "ValueError")])
def test_a_mail_at_which_the_parser_dies_is_parked_after_three_strikes_and_blocks_nobody(room, bug, reason):
    room.put(letter("before"))
    bad = room.put(letter("bad", bug))
    room.put(letter("after"))
    first = room.intake.once()
    assert (first.received, first.struck, first.parked) == (2, 1, 0)
    assert room.claimed(bad).strikes == 1
    room.intake.once()
    assert room.intake.once().parked == 1
    (parked,) = tray.parked(room.root)
    assert (parked.id, parked.reason) == (bad, reason)
    assert parked.trace
    assert sorted(row.outcome for row in room.arrivals()) == ["opened", "opened", "parked"]


@pytest.mark.parametrize("bug", ["exit", "fail"])
def test_retry_after_the_fix_gives_what_a_first_delivery_gives(room, honest, tmp_path, sqlite_url, bug):
    raw = letter("bad", bug)
    bad = room.put(raw)
    for _ in range(3):
        room.intake.once()
    room.intake._parser = honest  # the new version is started
    tray.retry(room.root, bad)
    assert room.intake.once().received == 1

    first = open_other(tmp_path, honest)
    first.put(raw)
    assert first.intake.once().received == 1
    assert content(room) == content(first)
    assert [row.outcome for row in room.arrivals()] == ["opened"]
    assert tray.parked(room.root) == []
    first.store.close()


def open_other(tmp_path, parser) -> Room:
    from helpdeskd.store.blobs import FolderBlobs
    from helpdeskd.store.engine import open_store

    folder = tmp_path / "other"
    folder.mkdir()
    return Room(folder, open_store(f"sqlite:///{folder}/other.sqlite3"), FolderBlobs(folder / "blobs"), parser)


def test_a_parser_that_is_killed_parks_nothing(room):
    """Not even one that is killed at each try, as where the system has no memory left."""
    room.put(letter("unlucky", "killed"))
    passed = room.intake.once()
    assert (passed.received, passed.struck) == (1, 0)
    (message,) = messages(room)
    assert "whoever takes it apart is killed" in message.message.text
    assert [file.name for file in message.attachments] == ["original.eml"]


def test_a_parser_that_dies_now_and_then_parks_nothing(room):
    """Three deaths at one mail would; two are forgotten once it is through."""
    bad = room.put(letter("unlucky", "exit"))
    room.intake.once()
    room.intake.once()
    assert room.claimed(bad).strikes == 2
    room.intake._parser = make()
    assert room.intake.once().received == 1
    room.intake.close()


def test_the_last_attempt_waits_for_a_daemon_that_lives(room, monkeypatch):
    """It was in hand when two daemons were killed, one soon after the other: that proves nothing."""
    twice = room.put(letter("unlucky"))
    tray.begin(room.claimed(twice))
    tray.begin(room.claimed(twice))
    room.intake._calm_at = float("inf")
    room.put(letter("good"))
    passed = room.intake.once()
    assert (passed.received, passed.waiting, passed.halted) == (1, 1, False)
    assert room.claimed(twice).strikes == 2
    room.intake._calm_at = 0.0
    assert room.intake.once().received == 1


def test_where_no_parser_can_be_started_all_wait_and_none_is_to_blame(room):
    room.intake._parser = make(("/nonexistent",))
    ids = [room.put(letter(f"number {n}")) for n in range(15)]
    for _ in range(4):
        passed = room.intake.once()
        assert (passed.received, passed.struck, passed.halted) == (0, 0, True)
    assert {room.claimed(each).strikes for each in ids} == {0}
    room.intake._parser = make()
    assert room.intake.once().received == 15
    room.intake.close()


def test_a_stop_does_not_wait_for_those_that_were_sent_ahead(room, monkeypatch):
    """Each might take its whole time. The one in hand is finished, and the others lie there as if nobody had touched them."""
    ids = [room.put(letter(f"number {n}")) for n in range(5)]
    parse = room.intake._parser.parse

    def stopping(mails):
        for outcome in parse(mails):
            room.intake.stop()
            yield outcome

    monkeypatch.setattr(room.intake._parser, "parse", stopping)
    assert room.intake.once().received == 1
    assert tray.scan(room.root) == ids[1:]
    assert {room.claimed(each).strikes for each in ids[1:]} == {0}


def test_a_parser_that_names_what_is_not_there_is_not_believed(room):
    raw = letter("liar", Content_Type="text/plain; name=x.txt", Content_Disposition="attachment") + b"poison:lie"
    room.put(raw)
    assert room.intake.once().struck == 1
    assert room.tickets() == ()


# -- limits: what was cut is said, and the whole mail is there

MULTIPART = b"Content-Type: multipart/mixed; boundary=b\r\n"


def limited(room: Room, **limits) -> Room:
    room.intake._parser = make(poison.COMMAND, **limits)
    return room


@pytest.mark.parametrize(
    ("limits", "raw", "said"),
    [
        ({"max_parts": 3}, MULTIPART + letter("m")[:-12] + b"\r\n--b\r\n\r\nx" * 9, "more than 3 parts"),
        ({"max_headers": 20}, b"X-A: b\r\n" * 20 + letter("m"), "the headers are longer than the limit"),
        ({"max_header_kb": 1}, letter("m", X_Long="y" * 2000), "the headers are longer than the limit"),
        ({"max_text_kb": 1}, letter("m") + b"z" * 2000, "the text is longer than 1 KB"),
        ({"max_mail_mb": 1}, letter("m") + b"z" * (1 << 20), "it is larger than 1 MB"),
        ({"parse_seconds": 1}, letter("m", "hang"), "it takes longer than 1 seconds"),
        ({"parse_memory_mb": 512}, letter("m", "starve"), "it takes more than 512 MB of memory"),
        ({}, letter("m", X_Long="y" * 70000), "a header is longer than what is read of one"),
    ],
)
def test_beyond_a_limit_a_mail_is_a_ticket_with_the_whole_mail_in_it(room, limits, raw, said):
    limited(room, **limits).put(raw)
    assert room.intake.once().received == 1
    (shown,) = messages(room)
    assert shown.message.text.startswith("[Not all of this mail is shown: ")
    assert said in shown.message.text
    original = next(file for file in shown.attachments if file.name == "original.eml")
    (arrival,) = room.arrivals()
    assert original.content_type == "message/rfc822"
    assert original.sha256 == arrival.raw_sha256 == shown.message.raw_sha256
    assert room.blobs.get(original.sha256) == raw
    (cut,) = [row for row in history(room) if row.kind == History.CUT]
    assert any(said in line for line in cut.detail["cut"])
    room.intake.close()


def history(room: Room):
    return room.store.read(lambda conn: conn.execute(select(schema.history).order_by(schema.history.c.id)).all())


def test_deeper_than_the_limit(room):
    raw = letter("deep")
    for level in range(5):
        raw = (
            b"Subject: deep\r\nFrom: a@b.example\r\nContent-Type: multipart/mixed; boundary=b%d\r\n\r\n--b%d\r\n"
            % (
                level,
                level,
            )
            + raw
        )
    limited(room, max_depth=3).put(raw)
    room.intake.once()
    assert "nested deeper than 3 levels" in messages(room)[0].message.text
    room.intake.close()


def test_a_reply_beyond_a_limit_still_belongs_to_its_ticket(room):
    room.put(letter("question"))
    room.put(VOUCHED + letter("Re: question", "hang", In_Reply_To="<question@customer.example>"))
    assert room.intake.once().received == 2
    _, reply = messages(room)
    assert reply.message.visibility is Visibility.PUBLIC
    assert "longer than 1 seconds" in reply.message.text


def test_a_staff_answer_of_which_nothing_could_be_read_goes_to_nobody(room):
    room.put(letter("question"))
    room.intake.once()
    notice = next(row for row in room.store.read(outbox.list_rows) if row.notice is NoticeName.NEW_TICKET)
    to = SUPPORT.replace("@", f"+{notice.reply_token}@")
    room.put(letter("Re: question", "hang", From=STAFF, To=to), to)
    room.intake.once()
    _, kept = messages(room)
    assert (kept.message.visibility, kept.message.reason) == (Visibility.INTERNAL, "no-sure-cut")
    told = [row for row in room.store.read(outbox.list_rows) if row.notice is NoticeName.KEPT_INTERNAL]
    assert [row.recipient for row in told] == [STAFF]
    assert not [row for row in room.store.read(outbox.list_rows) if row.notice is NoticeName.STAFF_REPLY]


def test_a_staff_answer_that_is_nothing_but_a_file_goes_out(room):
    room.put(letter("question"))
    room.intake.once()
    notice = next(row for row in room.store.read(outbox.list_rows) if row.notice is NoticeName.NEW_TICKET)
    to = SUPPORT.replace("@", f"+{notice.reply_token}@")
    head = letter("Re: question", From=STAFF, To=to, Content_Type="application/pdf; name=x.pdf").partition(b"\r\n\r\n")[
        0
    ]
    room.put(head + b"\r\n\r\n%PDF", to)
    room.intake.once()
    _, answer = messages(room)
    assert (answer.message.visibility, answer.message.reason) == (Visibility.PUBLIC, "reply-token")
    assert [file.name for file in answer.attachments] == ["x.pdf"]


# -- the daemon itself

KILLER = """
import os, sys
from helpdeskd.desk import receive
real = receive.receive
def receive_or_die(conn, desk, now, arrived):
    if arrived.inbound.subject == "killer":
        os.kill(os.getpid(), 9)
    return real(conn, desk, now, arrived)
receive.receive = receive_or_die
from helpdeskd import cli
cli.main()
"""


@pytest.mark.crash
def test_a_mail_at_whose_write_the_daemon_dies_is_parked_and_its_neighbours_are_not(tmp_path):
    house = House(tmp_path)
    house.write_config()
    house.run("init", "--address", SUPPORT, "--admin", STAFF, "--admin-name", "Ada").ok()
    others = [house.mail(mail(CUSTOMER, SUPPORT, f"Number {n}", "Text")) for n in range(2)]
    killer = house.mail(letter("killer"))
    others += [house.mail(mail(CUSTOMER, SUPPORT, f"Number {n}", "Text")) for n in range(2, 4)]
    deaths = 0
    while True:
        done = subprocess.run(
            [sys.executable, "-c", KILLER, "--config", str(house.config), "fetch", "--through"],
            cwd=ROOT,
            capture_output=True,
        )
        if done.returncode == 0:
            break
        assert done.returncode == -9, done.stderr
        deaths += 1
        assert deaths <= 4
    assert "1 parked" in done.stdout.decode()
    (parked,) = tray.parked(house.root)
    assert (parked.id, parked.reason) == (killer, "killed")
    assert [house.run("mail", "show", each, "--json").json["arrivals"][0]["outcome"] for each in others] == [
        "opened"
    ] * 4
