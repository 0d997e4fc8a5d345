"""The log and its vocabulary. One grep on a ticket number or a message id tells its story.

Every line is an event from `Event` with key=value facts. Keys used everywhere: spool, ticket (the number),
message (the Message-ID), department, recipient, outbox, reason, door, error.
"""

from __future__ import annotations

import contextlib
import logging
import re
import sys
from collections.abc import MutableMapping
from enum import StrEnum
from typing import Any, Literal, TextIO, cast

import structlog


class Event(StrEnum):
    """What may stand first in a line of the log."""

    STARTED = "started"
    STOPPING = "stopping"
    STOPPED = "stopped"
    RELOADED = "reloaded"
    LISTENING = "listening"
    WARNING = "warning"
    RECEIVED = "received"  # a door made a mail durable
    REFUSED = "refused"  # a door said no
    ROUTED = "routed"  # the decision and its reason
    OPENED = "opened"
    APPENDED = "appended"
    KEPT = "kept"  # internal, automatic, held: in the ticket but not in public
    COMMANDED = "commanded"
    AUTOMATED = "automated"  # a rule changed a ticket
    DUPLICATE = "duplicate"
    STRUCK = "struck"  # an attempt failed by the mail's own fault
    PARKED = "parked"
    WAITING = "waiting"  # temporary trouble; the mail stays in the spool
    QUEUED = "queued"  # a mail stands in the outbox
    SKIPPED = "skipped"  # somebody was not told, and why; at debug level
    WITHHELD = "withheld"  # a ceiling kept automatic mails back
    SENT = "sent"
    DEFERRED = "deferred"
    FAILED = "failed"
    UNKNOWN = "unknown"
    BOUNCED = "bounced"  # a delivery report says that a mail of ours came back
    SWEPT = "swept"  # blobs that nothing names were removed
    LET_GO = "let-go"  # what [keep] says is kept no longer
    POLLED = "polled"  # one pass over a mailbox
    AUDITED = "audited"  # the records were compared
    ALARM = "alarm"  # one begins, or still stands after a day
    ALARM_OVER = "alarm-over"
    SERVED = "served"  # a request over HTTP was answered
    TROUBLE = "trouble"  # a part failed and goes on


Log = structlog.stdlib.BoundLogger

# A sender's name or a server's words must not steer the terminal that shows them; the renderer writes line ends as \\n itself.
_STEERING = re.compile(r"[^\n\x20-\x7e]")


def _printable(_logger: object, _method: str, facts: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    for key, value in facts.items():
        if isinstance(value, str) and not value.isprintable():
            facts[key] = _STEERING.sub(_escaped, value)
    return facts


def _escaped(found: re.Match[str]) -> str:
    return found[0] if found[0].isprintable() else f"\\u{ord(found[0]):04x}"


class _Forgiving:
    """Standard error, wherever it leads by now. A log on a full disk, or a reader that has gone, must stop no mail."""

    def write(self, text: str) -> int:
        with contextlib.suppress(OSError, ValueError):  # ValueError: it was closed
            sys.stderr.write(text)
        return len(text)

    def flush(self) -> None:
        with contextlib.suppress(OSError, ValueError):
            sys.stderr.flush()


def configure(style: Literal["text", "json"] = "text", level: str = "info") -> None:
    """Write to standard error (systemd's journal): `style` is text or json, `level` a name of logging's."""
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
    ]
    last: list[Any] = (
        [structlog.processors.JSONRenderer()]
        if style == "json"
        else [
            _printable,
            structlog.processors.LogfmtRenderer(key_order=["timestamp", "level", "event"], bool_as_flag=False),
        ]
    )
    structlog.configure(
        processors=[*shared, *last],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[level.upper()]),
        logger_factory=structlog.PrintLoggerFactory(cast("TextIO", _Forgiving())),
        cache_logger_on_first_use=True,
    )


def get(name: str) -> Log:
    """A logger that carries the part's name in `part`."""
    log: Log = structlog.get_logger(part=name)
    return log
