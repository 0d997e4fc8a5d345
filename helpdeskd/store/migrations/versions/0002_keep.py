"""What was let go, and when: raw mails, automatic messages, the bytes of mails that went out.

Columns are added, not tables rebuilt: that costs nothing, however large the store.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

TIME = sa.BigInteger().with_variant(sa.DateTime(timezone=True), "postgresql")  # SQLite: microseconds since 1970, UTC


def upgrade() -> None:
    op.add_column("arrival", sa.Column("raw_gone_at", TIME, nullable=True))
    op.add_column("arrival", sa.Column("raw_gone_by", sa.Text(), nullable=True))
    op.add_column("message", sa.Column("gone_at", TIME, nullable=True))
    op.add_column("outbox", sa.Column("raw_gone_at", TIME, nullable=True))


def downgrade() -> None:
    raise NotImplementedError("the way back is a snapshot: docs/store.md")
