"""News of the organisers."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from unicare.web.database.base import Base

__all__ = ["Announcement"]


class Announcement(Base):
    """News that an organiser wrote on the site; those of challenge.yaml aren't here.

    Attributes:
        id: number.
        title: one line.
        text: Markdown.
        author_id: the organiser.
        published_at: from when on it is shown.
        withdrawn_at: since when it isn't.
    """

    __tablename__ = "announcements"

    id: Mapped[int] = mapped_column(primary_key=True, init=False)
    title: Mapped[str] = mapped_column(String(300))
    text: Mapped[str] = mapped_column(Text)
    author_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    published_at: Mapped[datetime]
    withdrawn_at: Mapped[datetime | None] = mapped_column(default=None)
