"""The writer: groups, savepoints, failures, conflicts, bells, and its end."""

from __future__ import annotations

import threading
from concurrent.futures import CancelledError
from typing import Any

import pytest
from sqlalchemy import Connection, event, insert, text, update
from sqlalchemy.exc import DBAPIError, IntegrityError

from helpdeskd.errors import Conflict, Refused, StoreDown
from helpdeskd.store.engine import Store, open_store
from helpdeskd.store.schema import address, setting
from helpdeskd.store.writer import GROUP
from tests.unit.store.helpers import PATIENCE, add_department, busy_writer, keys, put


def test_what_waits_is_committed_together_fifty_at_a_time(store: Store) -> None:
    with busy_writer(store):
        futures = [store.writer.submit(put(f"{n:03}")) for n in range(120)]
        before = store.writer.commits
    assert [future.result(PATIENCE) for future in futures] == [f"{n:03}" for n in range(120)]
    assert store.writer.commits - before == 1 + 3  # the one that kept it busy, then 50, 50, 20
    assert GROUP == 50
    assert len(keys(store)) == 120


def test_a_future_resolves_after_the_commit_and_not_before(store: Store) -> None:
    with busy_writer(store):
        first = store.writer.submit(put("a"))
        entered, leave = threading.Event(), threading.Event()

        def linger(_: Connection) -> None:
            entered.set()
            assert leave.wait(PATIENCE)

        last = store.writer.submit(linger)
    assert entered.wait(PATIENCE)
    assert not first.done()  # it has run, in the same transaction, but nothing is committed
    assert keys(store) == []
    leave.set()
    last.result(PATIENCE)
    assert first.done()
    assert keys(store) == ["a"]


def test_a_command_that_raises_leaves_no_trace_and_fails_alone(store: Store) -> None:
    def broken(conn: Connection) -> None:
        put("half")(conn)
        raise ZeroDivisionError("mine")

    with busy_writer(store):
        before, bad, after = (store.writer.submit(fn) for fn in (put("before"), broken, put("after")))
    assert before.result(PATIENCE) == "before"
    assert after.result(PATIENCE) == "after"
    with pytest.raises(ZeroDivisionError, match="mine"):
        bad.result(PATIENCE)
    assert keys(store) == ["after", "before"]


def test_an_error_of_ours_comes_back_as_it_is(store: Store) -> None:
    def refuse(_: Connection) -> None:
        raise Refused("no-such-thing", "there is none")

    with pytest.raises(Refused) as caught:
        store.writer.run(refuse)
    assert caught.value.reason == "no-such-thing"


def test_even_the_end_of_the_world_ends_one_command_only(store: Store) -> None:
    def leave(_: Connection) -> None:
        raise SystemExit(3)

    with pytest.raises(SystemExit):
        store.writer.run(leave)
    assert store.writer.run(put("still here")) == "still here"


def test_a_taken_key_is_a_conflict_and_spares_the_others(store: Store) -> None:
    store.writer.run(put("taken"))
    with busy_writer(store):
        first, second, third = (store.writer.submit(put(key)) for key in ("x", "taken", "y"))
    assert first.result(PATIENCE) == "x"
    assert third.result(PATIENCE) == "y"
    with pytest.raises(Conflict):
        second.result(PATIENCE)


def test_a_conflict_is_run_again_on_fresh_facts(store: Store) -> None:
    store.writer.run(put("number-1"))
    seen: list[int] = []

    def next_free(conn: Connection) -> str:
        seen.append(len(seen) + 1)
        return put(f"number-{len(seen)}")(conn)

    assert store.writer.submit(next_free, conflict_retries=2).result(PATIENCE) == "number-2"
    assert seen == [1, 2]


def test_conflict_retries_are_as_many_as_asked_for(store: Store) -> None:
    store.writer.run(put("taken"))
    runs: list[int] = []

    def stubborn(conn: Connection) -> None:
        runs.append(1)
        put("taken")(conn)

    with pytest.raises(Conflict):
        store.writer.submit(stubborn, conflict_retries=3).result(PATIENCE)
    assert len(runs) == 4


def test_a_retry_sees_what_another_process_committed_meanwhile(postgres_url: str) -> None:
    """Two nodes meet on one key: the loser waits for the winner's commit, then decides again with its row in sight."""
    with _two(postgres_url) as (here, there):
        inserted, go_on = threading.Event(), threading.Event()

        def winner(conn: Connection) -> None:
            put("key", "winner")(conn)
            inserted.set()
            assert go_on.wait(PATIENCE)

        found: list[Any] = []

        def loser(conn: Connection) -> None:
            found.append(conn.scalar(text("SELECT value FROM setting WHERE key = 'key'")))
            if found[-1] is None:
                go_on.set()
                put("key", "loser")(conn)

        first = there.writer.submit(winner)
        assert inserted.wait(PATIENCE)
        here.writer.submit(loser, conflict_retries=1).result(PATIENCE)
        first.result(PATIENCE)
        assert found == [None, "winner"]


class _two:  # noqa: N801 - reads as a verb
    def __init__(self, url: str) -> None:
        self.stores = (open_store(url), open_store(url))

    def __enter__(self) -> tuple[Store, Store]:
        return self.stores

    def __exit__(self, *_: object) -> None:
        for store in self.stores:
            store.close()


def test_a_deadlock_between_nodes_ends_and_both_commands_are_done_once(postgres_url: str) -> None:
    with _two(postgres_url) as (here, there):
        for key in ("a", "b"):
            here.writer.run(put(key, 0))
        both = threading.Barrier(2)
        runs: list[str] = []

        def add(first: str, second: str):
            def command(conn: Connection) -> None:
                fresh = first not in runs
                runs.append(first)
                for key in (first, second):
                    conn.execute(
                        text("UPDATE setting SET value = to_jsonb(value::int + 1) WHERE key = :key"), {"key": key}
                    )
                    if fresh and key == first:
                        both.wait(PATIENCE)

            return command

        one, two = here.writer.submit(add("a", "b")), there.writer.submit(add("b", "a"))
        one.result(PATIENCE)
        two.result(PATIENCE)
        assert len(runs) == 3  # one of them was the victim
        values = here.read(lambda conn: conn.execute(text("SELECT key, value FROM setting ORDER BY key")).all())
        assert [tuple(row) for row in values] == [("a", 2), ("b", 2)]


def test_a_wrong_statement_is_the_commands_own_fault_not_the_stores(store: Store) -> None:
    with busy_writer(store):
        bad = store.writer.submit(lambda conn: conn.execute(text("SELEKT nonsense")))
        good = store.writer.submit(put("good"))
        null = store.writer.submit(lambda conn: conn.execute(text("INSERT INTO setting (key) VALUES ('x')")))
    with pytest.raises(DBAPIError):
        bad.result(PATIENCE)
    with pytest.raises(IntegrityError):  # a missing value is a bug, no other writer made it
        null.result(PATIENCE)
    assert good.result(PATIENCE) == "good"


def test_if_the_commit_fails_all_of_the_group_fail(store: Store) -> None:
    """A foreign key that is only checked at COMMIT, so COMMIT itself is what fails, for real."""

    def dangling(conn: Connection) -> None:
        if conn.dialect.name == "sqlite":
            conn.exec_driver_sql("PRAGMA defer_foreign_keys = ON")
        conn.execute(insert(address).values(email="a@example.com", department_id=999, position=0))

    if store.dialect == "postgresql":
        with store.engine.begin() as conn:
            conn.exec_driver_sql(
                "ALTER TABLE address ALTER CONSTRAINT fk_address_department_id DEFERRABLE INITIALLY DEFERRED"
            )
    with busy_writer(store):
        futures = [store.writer.submit(fn) for fn in (put("a"), dangling, put("b"))]
        rung: list[int] = []
        store.writer.after_commit(lambda: rung.append(1))
    for future in futures:
        with pytest.raises(StoreDown):
            future.result(PATIENCE)
    errors = {id(future.exception()) for future in futures}
    assert len(errors) == 3  # each caller has an error of its own
    assert rung == []
    assert keys(store) == []
    assert store.writer.run(put("again")) == "again"


def test_if_the_transaction_is_lost_each_is_run_by_itself(store: Store) -> None:
    """What SQLite does on a full disk: it ends the whole transaction in the middle of a group."""
    lost: list[str] = []

    def losing(conn: Connection) -> str:
        put("losing")(conn)
        if not lost:
            lost.append("the transaction")
            raw: Any = conn.connection.dbapi_connection
            raw.rollback()
        return "losing"

    with busy_writer(store):
        futures = [store.writer.submit(fn) for fn in (put("a"), losing, put("b"))]
        before = store.writer.commits
    assert [future.result(PATIENCE) for future in futures] == ["a", "losing", "b"]
    assert keys(store) == ["a", "b", "losing"]
    assert store.writer.commits - before == 1 + 3


def test_a_conflict_with_a_command_whose_transaction_was_lost_is_decided_again(store: Store) -> None:
    """The second took the key of the first; the first is gone with the transaction and fails by itself."""
    runs: list[int] = []

    def losing(conn: Connection) -> None:
        runs.append(1)
        put("key", "first")(conn)
        raw: Any = conn.connection.dbapi_connection
        raw.rollback()

    with busy_writer(store):
        first, second = store.writer.submit(losing), store.writer.submit(put("key", "second"))
    with pytest.raises(StoreDown):
        first.result(PATIENCE)
    assert second.result(PATIENCE) == "key"
    assert len(runs) == 2


def test_a_locked_database_is_told_not_waited_for(store_url: str) -> None:
    store = open_store(store_url, busy_seconds=0.2)
    try:
        with store.engine.begin() as other:
            if store.dialect == "postgresql":
                other.execute(text("LOCK TABLE setting IN ACCESS EXCLUSIVE MODE"))
            futures = [store.writer.submit(put(key)) for key in "abc"]
            for future in futures:
                with pytest.raises(StoreDown):
                    future.result(PATIENCE)
        assert store.writer.run(put("d")) == "d"
        assert keys(store) == ["d"]
    finally:
        store.close()


def test_submitting_from_within_is_refused(store: Store) -> None:
    def nested(conn: Connection) -> None:
        put("outer")(conn)
        store.writer.submit(put("inner"))

    with pytest.raises(RuntimeError, match="must not submit"):
        store.writer.run(nested)
    assert keys(store) == []


def test_waiting_on_the_writers_own_thread_is_refused(store: Store) -> None:
    caught: list[BaseException] = []
    told = threading.Event()

    def wait(_: object) -> None:
        try:
            store.writer.run(put("never"))
        except RuntimeError as error:
            caught.append(error)
        finally:
            told.set()

    with busy_writer(store):
        store.writer.submit(put("a")).add_done_callback(wait)
    assert told.wait(PATIENCE)
    assert "wait for itself" in str(caught[0])


@pytest.mark.parametrize("end", ["commit", "rollback", "close"])
def test_a_command_may_not_end_the_transaction(store: Store, end: str) -> None:
    def greedy(conn: Connection) -> None:
        put("greedy")(conn)
        getattr(conn, end)()

    with busy_writer(store):
        futures = [store.writer.submit(fn) for fn in (put("a"), greedy, put("b"))]
    with pytest.raises((RuntimeError, StoreDown)):
        futures[1].result(PATIENCE)
    assert futures[0].result(PATIENCE) == "a"
    assert futures[2].result(PATIENCE) == "b"
    assert keys(store) == ["a", "b"]


def test_a_command_may_use_savepoints_of_its_own(store: Store) -> None:
    store.writer.run(put("taken"))

    def careful(conn: Connection) -> str:
        put("first")(conn)
        with pytest.raises(IntegrityError), conn.begin_nested():
            put("taken")(conn)
        with conn.begin_nested():
            return put("second")(conn)

    assert store.writer.run(careful) == "second"
    assert keys(store) == ["first", "second", "taken"]


@pytest.mark.parametrize("raises", [False, True])
def test_a_savepoint_left_open_is_the_commands_own_fault(store: Store, raises: bool) -> None:
    def careless(conn: Connection) -> None:
        conn.begin_nested()
        conn.begin_nested()
        put("careless")(conn)
        if raises:
            raise RuntimeError("a command must end")

    with busy_writer(store):
        futures = [store.writer.submit(fn) for fn in (put("a"), careless, put("b"))]
    with pytest.raises(RuntimeError, match="a command must end"):
        futures[1].result(PATIENCE)
    assert [futures[n].result(PATIENCE) for n in (0, 2)] == ["a", "b"]
    assert keys(store) == ["a", "b"]


def test_bells_ring_after_a_commit_that_changed_something(store: Store) -> None:
    rung: list[list[str]] = []
    store.writer.after_commit(lambda: rung.append(keys(store)))
    store.writer.run(lambda conn: conn.scalar(text("SELECT count(*) FROM setting")))
    store.writer.run(lambda conn: conn.execute(update(setting).where(setting.c.key == "none").values(value=2)))
    assert rung == []
    store.writer.run(put("a"))
    assert rung == [["a"]]  # the change was there to see
    store.writer.run(lambda conn: conn.execute(update(setting).where(setting.c.key == "a").values(value=2)))
    store.writer.run(lambda conn: conn.execute(text("UPDATE setting SET value = '3' WHERE key = 'a'")))
    assert len(rung) == 3


def test_bells_keep_still_when_the_only_change_was_taken_back(store: Store) -> None:
    rung: list[int] = []
    store.writer.after_commit(lambda: rung.append(1))

    def broken(conn: Connection) -> None:
        put("a")(conn)
        raise ValueError

    with pytest.raises(ValueError):
        store.writer.run(broken)
    assert rung == []


def test_a_broken_bell_stops_nobody(store: Store, capsys: pytest.CaptureFixture[str]) -> None:
    rung: list[int] = []

    def broken() -> None:
        raise OSError("no bell")

    store.writer.after_commit(broken)
    store.writer.after_commit(lambda: rung.append(1))
    assert store.writer.run(put("a")) == "a"
    assert rung == [1]


def test_a_cancelled_command_is_not_run(store: Store) -> None:
    with busy_writer(store):
        gone, kept = store.writer.submit(put("gone")), store.writer.submit(put("kept"))
        assert gone.cancel()
    assert kept.result(PATIENCE) == "kept"
    with pytest.raises(CancelledError):
        gone.result(PATIENCE)
    assert keys(store) == ["kept"]


def test_close_runs_what_was_submitted_and_refuses_what_comes_later(store_url: str) -> None:
    store = open_store(store_url)
    with busy_writer(store):
        futures = [store.writer.submit(put(f"{n:03}")) for n in range(130)]
        closing = threading.Thread(target=store.writer.close)
        closing.start()
    closing.join(PATIENCE)
    assert all(future.done() for future in futures)
    late = store.writer.submit(put("late"))
    with pytest.raises(StoreDown, match="closed"):
        late.result(PATIENCE)
    assert len(keys(store)) == 130
    store.close()


def test_many_threads_at_once_lose_nothing(store: Store) -> None:
    department = add_department(store)
    failed: list[BaseException] = []

    def work(worker: int) -> None:
        try:
            for n in range(25):
                key = f"{worker}-{n}"
                store.writer.run(put(key, department))
                assert key in keys(store)
        except BaseException as error:
            failed.append(error)

    threads = [threading.Thread(target=work, args=(n,)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert failed == []
    assert len(keys(store)) == 200


def test_an_unforeseen_error_is_told_and_the_thread_lives_on(store: Store) -> None:
    def trip(_: object) -> None:
        event.remove(store.engine, "commit", trip)
        raise KeyError("nobody thought of this")

    event.listen(store.engine, "commit", trip)
    future = store.writer.submit(put("a"))
    with pytest.raises(KeyError):
        future.result(PATIENCE)
    assert store.writer.run(put("b")) == "b"
    assert keys(store) == ["b"]
