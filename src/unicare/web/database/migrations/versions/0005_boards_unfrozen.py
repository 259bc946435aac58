"""Boards that organisers freeze early can be unfrozen until their date."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision: str = "0005"
down_revision: str | None = "0004"
branch_labels: str | None = None
depends_on: str | None = None


def upgrade() -> None:
    """To snapshots that may have been lifted."""
    op.add_column("board_snapshots", sa.Column("lifted_at", sa.DateTime(timezone=True), nullable=True))
