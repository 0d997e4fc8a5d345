"""What staff pass on: whose ticket it is, who reads what, and what belongs to it afterwards."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import msgspec
import pytest
from sqlalchemy import select

from helpdeskd.config import Config
from helpdeskd.desk import people, receive, reparse
from helpdeskd.desk.arrived import arrived_from, parts_of
from helpdeskd.mail.parse import parse
from helpdeskd.model.mail import Inbound, Kind, Verdict
from helpdeskd.model.outgoing import NoticeName as N
from helpdeskd.model.routing import Outcome
from helpdeskd.model.ticket import Side
from helpdeskd.spool import Envelope
from helpdeskd.store import schema
from tests.unit.desk.conftest import NOW
from tests.unit.desk.street import Street

ADA, DAVE = "ada@staff.example", "dave@customer.example"
BLOCK = (
    "---------- Forwarded message ---------\r\nFrom: Dave <dave@customer.example>\r\nDate: Wed, Mar 4, 2026 at 9:12 AM\r\n"
    "Subject: Screen\r\nTo: Ada <ada@staff.example>\r\n\r\n"
)
ORIGINAL = (
    "From: Dave <dave@customer.example>\r\nTo: ada@staff.example\r\nCc: eve@elsewhere.example\r\nSubject: Screen\r\n"
    "Date: Wed, 4 Mar 2026 09:00:00 +0000\r\nMessage-ID: <orig@customer.example>\r\nReferences: <older@customer.example>\r\n"
    "MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=in\r\n\r\n"
    "--in\r\nContent-Type: text/html\r\n\r\n<p>It is <b>dark</b>.</p>\r\n"
    "--in\r\nContent-Type: application/pdf; name=bill.pdf\r\n\r\n%PDF\r\n--in--\r\n"
)


def raw(subject: str = "Fwd: Screen", text: str = "", attached: str = "", headers: str = "", file: str = "") -> bytes:
    body = f"--out\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n{text}\r\n"
    if attached:
        body += f"--out\r\nContent-Type: message/rfc822\r\n\r\n{attached}\r\n"
    if file:
        body += f"--out\r\nContent-Type: text/csv; name={file}\r\nContent-Disposition: attachment\r\n\r\n1;2\r\n"
    return (
        f"From: Ada <{ADA}>\r\nTo: support@example.org\r\nCc: eve@elsewhere.example\r\nSubject: {subject}\r\n"
        f"Date: Wed, 4 Mar 2026 10:20:00 +0100\r\nMessage-ID: <fwd@staff.example>\r\n{headers}"
        f"MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=out\r\n\r\n{body}--out--\r\n"
    ).encode()


def read(house, mail: bytes) -> Inbound:
    desk = house.desk
    return parse(
        mail,
        sender=ADA,
        instance=desk.instance,
        own_addresses=lambda _: False,
        marker=desk.settings.marker,
        limits=desk.intake,
    )


@pytest.fixture
def street(house) -> Street:
    return Street(house)


@pytest.fixture
def take(house, street):
    def take(mail: bytes, verdict: Verdict = Verdict.PASS, **more):
        micros = int(house.now.timestamp() * 1_000_000)
        envelope = Envelope(
            id=f"spool-{next(street.count)}",
            door="smtp",
            sender=ADA,
            sender_known=True,
            recipients=more.pop("to", ("support@example.org",)),
            received=micros,
        )
        arrived = replace(arrived_from(envelope, read(house, mail), Config()), verdict=verdict)
        return street.take(arrived)

    return take


def files(house, message_id):
    found = select(schema.attachment.c.name).where(schema.attachment.c.message_id == message_id)
    return house.conn.execute(found.order_by(schema.attachment.c.position)).scalars().all()


def test_in_the_text(house, street, take):
    (received,) = take(
        raw(text=f"He is important.\r\n\r\nAda\r\n\r\n{BLOCK}It is dark.\r\n\r\nDave\r\n", file="log.csv")
    )
    assert (received.outcome, received.reason) == (Outcome.OPENED, "forwarded")
    ticket = street.ticket(received)
    first, note = street.messages(ticket)
    assert (first.id, first.visibility, first.reason) == (received.message_id, "public", "forwarded")
    assert (first.text.strip(), first.html, first.subject) == ("It is dark.\n\nDave", "", "Screen")
    assert (first.author_name, first.author_email, first.date) == ("Dave", DAVE, NOW.replace(hour=8, minute=12))
    assert (first.mail_id, first.verdict, first.kind) == (None, "none", "personal")
    assert (note.visibility, note.author_id, note.mail_id, note.verdict) == (
        "internal",
        house.ada.id,
        "fwd@staff.example",
        "pass",
    )
    assert note.text.startswith("He is important.\n\nAda\n\nFrom: Dave <dave@customer.example>\nDate: Wed, Mar 4, 2026")
    assert (files(house, first.id), files(house, note.id)) == (["log.csv"], [])
    dave = people.at(house.conn, DAVE)
    assert (ticket.requester_id, ticket.opened_by_id, ticket.last_side) == (dave.id, house.ada.id, Side.CUSTOMER)
    assert (ticket.subject, street.participants(ticket)) == ("Screen", [ADA])
    assert [(kind, detail.get("reason")) for kind, detail in house.history(ticket)] == [
        ("opened", "forwarded"),
        ("participant-added", None),
        ("noted", None),
    ]
    # the customer is told of their ticket; what Ada says above it is for staff
    assert street.outbox() == [("acknowledgement", DAVE), ("new_ticket", ADA), ("new_ticket", "bob@staff.example")]
    ack, notice = street.last(N.ACKNOWLEDGEMENT), street.last(N.NEW_TICKET)
    assert "forwarded" not in ack.context
    assert "important" not in str(ack.context)
    assert notice.context["forwarded"] == {"by": "Ada Lovelace", "comment": "He is important.\n\nAda"}
    assert [row.outcome for row in street.arrivals()] == ["opened"]


def test_attached(house, street, take):
    (received,) = take(raw(text="He is important.", attached=ORIGINAL, file="log.csv"))
    assert received.reason == "forwarded"
    ticket = street.ticket(received)
    first, note = street.messages(ticket)
    assert (first.mail_id, first.date, first.text.strip()) == (
        "orig@customer.example",
        NOW.replace(hour=9, minute=0),
        "It is dark.",
    )
    assert "<b>dark</b>" in first.html
    assert (note.text, note.html, note.visibility) == ("He is important.", "", "internal")
    assert files(house, first.id) == ["bill.pdf", "Screen.eml"]
    assert files(house, note.id) == ["log.csv"]
    assert street.participants(ticket) == [ADA]
    ack = street.last(N.ACKNOWLEDGEMENT)
    assert (ack.recipient, ack.refs) == (DAVE, ["older@customer.example", "orig@customer.example"])
    # the customer's own answer to what they wrote, which never named a mail of ours, belongs to it
    thread = {"references": ("orig@customer.example",), "verdict": Verdict.PASS}
    got = street.send(f"Dave <{DAVE}>", subject="Re: Screen", text="Still dark.", **thread)
    assert (got.outcome, got.number) == (Outcome.APPENDED, ticket.number)
    mine = street.take(street.answer(ack, f"Dave <{DAVE}>", "Very dark."))
    assert [(each.outcome, each.number) for each in mine] == [(Outcome.APPENDED, ticket.number)]


def test_staff_answer_it_as_any_ticket(house, street, take):
    (received,) = take(raw(text=BLOCK + "It is dark."))
    house.later(hours=1)
    (answered,) = street.take(street.answer(street.last(N.NEW_TICKET, ADA), ADA, "Turn it on."))
    assert (answered.outcome, answered.number) == (Outcome.APPENDED, received.number)
    assert house.told(N.STAFF_REPLY) == [DAVE]


def test_without_a_word_and_without_a_name(house, street, take):
    """No comment, no block of headers, no other file: no note either."""
    (received,) = take(raw(subject="", attached=ORIGINAL))
    assert street.said(street.ticket(received)) == [("public", "forwarded", "It is dark.")]


def test_a_thread_that_the_forward_names(house, street, take):
    """Mail programs name the mail that they forward: what answers that one later finds the ticket."""
    headers = "In-Reply-To: <orig@customer.example>\r\nReferences: <orig@customer.example>\r\n"
    (received,) = take(raw(text=BLOCK + "It is dark.", headers=headers))
    assert received.reason == "forwarded"
    thread = {"references": ("orig@customer.example",), "verdict": Verdict.PASS}
    late = street.send(f"Dave <{DAVE}>", subject="Screen, too", **thread)
    assert (late.outcome, late.number, late.reason) == (Outcome.APPENDED, received.number, "shared-root")


def test_an_original_that_is_here_already_opens_nothing(house, street, take):
    mine = street.send(f"Dave <{DAVE}>", subject="Screen", text="It is dark.", mail_id="orig@customer.example")
    (received,) = take(raw(text="Look at this.", attached=ORIGINAL))
    assert (received.outcome, received.number, received.reason) == (Outcome.INTERNAL, mine.number, "not-your-token")
    assert street.said(street.ticket(mine))[-1][::2] == ("internal", "Look at this.")
    assert house.told(N.KEPT_INTERNAL) == [ADA]


def test_a_mail_of_ours_that_staff_attach_gives_them_no_voice(house, street, take):
    """Who attaches their own notice does not answer it: the customer would get what was meant for colleagues."""
    street.send()
    notice = street.last(N.NEW_TICKET, ADA)
    inner = f"From: x@elsewhere.example\r\nSubject: n\r\nMessage-ID: <{notice.mail_id}>\r\n\r\nwords\r\n"
    (received,) = take(raw(subject="Fwd: n", text="Internal!", attached=inner))
    assert received.outcome is Outcome.OPENED
    assert house.told(N.STAFF_REPLY) == []


@pytest.mark.parametrize("verdict", [Verdict.NONE, Verdict.FAIL])
def test_a_forger_gets_an_ordinary_ticket(house, street, take, verdict):
    (received,) = take(raw(text="Pay!\r\n\r\n" + BLOCK + "It is dark."), verdict)
    ticket = street.ticket(received)
    assert received.reason == ("new" if verdict is Verdict.NONE else "unverified")
    assert (ticket.requester_id, len(street.messages(ticket))) == (house.ada.id, 1)
    assert DAVE not in [recipient for _, recipient in street.outbox()]
    assert people.find(house.conn, DAVE) is None


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("Dave <help@example.org>", "our own address"),
        ("Bob <bob@staff.example>", "a colleague"),
        ("Ada <ADA@staff.example>", "themselves"),
        ("Dave", "no address"),
        ("Dave <dave@>", "no address that can be written to"),
    ],
)
def test_nobody_outside_wrote_it(house, street, take, name, why):
    (received,) = take(raw(text=BLOCK.replace("Dave <dave@customer.example>", name) + "It is dark."))
    assert (received.reason, street.ticket(received).requester_id) == ("new", house.ada.id), why
    assert "It is dark." in street.messages(street.ticket(received))[0].text


@pytest.mark.parametrize(
    ("headers", "kind"),
    [("Auto-Submitted: auto-generated\r\n", Kind.AUTO_GENERATED), ("List-Id: <l.example>\r\n", Kind.LIST)],
)
def test_a_machines_mail_is_not_answered(house, street, take, headers, kind):
    (received,) = take(raw(attached=headers + ORIGINAL))
    assert received.reason == "forwarded"
    assert house.told(N.ACKNOWLEDGEMENT) == []
    assert street.messages(street.ticket(received))[0].kind == kind


@pytest.mark.parametrize("who", ["no-reply@shop.example", "MAILER-DAEMON@mx.example", "bounces+17@shop.example"])
def test_where_nobody_reads_nobody_is_told(house, street, take, who):
    (received,) = take(raw(text=BLOCK.replace(DAVE, who) + "Your code is 1234."))
    assert received.reason == "forwarded"
    assert house.told(N.ACKNOWLEDGEMENT) == []


def test_one_of_long_ago_is_not_answered(house, street, take):
    (received,) = take(raw(text=BLOCK.replace("Mar 4, 2026", "Mar 2, 2026") + "It is dark."))
    assert received.reason == "forwarded"
    assert house.told(N.ACKNOWLEDGEMENT) == []


def test_whoever_is_meant_today(house, street, take):
    """A disabled customer has their ticket and no mail; one who was merged is the person kept."""
    dave = house.customer(DAVE, "Dave")
    people.disable(house.conn, house.desk, house.now, person=dave)
    (received,) = take(raw(text=BLOCK + "It is dark."))
    assert street.ticket(received).requester_id == dave.id
    assert DAVE not in [recipient for _, recipient in street.outbox()]


def test_to_two_departments(house, street, take):
    house.department("Sales", "sales@example.org")
    one, two = take(raw(text=BLOCK + "It is dark."), to=("support@example.org", "sales@example.org"))
    assert [each.reason for each in (one, two)] == ["forwarded", "forwarded"]
    assert street.links(street.ticket(two)) == [(street.ticket(one).id, "same-mail")]
    assert house.told(N.ACKNOWLEDGEMENT) == [DAVE]
    again = street.arrivals()
    assert len(again) == 2


def test_what_the_customer_wrote_to_them_again_is_kept_inside(house, street, take):
    """Ada takes part by now; what she says above the second mail is no more for the customer than what she said above the first."""
    headers = "References: <orig@customer.example>\r\n"
    (first,) = take(raw(text=BLOCK + "It is dark.", headers=headers))
    (again,) = take(raw(text="He does not stop.\r\n\r\n" + BLOCK + "It is still dark.", headers=headers))
    assert (again.number, again.outcome) == (first.number, Outcome.INTERNAL)
    assert [each[0] for each in street.said(street.ticket(first))] == ["public", "internal", "internal"]


def test_into_a_ticket_it_is_what_it_was(house, street, take):
    first = street.send()
    tag = street.ticket(first).tag
    (received,) = take(raw(subject=f"Fwd: {tag} Screen", text=BLOCK + "It is dark."))
    assert (received.outcome, received.number) == (Outcome.INTERNAL, first.number)


def test_the_mail_itself_never_shows_what_is_for_staff(house, street, take):
    """Of a mail that was cut the whole hangs on: to the note, since the comment stands in it."""
    house.desk = replace(house.desk, intake=msgspec.structs.replace(house.desk.intake, max_parts=2))
    (received,) = take(raw(text="He is important.\r\n\r\n" + BLOCK + "It is dark.", file="log.csv"))
    first, note = street.messages(street.ticket(received))
    assert "original.eml" not in files(house, first.id)
    assert files(house, note.id) == ["original.eml"]
    assert note.text.startswith("[Not all of this mail is shown")


def test_derived_again_it_stays_the_same(house, street, take):
    mail = raw(text="He is important.\r\n\r\n" + BLOCK + "It is dark.", attached=ORIGINAL.replace("orig@", "other@"))
    for each in (mail, raw(text="Look.", attached=ORIGINAL)):
        house.later(days=8)
        (received,) = take(each)
        inbound = read(house, each)
        assert inbound.forward is not None
        inner = parts_of(inbound.forward.parts)
        for message in street.messages(street.ticket(received)):
            given = (house.conn, house.desk, message.id, inbound, parts_of(inbound.parts), inner)
            assert reparse.changes(*given) is None
            # a parser that sees no forward any more does not put the comment before the customer's eyes
            assert reparse.changes(house.conn, house.desk, message.id, replace(inbound, forward=None), ()) is None


def test_explained_before_it_is_done(house, street, take):
    arrived = replace(
        arrived_from(
            Envelope(id="s", door="smtp", sender=ADA, recipients=("support@example.org",)),
            read(house, raw(text=BLOCK + "It is dark.")),
            Config(),
        ),
        verdict=Verdict.PASS,
        received_at=NOW + timedelta(0),
    )
    (told,) = receive.explain(house.conn, house.desk, house.now, arrived).decisions
    assert (told.reason.value, told.requester, told.answered) == ("forwarded", DAVE, True)
    assert people.find(house.conn, DAVE) is None
