"""Where a mail goes and why: Inbound + Facts + Verdict -> Decisions. Pure; STEPS is the whole policy, read from the top. Who may do what
there is authority.TABLE's to say."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

from helpdeskd.desk.authority import Right, Who
from helpdeskd.desk.case import Case
from helpdeskd.mail.ids import base_subject
from helpdeskd.mail.verification import Sign, sign
from helpdeskd.model.mail import Inbound, Kind, Verdict
from helpdeskd.model.routing import Action, Decision, Evidence, Facts, Match, Reason
from helpdeskd.model.spam import Spam
from helpdeskd.model.ticket import State

# The steps. Each answers, or leaves the case to the next one.


def same_mail(case: Case) -> Decision | None:
    """The very mail is here already. Of several reply tokens each names a ticket of its own, so it is asked ticket by ticket:
    an MTA may deliver one mail once for each recipient. What it answers is not in its identity: a copy that somebody sent on without it,
    and whose verdict is worse, takes nothing from the ticket that this one belongs to."""
    held = tuple(ticket_id for ticket_id, _ in case.facts.same_mail)
    if case.match is not None and case.match.evidence is Evidence.REPLY_TOKEN:
        mute = {ticket_id for ticket_id, _ in case.facts.withheld}
        if case.ticket.id in held or (case.ticket.id in case.facts.elsewhere and case.ticket.id not in mute):
            return Decision(Action.DUPLICATE, Reason.SAME_MAIL, ticket_id=case.ticket.id)
        return None
    if case.match is not None and {*held} <= case.facts.lesser - {case.ticket.id}:
        return None
    return Decision(Action.DUPLICATE, Reason.SAME_MAIL, ticket_id=held[0]) if held else None


def own_address(case: Case) -> Decision | None:
    """Mail of our own that belongs to no ticket came round in a loop."""
    ours = case.inbound.kind is Kind.OWN or case.facts.author_is_ours
    return Decision(Action.HOLD, Reason.OWN_ADDRESS) if ours and case.match is None else None


def spam(case: Case) -> Decision | None:
    """Held for somebody to look at. What a conversation says is no spam, however it looks; a virus is one whoever sends it."""
    if case.spam is Spam.VIRUS:
        return Decision(Action.HOLD, Reason.VIRUS)
    if case.spam is Spam.SPAM and not case.converses:
        return Decision(Action.HOLD, Reason.SPAM)
    return None


def automatic(case: Case) -> Decision | None:
    """No machine has a public voice, gives a command or reopens, whoever it sends for (RFC 3834 section 2). Bounces and
    receipts without a ticket are held; other machines may open one (monitors, people writing through lists) but are not answered.
    So may what is a bounce by weak signs, and may be somebody's mail about one: unless it is about a mail of ours or to our own
    staff, who would be told of the new ticket at the address that does not work. What a refuted From reports counts for nothing.
    Programs that send for people mark their mail as a list's: what answers with the own token is shown to those who handle the ticket."""
    if not case.automatic:
        return None
    told = bool(case.facts.fates) and case.verdict is not Verdict.FAIL
    why = Reason.DELIVERY_REPORT if told else Reason.AUTOMATIC
    if case.match is not None:
        by_hand = case.inbound.kind is Kind.LIST and case.own_token and case.verdict is not Verdict.FAIL
        return case.does(Action.INTERNAL, why, tell_handlers=by_hand)
    may_open = case.inbound.weak_bounce and not (told or case.facts.unreached_staff)
    if case.inbound.kind in {Kind.BOUNCE, Kind.NULL_PATH, Kind.RECEIPT} and not may_open:
        return Decision(Action.HOLD, why)
    if not case.facts.from_usable and not case.facts.sender:
        return Decision(Action.HOLD, Reason.NULL_SENDER)
    return case.opens(Reason.AUTOMATIC, acknowledge=False)


def no_author(case: Case) -> Decision | None:
    """From says nothing usable. Who handed the mail over (the envelope's sender) may ask, but is not answered automatically."""
    if case.facts.from_usable:
        return None
    if case.match is not None:
        return case.keeps(Reason.NULL_SENDER)
    if case.facts.sender:
        return case.opens(Reason.NULL_SENDER, acknowledge=False)
    return Decision(Action.HOLD, Reason.NULL_SENDER)


def unverified(case: Case) -> Decision | None:
    """A forged From has no public voice, and its victim gets no acknowledgement."""
    if case.verdict is not Verdict.FAIL:
        return None
    if case.match is not None:
        return case.keeps(Reason.UNVERIFIED)
    return case.opens(Reason.UNVERIFIED, acknowledge=False)


def verification(case: Case) -> Decision | None:
    """What a service writes to find out who reads our address is for us alone, else a stranger who registers there as us reads here what
    lets them in. In a ticket weak signs do, but not for staff and who answers a mail of it. A token of their own: nobody led it here."""
    found = sign(case.inbound)
    if case.match is None:
        return case.opens(Reason.VERIFICATION, acknowledge=False) if found is Sign.VERIFICATION else None
    heard = case.as_staff or case.facts.answers(case.inbound, case.ticket)
    if found is None or case.own_token or (found is Sign.WORDS and heard):
        return None
    return case.keeps(Reason.VERIFICATION)


def forwarded(case: Case) -> Decision | None:
    """A member of staff passes on what somebody outside wrote to them: it is that one's ticket. To speak for others takes a
    proven From. A machine's mail, and one of long ago, is not answered (RFC 3834 section 2). Where the mail belongs to a ticket, it
    is no answer there: what stands above it is for us, even from a participant."""
    forward, original = case.inbound.forward, case.facts.original
    if forward is None or case.author is None or not case.author.is_staff:
        return None
    if case.match is not None:
        theirs = case.own_token or case.is_requester
        return None if theirs else case.keeps(Reason.NOT_YOUR_TOKEN, tell_author=True)
    if original is None or not original.is_outside or not case.may(Right.FORWARD):
        return None
    return case.opens(Reason.FORWARDED, acknowledge=forward.kind is Kind.PERSONAL and not original.old)


def new(case: Case) -> Decision | None:
    """Who takes no answers gets none."""
    if case.match is not None:
        return None
    return case.opens(Reason.NEW, acknowledge=case.may(Right.ACKNOWLEDGE) and sign(case.inbound) in {None, Sign.WORDS})


def token_as_contact(case: Case) -> Decision | None:
    """Mail programs remember reply addresses as contacts: a mail that answers nothing, with another subject, to a ticket that
    is closed or was left alone for long, is a new request."""
    match = case.match
    if match is None or match.evidence is not Evidence.REPLY_TOKEN:
        return None
    if case.inbound.references or case.inbound.in_reply_to:
        return None
    if any(found.ticket.id == match.ticket.id and found.evidence is not match.evidence for found in case.facts.matches):
        return None  # its subject carries the ticket's tag, or somebody answered it: it is meant
    left_alone = match.ticket.updated_at + timedelta(days=case.facts.contact_days) <= case.facts.now
    if not (match.ticket.is_closed or left_alone) or _same_subject(case.inbound.subject, match):
        return None
    return case.opens(Reason.TOKEN_AS_CONTACT, link=True)


def stranger(case: Case) -> Decision | None:
    """Knowing a ticket's number, token or Message-IDs is not taking part in it. Where all that ties two mails is a third one
    that nobody here has seen (a newsletter both answer), the stranger's mail is a request of its own."""
    if case.match is None or case.standing.who != (Who.STRANGER,) or case.may(Right.APPEND):
        return None
    if case.match.evidence is Evidence.SHARED_ROOT:
        return case.opens(Reason.STRANGER, link=True)
    return case.keeps(Reason.STRANGER)


def no_proof(case: Case) -> Decision | None:
    """Who takes part is known to many, and a From that nothing refutes is proved by nothing: that wants a pass, of a mail that was
    written to us, or a token that was sent to this very person."""
    if not case.as_staff and not case.may(Right.APPEND):
        return case.keeps(Reason.NO_PROOF)
    return None


def not_your_token(case: Case) -> Decision | None:
    """A forged From must not speak for staff: only the token that was sent to this very person lets them answer, or a pass where the
    ticket is theirs. Whom a customer drew in gives no commands, either; nor are they words for the customer: it may be a note."""
    in_vain = case.commands_of_staff and Right.COMMAND not in case.standing.rights | case.standing.lacks
    if in_vain or (case.as_staff and not case.may(Right.ANSWER)):
        return case.keeps(Reason.NOT_YOUR_TOKEN, tell_author=True)
    return None


def not_your_department(case: Case) -> Decision | None:
    if (case.as_staff or case.commands_of_staff) and not case.works_here:
        return case.keeps(Reason.NOT_YOUR_DEPARTMENT, tell_author=True)
    return None


def commands_need_pass(case: Case) -> Decision | None:
    """Strict: a token alone gives no command. What stands below it is no answer either: its author meant the two together."""
    if case.has_commands and case.works_here and Right.COMMAND in case.standing.lacks:
        return case.keeps(Reason.COMMANDS_NEED_PASS, tell_author=True)
    return None


def commands(case: Case) -> Decision | None:
    """Commands need what an answer needs. What stands below them is an answer only where its end is sure."""
    if not (case.has_commands and case.works_here and case.may(Right.COMMAND)):
        return None
    public = Action.ANSWER if case.as_staff else Action.APPEND
    words_as = Action.INTERNAL if case.as_staff and not case.sure_cut else public
    return case.does(Action.COMMAND, Reason.COMMANDS, words_as=words_as)


def no_sure_cut(case: Case) -> Decision | None:
    """Notices speak of things the customer must not read, so an answer that may carry one along does not go out. Nor does one
    of which nothing is left above the notice: its author wrote below it."""
    if case.as_staff and not (case.sure_cut and case.has_words):
        return case.keeps(Reason.NO_SURE_CUT, tell_author=True)
    return None


def answer(case: Case) -> Decision | None:
    if case.match is None or not case.as_staff:
        return None
    return case.does(Action.ANSWER, Reason(case.match.evidence))


def follow_up_over(case: Case) -> Decision | None:
    """A reply to what was closed long ago is a new request that remembers the old one. In place of the acknowledgement a notice
    of its own (FOLLOW_UP_REFUSED) says so."""
    if case.match is None or not case.ticket.is_closed:
        return None
    closed = case.ticket.closed_at or case.ticket.updated_at
    if closed + timedelta(days=case.facts.follow_up_days) > case.facts.now:
        return None
    return case.opens(Reason.FOLLOW_UP_OVER, link=True)


def append(case: Case) -> Decision | None:
    if case.match is None:
        return None
    reopen = case.ticket.state is State.CLOSED and case.may(Right.REOPEN)
    return case.does(Action.APPEND, Reason(case.match.evidence), reopen=reopen)


Step = Callable[[Case], Decision | None]

STEPS: tuple[Step, ...] = (
    # what may never speak in public
    same_mail,
    own_address,
    spam,
    automatic,
    no_author,
    unverified,
    verification,
    # whose ticket it is
    forwarded,
    new,
    token_as_contact,
    stranger,
    no_proof,
    # staff
    not_your_token,
    not_your_department,
    commands_need_pass,
    commands,
    no_sure_cut,
    answer,
    # customers and participants
    follow_up_over,
    append,
)


def route(
    inbound: Inbound, facts: Facts, verdict: Verdict, has_commands: bool, spam: Spam = Spam.HAM
) -> tuple[Decision, ...]:
    """What to do with this mail in this department: at least one decision, several only for several reply tokens.

    `has_commands`: its first lines are commands, known or not; read for staff only.
    """
    evidence = evidence_lines(facts)
    decisions: list[Decision] = []
    for match in _candidates(facts):
        case = Case(inbound, facts, verdict, has_commands, match, spam)
        decision = _unless_withheld(_decide(case), match, facts)
        if decision.action is Action.OPEN and facts.same_mail:
            decision = Decision(Action.DUPLICATE, Reason.SAME_MAIL, ticket_id=facts.same_mail[0][0])
        if decision.action is Action.OPEN and any(made.action is Action.OPEN for made in decisions):
            continue  # one mail opens one ticket, however many old tokens it carries
        if decision.action is Action.HOLD and any(made.action is Action.HOLD for made in decisions):
            continue  # and is held once
        decisions.append(replace(decision, evidence=evidence))
    return tuple(decisions)


def evidence_lines(facts: Facts) -> tuple[str, ...]:
    """Every evidence found, strongest first, for people: `reply-token [#123456]`."""
    lines = []
    for found in facts.matches:
        line = f"{found.evidence.value} {found.ticket.tag}"
        if found.merged_from is not None:
            line += " (where a merge led)"
        if found.bound_to is not None:
            own = facts.author is not None and found.bound_to == facts.author.id
            line += " (the author's own)" if own else " (another person's)"
        if line not in lines:
            lines.append(line)
    return tuple(lines)


def _candidates(facts: Facts) -> tuple[Match | None, ...]:
    """The first evidence decides; of reply tokens, each ticket once."""
    if not facts.matches:
        return (None,)
    first = facts.matches[0]
    if first.evidence is not Evidence.REPLY_TOKEN:
        return (first,)
    by_ticket: dict[int, Match] = {}
    for found in facts.matches:
        if found.evidence is Evidence.REPLY_TOKEN:
            by_ticket.setdefault(found.ticket.id, found)
    return tuple(by_ticket.values())


def _decide(case: Case) -> Decision:
    for step in STEPS:
        decision = step(case)
        if decision is not None:
            return decision
    raise AssertionError("the last step answers whatever the ones before it left")


def _unless_withheld(decision: Decision, match: Match | None, facts: Facts) -> Decision:
    """A copy that may say or do what an earlier one might not is decided anew; one that may not either is that mail again."""
    mute = decision.action in {Action.INTERNAL, Action.HOLD} and decision.reason is not Reason.DELIVERY_REPORT
    held = tuple(ticket_id for ticket_id, _ in (*facts.withheld, *facts.same_mail))
    here = None if match is None else match.ticket.id
    if not (mute and held) or (match is not None and match.evidence is Evidence.REPLY_TOKEN and here not in held):
        return decision
    again = here if here in held else held[0]
    return Decision(Action.DUPLICATE, Reason.SAME_MAIL, ticket_id=again, standing=decision.standing)


def _same_subject(subject: str, match: Match) -> bool:
    base = base_subject(subject).casefold()
    return base in {known.casefold() for known in match.subjects}
