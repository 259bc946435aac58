"""Teams: one person, one team.

A person who is in a team that has handed something in stays there, so that nobody gets a second quota by
changing teams; organisers may let people go all the same.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import exists, select, update
from sqlalchemy.orm import Session

from unicare.web.accounts.names import check_line, check_text, key_of
from unicare.web.accounts.people import require_organiser, require_participant
from unicare.web.accounts.refusals import AccountError, Reason
from unicare.web.accounts.rules import AccountRules
from unicare.web.database import record
from unicare.web.database.tables import Invitation, Membership, Submission, Team, User

__all__ = [
    "captained_team",
    "disqualify_team",
    "found_team",
    "hand_over",
    "leave_team",
    "list_members",
    "reinstate_team",
    "remove_member",
    "rename_team",
]

_LONGEST_NAME = 60
_LONGEST_REASON = 2000


def found_team(
    session: Session, rules: AccountRules, user_id: int, name: str, *, now: datetime, address: str = ""
) -> Team:
    """Founds a team, of which the person is captain.

    Raises:
        AccountError: the person may not take part or is in a team, or the name can't be used or is taken.
    """
    person = require_participant(session, rules, user_id)
    if person.team_id is not None:
        raise AccountError(
            "you are in a team", Reason.IN_A_TEAM, found=person.team_name, mend="leave it first"
        )
    name = _free_name(session, name, None)
    team = Team(name=name, name_key=key_of(name), created_at=now)
    session.add(team)
    session.flush()
    session.add(Membership(user_id=user_id, team_id=team.id, is_captain=True, joined_at=now))
    session.flush()
    record(session, "team.founded", f"team:{team.id}", actor_id=user_id, now=now, address=address, name=name)
    return team


def rename_team(
    session: Session, rules: AccountRules, user_id: int, name: str, *, now: datetime, address: str = ""
) -> None:
    """Gives the captain's team another name.

    Raises:
        AccountError: the person isn't captain, the name can't be used or is taken, or the team is
            disqualified: boards and people know it by this name.
    """
    team = captained_team(session, rules, user_id)
    _refuse_disqualified(session, team.id)
    name = _free_name(session, name, team.id)
    record(
        session,
        "team.renamed",
        f"team:{team.id}",
        actor_id=user_id,
        now=now,
        address=address,
        name=name,
        before=team.name,
    )
    team.name, team.name_key = name, key_of(name)


def leave_team(
    session: Session, rules: AccountRules, user_id: int, *, now: datetime, address: str = ""
) -> None:
    """Leaves the team. The next captain is who has been in it for longest; without anybody it is dissolved.

    Raises:
        AccountError: the person is in none, or the team has handed something in, or is disqualified: its
            people would only found another.
    """
    membership = _membership(session, user_id)
    _refuse_disqualified(session, membership.team_id)
    _refuse_after_runs(session, membership.team_id)
    _end_membership(session, membership, now)
    record(session, "team.left", f"team:{membership.team_id}", actor_id=user_id, now=now, address=address)


def remove_member(
    session: Session,
    rules: AccountRules,
    actor_id: int,
    user_id: int,
    *,
    now: datetime,
    address: str = "",
) -> None:
    """Lets a person go: captains from their own team before it has handed something in, organisers always.

    Raises:
        AccountError: the person is in no team, or the actor may not. Captains aren't told which of the two:
            who is in which team is not for them.
    """
    actor = session.get_one(User, actor_id)
    if actor.is_organiser:
        require_organiser(session, rules, actor_id)
        membership = _membership(session, user_id)
    else:
        team = captained_team(session, rules, actor_id)
        mate = session.get(Membership, user_id)
        if mate is None or mate.team_id != team.id or actor_id == user_id:
            raise AccountError("only their captain may let people go", Reason.NOT_ALLOWED)
        membership = mate
        _refuse_disqualified(session, team.id)
        _refuse_after_runs(session, team.id)
    _end_membership(session, membership, now)
    record(
        session,
        "team.member_removed",
        f"team:{membership.team_id}",
        actor_id=actor_id,
        now=now,
        address=address,
        user=user_id,
    )


def hand_over(
    session: Session,
    rules: AccountRules,
    captain_id: int,
    user_id: int,
    *,
    now: datetime,
    address: str = "",
) -> None:
    """Makes another member the captain.

    Raises:
        AccountError: the person isn't captain, or the other isn't in the team.
    """
    team = captained_team(session, rules, captain_id)
    other = session.get(Membership, user_id)
    if other is None or other.team_id != team.id or user_id == captain_id:
        raise AccountError("the next captain must be another member of the team", Reason.NOT_FOUND)
    _make_captain(session, other)
    record(
        session,
        "team.handed_over",
        f"team:{team.id}",
        actor_id=captain_id,
        now=now,
        address=address,
        user=user_id,
    )


def disqualify_team(
    session: Session,
    rules: AccountRules,
    organiser_id: int,
    team_id: int,
    reason: str,
    *,
    now: datetime,
    address: str = "",
) -> None:
    """Takes a team off the boards, for a reason that it is told.

    Raises:
        AccountError: the person is no organiser, there is no such team, or no reason.
    """
    require_organiser(session, rules, organiser_id)
    team = _team(session, team_id)
    reason = check_text(reason, "reason", _LONGEST_REASON)
    if not reason:
        raise AccountError("a reason is needed", Reason.INVALID, field="reason")
    team.disqualified_at, team.disqualified_reason = now, reason
    record(
        session,
        "team.disqualified",
        f"team:{team_id}",
        actor_id=organiser_id,
        now=now,
        address=address,
        reason=reason,
    )


def reinstate_team(
    session: Session,
    rules: AccountRules,
    organiser_id: int,
    team_id: int,
    *,
    now: datetime,
    address: str = "",
    reason: str = "",
) -> None:
    """Puts a team back onto the boards.

    Raises:
        AccountError: the person is no organiser, or there is no such team.
    """
    require_organiser(session, rules, organiser_id)
    team = _team(session, team_id)
    why = {"reason": check_text(reason, "reason", _LONGEST_REASON)} if reason else {}
    team.disqualified_at, team.disqualified_reason = None, ""
    subject = f"team:{team_id}"
    record(session, "team.reinstated", subject, actor_id=organiser_id, now=now, address=address, **why)


def list_members(session: Session, team_id: int) -> Sequence[tuple[User, Membership]]:
    """Who is in a team, longest first."""
    rows = session.execute(
        select(User, Membership)
        .join(Membership, Membership.user_id == User.id)
        .where(Membership.team_id == team_id)
        .order_by(Membership.joined_at, User.id)
    )
    return [(user, membership) for user, membership in rows]


def captained_team(session: Session, rules: AccountRules, user_id: int) -> Team:
    """The team whose captain a person is.

    Raises:
        AccountError: there is none, or the person may not take part.
    """
    person = require_participant(session, rules, user_id)
    if person.team_id is None:
        raise AccountError("you are in no team", Reason.NO_TEAM, mend="found one, or join one")
    if not person.is_captain:
        raise AccountError("only the team's captain may do this", Reason.NOT_ALLOWED)
    return session.get_one(Team, person.team_id)


def _team(session: Session, team_id: int) -> Team:
    team = session.get(Team, team_id)
    if team is None:
        raise AccountError("there is no such team", Reason.NOT_FOUND)
    return team


def _membership(session: Session, user_id: int) -> Membership:
    membership = session.get(Membership, user_id)
    if membership is None:
        raise AccountError("the person is in no team", Reason.NO_TEAM)
    return membership


def _free_name(session: Session, written: str, own_id: int | None) -> str:
    name = check_line(written, "name", _LONGEST_NAME)
    if len(key_of(name)) > 6 * _LONGEST_NAME:  # a few characters of Unicode stand for whole sentences
        raise AccountError("the name is too long", Reason.INVALID, field="name")
    taken = session.scalar(select(Team.id).where(Team.name_key == key_of(name)))
    if taken not in (None, own_id):
        raise AccountError("the name is taken", Reason.TAKEN, field="name", found=name, mend="choose another")
    return name


def _refuse_after_runs(session: Session, team_id: int) -> None:
    if session.scalar(select(exists().where(Submission.team_id == team_id))):
        raise AccountError(
            "the team has handed something in, its people stay together",
            Reason.HAS_RUNS,
            mend="write to the organisers",
        )


def _refuse_disqualified(session: Session, team_id: int) -> None:
    if session.get_one(Team, team_id).disqualified_at is not None:
        raise AccountError(
            "the organisers took this team off the boards; it stays as it is",
            Reason.NOT_ALLOWED,
            mend="write to the organisers",
        )


def _end_membership(session: Session, membership: Membership, now: datetime) -> None:
    session.delete(membership)
    session.flush()
    if not membership.is_captain:
        return
    rest = list_members(session, membership.team_id)
    if rest:
        _make_captain(session, rest[0][1])
        return
    team = session.get_one(Team, membership.team_id)
    team.dissolved_at = now
    team.name_key = f"\ue000{team.id}"  # no name that could be written: the old one is free again
    session.execute(
        update(Invitation)
        .where(
            Invitation.team_id == team.id,
            Invitation.accepted_at.is_(None),
            Invitation.withdrawn_at.is_(None),
        )
        .values(withdrawn_at=now)
    )


def _make_captain(session: Session, membership: Membership) -> None:
    """One captain at most, at every moment."""
    session.execute(
        update(Membership).where(Membership.team_id == membership.team_id).values(is_captain=False)
    )
    session.flush()
    membership.is_captain = True
    session.flush()
