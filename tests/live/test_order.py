"""The order of system calls, as strace sees it: every door says yes only after the mail is on the disk, by each way in.

file written, fsync(file), rename into new/, fsync(new/); only then 250, exit 0 or the flag. And the spool's copy goes only
after the database's log was synced.
"""

from __future__ import annotations

import os
import re
import shutil
import smtplib
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from helpdeskd import spool, tray
from tests.live.fakeimap import FakeImap

pytestmark = pytest.mark.live

ROOT = Path(__file__).resolve().parents[2]
SUPPORT = "support@desk.example"
RAW = b"From: Anna <anna@x.example>\nTo: support@desk.example\nSubject: hello\nMessage-ID: <1@x.example>\n\nbody\n"
CALLS = "fsync,fdatasync,rename,renameat,renameat2,unlink,unlinkat,write,writev,sendto,sendmsg,exit_group"


def why_not() -> str:
    if shutil.which("strace") is None:
        return "strace is not installed"
    tried = subprocess.run(["strace", "-o", "/dev/null", "true"], capture_output=True)
    return "" if tried.returncode == 0 else "strace may not trace here"


@pytest.fixture(scope="module", autouse=True)
def _strace() -> None:
    if reason := why_not():
        pytest.skip(reason)


@dataclass(frozen=True)
class Call:
    """One system call: the lines of the trace at which it began and ended."""

    text: str
    began: int
    ended: int


class Trace:
    """What strace wrote down. `-y` gives each descriptor its path: fsync(7</spool/new>)."""

    def __init__(self, file: Path) -> None:
        self.file = file

    def __call__(self, *words: str) -> list[str]:
        return [
            "strace",
            "-f",
            "-y",
            "-qq",
            "-s",
            "64",
            "-e",
            f"trace={CALLS}",
            "-e",
            "signal=none",
            "-o",
            str(self.file),
            *words,
        ]

    def calls(self) -> list[Call]:
        pending: dict[str, tuple[str, int]] = {}
        found = []
        for at, line in enumerate(self.file.read_text(errors="replace").splitlines()):
            pid, _, text = line.partition(" ")
            text = text.strip()
            if text.endswith("<unfinished ...>"):
                pending[pid] = (text.removesuffix("<unfinished ...>").rstrip(), at)
            elif (resumed := re.match(r"<\.\.\. \w+ resumed>(.*)", text)) and pid in pending:
                begun, where = pending.pop(pid)
                found.append(Call(begun + resumed[1], where, at))
            else:
                found.append(Call(text, at, at))
        return sorted(found, key=lambda call: call.began)

    def first(self, pattern: str, after: int = -1) -> Call:
        """The first call that matches and began after that line."""
        for call in self.calls():
            if call.began > after and re.search(pattern, call.text):
                return call
        raise AssertionError(f"no {pattern} after line {after} in\n{self.file.read_text(errors='replace')[-5000:]}")

    def durable(self, root: str, spool_id: str) -> Call:
        """The call after which this mail is safe; asserts the steps before it."""
        mail = re.escape(spool_id)
        written = self.first(rf"^(write|writev)\(\d+<{re.escape(root)}/tmp/{mail}>")
        synced = self.first(rf"^f(data)?sync\(\d+<{re.escape(root)}/tmp/{mail}>\)\s+= 0", written.ended)
        last_write = max(
            call.ended for call in self.calls() if re.match(rf"writev?\(\d+<{re.escape(root)}/tmp/{mail}>", call.text)
        )
        assert last_write < synced.began, "something was written after the fsync"
        moved = self.first(rf'^rename\w*\(.*/tmp/{mail}".*/new/{mail}".*= 0', synced.ended)
        return self.first(rf"^fsync\(\d+<{re.escape(root)}/new>\)\s+= 0", moved.ended)


@pytest.fixture
def trace(tmp_path: Path) -> Trace:
    return Trace(tmp_path / "trace")


@pytest.fixture
def root(tmp_path: Path) -> str:
    path = str(tmp_path / "data" / "spool")
    spool.make(path)
    spool.set_reserve(path, 0, 0)
    return path


def settings(tmp_path: Path, more: str) -> list[str]:
    config = tmp_path / "helpdeskd.toml"
    config.write_text(
        f'[paths]\ndata = "{tmp_path / "data"}"\n[spool]\nreserve_percent = 0.0\nreserve_mb = 0\n'
        f'[smtp]\nlisten = []\nhostname = "desk.example"\n{more}'
    )
    return [sys.executable, "-m", "helpdeskd", "--config", str(config)]


def init(command: list[str]) -> None:
    done = subprocess.run(
        [*command, "init", "--address", SUPPORT, "--admin", "ada@x.example"], cwd=ROOT, capture_output=True
    )
    assert done.returncode == 0, done.stderr


def test_pipe(trace, root):
    done = subprocess.run(
        trace(sys.executable, "-I", str(ROOT / "pipe.py"), "--spool", root, "--", SUPPORT),
        input=RAW,
        capture_output=True,
    )
    assert (done.returncode, done.stdout) == (0, b"")
    (spool_id,) = tray.scan(root)
    safe = trace.durable(root, spool_id)
    assert trace.first(r"^exit_group\(0\)").began > safe.ended


@contextmanager
def serving(trace: Trace, command: list[str], tmp_path: Path) -> Iterator[None]:
    """The doors alone cannot run on SQLite; a mail that intake takes away at once is in the trace all the same."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as told:
        told.bind(str(tmp_path / "notify"))
        told.settimeout(90)
        process = subprocess.Popen(
            trace(*command, "run"),
            cwd=ROOT,
            env={**os.environ, "NOTIFY_SOCKET": str(tmp_path / "notify")},
            stderr=subprocess.PIPE,
            process_group=0,
        )
        assert told.recv(100) == b"READY=1"
        try:
            yield
        finally:
            # strace passes no signal on: ask its child
            (child,) = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()[:1]
            os.kill(int(child), 15)
            _, err = process.communicate(timeout=90)
    assert process.returncode == 0, err


@pytest.mark.parametrize("door", ["smtp", "lmtp"])
def test_smtp_and_lmtp(trace, root, tmp_path, door):
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    place = tmp_path / "lmtp"
    command = settings(tmp_path, f'[lmtp]\nlisten = ["unix:{place}", "127.0.0.1:{port}"]\n')
    if door == "smtp":
        config = tmp_path / "helpdeskd.toml"
        config.write_text(
            config.read_text()
            .replace("[smtp]\nlisten = []", f'[smtp]\nlisten = ["127.0.0.1:{port}"]')
            .split("[lmtp]")[0]
        )
    init(command)
    with serving(trace, command, tmp_path):
        if door == "smtp":
            with smtplib.SMTP("127.0.0.1", port, timeout=60) as client:
                client.sendmail("anna@x.example", [SUPPORT], RAW)
        else:
            with smtplib.LMTP(str(place), timeout=60) as client:
                client.sendmail("anna@x.example", [SUPPORT], RAW)
    go_on = trace.first(r'^(write|writev|sendto|sendmsg)\(\d+<(socket|TCP|UNIX).*"354 ')
    answer = trace.first(r"^(write|writev|sendto|sendmsg)\(\d+<(socket|TCP|UNIX)", go_on.ended)
    assert '"250 ' in answer.text
    (spool_id,) = set(re.findall(r"/new/([0-9a-f-]{20,})\"", trace.file.read_text()))
    assert trace.durable(root, spool_id).ended < answer.began


def test_imap(trace, root, tmp_path):
    with FakeImap() as server:
        uid = server.add(RAW.replace(b"\n", b"\r\n"))
        command = settings(
            tmp_path,
            f'[[mailbox]]\nname = "desk"\nhost = "127.0.0.1"\nport = {server.port}\nuser = "u"\npassword = "p"\n'
            'security = "none"\nbackfill = "all"\n',
        )
        init(command)
        done = subprocess.run(trace(*command, "fetch"), cwd=ROOT, capture_output=True)
        assert done.returncode == 0, done.stderr
        assert "\\Seen" in server.flags[uid]
    (spool_id,) = tray.scan(root)
    flagged = trace.first(r"^(write|writev|sendto|sendmsg)\(\d+<(socket|TCP).*UID STORE")
    assert trace.durable(root, spool_id).ended < flagged.began


def test_the_spools_copy_goes_after_the_commit(trace, root, tmp_path):
    command = settings(tmp_path, "")
    init(command)
    spool_id = spool.put(root, spool.Envelope(door="pipe", recipients=(SUPPORT,)), [RAW])
    done = subprocess.run(trace(*command, "fetch", "--through"), cwd=ROOT, capture_output=True)
    assert b"1 received" in done.stdout, done.stderr
    begun = trace.first(rf'^rename\w*\(.*/new/{spool_id}".*/cur/{spool_id}\.1"')
    noted = trace.first(rf"^fsync\(\d+<{re.escape(root)}/cur>\)\s+= 0", begun.ended)
    blob = trace.first(r"^fsync\(\d+<\S*/blobs/tmp/[0-9a-f-]+>\)\s+= 0", noted.ended)
    named = trace.first(r"^rename\w*\(.*/blobs/tmp/", blob.ended)
    kept = trace.first(r"^fsync\(\d+<\S*/blobs/[0-9a-f]/[0-9a-f]>\)\s+= 0", named.ended)
    commit = trace.first(r"^f(data)?sync\(\d+<\S*helpdeskd\.sqlite3-wal>\)\s+= 0", kept.ended)
    gone = trace.first(rf'^unlink\w*\(.*/cur/{spool_id}\.0"')  # read in full, so its strike was taken back
    assert commit.ended < gone.began
