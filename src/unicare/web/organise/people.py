"""Everybody who has an account, as organisers see them."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import ColumnElement, Row, Select, case, func, or_, select
from sqlalchemy.orm import Session, aliased

from unicare.web.accounts.refusals import AccountError, Reason
from unicare.web.accounts.rules import AccountRules
from unicare.web.database.tables import LoginSession, Membership, Registration, RegistrationStatus, Team, User
from unicare.web.facts.base import Facts
from unicare.web.organise.paging import PagingFacts, page_of

__all__ = [
    "PeopleFacts",
    "PeopleState",
    "PersonRecord",
    "TeamName",
    "list_people",
    "read_person",
]


class PeopleState(StrEnum):
    """By what people are looked for.

    ``waiting``: registered, and nobody decided yet. ``unconfirmed``: the link in
    the mail was never followed.
    """

    WAITING = "waiting"
    APPROVED = "approved"
    REJECTED = "rejected"
    UNCONFIRMED = "unconfirmed"
    DISABLED = "disabled"
    ORGANISER = "organiser"


class TeamName(Facts):
    """A team, in passing.

    Attributes:
        id: of the team.
        name: of it.
    """

    id: int
    name: str


class PersonRecord(Facts):
    """Somebody with an account.

    Attributes:
        id: of the user.
        name: for people.
        email: as the person writes it.
        affiliation: for people.
        created_at: of the first registration.
        confirmed: whether the address is.
        organiser: whether the person is one.
        disabled_at: since when the person can't log in; null if they can.
        status: of the registration; null where there is none.
        decided_by: the organiser's name; null where nobody decided.
        decided_at: when; the same.
        reason: what the person was told.
        agreed_at: when the data-use agreement was accepted last.
        agreed: whether that is the one that holds now, or there is none.
        team: null if the person is in none.
        captain: of that team.
        seen_at: when the person was last here; only where one person is asked for.
    """

    id: int
    name: str
    email: str
    affiliation: str
    created_at: datetime
    confirmed: bool
    organiser: bool
    disabled_at: datetime | None
    status: RegistrationStatus | None
    decided_by: str | None
    decided_at: datetime | None
    reason: str
    agreed_at: datetime | None
    agreed: bool
    team: TeamName | None
    captain: bool
    seen_at: datetime | None


class PeopleFacts(Facts):
    """A page of people.

    Attributes:
        people: those who wait for a decision first, then the newest.
        paging: which page this is.
    """

    people: tuple[PersonRecord, ...]
    paging: PagingFacts


def list_people(
    session: Session,
    rules: AccountRules,
    *,
    search: str = "",
    state: PeopleState | None = None,
    page: int = 1,
) -> PeopleFacts:
    """A page of people.

    Args:
        session: to read with.
        rules: of the site; say which agreement holds.
        search: in names, addresses, affiliations, teams.
        state: only those; everybody if None.
        page: from 1.
    """
    wanted = _people().order_by(case((_STATES[PeopleState.WAITING], 0), else_=1), User.id.desc())
    if state is not None:
        wanted = wanted.where(_STATES[state])
    for word in search.replace("\0", " ").split():
        places = (User.name, User.email, User.affiliation, Team.name)
        wanted = wanted.where(or_(*(place.icontains(word, autoescape=True) for place in places)))
    wanted, paging = page_of(session, wanted, page)
    return PeopleFacts(
        people=tuple(_person(row, rules, None) for row in session.execute(wanted)), paging=paging
    )


def read_person(session: Session, rules: AccountRules, user_id: int) -> PersonRecord:
    """One of them.

    Raises:
        AccountError: there is no such person.
    """
    row = session.execute(_people().where(User.id == user_id)).one_or_none()
    if row is None:
        raise AccountError("there is no such person", Reason.NOT_FOUND)
    seen = session.scalar(select(func.max(LoginSession.last_seen_at)).where(LoginSession.user_id == user_id))
    return _person(row, rules, seen)


_DECIDER = aliased(User)

_CONFIRMED = User.email_confirmed_at.is_not(None)
_STATES: dict[PeopleState, ColumnElement[bool]] = {
    PeopleState.WAITING: _CONFIRMED & User.disabled_at.is_(None) & (Registration.status == "pending"),
    PeopleState.APPROVED: _CONFIRMED & (Registration.status == "approved"),
    PeopleState.REJECTED: Registration.status == "rejected",
    PeopleState.UNCONFIRMED: User.email_confirmed_at.is_(None),
    PeopleState.DISABLED: User.disabled_at.is_not(None),
    PeopleState.ORGANISER: User.is_organiser.is_(True),
}


def _people() -> Select[*tuple[Any, ...]]:
    """Everybody, each with registration, whoever decided about it, and team: one query for all."""
    return (
        select(User, Registration, _DECIDER.name, Membership, Team)
        .outerjoin(Registration, Registration.user_id == User.id)
        .outerjoin(_DECIDER, _DECIDER.id == Registration.decided_by)
        .outerjoin(Membership, Membership.user_id == User.id)
        .outerjoin(Team, Team.id == Membership.team_id)
    )


def _person(row: Row[*tuple[Any, ...]], rules: AccountRules, seen_at: datetime | None) -> PersonRecord:
    user, registration, decider, membership, team = row
    version = None if registration is None else registration.agreement_version
    return PersonRecord(
        id=user.id,
        name=user.name,
        email=user.email,
        affiliation=user.affiliation,
        created_at=user.created_at,
        confirmed=user.email_confirmed_at is not None,
        organiser=user.is_organiser,
        disabled_at=user.disabled_at,
        status=None if registration is None else registration.status,
        decided_by=decider,
        decided_at=None if registration is None else registration.decided_at,
        reason="" if registration is None else registration.reason,
        agreed_at=None if registration is None else registration.agreed_at,
        agreed=rules.agreement_version in (None, version),
        team=None if team is None else TeamName(id=team.id, name=team.name),
        captain=membership is not None and membership.is_captain,
        seen_at=seen_at,
    )
