"""Two helpdeskds, each the other's customer, and between them a relay that takes away whatever says that a machine wrote."""

from __future__ import annotations

import smtplib
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest
from sqlalchemy import select

from helpdeskd.model.outgoing import OutboxState
from helpdeskd.store import outbox, schema
from helpdeskd.store.engine import Store, open_store
from helpdeskd.tray import scan
from tests.live.house import House, mail, parsed, text_of
from tests.live.machine import wait_until
from tests.sink import Caught, Sink, threaded

pytestmark = pytest.mark.live

# What docs/trust.md makes of these: in an hour each sends at most 40 automatic mails to people outside and 30 to staff (the half for new tickets).
CEILINGS = """
[ceilings]
per_address = "8/hour"
per_domain = "25/hour"
per_ticket = "10/hour"
total = "40/hour"
unknown = "15/hour"
unknown_address = "4/hour"
staff = "60/hour"
staff_address = "60/hour"
[trust]
dns = false
"""
BOUND = 40 + 30


class Side(House):
    """One of the two, with a name of its own, and all that it sends."""

    def __init__(self, folder: Path, name: str, sink: Sink) -> None:
        folder.mkdir()
        super().__init__(folder, "", sink, extra=CEILINGS)
        self.address, self.sink, self.taken = f"support@{name}.example", sink, 0

    def init(self) -> None:
        self.cli("init", "--address", self.address, "--admin", f"ada@{self.address.partition('@')[2]}")

    def take(self, raw: bytes, sender: str) -> None:
        with smtplib.SMTP("127.0.0.1", self.port, timeout=60) as client:
            client.sendmail(sender, [self.address], raw)
        self.taken += 1

    @contextmanager
    def watched(self) -> Iterator[Store]:
        store = open_store(f"sqlite:///{self.data / 'helpdeskd.sqlite3'}")
        yield store
        store.close()

    def is_still(self, store: Store) -> bool:
        """Nothing waits in spool or outbox."""
        if scan(str(self.spool)):
            return False
        states = store.read(outbox.counts)
        return not any(states[each] for each in (OutboxState.QUEUED, OutboxState.SENDING, OutboxState.DEFERRED))


class Relay:
    """Everything that one side sends, notices to staff too, comes to the other as a new mail of a person: no header is left, and
    the Message-ID is another. `who`: in whose name."""

    def __init__(self, sides: tuple[Side, Side], who: str) -> None:
        self.sides, self.who = sides, who
        self.carried = [0, 0]  # of what each has sent

    def carry(self) -> bool:
        """Was there something?"""
        found = False
        for n, side in enumerate(self.sides):
            for caught in side.sink.mails[self.carried[n] :]:
                self.carried[n] += 1
                found = True
                self._pass_on(caught, self.sides[1 - n], sum(self.carried))
        return found

    def _pass_on(self, caught: Caught, other: Side, number: int) -> None:
        was = parsed(caught.data)
        author = self.who.format(n=number)
        raw = mail(author, other.address, str(was["Subject"]), text_of(was))
        other.take(raw, author)


@contextmanager
def two(folder: Path, who: str) -> Iterator[Relay]:
    with ExitStack() as stack:
        sides = [Side(folder / name, name, stack.enter_context(threaded(Sink()))) for name in ("one", "two")]
        for side in sides:
            stack.enter_context(side)
        yield Relay((sides[0], sides[1]), who)


def test_two_that_answer_each_other_end(folder):
    """Other machines, null return paths and answers to reply tokens: tests/faults/test_flood.py."""
    who = "m{n}@machine{n}.example"  # somebody else each time
    with two(folder, who) as relay, relay.sides[0].watched() as here, relay.sides[1].watched() as there:
        stores = dict(zip(relay.sides, (here, there), strict=True))
        relay.sides[0].take(
            mail("carol@customer.example", relay.sides[0].address, "My printer", "It burns."), "carol@x.example"
        )

        def over() -> bool:
            """Nothing is under way: neither between them nor in either."""
            return (
                not relay.carry() and all(side.is_still(store) for side, store in stores.items()) and not relay.carry()
            )

        wait_until(over, seconds=300, what="the end of the loop")
        for side, store in stores.items():
            automatic = len(side.sink.mails) - 1  # but for the administrator's welcome
            assert 30 < automatic <= BOUND  # it did loop
            outcomes = Counter(store.read(lambda conn: list(conn.execute(select(schema.arrival.c.outcome)).scalars())))
            assert outcomes == Counter(opened=side.taken)
            assert sum(side.json("status")["withheld"].values()) > 0
