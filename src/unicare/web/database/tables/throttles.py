"""How often something was tried."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import String
from sqlalchemy.orm import Mapped, mapped_column

from unicare.web.database.base import Base

__all__ = ["Throttle"]


class Throttle(Base):
    """How often something was tried in a window of time.

    Attributes:
        key: what, and a hash of by whom.
        window_start: when the window began.
        window_end: from when on it counts anew.
        count: tries since.
    """

    __tablename__ = "throttles"

    key: Mapped[str] = mapped_column(String(100), primary_key=True)
    window_start: Mapped[datetime]
    window_end: Mapped[datetime] = mapped_column(index=True)
    count: Mapped[int]
