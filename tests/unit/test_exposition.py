"""The listener of metrics and health: what it answers, and that nobody who connects can hold it up."""

from __future__ import annotations

import re
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace

import pytest

from helpdeskd import exposition, metrics
from helpdeskd.alarms.facts import Box, Facts, Kept, Tray
from helpdeskd.audit.differences import Kind
from helpdeskd.audit.last import Last
from helpdeskd.errors import ConfigError
from helpdeskd.exposition import Exposition, Health
from helpdeskd.model.clock import now
from helpdeskd.model.outgoing import OutboxState
from tests.live.machine import wait_until

NOON = now().replace(microsecond=0)
FACTS = Facts(
    now=NOON,
    node="n1",
    sending=True,
    boxes=(Box("support", 60, NOON, NOON, ""), Box("sales", 60, None, NOON, "")),
    spool=Tray(3, None, None, 1, 10_000, 1_000),
    kept=Kept({state: n for n, state in enumerate(OutboxState)}, None, 0, None, Last(NOON, False, {Kind.LOST: 2}, ())),
)


class Served:
    """A listener whose health and facts a test sets."""

    def __init__(self) -> None:
        self.facts = FACTS
        self.live = True
        self.not_ready = ""
        self.looks = 0
        self.exposition = Exposition(("127.0.0.1:0",), Health(lambda: self.live, lambda: self.not_ready), self.look)

    def look(self) -> Facts:
        self.looks += 1
        return self.facts

    def connect(self) -> socket.socket:
        host, _, port = self.exposition.listening[0].rpartition(":")
        return socket.create_connection((host, int(port)), timeout=30)

    def say(self, request: bytes) -> bytes:
        with self.connect() as sock:
            sock.sendall(request)
            return b"".join(iter(lambda: sock.recv(65536), b""))

    def get(self, path: str, method: str = "GET") -> tuple[int, str]:
        head, _, body = self.say(f"{method} {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode()).partition(b"\r\n\r\n")
        return int(head.split()[1]), body.decode()

    def value(self, series: str) -> str:
        found = re.search(rf"^{re.escape(series)} (\S+)$", self.get("/metrics")[1], re.MULTILINE)
        assert found, series
        return found[1]


@contextmanager
def serving() -> Iterator[Served]:
    served = Served()
    served.exposition.open()
    try:
        yield served
    finally:
        served.exposition.close()


@pytest.fixture
def served(monkeypatch: pytest.MonkeyPatch) -> Iterator[Served]:
    monkeypatch.setattr(exposition, "FRESH", 0.0)
    with serving() as served:
        yield served


@pytest.mark.parametrize(
    ("series", "value"),
    [
        ("helpdeskd_store_up", "1.0"),
        ("helpdeskd_spool_waiting_mails", "3.0"),
        ("helpdeskd_spool_parked_mails", "1.0"),
        ('helpdeskd_outbox_mails{state="deferred"}', f"{float(list(OutboxState).index(OutboxState.DEFERRED))}"),
        ('helpdeskd_audit_differences{kind="lost"}', "2.0"),
        ('helpdeskd_audit_differences{kind="stray"}', "0.0"),
        ('helpdeskd_mailbox_last_good_poll_timestamp_seconds{mailbox="sales"}', "0.0"),
        ("helpdeskd_disk_reserve_bytes", "1000.0"),
        ('helpdeskd_alarm{kind="parked"}', "1.0"),
        ('helpdeskd_alarm{kind="audit"}', "1.0"),
        ('helpdeskd_alarm{kind="store"}', "0.0"),
    ],
)
def test_gauges(served, series, value):
    assert served.value(series) == value


def test_a_mailbox_that_went_to_another_node_is_not_shown_as_it_was(served):
    assert 'mailbox="support"' in served.get("/metrics")[1]
    served.facts = replace(FACTS, boxes=())
    assert 'mailbox="support"' not in served.get("/metrics")[1]


def test_what_cannot_be_asked_is_not_a_number(served):
    served.facts = replace(FACTS, kept=None, spool=None, store_error="down")
    assert served.value("helpdeskd_store_up") == "0.0"
    for series in (
        "helpdeskd_spool_waiting_mails",
        'helpdeskd_outbox_mails{state="sent"}',
        "helpdeskd_disk_free_bytes",
    ):
        assert served.value(series) == "NaN"
    assert served.value('helpdeskd_alarm{kind="store"}') == "1.0"
    served.facts = FACTS
    assert served.value("helpdeskd_spool_waiting_mails") == "3.0"


def test_counters_and_stages(served):
    def counted() -> float:
        return float(served.value('helpdeskd_mails_received_total{door="lmtp"}'))

    metrics.received("lmtp")
    before = counted()
    metrics.received("lmtp")
    assert counted() == before + 1
    metrics.took(metrics.Stage.PARSE, -1.0)  # the clock was set back
    assert float(served.value('helpdeskd_stage_seconds_sum{stage="parse"}')) >= 0
    assert "_created" not in served.get("/metrics")[1]


def test_a_mail_that_fails_took_no_time():
    def count() -> float:
        return metrics.REGISTRY.get_sample_value("helpdeskd_stage_seconds_count", {"stage": "accept"}) or 0.0

    @metrics.timed(metrics.Stage.ACCEPT)
    def put(fails: bool) -> str:
        if fails:
            raise OSError
        return "kept"

    before = count()
    assert put(fails=False) == "kept"
    with pytest.raises(OSError):  # ours, just above
        put(fails=True)
    assert count() == before + 1


def test_health(served):
    assert served.get("/health/live") == (200, "live\n")
    assert served.get("/health/ready") == (200, "ready\n")
    served.live, served.not_ready = False, "the disk is at its reserve"
    assert served.get("/health/live") == (503, "nothing moves\n")
    assert served.get("/health/ready") == (503, "the disk is at its reserve\n")
    assert served.looks == 0  # health asks no store


@pytest.mark.parametrize(
    ("request_line", "status"),
    [
        (b"GET /metrics HTTP/1.1", b"200"),
        (b"GET /metrics?x=1 HTTP/1.0", b"200"),
        (b"HEAD /health/live HTTP/1.1", b"200"),
        (b"GET / HTTP/1.1", b"404"),
        (b"GET /../etc/passwd HTTP/1.1", b"404"),
        (b"POST /metrics HTTP/1.1", b"405"),
        (b"\xff\xfe\x00", b"405"),
        (b"", b"405"),
    ],
)
def test_requests(served, request_line, status):
    answer = served.say(request_line + b"\r\nHost: x\r\n\r\n")
    assert answer.split()[1] == status
    if request_line.startswith(b"HEAD"):
        assert answer.endswith(b"\r\n\r\n")


def test_the_store_is_not_asked_by_everybody(monkeypatch):
    monkeypatch.setattr(exposition, "FRESH", 3600.0)
    with serving() as served:
        for _ in range(5):
            assert served.get("/metrics")[0] == 200
        assert served.looks == 1


def test_a_head_without_an_end_is_cut_off(served):
    with served.connect() as sock, pytest.raises((ConnectionError, BrokenPipeError)):
        for _ in range(10_000):
            sock.sendall(b"x" * 1024)
    assert served.get("/health/live")[0] == 200


def test_those_who_say_nothing_hold_up_nobody(served):
    silent = [served.connect() for _ in range(exposition.MOST - 1)]
    assert served.get("/health/live")[0] == 200
    for sock in silent:
        sock.close()


def test_those_who_say_nothing_are_shown_the_door(served, monkeypatch):
    monkeypatch.setattr(exposition, "SECONDS", 0.2)
    # On a busy machine the door is shut before a word is said.
    with served.connect() as sock, suppress(ConnectionError):
        sock.sendall(b"GET /health/live HTTP/1.1\r\n")
        assert sock.recv(1) == b""


def test_one_too_many_is_sent_away(served, monkeypatch):
    monkeypatch.setattr(exposition, "SECONDS", 3600.0)
    silent = [served.connect() for _ in range(exposition.MOST)]
    for sock in silent:  # until all of them are known to be inside: each has an answer under way
        sock.sendall(b"GET /health")
    with served.connect() as sock:
        assert sock.recv(1) == b""
    for each in silent:
        each.close()


def test_one_who_does_not_read_is_dropped(served, monkeypatch):
    monkeypatch.setattr(exposition, "SECONDS", 2.0)  # for a request to be heard, on a busy machine too
    monkeypatch.setattr(metrics, "exposed", lambda: b"x" * (64 << 20))
    with served.connect() as deaf:
        deaf.sendall(b"GET /metrics HTTP/1.1\r\n\r\n")
        wait_until(lambda: served.looks)
        wait_until(lambda: served.exposition._talks == 0)
        assert sum(map(len, iter(lambda: deaf.recv(1 << 20), b""))) < 64 << 20  # what the kernel had, and no more


def test_every_place_that_cannot_be_had_is_named():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        place = f"127.0.0.1:{taken.getsockname()[1]}"
        listener = Exposition(("127.0.0.1:0", place, "256.0.0.1:1"), Health(lambda: True, str), lambda: FACTS)
        with pytest.raises(ConfigError) as refused:
            listener.open()
    first, second = refused.value.problems
    assert first == f"[metrics] listen: {place}: Address already in use"
    assert second.startswith("[metrics] listen: 256.0.0.1:1: ")


def test_it_ends_while_somebody_waits():
    with serving() as served, served.connect() as sock:
        sock.sendall(b"GET /met")
        assert served.get("/health/live")[0] == 200
    assert not any(thread.name == "metrics" for thread in threading.enumerate())
