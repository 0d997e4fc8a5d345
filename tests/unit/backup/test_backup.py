"""A backup is whole, durable and complete or not there, whatever happens while it is made."""

from __future__ import annotations

import errno
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from helpdeskd import spool, tray
from helpdeskd.backup import make as making
from helpdeskd.backup import manifest
from helpdeskd.config.load import load
from helpdeskd.errors import ConfigError, Refused, StoreDown
from helpdeskd.installation import BACKUP, held
from helpdeskd.store import snapshot
from helpdeskd.store.blobs import FolderBlobs
from tests.unit.backup.conftest import letter


def test_what_is_in_it(here):
    here.mail(letter("Printer"))
    here.intake()
    waiting = here.mail(letter("Another"))
    made = here.backup()
    assert (made.manifest.made_by, made.manifest.rows["ticket"], made.manifest.spooled) == ("1.2.3", 1, 1)
    files = {str(path.relative_to(made.folder)) for path in made.folder.rglob("*") if path.is_file()}
    blobs = {name for name in files if name.startswith("blobs/")}
    assert len(blobs) == made.blobs == 1
    assert files - blobs == {
        "manifest.json",
        "SHA256SUMS",
        "helpdeskd.toml",
        made.manifest.store,
        f"spool/new/{waiting}",
    }
    assert made.folder.stat().st_mode & 0o077 == 0
    assert all((made.folder / name).stat().st_mode & 0o077 == 0 for name in files)
    found = manifest.check(made.folder)
    assert set(found.files) == files - {"manifest.json", "SHA256SUMS"}
    assert [path.name for path in here.target.iterdir() if path.name != ".lock"] == [made.folder.name]


@pytest.mark.skipif(shutil.which("sha256sum") is None, reason="sha256sum is missing (apt install coreutils)")
def test_it_can_be_checked_without_helpdeskd(sqlite_here):
    sqlite_here.mail(letter("Printer"))
    made = sqlite_here.backup()
    checked = ["sha256sum", "--check", "--strict", "--quiet", "SHA256SUMS"]
    assert subprocess.run(checked, cwd=made.folder).returncode == 0
    (made.folder / made.manifest.store).write_bytes(b"another")
    assert subprocess.run(checked, cwd=made.folder, capture_output=True).returncode == 1


def test_the_settings_without_secrets(sqlite_here):
    made = sqlite_here.backup()
    text = (made.folder / "helpdeskd.toml").read_text()
    assert "geheim-4711" not in text
    assert '# password = "(set, not shown)"  (a secret is left out)' in text
    with pytest.raises(ConfigError, match=r"outgoing.password: expected password or password_file"):
        load(made.folder / "helpdeskd.toml", {})
    again = load(made.folder / "helpdeskd.toml", {"HELPDESKD_OUTGOING__PASSWORD": "geheim-4711"})
    assert again == sqlite_here.config


def test_everything_is_synced_before_it_counts(sqlite_here, monkeypatch):
    """Blobs that are shared with the live folder were durable before; each file and folder of the backup is by now."""
    here, synced = sqlite_here, set()
    here.mail(letter("Printer"))
    here.intake()
    here.mail(letter("Another"))
    real_sync, real_rename, renamed = os.fsync, Path.rename, []

    def fsync(fd):
        real_sync(fd)
        synced.add(os.fstat(fd).st_ino)

    def rename(path, target):
        if path.name.endswith(manifest.PART):
            tree = [path, *path.rglob("*")]
            assert [each for each in tree if each.stat().st_ino not in synced and "blobs" not in each.parts[:-1]] == []
            assert [each for each in tree if each.is_dir() and each.stat().st_ino not in synced] == []
            synced.clear()
            renamed.append(path)
        return real_rename(path, target)

    monkeypatch.setattr(os, "fsync", fsync)
    monkeypatch.setattr(Path, "rename", rename)
    here.backup()
    assert len(renamed) == 1
    assert here.target.stat().st_ino in synced


# -- mails that move while it is made


def counted(place):
    """Every mail of the restored place with its outcome, once it is through."""
    place.intake()
    assert tray.scan(place.root) == []
    return place.outcomes()


def test_a_mail_that_goes_from_spool_to_store_meanwhile(here, there, monkeypatch):
    """Between the copy of the spool and that of the store: it is in both, and taken in once."""
    spool_id, real = here.mail(letter("Printer")), snapshot.take

    def take(*args):
        assert here.intake().received == 1
        return real(*args)

    monkeypatch.setattr(snapshot, "take", take)
    assert here.backup().manifest.spooled == 1
    monkeypatch.undo()
    there.restore()
    assert counted(there) == {spool_id: "opened"}


@pytest.mark.parametrize("moved", ["finished", "begun", "parked"])
def test_a_mail_that_is_gone_when_we_come_to_copy_it(sqlite_here, sqlite_there, monkeypatch, moved):
    here, there, real = sqlite_here, sqlite_there, tray.whereabouts
    spool_id = here.mail(letter("Printer"))
    moves: list[str] = []

    def whereabouts(root, asked):
        place = real(root, asked)
        if not moves:
            moves.append(moved)
            if moved == "finished":
                here.intake()
            else:
                entry = tray.claim(root, asked)
                assert entry is not None
                entry = tray.begin(entry)
                if moved == "parked":
                    tray.park(root, entry, "killed", "a trace")
        return place

    monkeypatch.setattr(tray, "whereabouts", whereabouts)
    made = here.backup()
    assert moves
    assert made.manifest.spooled == (0 if moved == "finished" else 1)
    there.restore()
    if moved == "parked":
        (parked,) = tray.parked(there.root)
        assert (parked.id, parked.reason, parked.trace) == (spool_id, "killed", "a trace")
    else:
        assert counted(there) == {spool_id: "opened"}


def test_a_mail_that_comes_after_the_store_was_copied(sqlite_here, sqlite_there, monkeypatch):
    here, there, real, came = sqlite_here, sqlite_there, snapshot.take, []

    def take(*args):
        seen = real(*args)
        came.append(here.mail(letter("Late")))
        return seen

    monkeypatch.setattr(snapshot, "take", take)
    here.backup()
    monkeypatch.undo()
    there.restore()
    assert counted(there) == {came[0]: "opened"}


def test_a_mailbox_is_not_further_than_the_mails(sqlite_here, monkeypatch):
    """What a watcher says it has read was in the spool before it said so: its word is copied first."""
    state, real = Path(sqlite_here.root) / "mailboxes" / "support.state", tray.scan
    state.write_text("read up to 7")

    def scan(root):
        state.write_text("read up to 8")
        return real(root)

    monkeypatch.setattr(tray, "scan", scan)
    made = sqlite_here.backup()
    assert (made.folder / "spool/mailboxes/support.state").read_text() == "read up to 7"


@pytest.mark.parametrize("make", [lambda path: os.symlink("/etc/passwd", path), os.mkdir, os.mkfifo])
@pytest.mark.parametrize("folder", ["new", "parked"])
def test_an_entry_that_cannot_be_read_holds_up_nobody(sqlite_here, folder, make):
    spool_id = sqlite_here.mail(letter("Printer"))
    other = spool.new_id()
    make(f"{sqlite_here.root}/{folder}/{other}")
    made = sqlite_here.backup()
    assert (made.manifest.unreadable, made.manifest.spooled) == ((other,), 1)
    assert [path.name for path in (made.folder / "spool/new").iterdir()] == [spool_id]


# -- blobs


@pytest.fixture
def later(monkeypatch):
    """Each backup a second after the one before."""
    seconds = iter(range(100))
    monkeypatch.setattr(making, "name_of", lambda at: f"2026-03-01T1200{next(seconds):02d}Z")


def names(made):
    return {path.name: path.stat().st_ino for path in (made.folder / "blobs").rglob("*") if path.is_file()}


def test_blobs_are_shared_on_one_file_system(sqlite_here, later):
    here = sqlite_here
    here.mail(letter("Printer"))
    here.intake()
    made = here.backup()
    with here.opened() as open_:
        assert {sha: open_.blobs.path(sha).stat().st_ino for sha in names(made)} == names(made)
    assert (made.blobs, made.fresh) == (1, 0)


@pytest.mark.parametrize("code", [errno.EXDEV, errno.EPERM, errno.EMLINK])
def test_elsewhere_only_new_blobs_are_copied(sqlite_here, later, monkeypatch, code):
    here, real = sqlite_here, os.link

    def link(source, target):
        if here.config.paths.data in Path(source).parents:
            raise OSError(code, os.strerror(code))
        real(source, target)

    monkeypatch.setattr(os, "link", link)
    here.mail(letter("Printer"))
    here.intake()
    first = here.backup()
    here.mail(letter("Another"))
    here.intake()
    second = here.backup()
    assert (first.fresh, second.blobs, second.fresh) == (1, 2, 1)
    assert names(first).items() < names(second).items()
    shutil.rmtree(first.folder)
    assert not manifest.check(second.folder).damaged


def test_a_file_system_without_links(sqlite_here, later, monkeypatch):
    def link(source, target):
        raise OSError(errno.EPERM, "no links here")

    monkeypatch.setattr(os, "link", link)
    sqlite_here.mail(letter("Printer"))
    sqlite_here.intake()
    assert [sqlite_here.backup().fresh for _ in range(2)] == [1, 1]


def test_a_blob_that_is_lost_is_named_and_the_rest_is_kept(sqlite_here, monkeypatch):
    here = sqlite_here
    for subject in ("Printer", "Another", "Whole"):
        here.mail(letter(subject))
    here.intake()
    with here.opened() as open_:
        lost, damaged, _ = sorted(path.name for path in here.config.paths.blob_dir.rglob("*") if path.is_file())
        open_.blobs.path(lost).unlink()
        open_.blobs.path(damaged).write_bytes(b"rust")
    monkeypatch.setattr(making, "_linked", lambda *_: False)
    made = here.backup()
    assert made.manifest.missing == (lost, damaged)
    assert made.blobs == 1
    assert not manifest.check(made.folder).damaged


def test_blobs_that_are_in_no_folder_stay_where_they_are(sqlite_here, sqlite_there, monkeypatch):
    """An object store: the backup names it, and copies nothing."""
    here, there = sqlite_here, sqlite_there
    here.mail(letter("Printer"))
    here.intake()
    with monkeypatch.context() as patch:
        patch.setattr(FolderBlobs, "folder", None)
        patch.setattr(FolderBlobs, "where", "s3://bucket/mails")
        made = here.backup()
    assert (made.manifest.blobs, made.manifest.missing) == ("s3://bucket/mails", ())
    assert not (made.folder / "blobs").exists()
    assert there.restore().blobs == 0


# -- complete or not there


class Killed(BaseException):
    pass


@pytest.mark.parametrize("step", ["mailboxes", "mails", "take", "blobs", "sync", "rename"])
def test_cut_off_at_any_step(sqlite_here, later, monkeypatch, step):
    here = sqlite_here
    here.mail(letter("Printer"))
    kept = here.backup()

    def killed(*args):
        raise Killed

    with monkeypatch.context() as patch:
        if step in {"mailboxes", "mails"}:
            patch.setattr(making._Spool, step, killed)
        elif step == "take":
            patch.setattr(snapshot, "take", killed)
        elif step == "blobs":
            patch.setattr(making, "_blobs", killed)
        elif step == "sync":
            patch.setattr(making._Files, "sync_folders", killed)
        else:
            patch.setattr(Path, "rename", killed)
        patch.setattr(shutil, "rmtree", lambda *_, **__: None)  # as a SIGKILL would have it
        with pytest.raises(Killed):
            here.backup()
    (part,) = manifest.left_behind(here.target)
    assert manifest.newest(here.target) == kept.folder
    with pytest.raises(Refused, match="was cut off"):
        manifest.newest(part)
    another = here.backup()
    assert manifest.left_behind(here.target) == []
    assert manifest.complete(here.target) == [kept.folder, another.folder]


def test_a_failure_leaves_nothing(sqlite_here, monkeypatch):
    def full(*args):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(making._Files, "sync_folders", full)
    with pytest.raises(OSError, match="No space"):
        sqlite_here.backup()
    assert [path.name for path in sqlite_here.target.iterdir()] == [".lock"]


def test_one_at_a_time(sqlite_here):
    with held(sqlite_here.config, [BACKUP]), pytest.raises(Refused) as refused:
        sqlite_here.backup()
    assert refused.value.reason == "already-running"


def test_one_a_second(sqlite_here, monkeypatch):
    monkeypatch.setattr(making, "name_of", lambda at: "2026-03-01T120000Z")
    made = sqlite_here.backup()
    with pytest.raises(Refused, match="is there already"):
        sqlite_here.backup()
    assert manifest.complete(sqlite_here.target) == [made.folder]


# -- PostgreSQL's programs


@pytest.fixture
def programs(tmp_path, monkeypatch):
    """A PATH with nothing but what the test puts there."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))
    return folder


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://desk:geheim-4711@db.example:5433/desk?sslmode=require",
        "postgresql://db.example/desk?user=desk&password=geheim-4711&port=5433&sslmode=require",
    ],
)
def test_the_password_is_in_no_argument(programs, tmp_path, url):
    said = tmp_path / "said"
    fake = programs / "pg_restore"
    fake.write_text(f'#!/bin/sh\nfor each; do echo "$each"; done > {said}\necho "$PGPASSWORD" > {said}.password\n')
    fake.chmod(0o755)
    snapshot.put_back(url, tmp_path / "dump")
    assert "geheim-4711" not in said.read_text()
    for word in ("host=db.example", "port=5433", "user=desk", "dbname=desk", "sslmode=require", "--no-password"):
        assert word in said.read_text()
    assert (tmp_path / "said.password").read_text() == "geheim-4711\n"


def test_a_missing_program_is_named(postgres_url, programs, tmp_path):
    with pytest.raises(Refused, match="pg_restore is needed and not installed"):
        snapshot.put_back(postgres_url, tmp_path / "dump")


def test_pg_dump_says_what_is_wrong(here, programs):
    if not here.config.store.url:
        pytest.skip("SQLite needs no program")
    with pytest.raises(Refused, match="pg_dump is needed"):
        here.backup()
    fake = programs / "pg_dump"
    fake.write_text("#!/bin/sh\necho 'pg_dump: error: aborting because of server version mismatch' >&2\nexit 1\n")
    fake.chmod(0o755)
    with pytest.raises(StoreDown, match="server version mismatch"):
        here.backup()
    assert manifest.left_behind(here.target) == []


@pytest.mark.parametrize("which", ["data", "spool_dir", "blob_dir"])
def test_a_backup_inside_what_it_is_a_copy_of_is_refused(sqlite_here, which):
    inside = getattr(sqlite_here.config.paths, which) / "new" / "one"
    with sqlite_here.opened() as made, pytest.raises(Refused, match="choose another place"):
        making.make(made, inside, "test")
    assert not inside.exists()
