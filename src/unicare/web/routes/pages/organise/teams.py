"""Teams."""

from __future__ import annotations

from typing import Any

from fastapi import Response

from unicare.web.deps import Known, Now, OrganiserOf, SiteOf
from unicare.web.organise.teams import TeamState
from unicare.web.routes.api.asked import Number
from unicare.web.routes.api.organise import submissions
from unicare.web.routes.api.organise import teams as api
from unicare.web.routes.api.organise.asked import Because, Search
from unicare.web.routes.pages.organise.shown import PageOf, Written, chosen, page
from unicare.web.routes.pages.part import pages_part
from unicare.web.routes.pages.view import View, ViewOf
from unicare.web.routes.refused import Told
from unicare.web.site import Site

__all__ = ["router"]

router = pages_part("/organise")

_LIST = "/organise/teams"


@router.get("/teams")
def teams(
    view: ViewOf,
    site: SiteOf,
    asker: OrganiserOf,
    search: Search = "",
    state: str = "",
    page_number: PageOf = 1,
) -> Response:
    """All teams."""
    wanted = TeamState(state) if state in {one.value for one in TeamState} else None
    values: dict[str, Any] = {
        "facts": api.teams(site, asker, search, wanted, page_number),
        "states": list(TeamState),
        "asked": chosen(search=search, state=wanted),
    }
    return page(view, "teams", "teams", **values)


@router.get("/teams/{team_id}")
def team(view: ViewOf, site: SiteOf, asker: OrganiserOf, team_id: Number) -> Response:
    """One of them."""
    return _page(view, site, asker, team_id)


@router.post("/teams/{team_id}/disqualify")
def disqualified(
    view: ViewOf, site: SiteOf, asker: OrganiserOf, now: Now, team_id: Number, reason: Written = ""
) -> Response:
    """Takes a team off the boards."""
    return view.form(
        lambda: api.disqualified(site, asker, now, team_id, Because(reason=reason)),
        lambda: view.go(f"{_LIST}/{team_id}", "team-disqualified"),
        lambda told: _page(view, site, asker, team_id, told, {"reason": reason}),
    )


@router.post("/teams/{team_id}/reinstate")
def reinstated(
    view: ViewOf, site: SiteOf, asker: OrganiserOf, now: Now, team_id: Number, reason: Written = ""
) -> Response:
    """Puts a team back onto the boards."""
    return view.form(
        lambda: api.reinstated(site, asker, now, team_id, Because(reason=reason)),
        lambda: view.go(f"{_LIST}/{team_id}", "team-reinstated"),
        lambda told: _page(view, site, asker, team_id, told, {"reason": reason}),
    )


def _page(
    view: View,
    site: Site,
    asker: Known,
    team_id: int,
    told: Told | None = None,
    given: dict[str, str] | None = None,
) -> Response:
    values: dict[str, Any] = {
        "one": api.team(site, asker, team_id),
        "handed_in": submissions.submissions(site, asker, team=team_id),
        "phases": {one.name: one.title or one.name for one in site.challenge.phases},
        "tasks": {one.name: one.title for one in site.challenge.tasks},
        "given": given or {},
    }
    return page(view, "teams", "team", told, "boards", **values)
