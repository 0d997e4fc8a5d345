"""Tickets and what is said in them: opening, replies of both sides, notes, and what is kept without a public voice.

Each act is rows + history + outbox rows in the caller's transaction. The ticket is read again under a lock; a merged one leads to its target.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from enum import Enum
from typing import Any

from sqlalchemy import Connection, bindparam, insert, select, update

from helpdeskd.desk import counters, danger, departments, history, messages, notices, numbers, people, rows, search
from helpdeskd.desk import participants as circle
from helpdeskd.desk.context import Desk, LinkKind, Posted, Words
from helpdeskd.desk.history import Entry
from helpdeskd.desk.notices import Event, Scene
from helpdeskd.errors import NotFound, Refused
from helpdeskd.mail import ids
from helpdeskd.model.files import POLICED
from helpdeskd.model.mail import Address, Kind, Verdict
from helpdeskd.model.people import Department, Person
from helpdeskd.model.routing import Reason
from helpdeskd.model.ticket import History, Origin, Priority, Side, State, Ticket, Visibility
from helpdeskd.store import schema

API = "api"  # the reason of words that came over HTTP

_t = schema.ticket.c
_BY_ID = select(*rows.TICKET).where(_t.id == bindparam("ticket_id"))
_LOCKED = _BY_ID.with_for_update()
_BY_NUMBER = select(*rows.TICKET).where(_t.number == bindparam("number"))
_INSERT = insert(schema.ticket).returning(_t.id)
_TOUCH = update(schema.ticket).where(_t.id == bindparam("touched"))


def get(conn: Connection, ticket_id: int) -> Ticket:
    """As it is, merged or not. Raises NotFound."""
    row = conn.execute(_BY_ID, {"ticket_id": ticket_id}).one_or_none()
    if row is None:
        raise NotFound("ticket", ticket_id)
    return rows.ticket(row)


def find_number(conn: Connection, number: int) -> Ticket | None:
    """By its number, merged or not."""
    row = conn.execute(_BY_NUMBER, {"number": number}).one_or_none() if 0 < number < 2**31 else None
    return None if row is None else rows.ticket(row)


def by_number(conn: Connection, number: int) -> Ticket:
    """By its number, merged or not. Raises NotFound, Refused("removed")."""
    ticket = find_number(conn, number)
    if ticket is None:
        raise NotFound("ticket", number)
    if ticket.removed_at is not None:
        raise Refused("removed", f"ticket {number} was removed on {ticket.removed_at:%Y-%m-%d}")
    return ticket


def resolve(conn: Connection, ticket_id: int, *, locked: bool = False) -> Ticket:
    """The ticket, or where its merges lead. A loop, which only a damaged import could hold, ends at its last new ticket.

    `locked`: its row is held until the transaction ends (PostgreSQL; on SQLite the writer is alone). Raises NotFound, if it was removed too.
    """
    seen: set[int] = set()
    while True:
        seen.add(ticket_id)
        row = conn.execute(_LOCKED if locked else _BY_ID, {"ticket_id": ticket_id}).one_or_none()
        if row is None:
            raise NotFound("ticket", ticket_id)
        ticket = rows.ticket(row)
        if ticket.merged_into is None or ticket.merged_into in seen:
            if ticket.removed_at is not None:
                raise NotFound("ticket", ticket.number)
            return ticket
        ticket_id = ticket.merged_into


def current(conn: Connection, ticket: Ticket) -> Ticket:
    """The ticket as it is now, locked, for an act that a merged one refuses. Raises Refused("merged")."""
    now_there = resolve(conn, ticket.id, locked=True)
    if now_there.id != ticket.id:
        raise Refused("merged", f"ticket {ticket.number} was merged into {now_there.number}")
    return now_there


def touch(conn: Connection, now: datetime, ticket: Ticket, **values: Any) -> Ticket:
    """Write columns, as the record names them; the record after it. Only here state and department change, so counters are kept here."""
    after = replace(ticket, **{"updated_at": now, **values})
    stored = {name: value.value if isinstance(value, Enum) else value for name, value in values.items()}
    conn.execute(_TOUCH, {"touched": ticket.id, "updated_at": now, **stored})
    before, since = _counted(ticket), _counted(after)
    if before != since:
        for name, n in ((before, -1), (since, 1)):
            if name is not None:
                counters.add(conn, name, n)
    return after


def _counted(ticket: Ticket) -> str | None:
    """The counter a ticket is in."""
    return None if ticket.removed_at is not None else counters.ticket(ticket.department_id, ticket.state)


def scene(conn: Connection, event: Event, ticket: Ticket, actor: Person | None, **more: Any) -> Scene:
    """What the notices of an event in this ticket need to know."""
    return Scene(
        event,
        departments.get(conn, ticket.department_id),
        ticket,
        requester=_person(conn, ticket.requester_id, actor),
        actor=actor,
        assignee=None if ticket.assignee_id is None else _person(conn, ticket.assignee_id, actor),
        **more,
    )


def _person(conn: Connection, person_id: int, at_hand: Person | None) -> Person:
    return at_hand if at_hand is not None and at_hand.id == person_id else people.get(conn, person_id)


def open(  # noqa: A001  # tickets.open reads as what it is
    conn: Connection,
    desk: Desk,
    now: datetime,
    *,
    department: Department,
    requester: Person,
    words: Words,
    acknowledge: bool,
    link_to: int | None = None,
    participants: tuple[Address, ...] = (),
    link_kind: LinkKind = LinkKind.FOLLOW_UP,
    priority: Priority = Priority.NORMAL,
    origin: Origin = Origin.EMAIL,
    opened_by: Person | None = None,
    tell: bool = True,
) -> Posted:
    """A new ticket. Staff of the department are told; the requester where `acknowledge` is set.

    With `link_to` and the reason follow-up-over the requester gets FOLLOW_UP_REFUSED, which names both tickets, in place of
    the acknowledgement. A mail whose verdict is fail, or that is confidential, opens a ticket, but has no public voice in it.

    `opened_by`, a member of staff, opens it in the requester's place and to them: the words are theirs, and are mailed to the
    requester as an answer is, acknowledgement or not, unless `tell` is false. Raises Refused("not-staff").
    """
    if opened_by is not None and not opened_by.is_staff:
        raise Refused("not-staff", f"{opened_by.shown} is not staff")
    author, forwarder = opened_by or requester, words.forwarded.by if words.forwarded else None
    old = None if link_to is None else resolve(conn, link_to)
    ticket = _insert(conn, desk, now, department, requester, words, priority, origin, opened_by)
    visibility = Visibility.PUBLIC if words.public else Visibility.INTERNAL
    message_id = messages.store(conn, now, ticket.id, visibility, author, words)
    entries = [Entry(ticket.id, History.OPENED, (forwarder or author).id, message_id, {"reason": str(words.reason)})]
    if old is not None:
        entries += connect(conn, ticket, old, link_kind, requester.id)
    joined, joining = circle.join(conn, desk, now, ticket, forwarder or requester, participants, fresh=True)
    history.write(conn, now, *entries, *joining)
    search.put(conn, ticket, requester, joined, visibility, words)
    if opened_by is not None and not tell:
        return Posted(ticket, message_id)
    if opened_by is not None:
        people.know(conn, now, (requester,))
        answered = scene(conn, Event.STAFF_OPENED, ticket, opened_by, message_id=message_id, words=words)
        return Posted(ticket, message_id, notices.enqueue_for(conn, desk, now, answered))
    instead = old is not None and words.reason == Reason.FOLLOW_UP_OVER
    told = notices.enqueue_for(
        conn,
        desk,
        now,
        Scene(
            Event.OPENED_INSTEAD if instead else Event.OPENED,
            department,
            ticket,
            requester=requester,
            actor=requester,
            message_id=message_id,
            words=words,
            acknowledge=acknowledge,
            extra={} if old is None else {"old_ticket": {"number": old.number, "subject": old.subject}},
        ),
    )
    return Posted(ticket, message_id, told)


def _insert(
    conn: Connection,
    desk: Desk,
    now: datetime,
    department: Department,
    requester: Person,
    words: Words,
    priority: Priority,
    origin: Origin,
    opened_by: Person | None,
) -> Ticket:
    ticket = Ticket(
        id=0,
        number=numbers.draw(conn, desk),
        subject=title(words),
        state=State.NEW,
        pending_until=None,
        priority=priority,
        department_id=department.id,
        requester_id=requester.id,
        assignee_id=None,
        merged_into=None,
        language=requester.language or department.language,
        created_at=now,
        updated_at=now,
        closed_at=None,
        origin=origin,
        opened_by_id=words.forwarded.by.id if words.forwarded else opened_by.id if opened_by else None,
        last_side=Side.NOBODY if not words.public else Side.CUSTOMER if opened_by is None else Side.STAFF,
        last_author_id=(opened_by or requester).id if words.public else None,
        started_at=now if opened_by is not None else None,
    )
    ticket_id: int = conn.execute(
        _INSERT,
        {
            "number": ticket.number,
            "subject": ticket.subject,
            "state": ticket.state.value,
            "priority": ticket.priority.value,
            "department_id": ticket.department_id,
            "requester_id": ticket.requester_id,
            "language": ticket.language,
            "created_at": now,
            "updated_at": now,
            "origin": ticket.origin.value,
            "opened_by_id": ticket.opened_by_id,
            "last_side": ticket.last_side.value,
            "last_author_id": ticket.last_author_id,
            "started_at": ticket.started_at,
        },
    ).scalar_one()
    counters.add(conn, counters.ticket(ticket.department_id, ticket.state), 1)
    return replace(ticket, id=ticket_id)


def title(words: Words) -> str:
    """A ticket's subject: the mail's without Re: and tags of other tickets (a program's as it is), else the text's first line."""
    subject = " ".join(words.subject.split()) if words.reason == API else ids.base_subject(words.subject)
    if not subject:
        lines = (" ".join(line.split()) for line in words.text.splitlines())
        subject = next((line for line in lines if line), "(no subject)")[:80]
    return subject if len(subject) <= 500 else subject[:499] + "…"


def connect(conn: Connection, ticket: Ticket, other: Ticket, kind: LinkKind, actor_id: int | None) -> list[Entry]:
    """Link two tickets; the history entries of both are for the caller to write. Linked already, or the same: none."""
    link = schema.ticket_link
    pairs = ((ticket.id, other.id), (other.id, ticket.id))
    known = [select(link.c.kind).where(link.c.ticket_id == one, link.c.other_id == two) for one, two in pairs]
    if ticket.id == other.id or any(conn.execute(each).first() for each in known):
        return []
    conn.execute(insert(link), {"ticket_id": ticket.id, "other_id": other.id, "kind": kind.value})
    return [
        Entry(one.id, History.LINKED, actor_id, None, {"other": two.number, "kind": kind.value})
        for one, two in ((ticket, other), (other, ticket))
    ]


def customer_reply(
    conn: Connection,
    desk: Desk,
    now: datetime,
    *,
    ticket: Ticket,
    author: Person,
    words: Words,
    reopen: bool,
    participants: tuple[Address, ...] = (),
    holding: frozenset[State] = frozenset(),
) -> Posted:
    """A public reply of the requester or a participant. A new ticket stays new until staff answered, a closed one closed
    unless `reopen`, one in a state of `holding` as it is; any other awaits staff. The assignee, else the department's staff, are told.

    Raises Refused: automatic-mail, unverified (neither has a public voice; see `keep`).
    """
    _voiced(words)
    ticket = resolve(conn, ticket.id, locked=True)
    message_id = messages.store(conn, now, ticket.id, Visibility.PUBLIC, author, words)
    entries = [Entry(ticket.id, History.CUSTOMER_REPLIED, author.id, message_id, {"reason": str(words.reason)})]
    joined, joining = circle.join(conn, desk, now, ticket, author, participants)
    search.say(conn, ticket.id, Visibility.PUBLIC, words, joined)
    stays = ticket.state is State.NEW or (ticket.is_closed and not reopen) or ticket.state in holding
    ticket, changed = step(
        conn,
        now,
        ticket,
        ticket.state if stays else State.AWAITING_STAFF,
        author.id,
        ticket.pending_until if stays else None,
        **_said(ticket, Side.CUSTOMER, author),
    )
    history.write(conn, now, *entries, *joining, *changed)
    happened = scene(conn, Event.CUSTOMER_REPLIED, ticket, author, message_id=message_id, words=words)
    return Posted(ticket, message_id, notices.enqueue_for(conn, desk, now, happened))


def _said(ticket: Ticket, side: Side, author: Person) -> dict[str, Any]:
    """What a public message after the first changes in its ticket."""
    return {"replies": ticket.replies + 1, "last_side": side, "last_author_id": author.id}


def _voiced(words: Words) -> None:
    if words.kind is not Kind.PERSONAL:
        raise Refused("automatic-mail", f"an automatic mail ({words.kind}) is never a public reply")
    if words.verdict is Verdict.FAIL:
        raise Refused("unverified", "a mail that is not from whom it says has no public voice")


def step(
    conn: Connection,
    now: datetime,
    ticket: Ticket,
    state: State,
    actor_id: int | None,
    until: datetime | None = None,
    **more: Any,
) -> tuple[Ticket, list[Entry]]:
    """The ticket in its new state, and the history entry for it where it is another one. `more`: other columns to write."""
    before = ticket
    closed_at = None if state is not State.CLOSED else ticket.closed_at if ticket.state is State.CLOSED else now
    ticket = touch(conn, now, ticket, state=state, pending_until=until, closed_at=closed_at, **more)
    if (before.state, before.pending_until) == (state, until):
        return ticket, []
    kind = History.REOPENED if before.is_closed else History.STATE_CHANGED
    detail: dict[str, object] = {"from": before.state.value, "to": state.value}
    if until is not None:
        detail["until"] = until.isoformat()
    return ticket, [Entry(ticket.id, kind, actor_id, None, detail)]


def staff_reply(
    conn: Connection,
    desk: Desk,
    now: datetime,
    *,
    ticket: Ticket,
    author: Person,
    words: Words,
    close: bool = False,
    holding: frozenset[State] = frozenset(),
    to: frozenset[int] | None = None,
) -> Posted:
    """A public answer: mailed to the requester and each participant, in the department's name. The ticket awaits the customer
    (or is closed with it; one in a state of `holding` stays as it is), and is the author's where it was nobody's. `to`: mailed
    to these of them alone, by their ids.

    Raises Refused: not-staff, automatic-mail, unverified, not-a-recipient.
    """
    if not author.is_staff:
        raise Refused("not-staff", f"{author.shown} is not staff")
    _voiced(words)
    ticket = resolve(conn, ticket.id, locked=True)
    message_id = messages.store(conn, now, ticket.id, Visibility.PUBLIC, author, words)
    search.say(conn, ticket.id, Visibility.PUBLIC, words)
    entries = [Entry(ticket.id, History.STAFF_REPLIED, author.id, message_id, {"reason": str(words.reason)})]
    mine: dict[str, Any] = {}
    if ticket.assignee_id is None:
        mine = {"assignee_id": author.id}
        entries.append(Entry(ticket.id, History.ASSIGNED, author.id, None, {"from": None, "to": author.id}))
    stays = not close and ticket.state in holding
    state = State.CLOSED if close else ticket.state if stays else State.AWAITING_CUSTOMER
    said = _said(ticket, Side.STAFF, author) | {"started_at": ticket.started_at or now}
    ticket, changed = step(conn, now, ticket, state, author.id, ticket.pending_until if stays else None, **mine, **said)
    history.write(conn, now, *entries, *changed, *_withheld(conn, ticket, author, message_id, words))
    others = circle.of(conn, ticket.id)
    circle.check(ticket, others, to)
    more = {"participants": others, "only": to, "message_id": message_id, "words": words}
    happened = scene(conn, Event.STAFF_REPLIED, ticket, author, **more)
    people.know(conn, now, filter(None, (happened.requester,)))
    return Posted(ticket, message_id, notices.enqueue_for(conn, desk, now, happened))


def _withheld(conn: Connection, ticket: Ticket, author: Person, message_id: int, words: Words) -> list[Entry]:
    """Files of an answer that do not go out with it, which its author may not expect."""
    if not any(danger.look(part).danger in POLICED for part in words.parts):
        return []
    department = departments.get(conn, ticket.department_id)
    names = [part.name for part in words.parts if danger.kept_back(department, part)]
    return [Entry(ticket.id, History.FILES_WITHHELD, author.id, message_id, {"files": names})] if names else []


def keep(
    conn: Connection,
    desk: Desk,
    now: datetime,
    *,
    ticket: Ticket,
    author: Person | None,
    words: Words,
    tell: Person | None = None,
    tell_handlers: bool = False,
    why: Reason,
) -> Posted:
    """A mail that has no public voice, kept as an internal message; the ticket's state stays.

    `tell`, its author where they are staff, gets KEPT_INTERNAL. Else, unless staff wrote it or a machine (`tell_handlers`: even so), those
    who handle the ticket are told as of a reply, with the reason: it may be the customer's other address.
    """
    ticket = resolve(conn, ticket.id, locked=True)
    message_id = messages.store(conn, now, ticket.id, Visibility.INTERNAL, author, words)
    search.say(conn, ticket.id, Visibility.INTERNAL, words)
    actor_id = None if author is None else author.id
    history.write(conn, now, Entry(ticket.id, History.KEPT, actor_id, message_id, {"reason": why.value}))
    ticket = touch(conn, now, ticket)
    by_hand = words.kind is Kind.PERSONAL or tell_handlers
    if tell is None and not (by_hand and (author is None or not author.is_staff)):
        return Posted(ticket, message_id)
    # Nobody's mail is not the customer's: staff are told what it says of itself.
    nobodys = author is None and words.author_email
    claimed = {"author": {"name": words.author_name, "email": words.author_email}} if nobodys else {}
    happened = scene(
        conn,
        Event.OUTSIDER_KEPT if tell is None else Event.STAFF_KEPT,
        ticket,
        author,
        tell=tell,
        message_id=message_id,
        words=words,
        extra={"reason": why.value, "internal": True, **claimed},
    )
    return Posted(ticket, message_id, notices.enqueue_for(conn, desk, now, happened))


def note(conn: Connection, desk: Desk, now: datetime, *, ticket: Ticket, author: Person, words: Words) -> Posted:
    """An internal note of a member of staff; nobody is mailed. Raises Refused("not-staff")."""
    if not author.is_staff:
        raise Refused("not-staff", f"{author.shown} is not staff")
    ticket = resolve(conn, ticket.id, locked=True)
    message_id = messages.store(conn, now, ticket.id, Visibility.INTERNAL, author, words)
    search.say(conn, ticket.id, Visibility.INTERNAL, words)
    history.write(conn, now, Entry(ticket.id, History.NOTED, author.id, message_id))
    return Posted(touch(conn, now, ticket), message_id)
