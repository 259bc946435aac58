"""One's own team."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import Form, Response

from unicare.web.accounts.people import check_participant
from unicare.web.accounts.refusals import AccountError
from unicare.web.deps import Known, KnownOf, Now, SiteOf
from unicare.web.routes.api.asked import Number
from unicare.web.routes.api.invitations import my_invitations
from unicare.web.routes.api.teams import (
    Invited,
    NextCaptain,
    TeamName,
    found,
    give_over,
    invite_person,
    leave,
    my_team,
    remove,
    rename,
    sent_invitations,
    withdraw,
)
from unicare.web.routes.pages.part import pages_part
from unicare.web.routes.pages.view import View, ViewOf
from unicare.web.routes.refused import Told, told_of
from unicare.web.site import Site

__all__ = ["router"]

router = pages_part()

_HERE = "/team"

Written = Annotated[str, Form()]


@router.get("/team")
def team(view: ViewOf, site: SiteOf, asker: KnownOf, now: Now) -> Response:
    """The team, or how to get one, or why not yet."""
    return _page(view, site, asker, now)


@router.post("/team")
def founded(view: ViewOf, site: SiteOf, asker: KnownOf, now: Now, name: Written = "") -> Response:
    """Founds a team."""
    return view.form(
        lambda: found(site, asker, now, TeamName(name=name)),
        lambda: view.go(_HERE, "team-founded"),
        lambda told: _page(view, site, asker, now, told, "found", given={"name": name[:500]}),
    )


@router.post("/team/name")
def renamed(view: ViewOf, site: SiteOf, asker: KnownOf, now: Now, name: Written = "") -> Response:
    """Gives it another name."""
    return view.form(
        lambda: rename(site, asker, now, TeamName(name=name)),
        lambda: view.go(_HERE, "team-renamed"),
        lambda told: _page(view, site, asker, now, told, "rename", given={"name": name[:500]}),
    )


@router.post("/team/captain")
def handed_over(view: ViewOf, site: SiteOf, asker: KnownOf, now: Now, user_id: Written = "") -> Response:
    """Makes another member the captain."""
    return view.form(
        lambda: give_over(site, asker, now, NextCaptain.model_validate({"user_id": user_id})),
        lambda: view.go(_HERE, "captain-changed"),
        lambda told: _page(view, site, asker, now, told, "members"),
    )


@router.post("/team/members/{user_id}/remove")
def removed(view: ViewOf, site: SiteOf, asker: KnownOf, now: Now, user_id: Number) -> Response:
    """Lets a member go."""
    return view.form(
        lambda: remove(site, asker, now, user_id),
        lambda: view.go(_HERE, "member-removed"),
        lambda told: _page(view, site, asker, now, told, "members"),
    )


@router.post("/team/leave")
def left(view: ViewOf, site: SiteOf, asker: KnownOf, now: Now) -> Response:
    """Leaves it."""
    return view.form(
        lambda: leave(site, asker, now),
        lambda: view.go(_HERE, "team-left"),
        lambda told: _page(view, site, asker, now, told, "leave"),
    )


@router.post("/team/invitations")
def invited(view: ViewOf, site: SiteOf, asker: KnownOf, now: Now, email: Written = "") -> Response:
    """Invites somebody."""
    return view.form(
        lambda: invite_person(site, asker, now, Invited(email=email)),
        lambda: view.go(_HERE, "invited"),
        lambda told: _page(view, site, asker, now, told, "invite", given={"email": email[:320]}),
    )


@router.post("/team/invitations/{invitation_id}/withdraw")
def withdrawn(view: ViewOf, site: SiteOf, asker: KnownOf, now: Now, invitation_id: Number) -> Response:
    """Takes an invitation back."""
    return view.form(
        lambda: withdraw(site, asker, now, invitation_id),
        lambda: view.go(_HERE, "invitation-withdrawn"),
        lambda told: _page(view, site, asker, now, told, "invite"),
    )


def _page(
    view: View,
    site: Site,
    asker: Known,
    now: Now,
    told: Told | None = None,
    part: str = "",
    **values: Any,
) -> Response:
    """The page; ``part`` is which of its forms was refused."""
    lacks = _lacks(asker)
    has_team = asker.person.team_id is not None
    shown: dict[str, Any] = {
        "lacks": lacks,
        "team": my_team(site, asker) if has_team and lacks is None else None,
        "sent": sent_invitations(site, asker, now) if lacks is None else (),
        "invitations": my_invitations(site, asker, now) if not has_team else (),
        "error": told,
        "part": part,
    }
    status = told.status if told is not None else 403 if lacks is not None else 200
    return view.page("team", _HERE, status=status, **{**shown, **values})


def _lacks(asker: Known) -> Told | None:
    """What has to be done before somebody may be in a team; None if nothing."""
    try:
        check_participant(asker.person)
    except AccountError as error:
        return told_of(error)
    return None
