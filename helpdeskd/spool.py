r"""The spool: a durable in-tray, one file per mail. What is in here is safe; what is not in here was never accepted.

    tmp/        being written; never read; swept after 36 hours
    new/        accepted, not yet tried: <id>
    cur/        tried: <id>.<strikes>
    parked/     given up: <id>, and <id>.why beside it (reason, time, traceback)
    mailboxes/  the IMAP watchers' own small files
    bell        a FIFO that wakes the daemon
    reserve     how much of the disk stays free for the rest of the way

An entry is one file: `key value` lines, an empty line, then the raw bytes untouched. Names are ids, so that names
sort by arrival. Every door ends in put(); only then may it say 250, exit 0 or set \Seen.

The standard library's cheap end only (no typing, no json, no collections): pipe.py pays for each import.
"""

import errno
import os
import stat
import time

from helpdeskd import durable
from helpdeskd.errors import BadMail, NoRoom, Refused

TYPE_CHECKING = False  # typing costs pipe.py a millisecond; type checkers know the name
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

CHUNK = 64 * 1024  # bytes a door should hand over at a time
DIRS = ("tmp", "new", "cur", "parked", "mailboxes")
DIR_MODE = 0o3770  # setgid: files get the spool's group; sticky: an MTA in the group removes only its own
RESERVE_PERCENT = 5.0
RESERVE_MB = 512

_CHECK_EVERY = 1024 * 1024  # bytes written between two looks at the free room
HEAD_LIMIT = 16 * 1024 * 1024  # an argument list (2 MB on Linux) of recipients, escaped at its worst, fits
_INT_LIMIT = 1 << 63
_TEXTS = ("door", "peer", "helo", "hasty", "auth", "sender", "original", "account", "folder")
_NUMBERS = ("received", "uidvalidity", "uid", "internaldate", "looked")
_ID_CHARS = frozenset("0123456789abcdef-")


class Envelope:
    """Who brought a mail, from whom and for whom. Immutable by convention.

    `received`, `internaldate` and `looked` are microseconds since 1970 UTC. `looked` (IMAP) is when the watcher had last
    seen all of the mailbox before this mail, or came to it first: a mail from before that is not news of an outage.
    `sender` is "" for the null path; where the door could not learn it at all (IMAP, a pipe without SENDER)
    `sender_known` is False. `original` is the address before the MTA's own aliases, where the MTA tells: of use when no
    recipient is one of ours. `auth` is the address of whoever had logged in to the submission door, `hasty` the commands whose
    answers the client did not wait for.
    """

    __slots__ = (
        "account",
        "auth",
        "door",
        "folder",
        "hasty",
        "helo",
        "id",
        "internaldate",
        "looked",
        "original",
        "peer",
        "received",
        "recipients",
        "sender",
        "sender_known",
        "uid",
        "uidvalidity",
    )

    def __init__(
        self,
        *,
        id: str = "",
        door: str = "",
        peer: str = "",
        helo: str = "",
        hasty: str = "",
        auth: str = "",
        sender: str = "",
        sender_known: bool = True,
        recipients: "tuple[str, ...]" = (),
        original: str = "",
        received: int = 0,
        account: str = "",
        folder: str = "",
        uidvalidity: int = 0,
        uid: int = 0,
        internaldate: int = 0,
        looked: int = 0,
    ) -> None:
        self.id = id or new_id()
        self.door = door
        self.peer = peer
        self.helo = helo
        self.hasty = hasty
        self.auth = auth
        self.sender = sender
        self.sender_known = sender_known
        self.recipients = recipients
        self.original = original
        self.received = received or time.time_ns() // 1000
        self.account = account
        self.folder = folder
        self.uidvalidity = uidvalidity
        self.uid = uid
        self.internaldate = internaldate
        self.looked = looked

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Envelope):
            return NotImplemented
        return all(getattr(self, name) == getattr(other, name) for name in self.__slots__)

    def __hash__(self) -> int:
        return hash(self.id)

    def __repr__(self) -> str:
        return "Envelope(" + ", ".join(f"{name}={getattr(self, name)!r}" for name in self.__slots__) + ")"


class Room:
    """Bytes free to us on the spool's file system, and the bytes of them that no door may take."""

    __slots__ = ("free", "reserve")

    def __init__(self, free: int, reserve: int) -> None:
        self.free = free
        self.reserve = reserve

    @property
    def ok(self) -> bool:
        return self.free > self.reserve


# -- making and measuring


def make(root: str) -> None:
    """Make what is missing of the spool. Modes and group bits as far as we are permitted; what exists is left as it is.

    OSError where a directory cannot be made.
    """
    made = [root] if not os.path.isdir(root) else []
    os.makedirs(root, exist_ok=True)
    for name in DIRS:
        path = os.path.join(root, name)
        try:
            os.mkdir(path)
            made.append(path)
        except FileExistsError:
            pass
    for path in made:
        _chmod(path, DIR_MODE)
    bell = os.path.join(root, "bell")
    try:
        os.mkfifo(bell)
    except FileExistsError:
        return
    _chmod(bell, 0o660)


def set_reserve(root: str, percent: float, megabytes: int) -> None:
    """Say how much of the file system stays free: the larger of both. Kept in the spool, where pipe.py finds it."""
    text = f"percent {float(percent)}\nmegabytes {int(megabytes)}\n".encode()
    path = os.path.join(root, "reserve")
    try:
        fd = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
        try:
            if os.read(fd, 4096) == text:
                return
        finally:
            os.close(fd)
    except OSError:
        pass
    durable.replace(path, text, beside(root), 0o644)  # no secret, and whoever reaches the spool has to read it


def room(root: str) -> Room:
    """Free room and reserve, by statvfs, counted as an unprivileged user may use it. OSError when there is no spool."""
    fs = os.statvfs(root)
    percent, megabytes = _reserve(root)
    reserve = max(int(fs.f_blocks * fs.f_frsize * percent / 100), megabytes * 1024 * 1024)
    return Room(fs.f_bavail * fs.f_frsize, reserve)


def check_room(root: str) -> None:
    """NoRoom when the disk is at its reserve; OSError when there is no spool."""
    now = room(root)
    if not now.ok:
        raise NoRoom(f"the spool's disk is at its reserve: {now.free} bytes free, {now.reserve} kept back")


def new_id() -> str:
    """A name for a mail: microseconds since 1970 in 16 digits, then chance. Sorts by arrival; unique on this host."""
    global _last  # noqa: PLW0603 - a clock set back must not reorder arrivals within one process
    now = time.time_ns() // 1000
    _last = now if now > _last else _last + 1
    return f"{_last:016d}-{os.urandom(6).hex()}"


_last = 0


# -- putting


def put(root: str, envelope: Envelope, chunks: "Iterable[bytes]", *, sure: "Callable[[], object] | None" = None) -> str:
    """Store a mail; durable when this returns its id. Streams: nothing but one chunk is held, of any number.

    NoRoom at the disk's reserve (also in mid-stream, and for a full disk or quota); OSError of the disk; whatever
    `chunks` raises. On any of these nothing remains. `sure` is called when all is written, as the last thing before
    the mail becomes visible; it may raise. Does not ring the bell.
    """
    name = envelope.id
    if not good_id(name):
        raise ValueError(f"not a spool id: {name!r}")
    check_room(root)
    tmp = os.path.join(root, "tmp", name)
    new = os.path.join(root, "new", name)
    try:
        fd = os.open(tmp, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, durable.FILE_MODE)
        try:
            try:
                os.fchmod(fd, durable.FILE_MODE)  # whatever the umask: the daemon reads it as group
                _give_group(fd, os.path.dirname(new))
                _copy(root, fd, pack(envelope), chunks)
                os.fsync(fd)
            finally:
                os.close(fd)
            if sure is not None:
                sure()
            os.rename(tmp, new)
        except BaseException:
            durable.unlink(tmp)
            raise
        try:
            durable.sync_dir(os.path.join(root, "new"))
        except OSError:
            durable.unlink(new)  # not durable means not accepted: the peer is told so and sends it again
            raise
    except OSError as e:
        if e.errno in (errno.ENOSPC, errno.EDQUOT):
            raise NoRoom("the spool's disk is full") from e
        raise
    return name


def _give_group(fd: int, folder: str) -> None:
    """See to it that the spool's owner can read what another user writes. PermissionError rather than a stuck mail."""
    file, place = os.fstat(fd), os.stat(folder)
    if file.st_uid == place.st_uid or file.st_gid == place.st_gid:
        return
    try:
        os.fchown(fd, -1, place.st_gid)  # where the setgid bit is missing and we are of the group
    except PermissionError:
        raise PermissionError(
            errno.EPERM, "its owner could not read the mail; is the setgid bit missing", folder
        ) from None


def _copy(root: str, fd: int, head: bytes, chunks: "Iterable[bytes]") -> None:
    durable.write_all(fd, head)
    unchecked = 0
    for chunk in chunks:
        for start in range(0, len(chunk), _CHECK_EVERY):
            part = chunk[start : start + _CHECK_EVERY] if len(chunk) > _CHECK_EVERY else chunk
            unchecked += len(part)
            if unchecked > _CHECK_EVERY:
                check_room(root)
                unchecked = 0
            durable.write_all(fd, part)


# -- the bell


def ring(root: str) -> None:
    """Wake the daemon if it listens. Never raises, never blocks; the daemon looks from time to time anyway."""
    try:
        fd = os.open(os.path.join(root, "bell"), os.O_WRONLY | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC)
    except (OSError, ValueError):
        return
    try:
        if stat.S_ISFIFO(os.fstat(fd).st_mode):
            os.write(fd, b"!")
    except OSError:
        pass
    finally:
        os.close(fd)


def open_bell(root: str) -> int:
    """The bell's file descriptor, readable when it rings; read it empty, it never blocks. The caller closes it."""
    # read and write: with no writer left a FIFO would otherwise be readable for ever (Linux allows this, fifo(7))
    fd = os.open(os.path.join(root, "bell"), os.O_RDWR | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC)
    if not stat.S_ISFIFO(os.fstat(fd).st_mode):
        os.close(fd)
        raise Refused("bad-spool", f"{root}/bell is not a FIFO; remove it and start again")
    return fd


# -- the entry's form


def pack(envelope: Envelope) -> bytes:
    """The head of an entry: `key value` lines and the empty line. ValueError when it is absurdly long."""
    lines = [b"id " + escape(envelope.id)]
    for key in _TEXTS:
        value = getattr(envelope, key)
        if value or key == "door" or (key == "sender" and envelope.sender_known):
            lines.append(key.encode() + b" " + escape(value))
    lines += [b"recipient " + escape(recipient) for recipient in envelope.recipients]
    for key in _NUMBERS:
        number = getattr(envelope, key)
        if number:
            lines.append(b"%s %d" % (key.encode(), number))
    head = b"\n".join(lines) + b"\n\n"
    if len(head) > HEAD_LIMIT:
        raise ValueError("the envelope is too long")
    return head


def unpack(head: bytes) -> Envelope:
    """The envelope of an entry's head (without its empty line). BadMail for whatever pack() does not write.

    Unknown keys are passed over: a newer version may have written them.
    """
    texts: dict[str, str] = {}
    numbers: dict[str, int] = {}
    recipients: list[str] = []
    try:
        for line in head.decode("utf-8").split("\n"):
            key, blank, value = line.partition(" ")
            if not blank or not key:
                raise ValueError("a line without a key")
            if key == "recipient":
                recipients.append(unescape(value))
            elif key == "id" or key in _TEXTS:
                texts[key] = unescape(value)
            elif key in _NUMBERS:
                number = int(value)
                if not -_INT_LIMIT <= number < _INT_LIMIT:
                    raise ValueError("a number out of range")
                numbers[key] = number
        return Envelope(
            id=texts["id"],
            door=texts["door"],
            peer=texts.get("peer", ""),
            helo=texts.get("helo", ""),
            hasty=texts.get("hasty", ""),
            auth=texts.get("auth", ""),
            sender=texts.get("sender", ""),
            sender_known="sender" in texts,
            recipients=tuple(recipients),
            original=texts.get("original", ""),
            received=numbers["received"],
            account=texts.get("account", ""),
            folder=texts.get("folder", ""),
            uidvalidity=numbers.get("uidvalidity", 0),
            uid=numbers.get("uid", 0),
            internaldate=numbers.get("internaldate", 0),
            looked=numbers.get("looked", 0),
        )
    except (ValueError, KeyError, OverflowError) as e:  # UnicodeError is a ValueError
        raise BadMail(f"the spool entry's head is damaged: {e}") from None


def escape(value: str) -> bytes:
    r"""Printable text stays readable; every other character, and the backslash, becomes `\<hex>;`."""
    if value.isprintable() and "\\" not in value:
        return value.encode("utf-8")
    return "".join(c if c.isprintable() and c != "\\" else f"\\{ord(c):x};" for c in value).encode("utf-8")


def unescape(value: str) -> str:
    if "\\" not in value:
        return value
    first, *rest = value.split("\\")
    out = [first]
    for piece in rest:
        code, end, text = piece.partition(";")
        if not end:
            raise ValueError("an escape without an end")
        out += (chr(int(code, 16)), text)
    return "".join(out)


# -- small things


def beside(root: str) -> str:
    """A name in tmp/, for a file that is written there and renamed to where it belongs."""
    return os.path.join(root, "tmp", new_id())


def good_id(name: str) -> bool:
    return 0 < len(name) <= 64 and _ID_CHARS.issuperset(name)


def _reserve(root: str) -> "tuple[float, int]":
    """Percent and megabytes as the daemon left them; the defaults where it has not, or the file is damaged."""
    percent, megabytes = RESERVE_PERCENT, RESERVE_MB
    try:
        fd = durable.open_plain(os.path.join(root, "reserve"))
        try:
            lines = os.read(fd, 4096).split(b"\n")
        finally:
            os.close(fd)
        for line in lines:
            key, _, value = line.partition(b" ")
            if key == b"percent":
                percent = float(value)
                if not 0 <= percent <= 100:  # nan is not, either
                    return RESERVE_PERCENT, RESERVE_MB
            elif key == b"megabytes":
                megabytes = max(int(value), 0)
    except (OSError, ValueError):
        return RESERVE_PERCENT, RESERVE_MB
    return percent, megabytes


def _chmod(path: str, mode: int) -> None:
    try:
        os.chmod(path, mode)
    except PermissionError:
        pass
