"""What became of an answer, over real parts: a daemon that is killed while mails wait, and a Postfix that reports a loss."""

from __future__ import annotations

import re
import signal
import smtplib
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from helpdeskd.store import schema
from helpdeskd.store.engine import open_store
from tests.live.house import CUSTOMER, STAFF, SUPPORT, House, mail, parsed, text_of
from tests.live.machine import wait_until
from tests.live.postfix import PostfixInstance, require

pytestmark = pytest.mark.live


def write(house: House) -> None:
    with smtplib.SMTP("127.0.0.1", house.port, timeout=60) as client:
        client.sendmail(CUSTOMER, [SUPPORT], mail(CUSTOMER, SUPPORT, "The printer is on fire", "What now?"))


def in_state(house: House, state: str) -> Any:
    """The mail to the customer, once it is there: the log tells after the commit."""
    line = re.compile(rf"event={state} .*recipient={CUSTOMER}")
    wait_until(lambda: line.search(house.log.read_text()), what=f"a mail that is {state}")
    return listed(house, state)


def listed(house: House, state: str) -> Any:
    (found,) = [
        each["mail"] for each in house.json("outbox", "list", "--state", state) if each["mail"]["recipient"] == CUSTOMER
    ]
    return found


def put_off(url: str, outbox_id: int) -> str:
    """As if it had failed for longer: its next try is in an hour."""
    then = datetime.now(UTC) + timedelta(hours=1)
    store = open_store(url)
    store.writer.run(
        lambda conn: conn.execute(schema.outbox.update().where(schema.outbox.c.id == outbox_id).values(next_at=then))
    )
    store.close()
    return then.isoformat()


def test_a_deferred_answer_survives_a_kill_and_goes_out_when_asked_for(folder, sqlite_url, sink):
    sink.refuse(CUSTOMER, "450 4.2.0 greylisted")
    with House(folder, sqlite_url, sink) as house:
        write(house)
        before = in_state(house, "deferred")
        assert before["last_reply"].startswith("450 4.2.0 greylisted")
        house.stop(signal.SIGKILL)
        in_an_hour = put_off(sqlite_url, before["id"])  # so that nothing here depends on how fast the machine is
        house.start()
        after = listed(house, "deferred")
        assert after == {**before, "next_at": in_an_hour}
        sink.refuse(CUSTOMER, "250 2.1.5 Ok")
        assert "queued again" in house.cli("outbox", "retry", str(before["id"]))
        sent = in_state(house, "sent")
        assert (sent["mail_id"], sent["raw_sha256"]) == (before["mail_id"], before["raw_sha256"])
        (caught,) = sink.to(CUSTOMER)
        assert str(parsed(caught.data)["Message-ID"]) == f"<{before['mail_id']}>"


def test_a_real_postfix_reports_that_an_answer_was_lost(folder, sqlite_url, sink):
    """The relay took it; the customer's server says no behind it; the report comes back by our own door."""
    require()
    sink.refuse(CUSTOMER, "550 5.1.1 no such user here")
    house = House(folder, sqlite_url, sink)
    with PostfixInstance(
        folder,
        domains=("desk.example",),
        transport={"desk.example": f"smtp:[127.0.0.1]:{house.port}"},
        relayhost=f"[127.0.0.1]:{sink.port}",
    ) as postfix:
        house.config.write_text(house.config.read_text().replace(sink.relay, f"127.0.0.1:{postfix.port}"))
        with house:
            write(house)
            told = wait_until(
                lambda: [
                    each for each in map(parsed, (m.data for m in sink.to(STAFF))) if "Not delivered" in each["Subject"]
                ],
                what="the notice to staff",
            )
            bounced = listed(house, "bounced")
            assert "550 5.1.1 no such user here" in bounced["last_reply"]
            assert bounced["server_id"], "the relay had taken it"
            assert f"The acknowledgement did not reach {CUSTOMER}." in text_of(told[0])
            assert "no such user here" in text_of(told[0])
            (line,) = house.json("ticket", "list", "--all")  # the report opened none
            shown = house.json("ticket", "show", str(line["ticket"]["number"]))
            assert [each["message"]["visibility"] for each in shown["messages"]] == ["public", "system", "internal"]
            assert shown["messages"][2]["message"]["reason"] == "delivery-report"
            assert shown["ticket"]["state"] == "new"
            (kind,) = [each["kind"] for each in shown["history"] if each["kind"].startswith("mail-")]
            assert kind == "mail-bounced"
        store = open_store(sqlite_url)
        counted = store.read(lambda conn: conn.execute(schema.unreached.select()).all())
        store.close()
        assert [each.outbox_id for each in counted] == [bounced["id"]], (
            "it counts against the address: Postfix returns our head"
        )
