"""Errors of the system's own, where one thread calls it: strace answers in the kernel's place, for as long as the block runs."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from tests.live.machine import wait_until


def why_not() -> str:
    """Why nothing can be injected here; empty when it can."""
    if shutil.which("strace") is None:
        return "strace is not installed"
    tried = subprocess.run(["strace", "-qq", "-o", "/dev/null", "true"], capture_output=True)
    return "" if tried.returncode == 0 else "strace may not trace here"


def threads(pid: int, name: str) -> list[int]:
    """The threads of a process whose name begins so; "main" is the first of all."""
    if name == "main":
        return [pid]
    found = []
    for task in Path(f"/proc/{pid}/task").iterdir():
        with suppress(FileNotFoundError, ProcessLookupError):  # others may end meanwhile
            if (task / "comm").read_text().startswith(name):
                found.append(int(task.name))
    return found


class Injected:
    """What strace wrote down."""

    def __init__(self, file: Path) -> None:
        self._file = file

    @property
    def hits(self) -> int:
        """How often a call was answered with the error."""
        return self._file.read_text(errors="replace").count("(INJECTED)") if self._file.exists() else 0


@contextmanager
def injecting(pid: int, tasks: list[int], faults: tuple[str, ...], file: Path) -> Iterator[Injected]:
    """`faults` as strace has them: "fsync:error=EIO", "fsync:error=EIO:when=2+2" (counted for each thread by itself)."""
    file.unlink(missing_ok=True)
    calls = ",".join(fault.partition(":")[0] for fault in faults)
    words = [word for task in tasks for word in ("-p", str(task))]
    words += ["-e", f"trace={calls}", *(word for fault in faults for word in ("-e", f"inject={fault}"))]
    strace = subprocess.Popen(
        ["strace", "-y", "-o", str(file), *words], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )

    def attached() -> bool:
        return all(
            f"TracerPid:\t{strace.pid}\n" in Path(f"/proc/{pid}/task/{task}/status").read_text() for task in tasks
        )

    try:
        wait_until(lambda: strace.poll() is not None or attached(), what="strace at its place")
        yield Injected(file)
    finally:
        strace.terminate()  # it lets go of them and ends
        strace.wait(60)
