"""The one writer: a thread that runs commands in order and commits whatever is waiting in one transaction."""

from __future__ import annotations

import contextlib
import queue
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from typing import Any, Generic, TypeVar

from sqlalchemy import Connection, Engine, RootTransaction, TextClause, event
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from helpdeskd import log
from helpdeskd.errors import Conflict, HelpdeskdError, StoreDown
from helpdeskd.store import memo
from helpdeskd.store.failures import Fault, judge, translate, words
from helpdeskd.threads import tell_name

T = TypeVar("T")

GROUP = 50  # commands in one transaction at most: 40 times the rate of one by one, and a failed COMMIT costs few
_DEADLOCK_TURNS = 3
_CHANGES_NOTHING = ("SELECT", "PRAGMA", "BEGIN", "SHOW", "SAVEPOINT", "RELEASE", "ROLLBACK")


class Writer:
    """Commands are closures on a connection: SQL only, quick, and never submitting another from within.

    Each runs inside its own savepoint, so one that raises leaves no trace and fails alone. A closure may run more than
    once (the transaction was lost, a conflict is retried): only its last run counts, so it must have no other effects.
    """

    def __init__(self, engine: Engine, where: str, *, group: int = GROUP) -> None:
        self.commands = 0  # committed
        self.commits = 0
        self._engine = engine
        self._where = where
        self._group = group
        self._queue: queue.SimpleQueue[_Command[Any] | None] = queue.SimpleQueue()
        self._gate = threading.Lock()
        self._closed = False
        self._inside = False
        self._changed = False
        self._connection: Connection | None = None
        self._memo = memo.Memo()
        self._bells: tuple[Callable[[], None], ...] = ()
        event.listen(engine, "after_cursor_execute", self._notice_change)
        for name in ("commit", "rollback"):
            event.listen(engine, name, self._guard)
        self._thread = threading.Thread(target=self._work, name="store-writer", daemon=True)
        self._thread.start()

    def submit(self, fn: Callable[[Connection], T], *, conflict_retries: int = 0) -> Future[T]:
        """Queue a command. The future resolves after COMMIT.

        It raises Conflict (a unique key was taken, after `conflict_retries` more runs on fresh facts), StoreDown (nothing
        was kept, or after a lost connection nobody knows: commands must bear being repeated), or what `fn` raised.
        """
        if self._inside and threading.current_thread() is self._thread:
            raise RuntimeError("a command must not submit another: it would wait for itself")
        command = _Command(fn, conflict_retries)
        with self._gate:
            if self._closed:
                command.future.set_exception(StoreDown(f"{self._where}: the store is closed"))
            else:
                self._queue.put(command)
        return command.future

    def run(self, fn: Callable[[Connection], T], *, conflict_retries: int = 0) -> T:
        """Submit and wait."""
        if threading.current_thread() is self._thread:
            raise RuntimeError("the writer's thread must not wait for itself")
        return self.submit(fn, conflict_retries=conflict_retries).result()

    def after_commit(self, fn: Callable[[], None]) -> None:
        """Call `fn` on the writer's thread after each commit that changed anything: quick, never waiting."""
        self._bells = (*self._bells, fn)

    def close(self) -> None:
        """Run what was submitted, then stop. Later commands fail with StoreDown."""
        with self._gate:
            if not self._closed:
                self._closed = True
                self._queue.put(None)
        self._thread.join()

    # The thread

    def _work(self) -> None:
        tell_name()
        stopping = False
        while not stopping:
            first = self._queue.get()
            if first is None:
                break
            group = [first]
            while len(group) < self._group:
                try:
                    another = self._queue.get_nowait()
                except queue.Empty:
                    break
                if another is None:
                    stopping = True
                    break
                group.append(another)
            self._answer([command for command in group if command.future.set_running_or_notify_cancel()])
            del first, group  # results may be large; the next command may be hours away
        self._disconnect()

    def _answer(self, group: Sequence[_Command[Any]]) -> None:
        """The thread lives as long as the store: were it to die, every caller would wait for ever."""
        try:
            self._serve(group)
        except BaseException as error:
            log.get("store").error(log.Event.TROUBLE, what="writer", error=repr(error), exc_info=True)
            self._disconnect()
            for command in group:
                if not command.future.done():
                    command.fail(error)

    def _serve(self, group: Sequence[_Command[Any]]) -> None:
        """See to it that every command of the group has its answer."""
        if not group:
            return
        try:
            self._transact(group)
        except _Failed as failed:
            self._disconnect()
            for command in group:
                command.fail(failed.error)
        except _Lost as lost:
            # The transaction is gone and everything in it: SQLite rolls back the whole of it on a full disk, savepoints
            # included; PostgreSQL does when the connection is lost. Nothing was committed, so each is tried by itself.
            self._disconnect()
            if len(group) == 1 and not lost.worth_repeating:
                group[0].fail(lost.error)
            else:
                self._one_by_one(group)

    def _one_by_one(self, group: Sequence[_Command[Any]]) -> None:
        for position, command in enumerate(group):
            for turn in range(_DEADLOCK_TURNS):
                try:
                    self._transact([command])
                    break
                except _Failed as failed:
                    self._disconnect()
                    if failed.before_begin:  # waiting for the lock once is enough
                        for waiting in group[position:]:
                            waiting.fail(failed.error)
                        return
                    command.fail(failed.error)
                    break
                except _Lost as lost:
                    self._disconnect()
                    if not lost.worth_repeating or turn == _DEADLOCK_TURNS - 1:
                        command.fail(lost.error)
                        break

    def _transact(self, group: Sequence[_Command[Any]]) -> None:
        """Run a group in one transaction; answer each after COMMIT. Raises _Lost or _Failed with no command answered."""
        try:
            connection = self._connect()
            root = connection.begin()
            self._memo = memo.begin(connection)
        except (SQLAlchemyError, HelpdeskdError) as error:
            raise _Failed(self._as_down(error), before_begin=True) from error
        changed = False
        for command in group:
            self._changed = False
            self._try(connection, root, command)
            changed = changed or (self._changed and command.error is None)
        try:
            root.commit()
        except SQLAlchemyError as error:
            raise _Failed(self._as_down(error)) from error
        if any(isinstance(command.error, StoreDown) for command in group):
            self._disconnect()  # a session may be what is wrong: read-only since before a failover, say
        self.commits += 1
        self.commands += len(group)
        if changed:
            self._ring()
        for command in group:
            command.answer()

    def _try(self, connection: Connection, root: RootTransaction, command: _Command[Any]) -> None:
        """Run one command inside its savepoint and remember what came of it."""
        turn = 0
        while True:
            command.value = command.error = None
            begun = False
            try:
                # In so many words: SQLAlchemy compiles its savepoint anew each time, which costs more than a quick command.
                connection.exec_driver_sql("SAVEPOINT command")
                begun = self._inside = True
                try:
                    command.value = command.fn(connection)
                finally:
                    self._inside = False
                if not self._alive(connection, root):  # the command swallowed the error that ended the transaction
                    raise _Lost(StoreDown(f"{self._where}: the transaction was lost"))
                if connection.in_nested_transaction():
                    raise RuntimeError("a command must end the savepoints it begins")
                connection.exec_driver_sql("RELEASE SAVEPOINT command")
                return
            except _Lost:
                raise
            except BaseException as error:  # whatever a command raises belongs to its own future
                ours = self._undo(connection, root, error, begun=begun)
                if isinstance(ours, Conflict) and turn < command.retries:
                    turn += 1
                    continue
                command.value, command.error = None, ours
                return

    def _undo(
        self, connection: Connection, root: RootTransaction, error: BaseException, *, begun: bool
    ) -> BaseException:
        """Take back what a failed command did, and say what to tell its caller. Raises _Lost if all is gone."""
        ours = translate(error, self._where) if isinstance(error, DBAPIError) else error
        if not begun or not self._alive(connection, root):
            # A lost connection is replaced and the commands run again; a full disk would only be full again.
            raise _Lost(ours, worth_repeating=connection.invalidated) from error
        if isinstance(error, DBAPIError) and judge(error) is Fault.AGAIN:
            # The locks that led into the deadlock are those of the commands before, too: let go of all.
            raise _Lost(ours, worth_repeating=True) from error
        try:
            while (inner := connection.get_nested_transaction()) is not None:
                inner.rollback()
            connection.exec_driver_sql("ROLLBACK TO SAVEPOINT command")
            connection.exec_driver_sql("RELEASE SAVEPOINT command")
        except SQLAlchemyError as second:
            raise _Lost(ours) from second
        if not self._alive(connection, root):
            raise _Lost(ours) from error
        return ours

    def _alive(self, connection: Connection, root: RootTransaction) -> bool:
        """Whether the database itself still is inside our transaction."""
        if connection.closed or connection.invalidated or not root.is_active:
            return False
        raw: Any = connection.connection.dbapi_connection
        if self._engine.dialect.name == "sqlite":
            return bool(raw.in_transaction)
        return int(raw.info.transaction_status) in {2, 3}  # INTRANS, INERROR

    def _connect(self) -> Connection:
        if self._connection is None:
            self._connection = self._engine.connect()
        return self._connection

    def _disconnect(self) -> None:
        """Let go of the connection, whatever state it is in: closing it ends any transaction."""
        connection, self._connection = self._connection, None
        if connection is None:
            return
        with contextlib.suppress(SQLAlchemyError):
            if connection.in_transaction():
                connection.invalidate()
            connection.close()

    def _as_down(self, error: Exception) -> Exception:
        """Whatever stops a whole transaction is temporary for those who asked, be it a lock, a disk or a server."""
        if isinstance(error, DBAPIError) and judge(error) is Fault.DOWN:
            return translate(error, self._where)
        return StoreDown(f"{self._where}: {words(error)}")

    def _ring(self) -> None:
        for bell in self._bells:
            try:
                bell()
            except Exception as error:  # an edge: the data is committed, and the callers wait for their answers
                log.get("store").error(log.Event.TROUBLE, what="after_commit", error=repr(error))

    # Events of the engine

    def _notice_change(
        self, connection: Connection, cursor: Any, statement: str, _parameters: Any, context: Any, _many: bool
    ) -> None:
        if connection is not self._connection:
            return
        compiled = None if context is None else context.compiled
        if compiled is None or isinstance(compiled.statement, TextClause):
            if not statement.lstrip().upper().startswith(_CHANGES_NOTHING):
                self._changed = True
                self._memo.unknown({} if context is None else context.execution_options)
        elif compiled.isinsert or compiled.isupdate or compiled.isdelete:
            self._memo.changed(compiled.statement.table.name, new_rows=compiled.isinsert)
            if compiled.isinsert or cursor.rowcount != 0 or compiled.effective_returning:
                self._changed = True

    def _guard(self, connection: Connection) -> None:
        if self._inside and connection is self._connection:
            raise RuntimeError("a command must not end the transaction: others are in it")


class _Command(Generic[T]):
    __slots__ = ("error", "fn", "future", "retries", "value")

    def __init__(self, fn: Callable[[Connection], T], retries: int) -> None:
        self.fn = fn
        self.retries = retries
        self.future: Future[T] = Future()
        self.value: T | None = None
        self.error: BaseException | None = None

    def answer(self) -> None:
        if self.error is not None:
            self.future.set_exception(self.error)
        else:
            self.future.set_result(self.value)  # type: ignore[arg-type]  # set by the run that did not raise

    def fail(self, error: BaseException) -> None:
        if isinstance(error, StoreDown):  # each caller its own: a raised error gathers its caller's traceback
            own = StoreDown(*error.args)
            own.__cause__ = error.__cause__
            error = own
        self.future.set_exception(error)


class _Lost(Exception):
    """The transaction is gone before COMMIT: nothing was kept, the group may be run again."""

    def __init__(self, error: BaseException, *, worth_repeating: bool = False) -> None:
        super().__init__(str(error))
        self.error = error
        self.worth_repeating = worth_repeating


class _Failed(Exception):
    """BEGIN or COMMIT failed: every command of the group fails."""

    def __init__(self, error: Exception, *, before_begin: bool = False) -> None:
        super().__init__(str(error))
        self.error = error
        self.before_begin = before_begin
