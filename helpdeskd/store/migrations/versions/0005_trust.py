"""What abuse leaves behind: who is not written to, what is held, what stays unsent."""

from __future__ import annotations

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    pass


def downgrade() -> None:
    raise NotImplementedError("the way back is a snapshot: docs/store.md")
