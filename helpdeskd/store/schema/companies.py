"""The firms our customers come from, and what they are divided into."""

from __future__ import annotations

from sqlalchemy import Column, ForeignKey, Table

from helpdeskd.store.schema.base import BigId, Text, UtcTime, metadata, new_id

company = Table(
    "company",
    metadata,
    new_id(),
    Column("name", Text, nullable=False),
    Column("name_key", Text, nullable=False, unique=True),  # casefolded
    Column("notes", Text, nullable=False, server_default=""),
    Column("created_at", UtcTime, nullable=False),
    sqlite_autoincrement=True,
)

# Whoever first writes from such a domain belongs to the company.
company_domain = Table(
    "company_domain",
    metadata,
    Column("domain", Text, primary_key=True),  # lower case
    Column("company_id", BigId, ForeignKey("company.id"), nullable=False, index=True),
)

# What customers' profiles call their department; ours answer mail.
division = Table(
    "division",
    metadata,
    new_id(),
    Column("name", Text, nullable=False),
    Column("name_key", Text, nullable=False, unique=True),
    sqlite_autoincrement=True,
)
