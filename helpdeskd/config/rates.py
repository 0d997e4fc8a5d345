"""How often something may be, as settings write it: "90/minute"."""

from __future__ import annotations

import re
from functools import lru_cache

_RATE = re.compile(r"([1-9]\d*)/(second|minute|hour|day)", re.ASCII)
_SECONDS = {"second": 1, "minute": 60, "hour": 3600, "day": 86400}


@lru_cache(maxsize=256)
def parse(rate: str) -> tuple[int, int]:
    """How many in how many seconds. Raises ValueError."""
    found = _RATE.fullmatch(rate)
    if found is None:
        raise ValueError(f"{rate!r}: expected a rate such as 90/minute")
    return int(found[1]), _SECONDS[found[2]]


def is_rate(rate: str) -> bool:
    """May a setting say so?"""
    found = _RATE.fullmatch(rate)
    return found is not None and len(found[1]) <= 9
