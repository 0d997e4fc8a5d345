"""What a process asked of the system, call by call, as strace saw it; and the steps after which a mail is safe."""

from __future__ import annotations

import re
import shutil
import subprocess
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

CALLS = (
    *("fsync", "fdatasync", "rename", "renameat", "renameat2", "unlink", "unlinkat"),
    *("write", "writev", "pwrite64", "sendto", "sendmsg", "exit_group"),
)
SOCKET = r"^(write|writev|sendto|sendmsg)\(\d+<(TCP|TCPv6|UNIX|UNIX-STREAM|socket):"
_PAGE = 4200  # characters of a call's data that are kept: a page of the database, whole
_OPTIONS = ("-f", "--seccomp-bpf", "-y", "-qq", "-s", str(_PAGE), "-e", "signal=none")


def why_not() -> str:
    """Why nothing can be traced here; empty when it can."""
    if shutil.which("strace") is None:
        return "strace is not installed"
    tried = subprocess.run(["strace", *_OPTIONS, "-o", "/dev/null", "true"], capture_output=True)
    return "" if tried.returncode == 0 else "strace may not trace here"


@dataclass(frozen=True)
class Call:
    """One system call: the lines of the trace at which it began and ended."""

    text: str
    began: int
    ended: int


class Trace:
    """`trace(*words)` is the command under strace; ask for calls once it has ended.

    `-y` gives each descriptor its path: fsync(7</spool/new>). The lines of all threads stand in one file in the order of events.
    """

    def __init__(self, file: Path) -> None:
        self.file = file

    def __call__(self, *words: str) -> list[str]:
        wanted = ",".join(f"?{call}" for call in CALLS)  # not every processor has them all
        return ["strace", *_OPTIONS, "-e", f"trace={wanted}", "-o", str(self.file), *words]

    @cached_property
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

    def all(self, pattern: str, after: int = -1) -> list[Call]:
        return [call for call in self.calls if call.began > after and re.search(pattern, call.text)]

    def first(self, pattern: str, after: int = -1) -> Call:
        """The first call that matches and began after that line."""
        for call in self.calls:
            if call.began > after and re.search(pattern, call.text):
                return call
        raise AssertionError(f"no {pattern} after line {after} of {self.file}")

    def durable(self, root: str, spool_id: str) -> Call:
        """The call after which this mail is safe; asserts each step before it."""
        folder, mail = re.escape(root), re.escape(spool_id)
        writes = self.all(rf"^writev?\(\d+<{folder}/tmp/{mail}>")
        assert writes, f"{spool_id} was never written"
        synced = self.first(rf"^f(data)?sync\(\d+<{folder}/tmp/{mail}>\)\s+= 0")
        assert max(call.ended for call in writes) < synced.began, "something was written after the fsync"
        moved = self.first(rf'^rename\w*\(.*/tmp/{mail}".*/new/{mail}".*= 0')
        assert synced.ended < moved.began, "it got its name before it was on the disk"
        return self.first(rf"^fsync\(\d+<{folder}/new>\)\s+= 0", moved.ended)

    def kept(self, blobs: str, sha256: str) -> Call:
        """The call after which this blob is safe, with the same steps."""
        folder = re.escape(blobs)
        moved = self.first(rf'^rename\w*\(.*/blobs/tmp/[^"]+".*/{sha256}".*= 0')
        found = re.search(r'/blobs/tmp/([^"]+)"', moved.text)
        assert found
        synced = self.first(rf"^f(data)?sync\(\d+<{folder}/tmp/{re.escape(found[1])}>\)\s+= 0")
        assert synced.ended < moved.began, "it got its name before it was on the disk"
        return self.first(rf"^fsync\(\d+<{folder}/{sha256[0]}/{sha256[1]}>\)\s+= 0", moved.ended)

    def committed(self, words: str) -> tuple[Call, Call]:
        """The first write of a page with these words to SQLite's log, and the end of the COMMIT: the log's next fsync."""
        wal = r"\(\d+<\S*helpdeskd\.sqlite3-wal>"
        page = self.first(rf"^pwrite64{wal}.*{re.escape(words)}")
        return page, self.first(rf"^f(data)?sync{wal}\)\s+= 0", page.ended)
