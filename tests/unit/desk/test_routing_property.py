"""Whatever the facts: routing decides, and no machine has a public voice."""

from __future__ import annotations

from datetime import timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from helpdeskd.desk import routing
from helpdeskd.model.mail import Address, Kind, Verdict
from helpdeskd.model.routing import Action, Decision, Evidence, Facts, Match, Reason
from helpdeskd.model.spam import Spam
from helpdeskd.model.ticket import State
from helpdeskd.model.trust import Profile
from tests.unit.desk.routing_cases import (
    ADA,
    BOB,
    BOSS,
    CAROL,
    DAVE,
    EVE,
    GONE,
    NOW,
    SUPPORT,
    mail,
    original,
    passed_on,
    ticket,
)

PEOPLE = (ADA, BOB, BOSS, CAROL, DAVE, EVE, GONE)
IDS = st.sampled_from([person.id for person in PEOPLE])
SUBJECTS = st.sampled_from(["", "My printer", "Re: my printer", "Something else", "[#100001] \ud800\x00"])

tickets = st.builds(
    ticket,
    st.integers(1, 3),
    st.sampled_from([state for state in State if state is not State.MERGED]),
    updated=st.floats(0, 400),
    department_id=st.integers(1, 2),
    requester_id=IDS,
    assignee_id=st.none() | IDS,
)
matches = st.builds(
    Match,
    evidence=st.sampled_from(Evidence),
    ticket=tickets,
    bound_to=st.none() | IDS,
    participants=st.frozensets(IDS, max_size=4),
    subjects=st.frozensets(SUBJECTS, max_size=3),
    merged_from=st.none() | st.integers(1, 9),
    credential=st.booleans(),
)
everything = st.builds(
    Facts,
    department=st.just(SUPPORT),
    now=st.just(NOW),
    author=st.none() | st.sampled_from(PEOPLE),
    author_is_ours=st.booleans(),
    staff_departments=st.frozensets(st.integers(1, 2)),
    matches=st.lists(matches, max_size=5).map(tuple),
    same_mail=st.lists(st.tuples(st.integers(1, 4), st.none() | st.integers(1, 9)), max_size=2).map(tuple),
    elsewhere=st.lists(st.integers(0, 4), max_size=2).map(tuple),
    opened_elsewhere=st.booleans(),
    old_mail=st.booleans(),
    follow_up_days=st.integers(0, 10_000),
    contact_days=st.integers(0, 10_000),
    from_usable=st.booleans(),
    sender=st.sampled_from(["", "x@y.example"]),
    unreached_staff=st.booleans(),
    withheld=st.lists(st.tuples(st.integers(1, 4), st.integers(1, 9)), max_size=2).map(tuple),
    lesser=st.frozensets(st.integers(1, 4), max_size=2),
    profile=st.sampled_from(Profile),
    original=st.none()
    | st.builds(original, st.none() | st.sampled_from(PEOPLE), ours=st.booleans(), old=st.booleans()),
    to_us=st.booleans(),
)
mails = st.builds(
    mail,
    st.none() | st.sampled_from(PEOPLE),
    SUBJECTS,
    references=st.lists(st.text(max_size=5), max_size=3).map(tuple),
    in_reply_to=st.lists(st.text(max_size=5), max_size=3).map(tuple),
    kind=st.sampled_from(Kind),
    own_text_found=st.booleans(),
    marker_cut=st.booleans(),
    weak_bounce=st.booleans(),
    forward=st.none() | st.builds(passed_on, kind=st.sampled_from(Kind)),
    cc=st.just((Address("", "x@y.example"),)),
)


def _holds_own_token(facts: Facts, ticket_id: int | None) -> bool:
    return any(
        match.credential and match.ticket.id == ticket_id and facts.author and match.bound_to == facts.author.id
        for match in facts.matches
    )


def _takes_part(facts: Facts, decision: Decision) -> bool:
    return any(
        facts.author and facts.author.id in {*match.participants, match.ticket.requester_id, match.ticket.assignee_id}
        for match in facts.matches
        if match.ticket.id == decision.ticket_id
    )


@settings(max_examples=500, deadline=timedelta(seconds=5))
@given(
    inbound=mails,
    facts=everything,
    verdict=st.sampled_from(Verdict),
    commands=st.booleans(),
    spam=st.sampled_from(Spam),
)
def test_routing_holds_its_promises(inbound, facts, verdict, commands, spam):
    decisions = routing.route(inbound, facts, verdict, commands, spam)
    assert decisions
    touched = [decision.ticket_id for decision in decisions if decision.ticket_id is not None]
    assert len(touched) == len(set(touched)) or all(decision.action is Action.DUPLICATE for decision in decisions)
    assert sum(decision.action is Action.OPEN for decision in decisions) <= 1
    if spam is Spam.VIRUS:
        assert {decision.action for decision in decisions} <= {Action.HOLD, Action.DUPLICATE}
    assert sum(decision.action is Action.HOLD for decision in decisions) <= 1
    machine = inbound.kind is not Kind.PERSONAL or facts.author_is_ours
    for decision in decisions:
        if machine or verdict is Verdict.FAIL or not facts.from_usable:
            assert decision.action in {Action.OPEN, Action.INTERNAL, Action.DUPLICATE, Action.HOLD}
            assert not decision.reopen
            assert not decision.acknowledge
            assert not decision.tell_author
        if facts.old_mail or facts.opened_elsewhere:
            assert not decision.acknowledge
        if decision.action in {Action.ANSWER, Action.COMMAND}:
            who = facts.author
            assert who is not None
            assert who.is_staff
            assert _holds_own_token(facts, decision.ticket_id) or (
                verdict is Verdict.PASS and facts.to_us and _takes_part(facts, decision)
            )
        if decision.action is Action.APPEND:
            assert facts.author is not None
            assert _holds_own_token(facts, decision.ticket_id) or (
                verdict is Verdict.PASS and facts.to_us and _takes_part(facts, decision)
            )
        if decision.action in {Action.APPEND, Action.ANSWER} and facts.author is not None and facts.author.is_staff:
            assert not commands
        if decision.action is Action.COMMAND and facts.profile is Profile.STRICT:
            assert verdict is Verdict.PASS
        if decision.reopen:
            assert decision.action is Action.APPEND
        assert (decision.action is Action.COMMAND) is (decision.reason is Reason.COMMANDS)
        if inbound.forward is not None and decision.action is Action.APPEND and facts.author is not None:
            assert not facts.author.is_staff or any(
                match.ticket.id == decision.ticket_id
                and (facts.author.id in (match.ticket.requester_id, match.bound_to))
                for match in facts.matches
            )
        if decision.reason is Reason.FORWARDED:
            assert verdict is Verdict.PASS
            assert facts.author is not None
            assert facts.author.is_staff
            assert facts.original is not None
            assert facts.original.is_outside
            assert not facts.matches
