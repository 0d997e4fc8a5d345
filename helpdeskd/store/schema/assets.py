"""Things that customers have: what they are, who has them, which tickets are about them."""

from __future__ import annotations

from sqlalchemy import Column, ForeignKey, Index, Integer, Table, UniqueConstraint

from helpdeskd.store.schema.base import BigId, Text, UtcTime, metadata, new_id

# Makers, kinds and suppliers: names that many assets share.
asset_word = Table(
    "asset_word",
    metadata,
    new_id(),
    Column("kind", Text, nullable=False),  # manufacturer, type, supplier
    Column("name", Text, nullable=False),
    Column("name_key", Text, nullable=False),  # casefolded
    UniqueConstraint("kind", "name_key"),
    sqlite_autoincrement=True,
)

asset = Table(
    "asset",
    metadata,
    new_id(),
    Column("model", Text, nullable=False),
    Column("manufacturer_id", BigId, ForeignKey("asset_word.id")),
    Column("type_id", BigId, ForeignKey("asset_word.id")),
    Column("supplier_id", BigId, ForeignKey("asset_word.id")),
    Column("serial_number", Text, nullable=False, server_default=""),
    Column("location", Text, nullable=False, server_default=""),
    Column("comments", Text, nullable=False, server_default=""),
    Column("quantity", Integer, nullable=False, server_default="1"),
    Column("company_id", BigId, ForeignKey("company.id")),
    Column("created_at", UtcTime, nullable=False),
    Column("updated_at", UtcTime, nullable=False),
    Column("disabled_at", UtcTime),
    Column("model_key", Text, nullable=False),  # casefolded, to be found by its beginning
    Index("ix_asset_company_id_id", "company_id", "id"),
    # beginnings are found by LIKE, which wants this on PostgreSQL
    Index("ix_asset_model_key", "model_key", postgresql_ops={"model_key": "text_pattern_ops"}),
    sqlite_autoincrement=True,
)

asset_person = Table(
    "asset_person",
    metadata,
    Column("asset_id", BigId, ForeignKey("asset.id"), primary_key=True),
    Column("person_id", BigId, ForeignKey("person.id"), primary_key=True),
    Index("ix_asset_person_person_id", "person_id"),
)

asset_ticket = Table(
    "asset_ticket",
    metadata,
    Column("asset_id", BigId, ForeignKey("asset.id"), primary_key=True),
    Column("ticket_id", BigId, ForeignKey("ticket.id"), primary_key=True),
    Index("ix_asset_ticket_ticket_id", "ticket_id"),
)

# Append-only.
asset_log = Table(
    "asset_log",
    metadata,
    new_id(),
    Column("asset_id", BigId, ForeignKey("asset.id"), nullable=False, index=True),
    Column("at", UtcTime, nullable=False),
    Column("actor_id", BigId, ForeignKey("person.id")),
    Column("words", Text, nullable=False),
    sqlite_autoincrement=True,
)
