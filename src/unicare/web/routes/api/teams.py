"""One's own team: founded, renamed, handed over, left; people invited and let go."""

from __future__ import annotations

from sqlalchemy.orm import Session

from unicare.web.accounts.invitations import invitations_of, invite, withdraw_invitation
from unicare.web.accounts.people import find_person
from unicare.web.accounts.refusals import AccountError, Reason
from unicare.web.accounts.teams import found_team, hand_over, leave_team, remove_member, rename_team
from unicare.web.deps import Known, KnownOf, Now, ParticipantOf, SiteOf
from unicare.web.facts.teams import SentInvitationFacts, TeamFacts, sent_facts, team_facts
from unicare.web.routes.api.asked import Asked, Email, Line, Number, NumberOf
from unicare.web.routes.api.part import api_part
from unicare.web.routes.problems import problems
from unicare.web.site import Site

__all__ = [
    "Invited",
    "NextCaptain",
    "TeamName",
    "found",
    "give_over",
    "invite_person",
    "leave",
    "my_team",
    "remove",
    "rename",
    "router",
    "sent_invitations",
    "withdraw",
]

router = api_part("team")


class TeamName(Asked):
    """What a team is called.

    Attributes:
        name: as boards show it.
    """

    name: Line


class NextCaptain(Asked):
    """Who is captain from now on.

    Attributes:
        user_id: another member.
    """

    user_id: NumberOf


class Invited(Asked):
    """Whom to invite.

    Attributes:
        email: to which a link is sent.
    """

    email: Email


def my_team(site: Site, asker: Known) -> TeamFacts:
    """The team of whoever asks.

    Raises:
        AccountError: there is none.
    """
    if asker.person.team_id is None:
        raise AccountError(
            "you are in no team", Reason.NOT_FOUND, mend="found one, or have somebody invite you"
        )
    with site.database.reading() as session:
        return team_facts(session, site.rules, asker.person.team_id)


def found(site: Site, asker: Known, now: Now, body: TeamName) -> TeamFacts:
    """Founds a team, of which the person is captain.

    Raises:
        AccountError: the person may not take part or is in a team, or the name can't be used or is taken.
    """

    def write(session: Session) -> TeamFacts:
        team = found_team(session, site.rules, asker.id, body.name, now=now, address=asker.origin.address)
        return team_facts(session, site.rules, team.id)

    return site.database.transact(write)


def rename(site: Site, asker: Known, now: Now, body: TeamName) -> TeamFacts:
    """Gives the team another name.

    Raises:
        AccountError: the person isn't captain, or the name can't be used or is taken.
    """

    def write(session: Session) -> TeamFacts:
        rename_team(session, site.rules, asker.id, body.name, now=now, address=asker.origin.address)
        session.flush()
        return _own_team(session, site, asker)

    return site.database.transact(write)


def give_over(site: Site, asker: Known, now: Now, body: NextCaptain) -> TeamFacts:
    """Makes another member the captain.

    Raises:
        AccountError: the person isn't captain, or the other isn't in the team.
    """

    def write(session: Session) -> TeamFacts:
        hand_over(session, site.rules, asker.id, body.user_id, now=now, address=asker.origin.address)
        session.flush()
        return _own_team(session, site, asker)

    return site.database.transact(write)


def leave(site: Site, asker: Known, now: Now) -> None:
    """Leaves the team; the last one to leave dissolves it.

    Raises:
        AccountError: the person is in none, or the team has handed something in.
    """
    site.database.transact(
        lambda session: leave_team(session, site.rules, asker.id, now=now, address=asker.origin.address)
    )


def remove(site: Site, asker: Known, now: Now, user_id: int) -> None:
    """Lets somebody go.

    Raises:
        AccountError: the asker isn't captain of that person's team, or it has handed something in.
    """
    site.database.transact(
        lambda session: remove_member(
            session, site.rules, asker.id, user_id, now=now, address=asker.origin.address
        )
    )


def sent_invitations(site: Site, asker: Known, now: Now) -> tuple[SentInvitationFacts, ...]:
    """Invitations of the team that are open, newest first; none for those without a team."""
    if asker.person.team_id is None:
        return ()
    with site.database.reading() as session:
        return sent_facts(invitations_of(session, asker.person.team_id, now))


def invite_person(site: Site, asker: Known, now: Now, body: Invited) -> SentInvitationFacts:
    """Sends somebody a link; the answer doesn't tell whether the address has an account.

    Raises:
        AccountError: the person isn't captain, the address can't be one, or too many were sent.
    """

    def write(session: Session) -> SentInvitationFacts:
        links, address = site.door.links, asker.origin.address
        invitation = invite(session, site.rules, links, asker.id, body.email, now=now, address=address)
        return sent_facts((invitation,))[0]

    return site.database.transact(write)


def withdraw(site: Site, asker: Known, now: Now, invitation_id: int) -> None:
    """Takes an invitation back.

    Raises:
        AccountError: the person isn't captain, or the team has no such invitation.
    """
    site.database.transact(
        lambda session: withdraw_invitation(
            session, site.rules, asker.id, invitation_id, now=now, address=asker.origin.address
        )
    )


def _own_team(session: Session, site: Site, asker: Known) -> TeamFacts:
    person = find_person(session, site.rules, asker.id)
    assert person is not None
    assert person.team_id is not None
    return team_facts(session, site.rules, person.team_id)


@router.get("/team", responses=problems(401, 403, 404))
def team(site: SiteOf, asker: ParticipantOf) -> TeamFacts:
    """One’s team."""
    return my_team(site, asker)


@router.post("/team", status_code=201, responses=problems(401, 403, 409, 422))
def founded(site: SiteOf, asker: KnownOf, now: Now, body: TeamName) -> TeamFacts:
    """Founds a team; whoever does is its captain."""
    return found(site, asker, now, body)


@router.patch("/team", responses=problems(401, 403, 409, 422))
def renamed(site: SiteOf, asker: KnownOf, now: Now, body: TeamName) -> TeamFacts:
    """Gives one’s team another name; captains only."""
    return rename(site, asker, now, body)


@router.post("/team/leave", status_code=204, responses=problems(401, 403, 409))
def left(site: SiteOf, asker: KnownOf, now: Now) -> None:
    """Leaves one’s team, as long as it has handed nothing in. The last one to leave dissolves it."""
    leave(site, asker, now)


@router.delete("/team/members/{user_id}", status_code=204, responses=problems(401, 403, 409, 422))
def removed(site: SiteOf, asker: KnownOf, now: Now, user_id: Number) -> None:
    """Lets a member go: captains, as long as the team has handed nothing in; organisers always."""
    remove(site, asker, now, user_id)


@router.put("/team/captain", responses=problems(401, 403, 404, 409, 422))
def handed_over(site: SiteOf, asker: KnownOf, now: Now, body: NextCaptain) -> TeamFacts:
    """Makes another member the captain; captains only."""
    return give_over(site, asker, now, body)


@router.get("/team/invitations", responses=problems(401, 403))
def invitations(site: SiteOf, asker: ParticipantOf, now: Now) -> tuple[SentInvitationFacts, ...]:
    """Open invitations of one’s team, newest first."""
    return sent_invitations(site, asker, now)


@router.post("/team/invitations", status_code=201, responses=problems(401, 403, 409, 422))
def invited(site: SiteOf, asker: KnownOf, now: Now, body: Invited) -> SentInvitationFacts:
    """Invites somebody by mail; captains only. An open invitation to the same address is replaced."""
    return invite_person(site, asker, now, body)


@router.delete(
    "/team/invitations/{invitation_id}", status_code=204, responses=problems(401, 403, 404, 409, 422)
)
def withdrawn(site: SiteOf, asker: KnownOf, now: Now, invitation_id: Number) -> None:
    """Takes an invitation back; captains only."""
    withdraw(site, asker, now, invitation_id)
