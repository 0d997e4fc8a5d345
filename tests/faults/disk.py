"""A real disk that can be full: a tmpfs of a test's own. Mounting needs root."""

from __future__ import annotations

import errno
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

MEGABYTE = 1 << 20


class Disk:
    """`place` is where it is mounted. `leave(n)` fills it with ballast until n bytes are free; `leave(None)` takes it away."""

    def __init__(self, place: Path) -> None:
        self.place = place
        self._ballast = place / "ballast"

    @property
    def free(self) -> int:
        about = os.statvfs(self.place)
        return about.f_bavail * about.f_frsize

    def leave(self, size: int | None) -> None:
        self._ballast.unlink(missing_ok=True)
        if size is not None:
            with self._ballast.open("wb") as file:
                while True:
                    try:
                        os.posix_fallocate(file.fileno(), 0, max(self.free - size, 1))
                    except OSError as error:
                        if error.errno != errno.ENOSPC:
                            raise
                    else:  # nobody took of it meanwhile
                        return


@contextmanager
def mounted(place: Path, megabytes: int = 24) -> Iterator[Disk]:
    """Skips where nothing can be mounted."""
    if os.geteuid() != 0:
        pytest.skip("only root may mount a small disk")
    place.mkdir()
    done = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={megabytes}m,mode=755", "none", place], capture_output=True
    )
    if done.returncode != 0:
        pytest.skip(f"a small disk cannot be mounted here: {done.stderr.decode().strip()}")
    try:
        yield Disk(place)
    finally:
        subprocess.run(["umount", "-l", place], check=True)
