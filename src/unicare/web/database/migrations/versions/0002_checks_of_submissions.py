"""Checks of submissions: what came of them, and which worker has them."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision: str = "0002"
down_revision: str | None = "0001"
branch_labels: str | None = None
depends_on: str | None = None

_MOMENT = sa.DateTime(timezone=True)
_JSON = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")


def upgrade() -> None:
    """To submissions that workers check, and attempts that are counted apart from their failures."""
    for column in (
        sa.Column("report", _JSON, nullable=True),
        sa.Column("private_error", sa.Text(), nullable=True),
        sa.Column("checked_at", _MOMENT, nullable=True),
        sa.Column("attempt", sa.Integer(), server_default="0", nullable=False),
        sa.Column("failures", sa.Integer(), server_default="0", nullable=False),
        sa.Column("lease_owner", sa.String(length=100), nullable=True),
        sa.Column("lease_expires_at", _MOMENT, nullable=True),
    ):
        op.add_column("submissions", column)
    op.add_column("evaluations", sa.Column("failures", sa.Integer(), server_default="0", nullable=False))
