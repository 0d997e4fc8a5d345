"""What a watcher must not forget, durable under <spool>/mailboxes: one state file and one lock file per mailbox."""

from __future__ import annotations

import fcntl
import os
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import Self

import msgspec

from helpdeskd import durable
from helpdeskd.errors import Temporary

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class WatchState(StrEnum):
    """What a mailbox's watcher is doing."""

    STARTING = "starting"
    CONNECTING = "connecting"
    POLLING = "polling"
    WAITING = "waiting"  # for the next poll
    IDLING = "idling"  # for the server's word, and the next poll
    LOCKED = "locked"  # another process has the mailbox
    NO_ROOM = "no-room"  # the disk is at its reserve: nothing is fetched
    TROUBLE = "trouble"  # the last pass failed; tried again later
    STOPPED = "stopped"


class FolderState(msgspec.Struct, kw_only=True):
    """One folder. Times are microseconds since 1970 UTC; sets of UIDs are text (imap_uids)."""

    uidvalidity: int
    uidnext: int  # the highest seen; the server may never go below it (RFC 3501 section 2.3.1.1)
    floor: int  # from this UID on, every mail is taken
    contacted: int  # when this UIDVALIDITY was first met
    good: int = 0  # the last pass that saw the whole folder
    extra: str = ""  # UIDs below the floor that are taken too (backfill, a reset's overlap)
    owed: str = ""  # UIDs meant to be flagged, moved or deleted once they are in the spool
    unread_since: int = 0  # the oldest INTERNALDATE among the mails the last pass could not read
    through: int = 0  # a pass that ended has dealt with every mail below this UID; what the audit holds us to


class MailboxState(msgspec.Struct, kw_only=True):
    """One mailbox: its folders and what `status` shows."""

    version: int = 1
    folders: dict[str, FolderState] = {}
    last_good: int = 0
    last_error: str = ""
    error_at: int = 0
    fetched: int = 0
    state: WatchState = WatchState.STARTING


@dataclass(frozen=True, slots=True)
class MailboxStatus:
    """What `helpdeskd status` and alarms show of a mailbox. `last_error` is for people and holds no secret."""

    name: str
    last_good: datetime | None
    last_error: str
    fetched: int  # by this process; read from the file, by the process that wrote it
    state: WatchState


def micros(moment: datetime) -> int:
    """An aware time as microseconds since 1970 UTC, exact."""
    return (moment - _EPOCH) // timedelta(microseconds=1)


def moment(value: int) -> datetime | None:
    """The other way; 0 means never."""
    return _EPOCH + timedelta(microseconds=value) if value else None


def _folder(spool_root: str) -> Path:
    return Path(spool_root) / "mailboxes"


class Book:
    """The state file of one mailbox. Only the holder of the mailbox's lock writes it."""

    def __init__(self, spool_root: str, name: str) -> None:
        self.path = _folder(spool_root) / f"{name}.state"
        self.state = MailboxState()

    def load(self) -> Self:
        """Read the file, or start anew where there is none. Temporary when it is unreadable: nothing is guessed."""
        try:
            self.state = msgspec.json.decode(self.path.read_bytes(), type=MailboxState)
        except FileNotFoundError:
            self.state = MailboxState()
        except (OSError, msgspec.DecodeError) as error:
            raise Temporary(
                f"the mailbox's state file {self.path} cannot be read ({error}); once it is moved away, "
                "the mailbox starts as at first contact"
            ) from error
        return self

    def save(self) -> None:
        """Durable when it returns: written beside, fsync, rename, fsync of the folder. OSError on trouble."""
        self.path.parent.mkdir(mode=0o2770, exist_ok=True)
        beside = str(self.path.with_suffix(".tmp"))
        durable.unlink(beside)  # what a crash left; only the holder of the lock is here
        durable.replace(str(self.path), msgspec.json.encode(self.state), beside)


def ask_again(spool_root: str, name: str) -> None:
    """Have the mailbox's watcher, whichever process it is in, compare the whole mailbox with ledger and spool at its next pass."""
    _folder(spool_root).mkdir(mode=0o2770, exist_ok=True)
    (_folder(spool_root) / f"{name}.again").touch(mode=0o640)


def asked_again(spool_root: str, name: str) -> bool:
    """Has somebody asked for that since the last time this was called?"""
    try:
        (_folder(spool_root) / f"{name}.again").unlink()
    except OSError:  # mostly: nobody has
        return False
    return True


def read_status(spool_root: str, name: str) -> MailboxStatus | None:
    """What the mailbox's watcher last wrote down, for another process; None before the first pass or when unreadable."""
    try:
        state = Book(spool_root, name).load().state
    except Temporary as error:
        return MailboxStatus(name, None, str(error), 0, WatchState.TROUBLE)
    if state == MailboxState():
        return None
    return MailboxStatus(name, moment(state.last_good), state.last_error, state.fetched, state.state)


class MailboxLock:
    """flock on <name>.lock: one watcher or fetch per mailbox. The file stays; unlinking it would let two in."""

    def __init__(self, fd: int) -> None:
        self._fd = fd

    @classmethod
    def take(cls, spool_root: str, name: str) -> Self | None:
        """The lock, or None while another holds it (another descriptor of this process counts as another)."""
        folder = _folder(spool_root)
        folder.mkdir(mode=0o2770, exist_ok=True)
        fd = os.open(folder / f"{name}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o640)
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            os.close(fd)
            if isinstance(error, BlockingIOError):
                return None
            raise
        return cls(fd)

    def release(self) -> None:
        with suppress(OSError):
            os.close(self._fd)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.release()
