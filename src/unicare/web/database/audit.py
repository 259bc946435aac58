"""Writing to the audit log."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from unicare.web.database.tables import AuditEntry

__all__ = ["record"]


def record(
    session: Session,
    action: str,
    subject: str,
    *,
    now: datetime,
    actor_id: int | None = None,
    address: str = "",
    **details: Any,
) -> None:
    """Adds a line to the audit log, in the transaction of what it tells about.

    Args:
        session: of that transaction.
        action: what was done, as ``noun.verb``.
        subject: to what, as ``noun:id``.
        now: when.
        actor_id: the person who did it; None for the site itself and people who aren't logged in.
        address: from where.
        details: JSON values; never passwords, tokens, or what lies in a submission.
    """
    session.add(
        AuditEntry(
            at=now, action=action, actor_id=actor_id, subject=subject, address=address[:45], details=details
        )
    )
