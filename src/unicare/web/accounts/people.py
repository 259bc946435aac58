"""Who a person is on this site, and what that allows."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sqlalchemy import select
from sqlalchemy.orm import Session

from unicare.web.accounts.refusals import AccountError, Reason
from unicare.web.accounts.rules import AccountRules
from unicare.web.database import record
from unicare.web.database.tables import Membership, Registration, RegistrationStatus, Team, User

__all__ = [
    "Person",
    "Role",
    "accept_agreement",
    "check_organiser",
    "check_participant",
    "find_person",
    "require_organiser",
    "require_participant",
]


class Role(StrEnum):
    """What somebody is on this site."""

    PARTICIPANT = "participant"
    ORGANISER = "organiser"


@dataclass(frozen=True)
class Person:
    """Somebody with an account that works.

    Attributes:
        id: of the user.
        name: for people.
        email: confirmed.
        role: participant or organiser.
        status: of the registration; None for organisers who aren't registered.
        agreed: whether the data-use agreement that holds now is accepted, or there is none.
        team_id: of the person's team.
        team_name: the same.
        is_captain: of that team.
        disqualified: whether that team is.
    """

    id: int
    name: str
    email: str
    role: Role
    status: RegistrationStatus | None
    agreed: bool
    team_id: int | None
    team_name: str | None
    is_captain: bool
    disqualified: bool

    @property
    def may_take_part(self) -> bool:
        """Whether the person may found or join a team, see what only participants see, and hand in."""
        return self.status == "approved" and self.agreed


def find_person(session: Session, rules: AccountRules, user_id: int) -> Person | None:
    """Who somebody is; None if there is no such account, or it isn't confirmed, or disabled."""
    found = session.execute(
        select(User, Registration, Membership, Team)
        .outerjoin(Registration, Registration.user_id == User.id)
        .outerjoin(Membership, Membership.user_id == User.id)
        .outerjoin(Team, Team.id == Membership.team_id)
        .where(User.id == user_id, User.email_confirmed_at.is_not(None), User.disabled_at.is_(None))
    ).one_or_none()
    if found is None:
        return None
    user, registration, membership, team = found
    version = None if registration is None else registration.agreement_version
    return Person(
        id=user.id,
        name=user.name,
        email=user.email,
        role=Role.ORGANISER if user.is_organiser else Role.PARTICIPANT,
        status=None if registration is None else registration.status,
        agreed=rules.agreement_version in (None, version),
        team_id=None if team is None else team.id,
        team_name=None if team is None else team.name,
        is_captain=membership is not None and membership.is_captain,
        disqualified=team is not None and team.disqualified_at is not None,
    )


def check_participant(person: Person | None) -> Person:
    """The person, who may take part.

    Raises:
        AccountError: who may not, with what is lacking.
    """
    if person is None:
        raise AccountError("there is no such account", Reason.NOT_CONFIRMED)
    if person.status != "approved":
        raise AccountError(
            "your registration isn't approved",
            Reason.NOT_APPROVED,
            mend="wait for the organisers' mail, or write to them",
        )
    if not person.agreed:
        raise AccountError(
            "the data-use agreement isn't accepted, or has changed",
            Reason.AGREEMENT,
            mend="read and accept it",
        )
    return person


def check_organiser(person: Person | None) -> Person:
    """The person, who is an organiser.

    Raises:
        AccountError: who isn't.
    """
    if person is None or person.role is not Role.ORGANISER:
        raise AccountError("only organisers may do this", Reason.NOT_ALLOWED)
    return person


def require_participant(session: Session, rules: AccountRules, user_id: int) -> Person:
    """The person of an account, who may take part; errors as for ``check_participant``."""
    return check_participant(find_person(session, rules, user_id))


def require_organiser(session: Session, rules: AccountRules, user_id: int) -> Person:
    """The person of an account, who is an organiser; errors as for ``check_organiser``."""
    return check_organiser(find_person(session, rules, user_id))


def accept_agreement(
    session: Session, rules: AccountRules, user_id: int, version: str, *, now: datetime, address: str = ""
) -> None:
    """Notes that a person accepted the data-use agreement as it was shown.

    Raises:
        AccountError: it has changed since it was shown, or the person isn't registered.
    """
    if version != rules.agreement_version:
        raise AccountError(
            "the data-use agreement has changed", Reason.AGREEMENT, field="agreement", mend="read it again"
        )
    registration = session.get(Registration, user_id)
    if registration is None:
        raise AccountError("you aren't registered", Reason.NOT_FOUND)
    registration.agreement_version, registration.agreed_at = version, now
    record(
        session,
        "agreement.accepted",
        f"user:{user_id}",
        actor_id=user_id,
        now=now,
        address=address,
        version=version,
    )
