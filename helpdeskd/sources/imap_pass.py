"""One pass over a mailbox: what is new goes into the spool, durably; only then is it flagged, moved or deleted."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Protocol

from helpdeskd import log, metrics, spool, tray
from helpdeskd.config import Mailbox
from helpdeskd.errors import BadMail
from helpdeskd.log import Event
from helpdeskd.model.clock import Clock
from helpdeskd.sources import imap_choice as choice
from helpdeskd.sources.imap_client import Connection, Lost, Meta, Refusal, Selected
from helpdeskd.sources.imap_state import Book, FolderState, micros, moment
from helpdeskd.sources.imap_uids import pack, unpack

LARGE = 4 << 20  # bytes; a mail above is fetched in pieces
_LIST_AGAIN = 3600.0  # seconds; an unchanged folder is listed again all the same

_log = log.get("imap")


class Ledger(Protocol):
    """What intake has recorded."""

    def known(self, account: str, folder: str, uidvalidity: int) -> set[int]:
        """UIDs with an arrival row. May raise Temporary."""

    def ours(self, account: str) -> bool:
        """May this process watch that mailbox, or does another node of the same store? May raise Temporary."""


@dataclass(slots=True)
class Suspect:
    """A mail during whose fetch the connection died. It must not hold up the others."""

    deaths: int = 0
    not_before: int = 0  # microseconds since 1970 UTC


@dataclass(frozen=True, slots=True)
class Settled:
    """A complete pass found every mail below `uidnext` taken and acted on; `listed` is when, by time.monotonic()."""

    uidvalidity: int
    uidnext: int
    listed: float


@dataclass(slots=True)
class Memory:
    """What one process remembers of a mailbox; all of it may be lost without harm."""

    taken: dict[tuple[str, int], set[int]] = field(default_factory=dict)  # put by this process, not yet in the ledger
    suspects: dict[tuple[str, int, int], Suspect] = field(default_factory=dict)
    quiet: dict[str, Selected] = field(default_factory=dict)  # folders with nothing left to do
    settled: dict[str, Settled] = field(default_factory=dict)
    spooled: dict[str, tuple[str, str, int, int]] = field(default_factory=dict)  # spool id -> account, folder, ...

    def forget(self) -> None:
        """What was taken and what is settled, so that the next pass compares everything. Suspects stay: they would kill it again."""
        self.taken.clear()
        self.quiet.clear()
        self.settled.clear()

    def waiting(self, spool_root: str, account: str, folder: str, uidvalidity: int) -> set[int]:
        """UIDs of this folder that wait in the spool or are parked. Each waiting entry's envelope is read once."""
        seen: dict[str, tuple[str, str, int, int]] = {}
        self._look(spool_root, seen)
        for one in tray.parked(spool_root):
            if one.envelope is not None:
                seen[one.id] = _place(one.envelope)
        self._look(spool_root, seen)  # again: an entry put back from parked/ meanwhile must not slip through
        self.spooled = seen
        wanted = (account, folder, uidvalidity)
        return {uid for (*rest, uid) in seen.values() if tuple(rest) == wanted}

    def _look(self, spool_root: str, seen: dict[str, tuple[str, str, int, int]]) -> None:
        for spool_id in tray.scan(spool_root):
            place = seen.get(spool_id) or self.spooled.get(spool_id)
            if place is None:
                # Unreadable: intake parks it, and what this process put is in `taken`. Gone: the ledger has it.
                with suppress(BadMail):
                    entry = tray.claim(spool_root, spool_id)
                    place = _place(entry.envelope) if entry is not None else None
            if place is not None:
                seen[spool_id] = place


def _place(envelope: spool.Envelope) -> tuple[str, str, int, int]:
    return envelope.account, envelope.folder, envelope.uidvalidity, envelope.uid


@dataclass(slots=True)
class Result:
    """What a pass did. `troubles` are clear lines; `failed` says that a whole folder could not be polled."""

    fetched: int = 0
    troubles: list[str] = field(default_factory=list)
    failed: bool = False
    quiet: bool = True  # every folder was as the last pass had left it


class Pass:
    """One mailbox, one connection. `run` may be called again and again."""

    def __init__(
        self,
        mailbox: Mailbox,
        connection: Connection,
        spool_root: str,
        ledger: Ledger,
        clock: Clock,
        book: Book,
        memory: Memory,
        stopping: Callable[[], bool],
    ) -> None:
        self._box = mailbox
        self._connection = connection
        self._spool = spool_root
        self._ledger = ledger
        self._clock = clock
        self._book = book
        self._memory = memory
        self._stopping = stopping
        self._wish = choice.backfill(mailbox.backfill)

    def run(self, result: Result) -> None:
        """All folders. The first one last, so that it is the one selected when IDLE begins.

        Lost when the connection goes, NoRoom at the disk's reserve, OSError and Temporary of spool, state or ledger:
        what was put until then stays put. A folder's own trouble stands in the result and stops no other folder.
        """
        spool.check_room(self._spool)
        for folder in (*self._box.folders[1:], *self._box.folders[:1]):
            if self._stopping():
                result.failed = True
                break
            try:
                self._folder(folder, result)
            except Refusal as refusal:
                result.failed = True
                result.quiet = False
                result.troubles.append(str(refusal))
        if not result.failed:
            self._book.state.last_good = self._now()

    def _now(self) -> int:
        return micros(self._clock())

    def _folder(self, name: str, result: Result) -> None:
        selected = self._connection.select(name)
        folder = self._meet(name, selected)
        if selected.uidnext < folder.uidnext:
            # RFC 3501 section 2.3.1.1 forbids it; new mail could be taken for mail we know. Said, not guessed around.
            result.troubles.append(
                f"folder {name}: the server's next UID went back from {folder.uidnext} to {selected.uidnext} under the "
                "same UIDVALIDITY; new mails may be taken for known ones"
            )
            folder.floor = min(folder.floor, selected.uidnext)
        else:
            folder.uidnext = selected.uidnext
        settled = self._memory.settled.get(name)
        if settled is not None and (
            settled.uidvalidity != selected.uidvalidity or time.monotonic() - settled.listed > _LIST_AGAIN
        ):
            settled = None
        if settled is not None and self._memory.quiet.get(name) == selected:
            folder.good, folder.through = self._now(), selected.uidnext
            return
        result.quiet = False
        self._memory.quiet.pop(name, None)
        done = self._take_all(name, folder, selected, choice.lowest(folder, settled.uidnext if settled else 0), result)
        if self._stopping():
            result.failed = True  # broken off: not a good poll
            return
        if done:
            listed = settled.listed if settled else time.monotonic()
            self._memory.quiet[name] = selected
            self._memory.settled[name] = Settled(selected.uidvalidity, selected.uidnext, listed)
        folder.good, folder.through = self._now(), selected.uidnext

    def _meet(self, name: str, selected: Selected) -> FolderState:
        """The folder's state: as it was, or new, or made new by a changed UIDVALIDITY."""
        folders = self._book.state.folders
        old = folders.get(name)
        if old is not None and old.uidvalidity == selected.uidvalidity:
            return old
        now = self._now()
        numbers = {"uidvalidity": selected.uidvalidity, "uidnext": selected.uidnext}
        since = None if old is None else choice.overlap_since(old, self._wish, now)
        if old is None or since is None:
            criteria = choice.backfill_search(self._wish)
            found = self._connection.search(criteria, 1, selected) if criteria else ()
            ledger = self._ledger.known(self._box.name, name, selected.uidvalidity)
            new = choice.first_contact(self._wish, **numbers, found=found, ledger=ledger, now=now)
            _log.info(Event.POLLED, mailbox=self._box.name, folder=name, reason="first-contact", floor=new.floor)
        else:
            # SEARCH knows days only, and each server's own; the exact time is compared here.
            day = (moment(since) or self._clock()).date() - timedelta(days=1)
            found = self._connection.search(("SINCE", day), 1, selected)
            dates = {uid: meta.internaldate for uid, meta in self._connection.meta(found).items()}
            new = choice.after_reset(old, **numbers, dates=dates, since=since, now=now)
            _log.warning(
                Event.WARNING,
                mailbox=self._box.name,
                folder=name,
                reason="uidvalidity-reset",
                before=old.uidvalidity,
                after=new.uidvalidity,
                taken_again=new.extra,
            )
        folders[name] = new
        self._book.save()
        return new

    def _take_all(self, name: str, folder: FolderState, selected: Selected, low: int, result: Result) -> bool:
        """Finish what is owed, take what is new from UID `low` on. True when nothing is left to do in this folder."""
        here = self._connection.search((), low, selected)
        known = self._known(name, selected.uidvalidity)
        owed = choice.owed_now(here, folder, known)
        owed -= self._act(owed, selected, result)
        folder.owed = pack(owed)

        wanted = choice.ours(here, folder) - known
        suspects = {uid: self._memory.suspects.get((name, selected.uidvalidity, uid), Suspect()) for uid in wanted}
        later = {uid for uid in wanted if suspects[uid].not_before > self._now()}
        for uid in sorted(later):
            result.troubles.append(
                f"folder {name}, UID {uid}: the connection was lost {suspects[uid].deaths} times while it was fetched"
            )
        alone = {uid for uid in wanted - later if suspects[uid].deaths}
        metas = self._metas(name, selected, wanted - later - alone, result)
        left = wanted - metas.keys()
        unread: list[int] = []
        sizes = {uid: meta.size for uid, meta in metas.items()}
        for portion in choice.portions(alone | metas.keys(), sizes, alone=alone):
            if self._stopping():
                left.update(portion)
                break
            spool.check_room(self._spool)
            # Before the put, so that a crash between put and flag leaves a note of what is still to be flagged.
            folder.owed = pack(owed | set(portion))
            self._book.save()
            for uid in alone.intersection(portion):
                metas |= self._metas(name, selected, {uid}, result)
            put = self._take(name, selected, {uid: metas[uid] for uid in portion if uid in metas}, result)
            left -= put
            left.update(set(portion) - put)
            unread += [metas[uid].internaldate for uid in portion if uid in metas and uid not in put]
            owed |= put - self._act(put, selected, result)
            folder.owed = pack(owed)
        left -= left and left - self._connection.still_there(left)  # deleted by others meanwhile: no mail of ours
        folder.unread_since = min(unread, default=0)
        folder.extra = pack(unpack(folder.extra) & left)
        return not (left or owed)

    def _known(self, name: str, uidvalidity: int) -> set[int]:
        # The spool before the ledger: a mail moves from the one to the other, never back.
        waiting = self._memory.waiting(self._spool, self._box.name, name, uidvalidity)
        ledger = self._ledger.known(self._box.name, name, uidvalidity)
        taken = self._memory.taken.setdefault((name, uidvalidity), set())
        taken -= ledger
        return waiting | taken | ledger

    @contextmanager
    def _suspecting(self, name: str, selected: Selected, uids: set[int]) -> Iterator[None]:
        """If the connection dies in here, these mails may be why. `uids` may shrink meanwhile."""
        try:
            yield
        except Lost:
            for uid in uids:
                suspect = self._memory.suspects.setdefault((name, selected.uidvalidity, uid), Suspect())
                suspect.deaths += 1
                # Once may be chance; from the second time on this mail waits while the others are served.
                if suspect.deaths > 1:
                    seconds = min(choice.MAX_BACK_OFF, 30.0 * 2.0 ** min(suspect.deaths, 10))
                    suspect.not_before = self._now() + int(seconds * 1_000_000)
            raise

    def _metas(self, name: str, selected: Selected, uids: set[int], result: Result) -> dict[int, Meta]:
        """Sizes and dates. What the server refuses to tell of one mail does not stop the others."""
        with self._suspecting(name, selected, uids):
            try:
                metas = self._connection.meta(uids)
            except Refusal:
                metas = {}
                for uid in sorted(uids):
                    with suppress(Refusal):
                        metas |= self._connection.meta({uid})
            silent = uids - metas.keys()
            for uid in sorted(silent and self._connection.still_there(silent)):
                result.troubles.append(f"folder {name}, UID {uid}: the server tells nothing about this mail")
        return metas

    def _take(self, name: str, selected: Selected, metas: dict[int, Meta], result: Result) -> set[int]:
        """Fetch these mails and put them into the spool. Those that are durable now; the others are in `troubles`."""
        put: set[int] = set()
        open_ones = set(metas)
        uids = list(metas)
        try:
            with self._suspecting(name, selected, open_ones):
                if len(uids) == 1 and metas[uids[0]].size > LARGE:
                    bodies: Iterable[tuple[int, Iterable[bytes]]] = [(uids[0], self._connection.pieces(uids[0]))]
                else:
                    bodies = self._bodies(uids)
                for uid, chunks in bodies:
                    try:
                        self._put(name, selected, uid, metas[uid], chunks)
                    except Refusal as refusal:
                        result.troubles.append(f"folder {name}, UID {uid}: {refusal}")
                        continue
                    put.add(uid)
                    open_ones.discard(uid)
                    result.fetched += 1
                    self._memory.taken.setdefault((name, selected.uidvalidity), set()).add(uid)
                    self._memory.suspects.pop((name, selected.uidvalidity, uid), None)
        finally:
            if put:
                spool.ring(self._spool)
        return put

    def _bodies(self, uids: list[int]) -> Iterator[tuple[int, Iterable[bytes]]]:
        """Each mail's bytes. A portion the server refuses as a whole is asked for one by one."""
        try:
            bodies = self._connection.bodies(uids)
        except Refusal:
            bodies = {}
        for uid in uids:
            body = bodies.pop(uid, None)
            yield uid, (body,) if body is not None else self._single(uid)

    def _single(self, uid: int) -> Iterator[bytes]:
        if body := self._connection.bodies([uid]).get(uid):
            yield body

    @metrics.timed(metrics.Stage.ACCEPT)
    def _put(self, name: str, selected: Selected, uid: int, meta: Meta, chunks: Iterable[bytes]) -> None:
        size = 0

        def counted() -> Iterator[bytes]:
            nonlocal size
            for chunk in chunks:
                size += len(chunk)
                yield chunk

        def not_empty() -> None:
            if not size:
                raise Refusal("the server gave an empty mail; it is asked again at the next pass")

        folder = self._book.state.folders[name]
        envelope = spool.Envelope(
            id=spool.new_id(),
            door="imap",
            peer=self._box.host,
            sender_known=False,
            received=self._now(),
            account=self._box.name,
            folder=name,
            uidvalidity=selected.uidvalidity,
            uid=uid,
            internaldate=meta.internaldate,
            looked=folder.good or folder.contacted,
        )
        spool_id = spool.put(self._spool, envelope, counted(), sure=not_empty)
        metrics.received("imap")
        _log.info(Event.RECEIVED, spool=spool_id, door="imap", mailbox=self._box.name, folder=name, uid=uid, size=size)

    def _act(self, uids: set[int], selected: Selected, result: Result) -> set[int]:
        """Flag, move or delete mails that are durable with us. Those done; a refusal is in `troubles`, and stays owed."""
        if not uids:
            return set()
        try:
            if not selected.writable:
                raise Refusal(
                    "the server lets us only read this folder, so mails in it are not marked, moved or deleted"
                )
            match self._box.after:
                case "seen":
                    self._connection.mark_seen(uids)
                case "move":
                    self._connection.move(uids, self._box.move_to)
                case "delete":
                    self._connection.delete(uids)
        except Refusal as refusal:
            if str(refusal) not in result.troubles:
                result.troubles.append(str(refusal))
            return set()
        return uids
