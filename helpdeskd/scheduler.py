"""The clock: calls plain functions at intervals. What is due, and its state, lives in tables, never here."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import UTC

from apscheduler.events import EVENT_JOB_ERROR
from apscheduler.schedulers.asyncio import AsyncIOScheduler

from helpdeskd import log
from helpdeskd.log import Event

_log = log.get("scheduler")


class Ticker:
    """APScheduler on the running loop, with nothing stored. A tick that is late runs once, never twice at a time."""

    def __init__(self) -> None:
        self._scheduler = AsyncIOScheduler(
            timezone=UTC, job_defaults={"coalesce": True, "max_instances": 1, "misfire_grace_time": 30}
        )

    def every(self, seconds: float, name: str, act: Callable[[], Awaitable[None] | None]) -> None:
        """Call `act` each so many seconds. Its failure is logged and the next tick comes all the same.

        A plain function runs in a thread of the scheduler's pool, a coroutine function on the loop.
        """
        self._scheduler.add_job(act, "interval", seconds=seconds, id=name, name=name)

    def start(self) -> None:
        """Begin to tick. Needs the running loop."""
        self._scheduler.add_listener(_failed, EVENT_JOB_ERROR)
        self._scheduler.start()

    def stop(self) -> None:
        """No further tick."""
        self._scheduler.shutdown(wait=False)


def _failed(event: object) -> None:
    _log.error(Event.TROUBLE, job=getattr(event, "job_id", "?"), error=repr(getattr(event, "exception", None)))
