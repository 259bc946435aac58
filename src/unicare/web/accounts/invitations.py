"""Invitations to a team.

The link of the mail is good for whoever has it and an account, as people use several addresses. Who has an
account with the invited address also finds the invitation there.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import ColumnElement, func, select, update
from sqlalchemy.orm import Session

from unicare.web.accounts import letters
from unicare.web.accounts.names import check_email, key_of
from unicare.web.accounts.people import require_participant
from unicare.web.accounts.refusals import AccountError, Reason
from unicare.web.accounts.rules import AccountRules
from unicare.web.accounts.secret_tokens import LinkTokens, hash_token
from unicare.web.accounts.teams import captained_team
from unicare.web.accounts.throttle import may_mail
from unicare.web.database import record
from unicare.web.database.tables import Invitation, Membership, Team, User
from unicare.web.mail import enqueue

__all__ = [
    "accept_invitation",
    "decline_invitation",
    "find_invitation",
    "invitations_for",
    "invitations_of",
    "invite",
    "withdraw_invitation",
]


def invite(
    session: Session,
    rules: AccountRules,
    links: LinkTokens,
    captain_id: int,
    email: str,
    *,
    now: datetime,
    address: str = "",
) -> Invitation:
    """Invites somebody by mail; the answer doesn't tell whether the address has an account.

    An invitation to the same address that is open is replaced.

    Raises:
        AccountError: the person isn't captain, the address can't be one, the team or its captain sent too
            many, or too many mails went to that address.
    """
    team = captained_team(session, rules, captain_id)
    email = check_email(email)
    _withdraw(session, (Invitation.team_id == team.id) & (Invitation.email_key == key_of(email)), now)
    # captains may leave, and found another team
    made = select(func.count()).where(
        (Invitation.team_id == team.id) | (Invitation.created_by == captain_id),
        Invitation.created_at > now - rules.invitation_lifetime,
    )
    if (session.scalar(made) or 0) >= rules.invitations:
        raise AccountError(
            "the team sent too many invitations",
            Reason.TOO_MANY,
            expected=f"at most {rules.invitations} in {rules.invitation_lifetime.days} days",
            mend="wait for the answers",
        )
    if not may_mail(session, rules, key_of(email), address, now):
        raise AccountError(
            "too many mails were sent to this address",
            Reason.TOO_MANY,
            field="email",
            mend="wait an hour; who has an account there finds earlier invitations on the site",
        )
    nonce = links.new_nonce()
    invitation = Invitation(
        team_id=team.id,
        email=email,
        email_key=key_of(email),
        token_hash=links.hash_of(nonce),
        created_by=captain_id,
        created_at=now,
        expires_at=now + rules.invitation_lifetime,
    )
    session.add(invitation)
    session.flush()
    captain = session.get_one(User, captain_id)
    enqueue(session, email, letters.invited(rules, team.name, captain.name), now=now, token_nonce=nonce)
    record(
        session,
        "invitation.sent",
        f"team:{team.id}",
        actor_id=captain_id,
        now=now,
        address=address,
        invitation=invitation.id,
    )
    return invitation


def find_invitation(session: Session, token: str, now: datetime) -> Invitation | None:
    """The invitation of a link, unless it is void."""
    invitation = session.scalar(select(Invitation).where(Invitation.token_hash == hash_token(token)))
    return invitation if invitation is not None and _is_open(invitation, now) else None


def invitations_for(session: Session, user_id: int, now: datetime) -> Sequence[Invitation]:
    """Open invitations to a person's own address, newest first."""
    user = session.get_one(User, user_id)
    return _open_where(session, Invitation.email_key == user.email_key, now)


def invitations_of(session: Session, team_id: int, now: datetime) -> Sequence[Invitation]:
    """Open invitations of a team, newest first."""
    return _open_where(session, Invitation.team_id == team_id, now)


def accept_invitation(
    session: Session,
    rules: AccountRules,
    user_id: int,
    invitation_id: int,
    *,
    now: datetime,
    token: str | None = None,
    address: str = "",
) -> Team:
    """Joins the team.

    Args:
        session: of the transaction.
        rules: of this site.
        user_id: who joins.
        invitation_id: the invitation.
        now: when.
        token: of the mail's link; not needed by whom the invitation is addressed to.
        address: from where.

    Raises:
        AccountError: the person may not take part or is in a team, the invitation is void or for somebody
            else, or the team is full.
    """
    person = require_participant(session, rules, user_id)
    invitation = _own_invitation(session, user_id, invitation_id, token, now)
    if person.team_id is not None:
        raise AccountError(
            "you are in a team",
            Reason.IN_A_TEAM,
            found=person.team_name,
            mend="leave it first, or ask the organisers to let you go if it has handed something in",
        )
    team = session.get_one(Team, invitation.team_id)
    members = select(func.count()).where(Membership.team_id == team.id)
    if rules.largest_team is not None and (session.scalar(members) or 0) >= rules.largest_team:
        raise AccountError(
            "the team is full", Reason.FULL, expected=f"at most {rules.largest_team} people in a team"
        )
    session.add(Membership(user_id=user_id, team_id=team.id, is_captain=False, joined_at=now))
    invitation.accepted_at, invitation.accepted_by = now, user_id
    session.flush()
    record(
        session,
        "team.joined",
        f"team:{team.id}",
        actor_id=user_id,
        now=now,
        address=address,
        invitation=invitation.id,
    )
    return team


def decline_invitation(
    session: Session,
    user_id: int,
    invitation_id: int,
    *,
    now: datetime,
    token: str | None = None,
    address: str = "",
) -> None:
    """Says no.

    Raises:
        AccountError: the invitation is void or for somebody else.
    """
    invitation = _own_invitation(session, user_id, invitation_id, token, now)
    invitation.withdrawn_at = now
    record(
        session,
        "invitation.declined",
        f"team:{invitation.team_id}",
        actor_id=user_id,
        now=now,
        address=address,
        invitation=invitation.id,
    )


def withdraw_invitation(
    session: Session,
    rules: AccountRules,
    captain_id: int,
    invitation_id: int,
    *,
    now: datetime,
    address: str = "",
) -> None:
    """Takes an invitation back.

    Raises:
        AccountError: the person isn't captain, or their team has no such invitation.
    """
    team = captained_team(session, rules, captain_id)
    invitation = session.get(Invitation, invitation_id)
    if invitation is None or invitation.team_id != team.id or not _is_open(invitation, now):
        raise _no_invitation()
    invitation.withdrawn_at = now
    record(
        session,
        "invitation.withdrawn",
        f"team:{team.id}",
        actor_id=captain_id,
        now=now,
        address=address,
        invitation=invitation.id,
    )


def _own_invitation(
    session: Session, user_id: int, invitation_id: int, token: str | None, now: datetime
) -> Invitation:
    invitation = session.get(Invitation, invitation_id)
    if invitation is None or not _is_open(invitation, now):
        raise _no_invitation()
    addressed = invitation.email_key == session.get_one(User, user_id).email_key
    if not addressed and (token is None or hash_token(token) != invitation.token_hash):
        raise _no_invitation()
    return invitation


def _no_invitation() -> AccountError:
    return AccountError(
        "there is no such invitation, or it is too old", Reason.NOT_FOUND, mend="ask the team for a new one"
    )


def _is_open(invitation: Invitation, now: datetime) -> bool:
    return invitation.accepted_at is None and invitation.withdrawn_at is None and invitation.expires_at > now


def _open_where(session: Session, which: ColumnElement[bool], now: datetime) -> Sequence[Invitation]:
    rows = session.scalars(
        select(Invitation).where(
            which,
            Invitation.accepted_at.is_(None),
            Invitation.withdrawn_at.is_(None),
            Invitation.expires_at > now,
        )
    )
    return sorted(rows, key=lambda invitation: -invitation.id)


def _withdraw(session: Session, which: ColumnElement[bool], now: datetime) -> None:
    session.execute(
        update(Invitation)
        .where(which, Invitation.accepted_at.is_(None), Invitation.withdrawn_at.is_(None))
        .values(withdrawn_at=now)
    )
