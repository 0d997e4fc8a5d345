"""What a process does to the world, call by call, and a SIGKILL in front of one of these calls.

A point is (thread, call, k): the k-th such call of a thread of that name, counted from the moment strace was attached. strace
counts `when` for each thread by itself, so it is attached to the threads of that one name and to no other: what is counted is
what is named. (Its --seccomp-bpf would spare the calls nobody asked about. It needs a process that strace itself has started, and with
strace 6.1 the signal for the second such call and later ones is lost.) strace kills when the call begins: the effect itself does not happen any more.
"""

from __future__ import annotations

import re
import shutil
import signal
import subprocess
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

EFFECTS = (
    *("write", "writev", "pwrite64", "fsync", "fdatasync"),
    *("rename", "renameat", "renameat2", "link", "linkat", "unlink", "unlinkat"),
    *("sendto", "sendmsg"),
)
_LINE = re.compile(r"(?:(\d+) +)?(\w+)\(")


def why_not() -> str:
    """Why there can be no strace here; empty when there can."""
    if shutil.which("strace") is None:
        return "strace is not installed"
    with subprocess.Popen(["sleep", "60"]) as sleeper:
        tried = subprocess.Popen(["strace", "-o", "/dev/null", "-p", str(sleeper.pid)], stderr=subprocess.PIPE)
        assert tried.stderr is not None
        said = tried.stderr.readline().decode()
        sleeper.kill()
        tried.communicate()
    return "" if "attached" in said else f"strace may not attach here: {said.strip()}"


@dataclass(frozen=True, order=True, slots=True)
class Point:
    """`role` is the thread's name without its number in a pool; main and loop-pool are those without a name of their own."""

    role: str
    call: str
    k: int

    def __str__(self) -> str:
        return f"{self.role} {self.call} {self.k}"


def roles(pid: int) -> dict[int, str]:
    """The process' threads and their roles."""
    found = {}
    for task in Path(f"/proc/{pid}/task").iterdir():
        try:
            comm = (task / "comm").read_text().strip()
        except FileNotFoundError:
            continue
        found[int(task.name)] = _role(comm, int(task.name) == pid)
    return found


def _role(comm: str, main: bool) -> str:
    if main:
        return "main"
    # asyncio's own pool has no names to give: its threads bear the program's.
    return "loop-pool" if comm.startswith("python") else re.sub(r"[-_]?\d+$", "", comm)


class Trace:
    """strace at some threads of a running process; with a point, it kills."""

    def __init__(self, file: Path, tasks: Sequence[int], point: Point | None = None) -> None:
        self._file = file
        self._tasks = tasks
        words = [word for task in tasks for word in ("-p", str(task))]
        follow = () if point else ("-f",)
        self._strace = subprocess.Popen(
            ["strace", *follow, *_wanted(point), "-o", str(file), *words], stderr=subprocess.PIPE
        )
        assert self._strace.stderr is not None
        attached = 0
        while attached < len(tasks):
            said = self._strace.stderr.readline()
            if not said:
                raise RuntimeError(f"strace could not attach to {tasks}")
            attached += b" attached" in said

    def end(self) -> None:
        """Detach, if its process still lives."""
        self._strace.send_signal(signal.SIGTERM)
        self._strace.communicate()

    def counts(self) -> dict[int, Counter[str]]:
        """How often each thread began each call. A thread that was not given is one that was started meanwhile."""
        found: dict[int, Counter[str]] = {}
        for task, call in _calls(self._file):
            found.setdefault(task or self._tasks[0], Counter())[call] += 1
        return found


def under(file: Path, words: Sequence[str], point: Point | None = None) -> list[str]:
    """The command that runs `words` under strace from its beginning."""
    return ["strace", "-f", *_wanted(point), "-o", str(file), *words]


def counts_of(file: Path) -> Counter[str]:
    """The calls of a command run with `under`."""
    return Counter(call for _, call in _calls(file))


def _wanted(point: Point | None) -> list[str]:
    """The calls that this machine's strace knows: not every processor has them all."""
    if point is None:
        return ["-s", "0", "-e", "signal=none", "-e", f"trace={','.join(f'?{call}' for call in EFFECTS)}"]
    kill = f"inject={point.call}:signal=KILL:when={point.k}"
    return ["-s", "0", "-e", "signal=none", "-e", f"trace={point.call}", "-e", kill]


def _calls(file: Path) -> Iterator[tuple[int, str]]:
    for line in file.read_text(errors="replace").splitlines():
        if begun := _LINE.match(line):
            yield int(begun[1] or 0), begun[2]
