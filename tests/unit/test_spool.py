"""The spool: what is in it is whole and durable, what is tried is counted, what is given up is kept."""

from __future__ import annotations

import errno
import os
import select
import stat
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from helpdeskd import spool, tray
from helpdeskd.errors import BadMail, NoRoom, NotFound, Refused
from helpdeskd.spool import Envelope

RAW = b"From: a@example.org\r\nSubject: hello\r\n\r\nbody\r\n"


@pytest.fixture
def root(tmp_path: Path) -> str:
    path = str(tmp_path / "spool")
    spool.make(path)
    spool.set_reserve(path, 0, 0)
    return path


def put(root: str, raw: bytes = RAW, **more) -> str:
    return spool.put(root, Envelope(door="smtp", sender="a@example.org", recipients=("b@example.org",), **more), [raw])


def claimed(root: str, spool_id: str) -> tray.Entry:
    entry = tray.claim(root, spool_id)
    assert entry is not None
    return entry


def files(root: str) -> list[str]:
    return sorted(
        os.path.relpath(os.path.join(folder, name), root) for folder, _, names in os.walk(root) for name in names
    )


# -- making


def test_make_gives_directories_the_group_and_the_sticky_bit(root):
    for name in ("", *spool.DIRS):
        assert stat.S_IMODE(os.stat(os.path.join(root, name)).st_mode) == 0o3770, name
    assert stat.S_ISFIFO(os.stat(os.path.join(root, "bell")).st_mode)


def test_make_again_changes_nothing(root):
    os.chmod(os.path.join(root, "new"), 0o700)
    kept = put(root)
    spool.make(root)
    assert stat.S_IMODE(os.stat(os.path.join(root, "new")).st_mode) == 0o700
    assert tray.scan(root) == [kept]


def test_ids_sort_by_arrival_and_never_repeat():
    ids = [spool.new_id() for _ in range(2000)]
    assert ids == sorted(ids)
    assert len(set(ids)) == len(ids)


def test_ids_sort_by_arrival_when_the_clock_is_set_back(monkeypatch):
    first = spool.new_id()
    monkeypatch.setattr("time.time_ns", lambda: 1_000_000_000)
    assert spool.new_id() > first


# -- putting


def test_a_put_mail_comes_back_as_it_was(root):
    envelope = Envelope(
        door="imap",
        peer="192.0.2.1",
        helo="mx",
        sender="a b@x",
        recipients=("one@x", "two@x"),
        original="o@x",
        account="box",
        folder="INBOX",
        uidvalidity=7,
        uid=9,
        internaldate=5,
        looked=6,
        received=4,
    )
    raw = bytes(range(256)) + b"\n\n" + RAW
    spool_id = spool.put(root, envelope, [raw[:10], b"", raw[10:]])
    entry = claimed(root, spool_id)
    assert (entry.envelope, entry.strikes, entry.size) == (envelope, 0, len(raw))
    assert entry.raw() == raw


def test_an_unknown_sender_is_not_the_null_path(root):
    for known in (True, False):
        spool_id = spool.put(root, Envelope(door="pipe", sender_known=known), [RAW])
        assert claimed(root, spool_id).envelope.sender_known is known


def test_files_are_0640_whatever_the_umask(root):
    before = os.umask(0o777)
    try:
        spool_id = put(root)
    finally:
        os.umask(before)
    assert stat.S_IMODE(os.stat(os.path.join(root, "new", spool_id)).st_mode) == 0o640


def test_an_empty_mail_is_a_mail(root):
    spool_id = spool.put(root, Envelope(door="pipe"), [])
    assert claimed(root, spool_id).raw() == b""


def test_the_stream_is_not_held_in_memory(root):
    script = (
        "import resource, sys; from helpdeskd import spool;"
        "resource.setrlimit(resource.RLIMIT_AS, (150 << 20, 150 << 20));"
        "chunk = b'x' * spool.CHUNK;"
        "print(spool.put(sys.argv[1], spool.Envelope(door='pipe'), (chunk for _ in range(3200))))"
    )
    done = subprocess.run([sys.executable, "-c", script, root], capture_output=True, text=True, cwd=Path.cwd())
    assert done.returncode == 0, done.stderr
    assert claimed(root, done.stdout.strip()).size == 3200 * spool.CHUNK


def test_a_stream_that_fails_leaves_nothing(root):
    def stream() -> Iterator[bytes]:
        yield RAW
        raise ConnectionResetError("the peer went away")

    with pytest.raises(ConnectionResetError):
        spool.put(root, Envelope(door="smtp"), stream())
    assert files(root) == ["bell", "reserve"]


def test_a_last_word_against_it_leaves_nothing(root):
    def no() -> None:
        assert os.listdir(os.path.join(root, "tmp"))
        raise RuntimeError("no")

    with pytest.raises(RuntimeError):
        spool.put(root, Envelope(door="pipe"), [RAW], sure=no)
    assert files(root) == ["bell", "reserve"]


def test_an_id_that_is_a_path_is_refused(root):
    for bad in ("../x", "a/b", ".", "x" * 65, "a\n", "A"):
        with pytest.raises(ValueError):
            spool.put(root, Envelope(id=bad), [RAW])


def test_a_mail_that_cannot_be_made_durable_is_not_kept(root, monkeypatch):
    real = os.fsync

    def fsync(fd: int) -> None:
        if stat.S_ISDIR(os.fstat(fd).st_mode):
            raise OSError(errno.EIO, "bad disk")
        real(fd)

    monkeypatch.setattr(os, "fsync", fsync)
    with pytest.raises(OSError):
        put(root)
    assert files(root) == ["bell", "reserve"]


def test_order_of_durability(root, monkeypatch):
    """The file is flushed before it is visible, and the directory after, before put() returns."""
    calls: list[str] = []
    real_sync, real_rename = os.fsync, os.rename

    def fsync(fd: int) -> None:
        calls.append("flush " + os.readlink(f"/proc/self/fd/{fd}"))
        real_sync(fd)

    def rename(a: str, b: str) -> None:
        calls.append(f"rename {a} {b}")
        real_rename(a, b)

    monkeypatch.setattr(os, "fsync", fsync)
    monkeypatch.setattr(os, "rename", rename)
    spool_id = put(root)
    tmp, new = f"{root}/tmp/{spool_id}", f"{root}/new/{spool_id}"
    assert calls == [f"flush {tmp}", f"rename {tmp} {new}", f"flush {root}/new"]


# -- the room


def test_the_reserve_is_the_larger_of_both(root):
    fs = os.statvfs(root)
    total = fs.f_blocks * fs.f_frsize
    spool.set_reserve(root, 50, 1)
    assert spool.room(root).reserve == total // 2
    spool.set_reserve(root, 0.0, 7)
    assert spool.room(root).reserve == 7 << 20


def test_at_the_reserve_a_mail_is_refused_and_nothing_remains(root):
    spool.set_reserve(root, 100, 0)
    assert not spool.room(root).ok
    with pytest.raises(NoRoom):
        put(root)
    assert files(root) == ["bell", "reserve"]


def test_the_reserve_is_kept_in_mid_stream(root, monkeypatch):
    looks = []

    def statvfs(path: str):
        looks.append(path)
        real = real_statvfs(path)
        values = list(real)
        if len(looks) > 2:
            values[4] = 0  # f_bavail
        return os.statvfs_result(values)

    real_statvfs = os.statvfs
    monkeypatch.setattr(os, "statvfs", statvfs)
    with pytest.raises(NoRoom):
        spool.put(root, Envelope(door="pipe"), (b"x" * spool.CHUNK for _ in range(10_000)))
    assert files(root) == ["bell", "reserve"]
    assert len(looks) == 3


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT])
def test_a_full_disk_is_no_room(root, monkeypatch, number):
    def write(fd: int, data: object) -> int:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, "write", write)
    with pytest.raises(NoRoom):
        put(root)
    monkeypatch.undo()
    assert files(root) == ["bell", "reserve"]


@pytest.mark.parametrize(
    "text", [b"", b"percent\n", b"percent x\nmegabytes 1\n", b"\xff\xfe", b"percent nan\n", b"percent 101\n"]
)
def test_a_damaged_reserve_means_the_defaults(root, text):
    Path(root, "reserve").write_bytes(text)
    fs = os.statvfs(root)
    expected = max(int(fs.f_blocks * fs.f_frsize * 0.05), 512 << 20)
    assert spool.room(root).reserve == expected


def test_a_new_reserve_replaces_the_old(root):
    spool.set_reserve(root, 1.5, 3)
    spool.set_reserve(root, 1.5, 3)
    assert Path(root, "reserve").read_text() == "percent 1.5\nmegabytes 3\n"
    assert stat.S_IMODE(os.stat(os.path.join(root, "reserve")).st_mode) == 0o644


def test_no_spool_is_an_error_of_the_disk(tmp_path):
    for act in (
        lambda: spool.check_room(str(tmp_path / "none")),
        lambda: put(str(tmp_path / "none")),
        lambda: tray.scan(str(tmp_path / "none")),
    ):
        with pytest.raises(FileNotFoundError):
            act()


# -- taking


def test_scan_is_in_order_of_arrival_over_tried_and_untried(root):
    ids = [put(root) for _ in range(6)]
    for spool_id in ids[::2]:
        tray.begin(claimed(root, spool_id))
    assert tray.scan(root) == ids


def test_scan_passes_over_what_is_no_entry(root):
    spool_id = put(root)
    for name in ("new/.nfs1", "new/README", "cur/x", f"cur/{spool_id}", f"cur/{spool_id}.x", f"cur/{spool_id}.²"):
        Path(root, name).write_bytes(b"")
    assert tray.scan(root) == [spool_id]


def test_each_attempt_is_a_strike_and_outlives_us(root):
    spool_id = put(root)
    entry = claimed(root, spool_id)
    for strikes in (1, 2, 3, 4, 5):
        entry = tray.begin(entry)
        assert entry.strikes == strikes
        again = claimed(root, spool_id)
        assert (again.strikes, again.raw()) == (strikes, RAW)
    assert tray.scan(root) == [spool_id]
    assert files(root) == ["bell", f"cur/{spool_id}.5", "reserve"]


def test_a_strike_is_flushed_before_the_attempt(root, monkeypatch):
    entry = claimed(root, put(root))
    flushed: list[str] = []
    real = os.fsync

    def fsync(fd: int) -> None:
        flushed.append(os.readlink(f"/proc/self/fd/{fd}"))
        real(fd)

    monkeypatch.setattr(os, "fsync", fsync)
    tray.begin(entry)
    assert flushed == [f"{root}/cur"]


def test_a_batch_begins_with_one_flush(root, monkeypatch):
    entries = [claimed(root, put(root)) for _ in range(10)]
    tray.done(entries[3])
    flushed: list[int] = []
    real = os.fsync

    def fsync(fd: int) -> None:
        flushed.append(fd)
        real(fd)

    monkeypatch.setattr(os, "fsync", fsync)
    begun = tray.begin_all(entries)
    assert [(e.id, e.strikes) for e in begun] == [(e.id, 1) for e in entries if e is not entries[3]]
    assert len(flushed) == 1


def test_a_disk_that_fails_in_a_batch_is_nobodys_fault(root, monkeypatch):
    """Three full disks would otherwise park mails that were never tried."""
    ids = [put(root) for _ in range(3)]
    rename = os.rename

    def full(source, target):
        if target.endswith(f"{ids[2]}.1"):
            raise OSError(errno.ENOSPC, "No space left on device")
        rename(source, target)

    with monkeypatch.context() as patch, pytest.raises(OSError, match="No space"):
        patch.setattr(os, "rename", full)
        tray.begin_all([claimed(root, each) for each in ids])
    assert [claimed(root, each).strikes for each in ids] == [0, 0, 0]


def test_a_forgiven_attempt_counts_nothing(root):
    spool_id = put(root)
    entry = tray.forgive(tray.begin(claimed(root, spool_id)))
    assert entry.strikes == claimed(root, spool_id).strikes == 0
    entry = tray.forgive(tray.begin(tray.begin(entry)))
    assert entry.strikes == claimed(root, spool_id).strikes == 1
    assert entry.raw() == RAW


def test_done_removes_and_may_come_twice(root):
    spool_id = put(root)
    entry = tray.begin(claimed(root, spool_id))
    tray.done(entry)
    tray.done(entry)
    assert tray.scan(root) == []
    assert tray.claim(root, spool_id) is None


def test_somebody_else_was_faster(root):
    spool_id = put(root)
    entry = claimed(root, spool_id)
    tray.done(entry)
    with pytest.raises(NotFound):
        tray.begin(entry)
    with pytest.raises(NotFound):
        entry.raw()
    assert tray.forgive(entry).strikes == 0
    tray.park(root, entry, "late", "")
    tray.park(root, spool_id, "late", "")
    assert tray.parked(root) == []
    assert files(root) == ["bell", "reserve"]


def test_claim_finds_an_entry_that_moves_under_its_hands(root, monkeypatch):
    spool_id = put(root)
    real = tray._load
    moves = iter([tray.begin, tray.begin])

    def load(at: str, name: str, path: str, strikes: int) -> tray.Entry:
        move = next(moves, None)
        if move is not None:
            move(real(at, name, path, strikes))
        return real(at, name, path, strikes)

    monkeypatch.setattr(tray, "_load", load)
    assert claimed(root, spool_id).strikes == 2


@pytest.mark.parametrize("name", ["", ".", "..", "../reserve", "nothing", "0-1"])
def test_no_such_entry(root, name):
    assert tray.claim(root, name) is None
    with pytest.raises(NotFound):
        tray.retry(root, name)
    with pytest.raises(NotFound):
        tray.claim_parked(root, name)
    tray.park(root, name, "r", "t")
    assert files(root) == ["bell", "reserve"]


# -- damage

HEAD = b"id 1-a\ndoor smtp\nsender \nreceived 1\n\n"


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\n\n",
        b"id 1-a",
        HEAD[:-1],
        HEAD.replace(b"door smtp\n", b""),
        HEAD.replace(b"received 1", b"received one"),
        HEAD.replace(b"received 1", b"received 99999999999999999999"),
        HEAD.replace(b"received 1", b"received " + b"9" * 5000),
        HEAD.replace(b"sender ", b"sender \\"),
        HEAD.replace(b"sender ", b"sender \\;"),
        HEAD.replace(b"sender ", b"sender \\110000;"),
        HEAD.replace(b"sender ", b"sender \xff"),
        HEAD.replace(b"sender ", b"sender"),
        b"x" * 200_000,
    ],
)
def test_a_damaged_head_is_bad_mail(root, content):
    Path(root, "new", "1-a").write_bytes(content)
    assert tray.scan(root) == ["1-a"]
    with pytest.raises(BadMail):
        tray.claim(root, "1-a")
    tray.park(root, "1-a", "unreadable", "Traceback ...")
    assert tray.scan(root) == []
    [one] = tray.parked(root)
    assert (one.id, one.envelope, one.reason, one.size) == ("1-a", None, "unreadable", len(content))
    tray.retry(root, "1-a")
    assert Path(root, "new", "1-a").read_bytes() == content


def test_a_newer_versions_key_is_passed_over(root):
    Path(root, "new", "1-a").write_bytes(HEAD[:-1] + b"colour blue\n\nraw")
    entry = claimed(root, "1-a")
    assert (entry.envelope.door, entry.raw()) == ("smtp", b"raw")


def test_what_is_no_file_is_bad_mail_and_nothing_waits_for_it(root, tmp_path):
    secret = tmp_path / "secret"
    secret.write_bytes(HEAD)
    os.symlink(secret, os.path.join(root, "new", "1-a"))
    os.mkfifo(os.path.join(root, "new", "2-b"))
    os.mkdir(os.path.join(root, "new", "3-c"))
    for name in ("1-a", "2-b", "3-c"):
        with pytest.raises(BadMail):
            tray.claim(root, name)
        tray.park(root, name, "odd", "")
    assert tray.scan(root) == []
    assert [one.id for one in tray.parked(root)] == ["1-a", "2-b", "3-c"]


def test_an_entry_we_may_not_read_is_set_aside(root, monkeypatch):
    kept, locked = put(root), put(root)
    real = os.open

    def open_(path: str, *more: int) -> int:
        if path.endswith(locked):
            raise PermissionError(errno.EACCES, "no", path)
        return real(path, *more)

    monkeypatch.setattr(os, "open", open_)
    with pytest.raises(BadMail):
        tray.claim(root, locked)
    tray.park(root, locked, "unreadable", "")
    assert [(one.id, one.envelope) for one in tray.parked(root)] == [(locked, None)]
    assert tray.scan(root) == [kept]


def test_a_long_head_is_read(root):
    recipients = tuple(f"r{n}@example.org" for n in range(20_000))
    spool_id = spool.put(root, Envelope(door="pipe", recipients=recipients), [RAW])
    entry = claimed(root, spool_id)
    assert entry.envelope.recipients == recipients
    assert entry.raw() == RAW


def test_an_absurd_head_is_refused_on_the_way_in(root):
    with pytest.raises(ValueError):
        spool.put(root, Envelope(door="pipe", helo="x" * (17 << 20)), [RAW])
    assert files(root) == ["bell", "reserve"]


# -- parking


def test_a_parked_mail_has_its_reason_beside_it_and_can_be_tried_again(root):
    spool_id = put(root)
    entry = tray.begin(tray.begin(claimed(root, spool_id)))
    tray.park(root, entry, "three\nstrikes", 'Traceback\n\n  File "x"\udc80\n')
    assert tray.scan(root) == []
    [one] = tray.parked(root)
    assert (one.id, one.envelope, one.reason, one.size) == (spool_id, entry.envelope, "three\nstrikes", len(RAW))
    assert one.trace == 'Traceback\n\n  File "x"\\udc80\n'
    assert one.at >= entry.envelope.received
    assert tray.claim_parked(root, spool_id).raw() == RAW
    tray.retry(root, spool_id)
    assert tray.parked(root) == []
    assert claimed(root, spool_id).strikes == 0
    assert files(root) == ["bell", f"new/{spool_id}", "reserve"]


def test_a_parked_mail_without_its_reason_is_still_shown(root):
    spool_id = put(root)
    tray.park(root, spool_id, "r", "t")
    os.unlink(os.path.join(root, "parked", spool_id + ".why"))
    [one] = tray.parked(root)
    assert (one.at, one.reason, one.trace) == (0, "", "")


# -- sweeping


def test_sweep_takes_what_died_long_ago_and_nothing_else(root):
    old, young, kept = Path(root, "tmp", "1-a"), Path(root, "tmp", "2-b"), put(root)
    for path in (old, young):
        path.write_bytes(b"half")
    now = young.stat().st_mtime
    os.utime(old, (now - 36 * 3600 - 1, now - 36 * 3600 - 1))
    os.utime(os.path.join(root, "new", kept), (0, 0))
    assert tray.sweep(root, now) == 1
    assert files(root) == ["bell", f"new/{kept}", "reserve", "tmp/2-b"]


# -- the bell


def test_the_bell_wakes_and_falls_silent(root):
    spool.ring(root)  # nobody listens
    fd = spool.open_bell(root)
    try:
        assert select.select([fd], [], [], 0)[0] == []
        spool.ring(root)
        spool.ring(root)
        assert select.select([fd], [], [], 0)[0] == [fd]
        assert os.read(fd, 4096) == b"!!"
        assert select.select([fd], [], [], 0)[0] == []
    finally:
        os.close(fd)


def test_ringing_never_blocks_and_never_raises(root, tmp_path):
    fd = spool.open_bell(root)
    try:
        for _ in range(70_000):  # more than a pipe holds
            spool.ring(root)
    finally:
        os.close(fd)
    spool.ring(str(tmp_path / "none"))
    spool.ring("a\0b")
    os.unlink(os.path.join(root, "bell"))
    Path(root, "bell").write_bytes(b"file")
    spool.ring(root)
    assert Path(root, "bell").read_bytes() == b"file"
    with pytest.raises(Refused):
        spool.open_bell(root)


# -- many at once


def test_many_threads_put_and_each_mail_is_there_once(root):
    with ThreadPoolExecutor(16) as pool:
        ids = list(pool.map(lambda n: put(root, b"mail %d" % n), range(200)))
    assert sorted(ids) == tray.scan(root)
    assert {claimed(root, i).raw() for i in ids} == {b"mail %d" % n for n in range(200)}


def test_entries_say_what_they_are(root):
    spool_id = put(root)
    assert spool_id in repr(claimed(root, spool_id))
    assert "sender='a@example.org'" in repr(claimed(root, spool_id).envelope)
    assert claimed(root, spool_id).envelope != "x"
    assert len({claimed(root, spool_id).envelope, claimed(root, spool_id).envelope}) == 1
