"""One mail, all its departments: facts, decision, act, and the arrival's row; everything in the caller's transaction."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime

from sqlalchemy import Connection, bindparam, delete, func, select

from helpdeskd.desk import commands, departments, facts, history, obey, people, routing, tickets
from helpdeskd.desk.addressing import Stop, addressed, bystanders, is_ours
from helpdeskd.desk.commands import Commands
from helpdeskd.desk.context import Desk, LinkKind, Part, Words
from helpdeskd.errors import Temporary
from helpdeskd.model.mail import Address, Door, Inbound, Kind, Verdict
from helpdeskd.model.people import Person
from helpdeskd.model.routing import Action, Decision, Facts, Outcome, Reason
from helpdeskd.model.ticket import Ticket
from helpdeskd.store import arrivals, schema

_m, _a = schema.message.c, schema.arrival.c
_FIRST_MESSAGE = select(func.min(_m.id)).where(_m.arrival_id == bindparam("arrival_id"))


@dataclass(frozen=True, slots=True)
class Arrived:
    """A mail as a door took it and as it was parsed. The blobs of `raw_sha256` and of `parts` are durable already."""

    spool_id: str
    door: Door
    sender: str  # envelope; "" for the null path and where it is not known
    recipients: tuple[str, ...]  # envelope; empty for doors that have none (IMAP)
    inbound: Inbound
    parts: tuple[Part, ...]
    raw_sha256: str
    received_at: datetime
    account: str = ""
    folder: str = ""
    uidvalidity: int = 0
    uid: int = 0
    old_mail: bool = False  # arrived long before we saw it: no automatic answers
    default_department: str = ""  # the name of where it goes when no address of it is ours (the IMAP account's)
    original: str = ""  # the recipient before the MTA's own aliases, where it tells
    verdict: Verdict = Verdict.NONE


@dataclass(frozen=True, slots=True)
class Received:
    """What became of a mail in one department. Of several tickets the first that was not a duplicate."""

    outcome: Outcome
    reason: str
    department: str  # its name; empty where there was none
    number: int | None  # the ticket's
    message_id: int | None  # the stored message; none for commands without text, duplicates of such, held mail
    replayed: bool = False  # it was here before: nothing happened now


@dataclass(frozen=True, slots=True)
class Explained:
    """One decision, for people. `target` continues the sentence: ` in [#123456]`."""

    department: str
    recipients: tuple[str, ...]
    outcome: Outcome
    action: Action
    reason: Reason
    target: str
    number: int | None  # the ticket concerned; none for a new one
    reopens: bool
    answered: bool  # its author gets an automatic answer
    evidence: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Explanation:
    decisions: tuple[Explained, ...]


@dataclass(slots=True)
class _Done:
    """What earlier departments of the same mail did: tickets that have it now, whether its author was answered."""

    tickets: list[int] = field(default_factory=list)


def receive(conn: Connection, desk: Desk, now: datetime, arrived: Arrived) -> tuple[Received, ...]:
    """Do with this mail what is to be done, once: the same spool id again changes nothing and returns the old outcome.

    One result for each department addressed. Raises Temporary where there is no department yet, Conflict where another
    writer was faster.
    """
    before = arrivals.all_by_spool(conn, arrived.spool_id)
    finished = [row for row in before if row.outcome is not Outcome.PARKED]
    if finished:
        return tuple(_replayed(conn, row) for row in finished)
    if before:  # parked once, tried again now: a mail has one outcome
        conn.execute(delete(schema.arrival).where(_a.id.in_([row.id for row in before])))
    done = _Done()
    stops = _stops(conn, desk, arrived)
    return tuple(_receive_at(conn, desk, now, arrived, stop, stops, done) for stop in stops)


def explain(conn: Connection, desk: Desk, now: datetime, arrived: Arrived) -> Explanation:
    """What `receive` would do, without doing it: reads only. That it was here already (its spool id) is not looked at."""
    explained: list[Explained] = []
    done = _Done()
    stops = _stops(conn, desk, arrived)
    for stop in stops:
        _, _, decisions = _decide(conn, desk, now, arrived, stop, stops, done)
        explained += [_explained(conn, stop, decision) for decision in decisions]
        # 0 stands for the ticket that would be opened.
        done.tickets += [decision.ticket_id or 0 for decision in decisions if decision.action is not Action.HOLD]
    return Explanation(tuple(explained))


def _explained(conn: Connection, stop: Stop, decision: Decision) -> Explained:
    ticket = None if decision.ticket_id is None else tickets.get(conn, decision.ticket_id)
    target = "" if ticket is None else f" in {ticket.tag}"
    if decision.link_to is not None:
        target = f", linked to {tickets.get(conn, decision.link_to).tag}"
    if decision.reopen:
        target += ", which is open again"
    return Explained(
        department=stop.department.name,
        recipients=stop.recipients,
        outcome=outcome_of(decision),
        action=decision.action,
        reason=decision.reason,
        target=target,
        number=None if ticket is None else ticket.number,
        reopens=decision.reopen,
        answered=decision.acknowledge or decision.tell_author or decision.action is Action.COMMAND,
        evidence=decision.evidence,
    )


def _stops(conn: Connection, desk: Desk, arrived: Arrived) -> tuple[Stop, ...]:
    stops = addressed(conn, desk, arrived.inbound, arrived.recipients, arrived.original, arrived.default_department)
    if not stops:
        raise Temporary("there is no department yet to receive mail: helpdeskd department add")
    return stops


def _replayed(conn: Connection, row: arrivals.Arrival) -> Received:
    return Received(
        outcome=row.outcome,
        reason=row.reason,
        department=departments.get(conn, row.department_id).name if row.department_id else "",
        number=None if row.ticket_id is None else tickets.get(conn, row.ticket_id).number,
        message_id=conn.execute(_FIRST_MESSAGE, {"arrival_id": row.id}).scalar(),
        replayed=True,
    )


def _decide(
    conn: Connection,
    desk: Desk,
    now: datetime,
    arrived: Arrived,
    stop: Stop,
    stops: tuple[Stop, ...],
    done: _Done,
) -> tuple[Facts, Commands, tuple[Decision, ...]]:
    inbound = arrived.inbound
    found = facts.gather(
        conn,
        desk,
        now,
        inbound=inbound,
        department=stop.department,
        recipients=stop.recipients,
        arrived_at=arrived.received_at,
        old_mail=arrived.old_mail,
        sender=arrived.sender,
        author_is_ours=inbound.author is not None and is_ours(stop.book, inbound.author.email),
        elsewhere=done.tickets,
        others=frozenset(other.department.id for other in stops) - {stop.department.id},
    )
    from_staff = found.author is not None and found.author.is_staff
    read = commands.parse(inbound.text) if from_staff else Commands(rest=inbound.text)
    return found, read, routing.route(inbound, found, arrived.verdict, bool(read))


@dataclass(frozen=True, slots=True)
class _Act:
    """What carrying out one decision needs."""

    conn: Connection
    desk: Desk
    now: datetime
    arrived: Arrived
    stop: Stop
    facts: Facts
    commands: Commands
    decision: Decision
    arrival_id: int

    @property
    def given(self) -> tuple[Connection, Desk, datetime]:
        return self.conn, self.desk, self.now

    def words(self) -> Words:
        inbound = self.arrived.inbound
        ours = self.facts.author_is_ours and inbound.kind is Kind.PERSONAL
        return Words(
            text=inbound.text,
            quote=inbound.quote,
            html=inbound.html,
            subject=inbound.subject,
            mail_id=inbound.message_id,
            references=tuple(dict.fromkeys((*inbound.in_reply_to, *inbound.references))),
            raw_sha256=self.arrived.raw_sha256,
            kind=Kind.OWN if ours else inbound.kind,
            verdict=self.arrived.verdict,
            reason=self.decision.reason.value,
            date=inbound.date,
            author_name="" if inbound.author is None else inbound.author.name,
            author_email="" if inbound.author is None else inbound.author.email,
            parts=self.arrived.parts,
            arrival_id=self.arrival_id,
        )

    def outgoing_words(self) -> Words:
        """Words that go to customers: what stands above the marker, without commands, tokens and reply addresses of ours.
        The HTML holds the whole mail, notice included: it stays behind (the raw mail keeps it)."""
        scrub = self.desk.tokens.scrub
        return replace(self.words(), text=scrub(self.commands.rest), quote=scrub(self.arrived.inbound.quote), html="")

    @property
    def ticket(self) -> Ticket:
        assert self.decision.ticket_id is not None
        return next(found.ticket for found in self.facts.matches if found.ticket.id == self.decision.ticket_id)

    @property
    def author(self) -> Person:
        assert self.facts.author is not None
        return self.facts.author


def _receive_at(
    conn: Connection,
    desk: Desk,
    now: datetime,
    arrived: Arrived,
    stop: Stop,
    stops: tuple[Stop, ...],
    done: _Done,
) -> Received:
    """One department. The arrival's row comes first, so that the message can refer to it."""
    found, read, decisions = _decide(conn, desk, now, arrived, stop, stops, done)
    first = next((each for each in decisions if each.action is not Action.DUPLICATE), decisions[0])
    outcome = outcome_of(first)
    inbound = arrived.inbound
    arrival_id = arrivals.record(
        conn,
        spool_id=arrived.spool_id,
        department_id=stop.department.id,
        door=arrived.door,
        outcome=outcome,
        reason=first.reason.value,
        evidence=list(first.evidence),
        ticket_id=first.ticket_id,
        raw_sha256=arrived.raw_sha256,
        identity_sha256=inbound.identity_sha256,
        mail_id=inbound.message_id,
        sender=arrived.sender,
        author="" if inbound.author is None else inbound.author.email,
        subject=inbound.subject,
        size=inbound.size,
        received_at=arrived.received_at,
        decided_at=now,
        account=arrived.account,
        folder=arrived.folder,
        uidvalidity=arrived.uidvalidity if arrived.account else None,
        uid=arrived.uid if arrived.account else None,
    )
    ticket: Ticket | None = None
    message_id: int | None = None
    for decision in decisions:
        act = _Act(conn, desk, now, arrived, stop, found, read, decision, arrival_id)
        ticket_now, message_now = _ACTS[decision.action](act)
        if ticket_now is not None:
            done.tickets.append(ticket_now.id)
        if decision is first:
            ticket, message_id = ticket_now, message_now
    if ticket is not None and ticket.id != first.ticket_id:
        arrivals.settle(conn, arrival_id, outcome=outcome, reason=first.reason.value, ticket_id=ticket.id)
    number = None if ticket is None else ticket.number
    return Received(outcome, first.reason.value, stop.department.name, number, message_id)


_OUTCOMES = {
    Action.OPEN: Outcome.OPENED,
    Action.APPEND: Outcome.APPENDED,
    Action.ANSWER: Outcome.APPENDED,
    Action.COMMAND: Outcome.COMMAND,
    Action.INTERNAL: Outcome.INTERNAL,
    Action.DUPLICATE: Outcome.DUPLICATE,
    Action.HOLD: Outcome.HELD,
}


def outcome_of(decision: Decision) -> Outcome:
    """What the ledger calls it: a machine's mail in a ticket is counted apart from people's."""
    if decision.action is Action.INTERNAL and decision.reason is Reason.AUTOMATIC:
        return Outcome.AUTOMATIC
    return _OUTCOMES[decision.action]


_Did = tuple[Ticket | None, int | None]


def _open(act: _Act) -> _Did:
    """Only somebody who may read the old ticket is told of it; other links are between us."""
    decision = act.decision
    follows = decision.reason is Reason.FOLLOW_UP_OVER
    opened = tickets.open(
        *act.given,
        department=act.stop.department,
        requester=_requester(act),
        words=act.words(),
        acknowledge=decision.acknowledge,
        link_to=decision.link_to if follows else None,
        participants=_joining(act) if decision.reason is not Reason.NULL_SENDER else (),
    )
    if decision.link_to is not None and not follows:
        kind = LinkKind.FOLLOW_UP if decision.reason is Reason.TOKEN_AS_CONTACT else LinkKind.RELATED
        _link(act, opened.ticket, decision.link_to, kind)
    for other in act.facts.elsewhere:
        _link(act, opened.ticket, other, LinkKind.SAME_MAIL)
    return opened.ticket, opened.message_id


def _link(act: _Act, ticket: Ticket, other_id: int, kind: LinkKind) -> None:
    other = tickets.resolve(act.conn, other_id)
    history.write(act.conn, act.now, *tickets.connect(act.conn, ticket, other, kind, ticket.requester_id))


def _requester(act: _Act) -> Person:
    """Who asks: From, else whoever handed the mail over. Routing opens no ticket where there is neither."""
    inbound, author = act.arrived.inbound, act.facts.author
    if not act.facts.from_usable or inbound.author is None:
        return people.customer(*act.given, Address("", act.facts.sender))
    if author is not None and (author.name or not inbound.author.name):
        return author
    return people.customer(*act.given, inbound.author)


def _joining(act: _Act) -> tuple[Address, ...]:
    """Who becomes a participant by this mail. A machine, or somebody who may be anybody, draws nobody in."""
    inbound = act.arrived.inbound
    if (
        act.arrived.verdict is Verdict.FAIL
        or inbound.kind is not Kind.PERSONAL
        or not act.stop.department.cc_participates
    ):
        return ()
    return bystanders(inbound, act.stop.book)


def _append(act: _Act) -> _Did:
    ticket = act.ticket
    match = next(found for found in act.facts.matches if found.ticket.id == ticket.id)
    said = tickets.customer_reply(
        *act.given,
        ticket=ticket,
        author=act.author,
        words=act.words(),
        reopen=act.decision.reopen,
        participants=_joining(act) if act.author.id in match.participants else (),
    )
    return said.ticket, said.message_id


def _answer(act: _Act) -> _Did:
    said = tickets.staff_reply(*act.given, ticket=act.ticket, author=act.author, words=act.outgoing_words())
    return said.ticket, said.message_id


def _command(act: _Act) -> _Did:
    assert act.decision.words_as is not None
    order = obey.Order(act.ticket, act.author, act.commands, act.outgoing_words(), act.decision.words_as)
    return obey.obey(*act.given, order)


def _keep(act: _Act) -> _Did:
    """A refuted From is nobody's: the message names what it claims, the ticket's history no person."""
    known = act.decision.reason not in {Reason.UNVERIFIED, Reason.NULL_SENDER}
    author = act.facts.author if known else None
    kept = tickets.keep(
        *act.given,
        ticket=act.ticket,
        author=author,
        words=act.words(),
        tell=author if act.decision.tell_author else None,
        why=act.decision.reason,
    )
    return kept.ticket, kept.message_id


def _duplicate(act: _Act) -> _Did:
    held = dict(reversed(act.facts.same_mail))
    ticket_id = act.decision.ticket_id
    return (None, None) if ticket_id is None else (tickets.get(act.conn, ticket_id), held.get(ticket_id))


def _hold(act: _Act) -> _Did:
    return None, None


_ACTS = {
    Action.OPEN: _open,
    Action.APPEND: _append,
    Action.ANSWER: _answer,
    Action.COMMAND: _command,
    Action.INTERNAL: _keep,
    Action.DUPLICATE: _duplicate,
    Action.HOLD: _hold,
}
