"""What abuse leaves behind: who is not written to, what is held, what stays unsent."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"

TIME = sa.BigInteger().with_variant(sa.DateTime(timezone=True), "postgresql")  # SQLite: microseconds since 1970, UTC


def upgrade() -> None:
    _files()


def _files() -> None:
    """What files are, and what departments do with dangerous ones and with many and large ones."""
    op.add_column("department", sa.Column("files", sa.Text(), nullable=False, server_default="refuse"))
    op.add_column("department", sa.Column("max_files", sa.Integer(), nullable=True))
    op.add_column("department", sa.Column("max_file_mb", sa.Integer(), nullable=True))
    op.add_column("attachment", sa.Column("found_type", sa.Text(), nullable=True))
    op.add_column("attachment", sa.Column("danger", sa.Text(), nullable=True))
    op.add_column("attachment", sa.Column("released_at", TIME, nullable=True))


def downgrade() -> None:
    raise NotImplementedError("the way back is a snapshot: docs/store.md")
