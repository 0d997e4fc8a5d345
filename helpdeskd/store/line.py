"""Commands that keep their order even when the store fails under one of them."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from typing import Any, TypeVar

from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from helpdeskd.errors import Temporary
from helpdeskd.store.failures import Fault, judge
from helpdeskd.store.writer import Writer

T = TypeVar("T")


class Line:
    """One caller's commands, one behind the other: where one must wait for the store, so do all behind it.

    The writer itself goes on with the next. Mails may not: a reply that overtook its mail would open a ticket of its own.
    """

    def __init__(self, writer: Writer) -> None:
        self._writer = writer
        self._last: _Turn | None = None

    def submit(self, fn: Callable[[Connection], T], *, conflict_retries: int = 0) -> Future[T]:
        """As Writer.submit; raises Temporary too, where a command before it waits."""
        before, turn = self._last, _Turn()

        def act(conn: Connection) -> T:
            turn.waits = True
            if before is not None and before.stopped:
                raise Temporary("the one before it waits")
            try:
                value = fn(conn)
            except DBAPIError as error:
                turn.waits = judge(error) in {Fault.DOWN, Fault.AGAIN}
                raise
            except Exception as error:
                turn.waits = isinstance(error, (Temporary, OSError, MemoryError))
                raise
            turn.waits = False
            return value

        turn.future = self._writer.submit(act, conflict_retries=conflict_retries)
        self._last = turn
        return turn.future


class _Turn:
    """One command's place."""

    def __init__(self) -> None:
        self.waits = False  # by its last run
        self.future: Future[Any] | None = None

    @property
    def stopped(self) -> bool:
        """Asked on the writer's thread, when this command's turn was before."""
        if self.future is not None and self.future.done():  # COMMIT itself may have failed
            return isinstance(self.future.exception(), (Temporary, OSError, MemoryError))
        return self.waits
