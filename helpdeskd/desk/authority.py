"""Who may do what by mail: TABLE, read row by row. Pure; routing asks it at each of its steps, docs/trust.md shows it.

A public voice needs the person's own reply token and a verdict that is not fail, or taking part and a pass. What is refuted (fail) has
none, whoever it is from and whatever it holds. Nothing here is a reason to drop a mail: what may not speak is kept and staff are told.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from functools import cache

from helpdeskd.model.mail import Verdict
from helpdeskd.model.trust import Profile


class Who(StrEnum):
    """What the author that From names is to the ticket. Somebody may be several of these."""

    REQUESTER = "requester"
    PARTICIPANT = "participant"
    ASSIGNEE = "assignee"  # the member of staff whose ticket it is: how staff take part
    STAFF = "staff"
    STRANGER = "stranger"
    OURS = "own address"


class Tie(StrEnum):
    """What ties the mail to the ticket, the strongest thing that it holds."""

    OWN_TOKEN = (
        "own token"  # given to this very person: in the reply address, or our Message-ID where no address carries one
    )
    OTHERS_TOKEN = "another's token"
    REFERENCES = "references"  # a Message-ID, whichever way it leads there
    TAG = "subject tag"
    NOTHING = "nothing"


class Right(StrEnum):
    APPEND = "append"  # in public, as the customer's side
    REOPEN = "reopen"
    ANSWER = "answer"  # in public, as staff: mailed to the customer
    COMMAND = "command"
    FORWARD = "forward"  # open a ticket for whoever wrote what is forwarded
    OPEN = "open"  # a new ticket
    ACKNOWLEDGE = "acknowledge"  # and be told so
    KEEP = "keep"  # inside, as unverified; staff are told
    STORE = "store"  # inside, or without a ticket; nobody is told, for our own mail has come round


Rights = frozenset[Right]


@dataclass(frozen=True, slots=True)
class Row:
    """What somebody may do with a mail that is tied to a ticket in this way, by its verdict."""

    who: tuple[Who, ...]
    tie: tuple[Tie, ...]
    passes: Rights
    none: Rights
    fails: Rights

    def by(self, verdict: Verdict) -> Rights:
        return {Verdict.PASS: self.passes, Verdict.NONE: self.none, Verdict.FAIL: self.fails}[verdict]


_SPEAK = frozenset({Right.APPEND, Right.REOPEN})
_WORK = frozenset({Right.ANSWER, Right.REOPEN, Right.COMMAND})
_NEW = frozenset({Right.OPEN, Right.ACKNOWLEDGE})
_FORWARD = frozenset({Right.OPEN, Right.ACKNOWLEDGE, Right.FORWARD})
_QUIET = frozenset({Right.OPEN})  # its victim hears nothing
_KEEP = frozenset({Right.KEEP})
_STORE = frozenset({Right.STORE})

_CUSTOMERS = (Who.REQUESTER, Who.PARTICIPANT)
_STAFF = (Who.ASSIGNEE, Who.STAFF)
_BORROWED = (Tie.OTHERS_TOKEN, Tie.REFERENCES, Tie.TAG)  # anybody may have come by it

# fmt: off
TABLE: tuple[Row, ...] = (
    #   who                           tie                pass      none    fail
    Row(_CUSTOMERS,                   (Tie.OWN_TOKEN,),  _SPEAK,   _SPEAK, _KEEP),
    Row(_CUSTOMERS,                   _BORROWED,         _SPEAK,   _KEEP,  _KEEP),
    Row(_STAFF,                       (Tie.OWN_TOKEN,),  _WORK,    _WORK,  _KEEP),
    Row((Who.ASSIGNEE,),              _BORROWED,         _WORK,    _KEEP,  _KEEP),
    Row((Who.STAFF,),                 _BORROWED,         _KEEP,    _KEEP,  _KEEP),
    Row((Who.STRANGER,),              (Tie.OWN_TOKEN,),  _SPEAK,   _SPEAK, _KEEP),
    Row((Who.STRANGER,),              _BORROWED,         _KEEP,    _KEEP,  _KEEP),
    Row(_STAFF,                       (Tie.NOTHING,),    _FORWARD, _NEW,   _QUIET),
    Row((*_CUSTOMERS, Who.STRANGER),  (Tie.NOTHING,),    _NEW,     _NEW,   _QUIET),
    Row((Who.OURS,),                  tuple(Tie),        _STORE,   _STORE, _STORE),
)
# fmt: on

# What a pass alone gives, whatever TABLE says of none.
NEEDS_PASS: dict[Profile, Rights] = {Profile.DEFAULT: frozenset(), Profile.STRICT: frozenset({Right.COMMAND})}

_CELLS = {(who, tie): row for row in TABLE for who in row.who for tie in row.tie}


def rights(who: Who, tie: Tie, verdict: Verdict, profile: Profile = Profile.DEFAULT) -> Rights:
    """One cell."""
    found = _CELLS[who, tie].by(verdict)
    return found if verdict is Verdict.PASS else found - NEEDS_PASS[profile]


@dataclass(frozen=True, slots=True)
class Standing:
    """One mail's place in the table. `who`: all that its author is to the ticket, the first in Who's order speaking for them. `to_us`: an
    address of ours stands in its To or Cc."""

    who: tuple[Who, ...]
    tie: Tie
    verdict: Verdict
    profile: Profile = Profile.DEFAULT
    to_us: bool = True

    @property
    def counts_as(self) -> Verdict:
        """A pass is about the mail, not about who hands it over: what its author wrote to others, anybody may send on to a ticket."""
        replayed = not self.to_us and self.tie in _BORROWED and self.verdict is Verdict.PASS
        return Verdict.NONE if replayed else self.verdict

    @property
    def rights(self) -> Rights:
        """What any of their parts lets them do."""
        return _held(self.who, self.tie, self.counts_as, self.profile)

    @property
    def lacks(self) -> Rights:
        """What they might do if the profile did not ask for a pass."""
        return _held(self.who, self.tie, self.counts_as, Profile.DEFAULT) - self.rights

    def may(self, right: Right) -> bool:
        return right in self.rights

    @property
    def line(self) -> str:
        """For people: `staff, own token, none, default profile: reopen, answer, command`."""
        return _line(self)


# There are few places in the table, and every mail asks several times.


@cache
def _held(who: tuple[Who, ...], tie: Tie, verdict: Verdict, profile: Profile) -> Rights:
    held = frozenset[Right]().union(*(rights(each, tie, verdict, profile) for each in who))
    return held - _KEEP or held


@cache
def _line(place: Standing) -> str:
    who = " and ".join(place.who)
    verdict = place.verdict if place.counts_as is place.verdict else f"{place.verdict} (but not written to us)"
    return f"{who}, {place.tie}, {verdict}, {place.profile} profile: {listed(place.rights)}"


def listed(some: Iterable[Right]) -> str:
    """In the order of Right: `append, reopen`."""
    held = frozenset(some)
    return ", ".join(right for right in Right if right in held)
