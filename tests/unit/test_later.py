"""Commands and forwards while DNS is silent: put off, judged again, obeyed by the verdict of then; nobody waits for them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import select, update

from helpdeskd import spool, tray
from helpdeskd.config import Config, DnsSettings, Paths, Smtp, SpoolSettings, Trust
from helpdeskd.daemon import build_intake
from helpdeskd.desk import departments, people, tickets
from helpdeskd.desk.context import Words
from helpdeskd.installation import Installation, open_installation
from helpdeskd.intake import Counts, Intake
from helpdeskd.intake.later import PATIENCE, PAUSES, Later
from helpdeskd.model.mail import Address
from helpdeskd.model.ticket import State
from helpdeskd.model.trust import Profile
from helpdeskd.store import schema
from tests.nameserver import TROUBLE, serving, text
from tests.taken import take
from tests.unit.mail.verify.house import ed_key, signed

HELP, ADA, GRACE = "help@desk.example", "ada@staff.example", "grace@customer.example"
POLICY, KEY = ("_dmarc.staff.example", "TXT"), ("s._domainkey.staff.example", "TXT")
DEAD = {POLICY: TROUBLE, KEY: TROUBLE}
BACK = {POLICY: (text("v=DMARC1; p=reject"),), KEY: (text(ed_key()[1].decode()),)}


@dataclass
class Street:
    """A house with Ada and a ticket of Grace's, and what comes to it from outside. `zone` may change under it."""

    here: Installation
    zone: dict[tuple[str, str], tuple[str, ...] | str]
    clock: list[datetime]
    number: int = field(init=False)
    token: str = field(init=False)

    def __post_init__(self) -> None:
        def furnish(conn):
            given = (conn, self.here.desk, self.here.clock())
            support = departments.add(*given, name="Help", addresses=(HELP,))
            ada, _ = people.add_staff(*given, "Ada", ADA, 1, (support.id,), notify=False, welcome=False)
            grace = people.customer(*given, Address("Grace", GRACE))
            words = Words("It burns.", subject="Printer", reason="new")
            made = tickets.open(*given, department=support, requester=grace, words=words, acknowledge=False)
            return made.ticket.number, self.here.desk.tokens.make(made.ticket.id, ada.id)

        self.number, self.token = self.here.store.writer.run(furnish)
        self.here.refresh()

    def put(
        self,
        author: str,
        words: str,
        *,
        to: str = "",
        subject: str = "Re: Printer",
        sign: bool = False,
        ago: timedelta = timedelta(0),
    ) -> str:
        domain = author.partition("@")[2]
        raw = (
            f"From: {author}\r\nTo: {HELP}\r\nSubject: {subject}\r\nDate: Mon, 02 Mar 2026 10:00:00 +0000\r\n"
            f"Message-ID: <{abs(hash(words))}@{domain}>\r\n\r\n{words}\r\n"
        ).encode()
        envelope = spool.Envelope(
            id=spool.new_id(),
            door="smtp",
            peer="203.0.113.9",
            helo="mx.elsewhere.example",
            sender="bounces@elsewhere.example",
            recipients=(to or f"help+{self.token}@desk.example",),
            received=int((self.clock[0] - ago).timestamp() * 1_000_000),
        )
        return spool.put(self.here.spool_root, envelope, [signed(raw, domain, ed=True) if sign else raw])

    def outcome(self, spool_id: str) -> str:
        """`reason verdict` of the ledger; empty while it waits."""
        a = schema.arrival.c
        asked = select(schema.arrival).where(a.spool_id == spool_id)
        row = self.here.store.read(lambda conn: conn.execute(asked).first())
        if row is None:
            assert spool_id in tray.scan(self.here.spool_root)
            return ""
        return f"{row.reason} {next(line for line in row.evidence if line.startswith('from '))}"

    @property
    def is_closed(self) -> bool:
        return self.here.store.read(lambda conn: tickets.by_number(conn, self.number)).state is State.CLOSED

    def told(self, recipient: str) -> list[str]:
        o = schema.outbox.c
        asked = select(o.notice).where(o.recipient == recipient).order_by(o.id)
        return list(self.here.store.read(lambda conn: conn.execute(asked).scalars().all()))


@pytest.fixture
def street(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Street]:
    """`request.param`: the profile."""
    zone: dict[tuple[str, str], tuple[str, ...] | str] = dict(DEAD)
    clock = [datetime.now(UTC)]
    with serving(zone) as server:
        config = Config(
            paths=Paths(data=tmp_path),
            smtp=Smtp(listen=()),
            spool=SpoolSettings(reserve_percent=0, reserve_mb=0),
            dns=DnsSettings(servers=(server,)),
            trust=Trust(profile="strict" if getattr(request, "param", "") is Profile.STRICT else "default"),
        )
        here = open_installation(config, clock=lambda: clock[0])
        try:
            yield Street(here, zone, clock)
        finally:
            here.close()


both = pytest.mark.parametrize("street", list(Profile), indirect=True)


@both
@pytest.mark.parametrize(
    ("sign", "dns", "verdict"),
    [(True, BACK, "pass (dkim)"), (False, BACK, "fail (dmarc)"), (False, {}, "none (no-policy)")],
    ids=["genuine", "forged", "nobody can tell"],
)
def test_dns_comes_back(street, sign, dns, verdict):
    """A restart lies between: it waits in the spool and nowhere else."""
    waiting = street.put(ADA, "#close", sign=sign)
    assert take(street.here).put_off == 1
    assert street.outcome(waiting) == ""
    assert not street.is_closed
    entry = tray.claim(street.here.spool_root, waiting)
    assert entry is not None
    assert entry.strikes == 0
    street.zone.clear()
    street.zone.update(dns)
    assert take(street.here) == Counts(received=1)
    strict = street.here.desk.profile is Profile.STRICT
    reason = {"pass": "commands", "fail": "unverified", "none": "commands-need-pass" if strict else "commands"}
    assert street.outcome(waiting) == f"{reason[verdict.split()[0]]} from {verdict}"
    assert street.is_closed is (street.outcome(waiting).startswith("commands "))


FORWARDED = (
    "Please handle.\r\n\r\n---------- Forwarded message ---------\r\nFrom: Dave <dave@customer.example>\r\n"
    "Date: Mon, Mar 2, 2026 at 9:12 AM\r\nSubject: Screen\r\nTo: <ada@staff.example>\r\n\r\nIt is dark."
)


@both
@pytest.mark.parametrize(
    ("dns", "command", "forward"),
    [(BACK, "commands from pass (dkim)", "forwarded from pass (dkim)"), (DEAD, "not-your-token", "new")],
    ids=["it comes back", "the hour is over"],
)
def test_what_a_pass_alone_allows_waits_for_one(street, dns, command, forward):
    """The assignee's command by the ticket's number, and what a member of staff passes on; an answer does not wait."""
    t, p = schema.ticket.c, schema.person.c
    hers = update(schema.ticket).values(assignee_id=select(p.id).where(p.email == ADA).scalar_subquery())
    street.here.store.writer.run(lambda conn: conn.execute(hers.where(t.number == street.number)))
    subject = f"Re: [#{street.number}] Printer"
    closes = street.put(ADA, "#close", to=HELP, subject=subject, sign=True)
    passes_on = street.put(ADA, FORWARDED, to=HELP, subject="Fwd: Screen", sign=True)
    answers = street.put(ADA, "Pull the plug.", to=HELP, subject=subject, sign=True)
    asks = street.put(GRACE, FORWARDED, to=HELP, subject="Fwd: Screen")
    assert take(street.here) == Counts(received=2, put_off=2)
    assert (street.outcome(closes), street.outcome(passes_on)) == ("", "")
    assert [street.outcome(each).split()[0] for each in (answers, asks)] == ["not-your-token", "new"]
    street.zone.clear()
    street.zone.update(dns)
    street.clock[0] += PATIENCE
    assert take(street.here) == Counts(received=2)
    assert street.outcome(closes).startswith(command)
    assert street.outcome(passes_on).startswith(forward)
    assert street.is_closed is (dns is BACK)


@both
def test_the_hour_is_over(street):
    """Then it goes by what is known, and whoever is not obeyed is told."""
    late = street.put(ADA, "#close", sign=True, ago=PATIENCE)
    assert take(street.here) == Counts(received=1)
    if street.here.desk.profile is Profile.STRICT:
        assert street.outcome(late) == "commands-need-pass from none (dns)"
        assert not street.is_closed
        assert street.told(ADA) == ["kept_internal"]
    else:
        assert street.outcome(late) == "commands from none (dns)"
        assert street.is_closed


def test_nobody_waits_for_it(street):
    """What comes behind it, and what does not hang on a verdict, is decided in the same pass."""
    waiting = street.put(ADA, "#close", sign=True)
    answer = street.put(ADA, "Pull the plug.")
    other = street.put(GRACE, "Another thing.", to=HELP)
    elsewhere = street.put(ADA, "#close", to=HELP)  # no token: a new ticket, whatever DNS says
    assert take(street.here) == Counts(received=3, put_off=1)
    assert [street.outcome(each).split()[0] for each in (answer, other, elsewhere)] == ["reply-token", "new", "new"]
    assert street.outcome(waiting) == ""


def test_it_is_tried_at_its_time(street):
    """One life of a daemon: not before the pause is over, and once it is, whatever else there is."""
    waiting = street.put(ADA, "#close", sign=True)
    intake = build_intake(street.here)
    try:
        assert intake.once().put_off == 1
        street.zone.update(BACK)
        assert once_anew(intake, street) == Counts(put_off=1)
        street.clock[0] += PAUSES[0]
        assert once_anew(intake, street) == Counts(received=1)
    finally:
        intake.close()
    assert street.outcome(waiting) == "commands from pass (dkim)"


def once_anew(intake: Intake, street: Street) -> Counts:
    """A pass whose DNS has forgotten that it was in trouble."""
    intake._checker.close()
    intake._checker = street.here.checker()
    return intake.once()


def test_a_clock_that_is_set_back():
    clock = [datetime(2026, 3, 4, tzinfo=UTC)]
    later = Later(lambda: clock[0])
    later.put_off("one", "why")
    clock[0] -= timedelta(days=1)
    assert list(later.due(["one"])) == []
    clock[0] += PAUSES[-1]
    assert list(later.due(["one"])) == ["one"]


def test_pauses_grow_and_end():
    clock = [datetime(2026, 3, 4, tzinfo=UTC)]
    later = Later(lambda: clock[0])
    came = spool.Envelope(received=int(clock[0].timestamp() * 1_000_000))
    waited = []
    while later.patient(came):
        later.put_off("one", "why")
        began = clock[0]
        while list(later.due(["one", "two"])) == ["two"]:
            clock[0] += timedelta(seconds=10)
        waited.append((clock[0] - began).total_seconds())
    assert waited == [150, 300, 600, 600, 600, 600, 600, 600]
    assert clock[0] - datetime(2026, 3, 4, tzinfo=UTC) > PATIENCE
    later.lives()
    assert later.patient(came)  # a daemon that starts gives it an hour more
    later.due([])
    assert len(later) == 0  # somebody else has taken it
