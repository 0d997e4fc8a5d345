"""One mail, all its departments: facts, decision, act, and the arrival's row; everything in the caller's transaction."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from sqlalchemy import Connection, bindparam, delete, func, select

from helpdeskd.desk import commands, departments, facts, limits, mutes, routing, sameness, tickets
from helpdeskd.desk.acts import Act, Arrived, asks, carry_out
from helpdeskd.desk.addressing import Stop, addressed, is_ours, names_us
from helpdeskd.desk.commands import Commands
from helpdeskd.desk.context import Desk, Told
from helpdeskd.errors import PutOff, Refused, Temporary
from helpdeskd.model.mail import Verdict
from helpdeskd.model.routing import Action, Decision, Facts, Outcome, Reason
from helpdeskd.model.ticket import Ticket
from helpdeskd.store import arrivals, schema
from helpdeskd.store.lock import one_at_a_time

__all__ = ["Arrived", "Done", "Explained", "Explanation", "Received", "explain", "outcome_of", "receive", "release"]

_m, _a = schema.message.c, schema.arrival.c
_HINGES = frozenset(
    {Reason.COMMANDS, Reason.FORWARDED}
)  # what a member of staff may do to others' tickets and in their name
_FIRST_MESSAGE = select(func.min(_m.id)).where(_m.arrival_id == bindparam("arrival_id"))


@dataclass(frozen=True, slots=True)
class Done:
    """One decision carried out, with the number of the ticket it concerned."""

    decision: Decision
    outcome: Outcome
    number: int | None


@dataclass(frozen=True, slots=True)
class Received:
    """What became of a mail in one department. Of several tickets the first that was not a duplicate."""

    outcome: Outcome
    reason: str
    department: str  # its name; empty where there was none
    number: int | None  # the ticket's
    message_id: int | None  # the stored message; none for commands without text, duplicates of such, held mail
    replayed: bool = False  # it was here before: nothing happened now
    # For the log, of what happened now:
    done: tuple[Done, ...] = field(default=(), compare=False)  # each decision; several only for several reply tokens
    told: Told = field(default_factory=Told, compare=False)  # what it put into the outbox, and whom it passed over


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
    answered: bool  # its author gets an automatic answer; for what is forwarded, the original's
    requester: str  # whose the new ticket would be: an address; empty where none is opened
    evidence: tuple[str, ...]
    standing: str  # its place in the table of who may do what (docs/trust.md)
    waits: bool  # it is put off first: commands or a forward hang on a verdict that may be another in a while


@dataclass(frozen=True, slots=True)
class Explanation:
    decisions: tuple[Explained, ...]


@dataclass(slots=True)
class _Done:
    """What earlier departments of the same mail did: tickets that have it now, whether one was opened."""

    tickets: list[int] = field(default_factory=list)
    opened: bool = False


def receive(conn: Connection, desk: Desk, now: datetime, arrived: Arrived) -> tuple[Received, ...]:
    """Do with this mail what is to be done, once: the same spool id again changes nothing and returns the old outcome.

    One result for each department addressed. Raises Temporary where there is no department yet, PutOff where another verdict may
    be had later (`arrived.can_wait`) and commands or a forward hang on it, Conflict where another writer was faster.
    """
    one_at_a_time(conn, _names(arrived))
    before = arrivals.all_by_spool(conn, arrived.spool_id)
    finished = [row for row in before if row.outcome is not Outcome.PARKED]
    if finished:
        return tuple(_replayed(conn, row) for row in finished)
    if before:  # parked once, tried again now: a mail has one outcome
        conn.execute(delete(schema.arrival).where(_a.id.in_([row.id for row in before])))
    return _receive_once(conn, desk, now, arrived, ())


def release(conn: Connection, desk: Desk, now: datetime, arrived: Arrived) -> tuple[Received, ...]:
    """Let a mail that is held as spam go its way, once; `arrived` says no more that it is. Raises Refused where it is not held (any
    more), or where its addresses lead to departments alone that have it already."""
    one_at_a_time(conn, _names(arrived))
    rows = arrivals.all_by_spool(conn, arrived.spool_id)
    waiting = [row.id for row in rows if row.held is not None]
    if not waiting or not arrivals.take_held(conn, waiting):
        raise Refused("not-held", f"{arrived.spool_id} is not held as spam")
    received = _receive_once(conn, desk, now, arrived, [row for row in rows if row.held is None])
    if not received:
        raise Refused(
            "there-already", f"{arrived.spool_id}: the departments that it is addressed to now have it already"
        )
    return received


def _receive_once(
    conn: Connection, desk: Desk, now: datetime, arrived: Arrived, settled: Sequence[arrivals.Arrival]
) -> tuple[Received, ...]:
    """In each department addressed, but for those where it is `settled`."""
    done = _Done(
        [row.ticket_id for row in settled if row.ticket_id], any(row.outcome is Outcome.OPENED for row in settled)
    )
    there = {row.department_id for row in settled}
    stops = _stops(conn, desk, arrived)
    fresh = [stop for stop in stops if stop.department.id not in there]
    return tuple(_receive_at(conn, desk, now, arrived, stop, stops, done) for stop in fresh)


def _place(arrived: Arrived) -> sameness.Place | None:
    if not arrived.account:
        return None
    return sameness.Place(arrived.account, arrived.folder, arrived.uidvalidity, arrived.uid)


def _names(arrived: Arrived) -> tuple[str, ...]:
    """What ties mails to one another: another node must not decide about the same mail, its parent or its answer meanwhile."""
    inbound, place = arrived.inbound, _place(arrived)
    named = (inbound.message_id, *inbound.in_reply_to[-1:], *inbound.references[:1], *inbound.references[-1:])
    own = () if place is None else (f"place:{place}",)
    return (*own, *(f"mail:{each}" for each in named if each))


def explain(conn: Connection, desk: Desk, now: datetime, arrived: Arrived) -> Explanation:
    """What `receive` would do, without doing it: reads only. That it was here already (its spool id) is not looked at."""
    explained: list[Explained] = []
    done = _Done()
    stops = _stops(conn, desk, arrived)
    for stop in stops:
        found, read, decisions = _decide(conn, desk, now, arrived, stop, stops, done)
        waits = _hinges(arrived, found, read, decisions)
        explained += [
            _explained(conn, stop, decision, asks(arrived, found, decision), waits=waits) for decision in decisions
        ]
        # 0 stands for the ticket that would be opened.
        done.tickets += [decision.ticket_id or 0 for decision in decisions if decision.action is not Action.HOLD]
        done.opened |= any(decision.action is Action.OPEN for decision in decisions)
    return Explanation(tuple(explained))


def _explained(conn: Connection, stop: Stop, decision: Decision, requester: str, *, waits: bool) -> Explained:
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
        requester=requester if decision.action is Action.OPEN else "",
        evidence=decision.evidence,
        standing=decision.standing,
        waits=waits,
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
        place=_place(arrived),
        sender=arrived.sender,
        verdict=arrived.verdict,
        author_is_ours=inbound.author is not None and is_ours(stop.book, inbound.author.email),
        to_us=names_us(stop.book, inbound, arrived.original),
        elsewhere=done.tickets,
        opened_elsewhere=done.opened,
        others=frozenset(other.department.id for other in stops) - {stop.department.id},
    )
    from_staff = found.author is not None and found.author.is_staff
    read = commands.parse(inbound.text) if from_staff else Commands(rest=inbound.text)
    return found, read, routing.route(inbound, found, arrived.verdict, bool(read), arrived.spam)


def _hinges(arrived: Arrived, found: Facts, read: Commands, decisions: tuple[Decision, ...]) -> bool:
    """May another verdict be had in a while, and is there a command or a forward that it would allow or refuse?"""
    if not arrived.can_wait:
        return False
    proved = routing.route(arrived.inbound, found, Verdict.PASS, bool(read), arrived.spam)
    return any(each.reason in _HINGES for each in (*decisions, *proved))


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
    inbound, parts = limits.within(arrived.inbound, arrived.parts, stop.department)
    passed_on = limits.inner(arrived.passed_on, stop.department)
    arrived = replace(arrived, inbound=inbound, parts=parts, passed_on=passed_on)
    found, read, decisions = _decide(conn, desk, now, arrived, stop, stops, done)
    if _hinges(arrived, found, read, decisions):
        raise PutOff(
            "staff command or forward here, and whether it is from whom it says cannot be told now: DNS is silent"
        )
    first = next((each for each in decisions if each.action is not Action.DUPLICATE), decisions[0])
    if first.action is not Action.DUPLICATE and not arrived.old_mail:
        found = _heard(conn, now, arrived, found)
    outcome = outcome_of(first)
    arrival_id = arrivals.record(
        conn,
        spool_id=arrived.spool_id,
        department_id=stop.department.id,
        door=arrived.door,
        outcome=outcome,
        reason=first.reason.value,
        evidence=[*first.evidence, *arrived.checks, *(seal.line for seal in inbound.seals)],
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
        held=arrived.held_for(first),
    )
    ticket: Ticket | None = None
    message_id: int | None = None
    made: list[Done] = []
    heard: list[Told] = []
    listening = replace(desk, hear=heard.append)
    for decision in decisions:
        act = Act(conn, listening, now, arrived, stop, found, read, decision, arrival_id)
        ticket_now, message_now = carry_out(act)
        made.append(Done(decision, outcome_of(decision), None if ticket_now is None else ticket_now.number))
        if ticket_now is not None:
            done.tickets.append(ticket_now.id)
        done.opened |= decision.action is Action.OPEN
        if decision is first:
            ticket, message_id = ticket_now, message_now
    if ticket is not None and ticket.id != first.ticket_id:
        arrivals.settle(conn, arrival_id, outcome=outcome, reason=first.reason.value, ticket_id=ticket.id)
    number = None if ticket is None else ticket.number
    return Received(
        outcome,
        first.reason.value,
        stop.department.name,
        number,
        message_id,
        done=tuple(made),
        told=sum(heard, Told()),
    )


def _heard(conn: Connection, now: datetime, arrived: Arrived, found: Facts) -> Facts:
    """Whoever writes now is reached again, before anything is sent because of it. A mail that was here before, or is old, says nothing
    of now: anybody may send it once more."""
    author, inbound = found.author, arrived.inbound
    if author is None or author.unreached_at is None or inbound.author is None:
        return found
    if (
        inbound.date is not None and now - inbound.date > sameness.SAME_FOR
    ):  # by then one that was here before looks new
        return found
    after = mutes.heard(
        conn,
        now,
        author,
        sender=inbound.author.email,
        kind=inbound.kind,
        verdict=arrived.verdict,
        matches=found.matches,
    )
    return replace(found, author=after)


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
    if decision.action is Action.INTERNAL and decision.reason in {Reason.AUTOMATIC, Reason.DELIVERY_REPORT}:
        return Outcome.AUTOMATIC
    return _OUTCOMES[decision.action]
