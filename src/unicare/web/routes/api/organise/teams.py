"""Teams."""

from __future__ import annotations

from typing import Annotated

from fastapi import Query

from unicare.web.accounts.teams import disqualify_team, reinstate_team
from unicare.web.deps import Now, OrganiserOf, SiteOf
from unicare.web.organise.reason import check_reason
from unicare.web.organise.teams import TeamRecord, TeamsFacts, TeamState, list_teams, read_team
from unicare.web.routes.api.asked import Number
from unicare.web.routes.api.organise.asked import Because, PageNumber, Search
from unicare.web.routes.api.part import api_part
from unicare.web.routes.problems import problems

__all__ = ["InState", "disqualified", "reinstated", "router", "team", "teams"]

router = api_part("organise", "/organise")

InState = Annotated[TeamState | None, Query(description="Only these teams.")]


@router.get("/teams", responses=problems(401, 403, 422))
def teams(
    site: SiteOf, asker: OrganiserOf, search: Search = "", state: InState = None, page: PageNumber = 1
) -> TeamsFacts:
    """All teams, by name."""
    with site.database.reading() as session:
        return list_teams(session, search=search, state=state, page=page)


@router.get("/teams/{team_id}", responses=problems(401, 403, 404, 422))
def team(site: SiteOf, asker: OrganiserOf, team_id: Number) -> TeamRecord:
    """One of them, with its people and what it used of its quota."""
    with site.database.reading() as session:
        return read_team(session, site.challenge, team_id)


@router.post("/teams/{team_id}/disqualify", responses=problems(401, 403, 404, 422))
def disqualified(site: SiteOf, asker: OrganiserOf, now: Now, team_id: Number, body: Because) -> TeamRecord:
    """Takes a team off the boards that aren't frozen; it is told why, and can hand nothing in."""
    reason = check_reason(body.reason)
    site.database.transact(
        lambda session: disqualify_team(
            *(session, site.rules, asker.id, team_id, reason), now=now, address=asker.origin.address
        )
    )
    site.wake.ring()
    return team(site, asker, team_id)


@router.post("/teams/{team_id}/reinstate", responses=problems(401, 403, 404, 422))
def reinstated(site: SiteOf, asker: OrganiserOf, now: Now, team_id: Number, body: Because) -> TeamRecord:
    """Puts a team back onto the boards."""
    reason = check_reason(body.reason)
    site.database.transact(
        lambda session: reinstate_team(
            *(session, site.rules, asker.id, team_id), now=now, address=asker.origin.address, reason=reason
        )
    )
    site.wake.ring()
    return team(site, asker, team_id)
