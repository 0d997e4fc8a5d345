"""What abuse leaves behind: who is not written to, what is held, what stays unsent."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"

TIME = sa.BigInteger().with_variant(sa.DateTime(timezone=True), "postgresql")  # SQLite: microseconds since 1970, UTC


def upgrade() -> None:
    # Ceilings on automatic mail. Whoever is there already is known.
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
