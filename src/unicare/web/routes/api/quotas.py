"""What a team has left."""

from __future__ import annotations

from unicare.web.deps import Now, SiteOf, TeamMemberOf
from unicare.web.facts.submissions import QuotaFacts
from unicare.web.hand_in.quotas import quotas_of
from unicare.web.routes.api.part import api_part
from unicare.web.routes.problems import problems

__all__ = ["quotas", "router"]

router = api_part("submissions")


@router.get("/quotas", responses=problems(401, 403))
def quotas(site: SiteOf, asker: TeamMemberOf, now: Now) -> tuple[QuotaFacts, ...]:
    """For each phase and task what the own team has used and has left."""
    return quotas_of(site.working, asker.person, now)
