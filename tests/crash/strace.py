"""What a process does to the world, call by call, and a SIGKILL in front of one of these calls.

A point is (thread, call, k): the k-th such call of a thread of that name, counted from the moment strace was attached. strace
counts `when` for each thread by itself, so it is attached to the threads of that one name and to no other: what is counted is
what is named. (Its --seccomp-bpf would spare the calls nobody asked about. It needs a process that strace itself has started, and
with strace 6.1 the signal for the second such call and later ones is lost.) strace kills when the call begins: the effect itself does
not happen any more.
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
_LINE = re.compile(r"(?:(\d+) +)?(?:(\w+)\(|\+\+\+ (killed by SIGKILL))")
_KILLED = "killed by SIGKILL"


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
    """`role` is the thread's name without its number in a pool; main and loop-pool are those without a name of their own, child any
    thread of a process that the daemon has started."""

    role: str
    call: str
    k: int

    def __str__(self) -> str:
        return f"{self.role} {self.call} {self.k}"


def family(pid: int) -> list[int]:
    """The process and those it has started."""
    children = [int(child) for task in _tasks(pid) for child in _read(task / "children").split()]
    return [pid, *(one for child in children for one in family(child))]


def roles(pid: int) -> dict[int, str]:
    """All threads of that family, and their roles."""
    found = {int(task.name): "child" for child in family(pid)[1:] for task in _tasks(child)}
    return found | {int(task.name): _role(_read(task / "comm").strip(), int(task.name) == pid) for task in _tasks(pid)}


def _tasks(pid: int) -> list[Path]:
    folder = Path(f"/proc/{pid}/task")
    return list(folder.iterdir()) if folder.exists() else []


def _read(file: Path) -> str:
    """Of a thread that may have ended."""
    try:
        return file.read_text()
    except (FileNotFoundError, ProcessLookupError):
        return ""


def _role(comm: str, main: bool) -> str:
    if main:
        return "main"
    # asyncio's own pool has no names to give: its threads bear the program's.
    return "loop-pool" if comm.startswith("python") else re.sub(r"[-_]?\d+$", "", comm)


class Trace:
    """strace at some threads; with a point, it kills, else it follows those that they start."""

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
        """How often each thread began each call."""
        found: dict[int, Counter[str]] = {}
        for task, call in _calls(self._file):
            found.setdefault(task or self._tasks[0], Counter())[call] += 1
        return found

    def killed_at(self, point: Point) -> bool:
        """strace's own word: a thread was at its k-th call, and then its process was no more."""
        return any(count[point.call] == point.k and count[_KILLED] for count in self.counts().values())


def under(file: Path, words: Sequence[str], point: Point | None = None) -> list[str]:
    """The command that runs `words` under strace from its beginning."""
    return ["strace", "-f", *_wanted(point), "-o", str(file), *words]


def counts_of(file: Path) -> Counter[str]:
    """The calls of a command run with `under`."""
    return Counter(call for _, call in _calls(file) if call != _KILLED)


def _wanted(point: Point | None) -> list[str]:
    """The calls that this machine's strace knows: not every processor has them all."""
    if point is None:
        return ["-s", "0", "-e", "signal=none", "-e", f"trace={','.join(f'?{call}' for call in EFFECTS)}"]
    kill = f"inject={point.call}:signal=KILL:when={point.k}"
    return ["-s", "0", "-e", "signal=KILL", "-e", f"trace={point.call}", "-e", kill]


def _calls(file: Path) -> Iterator[tuple[int, str]]:
    for line in file.read_text(errors="replace").splitlines():
        if begun := _LINE.match(line):
            yield int(begun[1] or 0), begun[2] or begun[3]
