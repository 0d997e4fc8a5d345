"""What is known already: the knowledge base, and texts to answer with."""

from __future__ import annotations

from sqlalchemy import Boolean, Column, ForeignKey, Index, Integer, Table, false

from helpdeskd.store.schema.base import BigId, Text, UtcTime, metadata, new_id

topic = Table(
    "topic",
    metadata,
    new_id(),
    Column("name", Text, nullable=False),
    Column("parent_id", BigId, ForeignKey("topic.id"), index=True),
    Column("position", Integer, nullable=False, server_default="0"),
    Column("private", Boolean, nullable=False, server_default=false()),
    sqlite_autoincrement=True,
)

article = Table(
    "article",
    metadata,
    new_id(),
    Column("topic_id", BigId, ForeignKey("topic.id"), index=True),
    Column("department_id", BigId, ForeignKey("department.id"), index=True),
    Column("title", Text, nullable=False),
    Column("html", Text, nullable=False),
    Column("text", Text, nullable=False),
    Column("staff_only", Boolean, nullable=False, server_default=false()),
    Column("position", Integer, nullable=False, server_default="0"),
    Column("views", Integer, nullable=False, server_default="0"),
    Column("author_id", BigId, ForeignKey("person.id")),
    Column("created_at", UtcTime, nullable=False),
    Column("updated_at", UtcTime, nullable=False),
    Column("removed_at", UtcTime),
    sqlite_autoincrement=True,
)

article_tag = Table(
    "article_tag",
    metadata,
    Column("article_id", BigId, ForeignKey("article.id"), primary_key=True),
    Column("tag", Text, primary_key=True),
    Index("ix_article_tag_tag", "tag"),
)

canned_response = Table(
    "canned_response",
    metadata,
    new_id(),
    Column("title", Text, nullable=False),
    Column("text", Text, nullable=False),
    Column("html", Text, nullable=False),
    Column("position", Integer, nullable=False, server_default="0"),
    Column("owner_id", BigId, ForeignKey("person.id")),  # NULL: the team's
    Column("created_at", UtcTime, nullable=False),
    Column("updated_at", UtcTime, nullable=False),
    sqlite_autoincrement=True,
)
