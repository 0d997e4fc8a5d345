"""Every answer at every stage of the dialogue with the relay, and what the outbox says of it afterwards: one table."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from helpdeskd import config
from helpdeskd.model.outgoing import Ended, OutboxState
from helpdeskd.model.ticket import History
from helpdeskd.outgoing.sender import Counts
from helpdeskd.outgoing.transport import Relay
from tests.sink import CERTIFICATE, DROP, HALF, HANG_UP, SILENCE, Sink
from tests.unit.outgoing.house import House, a_desk

ANSWERS = {
    "421": "421 4.3.2 closing",
    "450": "450 4.2.0 greylisted",
    "451": "451 4.3.0 local error",
    "452": "452 4.2.2 full",
    "550": "550 5.1.1 no such user",
    "552": "552 5.3.4 too big",
    "554": "554 5.7.1 spam",
    "drop": DROP,
    "hang-up": HANG_UP,
    "half": HALF,
    "silence": SILENCE,
    "garbage": "what is this",
}

# d  deferred: tried again in a minute. No trouble of the session is the mail's fault, whatever its code.
# f  failed: a 5xx to this very mail is its end
# u  unknown: the final dot has left, and no answer came that we can read (RFC 1047)
TABLE = """
            421 450 451 452 550 552 554 drop hang-up half silence garbage
greeting    d   d   d   d   d   d   d   d    d       d    d       d
ehlo        d   d   d   d   d   d   d   d    d       d    d       d
starttls    d   d   d   d   d   d   d   d    d       d    d       d
mail        d   d   d   d   f   f   f   d    d       d    d       d
rcpt        d   d   d   d   f   f   f   d    d       d    d       d
data        d   d   d   d   f   f   f   d    d       d    d       d
dot         d   d   d   d   f   f   f   u    u       u    u       u
"""
ENDS = {
    "d": (OutboxState.DEFERRED, Ended.RETRY, Counts(deferred=1)),
    "f": (OutboxState.FAILED, Ended.REFUSED, Counts(failed=1)),
    "u": (OutboxState.UNKNOWN, Ended.UNCERTAIN, Counts(unknown=1)),
}


def cells() -> dict[str, dict[str, str]]:
    """stage -> answer -> end"""
    header, *rows = (line.split() for line in TABLE.strip().splitlines())
    return {row[0]: dict(zip(header, row[1:], strict=True)) for row in rows}


@pytest.fixture
async def sink():
    async with Sink(starttls=True) as made:
        yield made


@pytest.fixture
def house(sqlite_store, blobs, sink) -> House:
    made = House(sqlite_store, blobs, sink, a_desk(), settings={"security": "starttls", "ca_file": Path(CERTIFICATE)})
    made.found()
    return made


def relay(house: House, *, silent: str) -> Relay:
    """One that waits as long as a busy machine may need; where the sink is silent, just long enough to be there."""
    settings = {"relay": house.sink.relay, **house.settings}
    if silent and silent != "dot":
        settings["timeout_seconds"] = 0.05
    after_dot = 0.05 if silent == "dot" else 30
    return Relay(config.Outgoing(**settings), helo="desk.example.org", after_dot_seconds=after_dot)


def test_the_table_is_whole():
    assert set(cells()) == {"greeting", "ehlo", "starttls", "mail", "rcpt", "data", "dot"}
    assert all(set(row) == set(ANSWERS) for row in cells().values())


@pytest.mark.parametrize("stage", cells())
async def test_what_becomes_of_a_mail(house, stage):
    for answer, end in cells()[stage].items():
        state, ended, counts = ENDS[end]
        failed, unknown = len(house.happened(History.MAIL_FAILED)), len(house.happened(History.MAIL_UNKNOWN))
        row_id, then = house.queue(), house.now
        house.sink.always(stage, ANSWERS[answer])
        with capture_logs():
            done = await house.sender(relay=relay(house, silent=stage if answer == "silence" else "")).once()
        assert done == counts, answer
        row, (attempt,) = house.row(row_id), house.attempts(row_id)
        assert (row.state, row.attempts, row.owner, row.possibly_twice) == (state, 1, "", False), answer
        assert (attempt.ended, attempt.words, attempt.at) == (ended, row.last_reply, then), answer
        assert row.last_reply, answer
        if answer.isdigit():
            assert attempt.code == int(answer)
            assert row.last_reply.startswith(ANSWERS[answer])  # the server's own words
        if answer == "silence":
            assert "imed out" in row.last_reply
        assert len(house.happened(History.MAIL_FAILED)) - failed == (end == "f"), answer
        assert len(house.happened(History.MAIL_UNKNOWN)) - unknown == (end == "u"), answer
        assert row.next_at == (then + timedelta(minutes=1) if end == "d" else then), answer
        # The relay is well again: the next mail goes out, and what waits; nothing else does.
        house.sink.always(stage, None)
        house.now += timedelta(minutes=1)
        other = house.queue()
        assert await house.sender().once() == Counts(sent=1 + (end == "d")), answer
        assert house.row(other).state is OutboxState.SENT, answer
        row = house.row(row_id)
        assert row.state is (OutboxState.SENT if end == "d" else state), answer
        assert row.server_id.startswith("SINK") == (end == "d"), answer
        # Whatever reached the relay of this mail, once or twice, were the same bytes.
        copies = [caught.data for caught in house.sink.mails if row.mail_id.encode() in caught.data]
        assert len(copies) == (end == "d") + (stage == "dot"), answer
        assert len(set(copies)) <= 1, answer


async def test_a_persons_own_words_are_sent_again_when_nobody_knows(house):
    for answer in (answer for answer, end in cells()["dot"].items() if end == "u"):
        row_id = house.answer(f"Pull the plug: {answer}.").id
        house.sink.always("dot", ANSWERS[answer])
        with capture_logs():
            done = await house.sender(relay=relay(house, silent="dot" if answer == "silence" else "")).once()
        assert done == Counts(deferred=1), answer
        row = house.row(row_id)
        assert (row.state, row.possibly_twice) == (OutboxState.QUEUED, True), answer
        assert row.next_at == house.now + timedelta(minutes=1), answer
        house.sink.always("dot", None)
        house.now = row.next_at
        assert await house.sender().once() == Counts(sent=1), answer
        assert house.sink.mails[-1].data == house.sink.mails[-2].data, answer
