"""Fixtures of the live tests: a folder for other users' processes, and a sink that plays the rest of the world."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.live.machine import public_folder
from tests.sink import Sink, threaded


@pytest.fixture
def sink() -> Iterator[Sink]:
    with threaded(Sink()) as running:
        yield running


@pytest.fixture
def folder() -> Iterator[Path]:
    with public_folder() as path:
        yield path
