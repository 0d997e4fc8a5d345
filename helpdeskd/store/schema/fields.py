"""Custom fields of tickets, people, companies and assets, and their values."""

from __future__ import annotations

from sqlalchemy import Boolean, Column, ForeignKey, Integer, Table, false

from helpdeskd.store.schema.base import BigId, Text, UtcTime, metadata, new_id

custom_field = Table(
    "custom_field",
    metadata,
    new_id(),
    Column("owner", Text, nullable=False),  # model.fields.Owner: ticket, person, company, asset
    Column("name", Text, nullable=False),
    Column("kind", Text, nullable=False),  # model.fields.FieldKind
    Column("mandatory", Boolean, nullable=False, server_default=false()),
    Column("position", Integer, nullable=False, server_default="0"),
    Column("in_grid", Boolean, nullable=False, server_default=false()),  # shown in lists
    Column("access", Text, nullable=False, server_default="everyone"),  # model.fields.Access
    Column("created_at", UtcTime, nullable=False),
    Column("removed_at", UtcTime),
    sqlite_autoincrement=True,
)

custom_option = Table(
    "custom_option",
    metadata,
    new_id(),
    Column("field_id", BigId, ForeignKey("custom_field.id"), nullable=False, index=True),
    Column("position", Integer, nullable=False),
    Column("words", Text, nullable=False),
    sqlite_autoincrement=True,
)

# The departments whose tickets have a field; no row of a field: all.
custom_field_department = Table(
    "custom_field_department",
    metadata,
    Column("field_id", BigId, ForeignKey("custom_field.id"), primary_key=True),
    Column("department_id", BigId, ForeignKey("department.id"), primary_key=True),
)

custom_value = Table(
    "custom_value",
    metadata,
    Column("field_id", BigId, ForeignKey("custom_field.id"), primary_key=True),
    Column("owner_id", BigId, primary_key=True),  # of the kind the field says
    Column("value", Text, nullable=False),
    Column("option_id", BigId, ForeignKey("custom_option.id")),
)
