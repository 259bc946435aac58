"""Links in mails that are good once."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from unicare.web.accounts.secret_tokens import LinkTokens, hash_token
from unicare.web.database.tables import OneTimePurpose, OneTimeToken, User

__all__ = ["find_link", "make_link", "void_links", "whose_link"]


def make_link(
    session: Session,
    links: LinkTokens,
    user_id: int,
    purpose: OneTimePurpose,
    *,
    lifetime: timedelta,
    now: datetime,
) -> str:
    """Makes a new link; those before it are void.

    Returns:
        The nonce of its token, for the outbox.
    """
    void_links(session, user_id, purpose, now)
    nonce = links.new_nonce()
    session.add(
        OneTimeToken(
            purpose=purpose,
            token_hash=links.hash_of(nonce),
            user_id=user_id,
            created_at=now,
            expires_at=now + lifetime,
        )
    )
    return nonce


def find_link(session: Session, token: str, purpose: OneTimePurpose, now: datetime) -> OneTimeToken | None:
    """The link of a token, unless it is void."""
    return session.scalar(
        select(OneTimeToken).where(
            OneTimeToken.token_hash == hash_token(token),
            OneTimeToken.purpose == purpose,
            OneTimeToken.used_at.is_(None),
            OneTimeToken.expires_at > now,
        )
    )


def whose_link(session: Session, token: str, purpose: OneTimePurpose, now: datetime) -> str | None:
    """The address that a link was sent to; None if it is void."""
    found = find_link(session, token, purpose, now)
    return None if found is None else session.get_one(User, found.user_id).email


def void_links(session: Session, user_id: int, purpose: OneTimePurpose, now: datetime) -> None:
    """Makes all links of a person void."""
    session.execute(
        update(OneTimeToken)
        .where(
            OneTimeToken.user_id == user_id,
            OneTimeToken.purpose == purpose,
            OneTimeToken.used_at.is_(None),
        )
        .values(used_at=now)
    )
