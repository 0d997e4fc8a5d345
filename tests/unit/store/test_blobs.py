"""Blobs: durable when put returns, and the sweep never takes what somebody is about to name.

What holds for every kind is asked of `kind`, a folder and a bucket in turn; the bucket's own ways are in test_bucket.py.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, insert

from helpdeskd.errors import NoRoom, NotFound, StoreDown
from helpdeskd.store.blobs import KEPT_FOR, Blobs, FolderBlobs, is_referenced
from helpdeskd.store.engine import Store
from helpdeskd.store.schema import arrival, attachment, message, metadata, outbox, person, ticket
from tests.s3 import S3
from tests.unit.store.helpers import NOON, add_department

NOBODY: Callable[[str], bool] = lambda _: False  # noqa: E731


@dataclass
class Kind:
    """Blobs of one kind, how to make one look as if it was last put at another time, and how to make its bytes `wrong`."""

    blobs: Blobs
    age: Callable[[str, datetime], None]
    spoil: Callable[[str], object]


@pytest.fixture(params=["folder", "bucket"])
def kind(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Kind]:
    if request.param == "folder":
        folder = FolderBlobs(tmp_path / "blobs")
        yield Kind(
            folder,
            age=lambda sha256, when: _age(folder, sha256, when),
            spoil=lambda sha256: folder.path(sha256).write_bytes(b"wrong"),
        )
    else:
        with S3(tmp_path) as s3:
            yield Kind(s3.blobs(), s3.age, s3.spoil)


def test_what_is_put_can_be_got(kind: Kind) -> None:
    blobs = kind.blobs
    data = bytes(range(256)) * 1000
    sha256 = blobs.put(data)
    assert sha256 == hashlib.sha256(data).hexdigest()
    assert blobs.exists(sha256)
    assert blobs.get(sha256) == data
    assert blobs.get(blobs.put(b"")) == b""


def test_a_blob_is_a_file_of_its_own(blobs: FolderBlobs) -> None:
    sha256 = blobs.put(b"raw mail")
    assert blobs.path(sha256).parts[-3:] == (sha256[0], sha256[1], sha256)
    assert blobs.path(sha256).stat().st_mode & 0o777 == 0o600


def test_every_blob_is_named_once(kind: Kind) -> None:
    assert list(kind.blobs.names()) == []
    put = {kind.blobs.put(str(n).encode()) for n in (*range(50), *range(20))}
    found = list(kind.blobs.names())
    assert len(found) == 50
    assert set(found) == put
    shelves = {shelf: list(kind.blobs.names(shelf)) for shelf in {name[:2] for name in put} | {"00"}}
    assert shelves == {shelf: sorted(name for name in put if name.startswith(shelf)) for shelf in shelves}


def test_bytes_that_have_gone_bad_are_written_over(kind: Kind) -> None:
    sha256 = kind.blobs.put(b"whole")
    kind.spoil(sha256)
    assert kind.blobs.get(sha256) == b"wrong"
    assert kind.blobs.put(b"whole", anew=True) == sha256
    assert kind.blobs.get(sha256) == b"whole"


def test_a_kind_says_where_it_is(kind: Kind, tmp_path: Path) -> None:
    folder = kind.blobs.folder
    assert (folder, kind.blobs.where) in {(tmp_path / "blobs", str(tmp_path / "blobs")), (None, "s3://desk/help/desk")}


def test_a_blob_is_named_by_its_own_name_in_the_middle_of_a_sweep(blobs: FolderBlobs) -> None:
    sha256 = blobs.put(b"in between")
    blobs.path(sha256).rename(blobs.path(sha256).with_name(sha256 + ".doomed"))
    (blobs.path(sha256).parent / "lost+found").mkdir()
    assert list(blobs.names()) == [sha256]


def test_a_good_place_passes_its_check(kind: Kind) -> None:
    kind.blobs.check()
    assert list(kind.blobs.names()) == []


@pytest.mark.parametrize("name", ["0" * 64, "", "../../etc/passwd", "A" * 64, "0" * 63, "0" * 64 + "\n"])
def test_what_is_not_there_is_not_found(kind: Kind, name: str) -> None:
    kind.blobs.put(b"something")
    with pytest.raises(NotFound):
        kind.blobs.get(name)


def test_where_no_blob_is_there_the_store_is_down_and_no_blob_is_lost(blobs: FolderBlobs, tmp_path: Path) -> None:
    """Its disk is not mounted, or somebody has moved the folder."""
    kept = blobs.put(b"kept")
    (tmp_path / "blobs").rename(tmp_path / "away")
    with pytest.raises(StoreDown):
        blobs.put(b"more")
    for empty in (False, True):
        if empty:
            (tmp_path / "blobs").mkdir()
        with pytest.raises(StoreDown):
            blobs.get(kept)
    (tmp_path / "blobs").rmdir()
    (tmp_path / "away").rename(tmp_path / "blobs")
    assert blobs.get(kept) == b"kept"
    assert blobs.get(blobs.put(b"more")) == b"more"


def test_after_a_failed_fsync_of_the_folder_the_blob_is_written_anew(
    blobs: FolderBlobs, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Linux marks what it could not write as written: a second fsync of the same folder proves nothing."""
    sha256 = blobs.put(b"before")
    recorder = Recorder(monkeypatch, tmp_path / "blobs")
    fsync = os.fsync

    def failing(handle: int) -> None:
        if os.path.isdir(f"/proc/self/fd/{handle}"):
            raise OSError(errno.EIO, "Input/output error")
        fsync(handle)

    for data in (b"before", b"new"):
        with monkeypatch.context() as patch:
            patch.setattr(os, "fsync", failing)
            for _ in range(2):
                with pytest.raises(StoreDown):
                    blobs.put(data)
        recorder.calls.clear()
        sha256 = blobs.put(data)
        place = f"{sha256[0]}/{sha256[1]}"
        assert [call for call in recorder.calls if not call.startswith("write")] == [
            "fsync tmp/*",
            f"rename tmp/* {place}/{sha256}",
            f"fsync {place}",
        ]
        recorder.calls.clear()
        blobs.put(data)  # now it may be trusted
        assert recorder.calls == [f"utime {place}/{sha256}", f"fsync {place}"]


class Recorder:
    """The order of the calls that make a file durable."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, root: Path) -> None:
        self.calls: list[str] = []
        self._names: dict[int, str] = {}
        self._root = root
        for name in ("open", "write", "fsync", "rename", "utime"):
            monkeypatch.setattr(os, name, getattr(self, name)(getattr(os, name)))

    def _short(self, path: Any) -> str:
        relative = Path(path).relative_to(self._root)
        return "tmp/*" if relative.parts[:1] == ("tmp",) else str(relative)

    def open(self, real: Any) -> Any:
        def call(path: Any, *args: Any) -> int:
            handle: int = real(path, *args)
            self._names[handle] = self._short(path)
            return handle

        return call

    def write(self, real: Any) -> Any:
        def call(handle: int, data: Any) -> int:
            self.calls.append(f"write {self._names[handle]}")
            count: int = real(handle, data[: max(1, len(data) // 2)])  # a short write, as a signal may cause
            return count

        return call

    def fsync(self, real: Any) -> Any:
        def call(handle: int) -> None:
            real(handle)
            self.calls.append(f"fsync {self._names[handle]}")

        return call

    def rename(self, real: Any) -> Any:
        def call(source: Any, target: Any) -> None:
            real(source, target)
            self.calls.append(f"rename {self._short(source)} {self._short(target)}")

        return call

    def utime(self, real: Any) -> Any:
        def call(path: Any) -> None:
            real(path)
            self.calls.append(f"utime {self._short(path)}")

        return call


def test_put_returns_after_file_and_folder_are_durable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    blobs = FolderBlobs(tmp_path)
    blobs.put(b"the first makes the folders")
    recorder = Recorder(monkeypatch, tmp_path)
    sha256 = blobs.put(b"raw mail")
    name = f"{sha256[0]}/{sha256[1]}/{sha256}"
    folder = f"{sha256[0]}/{sha256[1]}"
    written = [call for call in recorder.calls if call != "write tmp/*"]
    assert written == ["fsync tmp/*", f"rename tmp/* {name}", f"fsync {folder}"]
    assert recorder.calls[0] == "write tmp/*"
    assert recorder.calls.index("fsync tmp/*") == len(recorder.calls) - 3
    assert blobs.get(sha256) == b"raw mail"


def test_the_folders_are_durable_before_the_first_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    recorder = Recorder(monkeypatch, tmp_path)
    FolderBlobs(tmp_path / "blobs").put(b"x")
    made = [f"fsync blobs/{digit}" for digit in "0123456789abcdef"] + ["fsync blobs", "fsync ."]
    assert recorder.calls[: len(made)] == made


def test_putting_what_is_there_touches_it_and_writes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    blobs = FolderBlobs(tmp_path)
    sha256 = blobs.put(b"again")
    os.utime(blobs.path(sha256), (1, 1))
    recorder = Recorder(monkeypatch, tmp_path)
    assert blobs.put(b"again") == sha256
    assert recorder.calls == [f"utime {sha256[0]}/{sha256[1]}/{sha256}", f"fsync {sha256[0]}/{sha256[1]}"]
    assert blobs.path(sha256).stat().st_mtime > 1


def test_a_damaged_one_is_written_anew(blobs: FolderBlobs) -> None:
    sha256 = blobs.put(b"whole")
    blobs.path(sha256).write_bytes(b"who")
    blobs.put(b"whole")
    assert blobs.get(sha256) == b"whole"


@pytest.mark.parametrize(
    ("code", "expected"),
    [(errno.ENOSPC, NoRoom), (errno.EDQUOT, NoRoom), (errno.EIO, StoreDown), (errno.EROFS, StoreDown)],
)
@pytest.mark.parametrize("call", ["write", "fsync", "rename"])
def test_trouble_is_temporary_and_leaves_nothing_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str, code: int, expected: type[Exception]
) -> None:
    blobs = FolderBlobs(tmp_path)
    blobs.put(b"the folders")

    def fail(*_: Any) -> None:
        raise OSError(code, os.strerror(code))

    with monkeypatch.context() as patch:
        patch.setattr(os, call, fail)
        with pytest.raises(expected):
            blobs.put(b"lost")
    assert list((tmp_path / "tmp").iterdir()) == []
    assert not blobs.exists(hashlib.sha256(b"lost").hexdigest())


def test_the_sweep_deletes_only_what_is_old_and_unreferenced(kind: Kind) -> None:
    blobs = kind.blobs
    now = datetime.now(UTC)
    old_named, old, young = (blobs.put(word) for word in (b"old, named", b"old", b"young"))
    for sha256 in (old_named, old):
        kind.age(sha256, now - KEPT_FOR - timedelta(hours=1, minutes=1))
    asked: list[str] = []

    def referenced(sha256: str) -> bool:
        asked.append(sha256)
        return sha256 == old_named

    assert blobs.sweep(referenced, now) == 1
    assert [blobs.exists(sha256) for sha256 in (old_named, old, young)] == [True, False, True]
    assert young not in asked


def test_the_clock_alone_makes_a_blob_old(kind: Kind) -> None:
    sha256, now = kind.blobs.put(b"nobody's"), datetime.now(UTC)
    assert kind.blobs.sweep(NOBODY, now + timedelta(hours=23)) == 0
    assert kind.blobs.get(sha256) == b"nobody's"
    assert kind.blobs.sweep(NOBODY, now + timedelta(hours=26)) == 1
    assert not kind.blobs.exists(sha256)


def test_one_that_is_put_again_is_kept_for_another_day(kind: Kind) -> None:
    now = datetime.now(UTC)
    sha256 = kind.blobs.put(b"logo")
    kind.age(sha256, now - timedelta(days=30))
    kind.blobs.put(b"logo")
    assert kind.blobs.sweep(NOBODY, now) == 0
    assert kind.blobs.get(sha256) == b"logo"
    assert kind.blobs.sweep(NOBODY, now + timedelta(days=2)) == 1


def _age(blobs: FolderBlobs, sha256: str, when: datetime) -> None:
    os.utime(blobs.path(sha256), (when.timestamp(), when.timestamp()))


def test_the_sweep_leaves_what_is_touched_while_it_asks(kind: Kind) -> None:
    """Another mail brings the same attachment between the question and the deletion."""
    now, blobs = datetime.now(UTC), kind.blobs
    sha256 = blobs.put(b"logo")
    kind.age(sha256, now - timedelta(days=30))

    def referenced(_: str) -> bool:
        blobs.put(b"logo")
        return False

    blobs.sweep(referenced, now)
    assert blobs.get(sha256) == b"logo"


def test_a_put_in_the_middle_of_a_deletion_writes_anew(blobs: FolderBlobs, monkeypatch: pytest.MonkeyPatch) -> None:
    now = datetime.now(UTC)
    sha256 = blobs.put(b"logo")
    _age(blobs, sha256, now - timedelta(days=30))
    real = Path.rename

    def rename(self: Path, target: Path) -> Path:
        moved = real(self, target)
        if str(target).endswith(".doomed"):
            monkeypatch.setattr(Path, "rename", real)
            blobs.put(b"logo")
        return moved

    monkeypatch.setattr(Path, "rename", rename)
    blobs.sweep(NOBODY, now)
    assert blobs.get(sha256) == b"logo"


def test_a_blob_is_found_while_a_sweep_holds_it_by_its_other_name(blobs: FolderBlobs) -> None:
    sha256 = blobs.put(b"in between")
    blobs.path(sha256).rename(blobs.path(sha256).with_name(sha256 + ".doomed"))
    assert blobs.exists(sha256)
    assert blobs.get(sha256) == b"in between"


def test_a_sweep_that_was_cut_off_is_taken_up_again(blobs: FolderBlobs) -> None:
    now = datetime.now(UTC)
    kept, gone = blobs.put(b"kept"), blobs.put(b"gone")
    for sha256 in (kept, gone):
        _age(blobs, sha256, now - timedelta(days=2))
        blobs.path(sha256).rename(blobs.path(sha256).with_name(sha256 + ".doomed"))
    assert blobs.sweep(lambda sha256: sha256 == kept, now) == 1
    assert blobs.get(kept) == b"kept"
    assert not blobs.exists(gone)


def test_the_sweep_clears_what_crashes_left(blobs: FolderBlobs, tmp_path: Path) -> None:
    now = datetime.now(UTC)
    blobs.put(b"x")
    old, young = tmp_path / "blobs" / "tmp" / "old", tmp_path / "blobs" / "tmp" / "young"
    for path in (old, young):
        path.write_bytes(b"half")
    os.utime(old, (1, 1))
    blobs.sweep(NOBODY, now)
    assert not old.exists()
    assert young.exists()


def test_sweeping_nothing_is_fine(kind: Kind) -> None:
    assert kind.blobs.sweep(NOBODY, NOON) == 0


def test_puts_and_sweeps_at_once_lose_nothing(kind: Kind) -> None:
    """Each blob looks a year old until its put touches it, while a sweep goes round and round."""
    blobs = kind.blobs
    missing: list[bytes] = []
    done = threading.Event()

    def sweep() -> None:
        while not done.is_set():
            blobs.sweep(NOBODY, datetime.now(UTC), timedelta(minutes=5))

    def put(worker: int) -> None:
        for n in range(60):
            word = f"{worker}: word {n % 7}".encode()
            sha256 = blobs.put(word)
            if not blobs.exists(sha256):
                missing.append(word)
            with contextlib.suppress(FileNotFoundError):
                kind.age(sha256, NOON - timedelta(days=365))

    sweeper = threading.Thread(target=sweep)
    putters = [threading.Thread(target=put, args=(n,)) for n in range(3)]
    for thread in (sweeper, *putters):
        thread.start()
    for thread in putters:
        thread.join(60)
    done.set()
    sweeper.join(60)
    assert missing == []


def test_every_column_that_names_a_blob_is_asked(store: Store) -> None:
    department = add_department(store)

    def fill(conn: Any) -> None:
        time = {"created_at": NOON, "updated_at": NOON}
        conn.execute(insert(person).values(kind="customer", email="a@b", email_key="a@b", created_at=NOON))
        conn.execute(
            insert(ticket).values(
                number=1, subject="", state="new", priority="low", department_id=department, requester_id=1, **time
            )
        )
        conn.execute(
            insert(message).values(
                ticket_id=1,
                visibility="public",
                text="",
                raw_sha256="m",
                kind="personal",
                reason="new",
                verdict="none",
                created_at=NOON,
            )
        )
        conn.execute(
            insert(attachment).values(
                message_id=1, position=0, name="", content_type="", size=0, sha256="t", inline=False
            )
        )
        conn.execute(
            insert(arrival).values(
                spool_id="s",
                department_id=0,
                door="smtp",
                outcome="held",
                reason="",
                evidence=[],
                raw_sha256="a",
                sender="",
                author="",
                subject="",
                size=0,
                received_at=NOON,
                decided_at=NOON,
            )
        )
        conn.execute(
            insert(outbox).values(
                notice="welcome",
                automatic=True,
                department_id=department,
                recipient="",
                language="en",
                context={},
                mail_id="x",
                refs=[],
                reply_token="",
                envelope_token="x",
                state="sent",
                created_at=NOON,
                next_at=NOON,
                raw_sha256="o",
            )
        )

    store.writer.run(fill)

    def known(conn: Connection) -> str:
        return "".join(name for name in "mtaoz" if is_referenced(conn, name))

    assert store.read(known) == "mtao"
    named = [
        f"{table}.{column.name}"
        for table in metadata.sorted_tables
        for column in table.columns
        if column.name in {"raw_sha256", "sha256"}
    ]
    assert sorted(named) == ["arrival.raw_sha256", "attachment.sha256", "message.raw_sha256", "outbox.raw_sha256"]
