"""The first schema.

Types are written out here, not imported: what a migration did must not change with the code.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0001"
down_revision = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")  # AUTOINCREMENT wants the word INTEGER
TIME = sa.BigInteger().with_variant(sa.DateTime(timezone=True), "postgresql")  # SQLite: microseconds since 1970, UTC
JSON = sa.JSON().with_variant(JSONB(), "postgresql")


def upgrade() -> None:
    op.create_table(
        "department",
        sa.Column("id", ID, sa.Identity(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("sender_name", sa.Text(), nullable=False),
        sa.Column("private", sa.Boolean(), nullable=False, server_default=sa.false()),
        sa.Column("follow_up_days", sa.Integer(), nullable=True),
        sa.Column("reply_tokens", sa.Text(), nullable=False, server_default="auto"),
        sa.Column("verp", sa.Boolean(), nullable=False, server_default=sa.false()),
        sa.Column("cc_participates", sa.Boolean(), nullable=False, server_default=sa.true()),
        sa.Column("language", sa.Text(), nullable=False, server_default=""),
        sa.Column("created_at", TIME, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_department"),
        sa.UniqueConstraint("name", name="uq_department_name"),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "person",
        sa.Column("id", ID, sa.Identity(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("customer_no", sa.Integer(), nullable=True),
        sa.Column("staff_no", sa.Integer(), nullable=True),
        sa.Column("name", sa.Text(), nullable=False, server_default=""),
        sa.Column("email", sa.Text(), nullable=False),
        sa.Column("email_key", sa.Text(), nullable=False),
        sa.Column("level", sa.Integer(), nullable=False, server_default="0"),
        sa.Column("language", sa.Text(), nullable=False, server_default=""),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("disabled_at", TIME, nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_person"),
        sa.UniqueConstraint("customer_no", name="uq_person_customer_no"),
        sa.UniqueConstraint("email_key", name="uq_person_email_key"),
        sa.UniqueConstraint("staff_no", name="uq_person_staff_no"),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "setting",
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("value", JSON, nullable=False),
        sa.PrimaryKeyConstraint("key", name="pk_setting"),
    )
    op.create_table(
        "address",
        sa.Column("email", sa.Text(), nullable=False),
        sa.Column("department_id", ID, nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("email", name="pk_address"),
        sa.ForeignKeyConstraint(["department_id"], ["department.id"], name="fk_address_department_id"),
    )
    op.create_index("ix_address_department_id", "address", ["department_id"])
    op.create_table(
        "person_token",
        sa.Column("token_sha256", sa.Text(), nullable=False),
        sa.Column("person_id", ID, nullable=False),
        sa.Column("purpose", sa.Text(), nullable=False),
        sa.Column("expires_at", TIME, nullable=False),
        sa.Column("used_at", TIME, nullable=True),
        sa.PrimaryKeyConstraint("token_sha256", name="pk_person_token"),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name="fk_person_token_person_id"),
    )
    op.create_table(
        "staff_department",
        sa.Column("person_id", ID, nullable=False),
        sa.Column("department_id", ID, nullable=False),
        sa.Column("notify", sa.Boolean(), nullable=False, server_default=sa.true()),
        sa.PrimaryKeyConstraint("person_id", "department_id", name="pk_staff_department"),
        sa.ForeignKeyConstraint(["department_id"], ["department.id"], name="fk_staff_department_department_id"),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name="fk_staff_department_person_id"),
    )
    op.create_index("ix_staff_department_department_id", "staff_department", ["department_id"])
    op.create_table(
        "ticket",
        sa.Column("id", ID, sa.Identity(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("pending_until", TIME, nullable=True),
        sa.Column("priority", sa.Text(), nullable=False),
        sa.Column("department_id", ID, nullable=False),
        sa.Column("requester_id", ID, nullable=False),
        sa.Column("assignee_id", ID, nullable=True),
        sa.Column("merged_into", ID, nullable=True),
        sa.Column("language", sa.Text(), nullable=False, server_default=""),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("updated_at", TIME, nullable=False),
        sa.Column("closed_at", TIME, nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_ticket"),
        sa.ForeignKeyConstraint(["assignee_id"], ["person.id"], name="fk_ticket_assignee_id"),
        sa.ForeignKeyConstraint(["department_id"], ["department.id"], name="fk_ticket_department_id"),
        sa.ForeignKeyConstraint(["merged_into"], ["ticket.id"], name="fk_ticket_merged_into"),
        sa.ForeignKeyConstraint(["requester_id"], ["person.id"], name="fk_ticket_requester_id"),
        sa.UniqueConstraint("number", name="uq_ticket_number"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_ticket_assignee_id", "ticket", ["assignee_id"])
    op.create_index("ix_ticket_department_id_state", "ticket", ["department_id", "state"])
    op.create_index("ix_ticket_merged_into", "ticket", ["merged_into"])
    op.create_index("ix_ticket_requester_id", "ticket", ["requester_id"])
    op.create_index("ix_ticket_state_updated_at", "ticket", ["state", "updated_at"])
    op.create_table(
        "arrival",
        sa.Column("id", ID, sa.Identity(), nullable=False),
        sa.Column("spool_id", sa.Text(), nullable=False),
        sa.Column("department_id", ID, nullable=False),
        sa.Column("door", sa.Text(), nullable=False),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("evidence", JSON, nullable=False),
        sa.Column("ticket_id", ID, nullable=True),
        sa.Column("raw_sha256", sa.Text(), nullable=False),
        sa.Column("identity_sha256", sa.Text(), nullable=True),
        sa.Column("mail_id", sa.Text(), nullable=True),
        sa.Column("sender", sa.Text(), nullable=False),
        sa.Column("author", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("received_at", TIME, nullable=False),
        sa.Column("decided_at", TIME, nullable=False),
        sa.Column("account", sa.Text(), nullable=True),
        sa.Column("folder", sa.Text(), nullable=True),
        sa.Column("uidvalidity", sa.BigInteger(), nullable=True),
        sa.Column("uid", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_arrival"),
        sa.ForeignKeyConstraint(["ticket_id"], ["ticket.id"], name="fk_arrival_ticket_id"),
        sa.UniqueConstraint("spool_id", "department_id", name="uq_arrival_spool_id_department_id"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_arrival_account_folder_uidvalidity_uid", "arrival", ["account", "folder", "uidvalidity", "uid"])
    op.create_index("ix_arrival_identity_sha256_department_id", "arrival", ["identity_sha256", "department_id"])
    op.create_index("ix_arrival_raw_sha256", "arrival", ["raw_sha256"])
    op.create_index("ix_arrival_ticket_id", "arrival", ["ticket_id"])
    op.create_table(
        "participant",
        sa.Column("ticket_id", ID, nullable=False),
        sa.Column("person_id", ID, nullable=False),
        sa.Column("added_at", TIME, nullable=False),
        sa.PrimaryKeyConstraint("ticket_id", "person_id", name="pk_participant"),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name="fk_participant_person_id"),
        sa.ForeignKeyConstraint(["ticket_id"], ["ticket.id"], name="fk_participant_ticket_id"),
    )
    op.create_index("ix_participant_person_id", "participant", ["person_id"])
    op.create_table(
        "ticket_link",
        sa.Column("ticket_id", ID, nullable=False),
        sa.Column("other_id", ID, nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("ticket_id", "other_id", name="pk_ticket_link"),
        sa.ForeignKeyConstraint(["other_id"], ["ticket.id"], name="fk_ticket_link_other_id"),
        sa.ForeignKeyConstraint(["ticket_id"], ["ticket.id"], name="fk_ticket_link_ticket_id"),
    )
    op.create_index("ix_ticket_link_other_id", "ticket_link", ["other_id"])
    op.create_table(
        "ticket_tag",
        sa.Column("ticket_id", ID, nullable=False),
        sa.Column("tag", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("ticket_id", "tag", name="pk_ticket_tag"),
        sa.ForeignKeyConstraint(["ticket_id"], ["ticket.id"], name="fk_ticket_tag_ticket_id"),
    )
    op.create_index("ix_ticket_tag_tag", "ticket_tag", ["tag"])
    op.create_table(
        "message",
        sa.Column("id", ID, sa.Identity(), nullable=False),
        sa.Column("ticket_id", ID, nullable=False),
        sa.Column("visibility", sa.Text(), nullable=False),
        sa.Column("author_id", ID, nullable=True),
        sa.Column("author_name", sa.Text(), nullable=False, server_default=""),
        sa.Column("author_email", sa.Text(), nullable=False, server_default=""),
        sa.Column("mail_id", sa.Text(), nullable=True),
        sa.Column("subject", sa.Text(), nullable=False, server_default=""),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("quote", sa.Text(), nullable=False, server_default=""),
        sa.Column("html", sa.Text(), nullable=False, server_default=""),
        sa.Column("raw_sha256", sa.Text(), nullable=True),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("verdict", sa.Text(), nullable=False),
        sa.Column("date", TIME, nullable=True),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("arrival_id", ID, nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_message"),
        sa.ForeignKeyConstraint(["arrival_id"], ["arrival.id"], name="fk_message_arrival_id"),
        sa.ForeignKeyConstraint(["author_id"], ["person.id"], name="fk_message_author_id"),
        sa.ForeignKeyConstraint(["ticket_id"], ["ticket.id"], name="fk_message_ticket_id"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_message_arrival_id", "message", ["arrival_id"])
    op.create_index("ix_message_mail_id", "message", ["mail_id"])
    op.create_index("ix_message_raw_sha256", "message", ["raw_sha256"])
    op.create_index("ix_message_ticket_id_id", "message", ["ticket_id", "id"])
    op.create_table(
        "attachment",
        sa.Column("id", ID, sa.Identity(), nullable=False),
        sa.Column("message_id", ID, nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("content_type", sa.Text(), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("sha256", sa.Text(), nullable=False),
        sa.Column("content_id", sa.Text(), nullable=False, server_default=""),
        sa.Column("inline", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_attachment"),
        sa.ForeignKeyConstraint(["message_id"], ["message.id"], name="fk_attachment_message_id"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_attachment_message_id", "attachment", ["message_id"])
    op.create_index("ix_attachment_sha256", "attachment", ["sha256"])
    op.create_table(
        "history",
        sa.Column("id", ID, sa.Identity(), nullable=False),
        sa.Column("ticket_id", ID, nullable=False),
        sa.Column("at", TIME, nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("actor_id", ID, nullable=True),
        sa.Column("message_id", ID, nullable=True),
        sa.Column("detail", JSON, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_history"),
        sa.ForeignKeyConstraint(["actor_id"], ["person.id"], name="fk_history_actor_id"),
        sa.ForeignKeyConstraint(["message_id"], ["message.id"], name="fk_history_message_id"),
        sa.ForeignKeyConstraint(["ticket_id"], ["ticket.id"], name="fk_history_ticket_id"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_history_ticket_id_id", "history", ["ticket_id", "id"])
    op.create_table(
        "message_ref",
        sa.Column("message_id", ID, nullable=False),
        sa.Column("mail_id", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("message_id", "mail_id", name="pk_message_ref"),
        sa.ForeignKeyConstraint(["message_id"], ["message.id"], name="fk_message_ref_message_id"),
    )
    op.create_index("ix_message_ref_mail_id", "message_ref", ["mail_id"])
    op.create_table(
        "outbox",
        sa.Column("id", ID, sa.Identity(), nullable=False),
        sa.Column("notice", sa.Text(), nullable=False),
        sa.Column("automatic", sa.Boolean(), nullable=False),
        sa.Column("department_id", ID, nullable=False),
        sa.Column("ticket_id", ID, nullable=True),
        sa.Column("message_id", ID, nullable=True),
        sa.Column("person_id", ID, nullable=True),
        sa.Column("recipient", sa.Text(), nullable=False),
        sa.Column("language", sa.Text(), nullable=False),
        sa.Column("context", JSON, nullable=False),
        sa.Column("mail_id", sa.Text(), nullable=False),
        sa.Column("refs", JSON, nullable=False),
        sa.Column("reply_token", sa.Text(), nullable=False),
        sa.Column("envelope_token", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False, server_default="0"),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("next_at", TIME, nullable=False),
        sa.Column("raw_sha256", sa.Text(), nullable=True),
        sa.Column("last_reply", sa.Text(), nullable=False, server_default=""),
        sa.Column("server_id", sa.Text(), nullable=False, server_default=""),
        sa.Column("possibly_twice", sa.Boolean(), nullable=False, server_default=sa.false()),
        sa.Column("owner", sa.Text(), nullable=False, server_default=""),
        sa.Column("lease_until", TIME, nullable=True),
        sa.Column("sent_at", TIME, nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_outbox"),
        sa.ForeignKeyConstraint(["department_id"], ["department.id"], name="fk_outbox_department_id"),
        sa.ForeignKeyConstraint(["message_id"], ["message.id"], name="fk_outbox_message_id"),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name="fk_outbox_person_id"),
        sa.ForeignKeyConstraint(["ticket_id"], ["ticket.id"], name="fk_outbox_ticket_id"),
        sa.UniqueConstraint("envelope_token", name="uq_outbox_envelope_token"),
        sa.UniqueConstraint("mail_id", name="uq_outbox_mail_id"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_outbox_message_id", "outbox", ["message_id"])
    op.create_index("ix_outbox_raw_sha256", "outbox", ["raw_sha256"])
    op.create_index("ix_outbox_state_next_at", "outbox", ["state", "next_at"])
    op.create_index("ix_outbox_ticket_id", "outbox", ["ticket_id"])
    op.create_table(
        "attempt",
        sa.Column("id", ID, sa.Identity(), nullable=False),
        sa.Column("outbox_id", ID, nullable=False),
        sa.Column("at", TIME, nullable=False),
        sa.Column("ended", sa.Text(), nullable=False),
        sa.Column("code", sa.Integer(), nullable=False),
        sa.Column("words", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_attempt"),
        sa.ForeignKeyConstraint(["outbox_id"], ["outbox.id"], name="fk_attempt_outbox_id"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_attempt_outbox_id", "attempt", ["outbox_id"])


def downgrade() -> None:
    raise NotImplementedError("the way back is a snapshot: docs/store.md")
