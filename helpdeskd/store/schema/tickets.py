"""Tickets, messages, attachments, history, tags, time, and how many there are."""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, Column, ForeignKey, Index, Integer, Table

from helpdeskd.store.schema.base import BigId, Json, Text, UtcTime, metadata, new_id

ticket = Table(
    "ticket",
    metadata,
    new_id(),
    Column("number", Integer, nullable=False, unique=True),
    Column("subject", Text, nullable=False),
    Column("state", Text, nullable=False),  # model.ticket.State
    Column("pending_until", UtcTime),
    Column("priority", Text, nullable=False),  # model.ticket.Priority
    Column("department_id", BigId, ForeignKey("department.id"), nullable=False),
    Column("requester_id", BigId, ForeignKey("person.id"), nullable=False),
    Column("assignee_id", BigId, ForeignKey("person.id")),
    Column("merged_into", BigId, ForeignKey("ticket.id")),
    Column("language", Text, nullable=False, server_default=""),
    Column("created_at", UtcTime, nullable=False),
    Column("updated_at", UtcTime, nullable=False),
    Column("closed_at", UtcTime),
    Column("origin", Text, nullable=False, server_default="email"),  # model.ticket.Origin
    Column("opened_by_id", BigId),  # person.id of who opened it, where that is not the requester
    Column("started_at", UtcTime),  # the first public answer of staff
    Column("due_at", UtcTime),
    Column("replies", Integer, nullable=False, server_default="0"),  # public messages after the first
    Column("last_side", Text, nullable=False, server_default=""),  # model.ticket.Side: who wrote last in public
    Column("last_author_id", BigId),  # person.id of the same
    Column("seconds_spent", Integer, nullable=False, server_default="0"),  # the sum of time_entry
    Column("removed_at", UtcTime),  # a tombstone: its words and files are gone
    Index("ix_ticket_state_updated_at", "state", "updated_at"),
    Index("ix_ticket_state_id", "state", "id"),  # pages of lists, the newest first
    Index("ix_ticket_department_id_id", "department_id", "id"),
    Index("ix_ticket_department_id_state", "department_id", "state"),
    Index("ix_ticket_requester_id_id", "requester_id", "id"),
    Index("ix_ticket_assignee_id_id", "assignee_id", "id"),
    Index("ix_ticket_merged_into", "merged_into"),
    sqlite_autoincrement=True,
)

participant = Table(
    "participant",
    metadata,
    Column("ticket_id", BigId, ForeignKey("ticket.id"), primary_key=True),
    Column("person_id", BigId, ForeignKey("person.id"), primary_key=True),
    Column("added_at", UtcTime, nullable=False),
    Index("ix_participant_person_id", "person_id"),
)

ticket_tag = Table(
    "ticket_tag",
    metadata,
    Column("ticket_id", BigId, ForeignKey("ticket.id"), primary_key=True),
    Column("tag", Text, primary_key=True),
    Index("ix_ticket_tag_tag", "tag"),
)

# What tags are called, with an id for those who want one.
tag = Table(
    "tag",
    metadata,
    new_id(),
    Column("name", Text, nullable=False, unique=True),
    sqlite_autoincrement=True,
)

time_entry = Table(
    "time_entry",
    metadata,
    new_id(),
    Column("ticket_id", BigId, ForeignKey("ticket.id"), nullable=False, index=True),
    Column("person_id", BigId, ForeignKey("person.id")),
    Column("seconds", Integer, nullable=False),  # negative: a correction
    Column("note", Text, nullable=False, server_default=""),
    Column("at", UtcTime, nullable=False),
    sqlite_autoincrement=True,
)

# How many there are of what lists are asked the total of. Each writer has a shard of its own (PostgreSQL: its backend's number,
# SQLite: 0), so that no writer waits for another's row; a total is the sum of the shards.
counter = Table(
    "counter",
    metadata,
    Column("name", Text, primary_key=True),
    Column("shard", Integer, primary_key=True),
    Column("n", BigInteger, nullable=False),
)

ticket_link = Table(
    "ticket_link",
    metadata,
    Column("ticket_id", BigId, ForeignKey("ticket.id"), primary_key=True),
    Column("other_id", BigId, ForeignKey("ticket.id"), primary_key=True),
    Column("kind", Text, nullable=False),  # follow-up, same-mail, merged, related, parent (of other_id)
    Index("ix_ticket_link_other_id", "other_id"),
)

message = Table(
    "message",
    metadata,
    new_id(),
    Column("ticket_id", BigId, ForeignKey("ticket.id"), nullable=False),
    Column("visibility", Text, nullable=False),  # model.ticket.Visibility
    Column("author_id", BigId, ForeignKey("person.id")),
    Column("author_name", Text, nullable=False, server_default=""),
    Column("author_email", Text, nullable=False, server_default=""),
    Column("mail_id", Text, index=True),  # Message-ID as mail.ids.key gives it
    Column("subject", Text, nullable=False, server_default=""),
    Column("text", Text, nullable=False),
    Column("quote", Text, nullable=False, server_default=""),
    Column("html", Text, nullable=False, server_default=""),
    Column("raw_sha256", Text, index=True),
    Column("kind", Text, nullable=False),  # model.mail.Kind
    Column("reason", Text, nullable=False),  # model.routing.Reason, or cli, api, system
    Column("verdict", Text, nullable=False),  # model.mail.Verdict
    Column("date", UtcTime),  # the mail's own Date
    Column("created_at", UtcTime, nullable=False),
    Column("arrival_id", BigId, ForeignKey("arrival.id"), index=True),
    Column("gone_at", UtcTime),  # when its words and files were let go: the row is a tombstone
    Index("ix_message_ticket_id_id", "ticket_id", "id"),
    sqlite_autoincrement=True,
)

# Every Message-ID a message names in References or In-Reply-To, so that order of arrival need not be order of writing.
message_ref = Table(
    "message_ref",
    metadata,
    Column("message_id", BigId, ForeignKey("message.id"), primary_key=True),
    Column("mail_id", Text, primary_key=True),
    Index("ix_message_ref_mail_id", "mail_id"),
)

attachment = Table(
    "attachment",
    metadata,
    new_id(),
    Column("message_id", BigId, ForeignKey("message.id"), index=True),  # or of an article, or of an asset
    Column("position", Integer, nullable=False),
    Column("name", Text, nullable=False),
    Column("content_type", Text, nullable=False),
    Column("size", Integer, nullable=False),
    Column("sha256", Text, nullable=False, index=True),
    Column("content_id", Text, nullable=False, server_default=""),
    Column("inline", Boolean, nullable=False),
    Column("article_id", BigId, ForeignKey("article.id"), index=True),
    Column("asset_id", BigId, ForeignKey("asset.id"), index=True),
    Column("found_type", Text),  # by the bytes, as mail.filetypes has it; NULL: nobody has looked
    Column("danger", Text),  # model.files.Danger
    Column("released_at", UtcTime),  # a held one was let go
    sqlite_autoincrement=True,
)

# Append-only: nothing updates or deletes a row here.
history = Table(
    "history",
    metadata,
    new_id(),
    Column("ticket_id", BigId, ForeignKey("ticket.id"), nullable=False),
    Column("at", UtcTime, nullable=False),
    Column("kind", Text, nullable=False),  # model.ticket.History
    Column("actor_id", BigId, ForeignKey("person.id")),
    Column("message_id", BigId, ForeignKey("message.id")),
    Column("detail", Json, nullable=False),
    Index("ix_history_ticket_id_id", "ticket_id", "id"),
    sqlite_autoincrement=True,
)
