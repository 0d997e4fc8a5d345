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

from helpdeskd.errors import BadMail, NoRoom, NotFound, Refused

TYPE_CHECKING = False  # typing costs pipe.py a millisecond; type checkers know the name
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

CHUNK = 64 * 1024  # bytes a door should hand over at a time
DIRS = ("tmp", "new", "cur", "parked", "mailboxes")
DIR_MODE = 0o3770  # setgid: files get the spool's group; sticky: an MTA in the group removes only its own
FILE_MODE = 0o640
RESERVE_PERCENT = 5.0
RESERVE_MB = 512
TMP_AGE = 36 * 3600  # seconds; as Maildir has it: nobody still writes a file that old

_CHECK_EVERY = 1024 * 1024  # bytes written between two looks at the free room
_HEAD_LIMIT = 16 * 1024 * 1024  # an argument list (2 MB on Linux) of recipients, escaped at its worst, fits
_INT_LIMIT = 1 << 63
_TEXTS = ("door", "peer", "helo", "sender", "original", "account", "folder")
_NUMBERS = ("received", "uidvalidity", "uid", "internaldate", "looked")
_ID_CHARS = frozenset("0123456789abcdef-")


class Envelope:
    """Who brought a mail, from whom and for whom. Immutable by convention.

    `received`, `internaldate` and `looked` are microseconds since 1970 UTC. `looked` (IMAP) is when the watcher had last
    seen all of the mailbox before this mail, or came to it first: a mail from before that is not news of an outage.
    `sender` is "" for the null path; where the door could not learn it at all (IMAP, a pipe without SENDER)
    `sender_known` is False. `original` is the address before the MTA's own aliases, where the MTA tells: of use when no
    recipient is one of ours.
    """

    __slots__ = (
        "account",
        "door",
        "folder",
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


class Entry:
    """A mail in new/, cur/ or parked/, claimed. `size` counts the raw bytes; `strikes` the attempts begun."""

    __slots__ = ("envelope", "id", "offset", "path", "root", "size", "strikes")

    def __init__(
        self,
        *,
        root: str,
        id: str,
        envelope: Envelope,
        path: str,
        strikes: int,
        offset: int,
        size: int,
    ) -> None:
        self.root = root
        self.id = id
        self.envelope = envelope
        self.path = path
        self.strikes = strikes
        self.offset = offset  # where the raw bytes begin
        self.size = size

    def raw(self) -> bytes:
        """The mail as the door got it. NotFound when somebody else has finished it meanwhile; OSError of the disk."""
        try:
            fd = _open_plain(self.path)
        except FileNotFoundError:
            raise NotFound("spooled-mail", self.id) from None
        try:
            os.lseek(fd, self.offset, os.SEEK_SET)
            return _read_all(fd)
        finally:
            os.close(fd)

    def _moved(self, path: str, strikes: int) -> "Entry":
        return Entry(
            root=self.root,
            id=self.id,
            envelope=self.envelope,
            path=path,
            strikes=strikes,
            offset=self.offset,
            size=self.size,
        )

    def __repr__(self) -> str:
        return f"Entry({self.id}, strikes={self.strikes}, size={self.size})"


class Room:
    """Bytes free to us on the spool's file system, and the bytes of them that no door may take."""

    __slots__ = ("free", "reserve")

    def __init__(self, free: int, reserve: int) -> None:
        self.free = free
        self.reserve = reserve

    @property
    def ok(self) -> bool:
        return self.free > self.reserve


class Parked:
    """A mail given up. `at` is in microseconds since 1970 UTC; `envelope` is None where the entry cannot be read."""

    __slots__ = ("at", "envelope", "id", "reason", "size", "trace")

    def __init__(
        self,
        *,
        id: str,
        envelope: "Envelope | None",
        reason: str,
        trace: str,
        at: int,
        size: int,
    ) -> None:
        self.id = id
        self.envelope = envelope
        self.reason = reason
        self.trace = trace
        self.at = at
        self.size = size


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
    _write_small(root, path, text, 0o644)  # no secret, and whoever reaches the spool has to read it


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
    if not _good_id(name):
        raise ValueError(f"not a spool id: {name!r}")
    check_room(root)
    tmp = os.path.join(root, "tmp", name)
    new = os.path.join(root, "new", name)
    try:
        fd = os.open(tmp, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, FILE_MODE)
        try:
            try:
                os.fchmod(fd, FILE_MODE)  # whatever the umask: the daemon reads it as group
                _give_group(fd, os.path.dirname(new))
                _copy(root, fd, pack(envelope), chunks)
                os.fsync(fd)
            finally:
                os.close(fd)
            if sure is not None:
                sure()
            os.rename(tmp, new)
        except BaseException:
            _unlink(tmp)
            raise
        try:
            _sync_dir(os.path.join(root, "new"))
        except OSError:
            _unlink(new)  # not durable means not accepted: the peer is told so and sends it again
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
    _write(fd, head)
    unchecked = 0
    for chunk in chunks:
        for start in range(0, len(chunk), _CHECK_EVERY):
            part = chunk[start : start + _CHECK_EVERY] if len(chunk) > _CHECK_EVERY else chunk
            unchecked += len(part)
            if unchecked > _CHECK_EVERY:
                check_room(root)
                unchecked = 0
            _write(fd, part)


# -- taking


def scan(root: str) -> "list[str]":
    """The ids that wait, in new/ and cur/, oldest first. OSError when there is no spool."""
    # new/ first: an entry that moves to cur/ meanwhile is then seen twice, never missed
    ids = {name for name in os.listdir(os.path.join(root, "new")) if _good_id(name)}
    for name in os.listdir(os.path.join(root, "cur")):
        spool_id, strikes = _split(name)
        if strikes >= 0:
            ids.add(spool_id)
    return sorted(ids)


def claim(root: str, spool_id: str) -> "Entry | None":
    """Read an entry's envelope; None when it is gone. BadMail when it cannot be read (park it by its id).

    OSError is trouble of the disk or of permissions, not of the mail.
    """
    while (found := _find(root, spool_id)) is not None:
        path, strikes = found
        try:
            return _load(root, spool_id, path, strikes)
        except FileNotFoundError:
            continue  # moved between the look and the opening
    return None


def begin(entry: Entry) -> Entry:
    """Record durably that an attempt starts. Call it before each; the entry returned carries the strike.

    NotFound when somebody else has finished it meanwhile.
    """
    begun = begin_all([entry])
    if not begun:
        raise NotFound("spooled-mail", entry.id)
    return begun[0]


def begin_all(entries: "Iterable[Entry]") -> "list[Entry]":
    """begin() for a batch in one spool, with one flush of the directory for all. Those gone are left out."""
    begun: list[Entry] = []
    for entry in entries:
        strikes = entry.strikes + 1
        path = os.path.join(entry.root, "cur", f"{entry.id}.{strikes}")
        try:
            os.rename(entry.path, path)
        except FileNotFoundError:
            continue
        begun.append(entry._moved(path, strikes))  # noqa: SLF001  # the entry and this module are one
    if begun:
        _sync_dir(os.path.join(begun[0].root, "cur"))
    return begun


def forgive(entry: Entry) -> Entry:
    """Take this attempt's strike back: it was not the mail's fault. An entry that is gone is nothing to forgive."""
    strikes = max(entry.strikes - 1, 0)
    path = os.path.join(entry.root, "cur", f"{entry.id}.{strikes}")
    if path != entry.path:
        try:
            os.rename(entry.path, path)
        except FileNotFoundError:
            return entry
        _sync_dir(os.path.join(entry.root, "cur"))
    return entry._moved(path, strikes)  # noqa: SLF001  # the entry and this module are one


def done(entry: Entry) -> None:
    """Remove an entry, only after the COMMIT that holds it. Not flushed: a replay meets its own arrival."""
    _unlink(entry.path)


# -- parking


def park(root: str, entry: "Entry | str", reason: str, trace: str) -> None:
    """Set a mail aside with the reason and the traceback beside it. An unreadable entry is parked by its id.

    Durable when it returns; one that is gone is left alone.
    """
    if isinstance(entry, Entry):
        spool_id, path = entry.id, entry.path
    else:
        found = _find(root, entry)
        if found is None:
            return
        spool_id, path = entry, found[0]
    folder = os.path.join(root, "parked")
    why = b"at %d\nreason %s\n\n%s" % (
        time.time_ns() // 1000,
        _escape(reason),
        trace.encode("utf-8", "backslashreplace"),
    )
    # the reason first: a crash between the two leaves the mail where it will be tried and parked again
    _write_small(root, os.path.join(folder, spool_id + ".why"), why)
    try:
        os.rename(path, os.path.join(folder, spool_id))
    except FileNotFoundError:
        if not os.path.exists(os.path.join(folder, spool_id)):
            _unlink(os.path.join(folder, spool_id + ".why"))
        return
    _sync_dir(folder)


def parked(root: str) -> "list[Parked]":
    """All parked mails, oldest first. OSError when there is no spool."""
    folder = os.path.join(root, "parked")
    out = []
    for spool_id in sorted(name for name in os.listdir(folder) if _good_id(name)):
        path = os.path.join(folder, spool_id)
        envelope: Envelope | None = None
        try:
            size = os.lstat(path).st_size
            entry = _load(root, spool_id, path, 0)
            envelope, size = entry.envelope, entry.size
        except FileNotFoundError:
            continue
        except BadMail:
            pass
        at, reason, trace = _read_why(path + ".why")
        out.append(Parked(id=spool_id, envelope=envelope, reason=reason, trace=trace, at=at, size=size))
    return out


def claim_parked(root: str, spool_id: str) -> Entry:
    """A parked entry, to be looked at. NotFound; BadMail when it cannot be read."""
    try:
        if _good_id(spool_id):
            return _load(root, spool_id, os.path.join(root, "parked", spool_id), 0)
    except FileNotFoundError:
        pass
    raise NotFound("parked-mail", spool_id)


def retry(root: str, spool_id: str) -> None:
    """Put a parked mail back, with no strikes. NotFound. Does not ring the bell."""
    path = os.path.join(root, "parked", spool_id)
    if not _good_id(spool_id):
        raise NotFound("parked-mail", spool_id)
    try:
        os.rename(path, os.path.join(root, "new", spool_id))
    except FileNotFoundError:
        raise NotFound("parked-mail", spool_id) from None
    _sync_dir(os.path.join(root, "new"))
    _unlink(path + ".why")


def sweep(root: str, now: float) -> int:
    """Remove what died half written: files in tmp/ untouched for 36 hours. `now` in seconds since 1970. How many."""
    count = 0
    with os.scandir(os.path.join(root, "tmp")) as files:
        for file in files:
            try:
                if now - file.stat(follow_symlinks=False).st_mtime > TMP_AGE:
                    os.unlink(file.path)
                    count += 1
            except OSError:  # gone, or not ours to remove
                continue
    return count


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
    lines = [b"id " + _escape(envelope.id)]
    for key in _TEXTS:
        value = getattr(envelope, key)
        if value or key == "door" or (key == "sender" and envelope.sender_known):
            lines.append(key.encode() + b" " + _escape(value))
    lines += [b"recipient " + _escape(recipient) for recipient in envelope.recipients]
    for key in _NUMBERS:
        number = getattr(envelope, key)
        if number:
            lines.append(b"%s %d" % (key.encode(), number))
    head = b"\n".join(lines) + b"\n\n"
    if len(head) > _HEAD_LIMIT:
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
                recipients.append(_unescape(value))
            elif key == "id" or key in _TEXTS:
                texts[key] = _unescape(value)
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


def _escape(value: str) -> bytes:
    r"""Printable text stays readable; every other character, and the backslash, becomes `\<hex>;`."""
    if value.isprintable() and "\\" not in value:
        return value.encode("utf-8")
    return "".join(c if c.isprintable() and c != "\\" else f"\\{ord(c):x};" for c in value).encode("utf-8")


def _unescape(value: str) -> str:
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


def _good_id(name: str) -> bool:
    return 0 < len(name) <= 64 and _ID_CHARS.issuperset(name)


def _split(name: str) -> "tuple[str, int]":
    """<id>.<strikes> of a name in cur/; -1 strikes for any other name."""
    spool_id, dot, count = name.partition(".")
    if dot and _good_id(spool_id) and count.isascii() and count.isdigit() and len(count) < 7:
        return spool_id, int(count)
    return spool_id, -1


def _find(root: str, spool_id: str) -> "tuple[str, int] | None":
    if not _good_id(spool_id):
        return None
    new = os.path.join(root, "new", spool_id)
    if os.path.lexists(new):
        return new, 0
    # after new/, so that a move is not missed; the usual counts first, a listing when they fail
    for strikes in (1, 2, 0, 3):
        path = os.path.join(root, "cur", f"{spool_id}.{strikes}")
        if os.path.lexists(path):
            return path, strikes
    for name in os.listdir(os.path.join(root, "cur")):
        found, strikes = _split(name)
        if found == spool_id and strikes >= 0:
            return os.path.join(root, "cur", name), strikes
    return None


def _open_plain(path: str) -> int:
    """Open for reading without following a link or waiting on a FIFO that somebody of the group has put there."""
    return os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)


def _load(root: str, spool_id: str, path: str, strikes: int) -> Entry:
    """The entry at `path`. FileNotFoundError, BadMail, OSError."""
    try:
        fd = _open_plain(path)
    except OSError as e:
        if e.errno in (errno.ELOOP, errno.ENXIO):
            raise BadMail("the spool entry is not a plain file") from None
        if e.errno in (errno.EACCES, errno.EPERM):  # set aside and seen, rather than in everybody's way
            raise BadMail("the spool entry may not be read; are its owner and mode right") from None
        raise
    try:
        about = os.fstat(fd)
        if not stat.S_ISREG(about.st_mode):
            raise BadMail("the spool entry is not a plain file")
        head = os.read(fd, CHUNK)
        end = head.find(b"\n\n")
        while end < 0:
            more = os.read(fd, CHUNK)
            if not more or len(head) > _HEAD_LIMIT:
                raise BadMail("the spool entry's head has no end")
            start = len(head) - 1
            head += more
            end = head.find(b"\n\n", start)
    finally:
        os.close(fd)
    envelope = unpack(head[:end])
    envelope.id = spool_id  # the name rules: it is what scan() gives and what done() removes
    offset = end + 2
    return Entry(
        root=root,
        id=spool_id,
        envelope=envelope,
        path=path,
        strikes=strikes,
        offset=offset,
        size=about.st_size - offset,
    )


def _read_why(path: str) -> "tuple[int, str, str]":
    """(at, reason, trace) of a .why file; what is missing or damaged is empty."""
    try:
        fd = _open_plain(path)
        try:
            head, _, trace = _read_all(fd).decode("utf-8", "replace").partition("\n\n")
        finally:
            os.close(fd)
    except OSError:
        return 0, "", ""
    at, reason = 0, ""
    for line in head.split("\n"):
        key, _, value = line.partition(" ")
        try:
            if key == "at":
                at = int(value)
            elif key == "reason":
                reason = _unescape(value)
        except (ValueError, OverflowError):
            continue
    return at, reason, trace


def _reserve(root: str) -> "tuple[float, int]":
    """Percent and megabytes as the daemon left them; the defaults where it has not, or the file is damaged."""
    percent, megabytes = RESERVE_PERCENT, RESERVE_MB
    try:
        fd = _open_plain(os.path.join(root, "reserve"))
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


def _read_all(fd: int) -> bytes:
    parts = []
    while part := os.read(fd, 1024 * 1024):
        parts.append(part)
    return b"".join(parts)


def _write(fd: int, data: bytes) -> None:
    rest = memoryview(data)
    while rest:
        rest = rest[os.write(fd, rest) :]


def _write_small(root: str, path: str, data: bytes, mode: int = FILE_MODE) -> None:
    """Write a file whole or not at all, durably: by way of tmp/."""
    tmp = os.path.join(root, "tmp", new_id())
    fd = os.open(tmp, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, mode)
    try:
        try:
            os.fchmod(fd, mode)
            _write(fd, data)
            os.fsync(fd)
        finally:
            os.close(fd)
        os.rename(tmp, path)
    except BaseException:
        _unlink(tmp)
        raise
    _sync_dir(os.path.dirname(path))


def _sync_dir(path: str) -> None:
    fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def _unlink(path: str) -> None:
    try:
        os.unlink(path)
    except FileNotFoundError:
        pass


def _chmod(path: str, mode: int) -> None:
    try:
        os.chmod(path, mode)
    except PermissionError:
        pass
