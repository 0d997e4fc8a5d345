"""Intake: order, strikes, whose fault a failure is, and that the spool forgets only after COMMIT."""

from __future__ import annotations

import os
import random
import threading

import msgspec
import pytest
from sqlalchemy import select, text
from structlog.testing import capture_logs

from helpdeskd import intake as intake_module
from helpdeskd import spool, tray
from helpdeskd.config import Config, Mailbox, Paths, SpamSettings, Trust
from helpdeskd.config import Intake as IntakeLimits
from helpdeskd.desk import departments, people, queries
from helpdeskd.desk import receive as receive_module
from helpdeskd.desk.address_book import AddressBook
from helpdeskd.desk.context import Desk
from helpdeskd.errors import StoreDown
from helpdeskd.intake import Intake
from helpdeskd.intake.checking import Checker
from helpdeskd.mail.tokens import TokenKeys
from helpdeskd.model.clock import now
from helpdeskd.model.outgoing import Ended, NoticeName, OutboxState, Sent
from helpdeskd.parser import worker as worker_module
from helpdeskd.store import outbox, schema
from tests.live.house import CUSTOMER, STAFF, SUPPORT, mail
from tests.live.machine import wait_until
from tests.scanners import answering, virus

SALES_BOX = Mailbox(name="sales", host="imap.example", user="sales", password="secret", department="Sales")
HOUR = 3_600_000_000  # microseconds


# What our own server says of mail that it found genuine.
TRUST = Trust(authserv_ids=("mx.desk.example",))
VOUCHED = b"Authentication-Results: mx.desk.example; dmarc=pass header.from=customer.example\n"


class Room:
    """One spool, one store, one intake; `put` is a door."""

    def __init__(self, tmp_path, store, blobs, parser, **limits):
        self.root = str(tmp_path / "spool")
        spool.make(self.root)
        spool.set_reserve(self.root, 0, 1)
        self.store, self.blobs = store, blobs
        self.config = Config(
            paths=Paths(data=tmp_path), mailbox=(SALES_BOX,), trust=TRUST, intake=IntakeLimits(**limits)
        )
        self.desk = Desk(
            settings=self.config.desk,
            tokens=TokenKeys((b"k" * 32,)),
            instance="test",
            plus_works=True,
            rng=random.Random(1).randbytes,
            intake=self.config.intake,
            ceilings=self.config.ceilings,
        )
        book = AddressBook()
        self.intake = Intake(
            config=self.config,
            spool_root=self.root,
            store=store,
            blobs=blobs,
            desk=lambda door: self.desk,
            book=book,
            clock=now,
            parser=parser,
            checker=Checker(self.config, None),
        )

        def people_and_department(conn):
            support = departments.add(conn, self.desk, now(), name="Support", addresses=(SUPPORT,))
            people.add_staff(
                conn, self.desk, now(), name="Ada", email=STAFF, level=3, departments=(support.id,), notify=True
            )
            departments.add(conn, self.desk, now(), name="Sales", addresses=("sales@desk.example",))

        store.writer.run(people_and_department)
        book.refresh(store)

    def put(self, raw: bytes, recipient: str = SUPPORT, **more) -> str:
        given = {"door": "smtp", "sender": CUSTOMER, "recipients": (recipient,), **more}
        return spool.put(self.root, spool.Envelope(**given), [raw])

    def put_imap(self, raw: bytes, *, account: str = "sales", age: int = 0, looked: int = 0) -> str:
        """As a watcher does: the mail had come to its mailbox `age` hours ago, the watcher had looked `looked` hours ago."""
        seen = spool.Envelope().received
        envelope = spool.Envelope(
            door="imap",
            sender_known=False,
            account=account,
            folder="INBOX",
            uidvalidity=1,
            uid=7,
            received=seen,
            internaldate=seen - age * HOUR,
            looked=seen - looked * HOUR,
        )
        return spool.put(self.root, envelope, [raw])

    def acknowledged(self) -> list[str]:
        rows = self.store.read(outbox.list_rows)
        return [row.recipient for row in rows if row.notice is NoticeName.ACKNOWLEDGEMENT]

    def claimed(self, spool_id: str) -> tray.Entry:
        entry = tray.claim(self.root, spool_id)
        assert entry is not None
        return entry

    def tickets(self):
        return self.store.read(queries.list_tickets)

    def arrivals(self):
        return self.store.read(lambda conn: conn.execute(select(schema.arrival).order_by(schema.arrival.c.id)).all())


def message_id(raw: bytes) -> str:
    (found,) = [line for line in raw.decode().splitlines() if line.startswith("Message-ID: ")]
    return found.removeprefix("Message-ID: ").strip("<>")


@pytest.fixture
def room(tmp_path, store, blobs, parser):
    made = Room(tmp_path, store, blobs, parser)
    yield made
    made.intake.stop()


def test_a_mail_becomes_a_ticket_and_leaves_the_spool(room):
    raw = mail(CUSTOMER, SUPPORT, "Hello", "Text")
    room.put(raw)
    passed = room.intake.once()
    assert (passed.received, passed.parked, passed.waiting) == (1, 0, 0)
    assert [line.ticket.subject for line in room.tickets()] == ["Hello"]
    assert tray.scan(room.root) == []
    (arrival,) = room.arrivals()
    assert room.blobs.get(arrival.raw_sha256) == raw


def test_a_sender_that_is_no_text_holds_up_nobody(room):
    """As a pipe is given it: MAIL FROM:<gr\\xe4ce@...> is bytes, and an argument of pipe.py."""
    sender = os.fsdecode(b"gr\xe4ce@customer.example")
    envelope = spool.Envelope(door="pipe", sender=sender, recipients=(SUPPORT,))
    spool.put(room.root, envelope, [mail(CUSTOMER, SUPPORT, "Eight bits", "Text")])
    room.put(mail(CUSTOMER, SUPPORT, "Hello", "Text"))
    assert room.intake.once().received == 2


@pytest.mark.parametrize("received", [2**63 - 1, -(2**63)])
def test_a_time_that_is_none_holds_up_nobody(room, received):
    room.put(mail(CUSTOMER, SUPPORT, "Damaged", "Text"), received=received)
    room.put(mail(CUSTOMER, SUPPORT, "Hello", "Text"))
    assert room.intake.once().received == 2
    assert min(row.received_at.year for row in room.arrivals()) == 1970


def test_order_of_arrival_is_kept_over_batches(room):
    for n in range(25):
        room.put(mail(CUSTOMER, SUPPORT, f"Number {n}", "Text"))
    assert room.intake.once().received == 25
    assert [line.ticket.subject for line in sorted(room.tickets(), key=lambda line: line.ticket.id)] == [
        f"Number {n}" for n in range(25)
    ]


def test_a_mail_whose_verdict_takes_long_lets_others_pass(room):
    """The scanner answers about the first mail only when it has seen those of the next batches. Who has to do with it stays behind it."""
    clean, others, seen = virus(), threading.Event(), []

    def answer(got):
        if (said := clean(got)) is None or b"PING" in got:
            return said
        seen.append(got)
        if len(seen) > 20:
            others.set()
        if b"Number 0\r" in got:
            others.wait(20)
        return said

    with answering(answer) as (place, _):
        settings = msgspec.structs.replace(room.config, spam=SpamSettings(clamd=place, seconds=20))
        room.intake._checker = Checker(settings, None)
        for n in range(25):
            author = "slow@customer.example" if n in {0, 3} else f"c{n}@customer.example"
            room.put(mail(author, SUPPORT, f"Number {n}", "Text"), sender=author)
        assert room.intake.once().received == 25
    assert others.is_set()
    order = [line.ticket.subject for line in sorted(room.tickets(), key=lambda line: line.ticket.id)]
    assert 0 < order.index("Number 0") < order.index("Number 3")
    assert sorted(order) == sorted(f"Number {n}" for n in range(25))
    assert not [line for row in room.arrivals() for line in row.evidence if "unknown" in line]


def test_a_mail_and_its_reply_in_one_batch_thread(room):
    first = mail(CUSTOMER, SUPPORT, "Hello", "Text")
    room.put(first)
    room.put(mail(CUSTOMER, SUPPORT, "Re: Hello", "More", In_Reply_To=f"<{message_id(first)}>"))
    room.intake.once()
    (line,) = room.tickets()
    shown = room.store.read(lambda conn: queries.show(conn, line.ticket.number))
    assert [item.message.text.strip() for item in shown.messages] == ["Text", "More"]


def test_a_replay_only_unlinks(room):
    """As after a crash between COMMIT and unlink: the entry is there again, and nothing happens twice."""
    raw = mail(CUSTOMER, SUPPORT, "Hello", "Text")
    spool_id = room.put(raw)
    room.intake.once()
    room.put(raw, id=spool_id)
    assert room.intake.once().received == 1
    assert len(room.tickets()) == 1
    assert len(room.arrivals()) == 1
    assert tray.scan(room.root) == []


def test_a_mail_that_kills_the_process_is_parked_too(room):
    """Three attempts were begun and none came to an end."""
    spool_id = room.put(mail(CUSTOMER, SUPPORT, "killer", "Text"))
    for _ in range(3):
        tray.begin(room.claimed(spool_id))
    assert room.intake.once().parked == 1
    assert tray.parked(room.root)[0].reason == "killed"


def test_a_suspect_goes_alone_and_in_order(room, monkeypatch):
    """After a crash the mails that were in hand are tried one by one; here both are healthy."""
    in_hand: list[int] = []
    submit = room.store.writer.submit

    def counting(*args, **more):
        future = submit(*args, **more)
        future.result()
        in_hand.append(len(tray.scan(room.root)))
        return future

    for n in range(3):
        room.put(mail(CUSTOMER, SUPPORT, f"Number {n}", "Text"))
    for spool_id in tray.scan(room.root):
        tray.begin(room.claimed(spool_id))
    monkeypatch.setattr(room.store.writer, "submit", counting)
    assert room.intake.once().received == 3
    assert in_hand == [3, 2, 1]


def test_a_store_that_is_down_is_not_the_mails_fault(room, monkeypatch):
    spool_id = room.put(mail(CUSTOMER, SUPPORT, "Hello", "Text"))

    def down(*args, **more):
        raise StoreDown("gone fishing")

    for _ in range(5):
        with monkeypatch.context() as patch:
            patch.setattr(receive_module, "receive", down)
            assert room.intake.once().waiting == 1
        assert room.claimed(spool_id).strikes == 0
    assert room.intake.once().received == 1
    assert len(room.tickets()) == 1


def test_a_full_blob_disk_is_not_the_mails_fault(room, monkeypatch):
    room.put(mail(CUSTOMER, SUPPORT, "Hello", "Text"))
    with monkeypatch.context() as patch:
        patch.setattr(room.blobs, "put", lambda data: (_ for _ in ()).throw(OSError(28, "No space left on device")))
        assert room.intake.once().waiting == 1
    assert room.tickets() == ()
    assert room.intake.once().received == 1


def test_no_department_yet_means_waiting(room):
    room.store.writer.run(
        lambda conn: [
            conn.execute(text(f"delete from {name}"))
            for name in ("outbox", "staff_department", "address", "department")
        ]
    )
    room.put(mail(CUSTOMER, SUPPORT, "Hello", "Text"))
    assert room.intake.once().waiting == 1
    assert len(tray.scan(room.root)) == 1


def test_damaged_entry_is_parked(room):
    spool_id = room.put(b"x")
    path = room.claimed(spool_id).path
    with open(path, "wb") as file:
        file.write(b"\xff\xfe no envelope")
    room.put(mail(CUSTOMER, SUPPORT, "Hello", "Text"))
    passed = room.intake.once()
    assert (passed.received, passed.parked) == (1, 1)
    assert tray.parked(room.root)[0].reason.startswith("unreadable")


def test_any_bytes_become_something(room):
    for raw in (
        b"",
        b"\x00" * 50,
        b"From: x",
        b"\r\n\r\n",
        bytes(range(256)) * 4,
        b"Content-Type: multipart/mixed\r\n\r\nx",
    ):
        room.put(raw)
    passed = room.intake.once()
    assert (passed.received, passed.struck) == (6, 0)
    assert len(room.arrivals()) == 6


def test_run_wakes_and_stops(room):
    import threading

    thread = threading.Thread(target=room.intake.run)
    thread.start()
    committed = threading.Event()
    room.store.writer.after_commit(committed.set)
    room.put(mail(CUSTOMER, SUPPORT, "Hello", "Text"))
    room.intake.wake()
    assert committed.wait(30)
    room.intake.stop()
    thread.join(30)
    assert not thread.is_alive()
    assert len(room.tickets()) == 1


def test_a_kill_counts_only_while_the_mail_is_read(room, monkeypatch):
    """A daemon killed now and then parks nobody's mail, whatever the store had in hand."""
    strikes = []
    spool_id = room.put(mail(CUSTOMER, SUPPORT, "Hello", "Text"))

    def looking(act):
        def look(*args, **more):
            strikes.append(room.claimed(spool_id).strikes)
            return act(*args, **more)

        return look

    monkeypatch.setattr(worker_module.Parser, "_outcome", looking(worker_module.Parser._outcome))
    monkeypatch.setattr(receive_module, "receive", looking(receive_module.receive))
    assert room.intake.once().received == 1
    assert strikes == [1, 0]


def test_for_a_suspect_the_write_counts_too(room, monkeypatch):
    """What is found in cur/ without a strike was in hand when a daemon died at its write."""
    strikes = []
    spool_id = room.put(mail(CUSTOMER, SUPPORT, "Hello", "Text"))
    tray.forgive(tray.begin(room.claimed(spool_id)))
    receive = receive_module.receive

    def looking(*given):
        strikes.append(room.claimed(spool_id).strikes)
        return receive(*given)

    monkeypatch.setattr(receive_module, "receive", looking)
    assert room.intake.once().received == 1
    assert strikes == [1]


def test_a_fault_in_the_store_is_a_strike_all_the_same(room, monkeypatch):
    monkeypatch.setattr(receive_module, "receive", lambda *_: 1 / 0)
    spool_id = room.put(mail(CUSTOMER, SUPPORT, "Hello", "Text"))
    assert room.intake.once().struck == 1
    assert room.claimed(spool_id).strikes == 1
    assert room.intake.once().struck == 1
    assert room.intake.once().parked == 1


def test_a_mail_on_a_bad_sector_holds_back_no_other(room, monkeypatch):
    claim, tried = tray.claim, threading.Event()
    bad = room.put(mail(CUSTOMER, SUPPORT, "Unreadable", "Text"))

    def read(root, spool_id):
        if spool_id == bad:
            tried.set()
            raise OSError(5, "Input/output error")
        return claim(root, spool_id)

    monkeypatch.setattr(tray, "claim", read)
    monkeypatch.setattr(intake_module, "RETRY_SECONDS", (3600,))
    thread = threading.Thread(target=room.intake.run)
    thread.start()
    try:
        assert tried.wait(60)
        room.put(mail(CUSTOMER, SUPPORT, "Good", "Text"))
        room.intake.wake()
        wait_until(room.tickets, what="the other mail")
    finally:
        room.intake.stop()
        thread.join()
    assert [line.ticket.subject for line in room.tickets()] == ["Good"]
    assert tray.scan(room.root) == [bad]


def test_it_is_known_when_nothing_moves(room, monkeypatch):
    """The watchdog asks: a parser that never ends would otherwise hold up all mail unseen."""
    outcome, began, go_on, passed = worker_module.Parser._outcome, threading.Event(), threading.Event(), 1000.0

    def slow(*args, **more):
        began.set()
        assert go_on.wait(60)
        return outcome(*args, **more)

    monkeypatch.setattr(intake_module, "monotonic", lambda: passed)
    monkeypatch.setattr(worker_module.Parser, "_outcome", slow)
    room.put(mail(CUSTOMER, SUPPORT, "Endless", "Text"))
    thread = threading.Thread(target=room.intake.once)
    thread.start()
    assert began.wait(60)
    assert not room.intake.is_stuck
    passed += intake_module.STUCK_SECONDS + 1
    assert room.intake.is_stuck
    go_on.set()
    thread.join()
    assert not room.intake.is_stuck


def test_the_log_tells_the_mails_story_once_it_is_true(room):
    """One grep on the number finds the decision and each mail that it caused, under the Message-ID it will be sent with."""
    first = mail(CUSTOMER, SUPPORT, "Hello", "Text")
    with capture_logs() as lines:
        spool_id = room.put(first)
        room.intake.once()
    (line,) = room.tickets()
    number = line.ticket.number
    ours = {row.mail_id for row in room.store.read(outbox.list_rows) if row.ticket_id is not None}
    routed, opened, *queued = lines
    assert (routed["event"], routed["action"], routed["reason"], routed["door"]) == ("routed", "open", "new", "smtp")
    assert (opened["event"], opened["department"]) == ("opened", "Support")
    assert routed["message"] == opened["message"] == message_id(first)
    assert {(each["event"], each["notice"], each["recipient"]) for each in queued if each["log_level"] == "info"} == {
        ("queued", "acknowledgement", CUSTOMER),
        ("queued", "new_ticket", STAFF),
    }
    assert {each["message"] for each in queued} == ours
    assert {(each["spool"], each["ticket"]) for each in lines} == {(spool_id, number)}


def test_what_commands_queue_is_logged_and_who_is_passed_over_at_debug(room):
    room.put(mail(CUSTOMER, SUPPORT, "Hello", "Text"))
    room.intake.once()
    notice = next(row for row in room.store.read(outbox.list_rows) if row.notice is NoticeName.NEW_TICKET)
    reply_to = SUPPORT.replace("@", f"+{notice.reply_token}@")
    with capture_logs() as lines:
        room.put(mail(STAFF, reply_to, "Re: Hello", "#assign me\n#close"), reply_to)
        room.intake.once()
    told = [(each["event"], each["log_level"], each.get("notice")) for each in lines]
    assert told == [
        ("routed", "info", None),
        ("commanded", "info", None),
        ("queued", "info", "ticket_closed"),
        ("queued", "info", "commands_done"),
        ("skipped", "debug", "assigned"),
    ]
    assert (lines[0]["action"], lines[0]["reason"]) == ("command", "commands")
    assert "reply-token" in lines[0]["evidence"]
    assert lines[-1]["reason"] == "own-action"


def test_a_mail_that_came_back_is_logged_once(room):
    room.put(mail(CUSTOMER, SUPPORT, "Hello", "Text"))
    room.intake.once()
    sent = next(row for row in room.store.read(outbox.list_rows) if row.notice is NoticeName.ACKNOWLEDGEMENT)
    ended = Sent(Ended.SENT, 250, "250 ok")
    room.store.writer.run(lambda conn: outbox.ended(conn, sent.id, ended, now(), None, OutboxState.SENT))
    fields = "Reporting-MTA: dns; mx.example\n\nFinal-Recipient: rfc822; {}\nAction: failed\nStatus: 5.1.1\n"
    report = (
        "From: MAILER-DAEMON@mx.example\nSubject: Undelivered\nMIME-Version: 1.0\n"
        "Content-Type: multipart/report; report-type=delivery-status; boundary=b\n\n"
        f"--b\nContent-Type: message/delivery-status\n\n{fields.format(sent.recipient)}\n"
        f"--b\nContent-Type: text/rfc822-headers\n\nMessage-ID: <{sent.mail_id}>\n\n--b--\n"
    ).encode()
    with capture_logs() as lines:
        for _ in range(2):
            room.put(report, sender="")
            room.intake.once()
    (bounced,) = [line for line in lines if line["event"] == "bounced"]
    assert (bounced["outbox"], bounced["notice"], bounced["recipient"]) == (sent.id, "acknowledgement", CUSTOMER)
    assert (bounced["message"], bounced["ticket"]) == (sent.mail_id, room.tickets()[0].ticket.number)
    assert bounced["reason"].startswith("5.1.1")


def test_a_mail_by_pipe_is_logged_as_received_too(room):
    """pipe.py itself has no log to write to."""
    raw = mail(CUSTOMER, SUPPORT, "Hello", "Text")
    spool_id = spool.put(room.root, spool.Envelope(door="pipe", sender=CUSTOMER, recipients=(SUPPORT,)), [raw])
    with capture_logs() as lines:
        room.intake.once()
    assert [line["event"] for line in lines[:3]] == ["received", "routed", "opened"]
    received = {key: lines[0][key] for key in ("spool", "door", "sender", "recipients", "size")}
    assert received == {
        "spool": spool_id,
        "door": "pipe",
        "sender": CUSTOMER,
        "recipients": 1,
        "size": len(raw),
    }


def test_a_replay_is_logged_as_one(room):
    raw = mail(CUSTOMER, SUPPORT, "Hello", "Text")
    spool_id = room.put(raw)
    room.intake.once()
    room.put(raw, id=spool_id)
    with capture_logs() as lines:
        room.intake.once()
    assert [(each["event"], each["reason"], each["outcome"]) for each in lines] == [("duplicate", "replay", "opened")]


@pytest.mark.parametrize(
    ("age", "looked", "answered"),
    [
        (0, 1, True),
        (23, 1, True),
        (25, 1, False),  # a person moved it there, or it is part of a backfill
        (25, 48, True),  # it came while we were down: its author still waits for a word
        (49, 48, False),
        (0, 0, True),  # at first contact
        (25, 0, False),
    ],
)
def test_old_mail_is_answered_only_where_we_were_down(room, age, looked, answered):
    room.put_imap(mail(CUSTOMER, SUPPORT, "Hello", "Text"), age=age, looked=looked)
    room.intake.once()
    assert room.acknowledged() == ([CUSTOMER] if answered else [])
    assert len(room.tickets()) == 1


@pytest.mark.parametrize(
    ("account", "to", "department"),
    [
        ("sales", "somebody@else.example", "Sales"),  # the account's own
        ("sales", SUPPORT, "Support"),  # a recipient header names another
        ("gone from the config", "somebody@else.example", "Support"),  # the first one there is
    ],
)
def test_whose_a_mail_from_a_mailbox_is(room, account, to, department):
    room.put_imap(mail(CUSTOMER, to, "Hello", "Text"), account=account)
    room.intake.once()
    (line,) = room.tickets()
    assert room.store.read(lambda conn: departments.get(conn, line.ticket.department_id)).name == department
