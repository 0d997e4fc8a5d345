"""How often one may ask: moving windows in memory, by class and by who asks. Each process counts for itself."""

from __future__ import annotations

import threading
import time
from array import array
from bisect import bisect_right
from collections import OrderedDict
from collections.abc import Callable
from math import ceil

from helpdeskd.config.rates import parse

__all__ = ["Rates", "parse"]

MOST = 10_000  # of those who asked lately are known; beyond, whoever has been quiet longest starts anew


class Rates:
    """`count` is quick and may be called from any thread. `clock`: seconds of one that never runs backwards.

    Who asks is counted by what the caller names: an address as guard.addresses.block has it.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic, most: int = MOST) -> None:
        self._clock = clock
        self._most = most
        self._gate = threading.Lock()
        # When each of `who` was let in lately, oldest first; who asked last stands last.
        self._known: OrderedDict[tuple[str, ...], array[float]] = OrderedDict()

    def count(self, rate: str, *who: str) -> int:
        """One more request of `who` under "90/minute"; 0 where it is within the rate, else the whole seconds until one would be.

        What is refused does not count. Raises ValueError for what is no rate.
        """
        allowed, seconds = parse(rate)
        with self._gate:
            now = self._clock()
            times = self._known.setdefault((rate, *who), array("d"))
            self._known.move_to_end((rate, *who))
            del times[: bisect_right(times, now - seconds)]
            if len(times) >= allowed:
                return max(1, ceil(times[-allowed] - (now - seconds)))
            times.append(now)
            self._drop(now)
            return 0

    def __len__(self) -> int:
        """How many are known."""
        return len(self._known)

    def _drop(self, now: float) -> None:
        """Let go of those at the front whose windows are over, two at most: so many go for each that comes; and of what is too much."""
        for _ in range(2):
            (rate, *_who), times = next(iter(self._known.items()))
            if len(self._known) <= self._most and (not times or times[-1] > now - parse(rate)[1]):
                break
            self._known.popitem(last=False)
