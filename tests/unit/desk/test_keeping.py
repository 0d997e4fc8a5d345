"""Letting go: only what [keep] names, only what nothing waits for; the ledger and a tombstone stay. On both databases."""

from __future__ import annotations

import hashlib
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select, update

from helpdeskd.config import Keep
from helpdeskd.desk import keeping, spam
from helpdeskd.desk.context import Part
from helpdeskd.desk.keeping import LetGo
from helpdeskd.errors import Refused
from helpdeskd.model.mail import Kind, Verdict
from helpdeskd.model.outgoing import NoticeName, OutboxState
from helpdeskd.model.routing import Outcome
from helpdeskd.store import arrivals, outbox, schema
from helpdeskd.store.blobs import is_referenced, referenced
from tests.unit.desk.conftest import NOW, House
from tests.unit.desk.street import Street, as_spam

DAY = timedelta(days=1)
PICTURE = hashlib.sha256(b"a picture").hexdigest()


class Kept:
    """A street whose mails are committed, and looked at `days` later."""

    def __init__(self, store, desk):
        self.store = store

        self.street = store.writer.run(lambda conn: Street(House(conn, desk)))

    def do(self, fn):
        def act(conn):
            self.street.house.conn = conn
            return fn(self.street)

        return self.store.writer.run(act)

    def finish(self):
        """Every mail has gone out."""
        self.do(lambda street: street.house.conn.execute(update(schema.outbox).values(state=OutboxState.SENT)))

    def let_go(self, days, busy=(), **keep):
        return keeping.let_go(self.store, Keep(**keep), NOW + days * DAY, busy)

    def row(self, spool_id="spool-1"):
        (row,) = self.store.read(lambda conn: arrivals.all_by_spool(conn, spool_id))
        return row

    def needs(self, sha256):
        return self.store.read(lambda conn: is_referenced(conn, sha256))

    def messages(self):
        return self.store.read(lambda conn: conn.execute(select(schema.message).order_by(schema.message.c.id)).all())


@pytest.fixture
def kept(store, desk):
    return Kept(store, desk)


def part(sha256, name="picture.png"):
    return Part(name=name, content_type="image/png", size=9, sha256=sha256)


def test_by_default_everything_is_kept(kept):
    kept.do(lambda street: street.send())
    kept.finish()
    assert not kept.let_go(100_000)
    assert kept.needs(kept.row().raw_sha256)


def test_raw_bytes_go_and_the_ledger_says_so(kept):
    kept.do(lambda street: street.send(parts=(part(PICTURE),)))
    kept.finish()
    before = kept.row()
    assert kept.needs(before.raw_sha256)
    assert kept.let_go(9, raw_days=10) == LetGo()
    assert kept.let_go(11, raw_days=10) == LetGo(raw=1)
    after = kept.row()
    assert after.let_go == "let go on 2026-03-15 by keep.raw_days"
    assert (after.raw_sha256, after.outcome, after.ticket_id) == (
        before.raw_sha256,
        Outcome.OPENED,
        before.ticket_id,
    )
    assert not kept.needs(before.raw_sha256)
    assert kept.needs(PICTURE)
    assert kept.store.read(referenced) == {PICTURE}
    assert kept.store.read(lambda conn: referenced(conn, PICTURE[:2])) == {PICTURE}
    assert kept.store.read(lambda conn: referenced(conn, "00" if PICTURE[:2] != "00" else "ff")) == set()
    assert [row.text for row in kept.messages()] == ["It burns."]
    assert kept.let_go(99, raw_days=10) == LetGo(), "once"
    assert kept.row().raw_gone_at == after.raw_gone_at


def test_the_same_bytes_named_elsewhere_stay(kept):
    """The same mail, which came again a week later; and a mail attached whole because a limit cut it."""
    first = kept.do(lambda street: street.take(street.mail(spool_id="one", mail_id="a@b.example")))
    kept.do(lambda street: street.house.later(days=8))
    kept.do(lambda street: street.take(street.mail(spool_id="two", mail_id="a@b.example")))
    kept.finish()
    assert first
    sha256 = kept.row("one").raw_sha256
    assert kept.row("two").raw_sha256 == sha256
    assert kept.let_go(11, raw_days=10) == LetGo(raw=1)
    assert kept.row("one").let_go
    assert not kept.row("two").let_go
    assert kept.needs(sha256)
    assert kept.let_go(20, raw_days=10) == LetGo(raw=1)
    assert not kept.needs(sha256)


def test_a_mail_attached_whole_keeps_its_bytes(kept):
    def come(street):
        arrived = street.mail()
        street.take(street.mail(mail_id=arrived.inbound.message_id, parts=(part(arrived.raw_sha256, "whole.eml"),)))

    kept.do(come)
    kept.finish()
    assert kept.let_go(11, raw_days=10) == LetGo(raw=1)
    assert kept.needs(kept.row("spool-2").raw_sha256)


def parked(kept):
    kept.do(lambda street: street.house.conn.execute(update(schema.arrival).values(outcome=Outcome.PARKED.value)))


def waiting(state):
    def wait(kept):
        kept.do(lambda street: street.house.conn.execute(update(schema.outbox).values(state=state)))

    return wait


@pytest.mark.parametrize(
    "hold", [parked, waiting(OutboxState.QUEUED), waiting(OutboxState.DEFERRED), waiting(OutboxState.SENDING)]
)
def test_nothing_goes_that_something_waits_for(kept, hold):
    kept.do(lambda street: street.send())
    kept.finish()
    hold(kept)
    assert not kept.let_go(100, raw_days=1, automatic_days=1, outbox_days=1)
    assert kept.needs(kept.row().raw_sha256)


def test_nothing_goes_that_is_still_in_the_spool(kept):
    kept.do(lambda street: [street.send(), street.send(subject="Another")])
    kept.finish()
    assert kept.let_go(100, raw_days=1, busy={"spool-1"}) == LetGo(raw=1)
    assert not kept.row("spool-1").let_go
    assert kept.row("spool-2").let_go


def test_a_page_at_a_time_is_everything(kept, monkeypatch):
    monkeypatch.setattr(keeping, "PAGE", 2)
    kept.do(lambda street: [street.send(subject=f"Number {n}") for n in range(5)])
    kept.finish()
    assert kept.let_go(100, raw_days=1, busy={"spool-1", "spool-2"}) == LetGo(raw=3)


def machine(street):
    """A ticket, a vacation notice with a file about its acknowledgement, and a bounce that belongs nowhere."""
    street.send()
    about = street.last(NoticeName.ACKNOWLEDGEMENT)
    street.take(street.answer(about, "carol@customer.example", "Away", kind=Kind.AUTO_REPLY, parts=(part(PICTURE),)))
    street.send("mailer@relay.example", kind=Kind.BOUNCE, text="Undeliverable", references=())


def test_automatic_messages_leave_a_tombstone(kept):
    kept.do(machine)
    kept.finish()
    assert [kept.row(f"spool-{n}").outcome for n in (1, 2, 3)] == [Outcome.OPENED, Outcome.AUTOMATIC, Outcome.HELD]
    before = kept.messages()[1]
    assert not kept.let_go(5, automatic_days=10)
    assert kept.let_go(11, automatic_days=10) == LetGo(automatic=2)
    first, after = kept.messages()
    assert (first.text, first.gone_at) == ("It burns.", None)
    assert (after.text, after.html, after.quote) == ("(let go on 2026-03-15 by keep.automatic_days)", "", "")
    assert (after.mail_id, after.author_email, after.kind) == (before.mail_id, before.author_email, before.kind)
    assert kept.row("spool-2").let_go == kept.row("spool-3").let_go == "let go on 2026-03-15 by keep.automatic_days"
    assert not kept.row("spool-1").let_go
    assert not kept.needs(PICTURE)
    assert kept.store.read(referenced) == {kept.row("spool-1").raw_sha256}
    assert kept.let_go(99, automatic_days=10) == LetGo()


def test_words_go_after_the_raw_bytes_went(kept):
    kept.do(machine)
    kept.finish()
    assert kept.let_go(11, raw_days=10, automatic_days=30) == LetGo(raw=3)
    assert kept.let_go(31, raw_days=10, automatic_days=30) == LetGo(automatic=1)
    assert kept.row("spool-2").let_go == "let go on 2026-03-15 by keep.raw_days", "what was true stays true"
    assert kept.messages()[1].text == "(let go on 2026-04-04 by keep.automatic_days)"


def test_an_answer_to_a_tombstone_finds_its_ticket(kept):
    kept.do(machine)
    kept.finish()
    kept.let_go(11, automatic_days=10)
    gone = kept.messages()[1]
    received = kept.do(
        lambda street: street.send(
            to="help@example.org", in_reply_to=(gone.mail_id,), subject="Re: Away", text="Back.", verdict=Verdict.PASS
        )
    )
    assert received.outcome is Outcome.APPENDED
    assert kept.messages()[-1].ticket_id == gone.ticket_id


def outboxed(street) -> Any:
    street.send()
    (mail,) = street.house.mails(NoticeName.ACKNOWLEDGEMENT)
    street.house.conn.execute(update(schema.outbox).values(raw_sha256="f" * 64, next_at=NOW))
    return mail.id


@pytest.mark.parametrize("state", [OutboxState.SENT, OutboxState.FAILED, OutboxState.UNKNOWN, OutboxState.CANCELLED])
def test_bytes_that_went_out_go_and_are_not_sent_again(kept, state):
    number = kept.do(outboxed)
    waiting(state)(kept)
    assert not kept.let_go(9, outbox_days=10)
    assert kept.let_go(11, outbox_days=10).outbox == len(kept.store.read(outbox.list_rows))
    row = kept.store.read(lambda conn: outbox.get(conn, number))
    assert (row.raw_sha256, row.state, row.raw_gone_at) == ("f" * 64, state, NOW + 11 * DAY)
    assert not kept.needs("f" * 64)
    with pytest.raises(Refused, match=r"let go on 2026-03-15 by keep\.outbox_days"):
        kept.do(lambda street: outbox.again(street.house.conn, number, NOW))


def test_somebody_looks_once_a_day(store):
    def due(hours):
        return store.writer.run(lambda conn: keeping.is_due(conn, NOW + timedelta(hours=hours)))

    assert [due(hours) for hours in (0, 1, 23, 24, 25, 49)] == [True, False, False, True, False, True]
    assert [due(hours) for hours in (9000, 60, 61)] == [True, True, False]  # a clock that was wrong for a while


def test_spam_that_nobody_released(kept):
    """Only spam_days lets go of what is held; then nobody can release it any more."""
    kept.do(lambda street: street.take(as_spam(street.mail())))
    assert kept.let_go(99, raw_days=10, automatic_days=10, spam_days=0) == LetGo()
    assert kept.needs(kept.row().raw_sha256)
    assert kept.let_go(29, spam_days=30) == LetGo()
    assert kept.let_go(31, spam_days=30, raw_days=10, automatic_days=10) == LetGo(spam=1)
    row = kept.row()
    assert (row.outcome, row.reason, row.held) == (Outcome.HELD, "spam", None)
    assert row.let_go == "let go on 2026-04-04 by keep.spam_days"
    assert not kept.needs(row.raw_sha256)
    with pytest.raises(Refused, match=r"held, because spam; let go on 2026-04-04 by keep\.spam_days"):
        kept.store.read(lambda conn: spam.held(conn, "spool-1"))
    assert kept.let_go(999, spam_days=30, raw_days=10, automatic_days=10) == LetGo(), "once"
