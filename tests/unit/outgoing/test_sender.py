"""The outbox emptied through a real relay dialogue: every end, crashes, leases, and that one mail never stops another."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from structlog.testing import capture_logs

from helpdeskd import config
from helpdeskd.desk import delivery
from helpdeskd.desk.context import Part
from helpdeskd.errors import NoRoom, StoreDown
from helpdeskd.model.outgoing import Ended, NoticeName, OutboxState, Sent
from helpdeskd.model.ticket import History
from helpdeskd.outgoing.sender import Counts
from helpdeskd.store import outbox, schema
from helpdeskd.store.engine import open_store
from tests.sink import DROP
from tests.unit.outgoing.house import JANE, START, House, a_desk, body, parsed

# Every end


async def test_a_temporary_no_is_tried_again_with_the_same_bytes(house):
    row_id = house.queue()
    sender = house.sender()
    house.sink.say("dot", "451 4.7.1 greylisted, come back")
    assert await sender.once() == Counts(deferred=1)
    row = house.row(row_id)
    assert (row.state, row.attempts) == (OutboxState.DEFERRED, 1)
    assert row.last_reply.startswith("451 4.7.1 greylisted, come back")
    assert row.next_at == START + timedelta(minutes=1)
    frozen = row.raw_sha256
    assert await sender.once() == Counts()  # not due yet
    house.now += timedelta(minutes=2)
    house.desk = replace(house.desk, settings=config.Desk(marker="## another marker, set meanwhile ##"))
    assert await house.sender().once() == Counts(sent=1)
    assert house.row(row_id).raw_sha256 == frozen
    first, second = house.sink.mails
    assert first.data == second.data
    assert not house.row(row_id).possibly_twice


async def test_nobody_listens_for_five_days(house):
    house.settings["relay"] = "127.0.0.1:1"
    row_id = house.queue()
    ends = []
    for _ in range(60):
        counts = await house.sender().once()
        ends.append(counts)
        row = house.row(row_id)
        if row.state is not OutboxState.DEFERRED:
            break
        house.now = row.next_at
    assert row.state is OutboxState.FAILED
    assert house.now == START + timedelta(days=5)
    assert ends[-1] == Counts(failed=1)
    assert ends[:-1] == [Counts(deferred=1)] * (len(ends) - 1)
    assert len(house.attempts(row_id)) == row.attempts == len(ends)
    (entry,) = house.happened(History.MAIL_FAILED)
    assert entry["recipient"] == JANE
    assert "127.0.0.1:1" in str(entry["words"])


async def test_a_mail_that_waited_for_its_first_try_has_its_five_days_still(house):
    row_id = house.queue()
    house.now += timedelta(days=30)
    house.sink.say("rcpt", "450 4.2.0 later")
    assert await house.sender().once() == Counts(deferred=1)
    assert house.row(row_id).state is OutboxState.DEFERRED


async def test_a_refusal_is_the_end_and_stands_in_the_ticket(house):
    house.sink.refuse(JANE, "550 5.1.1 no such user")
    row_id = house.queue()
    with capture_logs() as logs:
        assert await house.sender().once() == Counts(failed=1)
    row = house.row(row_id)
    assert (row.state, row.attempts) == (OutboxState.FAILED, 1)
    (entry,) = house.happened(History.MAIL_FAILED)
    assert entry["notice"] == "acknowledgement"
    assert entry["mail_id"] == "ours-1@example.org"
    assert str(entry["words"]).startswith("550 5.1.1 no such user")
    (told,) = [line for line in logs if line["event"] == "failed"]
    assert (told["ticket"], told["recipient"]) == (482915, JANE)
    house.now += timedelta(days=1)
    assert await house.sender().once() == Counts()


async def test_a_lost_answer_is_told_to_the_one_who_has_the_ticket(house):
    house.sink.refuse(JANE, "550 5.1.1 no such user")
    house.sink.refuse("ada@example.org", "550 5.2.1 moved away")
    row = house.answer("Pull the plug.")
    assert await house.sender().once() == Counts(failed=2)  # the answer, and the notice of it: and that is the end
    told = house.store.read(lambda conn: outbox.list_rows(conn, ticket_id=house.ticket.id))
    assert [(each.notice, each.recipient, each.state) for each in told if each.id >= row.id] == [
        (NoticeName.STAFF_REPLY, JANE, OutboxState.FAILED),
        (NoticeName.DELIVERY_FAILED, "ada@example.org", OutboxState.FAILED),
    ]
    assert [entry["notice"] for entry in house.happened(History.MAIL_FAILED)] == ["staff_reply", "delivery_failed"]
    # Ada is back, and has it sent again.
    house.sink.refuse("ada@example.org", "250 2.1.5 Ok")
    house.write(lambda conn: delivery.retry(conn, house.now, told[-1].id, None))
    assert await house.sender().once() == Counts(sent=1)
    (caught,) = house.sink.to("ada@example.org")
    assert f"The answer did not reach {JANE}." in body(caught)
    assert "The reason: 550 5.1.1 no such user (at RCPT)" in body(caught)
    assert house.desk.tokens.read(str(parsed(caught)["Reply-To"]).partition("+")[2].partition("@")[0]) is not None


async def test_one_that_was_given_up_and_is_asked_for_again_has_five_days_again(house):
    house.settings["relay"] = "127.0.0.1:1"
    row_id = house.queue()
    for turn in range(2):
        begun = house.now
        for _ in range(60):
            await house.sender().once()
            row = house.row(row_id)
            if row.state is not OutboxState.DEFERRED:
                break
            house.now = row.next_at
        assert (row.state, house.now) == (OutboxState.FAILED, begun + timedelta(days=5)), turn
        house.write(lambda conn: outbox.again(conn, row_id, house.now))
    # and the short first steps: the second round began as the first did
    steps = [each.at - begun for each in house.attempts(row_id)]
    assert {timedelta(), timedelta(minutes=1), timedelta(minutes=6)} <= set(steps)


async def test_what_waits_survives_the_end_of_the_process(tmp_path, blobs, sink):
    """The store is closed and opened anew, as by a daemon that starts again: state, words, next try and bytes are there."""
    store = open_store(f"sqlite:///{tmp_path / 'desk.sqlite3'}")
    house = House(store, blobs, sink, a_desk())
    house.found()
    row_id = house.queue()
    sink.say("rcpt", "450 4.2.0 greylisted")
    assert await house.sender().once() == Counts(deferred=1)
    before = house.row(row_id)
    store.close()
    house.store = open_store(f"sqlite:///{tmp_path / 'desk.sqlite3'}")
    assert await house.sender().once() == Counts()  # its own start frees nothing that is not due
    assert house.row(row_id) == before
    assert (before.state, before.next_at) == (OutboxState.DEFERRED, START + timedelta(minutes=1))
    house.now = before.next_at
    assert await house.sender(owner="another").once() == Counts(sent=1)
    after = house.row(row_id)
    assert (after.raw_sha256, after.mail_id, after.attempts) == (before.raw_sha256, before.mail_id, 2)
    assert [each.ended for each in house.attempts(row_id)] == [Ended.RETRY, Ended.SENT]
    house.store.close()


async def test_one_bad_recipient_never_stops_the_others(house):
    house.sink.refuse("gone@example.net", "550 5.1.1 gone")
    house.sink.refuse("full@example.net", "452 4.2.2 full")
    names = ["a", "gone", "b", "full", "not an address", "c"]
    ids = {name: house.queue(recipient=f"{name}@example.net") for name in names}
    assert await house.sender().once() == Counts(sent=3, deferred=1, failed=2)
    states = {name: house.row(row_id).state for name, row_id in ids.items()}
    assert states == {
        "a": OutboxState.SENT,
        "gone": OutboxState.FAILED,
        "b": OutboxState.SENT,
        "full": OutboxState.DEFERRED,
        "not an address": OutboxState.FAILED,
        "c": OutboxState.SENT,
    }


async def test_a_drop_after_the_dot_notice(house):
    house.sink.say("dot", DROP)
    row_id = house.queue()
    assert await house.sender().once() == Counts(unknown=1)
    row = house.row(row_id)
    assert row.state is OutboxState.UNKNOWN
    (entry,) = house.happened(History.MAIL_UNKNOWN)
    assert entry["recipient"] == JANE
    house.now += timedelta(days=1)
    assert await house.sender().once() == Counts()
    assert len(house.sink.mails) == 1


async def test_a_drop_after_the_dot_staff_reply(house):
    house.sink.say("dot", DROP)
    row = house.answer("Pull the plug.")
    assert await house.sender().once() == Counts(deferred=1)
    row = house.row(row.id)
    assert (row.state, row.possibly_twice) == (OutboxState.QUEUED, True)
    assert row.next_at > house.now
    assert house.happened(History.MAIL_UNKNOWN) == []
    house.now = row.next_at
    assert await house.sender().once() == Counts(sent=1)
    first, second = house.sink.mails
    assert first.data == second.data
    assert house.row(row.id).possibly_twice


async def test_a_staff_reply_that_never_gets_an_answer_ends_as_unknown(house):
    house.sink.always("dot", DROP)
    row = house.answer("Pull the plug.")
    for _ in range(60):
        await house.sender().once()
        row = house.row(row.id)
        if row.state is not OutboxState.QUEUED:
            break
        house.now = row.next_at
    assert row.state is OutboxState.UNKNOWN
    assert [entry["notice"] for entry in house.happened(History.MAIL_UNKNOWN)] == ["staff_reply", "delivery_failed"]
    # the one who has the ticket is told, and not that it did not arrive
    (told,) = house.sink.to("ada@example.org")
    assert f"Nobody knows whether the answer reached {JANE}." in body(told)
    assert "It is not sent again by itself.\n" in body(told)


# Crashes


class Crash(BaseException):
    """Not even an Exception: what a killed process leaves behind."""


class DiesAfterSending:
    """A relay that takes the mail and then the process is gone."""

    def __init__(self) -> None:
        self.taken: list[bytes] = []
        self.configured = True

    async def send(self, sender: str, recipient: str, raw: bytes, before_dot: Callable[[], Any]) -> Sent:
        await before_dot()
        self.taken.append(raw)
        raise asyncio.CancelledError

    async def close(self) -> None:
        return


async def test_a_crash_after_the_dot(house):
    notice, reply = house.queue(), house.answer("Pull the plug.").id
    dying = DiesAfterSending()
    await house.sender(relay=dying).once()
    assert {house.row(row_id).state for row_id in (notice, reply)} == {OutboxState.SENDING}
    assert len(dying.taken) == 2

    with capture_logs() as logs:
        assert await house.sender().once() == Counts(sent=1, deferred=1, unknown=1)
    assert house.row(notice).state is OutboxState.UNKNOWN
    row = house.row(reply)
    assert (row.state, row.possibly_twice) == (OutboxState.SENT, True)
    (again,) = house.sink.mails
    assert again.data in dying.taken
    assert parsed(again)["Message-ID"] == f"<{row.mail_id}>"
    (entry,) = house.happened(History.MAIL_UNKNOWN)
    assert entry["notice"] == "acknowledgement"
    assert "unknown" in [line["event"] for line in logs]


async def test_cut_off_before_the_dot_nothing_is_uncertain(house):
    class Stuck(DiesAfterSending):
        async def send(self, sender, recipient, raw, before_dot):
            self.taken.append(raw)
            stop.set()
            await asyncio.Event().wait()

    house.settings["timeout_seconds"] = 0.2
    notice, stuck, stop = house.queue(), Stuck(), asyncio.Event()
    await house.sender(relay=stuck).run(stop)
    assert len(stuck.taken) == 1
    row = house.row(notice)
    assert (row.state, row.owner) == (OutboxState.QUEUED, "")
    assert await house.sender().once() == Counts(sent=1)
    assert len(house.sink.mails) == 1


async def test_rows_another_node_died_with_come_free_with_their_lease(house):
    row_id = house.queue()
    house.write(lambda conn: outbox.claim_due(conn, house.now, "node-2", 120, 10))
    assert await house.sender().once() == Counts()
    house.now += timedelta(seconds=121)
    assert await house.sender().once() == Counts(sent=1)
    assert house.row(row_id).owner == ""


async def test_a_row_that_was_lost_before_the_dialogue_is_not_sent(house):
    """Between our claim and our mark another node took it over."""
    row_id = house.queue()
    sender = house.sender()
    prepare = sender._prepare

    def slow(row):
        made = prepare(row)
        house.now += timedelta(seconds=500)
        house.write(lambda conn: outbox.claim_due(conn, house.now, "node-2", 120, 10))
        return made

    sender._prepare = slow
    with capture_logs() as logs:
        assert await sender.once() == Counts()
    assert not house.sink.mails
    assert house.row(row_id).owner == "node-2"
    assert "the lease was lost" in [line.get("error") for line in logs]


async def test_the_lease_is_renewed_while_a_send_lives(house):
    house.settings["lease_seconds"] = 0.06
    row_id = house.queue()
    gate = house.sink.hold()
    sending = asyncio.ensure_future(house.sender().once())
    await house.sink.arrived(1)
    first = house.row(row_id).lease_until
    house.now += timedelta(seconds=1)
    await until(house, lambda: house.row(row_id).lease_until != first)
    assert house.row(row_id).state is OutboxState.SENDING
    gate.set()
    assert await sending == Counts(sent=1)


# What cannot become a mail


async def test_a_broken_template_parks_its_mail_and_no_other(house, tmp_path):
    folder = tmp_path / "own" / "mail" / "acknowledgement"
    folder.mkdir(parents=True)
    (folder / "body.txt").write_text("fine\n{{ tickt.number }}\n")
    house.override = tmp_path / "own"
    broken, fine = house.queue(), house.queue(NoticeName.TICKET_CLOSED)
    with capture_logs() as logs:
        assert await house.sender().once() == Counts(sent=1, failed=1)
    row = house.row(broken)
    assert row.state is OutboxState.FAILED
    assert row.raw_sha256 is None
    assert "acknowledgement/body.txt, line 2: 'tickt' is undefined" in row.last_reply
    (entry,) = house.happened(History.MAIL_FAILED)
    assert "line 2" in str(entry["words"])
    assert house.row(fine).state is OutboxState.SENT
    assert "line 2" in next(line["reason"] for line in logs if line["event"] == "failed")
    # Repaired, and asked for again: it goes out.
    (folder / "body.txt").write_text("fine\n")
    house.write(lambda conn: outbox.again(conn, broken, house.now))
    assert await house.sender().once() == Counts(sent=1)
    assert body(house.sink.mails[-1]) == "fine"


async def test_a_file_that_is_gone_fails_its_mail_and_no_other(house):
    house.blobs.put(b"another")  # where there is none at all, it is the store that is down
    house.answer("With a file.", parts=(Part("lost.bin", "application/x-lost", 5, "0" * 64),))
    fine = house.queue()
    with capture_logs() as logs:
        assert await house.sender().once() == Counts(sent=2, failed=1)  # the second tells Ada of the first
    assert house.row(fine).state is OutboxState.SENT
    assert "trouble" in [line["event"] for line in logs]
    assert "blob" in body(house.sink.to("ada@example.org")[0])
    (entry,) = house.happened(History.MAIL_FAILED)
    assert "blob" in str(entry["words"])


async def test_a_relay_that_raises_leaves_an_uncertain_mail(house):
    class Broken(DiesAfterSending):
        async def send(self, sender, recipient, raw, before_dot):
            await before_dot()
            raise KeyError("a fault of ours")

    notice, reply = house.queue(), house.answer("Pull the plug.").id
    with capture_logs():
        assert await house.sender(relay=Broken()).once() == Counts(deferred=1, unknown=1)
    assert house.row(notice).state is OutboxState.UNKNOWN
    assert house.row(reply).possibly_twice


# Temporary trouble


async def test_a_full_disk_costs_no_mail(house):
    row_id = house.queue()
    sender = house.sender()

    def full(data):
        raise NoRoom("no space left")

    sender.blobs = type("Full", (), {"put": staticmethod(full), "get": house.blobs.get})()
    with capture_logs(), pytest.raises(NoRoom):
        await sender.once()
    row = house.row(row_id)
    assert (row.state, row.attempts, row.owner) == (OutboxState.QUEUED, 0, "")
    assert await house.sender().once() == Counts(sent=1)


async def test_the_relays_answer_is_not_lost_to_a_store_that_is_down_for_a_moment(house, monkeypatch):
    monkeypatch.setattr("helpdeskd.outgoing.sender._PAUSE_SECONDS", 0)
    row_id = house.queue()
    real, failures = outbox.ended, iter([True, True, False])

    def ended(*args, **kwargs):
        if next(failures):
            raise StoreDown("the database is locked")
        return real(*args, **kwargs)

    monkeypatch.setattr(outbox, "ended", ended)
    with capture_logs():
        assert await house.sender().once() == Counts(sent=1)
    assert house.row(row_id).state is OutboxState.SENT
    assert len(house.sink.mails) == 1


# Trial and misconfiguration


@pytest.mark.parametrize(("settings", "words"), [({"hold": True}, "outgoing.hold"), ({"relay": ""}, "outgoing.relay")])
async def test_nothing_is_claimed_on_hold_or_without_a_relay(house, settings, words):
    house.settings.update(settings)
    row_id = house.queue()
    sender, stop = house.sender(), asyncio.Event()
    with capture_logs() as logs:
        assert await sender.once() == Counts()
        running = asyncio.ensure_future(sender.run(stop))
        while len([line for line in logs if line["event"] == "warning"]) < 2:
            await asyncio.sleep(0)
        sender.wake()
        stop.set()
        await running
    assert all(words in line["warning"] for line in logs if line["event"] == "warning")
    row = house.row(row_id)
    assert (row.state, row.owner, row.attempts) == (OutboxState.QUEUED, "", 0)


# The loop


async def test_the_loop_sends_what_comes_and_stops_in_good_order(house):
    sender, stop = house.sender(), asyncio.Event()
    house.store.writer.after_commit(sender.wake)
    sender.wake()  # before it runs: nothing happens
    running = asyncio.ensure_future(sender.run(stop))
    for number in range(1, 4):
        await asyncio.to_thread(house.queue)
        await house.sink.arrived(number)
    stop.set()
    await running
    sender.wake()  # nor after
    assert sender.counts == {OutboxState.SENT: 3}
    assert house.store.read(outbox.counts)[OutboxState.SENT] == 3


async def test_a_backlog_goes_out_over_a_few_connections(house):
    house.settings["connections"] = 3
    for number in range(40):
        house.queue(recipient=f"r{number}@example.net")
    assert await house.sender().once() == Counts(sent=40)
    assert house.sink.connections <= 3
    assert {mail.recipients[0] for mail in house.sink.mails} == {f"r{n}@example.net" for n in range(40)}


async def test_a_stop_finishes_the_dialogue_and_gives_the_rest_back(house):
    house.settings["connections"] = 1
    first, second = house.queue(), house.queue()
    gate = house.sink.hold()
    sender, stop = house.sender(), asyncio.Event()
    running = asyncio.ensure_future(sender.run(stop))
    await house.sink.arrived(1)
    stop.set()
    while not sender._stopping:
        await asyncio.sleep(0)
    gate.set()
    await running
    assert house.row(first).state is OutboxState.SENT
    row = house.row(second)
    assert (row.state, row.owner, row.attempts) == (OutboxState.QUEUED, "", 0)
    assert len(house.sink.mails) == 1


async def test_a_stop_does_not_wait_for_ever(house):
    house.settings["timeout_seconds"] = 0.2
    row_id = house.queue()
    house.sink.hold()
    sender, stop = house.sender(), asyncio.Event()
    running = asyncio.ensure_future(sender.run(stop))
    await house.sink.arrived(1)
    stop.set()
    await running
    assert house.row(row_id).state is OutboxState.SENDING  # found as uncertain at the next start


async def test_a_store_that_is_down_at_the_start_is_waited_for(house, monkeypatch):
    monkeypatch.setattr("helpdeskd.outgoing.sender._PAUSE_SECONDS", 0.01)
    house.queue()
    real, failures = outbox.recover, iter([True, True])

    def recover(*args, **kwargs):
        if next(failures, False):
            raise StoreDown("the database is locked")
        return real(*args, **kwargs)

    monkeypatch.setattr(outbox, "recover", recover)
    sender, stop = house.sender(), asyncio.Event()
    with capture_logs():
        running = asyncio.ensure_future(sender.run(stop))
        await house.sink.arrived(1)
        stop.set()
        await running
    assert sender.counts == {OutboxState.SENT: 1}


def a_dead_node_had(house: House, *, sending: bool) -> int:
    """A row that node-2 claimed, and perhaps began to send, before it died; its lease is over."""
    row_id = house.queue()

    def take(conn):
        long_ago = house.now - timedelta(hours=1)
        conn.execute(schema.outbox.update().where(schema.outbox.c.id == row_id).values(next_at=long_ago))
        (claimed,) = outbox.claim_due(conn, long_ago, "node-2", 120, 1)
        assert claimed.id == row_id
        if sending:
            outbox.sending(conn, row_id, "0" * 64, "node-2", long_ago)

    house.write(take)
    return row_id


async def until(house: House, condition: Callable[[], bool]) -> None:
    """Waits for what a commit of anybody's brings about."""
    committed, loop = asyncio.Event(), asyncio.get_running_loop()

    def ring() -> None:
        loop.call_soon_threadsafe(committed.set)

    house.store.writer.after_commit(ring)
    while not condition():
        await committed.wait()
        committed.clear()


async def test_a_living_node_takes_over_from_a_dead_one(house):
    house.settings["lease_seconds"] = 0.06
    house.now += timedelta(hours=2)
    sender, stop = house.sender(), asyncio.Event()
    running = asyncio.ensure_future(sender.run(stop))
    house.queue(recipient="first@example.net")
    await house.sink.arrived(1)  # it is past its own start
    cut_off = a_dead_node_had(house, sending=True)
    with capture_logs():
        await until(house, lambda: house.row(cut_off).state is OutboxState.UNKNOWN)
    claimed = a_dead_node_had(house, sending=False)
    await house.sink.arrived(2)
    await until(house, lambda: house.row(claimed).state is OutboxState.SENT)
    stop.set()
    await running
    assert len(house.happened(History.MAIL_UNKNOWN)) == 1


async def test_without_renewed_leases_nothing_is_sent(house, monkeypatch):
    """The sender ends with the fault, and whoever runs it starts it again."""
    house.settings["lease_seconds"] = 0.03

    def broken(*args, **kwargs):
        raise KeyError("a fault of ours")

    sender = house.sender()
    running = asyncio.ensure_future(sender.run(asyncio.Event()))
    house.queue()
    await house.sink.arrived(1)
    monkeypatch.setattr(outbox, "recover", broken)
    with pytest.raises(KeyError, match="a fault of ours"):
        await running
