"""rekey: a new key signs; tokens that are out go on working, or with --void no longer; for a daemon that runs, too."""

from __future__ import annotations

import pytest

from helpdeskd.config.load import load
from helpdeskd.installation import opened
from helpdeskd.model.outgoing import NoticeName
from helpdeskd.store import outbox
from tests.taken import take
from tests.unit.cli.house import letter


@pytest.mark.parametrize(
    ("words", "said", "reason"),
    [
        ((), "Those of 1 older key go on working.", "reply-token"),
        (("--void",), "All that were out are void.", "no-proof"),
    ],
)
def test_an_answer_with_an_older_token(house, words, said, reason):
    number = house.ticket()
    with opened(load(house.config, {})) as daemon:
        (ack,) = (row for row in daemon.store.read(outbox.list_rows) if row.notice is NoticeName.ACKNOWLEDGEMENT)
        assert ack.ticket_id
        assert ack.person_id
        before = daemon.desk.tokens.make(ack.ticket_id, ack.person_id)
        assert said in house("rekey", *words).ok()
        daemon.refresh()
        after = daemon.desk.tokens.make(ack.ticket_id, ack.person_id)
        assert before != after
        answer = letter(f"Re: [#{number}] My printer is on fire", "Still.")
        old = house.mail(answer, "grace@customer.example", f"support+{before}@desk.example")
        new = house.mail(answer.replace(b"Still", b"Again"), "grace@customer.example", f"support+{after}@desk.example")
        take(daemon)
    told = {each: house("mail", "show", each, "--json").json["arrivals"][0]["reason"] for each in (old, new)}
    assert told == {old: reason, new: "reply-token"}
