"""Time and chance are given, so that a test can hold them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

Clock = Callable[[], datetime]


def now() -> datetime:
    """The wall clock: UTC, aware, microseconds."""
    return datetime.now(UTC)
