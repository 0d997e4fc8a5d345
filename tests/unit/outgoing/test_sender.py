"""The outbox emptied through a real relay dialogue: every end, crashes, leases, and that one mail never stops another."""

from __future__ import annotations

import asyncio
import email
import email.policy
import itertools
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from email.utils import parseaddr
from typing import Any

import pytest
from structlog.testing import capture_logs

from helpdeskd import config, resources
from helpdeskd.desk import departments, history, people, tickets
from helpdeskd.desk.context import Desk, Part, Words
from helpdeskd.errors import NoRoom, StoreDown
from helpdeskd.mail.tokens import TokenKeys
from helpdeskd.model.mail import Address
from helpdeskd.model.outgoing import Ended, NoticeName, OutboxRow, OutboxState, Sent
from helpdeskd.model.ticket import History
from helpdeskd.outgoing.render import Renderer
from helpdeskd.outgoing.sender import Counts, Sender
from helpdeskd.outgoing.transport import Relay
from helpdeskd.store import outbox, schema
from helpdeskd.store.blobs import Blobs
from helpdeskd.store.engine import Store
from tests.sink import DROP, Caught, Sink
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

    def answer(self, text: str, *, html: str = "", quote: str = "", parts: tuple[Part, ...] = ()) -> OutboxRow:
        """A member of staff answers; the row of the mail to Jane."""

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
            words = Words(text=text, html=html, quote=quote, parts=parts)
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
        made: int = self.write(lambda conn: outbox.enqueue(conn, replace(mail, **changes)))
        return made

    def sender(self, relay: Any = None, owner: str = "node-1") -> Sender:
        settings = config.Outgoing(**{"relay": self.sink.relay, "security": "none", **self.settings})
        return Sender(
            store=self.store,
            blobs=self.blobs,
            renderer=Renderer(TEMPLATES, self.override, "en"),
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


@pytest.fixture
async def sink():
    async with Sink() as made:
        yield made


@pytest.fixture
def house(store, blobs, sink) -> House:
    made = House(store, blobs, sink, a_desk())
    made.found()
    return made


def a_desk(**changes: Any) -> Desk:
    count = itertools.count(1)
    fields: dict[str, Any] = {
        "settings": config.Desk(),
        "tokens": TokenKeys((b"k" * 32,)),
        "instance": "instance-1",
        "plus_works": True,
        "rng": lambda size: next(count).to_bytes(size, "big"),
        "intake": config.Intake(),
    }
    return Desk(**{**fields, **changes})


# What arrives


async def test_an_acknowledgement_as_the_customer_receives_it(house):
    row_id = house.queue()
    with capture_logs() as logs:
        assert await house.sender().once() == Counts(sent=1)
    row = house.row(row_id)
    assert (row.state, row.server_id, row.sent_at) == (OutboxState.SENT, "SINK0001", START)
    assert (row.owner, row.lease_until, row.attempts) == ("", None, 1)
    assert [a.ended for a in house.attempts(row_id)] == [Ended.SENT]

    caught = house.sink.mails[0]
    token = house.desk.tokens.make(house.ticket.id, house.person_id)
    assert (caught.sender, caught.recipients) == ("support@example.org", (JANE,))
    assert house.blobs.get(row.raw_sha256) == caught.data
    mail = parsed(caught)
    assert mail["From"] == "Example Support <support@example.org>"
    assert mail["To"] == f"Jane Doe <{JANE}>"
    assert mail["Reply-To"].addresses[0].addr_spec == f"support+{token}@example.org"
    assert mail["Subject"] == "[#482915] Printer <on> fire & more"
    assert mail["Message-ID"] == "<ours-1@example.org>"
    assert mail["In-Reply-To"] == "<jane-1@example.net>"
    assert mail["References"].split() == ["<root@example.net>", "<jane-1@example.net>"]
    assert mail["Auto-Submitted"] == "auto-replied"
    assert mail["X-Auto-Response-Suppress"] == "All"
    assert mail["X-Helpdeskd-Loop"] == "instance-1"
    assert mail["Date"].datetime == START
    assert "Thank you" in body(caught)
    assert "Thank you" in body(caught, "html")
    assert "It burns" not in body(caught)
    assert token not in body(caught) + body(caught, "html")
    assert house.happened(History.MAIL_FAILED) == []

    told = [line for line in logs if line["event"] == "sent"]
    assert [(t["ticket"], t["message"], t["recipient"]) for t in told] == [(482915, "ours-1@example.org", JANE)]


async def test_a_staff_reply_is_the_persons_own_words(house):
    row = house.answer("Pull the plug.\n\nAda")
    assert await house.sender().once() == Counts(sent=1)
    mail = parsed(house.sink.mails[0])
    assert mail["From"] == "Example Support <support@example.org>"
    assert mail["Auto-Submitted"] is None
    assert mail["X-Auto-Response-Suppress"] is None
    assert mail["X-Helpdeskd-Loop"] == "instance-1"
    assert mail["Message-ID"] == f"<{row.mail_id}>"
    text = body(house.sink.mails[0])
    assert text == f"{house.desk.settings.marker}\n\nPull the plug.\n\nAda\n\n-- \nExample Support"
    assert "ada@example.org" not in house.sink.mails[0].data.decode()


async def test_staff_are_shown_the_message_and_its_files(house):
    sha256 = house.blobs.put(b"\x89PNG picture")

    def attach(conn):
        words = Words(text="See the picture.", parts=(Part("fire.png", "image/png", 12, sha256),))
        jane = people.get(conn, house.person_id)
        return tickets.customer_reply(
            conn, house.desk, house.now, ticket=house.ticket, author=jane, words=words, reopen=False
        ).message_id

    message_id = house.write(attach)
    house.queue(NoticeName.CUSTOMER_REPLIED, "ada@example.org", message_id=message_id)
    assert await house.sender().once() == Counts(sent=1)
    mail = parsed(house.sink.mails[0])
    assert mail["Auto-Submitted"] == "auto-generated"
    assert "See the picture." in body(house.sink.mails[0])
    assert "- fire.png (12 B)" in body(house.sink.mails[0])
    files = list(mail.iter_attachments())
    assert [(f.get_filename(), f.get_content()) for f in files] == [("fire.png", b"\x89PNG picture")]


async def test_files_go_along_as_far_as_they_fit(house):
    house.settings["attachments_mb"] = 1
    big, small, other = (house.blobs.put(bytes([n]) * size) for n, size in ((1, 900_000), (2, 5000), (3, 200_000)))
    parts = (
        Part("big.bin", "application/octet-stream", 900_000, big),
        Part("other.bin", "application/octet-stream", 200_000, other),
        Part("small.bin", "application/octet-stream", 5000, small),
    )
    house.answer("Three files.", parts=parts)
    assert await house.sender().once() == Counts(sent=1)
    names = [f.get_filename() for f in parsed(house.sink.mails[0]).iter_attachments()]
    assert names == ["big.bin", "small.bin"]
    assert "too large to be sent by mail:\n- other.bin (200 KB)\n" in body(house.sink.mails[0])


async def test_the_authors_html_is_sent_only_where_it_says_no_more_than_the_text(house):
    house.answer("Pull the plug.", html="<p>Pull <b>the</b> plug.</p>")
    house.answer("Pull the cord.", html="<p>Pull the cord.</p><blockquote>Internal: she is a nuisance</blockquote>")
    house.answer("Pull it.", html="<p>Pull it.</p>", quote="> something that was cut")
    assert await house.sender().once() == Counts(sent=3)
    html = sorted(body(each, "html") for each in house.sink.mails)
    assert any("<p>Pull <b>the</b> plug.</p>" in each for each in html)
    assert any("Pull the cord." in each and "<p>Pull the cord." not in each for each in html)
    assert any("Pull it." in each and "<p>Pull it." not in each for each in html)
    assert not any("nuisance" in each for each in html)


async def test_an_inline_picture_stays_inline_where_the_html_is_sent(house):
    sha256 = house.blobs.put(b"GIF89a")
    parts = (Part("logo.gif", "image/gif", 6, sha256, content_id="logo@x", inline=True),)
    house.answer("Look:", html='<p>Look:</p><img src="cid:logo@x">', parts=parts)
    house.answer("Look again:", html="", parts=parts)
    assert await house.sender().once() == Counts(sent=2)
    by_text = {body(each).split("\n")[2]: parsed(each) for each in house.sink.mails}
    inline = [part for part in by_text["Look:"].walk() if part["Content-ID"] == "<logo@x>"]
    assert len(inline) == 1
    assert [f.get_filename() for f in by_text["Look again:"].iter_attachments()] == ["logo.gif"]


async def test_no_token_of_ours_leaves_in_any_text(house):
    token = house.desk.tokens.make(house.ticket.id, 99)
    house.answer(
        f"Write to support+{token}@example.org please", html=f"<p>Write to support+{token}@example.org please</p>"
    )
    assert await house.sender().once() == Counts(sent=1)
    caught = house.sink.mails[0]
    assert "Write to support@example.org please" in body(caught)
    assert token not in body(caught) + body(caught, "html")


# Addresses


@pytest.mark.parametrize("token", ["", "k2345672345672345672345672345"])
async def test_where_the_token_travels(house, token):
    """Decided when the mail was put into the outbox: without a token its Message-ID is what ties the answer."""
    house.queue(reply_token=token)
    await house.sender().once()
    address = "support@example.org" if not token else f"support+{token}@example.org"
    assert parseaddr(parsed(house.sink.mails[0])["Reply-To"])[1] == address


async def test_verp_names_this_very_mail(store, blobs, sink):
    house = House(store, blobs, sink, a_desk())
    house.found(verp=True)
    row = house.row(house.queue())
    await house.sender().once()
    assert sink.mails[0].sender == f"support+b-{row.envelope_token}@example.org"


# Every end


async def test_a_temporary_no_is_tried_again_with_the_same_bytes(house):
    row_id = house.queue()
    sender = house.sender()
    house.sink.say("dot", "451 4.7.1 greylisted, come back")
    assert await sender.once() == Counts(deferred=1)
    row = house.row(row_id)
    assert (row.state, row.attempts) == (OutboxState.DEFERRED, 1)
    assert row.last_reply.startswith("451 4.7.1 greylisted, come back")
    assert row.next_at == START + timedelta(minutes=1)
    frozen = row.raw_sha256
    assert await sender.once() == Counts()  # not due yet
    house.now += timedelta(minutes=2)
    house.desk = replace(house.desk, settings=config.Desk(marker="## another marker, set meanwhile ##"))
    assert await house.sender().once() == Counts(sent=1)
    assert house.row(row_id).raw_sha256 == frozen
    first, second = house.sink.mails
    assert first.data == second.data
    assert not house.row(row_id).possibly_twice


async def test_nobody_listens_for_five_days(house):
    house.settings["relay"] = "127.0.0.1:1"
    row_id = house.queue()
    ends = []
    for _ in range(60):
        counts = await house.sender().once()
        ends.append(counts)
        row = house.row(row_id)
        if row.state is not OutboxState.DEFERRED:
            break
        house.now = row.next_at
    assert row.state is OutboxState.FAILED
    assert house.now == START + timedelta(days=5)
    assert ends[-1] == Counts(failed=1)
    assert ends[:-1] == [Counts(deferred=1)] * (len(ends) - 1)
    assert len(house.attempts(row_id)) == row.attempts == len(ends)
    (entry,) = house.happened(History.MAIL_FAILED)
    assert entry["recipient"] == JANE
    assert "127.0.0.1:1" in str(entry["words"])


async def test_a_mail_that_waited_for_its_first_try_has_its_five_days_still(house):
    row_id = house.queue()
    house.now += timedelta(days=30)
    house.sink.say("rcpt", "450 4.2.0 later")
    assert await house.sender().once() == Counts(deferred=1)
    assert house.row(row_id).state is OutboxState.DEFERRED


async def test_a_refusal_is_the_end_and_stands_in_the_ticket(house):
    house.sink.refuse(JANE, "550 5.1.1 no such user")
    row_id = house.queue()
    with capture_logs() as logs:
        assert await house.sender().once() == Counts(failed=1)
    row = house.row(row_id)
    assert (row.state, row.attempts) == (OutboxState.FAILED, 1)
    (entry,) = house.happened(History.MAIL_FAILED)
    assert entry["notice"] == "acknowledgement"
    assert entry["mail_id"] == "ours-1@example.org"
    assert str(entry["words"]).startswith("550 5.1.1 no such user")
    (told,) = [line for line in logs if line["event"] == "failed"]
    assert (told["ticket"], told["recipient"]) == (482915, JANE)
    house.now += timedelta(days=1)
    assert await house.sender().once() == Counts()


async def test_one_bad_recipient_never_stops_the_others(house):
    house.sink.refuse("gone@example.net", "550 5.1.1 gone")
    house.sink.refuse("full@example.net", "452 4.2.2 full")
    names = ["a", "gone", "b", "full", "not an address", "c"]
    ids = {name: house.queue(recipient=f"{name}@example.net") for name in names}
    assert await house.sender().once() == Counts(sent=3, deferred=1, failed=2)
    states = {name: house.row(row_id).state for name, row_id in ids.items()}
    assert states == {
        "a": OutboxState.SENT,
        "gone": OutboxState.FAILED,
        "b": OutboxState.SENT,
        "full": OutboxState.DEFERRED,
        "not an address": OutboxState.FAILED,
        "c": OutboxState.SENT,
    }


async def test_a_drop_after_the_dot_notice(house):
    house.sink.say("dot", DROP)
    row_id = house.queue()
    assert await house.sender().once() == Counts(unknown=1)
    row = house.row(row_id)
    assert row.state is OutboxState.UNKNOWN
    (entry,) = house.happened(History.MAIL_UNKNOWN)
    assert entry["recipient"] == JANE
    house.now += timedelta(days=1)
    assert await house.sender().once() == Counts()
    assert len(house.sink.mails) == 1


async def test_a_drop_after_the_dot_staff_reply(house):
    house.sink.say("dot", DROP)
    row = house.answer("Pull the plug.")
    assert await house.sender().once() == Counts(deferred=1)
    row = house.row(row.id)
    assert (row.state, row.possibly_twice) == (OutboxState.QUEUED, True)
    assert row.next_at > house.now
    assert house.happened(History.MAIL_UNKNOWN) == []
    house.now = row.next_at
    assert await house.sender().once() == Counts(sent=1)
    first, second = house.sink.mails
    assert first.data == second.data
    assert house.row(row.id).possibly_twice


async def test_a_staff_reply_that_never_gets_an_answer_ends_as_unknown(house):
    house.sink.always("dot", DROP)
    row = house.answer("Pull the plug.")
    for _ in range(60):
        await house.sender().once()
        row = house.row(row.id)
        if row.state is not OutboxState.QUEUED:
            break
        house.now = row.next_at
    assert row.state is OutboxState.UNKNOWN
    assert len(house.happened(History.MAIL_UNKNOWN)) == 1


# Crashes


class Crash(BaseException):
    """Not even an Exception: what a killed process leaves behind."""


class DiesAfterSending:
    """A relay that takes the mail and then the process is gone."""

    def __init__(self) -> None:
        self.taken: list[bytes] = []
        self.configured = True

    async def send(self, sender: str, recipient: str, raw: bytes, before_dot: Callable[[], Any]) -> Sent:
        await before_dot()
        self.taken.append(raw)
        raise asyncio.CancelledError

    async def close(self) -> None:
        return


async def test_a_crash_after_the_dot(house):
    notice, reply = house.queue(), house.answer("Pull the plug.").id
    dying = DiesAfterSending()
    await house.sender(relay=dying).once()
    assert {house.row(row_id).state for row_id in (notice, reply)} == {OutboxState.SENDING}
    assert len(dying.taken) == 2

    with capture_logs() as logs:
        assert await house.sender().once() == Counts(sent=1, deferred=1, unknown=1)
    assert house.row(notice).state is OutboxState.UNKNOWN
    row = house.row(reply)
    assert (row.state, row.possibly_twice) == (OutboxState.SENT, True)
    (again,) = house.sink.mails
    assert again.data in dying.taken
    assert parsed(again)["Message-ID"] == f"<{row.mail_id}>"
    (entry,) = house.happened(History.MAIL_UNKNOWN)
    assert entry["notice"] == "acknowledgement"
    assert "unknown" in [line["event"] for line in logs]


async def test_cut_off_before_the_dot_nothing_is_uncertain(house):
    class Stuck(DiesAfterSending):
        async def send(self, sender, recipient, raw, before_dot):
            self.taken.append(raw)
            stop.set()
            await asyncio.Event().wait()

    house.settings["timeout_seconds"] = 0.2
    notice, stuck, stop = house.queue(), Stuck(), asyncio.Event()
    await house.sender(relay=stuck).run(stop)
    assert len(stuck.taken) == 1
    row = house.row(notice)
    assert (row.state, row.owner) == (OutboxState.QUEUED, "")
    assert await house.sender().once() == Counts(sent=1)
    assert len(house.sink.mails) == 1


async def test_rows_another_node_died_with_come_free_with_their_lease(house):
    row_id = house.queue()
    house.write(lambda conn: outbox.claim_due(conn, house.now, "node-2", 120, 10))
    assert await house.sender().once() == Counts()
    house.now += timedelta(seconds=121)
    assert await house.sender().once() == Counts(sent=1)
    assert house.row(row_id).owner == ""


async def test_a_row_that_was_lost_before_the_dialogue_is_not_sent(house):
    """Between our claim and our mark another node took it over."""
    row_id = house.queue()
    sender = house.sender()
    prepare = sender._prepare

    def slow(row):
        made = prepare(row)
        house.now += timedelta(seconds=500)
        house.write(lambda conn: outbox.claim_due(conn, house.now, "node-2", 120, 10))
        return made

    sender._prepare = slow
    with capture_logs() as logs:
        assert await sender.once() == Counts()
    assert not house.sink.mails
    assert house.row(row_id).owner == "node-2"
    assert "the lease was lost" in [line.get("error") for line in logs]


async def test_the_lease_is_renewed_while_a_send_lives(house):
    house.settings["lease_seconds"] = 0.06
    row_id = house.queue()
    gate = house.sink.hold()
    sending = asyncio.ensure_future(house.sender().once())
    await house.sink.arrived(1)
    first = house.row(row_id).lease_until
    house.now += timedelta(seconds=1)
    await until(house, lambda: house.row(row_id).lease_until != first)
    assert house.row(row_id).state is OutboxState.SENDING
    gate.set()
    assert await sending == Counts(sent=1)


# What cannot become a mail


async def test_a_broken_template_parks_its_mail_and_no_other(house, tmp_path):
    folder = tmp_path / "own" / "mail" / "acknowledgement"
    folder.mkdir(parents=True)
    (folder / "body.txt").write_text("fine\n{{ tickt.number }}\n")
    house.override = tmp_path / "own"
    broken, fine = house.queue(), house.queue(NoticeName.TICKET_CLOSED)
    with capture_logs() as logs:
        assert await house.sender().once() == Counts(sent=1, failed=1)
    row = house.row(broken)
    assert row.state is OutboxState.FAILED
    assert row.raw_sha256 is None
    assert "acknowledgement/body.txt, line 2: 'tickt' is undefined" in row.last_reply
    (entry,) = house.happened(History.MAIL_FAILED)
    assert "line 2" in str(entry["words"])
    assert house.row(fine).state is OutboxState.SENT
    assert "line 2" in next(line["reason"] for line in logs if line["event"] == "failed")
    # Repaired, and asked for again: it goes out.
    (folder / "body.txt").write_text("fine\n")
    house.write(lambda conn: outbox.again(conn, broken, house.now))
    assert await house.sender().once() == Counts(sent=1)
    assert body(house.sink.mails[-1]) == "fine"


async def test_a_file_that_is_gone_fails_its_mail_and_no_other(house):
    house.answer("With a file.", parts=(Part("lost.bin", "application/x-lost", 5, "0" * 64),))
    fine = house.queue()
    with capture_logs() as logs:
        assert await house.sender().once() == Counts(sent=1, failed=1)
    assert house.row(fine).state is OutboxState.SENT
    assert "trouble" in [line["event"] for line in logs]
    (entry,) = house.happened(History.MAIL_FAILED)
    assert "blob" in str(entry["words"])


async def test_a_relay_that_raises_leaves_an_uncertain_mail(house):
    class Broken(DiesAfterSending):
        async def send(self, sender, recipient, raw, before_dot):
            await before_dot()
            raise KeyError("a fault of ours")

    notice, reply = house.queue(), house.answer("Pull the plug.").id
    with capture_logs():
        assert await house.sender(relay=Broken()).once() == Counts(deferred=1, unknown=1)
    assert house.row(notice).state is OutboxState.UNKNOWN
    assert house.row(reply).possibly_twice


# Temporary trouble


async def test_a_full_disk_costs_no_mail(house):
    row_id = house.queue()
    sender = house.sender()

    def full(data):
        raise NoRoom("no space left")

    sender.blobs = type("Full", (), {"put": staticmethod(full), "get": house.blobs.get})()
    with capture_logs(), pytest.raises(NoRoom):
        await sender.once()
    row = house.row(row_id)
    assert (row.state, row.attempts, row.owner) == (OutboxState.QUEUED, 0, "")
    assert await house.sender().once() == Counts(sent=1)


async def test_the_relays_answer_is_not_lost_to_a_store_that_is_down_for_a_moment(house, monkeypatch):
    monkeypatch.setattr("helpdeskd.outgoing.sender._PAUSE_SECONDS", 0)
    row_id = house.queue()
    real, failures = outbox.ended, iter([True, True, False])

    def ended(*args, **kwargs):
        if next(failures):
            raise StoreDown("the database is locked")
        return real(*args, **kwargs)

    monkeypatch.setattr(outbox, "ended", ended)
    with capture_logs():
        assert await house.sender().once() == Counts(sent=1)
    assert house.row(row_id).state is OutboxState.SENT
    assert len(house.sink.mails) == 1


# Trial and misconfiguration


@pytest.mark.parametrize(("settings", "words"), [({"hold": True}, "outgoing.hold"), ({"relay": ""}, "outgoing.relay")])
async def test_nothing_is_claimed_on_hold_or_without_a_relay(house, settings, words):
    house.settings.update(settings)
    row_id = house.queue()
    sender, stop = house.sender(), asyncio.Event()
    with capture_logs() as logs:
        assert await sender.once() == Counts()
        running = asyncio.ensure_future(sender.run(stop))
        while len([line for line in logs if line["event"] == "warning"]) < 2:
            await asyncio.sleep(0)
        sender.wake()
        stop.set()
        await running
    assert all(words in line["warning"] for line in logs if line["event"] == "warning")
    row = house.row(row_id)
    assert (row.state, row.owner, row.attempts) == (OutboxState.QUEUED, "", 0)


# The loop


async def test_the_loop_sends_what_comes_and_stops_in_good_order(house):
    sender, stop = house.sender(), asyncio.Event()
    house.store.writer.after_commit(sender.wake)
    sender.wake()  # before it runs: nothing happens
    running = asyncio.ensure_future(sender.run(stop))
    for number in range(1, 4):
        await asyncio.to_thread(house.queue)
        await house.sink.arrived(number)
    stop.set()
    await running
    sender.wake()  # nor after
    assert sender.counts == {OutboxState.SENT: 3}
    assert house.store.read(outbox.counts)[OutboxState.SENT] == 3


async def test_a_backlog_goes_out_over_a_few_connections(house):
    house.settings["connections"] = 3
    for number in range(40):
        house.queue(recipient=f"r{number}@example.net")
    assert await house.sender().once() == Counts(sent=40)
    assert house.sink.connections <= 3
    assert {mail.recipients[0] for mail in house.sink.mails} == {f"r{n}@example.net" for n in range(40)}


async def test_a_stop_finishes_the_dialogue_and_gives_the_rest_back(house):
    house.settings["connections"] = 1
    first, second = house.queue(), house.queue()
    gate = house.sink.hold()
    sender, stop = house.sender(), asyncio.Event()
    running = asyncio.ensure_future(sender.run(stop))
    await house.sink.arrived(1)
    stop.set()
    while not sender._stopping:
        await asyncio.sleep(0)
    gate.set()
    await running
    assert house.row(first).state is OutboxState.SENT
    row = house.row(second)
    assert (row.state, row.owner, row.attempts) == (OutboxState.QUEUED, "", 0)
    assert len(house.sink.mails) == 1


async def test_a_stop_does_not_wait_for_ever(house):
    house.settings["timeout_seconds"] = 0.2
    row_id = house.queue()
    house.sink.hold()
    sender, stop = house.sender(), asyncio.Event()
    running = asyncio.ensure_future(sender.run(stop))
    await house.sink.arrived(1)
    stop.set()
    await running
    assert house.row(row_id).state is OutboxState.SENDING  # found as uncertain at the next start


async def test_a_store_that_is_down_at_the_start_is_waited_for(house, monkeypatch):
    monkeypatch.setattr("helpdeskd.outgoing.sender._PAUSE_SECONDS", 0.01)
    house.queue()
    real, failures = outbox.recover, iter([True, True])

    def recover(*args, **kwargs):
        if next(failures, False):
            raise StoreDown("the database is locked")
        return real(*args, **kwargs)

    monkeypatch.setattr(outbox, "recover", recover)
    sender, stop = house.sender(), asyncio.Event()
    with capture_logs():
        running = asyncio.ensure_future(sender.run(stop))
        await house.sink.arrived(1)
        stop.set()
        await running
    assert sender.counts == {OutboxState.SENT: 1}


def a_dead_node_had(house: House, *, sending: bool) -> int:
    """A row that node-2 claimed, and perhaps began to send, before it died; its lease is over."""
    row_id = house.queue()

    def take(conn):
        long_ago = house.now - timedelta(hours=1)
        conn.execute(schema.outbox.update().where(schema.outbox.c.id == row_id).values(next_at=long_ago))
        (claimed,) = outbox.claim_due(conn, long_ago, "node-2", 120, 1)
        assert claimed.id == row_id
        if sending:
            outbox.sending(conn, row_id, "0" * 64, "node-2", long_ago)

    house.write(take)
    return row_id


async def until(house: House, condition: Callable[[], bool]) -> None:
    """Waits for what a commit of anybody's brings about."""
    committed, loop = asyncio.Event(), asyncio.get_running_loop()

    def ring() -> None:
        loop.call_soon_threadsafe(committed.set)

    house.store.writer.after_commit(ring)
    while not condition():
        await committed.wait()
        committed.clear()


async def test_a_living_node_takes_over_from_a_dead_one(house):
    house.settings["lease_seconds"] = 0.06
    house.now += timedelta(hours=2)
    sender, stop = house.sender(), asyncio.Event()
    running = asyncio.ensure_future(sender.run(stop))
    house.queue(recipient="first@example.net")
    await house.sink.arrived(1)  # it is past its own start
    cut_off = a_dead_node_had(house, sending=True)
    with capture_logs():
        await until(house, lambda: house.row(cut_off).state is OutboxState.UNKNOWN)
    claimed = a_dead_node_had(house, sending=False)
    await house.sink.arrived(2)
    await until(house, lambda: house.row(claimed).state is OutboxState.SENT)
    stop.set()
    await running
    assert len(house.happened(History.MAIL_UNKNOWN)) == 1


async def test_without_renewed_leases_nothing_is_sent(house, monkeypatch):
    """The sender ends with the fault, and whoever runs it starts it again."""
    house.settings["lease_seconds"] = 0.03

    def broken(*args, **kwargs):
        raise KeyError("a fault of ours")

    sender = house.sender()
    running = asyncio.ensure_future(sender.run(asyncio.Event()))
    house.queue()
    await house.sink.arrived(1)
    monkeypatch.setattr(outbox, "recover", broken)
    with pytest.raises(KeyError, match="a fault of ours"):
        await running
