"""What the system calls our threads, and the few that dear work is given."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from helpdeskd.errors import Busy
from helpdeskd.threads import Few, tell_name


def test_a_thread_bears_its_name_for_the_system():
    said = []

    def act() -> None:
        tell_name()
        said.append(Path("/proc/thread-self/comm").read_text())

    thread = threading.Thread(target=act, name="imap-a-mailbox-of-a-long-name")
    thread.start()
    thread.join()
    assert said == ["imap-a-mailbox-\n"]


def test_in_a_pool():
    with ThreadPoolExecutor(1, thread_name_prefix="blobs", initializer=tell_name) as pool:
        assert pool.submit(Path("/proc/thread-self/comm").read_text).result() == "blobs_0\n"


def test_a_few_with_room_for_so_many():
    few, go = Few("dear", 2, 3), threading.Event()
    under_way = [few.submit(go.wait, 30) for _ in range(5)]
    with pytest.raises(Busy) as told:
        few.submit(go.wait)
    assert told.value.seconds > 0
    assert under_way.pop().cancel()  # it waited; there is room again
    another = few.submit(threading.current_thread)
    with pytest.raises(Busy):
        few.submit(go.wait)
    go.set()
    assert another.result().name.startswith("dear")
    assert all(each.result() for each in under_way)
    few.shutdown(wait=True)
    with pytest.raises(RuntimeError):
        few.submit(go.wait)


def test_what_fails_gives_back_its_place():
    few = Few("dear", 1, 0)
    for _ in range(3):
        assert isinstance(few.submit(int, "x").exception(), ValueError)
        few.submit(lambda: None).result()
    few.shutdown(wait=True)
