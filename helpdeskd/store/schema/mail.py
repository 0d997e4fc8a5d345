"""The ledger: what became of every accepted mail."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, ForeignKey, Index, Integer, Table, UniqueConstraint, text

from helpdeskd.store.schema.base import BigId, Json, Text, UtcTime, metadata, new_id

# One row for each (spool entry, department addressed). department_id 0 stands for none (parked, held for nobody).
arrival = Table(
    "arrival",
    metadata,
    new_id(),
    Column("spool_id", Text, nullable=False),
    Column("department_id", BigId, nullable=False),
    Column("door", Text, nullable=False),
    Column("outcome", Text, nullable=False),  # model.routing.Outcome
    Column("reason", Text, nullable=False),
    Column("evidence", Json, nullable=False),
    Column("ticket_id", BigId, ForeignKey("ticket.id")),  # the first ticket concerned
    Column("raw_sha256", Text, nullable=False, index=True),
    Column("identity_sha256", Text),
    Column("mail_id", Text),
    Column("sender", Text, nullable=False),  # envelope
    Column("author", Text, nullable=False),  # From
    Column("subject", Text, nullable=False),
    Column("size", Integer, nullable=False),
    Column("received_at", UtcTime, nullable=False),  # at the door
    Column("decided_at", UtcTime, nullable=False),
    Column("account", Text),  # IMAP: where the mail came from
    Column("folder", Text),
    Column("uidvalidity", BigInteger),
    Column("uid", BigInteger),
    Column("raw_gone_at", UtcTime),  # when the raw bytes were let go (raw_sha256 stays); NULL: they are kept
    Column("raw_gone_by", Text),  # the setting that said so: desk.keeping.By
    Column("held", Text),  # store.arrivals.Held, while somebody may release it; NULL: nobody need look at it
    UniqueConstraint("spool_id", "department_id"),
    Index("ix_arrival_identity_sha256_department_id", "identity_sha256", "department_id"),
    Index("ix_arrival_ticket_id", "ticket_id"),
    Index("ix_arrival_held", "id", sqlite_where=text("held IS NOT NULL"), postgresql_where=text("held IS NOT NULL")),
    Index("ix_arrival_account_folder_uidvalidity_uid", "account", "folder", "uidvalidity", "uid"),
    sqlite_autoincrement=True,
)
