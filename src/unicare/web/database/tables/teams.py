"""Teams, who is in them, and who was asked to be."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, Index, String, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from unicare.web.database.base import Base

__all__ = ["Invitation", "Membership", "Team"]


class Team(Base):
    """A team. Never deleted, as its runs stay on boards.

    Attributes:
        id: number.
        name: as shown.
        name_key: the same without differences of case and form; unique.
        created_at: when it was founded.
        dissolved_at: when the last person left; the name is free again then.
        disqualified_at: since when it is off the boards.
        disqualified_reason: why.
    """

    __tablename__ = "teams"

    id: Mapped[int] = mapped_column(primary_key=True, init=False)
    name: Mapped[str] = mapped_column(String(100))
    name_key: Mapped[str] = mapped_column(String(400), unique=True)
    created_at: Mapped[datetime]
    dissolved_at: Mapped[datetime | None] = mapped_column(default=None)
    disqualified_at: Mapped[datetime | None] = mapped_column(default=None)
    disqualified_reason: Mapped[str] = mapped_column(Text, default="")


class Membership(Base):
    """That a person is in a team: in one at most, and each team has one captain at most.

    Attributes:
        user_id: the person; primary key, hence one team.
        team_id: the team.
        is_captain: whether the person invites others and lets them go.
        joined_at: when.
    """

    __tablename__ = "memberships"
    __table_args__ = (
        Index(
            "uq_memberships_captain",
            "team_id",
            unique=True,
            sqlite_where=text("is_captain"),
            postgresql_where=text("is_captain"),
        ),
    )

    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"), primary_key=True)
    team_id: Mapped[int] = mapped_column(ForeignKey("teams.id"), index=True)
    is_captain: Mapped[bool]
    joined_at: Mapped[datetime]


class Invitation(Base):
    """That a team asked somebody to join.

    Attributes:
        id: number.
        team_id: the team.
        email: to whom it was sent.
        email_key: the same in lower case.
        token_hash: of the link's token.
        created_by: who asked.
        created_at: when.
        expires_at: from when on it is void.
        accepted_at: None while it is open.
        accepted_by: who joined by it.
        withdrawn_at: when the team thought better of it, or the person refused.
    """

    __tablename__ = "invitations"

    id: Mapped[int] = mapped_column(primary_key=True, init=False)
    team_id: Mapped[int] = mapped_column(ForeignKey("teams.id"), index=True)
    email: Mapped[str] = mapped_column(String(254))
    email_key: Mapped[str] = mapped_column(String(254), index=True)
    token_hash: Mapped[str] = mapped_column(String(64), unique=True, repr=False)
    created_by: Mapped[int] = mapped_column(ForeignKey("users.id"))
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    accepted_at: Mapped[datetime | None] = mapped_column(default=None)
    accepted_by: Mapped[int | None] = mapped_column(ForeignKey("users.id"), default=None)
    withdrawn_at: Mapped[datetime | None] = mapped_column(default=None)
