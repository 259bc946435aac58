"""Since when nobody was seen who can deal with a kind of submissions."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.orm import Mapped, mapped_column

from unicare.web.database.base import Base, one_of
from unicare.web.database.tables.submissions import SubmissionKind

__all__ = ["WorkerWatch"]


class WorkerWatch(Base):
    """Whether there is a worker for a kind of submissions.

    Attributes:
        kind: of submissions.
        seen_at: when such a worker was seen last, or when somebody began to look for one.
        looked_at: when somebody looked last.
    """

    __tablename__ = "worker_watches"

    kind: Mapped[SubmissionKind] = mapped_column(one_of("kind", "predictions", "container"), primary_key=True)
    seen_at: Mapped[datetime]
    looked_at: Mapped[datetime]
