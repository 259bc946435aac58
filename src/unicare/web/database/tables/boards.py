"""Boards as they stood when they were frozen."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from unicare.web.database.base import JSON_TYPE, Base

__all__ = ["BoardSnapshot"]


class BoardSnapshot(Base):
    """A frozen board; a later correction is a new one, the old ones stay.

    Attributes:
        id: number of the row.
        board: as in challenge.yaml.
        number: 1 for the first, 2 for the first correction …
        frozen_at: when.
        frozen_by: the organiser; None if the date did it.
        content: all that is needed to show it.
    """

    __tablename__ = "board_snapshots"
    __table_args__ = (UniqueConstraint("board", "number"),)

    id: Mapped[int] = mapped_column(primary_key=True, init=False)
    board: Mapped[str] = mapped_column(String(40))
    number: Mapped[int]
    frozen_at: Mapped[datetime]
    frozen_by: Mapped[int | None] = mapped_column(ForeignKey("users.id"))
    content: Mapped[dict[str, Any]] = mapped_column(JSON_TYPE)
