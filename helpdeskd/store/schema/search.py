"""The words of each ticket, to be found by: on PostgreSQL a vector and its GIN index, on SQLite an index of FTS5 beside the words.

Words come as `model.folding` makes them; no engine makes words of its own. A word that customers do not read begins with INTERNAL.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import DDL, Boolean, Column, Index, String, Table, event
from sqlalchemy.dialects.postgresql import TSVECTOR
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import FunctionElement

from helpdeskd.store.schema.base import BigId, Text, metadata

INTERNAL = "~"

search = Table(
    "search",
    metadata,
    Column("ticket_id", BigId, primary_key=True, autoincrement=False),
    Column(
        "words", Text().with_variant(TSVECTOR(), "postgresql"), nullable=False
    ),  # SQLite: as they were put into FTS5
    Index("ix_search_words", "words", postgresql_using="gin").ddl_if(dialect="postgresql"),
)

# It holds no words itself, but which ticket has which (detail: not where in it); nothing is ranked, so it needs no sizes. The
# tokenizer splits at spaces. What is put in for a ticket that is there adds to it; what is taken out must be what was put in,
# which is why `search.words` keeps it.
FTS5 = (
    "CREATE VIRTUAL TABLE search_index USING fts5("
    f"words, content = '', tokenize = \"ascii tokenchars '{INTERNAL}'\", detail = 'none', columnsize = 0)"
)
event.listen(search, "after_create", DDL(FTS5).execute_if(dialect="sqlite"))  # type: ignore[no-untyped-call]  # SQLAlchemy's
event.listen(search, "before_drop", DDL("DROP TABLE IF EXISTS search_index").execute_if(dialect="sqlite"))  # type: ignore[no-untyped-call]  # as above


class vector(FunctionElement[str]):  # noqa: N801  # a function of SQL
    """vector(words): words with a space between each two, as the column holds them."""

    name = "vector"
    type = String()
    inherit_cache = True


@compiles(vector, "sqlite")
def _words(element: vector, compiler: Any, **more: Any) -> str:
    return str(compiler.process(element.clauses, **more))


@compiles(vector, "postgresql")
def _lexemes(element: vector, compiler: Any, **more: Any) -> str:
    return f"array_to_tsvector(string_to_array({compiler.process(element.clauses, **more)}, ' '))"


class with_words(FunctionElement[str]):  # noqa: N801  # as above
    """with_words(column, words): what stands in the column, and these."""

    name = "with_words"
    type = String()
    inherit_cache = True


@compiles(with_words, "sqlite")
def _longer(element: with_words, compiler: Any, **more: Any) -> str:
    column, words = (compiler.process(each, **more) for each in element.clauses)
    return f"{column} || ' ' || {words}"


@compiles(with_words, "postgresql")
def _more_lexemes(element: with_words, compiler: Any, **more: Any) -> str:
    column, words = element.clauses
    return f"{compiler.process(column, **more)} || {_lexemes(vector(words), compiler, **more)}"


class found(FunctionElement[bool]):  # noqa: N801  # as above
    """found(ticket_id, match, tsquery): is this ticket among those that FTS5 or PostgreSQL finds?"""

    name = "found"
    type = Boolean()
    inherit_cache = True

    def self_group(self, against: Any = None) -> Any:
        """A condition as it stands: SQLAlchemy would compare it to 1."""
        del against
        return self


@compiles(found, "sqlite")
def _in_fts5(element: found, compiler: Any, **more: Any) -> str:
    ticket_id, match, _ = element.clauses
    one, other = (compiler.process(each, **more) for each in (ticket_id, match))
    return f"({one} IN (SELECT rowid FROM search_index WHERE search_index MATCH {other}))"  # noqa: S608  # both are parts of the statement, compiled


@compiles(found, "postgresql")
def _in_vectors(element: found, compiler: Any, **more: Any) -> str:
    ticket_id, _, query = element.clauses
    one, other = (compiler.process(each, **more) for each in (ticket_id, query))
    return f"({one} IN (SELECT ticket_id FROM search WHERE words @@ CAST({other} AS tsquery)))"  # noqa: S608  # as above
