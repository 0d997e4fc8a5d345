"""What abuse leaves behind: who is not written to, what is held, what stays unsent."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    # spam: what is held for somebody to look at
    op.add_column("arrival", sa.Column("held", sa.Text(), nullable=True))
    is_held = sa.text("held IS NOT NULL")
    op.create_index("ix_arrival_held", "arrival", ["id"], sqlite_where=is_held, postgresql_where=is_held)


def downgrade() -> None:
    raise NotImplementedError("the way back is a snapshot: docs/store.md")
