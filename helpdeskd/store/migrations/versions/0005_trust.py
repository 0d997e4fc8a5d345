"""What abuse leaves behind: who is not written to, what is held, what stays unsent."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    # Accounts: recovery codes.
    op.create_table(
        "recovery_code",
        sa.Column("person_id", ID, nullable=False),
        sa.Column("code_sha256", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("person_id", "code_sha256", name="pk_recovery_code"),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name="fk_recovery_code_person_id"),
    )


def downgrade() -> None:
    raise NotImplementedError("the way back is a snapshot: docs/store.md")
