"""Mails come in: shorthand to send one through desk.receive and to look at what became of it."""

from __future__ import annotations

import hashlib
import itertools
from dataclasses import dataclass, field, replace
from typing import Any

from sqlalchemy import select

from helpdeskd import spool
from helpdeskd.desk import receive, tickets
from helpdeskd.desk.context import Part
from helpdeskd.desk.receive import Arrived, Received
from helpdeskd.model.mail import Address, Door, Inbound, Kind, Verdict
from helpdeskd.model.outgoing import NoticeName
from helpdeskd.model.spam import By, Judgement, Sign, Spam
from helpdeskd.model.ticket import State, Ticket
from helpdeskd.model.trust import Checked, Why
from helpdeskd.store import schema
from tests.unit.desk.conftest import House


@dataclass
class Street:
    house: House
    count: Any = field(default_factory=lambda: itertools.count(1))
    verdict: Verdict = Verdict.NONE  # of mails that say nothing else

    def mail(
        self,
        author: str = "Carol <carol@customer.example>",
        to: str | tuple[str, ...] = "support@example.org",
        subject: str = "My printer",
        text: str = "It burns.",
        *,
        cc: tuple[str, ...] = (),
        references: tuple[str, ...] = (),
        in_reply_to: tuple[str, ...] = (),
        mail_id: str | None = "",
        kind: Kind = Kind.PERSONAL,
        shown_to: tuple[str, ...] | None = None,
        parts: tuple[Part, ...] = (),
        spool_id: str = "",
        identity: str | None = "",
        inbound: dict[str, Any] | None = None,
        **more: Any,
    ) -> Arrived:
        """A mail not yet received. `to` are the envelope's recipients (`shown_to`: those of To, else the same)."""
        number = next(self.count)
        recipients = (to,) if isinstance(to, str) else to
        mail_id = f"mail{number}@customer.example" if mail_id == "" else mail_id
        digest = hashlib.sha256(repr((mail_id, author, subject, text)).encode()).hexdigest()
        values: dict[str, Any] = {
            "raw_sha256": digest,
            "identity_sha256": digest if identity == "" else identity,
            "size": len(text),
            "message_id": mail_id,
            "in_reply_to": in_reply_to,
            "references": references,
            "author": address(author) if author else None,
            "reply_to": (),
            "to": tuple(address(each) for each in (recipients if shown_to is None else shown_to)),
            "cc": tuple(address(each) for each in cc),
            "delivered_to": (),
            "subject": subject,
            "date": self.house.now,
            "text": text,
            "quote": "",
            "html": f"<p>{text}</p>",
            "parts": (),
            "kind": kind,
            "kind_why": "" if kind is Kind.PERSONAL else "a header",
            **(inbound or {}),
        }
        more.setdefault("door", Door.SMTP)
        more.setdefault("verdict", self.verdict)
        more.setdefault("sender", address(author).email if author else "")
        more.setdefault("received_at", self.house.now)
        return Arrived(
            spool_id=spool_id or f"spool-{number}",
            recipients=recipients,
            inbound=Inbound(**values),
            parts=parts,
            raw_sha256=digest,
            **more,
        )

    def take(self, arrived: Arrived) -> tuple[Received, ...]:
        return receive.receive(self.house.conn, self.house.desk, self.house.now, arrived)

    def send(self, *args: Any, **more: Any) -> Received:
        """A mail to one department."""
        (received,) = self.take(self.mail(*args, **more))
        return received

    def answer(self, notice: Any, author: str, text: str, **more: Any) -> Arrived:
        """The answer of a mail program to a mail of ours: to its Reply-To, with its chain of Message-IDs."""
        more.setdefault("to", f"support+{notice.reply_token}@example.org")
        more.setdefault("subject", "Re: My printer")
        more.setdefault("references", (*notice.refs, notice.mail_id))
        more.setdefault("in_reply_to", (notice.mail_id,))
        return self.mail(author, text=text, **more)

    def ticket(self, received: Received) -> Ticket:
        assert received.number is not None
        return tickets.by_number(self.house.conn, received.number)

    def ticket_state(self, ticket: Ticket) -> State:
        return tickets.get(self.house.conn, ticket.id).state

    def last(self, notice: NoticeName, recipient: str = "") -> Any:
        """The latest mail of this kind in the outbox."""
        return [mail for mail in self.house.mails(notice) if mail.recipient.lower() == recipient or not recipient][-1]

    def messages(self, ticket: Ticket) -> list[Any]:
        found = select(schema.message).where(schema.message.c.ticket_id == ticket.id).order_by(schema.message.c.id)
        return list(self.house.conn.execute(found))

    def said(self, ticket: Ticket) -> list[tuple[str, str, str]]:
        """(visibility, reason, text) of each message."""
        return [(row.visibility, row.reason, row.text) for row in self.messages(ticket)]

    def arrivals(self) -> list[Any]:
        return list(self.house.conn.execute(select(schema.arrival).order_by(schema.arrival.c.id)))

    def outbox(self) -> list[tuple[str, str]]:
        return [(mail.notice, mail.recipient) for mail in self.house.mails()]

    def participants(self, ticket: Ticket) -> list[str]:
        c = schema.participant.c
        found = select(schema.person.c.email).join(schema.participant, c.person_id == schema.person.c.id)
        return list(self.house.conn.execute(found.where(c.ticket_id == ticket.id).order_by(c.person_id)).scalars())

    def links(self, ticket: Ticket) -> list[tuple[int, str]]:
        c = schema.ticket_link.c
        return [
            tuple(row) for row in self.house.conn.execute(select(c.other_id, c.kind).where(c.ticket_id == ticket.id))
        ]


def address(written: str) -> Address:
    """`Name <email>` or an address alone."""
    name, bracket, email = written.rpartition("<")
    return Address(name.strip(), email.rstrip(">")) if bracket else Address("", written)


BOUGHT = Judgement(Spam.SPAM, Sign(By.RSPAMD, Spam.SPAM, "reject"), (Sign(By.RSPAMD, Spam.SPAM, "reject"),))


def as_spam(arrived: Arrived, judgement: Judgement = BOUGHT, verdict: Verdict = Verdict.NONE) -> Arrived:
    """As a door took it and the checker judged it."""
    envelope = spool.Envelope(
        id=arrived.spool_id,
        door=arrived.door,
        helo="mx\r\n.example",
        sender=arrived.sender,
        recipients=arrived.recipients,
        received=int(arrived.received_at.timestamp() * 1_000_000),
    )
    return replace(arrived, envelope=envelope).judged(Checked(verdict, Why.NO_POLICY, spam=judgement))
