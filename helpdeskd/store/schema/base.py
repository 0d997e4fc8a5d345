"""Types and names that every table shares."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import BigInteger, Column, DateTime, Dialect, Identity, Integer, MetaData
from sqlalchemy.types import TypeDecorator, TypeEngine

from helpdeskd.store.scrub import Json, Text

__all__ = ["BigId", "Json", "Text", "UtcTime", "metadata", "new_id"]

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


class UtcTime(TypeDecorator[datetime]):
    """Aware UTC to the microsecond: timestamptz on PostgreSQL, integer microseconds since 1970 on SQLite (sorts right)."""

    impl = BigInteger
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        if dialect.name == "postgresql":
            return dialect.type_descriptor(DateTime(timezone=True))
        return dialect.type_descriptor(BigInteger())

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> Any:
        if value is None or dialect.name == "postgresql":
            return value
        return (value - _EPOCH) // _MICROSECOND

    def process_result_value(self, value: Any, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if dialect.name == "postgresql":
            when: datetime = value
            return when.astimezone(UTC)
        microseconds: int = value
        return _EPOCH + microseconds * _MICROSECOND


BigId = BigInteger().with_variant(Integer(), "sqlite")


def new_id() -> Column[int]:
    """A primary key that is never re-used: AUTOINCREMENT on SQLite (table option sqlite_autoincrement), identity on PostgreSQL."""
    return Column("id", BigId, Identity(), primary_key=True)
