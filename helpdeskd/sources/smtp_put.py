"""The threads that make mails durable for the doors.

concurrent.futures and asyncio.shield would do, and cost as much as the whole SMTP conversation: locks, chained futures
and a wake-up of the loop for each mail. Here a job goes through a queue, and one wake-up collects all that are done.
"""

from __future__ import annotations

import asyncio
import errno
from collections import deque
from collections.abc import Callable
from queue import SimpleQueue
from threading import Thread

from helpdeskd import log as logs
from helpdeskd import metrics, spool
from helpdeskd.errors import NoRoom
from helpdeskd.log import Event
from helpdeskd.sources.smtp_data import Content
from helpdeskd.threads import tell_name

log = logs.get("smtp")


class Job:
    """One mail on its way into the spool. `answer` waits in the loop; the mail is kept whether anybody awaits it or not."""

    __slots__ = ("answer", "content", "envelope", "error", "size")

    def __init__(self, envelope: spool.Envelope, content: Content, answer: asyncio.Future[str]) -> None:
        self.envelope = envelope
        self.content = content
        self.size = content.size
        self.answer = answer
        self.error: BaseException | None = None


class Putters:
    """`threads` threads that call spool.put; `kept` is called in the loop for each mail that is durable."""

    def __init__(
        self, root: str, threads: int, loop: asyncio.AbstractEventLoop, kept: Callable[[list[Job]], None]
    ) -> None:
        self._root = root
        self._loop = loop
        self._kept = kept
        self._jobs: SimpleQueue[Job | None] = SimpleQueue()
        self._done: deque[Job] = deque()
        self._woken = False
        self._open = 0
        self._idle = asyncio.Event()
        self._idle.set()
        # Daemon threads: a start that fails further on must end the process, not wait for mails that cannot come.
        self._threads = [Thread(target=self._work, name=f"put-{number}", daemon=True) for number in range(threads)]
        for thread in self._threads:
            thread.start()

    def put(self, envelope: spool.Envelope, content: Content) -> asyncio.Future[str]:
        """Hand a mail over; the future holds the spool id, NoRoom, or what else went wrong. Owns the content."""
        job = Job(envelope, content, self._loop.create_future())
        self._open += 1
        self._idle.clear()
        self._jobs.put(job)
        return job.answer

    async def stop(self) -> None:
        """Finish what was handed over, then end the threads."""
        await self._idle.wait()
        for _ in self._threads:
            self._jobs.put(None)
        for thread in self._threads:
            thread.join()
        self._threads.clear()

    def _work(self) -> None:
        tell_name()
        while (job := self._jobs.get()) is not None:
            try:
                self._put(job)
            except BaseException as error:  # the thread must live; the error goes to whom it concerns
                job.error = error
            self._done.append(job)
            # Either the wake-up under way has yet to empty the queue and meets this job, or we send another.
            if not self._woken:
                self._woken = True
                try:
                    self._loop.call_soon_threadsafe(self._collect)
                except RuntimeError:  # the loop was closed over our heads; nobody is left to tell
                    return

    @metrics.timed(metrics.Stage.ACCEPT)
    def _put(self, job: Job) -> None:
        try:
            if job.content.trouble is not None:
                raise job.content.trouble
            spool.put(self._root, job.envelope, job.content.chunks())
        except OSError as error:
            if error.errno in {errno.ENOSPC, errno.EDQUOT}:
                raise NoRoom("no room for the mail") from error
            raise
        finally:
            job.content.close()

    def _collect(self) -> None:
        self._woken = False
        kept = []
        while self._done:
            job = self._done.popleft()
            self._open -= 1
            if job.error is None:
                kept.append(job)
                if not job.answer.done():
                    job.answer.set_result(job.envelope.id)
            elif not job.answer.done():
                job.answer.set_exception(job.error)
            else:  # the peer has hung up, so nobody answers for it; without a 250 it will send the mail again
                log.error(Event.TROUBLE, door=job.envelope.door, peer=job.envelope.peer, error=repr(job.error))
        if not self._open:
            self._idle.set()
        if kept:
            self._kept(kept)
