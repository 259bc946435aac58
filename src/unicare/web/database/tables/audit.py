"""Who did what; rows are added and never changed."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from unicare.web.database.base import JSON_TYPE, Base

__all__ = ["AuditEntry"]


class AuditEntry(Base):
    """Something that somebody did. Triggers of the database refuse to change or delete it.

    Attributes:
        id: number, in the order of writing.
        at: when.
        action: what, as ``noun.verb``.
        actor_id: by whom; None for the site itself and for people who aren't logged in.
        subject: to what, as ``noun:id``.
        address: from where.
        details: whatever explains it; never a secret.
    """

    __tablename__ = "audit_log"
    __table_args__ = (Index(None, "subject", "id"), {"sqlite_autoincrement": True})

    id: Mapped[int] = mapped_column(primary_key=True, init=False)
    at: Mapped[datetime] = mapped_column(index=True)
    action: Mapped[str] = mapped_column(String(60), index=True)
    actor_id: Mapped[int | None] = mapped_column(ForeignKey("users.id"), index=True)
    subject: Mapped[str] = mapped_column(String(100))
    address: Mapped[str] = mapped_column(String(45))
    details: Mapped[dict[str, Any]] = mapped_column(JSON_TYPE)
