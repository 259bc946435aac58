"""An invitation to a team, as its link shows it."""

from __future__ import annotations

from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import Form, Query, Response
from pydantic import SecretStr

from unicare.web.accounts.refusals import AccountError
from unicare.web.deps import KnownOf, Now, SiteOf
from unicare.web.routes.api.invitations import Invitation, Link, accept, decline, opened_invitation
from unicare.web.routes.pages.part import pages_part
from unicare.web.routes.pages.view import View, ViewOf
from unicare.web.routes.quiet import quiet
from unicare.web.routes.refused import Told, told_of
from unicare.web.site import Site

__all__ = ["router"]

router = pages_part()

_HERE = "/team"
_LONGEST_TOKEN = 200

Written = Annotated[str, Form()]


@router.get("/invitation")
def invitation(view: ViewOf, site: SiteOf, now: Now, token: Annotated[str, Query()] = "") -> Response:
    """Who invites to which team. To open it changes nothing."""
    return _page(view, site, now, token)


@router.post("/invitation/accept")
def accepted(
    view: ViewOf, site: SiteOf, asker: KnownOf, now: Now, token: Written = "", number: Written = ""
) -> Response:
    """Joins the team."""
    return view.form(
        lambda: accept(site, asker, now, _meant(token, number)),
        lambda: quiet(view.go("/team", "team-joined")),
        lambda told: _page(view, site, now, token, told),
    )


@router.post("/invitation/decline")
def declined(
    view: ViewOf, site: SiteOf, asker: KnownOf, now: Now, token: Written = "", number: Written = ""
) -> Response:
    """Says no."""
    return view.form(
        lambda: decline(site, asker, now, _meant(token, number)),
        lambda: quiet(view.go("/account", "invitation-declined")),
        lambda told: _page(view, site, now, token, told),
    )


def _meant(token: str, number: str) -> Invitation:
    """Which invitation a form means: that of a link, or one to the person's own address."""
    return Invitation.model_validate({"token": SecretStr(token)} if token else {"id": number or None})


def _page(view: View, site: Site, now: Now, token: str, told: Told | None = None) -> Response:
    found, void = None, told
    if token:
        try:
            found = opened_invitation(site, now, Link(token=SecretStr(token[:_LONGEST_TOKEN])))
        except AccountError as error:
            void = told_of(error)
    elif told is None:
        void = Told(404, "This link isn’t whole. Copy it from the mail once more.")
    shown: dict[str, Any] = {
        "invitation": found,
        "void": void if found is None else None,
        "error": told if found is not None else None,
        "token": token,
        "back": urlencode({"next": f"/invitation?{urlencode({'token': token})}"}),
    }
    status = told.status if told is not None else 200 if found is not None else 404
    return quiet(view.page("invitation", _HERE, status=status, **shown))
