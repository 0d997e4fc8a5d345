"""Mails that go out, at a terminal: what became of each with every attempt, another try, or none."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from helpdeskd.config import Keep
from helpdeskd.desk import keeping
from helpdeskd.model.outgoing import OutboxState
from helpdeskd.store import outbox
from helpdeskd.store.engine import open_store
from tests.sink import DROP, Sink, threaded
from tests.unit.cli.house import ADA, House

GRACE = "grace@customer.example"
LATER = "450 4.2.0 greylisted, come back"
GONE = "550 5.1.1 no such user"


@pytest.fixture
def sink() -> Iterator[Sink]:
    with threaded(Sink()) as running:
        yield running


@pytest.fixture
def mailing(house: House, sink: Sink) -> House:
    """The house with a relay; nothing waits in its outbox."""
    house.write_config(f'[outgoing]\nrelay = "{sink.relay}"\nsecurity = "none"\n')
    house("fetch", "--through").ok()
    return house


def mails(house: House, *words: str) -> dict[str, dict]:
    """The outbox by recipient, as `list --json` tells it."""
    return {each["mail"]["recipient"]: each for each in house("outbox", "list", *words, "--json").json}


def history(house: House, number: int) -> list[str]:
    return [each["kind"] for each in house("ticket", "show", str(number), "--json").json["history"]]


def answers(house: House, sink: Sink, reply: str) -> tuple[int, str]:
    """A ticket whose acknowledgement met with this reply: its number, and the mail's id."""
    sink.refuse(GRACE, reply)
    number = house.ticket()
    return number, str(mails(house, "--ticket", str(number))[GRACE]["mail"]["id"])


def test_nothing_to_list(mailing):
    assert mailing("outbox", "list").ok() == "No mails.\n"
    assert mailing("outbox", "list", "--json").json == []


def test_a_list_for_people(mailing, sink):
    number, mail = answers(mailing, sink, LATER)
    header, line = mailing("outbox", "list").ok().splitlines()
    assert header.split() == ["ID", "STATE", "NOTICE", "RECIPIENT", "TICKET", "TRIES", "NEXT", "(UTC)", "LAST", "WORDS"]
    assert line.split()[:6] == [mail, "deferred", "acknowledgement", GRACE, str(number), "1"]
    assert LATER in line


def test_a_list_for_scripts(mailing, sink):
    number, _ = answers(mailing, sink, GONE)
    assert set(mails(mailing)) == {GRACE}, "what was sent is left out"
    assert set(mails(mailing, "--ticket", f"#{number}")) == {GRACE, ADA}
    assert set(mails(mailing, "--state", "sent", "--ticket", str(number))) == {ADA}
    assert mails(mailing, "--state", "deferred", "--state", "unknown") == {}
    (found,) = mails(mailing, "--state", "failed", "--limit", "1").values()
    assert found["number"] == number
    assert (found["mail"]["state"], found["mail"]["attempts"]) == ("failed", 1)
    assert found["mail"]["last_reply"].startswith(GONE)
    assert not {"reply_token", "envelope_token", "context"} & set(found["mail"])
    assert mailing("outbox", "list", "--ticket", "4711").failed(1) == "there is no ticket 4711"


def test_one_mail_with_every_attempt(mailing, sink):
    number, mail = answers(mailing, sink, LATER)
    sink.refuse(GRACE, "250 2.1.5 Ok")
    mailing("outbox", "retry", mail).ok()
    mailing("fetch", "--through").ok()
    shown = mailing("outbox", "show", mail, "--json").json
    assert (shown["number"], shown["mail"]["state"], shown["mail"]["server_id"][:4]) == (number, "sent", "SINK")
    assert [each["ended"] for each in shown["attempts"]] == ["retry", "sent"]
    said = mailing("outbox", "show", mail).ok()
    assert f"{mail} acknowledgement to {GRACE}: sent 2" in said
    assert f"message-id  {shown['mail']['mail_id']}" in said
    assert LATER in said
    assert "250 2.0.0 Ok: queued as SINK" in said
    # the ticket shows them as well
    assert LATER in mailing("ticket", "show", str(number)).ok()
    assert mailing("outbox", "show", "4711").failed(1) == "there is no outbox row 4711"


def test_not_tried_yet(house):
    number = house.ticket()  # no relay
    mail = str(mails(house, "--ticket", str(number))[GRACE]["mail"]["id"])
    assert "Not tried yet." in house("outbox", "show", mail).ok()


def test_retry_by_id(mailing, sink):
    number, mail = answers(mailing, sink, GONE)
    said = mailing("outbox", "retry", mail, "--as", "Ada Lovelace").ok()
    assert said == f"Mail {mail} to {GRACE} is queued again.\n"
    assert mails(mailing)[GRACE]["mail"]["state"] == "queued"
    assert history(mailing, number)[-1] == "mail-retried"
    assert "mail-retried by Ada Lovelace" in mailing("ticket", "show", str(number), "--history").ok()
    assert "by Ada Lovelace" in mailing("outbox", "show", mail).ok()
    sink.refuse(GRACE, "250 2.1.5 Ok")
    mailing("fetch", "--through").ok()
    assert mailing("outbox", "retry", mail).failed(1) == f"mail {mail} was sent, and is not sent twice"


def test_retry_of_all_that_failed_or_is_unknown(mailing, sink):
    assert mailing("outbox", "retry", "--failed").ok() == "There are none.\n"
    _, failed = answers(mailing, sink, GONE)
    sink.refuse(GRACE, "250 2.1.5 Ok")
    sink.say("dot", DROP, DROP)  # both mails of the next ticket
    number = mailing.ticket("Another")
    unknown = {str(each["mail"]["id"]) for each in mails(mailing, "--ticket", str(number)).values()}
    assert len(unknown) == 2
    said = mailing("outbox", "retry", "--unknown").ok()
    assert {line.split()[1] for line in said.splitlines()} == unknown
    assert all(each["mail"]["possibly_twice"] for each in mails(mailing, "--ticket", str(number)).values())
    assert mailing("outbox", "retry", "--failed").ok() == f"Mail {failed} to {GRACE} is queued again.\n"
    mailing("fetch", "--through").ok()
    assert mails(mailing) == {}


def test_retry_wants_to_know_which(mailing):
    for words in ((), ("1", "--failed")):
        assert mailing("outbox", "retry", *words).code == 2


def test_cancel(mailing, sink):
    number, mail = answers(mailing, sink, LATER)
    assert mailing("outbox", "cancel", mail).ok() == f"Mail {mail} to {GRACE} is cancelled.\n"
    assert history(mailing, number)[-1] == "mail-cancelled"
    assert mails(mailing) == {}
    assert mails(mailing, "--ticket", str(number))[GRACE]["mail"]["state"] == "cancelled"
    refused = mailing("outbox", "cancel", mail).failed(1)
    assert refused == f"mail {mail} does not wait any more: it is cancelled"
    # taken back
    mailing("outbox", "retry", mail).ok()
    assert mails(mailing)[GRACE]["mail"]["state"] == "queued"


def test_one_that_cannot_be_cancelled_stops_the_others(mailing, sink):
    _, waits = answers(mailing, sink, LATER)
    assert mailing("outbox", "cancel", waits, "4711").failed(1) == "there is no outbox row 4711"
    assert mails(mailing)[GRACE]["mail"]["state"] == "deferred"


def test_what_is_being_sent_is_left_alone(mailing, sink):
    """Another process has it in hand: claimed, then past its final dot."""
    _, mail = answers(mailing, sink, LATER)
    store = open_store(f"sqlite:///{mailing.data / 'helpdeskd.sqlite3'}")
    now = datetime.now(UTC)

    def claim(conn):
        outbox.again(conn, int(mail), now)
        return outbox.claim_due(conn, now, "daemon", 3600, 1)

    store.writer.run(claim)
    for words in (("cancel", mail), ("retry", mail)):
        assert mailing("outbox", *words).failed(1) == f"mail {mail} is being sent at this moment"
    until = now + timedelta(hours=1)
    store.writer.run(lambda conn: outbox.sending(conn, int(mail), "0" * 64, "daemon", until))
    for words in (("cancel", mail), ("retry", mail)):
        assert mailing("outbox", *words).failed(1) == f"mail {mail} is being sent at this moment"
    assert store.read(lambda conn: outbox.get(conn, int(mail))).state is OutboxState.SENDING
    store.close()


def test_what_was_let_go_keeps_no_other_from_being_sent_again(mailing, sink):
    _, gone = answers(mailing, sink, GONE)
    store = open_store(f"sqlite:///{mailing.data / 'helpdeskd.sqlite3'}")
    keeping.let_go(store, Keep(outbox_days=30), datetime.now(UTC) + timedelta(days=40), ())
    store.close()
    number = mailing.ticket("Another")
    mail = mails(mailing, "--ticket", str(number))[GRACE]["mail"]["id"]
    assert "were let go" in mailing("outbox", "retry", gone).failed(1)
    assert mailing("outbox", "retry", "--failed").ok() == f"Mail {mail} to {GRACE} is queued again.\n"


def test_words_from_outside_never_steer_the_terminal(mailing, sink):
    number, mail = answers(mailing, sink, "550 5.1.1 \x1b[31mno \u202eecho")
    for words in (("outbox", "list"), ("outbox", "show", mail), ("ticket", "show", str(number))):
        assert "\x1b" not in mailing(*words).ok()
