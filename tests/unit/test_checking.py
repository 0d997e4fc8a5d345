"""Verdicts on the street: by which door, by when, and over real SMTP with a name server of our own."""

from __future__ import annotations

import asyncio
import smtplib
import threading
import time
from concurrent.futures import Future

import pytest

from helpdeskd import daemon, spool
from helpdeskd.config import Config, DnsSettings, Intake, Mailbox, Paths, Smtp, Trust
from helpdeskd.desk import departments
from helpdeskd.errors import DnsTrouble
from helpdeskd.installation import opened
from helpdeskd.intake import checking
from helpdeskd.intake.checking import GRACE, Checker, Checking, is_relay, origin_of
from helpdeskd.lookups import Dns
from helpdeskd.mail.parse import parse
from helpdeskd.mail.verify.names import organisation
from helpdeskd.model.mail import Verdict
from helpdeskd.model.routing import Outcome
from helpdeskd.model.trust import Why
from helpdeskd.store import arrivals, schema
from tests.nameserver import Zone, serving, text
from tests.taken import take
from tests.unit.mail.verify.house import PLAIN, rsa_key, signed

BOX = Mailbox(name="box", host="h", user="u", authserv_ids=("MX.provider.example",))
BARE = Mailbox(name="bare", host="h", user="u")
RELAYS = Config().trust.relays
FORGED = b"Authentication-Results: mx.desk.example; dmarc=pass header.from=bank.example\r\n"


@pytest.mark.parametrize(
    ("peer", "relay"),
    [
        ("127.0.0.1", True),
        ("::1", True),
        ("10.1.2.3", False),
        ("192.168.1.2", False),
        ("fe80::1%eth0", False),
        ("", True),
        ("unix", True),
        ("192.0.2.7", False),
        ("2001:db8::1", False),
    ],
)
def test_relays_of_our_own(peer, relay):
    assert is_relay(peer, RELAYS) is relay


@pytest.mark.parametrize(
    ("envelope", "client", "servers"),
    [
        ({"door": "smtp", "peer": "192.0.2.7"}, "192.0.2.7", set()),
        ({"door": "smtp", "peer": "127.0.0.1"}, "", {"mx.desk.example"}),
        ({"door": "smtp", "peer": "127.0.0.1", "auth": "ada@staff.example"}, "", set()),
        ({"door": "smtp", "peer": "192.0.2.7", "auth": "ada@staff.example"}, "", set()),
        ({"door": "lmtp", "peer": "192.0.2.7"}, "", {"mx.desk.example"}),
        ({"door": "pipe"}, "", {"mx.desk.example"}),
        ({"door": "imap", "account": "box", "sender_known": False}, "", {"mx.provider.example"}),
        ({"door": "imap", "account": "gone", "sender_known": False}, "", set()),
        ({"door": "imap", "account": "bare", "sender_known": False}, "", set()),
    ],
)
def test_what_each_door_knows(envelope, client, servers):
    config = Config(mailbox=(BOX, BARE), trust=Trust(authserv_ids=("mx.Desk.example",)))
    found = origin_of(spool.Envelope(helo="h", sender="a@b.example" if client else "", **envelope), config)
    assert (found.client, found.servers) == (client, servers)


def inbound(raw=PLAIN):
    return parse(raw, sender="", instance="i", own_addresses=lambda _: False, marker="#" * 30, limits=Config().intake)


def outside(sender="carol@shop.example"):
    return spool.Envelope(door="smtp", peer="192.0.2.7", helo="h", sender=sender)


def test_a_mail_does_not_wait_beyond_its_deadline(monkeypatch):
    """Whatever the network does: here it answers when the test is over."""
    over = threading.Event()

    def ask(name, kind, seconds):
        over.wait()
        raise DnsTrouble("late", silent=True)

    clock = [100.0]
    monkeypatch.setattr(checking, "monotonic", lambda: clock[0])
    checker = Checker(Config(), Dns(ask, organisation, lambda: 100.0))
    try:
        under_way = checker.begin(outside(), PLAIN, inbound())
        assert under_way.begun.result() == 108.0
        clock[0] = 108.0 + GRACE
        found = under_way.result()
        assert (found.verdict, found.why) == (Verdict.NONE, Why.DNS)
    finally:
        over.set()
        checker.close()


def test_only_the_submission_door_says_who_had_logged_in():
    for door, auth in (("smtp", "ada@staff.example"), ("lmtp", ""), ("pipe", ""), ("imap", "")):
        envelope = spool.Envelope(door=door, auth="ada@staff.example")
        assert origin_of(envelope, Config()).auth == auth


def test_what_a_client_says_of_itself_stands_below_the_verdict(monkeypatch):
    asked = []

    def ask(name, kind, seconds):
        asked.append((name, kind))
        return (("mx.shop.example",) if kind == "PTR" else ("192.0.2.7",) if kind == "A" else ()), 60.0

    envelope = spool.Envelope(
        door="smtp", peer="192.0.2.7", helo="mx.shop.example", hasty="DATA", sender="carol@shop.example"
    )
    checker = Checker(Config(), Dns(ask, organisation))
    try:
        found = [checker.begin(envelope, PLAIN, inbound()).result() for _ in range(2)]
        evidence = [check.line for check in found[1].checks][-3:]
        assert evidence == [
            "helo pass mx.shop.example (client 192.0.2.7)",
            "ptr pass mx.shop.example (client 192.0.2.7)",
            "pipelining fail (did not wait for the answer to DATA)",
        ]
        assert found[0].why is Why.NO_POLICY
        assert len(asked) == len(set(asked)), "the second mail asks nothing again"
        relayed = spool.Envelope(door="smtp", peer="127.0.0.1", helo="x", hasty="DATA", sender="carol@shop.example")
        assert checker.begin(relayed, PLAIN, inbound()).result().checks == ()

        def bug(*_):
            raise RuntimeError("a bug")

        monkeypatch.setattr("helpdeskd.mail.verify.client.look", bug)
        assert checker.begin(envelope, PLAIN, inbound()).result().why is Why.NO_POLICY
    finally:
        checker.close()


def test_without_a_network_mail_flows(monkeypatch):
    """A few questions are asked, not two for each mail."""
    asked = []

    def ask(name, kind, seconds):
        asked.append(name)
        raise DnsTrouble("silent", silent=True)

    checker = Checker(Config(), Dns(ask, organisation))
    try:
        for n in range(200):
            raw = PLAIN.replace(b"shop.example", b"shop%d.example" % n)
            found = checker.begin(outside(f"a@shop{n}.example"), raw, inbound(raw))
            assert found.result().why is Why.DNS
    finally:
        checker.close()
    assert len(asked) < 20


def test_a_fault_of_ours_is_no_verdict(monkeypatch):
    def breaks(*_):
        raise ZeroDivisionError

    monkeypatch.setattr(checking, "verify", breaks)
    checker = Checker(Config(), None)
    try:
        assert checker.begin(outside(), PLAIN, inbound()).result().lines == ("from none (trouble)",)
    finally:
        checker.close()
    closed = checker.begin(outside(), PLAIN, inbound())
    assert closed.result().lines == ("from none (trouble)",)


@pytest.mark.parametrize(("days", "expired"), [(-1, False), (1, True)])
def test_a_signature_is_as_old_as_it_was_when_the_mail_came(days, expired):
    """And not as it is at the try that decides: mail may wait here for hours."""

    def ask(name, kind, seconds):
        return ((rsa_key()[1],) if name.startswith("s._domainkey.") else ()), 60.0

    raw = signed().replace(b"; t=", b"; x=", 1)  # it ends at the moment at which it was made
    received = time.time_ns() // 1000 + days * 86_400_000_000
    envelope = spool.Envelope(door="smtp", peer="192.0.2.7", helo="h", sender="a@b.example", received=received)
    checker = Checker(Config(), Dns(ask, organisation))
    try:
        lines = checker.begin(envelope, raw, inbound(raw)).result().lines
    finally:
        checker.close()
    assert any("dkim" in line for line in lines)
    assert any("expired" in line for line in lines) is expired


def test_time_in_the_queue_is_not_the_mails(monkeypatch):
    """One thread: the second mail has all of its time once the first is done."""
    over = threading.Event()
    clock = [100.0]

    def ask(name, kind, seconds):
        over.wait()
        return (b"v=DMARC1; p=reject",) if name.startswith("_dmarc") else (), 60.0

    monkeypatch.setattr(checking, "monotonic", lambda: clock[0])
    checker = Checker(Config(intake=Intake(batch=1)), Dns(ask, organisation, lambda: clock[0]))
    try:
        first = checker.begin(outside("a@else.example"), PLAIN, inbound())
        assert first.begun.result() == 108.0
        second = checker.begin(outside("a@else.example"), PLAIN, inbound())
        clock[0] = 107.0
        over.set()
        assert second.result().why is Why.DMARC
        assert second.begun.result() == 115.0
    finally:
        over.set()
        checker.close()


def test_a_mail_that_no_thread_takes_up():
    checker = Checker(Config(), None)
    waiting = Checking("id", Future(), Future(), -GRACE)
    assert waiting.result().why is Why.TROUBLE
    checker.close()


async def test_over_real_smtp(tmp_path):
    """A genuine mail, one by SPF, a forged one and a plain one: verdicts, evidence, and who has a voice."""
    records: Zone = {
        ("shop.example", "TXT"): (text("v=spf1 ip4:127.0.0.1 -all"),),
        ("s._domainkey.bank.example", "TXT"): (text(rsa_key()[1].decode()),),
        ("_dmarc.bank.example", "TXT"): (text("v=DMARC1; p=reject"),),
    }
    bank = PLAIN.replace(b"shop.example", b"bank.example")
    mails = {
        "spf": ("carol@shop.example", PLAIN),
        "dkim": ("bounces@mailer.example", signed(bank.replace(b"<a@", b"<b@"), "bank.example")),
        "forged": ("eve@evil.example", FORGED + bank.replace(b"<a@", b"<c@")),
        "plain": ("dave@plain.example", PLAIN.replace(b"shop.example", b"plain.example").replace(b"<a@", b"<d@")),
    }
    with serving(records) as server:
        trust = Trust(relays=("10.0.0.0/8",), authserv_ids=("mx.desk.example",))
        settings = Config(
            paths=Paths(data=tmp_path),
            smtp=Smtp(listen=("127.0.0.1:0",)),
            trust=trust,
            dns=DnsSettings(servers=(server,)),
        )
        with opened(settings) as here:
            given = (here.desk, here.clock())
            here.store.writer.run(
                lambda conn: departments.add(conn, *given, name="Help", addresses=("help@desk.example",))
            )
        house = daemon.Daemon(settings)
        running = asyncio.create_task(house.run())
        try:
            await asyncio.to_thread(house.ready.wait)
            await asyncio.to_thread(send, house.listening[0], mails.values())
        finally:
            house.stop()
            await running
        with opened(settings) as here:
            take(here)  # what the daemon had not got to
            found = here.store.read(kept)
    assert found == {
        "carol@shop.example": (Verdict.PASS, "public", "from pass (spf)", Outcome.OPENED),
        "carol@bank.example": (Verdict.PASS, "public", "from pass (dkim)", Outcome.OPENED),
        "carol@bank.example, forged": (Verdict.FAIL, "internal", "from fail (dmarc)", Outcome.OPENED),
        "carol@plain.example": (Verdict.NONE, "public", "from none (no-policy)", Outcome.OPENED),
    }


def send(listening, mails):
    host, _, port = listening.rpartition("/")[2].rpartition(" ")[2].rpartition(":")
    with smtplib.SMTP(host, int(port), local_hostname="mx.shop.example") as client:
        for sender, raw in mails:
            client.sendmail(sender, ["help@desk.example"], raw)


def kept(conn):
    found = {}
    for row in conn.execute(schema.message.select().order_by(schema.message.c.id)):
        arrival = conn.execute(schema.arrival.select().where(schema.arrival.c.id == row.arrival_id)).one()
        line = next(line for line in arrival.evidence if line.startswith("from "))
        key = row.author_email + (", forged" if row.verdict == "fail" else "")
        found[key] = (Verdict(row.verdict), row.visibility, line, Outcome(arrival.outcome))
        assert arrivals.all_by_spool(conn, arrival.spool_id)
    return found
