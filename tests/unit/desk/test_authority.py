"""The table of who may do what: every cell against the promise in its own words, in both profiles."""

from __future__ import annotations

import itertools

import pytest

from helpdeskd.desk.authority import TABLE, Right, Standing, Tie, Who, rights
from helpdeskd.model.mail import Verdict
from helpdeskd.model.trust import Profile

CELLS = list(itertools.product(Who, Tie, Verdict, Profile))
VOICE = {Right.APPEND, Right.REOPEN, Right.ANSWER, Right.COMMAND, Right.FORWARD, Right.ACKNOWLEDGE}
TAKE_PART = {Who.REQUESTER, Who.PARTICIPANT, Who.ASSIGNEE}
STAFF = {Who.ASSIGNEE, Who.STAFF}


def promised(who: Who, tie: Tie, verdict: Verdict, profile: Profile) -> set[Right]:
    """What the promise says of a cell, sentence by sentence."""
    passes, refuted = verdict is Verdict.PASS, verdict is Verdict.FAIL
    if who is Who.OURS:
        return {Right.STORE}  # our own mail that comes round speaks for nobody
    if tie is Tie.NOTHING:
        told = set() if refuted else {Right.ACKNOWLEDGE}
        forwards = {Right.FORWARD} if who in STAFF and passes else set()  # forward-as-customer needs a pass
        return {Right.OPEN} | told | forwards
    # The person's own reply token and a verdict of pass or none, or participation and a pass.
    speaks = (tie is Tie.OWN_TOKEN and not refuted) or (who in TAKE_PART and passes)
    if not speaks:
        return {Right.KEEP}  # never dropped
    if who not in STAFF:
        return {Right.APPEND, Right.REOPEN}
    commands = {Right.COMMAND} if passes or profile is Profile.DEFAULT else set()  # in strict commands need a pass
    return {Right.ANSWER, Right.REOPEN} | commands


@pytest.mark.parametrize("cell", CELLS, ids=lambda cell: "-".join(cell))
def test_every_cell(cell):
    assert rights(*cell) == promised(*cell)


def test_every_cell_stands_once():
    standing = [(who, tie) for row in TABLE for who in row.who for tie in row.tie]
    assert sorted(standing) == sorted(itertools.product(Who, Tie))


@pytest.mark.parametrize("profile", Profile)
def test_what_is_refuted_has_no_voice(profile):
    for who, tie in itertools.product(Who, Tie):
        assert not rights(who, tie, Verdict.FAIL, profile) & VOICE


@pytest.mark.parametrize(
    ("standing", "line", "lacks"),
    [
        (
            Standing((Who.REQUESTER, Who.STAFF), Tie.OWN_TOKEN, Verdict.NONE),
            "requester and staff, own token, none, default profile: append, reopen, answer, command",
            set(),
        ),
        (
            Standing((Who.REQUESTER, Who.STAFF), Tie.REFERENCES, Verdict.PASS),
            "requester and staff, references, pass, default profile: append, reopen",
            set(),
        ),
        (
            Standing((Who.STAFF,), Tie.OWN_TOKEN, Verdict.NONE, Profile.STRICT),
            "staff, own token, none, strict profile: reopen, answer",
            {Right.COMMAND},
        ),
        (
            Standing((Who.PARTICIPANT,), Tie.TAG, Verdict.FAIL, Profile.STRICT),
            "participant, subject tag, fail, strict profile: keep",
            set(),
        ),
        (
            Standing((Who.ASSIGNEE,), Tie.OTHERS_TOKEN, Verdict.PASS, to_us=False),
            "assignee, another's token, pass (but not written to us), default profile: keep",
            set(),
        ),
        (
            Standing((Who.ASSIGNEE,), Tie.OWN_TOKEN, Verdict.PASS, Profile.STRICT, to_us=False),
            "assignee, own token, pass, strict profile: reopen, answer, command",
            set(),
        ),
    ],
)
def test_for_people(standing, line, lacks):
    """Who is several things may do what each of them may."""
    assert (standing.line, standing.lacks) == (line, lacks)


@pytest.mark.parametrize("cell", CELLS, ids=lambda cell: "-".join(cell))
def test_what_was_not_written_to_us(cell):
    """It speaks by the author's own token alone; what belongs to no ticket is as it ever was."""
    who, tie, verdict, profile = cell
    found = Standing((who,), tie, verdict, profile, to_us=False)
    if tie in {Tie.OWN_TOKEN, Tie.NOTHING} or who is Who.OURS:
        assert found.rights == rights(*cell)
    else:
        assert found.rights == {Right.KEEP}
