"""What a watcher decides, without a server: which mails are ours to take, in what portions, and when to try again."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from datetime import date
from enum import StrEnum
from typing import Final

from helpdeskd.sources.imap_state import FolderState
from helpdeskd.sources.imap_uids import pack, unpack

DAY: Final = 86_400_000_000  # microseconds
# Within this time intake recognises a mail it has seen, so taking one again makes no second ticket.
SAMENESS: Final = 7 * DAY

MAX_BACK_OFF: Final = 900.0
_FIRST_BACK_OFF: Final = 2.0
_FIRST_LOGIN_BACK_OFF: Final = 60.0  # repeated wrong logins get accounts locked


class Backfill(StrEnum):
    """What of the mail that was there before us is taken."""

    NONE = "none"
    ALL = "all"
    UNSEEN = "unseen"


def backfill(text: str) -> Backfill | date:
    """The setting's meaning. ValueError where it has none."""
    return Backfill(text) if text in set(Backfill) else date.fromisoformat(text)


def backfill_search(wish: Backfill | date) -> tuple[str | date, ...] | None:
    """The search that finds the old mail wanted; None where none is needed."""
    if isinstance(wish, date):
        return ("SINCE", wish)
    return ("UNDELETED", "UNSEEN") if wish is Backfill.UNSEEN else None


def first_contact(
    wish: Backfill | date,
    *,
    uidvalidity: int,
    uidnext: int,
    found: Iterable[int],
    ledger: Collection[int],
    now: int,
) -> FolderState:
    """A folder never met: it starts at 'now', with the old mail wished for (`found` is what backfill_search gave).

    `ledger` not empty means that we were here and our state file was lost. Then every mail from the first one we took
    (where older ones were picked by hand or by date: after the last one) is ours; starting at 'now' would lose some.
    """
    floor = uidnext
    if wish is Backfill.ALL:
        floor = 1
    elif ledger:
        floor = min(ledger) if wish is Backfill.NONE else max(ledger) + 1
    extra = pack(uid for uid in found if uid < floor)
    return FolderState(uidvalidity=uidvalidity, uidnext=uidnext, floor=floor, contacted=now, extra=extra)


def overlap_since(old: FolderState, wish: Backfill | date, now: int) -> int | None:
    """After a UIDVALIDITY reset: mails that arrived from this moment on are taken again, to be recognised by intake.

    None: the folder's backfill was never finished, so the reset folder is met as a new one.
    """
    if not old.good and wish is not Backfill.NONE:
        return None
    since = min(old.good or old.contacted, now) - DAY  # min: the clock may have been wrong
    if old.unread_since:
        since = min(since, max(old.unread_since, now - SAMENESS))
    return since


def after_reset(
    old: FolderState, *, uidvalidity: int, uidnext: int, dates: Mapping[int, int], since: int, now: int
) -> FolderState:
    """The folder under its new UIDVALIDITY: old mail stays old. `dates` are INTERNALDATEs (0 = unknown) by new UID."""
    extra = pack(uid for uid, arrived in dates.items() if uid < uidnext and arrived >= since)
    return FolderState(
        uidvalidity=uidvalidity, uidnext=uidnext, floor=uidnext, contacted=now, good=old.good, extra=extra
    )


def lowest(folder: FolderState, settled: int = 0) -> int:
    """From which UID on the folder must be listed: below `settled` everything is known to be done with."""
    return min({max(folder.floor, settled)} | unpack(folder.extra) | unpack(folder.owed))


def ours(here: Collection[int], folder: FolderState) -> set[int]:
    """Of the UIDs in the folder, those that are for us, taken or not."""
    extra = unpack(folder.extra)
    return {uid for uid in here if uid >= folder.floor or uid in extra}


def owed_now(here: Collection[int], folder: FolderState, known: Collection[int]) -> set[int]:
    """Mails taken earlier whose flag, move or deletion a crash or a refusal prevented."""
    return unpack(folder.owed) & set(here) & set(known)


def portions(
    uids: Iterable[int], sizes: Mapping[int, int], *, alone: Collection[int] = (), count: int = 20, size: int = 4 << 20
) -> Iterator[tuple[int, ...]]:
    """UIDs in ascending order, in portions bounded by count and bytes; those of `alone` last, one by one.

    A mail larger than `size` makes a portion of its own.
    """
    portion: list[int] = []
    total = 0
    for uid in sorted(set(uids) - set(alone)):
        if portion and (len(portion) == count or total + sizes.get(uid, 0) > size):
            yield tuple(portion)
            portion, total = [], 0
        portion.append(uid)
        total += sizes.get(uid, 0)
    if portion:
        yield tuple(portion)
    for uid in sorted(set(uids) & set(alone)):
        yield (uid,)


def back_off(tries: int, chance: float, *, login: bool, served: bool, poll_seconds: float) -> float:
    """Seconds until the next try after `tries` (from 1) failures in a row; `chance` is from 0 to 1.

    A server that still `served` a whole pass before it failed is asked again at the poll interval at the latest.
    """
    first = _FIRST_LOGIN_BACK_OFF if login else _FIRST_BACK_OFF
    seconds = min(MAX_BACK_OFF, first * 2.0 ** min(tries - 1, 16))
    if served:
        seconds = min(seconds, max(poll_seconds, _FIRST_BACK_OFF))
    return seconds * (0.5 + chance / 2)
