"""A team, as its members see it, and invitations."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import exists, select
from sqlalchemy.orm import Session

from unicare.web.accounts.rules import AccountRules
from unicare.web.accounts.teams import list_members
from unicare.web.database.tables import Invitation, Submission, Team, User
from unicare.web.facts.base import Facts

__all__ = [
    "InvitationFacts",
    "MemberFacts",
    "SentInvitationFacts",
    "TeamFacts",
    "invitation_facts",
    "sent_facts",
    "team_facts",
]


class MemberFacts(Facts):
    """Somebody in a team.

    Attributes:
        user_id: of the account.
        name: for people.
        affiliation: for people.
        is_captain: whether the person invites others and lets them go.
        joined_at: when.
    """

    user_id: int
    name: str
    affiliation: str
    is_captain: bool
    joined_at: datetime


class TeamFacts(Facts):
    """A team.

    Attributes:
        id: number.
        name: as boards show it.
        founded_at: when.
        members: longest first.
        largest: persons that it may have; null for any number.
        has_runs: whether it handed something in; then its people stay together.
        disqualified_at: since when it is off the boards; null if it isn't.
        disqualified_reason: why.
    """

    id: int
    name: str
    founded_at: datetime
    members: tuple[MemberFacts, ...]
    largest: int | None
    has_runs: bool
    disqualified_at: datetime | None
    disqualified_reason: str


class SentInvitationFacts(Facts):
    """An open invitation, for the team that sent it.

    Attributes:
        id: by which it is withdrawn.
        email: to whom.
        sent_at: when.
        expires_at: from when on it is void.
    """

    id: int
    email: str
    sent_at: datetime
    expires_at: datetime


class InvitationFacts(Facts):
    """An open invitation, for whoever is invited.

    Attributes:
        id: by which it is accepted or declined.
        team: its name.
        invited_by: name of the person.
        sent_at: when.
        expires_at: from when on it is void.
    """

    id: int
    team: str
    invited_by: str
    sent_at: datetime
    expires_at: datetime


def team_facts(session: Session, rules: AccountRules, team_id: int) -> TeamFacts:
    """A team, for its own people."""
    team = session.get_one(Team, team_id)
    return TeamFacts(
        id=team.id,
        name=team.name,
        founded_at=team.created_at,
        members=tuple(
            MemberFacts(
                user_id=user.id,
                name=user.name,
                affiliation=user.affiliation,
                is_captain=membership.is_captain,
                joined_at=membership.joined_at,
            )
            for user, membership in list_members(session, team_id)
        ),
        largest=rules.largest_team,
        has_runs=bool(session.scalar(select(exists().where(Submission.team_id == team_id)))),
        disqualified_at=team.disqualified_at,
        disqualified_reason=team.disqualified_reason,
    )


def sent_facts(invitations: Iterable[Invitation]) -> tuple[SentInvitationFacts, ...]:
    """A team's open invitations."""
    return tuple(
        SentInvitationFacts(id=one.id, email=one.email, sent_at=one.created_at, expires_at=one.expires_at)
        for one in invitations
    )


def invitation_facts(session: Session, invitation: Invitation) -> InvitationFacts:
    """An invitation, for whoever is invited."""
    return InvitationFacts(
        id=invitation.id,
        team=session.get_one(Team, invitation.team_id).name,
        invited_by=session.get_one(User, invitation.created_by).name,
        sent_at=invitation.created_at,
        expires_at=invitation.expires_at,
    )
