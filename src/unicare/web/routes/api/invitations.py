"""Invitations, for whoever is invited."""

from __future__ import annotations

from typing import Self

from pydantic import model_validator
from sqlalchemy.orm import Session

from unicare.web.accounts.invitations import (
    accept_invitation,
    decline_invitation,
    find_invitation,
    invitations_for,
)
from unicare.web.accounts.refusals import AccountError, Reason
from unicare.web.deps import Known, KnownOf, Now, SiteOf
from unicare.web.facts.teams import InvitationFacts, TeamFacts, invitation_facts, team_facts
from unicare.web.routes.api.asked import Asked, NumberOf, Token
from unicare.web.routes.api.part import api_part
from unicare.web.routes.problems import problems
from unicare.web.site import Site

__all__ = ["Invitation", "Link", "accept", "decline", "my_invitations", "opened_invitation", "router"]

router = api_part("invitations")


class Link(Asked):
    """The link of a mail.

    Attributes:
        token: of the link.
    """

    token: Token


class Invitation(Asked):
    """Which invitation is meant.

    Attributes:
        id: of one that was sent to one's own address; null if there is a token.
        token: of the mail's link, good for whoever has it; null if there is an id.
    """

    id: NumberOf | None = None
    token: Token | None = None

    @model_validator(mode="after")
    def _one_of_them(self) -> Self:
        if (self.id is None) == (self.token is None):
            raise ValueError("expected either id or token")
        return self


def my_invitations(site: Site, asker: Known, now: Now) -> tuple[InvitationFacts, ...]:
    """Open invitations to the address of whoever asks, newest first."""
    with site.database.reading() as session:
        return tuple(invitation_facts(session, one) for one in invitations_for(session, asker.id, now))


def opened_invitation(site: Site, now: Now, body: Link) -> InvitationFacts:
    """The invitation of a link.

    Raises:
        AccountError: it is void.
    """
    with site.database.reading() as session:
        found = find_invitation(session, body.token.get_secret_value(), now)
        if found is None:
            raise _no_invitation()
        return invitation_facts(session, found)


def accept(site: Site, asker: Known, now: Now, body: Invitation) -> TeamFacts:
    """Joins the team.

    Raises:
        AccountError: the person may not take part or is in a team, the invitation is void or for somebody
            else, or the team is full.
    """

    def write(session: Session) -> TeamFacts:
        number, token = _meant(session, now, body)
        team = accept_invitation(
            session, site.rules, asker.id, number, token=token, now=now, address=asker.origin.address
        )
        return team_facts(session, site.rules, team.id)

    return site.database.transact(write)


def decline(site: Site, asker: Known, now: Now, body: Invitation) -> None:
    """Says no.

    Raises:
        AccountError: the invitation is void or for somebody else.
    """

    def write(session: Session) -> None:
        number, token = _meant(session, now, body)
        decline_invitation(session, asker.id, number, token=token, now=now, address=asker.origin.address)

    site.database.transact(write)


def _meant(session: Session, now: Now, body: Invitation) -> tuple[int, str | None]:
    """The number of the invitation, and the token that it is opened with."""
    if body.token is None:
        return body.id or 0, None
    token = body.token.get_secret_value()
    found = find_invitation(session, token, now)
    if found is None:
        raise _no_invitation()
    return found.id, token


def _no_invitation() -> AccountError:
    return AccountError(
        "this invitation is too old, or was used or taken back",
        Reason.NOT_FOUND,
        mend="ask the team for a new one",
    )


@router.get("/me/invitations", responses=problems(401))
def invitations(site: SiteOf, asker: KnownOf, now: Now) -> tuple[InvitationFacts, ...]:
    """Open invitations to one’s own address, newest first."""
    return my_invitations(site, asker, now)


@router.post("/invitations/open", responses=problems(403, 404, 422))
def opened(site: SiteOf, now: Now, body: Link) -> InvitationFacts:
    """What a link invites to; changes nothing, and is sent so that no address has the token in it."""
    return opened_invitation(site, now, body)


@router.post("/invitations/accept", responses=problems(401, 403, 404, 409, 422))
def accepted(site: SiteOf, asker: KnownOf, now: Now, body: Invitation) -> TeamFacts:
    """Joins the team."""
    return accept(site, asker, now, body)


@router.post("/invitations/decline", status_code=204, responses=problems(401, 403, 404, 422))
def declined(site: SiteOf, asker: KnownOf, now: Now, body: Invitation) -> None:
    """Says no."""
    decline(site, asker, now, body)
