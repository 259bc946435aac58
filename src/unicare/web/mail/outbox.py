"""Putting mail into the outbox."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.orm import Session

from unicare.web.database.tables import OutboxMail
from unicare.web.mail.letter import TOKEN, Letter

__all__ = ["enqueue"]


def enqueue(
    session: Session, recipient: str, letter: Letter, *, now: datetime, token_nonce: str | None = None
) -> None:
    """Writes a mail, to be sent once the transaction is done, and only then.

    Args:
        session: of the transaction that is the mail's reason.
        recipient: address.
        letter: what it says.
        now: when.
        token_nonce: what the token in the letter is derived from when it is sent; the database never has it.

    Raises:
        ValueError: a letter with a place for a token comes without one, or the other way round.
    """
    if (TOKEN in letter.body) != (token_nonce is not None):
        raise ValueError("expected a nonce for a letter with a place for a token, and for no other")
    session.add(
        OutboxMail(
            recipient=recipient,
            subject=letter.subject,
            body=letter.body,
            created_at=now,
            due_at=now,
            token_nonce=token_nonce,
        )
    )
