"""The words of each ticket, to be found by: on SQLite a table of FTS5, on PostgreSQL two vectors and a GIN index.

Both engines are given words that `model.folding` has made; neither is to make words of its own.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import BigInteger, Boolean, Column, Index, String, Table
from sqlalchemy.dialects.postgresql import TSVECTOR
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.schema import CreateTable
from sqlalchemy.sql.compiler import DDLCompiler
from sqlalchemy.sql.functions import FunctionElement

from helpdeskd.store.schema.base import Text, metadata

# The tokenizer splits at spaces; detail: which column a word stands in, not where (no phrases); no sizes: nothing is ranked.
FTS5 = """
CREATE VIRTUAL TABLE search USING fts5(public, internal, tokenize = 'ascii', detail = 'column', columnsize = 0)
"""

_Vector = Text().with_variant(TSVECTOR(), "postgresql")

search = Table(
    "search",
    metadata,
    Column("rowid", BigInteger, primary_key=True, autoincrement=False),  # ticket.id, as FTS5 calls it
    Column("public", _Vector, nullable=False),
    Column("internal", _Vector, nullable=False),  # notes, what has no public voice, and the system's words
    Index("ix_search_public_internal", "public", "internal", postgresql_using="gin").ddl_if(dialect="postgresql"),
)


@compiles(CreateTable, "sqlite")
def _create(element: CreateTable, compiler: DDLCompiler, **more: Any) -> str:
    return FTS5 if element.element is search else compiler.visit_create_table(element, **more)


class vector(FunctionElement[str]):  # noqa: N801  # a function of SQL
    """vector(words): words with a space between each two, as a column of `search` holds them."""

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
    """with_words(column, words): what stands in a column, and these."""

    name = "with_words"
    type = String()
    inherit_cache = True


@compiles(with_words, "sqlite")
def _longer(element: with_words, compiler: Any, **more: Any) -> str:
    column, words = element.clauses
    return f"{compiler.process(column, **more)} || ' ' || {compiler.process(words, **more)}"


@compiles(with_words, "postgresql")
def _more_lexemes(element: with_words, compiler: Any, **more: Any) -> str:
    column, words = element.clauses
    added = compiler.process(vector(words), **more)
    return f"{compiler.process(column, **more)} || {added}"


class holds_public(FunctionElement[bool]):  # noqa: N801  # as above
    """holds_public(query, word, ...): rows in whose public words all of these stand. `query` says the same to FTS5, each word to PostgreSQL
    as a tsquery."""

    name = "holds_public"
    type = Boolean()
    inherit_cache = True


class holds(FunctionElement[bool]):  # noqa: N801  # as above
    """The same, of all words."""

    name = "holds"
    type = Boolean()
    inherit_cache = True


@compiles(holds_public, "sqlite")
@compiles(holds, "sqlite")
def _match(element: FunctionElement[bool], compiler: Any, **more: Any) -> str:
    query, *_ = element.clauses
    return f"search MATCH {compiler.process(query, **more)}"


@compiles(holds_public, "postgresql")
def _public_match(element: FunctionElement[bool], compiler: Any, **more: Any) -> str:
    return _all_in(("public",), element, compiler, more)


@compiles(holds, "postgresql")
def _any_match(element: FunctionElement[bool], compiler: Any, **more: Any) -> str:
    return _all_in(("public", "internal"), element, compiler, more)


def _all_in(columns: tuple[str, ...], element: FunctionElement[bool], compiler: Any, more: dict[str, Any]) -> str:
    _, *words = element.clauses
    each = [f"CAST({compiler.process(word, **more)} AS tsquery)" for word in words]
    return "(" + " AND ".join(f"({' OR '.join(f'search.{name} @@ {word}' for name in columns)})" for word in each) + ")"
