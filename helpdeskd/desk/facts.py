"""What the store knows about one mail: all the reading that routing needs, in few statements (it is on the way of every mail)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import (
    BigInteger,
    BindParameter,
    ColumnElement,
    Connection,
    Select,
    Text,
    bindparam,
    cast,
    literal,
    null,
    or_,
    select,
    union_all,
)

from helpdeskd.desk import addresses, people, reported, rows, sameness
from helpdeskd.desk.context import Desk
from helpdeskd.errors import Refused
from helpdeskd.mail import ids
from helpdeskd.model.mail import Inbound, Verdict
from helpdeskd.model.people import Department, Person
from helpdeskd.model.routing import Evidence, Facts, Match, Original
from helpdeskd.model.ticket import Ticket
from helpdeskd.store import schema

MAX_IDS = 50  # of References: the root and the nearest ones
MAX_SHARED = 50  # a newsletter's Message-ID may be named by thousands of mails: the latest count
MAX_SUBJECTS = 200
MAX_NUMBERS = 10  # of tags in one subject

_t, _m, _r, _o, _a, _p = (
    schema.ticket.c,
    schema.message.c,
    schema.message_ref.c,
    schema.outbox.c,
    schema.arrival.c,
    schema.participant.c,
)

_IDS: BindParameter[Any] = bindparam("ids", expanding=True)
_NOBODY = cast(null(), BigInteger)
_NOTHING = cast(null(), Text)


def _stored(message_ids: ColumnElement[bool], reference_ids: ColumnElement[bool]) -> tuple[Select[Any], Select[Any]]:
    """What stored mails say of Message-IDs: that they bear them, that they name them."""
    latest = (
        select(_r.mail_id, _m.ticket_id, _r.message_id)
        .join(schema.message, _m.id == _r.message_id)
        .where(reference_ids)
        .order_by(_r.message_id.desc())
        .limit(MAX_SHARED)
        .subquery()
    )
    return (
        select(literal("stored"), _m.mail_id, _m.ticket_id, _m.id, _NOBODY, _NOTHING).where(message_ids),
        select(literal("named"), latest.c.mail_id, latest.c.ticket_id, latest.c.message_id, _NOBODY, _NOTHING),
    )


# Everything that stored mails and ours say about a list of Message-IDs: (what, the id, ticket, row id, person, token).
_OWN_AND_IDS: BindParameter[Any] = bindparam("own_and_ids", expanding=True)
_KNOWN = union_all(
    select(literal("own"), _o.mail_id, _o.ticket_id, _o.id, _o.person_id, _o.reply_token).where(
        _o.mail_id.in_(_IDS), _o.ticket_id.is_not(None)
    ),
    *_stored(_m.mail_id.in_(_OWN_AND_IDS), _r.mail_id.in_(_OWN_AND_IDS)),
)
# The same for most mails, which name none but their own.
_KNOWN_OF_OWN = union_all(*_stored(_m.mail_id == bindparam("own"), _r.mail_id == bindparam("own")))
_BY_ENVELOPE = select(_o.ticket_id, _o.person_id).where(
    _o.envelope_token.in_(bindparam("tokens", expanding=True)), _o.ticket_id.is_not(None)
)
_TICKETS = select(*rows.TICKET).where(
    or_(_t.id.in_(bindparam("ids", expanding=True)), _t.number.in_(bindparam("numbers", expanding=True))),
    _t.removed_at.is_(None),
)
_TAKING_PART = select(_p.ticket_id, _p.person_id).where(_p.ticket_id.in_(_IDS))
_SUBJECTS = select(_m.ticket_id, _m.subject).where(_m.ticket_id.in_(_IDS)).order_by(_m.id.desc()).limit(MAX_SUBJECTS)


@dataclass(frozen=True, slots=True)
class Clue:
    """One thing that points at a ticket, before the ticket is read. `rank` sorts clues of one evidence, nearest first."""

    evidence: Evidence
    ticket_id: int
    rank: int = 0
    age: int = 0  # row id of what pointed: later is larger
    bound_to: int | None = None
    credential: bool = False


def gather(
    conn: Connection,
    desk: Desk,
    now: datetime,
    *,
    inbound: Inbound,
    department: Department,
    recipients: tuple[str, ...],
    arrived_at: datetime,
    old_mail: bool,
    place: sameness.Place | None = None,
    sender: str = "",
    verdict: Verdict = Verdict.NONE,
    author_is_ours: bool = False,
    to_us: bool = True,
    elsewhere: Iterable[int] = (),
    opened_elsewhere: bool = False,
    others: frozenset[int] = frozenset(),
) -> Facts:
    """The facts for one department. `recipients` are those that reach it (reply tokens are read from their +detail).

    `others`: departments this mail is addressed to as well; their tickets are left to them. `elsewhere`: tickets that have
    this very mail from there already (those that its identity finds in the store are added); `opened_elsewhere`: it opened one of
    them. `place`: where an IMAP server has it.
    """
    usable = inbound.author is not None and is_usable(inbound.author.email)
    author = people.find(conn, inbound.author.email) if inbound.author is not None and usable else None
    staff_of = people.staff_departments(conn, author.id) if author is not None and author.is_staff else frozenset()
    same = sameness.look(conn, inbound, department, arrived_at, place, verdict)
    by_staff = author is not None and author.is_staff
    clues = _of_kept(conn, _clues(conn, desk, inbound, recipients, by_staff=by_staff), author)
    numbers = ids.subject_numbers(inbound.subject)[:MAX_NUMBERS]
    held = (*(ticket_id for ticket_id, _ in (*same.here, *same.withheld)), *same.there)
    leads = resolve(conn, (*(clue.ticket_id for clue in clues), *held), numbers)
    # One that was removed since has this mail no more: there is nothing to link to.
    taken = tuple(dict.fromkeys((*elsewhere, *(each for each in same.there if each in leads.by_id))))
    clues += [
        Clue(Evidence.SUBJECT_TAG, leads.by_number[number], rank)
        for rank, number in enumerate(numbers)
        if number in leads.by_number
    ]
    matches = _matches(conn, clues, leads, author, department, _Left(frozenset(taken), others))
    if _may_be_contact(inbound, matches):
        matches = _with_subjects(conn, matches)
    about = reported.find(conn, inbound, recipients)
    return Facts(
        department=department,
        now=now,
        author=author,
        author_is_ours=author_is_ours,
        staff_departments=staff_of,
        matches=matches,
        same_mail=tuple((leads.end(ticket_id), message) for ticket_id, message in same.here),
        lesser=frozenset(leads.end(each) for each, _ in same.here) - {leads.end(each) for each in same.equals},
        withheld=tuple((leads.end(ticket_id), message) for ticket_id, message in same.withheld),
        elsewhere=taken,
        opened_elsewhere=opened_elsewhere or same.opened,
        profile=desk.profile,
        old_mail=old_mail,
        follow_up_days=(
            desk.settings.follow_up_days if department.follow_up_days is None else department.follow_up_days
        ),
        contact_days=desk.settings.contact_days,
        from_usable=usable,
        sender=sender if is_usable(sender) else "",
        fates=about.fates,
        proven=about.proven,
        unreached_staff=inbound.weak_bounce and not matches and reported.names_staff(conn, inbound),
        original=_original(conn, desk, now, inbound) if by_staff else None,
        to_us=to_us,
    )


def is_usable(email: str) -> bool:
    """Can somebody be written to there?"""
    try:
        addresses.clean(email)
    except Refused:
        return False
    return True


def tokens_in(desk: Desk, recipients: Iterable[str]) -> tuple[tuple[int, int], ...]:
    """(ticket id, person id) of each reply token of ours in the +detail of these addresses."""
    read = (desk.tokens.read(ids.split_detail(recipient)[1]) for recipient in recipients)
    return tuple(dict.fromkeys(found for found in read if found is not None))


@dataclass(frozen=True, slots=True)
class Leads:
    """Tickets as they were named, and where merges led from there."""

    by_id: Mapping[int, Ticket]  # the id that was asked for -> the ticket that answers now
    by_number: Mapping[int, int]  # a number that was asked for -> the id that bears it

    def end(self, ticket_id: int) -> int:
        """Where merges led from there; the same where it is gone."""
        return self.by_id[ticket_id].id if ticket_id in self.by_id else ticket_id


def resolve(conn: Connection, ticket_ids: Iterable[int], numbers: tuple[int, ...] = ()) -> Leads:
    """Read tickets and follow their merges. Unknown ids and numbers are left out. One query, one more for each merge."""
    read: dict[int, Ticket] = {}
    asked = set(ticket_ids)
    wanted, by_number = set(asked), dict[int, int]()
    while wanted or numbers:
        found = [rows.ticket(row) for row in conn.execute(_TICKETS, {"ids": sorted(wanted), "numbers": numbers})]
        by_number |= {ticket.number: ticket.id for ticket in found if ticket.number in numbers}
        read |= {ticket.id: ticket for ticket in found}
        wanted = {ticket.merged_into for ticket in found if ticket.merged_into is not None} - set(read)
        numbers = ()
    asked |= set(by_number.values())
    return Leads({ticket_id: _end(read, ticket_id) for ticket_id in asked if ticket_id in read}, by_number)


def _end(read: Mapping[int, Ticket], ticket_id: int) -> Ticket:
    ticket, seen = read[ticket_id], {ticket_id}
    while ticket.merged_into is not None and ticket.merged_into in read and ticket.merged_into not in seen:
        seen.add(ticket.merged_into)
        ticket = read[ticket.merged_into]
    return ticket


def _clues(
    conn: Connection, desk: Desk, inbound: Inbound, recipients: tuple[str, ...], *, by_staff: bool
) -> list[Clue]:
    """`by_staff`: a mail that is attached to a forward may be a ticket's already, or be what one refers to."""
    clues = [
        Clue(Evidence.REPLY_TOKEN, ticket_id, rank, bound_to=person_id, credential=True)
        for rank, (ticket_id, person_id) in enumerate(tokens_in(desk, recipients))
    ]
    # What a bounce comes back to names the mail of ours that it was about, as its Message-ID would.
    envelope = reported.envelope_tokens(recipients)
    if envelope:
        clues += [
            Clue(Evidence.OWN_MESSAGE_ID, ticket_id, bound_to=person_id)
            for ticket_id, person_id in conn.execute(_BY_ENVELOPE, {"tokens": envelope})
        ]
    named = _nearest_first(inbound)
    own = inbound.message_id
    held = inbound.forward.message_id if by_staff and inbound.forward is not None else None
    if named or held:
        # Only others' mails are looked for by the last one: who attaches a mail of ours does not answer it.
        named_or_held = named if held is None or held in named else (*named, held)
        known = conn.execute(
            _KNOWN, {"ids": named, "own_and_ids": named_or_held if own is None else (own, *named_or_held)}
        ).all()
        clues += _from_ids(known, own, named_or_held)
    elif own is not None:
        clues += _from_ids(conn.execute(_KNOWN_OF_OWN, {"own": own}).all(), own, named)
    return clues


def _of_kept(conn: Connection, clues: list[Clue], author: Person | None) -> list[Clue]:
    """What was sent to somebody who was merged into another is that one's now. Mostly it is the author's own, and nobody is asked."""
    own = None if author is None else author.id
    kept = people.kept(conn, (each.bound_to for each in clues if each.bound_to is not None and each.bound_to != own))
    return [replace(clue, bound_to=kept.get(clue.bound_to or 0, clue.bound_to)) for clue in clues] if kept else clues


def _original(conn: Connection, desk: Desk, now: datetime, inbound: Inbound) -> Original | None:
    forward = inbound.forward
    if forward is None or forward.author is None or not is_usable(forward.author.email):
        return None
    return Original(
        address=forward.author,
        person=people.find(conn, forward.author.email),
        ours=bool(addresses.ours(conn, (forward.author.email,))),
        old=forward.date is not None and now - forward.date > timedelta(hours=desk.intake.backlog_hours),
    )


def _nearest_first(inbound: Inbound) -> tuple[str, ...]:
    """The Message-IDs it names, the direct parent (the last of References) first; of very many the root and the nearest.
    Before them the mails that a delivery report returns: it is about these, whatever they answered."""
    about = () if inbound.report is None else inbound.report.about
    named = tuple(dict.fromkeys((*about, *reversed(inbound.references), *inbound.in_reply_to)))
    named = tuple(each for each in named if each != inbound.message_id)
    if len(named) <= MAX_IDS:
        return named
    return (*named[: MAX_IDS - 1], inbound.references[0] if inbound.references else named[-1])


def _from_ids(known: Iterable[Any], own: str | None, named: tuple[str, ...]) -> list[Clue]:
    rank = {mail_id: place for place, mail_id in enumerate(named)}
    found = [tuple(row) for row in known]
    seen = {mail_id for what, mail_id, *_ in found if what != "named"}
    clues = []
    for what, mail_id, ticket_id, row_id, person_id, token in found:
        if what == "own" and mail_id in rank:
            # A mail that left without a token in its reply address is answered by its Message-ID alone.
            clues.append(
                Clue(Evidence.OWN_MESSAGE_ID, ticket_id, rank[mail_id], row_id, person_id, credential=not token)
            )
        elif what == "stored" and mail_id in rank:
            clues.append(Clue(Evidence.STORED_MESSAGE_ID, ticket_id, rank[mail_id], row_id))
        elif what == "named" and mail_id == own and own not in seen:
            # Where a mail with this id is here already, it is that one which was answered: some senders use an id again.
            clues.append(Clue(Evidence.REFERENCED_BY_STORED, ticket_id, 0, row_id))
        elif what == "named" and mail_id in rank and mail_id not in seen:
            clues.append(Clue(Evidence.SHARED_ROOT, ticket_id, rank[mail_id], row_id))
    return clues


@dataclass(frozen=True, slots=True)
class _Left:
    """What a mail to several departments leaves to the others: unless a token says so, their tickets are not for this one."""

    tickets: frozenset[int]
    departments: frozenset[int]

    def has(self, match: Match) -> bool:
        return match.evidence is not Evidence.REPLY_TOKEN and (
            match.ticket.id in self.tickets or match.ticket.department_id in self.departments
        )


_STRENGTH = {evidence: place for place, evidence in enumerate(Evidence)}
_NEAREST = frozenset({Evidence.OWN_MESSAGE_ID, Evidence.STORED_MESSAGE_ID, Evidence.SUBJECT_TAG})


def _matches(
    conn: Connection,
    clues: list[Clue],
    leads: Leads,
    author: Person | None,
    department: Department,
    left: _Left,
) -> tuple[Match, ...]:
    """The clues as matches, strongest first. Of one evidence: the nearest id, else the author's own ticket, else one of this
    department, else the latest."""
    clues = [clue for clue in clues if clue.ticket_id in leads.by_id]
    if not clues:
        return ()
    taking_part = _participants(conn, (leads.by_id[clue.ticket_id] for clue in clues))
    who = None if author is None else author.id
    found: list[tuple[tuple[int, ...], Match]] = []
    for clue in clues:
        ticket = leads.by_id[clue.ticket_id]
        match = Match(
            evidence=clue.evidence,
            ticket=ticket,
            bound_to=clue.bound_to,
            participants=taking_part[ticket.id],
            subjects=frozenset(),
            merged_from=clue.ticket_id if clue.ticket_id != ticket.id else None,
            credential=clue.credential,
        )
        preference = (
            0 if who in match.participants else 1,
            0 if ticket.department_id == department.id else 1,
        )
        nearness = (clue.rank,) if clue.evidence in _NEAREST else ()
        order = (_STRENGTH[clue.evidence], *nearness, *preference, clue.rank, -clue.age)
        if not left.has(match):
            found.append((order, match))
    return tuple(dict.fromkeys(match for _, match in sorted(found, key=lambda each: each[0])))


def _participants(conn: Connection, tickets: Iterable[Ticket]) -> dict[int, frozenset[int]]:
    found = {ticket.id: {ticket.requester_id} for ticket in tickets}
    for ticket_id, person_id in conn.execute(_TAKING_PART, {"ids": sorted(found)}):
        found[ticket_id].add(person_id)
    return {ticket_id: frozenset(taking_part) for ticket_id, taking_part in found.items()}


def _may_be_contact(inbound: Inbound, matches: tuple[Match, ...]) -> bool:
    """Only there routing compares subjects."""
    answers = inbound.references or inbound.in_reply_to
    return not answers and any(match.evidence is Evidence.REPLY_TOKEN for match in matches)


def _with_subjects(conn: Connection, matches: tuple[Match, ...]) -> tuple[Match, ...]:
    of_ticket = {match.ticket.id: {ids.base_subject(match.ticket.subject)} for match in matches}
    of_merged = {match.merged_from: match.ticket.id for match in matches if match.merged_from is not None}
    for ticket_id, subject in conn.execute(_SUBJECTS, {"ids": sorted({*of_ticket, *of_merged})}):
        of_ticket[of_merged.get(ticket_id, ticket_id)].add(ids.base_subject(subject))
    return tuple(replace(match, subjects=frozenset(of_ticket[match.ticket.id])) for match in matches)
