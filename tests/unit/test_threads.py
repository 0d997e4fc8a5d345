"""What the system calls our threads."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from helpdeskd.threads import tell_name


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
