"""All teams: who is in them, what they handed in, how much of their quota that took."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import ColumnElement, Row, Select, func, select
from sqlalchemy.orm import Session

from unicare.web.accounts.refusals import AccountError, Reason
from unicare.web.challenge import Challenge
from unicare.web.database.tables import Membership, QuotaSlot, Submission, Team, User
from unicare.web.facts.base import Facts
from unicare.web.organise.paging import PagingFacts, page_of

__all__ = [
    "MemberRecord",
    "QuotaRecord",
    "TeamListed",
    "TeamRecord",
    "TeamState",
    "TeamsFacts",
    "list_teams",
    "read_team",
    "team_names",
]


class TeamState(StrEnum):
    """By what teams are looked for. ``active``: with people in them, and on the boards."""

    ACTIVE = "active"
    DISQUALIFIED = "disqualified"
    DISSOLVED = "dissolved"


class TeamListed(Facts):
    """A team in a list.

    Attributes:
        id: of the team.
        name: as shown.
        created_at: when it was founded.
        members: how many people are in it.
        submissions: how many it handed in, whatever became of them.
        last_submission_at: when the last one was; null if there is none.
        dissolved_at: when the last person left; null if somebody is in it.
        disqualified_at: since when it is off the boards; null if it isn't.
        disqualified_reason: why.
    """

    id: int
    name: str
    created_at: datetime
    members: int
    submissions: int
    last_submission_at: datetime | None
    dissolved_at: datetime | None
    disqualified_at: datetime | None
    disqualified_reason: str


class TeamsFacts(Facts):
    """A page of teams.

    Attributes:
        teams: by name.
        paging: which page this is.
    """

    teams: tuple[TeamListed, ...]
    paging: PagingFacts


class MemberRecord(Facts):
    """Somebody in a team.

    Attributes:
        id: of the user.
        name: for people.
        email: as the person writes it.
        captain: whether the person invites others and lets them go.
        joined_at: when.
        disabled: whether the person can't log in.
    """

    id: int
    name: str
    email: str
    captain: bool
    joined_at: datetime
    disabled: bool


class QuotaRecord(Facts):
    """What a team used of its evaluations for a task in a phase.

    Attributes:
        phase: name.
        task: name.
        used: counted, or under way.
        quota: how many there are.
    """

    phase: str
    task: str
    used: int
    quota: int


class TeamRecord(TeamListed):
    """A team.

    Attributes:
        people: who is in it, longest first.
        quotas: of all phases and tasks, in the challenge's order.
    """

    people: tuple[MemberRecord, ...]
    quotas: tuple[QuotaRecord, ...]


def list_teams(
    session: Session, *, search: str = "", state: TeamState | None = None, page: int = 1
) -> TeamsFacts:
    """A page of teams.

    Args:
        session: to read with.
        search: in names.
        state: only those; all if None.
        page: from 1.
    """
    wanted = _teams().order_by(Team.name_key, Team.id)
    if state is not None:
        wanted = wanted.where(_STATES[state])
    for word in search.replace("\0", " ").split():
        wanted = wanted.where(Team.name.icontains(word, autoescape=True))
    wanted, paging = page_of(session, wanted, page)
    return TeamsFacts(
        teams=tuple(TeamListed(**_listed(row)) for row in session.execute(wanted)), paging=paging
    )


def read_team(session: Session, challenge: Challenge, team_id: int) -> TeamRecord:
    """One of them.

    Raises:
        AccountError: there is no such team.
    """
    row = session.execute(_teams().where(Team.id == team_id)).one_or_none()
    if row is None:
        raise AccountError("there is no such team", Reason.NOT_FOUND)
    return TeamRecord(
        **_listed(row), people=_members(session, team_id), quotas=_used(session, challenge, team_id)
    )


def team_names(session: Session) -> Sequence[tuple[int, str]]:
    """Number and name of every team that handed something in, by name: to choose from."""
    there = select(Submission.team_id)
    rows = session.execute(
        select(Team.id, Team.name).where(Team.id.in_(there)).order_by(Team.name_key, Team.id)
    )
    return [(number, name) for number, name in rows]


_STATES: dict[TeamState, ColumnElement[bool]] = {
    TeamState.ACTIVE: Team.dissolved_at.is_(None) & Team.disqualified_at.is_(None),
    TeamState.DISQUALIFIED: Team.disqualified_at.is_not(None),
    TeamState.DISSOLVED: Team.dissolved_at.is_not(None),
}


def _teams() -> Select[*tuple[Any, ...]]:
    people = select(func.count()).where(Membership.team_id == Team.id).scalar_subquery()
    own = Submission.team_id == Team.id
    handed_in = select(func.count()).where(own).scalar_subquery()
    last = select(func.max(Submission.created_at)).where(own).scalar_subquery()
    return select(Team, people, handed_in, last)


def _listed(row: Row[*tuple[Any, ...]]) -> dict[str, Any]:
    team, people, handed_in, last = row
    return {
        "id": team.id,
        "name": team.name,
        "created_at": team.created_at,
        "members": people,
        "submissions": handed_in,
        "last_submission_at": last,
        "dissolved_at": team.dissolved_at,
        "disqualified_at": team.disqualified_at,
        "disqualified_reason": team.disqualified_reason,
    }


def _members(session: Session, team_id: int) -> tuple[MemberRecord, ...]:
    rows = session.execute(
        select(User, Membership)
        .join(Membership, Membership.user_id == User.id)
        .where(Membership.team_id == team_id)
        .order_by(Membership.joined_at, User.id)
    )
    return tuple(
        MemberRecord(
            id=user.id,
            name=user.name,
            email=user.email,
            captain=membership.is_captain,
            joined_at=membership.joined_at,
            disabled=user.disabled_at is not None,
        )
        for user, membership in rows
    )


def _used(session: Session, challenge: Challenge, team_id: int) -> tuple[QuotaRecord, ...]:
    rows = session.execute(
        select(QuotaSlot.phase, QuotaSlot.task, func.count())
        .where(QuotaSlot.team_id == team_id)
        .group_by(QuotaSlot.phase, QuotaSlot.task)
    )
    used = {(phase, task): number for phase, task, number in rows}
    return tuple(
        QuotaRecord(
            phase=phase.name, task=task.name, used=used.get((phase.name, task.name), 0), quota=phase.quota
        )
        for phase in challenge.phases
        for task in challenge.tasks_of(phase)
    )
