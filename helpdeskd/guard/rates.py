"""How often one may ask: moving windows in memory, by class and by who asks. Each process counts for itself."""

from __future__ import annotations

import time
from math import ceil

from limits import RateLimitItem, parse
from limits.storage import MemoryStorage
from limits.strategies import MovingWindowRateLimiter


class Rates:
    """`count` is quick and may be called from any thread."""

    def __init__(self) -> None:
        self._limiter = MovingWindowRateLimiter(MemoryStorage())
        self._parsed: dict[str, RateLimitItem] = {}

    def count(self, rate: str, *who: str) -> int:
        """One more request of `who` under "90/minute"; 0 where it is within the rate, else the seconds until it would be."""
        item = self._parsed.get(rate) or self._parsed.setdefault(rate, parse(rate))
        if self._limiter.hit(item, *who):
            return 0
        return max(1, ceil(self._limiter.get_window_stats(item, *who).reset_time - time.time()))
