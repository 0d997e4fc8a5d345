"""A desk with one department and one ticket, and a sender that mails to a sink: the scene of the sender's tests."""

from __future__ import annotations

import email
import email.policy
import itertools
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from email.message import EmailMessage
from typing import Any

from helpdeskd import config, resources
from helpdeskd.desk import departments, history, people, tickets
from helpdeskd.desk.context import Desk, Part, Words
from helpdeskd.mail.tokens import TokenKeys
from helpdeskd.model.mail import Address
from helpdeskd.model.outgoing import NoticeName, OutboxRow
from helpdeskd.model.ticket import History
from helpdeskd.outgoing.render import Renderer
from helpdeskd.outgoing.sender import Sender
from helpdeskd.outgoing.signing import Signer
from helpdeskd.outgoing.transport import Relay
from helpdeskd.store import outbox, schema
from helpdeskd.store.blobs import Blobs
from helpdeskd.store.engine import Store
from tests.sink import Caught, Sink
from tests.unit.outgoing.examples import EXAMPLES

TEMPLATES = resources.find("templates")
START = datetime(2026, 3, 2, 8, 30, tzinfo=UTC)
JANE = "jane@example.net"


@dataclass
class House:
    """A desk with one department and one ticket, and a sender that mails to a sink."""

    store: Store
    blobs: Blobs
    sink: Sink
    desk: Desk
    now: datetime = START
    override: Any = None
    settings: dict[str, Any] = field(default_factory=dict)
    dkim: tuple[config.Dkim, ...] = ()
    department_id: int = 0
    ticket: Any = None
    message_id: int = 0
    person_id: int = 0
    _count: Any = field(default_factory=lambda: itertools.count(1))

    def clock(self) -> datetime:
        return self.now

    def write(self, fn: Callable[..., Any]) -> Any:
        return self.store.writer.run(fn)

    def found(self, **department: Any) -> None:
        """The department, a customer and her ticket; what the desk queued of itself is taken away."""

        def make(conn):
            made = departments.add(
                conn,
                self.desk,
                self.now,
                name="Support",
                addresses=("support@example.org",),
                sender_name="Example Support",
                **department,
            )
            jane = people.customer(conn, self.desk, self.now, Address("Jane Doe", JANE))
            words = Words(text="It burns.", subject="Printer on fire", mail_id="jane-1@example.net")
            posted = tickets.open(
                conn, self.desk, self.now, department=made, requester=jane, words=words, acknowledge=False
            )
            conn.execute(schema.outbox.delete())
            return made.id, posted.ticket, posted.message_id, jane.id

        self.department_id, self.ticket, self.message_id, self.person_id = self.write(make)

    def answer(
        self, text: str, *, html: str = "", quote: str = "", parts: tuple[Part, ...] = (), raw: str | None = None
    ) -> OutboxRow:
        """A member of staff answers, by mail where `raw` is the digest of one; the row of the mail to Jane."""

        def make(conn):
            ada = people.find(conn, "ada@example.org")
            if ada is None:
                ada, _ = people.add_staff(
                    conn,
                    self.desk,
                    self.now,
                    name="Ada",
                    email="ada@example.org",
                    level=3,
                    departments=(),
                    notify=False,
                )
                conn.execute(schema.outbox.delete().where(schema.outbox.c.notice == NoticeName.WELCOME))
            words = Words(text=text, html=html, quote=quote, parts=parts, raw_sha256=raw)
            tickets.staff_reply(conn, self.desk, self.now, ticket=self.ticket, author=ada, words=words)
            return outbox.list_rows(conn, ticket_id=self.ticket.id)[-1]

        row: OutboxRow = self.write(make)
        return row

    def queue(self, notice: NoticeName = NoticeName.ACKNOWLEDGEMENT, recipient: str = JANE, **changes: Any) -> int:
        number = next(self._count)
        mail = outbox.NewMail(
            notice=notice,
            automatic=notice is not NoticeName.STAFF_REPLY,
            department_id=self.department_id,
            recipient=recipient,
            language="en",
            context={k: v for k, v in EXAMPLES[notice].items() if k not in {"message", "marker"}},
            mail_id=f"ours-{number}@example.org",
            envelope_token=f"{number:032x}",
            created_at=self.now,
            next_at=self.now,
            ticket_id=self.ticket.id,
            message_id=self.message_id,
            person_id=self.person_id,
            references=("root@example.net", "jane-1@example.net"),
            reply_token=self.desk.tokens.make(self.ticket.id, self.person_id),
        )

        def put(conn) -> int:
            outbox.put(conn, [replace(mail, **changes)])
            return max(row.id for row in outbox.list_rows(conn, limit=None))

        made: int = self.write(put)
        return made

    def sender(self, relay: Any = None, owner: str = "node-1") -> Sender:
        settings = config.Outgoing(**{"relay": self.sink.relay, "security": "none", **self.settings})
        return Sender(
            store=self.store,
            blobs=self.blobs,
            renderer=Renderer(TEMPLATES, self.override, "en"),
            signer=Signer(config.Config(dkim=self.dkim)),
            relay=relay or Relay(settings, helo="desk.example.org", after_dot_seconds=30),
            settings=settings,
            desk=self.desk,
            clock=self.clock,
            rng=lambda count: b"\x00" * count,
            owner=owner,
        )

    def row(self, row_id: int) -> OutboxRow:
        found: OutboxRow = self.store.read(lambda conn: outbox.get(conn, row_id))
        return found

    def attempts(self, row_id: int) -> list[outbox.Attempt]:
        found: list[outbox.Attempt] = self.store.read(lambda conn: outbox.attempts(conn, row_id))
        return found

    def happened(self, kind: History) -> list[dict[str, object]]:
        entries = self.store.read(lambda conn: history.of(conn, self.ticket.id))
        return [entry.detail for entry in entries if entry.kind is kind]


def parsed(caught: Caught) -> EmailMessage:
    message = email.message_from_bytes(caught.data, policy=email.policy.default)
    assert isinstance(message, EmailMessage)
    return message


def body(caught: Caught, kind: str = "plain") -> str:
    part = parsed(caught).get_body((kind,))
    assert part is not None
    return str(part.get_content()).replace("\r\n", "\n").rstrip("\n")


def a_desk(**changes: Any) -> Desk:
    count = itertools.count(1)
    fields: dict[str, Any] = {
        "settings": config.Desk(),
        "tokens": TokenKeys((b"k" * 32,)),
        "instance": "instance-1",
        "plus_works": True,
        "rng": lambda size: next(count).to_bytes(size, "big"),
        "intake": config.Intake(),
        "ceilings": config.Ceilings(),
    }
    return Desk(**{**fields, **changes})
