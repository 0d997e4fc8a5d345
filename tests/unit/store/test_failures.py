"""Whose fault an error of the database is, in a table: what is no mail's fault must never count as a strike against one."""

from __future__ import annotations

from typing import Any

import psycopg
import pytest
from psycopg import errors as postgres
from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError

from helpdeskd.errors import Conflict, StoreDown
from helpdeskd.store import sqlite
from helpdeskd.store.engine import Store
from helpdeskd.store.failures import Fault, judge, translate

DRIVER: Any = sqlite.driver()


class Lite(DRIVER.OperationalError):
    """An error as the driver raises it, with SQLite's (extended) result code."""

    def __init__(self, code: int, words: str = "") -> None:
        super().__init__(words)
        self.sqlite_errorcode = code


def wrapped(original: Exception) -> DBAPIError:
    """As SQLAlchemy hands it on."""
    module: Any = DRIVER if isinstance(original, DRIVER.Error) else psycopg
    error = DBAPIError.instance("SELECT 1", {}, original, module.Error)
    assert isinstance(error, DBAPIError)
    return error


@pytest.mark.parametrize(
    ("original", "fault"),
    [
        (Lite(5, "database is locked"), Fault.DOWN),
        (Lite(517, "database is locked"), Fault.DOWN),  # BUSY_SNAPSHOT
        (Lite(7, "out of memory"), Fault.DOWN),
        (Lite(8, "attempt to write a readonly database"), Fault.DOWN),
        (Lite(10, "disk I/O error"), Fault.DOWN),
        (Lite(1034, "disk I/O error"), Fault.DOWN),  # IOERR_FSYNC
        (Lite(11, "database disk image is malformed"), Fault.DOWN),
        (Lite(13, "database or disk is full"), Fault.DOWN),
        (Lite(14, "unable to open database file"), Fault.DOWN),
        (Lite(22, "large file support is disabled"), Fault.DOWN),
        (Lite(26, "file is not a database"), Fault.DOWN),
        (Lite(516, "abort due to ROLLBACK"), Fault.DOWN),
        (Lite(1, "no such table: arrival"), Fault.DOWN),  # somebody has put another file in its place
        (Lite(1, "no such column: ticket.x"), Fault.DOWN),
        (Lite(1, 'near "SELEKT": syntax error'), Fault.OWN),
        (Lite(18, "string or blob too big"), Fault.OWN),
        (Lite(20, "datatype mismatch"), Fault.OWN),
        (Lite(2067, "UNIQUE constraint failed: arrival.spool_id"), Fault.TAKEN),
        (Lite(1299, "NOT NULL constraint failed: x"), Fault.OWN),
        (Lite(787, "FOREIGN KEY constraint failed"), Fault.OWN),
        (psycopg.OperationalError("connection refused"), Fault.DOWN),
        (psycopg.OperationalError("[Errno -3] Temporary failure in name resolution"), Fault.DOWN),
        (psycopg.InterfaceError("the cursor is closed"), Fault.DOWN),
        (psycopg.DataError("PostgreSQL text fields cannot contain NUL (0x00) bytes"), Fault.OWN),
        (psycopg.ProgrammingError("cannot adapt type 'object'"), Fault.OWN),
        (postgres.ConnectionFailure(), Fault.DOWN),  # 08006
        (postgres.InvalidPassword(), Fault.DOWN),  # 28P01
        (postgres.InvalidCatalogName(), Fault.DOWN),  # 3D000
        (postgres.DiskFull(), Fault.DOWN),  # 53100
        (postgres.OutOfMemory(), Fault.DOWN),  # 53200
        (postgres.TooManyConnections(), Fault.DOWN),  # 53300
        (postgres.LockNotAvailable(), Fault.DOWN),  # 55P03
        (postgres.QueryCanceled(), Fault.DOWN),  # 57014
        (postgres.AdminShutdown(), Fault.DOWN),  # 57P01
        (postgres.CrashShutdown(), Fault.DOWN),  # 57P02
        (postgres.CannotConnectNow(), Fault.DOWN),  # 57P03: the database system is starting up
        (postgres.IoError(), Fault.DOWN),  # 58030
        (postgres.DataCorrupted(), Fault.DOWN),  # XX001
        (postgres.ReadOnlySqlTransaction(), Fault.DOWN),  # 25006: a standby
        (postgres.IdleInTransactionSessionTimeout(), Fault.DOWN),  # 25P03
        (postgres.InsufficientPrivilege(), Fault.DOWN),  # 42501
        (postgres.UndefinedTable(), Fault.DOWN),  # 42P01: a restore under way
        (postgres.UndefinedColumn(), Fault.DOWN),  # 42703: another node's upgrade
        (postgres.FeatureNotSupported("cached plan must not change result type"), Fault.DOWN),  # 0A000
        (postgres.InvalidSqlStatementName(), Fault.DOWN),  # 26000: a pooler in between
        (postgres.SerializationFailure(), Fault.AGAIN),  # 40001
        (postgres.DeadlockDetected(), Fault.AGAIN),  # 40P01
        (postgres.UniqueViolation(), Fault.TAKEN),  # 23505
        (postgres.NotNullViolation(), Fault.OWN),  # 23502
        (postgres.SyntaxError(), Fault.OWN),  # 42601
        (postgres.NumericValueOutOfRange(), Fault.OWN),  # 22003
        (postgres.UntranslatableCharacter(), Fault.OWN),  # 22P05
        (postgres.ProgramLimitExceeded(), Fault.OWN),  # 54000
    ],
    ids=lambda value: f"{value.sqlstate or type(value).__name__}" if isinstance(value, psycopg.Error) else None,
)
def test_whose_fault(original: Exception, fault: Fault) -> None:
    error = wrapped(original)
    assert judge(error) is fault
    expected = {Fault.DOWN: StoreDown, Fault.AGAIN: StoreDown, Fault.TAKEN: Conflict, Fault.OWN: type(error)}
    assert type(translate(error, "the store")) is expected[fault]


def test_tables_that_are_gone_are_the_stores_trouble_and_come_back(store: Store) -> None:
    def rename(old: str, new: str) -> None:
        with store.engine.begin() as conn:
            conn.exec_driver_sql(f"ALTER TABLE {old} RENAME TO {new}")

    def count(conn: Connection) -> int:
        return int(conn.execute(text("SELECT count(*) FROM arrival")).scalar_one())

    rename("arrival", "elsewhere")
    with pytest.raises(StoreDown):
        store.writer.run(count)
    with pytest.raises(StoreDown):
        store.read(count)
    rename("elsewhere", "arrival")
    assert store.writer.run(count) == store.read(count) == 0
