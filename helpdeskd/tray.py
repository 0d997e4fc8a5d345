"""The daemon's side of the spool: what waits, taken in order of arrival; attempts counted; done, or parked."""

import contextlib
import errno
import os
import stat
import time

from helpdeskd import durable, spool
from helpdeskd.errors import BadMail, NotFound

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

TMP_AGE = 36 * 3600  # seconds; as Maildir has it: nobody still writes a file that old


class Entry:
    """A mail in new/, cur/ or parked/, claimed. `size` counts the raw bytes; `strikes` the attempts begun."""

    __slots__ = ("envelope", "id", "offset", "path", "root", "size", "strikes")

    def __init__(
        self,
        *,
        root: str,
        id: str,
        envelope: spool.Envelope,
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
            fd = durable.open_plain(self.path)
        except FileNotFoundError:
            raise NotFound("spooled-mail", self.id) from None
        try:
            os.lseek(fd, self.offset, os.SEEK_SET)
            return durable.read_all(fd)
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


class Parked:
    """A mail given up. `at` is in microseconds since 1970 UTC; `envelope` is None where the entry cannot be read."""

    __slots__ = ("at", "envelope", "id", "reason", "size", "trace")

    def __init__(
        self,
        *,
        id: str,
        envelope: "spool.Envelope | None",
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


# -- taking


def scan(root: str) -> "list[str]":
    """The ids that wait, in new/ and cur/, oldest first. OSError when there is no spool."""
    # new/ first: an entry that moves to cur/ meanwhile is then seen twice, never missed
    ids = {name for name in os.listdir(os.path.join(root, "new")) if spool.good_id(name)}
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


def whereabouts(root: str, spool_id: str) -> "str | None":
    """The file that waits under this id now; None when it is gone. It may move at any time: look again."""
    found = _find(root, spool_id)
    return None if found is None else found[0]


def begin(entry: Entry) -> Entry:
    """Record durably that an attempt starts. Call it before each; the entry returned carries the strike.

    NotFound when somebody else has finished it meanwhile.
    """
    begun = begin_all([entry])
    if not begun:
        raise NotFound("spooled-mail", entry.id)
    return begun[0]


def begin_all(entries: "Iterable[Entry]") -> "list[Entry]":
    """begin() for a batch in one spool, with one flush of the directory for all. Those gone are left out.

    OSError of the disk: then none is begun, and nobody's strike is left behind.
    """
    begun: list[Entry] = []
    try:
        for entry in entries:
            strikes = entry.strikes + 1
            path = os.path.join(entry.root, "cur", f"{entry.id}.{strikes}")
            try:
                os.rename(entry.path, path)
            except FileNotFoundError:
                continue
            begun.append(entry._moved(path, strikes))  # noqa: SLF001  # the entry and this module are one
        if begun:
            durable.sync_dir(os.path.join(begun[0].root, "cur"))
    except OSError:
        for entry in begun:
            with contextlib.suppress(OSError):
                forgive(entry, flush=False)
        raise
    return begun


def forgive(entry: Entry, *, flush: bool = True) -> Entry:
    """Take this attempt's strike back: it was not the mail's fault. An entry that is gone is nothing to forgive.

    Without `flush` it costs next to nothing, and only a power cut may undo it.
    """
    strikes = max(entry.strikes - 1, 0)
    path = os.path.join(entry.root, "cur", f"{entry.id}.{strikes}")
    if path != entry.path:
        try:
            os.rename(entry.path, path)
        except FileNotFoundError:
            return entry
        if flush:
            durable.sync_dir(os.path.join(entry.root, "cur"))
    return entry._moved(path, strikes)  # noqa: SLF001  # the entry and this module are one


def done(entry: Entry) -> None:
    """Remove an entry, only after the COMMIT that holds it. Not flushed: a replay meets its own arrival."""
    durable.unlink(entry.path)


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
        spool.escape(reason),
        trace.encode("utf-8", "backslashreplace"),
    )
    # the reason first: a crash between the two leaves the mail where it will be tried and parked again
    durable.replace(os.path.join(folder, spool_id + ".why"), why, spool.beside(root))
    try:
        os.rename(path, os.path.join(folder, spool_id))
    except FileNotFoundError:
        if not os.path.exists(os.path.join(folder, spool_id)):
            durable.unlink(os.path.join(folder, spool_id + ".why"))
        return
    durable.sync_dir(folder)


def parked(root: str) -> "list[Parked]":
    """All parked mails, oldest first. OSError when there is no spool."""
    folder = os.path.join(root, "parked")
    out = []
    for spool_id in sorted(name for name in os.listdir(folder) if spool.good_id(name)):
        path = os.path.join(folder, spool_id)
        envelope: spool.Envelope | None = None
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
        if spool.good_id(spool_id):
            return _load(root, spool_id, os.path.join(root, "parked", spool_id), 0)
    except FileNotFoundError:
        pass
    raise NotFound("parked-mail", spool_id)


def retry(root: str, spool_id: str) -> None:
    """Put a parked mail back, with no strikes. NotFound. Does not ring the bell."""
    path = os.path.join(root, "parked", spool_id)
    if not spool.good_id(spool_id):
        raise NotFound("parked-mail", spool_id)
    try:
        os.rename(path, os.path.join(root, "new", spool_id))
    except FileNotFoundError:
        raise NotFound("parked-mail", spool_id) from None
    durable.sync_dir(os.path.join(root, "new"))
    durable.unlink(path + ".why")


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


# -- finding and reading


def _split(name: str) -> "tuple[str, int]":
    """<id>.<strikes> of a name in cur/; -1 strikes for any other name."""
    spool_id, dot, count = name.partition(".")
    if dot and spool.good_id(spool_id) and count.isascii() and count.isdigit() and len(count) < 7:
        return spool_id, int(count)
    return spool_id, -1


def _find(root: str, spool_id: str) -> "tuple[str, int] | None":
    if not spool.good_id(spool_id):
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


def _load(root: str, spool_id: str, path: str, strikes: int) -> Entry:
    """The entry at `path`. FileNotFoundError, BadMail, OSError."""
    try:
        fd = durable.open_plain(path)
    except OSError as e:
        if e.errno in (errno.ELOOP, errno.ENXIO):
            raise BadMail("the spool entry is not a plain file") from None
        # Set aside and seen, rather than in everybody's way; but where it cannot even be looked at, the folder is the trouble.
        if e.errno in (errno.EACCES, errno.EPERM) and os.path.lexists(path):
            raise BadMail("the spool entry may not be read; are its owner and mode right") from None
        raise
    try:
        about = os.fstat(fd)
        if not stat.S_ISREG(about.st_mode):
            raise BadMail("the spool entry is not a plain file")
        head = os.read(fd, spool.CHUNK)
        end = head.find(b"\n\n")
        while end < 0:
            more = os.read(fd, spool.CHUNK)
            if not more or len(head) > spool.HEAD_LIMIT:
                raise BadMail("the spool entry's head has no end")
            start = len(head) - 1
            head += more
            end = head.find(b"\n\n", start)
    finally:
        os.close(fd)
    envelope = spool.unpack(head[:end])
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
        fd = durable.open_plain(path)
        try:
            head, _, trace = durable.read_all(fd).decode("utf-8", "replace").partition("\n\n")
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
                reason = spool.unescape(value)
        except (ValueError, OverflowError):
            continue
    return at, reason, trace


# -- for the audit


def parked_ids(root: str) -> "list[str]":
    """The ids of all parked mails, oldest first, without looking into them. OSError when there is no spool."""
    return sorted(name for name in os.listdir(os.path.join(root, "parked")) if spool.good_id(name))


def reasons(root: str) -> "list[str]":
    """The ids that parked/ holds a reason for, whether their mail is there or not."""
    names = os.listdir(os.path.join(root, "parked"))
    return sorted(name[:-4] for name in names if name.endswith(".why") and spool.good_id(name[:-4]))


def strays(root: str) -> "list[str]":
    """Files that no entry, strike or reason is called by, as folder/name: nobody will ever take them."""
    found = []
    for folder in ("new", "cur", "parked"):
        for name in sorted(os.listdir(os.path.join(root, folder))):
            if folder == "cur":
                fine = _split(name)[1] >= 0
            else:
                fine = spool.good_id(name[:-4] if folder == "parked" and name.endswith(".why") else name)
            if not fine:
                found.append(f"{folder}/{name}")
    return found
