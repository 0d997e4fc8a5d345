"""The one place where text becomes fit for a database: no NUL, no lone surrogate, in any column."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

from sqlalchemy import JSON, Dialect
from sqlalchemy import Text as PlainText
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.sql.operators import OperatorType
from sqlalchemy.types import TypeDecorator, TypeEngine

# PostgreSQL refuses both (U+0000 in text and jsonb; a lone surrogate has no UTF-8 form, RFC 3629 section 3); SQLite
# ends a text at NUL in some of its functions. Mail brings both: see RFC 2047 words in wrong charsets.
_UNFIT = re.compile("[\x00\ud800-\udfff]")
_MARK = "\N{REPLACEMENT CHARACTER}"


def text(value: str) -> str:
    """`value` with every NUL and lone surrogate shown as U+FFFD."""
    if value.isascii():
        return value.replace("\x00", _MARK)
    return _UNFIT.sub(_MARK, value)


def plain(value: Any) -> Any:
    """The same through lists and dicts of plain JSON values, keys included."""
    if isinstance(value, str):
        return text(value)
    if isinstance(value, dict):
        return {text(key) if isinstance(key, str) else key: plain(inner) for key, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(inner) for inner in value]
    return value


def _text_or_null(value: str | None) -> str | None:
    return None if value is None else text(value)


class Text(TypeDecorator[str]):
    """TEXT, scrubbed on its way in, in comparisons too: what is looked up is what was stored."""

    impl = PlainText
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        del dialect
        return _text_or_null(value)

    def bind_processor(self, dialect: Dialect) -> Callable[[Any], Any]:
        """The same without a call between: a mail binds seventy texts. TEXT itself changes nothing on its way in."""
        del dialect
        return _text_or_null


class Json(TypeDecorator[Any]):
    """Plain JSON values, scrubbed on their way in: jsonb on PostgreSQL, text on SQLite."""

    impl = JSON
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        return dialect.type_descriptor(JSONB() if dialect.name == "postgresql" else JSON())

    def process_bind_param(self, value: Any, dialect: Dialect) -> Any:
        del dialect
        return plain(value)

    def bind_processor(self, dialect: Dialect) -> Callable[[Any], Any] | None:
        """On SQLite, what was written as ASCII shows by its escapes whether there is anything to scrub."""
        thorough = super().bind_processor(dialect)
        if dialect.name != "sqlite" or thorough is None:
            return thorough

        def process(value: Any) -> Any:
            if isinstance(value, (dict, list, tuple)):
                written = json.dumps(value)
                if "\\u0000" not in written and "\\ud" not in written:
                    return written
            return thorough(value)

        return process

    def coerce_compared_value(self, op: OperatorType | None, value: Any) -> TypeEngine[Any]:
        return JSON().coerce_compared_value(op, value)
