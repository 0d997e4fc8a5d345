"""`site`: an installation without a daemon, whose spool, store and blobs a test may damage. `both`: on either database."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.unit.audit.site import Site, opened_site


@pytest.fixture
def site(tmp_path: Path, sqlite_url: str) -> Iterator[Site]:
    with opened_site(tmp_path, sqlite_url) as site:
        yield site


@pytest.fixture
def both(tmp_path: Path, store_url: str) -> Iterator[Site]:
    with opened_site(tmp_path, store_url) as site:
        yield site
