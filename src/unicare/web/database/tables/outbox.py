"""Mail that is to be sent, and was."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Index, String, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from unicare.web.database.base import Base

__all__ = ["OutboxMail"]

_WAITING = text("sent_at IS NULL AND failed_at IS NULL")


class OutboxMail(Base):
    """A mail; written in the transaction that is its reason, sent by a worker afterwards.

    Attributes:
        id: number; part of the Message-ID, so that a mail sent twice can be known as one.
        recipient: address.
        subject: one line.
        body: plain text; where a token belongs it has a placeholder, as tokens aren't kept.
        token_nonce: what the token is derived from, with the site's secret; None if there is none.
        created_at: when.
        due_at: not to be sent before.
        attempts: how often sending was begun.
        lease_expires_at: until when a worker has it in hand.
        sent_at: when it went out.
        failed_at: when it was given up.
        last_error: of the last attempt.
    """

    __tablename__ = "outbox"
    __table_args__ = (Index("ix_outbox_waiting", "due_at", sqlite_where=_WAITING, postgresql_where=_WAITING),)

    id: Mapped[int] = mapped_column(primary_key=True, init=False)
    recipient: Mapped[str] = mapped_column(String(254))
    subject: Mapped[str] = mapped_column(String(300))
    body: Mapped[str] = mapped_column(Text)
    created_at: Mapped[datetime]
    due_at: Mapped[datetime]
    token_nonce: Mapped[str | None] = mapped_column(String(64), default=None, repr=False)
    attempts: Mapped[int] = mapped_column(default=0)
    lease_expires_at: Mapped[datetime | None] = mapped_column(default=None)
    sent_at: Mapped[datetime | None] = mapped_column(default=None)
    failed_at: Mapped[datetime | None] = mapped_column(default=None)
    last_error: Mapped[str] = mapped_column(Text, default="")
