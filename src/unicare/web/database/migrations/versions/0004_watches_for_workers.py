"""Since when nobody was seen who can deal with a kind of submissions."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision: str = "0004"
down_revision: str | None = "0003"
branch_labels: str | None = None
depends_on: str | None = None

_MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    """To a site that knows whether anybody runs containers."""
    op.create_table(
        "worker_watches",
        sa.Column(
            "kind",
            sa.Enum(
                "predictions", "container", name="kind", native_enum=False, create_constraint=True, length=20
            ),
            nullable=False,
        ),
        sa.Column("seen_at", _MOMENT, nullable=False),
        sa.Column("looked_at", _MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("kind", name=op.f("pk_worker_watches")),
    )
