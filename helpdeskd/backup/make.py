"""Making a backup while the daemon runs. The order is what makes it whole:

1. how far each mailbox was read: so that no mail counts as read that is not in what follows
2. the spool, before the store: a mail leaves the spool only after the COMMIT that holds it, so one that is gone when we come to
   copy it is in the store that is copied next. One that is copied and committed too is in both: taken in again, it meets
   its own arrival (by its spool id) and nothing happens
3. the store, as one moment has it
4. the spool once more, for what came meanwhile
5. the blobs that the store of that moment names, which were durable before any row named them; nothing is swept meanwhile

Nothing counts until it is whole: a folder *.part, every file and folder of it synced, then renamed.
"""

from __future__ import annotations

import errno
import hashlib
import os
import shutil
import stat
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

import msgspec
from sqlalchemy import Connection, func, select

from helpdeskd import durable, tray
from helpdeskd.backup.manifest import MANIFEST, PART, SETTINGS, STORES, SUMS, Manifest, complete, left_behind, name_of
from helpdeskd.config.toml import loadable
from helpdeskd.errors import NotFound, Refused
from helpdeskd.installation import BACKUP, Installation, held
from helpdeskd.store import migrations, schema, snapshot
from helpdeskd.store.blobs import Blobs, referenced
from helpdeskd.store.lock import DaemonLock

_LISTINGS = 3  # of the spool: a mail that is renamed just while a folder is listed may be missed once


@dataclass(frozen=True, slots=True)
class Made:
    folder: Path
    manifest: Manifest
    blobs: int
    fresh: int  # of these: not shared with an earlier backup or the live folder


@dataclass(slots=True)
class _Files:
    """The files of one backup, with their sums."""

    root: Path
    sums: dict[str, str] = field(default_factory=dict)

    def place(self, name: str) -> Path:
        path = self.root / name
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        return path

    def write(self, name: str, data: bytes) -> str:
        """A new file, durable but for its folder; its SHA-256."""
        fd = os.open(self.place(name), os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        try:
            durable.write_all(fd, data)
            os.fsync(fd)
        finally:
            os.close(fd)
        self.sums[name] = hashlib.sha256(data).hexdigest()
        return self.sums[name]

    def sync_folders(self) -> None:
        for folder, _, _ in os.walk(self.root, topdown=False):
            durable.sync_dir(folder)


def make(here: Installation, target: Path, made_by: str) -> Made:
    """A new backup in `target`. Raises Refused (another is being made, ...), Temporary, OSError; then nothing is left of it."""
    _apart(here, target)
    target.mkdir(mode=0o700, parents=True, exist_ok=True)
    with ExitStack() as stack:
        stack.enter_context(held(here.config, [BACKUP]))
        stack.enter_context(DaemonLock(target / ".lock"))
        for left in left_behind(target):
            shutil.rmtree(left)
        at = here.clock()
        final = target / name_of(at)
        if final.exists():
            raise Refused("exists", f"{final} is there already; one backup a second is enough")
        earlier = complete(target)
        files = _Files(target / f"{final.name}{PART}")
        try:
            files.root.mkdir(mode=0o700)
            settings = "\n".join(loadable(here.config)).strip()
            files.write(SETTINGS, f"# The settings in force on {at:%Y-%m-%d %H:%M} UTC\n\n{settings}\n".encode())
            spool = _Spool(here.spool_root, files)
            spool.mailboxes()
            for _ in range(_LISTINGS):
                spool.mails()
            store = STORES[here.store.dialect]
            needed, rows = snapshot.take(here.store, here.config.store_url, files.place(store), _look)
            with (files.root / store).open("rb") as copy:
                files.sums[store] = hashlib.file_digest(copy, "sha256").hexdigest()
            spool.mails()
            missing, fresh = _blobs(here.blobs, needed, files, earlier[-1] if earlier else None)
            sums = "".join(f"{sha256}  {name}\n" for name, sha256 in sorted(files.sums.items())).encode()
            manifest = Manifest(
                made_by=made_by,
                made_at=at,
                schema=migrations.HEAD,
                dialect="sqlite" if here.store.dialect == "sqlite" else "postgresql",
                store_sha256=files.sums[store],
                sums_sha256=files.write(SUMS, sums),
                blobs="" if here.blobs.folder else here.blobs.where,
                spooled=len(spool.copied) - len(spool.unreadable),
                unreadable=tuple(spool.unreadable),
                rows=rows,
                missing=missing,
            )
            files.write(MANIFEST, msgspec.json.format(msgspec.json.encode(manifest), indent=2) + b"\n")
            files.sync_folders()
            files.root.rename(final)
            durable.sync_dir(str(target))
        except BaseException:
            shutil.rmtree(files.root, ignore_errors=True)
            raise
    return Made(final, manifest, len(needed) - len(missing), fresh)


def _apart(here: Installation, target: Path) -> None:
    """A backup inside what it is a copy of would be lost with it, and the spool and the blobs are swept."""
    paths = here.config.paths
    for folder in (paths.data, paths.spool_dir, paths.blob_dir):
        if target.resolve().is_relative_to(folder.resolve()):
            raise Refused(
                "inside", f"{target} is inside {folder}, of which this would be the backup: choose another place"
            )


def _look(conn: Connection) -> tuple[set[str], dict[str, int]]:
    rows = {
        table.name: int(conn.execute(select(func.count()).select_from(table)).scalar_one())
        for table in schema.metadata.sorted_tables
    }
    return referenced(conn), rows


class _Spool:
    """The spool of a running daemon, copied entry by entry. Names are kept, and with them the strikes."""

    def __init__(self, root: str, files: _Files) -> None:
        self.root = root
        self.files = files
        self.copied: set[str] = set()  # what could not be read included: it is tried once
        self.unreadable: list[str] = []

    def mailboxes(self) -> None:
        for path in sorted((Path(self.root) / "mailboxes").glob("*.state")):
            self.files.write(f"spool/mailboxes/{path.name}", path.read_bytes())

    def mails(self) -> None:
        """All that are there and not copied yet. The parked ones last: that is where mails go."""
        for spool_id in tray.scan(self.root):
            while spool_id not in self.copied:
                place = tray.whereabouts(self.root, spool_id)
                if place is None or self._copied(spool_id, place):
                    break
        for parked in tray.parked(self.root):
            place = f"{self.root}/parked/{parked.id}"
            if parked.id not in self.copied and self._copied(parked.id, place):
                self._copied(parked.id, f"{place}.why")

    def _copied(self, spool_id: str, place: str) -> bool:
        """False where it has moved on meanwhile. One that cannot be read is named, and keeps no other from being copied."""
        try:
            data = _read(place)
        except FileNotFoundError:
            return False
        except OSError:  # no plain file, not ours to read, a bad sector: intake cannot read it either
            self.copied.add(spool_id)
            self.unreadable.append(spool_id)
            return True
        self.files.write(f"spool/{os.path.relpath(place, self.root)}", data)
        self.copied.add(spool_id)
        return True


def _read(place: str) -> bytes:
    fd = durable.open_plain(place)
    try:
        if not stat.S_ISREG(os.fstat(fd).st_mode):  # a FIFO would read as an empty mail
            raise OSError(errno.EINVAL, "no plain file", place)
        return durable.read_all(fd)
    finally:
        os.close(fd)


def _blobs(blobs: Blobs, needed: set[str], files: _Files, earlier: Path | None) -> tuple[tuple[str, ...], int]:
    """(those that are not there, how many were copied). What can be shared with the live folder or an earlier backup is."""
    folder, missing, fresh = blobs.folder, [], 0
    if folder is None:
        return (), 0
    for sha256 in sorted(needed):
        shelf = f"{sha256[0]}/{sha256[1]}/{sha256}"  # laid out as the live folder is
        name = f"blobs/{shelf}"
        places = [folder / shelf, *([earlier / name] if earlier else [])]
        if any(_linked(place, files.place(name)) for place in places):
            files.sums[name] = sha256
            continue
        try:
            data = blobs.get(sha256)
        except NotFound:
            missing.append(sha256)
            continue
        if files.write(name, data) != sha256:
            missing.append(sha256)
            (files.root / name).unlink()
            del files.sums[name]
        else:
            fresh += 1
    return tuple(missing), fresh


# Another file system, a file system without links, one of another owner's (fs.protected_hardlinks), too many of one file.
_CANNOT = {errno.EXDEV, errno.EPERM, errno.EACCES, errno.EMLINK, errno.ENOENT, errno.EOPNOTSUPP, errno.ENOSYS}


def _linked(place: Path, target: Path) -> bool:
    """A blob never changes, so two names for one are as good as two."""
    try:
        os.link(place, target)
    except OSError as error:
        if error.errno in _CANNOT:
            return False
        raise
    return True
