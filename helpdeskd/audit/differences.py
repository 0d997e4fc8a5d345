"""What an audit can find, as a table: each kind of difference, what it means, and what repairs it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

SHOWN = 100  # differences of one kind that are named; all are counted


class Kind(StrEnum):
    """What does not agree. Rows of docs/operations.md."""

    LOST = "lost"
    UID_MISSING = "uid-missing"
    MAILBOX_UNSEEN = "mailbox-unseen"
    TWO_OUTCOMES = "two-outcomes"
    TICKET_GONE = "ticket-gone"
    MESSAGE_GONE = "message-gone"
    PARKED_GONE = "parked-gone"
    BLOB_MISSING = "blob-missing"
    BLOB_DAMAGED = "blob-damaged"
    STUCK = "stuck"
    SETTLED = "settled-in-spool"
    STRAY = "stray"
    REASON_ALONE = "reason-alone"
    OLD_TMP = "old-tmp"


@dataclass(frozen=True, slots=True)
class About:
    """`refetch`: `mail audit --refetch` tries to repair it. `remedy` is what a person can do where it cannot."""

    means: str
    remedy: str
    refetch: bool = False


ABOUT: Final[dict[Kind, About]] = {
    Kind.LOST: About(
        "accepted, as a record of its own says (the log, a reason in parked/), and nowhere now",
        "the log line of `received` names peer, sender and time: ask there for the mail again; a blob that nothing names "
        "may be it, for a day (the audit counts those)",
    ),
    Kind.UID_MISSING: About(
        "a mail in a watched IMAP folder that was there when a pass ended, and is neither in the ledger nor in the spool",
        "helpdeskd mail audit --refetch",
        refetch=True,
    ),
    Kind.MAILBOX_UNSEEN: About(
        "a mailbox could not be compared: no connection, no login, or its state file is unreadable",
        "see to what the words say; helpdeskd status shows the watcher's own trouble",
    ),
    Kind.TWO_OUTCOMES: About(
        "one mail is in the ledger as parked and with an outcome too",
        "look at it with helpdeskd mail show ID, and report it: this should not happen",
    ),
    Kind.TICKET_GONE: About(
        "the ledger names a ticket that the store does not have",
        "restore the store from a backup; the raw mail is kept: helpdeskd mail show ID --raw",
    ),
    Kind.MESSAGE_GONE: About(
        "the ledger says that a mail became a message, and no message says that it came from it",
        "restore the store from a backup; the raw mail is kept: helpdeskd mail show ID --raw",
    ),
    Kind.PARKED_GONE: About(
        "the ledger says parked, and the mail is neither parked nor in the spool",
        "helpdeskd mail audit --refetch puts it back into the spool from its blob",
        refetch=True,
    ),
    Kind.BLOB_MISSING: About(
        "a row names bytes that are not among the blobs",
        "helpdeskd mail audit --refetch, where the mail is still in its IMAP folder or in the spool; "
        "else copy the file of that name from a backup of the blobs",
        refetch=True,
    ),
    Kind.BLOB_DAMAGED: About(
        "a blob's bytes do not have the SHA-256 that is its name (--deep)",
        "as for blob-missing; and look at the disk",
        refetch=True,
    ),
    Kind.STUCK: About(
        "a mail has waited in the spool for more than an hour",
        "is the daemon running (helpdeskd status)? Its log says `waiting` and why",
    ),
    Kind.SETTLED: About(
        "a spool entry whose mail has its outcome in the ledger, minutes ago",
        "nothing is lost: intake removes it at its next pass, once the daemon runs",
    ),
    Kind.STRAY: About(
        "a file in new/, cur/ or parked/ of the spool whose name is no entry's: nobody will ever take it",
        "look into it; if it is a mail, hand it to pipe.py, then remove it",
    ),
    Kind.REASON_ALONE: About(
        "a reason in parked/ whose mail went its way, left by a crash during `mail retry`",
        "helpdeskd mail audit --refetch removes it",
        refetch=True,
    ),
    Kind.OLD_TMP: About(
        "a file in tmp/ of the spool that the hourly sweep should have removed: nobody was told that it was kept",
        "is the daemon running, and may it remove the file?",
    ),
}


@dataclass(frozen=True, slots=True)
class Difference:
    """One of them. `subject` is a spool id, a folder with its UID, a SHA-256 or a file name; `words` say more, for people."""

    kind: Kind
    subject: str
    words: str = ""
    # What a repair needs to know:
    mailbox: str = ""
    sha256: str = ""

    def __str__(self) -> str:
        return f"{self.kind}: {self.subject}" + (f": {self.words}" if self.words else "")


@dataclass(slots=True)
class Report:
    """What one audit found. `checked` counts what was looked at; `unreferenced` are blobs that wait for their sweep."""

    deep: bool = False
    counts: Counter[Kind] = field(default_factory=Counter)
    differences: list[Difference] = field(default_factory=list)
    checked: Counter[str] = field(default_factory=Counter)
    unreferenced: int = 0
    left_out: list[str] = field(default_factory=list)  # what was not compared, and why that is no difference

    def add(self, found: Iterable[Difference]) -> None:
        for each in found:
            self.counts[each.kind] += 1
            if self.counts[each.kind] <= SHOWN:
                self.differences.append(each)

    def repaired(self, difference: Difference) -> None:
        self.differences.remove(difference)
        self.counts[difference.kind] -= 1

    @property
    def total(self) -> int:
        return self.counts.total()
