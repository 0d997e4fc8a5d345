"""What goes out, and every attempt at it."""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, Column, ForeignKey, Index, Integer, Table, false

from helpdeskd.store.schema.base import BigId, Json, Text, UtcTime, metadata, new_id

outbox = Table(
    "outbox",
    metadata,
    new_id(),
    Column("notice", Text, nullable=False),  # model.outgoing.NoticeName
    Column("automatic", Boolean, nullable=False),
    Column("department_id", BigId, ForeignKey("department.id"), nullable=False),
    Column("ticket_id", BigId, ForeignKey("ticket.id")),
    Column("message_id", BigId, ForeignKey("message.id")),
    Column("person_id", BigId, ForeignKey("person.id")),
    Column("recipient", Text, nullable=False),
    Column("language", Text, nullable=False),
    Column("context", Json, nullable=False),
    Column("mail_id", Text, nullable=False, unique=True),
    Column("refs", Json, nullable=False),  # list of Message-IDs, oldest first
    Column("reply_token", Text, nullable=False),
    Column("envelope_token", Text, nullable=False, unique=True),
    Column("state", Text, nullable=False),  # model.outgoing.OutboxState
    Column("attempts", Integer, nullable=False, server_default="0"),
    Column("created_at", UtcTime, nullable=False),
    Column("next_at", UtcTime, nullable=False),
    Column("raw_sha256", Text),
    Column("last_reply", Text, nullable=False, server_default=""),
    Column("server_id", Text, nullable=False, server_default=""),
    Column("possibly_twice", Boolean, nullable=False, server_default=false()),
    Column("owner", Text, nullable=False, server_default=""),
    Column("lease_until", UtcTime),
    Column("sent_at", UtcTime),
    Column("raw_gone_at", UtcTime),  # when the frozen bytes were let go (raw_sha256 stays); NULL: they are kept
    Index("ix_outbox_state_next_at", "state", "next_at"),
    Index("ix_outbox_ticket_id", "ticket_id"),
    Index("ix_outbox_message_id", "message_id"),
    Index("ix_outbox_raw_sha256", "raw_sha256"),  # the sweep of blobs asks
    sqlite_autoincrement=True,
)

attempt = Table(
    "attempt",
    metadata,
    new_id(),
    Column("outbox_id", BigId, ForeignKey("outbox.id"), nullable=False, index=True),
    Column("at", UtcTime, nullable=False),
    Column("ended", Text, nullable=False),  # model.outgoing.Ended
    Column("code", Integer, nullable=False),
    Column("words", Text, nullable=False),
    sqlite_autoincrement=True,
)

# How much automatic mail was queued lately, by what a ceiling is about and by slots of time (desk.ceilings). Shards as in `counter`.
ceiling = Table(
    "ceiling",
    metadata,
    Column("about", Text, primary_key=True),  # address:..., domain:..., ticket:..., total, ...
    Column("at", UtcTime, primary_key=True),  # when the slot begins
    Column("shard", Integer, primary_key=True),
    Column("n", BigInteger, nullable=False),
    sqlite_with_rowid=False,
)
