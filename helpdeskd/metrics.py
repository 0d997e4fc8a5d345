"""What the daemon counts and times, in Prometheus' form: one table. docs/operations.md explains each; a test compares them.

Counters and histograms are fed by one line where the thing happens, in whichever process it happens. Gauges are set by
exposition.py from what alarms/facts.py finds, each time somebody looks. The only module that knows prometheus_client.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from enum import StrEnum
from functools import wraps
from time import monotonic
from typing import Any, Final, ParamSpec, TypeVar

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, disable_created_metrics, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4 as CONTENT_TYPE

__all__ = ["CONTENT_TYPE"]  # the rest is defined here

P = ParamSpec("P")
R = TypeVar("R")

NOT_KNOWN: Final = float("nan")  # a gauge whose source cannot be asked at present, such as a store that is down

REGISTRY = CollectorRegistry()  # ours alone: nothing of Python or of the process that nobody asked for

disable_created_metrics()  # type: ignore[no-untyped-call]  # a second series for each counter, which nobody reads


class Stage(StrEnum):
    """Where on its way a mail spends its time."""

    ACCEPT = "accept"  # bytes complete at the door -> durable, before the door says yes
    SPOOL = "spool"  # accepted -> taken up by intake
    PARSE = "parse"  # bytes -> Inbound
    COMMIT = "commit"  # handed to the writer -> COMMIT
    SEND = "send"  # queued in the outbox -> taken by the relay


# From what a line of Python costs to the days a relay may be down.
_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 60, 300, 3600, 86400)


def _counter(name: str, text: str, *labels: str) -> Counter:
    return Counter(f"helpdeskd_{name}", text, labels, registry=REGISTRY)


def _gauge(name: str, text: str, *labels: str) -> Gauge:
    return Gauge(f"helpdeskd_{name}", text, labels, registry=REGISTRY)


_RECEIVED = _counter("mails_received_total", "Mails made durable by a door.", "door")
_REFUSED = _counter("mails_refused_total", "Times SMTP or LMTP said no, by reason.", "reason")
_SETTLED = _counter("mails_settled_total", "Outcomes of mails, one for each department.", "door", "outcome")
_SENT = _counter("sends_total", "Tries to send a mail, by the state they left it in.", "state")
_STAGE = Histogram(
    "helpdeskd_stage_seconds",
    "Time a mail spent at a stage of its way.",
    ("stage",),
    buckets=_BUCKETS,
    registry=REGISTRY,
)

_SERVED = _counter(
    "http_requests_total", "Requests answered, by dialect, route and status.", "dialect", "route", "status"
)
_SERVING = Histogram(
    "helpdeskd_http_request_seconds",
    "Time from a request's head to its answer.",
    ("dialect",),
    buckets=_BUCKETS,
    registry=REGISTRY,
)

INFO = _gauge("info", "Always 1; the version.", "version")
ROLE = _gauge("role", "1 for each role of this process.", "role")
STORE_UP = _gauge("store_up", "1 when the database answers.")
SPOOL_WAITING = _gauge("spool_waiting_mails", "Accepted mails not yet in the store.")
SPOOL_OLDEST = _gauge("spool_oldest_seconds", "Age of the oldest of them; 0 for none.")
PARKED = _gauge("spool_parked_mails", "Mails set aside because they could not be processed.")
OUTBOX = _gauge("outbox_mails", "Mails in the outbox by state.", "state")
OUTBOX_OLDEST = _gauge("outbox_oldest_seconds", "Age of the oldest mail still to go out; 0 for none.")
MUTED = _gauge("muted_addresses", "Addresses that automatic mail is held back from.")
WITHHELD = _gauge("withheld_mails", "Automatic mails that were not queued in the last hour, by the ceiling.", "ceiling")
POLLED = _gauge(
    "mailbox_last_good_poll_timestamp_seconds", "When a mailbox was last seen whole; 0 for never.", "mailbox"
)
DISK_FREE = _gauge("disk_free_bytes", "Free room on the spool's file system.")
DISK_RESERVE = _gauge("disk_reserve_bytes", "Room below which the doors take nothing.")
DIFFERENCES = _gauge("audit_differences", "What the last audit found, by kind.", "kind")
AUDITED = _gauge("audit_timestamp_seconds", "When the last audit ended; 0 for never.")
ALARM = _gauge("alarm", "1 while an alarm of this kind stands.", "kind")


def received(door: str) -> None:
    """A door has made a mail durable."""
    _RECEIVED.labels(door).inc()


def refused(reason: str) -> None:
    """A door has said no."""
    _REFUSED.labels(reason).inc()


def settled(door: str, outcome: str) -> None:
    """A mail has its outcome in one department."""
    _SETTLED.labels(door, outcome).inc()


def sent(state: str) -> None:
    """A try at sending has ended."""
    _SENT.labels(state).inc()


def served(dialect: str, route: str, status: int, seconds: float) -> None:
    """A request was answered. `route` is a row's name, or empty: never what the client made up."""
    _SERVED.labels(dialect, route, status).inc()
    _SERVING.labels(dialect).observe(seconds)


def took(stage: Stage, seconds: float) -> None:
    """A mail was so long at this stage. A clock set back counts as no time."""
    _STAGE.labels(stage.value).observe(max(seconds, 0.0))


def timed(stage: Stage) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Time each call that returns; one that raises is no mail's way."""

    def around(act: Callable[P, R]) -> Callable[P, R]:
        @wraps(act)
        def acting(*args: P.args, **kwargs: P.kwargs) -> R:
            begun = monotonic()
            value = act(*args, **kwargs)
            took(stage, monotonic() - begun)
            return value

        return acting

    return around


def until_done(stage: Stage, future: Future[Any]) -> None:
    """Time from now until the future has its result."""
    begun = monotonic()
    future.add_done_callback(lambda done: None if done.exception() else took(stage, monotonic() - begun))


def exposed() -> bytes:
    """All of it, as text."""
    return generate_latest(REGISTRY)
