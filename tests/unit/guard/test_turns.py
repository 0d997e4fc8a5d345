"""Who waits for whom when every attempt is taken. The store's count is a number here, so that each moment can be held."""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor
from queue import SimpleQueue

import pytest

from helpdeskd.desk.accounts import Kind, Locked, Who
from helpdeskd.guard.turns import Turns

ADA = Who("192.0.2.7", "#1")
LOCKED = Locked(Kind.ADDRESS, 300)


def test_alone_nobody_waits() -> None:
    turns = Turns()
    with turns.turn(ADA, lambda: LOCKED) as begun:
        assert begun is LOCKED
    with turns.turn(ADA, lambda: 1) as begun:
        assert begun == 1
    assert turns._lines == {}


def test_who_finds_it_full_waits_for_one_under_way_and_no_longer() -> None:
    turns = Turns()
    answers = SimpleQueue[int | Locked]()
    asked = SimpleQueue[int]()

    def begin() -> int | Locked:
        asked.put(1)
        return answers.get()

    def second() -> int | Locked:
        with turns.turn(ADA, begin) as begun:
            return begun

    with ThreadPoolExecutor(1) as pool:
        with turns.turn(ADA, lambda: 1):
            waiting: Future[int | Locked] = pool.submit(second)
            answers.put(LOCKED)
            asked.get()
            # One of another address, who is refused for good, does not wake it.
            with turns.turn(Who("192.0.2.8", "#2"), lambda: LOCKED):
                pass
            assert not waiting.done()
        answers.put(2)
        assert waiting.result(10) == 2
        with turns.turn(ADA, lambda: 1):
            waiting = pool.submit(second)
            answers.put(LOCKED)
        answers.put(LOCKED)  # asked anew once that one has ended; then nobody is left to wait for
        assert waiting.result(10) is LOCKED
    assert turns._lines == {}


def test_those_who_are_all_refused_do_not_wait_for_each_other() -> None:
    turns = Turns()

    def refused(_: int) -> int | Locked:
        with turns.turn(ADA, lambda: LOCKED) as begun:
            return begun

    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(refused, range(200), timeout=30)) == {LOCKED}
    assert turns._lines == {}


def test_a_store_that_fails_leaves_nothing_behind() -> None:
    turns = Turns()

    def fails() -> int:
        raise RuntimeError("down")

    with pytest.raises(RuntimeError), turns.turn(ADA, fails):
        pass
    with pytest.raises(RuntimeError), turns.turn(ADA, lambda: 1):
        fails()
    assert turns._lines == {}
