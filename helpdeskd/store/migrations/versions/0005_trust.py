"""What abuse leaves behind: who is not written to, what is held, what stays unsent."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")  # AUTOINCREMENT wants the word INTEGER
TIME = sa.BigInteger().with_variant(sa.DateTime(timezone=True), "postgresql")  # SQLite: microseconds since 1970, UTC


def upgrade() -> None:
    _accounts()
    _user_names()
    _mutes()
    _files()
    _spam()
    _ceilings()


def _accounts() -> None:
    """Recovery codes."""
    op.create_table(
        "recovery_code",
        sa.Column("person_id", ID, nullable=False),
        sa.Column("code_sha256", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("person_id", "code_sha256", name="pk_recovery_code"),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name="fk_recovery_code_person_id"),
    )


def _user_names() -> None:
    """Those that are addresses are keyed as addresses are, not casefolded."""
    bind = op.get_bind()
    for person_id, username in bind.execute(sa.text("SELECT person_id, username FROM login")).all():
        if "@" in username and username.lower() != username.casefold():
            bind.execute(
                sa.text("UPDATE login SET username_key = :key WHERE person_id = :person_id"),
                {"key": username.lower(), "person_id": person_id},
            )


def _mutes() -> None:
    """Addresses that mail does not reach."""
    for name in ("unreached_at", "muted_at"):
        op.add_column("person", sa.Column(name, TIME, nullable=True))
    muted = sa.text("muted_at IS NOT NULL")
    op.create_index("ix_person_muted_at", "person", ["muted_at"], sqlite_where=muted, postgresql_where=muted)
    op.create_table(
        "unreached",
        sa.Column("outbox_id", ID, nullable=False, autoincrement=False),
        sa.Column("person_id", ID, nullable=False),
        sa.Column("at", TIME, nullable=False),
        sa.PrimaryKeyConstraint("outbox_id", name="pk_unreached"),
        sa.ForeignKeyConstraint(["outbox_id"], ["outbox.id"], name="fk_unreached_outbox_id"),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name="fk_unreached_person_id"),
    )
    op.create_index("ix_unreached_person_id", "unreached", ["person_id"])
    op.create_table(
        "mute",
        sa.Column("id", ID, sa.Identity(), nullable=False),
        sa.Column("person_id", ID, nullable=False),
        sa.Column("at", TIME, nullable=False),
        sa.Column("muted", sa.Boolean(), nullable=False),
        sa.Column("actor_id", ID, nullable=True),
        sa.Column("why", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_mute"),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name="fk_mute_person_id"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_mute_person_id", "mute", ["person_id"])


def _files() -> None:
    """What files are, and what departments do with dangerous ones and with many and large ones."""
    op.add_column("department", sa.Column("files", sa.Text(), nullable=False, server_default="refuse"))
    op.add_column("department", sa.Column("max_files", sa.Integer(), nullable=True))
    op.add_column("department", sa.Column("max_file_mb", sa.Integer(), nullable=True))
    op.add_column("attachment", sa.Column("found_type", sa.Text(), nullable=True))
    op.add_column("attachment", sa.Column("danger", sa.Text(), nullable=True))
    op.add_column("attachment", sa.Column("released_at", TIME, nullable=True))


def _spam() -> None:
    """What is held for somebody to look at."""
    op.add_column("arrival", sa.Column("held", sa.Text(), nullable=True))
    is_held = sa.text("held IS NOT NULL")
    op.create_index("ix_arrival_held", "arrival", ["id"], sqlite_where=is_held, postgresql_where=is_held)


def _ceilings() -> None:
    """Ceilings on automatic mail. Whoever is there already is known."""
    op.create_table(
        "ceiling",
        sa.Column("about", sa.Text(), nullable=False),
        sa.Column("at", TIME, nullable=False),
        sa.Column("shard", sa.Integer(), nullable=False),
        sa.Column("n", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("about", "at", "shard", name="pk_ceiling"),
        sqlite_with_rowid=False,
    )
    op.add_column("person", sa.Column("known_at", TIME, nullable=True))
    op.execute("UPDATE person SET known_at = created_at")


def downgrade() -> None:
    raise NotImplementedError("the way back is a snapshot: docs/store.md")
