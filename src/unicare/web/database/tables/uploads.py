"""Uploads under way: whose they are; the bytes lie in a folder."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import BigInteger, ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column

from unicare.web.database.base import Base

__all__ = ["Upload"]


class Upload(Base):
    """An upload, under way or whole.

    Attributes:
        id: as in the folder of uploads.
        team_id: whose.
        user_id: by whom.
        name: of the file, as the team calls it; not safe as a path.
        total_bytes: announced length.
        created_at: when it was announced.
        finished_at: when it was whole.
        discarded_at: when it was thrown away.
    """

    __tablename__ = "uploads"

    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    team_id: Mapped[int] = mapped_column(ForeignKey("teams.id"), index=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"), index=True)
    name: Mapped[str] = mapped_column(String(300))
    total_bytes: Mapped[int] = mapped_column(BigInteger)
    created_at: Mapped[datetime]
    finished_at: Mapped[datetime | None] = mapped_column(default=None)
    discarded_at: Mapped[datetime | None] = mapped_column(default=None)
