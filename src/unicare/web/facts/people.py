"""A person, as the site tells them about themselves."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from unicare.web.accounts.people import Person, Role
from unicare.web.accounts.rules import AccountRules
from unicare.web.database.tables import ApiToken, LoginSession, Registration, RegistrationStatus, User
from unicare.web.facts.base import Facts

__all__ = [
    "AgreementFacts",
    "ApiTokenFacts",
    "ConsentFacts",
    "MailFacts",
    "MeFacts",
    "NewApiTokenFacts",
    "PersonFacts",
    "SessionFacts",
    "me_facts",
    "person_facts",
    "token_facts",
]


class PersonFacts(Facts):
    """Somebody who is logged in.

    Attributes:
        id: of the account.
        name: for people.
        email: confirmed.
        role: participant or organiser.
        status: of the registration; null for organisers who aren't registered.
        agreed: whether the data-use agreement that holds now is accepted, or there is none.
        may_take_part: whether the person may found or join a team, and hand in.
        team_id: of the person's team; null if none.
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
    may_take_part: bool
    team_id: int | None
    team_name: str | None
    is_captain: bool
    disqualified: bool


class SessionFacts(Facts):
    """Who is logged in.

    Attributes:
        person: null for visitors.
        csrf_token: to be sent as X-CSRF-Token with every request by cookie that changes something.
    """

    person: PersonFacts | None
    csrf_token: str


class MailFacts(Facts):
    """A mail is on its way, if there is anybody at the address to send it to.

    Attributes:
        email: as written.
    """

    email: str


class AgreementFacts(Facts):
    """What those who take part agree to.

    Attributes:
        title: for people.
        html: the text.
        version: to be sent when it is accepted.
    """

    title: str
    html: str
    version: str


class ConsentFacts(Facts):
    """Whether somebody accepted the data-use agreement.

    Attributes:
        version: of the agreement that holds now; null if there is none.
        accepted_version: that was accepted last; null if none was.
        accepted_at: when.
    """

    version: str | None
    accepted_version: str | None
    accepted_at: datetime | None


class MeFacts(Facts):
    """A person's account.

    Attributes:
        person: who it is.
        affiliation: for people.
        registered_at: when the account was made.
        decided_at: when the organisers decided; null if they haven't.
        reason: what they said.
        agreement: whether it is accepted.
        sessions: browsers in which the person is logged in.
    """

    person: PersonFacts
    affiliation: str
    registered_at: datetime
    decided_at: datetime | None
    reason: str
    agreement: ConsentFacts
    sessions: int


class ApiTokenFacts(Facts):
    """A token for programs, without the token.

    Attributes:
        id: by which it is revoked.
        name: given to it.
        created_at: when.
        last_used_at: to some minutes; null if never.
    """

    id: int
    name: str
    created_at: datetime
    last_used_at: datetime | None


class NewApiTokenFacts(Facts):
    """A token for programs, shown this once.

    Attributes:
        id: by which it is revoked.
        name: given to it.
        token: to be kept where nobody else reads it.
    """

    id: int
    name: str
    token: str


def person_facts(person: Person) -> PersonFacts:
    """What a person is told of themselves everywhere."""
    return PersonFacts(
        id=person.id,
        name=person.name,
        email=person.email,
        role=person.role,
        status=person.status,
        agreed=person.agreed,
        may_take_part=person.may_take_part,
        team_id=person.team_id,
        team_name=person.team_name,
        is_captain=person.is_captain,
        disqualified=person.disqualified,
    )


def me_facts(session: Session, rules: AccountRules, person: Person, now: datetime) -> MeFacts:
    """A person's account."""
    user = session.get_one(User, person.id)
    registration = session.get(Registration, person.id)
    live = select(func.count()).where(
        LoginSession.user_id == person.id,
        LoginSession.expires_at > now,
        LoginSession.last_seen_at > now - rules.session_idle,
    )
    return MeFacts(
        person=person_facts(person),
        affiliation=user.affiliation,
        registered_at=user.created_at,
        decided_at=None if registration is None else registration.decided_at,
        reason="" if registration is None else registration.reason,
        agreement=ConsentFacts(
            version=rules.agreement_version,
            accepted_version=None if registration is None else registration.agreement_version,
            accepted_at=None if registration is None else registration.agreed_at,
        ),
        sessions=session.scalar(live) or 0,
    )


def token_facts(tokens: Iterable[ApiToken]) -> tuple[ApiTokenFacts, ...]:
    """A person's tokens."""
    return tuple(
        ApiTokenFacts(id=one.id, name=one.name, created_at=one.created_at, last_used_at=one.last_used_at)
        for one in tokens
    )
