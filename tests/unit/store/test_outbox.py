"""The outbox: claims never overlap, leases run out, and what nobody can know is decided by whose words they are."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import Connection

from helpdeskd.errors import Conflict, NotFound, Refused
from helpdeskd.model.outgoing import Ended, NoticeName, OutboxRow, OutboxState, Sent
from helpdeskd.store import outbox
from helpdeskd.store.engine import Store, open_store
from tests.unit.store.helpers import NOON, PATIENCE, add_department

LATER = NOON + timedelta(minutes=10)
HELD = NOON + timedelta(seconds=120)


def new(name: str, *, automatic: bool = True, due_in: float = 0, department: int = 1) -> outbox.NewMail:
    return outbox.NewMail(
        notice=NoticeName.ACKNOWLEDGEMENT if automatic else NoticeName.STAFF_REPLY,
        automatic=automatic,
        department_id=department,
        recipient=f"{name}@example.com",
        language="en",
        context={"desk": {"name": "Desk"}, "n": [1, None, True]},
        mail_id=f"{name}@desk.example",
        references=("first@example.com", "second@example.com"),
        reply_token="token",
        envelope_token=f"envelope-{name}",
        created_at=NOON,
        next_at=NOON + timedelta(seconds=due_in),
    )


@pytest.fixture
def desk(store: Store) -> Store:
    add_department(store)
    return store


def enqueue(store: Store, *mails: outbox.NewMail) -> list[int]:
    """Their ids."""

    def act(conn) -> list[int]:
        outbox.put(conn, mails)
        ids = {each.mail_id: each.id for each in outbox.list_rows(conn, limit=None)}
        return [ids[mail.mail_id] for mail in mails]

    return store.writer.run(act)


def claim(store: Store, owner: str = "here", limit: int = 10, at: timedelta = timedelta()) -> list[int]:
    rows = store.writer.run(lambda conn: outbox.claim_due(conn, NOON + at, owner, 120, limit))
    return [row.id for row in rows]


def begin(store: Store, outbox_id: int, owner: str = "here") -> None:
    store.writer.run(lambda conn: outbox.sending(conn, outbox_id, f"raw-{outbox_id}", owner, HELD))


def row(store: Store, outbox_id: int) -> OutboxRow:
    return store.read(lambda conn: outbox.get(conn, outbox_id))


def test_what_is_put_in_comes_out(desk: Store) -> None:
    (first,) = enqueue(desk, new("a"))
    found = row(desk, first)
    assert found == OutboxRow(
        id=first,
        notice=NoticeName.ACKNOWLEDGEMENT,
        automatic=True,
        department_id=1,
        ticket_id=None,
        message_id=None,
        person_id=None,
        recipient="a@example.com",
        language="en",
        context={"desk": {"name": "Desk"}, "n": [1, None, True]},
        mail_id="a@desk.example",
        references=("first@example.com", "second@example.com"),
        reply_token="token",
        envelope_token="envelope-a",
        state=OutboxState.QUEUED,
        attempts=0,
        created_at=NOON,
        next_at=NOON,
        raw_sha256=None,
        last_reply="",
        server_id="",
        possibly_twice=False,
        owner="",
        lease_until=None,
        sent_at=None,
    )
    with pytest.raises(NotFound):
        row(desk, 999)


def test_several_at_once_come_back_in_order(desk: Store) -> None:
    ids = enqueue(desk, *(new(f"n{n}") for n in range(60)))
    assert [row(desk, outbox_id).recipient for outbox_id in ids] == [f"n{n}@example.com" for n in range(60)]
    assert enqueue(desk) == []


def test_a_message_id_is_used_once(desk: Store) -> None:
    enqueue(desk, new("a"))
    with pytest.raises(Conflict):
        enqueue(desk, new("a"))


def test_claims_take_what_is_due_the_longest_due_first(desk: Store) -> None:
    late, soon, early = enqueue(desk, new("late", due_in=60), new("soon", due_in=-5), new("early", due_in=-60))
    assert claim(desk) == [early, soon]
    assert claim(desk) == []  # held
    assert claim(desk, at=timedelta(seconds=61)) == [late]
    held = row(desk, early)
    assert (held.owner, held.lease_until, held.state) == ("here", HELD, OutboxState.QUEUED)


def test_claims_keep_to_their_limit(desk: Store) -> None:
    ids = enqueue(desk, *(new(f"n{n}") for n in range(5)))
    assert claim(desk, limit=2) == ids[:2]
    assert claim(desk, limit=2) == ids[2:4]
    assert claim(desk, limit=2) == ids[4:]


def test_a_claim_whose_lease_is_over_is_free(desk: Store) -> None:
    (first,) = enqueue(desk, new("a"))
    assert claim(desk, "gone") == [first]
    assert claim(desk, "here", at=timedelta(seconds=119)) == []
    assert claim(desk, "here", at=timedelta(seconds=121)) == [first]
    with pytest.raises(Conflict):
        begin(desk, first, "gone")
    begin(desk, first, "here")


def test_renewed_leases_hold(desk: Store) -> None:
    first, second = enqueue(desk, new("a"), new("b"))
    claim(desk)
    assert desk.writer.run(lambda conn: outbox.renew(conn, [first, second, 99], "here", LATER)) == {first, second}
    assert desk.writer.run(lambda conn: outbox.renew(conn, [first], "there", LATER)) == set()
    assert claim(desk, "there", at=timedelta(seconds=121)) == []
    begin(desk, first)
    assert desk.writer.run(lambda conn: outbox.renew(conn, [first], "here", LATER)) == {first}


def test_released_rows_are_free_at_once(desk: Store) -> None:
    first, second = enqueue(desk, new("a"), new("b"))
    claim(desk)
    begin(desk, second)
    desk.writer.run(lambda conn: outbox.release(conn, [first, second], "here"))
    assert claim(desk, "there") == [first]  # the other one is being sent


def test_marking_freezes_the_bytes_and_happens_once(desk: Store) -> None:
    (first,) = enqueue(desk, new("a"))
    with pytest.raises(Conflict):
        begin(desk, first)  # not claimed
    claim(desk)
    begin(desk, first)
    assert (row(desk, first).state, row(desk, first).raw_sha256) == (OutboxState.SENDING, f"raw-{first}")
    with pytest.raises(Conflict):
        begin(desk, first)
    assert claim(desk, at=timedelta(days=1)) == []  # only recover may touch it


@pytest.mark.parametrize("both", ["two connections", "two threads of one"])
def test_two_owners_never_get_the_same_row(store_url: str, both: str) -> None:
    first = open_store(store_url)
    second = open_store(store_url) if both == "two connections" else first
    try:
        add_department(first)
        ids = set(enqueue(first, *(new(f"n{n}") for n in range(200))))
        got: dict[str, list[int]] = {"one": [], "two": []}
        start = threading.Barrier(2)

        def drain(owner: str, store: Store) -> None:
            start.wait(PATIENCE)
            while batch := claim(store, owner, limit=3):
                got[owner].extend(batch)

        threads = [threading.Thread(target=drain, args=pair) for pair in (("one", first), ("two", second))]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
        assert len(got["one"]) + len(got["two"]) == 200
        assert set(got["one"]) | set(got["two"]) == ids
    finally:
        first.close()
        second.close()


def test_a_claim_passes_over_rows_that_another_node_is_just_claiming(postgres_url: str) -> None:
    store = open_store(postgres_url)
    try:
        add_department(store)
        ids = enqueue(store, *(new(f"n{n}") for n in range(4)))
        with store.engine.begin() as other:
            taken = outbox.claim_due(other, NOON, "there", 120, 2)
            assert claim(store, "here") == ids[2:]  # without waiting for the other's commit
        assert [found.id for found in taken] == ids[:2]
        assert row(store, ids[0]).owner == "there"
    finally:
        store.close()


def end(store: Store, outbox_id: int, sent: Sent, state: OutboxState, *, next_in: float | None = None) -> bool:
    next_at = None if next_in is None else NOON + timedelta(seconds=next_in)
    return store.writer.run(lambda conn: outbox.ended(conn, outbox_id, sent, NOON, next_at, state, owner="here"))


def test_every_attempt_is_written_down_and_the_row_tells_the_last(desk: Store) -> None:
    (first,) = enqueue(desk, new("a"))
    claim(desk)
    begin(desk, first)
    busy = Sent(Ended.RETRY, 451, "451 4.7.1 come back later")
    assert end(desk, first, busy, OutboxState.DEFERRED, next_in=300)
    deferred = row(desk, first)
    assert (deferred.state, deferred.attempts, deferred.last_reply) == (OutboxState.DEFERRED, 1, busy.words)
    assert (deferred.owner, deferred.lease_until, deferred.sent_at) == ("", None, None)
    assert deferred.next_at == NOON + timedelta(seconds=300)
    assert not deferred.possibly_twice
    assert claim(desk, at=timedelta(seconds=299)) == []
    assert claim(desk, at=timedelta(seconds=300)) == [first]
    begin(desk, first)
    assert end(desk, first, Sent(Ended.SENT, 250, "250 2.0.0 queued as ABC", "ABC"), OutboxState.SENT)
    sent = row(desk, first)
    assert (sent.state, sent.attempts, sent.server_id, sent.sent_at) == (OutboxState.SENT, 2, "ABC", NOON)
    tries = desk.read(lambda conn: outbox.attempts(conn, first))
    assert [(one.ended, one.code) for one in tries] == [(Ended.RETRY, 451), (Ended.SENT, 250)]


def test_an_uncertain_end_that_is_tried_again_is_marked(desk: Store) -> None:
    (first,) = enqueue(desk, new("a", automatic=False))
    claim(desk)
    begin(desk, first)
    assert end(desk, first, Sent(Ended.UNCERTAIN, 0, "connection lost"), OutboxState.DEFERRED, next_in=60)
    assert row(desk, first).possibly_twice


def test_an_answer_that_comes_after_another_took_over_is_kept_but_decides_nothing(desk: Store) -> None:
    (first,) = enqueue(desk, new("a", automatic=False))
    claim(desk)
    begin(desk, first)
    desk.writer.run(lambda conn: outbox.recover(conn, "there", LATER))
    desk.writer.run(lambda conn: outbox.claim_due(conn, LATER, "there", 120, 1))
    assert not end(desk, first, Sent(Ended.RETRY, 421, "421 bye"), OutboxState.DEFERRED, next_in=60)
    assert (row(desk, first).owner, row(desk, first).state) == ("there", OutboxState.QUEUED)
    assert len(desk.read(lambda conn: outbox.attempts(conn, first))) == 2


def test_a_late_answer_to_a_row_that_nobody_holds_is_the_truth(desk: Store) -> None:
    (first,) = enqueue(desk, new("a"))
    claim(desk)
    begin(desk, first)
    desk.writer.run(lambda conn: outbox.recover(conn, "there", LATER))
    assert row(desk, first).state is OutboxState.UNKNOWN
    assert end(desk, first, Sent(Ended.SENT, 250, "250 ok"), OutboxState.SENT)
    assert row(desk, first).state is OutboxState.SENT


@pytest.fixture
def interrupted(desk: Store) -> Iterator[tuple[Store, int, int]]:
    """A notice and a person's own words, both between the final dot and the answer."""
    notice, words = enqueue(desk, new("notice"), new("words", automatic=False))
    claim(desk)
    begin(desk, notice)
    begin(desk, words)
    yield desk, notice, words


def test_at_our_own_start_what_we_were_sending_is_decided_at_once(interrupted: tuple[Store, int, int]) -> None:
    store, notice, words = interrupted
    found = store.writer.run(lambda conn: outbox.recover(conn, "here", NOON, starting=True))
    assert [one.id for one in found] == [notice, words]
    lost, again = found
    assert (lost.state, lost.possibly_twice, lost.attempts) == (OutboxState.UNKNOWN, False, 1)
    assert (again.state, again.possibly_twice, again.attempts) == (OutboxState.QUEUED, True, 1)
    assert again.raw_sha256 == f"raw-{words}"  # the same bytes
    assert again.mail_id == "words@desk.example"
    assert claim(store) == [words]
    tries = store.read(lambda conn: outbox.attempts(conn, notice))
    assert [(one.ended, one.words) for one in tries] == [(Ended.UNCERTAIN, outbox.CUT_OFF)]
    assert store.writer.run(lambda conn: outbox.recover(conn, "here", NOON, starting=True)) == []


def test_while_we_run_our_own_sends_are_left_alone(interrupted: tuple[Store, int, int]) -> None:
    store, _, _ = interrupted
    assert store.writer.run(lambda conn: outbox.recover(conn, "here", NOON)) == []


def test_another_node_waits_until_the_lease_is_over(interrupted: tuple[Store, int, int]) -> None:
    store, notice, words = interrupted
    assert store.writer.run(lambda conn: outbox.recover(conn, "there", NOON, starting=True)) == []
    found = store.writer.run(lambda conn: outbox.recover(conn, "there", LATER))
    assert [one.id for one in found] == [notice, words]


def test_at_our_own_start_what_we_had_only_claimed_is_free(desk: Store) -> None:
    mine, theirs = enqueue(desk, new("a"), new("b"))
    assert claim(desk, "here", limit=1) == [mine]
    assert claim(desk, "there", limit=1) == [theirs]
    assert desk.writer.run(lambda conn: outbox.recover(conn, "here", NOON, starting=True)) == []
    assert claim(desk, "here") == [mine]


def test_somebody_may_ask_for_another_try(desk: Store) -> None:
    (first,) = enqueue(desk, new("a"))
    claim(desk)
    with pytest.raises(Refused, match="being sent"):
        desk.writer.run(lambda conn: outbox.again(conn, first, NOON))
    begin(desk, first)
    end(desk, first, Sent(Ended.REFUSED, 550, "550 no such user"), OutboxState.FAILED)
    assert claim(desk, at=timedelta(days=1)) == []
    again = desk.writer.run(lambda conn: outbox.again(conn, first, LATER))
    assert (again.state, again.next_at, again.possibly_twice) == (OutboxState.QUEUED, LATER, False)
    desk.writer.run(lambda conn: outbox.claim_due(conn, LATER, "here", 1, 1))
    begin(desk, first)
    desk.writer.run(lambda conn: outbox.recover(conn, "here", LATER, starting=True))
    assert desk.writer.run(lambda conn: outbox.again(conn, first, LATER)).possibly_twice


def test_another_try_has_its_days_and_first_steps_anew(desk: Store) -> None:
    (first,) = enqueue(desk, new("a"))
    for _ in range(2):
        claim(desk)
        end(desk, first, Sent(Ended.RETRY, 450, "450 later"), OutboxState.DEFERRED)
    end(desk, first, Sent(Ended.REFUSED, 550, "550 no"), OutboxState.FAILED)
    desk.writer.run(lambda conn: outbox.again(conn, first, LATER, "by Ada"))
    tries = desk.read(lambda conn: outbox.attempts(conn, first))
    assert [(one.ended, one.words) for one in tries][-2:] == [(Ended.REFUSED, "550 no"), (Ended.ASKED, "by Ada")]
    assert row(desk, first).attempts == 0
    assert outbox.first_try(tries[:-1]) == NOON
    assert outbox.first_try(tries) is None
    # One that waits is only tried sooner.
    desk.writer.run(lambda conn: outbox.again(conn, first, NOON))
    assert len(desk.read(lambda conn: outbox.attempts(conn, first))) == len(tries)


def test_what_was_sent_is_not_sent_again(desk: Store) -> None:
    (first,) = enqueue(desk, new("a"))
    end(desk, first, Sent(Ended.SENT, 250, "250 ok"), OutboxState.SENT)
    with pytest.raises(Refused, match="was sent"):
        desk.writer.run(lambda conn: outbox.again(conn, first, LATER))


def test_only_what_waits_is_cancelled(desk: Store) -> None:
    waits, held, over = enqueue(desk, new("a", due_in=1), new("b"), new("c", due_in=1))
    assert claim(desk) == [held]
    end(desk, over, Sent(Ended.REFUSED, 550, "550 no"), OutboxState.FAILED)
    assert desk.writer.run(lambda conn: outbox.cancel(conn, waits, NOON)).state is OutboxState.CANCELLED
    with pytest.raises(Refused, match=f"mail {held} is being sent"):
        desk.writer.run(lambda conn: outbox.cancel(conn, held, NOON))
    with pytest.raises(Refused, match=f"mail {over} does not wait any more: it is failed"):
        desk.writer.run(lambda conn: outbox.cancel(conn, over, NOON))
    with pytest.raises(NotFound):
        desk.writer.run(lambda conn: outbox.cancel(conn, 999, NOON))
    # Whoever held it has outlived the lease: it finds that the mail is no longer its own.
    assert desk.writer.run(lambda conn: outbox.cancel(conn, held, LATER)).state is OutboxState.CANCELLED
    with pytest.raises(Conflict):
        begin(desk, held)
    assert not end(desk, held, Sent(Ended.RETRY, 450, "450 later"), OutboxState.DEFERRED)
    assert row(desk, held).state is OutboxState.CANCELLED
    assert claim(desk, at=timedelta(days=1)) == []
    # But if it went out all the same, that is the truth.
    assert end(desk, held, Sent(Ended.SENT, 250, "250 ok"), OutboxState.SENT)
    assert row(desk, held).state is OutboxState.SENT


@pytest.mark.parametrize(
    ("ended", "state", "bounces"),
    [
        (Ended.SENT, OutboxState.SENT, True),
        (Ended.UNCERTAIN, OutboxState.UNKNOWN, True),
        (Ended.UNCERTAIN, OutboxState.QUEUED, True),  # the first copy was
        (Ended.RETRY, OutboxState.DEFERRED, False),  # it cannot have left: whoever reports this lies
        (Ended.REFUSED, OutboxState.FAILED, False),  # that it is lost is known
        (None, OutboxState.SENDING, True),
        (None, OutboxState.QUEUED, False),
    ],
)
def test_what_may_have_left_may_bounce(desk: Store, ended: Ended | None, state: OutboxState, bounces: bool) -> None:
    (first,) = enqueue(desk, new("a", automatic=False))
    claim(desk)
    if ended is not None:
        end(desk, first, Sent(ended, 0, "words"), state)
    elif state is OutboxState.SENDING:
        begin(desk, first)
    found = desk.writer.run(lambda conn: outbox.bounced(conn, first, "550 nobody"))
    assert (found is not None) == bounces
    assert row(desk, first).state is (OutboxState.BOUNCED if bounces else state)
    assert desk.writer.run(lambda conn: outbox.bounced(conn, first, "550 nobody")) is None, "no news"
    if bounces:
        assert row(desk, first).last_reply == "550 nobody"
        assert claim(desk, at=timedelta(days=1)) == []


def test_the_relays_answer_does_not_undo_a_report_that_was_faster(desk: Store) -> None:
    (first,) = enqueue(desk, new("a"))
    claim(desk)
    begin(desk, first)
    desk.writer.run(lambda conn: outbox.bounced(conn, first, "550 nobody"))
    assert not end(desk, first, Sent(Ended.SENT, 250, "250 ok"), OutboxState.SENT)
    assert row(desk, first).state is OutboxState.BOUNCED
    assert len(desk.read(lambda conn: outbox.attempts(conn, first))) == 1


def test_lists_and_counts(desk: Store) -> None:
    first, second, third = enqueue(desk, new("a"), new("b", due_in=50), new("c", due_in=90))
    claim(desk)
    begin(desk, first)
    end(desk, first, Sent(Ended.SENT, 250, "250"), OutboxState.SENT)

    def listed(conn: Connection) -> list[int]:
        return [one.id for one in outbox.list_rows(conn, states=[OutboxState.QUEUED])]

    assert desk.read(listed) == [second, third]
    assert len(desk.read(outbox.list_rows)) == 3
    assert desk.read(lambda conn: outbox.list_rows(conn, ticket_id=1)) == []
    counts = desk.read(outbox.counts)
    assert set(counts) == set(OutboxState)
    assert (counts[OutboxState.QUEUED], counts[OutboxState.SENT], counts[OutboxState.FAILED]) == (2, 1, 0)
    assert desk.read(outbox.next_due) == NOON + timedelta(seconds=50)


@pytest.mark.parametrize(
    ("before", "us"),
    [
        ("", False),
        ("a:refused", False),
        ("b:refused", True),
        ("b:refused b:retry", True),
        ("b:refused c:sent", False),
        ("c:sent b:refused a:refused", True),
        ("b:refused c:refused d:refused e:refused s:sent", False),
        ("b:refused c:refused s:sent d:refused s:sent e:refused s:sent f:refused s:sent", True),
    ],
)
def test_a_relay_that_refuses_many_may_refuse_us(desk: Store, before: str, us: bool) -> None:
    """The last answer is always a's: refused."""

    def happened(conn) -> tuple[bool, bool]:
        for number, each in enumerate([*before.split(), "a:refused"]):
            name, ended = each.split(":")
            outbox.put(conn, [replace(new(f"{name}{number}"), recipient=f"{name}@example.com")])
            made = max(row.id for row in outbox.list_rows(conn))
            outbox.ended(conn, made, Sent(Ended(ended), 0, ""), NOON, None, OutboxState.FAILED)
        at_once, later = (outbox.refuses_us(conn, "A@example.com", NOON + timedelta(hours=n)) for n in (0, 2))
        return at_once, later

    at_once, later = desk.writer.run(happened)
    assert at_once == us
    assert later == (us and before.count("refused") < 5), "of many in between, the last hour counts"
