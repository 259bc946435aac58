"""People, and whether they may take part."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from sqlalchemy import ForeignKey, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from unicare.web.database.base import Base, one_of

__all__ = ["Registration", "RegistrationStatus", "User"]

RegistrationStatus = Literal["pending", "approved", "rejected"]


class User(Base):
    """A person. Never deleted, as runs and the audit log name them; disabled instead.

    Attributes:
        id: number.
        email: as the person writes it.
        email_key: the same in lower case; unique.
        name: for people.
        affiliation: for people.
        password_hash: argon2id, with its parameters.
        created_at: of the first registration.
        email_confirmed_at: None until the link in the mail was followed.
        is_organiser: whether the person may do what organisers do.
        disabled_at: since when the person can't log in.
    """

    __tablename__ = "users"

    id: Mapped[int] = mapped_column(primary_key=True, init=False)
    email: Mapped[str] = mapped_column(String(254))
    email_key: Mapped[str] = mapped_column(String(254), unique=True)
    name: Mapped[str] = mapped_column(String(100))
    affiliation: Mapped[str] = mapped_column(String(200))
    password_hash: Mapped[str] = mapped_column(String(255), repr=False)
    created_at: Mapped[datetime]
    email_confirmed_at: Mapped[datetime | None] = mapped_column(default=None)
    is_organiser: Mapped[bool] = mapped_column(default=False)
    disabled_at: Mapped[datetime | None] = mapped_column(default=None)


class Registration(Base):
    """Whether a person may take part in the challenge.

    Attributes:
        user_id: who; one registration each.
        status: what the organisers said.
        created_at: when it was asked for.
        agreement_version: of the data-use agreement that the person accepted last.
        agreed_at: when.
        decided_by: the organiser; None where nobody had to.
        decided_at: when.
        reason: what the person is told.
    """

    __tablename__ = "registrations"

    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"), primary_key=True)
    status: Mapped[RegistrationStatus] = mapped_column(
        one_of("status", "pending", "approved", "rejected"), index=True
    )
    created_at: Mapped[datetime]
    agreement_version: Mapped[str | None] = mapped_column(String(64), default=None)
    agreed_at: Mapped[datetime | None] = mapped_column(default=None)
    decided_by: Mapped[int | None] = mapped_column(ForeignKey("users.id"), default=None)
    decided_at: Mapped[datetime | None] = mapped_column(default=None)
    reason: Mapped[str] = mapped_column(Text, default="")
