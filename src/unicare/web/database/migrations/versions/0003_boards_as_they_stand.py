"""Boards as they stand and stood, and the organisers' own runs on them."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision: str = "0003"
down_revision: str | None = "0002"
branch_labels: str | None = None
depends_on: str | None = None

_MOMENT = sa.DateTime(timezone=True)
_JSON = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")


def upgrade() -> None:
    """To boards that workers rank and the site shows."""
    op.create_table(
        "board_states",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("board", sa.String(length=40), nullable=False),
        sa.Column("runs", sa.String(length=64), nullable=False),
        sa.Column("rules", sa.String(length=64), nullable=False),
        sa.Column("as_of", _MOMENT, nullable=False),
        sa.Column("content", _JSON, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_board_states")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_board_states_board"), "board_states", ["board"], unique=False)
    op.create_table(
        "board_turns",
        sa.Column("board", sa.String(length=40), nullable=False),
        sa.Column("owner", sa.String(length=100), nullable=True),
        sa.Column("not_before", _MOMENT, nullable=False),
        sa.Column("problem", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("board", name=op.f("pk_board_turns")),
    )
    op.create_table(
        "board_points",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("board", sa.String(length=40), nullable=False),
        sa.Column("ranked_by", sa.String(length=80), nullable=False),
        sa.Column("part", sa.Text(), nullable=False),
        sa.Column("team_id", sa.Integer(), nullable=False),
        sa.Column("at", _MOMENT, nullable=False),
        sa.Column("score", sa.Double(), nullable=True),
        sa.Column("place", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(["team_id"], ["teams.id"], name=op.f("fk_board_points_team_id_teams")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_board_points")),
    )
    op.create_index(
        op.f("ix_board_points_board_ranked_by_at"),
        "board_points",
        ["board", "ranked_by", "at"],
        unique=False,
    )
    op.create_table(
        "baseline_runs",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=300), nullable=False),
        sa.Column("task", sa.String(length=40), nullable=False),
        sa.Column("phase", sa.String(length=40), nullable=False),
        sa.Column("fingerprint", sa.String(length=64), nullable=False),
        sa.Column("definition_version", sa.String(length=40), nullable=False),
        sa.Column("evaluated_at", _MOMENT, nullable=False),
        sa.Column("rows_key", sa.String(length=300), nullable=True),
        sa.Column("problem", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_baseline_runs")),
        sa.UniqueConstraint(
            "name", "task", "phase", "fingerprint", name=op.f("uq_baseline_runs_name_task_phase_fingerprint")
        ),
    )
