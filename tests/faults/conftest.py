"""Fixtures of the fault tests: those of the live ones, and a small disk."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults.disk import Disk, mounted
from tests.live.conftest import folder, sink

__all__ = ["disk", "folder", "sink"]


@pytest.fixture
def disk(folder: Path) -> Iterator[Disk]:
    """A disk of a few megabytes, that a test may fill."""
    with mounted(folder / "disk") as made:
        yield made
