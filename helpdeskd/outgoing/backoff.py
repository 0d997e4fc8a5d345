"""What becomes of a mail after the relay's answer, when it is tried again, and when we give up. Pure."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from helpdeskd.model.outgoing import Ended, OutboxRow, OutboxState, Sent

# RFC 5321 section 4.5.4.1: at least 30 minutes between tries in the long run, two tries in the first hour, give up after 4-5 days.
# The first steps are shorter: the usual 4xx is greylisting or a relay that restarts.
STEPS = tuple(timedelta(minutes=m) for m in (1, 5, 15, 30, 60, 120, 240))
THEN = timedelta(hours=6)
JITTER = 0.1  # each wait is stretched by up to a tenth, so that what failed together does not come back together


def next_try(
    attempts: int, created_at: datetime, now: datetime, rng: Callable[[int], bytes], give_up_days: float
) -> datetime | None:
    """The time of the next try after `attempts` failed ones (1 or more), or None: give up.

    One last try is made at the very end of the `give_up_days` since `created_at`, so that the promise is kept in full.
    """
    end = created_at + timedelta(days=give_up_days)
    if now >= end:
        return None
    chance = int.from_bytes(rng(2), "big") / 0xFFFF
    step = STEPS[attempts - 1] if attempts <= len(STEPS) else THEN
    return min(now + step * (1 + JITTER * chance), end)


def settle(
    row: OutboxRow, sent: Sent, first_try: datetime, now: datetime, rng: Callable[[int], bytes], give_up_days: float
) -> tuple[OutboxState, datetime | None]:
    """What becomes of a row after this answer, and when it is tried again. Pure; design section 5, Sending.

    The days are counted from the first try, not from the making: a mail that waited for `hold` to be lifted has them all.
    """
    if sent.ended is Ended.SENT:
        return OutboxState.SENT, None
    if sent.ended is Ended.REFUSED:
        return OutboxState.FAILED, None
    if sent.ended is Ended.UNCERTAIN and row.automatic:
        return OutboxState.UNKNOWN, None
    then = next_try(row.attempts + 1, first_try, now, rng, give_up_days)
    if sent.ended is Ended.UNCERTAIN:
        return (OutboxState.UNKNOWN, None) if then is None else (OutboxState.QUEUED, then)
    return (OutboxState.FAILED, None) if then is None else (OutboxState.DEFERRED, then)
