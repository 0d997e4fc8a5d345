"""The order of system calls, as strace sees it: every door says yes to a mail only after it is on the disk.

For each mail: file written, fsync(file), rename into new/, fsync(new/); only then 250, exit 0 or the flag. The spool's copy goes only
after blob and COMMIT are on the disk; the final dot of an answer leaves only after the COMMIT that says `sending`.

This is the test of fsync: a SIGKILL (tests/crash) leaves what was written in the kernel's memory, synced or not. PostgreSQL's log
is its own business: there COMMIT's answer stands for the fsync, and the start checks for PostgreSQL's side.
"""

from __future__ import annotations

import hashlib
import os
import re
import smtplib
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from helpdeskd import spool, tray
from tests.crash.order.trace import SOCKET, Trace, why_not
from tests.live.fakeimap import FakeImap
from tests.live.machine import free_port, wait_until
from tests.sink import Sink, threaded

pytestmark = [pytest.mark.live, pytest.mark.skipif(bool(why_not()), reason=why_not())]

ROOT = Path(__file__).resolve().parents[3]
SUPPORT = "support@desk.example"
BOTH = (SUPPORT, "support+second@desk.example")
ADA = "ada@staff.example"


def raw(number: int, author: str = "anna@x.example") -> bytes:
    return (
        f"From: {author}\r\nTo: {SUPPORT}\r\nSubject: hello {number}\r\nMessage-ID: <{number}@x.example>\r\n"
        f"Date: Mon, 02 Nov 2026 10:00:00 +0000\r\n\r\nbody {number}\r\n"
    ).encode()


@pytest.fixture
def trace(tmp_path: Path) -> Trace:
    return Trace(tmp_path / "trace")


@pytest.fixture
def root(tmp_path: Path) -> str:
    return spool_in(tmp_path)


def spool_in(folder: Path) -> str:
    path = str(folder / "data" / "spool")
    spool.make(path)
    spool.set_reserve(path, 0, 0)
    return path


def settings(folder: Path, more: str) -> list[str]:
    """The command line of an installation with the department Support and Ada."""
    config = folder / "helpdeskd.toml"
    config.write_text(f'[paths]\ndata = "{folder / "data"}"\n[spool]\nreserve_percent = 0.0\nreserve_mb = 0\n{more}')
    command = [sys.executable, "-m", "helpdeskd", "--config", str(config)]
    done = subprocess.run([*command, "init", "--address", SUPPORT, "--admin", ADA], cwd=ROOT, capture_output=True)
    assert done.returncode == 0, done.stderr
    return command


@contextmanager
def serving(trace: Trace, command: list[str], folder: Path) -> Iterator[None]:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as told:
        told.bind(str(folder / "notify"))
        told.settimeout(90)
        process = subprocess.Popen(
            trace(*command, "run"),
            cwd=ROOT,
            env={**os.environ, "NOTIFY_SOCKET": str(folder / "notify")},
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


# -- one daemon, its two doors, and its intake

SMTP = [raw(number) for number in range(3)]  # over one connection
LMTP = [raw(number) for number in range(10, 12)]  # over one connection, each for two recipients


@pytest.fixture(scope="module")
def street(tmp_path_factory: pytest.TempPathFactory) -> tuple[Trace, str]:
    """The trace of a daemon that took all these mails by its doors and into its store, and its spool."""
    folder = tmp_path_factory.mktemp("street")
    trace, root, port, place = Trace(folder / "trace"), spool_in(folder), free_port(), folder / "lmtp"
    command = settings(
        folder,
        f'[smtp]\nlisten = ["127.0.0.1:{port}"]\nhostname = "desk.example"\n[lmtp]\nlisten = ["unix:{place}"]\n',
    )
    with serving(trace, command, folder):
        with smtplib.SMTP("127.0.0.1", port, timeout=60) as client:
            for mail in SMTP:
                client.sendmail("anna@x.example", [SUPPORT], mail)
        with smtplib.LMTP(str(place), timeout=60) as client:
            for mail in LMTP:
                client.ehlo_or_helo_if_needed()
                client.mail("anna@x.example")
                for recipient in BOTH:
                    client.rcpt(recipient)
                # smtplib takes one answer only (RFC 2033 section 4.2: one for each recipient)
                assert [client.data(mail)[0], client.getreply()[0]] == [250, 250]
        wait_until(lambda: not tray.scan(root), what="all mails in the store")
    return trace, root


def taken(trace: Trace) -> list[str]:
    """The spool ids of all mails that were taken, in their order."""
    moves = trace.all(r'^rename\w*\(.*/spool/tmp/[^"]+".*/spool/new/[^"]+".*= 0')
    return re.findall(r'/spool/new/([^"]+)"', "\n".join(call.text for call in moves))


@pytest.mark.parametrize(("door", "times"), [("smtp", 1), ("lmtp", len(BOTH))])
def test_smtp_and_lmtp(street, door, times):
    trace, root = street
    mine = taken(trace)[: len(SMTP)] if door == "smtp" else taken(trace)[len(SMTP) :]
    assert len(mine) == len(SMTP if door == "smtp" else LMTP)
    for spool_id in mine:
        answer = trace.first(rf"{SOCKET}.*kept as {spool_id}")
        go_on = [call for call in trace.all(rf'{SOCKET}.*"354 ') if call.began < answer.began][-1]
        assert trace.first(SOCKET, go_on.ended) == answer, "nothing else was said before"
        assert answer.text.count(f"250 2.0.0 kept as {spool_id}") == times, "one answer for each recipient"
        assert trace.durable(root, spool_id).ended < answer.began


def test_intake(street):
    """An attempt is noted, the blob is kept, the transaction that names both is committed, and only then the spool forgets."""
    trace, root = street
    for spool_id, mail in zip(taken(trace), [*SMTP, *LMTP], strict=True):
        begun = trace.first(rf'^rename\w*\(.*/new/{spool_id}".*/cur/{spool_id}\.1"')
        noted = trace.first(rf"^fsync\(\d+<{re.escape(root)}/cur>\)\s+= 0", begun.ended)
        kept = trace.kept(str(Path(root).parent / "blobs"), hashlib.sha256(mail).hexdigest())
        page, commit = trace.committed(spool_id)  # the arrival's row
        gone = trace.first(rf'^unlink\w*\(.*/cur/{spool_id}\.0"')  # read in full, so its strike was taken back
        assert noted.ended < page.began
        assert kept.ended < page.began
        assert commit.ended < gone.began


# -- the other ways in


def test_pipe(root, tmp_path):
    for number, recipients in enumerate([(SUPPORT,), BOTH]):
        trace = Trace(tmp_path / f"trace{number}")
        words = [sys.executable, "-I", str(ROOT / "pipe.py"), "--spool", root, "--", *recipients]
        done = subprocess.run(trace(*words), input=raw(number), capture_output=True)
        assert (done.returncode, done.stdout) == (0, b"")
        (spool_id,) = taken(trace)
        assert trace.first(r"^exit_group\(").text.startswith("exit_group(0)")
        assert trace.durable(root, spool_id).ended < trace.first(r"^exit_group\(").began


@pytest.mark.parametrize("after", ["seen", "move", "delete"])
def test_imap(trace, root, tmp_path, after):
    with FakeImap() as server:
        uids = [server.add(raw(number)) for number in range(3)]
        command = settings(
            tmp_path,
            f'[[mailbox]]\nname = "desk"\nhost = "127.0.0.1"\nport = {server.port}\nuser = "u"\npassword = "p"\n'
            f'security = "none"\nbackfill = "all"\nafter = "{after}"\n'
            + ('move_to = "Done"\n' if after == "move" else ""),
        )
        done = subprocess.run(trace(*command, "fetch"), cwd=ROOT, capture_output=True)
        assert done.returncode == 0, done.stderr
        marked = [uid for uid in uids if uid not in server.mails or "\\Seen" in server.flags[uid]]
    assert marked == uids
    entries = [tray.claim(root, spool_id) for spool_id in tray.scan(root)]
    of_uid = {entry.envelope.uid: entry.id for entry in entries if entry is not None}
    assert sorted(of_uid) == uids
    commands = trace.all(rf"{SOCKET}.*UID (STORE|MOVE|COPY|EXPUNGE) ")
    for uid in uids:
        told = next(call for call in commands if uid in named(call.text))
        assert trace.durable(root, of_uid[uid]).ended < told.began


def named(text: str) -> set[int]:
    """The UIDs of a command such as `UID STORE 1:3,7 +FLAGS`."""
    found = re.search(r"UID \w+ ([0-9:,]+) ", text + " ")
    assert found, text
    spans = [piece.partition(":") for piece in found[1].split(",")]
    return {uid for low, _, high in spans for uid in range(int(low), int(high or low) + 1)}


# -- the way out


def test_an_answer(trace, root, tmp_path):
    """All but the dot has left; the COMMIT of `sending`; the dot. Ada asks for herself, so that there is one answer only."""
    with threaded(Sink()) as sink:
        command = settings(tmp_path, f'[smtp]\nlisten = []\n[outgoing]\nrelay = "{sink.relay}"\nsecurity = "none"\n')
        subprocess.run([*command, "fetch", "--through"], cwd=ROOT, capture_output=True, check=True)  # Ada's welcome
        spool.put(root, spool.Envelope(door="pipe", sender=ADA, recipients=(SUPPORT,)), [raw(1, author=ADA)])
        before = len(sink.mails)
        done = subprocess.run(trace(*command, "fetch", "--through"), cwd=ROOT, capture_output=True)
        assert done.returncode == 0, done.stderr
        assert len(sink.mails) == before + 1
    body = trace.first(rf"{SOCKET}.*Message-ID: <")
    page, commit = trace.committed("sending")
    dot = trace.first(rf'{SOCKET}[^"]*"\.\\r\\n"')
    assert body.ended < page.began, "what is uncertain is uncertain for longer than need be"
    assert commit.ended < dot.began
