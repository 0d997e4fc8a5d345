"""The spool over arbitrary envelopes, bytes and crashes: a mail is whole or not there, and nothing but our errors."""

from __future__ import annotations

import errno
import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from helpdeskd import spool, tray
from helpdeskd.errors import BadMail, NoRoom
from helpdeskd.spool import Envelope

# any code point, lone surrogates and NUL too; and what os.fsdecode makes of any bytes
TEXT = st.text(st.characters(exclude_categories=())) | st.binary().map(lambda b: b.decode("utf-8", "surrogateescape"))
NUMBER = st.integers(0, 2**63 - 1)
ENVELOPES = st.builds(
    Envelope,
    id=st.text("0123456789abcdef-", min_size=1, max_size=64),
    door=TEXT,
    peer=TEXT,
    helo=TEXT,
    sender=TEXT,
    recipients=st.lists(TEXT).map(tuple),
    original=TEXT,
    received=st.integers(1, 2**63 - 1),
    account=TEXT,
    folder=TEXT,
    uidvalidity=NUMBER,
    uid=NUMBER,
    internaldate=NUMBER,
    looked=NUMBER,
)


class Crash(BaseException):
    """The process ends here."""


@contextmanager
def a_spool() -> Iterator[str]:
    with tempfile.TemporaryDirectory() as folder:
        root = os.path.join(folder, "spool")
        spool.make(root)
        spool.set_reserve(root, 0, 0)
        yield root


@given(ENVELOPES)
def test_any_envelope_survives_its_writing(envelope):
    head = spool.pack(envelope)
    assert head.endswith(b"\n\n")
    assert b"\n\n" not in head[:-2]
    assert spool.unpack(head[:-2]) == envelope


@given(st.binary())
def test_reading_a_head_raises_nothing_but_bad_mail(head):
    with suppress(BadMail):
        spool.unpack(head)


@given(ENVELOPES, st.data())
def test_a_damaged_head_raises_nothing_but_bad_mail(envelope, data):
    head = bytearray(spool.pack(envelope)[:-2])
    for _ in range(data.draw(st.integers(1, 4))):
        head[data.draw(st.integers(0, len(head) - 1))] = data.draw(st.integers(0, 255))
    with suppress(BadMail):
        spool.unpack(bytes(head))


@settings(deadline=None, max_examples=50)
@given(ENVELOPES, st.lists(st.binary(max_size=300), max_size=5))
def test_any_mail_comes_back_byte_for_byte(envelope, chunks):
    with a_spool() as root:
        spool_id = spool.put(root, envelope, chunks)
        entry = tray.claim(root, spool_id)
        assert entry is not None
        assert (entry.envelope, entry.raw(), entry.size) == (envelope, b"".join(chunks), len(b"".join(chunks)))


@settings(deadline=None, max_examples=50)
@given(st.binary(max_size=300))
def test_any_file_in_the_spool_is_read_or_bad_and_can_be_parked(content):
    with a_spool() as root:
        Path(root, "new", "1-a").write_bytes(content)
        try:
            entry = tray.claim(root, "1-a")
            assert entry is not None
        except BadMail:
            tray.park(root, "1-a", "bad", "")
            assert [one.id for one in tray.parked(root)] == ["1-a"]


@settings(deadline=None, max_examples=50)
@given(st.binary(max_size=300))
def test_any_reserve_file_is_read(content):
    with a_spool() as root:
        Path(root, "reserve").write_bytes(content)
        assert spool.room(root).reserve >= 0


# -- crashes: every call to the system, before and after it

CALLS = ("open", "write", "fchmod", "fsync", "close", "rename", "unlink", "fstat", "stat", "statvfs", "read")
RAW = b"x" * 1000


class Tripwire:
    """Counts the system calls of an act and ends the process, or fails the call, at one of them."""

    def __init__(self, at: int, fault: Callable[[], BaseException], after: bool, then_dead: bool) -> None:
        self.at, self.fault, self.after, self.then_dead = at, fault, after, then_dead
        self.count = 0

    def wrap(self, real: Callable[..., Any]) -> Callable[..., Any]:
        def call(*args: Any, **more: Any) -> Any:
            self.count += 1
            if self.then_dead and self.count > self.at:
                raise Crash  # a dead process cleans nothing up
            if self.count == self.at and not self.after:
                raise self.fault()
            result = real(*args, **more)
            if self.count == self.at:
                if isinstance(result, int) and real is REAL["open"]:
                    REAL["close"](result)
                raise self.fault()
            return result

        return call

    @contextmanager
    def set(self) -> Iterator[None]:
        patches = [mock.patch.object(os, name, self.wrap(real)) for name, real in REAL.items()]
        for patch in patches:
            patch.start()
        try:
            yield
        finally:
            for patch in patches:
                patch.stop()


REAL = {name: getattr(os, name) for name in CALLS}


def calls_of(act: Callable[[str], object], prepare: Callable[[str], object]) -> int:
    with a_spool() as root:
        prepare(root)
        wire = Tripwire(-1, Crash, False, False)
        with wire.set():
            act(root)
        return wire.count


def put(root: str) -> str:
    return spool.put(root, Envelope(id="1-a", door="smtp", received=1), [RAW[:400], RAW[400:]])


def visible(root: str) -> list[bytes]:
    found = []
    for spool_id in tray.scan(root):
        entry = tray.claim(root, spool_id)
        assert entry is not None
        found.append(entry.raw())
    return found


def nothing(root: str) -> None:
    """No preparation."""


PUT_CALLS = calls_of(put, nothing)


def test_the_tripwire_sees_the_calls():
    assert PUT_CALLS > 10


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("at", range(1, PUT_CALLS + 1))
def test_a_process_that_dies_in_put_leaves_the_mail_whole_or_not_at_all(at, after):
    with a_spool() as root:
        with Tripwire(at, Crash, after, then_dead=True).set(), pytest.raises(Crash):
            put(root)
        assert visible(root) in ([], [RAW])
        # the peer has no answer and sends it again; a half file in tmp/ is in nobody's way
        spool.put(root, Envelope(id="2-b"), [RAW])
        assert visible(root) in ([RAW], [RAW, RAW])


@pytest.mark.parametrize("number", [errno.EIO, errno.ENOSPC, errno.EACCES, errno.EINTR])
@pytest.mark.parametrize("at", range(1, PUT_CALLS + 1))
def test_a_call_that_fails_in_put_means_no_mail_and_an_error_that_says_so(at, number):
    with a_spool() as root:
        fault = Tripwire(at, lambda: OSError(number, os.strerror(number)), False, then_dead=False)
        try:
            with fault.set():
                put(root)
        except (OSError, NoRoom):
            assert visible(root) == []
        else:
            assert visible(root) == [RAW]  # the reserve could not be read: its default stands


def parked_or_waiting(root: str) -> tuple[int, int]:
    return len(tray.parked(root)), len(tray.scan(root))


ACTS: dict[str, Callable[[str], object]] = {
    "begin": lambda root: tray.begin(claim(root)),
    "forgive": lambda root: tray.forgive(claim(root)),
    "park": lambda root: tray.park(root, claim(root), "reason", "trace"),
    "park by id": lambda root: tray.park(root, "1-a", "reason", "trace"),
}


def claim(root: str) -> tray.Entry:
    entry = tray.claim(root, "1-a")
    assert entry is not None
    return entry


def begun(root: str) -> None:
    put(root)
    tray.begin(claim(root))


@pytest.mark.parametrize("name", ACTS)
def test_a_process_that_dies_at_any_other_step_never_loses_or_doubles_the_mail(name):
    for at in range(1, calls_of(ACTS[name], begun) + 1):
        for after in (False, True):
            with a_spool() as root:
                begun(root)
                with Tripwire(at, Crash, after, then_dead=True).set(), pytest.raises(Crash):
                    ACTS[name](root)
                assert parked_or_waiting(root) in ((1, 0), (0, 1)), (at, after)


def test_a_process_that_dies_in_retry_never_loses_or_doubles_the_mail():
    def prepare(root: str) -> None:
        put(root)
        tray.park(root, claim(root), "reason", "trace")

    def act(root: str) -> None:
        tray.retry(root, "1-a")

    for at in range(1, calls_of(act, prepare) + 1):
        for after in (False, True):
            with a_spool() as root:
                prepare(root)
                with Tripwire(at, Crash, after, then_dead=True).set(), pytest.raises(Crash):
                    act(root)
                assert parked_or_waiting(root) in ((1, 0), (0, 1)), (at, after)
