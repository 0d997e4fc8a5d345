"""Each effect of the street fails as a broken disk makes it fail, while the daemon runs and while pipe.py does.

The table says what the client at the door hears. Whatever that is: the daemon lives, no mail is parked or struck, and when the
disk is well again every mail is there once and its acknowledgement has gone out once.
"""

from __future__ import annotations

import smtplib
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from helpdeskd import spool, tray
from tests.faults.inject import injecting, threads, why_not
from tests.live.house import ROOT, SUPPORT, House, mail
from tests.live.machine import public_folder, wait_until
from tests.sink import Sink, threaded

pytestmark = pytest.mark.live


@pytest.fixture(scope="module", autouse=True)
def _strace() -> None:
    if reason := why_not():
        pytest.skip(reason)


# thread, what its system calls answer, what the door says
FAULTS = {
    # The door. A fault that comes once leaves the thread's other writes alone: it wakes the loop by one.
    "the spool's file cannot be made": ("put-", ("openat:error=EMFILE",), 451),
    "the spool's disk is read-only": ("put-", ("openat:error=EROFS",), 451),
    "the mail cannot be written": ("put-", ("write:error=EIO:when=1",), 451),
    "the mail does not fit": ("put-", ("write:error=ENOSPC:when=1",), 452),
    "over quota": ("put-", ("write:error=EDQUOT:when=1",), 452),
    "the mail's fsync fails": ("put-", ("fsync:error=EIO:when=1",), 451),
    "the mail cannot be moved to new": ("put-", ("rename:error=EROFS",), 451),
    "the fsync of new fails": ("put-", ("fsync:error=EIO:when=2",), 451),
    "the fsync of new fails and the mail cannot be taken out": (
        "put-",
        ("fsync:error=EIO:when=2", "unlink:error=EROFS"),
        451,
    ),
    # intake
    "an attempt cannot be noted": ("intake", ("rename:error=EROFS",), 250),
    "the note's fsync fails": ("intake", ("fsync:error=EIO",), 250),
    "the spool cannot be read": ("intake", ("read:error=EIO",), 250),
    "the spool's files cannot be opened": ("intake", ("openat:error=EMFILE",), 250),
    "the spool's folders may not be entered": ("intake", ("openat:error=EACCES",), 250),
    "the spool's copy cannot go": ("intake", ("unlink:error=EROFS",), 250),
    "a blob cannot be made": ("blobs", ("openat:error=EROFS",), 250),
    "a blob cannot be written": ("blobs", ("write:error=EIO",), 250),
    "a blob does not fit": ("blobs", ("write:error=ENOSPC",), 250),
    "a blob's fsync fails": ("blobs", ("fsync:error=EIO",), 250),
    "a blob cannot be moved": ("blobs", ("rename:error=EROFS",), 250),
    # the store
    "the database cannot be written": ("store-writer", ("pwrite64:error=EIO",), 250),
    "the database's fsync fails": ("store-writer", ("fdatasync:error=EIO", "fsync:error=EIO"), 250),
    "the database does not fit": ("store-writer", ("pwrite64:error=ENOSPC",), 250),
    "the database cannot be locked": ("store-writer", ("fcntl:error=EIO",), 250),
    # the sender
    "an answer's bytes cannot be kept": ("render", ("openat:error=EMFILE",), 250),
    "an answer's fsync fails": ("render", ("fsync:error=EIO",), 250),
}


@pytest.fixture(scope="module")
def sink() -> Iterator[Sink]:
    with threaded(Sink()) as running:
        yield running


@pytest.fixture(scope="module")
def house(sqlite_template: Path, sink: Sink) -> Iterator[House]:
    with public_folder() as folder:
        url = f"sqlite:///{folder}/helpdeskd.sqlite3"
        (folder / "helpdeskd.sqlite3").write_bytes(sqlite_template.read_bytes())
        lmtp = folder / "lmtp.sock"
        with House(folder, url, sink, lmtp=f"unix:{lmtp}") as running:
            submit(running, letter("warm"))  # every pool has its threads
            sink.wait(3)
            yield running
            everything_is_there_once(running, sink)


def address(name: str) -> str:
    return f"{name.replace(' ', '-').replace(chr(39), '')}@customer.example"


def letter(name: str) -> bytes:
    return mail(address(name), SUPPORT, name, "Text")


def submit(house: House, raw: bytes) -> int:
    """One mail by SMTP; the answer to its dot."""
    with smtplib.SMTP("127.0.0.1", house.port, timeout=60) as client:
        client.ehlo()
        client.mail("anna@customer.example")
        assert client.rcpt(SUPPORT)[0] == 250
        return client.data(raw)[0]


def acknowledged(sink: Sink) -> Counter[str]:
    return Counter(one.recipients[0] for one in sink.mails if one.recipients[0].endswith("@customer.example"))


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_of_the_disk_is_temporary(house: House, sink: Sink, tmp_path: Path, fault: str) -> None:
    thread, calls, said = FAULTS[fault]
    assert house.process is not None
    pid = house.process.pid
    raw = letter(fault)
    with injecting(pid, threads(pid, thread), calls, tmp_path / "trace") as bad:
        code = submit(house, raw)
        wait_until(lambda: bad.hits, what="the fault")
    assert code == said, house.log.read_text()[-3000:]
    if code != 250:  # the client tries again, the same mail
        assert submit(house, raw) == 250
    wait_until(lambda: acknowledged(sink)[address(fault)], what="the acknowledgement")
    assert house.process.poll() is None
    assert "event=parked" not in house.log.read_text()
    assert "event=struck" not in house.log.read_text()


def everything_is_there_once(house: House, sink: Sink) -> None:
    """Over all mails of this daemon's life."""
    status = house.quiet()
    assert status["spool"]["parked"] == 0
    assert status["outbox"]["unknown"] == status["outbox"]["failed"] == 0
    subjects = Counter(line["ticket"]["subject"] for line in house.json("ticket", "list", "--all"))
    assert subjects.keys() <= {"warm", *FAULTS}
    assert set(subjects.values()) == {1}
    assert acknowledged(sink) == Counter(address(name) for name in subjects)
    assert list(Path(house.spool, "tmp").iterdir()) == []


# -- pipe.py


@pytest.mark.parametrize(
    "fault",
    [
        ("write:error=EIO:when=1",),
        ("write:error=ENOSPC:when=1",),
        ("fsync:error=EIO:when=1",),
        ("fsync:error=EIO:when=2",),
        ("fsync:error=EIO:when=2", "unlink:error=EIO"),
        ("rename:error=EROFS",),
        ("fchmod:error=EPERM",),
        ("statfs:error=EIO", "fstatfs:error=EIO"),
    ],
    ids=lambda fault: "+".join(fault),
)
def test_a_fault_of_the_disk_is_a_deferral_by_pipe_too(tmp_path: Path, fault: tuple[str, ...]) -> None:
    root = str(tmp_path / "spool")
    spool.make(root)
    spool.set_reserve(root, 0, 0)
    trace = tmp_path / "trace"
    words = [word for each in fault for word in ("-e", f"inject={each}")]
    command = ["strace", "-qq", "-o", str(trace), *words, sys.executable, "-I", "-B", str(ROOT / "pipe.py")]
    raw = mail("anna@x.example", SUPPORT, "Hello", "Text")

    def run(*before: str) -> subprocess.CompletedProcess[bytes]:
        return subprocess.run([*before, "--spool", root, "--", SUPPORT], input=raw, capture_output=True, cwd=ROOT)

    done = run(*command)
    assert "(INJECTED)" in trace.read_text()
    assert done.returncode == 75
    assert done.stdout.startswith(b"4.3.0 ") or "write" in fault[0]
    left = tray.scan(root)
    assert left == [] or "unlink" in fault[-1]  # kept and tried again: the two are one mail to intake
    assert run(sys.executable, "-I", str(ROOT / "pipe.py")).returncode == 0
    assert len(tray.scan(root)) == len(left) + 1
