"""Raw mails and attachments: bytes named by their SHA-256, written once and never changed.

Two kinds: files in a folder (here), and an object store for several nodes (bucket.py).
"""

from __future__ import annotations

import errno
import hashlib
import itertools
import os
import re
import threading
import uuid
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, BinaryIO, Protocol

from sqlalchemy import ColumnElement, Connection, exists, or_, select, true, union

from helpdeskd import durable
from helpdeskd.errors import NoRoom, NotFound, StoreDown
from helpdeskd.store.schema import arrival, attachment, message, outbox

KEPT_FOR = timedelta(hours=24)  # an unreferenced blob lives so long: its commit may be on its way

CHUNK = 1 << 18  # bytes of a file read at once

_HEX = "0123456789abcdef"
_NAME = re.compile(r"[0-9a-f]{64}")
_DOOMED = ".doomed"


class Blobs(Protocol):
    """What every kind can do. Trouble of the place is StoreDown or NoRoom, which are Temporary, and comes within a minute or two."""

    @property
    def folder(self) -> Path | None:
        """The folder that holds them; None where there is none on this machine, and a backup leaves them where they are."""

    @property
    def where(self) -> str:
        """The place, for people."""

    def check(self) -> None:
        """Can we write, read, list and delete there? Errors: ConfigError where only other settings can help, StoreDown."""

    def exists(self, sha256: str) -> bool: ...

    def get(self, sha256: str) -> bytes:
        """The bytes. Errors: NotFound, StoreDown."""

    def put(self, data: bytes, *, anew: bool = False) -> str:
        """Keep `data`; returns its SHA-256 in hex. Durable when it returns. Errors: NoRoom, StoreDown.

        One that is there already is touched: the sweep leaves it alone for another day. `anew`: written over what is
        there, whose bytes have gone bad.
        """

    def put_file(self, file: BinaryIO) -> str:
        """As `put`, of a file that is read from its start to its end, and need not fit into memory."""

    def names(self, shelf: str = "") -> Iterator[str]:
        """The SHA-256 of each, as it is met: one that is put or swept meanwhile may be named or not.

        `shelf`: those that begin with these two hex digits, where memory is not to hold them all. Errors: StoreDown.
        """

    def sweep(self, referenced: Callable[[str], bool], now: datetime, older_than: timedelta = KEPT_FOR) -> int:
        """Delete what nobody refers to and nobody touched for `older_than`; returns how many.

        `referenced` should ask under the write lock: `lambda sha: store.writer.run(lambda conn: is_referenced(conn, sha))`.
        """


def digest(file: BinaryIO) -> tuple[str, int]:
    """SHA-256 in hex and size of a file, which stands at its start again afterwards."""
    file.seek(0)
    found, size = hashlib.sha256(), 0
    while chunk := file.read(CHUNK):
        found.update(chunk)
        size += len(chunk)
    file.seek(0)
    return found.hexdigest(), size


class FolderBlobs:
    """A folder of blobs, in two levels of sixteen: root/3/f/3fa9... All its folders are made once, so that a put costs
    two fsyncs (the file's and its folder's) and no more.
    """

    def __init__(self, root: Path) -> None:
        self._root = root
        self._name = uuid.uuid4().hex
        self._numbers = itertools.count()
        self._gate = threading.Lock()
        self._ready = False
        # Blobs whose folder could not be synced: a second fsync may claim what the first has lost.
        self._doubted: set[str] = set()

    @property
    def folder(self) -> Path | None:
        return self._root

    @property
    def where(self) -> str:
        return str(self._root)

    def path(self, sha256: str) -> Path:
        """Where that blob is or would be."""
        if not _NAME.fullmatch(sha256):
            raise NotFound("blob", sha256)
        return self._root / sha256[0] / sha256[1] / sha256

    def check(self) -> None:
        """Nothing to ask: who opens an installation makes its folders first, and says so where that fails."""

    def exists(self, sha256: str) -> bool:
        return any(place.is_file() for place in _places(self.path(sha256)))

    def get(self, sha256: str) -> bytes:
        for place in _places(self.path(sha256)):
            try:
                return place.read_bytes()
            except FileNotFoundError:
                continue
            except OSError as error:
                raise StoreDown(f"{place}: {error.strerror}") from error
        if not self.path(sha256).parent.is_dir():
            # Not this one is gone but all of them: unmounted, moved, not yet restored.
            raise StoreDown(f"{self._root}: the folder of blobs is not there, or empty")
        raise NotFound("blob", sha256)

    def put(self, data: bytes, *, anew: bool = False) -> str:
        return self._put(hashlib.sha256(data).hexdigest(), len(data), (data,), anew=anew)

    def put_file(self, file: BinaryIO) -> str:
        sha256, size = digest(file)
        return self._put(sha256, size, iter(lambda: file.read(CHUNK), b""))

    def _put(self, sha256: str, size: int, data: Iterable[bytes], *, anew: bool = False) -> str:
        try:
            self._make_folders()
            # Plain strings: it runs for every mail, and paths as objects cost more than the calls they are made for.
            folder = f"{self._root}/{sha256[0]}/{sha256[1]}"
            path = f"{folder}/{sha256}"
            doubted = sha256 in self._doubted
            if anew or doubted or not _touch(path, size):
                durable.place(path, data, f"{self._root}/tmp/{self._name}-{next(self._numbers)}", 0o600)  # noqa: S108  # our own tmp/
            # Also for one that was there: whoever put it may be between rename and fsync.
            try:
                durable.sync_dir(folder)
            except OSError:
                self._doubted.add(sha256)
                raise
            if doubted:
                self._doubted.discard(sha256)
        except OSError as error:
            if error.errno in {errno.ENOSPC, errno.EDQUOT}:
                raise NoRoom(f"{self._root}: {error.strerror}") from error
            raise StoreDown(f"{self._root}: {error.strerror}") from error
        return sha256

    def names(self, shelf: str = "") -> Iterator[str]:
        for path in _listed(self._root / shelf[0] / shelf[1]) if shelf else self._files():
            if _NAME.fullmatch(name := path.name.removesuffix(_DOOMED)):
                yield name

    def sweep(self, referenced: Callable[[str], bool], now: datetime, older_than: timedelta = KEPT_FOR) -> int:
        limit = (now - older_than).timestamp()
        swept = 0
        for path in self._files():
            if path.name.endswith(_DOOMED):  # a sweep was cut off here: decide again
                _restore(path, path.with_suffix(""))
                path = path.with_suffix("")  # noqa: PLW2901 - the same file by its own name
            if _modified(path) < limit and not referenced(path.name) and _remove(path, limit):
                swept += 1
        for left in _listed(self._root / "tmp"):
            if _modified(left) < limit:
                left.unlink(missing_ok=True)
        return swept

    def _files(self) -> Iterator[Path]:
        for first in _HEX:
            for second in _HEX:
                yield from _listed(self._root / first / second)

    def _make_folders(self) -> None:
        with self._gate:
            if self._ready:
                return
            (self._root / "tmp").mkdir(mode=0o700, parents=True, exist_ok=True)
            for first in _HEX:
                for second in _HEX:
                    (self._root / first / second).mkdir(mode=0o700, parents=True, exist_ok=True)
                durable.sync_dir(str(self._root / first))
            durable.sync_dir(str(self._root))
            durable.sync_dir(str(self._root.parent))
            self._ready = True


# Who names a blob, each with the condition under which it counts: a row whose bytes were let go (desk.keeping) still says which
# they were, and needs them no more. A message's raw mail is let go with its arrival's.
_LET_GO = exists().where(arrival.c.id == message.c.arrival_id, arrival.c.raw_gone_at.is_not(None))
_NAMES: tuple[tuple[ColumnElement[Any], ColumnElement[bool]], ...] = (
    (message.c.raw_sha256, ~_LET_GO),
    (arrival.c.raw_sha256, arrival.c.raw_gone_at.is_(None)),
    (attachment.c.sha256, true()),
    (outbox.c.raw_sha256, outbox.c.raw_gone_at.is_(None)),
)


def is_referenced(connection: Connection, sha256: str) -> bool:
    """Whether any row needs this blob."""
    asked = (exists().where(column == sha256, counts) for column, counts in _NAMES)
    return bool(connection.execute(select(or_(*asked))).scalar_one())


def referenced(connection: Connection, shelf: str = "") -> set[str]:
    """Every blob that some row needs; those whose name begins with `shelf`, where memory is not to hold them all."""
    # By range and not by LIKE: that is what every index can answer. A g comes after every hex digit.
    asked = (select(column).where(column >= shelf, column < f"{shelf}g", counts) for column, counts in _NAMES)
    return set(connection.execute(union(*asked)).scalars())


def _places(path: Path) -> tuple[Path, ...]:
    """Where a blob may be: for a moment under its other name, while a sweep looks whether it was touched."""
    return path, path.with_name(path.name + _DOOMED), path


def _touch(path: str, size: int) -> bool:
    """Touch a whole blob that is there, and see that a sweep did not take it meanwhile."""
    try:
        os.utime(path)
        return os.stat(path).st_size == size  # noqa: PTH116 - see put
    except FileNotFoundError:
        return False


def _remove(path: Path, limit: float) -> bool:
    """Delete unless touched since we looked. Renamed first: a put that comes between finds nothing and writes anew."""
    doomed = path.with_name(path.name + _DOOMED)
    try:
        path.rename(doomed)
        if doomed.stat().st_mtime >= limit:
            _restore(doomed, path)
            return False
        doomed.unlink()
    except FileNotFoundError:
        return False
    return True


def _restore(doomed: Path, path: Path) -> None:
    try:
        doomed.rename(path)
    except FileNotFoundError:
        return
    durable.sync_dir(str(path.parent))


def _modified(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except FileNotFoundError:
        return float("inf")


def _listed(folder: Path) -> list[Path]:
    try:
        return sorted(folder.iterdir())
    except FileNotFoundError:
        return []
    except OSError as error:
        raise StoreDown(f"{folder}: {error.strerror}") from error
