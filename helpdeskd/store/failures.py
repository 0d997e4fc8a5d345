"""What an error of the database means for the one who asked: errors of ours, or a fault of the statement itself."""

from __future__ import annotations

from enum import Enum

from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError

from helpdeskd.errors import Conflict, StoreDown


class Fault(Enum):
    TAKEN = "taken"  # a unique key: decide again on fresh facts
    AGAIN = "again"  # deadlock or serialisation failure: the whole transaction may be run again
    DOWN = "down"  # locked, full, read-only, damaged, unreachable, or without our tables for a while
    OWN = "own"  # the statement is wrong: asking again would not help


# Primary result codes, https://sqlite.org/rescode.html: PERM ABORT BUSY LOCKED NOMEM READONLY INTERRUPT IOERR CORRUPT FULL
# CANTOPEN PROTOCOL SCHEMA NOLFS AUTH NOTADB. TOOBIG (18) and MISMATCH (20) are a wrong value.
_SQLITE_DOWN = frozenset({3, 4, 5, 6, 7, 8, 9, 10, 11, 13, 14, 15, 17, 22, 23, 26})
_SQLITE_CONSTRAINT = 19
_SQLITE_ERROR = 1  # a wrong statement; or a right one to a file that is not our database any more
_NOT_OUR_SCHEMA = ("no such table", "no such column")

# SQLSTATE classes, https://www.postgresql.org/docs/current/errcodes-appendix.html: connection, authorisation, no such
# database, resources, object not in prerequisite state (lock timeout), operator intervention, system error, internal.
_POSTGRES_DOWN = frozenset({"08", "28", "3D", "53", "55", "57", "58", "XX"})
# A read-only standby; idle in transaction for too long; a right withdrawn; a schema, table, column or function that is not
# there (a restore under way, another node's upgrade); a prepared statement that an upgrade or a pooler took away.
_POSTGRES_DOWN_STATES = frozenset(
    {"25006", "25P03", "42501", "3F000", "42P01", "42703", "42883", "0A000", "26000", "42P05"}
)
_POSTGRES_TAKEN = frozenset({"23505", "23P01"})


def judge(error: DBAPIError) -> Fault:
    """Sort an error of either database."""
    original = error.orig
    code = getattr(original, "sqlite_errorcode", None)
    if isinstance(code, int):
        primary = code & 0xFF
        if primary == _SQLITE_CONSTRAINT:
            return Fault.TAKEN if "UNIQUE constraint" in str(original) else Fault.OWN
        if primary == _SQLITE_ERROR:
            return Fault.DOWN if str(original).startswith(_NOT_OUR_SCHEMA) else Fault.OWN
        return Fault.DOWN if primary in _SQLITE_DOWN else Fault.OWN
    if original is not None and hasattr(original, "sqlstate"):
        state = original.sqlstate
        if not isinstance(state, str):  # no answer from a server at all, or psycopg itself refuses a value (a NUL)
            return Fault.DOWN if isinstance(error, (OperationalError, InterfaceError)) else Fault.OWN
        if state in _POSTGRES_TAKEN:
            return Fault.TAKEN
        if state.startswith("40"):
            return Fault.AGAIN
        return Fault.DOWN if state[:2] in _POSTGRES_DOWN or state in _POSTGRES_DOWN_STATES else Fault.OWN
    return Fault.OWN


def words(error: BaseException) -> str:
    """The database's own words on one line: never the statement's parameters, which are people's mail."""
    original = error.orig if isinstance(error, DBAPIError) and error.orig is not None else error
    return " ".join(str(original).split()) or type(original).__name__


def translate(error: DBAPIError, where: str) -> Exception:
    """Conflict, StoreDown, or the error itself where the statement is at fault. `where` is the store's name for people.

    A deadlock that does not end, or a standby that cancels a read, is StoreDown: no fault of whoever was in it.
    """
    fault = judge(error)
    if fault is Fault.OWN:
        return error
    ours = Conflict(words(error)) if fault is Fault.TAKEN else StoreDown(f"{where}: {words(error)}")
    ours.__cause__ = error
    return ours
