"""Whom an event of the desk is told to, and by which notice: the table ROWS, and what turns a row into mails of the outbox.

To add a notice: a member of NoticeName, a folder in templates/mail, a row here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum

from sqlalchemy import Connection, bindparam, select, true

from helpdeskd.desk import addresses, ceilings, chain, mutes, rows, withholding
from helpdeskd.desk.context import Desk, Queued, Skip, Skipped, Told, Words
from helpdeskd.mail import ids
from helpdeskd.model.mail import Kind
from helpdeskd.model.outgoing import NoticeName
from helpdeskd.model.people import Department, Person, PersonKind, ReplyTokens
from helpdeskd.model.ticket import Ticket
from helpdeskd.store import memo, outbox, schema

LOCAL_PART = 64  # octets, RFC 5321 section 4.5.3.1.1


class Event(StrEnum):
    """What can happen that somebody is told of."""

    OPENED = "opened"
    OPENED_INSTEAD = "opened-instead"  # a follow-up came too late for its ticket
    STAFF_OPENED = "staff-opened"  # a member of staff wrote to a customer first
    MOVED = "moved"  # to another department
    CUSTOMER_REPLIED = "customer-replied"
    OUTSIDER_KEPT = "outsider-kept"  # a person's mail without a public voice: a stranger's, or unverified
    STAFF_REPLIED = "staff-replied"
    FORWARDED = "forwarded"  # by staff, to somebody outside
    ASSIGNED = "assigned"
    CLOSED = "closed"
    STAFF_KEPT = "staff-kept"  # a staff member's mail was kept as a note, against their wish
    COMMANDED = "commanded"
    STAFF_ADDED = "staff-added"
    CUSTOMER_ADDED = "customer-added"  # by staff or over an API; whoever writes by themselves needs no welcome
    PASSWORD_ASKED = "password-asked"  # somebody has forgotten theirs, or says so
    LOST = "lost"  # a mail of the ticket did not reach somebody outside
    ALARM = "alarm"  # to the operators; see operators.py


@dataclass(frozen=True, slots=True)
class Scene:
    """One event, with all that its notices need to know. `words` are the mail that caused it, where one did."""

    event: Event
    department: Department | None
    ticket: Ticket | None = None
    requester: Person | None = None
    actor: Person | None = None
    assignee: Person | None = None
    participants: tuple[Person, ...] = ()
    only: frozenset[int] | None = None  # ids: of the conversation, these alone are told
    tell: Person | None = None  # the one person concerned, for events that have one
    unreachable: str = ""  # the address that mail did not reach: it is not written to about that
    message_id: int | None = None
    words: Words | None = None
    acknowledge: bool = False
    extra: Mapping[str, object] = field(
        default_factory=dict
    )  # more context, plain JSON: reason, commands, changes, link, ...


class Thread(StrEnum):
    """What the mails of a row hang on."""

    ANSWERED = "answered"  # the mail that caused them
    PUBLIC = "public"  # the conversation with the customer
    STAFF = "staff"  # the ticket's thread of notices
    STAFF_ANSWERED = "staff-answered"  # the same, answering the mail that caused them
    NONE = "none"


_s, _p = schema.staff_department.c, schema.person.c
_NOTIFIED = (
    select(*rows.PERSON)
    .join(schema.staff_department, _s.person_id == _p.id)
    .where(
        _s.department_id == bindparam("department_id"),
        _s.notify == true(),
        _p.kind == PersonKind.STAFF.value,
        _p.disabled_at.is_(None),
    )
    .order_by(_p.id)
)


def _notified(conn: Connection, scene: Scene) -> tuple[Person, ...]:
    """Staff who want to be told of their department's tickets."""
    if scene.department is None:
        return ()
    department_id = scene.department.id

    def read(conn: Connection) -> tuple[Person, ...]:
        return tuple(rows.person(row) for row in conn.execute(_NOTIFIED, {"department_id": department_id}))

    return memo.remembered(conn, ("notices.notified", department_id), read)


def _handlers(conn: Connection, scene: Scene) -> tuple[Person, ...]:
    """The assignee; where there is none, or none any more, the notified staff."""
    return (scene.assignee,) if scene.assignee is not None and scene.assignee.is_staff else _notified(conn, scene)


def _requester(conn: Connection, scene: Scene) -> tuple[Person, ...]:
    return () if scene.requester is None else (scene.requester,)


def _acknowledged(conn: Connection, scene: Scene) -> tuple[Person, ...]:
    return _requester(conn, scene) if scene.acknowledge else ()


def _conversation(conn: Connection, scene: Scene) -> tuple[Person, ...]:
    everybody = (*_requester(conn, scene), *scene.participants)
    return everybody if scene.only is None else tuple(each for each in everybody if each.id in scene.only)


def _concerned(conn: Connection, scene: Scene) -> tuple[Person, ...]:
    return () if scene.tell is None else (scene.tell,)


@dataclass(frozen=True, slots=True)
class Row:
    """`automatic`: not a person's own words (RFC 3834 headers, never sent twice). `to_staff`: shows staff's addresses.
    `to_actor`: told to the one whose doing it was. `answers_mail`: none to an automatic mail. `replies`: carries a reply token.
    `muted_too`: goes to muted addresses as well, since somebody there, or staff, asks for this very mail."""

    event: Event
    notice: NoticeName
    recipients: Callable[[Connection, Scene], tuple[Person, ...]]
    thread: Thread
    automatic: bool = True
    to_staff: bool = True
    to_actor: bool = False
    answers_mail: bool = False
    replies: bool = True
    muted_too: bool = False
    ceilings: bool = True  # counts, where it is automatic; False: one of ours asked for just this mail, it tells of the ceilings, or has rates of its own


_E, _N, _T = Event, NoticeName, Thread

# fmt: off
ROWS: tuple[Row, ...] = (
    Row(_E.OPENED,           _N.ACKNOWLEDGEMENT,   _acknowledged, _T.ANSWERED, to_staff=False, to_actor=True, answers_mail=True),
    Row(_E.OPENED,           _N.NEW_TICKET,        _notified,     _T.STAFF),
    Row(_E.OPENED_INSTEAD,   _N.FOLLOW_UP_REFUSED, _acknowledged, _T.ANSWERED, to_staff=False, to_actor=True, answers_mail=True),
    Row(_E.OPENED_INSTEAD,   _N.NEW_TICKET,        _notified,     _T.STAFF),
    Row(_E.STAFF_OPENED,     _N.STAFF_REPLY,       _conversation, _T.PUBLIC, automatic=False, to_staff=False),
    Row(_E.MOVED,            _N.NEW_TICKET,        _notified,     _T.STAFF),
    Row(_E.CUSTOMER_REPLIED, _N.CUSTOMER_REPLIED,  _handlers,     _T.STAFF),
    Row(_E.OUTSIDER_KEPT,    _N.CUSTOMER_REPLIED,  _handlers,     _T.STAFF),
    Row(_E.STAFF_REPLIED,    _N.STAFF_REPLY,       _conversation, _T.PUBLIC, automatic=False, to_staff=False),
    Row(_E.FORWARDED,        _N.FORWARD,           _concerned,    _T.NONE, automatic=False, to_staff=False, replies=False),
    Row(_E.ASSIGNED,         _N.ASSIGNED,          _concerned,    _T.STAFF),
    Row(_E.CLOSED,           _N.TICKET_CLOSED,     _requester,    _T.PUBLIC, to_staff=False),
    Row(_E.STAFF_KEPT,       _N.KEPT_INTERNAL,     _concerned,    _T.STAFF_ANSWERED, to_actor=True, answers_mail=True),
    Row(_E.COMMANDED,        _N.COMMANDS_DONE,     _concerned,    _T.STAFF_ANSWERED, to_actor=True, answers_mail=True),
    Row(_E.STAFF_ADDED,      _N.WELCOME,           _concerned,    _T.NONE, to_actor=True, replies=False, ceilings=False, muted_too=True),
    Row(_E.CUSTOMER_ADDED,   _N.CUSTOMER_WELCOME,  _concerned,    _T.NONE, to_staff=False, replies=False, ceilings=False, muted_too=True),
    Row(_E.PASSWORD_ASKED,   _N.PASSWORD_RESET,    _concerned,    _T.NONE, to_staff=False, to_actor=True, replies=False, muted_too=True, ceilings=False),
    Row(_E.LOST,             _N.DELIVERY_FAILED,   _handlers,     _T.STAFF),
    Row(_E.ALARM,            _N.ALARM,             _concerned,    _T.NONE, to_actor=True, replies=False, ceilings=False),
)
# fmt: on

# What a mail of anybody can bring about: it has ceilings of its own.
_CAUSES = {
    Event.OPENED: ceilings.Cause.NEW,
    Event.OPENED_INSTEAD: ceilings.Cause.NEW,
    Event.OUTSIDER_KEPT: ceilings.Cause.KEPT,
    Event.STAFF_KEPT: ceilings.Cause.KEPT,
}
_BY_EVENT = {event: tuple(row for row in ROWS if row.event is event) for event in Event}


def enqueue_for(conn: Connection, desk: Desk, now: datetime, scene: Scene) -> Told:
    """Put into the outbox what ROWS says of the event: one mail for each recipient, in this transaction."""
    passed: list[Skipped] = []
    mails: list[outbox.NewMail] = []
    chosen = [(row, row.recipients(conn, scene)) for row in _BY_EVENT[scene.event]]
    ours = addresses.ours(conn, {person.email for _, people in chosen for person in people})
    telling: list[tuple[Row, list[Person]]] = []
    for row, people in chosen:
        writing, skipped = _sift(row, scene, people, ours)
        telling.append((row, writing))
        passed += skipped
        held = [each.recipient for each in skipped if each.why is Skip.MUTED]
        if held and scene.ticket is not None and not row.to_staff:
            mutes.tell_withheld(conn, now, scene.ticket, held)
    telling, withheld, last = _below_ceilings(conn, desk, now, scene, telling)
    if last:
        scene = replace(scene, extra={**scene.extra, "last_for_now": True})
    for row, writing in telling:
        if writing:
            mails.extend(_mails(conn, desk, now, scene, row, writing))
    passed += withheld
    if mails:
        outbox.put(conn, mails)
    number = None if scene.ticket is None else scene.ticket.number
    told = Told(tuple(Queued(mail.notice, mail.recipient, mail.mail_id, number) for mail in mails), tuple(passed))
    desk.hear(told)
    return told


def _sift(
    row: Row,
    scene: Scene,
    people: tuple[Person, ...],
    ours: frozenset[str],
) -> tuple[list[Person], list[Skipped]]:
    writing: dict[str, Person] = {}
    skipped: list[Skipped] = []
    for person in people:
        why = _obstacle(row, scene, person, ours)
        if why is None and person.email.lower() in writing:
            why = Skip.DUPLICATE_RECIPIENT
        if why is None:
            writing[person.email.lower()] = person
        else:
            skipped.append(Skipped(row.notice, person.email, why))
    if not people and row.recipients in {_notified, _handlers}:
        skipped.append(Skipped(row.notice, "", Skip.NO_STAFF))
    return list(writing.values()), skipped


def _obstacle(row: Row, scene: Scene, person: Person, ours: frozenset[str]) -> Skip | None:
    if scene.department is None or not scene.department.address:
        return Skip.NO_DEPARTMENT
    if person.disabled_at is not None:
        return Skip.DISABLED
    if not person.wants_mail:
        return Skip.UNWANTED
    if row.automatic and not row.muted_too and person.muted_at is not None:
        return Skip.MUTED
    if person.email in ours:
        return Skip.OWN_ADDRESS
    if person.email.lower() == scene.unreachable.lower():
        return Skip.UNREACHABLE
    if row.answers_mail and scene.words is not None and scene.words.kind is not Kind.PERSONAL:
        return Skip.AUTOMATIC_MAIL
    if not row.to_actor and scene.actor is not None and scene.actor.id == person.id:
        return Skip.OWN_ACTION
    return None


def _below_ceilings(
    conn: Connection, desk: Desk, now: datetime, scene: Scene, telling: list[tuple[Row, list[Person]]]
) -> tuple[list[tuple[Row, list[Person]]], list[Skipped], bool]:
    """Those whom a mail still goes to, and those from whom a ceiling keeps it: the ticket tells of them. Is it, beside, the last that
    is told of the ticket for now?"""
    counted = [person for row, people in telling for person in people if row.automatic and row.ceilings]
    if not counted:
        return telling, [], False
    ticket_id = None if scene.ticket is None else scene.ticket.id
    cause = _CAUSES.get(scene.event, ceilings.Cause.VOICE)
    lately = ceilings.tally(conn, desk.ceilings, now, ticket_id, counted, cause)
    left: list[tuple[Row, list[Person]]] = []
    withheld: list[Skipped] = []
    for row, people in telling:
        within = people
        if row.automatic and row.ceilings:
            reached = [(person, lately.take(person)) for person in people]
            within = [person for person, why in reached if why is None]
            withheld += [Skipped(row.notice, person.email, why) for person, why in reached if why is not None]
        left.append((row, within))
    lately.keep(conn, now)
    if withheld and scene.ticket is not None:
        withholding.write(conn, now, scene.ticket, scene.message_id, withheld)
    return left, withheld, lately.is_last


def _mails(
    conn: Connection,
    desk: Desk,
    now: datetime,
    scene: Scene,
    row: Row,
    people: list[Person],
) -> Iterator[outbox.NewMail]:
    department, ticket = scene.department, scene.ticket
    assert department is not None
    domain = department.address.rpartition("@")[2]
    references = _references(conn, desk, scene, row, domain)
    shared = _context(desk, scene, row, department)
    plus = row.replies and _by_plus_address(desk, department)
    for person in people:
        yield outbox.NewMail(
            notice=row.notice,
            automatic=row.automatic,
            department_id=department.id,
            ticket_id=None if ticket is None else ticket.id,
            message_id=scene.message_id,
            person_id=person.id or None,  # 0: the operators are nobody
            recipient=person.email,
            language=person.language or department.language or desk.settings.language,
            context={**shared, "person": {"name": person.name, "email": person.email}},
            mail_id=ids.new_mail_id(desk.rng, domain),
            references=references(person),
            reply_token=_token(desk, department, ticket, person) if plus and ticket is not None else "",
            envelope_token=desk.rng(16).hex(),
            created_at=now,
            next_at=now,
        )


def _by_plus_address(desk: Desk, department: Department) -> bool:
    """Does the token travel in the reply address? Without one, the mail's own Message-ID is what lets its reader answer."""
    if department.reply_tokens is ReplyTokens.AUTO:
        return desk.plus_works
    return department.reply_tokens is ReplyTokens.PLUS


def _token(desk: Desk, department: Department, ticket: Ticket, person: Person) -> str:
    """Empty where it does not fit beside the department's local part: then too the Message-ID lets its reader answer."""
    token = desk.tokens.make(ticket.id, person.id)
    local = department.address.rpartition("@")[0]
    return token if len(f"{local}+{token}".encode()) <= LOCAL_PART else ""


def _references(
    conn: Connection,
    desk: Desk,
    scene: Scene,
    row: Row,
    domain: str,
) -> Callable[[Person], tuple[str, ...]]:
    """The chain for each recipient; only the public conversation differs from one to the other."""
    if row.thread is Thread.PUBLIC and scene.ticket is not None:
        public = chain.Public(conn, scene.ticket.id)
        return lambda person: public.chain(person.id)
    fixed: tuple[str, ...] = ()
    if row.thread in {Thread.STAFF, Thread.STAFF_ANSWERED} and scene.ticket is not None:
        fixed = (chain.staff_root(scene.ticket.number, desk.instance, domain),)
        if row.thread is Thread.STAFF_ANSWERED and scene.words is not None:
            fixed = chain.after(fixed, scene.words.mail_id)
    elif row.thread is Thread.ANSWERED and scene.words is not None:
        fixed = chain.after(scene.words.references, scene.words.mail_id)
    return lambda _: fixed


def _context(desk: Desk, scene: Scene, row: Row, department: Department) -> dict[str, object]:
    """What the template may use, as it is now; plain JSON values, without the recipient. Customers see no staff addresses."""
    context: dict[str, object] = {
        "desk": {"name": desk.settings.name, "url": desk.settings.public_url},
        "department": {
            "name": department.name,
            "address": department.address,
            "sender_name": department.sender_name or department.name,
        },
        "reason": "" if scene.words is None else str(scene.words.reason),
    }
    if scene.ticket is not None:
        ticket = scene.ticket
        context["ticket"] = {
            "number": ticket.number,
            "tag": ticket.tag,
            "subject": ticket.subject,
            "state": ticket.state.value,
            "priority": ticket.priority.value,
            "url": ticket_url(desk, ticket.number),
        }
    if scene.actor is not None:
        context["author"] = _shown(scene.actor, row, department)
    if scene.requester is not None:
        context["requester"] = {"name": scene.requester.name, "email": scene.requester.email}
    context["assignee"] = None if scene.assignee is None else {"name": _shown(scene.assignee, row, department)["name"]}
    if row.to_staff and scene.words is not None and scene.words.forwarded is not None:
        context["forwarded"] = scene.words.forwarded.plain
    return {**context, **scene.extra}


def _shown(person: Person, row: Row, department: Department) -> dict[str, str]:
    if row.to_staff or person.kind is PersonKind.CUSTOMER:
        return {"name": person.name, "email": person.email}
    return {"name": person.name or department.sender_name, "email": department.address}


def ticket_url(desk: Desk, number: int) -> str:
    """Where a ticket is shown; empty where the desk has no public address."""
    return f"{desk.settings.public_url.rstrip('/')}/tickets/{number}" if desk.settings.public_url else ""


def set_password_url(desk: Desk, token: str) -> str:
    """Where a password is set; empty where the desk has no public address."""
    return f"{desk.settings.public_url.rstrip('/')}/set-password/{token}" if desk.settings.public_url else ""


def commands_done(
    conn: Connection,
    desk: Desk,
    now: datetime,
    *,
    department: Department,
    ticket: Ticket,
    requester: Person,
    person: Person,
    words: Words,
    message_id: int | None = None,
    **extra: object,
) -> Told:
    """COMMANDS_DONE to `person`, whose mail `words` gave commands. `extra` goes into the context: changes, commands, ..."""
    scene = Scene(
        Event.COMMANDED,
        department,
        ticket,
        requester,
        person,
        tell=person,
        message_id=message_id,
        words=words,
        extra=extra,
    )
    return enqueue_for(conn, desk, now, scene)
