"""When a deferred mail comes up again."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from random import Random

import pytest

from helpdeskd.outgoing.backoff import JITTER, next_try

MADE = datetime(2026, 1, 5, 9, 0, tzinfo=UTC)


def no_chance(count: int) -> bytes:
    return b"\x00" * count


def all_chance(count: int) -> bytes:
    return b"\xff" * count


@pytest.mark.parametrize(
    ("attempts", "minutes"),
    [(1, 1), (2, 5), (3, 15), (4, 30), (5, 60), (6, 120), (7, 240), (8, 360), (9, 360), (25, 360)],
)
def test_waits(attempts, minutes):
    now = MADE + timedelta(hours=1)
    assert next_try(attempts, MADE, now, no_chance, 5) == now + timedelta(minutes=minutes)
    assert next_try(attempts, MADE, now, all_chance, 5) == now + timedelta(minutes=minutes) * (1 + JITTER)


def test_a_last_try_stands_at_the_very_end_and_then_it_is_over():
    end = MADE + timedelta(days=5)
    assert next_try(20, MADE, end - timedelta(hours=2), no_chance, 5) == end
    assert next_try(21, MADE, end, no_chance, 5) is None
    assert next_try(1, MADE, end + timedelta(seconds=1), no_chance, 5) is None


def test_a_relay_that_is_down_for_five_days_costs_a_bounded_number_of_tries():
    now, tries = MADE, 0
    rng = Random(1).randbytes
    while True:
        tries += 1
        then = next_try(tries, MADE, now, rng, 5)
        if then is None:
            break
        assert then > now
        now = then
    assert now == MADE + timedelta(days=5)
    assert 20 <= tries <= 30
