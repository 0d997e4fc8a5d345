"""Who may do what, every cell of the table in both profiles: by our own SMTP door, signed and looked up for real, read from the store.

One house for each profile. Every cell has a ticket of its own, which is closed, and one mail (staff a second one, with a command); all
go in over one connection. What became of each is read from tickets and messages, and from the outbox: what was mailed to whom.
"""

from __future__ import annotations

import asyncio
import smtplib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, select, update

from helpdeskd import daemon
from helpdeskd.config import Config, DnsSettings, Paths, Smtp, Trust
from helpdeskd.desk import departments, people, tickets
from helpdeskd.desk.authority import TABLE, Right, Tie, Who, rights
from helpdeskd.desk.context import Words
from helpdeskd.installation import Installation, opened
from helpdeskd.model.mail import Address, Verdict
from helpdeskd.model.ticket import State
from helpdeskd.model.trust import Profile
from helpdeskd.store import schema
from tests.nameserver import Zone, serving, text
from tests.taken import take
from tests.unit.mail.verify.house import ed_key, signed

pytestmark = pytest.mark.live

SIGNED, PLAIN, STRICT = "signed.example", "plain.example", "strict.example"
ZONE: Zone = {
    (f"s._domainkey.{SIGNED}", "TXT"): (text(ed_key()[1].decode()),),
    (f"_dmarc.{STRICT}", "TXT"): (text("v=DMARC1; p=reject"),),
}
# A header in the name of a server that we trust, written by somebody outside.
CLAIM = "Authentication-Results: mx.desk.example; dmarc=pass header.from={domain}; dkim=pass header.d={domain}\r\n"
COLUMNS = {
    "pass": (SIGNED, "", Verdict.PASS),
    "none": (PLAIN, "", Verdict.NONE),
    "fail": (STRICT, "", Verdict.FAIL),
    "none, forged results": (PLAIN, CLAIM, Verdict.NONE),
    "fail, forged results": (STRICT, CLAIM, Verdict.FAIL),
}
CAROL, NORA = "carol@customer.example", "nora@staff.example"  # the customer of most tickets; staff who are told of them
LOCAL = {
    Who.REQUESTER: "rita",
    Who.PARTICIPANT: "paul",
    Who.ASSIGNEE: "ada",
    Who.STAFF: "ada",
    Who.STRANGER: "eve",
    Who.OURS: "help",
}
STAFF = {Who.ASSIGNEE, Who.STAFF}
COMMAND = "#priority urgent\r\n"


@dataclass
class Cell:
    """One mail. `commands`: it begins with one."""

    id: str
    who: Who
    tie: Tie
    column: str
    commands: bool = False
    ticket_id: int | None = None  # what it is tied to
    raw: bytes = b""
    recipient: str = f"help@{PLAIN}"
    forged: str = ""  # header lines in the place of From
    victim: bool = False  # the ticket is Rita's, whose domain refuses what is forged, and so is the token

    def __str__(self) -> str:
        return f"{self.who}, {self.tie}, {self.column}{', with a command' if self.commands else ''}"

    @property
    def domain(self) -> str:
        return COLUMNS[self.column][0]

    @property
    def author(self) -> str:
        return f"{LOCAL[self.who]}@{self.domain}"


def cells() -> list[Cell]:
    every = [(who, tie, column) for who in Who for tie in Tie for column in COLUMNS]
    found = [Cell(f"cell{n}", *each) for n, each in enumerate(every)]
    return found + [Cell(f"{c.id}c", c.who, c.tie, c.column, commands=True) for c in found if c.who in STAFF]


def furnish(conn: Connection, here: Installation, all_cells: list[Cell]) -> None:
    """One department that is reached under each domain, its people, and a closed ticket for each cell that is tied to one."""
    given = (conn, here.desk, here.clock())
    domains = (PLAIN, SIGNED, STRICT)
    support = departments.add(*given, name="Help", addresses=[f"help@{domain}" for domain in domains])
    known = {CAROL: people.customer(*given, Address("Carol", CAROL))}
    for email in (NORA, *(f"ada@{domain}" for domain in domains)):
        known[email] = people.add_staff(*given, "", email, 1, (support.id,), email == NORA, welcome=False)[0]
    for local in ("rita", "paul", "eve"):
        known |= {f"{local}@{domain}": people.customer(*given, Address("", f"{local}@{domain}")) for domain in domains}
    for cell in all_cells:
        subject, headers = "My printer", ""
        if cell.tie is not Tie.NOTHING:
            author = None if cell.who is Who.OURS else known[cell.author]
            requester = author if cell.who is Who.REQUESTER and author else known[RITA if cell.victim else CAROL]
            words = Words("It burns.", subject=subject, mail_id=f"{cell.id}@customer.example", reason="new")
            joining = (Address("", cell.author),) if cell.who is Who.PARTICIPANT else ()
            ticket = tickets.open(
                *given, department=support, requester=requester, words=words, acknowledge=False, participants=joining
            ).ticket
            mine = author.id if author and cell.who is Who.ASSIGNEE else None
            closed = {"state": State.CLOSED.value, "closed_at": here.clock(), "assignee_id": mine}
            conn.execute(update(schema.ticket).where(schema.ticket.c.id == ticket.id).values(closed))
            cell.ticket_id = ticket.id
            subject = f"Re: [#{ticket.number}] {subject}" if cell.tie is Tie.TAG else f"Re: {subject}"
            other = known[NORA] if requester == author else requester
            holder = other if cell.tie is Tie.OTHERS_TOKEN or author is None else author
            if cell.tie in {Tie.OWN_TOKEN, Tie.OTHERS_TOKEN}:
                cell.recipient = f"help+{here.desk.tokens.make(ticket.id, holder.id)}@{PLAIN}"
            elif cell.tie is Tie.REFERENCES:
                headers = f"References: <{cell.id}@customer.example>\r\n"
        cell.raw = letter(cell, subject, headers)
    conn.execute(schema.outbox.delete())  # what opening them told


def letter(cell: Cell, subject: str, headers: str) -> bytes:
    domain, claim, _ = COLUMNS[cell.column]
    author = cell.forged or f"From: {cell.author}\r\n"
    raw = (
        f"{author}To: help@{PLAIN}\r\nSubject: {subject}\r\n"
        f"Date: Mon, 02 Mar 2026 10:00:00 +0000\r\nMessage-ID: <{cell.id}@{domain}>\r\n{headers}\r\n"
        f"{COMMAND if cell.commands else ''}Words of {cell.id}.\r\n"
    ).encode()
    return signed(raw, SIGNED, ed=True) if domain == SIGNED else claim.format(domain=domain).encode() + raw


def deliver(listening: str, all_cells: list[Cell]) -> None:
    port = int(listening.rpartition(":")[2])
    with smtplib.SMTP("127.0.0.1", port, local_hostname="mx.elsewhere.example", timeout=60) as client:
        for cell in all_cells:
            client.sendmail("bounces@elsewhere.example", [cell.recipient], cell.raw)


@dataclass
class Became:
    """What became of one mail, as the store has it."""

    verdict: str
    did: frozenset[Right]
    outside: set[str]  # who was mailed, without staff
    staff: set[str]


def read(conn: Connection, cell: Cell) -> Became:
    a, m, t, o = (table.c for table in (schema.arrival, schema.message, schema.ticket, schema.outbox))
    (arrival,) = conn.execute(select(schema.arrival).where(a.mail_id == f"{cell.id}@{cell.domain}")).all()
    verdict = next(line.split()[1] for line in arrival.evidence if line.startswith("from "))
    said: Any = conn.execute(select(schema.message).where(m.arrival_id == arrival.id)).first()
    mails = conn.execute(select(o.notice, o.recipient).where(o.ticket_id == arrival.ticket_id)).all()
    told = {mail.recipient for mail in mails}
    staff = {email for email in told if email == NORA or email.startswith("ada@")}
    did: set[Right] = set()
    if said is not None:
        assert said.verdict == verdict
        ticket = conn.execute(select(schema.ticket).where(t.id == said.ticket_id)).one()
        if cell.ticket_id is None:
            did |= {Right.OPEN} | ({Right.ACKNOWLEDGE} if ("acknowledgement", cell.author) in mails else set())
        else:
            assert ticket.id == cell.ticket_id
            answered = any(mail.notice == "staff_reply" for mail in mails)
            if said.visibility == "public":
                did.add(Right.ANSWER if answered else Right.APPEND)
            else:
                did.add(Right.KEEP if staff else Right.STORE)
            did |= {Right.REOPEN} if ticket.state != State.CLOSED else set()
            did |= {Right.COMMAND} if ticket.priority == "urgent" else set()
    else:
        assert arrival.outcome == "held"
        did.add(Right.STORE)
    return Became(verdict, frozenset(did), told - staff, staff)


def expected(cell: Cell, profile: Profile) -> frozenset[Right]:
    may = rights(cell.who, cell.tie, COLUMNS[cell.column][2], profile) - {Right.FORWARD}
    if not cell.commands:
        return may - {Right.COMMAND}
    # Text below a command that may not be obeyed is kept with it.
    return may if Right.COMMAND in may or Right.ANSWER not in may else frozenset({Right.KEEP})


def outside(cell: Cell, did: frozenset[Right]) -> set[str]:
    """Who outside is mailed: an answer goes to the customer, an acknowledgement to the author; staff are told inside."""
    if Right.ANSWER in did:
        return {CAROL}
    return {cell.author} - {f"ada@{cell.domain}"} if Right.ACKNOWLEDGE in did else set()


@pytest.fixture(params=list(Profile))
def profile(request: pytest.FixtureRequest) -> Iterator[Profile]:
    yield request.param


async def came_to(folder: Path, profile: Profile, all_cells: list[Cell]) -> dict[str, Became]:
    """What became of each, once a daemon of that profile has taken it."""
    with serving(ZONE) as server:
        config = Config(
            paths=Paths(data=folder),
            smtp=Smtp(listen=("127.0.0.1:0",)),
            dns=DnsSettings(servers=(server,)),
            trust=Trust(profile=profile.value, relays=("10.0.0.0/8",), authserv_ids=("mx.desk.example",)),
        )
        with opened(config) as here:
            here.store.writer.run(lambda conn: furnish(conn, here, all_cells))
        house = daemon.Daemon(config)
        running = asyncio.create_task(house.run())
        try:
            await asyncio.to_thread(house.ready.wait)
            await asyncio.to_thread(deliver, house.listening[0], all_cells)
        finally:
            house.stop()
            await running
        with opened(config) as here:
            take(here)  # what the daemon had not got to
            return here.store.read(lambda conn: {cell.id: read(conn, cell) for cell in all_cells})


async def test_every_cell(tmp_path: Path, profile: Profile) -> None:
    all_cells = cells()
    found = await came_to(tmp_path, profile, all_cells)
    wrong = {}
    for cell in all_cells:
        became, may = found[cell.id], expected(cell, profile)
        seen = (became.verdict, became.did, became.outside, bool(became.staff))
        told = bool(may & {Right.KEEP, Right.APPEND, Right.OPEN, Right.COMMAND})
        meant = (COLUMNS[cell.column][2].value, may, outside(cell, may), told)
        if seen != meant:
            wrong[str(cell)] = f"{seen}, not {meant}"
    assert wrong == {}
    assert len(all_cells) == len(COLUMNS) * (len(Who) + len(STAFF)) * len(Tie)
    assert {(cell.who, cell.tie) for cell in all_cells} == {(w, t) for row in TABLE for w in row.who for t in row.tie}


# Somebody outside who knows all that can be known: the ticket's number, its Message-IDs, and the token of its customer, Rita, whose
# domain refuses forged mail. {rita}, {ada} and {help} are addresses there; Eve's own domains sign, or say nothing.
RITA, ADA, EVE, OUR = f"rita@{STRICT}", f"ada@{STRICT}", f"eve@{PLAIN}", f"help@{STRICT}"
ATTACKS = {
    "the customer": f"From: {RITA}",
    "in capitals": f"From: {RITA.upper()}",
    "a dot behind the domain": f"From: {RITA}.",
    "a subdomain": f"From: rita@mail.{STRICT}",
    "staff": f"From: {ADA}",
    "our own address": f"From: {OUR}",
    "a name that looks like an address": f'From: "{RITA}" <{EVE}>',
    "an encoded one": f"From: =?utf-8?q?rita=40{STRICT}?= <{EVE}>",
    "an address before the address": f"From: {RITA} <{EVE}>",
    "a comment": f"From: ({RITA}) {EVE}",
    "two authors": f"From: {EVE}, {RITA}",
    "two authors, the customer first": f"From: {RITA}, {EVE}",
    "two From": f"From: {EVE}\r\nFrom: {RITA}",
    "two From, the customer first": f"From: {RITA}\r\nFrom: {EVE}",
    "a folded From": f"From:\r\n {RITA}",
    "a From with a blank": f"From : {RITA}\r\nFrom: {EVE}",
    "a group": f"From: friends: {RITA};",
    "an empty group": f"From: friends:;\r\nSender: {RITA}",
    "Sender": f"From: {EVE}\r\nSender: {RITA}",
    "Reply-To": f"From: {EVE}\r\nReply-To: {RITA}",
    "Resent-From": f"From: {EVE}\r\nResent-From: {RITA}",
    "staff in Sender and Reply-To": f"From: {EVE}\r\nSender: {ADA}\r\nReply-To: {ADA}",
    "no From": f"Reply-To: {RITA}\r\nSender: {RITA}",
}


@pytest.mark.parametrize("signer", [False, True], ids=["unsigned", "signed by another domain"])
async def test_forgers(tmp_path: Path, signer: bool) -> None:
    """With the leaked token, with references, with the number: words and command are kept inside, the ticket stays closed, nobody
    outside is mailed, and staff are told unless it bears our own name."""
    column = "pass" if signer else "none"
    tries = [
        Cell(f"try{n}-{tie.name}", Who.STRANGER, tie, column, commands=True, forged=f"{lines}\r\n", victim=True)
        for n, lines in enumerate(ATTACKS.values())
        for tie in (Tie.OTHERS_TOKEN, Tie.REFERENCES, Tie.TAG)
    ]
    found = await came_to(tmp_path, Profile.DEFAULT, tries)
    names = {f"try{n}": name for n, name in enumerate(ATTACKS)}
    for cell in tries:
        became = found[cell.id]
        name = names[cell.id.partition("-")[0]]
        ours = name == "our own address"
        assert (became.did, became.outside) == (frozenset({Right.STORE if ours else Right.KEEP}), set[str]()), (
            name,
            cell.tie,
            became,
        )
