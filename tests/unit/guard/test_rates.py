"""Rates, by a clock that is held: what is let in, how long the rest waits, and how much is kept."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given
from hypothesis import strategies as st

from helpdeskd.guard.rates import Rates, parse


class Held:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def test_the_window_moves() -> None:
    clock = Held()
    rates = Rates(clock)
    assert [rates.count("2/minute", "a") for _ in range(3)] == [0, 0, 60]
    clock.now += 20.5
    assert rates.count("2/minute", "a") == 40  # 39.5 seconds, and no part of a second can be said
    assert rates.count("2/minute", "b") == 0
    assert rates.count("3/minute", "a") == 0  # another class
    clock.now += 39.5
    assert [rates.count("2/minute", "a") for _ in range(3)] == [0, 0, 60]


@given(st.lists(st.floats(min_value=0, max_value=90, allow_nan=False), max_size=30))
def test_who_waits_as_told_is_let_in_and_who_waits_less_is_not(pauses: list[float]) -> None:
    clock = Held()
    rates = Rates(clock)
    for pause in pauses:
        clock.now += pause
        if seconds := rates.count("3/minute", "a"):
            told = clock.now
            clock.now = told + seconds - 1.001
            assert rates.count("3/minute", "a") or clock.now < told
            clock.now = told + seconds
            assert rates.count("3/minute", "a") == 0


def test_many_addresses_take_bounded_memory() -> None:
    clock = Held()
    rates = Rates(clock, most=100)
    for n in range(1000):
        rates.count("2/minute", f"{n}")
        assert rates.count("1/day", "who asks all the time") == (0 if n == 0 else 86400)
    assert len(rates) == 100
    clock.now += 3600
    for n in range(100):
        rates.count("2/minute", f"again {n}")
    assert len(rates) == 100  # those whose windows are over went first


def test_windows_that_are_over_are_let_go() -> None:
    clock = Held()
    rates = Rates(clock)
    for n in range(50):
        rates.count("2/minute", f"{n}")
    clock.now += 61
    for _ in range(30):
        rates.count("100/minute", "one")
    assert len(rates) == 1


def test_threads_at_once() -> None:
    rates = Rates(Held())
    with ThreadPoolExecutor(8) as pool:
        assert sum(not seconds for seconds in pool.map(lambda _: rates.count("50/minute", "a"), range(400))) == 50


@pytest.mark.parametrize("rate", ["", "90", "0/minute", "90/fortnight", "-1/minute", "90 per minute", "٩/minute"])
def test_what_is_no_rate(rate: str) -> None:
    with pytest.raises(ValueError, match="expected a rate"):
        parse(rate)
