"""What lets people in: sessions, API tokens, links in mails. Only hashes of tokens are kept."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from sqlalchemy import ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column

from unicare.web.database.base import Base, one_of

__all__ = ["ApiToken", "LoginSession", "OneTimePurpose", "OneTimeToken"]

OneTimePurpose = Literal["confirm", "reset"]


class LoginSession(Base):
    """A browser in which a person is logged in.

    Attributes:
        id: number.
        token_hash: of the cookie's token.
        user_id: who.
        created_at: when the person logged in.
        last_seen_at: of use, to some minutes.
        expires_at: from when on it is void, whatever happens.
        address: from where the person logged in.
        agent: the browser, as it calls itself.
    """

    __tablename__ = "login_sessions"

    id: Mapped[int] = mapped_column(primary_key=True, init=False)
    token_hash: Mapped[str] = mapped_column(String(64), unique=True, repr=False)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"), index=True)
    created_at: Mapped[datetime]
    last_seen_at: Mapped[datetime]
    expires_at: Mapped[datetime] = mapped_column(index=True)
    address: Mapped[str] = mapped_column(String(45))
    agent: Mapped[str] = mapped_column(String(200))


class ApiToken(Base):
    """A token by which a person's programs come in.

    Attributes:
        id: number.
        token_hash: of the token, which is shown once.
        user_id: whose.
        name: by which the person knows it again.
        created_at: when.
        last_used_at: to some minutes; None if never.
        revoked_at: since when it is void.
    """

    __tablename__ = "api_tokens"

    id: Mapped[int] = mapped_column(primary_key=True, init=False)
    token_hash: Mapped[str] = mapped_column(String(64), unique=True, repr=False)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"), index=True)
    name: Mapped[str] = mapped_column(String(100))
    created_at: Mapped[datetime]
    last_used_at: Mapped[datetime | None] = mapped_column(default=None)
    revoked_at: Mapped[datetime | None] = mapped_column(default=None)


class OneTimeToken(Base):
    """The token of a link in a mail: it confirms an address or sets a new password, once.

    Attributes:
        id: number.
        purpose: what it is good for.
        token_hash: of the link's token.
        user_id: for whom.
        created_at: when.
        expires_at: from when on it is void.
        used_at: when it was used, or made void by a newer one.
    """

    __tablename__ = "one_time_tokens"

    id: Mapped[int] = mapped_column(primary_key=True, init=False)
    purpose: Mapped[OneTimePurpose] = mapped_column(one_of("purpose", "confirm", "reset"))
    token_hash: Mapped[str] = mapped_column(String(64), unique=True, repr=False)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"), index=True)
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime] = mapped_column(index=True)
    used_at: Mapped[datetime | None] = mapped_column(default=None)
