"""Facts in, alarms out: CONDITIONS is the table. Nothing here looks at anything but the facts."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from helpdeskd.alarms.facts import Facts
from helpdeskd.audit.differences import Kind
from helpdeskd.model.outgoing import Ceiling

LATE_POLLS: Final = 3  # intervals without a good poll
POLL_SLACK: Final = timedelta(seconds=60)  # a quiet watcher writes down twice a minute that all is well
ANSWERS: Final = timedelta(hours=1)
SPOOL: Final = timedelta(minutes=15)


class AlarmKind(StrEnum):
    """Rows of docs/operations.md."""

    MAILBOX = "mailbox"
    AUDIT = "audit"
    PARKED = "parked"
    ANSWERS = "answers"
    SPOOL = "spool"
    DISK = "disk"
    STORE = "store"
    MUTED = "muted"
    CEILING = "ceiling"


@dataclass(frozen=True, slots=True, order=True)
class Key:
    """What an alarm is about: one mailbox, one node's spool, or ("") what all nodes share."""

    kind: AlarmKind
    subject: str = ""


# Each key that was looked at, with what is wrong in words; empty words: all is well. A key that is not there was not looked at
# (its facts are missing, or another node's), so nothing is known: an alarm that stands goes on standing.
Answers = Mapping[Key, str]


def _mailboxes(facts: Facts) -> Iterator[tuple[str, str]]:
    for box in facts.boxes:
        if box.since is None:
            continue  # never polled, and nobody runs who would
        allowed = timedelta(seconds=LATE_POLLS * box.poll_seconds) + POLL_SLACK
        words = ""
        if facts.now - box.since > allowed:
            good = f"since {_when(box.last_good)}" if box.last_good else "ever"
            words = f"{box.name}: no good poll {good}" + (f"; {box.error}" if box.error else "")
        yield box.name, words


def _audit(facts: Facts) -> Iterator[tuple[str, str]]:
    """A mailbox that could not be compared has an alarm of its own, once that has lasted."""
    if facts.kept is not None and facts.kept.audit is not None:
        found = facts.kept.audit
        counts = sorted((kind, count) for kind, count in found.counts.items() if kind is not Kind.MAILBOX_UNSEEN)
        counted = ", ".join(f"{count} {kind.value}" for kind, count in counts)
        yield facts.node, f"on {_when(found.at)}: {counted}" if counted else ""


def _parked(facts: Facts) -> Iterator[tuple[str, str]]:
    if facts.spool is not None:
        yield facts.node, f"{facts.spool.parked}, see helpdeskd mail parked" if facts.spool.parked else ""


def _answers(facts: Facts) -> Iterator[tuple[str, str]]:
    """Mails on hold, or without a relay, wait because somebody wants them to."""
    if facts.kept is not None:
        since = facts.kept.answers_since
        late = facts.sending and since is not None and facts.now - since > ANSWERS
        yield "", f"{facts.kept.answers}, the oldest since {_when(since)}" if late else ""


def _spool(facts: Facts) -> Iterator[tuple[str, str]]:
    if facts.spool is None:
        yield facts.node, facts.spool_error
        return
    since = facts.spool.since
    late = since is not None and facts.now - since > SPOOL
    yield facts.node, f"{facts.spool.waiting}, the oldest since {_when(facts.spool.oldest)}" if late else ""


def _disk(facts: Facts) -> Iterator[tuple[str, str]]:
    if facts.spool is not None:
        free, reserve = facts.spool.free, facts.spool.reserve
        yield facts.node, f"{free} bytes free, {reserve} are kept back" if free <= reserve else ""


def _store(facts: Facts) -> Iterator[tuple[str, str]]:
    yield facts.node, facts.store_error if facts.kept is None else ""


def _muted(facts: Facts) -> Iterator[tuple[str, str]]:
    """Customers are nobody's emergency. Staff who are told nothing do not know it."""
    if facts.kept is not None:
        staff = facts.kept.muted.staff
        yield "", f"{', '.join(staff)}; see helpdeskd mute list" if staff else ""


# One address or ticket that reaches its own is no news; these keep mail from everybody.
FOR_ALL: Final = (Ceiling.TOTAL, Ceiling.UNKNOWN, Ceiling.STAFF)


def _ceiling(facts: Facts) -> Iterator[tuple[str, str]]:
    if facts.kept is not None:
        kept_back = ((each, facts.kept.withheld.get(each, 0)) for each in FOR_ALL)
        yield "", ", ".join(f"{count} by ceilings.{each}" for each, count in kept_back if count)


@dataclass(frozen=True, slots=True)
class Condition:
    """`title` is what is wrong, in a few words that the catalogue translates."""

    kind: AlarmKind
    title: str
    ask: Callable[[Facts], Iterator[tuple[str, str]]]


CONDITIONS: Final = (
    Condition(AlarmKind.MAILBOX, "a mailbox had no good poll in three intervals", _mailboxes),
    Condition(AlarmKind.AUDIT, "the audit found differences", _audit),
    Condition(AlarmKind.PARKED, "mails are parked", _parked),
    Condition(AlarmKind.ANSWERS, "mails have waited for an hour to go out", _answers),
    Condition(AlarmKind.SPOOL, "accepted mails do not leave the spool", _spool),
    Condition(AlarmKind.DISK, "the disk is at its reserve: the doors take nothing", _disk),
    Condition(AlarmKind.STORE, "the store is down", _store),
    Condition(AlarmKind.MUTED, "staff get no notices: their addresses are muted", _muted),
    Condition(AlarmKind.CEILING, "a ceiling kept automatic mails back in the last hour", _ceiling),
)
TITLES: Final = {condition.kind: condition.title for condition in CONDITIONS}


def judge(facts: Facts) -> Answers:
    """Every condition, asked."""
    return {Key(condition.kind, subject): words for condition in CONDITIONS for subject, words in condition.ask(facts)}


def standing(answers: Answers) -> dict[Key, str]:
    """The alarms among the answers."""
    return {key: words for key, words in answers.items() if words}


def _when(moment: datetime | None) -> str:
    return f"{moment:%Y-%m-%d %H:%M} UTC" if moment else "never"
