"""Carrying out one decision about one mail: the words it becomes, the people it draws in, the ticket it opens or joins."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import Connection

from helpdeskd import spool
from helpdeskd.desk import delivery, derive, history, messages, obey, people, tags, tickets
from helpdeskd.desk.addressing import Stop, bystanders
from helpdeskd.desk.commands import Commands
from helpdeskd.desk.context import Desk, Forwarded, LinkKind, Part, Words
from helpdeskd.desk.derive import Form
from helpdeskd.desk.history import Entry
from helpdeskd.errors import Refused
from helpdeskd.mail.verification import Sign, sign, takes_no_part
from helpdeskd.model.mail import Address, Door, Inbound, Kind, Verdict
from helpdeskd.model.people import Person
from helpdeskd.model.routing import Action, Decision, Facts, Reason
from helpdeskd.model.spam import Spam
from helpdeskd.model.ticket import History, Ticket
from helpdeskd.model.trust import Checked
from helpdeskd.store.arrivals import Held

MAX_COMMENT = 2000  # characters of what a forwarder says that the notices hold; the ticket has all of it
VERIFICATION_TAG = "verification"


@dataclass(frozen=True, slots=True)
class Arrived:
    """A mail as a door took it and as it was parsed. The blobs of `raw_sha256`, of `parts` and `passed_on` are durable already."""

    spool_id: str
    door: Door
    sender: str  # envelope; "" for the null path and where it is not known
    recipients: tuple[str, ...]  # envelope; empty for doors that have none (IMAP)
    inbound: Inbound
    parts: tuple[Part, ...]
    raw_sha256: str
    received_at: datetime
    passed_on: tuple[Part, ...] = ()  # the files of a mail that is attached to it
    account: str = ""
    folder: str = ""
    uidvalidity: int = 0
    uid: int = 0
    old_mail: bool = False  # arrived long before we saw it: no automatic answers
    default_department: str = ""  # the name of where it goes when no address of it is ours (the IMAP account's)
    original: str = ""  # the recipient before the MTA's own aliases, where it tells
    verdict: Verdict = Verdict.NONE
    checks: tuple[str, ...] = ()  # how the verdict came about, for people
    can_wait: bool = False  # for another verdict, where that decides what staff command or forward
    spam: Spam = Spam.HAM
    spam_why: str = ""  # the sign that decided
    envelope: spool.Envelope | None = None  # all that the door knew: what is held may go its way one day

    def judged(self, checked: Checked, *, patient: bool = False) -> Arrived:
        """`patient`: there is time to look at it again."""
        return replace(
            self,
            verdict=checked.verdict,
            checks=checked.lines,
            can_wait=patient and checked.why.is_momentary,
            spam=checked.spam.state,
            spam_why="" if checked.spam.why is None else checked.spam.why.line,
        )

    def held_for(self, decision: Decision) -> Held | None:
        """What must be kept of it, where this decision waits for somebody to look at it."""
        if decision.action is not Action.HOLD or decision.reason not in {Reason.SPAM, Reason.VIRUS}:
            return None
        assert self.envelope is not None
        head = spool.pack(self.envelope).decode()
        return Held(head, self.spam_why, self.verdict, self.checks)

    @property
    def cut(self) -> tuple[str, ...]:
        """What was left out of the message, for people. The whole mail is among the parts then, and only then."""
        return derive.cut(self.inbound, self.parts)


@dataclass(frozen=True, slots=True)
class Act:
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

    def words(self, form: Form = Form.WHOLE) -> Words:
        inbound = self.arrived.inbound
        ours = self.facts.author_is_ours and inbound.kind is Kind.PERSONAL
        derived = derive.derive(form, inbound, self.arrived.parts, self.desk.tokens.scrub, self.arrived.passed_on)
        return Words(
            text=derived.text,
            quote=derived.quote,
            html=derived.html,
            subject=derived.subject,
            mail_id=inbound.message_id,
            references=tuple(dict.fromkeys((*inbound.references, *inbound.in_reply_to))),  # oldest first
            raw_sha256=self.arrived.raw_sha256,
            kind=Kind.OWN if ours else inbound.kind,
            verdict=self.arrived.verdict,
            reason=self.decision.reason.value,
            date=derived.date,
            author_name="" if inbound.author is None else inbound.author.name,
            author_email="" if inbound.author is None else inbound.author.email,
            parts=derived.parts,
            arrival_id=self.arrival_id,
            confidential=self.verification,
        )

    def original(self) -> Words:
        """What the mail passes on, as words of who wrote it. Nobody has looked whether they did: the verdict is about who forwards."""
        forward = self.arrived.inbound.forward
        assert forward is not None
        assert forward.author is not None
        inbound = self.arrived.inbound
        # Programs name the mail that they forward as if they answered it: what refers to it belongs here as well.
        threaded = forward.references if forward.attached else (*inbound.references, *inbound.in_reply_to)
        return replace(
            self.words(Form.ORIGINAL),
            mail_id=forward.message_id,
            references=tuple(dict.fromkeys(threaded)),
            kind=forward.kind,
            verdict=Verdict.NONE,
            author_name=forward.author.name,
            author_email=forward.author.email,
            forwarded=Forwarded(self.author, forward.comment[:MAX_COMMENT]),
        )

    @property
    def verification(self) -> bool:
        """Does a service ask who reads the address? By whatever reason it is where it is: machines' mails are kept by others."""
        return self.decision.reason is Reason.VERIFICATION or sign(self.arrived.inbound) is Sign.VERIFICATION

    @property
    def ticket(self) -> Ticket:
        assert self.decision.ticket_id is not None
        return next(found.ticket for found in self.facts.matches if found.ticket.id == self.decision.ticket_id)

    @property
    def author(self) -> Person:
        assert self.facts.author is not None
        return self.facts.author


Did = tuple[Ticket | None, int | None]


def _open(act: Act) -> Did:
    """Only somebody who may read the old ticket is told of it; other links are between us."""
    decision = act.decision
    follows = decision.reason is Reason.FOLLOW_UP_OVER
    if decision.reason is Reason.FORWARDED:
        return _open_forwarded(act)
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
    return _linked_elsewhere(act, opened.ticket), opened.message_id


def _open_forwarded(act: Act) -> Did:
    """The original is the ticket; what the forwarder says above it is for us alone."""
    original, author = act.facts.original, act.author
    assert original is not None
    opened = tickets.open(
        *act.given,
        department=act.stop.department,
        requester=original.person or people.customer(*act.given, original.address),
        words=act.original(),
        acknowledge=act.decision.acknowledge,
        participants=(Address(author.name, author.email),),
    )
    ticket, comment = opened.ticket, act.words(Form.COMMENT)
    if comment.text or comment.parts:
        ticket = tickets.note(*act.given, ticket=ticket, author=author, words=comment).ticket
    return _linked_elsewhere(act, ticket), opened.message_id


def _linked_elsewhere(act: Act, ticket: Ticket) -> Ticket:
    for other in act.facts.elsewhere:
        _link(act, ticket, other, LinkKind.SAME_MAIL)
    return ticket


def _link(act: Act, ticket: Ticket, other_id: int, kind: LinkKind) -> None:
    other = tickets.resolve(act.conn, other_id)
    history.write(act.conn, act.now, *tickets.connect(act.conn, ticket, other, kind, ticket.requester_id))


def asks(arrived: Arrived, facts: Facts, decision: Decision) -> str:
    """The address of whose a ticket is that this mail opens."""
    if decision.reason is Reason.FORWARDED and facts.original is not None:
        return (facts.original.person or facts.original.address).email
    if facts.author is not None:
        return facts.author.email
    author = arrived.inbound.author
    return author.email if facts.from_usable and author is not None else facts.sender


def _requester(act: Act) -> Person:
    """Who asks: From, else whoever handed the mail over. Routing opens no ticket where there is neither."""
    inbound, author = act.arrived.inbound, act.facts.author
    if not act.facts.from_usable or inbound.author is None:
        return people.customer(*act.given, Address("", act.facts.sender), known=False)
    if author is not None and (author.name or not inbound.author.name):
        return author
    if author is None:  # nobody was there a moment ago, in this very transaction
        return people.newcomer(act.conn, act.now, inbound.author, known=act.arrived.verdict is Verdict.PASS)
    return people.customer(*act.given, inbound.author)


def _joining(act: Act) -> tuple[Address, ...]:
    """Who becomes a participant by this mail. A machine, or somebody who may be anybody, draws nobody in; and
    nobody a machine, which would speak there in public."""
    inbound = act.arrived.inbound
    if (
        act.arrived.verdict is Verdict.FAIL
        or act.verification
        or inbound.kind is not Kind.PERSONAL
        or not act.stop.department.cc_participates
    ):
        return ()
    return tuple(each for each in bystanders(inbound, act.stop.book) if not takes_no_part(each.email))


def _append(act: Act) -> Did:
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


def _answer(act: Act) -> Did:
    said = tickets.staff_reply(*act.given, ticket=act.ticket, author=act.author, words=act.words(Form.OUTGOING))
    return said.ticket, said.message_id


def _command(act: Act) -> Did:
    assert act.decision.words_as is not None
    order = obey.Order(act.ticket, act.author, act.commands, act.words(Form.COMMANDS), act.decision.words_as)
    return obey.obey(*act.given, order)


def _keep(act: Act) -> Did:
    """A From that is refuted, or that nothing proves, is nobody's: the message names what it claims, the ticket's history no person."""
    _report(act)
    known = act.decision.reason not in {Reason.UNVERIFIED, Reason.NO_PROOF, Reason.NULL_SENDER}
    author = act.facts.author if known else None
    kept = tickets.keep(
        *act.given,
        ticket=act.ticket,
        author=author,
        words=act.words(),
        tell=author if act.decision.tell_author else None,
        tell_handlers=act.decision.tell_handlers,
        why=act.decision.reason,
    )
    return kept.ticket, kept.message_id


def _duplicate(act: Act) -> Did:
    held = dict(reversed((*act.facts.same_mail, *act.facts.withheld)))
    ticket_id = act.decision.ticket_id
    return (None, None) if ticket_id is None else (tickets.get(act.conn, ticket_id), held.get(ticket_id))


def _hold(act: Act) -> Did:
    _report(act)
    return None, None


def _report(act: Act) -> None:
    if act.decision.reason is Reason.DELIVERY_REPORT:
        for outbox_id, fate in act.facts.fates:
            delivery.report(*act.given, outbox_id, fate, proven=outbox_id in act.facts.proven)


_ACTS: dict[Action, Callable[[Act], Did]] = {
    Action.OPEN: _open,
    Action.APPEND: _append,
    Action.ANSWER: _answer,
    Action.COMMAND: _command,
    Action.INTERNAL: _keep,
    Action.DUPLICATE: _duplicate,
    Action.HOLD: _hold,
}


def _flag(act: Act, ticket: Ticket) -> None:
    """Staff see what it is, in the ticket and by its tag."""
    said = "This may be a verification mail of a service. It is kept internal, and nobody was answered."
    messages.enter(act.conn, act.now, ticket, said)
    with suppress(Refused):  # it may have as many tags as it can
        tags.add(*act.given, ticket=ticket, tags=(VERIFICATION_TAG,), actor=None)


_OWN_WORDS = frozenset({Action.APPEND, Action.ANSWER, Action.COMMAND})


def _vouched(act: Act) -> Act:
    """From now on the author is known: a mail of theirs has passed, or answers, with a token, one that went to them alone."""
    author = act.facts.author
    if author is None or author.known:
        return act
    answers = act.decision.action in _OWN_WORDS and any(found.given_to(author) for found in act.facts.matches)
    if act.arrived.verdict is not Verdict.PASS and not answers:
        return act
    people.know(act.conn, act.now, (author,))
    return replace(act, facts=replace(act.facts, author=replace(author, known=True)))


def carry_out(act: Act) -> Did:
    """The ticket concerned after it, and the message it became; none where there is none."""
    act = _vouched(act)
    ticket, message_id = _ACTS[act.decision.action](act)
    if (
        ticket is not None
        and message_id is not None
        and act.arrived.cut
        and act.decision.action is not Action.DUPLICATE
    ):
        cut = {"cut": list(act.arrived.cut)}
        history.write(act.conn, act.now, Entry(ticket.id, History.CUT, None, message_id, cut))
    if (
        ticket is not None
        and message_id is not None
        and act.decision.action in {Action.OPEN, Action.INTERNAL}
        and act.verification
    ):
        _flag(act, ticket)
    return ticket, message_id
