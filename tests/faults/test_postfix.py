"""A real Postfix in front, by SMTP and by LMTP: whatever is wrong behind it, its queue keeps the mail and nothing bounces."""

from __future__ import annotations

import signal
import sqlite3
from collections.abc import Callable
from contextlib import AbstractContextManager, closing, contextmanager, nullcontext
from functools import partial
from pathlib import Path

import pytest

from helpdeskd import spool
from tests.faults.street import Street, address, away, street
from tests.live import postfix
from tests.live.house import SUPPORT, mail
from tests.sink import Sink

pytestmark = pytest.mark.live

BY_LMTP = SUPPORT.replace("@", "+by-lmtp@")  # the same department; the detail chooses Postfix's way


@contextmanager
def down(place: Street):
    place.house.stop()
    yield
    place.house.start()


@contextmanager
def killed(place: Street):
    place.house.stop(signal.SIGKILL)
    yield
    place.house.start()


@contextmanager
def at_the_reserve(place: Street):
    root = str(place.house.spool)
    spool.set_reserve(root, 100, 0)
    yield
    spool.set_reserve(root, 0, 1)


@contextmanager
def store_down(place: Street):
    with closing(sqlite3.connect(place.house.data / "helpdeskd.sqlite3", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        yield


TROUBLES: dict[str, tuple[Callable[[Street], AbstractContextManager[None]], str]] = {
    "nothing": (lambda _: nullcontext(), ""),
    "the daemon is down": (down, "refused|No such file"),
    "the daemon was killed": (killed, "refused|No such file"),
    "the disk is at its reserve": (at_the_reserve, "452 4.3.1"),
    "the spool is away": (lambda place: away(place.house.spool), "451 4.3.0"),
    "the store is down": (store_down, ""),  # taken all the same: the spool keeps it
}


def test_postfix_keeps_what_we_cannot_take_and_bounces_nothing(folder: Path, sink: Sink) -> None:
    postfix.require()
    url = f"sqlite:///{folder / 'data' / 'helpdeskd.sqlite3'}"
    with street(folder, url, sink) as place:
        ways = {BY_LMTP: f"lmtp:unix:{place.lmtp}", SUPPORT: f"smtp:[127.0.0.1]:{place.house.port}"}
        with postfix.PostfixInstance(folder, domains=("desk.example",), transport=ways) as mta:
            for trouble, (begin, words) in TROUBLES.items():
                queued = {}
                with begin(place):
                    for recipient in ways:
                        subject = f"{trouble} {'lmtp' if recipient == BY_LMTP else 'smtp'}"
                        raw = mail(address(subject), recipient, subject, "Text")
                        place.mails[subject] = "postfix", raw
                        queued[subject] = mta.send("anna@customer.example", recipient, raw)
                    for subject, queue_id in queued.items():
                        if words:
                            reason = mta.wait_until(partial(mta.deferred, queue_id))
                            assert any(word in reason for word in words.split("|")), (subject, reason)
                    if not words:
                        mta.wait_until(lambda: not mta.queue())
                mta.flush()
                mta.wait_until(lambda: not mta.queue())
                assert mta.bounced() == []
            place.well()
