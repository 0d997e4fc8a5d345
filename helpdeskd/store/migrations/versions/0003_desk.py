"""The desk beyond mail: accounts and keys, companies, custom fields, assets, knowledge, time, counters; tombstones.

Columns are added, not tables rebuilt, but for `attachment`, whose files may now hang on an article or an asset.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0003"
down_revision = "0002"

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")  # AUTOINCREMENT wants the word INTEGER
TIME = sa.BigInteger().with_variant(sa.DateTime(timezone=True), "postgresql")  # SQLite: microseconds since 1970, UTC
JSON = sa.JSON().with_variant(JSONB(), "postgresql")


def _tables() -> None:
    op.create_table(
        "asset_word",
        sa.Column("id", ID, sa.Identity(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("name_key", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_asset_word"),
        sa.UniqueConstraint("kind", "name_key", name="uq_asset_word_kind_name_key"),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "company",
        sa.Column("id", ID, sa.Identity(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("name_key", sa.Text(), nullable=False),
        sa.Column("notes", sa.Text(), nullable=False, server_default=""),
        sa.Column("created_at", TIME, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_company"),
        sa.UniqueConstraint("name_key", name="uq_company_name_key"),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "counter",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("shard", sa.Integer(), nullable=False),
        sa.Column("n", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("name", "shard", name="pk_counter"),
    )
    op.create_table(
        "custom_field",
        sa.Column("id", ID, sa.Identity(), nullable=False),
        sa.Column("owner", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("mandatory", sa.Boolean(), nullable=False, server_default=sa.false()),
        sa.Column("position", sa.Integer(), nullable=False, server_default="0"),
        sa.Column("in_grid", sa.Boolean(), nullable=False, server_default=sa.false()),
        sa.Column("access", sa.Text(), nullable=False, server_default="everyone"),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("removed_at", TIME, nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_custom_field"),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "division",
        sa.Column("id", ID, sa.Identity(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("name_key", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_division"),
        sa.UniqueConstraint("name_key", name="uq_division_name_key"),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "login_failure",
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.Column("last_at", TIME, nullable=False),
        sa.PrimaryKeyConstraint("kind", "key", name="pk_login_failure"),
    )
    op.create_table(
        "section",
        sa.Column("id", ID, sa.Identity(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False, server_default="0"),
        sa.PrimaryKeyConstraint("id", name="pk_section"),
        sa.UniqueConstraint("name", name="uq_section_name"),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "tag",
        sa.Column("id", ID, sa.Identity(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_tag"),
        sa.UniqueConstraint("name", name="uq_tag_name"),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "topic",
        sa.Column("id", ID, sa.Identity(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("parent_id", ID, nullable=True),
        sa.Column("position", sa.Integer(), nullable=False, server_default="0"),
        sa.Column("private", sa.Boolean(), nullable=False, server_default=sa.false()),
        sa.PrimaryKeyConstraint("id", name="pk_topic"),
        sa.ForeignKeyConstraint(["parent_id"], ["topic.id"], name="fk_topic_parent_id"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_topic_parent_id", "topic", ["parent_id"])
    op.create_table(
        "api_key",
        sa.Column("id", ID, sa.Identity(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("dialect", sa.Text(), nullable=False),
        sa.Column("token_sha256", sa.Text(), nullable=False),
        sa.Column("permissions", JSON, nullable=False),
        sa.Column("allow_ip", JSON, nullable=False),
        sa.Column("person_id", ID, nullable=True),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("expires_at", TIME, nullable=True),
        sa.Column("used_at", TIME, nullable=True),
        sa.Column("revoked_at", TIME, nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_api_key"),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name="fk_api_key_person_id"),
        sa.UniqueConstraint("token_sha256", name="uq_api_key_token_sha256"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_api_key_person_id", "api_key", ["person_id"])
    op.create_table(
        "article",
        sa.Column("id", ID, sa.Identity(), nullable=False),
        sa.Column("topic_id", ID, nullable=True),
        sa.Column("department_id", ID, nullable=True),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("html", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("staff_only", sa.Boolean(), nullable=False, server_default=sa.false()),
        sa.Column("position", sa.Integer(), nullable=False, server_default="0"),
        sa.Column("views", sa.Integer(), nullable=False, server_default="0"),
        sa.Column("author_id", ID, nullable=True),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("updated_at", TIME, nullable=False),
        sa.Column("removed_at", TIME, nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_article"),
        sa.ForeignKeyConstraint(["topic_id"], ["topic.id"], name="fk_article_topic_id"),
        sa.ForeignKeyConstraint(["department_id"], ["department.id"], name="fk_article_department_id"),
        sa.ForeignKeyConstraint(["author_id"], ["person.id"], name="fk_article_author_id"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_article_department_id", "article", ["department_id"])
    op.create_index("ix_article_topic_id", "article", ["topic_id"])
    op.create_table(
        "asset",
        sa.Column("id", ID, sa.Identity(), nullable=False),
        sa.Column("model", sa.Text(), nullable=False),
        sa.Column("manufacturer_id", ID, nullable=True),
        sa.Column("type_id", ID, nullable=True),
        sa.Column("supplier_id", ID, nullable=True),
        sa.Column("serial_number", sa.Text(), nullable=False, server_default=""),
        sa.Column("location", sa.Text(), nullable=False, server_default=""),
        sa.Column("comments", sa.Text(), nullable=False, server_default=""),
        sa.Column("quantity", sa.Integer(), nullable=False, server_default="1"),
        sa.Column("company_id", ID, nullable=True),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("updated_at", TIME, nullable=False),
        sa.Column("disabled_at", TIME, nullable=True),
        sa.Column("model_key", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_asset"),
        sa.ForeignKeyConstraint(["manufacturer_id"], ["asset_word.id"], name="fk_asset_manufacturer_id"),
        sa.ForeignKeyConstraint(["type_id"], ["asset_word.id"], name="fk_asset_type_id"),
        sa.ForeignKeyConstraint(["supplier_id"], ["asset_word.id"], name="fk_asset_supplier_id"),
        sa.ForeignKeyConstraint(["company_id"], ["company.id"], name="fk_asset_company_id"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_asset_company_id_id", "asset", ["company_id", "id"])
    op.create_index("ix_asset_model_key", "asset", ["model_key"], postgresql_ops={"model_key": "text_pattern_ops"})
    op.create_table(
        "canned_response",
        sa.Column("id", ID, sa.Identity(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("html", sa.Text(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False, server_default="0"),
        sa.Column("owner_id", ID, nullable=True),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("updated_at", TIME, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_canned_response"),
        sa.ForeignKeyConstraint(["owner_id"], ["person.id"], name="fk_canned_response_owner_id"),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "company_domain",
        sa.Column("domain", sa.Text(), nullable=False),
        sa.Column("company_id", ID, nullable=False),
        sa.PrimaryKeyConstraint("domain", name="pk_company_domain"),
        sa.ForeignKeyConstraint(["company_id"], ["company.id"], name="fk_company_domain_company_id"),
    )
    op.create_index("ix_company_domain_company_id", "company_domain", ["company_id"])
    op.create_table(
        "custom_field_department",
        sa.Column("field_id", ID, nullable=False),
        sa.Column("department_id", ID, nullable=False),
        sa.PrimaryKeyConstraint("field_id", "department_id", name="pk_custom_field_department"),
        sa.ForeignKeyConstraint(["field_id"], ["custom_field.id"], name="fk_custom_field_department_field_id"),
        sa.ForeignKeyConstraint(["department_id"], ["department.id"], name="fk_custom_field_department_department_id"),
    )
    op.create_table(
        "custom_option",
        sa.Column("id", ID, sa.Identity(), nullable=False),
        sa.Column("field_id", ID, nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("words", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_custom_option"),
        sa.ForeignKeyConstraint(["field_id"], ["custom_field.id"], name="fk_custom_option_field_id"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_custom_option_field_id", "custom_option", ["field_id"])
    op.create_table(
        "department_guest",
        sa.Column("id", ID, sa.Identity(), nullable=False),
        sa.Column("department_id", ID, nullable=False),
        sa.Column("person_id", ID, nullable=True),
        sa.Column("company_id", ID, nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_department_guest"),
        sa.ForeignKeyConstraint(["department_id"], ["department.id"], name="fk_department_guest_department_id"),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name="fk_department_guest_person_id"),
        sa.ForeignKeyConstraint(["company_id"], ["company.id"], name="fk_department_guest_company_id"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_department_guest_department_id", "department_guest", ["department_id"])
    op.create_table(
        "login",
        sa.Column("person_id", ID, nullable=False),
        sa.Column("username", sa.Text(), nullable=False),
        sa.Column("username_key", sa.Text(), nullable=False),
        sa.Column("password_hash", sa.Text(), nullable=False, server_default=""),
        sa.Column("password_at", TIME, nullable=True),
        sa.Column("totp_seed", sa.Text(), nullable=False, server_default=""),
        sa.Column("totp_step", sa.Integer(), nullable=False, server_default="0"),
        sa.Column("last_at", TIME, nullable=True),
        sa.Column("last_address", sa.Text(), nullable=False, server_default=""),
        sa.PrimaryKeyConstraint("person_id", name="pk_login"),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name="fk_login_person_id"),
        sa.UniqueConstraint("username_key", name="uq_login_username_key"),
    )
    op.create_table(
        "profile",
        sa.Column("person_id", ID, nullable=False),
        sa.Column("given_name", sa.Text(), nullable=False, server_default=""),
        sa.Column("family_name", sa.Text(), nullable=False, server_default=""),
        sa.Column("company_id", ID, nullable=True),
        sa.Column("division_id", ID, nullable=True),
        sa.Column("manages", sa.Boolean(), nullable=False, server_default=sa.false()),
        sa.Column("phone", sa.Text(), nullable=False, server_default=""),
        sa.Column("location", sa.Text(), nullable=False, server_default=""),
        sa.Column("notes", sa.Text(), nullable=False, server_default=""),
        sa.Column("greeting", sa.Text(), nullable=False, server_default=""),
        sa.Column("signature", sa.Text(), nullable=False, server_default=""),
        sa.Column("out_of_office", sa.Boolean(), nullable=False, server_default=sa.false()),
        sa.PrimaryKeyConstraint("person_id", name="pk_profile"),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name="fk_profile_person_id"),
        sa.ForeignKeyConstraint(["company_id"], ["company.id"], name="fk_profile_company_id"),
        sa.ForeignKeyConstraint(["division_id"], ["division.id"], name="fk_profile_division_id"),
    )
    op.create_index("ix_profile_company_id_person_id", "profile", ["company_id", "person_id"])
    op.create_index("ix_profile_division_id_person_id", "profile", ["division_id", "person_id"])
    op.create_table(
        "session",
        sa.Column("token_sha256", sa.Text(), nullable=False),
        sa.Column("person_id", ID, nullable=False),
        sa.Column("csrf", sa.Text(), nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("seen_at", TIME, nullable=False),
        sa.Column("expires_at", TIME, nullable=False),
        sa.PrimaryKeyConstraint("token_sha256", name="pk_session"),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name="fk_session_person_id"),
    )
    op.create_index("ix_session_expires_at", "session", ["expires_at"])
    op.create_index("ix_session_person_id", "session", ["person_id"])
    op.create_table(
        "article_tag",
        sa.Column("article_id", ID, nullable=False),
        sa.Column("tag", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("article_id", "tag", name="pk_article_tag"),
        sa.ForeignKeyConstraint(["article_id"], ["article.id"], name="fk_article_tag_article_id"),
    )
    op.create_index("ix_article_tag_tag", "article_tag", ["tag"])
    op.create_table(
        "asset_log",
        sa.Column("id", ID, sa.Identity(), nullable=False),
        sa.Column("asset_id", ID, nullable=False),
        sa.Column("at", TIME, nullable=False),
        sa.Column("actor_id", ID, nullable=True),
        sa.Column("words", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_asset_log"),
        sa.ForeignKeyConstraint(["asset_id"], ["asset.id"], name="fk_asset_log_asset_id"),
        sa.ForeignKeyConstraint(["actor_id"], ["person.id"], name="fk_asset_log_actor_id"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_asset_log_asset_id", "asset_log", ["asset_id"])
    op.create_table(
        "asset_person",
        sa.Column("asset_id", ID, nullable=False),
        sa.Column("person_id", ID, nullable=False),
        sa.PrimaryKeyConstraint("asset_id", "person_id", name="pk_asset_person"),
        sa.ForeignKeyConstraint(["asset_id"], ["asset.id"], name="fk_asset_person_asset_id"),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name="fk_asset_person_person_id"),
    )
    op.create_index("ix_asset_person_person_id", "asset_person", ["person_id"])
    op.create_table(
        "asset_ticket",
        sa.Column("asset_id", ID, nullable=False),
        sa.Column("ticket_id", ID, nullable=False),
        sa.PrimaryKeyConstraint("asset_id", "ticket_id", name="pk_asset_ticket"),
        sa.ForeignKeyConstraint(["asset_id"], ["asset.id"], name="fk_asset_ticket_asset_id"),
        sa.ForeignKeyConstraint(["ticket_id"], ["ticket.id"], name="fk_asset_ticket_ticket_id"),
    )
    op.create_index("ix_asset_ticket_ticket_id", "asset_ticket", ["ticket_id"])
    op.create_table(
        "custom_value",
        sa.Column("field_id", ID, nullable=False),
        sa.Column("owner_id", ID, nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.Column("option_id", ID, nullable=True),
        sa.PrimaryKeyConstraint("field_id", "owner_id", name="pk_custom_value"),
        sa.ForeignKeyConstraint(["field_id"], ["custom_field.id"], name="fk_custom_value_field_id"),
        sa.ForeignKeyConstraint(["option_id"], ["custom_option.id"], name="fk_custom_value_option_id"),
    )
    op.create_table(
        "time_entry",
        sa.Column("id", ID, sa.Identity(), nullable=False),
        sa.Column("ticket_id", ID, nullable=False),
        sa.Column("person_id", ID, nullable=True),
        sa.Column("seconds", sa.Integer(), nullable=False),
        sa.Column("note", sa.Text(), nullable=False, server_default=""),
        sa.Column("at", TIME, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_time_entry"),
        sa.ForeignKeyConstraint(["ticket_id"], ["ticket.id"], name="fk_time_entry_ticket_id"),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name="fk_time_entry_person_id"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_time_entry_ticket_id", "time_entry", ["ticket_id"])


def _columns() -> None:
    for column in (
        sa.Column("description", sa.Text(), nullable=False, server_default=""),
        sa.Column("section_id", ID, nullable=True),
        sa.Column("position", sa.Integer(), nullable=False, server_default="0"),
        sa.Column("staff_only", sa.Boolean(), nullable=False, server_default=sa.false()),
        sa.Column("removed_at", TIME, nullable=True),
    ):
        op.add_column("department", column)
    for column in (
        sa.Column("removed_at", TIME, nullable=True),
        sa.Column("wants_mail", sa.Boolean(), nullable=False, server_default=sa.true()),
        sa.Column("merged_into", ID, nullable=True),
    ):
        op.add_column("person", column)
    op.create_index("ix_person_merged_into", "person", ["merged_into"])
    op.create_index("ix_person_kind_id", "person", ["kind", "id"])
    op.create_index("ix_person_disabled_at_id", "person", ["disabled_at", "id"])
    for column in (
        sa.Column("origin", sa.Text(), nullable=False, server_default="email"),
        sa.Column("opened_by_id", ID, nullable=True),
        sa.Column("started_at", TIME, nullable=True),
        sa.Column("due_at", TIME, nullable=True),
        sa.Column("replies", sa.Integer(), nullable=False, server_default="0"),
        sa.Column("last_side", sa.Text(), nullable=False, server_default=""),
        sa.Column("last_author_id", ID, nullable=True),
        sa.Column("seconds_spent", sa.Integer(), nullable=False, server_default="0"),
        sa.Column("removed_at", TIME, nullable=True),
    ):
        op.add_column("ticket", column)
    for name in ("assignee_id", "requester_id"):  # pages of theirs, the newest first
        op.drop_index(f"ix_ticket_{name}", "ticket")
        op.create_index(f"ix_ticket_{name}_id", "ticket", [name, "id"])
    op.create_index("ix_ticket_state_id", "ticket", ["state", "id"])
    op.create_index("ix_ticket_department_id_id", "ticket", ["department_id", "id"])
    with op.batch_alter_table("attachment", recreate="auto", table_kwargs={"sqlite_autoincrement": True}) as batch:
        batch.alter_column("message_id", existing_type=ID, nullable=True)
        batch.add_column(sa.Column("article_id", ID, nullable=True))
        batch.add_column(sa.Column("asset_id", ID, nullable=True))
        batch.create_foreign_key("fk_attachment_article_id", "article", ["article_id"], ["id"])
        batch.create_foreign_key("fk_attachment_asset_id", "asset", ["asset_id"], ["id"])
        batch.create_index("ix_attachment_article_id", ["article_id"])
        batch.create_index("ix_attachment_asset_id", ["asset_id"])


# What the new columns and counters say of the tickets that are there.
_FILL = (
    """
    UPDATE ticket SET replies = (
        SELECT max(count(*) - 1, 0) FROM message WHERE message.ticket_id = ticket.id AND message.visibility = 'public'
    )
    """,
    """
    UPDATE ticket SET started_at = (
        SELECT min(history.at) FROM history WHERE history.ticket_id = ticket.id AND history.kind = 'staff-replied'
    )
    """,
    """
    UPDATE ticket SET last_author_id = (
        SELECT history.actor_id FROM history
        WHERE history.ticket_id = ticket.id AND history.kind IN ('opened', 'customer-replied', 'staff-replied')
        ORDER BY history.id DESC LIMIT 1
    ), last_side = coalesce((
        SELECT CASE history.kind WHEN 'staff-replied' THEN 'staff' ELSE 'customer' END FROM history
        WHERE history.ticket_id = ticket.id AND history.kind IN ('opened', 'customer-replied', 'staff-replied')
        ORDER BY history.id DESC LIMIT 1
    ), '')
    """,
    """
    INSERT INTO counter (name, shard, n)
    SELECT 'ticket:' || department_id || ':' || state, 0, count(*) FROM ticket GROUP BY department_id, state
    """,
    "INSERT INTO counter (name, shard, n) SELECT 'customers', 0, count(*) FROM person WHERE customer_no IS NOT NULL",
    "INSERT INTO tag (name) SELECT DISTINCT tag FROM ticket_tag ORDER BY tag",
    "UPDATE department SET position = id",
)


def upgrade() -> None:
    _tables()
    _columns()
    for statement in _FILL:
        op.execute(
            statement.replace("max(", "greatest(", 1) if op.get_bind().dialect.name == "postgresql" else statement
        )


def downgrade() -> None:
    raise NotImplementedError("the way back is a snapshot: docs/store.md")
