"""Shorthand for mails, tickets and facts without a database, for the tests of routing."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from helpdeskd.model.mail import Address, Forward, Inbound, Kind
from helpdeskd.model.people import Department, Person, PersonKind, ReplyTokens
from helpdeskd.model.routing import Evidence, Facts, Match, Original
from helpdeskd.model.ticket import Priority, State, Ticket

NOW = datetime(2026, 3, 4, 9, 30, tzinfo=UTC)

SUPPORT = Department(
    id=1,
    name="Support",
    address="support@example.org",
    addresses=("support@example.org",),
    sender_name="Support",
    private=False,
    follow_up_days=None,
    reply_tokens=ReplyTokens.AUTO,
    verp=False,
    cc_participates=True,
    language="",
)

CAROL = Person(10, PersonKind.CUSTOMER, "Carol", "carol@customer.example", 0, "")  # the requester
DAVE = Person(11, PersonKind.CUSTOMER, "Dave", "dave@customer.example", 0, "")  # a participant
EVE = Person(12, PersonKind.CUSTOMER, "Eve", "eve@elsewhere.example", 0, "")  # known, but no part of it
ADA = Person(20, PersonKind.STAFF, "Ada", "ada@staff.example", 1, "")
BOB = Person(21, PersonKind.STAFF, "Bob", "bob@staff.example", 1, "")
BOSS = Person(22, PersonKind.STAFF, "Boss", "boss@staff.example", 3, "")
GONE = Person(23, PersonKind.STAFF, "Gone", "gone@staff.example", 1, "", disabled_at=NOW - timedelta(days=1))


def days(count: float) -> datetime:
    """So many days ago."""
    return NOW - timedelta(days=count)


def mail(author: Person | None = CAROL, subject: str = "Re: My printer", **more: object) -> Inbound:
    base = Inbound(
        raw_sha256="0" * 64,
        identity_sha256="1" * 64,
        size=100,
        message_id="this@customer.example",
        in_reply_to=(),
        references=("parent@example.org",),
        author=None if author is None else Address(author.name, author.email),
        reply_to=(),
        to=(Address("", "support@example.org"),),
        cc=(),
        delivered_to=(),
        subject=subject,
        date=NOW,
        text="It burns.",
        quote="",
        html="",
        parts=(),
        kind=Kind.PERSONAL,
        kind_why="",
    )
    return replace(base, **more)  # type: ignore[arg-type]


def ticket(ticket_id: int = 1, state: State = State.AWAITING_CUSTOMER, *, updated: float = 1, **more: object) -> Ticket:
    base = Ticket(
        id=ticket_id,
        number=100_000 + ticket_id,
        subject="My printer",
        state=state,
        pending_until=None,
        priority=Priority.NORMAL,
        department_id=SUPPORT.id,
        requester_id=CAROL.id,
        assignee_id=None,
        merged_into=None,
        language="",
        created_at=days(200),
        updated_at=days(updated),
        closed_at=days(updated) if state is State.CLOSED else None,
    )
    return replace(base, **more)  # type: ignore[arg-type]


def match(
    evidence: Evidence,
    of: Ticket | None = None,
    bound_to: Person | None = None,
    *,
    credential: bool = True,
    participants: tuple[Person, ...] = (CAROL, DAVE),
    subjects: tuple[str, ...] = ("My printer",),
) -> Match:
    return Match(
        evidence=evidence,
        ticket=of or ticket(),
        bound_to=None if bound_to is None else bound_to.id,
        participants=frozenset(person.id for person in participants),
        subjects=frozenset(subjects),
        credential=credential and bound_to is not None,
    )


def facts(*matches: Match, author: Person | None = CAROL, **more: object) -> Facts:
    base = Facts(
        department=SUPPORT,
        now=NOW,
        author=author,
        author_is_ours=False,
        staff_departments=frozenset({SUPPORT.id}) if author is not None and author.is_staff else frozenset(),
        matches=matches,
        same_mail=(),
        elsewhere=(),
        old_mail=False,
        follow_up_days=30,
        contact_days=30,
    )
    return replace(base, **more)  # type: ignore[arg-type]


def passed_on(**more: object) -> Forward:
    """What Dave wrote, in a mail of somebody else."""
    base = Forward(Address("Dave", DAVE.email), "Please help him.", "Screen", days(0.1), "It is dark.", "")
    return replace(base, **more)  # type: ignore[arg-type]


def original(person: Person | None = DAVE, **more: object) -> Original:
    base = Original(Address("Dave", DAVE.email), person, ours=False, old=False)
    return replace(base, **more)  # type: ignore[arg-type]
