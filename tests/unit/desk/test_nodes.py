"""Two nodes on one PostgreSQL decide about mails that belong together: one after the other, never side by side."""

from __future__ import annotations

import threading

import pytest
from sqlalchemy import text

from helpdeskd.desk import receive
from helpdeskd.model.mail import Verdict
from helpdeskd.model.routing import Outcome
from helpdeskd.store.engine import open_store
from tests.live.machine import wait_until
from tests.unit.desk.conftest import NOW, House
from tests.unit.desk.street import Street


@pytest.mark.parametrize(
    ("second", "outcome"),
    [
        ({"mail_id": "one@customer.example"}, Outcome.DUPLICATE),
        ({"mail_id": "two@customer.example", "references": ("one@customer.example",)}, Outcome.APPENDED),
    ],
    ids=["the same mail", "its answer"],
)
def test_what_belongs_together_waits_for_the_other_node(postgres_url, desk, second, outcome):
    store = open_store(postgres_url)
    with store.engine.begin() as conn:
        street = Street(House(conn, desk), verdict=Verdict.PASS)
        street.send(mail_id="known@customer.example")  # its author is known by now: nothing else makes anybody wait
    mails = street.mail(mail_id="one@customer.example", spool_id="here"), street.mail(**second, spool_id="there")
    there: list[Outcome] = []

    def work() -> None:
        with store.engine.begin() as conn:
            there.extend(each.outcome for each in receive.receive(conn, desk, NOW, mails[1]))

    def settled() -> bool:
        """Is the other node done, or does it wait for us?"""
        asked = text("SELECT count(*) FROM pg_locks WHERE NOT granted")
        return bool(there or store.read(lambda conn: conn.execute(asked).scalar_one()))

    other = threading.Thread(target=work)
    with store.engine.begin() as conn:
        (here,) = receive.receive(conn, desk, NOW, mails[0])
        other.start()
        wait_until(settled, what="the other node")
    other.join()
    store.close()
    assert here.outcome is Outcome.OPENED
    assert there == [outcome]
